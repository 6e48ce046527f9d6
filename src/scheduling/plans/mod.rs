//! Proposed schedules: what is wanted, placed as well as it can be, scored and explained; applied in whole, in part or never.
//!
//! A problem is made of the tenant's own week (`building`: working time, rooms and devices, less what is reserved) and handed
//! to the crate `planner`, which runs off the threads that answer requests. Nothing is reserved by a plan. What is applied goes
//! through the booking of appointments like any other, so the constraints of `app.reservations` check it again.
//!
//! Invariants: problem and plan name patients only by the keys of their requests, which are rows of those patients; who may
//! not see a patient sees a plan without him. Existing appointments move only where `move_existing` was said, and at a cost; one
//! for which no place is left is reported, never cancelled.
//!
//! Traps: all facilities of a plan are in one time zone, since the planner's days are days of a wall clock; only services
//! with a provider can be planned; a plan gets old, which only applying it finds out.

mod applying;
mod building;
mod change;
mod circles;
mod model;
mod model_plan;
mod replanning;
mod routes;
mod service;
mod solving;
mod store;
mod store_supply;
mod supply;
mod telling;
mod weights;

pub use model::{NewSchedulePlan, WantedVisit};
pub use model_plan::{SchedulePlan, SchedulePlanSummary};
pub use routes::router;
pub use weights::PlanWeights;
