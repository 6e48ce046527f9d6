//! Series: appointments that repeat.
//!
//! A series says on which days, by a rule, and at what time of the wall. Its occurrences are worked out when it is booked, and
//! each is an appointment of its own: when the clocks change under a series the wall time stays and the instant moves.
//!
//! Invariants: an occurrence is booked whole, by the same rules and the same constraint as any appointment; a series is booked
//! whole, or, where that was said, without the occurrences that conflict; two years and 200 occurrences are the most.
//!
//! Traps: the appointments are the truth, the series is what was agreed on. One that was moved alone says so by itself; its day
//! becomes an exception of the series. What is changed from one on is another series from there (`changes.rs`), so an id names
//! the part it was given for.

mod changes;
mod expand;
mod model;
mod occurrences;
mod routes;
mod service;
mod splitting;
mod store;

pub use model::{NewSeries, Occurrence, Series};
pub use routes::router;
