//! The access log: every touch of health information, durable before the information leaves.
//!
//! Writes carry their records in their own transaction ([`insert`]); reads share one group-committing [`AccessWriter`].
//! Records are keyed (a MAC each) when written and sealed a minute later ([`seal`]); [`verify`] finds what was tampered
//! with since.

mod event;
pub mod security;
mod store;
mod writer;

pub use event::{AccessRecord, Action, Outcome, Subject};
pub use security::{SecurityEvent, SecurityKind};
pub use store::insert;
pub use writer::AccessWriter;
