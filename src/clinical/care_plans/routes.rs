//! Care plans over HTTP.

use kernel::Page;
use kernel::ids::{CarePlanId, PatientId};
use platform::App;
use platform::access::Ctx;
use platform::http::{IfMatch, Json, MergePatch, Path, Query, Reply};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{CarePlan, CarePlanStep, ListCarePlans, NewCarePlan};
use super::service;
use crate::entries::{self, Amended, AsOfQuery, Mistake};

type AmendedCarePlan = Amended<CarePlan>;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_care_plans, create_care_plan))
        .routes(routes!(get_care_plan, update_care_plan))
        .routes(routes!(change_care_plan_status))
        .routes(routes!(take_back_care_plan))
}

/// List a patient's care plans
///
/// Newest first.
#[utoipa::path(get, path = "/api/v1/patients/{patient_id}/care-plans", tag = "care plans",
    params(("patient_id" = PatientId, Path, description = "The patient"), ListCarePlans),
    responses((status = 200, body = Page<AmendedCarePlan>, description = "A page of them")),
    extensions(("x-permission" = json!("care_plan.read"))))]
async fn list_care_plans(
    ctx: Ctx,
    Path(patient): Path<PatientId>,
    Query(query): Query<ListCarePlans>,
) -> Reply<Page<AmendedCarePlan>> {
    Ok(service::list(&ctx, patient, query).await?)
}

/// Make a care plan
///
/// It begins as a `draft`.
#[utoipa::path(post, path = "/api/v1/patients/{patient_id}/care-plans", tag = "care plans",
    params(("patient_id" = PatientId, Path, description = "The patient")), request_body = NewCarePlan,
    responses((status = 201, body = CarePlan, description = "Recorded")),
    extensions(("x-permission" = json!("care_plan.write"))))]
async fn create_care_plan(
    ctx: Ctx,
    Path(patient): Path<PatientId>,
    Json(new): Json<NewCarePlan>,
) -> Reply<CarePlan> {
    Ok(service::record(&ctx, patient, new).await?)
}

/// Read a care plan
#[utoipa::path(get, path = "/api/v1/patients/{patient_id}/care-plans/{care_plan_id}", tag = "care plans",
    params(("patient_id" = PatientId, Path, description = "The patient"), ("care_plan_id" = CarePlanId, Path, description = "Which plan"), AsOfQuery),
    responses((status = 200, body = AmendedCarePlan, description = "The plan")),
    extensions(("x-permission" = json!("care_plan.read"))))]
async fn get_care_plan(
    ctx: Ctx,
    Path((patient, id)): Path<(PatientId, CarePlanId)>,
    Query(query): Query<AsOfQuery>,
) -> Reply<AmendedCarePlan> {
    if let Some(then) = query.as_of {
        return Ok(entries::read_amended_as_of(&ctx, patient, id.0, then).await?);
    }
    Ok(service::read(&ctx, patient, id).await?)
}

/// Amend a care plan
///
/// A list is replaced whole: send what is to stay.
#[utoipa::path(patch, path = "/api/v1/patients/{patient_id}/care-plans/{care_plan_id}", tag = "care plans",
    params(("patient_id" = PatientId, Path, description = "The patient"), ("care_plan_id" = CarePlanId, Path, description = "Which plan")),
    request_body(content = NewCarePlan, content_type = "application/merge-patch+json"),
    responses((status = 200, body = CarePlan, description = "Amended")),
    extensions(("x-permission" = json!("care_plan.write"))))]
async fn update_care_plan(
    ctx: Ctx,
    Path((patient, id)): Path<(PatientId, CarePlanId)>,
    if_match: IfMatch,
    patch: MergePatch,
) -> Reply<CarePlan> {
    Ok(service::amend(&ctx, patient, id, if_match, &patch).await?)
}

/// Change the status of a care plan
///
/// A step that does not lead on is refused with `illegal_transition`, naming those that do.
#[utoipa::path(post, path = "/api/v1/patients/{patient_id}/care-plans/{care_plan_id}/status", tag = "care plans",
    params(("patient_id" = PatientId, Path, description = "The patient"), ("care_plan_id" = CarePlanId, Path, description = "Which plan")), request_body = CarePlanStep,
    responses((status = 200, body = CarePlan, description = "Changed")),
    extensions(("x-permission" = json!("care_plan.write"))))]
async fn change_care_plan_status(
    ctx: Ctx,
    Path((patient, id)): Path<(PatientId, CarePlanId)>,
    Json(body): Json<CarePlanStep>,
) -> Reply<CarePlan> {
    Ok(service::step(&ctx, patient, id, body).await?)
}

/// Take back a care plan
///
/// Made in error: it stays to be seen, with the reason, and does not change any more.
#[utoipa::path(post, path = "/api/v1/patients/{patient_id}/care-plans/{care_plan_id}/entered-in-error", tag = "care plans",
    params(("patient_id" = PatientId, Path, description = "The patient"), ("care_plan_id" = CarePlanId, Path, description = "Which plan")), request_body = Mistake,
    responses((status = 200, body = CarePlan, description = "Taken back")),
    extensions(("x-permission" = json!("care_plan.write"))))]
async fn take_back_care_plan(
    ctx: Ctx,
    Path((patient, id)): Path<(PatientId, CarePlanId)>,
    Json(body): Json<Mistake>,
) -> Reply<CarePlan> {
    Ok(service::take_back(&ctx, patient, id, body).await?)
}
