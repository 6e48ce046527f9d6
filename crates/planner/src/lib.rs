//! Places visits into clinic weeks. Pure: a problem goes in, a plan comes out; no clock but a stopwatch, no input, no output.
//!
//! Hard rules (who can, where, when, one visit at a time, the way between facilities, limits of work) are kept by construction: the search
//! only ever puts a visit on open time. Soft goals are weights the problem declares; the plan of least cost is sought,
//! by regret insertion, then ruin and recreate, guided by what time is worth (the prices of a relaxation). [`verify`] says the rules again, naively, from the
//! format alone, and trusts nothing of the search.
//!
//! Traps: times are minutes of a local day, never instants; a visit does not reach over midnight; a locked appointment
//! stands even where it breaks a rule. By [`Budget::Iterations`] the same seed gives the same plan; by time it need not.

mod bound;
mod check;
mod compile;
mod explain;
mod fill;
pub mod generate;
mod grid;
mod guide;
mod holes;
mod insert;
mod limits;
mod master;
mod mend;
mod model;
mod plan;
mod pools;
mod prices;
mod problem;
mod replan;
mod rng;
mod rules;
mod schedules;
mod search;
mod simplex;
mod solve;
mod tear;
mod verify;
mod week;
mod whole;

pub use check::{Fault, faults};
pub use plan::{Change, Goals, Placement, Plan, Reason, SearchReport, Unplaced};
pub use problem::{
    Asset, ByPriority, Current, Day, Interval, Limits, Most, OnCall, Priority, Problem, Provider,
    Request, Travel, Weights, Working,
};
pub use replan::{ChangeOfDay, Comparison, change, insert_one, replan, standing, what_if};
pub use search::Budget;
pub use solve::{Options, bound, solve};
pub use verify::{Violation, verify};
