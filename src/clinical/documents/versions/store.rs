//! SQL of versions.

use kernel::Result;
use kernel::ids::{DocumentId, DocumentVersionId, PatientId};
use platform::db::TenantTx;

use crate::documents::model::{DocumentVersion, Scan};

/// The newest first.
pub(super) async fn page(
    tx: &mut TenantTx,
    document: DocumentId,
    before: Option<i32>,
    limit: i64,
) -> Result<Vec<DocumentVersion>> {
    let tenant = tx.tenant();
    let rows = sqlx::query_as!(
        DocumentVersion,
        r#"select v.id as "id: _", v.number, v.filename, v.content_type, v.size, encode(v.sha256, 'hex') as "sha256!",
                  v.scan as "scan: _", v.scan_detail, v.text_state as "text: _", v.released_at,
                  v.uploaded_by as "uploaded_by: _", v.created_at as uploaded_at
             from app.document_versions v
            where v.tenant_id = $1 and v.document_id = $2 and ($3::integer is null or v.number < $3)
            order by v.number desc
            limit $4"#,
        tenant as _,
        document as _,
        before,
        limit
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows)
}

/// What it takes to give a version's content out.
pub(super) struct ContentRow {
    pub id: DocumentVersionId,
    pub filename: String,
    pub content_type: String,
    pub size: i64,
    pub sha256: Vec<u8>,
    pub sealed_key: Option<String>,
    pub scan: Scan,
}

/// The version named, or the newest the caller may read.
pub(super) async fn content(
    tx: &mut TenantTx,
    document: DocumentId,
    number: Option<i32>,
) -> Result<Option<ContentRow>> {
    let tenant = tx.tenant();
    let row = sqlx::query_as!(
        ContentRow,
        r#"select v.id as "id: _", v.filename, v.content_type, v.size, v.sha256, v.sealed_key, v.scan as "scan: _"
             from app.document_versions v
            where v.tenant_id = $1 and v.document_id = $2 and ($3::integer is null or v.number = $3)
            order by v.number desc
            limit 1"#,
        tenant as _,
        document as _,
        number
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row)
}

/// A version of one of a patient's documents.
pub(super) struct PatientVersion {
    pub document: DocumentId,
    pub number: i32,
    pub content: ContentRow,
}

/// Every version of every document of the patient that the caller may read.
pub(super) async fn of_patient(
    tx: &mut TenantTx,
    patient: PatientId,
) -> Result<Vec<PatientVersion>> {
    let tenant = tx.tenant();
    let rows = sqlx::query!(
        r#"select v.document_id as "document: DocumentId", v.number, v.id as "id: DocumentVersionId", v.filename, v.content_type, v.size,
                  v.sha256, v.sealed_key, v.scan as "scan: Scan"
             from app.document_versions v
            where v.tenant_id = $1 and v.patient_id = $2
            order by v.document_id, v.number"#,
        tenant as _,
        patient as _,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| PatientVersion {
            document: row.document,
            number: row.number,
            content: ContentRow {
                id: row.id,
                filename: row.filename,
                content_type: row.content_type,
                size: row.size,
                sha256: row.sha256,
                sealed_key: row.sealed_key,
                scan: row.scan,
            },
        })
        .collect())
}
