//! Family history: what is known of the health of a patient's relatives, one entry a relative.
//!
//! Invariants: that nothing is known is an entry with the extent `health_unknown` and no conditions; an entry is never
//! deleted; its codes are settled when they are written, and a later version of a code system changes none of them.
//!
//! Traps: `completed` without conditions says that the relative is well; a missing entry says nothing.

mod model;
mod routes;
mod service;
mod store;

pub use model::{
    FamilyHistory, FamilyHistoryExtent, FamilyRelationship, NewFamilyHistory, RelativeCondition,
};
pub use routes::router;
