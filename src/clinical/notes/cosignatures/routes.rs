//! Co-signatures and supervisions over HTTP.

use kernel::Page;
use kernel::ids::{CosignatureId, NoteSupervisionId};
use platform::App;
use platform::access::Ctx;
use platform::http::{Json, NoBody, Path, Query, Reply};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{
    Cosignature, ListCosignatures, ListSupervisions, NewCosignature, NewSupervision, NewSupervisor,
    ReturnNote, Supervision,
};
use super::service;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_cosignatures))
        .routes(routes!(cosign_note))
        .routes(routes!(return_note))
        .routes(routes!(reassign_cosignature))
        .routes(routes!(take_cosignature))
        .routes(routes!(list_note_supervisions, create_note_supervision))
        .routes(routes!(get_note_supervision))
        .routes(routes!(end_note_supervision))
}

/// List a co-signature queue
///
/// One's own, or another's, or with `open` what waits for nobody. The oldest first.
#[utoipa::path(get, path = "/api/v1/cosignatures", tag = "notes",
    params(ListCosignatures),
    responses((status = 200, body = Page<Cosignature>, description = "A page of notes to co-sign")),
    extensions(("x-permission" = json!("note.read"))))]
async fn list_cosignatures(
    ctx: Ctx,
    Query(query): Query<ListCosignatures>,
) -> Reply<Page<Cosignature>> {
    Ok(service::queue(&ctx, query).await?)
}

/// Co-sign a note
///
/// By the supervisor who was asked: a signed entry of his own. He names the newest entry he has read; where another was signed
/// since, nothing is co-signed (412, with the newest in `last_entry`).
#[utoipa::path(post, path = "/api/v1/cosignatures/{cosignature_id}/cosign", tag = "notes",
    params(("cosignature_id" = CosignatureId, Path, description = "Which place in the queue")),
    request_body = NewCosignature,
    responses((status = 200, body = Cosignature, description = "Co-signed")),
    extensions(("x-permission" = json!("note.cosign"))))]
async fn cosign_note(
    ctx: Ctx,
    Path(id): Path<CosignatureId>,
    Json(new): Json<NewCosignature>,
) -> Reply<Cosignature> {
    Ok(service::cosign(&ctx, id, new).await?)
}

/// Return a note to its author
///
/// With the reason. It comes to the queue again when the author has signed an addendum or a correction.
#[utoipa::path(post, path = "/api/v1/cosignatures/{cosignature_id}/return", tag = "notes",
    params(("cosignature_id" = CosignatureId, Path, description = "Which place in the queue")),
    request_body = ReturnNote,
    responses((status = 200, body = Cosignature, description = "Returned")),
    extensions(("x-permission" = json!("note.cosign"))))]
async fn return_note(
    ctx: Ctx,
    Path(id): Path<CosignatureId>,
    Json(why): Json<ReturnNote>,
) -> Reply<Cosignature> {
    Ok(service::send_back(&ctx, id, why).await?)
}

/// Hand a co-signature on to another supervisor
///
/// By the supervisor who was asked, or by an administrator when he has left or his supervision has ended. Also of a note that he returned and that is not
/// answered yet.
#[utoipa::path(post, path = "/api/v1/cosignatures/{cosignature_id}/reassign", tag = "notes",
    params(("cosignature_id" = CosignatureId, Path, description = "Which place in the queue")),
    request_body = NewSupervisor,
    responses((status = 200, body = Cosignature, description = "It waits for the other")),
    extensions(("x-permission" = json!("cosignature.reassign"))))]
async fn reassign_cosignature(
    ctx: Ctx,
    Path(id): Path<CosignatureId>,
    Json(to): Json<NewSupervisor>,
) -> Reply<Cosignature> {
    Ok(service::reassign(&ctx, id, to).await?)
}

/// Take a co-signature that waits for nobody
///
/// Its supervision has ended, or its supervisor has left. By a provider whose own notes need no co-signature.
#[utoipa::path(post, path = "/api/v1/cosignatures/{cosignature_id}/take", tag = "notes",
    params(("cosignature_id" = CosignatureId, Path, description = "Which place in the queue")),
    responses((status = 200, body = Cosignature, description = "It waits for the caller")),
    extensions(("x-permission" = json!("note.cosign"))))]
async fn take_cosignature(
    ctx: Ctx,
    Path(id): Path<CosignatureId>,
    _: NoBody,
) -> Reply<Cosignature> {
    Ok(service::take(&ctx, id).await?)
}

/// Say whose notes need whose co-signature
///
/// A person has one supervision at a time. What stands open since his last one ended goes to the new supervisor.
#[utoipa::path(post, path = "/api/v1/note-supervisions", tag = "notes",
    request_body = NewSupervision,
    responses((status = 201, body = Supervision, description = "From now on")),
    extensions(("x-permission" = json!("note_supervision.manage"))))]
async fn create_note_supervision(ctx: Ctx, Json(new): Json<NewSupervision>) -> Reply<Supervision> {
    Ok(service::supervise(&ctx, new).await?)
}

/// List whose notes need whose co-signature
#[utoipa::path(get, path = "/api/v1/note-supervisions", tag = "notes",
    params(ListSupervisions),
    responses((status = 200, body = Page<Supervision>, description = "A page of supervisions")),
    extensions(("x-permission" = json!("note_supervision.read"))))]
async fn list_note_supervisions(
    ctx: Ctx,
    Query(query): Query<ListSupervisions>,
) -> Reply<Page<Supervision>> {
    Ok(service::supervisions(&ctx, query).await?)
}

/// Read a supervision
#[utoipa::path(get, path = "/api/v1/note-supervisions/{supervision_id}", tag = "notes",
    params(("supervision_id" = NoteSupervisionId, Path, description = "Which supervision")),
    responses((status = 200, body = Supervision, description = "The supervision")),
    extensions(("x-permission" = json!("note_supervision.read"))))]
async fn get_note_supervision(ctx: Ctx, Path(id): Path<NoteSupervisionId>) -> Reply<Supervision> {
    Ok(service::supervision(&ctx, id).await?)
}

/// End a supervision
///
/// What waits for the supervisor stands open from now on: `GET /cosignatures?open=true` lists it, the next supervisor gets it, and
/// whoever may co-sign takes it.
#[utoipa::path(post, path = "/api/v1/note-supervisions/{supervision_id}/end", tag = "notes",
    params(("supervision_id" = NoteSupervisionId, Path, description = "Which supervision")),
    responses((status = 200, body = Supervision, description = "Ended")),
    extensions(("x-permission" = json!("note_supervision.manage"))))]
async fn end_note_supervision(
    ctx: Ctx,
    Path(id): Path<NoteSupervisionId>,
    _: NoBody,
) -> Reply<Supervision> {
    Ok(service::end(&ctx, id).await?)
}
