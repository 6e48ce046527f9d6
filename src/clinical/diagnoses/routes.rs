//! Encounter diagnoses over HTTP.

use kernel::Page;
use kernel::ids::{DiagnosisId, EncounterId, PatientId};
use platform::App;
use platform::access::Ctx;
use platform::http::{IfMatch, Json, MergePatch, Path, Query, Reply};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{Diagnosis, ListDiagnoses, NewDiagnosis, Promotion};
use super::service;
use crate::entries::{AsOfQuery, Mistake};

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_encounter_diagnoses, add_encounter_diagnosis))
        .routes(routes!(get_encounter_diagnosis, update_encounter_diagnosis))
        .routes(routes!(promote_encounter_diagnosis))
        .routes(routes!(mark_encounter_diagnosis_entered_in_error))
}

/// Read the diagnoses of an encounter
///
/// By rank.
#[utoipa::path(get, path = "/api/v1/patients/{patient_id}/encounters/{encounter_id}/diagnoses", tag = "diagnoses",
    params(("patient_id" = PatientId, Path, description = "Whose encounter"),
           ("encounter_id" = EncounterId, Path, description = "Which encounter"), ListDiagnoses),
    responses((status = 200, body = Page<Diagnosis>, description = "All of them")),
    extensions(("x-permission" = json!("coding.read"))))]
async fn list_encounter_diagnoses(
    ctx: Ctx,
    Path((patient, encounter)): Path<(PatientId, EncounterId)>,
    Query(query): Query<ListDiagnoses>,
) -> Reply<Page<Diagnosis>> {
    Ok(service::list(&ctx, (patient, encounter), query).await?)
}

/// Code a diagnosis on an encounter
///
/// The code must be good on the day of the encounter. Refused with `rank_taken` or `diagnosis_already_coded` where a live
/// diagnosis of the encounter has the rank or the code.
#[utoipa::path(post, path = "/api/v1/patients/{patient_id}/encounters/{encounter_id}/diagnoses", tag = "diagnoses",
    params(("patient_id" = PatientId, Path, description = "Whose encounter"),
           ("encounter_id" = EncounterId, Path, description = "Which encounter")), request_body = NewDiagnosis,
    responses((status = 201, body = Diagnosis, description = "Coded")),
    extensions(("x-permission" = json!("coding.write"))))]
async fn add_encounter_diagnosis(
    ctx: Ctx,
    Path((patient, encounter)): Path<(PatientId, EncounterId)>,
    Json(new): Json<NewDiagnosis>,
) -> Reply<Diagnosis> {
    Ok(service::add(&ctx, (patient, encounter), new).await?)
}

/// Read a diagnosis
#[utoipa::path(get, path = "/api/v1/patients/{patient_id}/encounters/{encounter_id}/diagnoses/{diagnosis_id}", tag = "diagnoses",
    params(("patient_id" = PatientId, Path, description = "Whose encounter"),
           ("encounter_id" = EncounterId, Path, description = "Which encounter"),
           ("diagnosis_id" = DiagnosisId, Path, description = "Which diagnosis"), AsOfQuery),
    responses((status = 200, body = Diagnosis, description = "The diagnosis")),
    extensions(("x-permission" = json!("coding.read"))))]
async fn get_encounter_diagnosis(
    ctx: Ctx,
    Path((patient, encounter, id)): Path<(PatientId, EncounterId, DiagnosisId)>,
    Query(query): Query<AsOfQuery>,
) -> Reply<Diagnosis> {
    if let Some(then) = query.as_of {
        return Ok(service::read_as_of(&ctx, (patient, encounter), id, then).await?);
    }
    Ok(service::read(&ctx, (patient, encounter), id).await?)
}

/// Amend a diagnosis
///
/// Its code, name, rank and whether it was present on admission.
#[utoipa::path(patch, path = "/api/v1/patients/{patient_id}/encounters/{encounter_id}/diagnoses/{diagnosis_id}", tag = "diagnoses",
    params(("patient_id" = PatientId, Path, description = "Whose encounter"),
           ("encounter_id" = EncounterId, Path, description = "Which encounter"),
           ("diagnosis_id" = DiagnosisId, Path, description = "Which diagnosis")),
    request_body(content = NewDiagnosis, content_type = "application/merge-patch+json"),
    responses((status = 200, body = Diagnosis, description = "Amended")),
    extensions(("x-permission" = json!("coding.write"))))]
async fn update_encounter_diagnosis(
    ctx: Ctx,
    Path((patient, encounter, id)): Path<(PatientId, EncounterId, DiagnosisId)>,
    if_match: IfMatch,
    patch: MergePatch,
) -> Reply<Diagnosis> {
    Ok(service::amend(&ctx, (patient, encounter), id, if_match, &patch).await?)
}

/// Promote a diagnosis to the problem list
///
/// Where an open problem with its code stands there, the diagnosis is linked to that one; otherwise it becomes a problem.
/// `problem_id` tells which.
#[utoipa::path(post, path = "/api/v1/patients/{patient_id}/encounters/{encounter_id}/diagnoses/{diagnosis_id}/promote", tag = "diagnoses",
    params(("patient_id" = PatientId, Path, description = "Whose encounter"),
           ("encounter_id" = EncounterId, Path, description = "Which encounter"),
           ("diagnosis_id" = DiagnosisId, Path, description = "Which diagnosis")),
    request_body = Promotion,
    responses((status = 200, body = Diagnosis, description = "Promoted")),
    extensions(("x-permission" = json!("problem.write"))))]
async fn promote_encounter_diagnosis(
    ctx: Ctx,
    Path((patient, encounter, id)): Path<(PatientId, EncounterId, DiagnosisId)>,
    Json(how): Json<Promotion>,
) -> Reply<Diagnosis> {
    Ok(service::promote(&ctx, (patient, encounter), id, how).await?)
}

/// Take back a diagnosis entered in error
///
/// It stays in the record, with the reason, and frees its rank.
#[utoipa::path(post, path = "/api/v1/patients/{patient_id}/encounters/{encounter_id}/diagnoses/{diagnosis_id}/entered-in-error",
    tag = "diagnoses",
    params(("patient_id" = PatientId, Path, description = "Whose encounter"),
           ("encounter_id" = EncounterId, Path, description = "Which encounter"),
           ("diagnosis_id" = DiagnosisId, Path, description = "Which diagnosis")),
    request_body = Mistake,
    responses((status = 200, body = Diagnosis, description = "Taken back")),
    extensions(("x-permission" = json!("coding.write"))))]
async fn mark_encounter_diagnosis_entered_in_error(
    ctx: Ctx,
    Path((patient, encounter, id)): Path<(PatientId, EncounterId, DiagnosisId)>,
    Json(mistake): Json<Mistake>,
) -> Reply<Diagnosis> {
    Ok(service::take_back(&ctx, (patient, encounter), id, mistake).await?)
}
