//! The chart: what somebody who opens a patient must see first, in one request and of one moment.
//!
//! Four statements in one snapshot: whether he may be seen, who it is, the sections, the vital signs. A section is what the
//! caller's role may read of its list (the permission of the list decides, in one table: [`sections`]), newest first, cut to
//! a few rows, with how many there are and where the rest is. `as_of` shows the same sections from the history.
//!
//! Invariants: a section the role may not read is absent, never empty; nothing is shown that its own list would not show.
//!
//! Traps: rows travel as the images of their rows, so each section is read by the same code as the history
//! ([`Remembered`](crate::entries::Remembered)); names of people are those of today and stand in no chart of the past.

mod model;
mod routes;
mod sections;
mod service;
mod store;

pub use model::{Chart, ChartDocument, ChartFlag, ChartHeader, ReleasedNoteSummary, Section};
pub use routes::router;
