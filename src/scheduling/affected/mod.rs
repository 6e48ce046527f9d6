//! Appointments that lie outside of what is available now: agreed on, and then somebody took time off, a room was closed, a
//! holiday declared, a patient died, a provider gave up a specialty.
//!
//! Nobody is moved or cancelled by that: whoever said it is told how many it concerns ([`count`]), and the list says which and
//! why, so that they are moved, planned anew (`plans`), or left as they are. It is reckoned as free time is, by the same
//! calendar, so what could be booked now is not affected; and when it is asked, so what was put right has gone from it.
//!
//! Invariants: appointments that are still to come and stand (`scheduled`, `confirmed`), nothing else; those of patients whom
//! the caller may not see are counted, and nothing else is said of them.
//!
//! Trap: limits of work are no part of it. A day that became too long has no one appointment that is to blame.

mod model;
mod reckoning;
mod routes;
mod service;
mod store;

pub use model::{AffectedAppointment, AffectedAppointments, AffectedReason, AffectedWhat};
pub(crate) use reckoning::{Scope, count};
pub use routes::router;
