//! Resources that came from elsewhere: shown as they came, for whoever reads FHIR, with the entry of the chart that was made
//! of each, or the reason why none was.
//!
//! An import writes them, nobody changes them here. An entry says less than its resource, so the resource stays.

mod model;
mod routes;
mod service;
mod store;

pub use model::{ImportedResource, ImportedResourceSummary};
pub use routes::router;
