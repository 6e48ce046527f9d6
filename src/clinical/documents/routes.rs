//! Documents over HTTP.

use kernel::Page;
use kernel::ids::{DocumentId, PatientId, ProviderId};
use platform::App;
use platform::access::Ctx;
use platform::http::{IfMatch, Json, MergePatch, NoBody, Path, Query, Reply, Streamed};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{Document, DocumentForm, ListDocuments, NewDocument, Reason};
use super::owner::Owner;
use super::{past, service};
use crate::entries::{Amended, AsOfQuery};

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_patient_documents, file_patient_document))
        .routes(routes!(list_provider_documents, file_provider_document))
        .routes(routes!(get_document, update_document))
        .routes(routes!(release_document))
        .routes(routes!(withdraw_document))
        .routes(routes!(mark_document_in_error))
}

/// List a patient's documents
///
/// The newest day first. Of each the label and the newest version the caller may read.
#[utoipa::path(get, path = "/api/v1/patients/{patient_id}/documents", tag = "documents",
    params(("patient_id" = PatientId, Path, description = "Whose documents"), ListDocuments),
    responses((status = 200, body = Page<Amended<Document>>, description = "A page of documents")),
    extensions(("x-permission" = json!("document.read"))))]
async fn list_patient_documents(
    ctx: Ctx,
    Path(patient): Path<PatientId>,
    Query(query): Query<ListDocuments>,
) -> Reply<Page<Amended<Document>>> {
    Ok(service::list(&ctx, Owner::Patient(patient), query).await?)
}

/// File a document of a patient
///
/// A form of two parts in this order: `document`, its label as JSON, and `file`, the content with its type and file name, up
/// to the configured size (100 MB). Content that is not what its type says is refused. Larger or interrupted ones go through
/// `/documents/uploads`. An `Idempotency-Key` is bound to the path, not to the content.
#[utoipa::path(post, path = "/api/v1/patients/{patient_id}/documents", tag = "documents",
    params(("patient_id" = PatientId, Path, description = "Whose document")),
    request_body(content = DocumentForm, content_type = "multipart/form-data"),
    responses((status = 201, body = Document, description = "Filed")),
    extensions(("x-permission" = json!("document.create"))))]
async fn file_patient_document(
    ctx: Ctx,
    Path(patient): Path<PatientId>,
    body: Streamed,
) -> Reply<Document> {
    Ok(service::file(&ctx, Owner::Patient(patient), body).await?)
}

/// List the documents about a provider
#[utoipa::path(get, path = "/api/v1/providers/{provider_id}/documents", tag = "documents",
    params(("provider_id" = ProviderId, Path, description = "About whom"), ListDocuments),
    responses((status = 200, body = Page<Amended<Document>>, description = "A page of documents")),
    extensions(("x-permission" = json!("document.read"))))]
async fn list_provider_documents(
    ctx: Ctx,
    Path(provider): Path<ProviderId>,
    Query(query): Query<ListDocuments>,
) -> Reply<Page<Amended<Document>>> {
    Ok(service::list(&ctx, Owner::Provider(provider), query).await?)
}

/// File a document about a provider
///
/// As for a patient's, of the category `credential`. A provider files his own, an administrator anybody's.
#[utoipa::path(post, path = "/api/v1/providers/{provider_id}/documents", tag = "documents",
    params(("provider_id" = ProviderId, Path, description = "About whom")),
    request_body(content = DocumentForm, content_type = "multipart/form-data"),
    responses((status = 201, body = Document, description = "Filed")),
    extensions(("x-permission" = json!("document.create"))))]
async fn file_provider_document(
    ctx: Ctx,
    Path(provider): Path<ProviderId>,
    body: Streamed,
) -> Reply<Document> {
    Ok(service::file(&ctx, Owner::Provider(provider), body).await?)
}

/// Read a document's label
#[utoipa::path(get, path = "/api/v1/documents/{document_id}", tag = "documents",
    params(("document_id" = DocumentId, Path, description = "Which document"), AsOfQuery),
    responses((status = 200, body = Amended<Document>, description = "The document")),
    extensions(("x-permission" = json!("document.read"))))]
async fn get_document(
    ctx: Ctx,
    Path(id): Path<DocumentId>,
    Query(query): Query<AsOfQuery>,
) -> Reply<Amended<Document>> {
    if let Some(then) = query.as_of {
        return Ok(past::read(&ctx, id, then).await?);
    }
    Ok(service::read(&ctx, id).await?)
}

/// Change a document's label
///
/// Everything but the category, which decides who reads it.
#[utoipa::path(patch, path = "/api/v1/documents/{document_id}", tag = "documents",
    params(("document_id" = DocumentId, Path, description = "Which document")),
    request_body(content = NewDocument, content_type = "application/merge-patch+json"),
    responses((status = 200, body = Document, description = "Changed")),
    extensions(("x-permission" = json!("document.update"))))]
async fn update_document(
    ctx: Ctx,
    Path(id): Path<DocumentId>,
    if_match: IfMatch,
    patch: MergePatch,
) -> Reply<Document> {
    Ok(service::relabel(&ctx, id, if_match, patch).await?)
}

/// Release a document to the patient
///
/// Its newest version; a version added later is released by itself.
#[utoipa::path(post, path = "/api/v1/documents/{document_id}/release", tag = "documents",
    params(("document_id" = DocumentId, Path, description = "Which document")),
    responses((status = 200, body = Document, description = "Released")),
    extensions(("x-permission" = json!("document.update"))))]
async fn release_document(ctx: Ctx, Path(id): Path<DocumentId>, _: NoBody) -> Reply<Document> {
    Ok(service::release(&ctx, id).await?)
}

/// Withdraw a document from the patient
///
/// All its versions. Not one the patient brought himself.
#[utoipa::path(post, path = "/api/v1/documents/{document_id}/withdraw", tag = "documents",
    params(("document_id" = DocumentId, Path, description = "Which document")),
    responses((status = 200, body = Document, description = "Withdrawn")),
    extensions(("x-permission" = json!("document.update"))))]
async fn withdraw_document(ctx: Ctx, Path(id): Path<DocumentId>, _: NoBody) -> Reply<Document> {
    Ok(service::withdraw(&ctx, id).await?)
}

/// Mark a document as entered in error
///
/// It stays, for those who may read it; lists and the search leave it out, and the patient does not see it any more.
#[utoipa::path(post, path = "/api/v1/documents/{document_id}/entered-in-error", tag = "documents",
    params(("document_id" = DocumentId, Path, description = "Which document")), request_body = Reason,
    responses((status = 200, body = Document, description = "Marked")),
    extensions(("x-permission" = json!("document.update"))))]
async fn mark_document_in_error(
    ctx: Ctx,
    Path(id): Path<DocumentId>,
    Json(why): Json<Reason>,
) -> Reply<Document> {
    Ok(service::mark_in_error(&ctx, id, &why).await?)
}
