//! Scheduling: who can be booked when, and what is booked.
//!
//! Free time is computed, never stored: working time less `app.reservations`, whose exclusion constraints make a double
//! booking impossible whoever writes (0010_scheduling.sql).

pub mod affected;
pub mod appointments;
pub mod assets;
pub mod availability;
pub mod booking_rules;
pub mod capacity;
mod deadlock;
pub mod exceptions;
mod flow;
pub mod forecasts;
pub mod holidays;
mod horizon;
pub mod local_time;
pub mod nightly;
pub mod no_shows;
pub mod on_call;
mod party;
pub mod plans;
mod ranges;
mod recurrence;
mod resource;
pub mod schedule;
pub mod series;
pub mod services;
pub mod wall;
pub mod work_limits;
pub mod working_times;

pub use flow::{board, calendar, flow_settings, jobs, reminders, waitlist};
pub use resource::Standing;

use platform::App;
use utoipa_axum::router::OpenApiRouter;

/// Every operation of the area.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(services::router())
        .merge(assets::router())
        .merge(appointments::router())
        .merge(booking_rules::router())
        .merge(series::router())
        .merge(schedule::router())
        .merge(affected::router())
        .merge(working_times::router())
        .merge(exceptions::router())
        .merge(holidays::router())
        .merge(on_call::router())
        .merge(work_limits::router())
        .merge(availability::router())
        .merge(flow::router())
        .merge(capacity::router())
        .merge(forecasts::router())
        .merge(no_shows::router())
        .merge(plans::router())
}
