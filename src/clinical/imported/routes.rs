//! Imported resources over HTTP.

use kernel::Page;
use kernel::ids::{ImportedResourceId, PatientId};
use platform::App;
use platform::access::Ctx;
use platform::http::{NoBody, Path, Query, Reply};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{ImportedResource, ImportedResourceSummary, ListImportedResources};
use super::service;
use crate::entries::AsOfQuery;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_imported_resources))
        .routes(routes!(get_imported_resource))
        .routes(routes!(release_imported_resource))
        .routes(routes!(withhold_imported_resource))
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
/// As it came; of what its source said before, when that was.
#[utoipa::path(get, path = "/api/v1/patients/{patient_id}/imported-resources/{imported_resource_id}", tag = "imported resources",
    params(("patient_id" = PatientId, Path, description = "Whose resource"),
           ("imported_resource_id" = ImportedResourceId, Path, description = "Which resource"), AsOfQuery),
    responses((status = 200, body = ImportedResource, description = "The resource")),
    extensions(("x-permission" = json!("imported.read"))))]
async fn get_imported_resource(
    ctx: Ctx,
    Path((patient, id)): Path<(PatientId, ImportedResourceId)>,
    Query(query): Query<AsOfQuery>,
) -> Reply<ImportedResource> {
    Ok(service::read(&ctx, patient, id, query.as_of).await?)
}

/// Release an imported note or result to the patient
///
/// As it came. When it comes anew and says something else, it has to be released again.
#[utoipa::path(post, path = "/api/v1/patients/{patient_id}/imported-resources/{imported_resource_id}/release", tag = "imported resources",
    params(("patient_id" = PatientId, Path, description = "Whose resource"),
           ("imported_resource_id" = ImportedResourceId, Path, description = "Which resource")),
    responses((status = 200, body = ImportedResource, description = "Released")),
    extensions(("x-permission" = json!("imported.release"))))]
async fn release_imported_resource(
    ctx: Ctx,
    Path((patient, id)): Path<(PatientId, ImportedResourceId)>,
    _: NoBody,
) -> Reply<ImportedResource> {
    Ok(service::release(&ctx, patient, id).await?)
}

/// Withhold an imported note or result from the patient
///
/// He can't read it any more.
#[utoipa::path(post, path = "/api/v1/patients/{patient_id}/imported-resources/{imported_resource_id}/withhold", tag = "imported resources",
    params(("patient_id" = PatientId, Path, description = "Whose resource"),
           ("imported_resource_id" = ImportedResourceId, Path, description = "Which resource")),
    responses((status = 200, body = ImportedResource, description = "Withheld")),
    extensions(("x-permission" = json!("imported.release"))))]
async fn withhold_imported_resource(
    ctx: Ctx,
    Path((patient, id)): Path<(PatientId, ImportedResourceId)>,
    _: NoBody,
) -> Reply<ImportedResource> {
    Ok(service::withhold(&ctx, patient, id).await?)
}
