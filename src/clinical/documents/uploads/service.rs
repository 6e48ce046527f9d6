//! Beginning, sending, completing and aborting uploads.

use bytes::Bytes;
use chrono::TimeDelta;
use futures_util::StreamExt;
use kernel::clock::Instant;
use kernel::ids::{DocumentId, DocumentUploadId, DocumentVersionId, mint};
use kernel::{Code, Error, Kind, Result};
use platform::access::{Ctx, Disclosure, Permission};
use platform::audit::Action;
use platform::crypto::FieldRef;
use platform::db::{CallerTx, SystemTx, TenantTx};
use platform::files::{Content, ObjectKey, ObjectName, Pieces};
use platform::http::{Answer, Streamed};
use serde_json::json;
use uuid::Uuid;

use super::model::{NewUpload, Upload, UploadRequest, UploadState};
use super::{quota, store};
use crate::documents::model::Document;
use crate::documents::owner::Owner;
use crate::documents::receive::{self, Declared, Received};
use crate::documents::{service, store as documents, versions};

const RESOURCE: &str = "document_upload";
/// How long an upload may lie.
const KEPT: TimeDelta = TimeDelta::hours(24);
/// More parts than anybody needs.
const PARTS: i64 = 10_000;

/// Notes an object that is about to be written, so that it is removed if it never gets its row, and counts its size as sent,
/// whatever becomes of it.
///
/// # Errors
/// `upload_quota`.
pub(in crate::documents) async fn note(
    ctx: &Ctx,
    id: DocumentVersionId,
    owner: Owner,
    document: Option<DocumentId>,
    size: i64,
) -> Result<()> {
    let app = ctx.app();
    let mut tx = SystemTx::on_behalf_of(
        &app.db,
        ctx.tenant(),
        Some(ctx.user()),
        Some(ctx.request_id()),
    )
    .await?;
    quota::charge(ctx, &mut tx, size).await?;
    let new = store::New {
        id: id.0,
        owner,
        document,
        request: json!({}),
        size: None,
    };
    store::insert(&mut tx, &new, ctx.now() + KEPT, ctx.now()).await?;
    tx.commit().await
}

/// The object has its row, and the upload in parts it came from its document.
pub(in crate::documents) async fn settle(
    tx: &mut TenantTx,
    received: &Received,
    document: DocumentId,
    now: Instant,
) -> Result<()> {
    if !store::close(tx, received.id.0, UploadState::Completed, now).await? {
        // Swept meanwhile: the object may be gone.
        return Err(Error::new(Code::UploadClosed));
    }
    if let Some(upload) = received.upload {
        store::set_document(tx, upload, document).await?;
    }
    Ok(())
}

pub(super) async fn begin(ctx: &Ctx, new: NewUpload) -> Result<Answer<Upload>> {
    let mut tx = ctx.begin(Permission::DocumentCreate).await?;
    let largest = i64::try_from(ctx.app().files.options.largest).unwrap_or(i64::MAX);
    if new.size > largest {
        return Err(Error::new(Code::BodyTooLarge).with("most", largest.into()));
    }
    let owner = match new.document_id {
        Some(id) => {
            ctx.require(Permission::DocumentUpdate)?;
            let named = documents::find(&mut tx, id).await?;
            let document = named.ok_or_else(|| {
                Error::field("/document_id", "no_such_document", "must name a document")
            })?;
            ctx.require(document.data.category.permission())?;
            service::owner_of(&document)?
        }
        None => Owner::of(new.patient_id, new.provider_id)?,
    };
    owner
        .require(&mut tx)
        .await
        .map_err(|error| no_such_owner(error, owner))?;
    if let Some(document) = &new.document {
        ctx.require(document.category.permission())?;
        owner.require_fit(&mut tx, document).await?;
    }
    quota::charge(ctx, &mut tx, new.size).await?;
    quota::require_few_open(ctx, &mut tx).await?;
    let id = DocumentUploadId::new();
    let request = UploadRequest {
        document: new.document,
        filename: receive::clean_name(&new.filename),
        content_type: new.content_type,
        sha256: new.sha256.map(|hash| hash.to_ascii_lowercase()),
    };
    let request = serde_json::to_value(request).map_err(Error::internal)?;
    let new = store::New {
        id: id.0,
        owner,
        document: new.document_id,
        request,
        size: Some(new.size),
    };
    store::insert(&mut tx, &new, ctx.now() + KEPT, ctx.now()).await?;
    let upload = store::get(&mut tx, id).await?;
    let version = upload.version;
    let subject = owner.subject(id);
    let disclosure = Disclosure::shown(RESOURCE, Action::Create, [subject], upload)
        .created_at(format!("/api/v1/documents/uploads/{id}"))
        .version(version);
    tx.commit(disclosure).await
}

