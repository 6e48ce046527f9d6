//! Amendment requests over HTTP.

use kernel::Page;
use kernel::ids::{AmendmentRequestId, PatientId};
use platform::App;
use platform::access::Ctx;
use platform::http::{Json, NoBody, Path, Query, Reply};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{
    Acceptance, AmendmentRequest, Denial, Disagreement, Extension, ListOfPatient, ListRequests,
    NewAmendmentRequest,
};
use super::service;
use crate::entries::AsOfQuery;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_patient_amendment_requests, request_amendment))
        .routes(routes!(list_amendment_requests))
        .routes(routes!(get_amendment_request))
        .routes(routes!(accept_amendment_request))
        .routes(routes!(deny_amendment_request))
        .routes(routes!(extend_amendment_request))
        .routes(routes!(withdraw_amendment_request))
        .routes(routes!(disagree_with_denial))
}

/// Ask to have the record amended
///
/// By the patient, about a note that was released to him, or another entry he can read. To be decided within sixty days.
#[utoipa::path(post, path = "/api/v1/patients/{patient_id}/amendment-requests", tag = "amendment requests",
    params(("patient_id" = PatientId, Path, description = "Who asks")),
    request_body = NewAmendmentRequest,
    responses((status = 201, body = AmendmentRequest, description = "Filed")),
    extensions(("x-permission" = json!("amendment.request"))))]
async fn request_amendment(
    ctx: Ctx,
    Path(patient): Path<PatientId>,
    Json(new): Json<NewAmendmentRequest>,
) -> Reply<AmendmentRequest> {
    Ok(service::ask(&ctx, patient, new).await?)
}

/// List a patient's amendment requests
///
/// Newest first.
#[utoipa::path(get, path = "/api/v1/patients/{patient_id}/amendment-requests", tag = "amendment requests",
    params(("patient_id" = PatientId, Path, description = "Whose requests"), ListOfPatient),
    responses((status = 200, body = Page<AmendmentRequest>, description = "A page of requests")),
    extensions(("x-permission" = json!("amendment.read"))))]
async fn list_patient_amendment_requests(
    ctx: Ctx,
    Path(patient): Path<PatientId>,
    Query(query): Query<ListOfPatient>,
) -> Reply<Page<AmendmentRequest>> {
    Ok(service::of_patient(&ctx, patient, query).await?)
}

/// List amendment requests to be decided
///
/// By the day they are due; of the patients the caller may see. With a status: those.
#[utoipa::path(get, path = "/api/v1/amendment-requests", tag = "amendment requests",
    params(ListRequests),
    responses((status = 200, body = Page<AmendmentRequest>, description = "A page of requests")),
    extensions(("x-permission" = json!("amendment.read"))))]
async fn list_amendment_requests(
    ctx: Ctx,
    Query(query): Query<ListRequests>,
) -> Reply<Page<AmendmentRequest>> {
    Ok(service::due(&ctx, query).await?)
}

/// Read an amendment request
#[utoipa::path(get, path = "/api/v1/amendment-requests/{amendment_request_id}", tag = "amendment requests",
    params(("amendment_request_id" = AmendmentRequestId, Path, description = "Which request"), AsOfQuery),
    responses((status = 200, body = AmendmentRequest, description = "The request")),
    extensions(("x-permission" = json!("amendment.read"))))]
async fn get_amendment_request(
    ctx: Ctx,
    Path(id): Path<AmendmentRequestId>,
    Query(query): Query<AsOfQuery>,
) -> Reply<AmendmentRequest> {
    if let Some(then) = query.as_of {
        return Ok(service::get_as_of(&ctx, id, then).await?);
    }
    Ok(service::get(&ctx, id).await?)
}

/// Accept an amendment request
///
/// What is added to the note is signed by who accepts.
#[utoipa::path(post, path = "/api/v1/amendment-requests/{amendment_request_id}/accept", tag = "amendment requests",
    params(("amendment_request_id" = AmendmentRequestId, Path, description = "Which request")),
    request_body = Acceptance,
    responses((status = 200, body = AmendmentRequest, description = "Accepted")),
    extensions(("x-permission" = json!("amendment.decide"))))]
async fn accept_amendment_request(
    ctx: Ctx,
    Path(id): Path<AmendmentRequestId>,
    Json(how): Json<Acceptance>,
) -> Reply<AmendmentRequest> {
    Ok(service::accept(&ctx, id, how).await?)
}

/// Deny an amendment request
///
/// On one of the four bases of 45 CFR 164.526(a)(2), with a reason in plain language.
#[utoipa::path(post, path = "/api/v1/amendment-requests/{amendment_request_id}/deny", tag = "amendment requests",
    params(("amendment_request_id" = AmendmentRequestId, Path, description = "Which request")),
    request_body = Denial,
    responses((status = 200, body = AmendmentRequest, description = "Denied")),
    extensions(("x-permission" = json!("amendment.decide"))))]
async fn deny_amendment_request(
    ctx: Ctx,
    Path(id): Path<AmendmentRequestId>,
    Json(why): Json<Denial>,
) -> Reply<AmendmentRequest> {
    Ok(service::deny(&ctx, id, why).await?)
}

/// Take thirty days more for an amendment request
///
/// Once, with the reason.
#[utoipa::path(post, path = "/api/v1/amendment-requests/{amendment_request_id}/extend", tag = "amendment requests",
    params(("amendment_request_id" = AmendmentRequestId, Path, description = "Which request")),
    request_body = Extension,
    responses((status = 200, body = AmendmentRequest, description = "Extended")),
    extensions(("x-permission" = json!("amendment.decide"))))]
async fn extend_amendment_request(
    ctx: Ctx,
    Path(id): Path<AmendmentRequestId>,
    Json(why): Json<Extension>,
) -> Reply<AmendmentRequest> {
    Ok(service::extend(&ctx, id, why).await?)
}

/// Withdraw one's own amendment request
#[utoipa::path(post, path = "/api/v1/amendment-requests/{amendment_request_id}/withdraw", tag = "amendment requests",
    params(("amendment_request_id" = AmendmentRequestId, Path, description = "Which request")),
    responses((status = 200, body = AmendmentRequest, description = "Withdrawn")),
    extensions(("x-permission" = json!("amendment.request"))))]
async fn withdraw_amendment_request(
    ctx: Ctx,
    Path(id): Path<AmendmentRequestId>,
    _: NoBody,
) -> Reply<AmendmentRequest> {
    Ok(service::withdraw(&ctx, id).await?)
}

/// Disagree with a denial
///
/// The statement stays with the request.
#[utoipa::path(post, path = "/api/v1/amendment-requests/{amendment_request_id}/disagree", tag = "amendment requests",
    params(("amendment_request_id" = AmendmentRequestId, Path, description = "Which request")),
    request_body = Disagreement,
    responses((status = 200, body = AmendmentRequest, description = "Filed")),
    extensions(("x-permission" = json!("amendment.request"))))]
async fn disagree_with_denial(
    ctx: Ctx,
    Path(id): Path<AmendmentRequestId>,
    Json(what): Json<Disagreement>,
) -> Reply<AmendmentRequest> {
    Ok(service::disagree(&ctx, id, what).await?)
}
