//! Calendar feeds over HTTP.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use kernel::Page;
use kernel::ids::CalendarFeedId;
use platform::App;
use platform::access::Ctx;
use platform::http::{Json, NoBody, Path, Problem, Query, Reply, RequestInfo};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{CalendarFeed, ListCalendarFeeds, NewCalendarFeed};
use super::{read, service};

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_calendar_feeds, open_calendar_feed))
        .routes(routes!(revoke_calendar_feed))
        .routes(routes!(read_calendar))
}

/// List calendar feeds
///
/// Newest first. A provider sees his own.
#[utoipa::path(get, path = "/api/v1/calendar-feeds", tag = "appointments", params(ListCalendarFeeds),
    responses((status = 200, body = Page<CalendarFeed>, description = "A page of feeds")),
    extensions(("x-permission" = json!("calendar_feed.read"))))]
async fn list_calendar_feeds(
    ctx: Ctx,
    Query(query): Query<ListCalendarFeeds>,
) -> Reply<Page<CalendarFeed>> {
    Ok(service::list(&ctx, query).await?)
}

/// Open a calendar feed
///
/// The answer has the `url` with its secret, once: a repeat with the same `Idempotency-Key` does not show it again.
#[utoipa::path(post, path = "/api/v1/calendar-feeds", tag = "appointments", request_body = NewCalendarFeed,
    responses((status = 201, body = CalendarFeed, description = "Opened")),
    extensions(("x-permission" = json!("calendar_feed.manage"))))]
async fn open_calendar_feed(ctx: Ctx, Json(new): Json<NewCalendarFeed>) -> Reply<CalendarFeed> {
    Ok(service::open(&ctx, new).await?)
}

/// Revoke a calendar feed
///
/// Whoever has its link reads nothing more.
#[utoipa::path(post, path = "/api/v1/calendar-feeds/{feed_id}/revoke", tag = "appointments",
    params(("feed_id" = CalendarFeedId, Path, description = "Which feed")),
    responses((status = 200, body = CalendarFeed, description = "Revoked")),
    extensions(("x-permission" = json!("calendar_feed.manage"))))]
async fn revoke_calendar_feed(
    ctx: Ctx,
    Path(id): Path<CalendarFeedId>,
    _: NoBody,
) -> Reply<CalendarFeed> {
    Ok(service::revoke(&ctx, id).await?)
}

/// Read a calendar
///
/// For calendar programs: no login, the secret in the link is the proof. From 30 days ago to 180 days ahead. It names no
/// patient; initials only where the organisation allows them. `If-None-Match` with the last `ETag` gets `304`.
#[utoipa::path(get, path = "/calendar/{file}", tag = "appointments",
    params(("file" = String, Path, description = "The secret of the feed, with `.ics`")),
    responses((status = 200, body = String, content_type = "text/calendar", description = "The calendar"),
              (status = 304, description = "As it was")))]
async fn read_calendar(
    State(app): State<App>,
    Extension(request): Extension<Arc<RequestInfo>>,
    Path(file): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let known = headers
        .get(header::IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok());
    let calendar = read::read(&app, &request, &file, known).await?;
    let manners = [
        (header::ETAG, calendar.etag),
        (header::CACHE_CONTROL, "private, no-cache".to_owned()),
    ];
    Ok(match calendar.text {
        None => (StatusCode::NOT_MODIFIED, manners).into_response(),
        Some(text) => (
            manners,
            [(header::CONTENT_TYPE, "text/calendar; charset=utf-8")],
            text,
        )
            .into_response(),
    })
}
