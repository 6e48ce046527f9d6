//! The days of a provider, a room or a facility, as they hang on the wall.
//!
//! Appointments of patients the caller may see stand there with their patients, and each of these patients is recorded as
//! shown. Whatever else occupies the provider or the room is a busy block: when, and nothing more. Around them stand the hours that
//! are worked, and what takes time away or adds some, with its reason: whoever may look here may read working time, too.
//!
//! Trap: in a facility's days a busy block is whatever else occupies one of its rooms and devices, or a provider who has
//! working time there, wherever that is: as in the provider's own days, he can't be had then.

mod blocks;
mod model;
mod routes;
mod service;
mod store;
mod store_blocks;

pub use routes::router;
