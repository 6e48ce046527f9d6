//! SQL of documents.

use chrono::NaiveDate;
use kernel::clock::Instant;
use kernel::ids::{
    AppointmentId, DocumentId, DocumentVersionId, EncounterId, PatientId, ProviderId, UserId,
};
use kernel::{Error, OnConstraint, Result};
use platform::db::TenantTx;

use super::model::{
    Category, Document, DocumentKind, DocumentSource, DocumentStatus, DocumentVersion,
    ListDocuments, NewDocument, Scan, TextState,
};
use super::owner::Owner;
use super::receive::Received;

/// A document beside the newest version the caller may read.
pub(super) struct Row {
    pub id: DocumentId,
    pub patient_id: Option<PatientId>,
    pub provider_id: Option<ProviderId>,
    pub encounter_id: Option<EncounterId>,
    pub appointment_id: Option<AppointmentId>,
    pub category: Category,
    pub kind: DocumentKind,
    pub loinc_code: Option<String>,
    pub title: String,
    pub description: Option<String>,
    pub document_date: NaiveDate,
    pub source: DocumentSource,
    pub status: DocumentStatus,
    pub status_reason: Option<String>,
    pub released_at: Option<Instant>,
    pub version: i64,
    pub created_by: Option<UserId>,
    pub created_at: Instant,
    pub updated_at: Instant,
    pub version_id: DocumentVersionId,
    pub number: i32,
    pub filename: String,
    pub content_type: String,
    pub size: i64,
    pub sha256: Vec<u8>,
    pub scan: Scan,
    pub scan_detail: Option<String>,
    pub text: TextState,
    pub version_released_at: Option<Instant>,
    pub uploaded_by: Option<UserId>,
    pub uploaded_at: Instant,
}

impl From<Row> for Document {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            patient_id: row.patient_id,
            provider_id: row.provider_id,
            data: NewDocument {
                category: row.category,
                kind: row.kind,
                title: row.title,
                description: row.description,
                document_date: row.document_date,
                loinc_code: row.loinc_code,
                encounter_id: row.encounter_id,
                appointment_id: row.appointment_id,
            },
            source: row.source,
            status: row.status,
            status_reason: row.status_reason,
            current: DocumentVersion {
                id: row.version_id,
                number: row.number,
                filename: row.filename,
                content_type: row.content_type,
                size: row.size,
                sha256: hex::encode(row.sha256),
                scan: row.scan,
                scan_detail: row.scan_detail,
                text: row.text,
                released_at: row.version_released_at,
                uploaded_by: row.uploaded_by,
                uploaded_at: row.uploaded_at,
            },
            released_at: row.released_at,
            version: row.version,
            created_by: row.created_by,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

pub(super) async fn find(tx: &mut TenantTx, id: DocumentId) -> Result<Option<Document>> {
    let tenant = tx.tenant();
    let row = sqlx::query_as!(
        Row,
        r#"select d.id as "id: _", d.patient_id as "patient_id: _", d.provider_id as "provider_id: _", d.encounter_id as "encounter_id: _",
                  d.appointment_id as "appointment_id: _",
                  d.category as "category: _", d.kind as "kind: _", d.loinc_code, d.title, d.description, d.document_date,
                  d.source as "source: _", d.status as "status: _", d.status_reason, d.released_at, d.version,
                  d.created_by as "created_by: _", d.created_at, d.updated_at,
                  v.id as "version_id: _", v.number, v.filename, v.content_type, v.size, v.sha256, v.scan as "scan: _", v.scan_detail,
                  v.text_state as "text: _", v.released_at as version_released_at, v.uploaded_by as "uploaded_by: _", v.created_at as uploaded_at
             from app.documents d
             join lateral (select * from app.document_versions n
                            where n.tenant_id = $1 and n.document_id = d.id order by n.number desc limit 1) v on true
            where d.tenant_id = $1 and d.id = $2"#,
        tenant as _,
        id as _
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(Document::from))
}

/// A document of the patient, as far as the caller may see.
pub(crate) async fn find_in_tx(
    tx: &mut TenantTx,
    patient: PatientId,
    id: DocumentId,
) -> Result<Option<Document>> {
    let found = find(tx, id).await?;
    Ok(found.filter(|document| document.patient_id == Some(patient)))
}

pub(super) async fn get(tx: &mut TenantTx, id: DocumentId) -> Result<Document> {
    find(tx, id).await?.ok_or_else(Error::not_found)
}

/// Holds the row until the transaction ends. Whoever may read it and not change it finds none.
pub(super) async fn lock(tx: &mut TenantTx, id: DocumentId) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query_scalar!(
        "select version from app.documents where tenant_id = $1 and id = $2 for update",
        tenant as _,
        id as _
    )
    .fetch_optional(tx.conn())
    .await?
    .map(drop)
    .ok_or_else(Error::not_found)
}

