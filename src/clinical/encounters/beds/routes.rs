//! Beds and discharge over HTTP.

use kernel::Page;
use kernel::ids::{EncounterId, PatientId};
use platform::App;
use platform::access::Ctx;
use platform::http::{Json, Path, Query, Reply};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::super::model::Encounter;
use super::model::{BedMove, BedStay, Discharge};
use super::service;
use crate::entries::AsOfQuery;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_bed_moves, move_bed))
        .routes(routes!(discharge_patient))
}

/// Read the beds of a stay
///
/// In order; the last one without an end is where the patient lies.
#[utoipa::path(get, path = "/api/v1/patients/{patient_id}/encounters/{encounter_id}/bed-moves", tag = "encounters",
    params(("patient_id" = PatientId, Path, description = "Whose encounter"),
           ("encounter_id" = EncounterId, Path, description = "Which encounter"), AsOfQuery),
    responses((status = 200, body = Page<BedStay>, description = "The stays, oldest first")),
    extensions(("x-permission" = json!("encounter.read"))))]
async fn list_bed_moves(
    ctx: Ctx,
    Path((patient, id)): Path<(PatientId, EncounterId)>,
    Query(query): Query<AsOfQuery>,
) -> Reply<Page<BedStay>> {
    if let Some(then) = query.as_of {
        return Ok(service::list_as_of(&ctx, patient, id, then).await?);
    }
    Ok(service::list(&ctx, patient, id).await?)
}

/// Put the patient into a bed
///
/// Admission and transfer alike: ends the present stay and begins the next at the same instant. For encounters in
/// progress of the classes inpatient, emergency and procedure. The encounter's facility and department follow.
#[utoipa::path(post, path = "/api/v1/patients/{patient_id}/encounters/{encounter_id}/bed-moves", tag = "encounters",
    params(("patient_id" = PatientId, Path, description = "Whose encounter"),
           ("encounter_id" = EncounterId, Path, description = "Which encounter")),
    request_body = BedMove,
    responses((status = 201, body = BedStay, description = "The stay that has begun")),
    extensions(("x-permission" = json!("encounter.conduct"))))]
async fn move_bed(
    ctx: Ctx,
    Path((patient, id)): Path<(PatientId, EncounterId)>,
    Json(to): Json<BedMove>,
) -> Reply<BedStay> {
    Ok(service::transfer(&ctx, patient, id, to).await?)
}

/// Discharge the patient
///
/// Ends the stay in the bed and completes the encounter.
#[utoipa::path(post, path = "/api/v1/patients/{patient_id}/encounters/{encounter_id}/discharge", tag = "encounters",
    params(("patient_id" = PatientId, Path, description = "Whose encounter"),
           ("encounter_id" = EncounterId, Path, description = "Which encounter")),
    request_body = Discharge,
    responses((status = 200, body = Encounter, description = "Completed")),
    extensions(("x-permission" = json!("encounter.conduct"))))]
async fn discharge_patient(
    ctx: Ctx,
    Path((patient, id)): Path<(PatientId, EncounterId)>,
    Json(how): Json<Discharge>,
) -> Reply<Encounter> {
    Ok(service::discharge(&ctx, patient, id, how).await?)
}
