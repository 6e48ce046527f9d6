//! Imported resources over HTTP.

use kernel::Page;
use kernel::ids::{ImportedResourceId, PatientId};
use platform::App;
use platform::access::Ctx;
use platform::http::{Path, Query, Reply};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{ImportedResource, ImportedResourceSummary, ListImportedResources};
use super::service;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_imported_resources))
        .routes(routes!(get_imported_resource))
}

/// List what was imported for a patient
///
/// By type, without the content.
#[utoipa::path(get, path = "/api/v1/patients/{patient_id}/imported-resources", tag = "imported resources",
    params(("patient_id" = PatientId, Path, description = "Whose resources"), ListImportedResources),
    responses((status = 200, body = Page<ImportedResourceSummary>, description = "A page of resources")),
    extensions(("x-permission" = json!("imported.read"))))]
async fn list_imported_resources(
    ctx: Ctx,
    Path(patient): Path<PatientId>,
    Query(query): Query<ListImportedResources>,
) -> Reply<Page<ImportedResourceSummary>> {
    Ok(service::list(&ctx, patient, query).await?)
}

/// Read an imported resource
///
/// As it came.
#[utoipa::path(get, path = "/api/v1/patients/{patient_id}/imported-resources/{imported_resource_id}", tag = "imported resources",
    params(("patient_id" = PatientId, Path, description = "Whose resource"),
           ("imported_resource_id" = ImportedResourceId, Path, description = "Which resource")),
    responses((status = 200, body = ImportedResource, description = "The resource")),
    extensions(("x-permission" = json!("imported.read"))))]
async fn get_imported_resource(
    ctx: Ctx,
    Path((patient, id)): Path<(PatientId, ImportedResourceId)>,
) -> Reply<ImportedResource> {
    Ok(service::read(&ctx, patient, id).await?)
}
