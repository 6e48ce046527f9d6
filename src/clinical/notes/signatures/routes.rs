//! Signing over HTTP.

use kernel::ids::NoteId;
use platform::App;
use platform::access::Ctx;
use platform::http::{Json, Path, Query, Reply};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{NewAddendum, NewCorrection, NewSignature, NoteEntries};
use super::service;
use super::verify::{SignedNote, Verification};
use crate::entries::AsOfQuery;
use crate::notes::model::Note;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(sign_note))
        .routes(routes!(list_note_entries))
        .routes(routes!(add_addendum))
        .routes(routes!(correct_note))
        .routes(routes!(verify_note))
        .routes(routes!(export_signed_note))
}

/// Sign a note
///
/// By its author. From here on the text stays as it is: canonical JSON, hashed, signed with the organisation's key. A note
/// that needs a co-signature goes to its supervisor's queue.
#[utoipa::path(post, path = "/api/v1/notes/{note_id}/sign", tag = "notes",
    params(("note_id" = NoteId, Path, description = "Which note")),
    request_body = NewSignature,
    responses((status = 200, body = Note, description = "Signed")),
    extensions(("x-problems" = json!(["412"])), ("x-permission" = json!("note.sign"))))]
async fn sign_note(ctx: Ctx, Path(id): Path<NoteId>, Json(new): Json<NewSignature>) -> Reply<Note> {
    Ok(service::sign(&ctx, id, new).await?)
}

/// List the signed entries of a note
///
/// The note itself, and whatever was signed on it since.
#[utoipa::path(get, path = "/api/v1/notes/{note_id}/entries", tag = "notes",
    params(("note_id" = NoteId, Path, description = "Which note"), AsOfQuery),
    responses((status = 200, body = NoteEntries, description = "All of them, from the original on")),
    extensions(("x-permission" = json!("note.read"))))]
async fn list_note_entries(
    ctx: Ctx,
    Path(id): Path<NoteId>,
    Query(query): Query<AsOfQuery>,
) -> Reply<NoteEntries> {
    Ok(service::list(&ctx, id, query.as_of).await?)
}

/// Add to a signed note
///
/// A new signed entry; what stands there stays.
#[utoipa::path(post, path = "/api/v1/notes/{note_id}/addenda", tag = "notes",
    params(("note_id" = NoteId, Path, description = "Which note")),
    request_body = NewAddendum,
    responses((status = 200, body = Note, description = "Added")),
    extensions(("x-permission" = json!("note.sign"))))]
async fn add_addendum(
    ctx: Ctx,
    Path(id): Path<NoteId>,
    Json(new): Json<NewAddendum>,
) -> Reply<Note> {
    Ok(service::add(&ctx, id, new).await?)
}

/// Correct a signed note
///
/// By its author. A new signed entry with the whole text; the earlier one stays in the chain.
#[utoipa::path(post, path = "/api/v1/notes/{note_id}/corrections", tag = "notes",
    params(("note_id" = NoteId, Path, description = "Which note")),
    request_body = NewCorrection,
    responses((status = 200, body = Note, description = "Corrected")),
    extensions(("x-permission" = json!("note.sign"))))]
async fn correct_note(
    ctx: Ctx,
    Path(id): Path<NoteId>,
    Json(new): Json<NewCorrection>,
) -> Reply<Note> {
    Ok(service::correct(&ctx, id, new).await?)
}

/// Check the signatures of a note
///
/// Hashes, signatures, the chain, and whether the note shows what was signed: its text, its header, where it stands, and no
/// entry less.
#[utoipa::path(get, path = "/api/v1/notes/{note_id}/verify", tag = "notes",
    params(("note_id" = NoteId, Path, description = "Which note")),
    responses((status = 200, body = Verification, description = "What was found")),
    extensions(("x-problems" = json!(["409"])), ("x-permission" = json!("note.read"))))]
async fn verify_note(ctx: Ctx, Path(id): Path<NoteId>) -> Reply<Verification> {
    Ok(service::verify(&ctx, id).await?)
}

/// Export a signed note
///
/// Content, signatures and public keys in one file; `chartwell notes verify FILE` checks it anywhere.
#[utoipa::path(get, path = "/api/v1/notes/{note_id}/signed", tag = "notes",
    params(("note_id" = NoteId, Path, description = "Which note")),
    responses((status = 200, body = SignedNote, description = "The file")),
    extensions(("x-problems" = json!(["409"])), ("x-permission" = json!("note.read"))))]
async fn export_signed_note(ctx: Ctx, Path(id): Path<NoteId>) -> Reply<SignedNote> {
    Ok(service::export(&ctx, id).await?)
}
