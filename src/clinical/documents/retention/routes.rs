//! Retention over HTTP.

use kernel::Page;
use kernel::ids::{LegalHoldId, PatientId, ProviderId, RetentionPolicyId, RetentionReviewId};
use platform::App;
use platform::access::Ctx;
use platform::http::{Json, NoBody, Path, Query, Reply};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{
    DestructionCertificate, KeepLonger, LegalHold, ListReviews, NewLegalHold, NewRetentionPolicy,
    RetentionPolicy, RetentionReview,
};
use super::{decisions, holds, policies};
use crate::documents::model::{Pages, PagesAsOf, Reason};
use crate::documents::owner::Owner;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_retention_policies, add_retention_policy))
        .routes(routes!(get_retention_policy))
        .routes(routes!(retire_retention_policy))
        .routes(routes!(list_legal_holds, place_legal_hold))
        .routes(routes!(lift_legal_hold))
        .routes(routes!(
            list_provider_legal_holds,
            place_provider_legal_hold
        ))
        .routes(routes!(lift_provider_legal_hold))
        .routes(routes!(list_retention_reviews))
        .routes(routes!(keep_reviewed_document))
        .routes(routes!(destroy_reviewed_document))
        .routes(routes!(list_destruction_certificates))
}

/// List retention policies
#[utoipa::path(get, path = "/api/v1/document-retention/policies", tag = "retention", params(Pages),
    responses((status = 200, body = Page<RetentionPolicy>, description = "A page of policies, retired ones too")),
    extensions(("x-permission" = json!("retention_policy.read"))))]
async fn list_retention_policies(
    ctx: Ctx,
    Query(query): Query<Pages>,
) -> Reply<Page<RetentionPolicy>> {
    Ok(policies::list(&ctx, query).await?)
}

/// Say how long a category is kept
///
/// Of several policies that fit a document the longest counts. Without any it is kept for ever.
#[utoipa::path(post, path = "/api/v1/document-retention/policies", tag = "retention", request_body = NewRetentionPolicy,
    responses((status = 201, body = RetentionPolicy, description = "In force")),
    extensions(("x-permission" = json!("retention_policy.manage"))))]
async fn add_retention_policy(
    ctx: Ctx,
    Json(new): Json<NewRetentionPolicy>,
) -> Reply<RetentionPolicy> {
    Ok(policies::add(&ctx, &new).await?)
}

/// Read a retention policy
#[utoipa::path(get, path = "/api/v1/document-retention/policies/{policy_id}", tag = "retention",
    params(("policy_id" = RetentionPolicyId, Path, description = "Which policy")),
    responses((status = 200, body = RetentionPolicy, description = "The policy")),
    extensions(("x-permission" = json!("retention_policy.read"))))]
async fn get_retention_policy(
    ctx: Ctx,
    Path(id): Path<RetentionPolicyId>,
) -> Reply<RetentionPolicy> {
    Ok(policies::read(&ctx, id).await?)
}

/// Retire a retention policy
///
/// It stays on record. Documents under review are judged by the policies in force when somebody decides.
#[utoipa::path(post, path = "/api/v1/document-retention/policies/{policy_id}/retire", tag = "retention",
    params(("policy_id" = RetentionPolicyId, Path, description = "Which policy")),
    responses((status = 200, body = RetentionPolicy, description = "Retired")),
    extensions(("x-permission" = json!("retention_policy.manage"))))]
async fn retire_retention_policy(
    ctx: Ctx,
    Path(id): Path<RetentionPolicyId>,
    _: NoBody,
) -> Reply<RetentionPolicy> {
    Ok(policies::retire(&ctx, id).await?)
}

/// List a patient's legal holds
#[utoipa::path(get, path = "/api/v1/patients/{patient_id}/legal-holds", tag = "retention",
    params(("patient_id" = PatientId, Path, description = "Whose documents are held"), PagesAsOf),
    responses((status = 200, body = Page<LegalHold>, description = "A page of holds, lifted ones too")),
    extensions(("x-permission" = json!("retention.read"))))]
async fn list_legal_holds(
    ctx: Ctx,
    Path(patient): Path<PatientId>,
    Query(query): Query<PagesAsOf>,
) -> Reply<Page<LegalHold>> {
    Ok(holds::list(&ctx, Owner::Patient(patient), query).await?)
}

/// Place a legal hold
///
/// On every document of the patient, those to come too, or on one. Until it is lifted nothing it covers is destroyed.
#[utoipa::path(post, path = "/api/v1/patients/{patient_id}/legal-holds", tag = "retention",
    params(("patient_id" = PatientId, Path, description = "Whose documents")), request_body = NewLegalHold,
    responses((status = 201, body = LegalHold, description = "Placed")),
    extensions(("x-permission" = json!("retention.decide"))))]
async fn place_legal_hold(
    ctx: Ctx,
    Path(patient): Path<PatientId>,
    Json(new): Json<NewLegalHold>,
) -> Reply<LegalHold> {
    Ok(holds::place(&ctx, Owner::Patient(patient), &new).await?)
}

/// Lift a legal hold
#[utoipa::path(post, path = "/api/v1/patients/{patient_id}/legal-holds/{hold_id}/lift", tag = "retention",
    params(("patient_id" = PatientId, Path, description = "Whose documents"),
           ("hold_id" = LegalHoldId, Path, description = "Which hold")), request_body = Reason,
    responses((status = 200, body = LegalHold, description = "Lifted")),
    extensions(("x-permission" = json!("retention.decide"))))]
