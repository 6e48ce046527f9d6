//! Capacity: how far people, rooms and equipment of a facility are used, when one gets an appointment, and how long one waited.
//!
//! Utilisation is arithmetic on working time and on what is reserved at the facility, of whoever worked there then, though he has
//! left. It is read as the system, and what became of appointments is counted in the database past the policies
//! (`app.appointment_counts`), since a nurse is shown only her own patients' appointments; both come out as numbers.
//!
//! Traps: time that is held counts as taken while the hold lasts. A room without hours is open day and night, so little of it
//! is used; give it hours.

mod model;
mod routes;
mod service;
mod store;

pub use model::Capacity;
pub use routes::router;
