//! Procedures done to a patient, here or elsewhere, planned or past.
//!
//! A procedure has one code of CPT, HCPCS, SNOMED CT or ICD-10-PCS. When it was done is either a period with its time of day or
//! a date that may be no more than a year. What is done on an encounter is a coding there: billing reads that, and neither
//! outcome nor complications nor notes (`codings`, kept by a trigger).
//!
//! Traps: a status changes along `status.rs` only; the performers are value objects of the procedure, so a provider who is
//! named stays named after he has left.

mod codings;
mod model;
mod routes;
mod service;
mod status;
mod store;
mod store_codings;

pub use codings::ProcedureCoding;
pub use model::{
    BodySite, Complication, Laterality, NewProcedure, Outcome, Performer, PerformerFunction,
    Procedure, ProcedureSystem,
};
pub use routes::router;
pub use service::{add_in_tx, revise_in_tx, take_back_in_tx};
pub use status::ProcedureStatus;
