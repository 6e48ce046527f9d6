//! What the entries of a record have in common: whom they are about, the encounter they came from, how a mistake is taken
//! back, and how they changed.
//!
//! Invariant: an entry is never deleted. One made in error says so, with the reason, and does not change any more.

mod amended;
mod as_of;
mod codes;
mod history;
mod lists;
mod mistake;
mod references;
mod store;

pub use amended::Amended;
pub(crate) use amended::{
    amended, amended_page, amended_page_then, list_amended_as_of, read_amended_as_of, show_amended,
};
pub use as_of::{AsOfQuery, read_row_as_of};
pub(crate) use as_of::{
    Remembered, as_it_stood, image_as_of, read_as_of, require_then, states_as_of,
};
pub(crate) use codes::{
    ConditionCodes, Exactness, code_condition, code_named, code_one, code_part, settle_all,
    settle_one,
};
pub use history::{ChangeOfEntry, EntryChange, EntryHistoryQuery};
pub(crate) use history::{Entry, history};
pub(crate) use lists::{Then, disclose_list, disclose_one, list_as_of, page_as_of};
pub use mistake::{EntryStatus, Mistake};
pub(crate) use references::{
    check_encounter, check_not_before_birth, check_provider, require_encounter, require_person,
};
pub(crate) use store::open_chart;
