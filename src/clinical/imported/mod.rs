//! Resources that came from elsewhere and have no table of their own yet: shown as they came, for whoever reads FHIR.
//!
//! An import writes them, nobody changes them here; a feature that absorbs a kind of them takes it over from the table.

mod model;
mod routes;
mod service;
mod store;

pub use model::{ImportedResource, ImportedResourceSummary};
pub use routes::router;
