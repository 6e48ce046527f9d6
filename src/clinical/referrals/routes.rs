//! Referrals over HTTP.

use kernel::Page;
use kernel::ids::{PatientId, ReferralId};
use platform::App;
use platform::access::Ctx;
use platform::http::{IfMatch, Json, MergePatch, NoBody, Path, Query, Reply};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{
    ListReferrals, NewReferral, Referral, ReferralAppointment, ReferralReason, ReferralResult,
};
use super::service;
use crate::entries::{self, AsOfQuery, Mistake};

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_referrals, create_referral))
        .routes(routes!(get_referral, update_referral))
        .routes(routes!(send_referral))
        .routes(routes!(accept_referral))
        .routes(routes!(decline_referral))
        .routes(routes!(schedule_referral))
        .routes(routes!(complete_referral))
        .routes(routes!(cancel_referral))
        .routes(routes!(take_back_referral))
}

/// List a patient's referrals
///
/// Newest first.
#[utoipa::path(get, path = "/api/v1/patients/{patient_id}/referrals", tag = "referrals",
    params(("patient_id" = PatientId, Path, description = "The patient"), ListReferrals),
    responses((status = 200, body = Page<Referral>, description = "A page of them")),
    extensions(("x-permission" = json!("referral.read"))))]
async fn list_referrals(
    ctx: Ctx,
    Path(patient): Path<PatientId>,
    Query(query): Query<ListReferrals>,
) -> Reply<Page<Referral>> {
    Ok(service::list(&ctx, patient, query).await?)
}

/// Refer a patient
///
/// It begins as a `draft`, which can still be amended; then send it.
#[utoipa::path(post, path = "/api/v1/patients/{patient_id}/referrals", tag = "referrals",
    params(("patient_id" = PatientId, Path, description = "The patient")), request_body = NewReferral,
    responses((status = 201, body = Referral, description = "Recorded")),
    extensions(("x-permission" = json!("referral.write"))))]
async fn create_referral(
    ctx: Ctx,
    Path(patient): Path<PatientId>,
    Json(new): Json<NewReferral>,
) -> Reply<Referral> {
    Ok(service::record(&ctx, patient, new).await?)
}

/// Read a referral
#[utoipa::path(get, path = "/api/v1/patients/{patient_id}/referrals/{referral_id}", tag = "referrals",
    params(("patient_id" = PatientId, Path, description = "The patient"), ("referral_id" = ReferralId, Path, description = "Which referral"), AsOfQuery),
    responses((status = 200, body = Referral, description = "The referral")),
    extensions(("x-permission" = json!("referral.read"))))]
async fn get_referral(
    ctx: Ctx,
    Path((patient, id)): Path<(PatientId, ReferralId)>,
    Query(query): Query<AsOfQuery>,
) -> Reply<Referral> {
    if let Some(then) = query.as_of {
        return Ok(entries::read_as_of(&ctx, patient, id.0, then).await?);
    }
    Ok(service::read(&ctx, patient, id).await?)
}

/// Amend a referral
///
/// Until it is sent.
#[utoipa::path(patch, path = "/api/v1/patients/{patient_id}/referrals/{referral_id}", tag = "referrals",
    params(("patient_id" = PatientId, Path, description = "The patient"), ("referral_id" = ReferralId, Path, description = "Which referral")),
    request_body(content = NewReferral, content_type = "application/merge-patch+json"),
    responses((status = 200, body = Referral, description = "Amended")),
    extensions(("x-permission" = json!("referral.write"))))]
async fn update_referral(
    ctx: Ctx,
    Path((patient, id)): Path<(PatientId, ReferralId)>,
    if_match: IfMatch,
    patch: MergePatch,
) -> Reply<Referral> {
    Ok(service::amend(&ctx, patient, id, if_match, &patch).await?)
}

/// Send a referral
///
/// What was asked for does not change from then on.
#[utoipa::path(post, path = "/api/v1/patients/{patient_id}/referrals/{referral_id}/send", tag = "referrals",
    params(("patient_id" = PatientId, Path, description = "The patient"), ("referral_id" = ReferralId, Path, description = "Which referral")),
    responses((status = 200, body = Referral, description = "Sent")),
    extensions(("x-permission" = json!("referral.write"))))]
async fn send_referral(
    ctx: Ctx,
    Path((patient, id)): Path<(PatientId, ReferralId)>,
    _: NoBody,
) -> Reply<Referral> {
    Ok(service::send(&ctx, patient, id).await?)
}

