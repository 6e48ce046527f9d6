//! Certifications of a provider: boards, life support, and what else somebody attests to him.
//!
//! Unlike a licence, a certification may have no end, and nobody's numbers are unique across issuers.

mod model;
mod routes;
mod service;
mod store;

pub use model::{Certification, NewCertification};
pub(in crate::staff) use routes::router;
pub use service::insert_certification;
