//! Versions of a document, and their content.
//!
//! Content leaves only from a version that is not in quarantine, in whole or in a range, after its access record is durable.
//! Read whole it is compared with its hash, and the last piece is held back until that fits.

mod routes;
mod service;
mod store;

pub(super) use routes::router;
pub(super) use service::add_received;
pub(crate) use service::{PatientFile, files_of_patient};
