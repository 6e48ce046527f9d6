//! Who works in which department, from when to when.
//!
//! Under facility scope an open assignment lets its holder open the charts of everyone seen at the facility, so it begins
//! when it says and ends the moment somebody ends it. Periods are half open: at `valid_until` it is over.
//!
//! Invariants, kept by indexes: one open assignment a person and department, one open primary assignment a person. A new
//! primary assignment takes the mark from the one before.
//!
//! Traps: the facility is the department's, never the caller's word. An ended assignment stays: who could see what, when,
//! is a question an auditor asks.

mod model;
mod routes;
mod service;
mod store;

pub use model::{Assignment, NewAssignment};
pub(in crate::staff) use routes::router;
pub use service::assign;