/// An owner named in a body who does not exist is a field that is wrong.
fn no_such_owner(error: Error, owner: Owner) -> Error {
    match (error.kind(), owner) {
        (Kind::NotFound, Owner::Patient(_)) => {
            Error::field("/patient_id", "no_such_patient", "must name a patient")
        }
        (Kind::NotFound, Owner::Provider(_)) => {
            Error::field("/provider_id", "no_such_provider", "must name a provider")
        }
        _ => error,
    }
}

pub(super) async fn read(ctx: &Ctx, id: DocumentUploadId) -> Result<Answer<Upload>> {
    let mut tx = ctx.begin(Permission::DocumentRead).await?;
    let upload = store::get(&mut tx, id).await?;
    let (subject, version) = (
        owner_of(&mut tx, &upload).await?.subject(id),
        upload.version,
    );
    tx.finish(Disclosure::shown(RESOURCE, Action::Read, [subject], upload).version(version))
        .await
}

async fn owner_of(tx: &mut TenantTx, upload: &Upload) -> Result<Owner> {
    match upload.document_id {
        Some(id) => service::owner_of(&documents::get(tx, id).await?),
        None => Owner::of(upload.patient_id, upload.provider_id),
    }
}

/// The upload, if it takes parts.
fn require_open(upload: &Upload, now: Instant) -> Result<()> {
    if upload.state == UploadState::Receiving && now < upload.expires_at {
        Ok(())
    } else {
        Err(Error::new(Code::UploadClosed))
    }
}

fn mismatch(upload: &Upload) -> Error {
    Error::new(Code::OffsetMismatch).with("offset", upload.offset.into())
}

/// Takes a part. Goes on in a task of its own: if the client hangs up, what has come is kept.
pub(super) async fn send(
    ctx: &Ctx,
    id: DocumentUploadId,
    body: Streamed,
) -> Result<Answer<Upload>> {
    let mut look = ctx.look(Permission::DocumentCreate).await?;
    let upload = store::get(&mut look, id).await?;
    drop(look);
    require_open(&upload, ctx.now())?;
    let offset = body.number("upload-offset")?.ok_or_else(|| {
        Error::new(Code::InvalidHeader).detail("Upload-Offset must say where the part begins.")
    })?;
    if i64::try_from(offset) != Ok(upload.offset) {
        return Err(mismatch(&upload));
    }
    let missing = u64::try_from(upload.size - upload.offset).map_err(Error::internal)?;
    let content = body.bytes(missing)?;
    let ctx = ctx.clone();
    let work = tokio::spawn(async move { take(&ctx, upload, content).await });
    work.await.map_err(Error::internal)?
}

