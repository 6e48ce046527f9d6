//! The links in messages: no login, the secret in the link is the proof.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use platform::App;
use platform::http::{Path, Reply, RequestInfo};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::links;
use super::model::LinkedAppointment;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(get_appointment_link))
}

/// Read what a link in a message is about
///
/// When and where, nothing else. A link that was answered, has run out or never was is `404`.
#[utoipa::path(get, path = "/api/v1/appointment-links/{token}", tag = "reminders",
    params(("token" = String, Path, description = "The secret of the link")),
    responses((status = 200, body = LinkedAppointment, description = "When and where")))]
async fn get_appointment_link(
    State(app): State<App>,
    Extension(request): Extension<Arc<RequestInfo>>,
    Path(token): Path<String>,
) -> Reply<LinkedAppointment> {
    Ok(links::read(&app, &request, &token).await?)
}
