//! HTTP of on call shifts.

use kernel::Page;
use kernel::ids::OnCallId;
use platform::App;
use platform::access::Ctx;
use platform::http::{IfMatch, Json, MergePatch, Path, Query, Reply};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{ListOnCallShifts, NewOnCallShift, OnCallShift};
use super::now::{self, AskOnCall, OnCallNow};
use super::service;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_on_call_shifts, create_on_call_shift))
        .routes(routes!(get_on_call_shift, update_on_call_shift))
        .routes(routes!(find_on_call))
}

/// List on call shifts
#[utoipa::path(get, path = "/api/v1/scheduling/on-call-shifts", tag = "availability", params(ListOnCallShifts),
    responses((status = 200, body = Page<OnCallShift>, description = "A page. By the time they begin.")),
    extensions(("x-permission" = json!("working_time.read"))))]
async fn list_on_call_shifts(
    ctx: Ctx,
    Query(query): Query<ListOnCallShifts>,
) -> Reply<Page<OnCallShift>> {
    Ok(service::list(&ctx, query).await?)
}

/// Add an on-call shift
///
/// While it lasts, emergencies may be booked with the provider outside his working time. Without a service, every emergency.
#[utoipa::path(post, path = "/api/v1/scheduling/on-call-shifts", tag = "availability", request_body = NewOnCallShift,
    responses((status = 201, body = OnCallShift, description = "Added")),
    extensions(("x-permission" = json!("availability.manage"))))]
async fn create_on_call_shift(ctx: Ctx, Json(new): Json<NewOnCallShift>) -> Reply<OnCallShift> {
    Ok(service::add(&ctx, new).await?)
}

/// Read an on-call shift
#[utoipa::path(get, path = "/api/v1/scheduling/on-call-shifts/{shift_id}", tag = "availability",
    params(("shift_id" = OnCallId, Path, description = "The on-call shift")),
    responses((status = 200, body = OnCallShift, description = "The on-call shift")),
    extensions(("x-permission" = json!("working_time.read"))))]
async fn get_on_call_shift(ctx: Ctx, Path(id): Path<OnCallId>) -> Reply<OnCallShift> {
    Ok(service::read(&ctx, id).await?)
}

/// Change an on-call shift
///
/// Who and where does not change; a mistake becomes `withdrawn`.
#[utoipa::path(patch, path = "/api/v1/scheduling/on-call-shifts/{shift_id}", tag = "availability",
    params(("shift_id" = OnCallId, Path, description = "The on-call shift")),
    request_body(content = NewOnCallShift, content_type = "application/merge-patch+json"),
    responses((status = 200, body = OnCallShift, description = "Changed")),
    extensions(("x-permission" = json!("availability.manage"))))]
async fn update_on_call_shift(
    ctx: Ctx,
    Path(id): Path<OnCallId>,
    if_match: IfMatch,
    patch: MergePatch,
) -> Reply<OnCallShift> {
    Ok(service::change(&ctx, id, if_match, &patch).await?)
}

/// Who is on call
///
/// At a facility, now or at a time, in the order in which to call. Who has time off is left out.
#[utoipa::path(get, path = "/api/v1/scheduling/on-call", tag = "availability", params(AskOnCall),
    responses((status = 200, body = OnCallNow, description = "Who is on call")),
    extensions(("x-permission" = json!("working_time.read"))))]
async fn find_on_call(ctx: Ctx, Query(query): Query<AskOnCall>) -> Reply<OnCallNow> {
    Ok(now::ask(&ctx, query).await?)
}
