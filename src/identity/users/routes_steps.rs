//! HTTP of the steps that give or take access, and of accounts' sessions.

use kernel::Page;
use kernel::ids::{SessionId, UserId};
use platform::App;
use platform::access::Ctx;
use platform::http::{Json, NoBody, Path, Reply};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{RoleChange, User};
use super::steps::{self, Step};
use crate::sessions::Session;

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(change_user_role))
        .routes(routes!(suspend_user))
        .routes(routes!(reactivate_user))
        .routes(routes!(deactivate_user))
        .routes(routes!(retire_user))
        .routes(routes!(list_user_sessions, end_user_sessions))
        .routes(routes!(end_user_session))
}

/// Change the role of an account
///
/// Its sessions end. Refused with `own_account` for one's own, with `last_admin` for the last active admin.
#[utoipa::path(post, path = "/api/v1/users/{user_id}/role", tag = "users",
    params(("user_id" = UserId, Path, description = "The account")), request_body = RoleChange,
    responses((status = 200, body = User, description = "Changed")),
    extensions(("x-permission" = json!("user.manage"))))]
async fn change_user_role(
    ctx: Ctx,
    Path(id): Path<UserId>,
    Json(change): Json<RoleChange>,
) -> Reply<User> {
    Ok(steps::change_role(&ctx, id, change).await?)
}

/// Suspend an account
///
/// Its tokens stop working at once. Refused with `illegal_transition` unless it is active.
#[utoipa::path(post, path = "/api/v1/users/{user_id}/suspend", tag = "users",
    params(("user_id" = UserId, Path, description = "The account")),
    responses((status = 200, body = User, description = "Suspended")),
    extensions(("x-permission" = json!("user.manage"))))]
async fn suspend_user(ctx: Ctx, Path(id): Path<UserId>, _: NoBody) -> Reply<User> {
    Ok(steps::take(&ctx, id, Step::Suspend).await?)
}

/// Reactivate an account
#[utoipa::path(post, path = "/api/v1/users/{user_id}/reactivate", tag = "users",
    params(("user_id" = UserId, Path, description = "The account")),
    responses((status = 200, body = User, description = "Active again")),
    extensions(("x-permission" = json!("user.manage"))))]
async fn reactivate_user(ctx: Ctx, Path(id): Path<UserId>, _: NoBody) -> Reply<User> {
    Ok(steps::take(&ctx, id, Step::Reactivate).await?)
}

/// Deactivate an account
///
/// For whoever has left. Its tokens stop working at once.
#[utoipa::path(post, path = "/api/v1/users/{user_id}/deactivate", tag = "users",
    params(("user_id" = UserId, Path, description = "The account")),
    responses((status = 200, body = User, description = "Inactive")),
    extensions(("x-permission" = json!("user.manage"))))]
async fn deactivate_user(ctx: Ctx, Path(id): Path<UserId>, _: NoBody) -> Reply<User> {
    Ok(steps::take(&ctx, id, Step::Deactivate).await?)
}

/// Retire an account
///
/// It is not listed any more and can't come back; its e-mail frees up. History goes on naming it.
#[utoipa::path(post, path = "/api/v1/users/{user_id}/retire", tag = "users",
    params(("user_id" = UserId, Path, description = "The account")),
    responses((status = 204, description = "Retired")),
    extensions(("x-permission" = json!("user.manage"))))]
async fn retire_user(ctx: Ctx, Path(id): Path<UserId>, _: NoBody) -> Reply<()> {
    Ok(steps::retire(&ctx, id).await?)
}

/// List the live sessions of an account
#[utoipa::path(get, path = "/api/v1/users/{user_id}/sessions", tag = "users",
    params(("user_id" = UserId, Path, description = "The account")),
    responses((status = 200, body = Page<Session>, description = "The newest first")),
    extensions(("x-permission" = json!("user.read"))))]
async fn list_user_sessions(ctx: Ctx, Path(id): Path<UserId>) -> Reply<Page<Session>> {
    Ok(steps::sessions_of(&ctx, id).await?)
}

/// End all sessions of an account
#[utoipa::path(delete, path = "/api/v1/users/{user_id}/sessions", tag = "users",
    params(("user_id" = UserId, Path, description = "The account")),
    responses((status = 204, description = "Ended")),
    extensions(("x-permission" = json!("user.manage"))))]
async fn end_user_sessions(ctx: Ctx, Path(id): Path<UserId>) -> Reply<()> {
    Ok(steps::end_sessions(&ctx, id, None).await?)
}

/// End one session of an account
#[utoipa::path(delete, path = "/api/v1/users/{user_id}/sessions/{session_id}", tag = "users",
    params(("user_id" = UserId, Path, description = "The account"), ("session_id" = SessionId, Path, description = "The session")),
    responses((status = 204, description = "Ended")),
    extensions(("x-permission" = json!("user.manage"))))]
async fn end_user_session(ctx: Ctx, Path((id, session)): Path<(UserId, SessionId)>) -> Reply<()> {
    Ok(steps::end_sessions(&ctx, id, Some(session)).await?)
}
