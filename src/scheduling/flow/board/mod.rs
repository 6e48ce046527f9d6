//! The flow board: who is expected, who waits where and how long, who is with whom.
//!
//! [`live`] tells a client that something has changed, by ids alone; the client then reads the board, which is where anything
//! is disclosed and recorded. So a stream of events may be open for hours without a record for each, and shows nothing to
//! somebody who has lost his right meanwhile.
//!
//! Invariants: at each delivery the session must still live, and the caller be one who may see the patient; what nobody can
//! tell him by id he is not told at all.

mod live;
mod model;
mod routes;
mod service;
mod store;

pub use model::{Board, BoardCounts, BoardEntry, BoardState};
pub use routes::router;
