//! Expected demand with honest intervals, and the chance that somebody does not come. Pure: counts go in, numbers come out;
//! no clock, no input, no output.
//!
//! Demand ([`forecast`]): days that are known beforehand to be unlike others (holidays) are taken out and put back with what
//! they did before; what is left is forecast by exponential smoothing and by MSTL; rolling origins over the history say
//! which does best, and how far off it usually is. The seasonal naive line ("as a week ago") is always there, and is what
//! is used where nothing beats it. Intervals are conformal: quantiles of the errors the method made, no assumed distribution.
//!
//! No-shows ([`no_show`]): a logistic regression on what an appointment's row says of itself and of earlier ones of the same
//! patient, never on who the patient is.
//!
//! Traps: a method is chosen on the history alone, so on the history it looks a little better than it is; fewer than eight
//! weeks leave hardly any origins; a day without a count is a day with nothing, so cut the days before a clinic opened.

mod backtest;
mod calendar;
mod decompose;
mod demand;
mod effects;
mod intervals;
mod methods;
mod naive;
pub mod no_show;
mod numbers;
mod profile;
mod search;
mod series;
mod smoothing;
mod staffing;

pub use backtest::{Backtest, Score, mase, scale};
pub use calendar::{Calendar, us_holidays};
pub use demand::{Forecast, Options, Point, Refused, forecast};
pub use methods::Method;
pub use profile::HourlyProfile;
pub use series::Series;
pub use staffing::{Alert, Level, Need, alert, staff_needed};

/// Days of the cycle that clinics live in.
pub const WEEK: usize = 7;
