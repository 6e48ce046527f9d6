//! Resources that came from elsewhere: shown as they came, for whoever reads FHIR, with the entry of the chart that was made
//! of each, or the reason why none was.
//!
//! An import writes them; here they are only released to the patient, and withheld. An entry says less than its resource, so
//! the resource stays.
//!
//! Invariant: what is a note or a result, or can't be told from them, and what is only thought of (`needs_release`, kept by the
//! database), is shown to the patient when a provider has released it, and no sooner. A state that comes later was not released.
//!
//! Trap: that a document was filed from a resource, and released, releases the document alone: the resource says more.

mod model;
mod routes;
mod service;
mod store;

pub use model::{ImportedResource, ImportedResourceSummary};
pub use routes::router;
pub(crate) use service::released_only;
pub(crate) use store::{KnownMedication, medications_in_tx, not_entered_in_tx};

/// FHIR's name of what becomes an allergy.
pub(crate) const ALLERGY: &str = "AllergyIntolerance";
