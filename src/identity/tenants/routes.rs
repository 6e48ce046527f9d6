//! HTTP of the tenant.

use platform::App;
use platform::access::Ctx;
use platform::http::{IfMatch, MergePatch, Reply};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{Tenant, TenantSettings};
use super::service;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(get_tenant, update_tenant))
}

/// Read the organisation and its settings
#[utoipa::path(get, path = "/api/v1/tenant", tag = "tenant",
    responses((status = 200, body = Tenant, description = "The caller's organisation")),
    extensions(("x-permission" = json!("tenant.read"))))]
async fn get_tenant(ctx: Ctx) -> Reply<Tenant> {
    Ok(service::read(&ctx).await?)
}

/// Change the organisation's settings
///
/// They take effect at once, also on sessions that are live.
#[utoipa::path(patch, path = "/api/v1/tenant", tag = "tenant",
    request_body(content = TenantSettings, content_type = "application/merge-patch+json"),
    responses((status = 200, body = Tenant, description = "Changed")),
    extensions(("x-permission" = json!("tenant.update"))))]
async fn update_tenant(ctx: Ctx, if_match: IfMatch, patch: MergePatch) -> Reply<Tenant> {
    Ok(service::change(&ctx, if_match, &patch).await?)
}