async fn take(ctx: &Ctx, upload: Upload, mut content: Pieces<'static>) -> Result<Answer<Upload>> {
    let part = mint();
    // Noted as something to remove, until its row takes that back.
    let app = ctx.app();
    let mut note = SystemTx::begin(&app.db, ctx.tenant()).await?;
    store::note_removal(&mut note, part, ctx.now() + KEPT).await?;
    note.commit().await?;
    let key = ObjectKey::new();
    let mut writer = app.files.objects.writer(name(ctx, part), &key);
    let mut broken = None;
    while let Some(piece) = content.next().await {
        match piece {
            Ok(piece) => writer.push(&piece).await?,
            // It sends more than it said, so none of it is believed.
            Err(error) if error.code() == Code::BodyTooLarge => {
                writer.abort().await;
                return Err(error);
            }
            Err(error) => {
                broken = Some(error);
                break;
            }
        }
    }
    if writer.size() == 0 {
        writer.abort().await;
        return Err(broken.unwrap_or_else(|| Error::field("", "empty", "must not be empty")));
    }
    let written = writer.finish().await?;
    let mut tx = ctx.begin(Permission::DocumentCreate).await?;
    let size = i64::try_from(written.size).map_err(Error::internal)?;
    if store::parts(&mut tx, upload.id).await? >= PARTS
        || !store::advance(&mut tx, &upload, size, ctx.now()).await?
    {
        discard(ctx, part).await;
        return Err(mismatch(&store::get(&mut tx, upload.id).await?));
    }
    let cipher = app.tenant_keys.cipher(&mut tx).await?;
    let sealed_key = cipher.seal(&part_place(&tx, part), &key.to_bytes());
    store::insert_part(&mut tx, part, &upload, size, &sealed_key, ctx.now()).await?;
    let upload = store::get(&mut tx, upload.id).await?;
    let (subject, version) = (
        owner_of(&mut tx, &upload).await?.subject(upload.id),
        upload.version,
    );
    let disclosure =
        Disclosure::shown(RESOURCE, Action::Update, [subject], upload).version(version);
    tx.commit(disclosure).await
}

fn name(ctx: &Ctx, id: Uuid) -> ObjectName {
    ObjectName {
        tenant: ctx.tenant(),
        id,
    }
}

fn part_place(tx: &TenantTx, part: Uuid) -> FieldRef {
    FieldRef {
        tenant: tx.tenant(),
        table: "document_upload_parts",
        column: "sealed_key",
        row: part,
    }
}

pub(super) async fn abort(ctx: &Ctx, id: DocumentUploadId) -> Result<Answer<()>> {
    let mut tx = ctx.begin(Permission::DocumentCreate).await?;
    let upload = store::get(&mut tx, id).await?;
    let subject = owner_of(&mut tx, &upload).await?.subject(id);
    if store::close(&mut tx, id.0, UploadState::Aborted, ctx.now()).await? {
        store::remove_parts(&mut tx, id, ctx.now()).await?;
        let upload = store::get(&mut tx, id).await?;
        let day = (upload.expires_at - KEPT).date_naive();
        let unsent = upload.size - upload.offset;
        store::give_back(&mut tx, ctx.user(), (unsent, day)).await?;
    }
    tx.commit(Disclosure::shown(RESOURCE, Action::Delete, [subject], ()).without_body())
        .await
}

pub(super) async fn complete(
    ctx: &Ctx,
    id: DocumentUploadId,
    body: Streamed,
) -> Result<Answer<Document>> {
    body.nothing().await?;
    let mut look = ctx.look(Permission::DocumentCreate).await?;
    let upload = store::get(&mut look, id).await?;
    if let (UploadState::Completed, Some(document)) = (upload.state, upload.document_id) {
        drop(look);
        return answer_again(ctx, document).await;
    }
    let owner = owner_of(&mut look, &upload).await?;
    require_open(&upload, ctx.now())?;
    if upload.offset != upload.size {
        return Err(Error::new(Code::UploadIncomplete).with("offset", upload.offset.into()));
    }
    let contents = contents(ctx, &mut look, id).await?;
    drop(look);
    let version = DocumentVersionId::new();
    // Its parts were counted, and pay for being put together once. Every further attempt is a copy of its own.
    let copied = match attempt(ctx, id).await? {
        1 => 0,
        _ => upload.size,
    };
    note(ctx, version, owner, upload.document_id, copied).await?;
    let declared = Declared {
        filename: upload.request.filename.clone(),
        content_type: upload.request.content_type.clone(),
    };
    let mut received = receive::store(ctx, version, declared, whole(ctx, contents))
        .await
        .map_err(in_content_type)?;
    received.upload = Some(id);
    if !is_as_promised(&upload, &received) {
        discard(ctx, version.0).await;
        return Err(Error::field(
            "/sha256",
            "another_content",
            "must be the hash of what was sent",
        ));
    }
    let permission = if upload.document_id.is_some() {
        Permission::DocumentUpdate
    } else {
        Permission::DocumentCreate
    };
    let mut tx: CallerTx = ctx.begin(permission).await?;
    if !store::close(&mut tx, id.0, UploadState::Completed, ctx.now()).await? {
        discard(ctx, version.0).await;
        return Err(Error::new(Code::UploadClosed));
    }
    store::remove_parts(&mut tx, id, ctx.now()).await?;
    let filed = match (upload.document_id, &upload.request.document) {
        (Some(document), _) => versions::add_received(ctx, tx, document, &received).await,
        (None, Some(document)) => service::file_received(ctx, tx, owner, document, &received).await,
        (None, None) => Err(Error::internal("an upload without a label")),
    };
    if let Err(error) = &filed
        && is_refusal(error)
    {
        discard(ctx, version.0).await;
    }
    filed
}

