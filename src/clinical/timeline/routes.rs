//! The timeline over HTTP.

use kernel::Page;
use kernel::ids::PatientId;
use platform::App;
use platform::access::Ctx;
use platform::http::{Path, Query, Reply};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{ReadTimeline, TimelineEvent};
use super::service;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list_timeline))
}

/// Read a patient's timeline
///
/// Encounters, signed notes, vital signs, problems, allergies, procedures, immunizations, documents, referrals, alerts, care
/// plans, goals, histories, diagnoses, results, appointments and requests to amend the record, the latest first, as far as the
/// caller's role may read them. With `as_of`, as it stood.
#[utoipa::path(get, path = "/api/v1/patients/{patient_id}/timeline", tag = "chart",
    params(("patient_id" = PatientId, Path, description = "Whose"), ReadTimeline),
    responses((status = 200, body = Page<TimelineEvent>, description = "A page of events")),
    extensions(("x-permission" = json!("chart.read"))))]
async fn list_timeline(
    ctx: Ctx,
    Path(patient): Path<PatientId>,
    Query(query): Query<ReadTimeline>,
) -> Reply<Page<TimelineEvent>> {
    Ok(service::read(&ctx, patient, query).await?)
}
