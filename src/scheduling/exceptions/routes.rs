//! HTTP of working time exceptions.

use kernel::Page;
use kernel::ids::AvailabilityId;
use platform::App;
use platform::access::Ctx;
use platform::http::{IfMatch, Json, MergePatch, Path, Query, Reply};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{ListTimeExceptions, NewTimeException, TimeException};
use super::service;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_time_exceptions, create_time_exception))
        .routes(routes!(get_time_exception, update_time_exception))
}

/// List time off and extra time
#[utoipa::path(get, path = "/api/v1/scheduling/time-exceptions", tag = "availability", params(ListTimeExceptions),
    responses((status = 200, body = Page<TimeException>, description = "A page. By the time they begin.")),
    extensions(("x-permission" = json!("working_time.read"))))]
async fn list_time_exceptions(
    ctx: Ctx,
    Query(query): Query<ListTimeExceptions>,
) -> Reply<Page<TimeException>> {
    Ok(service::list(&ctx, query).await?)
}

/// Add time off or extra time
///
/// A provider records his own time off; the front desk and admins everybody's, and extra time. Time off counts at every facility unless
/// one is named. Appointments booked in it stay.
#[utoipa::path(post, path = "/api/v1/scheduling/time-exceptions", tag = "availability", request_body = NewTimeException,
    responses((status = 201, body = TimeException, description = "Added")),
    extensions(("x-permission" = json!("time_off.record"))))]
async fn create_time_exception(
    ctx: Ctx,
    Json(new): Json<NewTimeException>,
) -> Reply<TimeException> {
    Ok(service::add(&ctx, new).await?)
}

/// Read time off or extra time
#[utoipa::path(get, path = "/api/v1/scheduling/time-exceptions/{exception_id}", tag = "availability",
    params(("exception_id" = AvailabilityId, Path, description = "The time off or extra time")),
    responses((status = 200, body = TimeException, description = "The time off or extra time")),
    extensions(("x-permission" = json!("working_time.read"))))]
async fn get_time_exception(ctx: Ctx, Path(id): Path<AvailabilityId>) -> Reply<TimeException> {
    Ok(service::read(&ctx, id).await?)
}

/// Change time off or extra time
///
/// Whose it is and what it is does not change; what was a mistake, or is not taken, becomes `withdrawn`.
#[utoipa::path(patch, path = "/api/v1/scheduling/time-exceptions/{exception_id}", tag = "availability",
    params(("exception_id" = AvailabilityId, Path, description = "The time off or extra time")),
    request_body(content = NewTimeException, content_type = "application/merge-patch+json"),
    responses((status = 200, body = TimeException, description = "Changed")),
    extensions(("x-permission" = json!("time_off.record"))))]
async fn update_time_exception(
    ctx: Ctx,
    Path(id): Path<AvailabilityId>,
    if_match: IfMatch,
    patch: MergePatch,
) -> Reply<TimeException> {
    Ok(service::change(&ctx, id, if_match, &patch).await?)
}
