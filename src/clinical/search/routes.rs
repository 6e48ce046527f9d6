//! Searching over HTTP.

use kernel::Page;
use platform::App;
use platform::access::Ctx;
use platform::http::{Query, Reply};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{FoundText, SearchTexts};
use super::service;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(search_notes))
}

/// Search the text of notes and documents
///
/// Newest first, of the patients the caller may see, drafts too. The front desk finds the documents it may read, a patient the
/// documents and notes that were released to him. Documents are found by the text of their newest version (PDF, plain text,
/// HTML, C-CDA), some seconds after its upload. Only what is shown is recorded as accessed.
#[utoipa::path(get, path = "/api/v1/search/notes", tag = "search",
    params(SearchTexts),
    responses((status = 200, body = Page<FoundText>, description = "A page of notes and documents")),
    extensions(("x-permission" = json!("note.search"))))]
async fn search_notes(ctx: Ctx, Query(query): Query<SearchTexts>) -> Reply<Page<FoundText>> {
    Ok(service::search(&ctx, query).await?)
}
