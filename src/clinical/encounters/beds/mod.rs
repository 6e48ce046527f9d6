//! Where a patient lies: stays in beds, one after the other without a gap.
//!
//! A move ends the present stay and begins the next at the same instant. That a bed has one patient, and a patient one
//! bed, is an exclusion constraint of the database; the loser of a race gets `bed_occupied`.
//!
//! The encounter's facility and department follow the bed, so that the work list of the ward shows who lies there.

mod model;
mod routes;
mod service;
mod store;

pub use model::{BedMove, BedStay, Discharge};
pub use routes::router;
pub(super) use service::{has_stays, leave, lies_since};
