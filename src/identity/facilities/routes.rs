//! HTTP of facilities and departments.

use kernel::Page;
use kernel::ids::{DepartmentId, FacilityId};
use platform::App;
use platform::access::Ctx;
use platform::http::{IfMatch, Json, MergePatch, Path, Query, Reply};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{Department, Facility, ListFacilities, ListPlaces, NewDepartment, NewFacility};
use super::{departments, service};

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_facilities, create_facility))
        .routes(routes!(get_facility, update_facility))
        .routes(routes!(list_departments, create_department))
        .routes(routes!(get_department, update_department))
}

/// List facilities
#[utoipa::path(get, path = "/api/v1/facilities", tag = "facilities", params(ListFacilities),
    responses((status = 200, body = Page<Facility>, description = "A page, by name")),
    extensions(("x-permission" = json!("facility.read"))))]
async fn list_facilities(ctx: Ctx, Query(query): Query<ListFacilities>) -> Reply<Page<Facility>> {
    Ok(service::list(&ctx, query).await?)
}

/// Add a facility
///
/// Refused with `slug_taken` while another facility has the code.
#[utoipa::path(post, path = "/api/v1/facilities", tag = "facilities", request_body = NewFacility,
    responses((status = 201, body = Facility, description = "Added")),
    extensions(("x-permission" = json!("facility.manage"))))]
async fn create_facility(ctx: Ctx, Json(new): Json<NewFacility>) -> Reply<Facility> {
    Ok(service::add(&ctx, new).await?)
}

/// Read a facility
#[utoipa::path(get, path = "/api/v1/facilities/{facility_id}", tag = "facilities",
    params(("facility_id" = FacilityId, Path, description = "The facility")),
    responses((status = 200, body = Facility, description = "The facility")),
    extensions(("x-permission" = json!("facility.read"))))]
async fn get_facility(ctx: Ctx, Path(id): Path<FacilityId>) -> Reply<Facility> {
    Ok(service::read(&ctx, id).await?)
}

/// Change a facility
///
/// One that is closed becomes `inactive`; it is never deleted.
#[utoipa::path(patch, path = "/api/v1/facilities/{facility_id}", tag = "facilities",
    params(("facility_id" = FacilityId, Path, description = "The facility")),
    request_body(content = NewFacility, content_type = "application/merge-patch+json"),
    responses((status = 200, body = Facility, description = "Changed")),
    extensions(("x-permission" = json!("facility.manage"))))]
async fn update_facility(
    ctx: Ctx,
    Path(id): Path<FacilityId>,
    if_match: IfMatch,
    patch: MergePatch,
) -> Reply<Facility> {
    Ok(service::change(&ctx, id, if_match, &patch).await?)
}

/// List the departments of a facility
#[utoipa::path(get, path = "/api/v1/facilities/{facility_id}/departments", tag = "facilities",
    params(("facility_id" = FacilityId, Path, description = "The facility"), ListPlaces),
    responses((status = 200, body = Page<Department>, description = "A page, by name")),
    extensions(("x-permission" = json!("facility.read"))))]
async fn list_departments(
    ctx: Ctx,
    Path(facility): Path<FacilityId>,
    Query(query): Query<ListPlaces>,
) -> Reply<Page<Department>> {
    Ok(departments::list(&ctx, facility, query).await?)
}

/// Add a department to a facility
///
/// Refused with `slug_taken` while another department of the facility has the code.
#[utoipa::path(post, path = "/api/v1/facilities/{facility_id}/departments", tag = "facilities",
    params(("facility_id" = FacilityId, Path, description = "The facility")), request_body = NewDepartment,
    responses((status = 201, body = Department, description = "Added")),
    extensions(("x-permission" = json!("facility.manage"))))]
async fn create_department(
    ctx: Ctx,
    Path(facility): Path<FacilityId>,
    Json(new): Json<NewDepartment>,
) -> Reply<Department> {
    Ok(departments::add(&ctx, facility, new).await?)
}

/// Read a department
#[utoipa::path(get, path = "/api/v1/departments/{department_id}", tag = "facilities",
    params(("department_id" = DepartmentId, Path, description = "The department")),
    responses((status = 200, body = Department, description = "The department")),
    extensions(("x-permission" = json!("facility.read"))))]
async fn get_department(ctx: Ctx, Path(id): Path<DepartmentId>) -> Reply<Department> {
    Ok(departments::read(&ctx, id).await?)
}

/// Change a department
///
/// It stays with its facility; one that is closed becomes `inactive`.
#[utoipa::path(patch, path = "/api/v1/departments/{department_id}", tag = "facilities",
    params(("department_id" = DepartmentId, Path, description = "The department")),
    request_body(content = NewDepartment, content_type = "application/merge-patch+json"),
    responses((status = 200, body = Department, description = "Changed")),
    extensions(("x-permission" = json!("facility.manage"))))]
async fn update_department(
    ctx: Ctx,
    Path(id): Path<DepartmentId>,
    if_match: IfMatch,
    patch: MergePatch,
) -> Reply<Department> {
    Ok(departments::change(&ctx, id, if_match, &patch).await?)
}
