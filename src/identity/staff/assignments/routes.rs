//! The operations on assignments.

use kernel::Page;
use kernel::ids::{AssignmentId, UserId};
use platform::App;
use platform::access::Ctx;
use platform::http::{Json, NoBody, Path, Query, Reply};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{Assignment, NewAssignment};
use super::service;
use crate::staff::listing::PageQuery;

pub(in crate::staff) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_assignments, create_assignment))
        .routes(routes!(get_assignment))
        .routes(routes!(end_assignment))
}

/// List a user's department assignments
///
/// Ended ones too, in the order they were made.
#[utoipa::path(get, path = "/api/v1/users/{user_id}/assignments", tag = "staff",
    params(("user_id" = UserId, Path, description = "The account"), PageQuery),
    responses((status = 200, body = Page<Assignment>, description = "A page of assignments")),
    extensions(("x-permission" = json!("staff.read"))))]
async fn list_assignments(
    ctx: Ctx,
    Path(user): Path<UserId>,
    Query(query): Query<PageQuery>,
) -> Reply<Page<Assignment>> {
    Ok(service::list(&ctx, user, query).await?)
}

/// Assign a user to a department
///
/// Where the organisation opens charts by facility, this opens those of the department's facility to providers and nurses.
#[utoipa::path(post, path = "/api/v1/users/{user_id}/assignments", tag = "staff",
    params(("user_id" = UserId, Path, description = "The account: an active one, not a patient's")),
    request_body = NewAssignment,
    responses((status = 201, body = Assignment, description = "Assigned")),
    extensions(("x-permission" = json!("staff.manage"))))]
async fn create_assignment(
    ctx: Ctx,
    Path(user): Path<UserId>,
    Json(new): Json<NewAssignment>,
) -> Reply<Assignment> {
    Ok(service::add(&ctx, user, new).await?)
}

/// Read a department assignment
#[utoipa::path(get, path = "/api/v1/assignments/{assignment_id}", tag = "staff",
    params(("assignment_id" = AssignmentId, Path, description = "The assignment")),
    responses((status = 200, body = Assignment, description = "The assignment")),
    extensions(("x-permission" = json!("staff.read"))))]
async fn get_assignment(ctx: Ctx, Path(id): Path<AssignmentId>) -> Reply<Assignment> {
    Ok(service::read(&ctx, id).await?)
}

/// End a department assignment
///
/// At once; one that has not begun never does. Refused with `illegal_transition` if it has ended.
#[utoipa::path(post, path = "/api/v1/assignments/{assignment_id}/end", tag = "staff",
    params(("assignment_id" = AssignmentId, Path, description = "The assignment")),
    responses((status = 200, body = Assignment, description = "Ended")),
    extensions(("x-permission" = json!("staff.manage"))))]
async fn end_assignment(ctx: Ctx, Path(id): Path<AssignmentId>, _: NoBody) -> Reply<Assignment> {
    Ok(service::end(&ctx, id).await?)
}
