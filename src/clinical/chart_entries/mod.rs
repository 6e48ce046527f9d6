//! What family and social history, goals, care plans and referrals have in common: the way a mistake is taken back, what
//! they may refer to, and how their codes are settled.
//!
//! Invariant: an entry is never deleted. One made in error says so, with the reason, and does not change any more.

mod model;
mod references;
mod store;

pub use model::{EntryStatus, ErrorReason};
pub(crate) use references::{check_encounter, check_provider, settle_all, settle_one};