fn is_as_promised(upload: &Upload, received: &Received) -> bool {
    let promised = upload.request.sha256.as_deref();
    received.size == upload.size && promised.is_none_or(|hash| hash == hex::encode(received.sha256))
}

/// The document of an upload that was completed before: whoever did not get the answer asks again.
async fn answer_again(ctx: &Ctx, id: DocumentId) -> Result<Answer<Document>> {
    let mut tx = ctx.begin(Permission::DocumentCreate).await?;
    let document = documents::get(&mut tx, id).await?;
    let owner = service::owner_of(&document)?;
    let version = document.version;
    let disclosure = service::shown(Action::Read, owner, document)
        .created_at(format!("/api/v1/documents/{id}"))
        .version(version);
    tx.commit(disclosure).await
}

/// The parts' bytes, one after the other.
fn whole(ctx: &Ctx, contents: Vec<Content>) -> Pieces<'static> {
    let objects = ctx.app().files.objects.clone();
    futures_util::stream::iter(contents)
        .flat_map(move |part| {
            let size = part.size;
            objects.read_range(part, 0..size)
        })
        .map(|piece: Result<Bytes>| piece)
        .boxed()
}

/// Counts an attempt to put the parts together, before anything is copied.
async fn attempt(ctx: &Ctx, id: DocumentUploadId) -> Result<i32> {
    let mut tx = SystemTx::begin(&ctx.app().db, ctx.tenant()).await?;
    let attempts = store::attempt(&mut tx, id).await?;
    tx.commit().await?;
    attempts.ok_or_else(|| Error::new(Code::UploadClosed))
}

/// Whether nothing can have been committed: it was refused, and did not fail.
fn is_refusal(error: &Error) -> bool {
    !matches!(error.kind(), Kind::Unavailable | Kind::Internal)
}

/// Removes an object at once that will never have its row. It was not counted as sent, so it must not lie until it is swept;
/// what can't be removed now is swept.
async fn discard(ctx: &Ctx, id: Uuid) {
    if let Err(error) = ctx.app().files.objects.remove(name(ctx, id)).await {
        tracing::warn!(
            cause = error.cause_for_log(),
            "an object is left to the sweeper"
        );
    }
}

/// The type was told in the upload, not in a form.
fn in_content_type(error: Error) -> Error {
    let told = error.fields().iter().find(|field| field.pointer == "/file");
    match told {
        Some(field) => Error::field("/content_type", field.code.clone(), field.message.clone()),
        None => error,
    }
}

async fn contents(ctx: &Ctx, tx: &mut TenantTx, id: DocumentUploadId) -> Result<Vec<Content>> {
    let cipher = ctx.app().tenant_keys.cipher(tx).await?;
    let mut contents = Vec::new();
    let mut reached = 0;
    for part in store::list_parts(tx, id).await? {
        if part.starts_at != reached {
            return Err(Error::internal("the parts of an upload do not join"));
        }
        reached += part.size;
        let key = cipher.open(&part_place(tx, part.id), &part.sealed_key)?;
        let key = ObjectKey::from_bytes(&key)
            .ok_or_else(|| Error::internal("a sealed key of another form"))?;
        contents.push(Content {
            name: name(ctx, part.id),
            key,
            size: u64::try_from(part.size).map_err(Error::internal)?,
            // Of a part only its chunks are verified; of the whole the hash.
            sha256: [0; 32],
        });
    }
    Ok(contents)
}
