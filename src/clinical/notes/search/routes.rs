//! Searching over HTTP.

use kernel::Page;
use platform::App;
use platform::access::Ctx;
use platform::http::{Query, Reply};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{FoundNote, SearchNotes};
use super::service;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(search_notes))
}

/// Search the text of notes
///
/// Newest first, of the patients the caller may see, drafts too. Only what is shown is recorded as accessed.
#[utoipa::path(get, path = "/api/v1/search/notes", tag = "notes",
    params(SearchNotes),
    responses((status = 200, body = Page<FoundNote>, description = "A page of notes")),
    extensions(("x-permission" = json!("note.search"))))]
async fn search_notes(ctx: Ctx, Query(query): Query<SearchNotes>) -> Reply<Page<FoundNote>> {
    Ok(service::search(&ctx, query).await?)
}
