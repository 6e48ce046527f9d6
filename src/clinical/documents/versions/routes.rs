//! Versions and content over HTTP.

use kernel::Page;
use kernel::ids::DocumentId;
use platform::App;
use platform::access::Ctx;
use platform::http::{Download, Path, Problem, Query, RangeHeader, Reply, Streamed};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::service::{self, Presentation};
use crate::documents::model::{Document, DocumentVersion, FileForm, PagesAsOf};

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_document_versions, add_document_version))
        .routes(routes!(download_document))
        .routes(routes!(download_document_version))
}

/// List a document's versions
///
/// The newest first.
#[utoipa::path(get, path = "/api/v1/documents/{document_id}/versions", tag = "documents",
    params(("document_id" = DocumentId, Path, description = "Of which document"), PagesAsOf),
    responses((status = 200, body = Page<DocumentVersion>, description = "A page of versions")),
    extensions(("x-permission" = json!("document.read"))))]
async fn list_document_versions(
    ctx: Ctx,
    Path(id): Path<DocumentId>,
    Query(query): Query<PagesAsOf>,
) -> Reply<Page<DocumentVersion>> {
    Ok(service::list(&ctx, id, query).await?)
}

/// Add a version
///
/// A form with one part, `file`. The versions before stay as they are. The patient sees it when it is released.
#[utoipa::path(post, path = "/api/v1/documents/{document_id}/versions", tag = "documents",
    params(("document_id" = DocumentId, Path, description = "Of which document")),
    request_body(content = FileForm, content_type = "multipart/form-data"),
    responses((status = 201, body = Document, description = "Added")),
    extensions(("x-permission" = json!("document.update"))))]
async fn add_document_version(
    ctx: Ctx,
    Path(id): Path<DocumentId>,
    body: Streamed,
) -> Reply<Document> {
    Ok(service::add(&ctx, id, body).await?)
}

/// Download a document
///
/// The newest version the caller may read; `Range` is honoured. As an attachment, unless `disposition=inline` asks to see a
/// type that can hold no script. Refused with `document_quarantined` or `document_infected`.
#[utoipa::path(get, path = "/api/v1/documents/{document_id}/content", tag = "documents",
    params(("document_id" = DocumentId, Path, description = "Which document"), Presentation,
           ("Range" = Option<String>, Header, description = "Such as bytes=0-1023")),
    responses((status = 200, content_type = "*/*", description = "The content, of the document's type"),
              (status = 206, content_type = "*/*", description = "The range asked for")),
    extensions(("x-problems" = json!(["409", "416"])), ("x-permission" = json!("document.read"))))]
async fn download_document(
    ctx: Ctx,
    Path(id): Path<DocumentId>,
    Query(presentation): Query<Presentation>,
    range: RangeHeader,
) -> Result<Download, Problem> {
    Ok(service::download(&ctx, id, None, &presentation, &range).await?)
}

/// Download a version
#[utoipa::path(get, path = "/api/v1/documents/{document_id}/versions/{number}/content", tag = "documents",
    params(("document_id" = DocumentId, Path, description = "Which document"),
           ("number" = i32, Path, description = "Which version"), Presentation,
           ("Range" = Option<String>, Header, description = "Such as bytes=0-1023")),
    responses((status = 200, content_type = "*/*", description = "The content, of the version's type"),
              (status = 206, content_type = "*/*", description = "The range asked for")),
    extensions(("x-problems" = json!(["409", "416"])), ("x-permission" = json!("document.read"))))]
async fn download_document_version(
    ctx: Ctx,
    Path((id, number)): Path<(DocumentId, i32)>,
    Query(presentation): Query<Presentation>,
    range: RangeHeader,
) -> Result<Download, Problem> {
    Ok(service::download(&ctx, id, Some(number), &presentation, &range).await?)
}
