//! Attestations over HTTP.

use kernel::Page;
use kernel::ids::DocumentId;
use platform::App;
use platform::access::Ctx;
use platform::http::{Json, Path, Query, Reply};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{Attestation, NewAttestation};
use super::service;
use crate::documents::model::PagesAsOf;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list_document_attestations, attest_document))
}

/// List a document's attestations
///
/// The newest first, each checked as it is read, also those of then.
#[utoipa::path(get, path = "/api/v1/documents/{document_id}/attestations", tag = "documents",
    params(("document_id" = DocumentId, Path, description = "Of which document"), PagesAsOf),
    responses((status = 200, body = Page<Attestation>, description = "A page of attestations")),
    extensions(("x-permission" = json!("document.read"))))]
async fn list_document_attestations(
    ctx: Ctx,
    Path(id): Path<DocumentId>,
    Query(query): Query<PagesAsOf>,
) -> Reply<Page<Attestation>> {
    Ok(service::list(&ctx, id, query).await?)
}

/// Attest a version
///
/// Signs the version's hash with the tenant's key, in the provider's name. Once a version and provider.
#[utoipa::path(post, path = "/api/v1/documents/{document_id}/attestations", tag = "documents",
    params(("document_id" = DocumentId, Path, description = "Of which document")), request_body = NewAttestation,
    responses((status = 201, body = Attestation, description = "Signed")),
    extensions(("x-permission" = json!("document.attest"))))]
async fn attest_document(
    ctx: Ctx,
    Path(id): Path<DocumentId>,
    Json(new): Json<NewAttestation>,
) -> Reply<Attestation> {
    Ok(service::attest(&ctx, id, &new).await?)
}
