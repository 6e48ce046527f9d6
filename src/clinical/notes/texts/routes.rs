//! Texts of a note over HTTP.

use kernel::Page;
use kernel::ids::NoteId;
use platform::App;
use platform::access::Ctx;
use platform::http::{Path, Query, Reply};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{CompareTexts, ListTexts, NoteDiff, NoteText};
use super::service;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_note_texts))
        .routes(routes!(compare_note_texts))
}

/// List every text a note ever had
///
/// The newest first: what was saved, what was corrected, and with `kind=conflicted` what was refused because somebody else
/// had been faster.
#[utoipa::path(get, path = "/api/v1/notes/{note_id}/texts", tag = "notes",
    params(("note_id" = NoteId, Path, description = "Which note"), ListTexts),
    responses((status = 200, body = Page<NoteText>, description = "A page of texts")),
    extensions(("x-permission" = json!("note.read"))))]
async fn list_note_texts(
    ctx: Ctx,
    Path(id): Path<NoteId>,
    Query(query): Query<ListTexts>,
) -> Reply<Page<NoteText>> {
    Ok(service::list(&ctx, id, query).await?)
}

/// Compare two texts of a note
///
/// Section by section, word by word.
#[utoipa::path(get, path = "/api/v1/notes/{note_id}/diff", tag = "notes",
    params(("note_id" = NoteId, Path, description = "Which note"), CompareTexts),
    responses((status = 200, body = NoteDiff, description = "What differs")),
    extensions(("x-permission" = json!("note.read"))))]
async fn compare_note_texts(
    ctx: Ctx,
    Path(id): Path<NoteId>,
    Query(query): Query<CompareTexts>,
) -> Reply<NoteDiff> {
    Ok(service::compare(&ctx, id, &query).await?)
}
