//! Who people are: tenants and their places, accounts, sessions, and the staff with its credentials.
//!
//! [`Identity`] turns a bearer token into a caller; everything else is features in the usual manner.

mod access_token;
pub mod facilities;
mod identity;
mod listener;
mod lockout;
pub mod passwords;
mod refresh_token;
mod remembered;
pub mod sessions;
pub mod staff;
pub mod tenants;
pub mod users;

pub use identity::Identity;

use platform::App;
use utoipa_axum::router::OpenApiRouter;

/// Every route of the area. They need `Extension<Arc<Identity>>`, which the server adds.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(sessions::router())
        .merge(tenants::router())
        .merge(facilities::router())
        .merge(users::router())
        .merge(staff::router())
}
