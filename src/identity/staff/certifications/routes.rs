//! The operations on certifications.

use kernel::Page;
use kernel::ids::{CertificationId, ProviderId};
use platform::App;
use platform::access::Ctx;
use platform::http::{IfMatch, Json, MergePatch, Path, Query, Reply};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{Certification, NewCertification};
use super::service;
use crate::staff::listing::PageQuery;

pub(in crate::staff) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_certifications, create_certification))
        .routes(routes!(get_certification, update_certification))
}

/// List a provider's certifications
#[utoipa::path(get, path = "/api/v1/providers/{provider_id}/certifications", tag = "providers",
    params(("provider_id" = ProviderId, Path, description = "The provider"), PageQuery),
    responses((status = 200, body = Page<Certification>, description = "A page, in the order they were added")),
    extensions(("x-permission" = json!("staff.read"))))]
async fn list_certifications(
    ctx: Ctx,
    Path(provider): Path<ProviderId>,
    Query(query): Query<PageQuery>,
) -> Reply<Page<Certification>> {
    Ok(service::list(&ctx, provider, query).await?)
}

/// Add a certification to a provider
#[utoipa::path(post, path = "/api/v1/providers/{provider_id}/certifications", tag = "providers",
    params(("provider_id" = ProviderId, Path, description = "The provider")), request_body = NewCertification,
    responses((status = 201, body = Certification, description = "Added")),
    extensions(("x-permission" = json!("staff.manage"))))]
async fn create_certification(
    ctx: Ctx,
    Path(provider): Path<ProviderId>,
    Json(new): Json<NewCertification>,
) -> Reply<Certification> {
    Ok(service::add(&ctx, provider, new).await?)
}

/// Read a certification
#[utoipa::path(get, path = "/api/v1/providers/{provider_id}/certifications/{certification_id}", tag = "providers",
    params(("provider_id" = ProviderId, Path, description = "The provider"),
           ("certification_id" = CertificationId, Path, description = "The certification")),
    responses((status = 200, body = Certification, description = "The certification")),
    extensions(("x-permission" = json!("staff.read"))))]
async fn get_certification(
    ctx: Ctx,
    Path((provider, id)): Path<(ProviderId, CertificationId)>,
) -> Reply<Certification> {
    Ok(service::read(&ctx, provider, id).await?)
}

/// Change a certification
#[utoipa::path(patch, path = "/api/v1/providers/{provider_id}/certifications/{certification_id}", tag = "providers",
    params(("provider_id" = ProviderId, Path, description = "The provider"),
           ("certification_id" = CertificationId, Path, description = "The certification")),
    request_body(content = NewCertification, content_type = "application/merge-patch+json"),
    responses((status = 200, body = Certification, description = "Changed")),
    extensions(("x-permission" = json!("staff.manage"))))]
async fn update_certification(
    ctx: Ctx,
    Path((provider, id)): Path<(ProviderId, CertificationId)>,
    if_match: IfMatch,
    patch: MergePatch,
) -> Reply<Certification> {
    Ok(service::amend(&ctx, provider, id, if_match, &patch).await?)
}
