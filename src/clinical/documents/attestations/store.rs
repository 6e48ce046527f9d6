//! SQL of attestations.

use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::{
    DocumentAttestationId, DocumentId, DocumentVersionId, PatientId, ProviderId, UserId,
};
use platform::db::TenantTx;
use uuid::Uuid;

use crate::documents::model::{Category, Scan};

pub(super) struct Row {
    pub id: DocumentAttestationId,
    pub document_id: DocumentId,
    pub version_id: DocumentVersionId,
    pub number: i32,
    pub provider_id: ProviderId,
    pub signed_by: UserId,
    pub signed_at: Instant,
    pub statement: String,
    pub payload: String,
    pub key_id: Uuid,
    pub public_key: Vec<u8>,
    pub signature: Vec<u8>,
    /// Of the version, as it is now.
    pub sha256: Vec<u8>,
}

/// Those of today or `then`, the newest first.
pub(super) async fn page(
    tx: &mut TenantTx,
    (document, then): (DocumentId, Option<Instant>),
    after: Option<(Instant, DocumentAttestationId)>,
    limit: i64,
) -> Result<Vec<Row>> {
    let tenant = tx.tenant();
    let (at, id) = after.unzip();
    let rows = sqlx::query_as!(
        Row,
        r#"select a.id as "id: _", a.document_id as "document_id: _", a.version_id as "version_id: _", v.number,
                  a.provider_id as "provider_id: _", a.signed_by as "signed_by: _", a.signed_at, a.statement, a.payload,
                  a.key_id, a.public_key, a.signature, v.sha256
             from app.document_attestations a
             join app.document_versions v on v.tenant_id = $1 and v.id = a.version_id
            where a.tenant_id = $1 and a.document_id = $2
              and ($3::timestamptz is null or (a.signed_at, a.id) < ($3, $4))
              and a.signed_at <= coalesce($6::timestamptz, 'infinity')
            order by a.signed_at desc, a.id desc
            limit $5"#,
        tenant as _,
        document as _,
        at,
        id as _,
        limit,
        then
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows)
}

pub(super) struct Version {
    pub id: DocumentVersionId,
    pub sha256: Vec<u8>,
    pub scan: Scan,
}

pub(super) async fn version(
    tx: &mut TenantTx,
    document: DocumentId,
    number: i32,
) -> Result<Option<Version>> {
    let tenant = tx.tenant();
    let row = sqlx::query_as!(
        Version,
        r#"select v.id as "id: _", v.sha256, v.scan as "scan: _" from app.document_versions v
            where v.tenant_id = $1 and v.document_id = $2 and v.number = $3"#,
        tenant as _,
        document as _,
        number
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row)
}

/// The caller as a provider, if he is an active one.
pub(super) async fn own_provider(tx: &mut TenantTx) -> Result<Option<ProviderId>> {
    let tenant = tx.tenant();
    let id = sqlx::query_scalar!(
        r#"select p.id as "id: ProviderId" from app.providers p
            where p.tenant_id = $1 and p.user_id = (select app.user_id()) and p.status = 'active' order by p.id limit 1"#,
        tenant as _
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(id)
}

pub(super) async fn insert(
    tx: &mut TenantTx,
    patient: PatientId,
    category: Category,
    row: &Row,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        r#"insert into app.document_attestations
                  (tenant_id, id, document_id, version_id, patient_id, category, provider_id, signed_by, signed_at, statement, payload,
                   key_id, public_key, signature)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)"#,
        tenant as _,
        row.id as _,
        row.document_id as _,
        row.version_id as _,
        patient as _,
        category as _,
        row.provider_id as _,
        row.signed_by as _,
        row.signed_at,
        row.statement,
        row.payload,
        row.key_id,
        row.public_key,
        row.signature
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
