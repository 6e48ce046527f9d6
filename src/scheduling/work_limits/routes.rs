//! HTTP of work limits.

use kernel::Page;
use kernel::ids::AvailabilityId;
use platform::App;
use platform::access::Ctx;
use platform::http::{IfMatch, Json, MergePatch, Path, Query, Reply};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{ListWorkLimits, NewWorkLimit, WorkLimit};
use super::service;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_work_limits, create_work_limit))
        .routes(routes!(get_work_limit, update_work_limit))
}

/// List work limits
#[utoipa::path(get, path = "/api/v1/scheduling/work-limits", tag = "availability", params(ListWorkLimits),
    responses((status = 200, body = Page<WorkLimit>, description = "A page. In the order in which they were made.")),
    extensions(("x-permission" = json!("working_time.read"))))]
async fn list_work_limits(ctx: Ctx, Query(query): Query<ListWorkLimits>) -> Reply<Page<WorkLimit>> {
    Ok(service::list(&ctx, query).await?)
}

/// Add limits of work
///
/// How much a provider may be booked; without a provider, everybody who has no limits of his own. Refused with `already_exists` while
/// such limits are in force.
#[utoipa::path(post, path = "/api/v1/scheduling/work-limits", tag = "availability", request_body = NewWorkLimit,
    responses((status = 201, body = WorkLimit, description = "Added")),
    extensions(("x-permission" = json!("availability.manage"))))]
async fn create_work_limit(ctx: Ctx, Json(new): Json<NewWorkLimit>) -> Reply<WorkLimit> {
    Ok(service::add(&ctx, new).await?)
}

/// Read limits of work
#[utoipa::path(get, path = "/api/v1/scheduling/work-limits/{limit_id}", tag = "availability",
    params(("limit_id" = AvailabilityId, Path, description = "The limit of work")),
    responses((status = 200, body = WorkLimit, description = "The limit of work")),
    extensions(("x-permission" = json!("working_time.read"))))]
async fn get_work_limit(ctx: Ctx, Path(id): Path<AvailabilityId>) -> Reply<WorkLimit> {
    Ok(service::read(&ctx, id).await?)
}

/// Change limits of work
///
/// Whose they are does not change; limits that no longer hold become `withdrawn`.
#[utoipa::path(patch, path = "/api/v1/scheduling/work-limits/{limit_id}", tag = "availability",
    params(("limit_id" = AvailabilityId, Path, description = "The limit of work")),
    request_body(content = NewWorkLimit, content_type = "application/merge-patch+json"),
    responses((status = 200, body = WorkLimit, description = "Changed")),
    extensions(("x-permission" = json!("availability.manage"))))]
async fn update_work_limit(
    ctx: Ctx,
    Path(id): Path<AvailabilityId>,
    if_match: IfMatch,
    patch: MergePatch,
) -> Reply<WorkLimit> {
    Ok(service::change(&ctx, id, if_match, &patch).await?)
}