/// The newest day first.
pub(super) async fn page(
    tx: &mut TenantTx,
    owner: Owner,
    query: &ListDocuments,
    after: Option<(NaiveDate, DocumentId)>,
    limit: i64,
) -> Result<Vec<Document>> {
    let tenant = tx.tenant();
    let (day, id) = after.unzip();
    let rows = sqlx::query_as!(
        Row,
        r#"select d.id as "id: _", d.patient_id as "patient_id: _", d.provider_id as "provider_id: _", d.encounter_id as "encounter_id: _",
                  d.appointment_id as "appointment_id: _",
                  d.category as "category: _", d.kind as "kind: _", d.loinc_code, d.title, d.description, d.document_date,
                  d.source as "source: _", d.status as "status: _", d.status_reason, d.released_at, d.version,
                  d.created_by as "created_by: _", d.created_at, d.updated_at,
                  v.id as "version_id: _", v.number, v.filename, v.content_type, v.size, v.sha256, v.scan as "scan: _", v.scan_detail,
                  v.text_state as "text: _", v.released_at as version_released_at, v.uploaded_by as "uploaded_by: _", v.created_at as uploaded_at
             from app.documents d
             join lateral (select * from app.document_versions n
                            where n.tenant_id = $1 and n.document_id = d.id order by n.number desc limit 1) v on true
            where d.tenant_id = $1
              and ($2::uuid is null or d.patient_id = $2) and ($3::uuid is null or d.provider_id = $3)
              and d.status = $4
              and ($5::text is null or d.category = $5) and ($6::text is null or d.kind = $6)
              and ($7::uuid is null or d.encounter_id = $7)
              and ($8::date is null or d.document_date >= $8) and ($9::date is null or d.document_date <= $9)
              and ($10::date is null or (d.document_date, d.id) < ($10, $11))
              and ($13::uuid is null or d.appointment_id = $13)
            order by d.document_date desc, d.id desc
            limit $12"#,
        tenant as _,
        owner.patient() as _,
        owner.provider() as _,
        query.status.unwrap_or(DocumentStatus::Current) as _,
        query.category as _,
        query.kind as _,
        query.encounter_id as _,
        query.from,
        query.to,
        day,
        id as _,
        limit,
        query.appointment_id as _
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(Document::from).collect())
}

/// A document that is about to be, without its first version.
pub(super) struct Filed<'a> {
    pub id: DocumentId,
    pub owner: Owner,
    pub provider_user: Option<UserId>,
    pub data: &'a NewDocument,
    pub source: DocumentSource,
    pub released_at: Option<Instant>,
}

pub(super) async fn insert(tx: &mut TenantTx, filed: &Filed<'_>, now: Instant) -> Result<()> {
    let tenant = tx.tenant();
    let data = filed.data;
    sqlx::query!(
        r#"insert into app.documents
                  (tenant_id, id, patient_id, encounter_id, provider_id, provider_user_id, category, kind, loinc_code, title, description,
                   document_date, source, current_number, released_at, released_by, created_by, created_at, updated_at, appointment_id)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 1, $14,
                   case when $14::timestamptz is not null then app.user_id() end, app.user_id(), $15, $15, $16)"#,
        tenant as _,
        filed.id as _,
        filed.owner.patient() as _,
        data.encounter_id as _,
        filed.owner.provider() as _,
        filed.provider_user as _,
        data.category as _,
        data.kind as _,
        data.loinc_code,
        data.title,
        data.description,
        data.document_date,
        filed.source as _,
        filed.released_at,
        now,
        data.appointment_id as _
    )
    .execute(tx.conn())
    .await
    .on_constraint("documents_appointment_fkey", no_such_appointment)?;
    Ok(())
}

/// What is said of a version besides its content.
pub(super) struct Label {
    pub document: DocumentId,
    pub number: i32,
    pub patient: Option<PatientId>,
    pub provider_user: Option<UserId>,
    pub category: Category,
    pub scan: Scan,
    pub text: TextState,
    pub released_at: Option<Instant>,
}

