//! Export over HTTP.

use kernel::ids::PatientId;
use platform::App;
use platform::access::Ctx;
use platform::http::{Download, NoBody, Path, Problem};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::service;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(export_patient))
}

/// Take out the whole record of a patient
///
/// A zip: `data/TABLE.ndjson` with every row the caller may read, a line each; `documents/` with the files of every version;
/// `manifest.json`, which comes last and counts what is in it and names the files that were withheld.
#[utoipa::path(post, path = "/api/v1/patients/{patient_id}/export", tag = "chart",
    params(("patient_id" = PatientId, Path, description = "Whose record")),
    responses((status = 200, content_type = "application/zip", description = "The record")),
    extensions(("x-permission" = json!("patient.export"))))]
async fn export_patient(
    ctx: Ctx,
    Path(patient): Path<PatientId>,
    _: NoBody,
) -> Result<Download, Problem> {
    Ok(service::export(&ctx, patient).await?)
}
