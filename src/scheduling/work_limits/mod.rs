//! How much a provider may be booked: minutes of a day and of a week, and the rest between shifts.
//!
//! A provider's own limits take the place of everybody's, all three of them. Days and weeks (from Monday) are those of the
//! facility's wall; what is counted is the time he is occupied, preparation and clean-up included.

mod model;
mod routes;
mod service;
mod store;

pub use model::{NewWorkLimit, WorkLimit};
pub use routes::router;
