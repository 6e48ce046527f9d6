//! Uploads in parts: told of, sent from an offset on, resumed where they broke off, completed.
//!
//! Each part is an object of its own, sealed with its own key; completing reads them in order and writes the one object of the
//! version, whose type, size and hash must then be as told. A part that breaks off is kept as far as it came.
//!
//! Every upload, also one in a single piece, is noted before its first byte is stored ([`note`]) and settled with its row
//! ([`settle`]): what never is, the sweeper removes after a day.
//!
//! What an account sends is counted before it is stored, and has a limit ([`quota`]): the store is everybody's.
//!
//! Traps: an upload belongs to who began it, nobody else finds it. Two requests that send the same part race for the offset;
//! the second gets `offset_mismatch`, and its object is removed.

mod model;
mod quota;
mod routes;
mod service;
mod store;
mod store_sealing;

pub(in crate::documents) use quota::{Coming, size_of};
pub(super) use routes::router;
pub(super) use service::{note, settle};
pub(in crate::documents) use store_sealing::SEALED;
