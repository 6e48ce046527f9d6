//! Notes over HTTP: begin, read, list, go on writing, retract.

use kernel::Page;
use kernel::ids::{NoteId, PatientId};
use platform::App;
use platform::access::Ctx;
use platform::http::{IfMatch, Json, MergePatch, NoBody, Path, Query, Reply};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{ListNotes, ListUnsigned, NewNote, Note, NoteDraft, NoteSummary, Retraction};
use super::service;
use crate::entries::AsOfQuery;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_patient_notes, create_note))
        .routes(routes!(get_note, update_note))
        .routes(routes!(retract_note))
        .routes(routes!(take_over_note))
        .routes(routes!(list_unsigned_notes))
}

/// Begin a note
///
/// A draft, from a template or from nothing. Nurses write nursing notes.
#[utoipa::path(post, path = "/api/v1/patients/{patient_id}/notes", tag = "notes",
    params(("patient_id" = PatientId, Path, description = "Whom it is about")),
    request_body = NewNote,
    responses((status = 201, body = Note, description = "Begun")),
    extensions(("x-permission" = json!("note.write"))))]
async fn create_note(
    ctx: Ctx,
    Path(patient): Path<PatientId>,
    Json(new): Json<NewNote>,
) -> Reply<Note> {
    Ok(service::begin(&ctx, patient, new).await?)
}

/// List a patient's notes
///
/// Newest first, without their text.
#[utoipa::path(get, path = "/api/v1/patients/{patient_id}/notes", tag = "notes",
    params(("patient_id" = PatientId, Path, description = "Whose notes"), ListNotes),
    responses((status = 200, body = Page<NoteSummary>, description = "A page of notes")),
    extensions(("x-permission" = json!("note.read"))))]
async fn list_patient_notes(
    ctx: Ctx,
    Path(patient): Path<PatientId>,
    Query(query): Query<ListNotes>,
) -> Reply<Page<NoteSummary>> {
    Ok(service::list(&ctx, patient, query).await?)
}

/// Open a note
///
/// Of a signed note: its text as last signed. What was added stands in its entries.
#[utoipa::path(get, path = "/api/v1/notes/{note_id}", tag = "notes",
    params(("note_id" = NoteId, Path, description = "Which note"), AsOfQuery),
    responses((status = 200, body = Note, description = "The note")),
    extensions(("x-permission" = json!("note.read"))))]
async fn get_note(ctx: Ctx, Path(id): Path<NoteId>, Query(query): Query<AsOfQuery>) -> Reply<Note> {
    if let Some(then) = query.as_of {
        return Ok(service::open_as_of(&ctx, id, then).await?);
    }
    Ok(service::open(&ctx, id).await?)
}

/// Save a draft
///
/// Every text saved is kept. If somebody else saved in the meantime, the answer is `412` and names, as `conflicted_text`,
/// the number under which the refused text is kept among the note's texts. A signed note answers `409`.
#[utoipa::path(patch, path = "/api/v1/notes/{note_id}", tag = "notes",
    params(("note_id" = NoteId, Path, description = "Which note")),
    request_body(content = NoteDraft, content_type = "application/merge-patch+json"),
    responses((status = 200, body = Note, description = "Saved")),
    extensions(("x-permission" = json!("note.write"))))]
async fn update_note(
    ctx: Ctx,
    Path(id): Path<NoteId>,
    if_match: IfMatch,
    patch: MergePatch,
) -> Reply<Note> {
    Ok(service::save(&ctx, id, if_match, &patch).await?)
}

/// Mark a note as entered in error
///
/// By its author; if his account is not in use any more, by his supervisor or an administrator. A signed note gets a signed
/// retraction and is withdrawn from the patient; nothing is deleted.
#[utoipa::path(post, path = "/api/v1/notes/{note_id}/retract", tag = "notes",
    params(("note_id" = NoteId, Path, description = "Which note")),
    request_body = Retraction,
    responses((status = 200, body = Note, description = "Marked")),
    extensions(("x-permission" = json!("note.retract"))))]
async fn retract_note(
    ctx: Ctx,
    Path(id): Path<NoteId>,
    Json(why): Json<Retraction>,
) -> Reply<Note> {
    Ok(service::retract(&ctx, id, why).await?)
}

/// Take over a draft whose author has left
///
/// The caller becomes its author, and signs it. Of a draft whose author's account is active: `author_active`.
#[utoipa::path(post, path = "/api/v1/notes/{note_id}/take-over", tag = "notes",
    params(("note_id" = NoteId, Path, description = "Which note")),
    responses((status = 200, body = Note, description = "It is the caller's now")),
    extensions(("x-permission" = json!("note.write"))))]
async fn take_over_note(ctx: Ctx, Path(id): Path<NoteId>, _: NoBody) -> Reply<Note> {
    Ok(service::take_over(&ctx, id).await?)
}

/// List drafts that wait for a signature
///
/// The oldest first; of the patients the caller may see.
#[utoipa::path(get, path = "/api/v1/unsigned-notes", tag = "notes",
    params(ListUnsigned),
    responses((status = 200, body = Page<NoteSummary>, description = "A page of drafts")),
    extensions(("x-permission" = json!("note.read"))))]
async fn list_unsigned_notes(
    ctx: Ctx,
    Query(query): Query<ListUnsigned>,
) -> Reply<Page<NoteSummary>> {
    Ok(service::unsigned(&ctx, query).await?)
}
