//! The search over HTTP.

use kernel::Page;
use platform::App;
use platform::access::Ctx;
use platform::http::{Query, Reply};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{DocumentHit, DocumentSearch};
use super::service;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(search_documents))
}

/// Search the text of documents
///
/// Of PDF, plain text, HTML and XML (C-CDA), some seconds after their upload. The best first.
#[utoipa::path(get, path = "/api/v1/search/documents", tag = "documents", params(DocumentSearch),
    responses((status = 200, body = Page<DocumentHit>, description = "A page of what was found")),
    extensions(("x-permission" = json!("document.search"))))]
async fn search_documents(
    ctx: Ctx,
    Query(query): Query<DocumentSearch>,
) -> Reply<Page<DocumentHit>> {
    Ok(service::search(&ctx, query).await?)
}
