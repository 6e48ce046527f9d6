//! Social history over HTTP.

use kernel::Page;
use kernel::ids::{PatientId, SocialHistoryId};
use platform::App;
use platform::access::Ctx;
use platform::http::{IfMatch, Json, MergePatch, Path, Query, Reply};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{ListSocialHistory, NewSocialHistory, SocialHistory};
use super::service;
use crate::entries::{self, Amended, AsOfQuery, Mistake};

type AmendedSocialHistory = Amended<SocialHistory>;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_social_history, record_social_history))
        .routes(routes!(get_social_history, update_social_history))
        .routes(routes!(take_back_social_history))
}

/// List the social history
///
/// Newest first.
#[utoipa::path(get, path = "/api/v1/patients/{patient_id}/social-history", tag = "family and social history",
    params(("patient_id" = PatientId, Path, description = "The patient"), ListSocialHistory),
    responses((status = 200, body = Page<AmendedSocialHistory>, description = "A page of them")),
    extensions(("x-permission" = json!("background.read"))))]
async fn list_social_history(
    ctx: Ctx,
    Path(patient): Path<PatientId>,
    Query(query): Query<ListSocialHistory>,
) -> Reply<Page<AmendedSocialHistory>> {
    Ok(service::list(&ctx, patient, query).await?)
}

/// Record what a patient was asked about how he lives
///
/// A smoking status, a coded question with its answer, or a whole screening instrument with all of them.
#[utoipa::path(post, path = "/api/v1/patients/{patient_id}/social-history", tag = "family and social history",
    params(("patient_id" = PatientId, Path, description = "The patient")), request_body = NewSocialHistory,
    responses((status = 201, body = SocialHistory, description = "Recorded")),
    extensions(("x-permission" = json!("background.write"))))]
async fn record_social_history(
    ctx: Ctx,
    Path(patient): Path<PatientId>,
    Json(new): Json<NewSocialHistory>,
) -> Reply<SocialHistory> {
    Ok(service::record(&ctx, patient, new).await?)
}

/// Read an entry of the social history
#[utoipa::path(get, path = "/api/v1/patients/{patient_id}/social-history/{social_history_id}", tag = "family and social history",
    params(("patient_id" = PatientId, Path, description = "The patient"), ("social_history_id" = SocialHistoryId, Path, description = "Which entry"), AsOfQuery),
    responses((status = 200, body = AmendedSocialHistory, description = "The entry")),
    extensions(("x-permission" = json!("background.read"))))]
async fn get_social_history(
    ctx: Ctx,
    Path((patient, id)): Path<(PatientId, SocialHistoryId)>,
    Query(query): Query<AsOfQuery>,
) -> Reply<AmendedSocialHistory> {
    if let Some(then) = query.as_of {
        return Ok(entries::read_amended_as_of(&ctx, patient, id.0, then).await?);
    }
    Ok(service::read(&ctx, patient, id).await?)
}

/// Amend an entry of the social history
///
/// A list is replaced whole: send what is to stay.
#[utoipa::path(patch, path = "/api/v1/patients/{patient_id}/social-history/{social_history_id}", tag = "family and social history",
    params(("patient_id" = PatientId, Path, description = "The patient"), ("social_history_id" = SocialHistoryId, Path, description = "Which entry")),
    request_body(content = NewSocialHistory, content_type = "application/merge-patch+json"),
    responses((status = 200, body = SocialHistory, description = "Amended")),
    extensions(("x-permission" = json!("background.write"))))]
async fn update_social_history(
    ctx: Ctx,
    Path((patient, id)): Path<(PatientId, SocialHistoryId)>,
    if_match: IfMatch,
    patch: MergePatch,
) -> Reply<SocialHistory> {
    Ok(service::amend(&ctx, patient, id, if_match, &patch).await?)
}

/// Take back an entry of the social history
///
/// Made in error: it stays to be seen, with the reason, and does not change any more.
#[utoipa::path(post, path = "/api/v1/patients/{patient_id}/social-history/{social_history_id}/entered-in-error", tag = "family and social history",
    params(("patient_id" = PatientId, Path, description = "The patient"), ("social_history_id" = SocialHistoryId, Path, description = "Which entry")), request_body = Mistake,
    responses((status = 200, body = SocialHistory, description = "Taken back")),
    extensions(("x-permission" = json!("background.write"))))]
async fn take_back_social_history(
    ctx: Ctx,
    Path((patient, id)): Path<(PatientId, SocialHistoryId)>,
    Json(body): Json<Mistake>,
) -> Reply<SocialHistory> {
    Ok(service::take_back(&ctx, patient, id, body).await?)
}
