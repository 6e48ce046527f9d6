//! Who takes part in an encounter besides the attending provider.
//!
//! A provider, or a nurse or assistant by his account. Taking part puts him on the patient's care team until thirty days
//! after the scheduled start: the database sees to that.

mod model;
mod routes;
mod service;
mod store;

pub use model::{NewParticipant, Participant, ParticipantRole};
pub use routes::router;
