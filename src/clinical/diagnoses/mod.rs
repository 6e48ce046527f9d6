//! Diagnoses coded on an encounter: what it was about, in the order of importance, as billing reads it.
//!
//! Invariants: among the live ones of an encounter a rank stands once, 1 being the principal, and so does a code. A diagnosis
//! may be promoted to the problem list, once; where the list has an open problem with its code, it is linked to that one.
//!
//! Traps: an encounter that did not take place has no diagnoses, and one that is to come has them only where it is planned for
//! them; one that is completed can still be coded. A code must be good on the day of the encounter, not today.

mod model;
mod routes;
mod service;
mod store;

pub use model::{Diagnosis, NewDiagnosis, PresentOnAdmission};
pub use routes::router;
pub use service::{add_in_tx, take_back_in_tx};
