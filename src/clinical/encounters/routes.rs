//! Encounters over HTTP.

use kernel::Page;
use kernel::ids::{EncounterId, FacilityId, PatientId, ProviderId};
use platform::App;
use platform::access::Ctx;
use platform::http::{IfMatch, Json, MergePatch, NoBody, Path, Query, Reply};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{
    Cancellation, Completion, Encounter, EncounterDetails, NewEncounter, OfFacility, OfPatient,
    OfProvider, Reschedule,
};
use super::{service, worklists};
use crate::entries::{self, AsOfQuery};

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_patient_encounters, schedule_encounter))
        .routes(routes!(get_patient_encounter, update_encounter))
        .routes(routes!(get_encounter))
        .routes(routes!(start_encounter))
        .routes(routes!(complete_encounter))
        .routes(routes!(cancel_encounter))
        .routes(routes!(mark_encounter_no_show))
        .routes(routes!(reschedule_encounter))
        .routes(routes!(list_provider_encounters))
        .routes(routes!(list_facility_encounters))
}

/// Schedule an encounter
///
/// The attending provider may open the chart until thirty days after the start.
#[utoipa::path(post, path = "/api/v1/patients/{patient_id}/encounters", tag = "encounters",
    params(("patient_id" = PatientId, Path, description = "Who comes")),
    request_body = NewEncounter,
    responses((status = 201, body = Encounter, description = "Scheduled")),
    extensions(("x-permission" = json!("encounter.schedule"))))]
async fn schedule_encounter(
    ctx: Ctx,
    Path(patient): Path<PatientId>,
    Json(new): Json<NewEncounter>,
) -> Reply<Encounter> {
    Ok(service::schedule(&ctx, patient, new).await?)
}

/// List a patient's encounters
///
/// Newest first.
#[utoipa::path(get, path = "/api/v1/patients/{patient_id}/encounters", tag = "encounters",
    params(("patient_id" = PatientId, Path, description = "Whose encounters"), OfPatient),
    responses((status = 200, body = Page<Encounter>, description = "A page of encounters")),
    extensions(("x-permission" = json!("encounter.read"))))]
async fn list_patient_encounters(
    ctx: Ctx,
    Path(patient): Path<PatientId>,
    Query(query): Query<OfPatient>,
) -> Reply<Page<Encounter>> {
    Ok(worklists::of_patient(&ctx, patient, query).await?)
}

/// Open an encounter of a patient
#[utoipa::path(get, path = "/api/v1/patients/{patient_id}/encounters/{encounter_id}", tag = "encounters",
    params(("patient_id" = PatientId, Path, description = "Whose encounter"),
           ("encounter_id" = EncounterId, Path, description = "Which encounter"), AsOfQuery),
    responses((status = 200, body = Encounter, description = "The encounter")),
    extensions(("x-permission" = json!("encounter.read"))))]
async fn get_patient_encounter(
    ctx: Ctx,
    Path((patient, id)): Path<(PatientId, EncounterId)>,
    Query(query): Query<AsOfQuery>,
) -> Reply<Encounter> {
    if let Some(then) = query.as_of {
        return Ok(entries::read_as_of(&ctx, patient, id.0, then).await?);
    }
    Ok(service::get(&ctx, patient, id).await?)
}

/// Open an encounter by its id alone
#[utoipa::path(get, path = "/api/v1/encounters/{encounter_id}", tag = "encounters",
    params(("encounter_id" = EncounterId, Path, description = "Which encounter"), AsOfQuery),
    responses((status = 200, body = Encounter, description = "The encounter")),
    extensions(("x-permission" = json!("encounter.read"))))]
async fn get_encounter(
    ctx: Ctx,
    Path(id): Path<EncounterId>,
    Query(query): Query<AsOfQuery>,
) -> Reply<Encounter> {
    if let Some(then) = query.as_of {
        return Ok(service::find_as_of(&ctx, id, then).await?);
    }
    Ok(service::find(&ctx, id).await?)
}

/// Amend an encounter
///
/// Its class, place, provider, complaint and reasons. Times change by `reschedule`, the status by its steps. Refused once
/// it is cancelled or missed.
#[utoipa::path(patch, path = "/api/v1/patients/{patient_id}/encounters/{encounter_id}", tag = "encounters",
    params(("patient_id" = PatientId, Path, description = "Whose encounter"),
           ("encounter_id" = EncounterId, Path, description = "Which encounter")),
    request_body(content = EncounterDetails, content_type = "application/merge-patch+json"),
    responses((status = 200, body = Encounter, description = "Amended")),
    extensions(("x-permission" = json!("encounter.schedule"))))]
async fn update_encounter(
    ctx: Ctx,
    Path((patient, id)): Path<(PatientId, EncounterId)>,
    if_match: IfMatch,
    patch: MergePatch,
) -> Reply<Encounter> {
    Ok(service::amend(&ctx, patient, id, if_match, &patch).await?)
}

