//! Co-signatures: a note of a nurse or trainee that needs one goes to its supervisor's queue when its author signs it.
//!
//! Who needs one is said in two ways: by a supervision, which an admin keeps and which wins, or by the author, who names a
//! supervisor in the draft. The supervisor consents with a signed entry of his own, or returns the note with a reason; what
//! the author then signs, an addendum or a correction, brings it to the queue again. So does whatever else a supervised person
//! signs, on whosever note: it may wait for more than one, and is co-signed when all of them have consented.
//!
//! Trap: a supervisor must be able to open the chart, or his queue would be empty: being asked puts him on the patient's
//! care team for thirty days.

mod model;
mod routes;
mod service;
mod store;

pub(super) use routes::router;
pub(super) use service::{ask_about_entry, request, standing, supervisor_of};
