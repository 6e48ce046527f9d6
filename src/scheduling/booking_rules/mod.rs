//! What patients may do themselves: how many appointments to come they may have, and until when they may cancel.
//!
//! One row a tenant; where there is none the defaults hold, as version 1.

mod model;
mod routes;
mod service;
mod store;

pub use model::{BookingRules, RulesInForce};
pub use routes::router;
pub use service::in_force;