/// Note that a referral was accepted
///
/// Of one that has been sent.
#[utoipa::path(post, path = "/api/v1/patients/{patient_id}/referrals/{referral_id}/accept", tag = "referrals",
    params(("patient_id" = PatientId, Path, description = "The patient"), ("referral_id" = ReferralId, Path, description = "Which referral")),
    responses((status = 200, body = Referral, description = "Accepted")),
    extensions(("x-permission" = json!("referral.write"))))]
async fn accept_referral(
    ctx: Ctx,
    Path((patient, id)): Path<(PatientId, ReferralId)>,
    _: NoBody,
) -> Reply<Referral> {
    Ok(service::accept(&ctx, patient, id).await?)
}

/// Note that a referral was declined
///
/// It ends there: ask somebody else with a new one.
#[utoipa::path(post, path = "/api/v1/patients/{patient_id}/referrals/{referral_id}/decline", tag = "referrals",
    params(("patient_id" = PatientId, Path, description = "The patient"), ("referral_id" = ReferralId, Path, description = "Which referral")), request_body = ReferralReason,
    responses((status = 200, body = Referral, description = "Declined")),
    extensions(("x-permission" = json!("referral.write"))))]
async fn decline_referral(
    ctx: Ctx,
    Path((patient, id)): Path<(PatientId, ReferralId)>,
    Json(body): Json<ReferralReason>,
) -> Reply<Referral> {
    Ok(service::decline(&ctx, patient, id, body).await?)
}

/// Note the appointment of a referral
///
/// Of one that was accepted; again, if the appointment is moved.
#[utoipa::path(post, path = "/api/v1/patients/{patient_id}/referrals/{referral_id}/schedule", tag = "referrals",
    params(("patient_id" = PatientId, Path, description = "The patient"), ("referral_id" = ReferralId, Path, description = "Which referral")), request_body = ReferralAppointment,
    responses((status = 200, body = Referral, description = "Scheduled")),
    extensions(("x-permission" = json!("referral.schedule"))))]
async fn schedule_referral(
    ctx: Ctx,
    Path((patient, id)): Path<(PatientId, ReferralId)>,
    Json(body): Json<ReferralAppointment>,
) -> Reply<Referral> {
    Ok(service::schedule(&ctx, patient, id, body).await?)
}

/// Close a referral with what the consultant wrote
///
/// The loop is closed by what came back, and by nothing else: a signed note of a consultant of the house, or the filed letter
/// of one outside.
#[utoipa::path(post, path = "/api/v1/patients/{patient_id}/referrals/{referral_id}/complete", tag = "referrals",
    params(("patient_id" = PatientId, Path, description = "The patient"), ("referral_id" = ReferralId, Path, description = "Which referral")), request_body = ReferralResult,
    responses((status = 200, body = Referral, description = "Completed")),
    extensions(("x-permission" = json!("referral.write"))))]
async fn complete_referral(
    ctx: Ctx,
    Path((patient, id)): Path<(PatientId, ReferralId)>,
    Json(body): Json<ReferralResult>,
) -> Reply<Referral> {
    Ok(service::complete(&ctx, patient, id, body).await?)
}

/// Cancel a referral
///
/// At any time before it is closed.
#[utoipa::path(post, path = "/api/v1/patients/{patient_id}/referrals/{referral_id}/cancel", tag = "referrals",
    params(("patient_id" = PatientId, Path, description = "The patient"), ("referral_id" = ReferralId, Path, description = "Which referral")), request_body = ReferralReason,
    responses((status = 200, body = Referral, description = "Cancelled")),
    extensions(("x-permission" = json!("referral.write"))))]
async fn cancel_referral(
    ctx: Ctx,
    Path((patient, id)): Path<(PatientId, ReferralId)>,
    Json(body): Json<ReferralReason>,
) -> Reply<Referral> {
    Ok(service::cancel(&ctx, patient, id, body).await?)
}

/// Take back a referral
///
/// Made in error: it stays to be seen, with the reason, and does not change any more.
#[utoipa::path(post, path = "/api/v1/patients/{patient_id}/referrals/{referral_id}/entered-in-error", tag = "referrals",
    params(("patient_id" = PatientId, Path, description = "The patient"), ("referral_id" = ReferralId, Path, description = "Which referral")), request_body = Mistake,
    responses((status = 200, body = Referral, description = "Taken back")),
    extensions(("x-permission" = json!("referral.write"))))]
async fn take_back_referral(
    ctx: Ctx,
    Path((patient, id)): Path<(PatientId, ReferralId)>,
    Json(body): Json<Mistake>,
) -> Reply<Referral> {
    Ok(service::take_back(&ctx, patient, id, body).await?)
}
