//! What flows around appointments: reminders, calendars, the waitlist, the board.
//!
//! Nobody who books has to think of it. The database notes what an appointment's change is followed by (0019, trigger
//! `appointments_follow`), as jobs of the same transaction and as notices.

mod links;
mod quiet;
mod wall;

pub mod board;
pub mod calendar;
pub mod flow_settings;
pub mod reminders;
mod routes_visit;
pub mod waitlist;

use crate::forecasts;
use platform::App;
use platform::jobs::Handlers;
use utoipa_axum::router::OpenApiRouter;

pub(crate) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(flow_settings::router())
        .merge(reminders::router())
        .merge(calendar::router())
        .merge(board::router())
        .merge(waitlist::router())
        .merge(routes_visit::router())
}

/// Who does the area's jobs.
pub fn jobs() -> Handlers {
    forecasts::jobs(waitlist::jobs(reminders::jobs(Handlers::default())))
}
