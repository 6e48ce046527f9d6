//! Clinical records: patients, who cares for them, and what happens to them.

pub mod care_teams;
pub mod documents;
pub mod encounters;
pub mod imported;
pub mod patients;

use platform::App;
use utoipa_axum::router::OpenApiRouter;

/// Every operation of the area.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(patients::router())
        .merge(care_teams::router())
        .merge(imported::router())
        .merge(encounters::router())
        .merge(documents::router())
}
