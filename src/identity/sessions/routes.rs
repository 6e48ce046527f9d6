//! HTTP of the door.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use kernel::ids::SessionId;
use kernel::{Error, Page};
use platform::App;
use platform::access::Ctx;
use platform::http::{Answer, Json, NoQuery, Path, Reply, RequestInfo};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{Jwks, Login, PasswordChoice, Refresh, Session, SessionTokens};
use super::{login, own, password, refresh};
use crate::Identity;

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(create_login))
        .routes(routes!(refresh_login))
        .routes(routes!(end_login))
        .routes(routes!(list_sessions))
        .routes(routes!(end_session))
        .routes(routes!(set_password))
        .routes(routes!(get_jwks))
}

/// Log in
///
/// Unknown organisation, unknown account, wrong password, suspended, locked: the answer is the same, and so is the time
/// it takes. After five failures in a row an account is locked for a minute, then twice as long each time.
#[utoipa::path(post, path = "/api/v1/auth/login", tag = "auth", request_body = Login,
    responses((status = 200, body = SessionTokens, description = "A session"),
              (status = 401, description = "`credentials_invalid`", body = platform::http::ProblemDocument, content_type = "application/problem+json")))]
async fn create_login(
    State(app): State<App>,
    Extension(identity): Extension<Arc<Identity>>,
    Extension(request): Extension<Arc<RequestInfo>>,
    _: NoQuery,
    Json(proof): Json<Login>,
) -> Reply<SessionTokens> {
    Ok(login::login(app, identity, request, proof).await?)
}

/// Refresh a session
///
/// The refresh token works once; the answer has the next. A second use of one ends the session.
#[utoipa::path(post, path = "/api/v1/auth/refresh", tag = "auth", request_body = Refresh,
    responses((status = 200, body = SessionTokens, description = "The next pair of tokens"),
              (status = 401, description = "`refresh_invalid`", body = platform::http::ProblemDocument, content_type = "application/problem+json")))]
async fn refresh_login(
    State(app): State<App>,
    Extension(identity): Extension<Arc<Identity>>,
    Extension(request): Extension<Arc<RequestInfo>>,
    _: NoQuery,
    Json(token): Json<Refresh>,
) -> Reply<SessionTokens> {
    Ok(refresh::refresh(&app, &identity, &request, &token).await?)
}

/// Log out
///
/// The session ends; its tokens stop working at once.
#[utoipa::path(post, path = "/api/v1/auth/logout", tag = "auth",
    responses((status = 204, description = "Logged out")),
    extensions(("x-permission" = json!("profile.update"))))]
async fn end_login(ctx: Ctx) -> Reply<()> {
    Ok(own::logout(&ctx).await?)
}

/// List one's own live sessions
#[utoipa::path(get, path = "/api/v1/auth/sessions", tag = "auth",
    responses((status = 200, body = Page<Session>, description = "The newest first")),
    extensions(("x-permission" = json!("profile.read"))))]
async fn list_sessions(ctx: Ctx) -> Reply<Page<Session>> {
    Ok(own::list(&ctx).await?)
}

/// End one of one's own sessions
#[utoipa::path(delete, path = "/api/v1/auth/sessions/{session_id}", tag = "auth",
    params(("session_id" = SessionId, Path, description = "The session")),
    responses((status = 204, description = "Ended")),
    extensions(("x-permission" = json!("profile.update"))))]
async fn end_session(ctx: Ctx, Path(session): Path<SessionId>) -> Reply<()> {
    Ok(own::revoke(&ctx, session).await?)
}

/// Set a password with a one-time token
///
/// The token of an invitation or a reset works once. Every session of the account ends.
#[utoipa::path(post, path = "/api/v1/auth/set-password", tag = "auth", request_body = PasswordChoice,
    responses((status = 204, description = "Set; log in with it")))]
async fn set_password(
    State(app): State<App>,
    Extension(identity): Extension<Arc<Identity>>,
    Extension(request): Extension<Arc<RequestInfo>>,
    _: NoQuery,
    Json(choice): Json<PasswordChoice>,
) -> Reply<()> {
    Ok(password::set(&app, &identity, &request, choice).await?)
}

/// The keys that verify access tokens
#[utoipa::path(get, path = "/.well-known/jwks.json", tag = "auth",
    responses((status = 200, body = Jwks, description = "A JSON Web Key Set")))]
async fn get_jwks(Extension(identity): Extension<Arc<Identity>>) -> Reply<Jwks> {
    let keys: Jwks =
        serde_json::from_value(identity.keys().current().jwks()).map_err(Error::internal)?;
    Ok(Answer::plain(&keys)?)
}
