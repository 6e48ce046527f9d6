//! HTTP of working times.

use kernel::Page;
use kernel::ids::AvailabilityId;
use platform::App;
use platform::access::Ctx;
use platform::http::{IfMatch, Json, MergePatch, Path, Query, Reply};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{ListWorkingTimes, NewWorkingTime, WorkingTime};
use super::service;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_working_times, create_working_time))
        .routes(routes!(get_working_time, update_working_time))
}

/// List working times
#[utoipa::path(get, path = "/api/v1/scheduling/working-times", tag = "availability", params(ListWorkingTimes),
    responses((status = 200, body = Page<WorkingTime>, description = "A page. In the order in which they were made.")),
    extensions(("x-permission" = json!("working_time.read"))))]
async fn list_working_times(
    ctx: Ctx,
    Query(query): Query<ListWorkingTimes>,
) -> Reply<Page<WorkingTime>> {
    Ok(service::list(&ctx, query).await?)
}

/// Add a rule of working time
///
/// On weekdays, or on the days of an RRULE that begins on `valid_from`; hours are those of the facility's wall clock, and hours that
/// end at or before they begin end the day after. Without a provider, a member of staff or a room or device, they are the opening hours
/// of the facility.
#[utoipa::path(post, path = "/api/v1/scheduling/working-times", tag = "availability", request_body = NewWorkingTime,
    responses((status = 201, body = WorkingTime, description = "Added")),
    extensions(("x-permission" = json!("availability.manage"))))]
async fn create_working_time(ctx: Ctx, Json(new): Json<NewWorkingTime>) -> Reply<WorkingTime> {
    Ok(service::add(&ctx, new).await?)
}

/// Read a rule of working time
#[utoipa::path(get, path = "/api/v1/scheduling/working-times/{working_time_id}", tag = "availability",
    params(("working_time_id" = AvailabilityId, Path, description = "The working time")),
    responses((status = 200, body = WorkingTime, description = "The working time")),
    extensions(("x-permission" = json!("working_time.read"))))]
async fn get_working_time(ctx: Ctx, Path(id): Path<AvailabilityId>) -> Reply<WorkingTime> {
    Ok(service::read(&ctx, id).await?)
}

/// Change a rule of working time
///
/// Whose it is and where does not change. What ends gets `valid_until`; a mistake becomes `withdrawn`. Appointments booked in it stay.
#[utoipa::path(patch, path = "/api/v1/scheduling/working-times/{working_time_id}", tag = "availability",
    params(("working_time_id" = AvailabilityId, Path, description = "The working time")),
    request_body(content = NewWorkingTime, content_type = "application/merge-patch+json"),
    responses((status = 200, body = WorkingTime, description = "Changed")),
    extensions(("x-permission" = json!("availability.manage"))))]
async fn update_working_time(
    ctx: Ctx,
    Path(id): Path<AvailabilityId>,
    if_match: IfMatch,
    patch: MergePatch,
) -> Reply<WorkingTime> {
    Ok(service::change(&ctx, id, if_match, &patch).await?)
}
