//! Capacity: how far people, rooms and equipment of a facility are used, when one gets an appointment, and how long one waited.
//!
//! Utilisation is arithmetic on working time and reservations. What became of appointments is counted in the database, past the
//! policies that would show a nurse only her own patients' (`app.appointment_counts`), and comes out as numbers.
//!
//! Traps: time that is held counts as taken while the hold lasts. A room without hours is open day and night, so little of it
//! is used; give it hours.

mod model;
mod routes;
mod service;
mod store;

pub use model::Capacity;
pub use routes::router;
