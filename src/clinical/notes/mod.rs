//! Notes: what a clinician writes about a patient, from the first draft to the signature and beyond.
//!
//! A note is four things: where it stands (`notes`), every text it ever had (`note_texts`), what was signed
//! (`note_entries`, a chain of hashes), and what the patient may read of it (`released_notes`, a copy). Texts and entries
//! are only ever added; the database refuses anything else, whoever asks.
//!
//! Invariants: what is signed is canonical JSON, hashed, and signed with the tenant's own key; each entry names the hash of
//! the one before it; a signed note shows the text of its last signed `original` or `correction`. A nurse writes and signs
//! nursing notes, whatever the server believes (a trigger says so too). A patient sees released notes only.
//!
//! Whoever is supervised signs nothing unseen: what he signs, on his own note or on another's, goes to his supervisor, and the
//! patient reads it only when that one has co-signed.
//!
//! Traps: everybody who may write a note may go on with its draft, but only its author signs, and names the text he has
//! read. A draft saved from a stale version is refused with 412 and its text is kept as `conflicted`: that refusal commits.
//! The chain can't tell that its newest entries were cut off: compare the last hash with `GET /notes/{id}/verify`.
//! The text of a note stands in the search table too ([`crate::search::put`]); whoever changes the one changes the other.

mod amendment_requests;
mod content;
mod cosignatures;
mod kinds;
mod model;
mod records;
mod references;
mod releases;
mod routes;
mod service;
mod signatures;
mod store;
mod store_found;
mod templates;
mod texts;

use platform::App;
use utoipa_axum::router::OpenApiRouter;

pub use amendment_requests::{AmendmentRequest, EntryAmendment};
pub(crate) use amendment_requests::{amendments_about, amendments_then};
pub use content::NoteContent;
pub use kinds::{CosignatureStatus, EntryKind, NoteStatus, NoteType};
pub use model::{NewNote, Note, NoteSummary};
pub use records::{Author, record_in_tx};
pub(crate) use releases::{released_found, released_matching};
pub use signatures::{Fault, NoteKey, SignedNote, Verification};
pub(crate) use store::find_in_tx;
pub(crate) use store_found::found;

/// Every operation on notes.
pub fn router() -> OpenApiRouter<App> {
    routes::router()
        .merge(texts::router())
        .merge(signatures::router())
        .merge(releases::router())
        .merge(cosignatures::router())
        .merge(templates::router())
        .merge(amendment_requests::router())
}
