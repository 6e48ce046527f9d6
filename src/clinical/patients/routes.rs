//! Patients over HTTP.

use kernel::Page;
use kernel::ids::PatientId;
use platform::App;
use platform::access::Ctx;
use platform::http::{IfMatch, Json, MergePatch, NoBody, Path, Query, Reply};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::history::{PatientChange, PatientHistoryQuery};
use super::lifecycle::StatusChange;
use super::model::{NewPatient, Patient, ReadPatient, RegisterPatient, SearchPatients};
use super::search::PatientSummary;
use super::{history, lifecycle, routes_duplicates, search, service};

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(search_patients, register_patient))
        .routes(routes!(get_patient, update_patient))
        .routes(routes!(change_patient_status))
        .routes(routes!(retire_patient))
        .routes(routes!(list_patient_changes))
        .merge(routes_duplicates::router())
}

/// Find patients
///
/// By what is known of them; all that is given must hold, and each row says why it was found. Without any filter: everybody
/// the caller may see, by name.
#[utoipa::path(get, path = "/api/v1/patients", tag = "patients", params(SearchPatients),
    responses((status = 200, body = Page<PatientSummary>, description = "A page of patients")),
    extensions(("x-permission" = json!("patient.search"))))]
async fn search_patients(
    ctx: Ctx,
    Query(query): Query<SearchPatients>,
) -> Reply<Page<PatientSummary>> {
    Ok(search::search(&ctx, query).await?)
}

/// Register a patient
///
/// Gives him the next medical record number. A person who is probably registered already is refused with
/// `possible_duplicate` and the `candidates` the caller may see, unless `allow_duplicate=true`.
#[utoipa::path(post, path = "/api/v1/patients", tag = "patients", params(RegisterPatient), request_body = NewPatient,
    responses((status = 201, body = Patient, description = "Registered")),
    extensions(("x-permission" = json!("patient.create"))))]
async fn register_patient(
    ctx: Ctx,
    Query(query): Query<RegisterPatient>,
    Json(new): Json<NewPatient>,
) -> Reply<Patient> {
    Ok(service::register(&ctx, query, new).await?)
}

/// Open a patient's registration
///
/// As it is, or with `as_of` as it was.
#[utoipa::path(get, path = "/api/v1/patients/{patient_id}", tag = "patients",
    params(("patient_id" = PatientId, Path, description = "The patient"), ReadPatient),
    responses((status = 200, body = Patient, description = "The registration")),
    extensions(("x-permission" = json!("patient.read"))))]
async fn get_patient(
    ctx: Ctx,
    Path(id): Path<PatientId>,
    Query(query): Query<ReadPatient>,
) -> Reply<Patient> {
    Ok(match query.as_of {
        None => service::open(&ctx, id).await?,
        Some(as_of) => history::open_as_of(&ctx, id, as_of).await?,
    })
}

/// Amend a patient's registration
///
/// A list is replaced whole: send what is to stay. An SSN may be sent back as it was shown, without its value. Linking the
/// patient's own account is for admins and staff; the status has an operation of its own.
#[utoipa::path(patch, path = "/api/v1/patients/{patient_id}", tag = "patients",
    params(("patient_id" = PatientId, Path, description = "The patient")),
    request_body(content = NewPatient, content_type = "application/merge-patch+json"),
    responses((status = 200, body = Patient, description = "Amended")),
    extensions(("x-permission" = json!("patient.update"))))]
async fn update_patient(
    ctx: Ctx,
    Path(id): Path<PatientId>,
    if_match: IfMatch,
    patch: MergePatch,
) -> Reply<Patient> {
    Ok(service::amend(&ctx, id, if_match, &patch).await?)
}

/// Change a patient's status
///
/// A step that does not lead on from the present status is refused with `illegal_transition`, naming those that do.
#[utoipa::path(post, path = "/api/v1/patients/{patient_id}/status", tag = "patients",
    params(("patient_id" = PatientId, Path, description = "The patient")), request_body = StatusChange,
    responses((status = 200, body = Patient, description = "Changed")),
    extensions(("x-permission" = json!("patient.update"))))]
async fn change_patient_status(
    ctx: Ctx,
    Path(id): Path<PatientId>,
    Json(change): Json<StatusChange>,
) -> Reply<Patient> {
    Ok(lifecycle::change_status(&ctx, id, change).await?)
}

/// Retire a registration made in error
///
/// Nobody finds or opens it any more. Its row, its history and its number stay.
#[utoipa::path(post, path = "/api/v1/patients/{patient_id}/retire", tag = "patients",
    params(("patient_id" = PatientId, Path, description = "The patient")),
    responses((status = 204, description = "Retired")),
    extensions(("x-permission" = json!("patient.retire"))))]
async fn retire_patient(ctx: Ctx, Path(id): Path<PatientId>, _: NoBody) -> Reply<()> {
    Ok(lifecycle::retire(&ctx, id).await?)
}

/// Read how a registration changed
///
/// Newest first: who, when, and each field before and after. Of a retired registration, too.
#[utoipa::path(get, path = "/api/v1/patients/{patient_id}/history", tag = "patients",
    params(("patient_id" = PatientId, Path, description = "The patient"), PatientHistoryQuery),
    responses((status = 200, body = Page<PatientChange>, description = "A page of changes")),
    extensions(("x-permission" = json!("patient.history"))))]
async fn list_patient_changes(
    ctx: Ctx,
    Path(id): Path<PatientId>,
    Query(query): Query<PatientHistoryQuery>,
) -> Reply<Page<PatientChange>> {
    Ok(history::list(&ctx, id, query).await?)
}
