//! The chart over HTTP.

use kernel::ids::PatientId;
use platform::App;
use platform::access::Ctx;
use platform::http::{Path, Query, Reply};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{Chart, ReadChart};
use super::service;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(get_chart))
}

/// Open a chart
///
/// Header with allergies, open problems, latest vital signs with their direction, encounters, open referrals and alerts,
/// immunizations due, care team, plans and goals, signed notes, documents, and the caller's unsigned work: one moment, each
/// section cut, with the place of the whole list. Which sections there are depends on the role. With `as_of`, as it stood.
#[utoipa::path(get, path = "/api/v1/patients/{patient_id}/chart", tag = "chart",
    params(("patient_id" = PatientId, Path, description = "Whose chart"), ReadChart),
    responses((status = 200, body = Chart, description = "The chart")),
    extensions(("x-permission" = json!("chart.read"))))]
async fn get_chart(
    ctx: Ctx,
    Path(patient): Path<PatientId>,
    Query(query): Query<ReadChart>,
) -> Reply<Chart> {
    Ok(service::open(&ctx, patient, query.as_of).await?)
}
