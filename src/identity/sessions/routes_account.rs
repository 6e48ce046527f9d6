//! HTTP of one's own account.

use std::sync::Arc;

use axum::Extension;
use platform::App;
use platform::access::Ctx;
use platform::http::{Json, Page, Reply};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{Me, PasswordChange};
use super::{own, password};
use crate::Identity;

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(get_me))
        .routes(routes!(change_my_password))
        .routes(routes!(get_set_password_page))
}

/// Read one's own account
///
/// It tells of the organisation, the session and the provider, too, so its `ETag` is none for `If-Match`: that is the `version`.
#[utoipa::path(get, path = "/api/v1/me", tag = "auth",
    responses((status = 200, body = Me, description = "Account, organisation and permissions")),
    extensions(("x-permission" = json!("profile.read"))))]
async fn get_me(ctx: Ctx) -> Reply<Me> {
    Ok(own::me(&ctx).await?)
}

/// Change one's own password
///
/// Needs the present one, and ends one's other sessions. `password_wrong` counts like a failed login;
/// `password_too_weak` says what is wrong with the new one.
#[utoipa::path(post, path = "/api/v1/me/password", tag = "auth", request_body = PasswordChange,
    responses((status = 204, description = "Changed")),
    extensions(("x-permission" = json!("profile.update"))))]
async fn change_my_password(
    ctx: Ctx,
    Extension(identity): Extension<Arc<Identity>>,
    Json(change): Json<PasswordChange>,
) -> Reply<()> {
    Ok(password::change(&ctx, &identity, change).await?)
}

/// The page behind a one-time link
///
/// Asks for a password and sends it with the link's token to POST /api/v1/auth/set-password.
#[utoipa::path(get, path = "/set-password", tag = "auth",
    responses((status = 200, body = String, content_type = "text/html", description = "A page for people")))]
async fn get_set_password_page() -> Page {
    Page {
        title: "Set your password",
        body: FORM,
        script: include_str!("set_password.js"),
    }
}

const FORM: &str = r#"<form>
  <p><label>New password<br><input name="password" type="password" autocomplete="new-password" required></label></p>
  <p><label>Once more<br><input name="again" type="password" autocomplete="new-password" required></label></p>
  <p><button>Set password</button></p>
</form>
"#;
