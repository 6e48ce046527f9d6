//! Procedures over HTTP.

use kernel::Page;
use kernel::ids::{EncounterId, PatientId, ProcedureId};
use platform::App;
use platform::access::Ctx;
use platform::http::{IfMatch, Json, MergePatch, Path, Query, Reply};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::codings::ProcedureCoding;
use super::model::{ListProcedures, NewProcedure, Procedure};
use super::{codings, service};
use crate::entries::{self, Amended, AsOfQuery, Entry, EntryChange, EntryHistoryQuery, Mistake};

type AmendedProcedure = Amended<Procedure>;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_procedures, record_procedure))
        .routes(routes!(get_procedure, update_procedure))
        .routes(routes!(mark_procedure_entered_in_error))
        .routes(routes!(list_procedure_changes))
        .routes(routes!(list_encounter_procedures))
}

/// List a patient's procedures
///
/// Newest entry first; without those entered in error unless asked for.
#[utoipa::path(get, path = "/api/v1/patients/{patient_id}/procedures", tag = "procedures",
    params(("patient_id" = PatientId, Path, description = "Whose procedures"), ListProcedures),
    responses((status = 200, body = Page<AmendedProcedure>, description = "A page of procedures")),
    extensions(("x-permission" = json!("procedure.read"))))]
async fn list_procedures(
    ctx: Ctx,
    Path(patient): Path<PatientId>,
    Query(query): Query<ListProcedures>,
) -> Reply<Page<AmendedProcedure>> {
    Ok(service::list(&ctx, patient, query).await?)
}

/// Record a procedure
///
/// Planned, under way or done; here or, with no more than a year, long ago. Its code must be good on the day it was done.
#[utoipa::path(post, path = "/api/v1/patients/{patient_id}/procedures", tag = "procedures",
    params(("patient_id" = PatientId, Path, description = "To whom it is done")), request_body = NewProcedure,
    responses((status = 201, body = Procedure, description = "Recorded")),
    extensions(("x-permission" = json!("procedure.write"))))]
async fn record_procedure(
    ctx: Ctx,
    Path(patient): Path<PatientId>,
    Json(new): Json<NewProcedure>,
) -> Reply<Procedure> {
    Ok(service::record(&ctx, patient, new).await?)
}

/// Read a procedure
#[utoipa::path(get, path = "/api/v1/patients/{patient_id}/procedures/{procedure_id}", tag = "procedures",
    params(("patient_id" = PatientId, Path, description = "Whose procedure"),
           ("procedure_id" = ProcedureId, Path, description = "Which procedure"), AsOfQuery),
    responses((status = 200, body = AmendedProcedure, description = "The procedure")),
    extensions(("x-permission" = json!("procedure.read"))))]
async fn get_procedure(
    ctx: Ctx,
    Path((patient, id)): Path<(PatientId, ProcedureId)>,
    Query(query): Query<AsOfQuery>,
) -> Reply<AmendedProcedure> {
    if let Some(then) = query.as_of {
        return Ok(entries::read_amended_as_of(&ctx, patient, id.0, then).await?);
    }
    Ok(service::read(&ctx, patient, id).await?)
}

/// Amend a procedure
///
/// A status that does not lead on from the present one is refused with `illegal_transition`, naming those that do.
#[utoipa::path(patch, path = "/api/v1/patients/{patient_id}/procedures/{procedure_id}", tag = "procedures",
    params(("patient_id" = PatientId, Path, description = "Whose procedure"),
           ("procedure_id" = ProcedureId, Path, description = "Which procedure")),
    request_body(content = NewProcedure, content_type = "application/merge-patch+json"),
    responses((status = 200, body = Procedure, description = "Amended")),
    extensions(("x-permission" = json!("procedure.write"))))]
async fn update_procedure(
    ctx: Ctx,
    Path((patient, id)): Path<(PatientId, ProcedureId)>,
    if_match: IfMatch,
    patch: MergePatch,
) -> Reply<Procedure> {
    Ok(service::amend(&ctx, patient, id, if_match, &patch).await?)
}

/// Take back a procedure entered in error
///
/// It stays in the record, with the reason; its coding on the encounter goes.
#[utoipa::path(post, path = "/api/v1/patients/{patient_id}/procedures/{procedure_id}/entered-in-error", tag = "procedures",
    params(("patient_id" = PatientId, Path, description = "Whose procedure"),
           ("procedure_id" = ProcedureId, Path, description = "Which procedure")),
    request_body = Mistake,
    responses((status = 200, body = Procedure, description = "Taken back")),
    extensions(("x-permission" = json!("procedure.write"))))]
async fn mark_procedure_entered_in_error(
    ctx: Ctx,
    Path((patient, id)): Path<(PatientId, ProcedureId)>,
    Json(mistake): Json<Mistake>,
) -> Reply<Procedure> {
    Ok(service::take_back(&ctx, patient, id, mistake).await?)
}

/// Read how a procedure changed
///
/// Newest first: who, when, and each field before and after.
#[utoipa::path(get, path = "/api/v1/patients/{patient_id}/procedures/{procedure_id}/history", tag = "procedures",
    params(("patient_id" = PatientId, Path, description = "Whose procedure"),
           ("procedure_id" = ProcedureId, Path, description = "Which procedure"), EntryHistoryQuery),
    responses((status = 200, body = Page<EntryChange>, description = "A page of changes")),
    extensions(("x-permission" = json!("entry.history"))))]
async fn list_procedure_changes(
    ctx: Ctx,
    Path((patient, id)): Path<(PatientId, ProcedureId)>,
    Query(query): Query<EntryHistoryQuery>,
) -> Reply<Page<EntryChange>> {
    let entry = Entry {
        resource: "procedure",
        table: "procedures",
        patient,
        id: id.0,
    };
    Ok(entries::history(&ctx, entry, query).await?)
}

/// Read the procedures coded on an encounter
///
/// Code, modifiers, time and performers, as billing needs them; not outcome, complications and notes.
#[utoipa::path(get, path = "/api/v1/patients/{patient_id}/encounters/{encounter_id}/procedures", tag = "procedures",
    params(("patient_id" = PatientId, Path, description = "Whose encounter"),
           ("encounter_id" = EncounterId, Path, description = "Which encounter"), AsOfQuery),
    responses((status = 200, body = Page<ProcedureCoding>, description = "All of them")),
    extensions(("x-permission" = json!("coding.read"))))]
async fn list_encounter_procedures(
    ctx: Ctx,
    Path((patient, encounter)): Path<(PatientId, EncounterId)>,
    Query(query): Query<AsOfQuery>,
) -> Reply<Page<ProcedureCoding>> {
    if let Some(then) = query.as_of {
        return Ok(codings::list_as_of(&ctx, patient, encounter, then).await?);
    }
    Ok(codings::list(&ctx, patient, encounter).await?)
}
