//! The links in messages of offers: no login, the secret in the link is the proof.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use platform::App;
use platform::http::{Json, NoQuery, Path, Reply, RequestInfo};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::links::Linked;
use super::model::{LinkedOffer, OfferAnswer};
use crate::flow::links;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(get_offer_link, answer_offer_link))
}

/// Read what a link in the message of an offer is about
///
/// When and where, and until when it can be answered; nothing of whom. Looking changes nothing. A link that was answered, has
/// run out or never was is `404`.
#[utoipa::path(get, path = "/api/v1/offer-links/{token}", tag = "waitlist",
    params(("token" = String, Path, description = "The secret of the link")),
    responses((status = 200, body = LinkedOffer, description = "When and where")))]
async fn get_offer_link(
    State(app): State<App>,
    Extension(request): Extension<Arc<RequestInfo>>,
    Path(token): Path<String>,
    _: NoQuery,
) -> Reply<LinkedOffer> {
    Ok(links::read::<Linked>(&app, &request, &token).await?)
}

/// Accept or decline an offer by the link in its message
///
/// Works once. Accepting books the place that is held.
#[utoipa::path(post, path = "/api/v1/offer-links/{token}", tag = "waitlist",
    params(("token" = String, Path, description = "The secret of the link")), request_body = OfferAnswer,
    responses((status = 204, description = "Booked, or declined"),
              (status = 409, description = "`illegal_transition`: the offer was answered otherwise", body = platform::http::ProblemDocument, content_type = "application/problem+json")))]
async fn answer_offer_link(
    State(app): State<App>,
    Extension(request): Extension<Arc<RequestInfo>>,
    Path(token): Path<String>,
    _: NoQuery,
    Json(answer): Json<OfferAnswer>,
) -> Reply<()> {
    Ok(links::answer::<Linked>(&app, &request, &token, answer.action).await?)
}
