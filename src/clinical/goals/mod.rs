//! Goals: what a patient and his carers want to reach, by when, and how near it is.
//!
//! A goal may be a part of a care plan of the same patient. Its status follows `status.rs`; its achievement is amended like
//! any other field, because it goes up and down.
//!
//! Trap: a goal that is only proposed is not the patient's to read, nor is one that was dropped before it was more (`decided`, which
//! the database keeps). So of care plans.

mod model;
mod routes;
mod service;
mod status;
mod store;

pub use model::{Goal, GoalAchievement, GoalComparison, GoalPriority, GoalTarget, NewGoal};
pub use routes::router;
pub use service::{
    add_in_tx, add_rejected_in_tx, join_plan_in_tx, plan_in_tx, revise_in_tx, take_back_in_tx,
};
pub use status::GoalStatus;
