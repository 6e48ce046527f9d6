//! Care plans: what is to be done for a patient, about which problems, by whom, and how far it is.
//!
//! The activities are a part of the plan and change with it, by its version; goals stand on their own and may name it. Its
//! status follows `status.rs`.

mod model;
mod routes;
mod service;
mod status;
mod store;

pub use model::{ActivityStatus, CarePlan, NewCarePlan, PlanActivity};
pub use routes::router;
pub use service::{add_in_tx, revise_in_tx, stands, take_back_in_tx};
pub use status::CarePlanStatus;
