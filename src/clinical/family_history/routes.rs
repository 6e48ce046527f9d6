//! Family history over HTTP.

use kernel::Page;
use kernel::ids::{FamilyHistoryId, PatientId};
use platform::App;
use platform::access::Ctx;
use platform::http::{IfMatch, Json, MergePatch, Path, Query, Reply};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{FamilyHistory, ListFamilyHistory, NewFamilyHistory};
use super::service;
use crate::entries::{self, Amended, AsOfQuery, Mistake};

type AmendedFamilyHistory = Amended<FamilyHistory>;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_family_history, record_family_history))
        .routes(routes!(get_family_history, update_family_history))
        .routes(routes!(take_back_family_history))
}

/// List the family history
///
/// Newest first.
#[utoipa::path(get, path = "/api/v1/patients/{patient_id}/family-history", tag = "family and social history",
    params(("patient_id" = PatientId, Path, description = "The patient"), ListFamilyHistory),
    responses((status = 200, body = Page<AmendedFamilyHistory>, description = "A page of them")),
    extensions(("x-permission" = json!("background.read"))))]
async fn list_family_history(
    ctx: Ctx,
    Path(patient): Path<PatientId>,
    Query(query): Query<ListFamilyHistory>,
) -> Reply<Page<AmendedFamilyHistory>> {
    Ok(service::list(&ctx, patient, query).await?)
}

/// Record what is known of a relative
///
/// One entry a relative. That nothing is known of his health is an entry, too: `extent` says so.
#[utoipa::path(post, path = "/api/v1/patients/{patient_id}/family-history", tag = "family and social history",
    params(("patient_id" = PatientId, Path, description = "The patient")), request_body = NewFamilyHistory,
    responses((status = 201, body = FamilyHistory, description = "Recorded")),
    extensions(("x-permission" = json!("background.write"))))]
async fn record_family_history(
    ctx: Ctx,
    Path(patient): Path<PatientId>,
    Json(new): Json<NewFamilyHistory>,
) -> Reply<FamilyHistory> {
    Ok(service::record(&ctx, patient, new).await?)
}

/// Read an entry of the family history
#[utoipa::path(get, path = "/api/v1/patients/{patient_id}/family-history/{family_history_id}", tag = "family and social history",
    params(("patient_id" = PatientId, Path, description = "The patient"), ("family_history_id" = FamilyHistoryId, Path, description = "Which entry"), AsOfQuery),
    responses((status = 200, body = AmendedFamilyHistory, description = "The entry")),
    extensions(("x-permission" = json!("background.read"))))]
async fn get_family_history(
    ctx: Ctx,
    Path((patient, id)): Path<(PatientId, FamilyHistoryId)>,
    Query(query): Query<AsOfQuery>,
) -> Reply<AmendedFamilyHistory> {
    if let Some(then) = query.as_of {
        return Ok(entries::read_amended_as_of(&ctx, patient, id.0, then).await?);
    }
    Ok(service::read(&ctx, patient, id).await?)
}

/// Amend an entry of the family history
///
/// A list is replaced whole: send what is to stay.
#[utoipa::path(patch, path = "/api/v1/patients/{patient_id}/family-history/{family_history_id}", tag = "family and social history",
    params(("patient_id" = PatientId, Path, description = "The patient"), ("family_history_id" = FamilyHistoryId, Path, description = "Which entry")),
    request_body(content = NewFamilyHistory, content_type = "application/merge-patch+json"),
    responses((status = 200, body = FamilyHistory, description = "Amended")),
    extensions(("x-permission" = json!("background.write"))))]
async fn update_family_history(
    ctx: Ctx,
    Path((patient, id)): Path<(PatientId, FamilyHistoryId)>,
    if_match: IfMatch,
    patch: MergePatch,
) -> Reply<FamilyHistory> {
    Ok(service::amend(&ctx, patient, id, if_match, &patch).await?)
}

/// Take back an entry of the family history
///
/// Made in error: it stays to be seen, with the reason, and does not change any more.
#[utoipa::path(post, path = "/api/v1/patients/{patient_id}/family-history/{family_history_id}/entered-in-error", tag = "family and social history",
    params(("patient_id" = PatientId, Path, description = "The patient"), ("family_history_id" = FamilyHistoryId, Path, description = "Which entry")), request_body = Mistake,
    responses((status = 200, body = FamilyHistory, description = "Taken back")),
    extensions(("x-permission" = json!("background.write"))))]
async fn take_back_family_history(
    ctx: Ctx,
    Path((patient, id)): Path<(PatientId, FamilyHistoryId)>,
    Json(body): Json<Mistake>,
) -> Reply<FamilyHistory> {
    Ok(service::take_back(&ctx, patient, id, body).await?)
}
