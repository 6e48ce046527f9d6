//! Full text: one table for all that can be searched, and one search over notes and documents.
//!
//! `@@` is not leakproof, so under row-level security no index would serve it. `app.matching_texts` searches its own tenant,
//! the caller's charts and what his role is shown, and gives ids; each feature then looks its own up under the caller's
//! policies, and only what is shown is recorded as accessed. A patient reads copies of his notes and not the notes: those few
//! are searched where they lie.
//!
//! A feature that has text of its own calls [`put`] whenever it changes, in the same transaction.

mod model;
mod query;
mod routes;
mod service;
mod store;

pub use model::{FoundDocument, FoundNote, FoundReleasedNote, SnippetPiece};
pub use routes::router;
pub use store::{SearchText, Source, put, remove_note};

pub(crate) use model::{MARKS, SearchTexts, pieces};
pub(crate) use store::{Place, Span};
