//! Immunizations of a patient: doses given here, doses told of, doses not given and why; and which are due.
//!
//! A dose is a CVX code and the day. One given here has lot, expiry and who gave it; one told of may have no more than a year.
//! The schedule (`schedule.rs`, over the facts of `schedule.json`) is derived each time it is asked for, never stored.
//!
//! Traps: the same vaccine on the same day is one dose, whoever tells of it; a dose of an expired lot is recorded, because it
//! was given, and does not count; who refused is still due.

mod dose;
mod model;
mod routes;
mod schedule;
mod series;
mod service;
mod status;
mod store;

pub use dose::DoseQuantity;
pub use model::{
    DoseSource, DoseStatus, Immunization, InjectionSite, NewImmunization, NotGivenReason, Route,
    VaccineInformation,
};
pub use routes::router;
pub use schedule::{DoseCounted, InvalidDose, NextDose, SeriesState, SeriesStatus};
pub use service::{add_in_tx, given_in_tx, revise_in_tx, take_back_in_tx};
pub(crate) use status::status_of;
pub use status::{ImmunizationStatus, status_in_tx};
