//! A provider vouches for a version: he has read this content, and says what of it.
//!
//! What is signed is a small JSON text that names tenant, document, version, the content's SHA-256, the provider, the time and
//! his statement; it is kept to the byte beside the Ed25519 signature and its public key, so that anybody can check it, with
//! the file in hand. Never changed; a second version needs a second attestation.

mod model;
mod routes;
mod service;
mod store;

pub use model::{Attestation, NewAttestation};
pub(super) use routes::router;
