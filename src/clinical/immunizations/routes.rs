//! Immunizations over HTTP.

use kernel::Page;
use kernel::ids::{ImmunizationId, PatientId};
use platform::App;
use platform::access::Ctx;
use platform::http::{IfMatch, Json, MergePatch, Path, Query, Reply};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{Immunization, ListImmunizations, NewImmunization};
use super::status::ImmunizationStatus;
use super::{service, status};
use crate::entries::{self, Amended, AsOfQuery, Entry, EntryChange, EntryHistoryQuery, Mistake};

type AmendedImmunization = Amended<Immunization>;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_immunizations, record_immunization))
        .routes(routes!(get_immunization_status))
        .routes(routes!(get_immunization, update_immunization))
        .routes(routes!(mark_immunization_entered_in_error))
        .routes(routes!(list_immunization_changes))
}

/// List a patient's immunizations
///
/// Latest dose first, given or not; without those entered in error unless asked for.
#[utoipa::path(get, path = "/api/v1/patients/{patient_id}/immunizations", tag = "immunizations",
    params(("patient_id" = PatientId, Path, description = "Whose immunizations"), ListImmunizations),
    responses((status = 200, body = Page<AmendedImmunization>, description = "A page of immunizations")),
    extensions(("x-permission" = json!("immunization.read"))))]
async fn list_immunizations(
    ctx: Ctx,
    Path(patient): Path<PatientId>,
    Query(query): Query<ListImmunizations>,
) -> Reply<Page<AmendedImmunization>> {
    Ok(service::list(&ctx, patient, query).await?)
}

/// Record an immunization
///
/// A dose given here, with its lot; one that somebody tells of; or one not given, with the reason. The same vaccine on the same
/// day is refused with `dose_already_recorded`.
#[utoipa::path(post, path = "/api/v1/patients/{patient_id}/immunizations", tag = "immunizations",
    params(("patient_id" = PatientId, Path, description = "Who gets it")), request_body = NewImmunization,
    responses((status = 201, body = Immunization, description = "Recorded")),
    extensions(("x-permission" = json!("immunization.write"))))]
async fn record_immunization(
    ctx: Ctx,
    Path(patient): Path<PatientId>,
    Json(new): Json<NewImmunization>,
) -> Reply<Immunization> {
    Ok(service::record(&ctx, patient, new).await?)
}

/// Read which immunizations are due
///
/// For each series what was given and counts, and whether it is complete, due, overdue, upcoming or not indicated; the common
/// series for persons without special risks, with their source.
#[utoipa::path(get, path = "/api/v1/patients/{patient_id}/immunizations/status", tag = "immunizations",
    params(("patient_id" = PatientId, Path, description = "Whose immunizations"), AsOfQuery),
    responses((status = 200, body = ImmunizationStatus, description = "Every series")),
    extensions(("x-permission" = json!("immunization.read"))))]
async fn get_immunization_status(
    ctx: Ctx,
    Path(patient): Path<PatientId>,
    Query(query): Query<AsOfQuery>,
) -> Reply<ImmunizationStatus> {
    if let Some(then) = query.as_of {
        return Ok(status::show_as_of(&ctx, patient, then).await?);
    }
    Ok(status::show(&ctx, patient).await?)
}

/// Read an immunization
#[utoipa::path(get, path = "/api/v1/patients/{patient_id}/immunizations/{immunization_id}", tag = "immunizations",
    params(("patient_id" = PatientId, Path, description = "Whose immunization"),
           ("immunization_id" = ImmunizationId, Path, description = "Which dose"), AsOfQuery),
    responses((status = 200, body = AmendedImmunization, description = "The dose")),
    extensions(("x-permission" = json!("immunization.read"))))]
async fn get_immunization(
    ctx: Ctx,
    Path((patient, id)): Path<(PatientId, ImmunizationId)>,
    Query(query): Query<AsOfQuery>,
) -> Reply<AmendedImmunization> {
    if let Some(then) = query.as_of {
        return Ok(entries::read_amended_as_of(&ctx, patient, id.0, then).await?);
    }
    Ok(service::read(&ctx, patient, id).await?)
}

/// Amend an immunization
#[utoipa::path(patch, path = "/api/v1/patients/{patient_id}/immunizations/{immunization_id}", tag = "immunizations",
    params(("patient_id" = PatientId, Path, description = "Whose immunization"),
           ("immunization_id" = ImmunizationId, Path, description = "Which dose")),
    request_body(content = NewImmunization, content_type = "application/merge-patch+json"),
    responses((status = 200, body = Immunization, description = "Amended")),
    extensions(("x-permission" = json!("immunization.write"))))]
async fn update_immunization(
    ctx: Ctx,
    Path((patient, id)): Path<(PatientId, ImmunizationId)>,
    if_match: IfMatch,
    patch: MergePatch,
) -> Reply<Immunization> {
    Ok(service::amend(&ctx, patient, id, if_match, &patch).await?)
}

/// Take back an immunization entered in error
///
/// It stays in the record, with the reason, and counts for nothing.
#[utoipa::path(post, path = "/api/v1/patients/{patient_id}/immunizations/{immunization_id}/entered-in-error", tag = "immunizations",
    params(("patient_id" = PatientId, Path, description = "Whose immunization"),
           ("immunization_id" = ImmunizationId, Path, description = "Which dose")),
    request_body = Mistake,
    responses((status = 200, body = Immunization, description = "Taken back")),
    extensions(("x-permission" = json!("immunization.write"))))]
async fn mark_immunization_entered_in_error(
    ctx: Ctx,
    Path((patient, id)): Path<(PatientId, ImmunizationId)>,
    Json(mistake): Json<Mistake>,
) -> Reply<Immunization> {
    Ok(service::take_back(&ctx, patient, id, mistake).await?)
}

/// Read how an immunization changed
///
/// Newest first: who, when, and each field before and after.
#[utoipa::path(get, path = "/api/v1/patients/{patient_id}/immunizations/{immunization_id}/history", tag = "immunizations",
    params(("patient_id" = PatientId, Path, description = "Whose immunization"),
           ("immunization_id" = ImmunizationId, Path, description = "Which dose"), EntryHistoryQuery),
    responses((status = 200, body = Page<EntryChange>, description = "A page of changes")),
    extensions(("x-permission" = json!("entry.history"))))]
async fn list_immunization_changes(
    ctx: Ctx,
    Path((patient, id)): Path<(PatientId, ImmunizationId)>,
    Query(query): Query<EntryHistoryQuery>,
) -> Reply<Page<EntryChange>> {
    let entry = Entry {
        resource: "immunization",
        table: "immunizations",
        patient,
        id: id.0,
    };
    Ok(entries::history(&ctx, entry, query).await?)
}
