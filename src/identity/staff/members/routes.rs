//! The operations on members of the staff.

use kernel::Page;
use kernel::ids::StaffId;
use platform::App;
use platform::access::Ctx;
use platform::http::{IfMatch, Json, MergePatch, Path, Query, Reply};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{ListStaff, NewStaffMember, StaffMember};
use super::service;

pub(in crate::staff) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_staff, create_staff_member))
        .routes(routes!(get_staff_member, update_staff_member))
}

/// List nurses and other staff
///
/// In the order of their family names.
#[utoipa::path(get, path = "/api/v1/staff", tag = "staff", params(ListStaff),
    responses((status = 200, body = Page<StaffMember>, description = "A page of the staff")),
    extensions(("x-permission" = json!("staff.read"))))]
async fn list_staff(ctx: Ctx, Query(query): Query<ListStaff>) -> Reply<Page<StaffMember>> {
    Ok(service::list(&ctx, query).await?)
}

/// Add a nurse or another member of the staff
///
/// One row an account.
#[utoipa::path(post, path = "/api/v1/staff", tag = "staff", request_body = NewStaffMember,
    responses((status = 201, body = StaffMember, description = "Added")),
    extensions(("x-permission" = json!("staff.manage"))))]
async fn create_staff_member(ctx: Ctx, Json(new): Json<NewStaffMember>) -> Reply<StaffMember> {
    Ok(service::add(&ctx, new).await?)
}

/// Read a member of the staff
#[utoipa::path(get, path = "/api/v1/staff/{staff_id}", tag = "staff",
    params(("staff_id" = StaffId, Path, description = "The member of the staff")),
    responses((status = 200, body = StaffMember, description = "The member of the staff")),
    extensions(("x-permission" = json!("staff.read"))))]
async fn get_staff_member(ctx: Ctx, Path(id): Path<StaffId>) -> Reply<StaffMember> {
    Ok(service::read(&ctx, id).await?)
}

/// Change a member of the staff
///
/// Everything but the account.
#[utoipa::path(patch, path = "/api/v1/staff/{staff_id}", tag = "staff",
    params(("staff_id" = StaffId, Path, description = "The member of the staff")),
    request_body(content = NewStaffMember, content_type = "application/merge-patch+json"),
    responses((status = 200, body = StaffMember, description = "Changed")),
    extensions(("x-permission" = json!("staff.manage"))))]
async fn update_staff_member(
    ctx: Ctx,
    Path(id): Path<StaffId>,
    if_match: IfMatch,
    patch: MergePatch,
) -> Reply<StaffMember> {
    Ok(service::amend(&ctx, id, if_match, &patch).await?)
}
