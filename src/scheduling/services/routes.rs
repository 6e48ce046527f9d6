//! HTTP of services.

use kernel::Page;
use kernel::ids::ServiceId;
use platform::App;
use platform::access::Ctx;
use platform::http::{IfMatch, Json, MergePatch, Path, Query, Reply};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{ListServices, NewService, Service};
use super::service;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_services, create_service))
        .routes(routes!(get_service, update_service))
}

/// List services
#[utoipa::path(get, path = "/api/v1/scheduling/services", tag = "services and rooms", params(ListServices),
    responses((status = 200, body = Page<Service>, description = "A page, by name")),
    extensions(("x-permission" = json!("scheduling.catalogue"))))]
async fn list_services(ctx: Ctx, Query(query): Query<ListServices>) -> Reply<Page<Service>> {
    Ok(service::list(&ctx, query).await?)
}

/// Add a service
///
/// Skills are specialties of providers, whatever the spelling; one that no provider has is refused. A kind of room or device of
/// which there is none yet is told in `warnings`. Refused with `slug_taken` while another service has the code.
#[utoipa::path(post, path = "/api/v1/scheduling/services", tag = "services and rooms", request_body = NewService,
    responses((status = 201, body = Service, description = "Added")),
    extensions(("x-permission" = json!("scheduling.manage"))))]
async fn create_service(ctx: Ctx, Json(new): Json<NewService>) -> Reply<Service> {
    Ok(service::add(&ctx, new).await?)
}

/// Read a service
#[utoipa::path(get, path = "/api/v1/scheduling/services/{service_id}", tag = "services and rooms",
    params(("service_id" = ServiceId, Path, description = "The service")),
    responses((status = 200, body = Service, description = "The service")),
    extensions(("x-permission" = json!("scheduling.catalogue"))))]
async fn get_service(ctx: Ctx, Path(id): Path<ServiceId>) -> Reply<Service> {
    Ok(service::read(&ctx, id).await?)
}

/// Change a service
///
/// What is booked stays as it was booked; one that is no longer offered becomes `inactive`.
#[utoipa::path(patch, path = "/api/v1/scheduling/services/{service_id}", tag = "services and rooms",
    params(("service_id" = ServiceId, Path, description = "The service")),
    request_body(content = NewService, content_type = "application/merge-patch+json"),
    responses((status = 200, body = Service, description = "Changed")),
    extensions(("x-permission" = json!("scheduling.manage"))))]
async fn update_service(
    ctx: Ctx,
    Path(id): Path<ServiceId>,
    if_match: IfMatch,
    patch: MergePatch,
) -> Reply<Service> {
    Ok(service::change(&ctx, id, if_match, &patch).await?)
}
