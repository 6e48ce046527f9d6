//! Every text a note ever had: saved, corrected, or lost to somebody who was faster. Numbered within the note, and only ever
//! added to; any two can be compared.
//!
//! Trap: the number of a text is not the version of the note. A version counts every change of the row, a number only texts.

mod diff;
mod model;
mod routes;
mod service;
mod store;

pub(super) use model::{NoteHeader, TextKind};
pub(super) use routes::router;
pub(super) use store::{add, as_of_version, content, keep_conflicted};
