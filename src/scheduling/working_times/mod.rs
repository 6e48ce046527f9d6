//! Working time: who works when, by the wall clock of a facility.
//!
//! A rule is of a provider, another member of the staff, a room or a device; or of none of them, and then it tells the opening
//! hours of the facility. A provider without a rule does not work. A room or device without one follows the opening hours, and
//! where there are none it can be used at any time.
//!
//! Traps: hours that end at or before they begin end the day after; `00:00` to `00:00` is a whole day. A rule that ends gets
//! `valid_until`, its last day; nothing is deleted.

mod model;
mod routes;
mod service;
mod store;

pub(crate) use model::check_day;
pub use model::{NewWorkingTime, Weekday, WorkingTime};
pub use routes::router;
pub use service::add_in_tx;
