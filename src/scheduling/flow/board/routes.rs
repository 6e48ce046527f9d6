//! The board over HTTP.

use std::convert::Infallible;

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use kernel::Page;
use platform::App;
use platform::access::Ctx;
use platform::http::{Problem, Query, Reply};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::live::{self, Told};
use super::model::{Board, BoardEntry, ListNotEnded, WhichBoard};
use super::service;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(get_board))
        .routes(routes!(stream_board_events))
        .routes(routes!(list_visits_not_ended))
}

/// Who waits where, and how long
///
/// Today's visits, on each facility's own wall clock, and whoever else is in the house, by where they stand; of the patients the
/// caller may see.
#[utoipa::path(get, path = "/api/v1/scheduling/board", tag = "flow board", params(WhichBoard),
    responses((status = 200, body = Board, description = "The board")),
    extensions(("x-problems" = json!(["404"])), ("x-permission" = json!("board.read"))))]
async fn get_board(ctx: Ctx, Query(which): Query<WhichBoard>) -> Reply<Board> {
    Ok(service::read(&ctx, &which).await?)
}

/// Visits that nobody has ended
///
/// The work list of what was forgotten: checked in or started, and neither completed nor missed four hours after the planned end
/// (or after he was put into a room or the visit began, if that is later); the oldest first, of whatever day. From then on their
/// rooms are free for others.
#[utoipa::path(get, path = "/api/v1/scheduling/visits-not-ended", tag = "flow board", params(ListNotEnded),
    responses((status = 200, body = Page<BoardEntry>, description = "A page of visits")),
    extensions(("x-problems" = json!(["404"])), ("x-permission" = json!("board.read"))))]
async fn list_visits_not_ended(
    ctx: Ctx,
    Query(query): Query<ListNotEnded>,
) -> Reply<Page<BoardEntry>> {
    Ok(service::not_ended(&ctx, query).await?)
}

/// Hear when the board changes
///
/// Server-sent events: `changed` with `{"facility_id", "appointment_id"}` says that an appointment has changed, `reload` that
/// some may have been missed; then read the board. A comment comes every 15 seconds. The stream ends when the session does or
/// the access token runs out: connect again with a fresh token and `Last-Event-ID`. Five streams an account.
#[utoipa::path(get, path = "/api/v1/scheduling/board/events", tag = "flow board",
    params(WhichBoard, ("Last-Event-ID" = Option<String>, Header, description = "The last event heard")),
    responses((status = 200, body = String, content_type = "text/event-stream", description = "Events")),
    extensions(("x-permission" = json!("board.read"))))]
async fn stream_board_events(
    ctx: Ctx,
    Query(which): Query<WhichBoard>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let token = text("authorization")
        .and_then(|value| value.split_once(' '))
        .map_or("", |(_, token)| token.trim());
    let stream = live::open(&ctx, &which, token, text("last-event-id")).await?;
    drop(ctx);
    let events = stream::unfold(stream, |mut stream| async move {
        let told = stream.next().await?;
        Some((Ok::<_, Infallible>(event(&told)), stream))
    });
    let mut response = Sse::new(events).into_response();
    // A proxy that gathers an answer before it passes it on would gather for hours.
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

fn event(told: &Told) -> Event {
    match told {
        Told::Open => Event::default()
            .comment("open")
            .retry(std::time::Duration::from_secs(2)),
        Told::Alive => Event::default().comment("alive"),
        Told::Reload => Event::default().event("reload").data("{}"),
        Told::Changed {
            number,
            facility,
            appointment,
        } => Event::default().id(number).event("changed").data(format!(
            r#"{{"facility_id":"{facility}","appointment_id":"{appointment}"}}"#
        )),
    }
}
