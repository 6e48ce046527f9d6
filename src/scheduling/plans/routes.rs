//! Plans over HTTP.

use kernel::Page;
use kernel::ids::SchedulePlanId;
use platform::App;
use platform::access::Ctx;
use platform::http::{IfMatch, Json, MergePatch, Path, Query, Reply};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{ApplyPlan, NewSchedulePlan, Replan};
use super::model_plan::{ListSchedulePlans, SchedulePlan, SchedulePlanSummary};
use super::weights::{self, NewPlanWeights, PlanWeights};
use super::{applying, replanning, service};

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_schedule_plans, make_schedule_plan))
        .routes(routes!(get_schedule_plan))
        .routes(routes!(apply_schedule_plan))
        .routes(routes!(replan_schedule_plan))
        .routes(routes!(get_plan_weights, update_plan_weights))
}

/// List proposed schedules
///
/// The newest first.
#[utoipa::path(get, path = "/api/v1/scheduling/plans", tag = "schedule plans", params(ListSchedulePlans),
    responses((status = 200, body = Page<SchedulePlanSummary>, description = "A page of plans")),
    extensions(("x-permission" = json!("schedule_plan.read"))))]
async fn list_schedule_plans(
    ctx: Ctx,
    Query(query): Query<ListSchedulePlans>,
) -> Reply<Page<SchedulePlanSummary>> {
    Ok(service::list(&ctx, query).await?)
}

/// Propose a schedule
///
/// Places the requests into the working time, rooms and devices of the facilities, less what is reserved; scored by the tenant's
/// weights and explained. Nothing is booked.
#[utoipa::path(post, path = "/api/v1/scheduling/plans", tag = "schedule plans", request_body = NewSchedulePlan,
    responses((status = 201, body = SchedulePlan, description = "Proposed")),
    extensions(("x-permission" = json!("schedule_plan.make"))))]
async fn make_schedule_plan(ctx: Ctx, Json(new): Json<NewSchedulePlan>) -> Reply<SchedulePlan> {
    Ok(service::make(&ctx, new).await?)
}

/// Read a proposed schedule
#[utoipa::path(get, path = "/api/v1/scheduling/plans/{plan_id}", tag = "schedule plans",
    params(("plan_id" = SchedulePlanId, Path, description = "The plan")),
    responses((status = 200, body = SchedulePlan, description = "The plan")),
    extensions(("x-permission" = json!("schedule_plan.read"))))]
async fn get_schedule_plan(ctx: Ctx, Path(id): Path<SchedulePlanId>) -> Reply<SchedulePlan> {
    Ok(service::read(&ctx, id).await?)
}

/// Book what a schedule proposes
///
/// All of it, or some requests. Each is checked again as any booking is; one that can't be booked any more is `refused` with the
/// code of its problem and leaves the others, or, with `all_or_nothing`, is answered with `plan_not_applied` and nothing is
/// booked.
#[utoipa::path(post, path = "/api/v1/scheduling/plans/{plan_id}/apply", tag = "schedule plans",
    params(("plan_id" = SchedulePlanId, Path, description = "The plan")), request_body = ApplyPlan,
    responses((status = 200, body = SchedulePlan, description = "The plan, and what became of each request")),
    extensions(("x-permission" = json!("schedule_plan.apply"))))]
async fn apply_schedule_plan(
    ctx: Ctx,
    Path(id): Path<SchedulePlanId>,
    Json(what): Json<ApplyPlan>,
) -> Reply<SchedulePlan> {
    Ok(applying::apply(&ctx, id, what).await?)
}

/// Propose a schedule anew
///
/// After somebody is away, a room is closed, urgent visits or a surge come in. What stands in the appointment book and in the
/// plan stays where it can: moving, handing over and giving up have their weights. Nothing is booked; a change that is only
/// tried is a plan that is never applied.
#[utoipa::path(post, path = "/api/v1/scheduling/plans/{plan_id}/replan", tag = "schedule plans",
    params(("plan_id" = SchedulePlanId, Path, description = "The plan before")), request_body = Replan,
    responses((status = 201, body = SchedulePlan, description = "A new plan, compared with the one before")),
    extensions(("x-permission" = json!("schedule_plan.make"))))]
async fn replan_schedule_plan(
    ctx: Ctx,
    Path(id): Path<SchedulePlanId>,
    Json(what): Json<Replan>,
) -> Reply<SchedulePlan> {
    Ok(replanning::replan(&ctx, id, what).await?)
}

/// Read what plans are worth
#[utoipa::path(get, path = "/api/v1/scheduling/plan-weights", tag = "schedule plans",
    responses((status = 200, body = PlanWeights, description = "The weights of the soft goals")),
    extensions(("x-permission" = json!("scheduling.catalogue"))))]
async fn get_plan_weights(ctx: Ctx) -> Reply<PlanWeights> {
    Ok(weights::read(&ctx).await?)
}

/// Change what plans are worth
#[utoipa::path(patch, path = "/api/v1/scheduling/plan-weights", tag = "schedule plans",
    request_body(content = NewPlanWeights, content_type = "application/merge-patch+json"),
    responses((status = 200, body = PlanWeights, description = "Changed")),
    extensions(("x-permission" = json!("scheduling.manage"))))]
async fn update_plan_weights(ctx: Ctx, if_match: IfMatch, patch: MergePatch) -> Reply<PlanWeights> {
    Ok(weights::change(&ctx, if_match, &patch).await?)
}