async fn lift_legal_hold(
    ctx: Ctx,
    Path((patient, id)): Path<(PatientId, LegalHoldId)>,
    Json(why): Json<Reason>,
) -> Reply<LegalHold> {
    Ok(holds::lift(&ctx, Owner::Patient(patient), id, &why).await?)
}

/// List the legal holds on what is filed about a provider
#[utoipa::path(get, path = "/api/v1/providers/{provider_id}/legal-holds", tag = "retention",
    params(("provider_id" = ProviderId, Path, description = "About whom"), PagesAsOf),
    responses((status = 200, body = Page<LegalHold>, description = "A page of holds, lifted ones too")),
    extensions(("x-permission" = json!("retention.read"))))]
async fn list_provider_legal_holds(
    ctx: Ctx,
    Path(provider): Path<ProviderId>,
    Query(query): Query<PagesAsOf>,
) -> Reply<Page<LegalHold>> {
    Ok(holds::list(&ctx, Owner::Provider(provider), query).await?)
}

/// Place a legal hold on what is filed about a provider
///
/// On every document, those to come too, or on one. Until it is lifted nothing it covers is destroyed.
#[utoipa::path(post, path = "/api/v1/providers/{provider_id}/legal-holds", tag = "retention",
    params(("provider_id" = ProviderId, Path, description = "About whom")), request_body = NewLegalHold,
    responses((status = 201, body = LegalHold, description = "Placed")),
    extensions(("x-permission" = json!("retention.decide"))))]
async fn place_provider_legal_hold(
    ctx: Ctx,
    Path(provider): Path<ProviderId>,
    Json(new): Json<NewLegalHold>,
) -> Reply<LegalHold> {
    Ok(holds::place(&ctx, Owner::Provider(provider), &new).await?)
}

/// Lift a legal hold on what is filed about a provider
#[utoipa::path(post, path = "/api/v1/providers/{provider_id}/legal-holds/{hold_id}/lift", tag = "retention",
    params(("provider_id" = ProviderId, Path, description = "About whom"),
           ("hold_id" = LegalHoldId, Path, description = "Which hold")), request_body = Reason,
    responses((status = 200, body = LegalHold, description = "Lifted")),
    extensions(("x-permission" = json!("retention.decide"))))]
async fn lift_provider_legal_hold(
    ctx: Ctx,
    Path((provider, id)): Path<(ProviderId, LegalHoldId)>,
    Json(why): Json<Reason>,
) -> Reply<LegalHold> {
    Ok(holds::lift(&ctx, Owner::Provider(provider), id, &why).await?)
}

/// List documents that have outlived their retention
///
/// What waits for a decision, the longest waiting first; what is held is not shown. The server adds to it by itself.
#[utoipa::path(get, path = "/api/v1/document-retention/reviews", tag = "retention", params(ListReviews),
    responses((status = 200, body = Page<RetentionReview>, description = "A page of reviews")),
    extensions(("x-permission" = json!("retention.read"))))]
async fn list_retention_reviews(
    ctx: Ctx,
    Query(query): Query<ListReviews>,
) -> Reply<Page<RetentionReview>> {
    Ok(decisions::list(&ctx, query).await?)
}

/// Keep a document longer
///
/// It comes up for review again after that day.
#[utoipa::path(post, path = "/api/v1/document-retention/reviews/{review_id}/keep", tag = "retention",
    params(("review_id" = RetentionReviewId, Path, description = "Which review")), request_body = KeepLonger,
    responses((status = 200, body = RetentionReview, description = "Kept")),
    extensions(("x-permission" = json!("retention.decide"))))]
async fn keep_reviewed_document(
    ctx: Ctx,
    Path(id): Path<RetentionReviewId>,
    Json(keep): Json<KeepLonger>,
) -> Reply<RetentionReview> {
    Ok(decisions::keep(&ctx, id, &keep).await?)
}

/// Destroy a document
///
/// All its versions, for good: their keys at once, their objects within the next minutes. A certificate remains. Refused with
/// `legal_hold` while it is held, and with `retention_not_over` unless it has outlived its retention.
#[utoipa::path(post, path = "/api/v1/document-retention/reviews/{review_id}/destroy", tag = "retention",
    params(("review_id" = RetentionReviewId, Path, description = "Which review")), request_body = Reason,
    responses((status = 200, body = DestructionCertificate, description = "Destroyed")),
    extensions(("x-permission" = json!("retention.decide"))))]
async fn destroy_reviewed_document(
    ctx: Ctx,
    Path(id): Path<RetentionReviewId>,
    Json(why): Json<Reason>,
) -> Reply<DestructionCertificate> {
    Ok(decisions::destroy(&ctx, id, &why).await?)
}

/// List certificates of destruction
#[utoipa::path(get, path = "/api/v1/document-retention/certificates", tag = "retention", params(Pages),
    responses((status = 200, body = Page<DestructionCertificate>, description = "A page of certificates")),
    extensions(("x-permission" = json!("retention.read"))))]
async fn list_destruction_certificates(
    ctx: Ctx,
    Query(query): Query<Pages>,
) -> Reply<Page<DestructionCertificate>> {
    Ok(decisions::certificates(&ctx, query).await?)
}
