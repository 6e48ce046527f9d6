//! The whole record of one person, to be taken out: every row that belongs to him, and his files, in a zip.
//!
//! Which tables those are is read from the foreign keys, so that a table made tomorrow is exported tomorrow. Rows are those the
//! caller's own policies show him, without the columns his role is not shown, as lines of JSON; files are opened on their way.
//! The rows are gathered in a spool first and then go out: however long the record, a few pieces of it are in memory.
//!
//! Invariants: the access record (action `export`) is durable before the first byte; rows are those of one snapshot; sealed
//! values and keys never leave.
//!
//! Traps: whoever reads takes his time, so nothing he reads from may hold a transaction ([`turns`]); an answer that breaks
//! off is a zip without its end, which no program takes for a whole one.

mod archive;
mod routes;
mod service;
mod store;
mod turns;

pub use routes::router;
