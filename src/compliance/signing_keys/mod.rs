//! The public keys an organisation signs its records with: what anybody needs to check a signed note or an attestation, for
//! as long as there is one.
//!
//! Every key there ever was stays in the list, with the instant it was retired, and the instant from which it is known to have
//! been in other hands. A file that was exported before that became known does not say so; this list does.

mod model;
mod routes;
mod service;

pub use model::{SigningKey, SigningKeySet};
pub use routes::router;
