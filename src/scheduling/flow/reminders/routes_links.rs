//! The links in messages: no login, the secret in the link is the proof.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use platform::App;
use platform::http::{Json, NoQuery, Path, Reply, RequestInfo};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::links::Linked;
use super::model::{LinkAnswer, LinkedAppointment};
use crate::flow::links;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(get_appointment_link, answer_appointment_link))
}

/// Read what a link in a message is about
///
/// When and where, whether it stands, and if it was moved, when and where it takes place now. A link by which it was cancelled, that has run out or never was is `404`.
#[utoipa::path(get, path = "/api/v1/appointment-links/{token}", tag = "reminders",
    params(("token" = String, Path, description = "The secret of the link")),
    responses((status = 200, body = LinkedAppointment, description = "When and where")))]
async fn get_appointment_link(
    State(app): State<App>,
    Extension(request): Extension<Arc<RequestInfo>>,
    Path(token): Path<String>,
    _: NoQuery,
) -> Reply<LinkedAppointment> {
    Ok(links::read::<Linked>(&app, &request, &token).await?)
}

/// Confirm or cancel by a link in a message
///
/// Until it is cancelled or begins. Cancelling keeps to the organisation's notice for patients.
#[utoipa::path(post, path = "/api/v1/appointment-links/{token}", tag = "reminders",
    params(("token" = String, Path, description = "The secret of the link")), request_body = LinkAnswer,
    responses((status = 204, description = "Confirmed, or cancelled"),
              (status = 409, description = "`illegal_transition`: the appointment has gone on", body = platform::http::ProblemDocument, content_type = "application/problem+json")))]
async fn answer_appointment_link(
    State(app): State<App>,
    Extension(request): Extension<Arc<RequestInfo>>,
    Path(token): Path<String>,
    _: NoQuery,
    Json(answer): Json<LinkAnswer>,
) -> Reply<()> {
    Ok(links::answer::<Linked>(&app, &request, &token, answer.action).await?)
}
