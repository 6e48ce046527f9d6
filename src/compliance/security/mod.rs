//! What happened at the door, and who was busy lately.
//!
//! Attempts against accounts that do not exist name nobody; they count in the totals and are listed without a user.

mod model;
mod routes;
mod service;
mod store;

pub use model::{SecurityEntry, SecuritySummary, UserActivity};
pub use routes::router;
