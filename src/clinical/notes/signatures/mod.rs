//! Signatures: the chain of signed entries behind a note.
//!
//! An entry's payload is canonical JSON (RFC 8785). Its SHA-256 hash is signed with the tenant's own Ed25519 key, and stands
//! in the payload of the next entry: nothing before the newest entry can be changed, left out or put in between without
//! breaking a hash, and no hash can be made anew without the key. `chain.rs` says what a payload is, `verify.rs` checks a
//! chain; both are pure, so that a file checks the same on a machine without a database.
//!
//! Traps: a chain that ends early is a valid chain. The note counts its entries and names the last hash, and `shown.rs` compares;
//! of a file, compare its last hash with the one the server tells.

mod chain;
mod model;
mod routes;
mod service;
mod shown;
mod store;
mod verify;

pub(super) use chain::Body;
pub(super) use routes::router;
pub(super) use service::{Signatory, add_entry, append, append_by};
pub(super) use store::{added_text, entries, last};
pub use verify::{Fault, NoteKey, SignedNote, Verification};
