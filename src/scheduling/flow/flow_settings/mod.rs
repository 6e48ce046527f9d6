//! How a tenant wants it: quiet hours, calendars, offers, and the triage of the waitlist as data.
//!
//! A tenant that never said anything has the defaults, as version 1; the row is made by the first change.

mod model;
mod routes;
mod service;
mod store;

pub(crate) use model::is_flag;
pub use model::{ExtraReminder, FlowSettings, NewFlowSettings, PriorityPoints, TriageRules};
pub use routes::router;
pub use service::{current, set_in_tx};
