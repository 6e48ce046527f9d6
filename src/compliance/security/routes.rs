//! HTTP of security events.

use kernel::Page;
use platform::App;
use platform::access::Ctx;
use platform::http::{Query, Reply};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{ListSecurityEvents, SecurityEntry, SecuritySummary};
use super::service;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(get_security_summary))
        .routes(routes!(list_security_events))
}

/// Read the last twenty-four hours
///
/// By account: accesses, refusals, patients, failed logins, last access.
#[utoipa::path(get, path = "/api/v1/security/summary", tag = "security",
    responses((status = 200, body = SecuritySummary, description = "The last twenty-four hours")),
    extensions(("x-permission" = json!("security.read"))))]
async fn get_security_summary(ctx: Ctx) -> Reply<SecuritySummary> {
    Ok(service::summary(&ctx).await?)
}

/// List security events
///
/// Logins, failures, lockouts, refused permissions, changes of accounts; the newest first.
#[utoipa::path(get, path = "/api/v1/security/events", tag = "security", params(ListSecurityEvents),
    responses((status = 200, body = Page<SecurityEntry>, description = "A page, the newest first")),
    extensions(("x-permission" = json!("security.read"))))]
async fn list_security_events(
    ctx: Ctx,
    Query(query): Query<ListSecurityEvents>,
) -> Reply<Page<SecurityEntry>> {
    Ok(service::events(&ctx, query).await?)
}
