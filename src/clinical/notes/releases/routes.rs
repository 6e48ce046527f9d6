//! Releases over HTTP.

use kernel::Page;
use kernel::ids::{NoteId, PatientId};
use platform::App;
use platform::access::Ctx;
use platform::http::{NoBody, Path, Query, Reply};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{ListReleased, ReleasedNote};
use super::service;
use crate::entries::AsOfQuery;
use crate::notes::model::Note;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(release_note))
        .routes(routes!(withhold_note))
        .routes(routes!(list_released_notes))
        .routes(routes!(get_released_note))
}

/// Release a note to the patient
///
/// A signed one, and co-signed where that is needed. What is added to it later is released with it.
#[utoipa::path(post, path = "/api/v1/notes/{note_id}/release", tag = "notes",
    params(("note_id" = NoteId, Path, description = "Which note")),
    responses((status = 200, body = Note, description = "Released")),
    extensions(("x-permission" = json!("note.release"))))]
async fn release_note(ctx: Ctx, Path(id): Path<NoteId>, _: NoBody) -> Reply<Note> {
    Ok(service::release(&ctx, id).await?)
}

/// Withhold a note from the patient
///
/// He can't read it any more. That it was released, and when, stays in the history.
#[utoipa::path(post, path = "/api/v1/notes/{note_id}/withhold", tag = "notes",
    params(("note_id" = NoteId, Path, description = "Which note")),
    responses((status = 200, body = Note, description = "Withheld")),
    extensions(("x-permission" = json!("note.release"))))]
async fn withhold_note(ctx: Ctx, Path(id): Path<NoteId>, _: NoBody) -> Reply<Note> {
    Ok(service::withhold(&ctx, id).await?)
}

/// List the notes released to a patient
///
/// Newest first.
#[utoipa::path(get, path = "/api/v1/patients/{patient_id}/released-notes", tag = "notes",
    params(("patient_id" = PatientId, Path, description = "Whose notes"), ListReleased),
    responses((status = 200, body = Page<ReleasedNote>, description = "A page of notes")),
    extensions(("x-permission" = json!("note.read_released"))))]
async fn list_released_notes(
    ctx: Ctx,
    Path(patient): Path<PatientId>,
    Query(query): Query<ListReleased>,
) -> Reply<Page<ReleasedNote>> {
    Ok(service::list(&ctx, patient, query).await?)
}

/// Open a note released to a patient
#[utoipa::path(get, path = "/api/v1/patients/{patient_id}/released-notes/{note_id}", tag = "notes",
    params(("patient_id" = PatientId, Path, description = "Whose note"),
           ("note_id" = NoteId, Path, description = "Which note"), AsOfQuery),
    responses((status = 200, body = ReleasedNote, description = "The note")),
    extensions(("x-permission" = json!("note.read_released"))))]
async fn get_released_note(
    ctx: Ctx,
    Path((patient, id)): Path<(PatientId, NoteId)>,
    Query(query): Query<AsOfQuery>,
) -> Reply<ReleasedNote> {
    if let Some(then) = query.as_of {
        return Ok(service::open_as_of(&ctx, patient, id, then).await?);
    }
    Ok(service::open(&ctx, patient, id).await?)
}
