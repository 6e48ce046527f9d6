//! The access log: every touch of health information, durable before the information leaves. And the evidence that it, and
//! the change history that the database's triggers write, are as they were written.
//!
//! Writes carry their records in their own transaction ([`insert`]); reads share one group-committing [`AccessWriter`].
//! Access records are keyed (a MAC each) when written; both logs are sealed a minute later ([`Sealer`]); [`verify`] finds
//! what was tampered with since.

mod acknowledgement;
mod by_system;
mod event;
mod log;
mod manifest;
mod merkle;
mod seal;
mod seal_records;
mod seal_rows;
mod sealer;
pub mod security;
mod sink;
mod store;
pub mod verify;
mod writer;

pub use acknowledgement::{Acknowledgement, Answer};
pub use by_system::{Occasion, by_system};
pub use event::{AccessRecord, Action, Outcome, Subject, Subjects};
pub use log::Log;
pub use seal::{Seal, SignedSeal};
pub use sealer::{Backlog, Round, Sealer, backlog};
pub use security::{SecurityEvent, SecurityKind};
pub use sink::{FileSink, SealSink};
pub use store::{insert, patient_of};
pub use writer::AccessWriter;
