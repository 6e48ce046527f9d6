//! The days of a provider, a room or a facility, as they hang on the wall.
//!
//! Appointments of patients the caller may see stand there with their patients, and each of these patients is recorded as
//! shown. Whatever else occupies the provider or the room is a busy block: when, and nothing more.
//!
//! Trap: a facility's days show the appointments the caller may see and the busy blocks of its rooms and devices; a provider's
//! other work there stands in the provider's own days.

mod model;
mod routes;
mod service;
mod store;

pub use routes::router;
