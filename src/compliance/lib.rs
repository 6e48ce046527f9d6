//! Who looked, what changed, what happened at the door: the records an organisation answers for.

pub mod access_log;
pub mod change_log;
pub mod security;
pub mod signing_keys;

use platform::App;
use utoipa_axum::router::OpenApiRouter;

/// Every route of the area.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(access_log::router())
        .merge(change_log::router())
        .merge(security::router())
        .merge(signing_keys::router())
}
