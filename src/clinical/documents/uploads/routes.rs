//! Uploads over HTTP.

use kernel::ids::DocumentUploadId;
use platform::App;
use platform::access::Ctx;
use platform::http::{Json, Path, Reply, Streamed};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{NewUpload, Upload};
use super::service;
use crate::documents::model::Document;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(begin_document_upload))
        .routes(routes!(
            get_document_upload,
            send_document_upload,
            abort_document_upload
        ))
        .routes(routes!(complete_document_upload))
}

/// Begin an upload
///
/// Then send the content in parts (`PUT`, each from the offset reached), and complete it.
#[utoipa::path(post, path = "/api/v1/documents/uploads", tag = "documents", request_body = NewUpload,
    responses((status = 201, body = Upload, description = "Begun")),
    extensions(("x-permission" = json!("document.create"))))]
async fn begin_document_upload(ctx: Ctx, Json(new): Json<NewUpload>) -> Reply<Upload> {
    Ok(service::begin(&ctx, new).await?)
}

/// Ask how far an upload is
///
/// `offset` is where the next part begins.
#[utoipa::path(get, path = "/api/v1/documents/uploads/{upload_id}", tag = "documents",
    params(("upload_id" = DocumentUploadId, Path, description = "Which upload")),
    responses((status = 200, body = Upload, description = "The upload")),
    extensions(("x-permission" = json!("document.read"))))]
async fn get_document_upload(ctx: Ctx, Path(id): Path<DocumentUploadId>) -> Reply<Upload> {
    Ok(service::read(&ctx, id).await?)
}

/// Send a part
///
/// `Upload-Offset` says where it begins, which must be where the upload stands; else `offset_mismatch` with `offset`. What
/// arrives before the connection breaks is kept. At most 10,000 parts.
#[utoipa::path(put, path = "/api/v1/documents/uploads/{upload_id}", tag = "documents",
    params(("upload_id" = DocumentUploadId, Path, description = "Which upload"),
           ("Upload-Offset" = i64, Header, description = "Where the part begins, in bytes")),
    request_body(content = String, content_type = "application/octet-stream", description = "The bytes", example = "bytes"),
    responses((status = 200, body = Upload, description = "Taken")),
    extensions(("x-permission" = json!("document.create"))))]
async fn send_document_upload(
    ctx: Ctx,
    Path(id): Path<DocumentUploadId>,
    body: Streamed,
) -> Reply<Upload> {
    Ok(service::send(&ctx, id, body).await?)
}

/// Abort an upload
///
/// What has arrived is removed.
#[utoipa::path(delete, path = "/api/v1/documents/uploads/{upload_id}", tag = "documents",
    params(("upload_id" = DocumentUploadId, Path, description = "Which upload")),
    responses((status = 204, description = "Aborted")),
    extensions(("x-permission" = json!("document.create"))))]
async fn abort_document_upload(ctx: Ctx, Path(id): Path<DocumentUploadId>) -> Reply<()> {
    Ok(service::abort(&ctx, id).await?)
}

/// Complete an upload
///
/// Its content gets its document, or becomes the newest version of the one named. Refused while bytes are missing, and when
/// type, size or hash are not what was told. Completed again, it answers with the document it has become.
#[utoipa::path(post, path = "/api/v1/documents/uploads/{upload_id}/complete", tag = "documents",
    params(("upload_id" = DocumentUploadId, Path, description = "Which upload")),
    responses((status = 201, body = Document, description = "Filed")),
    extensions(("x-permission" = json!("document.create"))))]
async fn complete_document_upload(
    ctx: Ctx,
    Path(id): Path<DocumentUploadId>,
    // Has no body; takes as long as one that has.
    nothing: Streamed,
) -> Reply<Document> {
    Ok(service::complete(&ctx, id, nothing).await?)
}
