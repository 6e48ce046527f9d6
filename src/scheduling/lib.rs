//! Scheduling: who can be booked when, and what is booked.
//!
//! Free time is computed, never stored: working time less `app.reservations`, whose exclusion constraints make a double
//! booking impossible whoever writes (0017_scheduling.sql).

pub mod assets;
pub mod services;

use platform::App;
use utoipa_axum::router::OpenApiRouter;

/// Every operation of the area.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(services::router())
        .merge(assets::router())
}
