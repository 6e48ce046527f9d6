//! The access log: every touch of health information, durable before the information leaves.
//!
//! Writes carry their records in their own transaction ([`insert`]); reads share one group-committing [`AccessWriter`].
//! Records are keyed (a MAC each) when written and sealed a minute later ([`Sealer`]); [`verify`] finds what was tampered
//! with since.

mod by_system;
mod event;
mod manifest;
mod merkle;
mod seal;
mod seal_rows;
mod sealer;
pub mod security;
mod sink;
mod store;
pub mod verify;
mod writer;

pub use by_system::{By, by_system};
pub use event::{AccessRecord, Action, Outcome, Subject};
pub use seal::{Seal, SignedSeal};
pub use sealer::{Round, Sealer};
pub use security::{SecurityEvent, SecurityKind};
pub use sink::{FileSink, SealSink};
pub use store::insert;
pub use writer::AccessWriter;
