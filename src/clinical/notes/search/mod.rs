//! Full text: one table for all that can be searched, notes and documents alike, and the search over notes.
//!
//! `@@` is not leakproof, so under row-level security no index would serve it. `app.matching_texts` searches its own tenant
//! and the caller's charts and gives ids; the notes are then looked up under the caller's policies, and only those that are
//! shown are recorded as accessed.
//!
//! A feature that has text of its own calls [`put`] whenever it changes, in the same transaction.

mod model;
mod query;
mod routes;
mod service;
mod store;

pub(super) use routes::router;
pub use store::{Kind, SearchText, put, remove};
