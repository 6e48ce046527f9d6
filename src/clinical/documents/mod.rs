//! Documents: what is filed as a file, of a patient or about a provider.
//!
//! A document is a label (category, kind, title, day) over versions, and a version is a file that is never replaced. Its bytes
//! lie sealed in the object store under a key of their own; the row holds their size, hash and sealed key. An upload goes
//! straight through: read, hashed, sealed and stored piece by piece, in one request or in parts ([`uploads`]).
//!
//! Invariants: content is what its type says, or is refused; nothing is given out that a configured scanner has not found
//! clean; who may read follows from category, release and chart, in the table's policies as in the matrix; bytes leave only
//! after their access record is durable; what has outlived its retention is listed for review, and only a person destroys.
//!
//! Traps: a category never changes, because policies of several tables hang on it; the object is written before the row, so
//! its name is noted first, and a sweeper removes what never got its row. Text is extracted in a child process: a hostile file
//! costs a child. The text is health information and lies beside the notes, unsealed, for the search.

mod attestations;
mod days;
mod model;
mod owner;
mod past;
mod receive;
mod records;
mod retention;
mod routes;
mod service;
mod store;
mod store_days;
mod store_found;
mod store_past;
mod store_sealing;
mod text;
mod uploads;
mod versions;
mod work;
mod work_store;

use platform::App;
use utoipa_axum::router::OpenApiRouter;

pub use attestations::{Attestation, NewAttestation};
pub use days::{DAYS_JOB, MOVE_DAYS};
pub use model::{
    Category, Document, DocumentKind, DocumentStatus, DocumentVersion, NewDocument, Scan, TextState,
};
pub use records::{
    Origin, Reserved, Stored, discard, file_in_tx, renew_in_tx, reserve_in_tx, store_content,
    take_back_in_tx,
};
pub(crate) use store::find_in_tx;
pub(crate) use store_found::found;
pub use text::extract;

/// What of documents the tenant's data key seals, to be sealed anew after a new one.
pub const SEALED_KEYS: [platform::crypto::reseal::SealedColumn; 2] =
    [store_sealing::SEALED, uploads::SEALED];
pub(crate) use versions::{PatientFile, files_of_patient};
pub use work::{Lane, round, spawn, turn};

/// Every operation on documents.
pub fn router() -> OpenApiRouter<App> {
    routes::router()
        .merge(versions::router())
        .merge(uploads::router())
        .merge(attestations::router())
        .merge(retention::router())
}
