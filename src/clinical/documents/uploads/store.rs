//! SQL of uploads.

use chrono::NaiveDate;
use kernel::clock::Instant;
use kernel::ids::{DocumentId, DocumentUploadId, PatientId, ProviderId, UserId};
use kernel::{Error, Result};
use platform::db::TenantTx;
use serde_json::Value;
use sqlx::types::Json;
use uuid::Uuid;

use super::model::{Upload, UploadRequest, UploadState};
use crate::documents::owner::Owner;

/// An upload to note.
pub(super) struct New {
    pub id: Uuid,
    pub owner: Owner,
    pub document: Option<DocumentId>,
    pub request: Value,
    pub size: Option<i64>,
}

pub(super) async fn insert(
    tx: &mut TenantTx,
    new: &New,
    expires_at: Instant,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        r#"insert into app.document_uploads
                  (tenant_id, id, user_id, patient_id, provider_id, document_id, request, size, expires_at, created_at, updated_at)
           values ($1, $2, app.user_id(), $3, $4, $5, $6, $7, $8, $9, $9)"#,
        tenant as _,
        new.id,
        new.owner.patient() as _,
        new.owner.provider() as _,
        new.document as _,
        new.request,
        new.size,
        expires_at,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Counts bytes as sent by an account on a day. False: that would be more than it may send, and nothing is counted.
pub(super) async fn charge(
    tx: &mut TenantTx,
    user: UserId,
    (bytes, day): (i64, NaiveDate),
    most: i64,
) -> Result<bool> {
    let tenant = tx.tenant();
    let done = sqlx::query!(
        r#"insert into app.upload_usage as u (tenant_id, user_id, day, bytes)
           select $1, $2, $3, $4::bigint where $4 <= $5::bigint
           on conflict (tenant_id, user_id, day) do update set bytes = u.bytes + excluded.bytes
            where u.bytes + excluded.bytes <= $5"#,
        tenant as _,
        user as _,
        day,
        bytes,
        most
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Takes back what was counted too much. Over midnight it stays: yesterday is nobody's limit any more.
pub(super) async fn give_back(
    tx: &mut TenantTx,
    user: UserId,
    (bytes, day): (i64, NaiveDate),
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update app.upload_usage set bytes = greatest(bytes - $4, 0) where tenant_id = $1 and user_id = $2 and day = $3",
        tenant as _,
        user as _,
        day,
        bytes,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// How many uploads in parts an account has under way, and when the first expires.
pub(super) async fn open_of(
    tx: &mut TenantTx,
    user: UserId,
    now: Instant,
) -> Result<(i64, Option<Instant>)> {
    let tenant = tx.tenant();
    let row = sqlx::query!(
        r#"select count(*) as "open!", min(expires_at) as until from app.document_uploads
            where tenant_id = $1 and user_id = $2 and size is not null and state = 'receiving' and expires_at > $3"#,
        tenant as _,
        user as _,
        now
    )
    .fetch_one(tx.conn())
    .await?;
    Ok((row.open, row.until))
}

struct Row {
    id: DocumentUploadId,
    patient_id: Option<PatientId>,
    provider_id: Option<ProviderId>,
    document_id: Option<DocumentId>,
    request: Json<UploadRequest>,
    size: i64,
    received: i64,
    state: UploadState,
    expires_at: Instant,
    version: i64,
}

/// An upload in parts, of the caller.
pub(super) async fn get(tx: &mut TenantTx, id: DocumentUploadId) -> Result<Upload> {
    let tenant = tx.tenant();
    let row = sqlx::query_as!(
        Row,
        r#"select u.id as "id: _", u.patient_id as "patient_id: _", u.provider_id as "provider_id: _", u.document_id as "document_id: _",
                  u.request as "request: _", u.size as "size!", u.received, u.state as "state: _", u.expires_at, u.version
             from app.document_uploads u
            where u.tenant_id = $1 and u.id = $2 and u.user_id = (select app.user_id()) and u.size is not null"#,
        tenant as _,
        id as _
    )
    .fetch_optional(tx.conn())
    .await?
    .ok_or_else(Error::not_found)?;
    Ok(Upload {
        id: row.id,
        patient_id: row.patient_id,
        provider_id: row.provider_id,
        document_id: row.document_id,
        state: row.state,
        offset: row.received,
        size: row.size,
        expires_at: row.expires_at,
        version: row.version,
        request: row.request.0,
    })
}

/// Moves the offset on, unless somebody else has. False: it stands elsewhere, or takes nothing more.
pub(super) async fn advance(
    tx: &mut TenantTx,
    from: &Upload,
    by: i64,
    now: Instant,
) -> Result<bool> {
    let tenant = tx.tenant();
    let done = sqlx::query!(
        r#"update app.document_uploads set received = received + $4, version = version + 1, updated_at = $5
            where tenant_id = $1 and id = $2 and received = $3 and state = 'receiving'"#,
        tenant as _,
        from.id as _,
        from.offset,
        by,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Ends an upload that is under way. False: it is not.
pub(super) async fn close(
    tx: &mut TenantTx,
    id: Uuid,
    state: UploadState,
    now: Instant,
) -> Result<bool> {
    let tenant = tx.tenant();
    let done = sqlx::query!(
        r#"update app.document_uploads set state = $3, version = version + 1, updated_at = $4
            where tenant_id = $1 and id = $2 and state = 'receiving'"#,
        tenant as _,
        id,
        state as _,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Says which document an upload has become.
pub(super) async fn set_document(
    tx: &mut TenantTx,
    id: DocumentUploadId,
    document: DocumentId,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update app.document_uploads set document_id = $3 where tenant_id = $1 and id = $2",
        tenant as _,
        id as _,
        document as _
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// How many times it was tried to complete an upload, this time among them. `None`: it is not under way.
pub(super) async fn attempt(tx: &mut TenantTx, id: DocumentUploadId) -> Result<Option<i32>> {
    let tenant = tx.tenant();
    let attempts = sqlx::query_scalar!(
        r#"update app.document_uploads set attempts = attempts + 1
            where tenant_id = $1 and id = $2 and state = 'receiving' returning attempts"#,
        tenant as _,
        id as _
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(attempts)
}

/// A part, whose object must not be removed any more.
pub(super) async fn insert_part(
    tx: &mut TenantTx,
    id: Uuid,
    upload: &Upload,
    size: i64,
    sealed_key: &str,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        r#"insert into app.document_upload_parts (tenant_id, id, upload_id, user_id, starts_at, size, sealed_key, created_at)
           values ($1, $2, $3, app.user_id(), $4, $5, $6, $7)"#,
        tenant as _,
        id,
        upload.id as _,
        upload.offset,
        size,
        sealed_key,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// How many parts there are.
pub(super) async fn parts(tx: &mut TenantTx, upload: DocumentUploadId) -> Result<i64> {
    let tenant = tx.tenant();
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from app.document_upload_parts where tenant_id = $1 and upload_id = $2"#,
        tenant as _,
        upload as _
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(count)
}

pub(super) struct Part {
    pub id: Uuid,
    pub starts_at: i64,
    pub size: i64,
    pub sealed_key: String,
}

pub(super) async fn list_parts(tx: &mut TenantTx, upload: DocumentUploadId) -> Result<Vec<Part>> {
    let tenant = tx.tenant();
    let rows = sqlx::query_as!(
        Part,
        r#"select id, starts_at, size, sealed_key from app.document_upload_parts
            where tenant_id = $1 and upload_id = $2 order by starts_at"#,
        tenant as _,
        upload as _
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows)
}

/// Notes the objects of all parts for removal.
pub(super) async fn remove_parts(
    tx: &mut TenantTx,
    upload: DocumentUploadId,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        r#"insert into app.file_removals (tenant_id, id, noted_at)
           select p.tenant_id, p.id, $3 from app.document_upload_parts p where p.tenant_id = $1 and p.upload_id = $2
           on conflict do nothing"#,
        tenant as _,
        upload as _,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Notes an object for removal, not before that time, and only if no part is named so then.
pub(super) async fn note_removal(tx: &mut TenantTx, id: Uuid, at: Instant) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "insert into app.file_removals (tenant_id, id, noted_at) values ($1, $2, $3)",
        tenant as _,
        id,
        at
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
