//! Integration tests: over HTTP, in process, as the runtime role, against a real PostgreSQL that the first test starts.
//!
//! A test is a tenant: it makes one, works in it, and is alone in it. Mirrors `src/`; `promises/` holds what must be true
//! of every table, operation and role, including those added tomorrow.

#![allow(
    clippy::too_many_lines,
    reason = "a test is one story, told to its end"
)]

mod access_lists;
mod audit;
mod clinical;
mod demo;
mod evidence;
mod identity;
mod interop;
mod interop_anew;
mod interop_bad_input;
mod interop_documents;
mod interop_elements;
mod interop_entries;
mod interop_follow;
mod interop_here;
mod interop_moved;
mod interop_said;
mod interop_told;
mod interop_withdrawn;
mod manners;
mod origins;
mod promises;
mod scheduling;
mod slips;
mod strictness;
mod support;
mod weather;
