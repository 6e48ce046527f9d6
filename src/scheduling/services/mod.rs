//! What a patient can be booked for: how long it takes, and whom and what it needs.
//!
//! Skills stand in the form in which providers' specialties are compared, so that a service and a provider agree whatever
//! the spelling; one that nobody of the tenant has is refused when it is written. A service is never deleted: one that is
//! no longer offered becomes `inactive`.
//!
//! Trap: preparation and clean-up occupy the provider, the room and the devices, never the patient ([`Service::occupied`]).

mod model;
mod routes;
mod service;
mod store;

pub use model::{AppointmentType, NewService, Service};
pub use routes::router;
pub use service::{add_service, get, get_active, require_active};
