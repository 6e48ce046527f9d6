//! What differs from working time: time off, and extra time.
//!
//! A provider records his own time off; the front desk everybody's. Time off counts at every facility unless one is named.
//! Extra time is at one, and counts on a holiday, too.
//!
//! Trap: time off does not cancel what is booked in it.

mod model;
mod routes;
mod service;
mod store;

pub(crate) use model::check_period;
pub use model::{Effect, ExceptionKind, NewTimeException, TimeException};
pub use routes::router;
