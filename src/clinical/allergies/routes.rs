//! Allergies over HTTP.

use kernel::Page;
use kernel::ids::{AllergyId, PatientId};
use platform::App;
use platform::access::Ctx;
use platform::http::{IfMatch, Json, MergePatch, Path, Query, Reply};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{Allergy, ListAllergies, NewAllergy};
use super::service;
use crate::entries::{self, Amended, AsOfQuery, Entry, EntryChange, EntryHistoryQuery, Mistake};

type AmendedAllergy = Amended<Allergy>;

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_allergies, record_allergy))
        .routes(routes!(get_allergy, update_allergy))
        .routes(routes!(mark_allergy_entered_in_error))
        .routes(routes!(list_allergy_changes))
}

/// List a patient's allergies and intolerances
///
/// Newest entry first; without those entered in error unless asked for. An empty list does not say that there are none: see
/// `GET …/allergy-summary`.
#[utoipa::path(get, path = "/api/v1/patients/{patient_id}/allergies", tag = "allergies",
    params(("patient_id" = PatientId, Path, description = "Whose allergies"), ListAllergies),
    responses((status = 200, body = Page<AmendedAllergy>, description = "A page of allergies")),
    extensions(("x-permission" = json!("allergy.read"))))]
async fn list_allergies(
    ctx: Ctx,
    Path(patient): Path<PatientId>,
    Query(query): Query<ListAllergies>,
) -> Reply<Page<AmendedAllergy>> {
    Ok(service::list(&ctx, patient, query).await?)
}

/// Record an allergy or intolerance
///
/// Refused with `allergy_contradicts_statement` while it is stated that the patient has none such, and with
/// `allergy_already_active` while one to the same substance is active.
#[utoipa::path(post, path = "/api/v1/patients/{patient_id}/allergies", tag = "allergies",
    params(("patient_id" = PatientId, Path, description = "Who reacts")), request_body = NewAllergy,
    responses((status = 201, body = Allergy, description = "Recorded")),
    extensions(("x-permission" = json!("allergy.write"))))]
async fn record_allergy(
    ctx: Ctx,
    Path(patient): Path<PatientId>,
    Json(new): Json<NewAllergy>,
) -> Reply<Allergy> {
    Ok(service::record(&ctx, patient, new).await?)
}

/// Read an allergy
#[utoipa::path(get, path = "/api/v1/patients/{patient_id}/allergies/{allergy_id}", tag = "allergies",
    params(("patient_id" = PatientId, Path, description = "Who reacts"),
           ("allergy_id" = AllergyId, Path, description = "Which allergy"), AsOfQuery),
    responses((status = 200, body = AmendedAllergy, description = "The allergy")),
    extensions(("x-permission" = json!("allergy.read"))))]
async fn get_allergy(
    ctx: Ctx,
    Path((patient, id)): Path<(PatientId, AllergyId)>,
    Query(query): Query<AsOfQuery>,
) -> Reply<AmendedAllergy> {
    if let Some(then) = query.as_of {
        return Ok(entries::read_amended_as_of(&ctx, patient, id.0, then).await?);
    }
    Ok(service::read(&ctx, patient, id).await?)
}

/// Amend an allergy
///
/// Its status and verification, too; making it active again is refused as recording it would be.
#[utoipa::path(patch, path = "/api/v1/patients/{patient_id}/allergies/{allergy_id}", tag = "allergies",
    params(("patient_id" = PatientId, Path, description = "Who reacts"),
           ("allergy_id" = AllergyId, Path, description = "Which allergy")),
    request_body(content = NewAllergy, content_type = "application/merge-patch+json"),
    responses((status = 200, body = Allergy, description = "Amended")),
    extensions(("x-permission" = json!("allergy.write"))))]
async fn update_allergy(
    ctx: Ctx,
    Path((patient, id)): Path<(PatientId, AllergyId)>,
    if_match: IfMatch,
    patch: MergePatch,
) -> Reply<Allergy> {
    Ok(service::amend(&ctx, patient, id, if_match, &patch).await?)
}

/// Take back an allergy entered in error
///
/// It stays in the record, with the reason, and warns nobody any more.
#[utoipa::path(post, path = "/api/v1/patients/{patient_id}/allergies/{allergy_id}/entered-in-error", tag = "allergies",
    params(("patient_id" = PatientId, Path, description = "Who reacts"),
           ("allergy_id" = AllergyId, Path, description = "Which allergy")),
    request_body = Mistake,
    responses((status = 200, body = Allergy, description = "Taken back")),
    extensions(("x-permission" = json!("allergy.write"))))]
async fn mark_allergy_entered_in_error(
    ctx: Ctx,
    Path((patient, id)): Path<(PatientId, AllergyId)>,
    Json(mistake): Json<Mistake>,
) -> Reply<Allergy> {
    Ok(service::take_back(&ctx, patient, id, mistake).await?)
}

/// Read how an allergy changed
///
/// Newest first: who, when, and each field before and after.
#[utoipa::path(get, path = "/api/v1/patients/{patient_id}/allergies/{allergy_id}/history", tag = "allergies",
    params(("patient_id" = PatientId, Path, description = "Who reacts"),
           ("allergy_id" = AllergyId, Path, description = "Which allergy"), EntryHistoryQuery),
    responses((status = 200, body = Page<EntryChange>, description = "A page of changes")),
    extensions(("x-permission" = json!("entry.history"))))]
async fn list_allergy_changes(
    ctx: Ctx,
    Path((patient, id)): Path<(PatientId, AllergyId)>,
    Query(query): Query<EntryHistoryQuery>,
) -> Reply<Page<EntryChange>> {
    let entry = Entry {
        resource: "allergy",
        table: "allergies",
        patient,
        id: id.0,
    };
    Ok(entries::history(&ctx, entry, query).await?)
}
