//! Days on which a facility, or the whole organisation, is closed.
//!
//! A holiday without a facility is kept by each one's own clock. It takes away working time, never extra time or on-call time:
//! who works on a holiday says so.

mod model;
mod routes;
mod service;
mod store;

pub use model::{Holiday, NewHoliday};
pub use routes::router;
