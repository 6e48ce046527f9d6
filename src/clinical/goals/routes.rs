//! Goals over HTTP.

use kernel::Page;
use kernel::ids::{GoalId, PatientId};
use platform::App;
use platform::access::Ctx;
use platform::http::{IfMatch, Json, MergePatch, Path, Query, Reply};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{Goal, GoalStep, ListGoals, NewGoal};
use super::service;
use crate::entries::{self, Amended, AsOfQuery, Mistake};

type AmendedGoal = Amended<Goal>;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_goals, create_goal))
        .routes(routes!(get_goal, update_goal))
        .routes(routes!(change_goal_status))
        .routes(routes!(take_back_goal))
}

/// List a patient's goals
///
/// Newest first.
#[utoipa::path(get, path = "/api/v1/patients/{patient_id}/goals", tag = "care plans",
    params(("patient_id" = PatientId, Path, description = "The patient"), ListGoals),
    responses((status = 200, body = Page<AmendedGoal>, description = "A page of them")),
    extensions(("x-permission" = json!("care_plan.read"))))]
async fn list_goals(
    ctx: Ctx,
    Path(patient): Path<PatientId>,
    Query(query): Query<ListGoals>,
) -> Reply<Page<AmendedGoal>> {
    Ok(service::list(&ctx, patient, query).await?)
}

/// Set a goal
///
/// It begins as `proposed`.
#[utoipa::path(post, path = "/api/v1/patients/{patient_id}/goals", tag = "care plans",
    params(("patient_id" = PatientId, Path, description = "The patient")), request_body = NewGoal,
    responses((status = 201, body = Goal, description = "Recorded")),
    extensions(("x-permission" = json!("care_plan.write"))))]
async fn create_goal(
    ctx: Ctx,
    Path(patient): Path<PatientId>,
    Json(new): Json<NewGoal>,
) -> Reply<Goal> {
    Ok(service::record(&ctx, patient, new).await?)
}

/// Read a goal
#[utoipa::path(get, path = "/api/v1/patients/{patient_id}/goals/{goal_id}", tag = "care plans",
    params(("patient_id" = PatientId, Path, description = "The patient"), ("goal_id" = GoalId, Path, description = "Which goal"), AsOfQuery),
    responses((status = 200, body = AmendedGoal, description = "The goal")),
    extensions(("x-permission" = json!("care_plan.read"))))]
async fn get_goal(
    ctx: Ctx,
    Path((patient, id)): Path<(PatientId, GoalId)>,
    Query(query): Query<AsOfQuery>,
) -> Reply<AmendedGoal> {
    if let Some(then) = query.as_of {
        return Ok(entries::read_amended_as_of(&ctx, patient, id.0, then).await?);
    }
    Ok(service::read(&ctx, patient, id).await?)
}

/// Amend a goal
///
/// A list is replaced whole: send what is to stay.
#[utoipa::path(patch, path = "/api/v1/patients/{patient_id}/goals/{goal_id}", tag = "care plans",
    params(("patient_id" = PatientId, Path, description = "The patient"), ("goal_id" = GoalId, Path, description = "Which goal")),
    request_body(content = NewGoal, content_type = "application/merge-patch+json"),
    responses((status = 200, body = Goal, description = "Amended")),
    extensions(("x-permission" = json!("care_plan.write"))))]
async fn update_goal(
    ctx: Ctx,
    Path((patient, id)): Path<(PatientId, GoalId)>,
    if_match: IfMatch,
    patch: MergePatch,
) -> Reply<Goal> {
    Ok(service::amend(&ctx, patient, id, if_match, &patch).await?)
}

/// Change the status of a goal
///
/// A step that does not lead on is refused with `illegal_transition`, naming those that do.
#[utoipa::path(post, path = "/api/v1/patients/{patient_id}/goals/{goal_id}/status", tag = "care plans",
    params(("patient_id" = PatientId, Path, description = "The patient"), ("goal_id" = GoalId, Path, description = "Which goal")), request_body = GoalStep,
    responses((status = 200, body = Goal, description = "Changed")),
    extensions(("x-permission" = json!("care_plan.write"))))]
async fn change_goal_status(
    ctx: Ctx,
    Path((patient, id)): Path<(PatientId, GoalId)>,
    Json(body): Json<GoalStep>,
) -> Reply<Goal> {
    Ok(service::step(&ctx, patient, id, body).await?)
}

/// Take back a goal
///
/// Made in error: it stays to be seen, with the reason, and does not change any more.
#[utoipa::path(post, path = "/api/v1/patients/{patient_id}/goals/{goal_id}/entered-in-error", tag = "care plans",
    params(("patient_id" = PatientId, Path, description = "The patient"), ("goal_id" = GoalId, Path, description = "Which goal")), request_body = Mistake,
    responses((status = 200, body = Goal, description = "Taken back")),
    extensions(("x-permission" = json!("care_plan.write"))))]
async fn take_back_goal(
    ctx: Ctx,
    Path((patient, id)): Path<(PatientId, GoalId)>,
    Json(body): Json<Mistake>,
) -> Reply<Goal> {
    Ok(service::take_back(&ctx, patient, id, body).await?)
}
