//! The problem list of a patient.
//!
//! A problem has an ICD-10-CM code, a SNOMED CT code or both (one that was imported may have words alone), and stands on the list
//! once while it is open, that is not resolved, refuted or entered in error. It is `active`, `chronic` or `in_remission`, and ends by being resolved; one that
//! comes back is reactivated, so that its first onset is kept.
//!
//! Traps: dates may be a year or a month; a status changes by a patch among the open ones, but resolving and reactivating
//! are steps of their own; the code decides the name unless one was given.

mod model;
mod routes;
mod service;
mod status;
mod store;

pub use model::{FoundElsewhere, NewProblem, Problem, ProblemSeverity, ProblemVerification};
pub use routes::router;
pub use service::{
    add_in_tx, enter_in_tx, open_in_tx, open_with_code_in_tx, revise_in_tx, take_back_in_tx,
};
pub use status::ProblemStatus;
