//! Who opened whose chart.
//!
//! An administrator reads the organisation's log or one chart's; a patient reads who opened his own. Reading the log is
//! an access like any other and is recorded against every patient it names.
//!
//! Trap: the log is never rewritten, so what happened to a registration before it was merged away stands under that one's id; a
//! chart's log is read with the registrations whose merge into it stands.
//!
//! Traps: a patient learns names and roles of who opened his chart, never addresses, sessions or refused attempts; he may
//! not read accounts, so the names come from a function that gives out those in his own chart's log and no others.

mod model;
mod routes;
mod service;
mod store;

pub use model::{AccessEntry, OwnAccessEntry};
pub use routes::router;
