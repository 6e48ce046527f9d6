//! Scheduling: who can be booked when, and what is booked.
//!
//! Free time is computed, never stored: working time less `app.reservations`, whose exclusion constraints make a double
//! booking impossible whoever writes (0017_scheduling.sql).

mod secrets;
mod wall;

pub mod board;
pub mod calendar;
pub mod flow_settings;
pub mod reminders;
pub mod assets;
pub mod services;

use platform::App;
use platform::jobs::Handlers;
use utoipa_axum::router::OpenApiRouter;

/// Every operation of the area.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(flow_settings::router())
        .merge(reminders::router())
        .merge(calendar::router())
        .merge(board::router())
}

/// Who does the area's jobs.
pub fn jobs() -> Handlers {
    reminders::jobs(Handlers::default())
        .merge(services::router())
        .merge(assets::router())
}
