//! The operations on providers.

use kernel::Page;
use kernel::ids::ProviderId;
use platform::App;
use platform::access::Ctx;
use platform::http::{IfMatch, Json, MergePatch, Path, Query, Reply};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{DirectoryEntry, ListProviders, NewProvider, Provider, SearchDirectory};
use super::service;

pub(in crate::staff) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_providers, create_provider))
        .routes(routes!(get_provider, update_provider))
        .routes(routes!(search_directory))
}

/// List providers
///
/// In the order of their names, whole rows.
#[utoipa::path(get, path = "/api/v1/providers", tag = "providers", params(ListProviders),
    responses((status = 200, body = Page<Provider>, description = "A page of providers")),
    extensions(("x-permission" = json!("staff.read"))))]
async fn list_providers(ctx: Ctx, Query(query): Query<ListProviders>) -> Reply<Page<Provider>> {
    Ok(service::list(&ctx, query).await?)
}

/// Add a provider
///
/// With or without an account. An NPI is checked, and is one provider's alone.
#[utoipa::path(post, path = "/api/v1/providers", tag = "providers", request_body = NewProvider,
    responses((status = 201, body = Provider, description = "Added")),
    extensions(("x-permission" = json!("staff.manage"))))]
async fn create_provider(ctx: Ctx, Json(new): Json<NewProvider>) -> Reply<Provider> {
    Ok(service::add(&ctx, new).await?)
}

/// Read a provider
#[utoipa::path(get, path = "/api/v1/providers/{provider_id}", tag = "providers",
    params(("provider_id" = ProviderId, Path, description = "The provider")),
    responses((status = 200, body = Provider, description = "The provider")),
    extensions(("x-permission" = json!("staff.read"))))]
async fn get_provider(ctx: Ctx, Path(id): Path<ProviderId>) -> Reply<Provider> {
    Ok(service::read(&ctx, id).await?)
}

/// Change a provider
///
/// A new account is checked as at the beginning; one that was linked before stays, whatever became of it. His patients go with him:
/// the new account is at once on the teams he is on for his own patients, visits, referrals and appointments, the one before is not.
#[utoipa::path(patch, path = "/api/v1/providers/{provider_id}", tag = "providers",
    params(("provider_id" = ProviderId, Path, description = "The provider")),
    request_body(content = NewProvider, content_type = "application/merge-patch+json"),
    responses((status = 200, body = Provider, description = "Changed")),
    extensions(("x-permission" = json!("staff.manage"))))]
async fn update_provider(
    ctx: Ctx,
    Path(id): Path<ProviderId>,
    if_match: IfMatch,
    patch: MergePatch,
) -> Reply<Provider> {
    Ok(service::amend(&ctx, id, if_match, &patch).await?)
}

/// Find a provider in the directory
///
/// Active providers, as patients see them: name, credential, specialty, and whether they take new patients.
#[utoipa::path(get, path = "/api/v1/directory/providers", tag = "providers", params(SearchDirectory),
    responses((status = 200, body = Page<DirectoryEntry>, description = "A page of the directory")),
    extensions(("x-permission" = json!("directory.read"))))]
async fn search_directory(
    ctx: Ctx,
    Query(query): Query<SearchDirectory>,
) -> Reply<Page<DirectoryEntry>> {
    Ok(service::search_directory(&ctx, query).await?)
}
