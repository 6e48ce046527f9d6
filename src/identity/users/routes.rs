//! HTTP of accounts.

use kernel::Page;
use kernel::ids::UserId;
use platform::App;
use platform::access::Ctx;
use platform::http::{IfMatch, Json, MergePatch, NoBody, Path, Query, Reply};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{InvitedUser, ListUsers, NewUser, OneTimeLink, User, UserProfile};
use super::{links, service};

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_users, create_user))
        .routes(routes!(get_user, update_user))
        .routes(routes!(invite_user))
        .routes(routes!(reset_user_password))
}

/// List accounts
#[utoipa::path(get, path = "/api/v1/users", tag = "users", params(ListUsers),
    responses((status = 200, body = Page<User>, description = "A page, by family name")),
    extensions(("x-permission" = json!("user.read"))))]
async fn list_users(ctx: Ctx, Query(query): Query<ListUsers>) -> Reply<Page<User>> {
    Ok(service::list(&ctx, query).await?)
}

/// Make an account
///
/// The answer has a link for its owner to set a password, shown once, that works once and for three days. Refused with
/// `email_taken` while another account has the e-mail.
#[utoipa::path(post, path = "/api/v1/users", tag = "users", request_body = NewUser,
    responses((status = 201, body = InvitedUser, description = "Made")),
    extensions(("x-permission" = json!("user.manage"))))]
async fn create_user(ctx: Ctx, Json(new): Json<NewUser>) -> Reply<InvitedUser> {
    Ok(service::add(&ctx, new).await?)
}

/// Read an account
#[utoipa::path(get, path = "/api/v1/users/{user_id}", tag = "users",
    params(("user_id" = UserId, Path, description = "The account")),
    responses((status = 200, body = User, description = "The account")),
    extensions(("x-permission" = json!("user.read"))))]
async fn get_user(ctx: Ctx, Path(id): Path<UserId>) -> Reply<User> {
    Ok(service::read(&ctx, id).await?)
}

/// Change names, phone or picture of an account
#[utoipa::path(patch, path = "/api/v1/users/{user_id}", tag = "users",
    params(("user_id" = UserId, Path, description = "The account")),
    request_body(content = UserProfile, content_type = "application/merge-patch+json"),
    responses((status = 200, body = User, description = "Changed")),
    extensions(("x-permission" = json!("user.manage"))))]
async fn update_user(
    ctx: Ctx,
    Path(id): Path<UserId>,
    if_match: IfMatch,
    patch: MergePatch,
) -> Reply<User> {
    Ok(service::change(&ctx, id, if_match, &patch).await?)
}

/// Invite the owner of a new account again
///
/// Answers with a link, shown once, that works once and for three days; links given before stop working. Refused with
/// `illegal_transition` when the account has a password or is not active.
#[utoipa::path(post, path = "/api/v1/users/{user_id}/invite", tag = "users",
    params(("user_id" = UserId, Path, description = "The account")),
    responses((status = 200, body = OneTimeLink, description = "The link to hand over")),
    extensions(("x-permission" = json!("user.manage"))))]
async fn invite_user(ctx: Ctx, Path(id): Path<UserId>, _: NoBody) -> Reply<OneTimeLink> {
    Ok(links::invite(&ctx, id).await?)
}

/// Reset the password of an account
///
/// The password stops working and the sessions end at once. Answers with a link, shown once, that works once and for a
/// day. Refused with `own_account` for one's own.
#[utoipa::path(post, path = "/api/v1/users/{user_id}/reset-password", tag = "users",
    params(("user_id" = UserId, Path, description = "The account")),
    responses((status = 200, body = OneTimeLink, description = "The link to hand over")),
    extensions(("x-permission" = json!("user.manage"))))]
async fn reset_user_password(ctx: Ctx, Path(id): Path<UserId>, _: NoBody) -> Reply<OneTimeLink> {
    Ok(links::reset(&ctx, id).await?)
}
