//! A patient's requests to have his record amended (45 CFR 164.526).
//!
//! He asks about a note that was released to him, or about another entry he can read. Within sixty days, once extended by
//! thirty, a provider accepts, and signs what is added to the note, or denies on one of the four bases the rule knows, with a
//! reason. After a denial the patient may file a statement of disagreement. Nothing of it is ever removed, and it goes with the
//! note or entry wherever that is shown: to who treats, to the patient, and in the signed file (164.526(d)(4)).
//!
//! Trap: an acceptance is an entry of the note's chain, signed by the provider who decides, who need not be its author.

mod model;
mod routes;
mod service;
mod store;

pub use model::{AmendmentRequest, EntryAmendment};
pub(super) use routes::router;
pub(super) use service::about_note_then;
pub(crate) use service::amendments_then;
pub(super) use store::about_note;
pub(crate) use store::amendments_about;
