//! Clinical records: patients, who cares for them, and what happens to them.

pub mod alerts;
pub mod care_teams;
pub mod encounters;
pub mod imported;
pub mod patients;
pub mod vitals;

use platform::App;
use utoipa_axum::router::OpenApiRouter;

/// Every operation of the area.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(patients::router())
        .merge(care_teams::router())
        .merge(imported::router())
        .merge(encounters::router())
        .merge(vitals::router())
        .merge(alerts::router())
}
