//! Everything that happened to a patient, in one order of time.
//!
//! A page is the newest of what each kind brings: every kind is read from its own index, no further than the page is long.
//! An event is a pointer with a line of text; what it points to is read where it lives.
//!
//! With `as_of` it is told from the history, as the chart and the lists are.
//!
//! Traps: what is known by its day, month or year stands at the beginning of it; a kind the role may not read is left out.

mod model;
mod routes;
mod service;
mod store;
mod store_past;

pub use model::{TimelineEvent, TimelineKind};
pub use routes::router;
