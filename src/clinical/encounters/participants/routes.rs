//! Participants over HTTP.

use kernel::Page;
use kernel::ids::{EncounterId, PatientId};
use platform::App;
use platform::access::Ctx;
use platform::http::{Json, Path, Query, Reply};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{NewParticipant, Participant};
use super::service;
use crate::entries::AsOfQuery;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(
        list_encounter_participants,
        add_encounter_participant
    ))
}

/// Read who takes part in an encounter
#[utoipa::path(get, path = "/api/v1/patients/{patient_id}/encounters/{encounter_id}/participants", tag = "encounters",
    params(("patient_id" = PatientId, Path, description = "Whose encounter"),
           ("encounter_id" = EncounterId, Path, description = "Which encounter"), AsOfQuery),
    responses((status = 200, body = Page<Participant>, description = "The participants, in the order in which they joined")),
    extensions(("x-permission" = json!("encounter.read"))))]
async fn list_encounter_participants(
    ctx: Ctx,
    Path((patient, id)): Path<(PatientId, EncounterId)>,
    Query(query): Query<AsOfQuery>,
) -> Reply<Page<Participant>> {
    if let Some(then) = query.as_of {
        return Ok(service::list_as_of(&ctx, patient, id, then).await?);
    }
    Ok(service::list(&ctx, patient, id).await?)
}

/// Add a participant to an encounter
///
/// A provider by `provider_id`, or a nurse or assistant by `user_id`. He may open the chart until thirty days after the
/// scheduled start.
#[utoipa::path(post, path = "/api/v1/patients/{patient_id}/encounters/{encounter_id}/participants", tag = "encounters",
    params(("patient_id" = PatientId, Path, description = "Whose encounter"),
           ("encounter_id" = EncounterId, Path, description = "Which encounter")),
    request_body = NewParticipant,
    responses((status = 201, body = Participant, description = "Added")),
    extensions(("x-permission" = json!("encounter.conduct"))))]
async fn add_encounter_participant(
    ctx: Ctx,
    Path((patient, id)): Path<(PatientId, EncounterId)>,
    Json(new): Json<NewParticipant>,
) -> Reply<Participant> {
    Ok(service::add(&ctx, patient, id, new).await?)
}
