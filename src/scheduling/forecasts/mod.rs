//! Expected demand of a facility, a department or a service, held against what there is room for.
//!
//! What is counted: appointments that were not cancelled or moved, by the local day they were for; encounters where a
//! department is asked about, or where a tenant has too few appointments yet. The crate `forecast` does the rest. Whoever asks
//! gets the counts of the whole tenant, read by the system, because a number of visits tells of nobody; no row is shown.
//!
//! Invariants: a forecast is kept with the test it stood and never changed; the naive line is in every answer; where no method
//! beats it, it is the forecast, and `note` says so.
//!
//! Trap: the counting and the arithmetic (up to a second) happen between two transactions, not within one.

mod counting;
mod making;
mod model;
mod nightly;
mod routes;
mod service;
mod store;
mod store_counts;

pub use model::{Forecast, ForecastPoint, ForecastSummary, NewForecast};
pub use nightly::make_nightly;
pub(crate) use nightly::{jobs, see_to_missing};
pub use routes::router;