pub(super) async fn insert_version(
    tx: &mut TenantTx,
    label: &Label,
    received: &Received,
    sealed_key: &str,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    let work = label.scan == Scan::Pending || label.text == TextState::Pending;
    sqlx::query!(
        r#"insert into app.document_versions
                  (tenant_id, id, document_id, number, patient_id, provider_user_id, category, filename, content_type, size, sha256,
                   sealed_key, scan, text_state, next_try_at, released_at, uploaded_by, created_at, updated_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, app.user_id(), $17, $17)"#,
        tenant as _,
        received.id as _,
        label.document as _,
        label.number,
        label.patient as _,
        label.provider_user as _,
        label.category as _,
        received.filename,
        received.content_type,
        received.size,
        received.sha256.as_slice(),
        sealed_key,
        label.scan as _,
        label.text as _,
        work.then_some(now),
        label.released_at,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The next version's number; the row must be locked.
pub(super) async fn next_number(tx: &mut TenantTx, id: DocumentId, now: Instant) -> Result<i32> {
    let tenant = tx.tenant();
    let number = sqlx::query_scalar!(
        r#"update app.documents set current_number = current_number + 1, version = version + 1, updated_at = $3
            where tenant_id = $1 and id = $2 returning current_number"#,
        tenant as _,
        id as _,
        now
    )
    .fetch_optional(tx.conn())
    .await?;
    number.ok_or_else(Error::not_found)
}

pub(super) async fn relabel(
    tx: &mut TenantTx,
    id: DocumentId,
    data: &NewDocument,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        r#"update app.documents
              set kind = $3, title = $4, description = $5, document_date = $6, loinc_code = $7, encounter_id = $8, appointment_id = $10,
                  version = version + 1, updated_at = $9
            where tenant_id = $1 and id = $2"#,
        tenant as _,
        id as _,
        data.kind as _,
        data.title,
        data.description,
        data.document_date,
        data.loinc_code,
        data.encounter_id as _,
        now,
        data.appointment_id as _
    )
    .execute(tx.conn())
    .await
    .on_constraint("documents_appointment_fkey", no_such_appointment)?;
    Ok(())
}

fn no_such_appointment() -> Error {
    let rule = "must name an appointment of the patient";
    Error::field("/appointment_id", "no_such_appointment", rule)
}

/// Shows the newest version to the patient, or (`None`) nothing any more. Document, versions and text change together.
pub(super) async fn set_release(
    tx: &mut TenantTx,
    id: DocumentId,
    released_at: Option<Instant>,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        r#"update app.document_versions v set released_at = $3, version = v.version + 1, updated_at = $4
             from app.documents d
            where v.tenant_id = $1 and d.tenant_id = $1 and d.id = $2 and v.document_id = d.id
              and ($3::timestamptz is null or (v.number = d.current_number and v.released_at is null))"#,
        tenant as _,
        id as _,
        released_at,
        now
    )
    .execute(tx.conn())
    .await?;
    sqlx::query!(
        r#"update app.document_texts t set released_at = v.released_at
             from app.document_versions v
            where t.tenant_id = $1 and t.document_id = $2 and v.tenant_id = $1 and v.id = t.version_id"#,
        tenant as _,
        id as _
    )
    .execute(tx.conn())
    .await?;
    sqlx::query!(
        r#"update app.documents set released_at = case when $3::timestamptz is null then null else coalesce(released_at, $3) end,
                  released_by = case when $3::timestamptz is null then null else app.user_id() end,
                  version = version + 1, updated_at = $4
            where tenant_id = $1 and id = $2"#,
        tenant as _,
        id as _,
        released_at,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn set_status(
    tx: &mut TenantTx,
    id: DocumentId,
    status: DocumentStatus,
    reason: &str,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        r#"update app.documents set status = $3, status_reason = $4, version = version + 1, updated_at = $5
            where tenant_id = $1 and id = $2"#,
        tenant as _,
        id as _,
        status as _,
        reason,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Holds a provider's row until the transaction ends.
pub(super) async fn hold_provider(tx: &mut TenantTx, provider: ProviderId) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query_scalar!(
        "select version from app.providers where tenant_id = $1 and id = $2 for no key update",
        tenant as _,
        provider as _
    )
    .fetch_optional(tx.conn())
    .await?
    .map(drop)
    .ok_or_else(Error::not_found)
}

/// A provider whose documents the caller may file: his account, if he has one.
pub(super) async fn provider_account(
    tx: &mut TenantTx,
    provider: ProviderId,
) -> Result<Option<Option<UserId>>> {
    let tenant = tx.tenant();
    let row = sqlx::query_scalar!(
        r#"select p.user_id as "user_id: UserId" from app.providers p
            where p.tenant_id = $1 and p.id = $2 and ((select app.actor_role()) in ('admin', 'system') or p.user_id = (select app.user_id()))"#,
        tenant as _,
        provider as _
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row)
}

pub(super) async fn has_appointment(
    tx: &mut TenantTx,
    patient: PatientId,
    appointment: AppointmentId,
) -> Result<bool> {
    let tenant = tx.tenant();
    let found = sqlx::query_scalar!(
        r#"select exists (select from app.appointments where tenant_id = $1 and patient_id = $2 and id = $3) as "found!""#,
        tenant as _,
        patient as _,
        appointment as _
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(found)
}

pub(super) async fn has_encounter(
    tx: &mut TenantTx,
    patient: PatientId,
    encounter: EncounterId,
) -> Result<bool> {
    let tenant = tx.tenant();
    let found = sqlx::query_scalar!(
        r#"select exists (select from app.encounter_register where tenant_id = $1 and patient_id = $2 and id = $3) as "found!""#,
        tenant as _,
        patient as _,
        encounter as _
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(found)
}
