//! What the entries of a record have in common: whom they are about, the encounter they came from, how a mistake is taken
//! back, and how they changed.
//!
//! Invariant: an entry is never deleted. One made in error says so, with the reason, and does not change any more.

mod as_of;
mod codes;
mod history;
mod mistake;
mod references;
mod store;

pub use as_of::AsOfQuery;
pub(crate) use as_of::{NoQuery, Remembered, read_as_of};
pub(crate) use codes::{
    ConditionCodes, Exactness, code_condition, code_named, code_one, code_part,
};
pub use history::{ChangeOfEntry, EntryChange, EntryHistoryQuery};
pub(crate) use history::{Entry, history};
pub use mistake::Mistake;
pub(crate) use references::{
    check_encounter, check_not_before_birth, check_provider, require_encounter, require_person,
};
