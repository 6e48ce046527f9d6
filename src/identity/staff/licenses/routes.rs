//! The operations on licences.

use kernel::Page;
use kernel::ids::{LicenseId, ProviderId};
use platform::App;
use platform::access::Ctx;
use platform::http::{IfMatch, Json, MergePatch, Path, Query, Reply};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{ExpiringLicense, License, ListExpiring, NewLicense};
use super::service;
use crate::staff::listing::PageQuery;

pub(in crate::staff) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_licenses, create_license))
        .routes(routes!(get_license, update_license))
        .routes(routes!(list_expiring_licenses))
}

/// List a provider's licences
#[utoipa::path(get, path = "/api/v1/providers/{provider_id}/licenses", tag = "providers",
    params(("provider_id" = ProviderId, Path, description = "The provider"), PageQuery),
    responses((status = 200, body = Page<License>, description = "A page of licences, in the order they were added")),
    extensions(("x-permission" = json!("staff.read"))))]
async fn list_licenses(
    ctx: Ctx,
    Path(provider): Path<ProviderId>,
    Query(query): Query<PageQuery>,
) -> Reply<Page<License>> {
    Ok(service::list(&ctx, provider, query).await?)
}

/// Add a licence to a provider
#[utoipa::path(post, path = "/api/v1/providers/{provider_id}/licenses", tag = "providers",
    params(("provider_id" = ProviderId, Path, description = "The provider")), request_body = NewLicense,
    responses((status = 201, body = License, description = "Added")),
    extensions(("x-permission" = json!("staff.manage"))))]
async fn create_license(
    ctx: Ctx,
    Path(provider): Path<ProviderId>,
    Json(new): Json<NewLicense>,
) -> Reply<License> {
    Ok(service::add(&ctx, provider, new).await?)
}

/// Read a licence
#[utoipa::path(get, path = "/api/v1/providers/{provider_id}/licenses/{license_id}", tag = "providers",
    params(("provider_id" = ProviderId, Path, description = "The provider"),
           ("license_id" = LicenseId, Path, description = "The licence")),
    responses((status = 200, body = License, description = "The licence")),
    extensions(("x-permission" = json!("staff.read"))))]
async fn get_license(
    ctx: Ctx,
    Path((provider, id)): Path<(ProviderId, LicenseId)>,
) -> Reply<License> {
    Ok(service::read(&ctx, provider, id).await?)
}

/// Change a licence
///
/// A renewal is a later `expires_on`.
#[utoipa::path(patch, path = "/api/v1/providers/{provider_id}/licenses/{license_id}", tag = "providers",
    params(("provider_id" = ProviderId, Path, description = "The provider"),
           ("license_id" = LicenseId, Path, description = "The licence")),
    request_body(content = NewLicense, content_type = "application/merge-patch+json"),
    responses((status = 200, body = License, description = "Changed")),
    extensions(("x-permission" = json!("staff.manage"))))]
async fn update_license(
    ctx: Ctx,
    Path((provider, id)): Path<(ProviderId, LicenseId)>,
    if_match: IfMatch,
    patch: MergePatch,
) -> Reply<License> {
    Ok(service::amend(&ctx, provider, id, if_match, &patch).await?)
}

/// List licences about to expire
///
/// Of active providers, soonest first. Those that have expired already come before, marked `expired`.
#[utoipa::path(get, path = "/api/v1/providers/licenses/expiring", tag = "providers", params(ListExpiring),
    responses((status = 200, body = Page<ExpiringLicense>, description = "A page of licences")),
    extensions(("x-permission" = json!("staff.read"))))]
async fn list_expiring_licenses(
    ctx: Ctx,
    Query(query): Query<ListExpiring>,
) -> Reply<Page<ExpiringLicense>> {
    Ok(service::list_expiring(&ctx, query).await?)
}