/// Start an encounter
///
/// The patient is here. From `scheduled` only.
#[utoipa::path(post, path = "/api/v1/patients/{patient_id}/encounters/{encounter_id}/start", tag = "encounters",
    params(("patient_id" = PatientId, Path, description = "Whose encounter"),
           ("encounter_id" = EncounterId, Path, description = "Which encounter")),
    responses((status = 200, body = Encounter, description = "In progress")),
    extensions(("x-permission" = json!("encounter.conduct"))))]
async fn start_encounter(
    ctx: Ctx,
    Path((patient, id)): Path<(PatientId, EncounterId)>,
    _: NoBody,
) -> Reply<Encounter> {
    Ok(service::start(&ctx, patient, id).await?)
}

/// Complete an encounter
///
/// From `in_progress` only. Ends a stay in a bed too.
#[utoipa::path(post, path = "/api/v1/patients/{patient_id}/encounters/{encounter_id}/complete", tag = "encounters",
    params(("patient_id" = PatientId, Path, description = "Whose encounter"),
           ("encounter_id" = EncounterId, Path, description = "Which encounter")),
    request_body = Completion,
    responses((status = 200, body = Encounter, description = "Completed")),
    extensions(("x-permission" = json!("encounter.conduct"))))]
async fn complete_encounter(
    ctx: Ctx,
    Path((patient, id)): Path<(PatientId, EncounterId)>,
    Json(how): Json<Completion>,
) -> Reply<Encounter> {
    Ok(service::complete(&ctx, patient, id, how).await?)
}

/// Cancel an encounter
///
/// From `scheduled` only.
#[utoipa::path(post, path = "/api/v1/patients/{patient_id}/encounters/{encounter_id}/cancel", tag = "encounters",
    params(("patient_id" = PatientId, Path, description = "Whose encounter"),
           ("encounter_id" = EncounterId, Path, description = "Which encounter")),
    request_body = Cancellation,
    responses((status = 200, body = Encounter, description = "Cancelled")),
    extensions(("x-permission" = json!("encounter.schedule"))))]
async fn cancel_encounter(
    ctx: Ctx,
    Path((patient, id)): Path<(PatientId, EncounterId)>,
    Json(why): Json<Cancellation>,
) -> Reply<Encounter> {
    Ok(service::cancel(&ctx, patient, id, why).await?)
}

/// Record that the patient did not come
///
/// From `scheduled` only.
#[utoipa::path(post, path = "/api/v1/patients/{patient_id}/encounters/{encounter_id}/no-show", tag = "encounters",
    params(("patient_id" = PatientId, Path, description = "Whose encounter"),
           ("encounter_id" = EncounterId, Path, description = "Which encounter")),
    responses((status = 200, body = Encounter, description = "Marked as missed")),
    extensions(("x-permission" = json!("encounter.schedule"))))]
async fn mark_encounter_no_show(
    ctx: Ctx,
    Path((patient, id)): Path<(PatientId, EncounterId)>,
    _: NoBody,
) -> Reply<Encounter> {
    Ok(service::miss(&ctx, patient, id).await?)
}

/// Reschedule an encounter
///
/// While it is `scheduled`. Whatever refers to it goes on doing so.
#[utoipa::path(post, path = "/api/v1/patients/{patient_id}/encounters/{encounter_id}/reschedule", tag = "encounters",
    params(("patient_id" = PatientId, Path, description = "Whose encounter"),
           ("encounter_id" = EncounterId, Path, description = "Which encounter")),
    request_body = Reschedule,
    responses((status = 200, body = Encounter, description = "Scheduled for other times")),
    extensions(("x-permission" = json!("encounter.schedule"))))]
async fn reschedule_encounter(
    ctx: Ctx,
    Path((patient, id)): Path<(PatientId, EncounterId)>,
    Json(times): Json<Reschedule>,
) -> Reply<Encounter> {
    Ok(service::reschedule(&ctx, patient, id, times).await?)
}

/// List what a provider attends
///
/// From 30 days ago to 30 days ahead unless said otherwise, newest first; of the patients the caller may see.
#[utoipa::path(get, path = "/api/v1/providers/{provider_id}/encounters", tag = "encounters",
    params(("provider_id" = ProviderId, Path, description = "Which provider"), OfProvider),
    responses((status = 200, body = Page<Encounter>, description = "A page of encounters")),
    extensions(("x-permission" = json!("encounter.read"))))]
async fn list_provider_encounters(
    ctx: Ctx,
    Path(provider): Path<ProviderId>,
    Query(query): Query<OfProvider>,
) -> Reply<Page<Encounter>> {
    Ok(worklists::of_provider(&ctx, provider, query).await?)
}

/// List a day of a facility
///
/// The day on the facility's own wall clock, in its order; of the patients the caller may see.
#[utoipa::path(get, path = "/api/v1/facilities/{facility_id}/encounters", tag = "encounters",
    params(("facility_id" = FacilityId, Path, description = "Which facility"), OfFacility),
    responses((status = 200, body = Page<Encounter>, description = "A page of encounters")),
    extensions(("x-permission" = json!("encounter.read"))))]
async fn list_facility_encounters(
    ctx: Ctx,
    Path(facility): Path<FacilityId>,
    Query(query): Query<OfFacility>,
) -> Reply<Page<Encounter>> {
    Ok(worklists::of_facility(&ctx, facility, query).await?)
}
