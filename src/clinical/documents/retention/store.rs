//! SQL of reviewing and destroying.

use chrono::NaiveDate;
use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::{
    DestructionCertificateId, DocumentId, DocumentVersionId, PatientId, RetentionReviewId,
};
use platform::db::TenantTx;

use super::model::{RetentionReview, RetentionReviewState};
use super::rule::{self, Aged, Policy};
use crate::documents::model::Category;

/// The policies in force.
pub(super) async fn policies(tx: &mut TenantTx) -> Result<Vec<Policy>> {
    let tenant = tx.tenant();
    let rows = sqlx::query_as!(
        Policy,
        r#"select p.category as "category: _", p.state, p.years, p.minor_years, p.majority_age
             from app.retention_policies p where p.tenant_id = $1 and p.status = 'active'"#,
        tenant as _
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows)
}

/// A document that may have outlived its retention.
pub(super) struct Candidate {
    pub id: DocumentId,
    pub patient: Option<PatientId>,
    pub aged: Aged,
}

struct Row {
    id: DocumentId,
    patient_id: Option<PatientId>,
    category: Category,
    document_date: NaiveDate,
    keep_until: Option<NaiveDate>,
    birth_date: Option<NaiveDate>,
    state: Option<String>,
}

impl From<Row> for Candidate {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            patient: row.patient_id,
            aged: Aged {
                category: row.category,
                document_date: row.document_date,
                state: row.state.as_deref().and_then(rule::known_state),
                birth_date: row.birth_date,
                keep_until: row.keep_until,
            },
        }
    }
}

/// Documents older than the shortest policy, not on the list, not held, the oldest first.
pub(super) async fn candidates(
    tx: &mut TenantTx,
    years: i32,
    today: NaiveDate,
    after: Option<(NaiveDate, DocumentId)>,
    limit: i64,
) -> Result<Vec<Candidate>> {
    let tenant = tx.tenant();
    let (day, id) = after.unzip();
    let rows = sqlx::query_as!(
        Row,
        r#"select d.id as "id: _", d.patient_id as "patient_id: _", d.category as "category: _", d.document_date, d.keep_until,
                  p.birth_date as "birth_date?", f.address ->> 'state' as state
             from app.documents d
             left join app.patients p on p.tenant_id = $1 and p.id = d.patient_id
             left join app.facilities f on f.tenant_id = $1 and f.id = p.facility_id
            where d.tenant_id = $1 and d.status <> 'destroyed'
              and d.document_date <= ($3::date - make_interval(years => $2))::date
              and (d.keep_until is null or d.keep_until < $3)
              and not exists (select from app.retention_reviews r
                               where r.tenant_id = $1 and r.document_id = d.id and r.state = 'open')
              and not exists (select from app.legal_holds h
                               where h.tenant_id = $1 and (h.patient_id = d.patient_id or h.provider_id = d.provider_id) and h.lifted_at is null
                                 and (h.document_id is null or h.document_id = d.id))
              and ($4::date is null or (d.document_date, d.id) > ($4, $5))
            order by d.document_date, d.id
            limit $6"#,
        tenant as _,
        years,
        today,
        day,
        id as _,
        limit
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(Candidate::from).collect())
}

/// One document, whatever stands in its way.
pub(super) async fn candidate(tx: &mut TenantTx, id: DocumentId) -> Result<Option<Candidate>> {
    let tenant = tx.tenant();
    let row = sqlx::query_as!(
        Row,
        r#"select d.id as "id: _", d.patient_id as "patient_id: _", d.category as "category: _", d.document_date, d.keep_until,
                  p.birth_date as "birth_date?", f.address ->> 'state' as state
             from app.documents d
             left join app.patients p on p.tenant_id = $1 and p.id = d.patient_id
             left join app.facilities f on f.tenant_id = $1 and f.id = p.facility_id
            where d.tenant_id = $1 and d.id = $2 and d.status <> 'destroyed'"#,
        tenant as _,
        id as _
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(Candidate::from))
}

pub(super) async fn open_review(
    tx: &mut TenantTx,
    candidate: &Candidate,
    expired_on: NaiveDate,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        r#"insert into app.retention_reviews (tenant_id, id, document_id, patient_id, expired_on, created_at)
           values ($1, $2, $3, $4, $5, $6) on conflict do nothing"#,
        tenant as _,
        RetentionReviewId::new() as _,
        candidate.id as _,
        candidate.patient as _,
        expired_on,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Whether a hold covers the document.
pub(super) async fn is_held(tx: &mut TenantTx, id: DocumentId) -> Result<bool> {
    let tenant = tx.tenant();
    let held = sqlx::query_scalar!(
        r#"select exists (select from app.documents d
                            join app.legal_holds h on h.tenant_id = $1 and (h.patient_id = d.patient_id or h.provider_id = d.provider_id) and h.lifted_at is null
                                                  and (h.document_id is null or h.document_id = d.id)
                           where d.tenant_id = $1 and d.id = $2) as "held!""#,
        tenant as _,
        id as _
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(held)
}

pub(super) async fn keep_until(
    tx: &mut TenantTx,
    id: DocumentId,
    until: NaiveDate,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        r#"update app.documents set keep_until = $3, version = version + 1, updated_at = $4
            where tenant_id = $1 and id = $2"#,
        tenant as _,
        id as _,
        until,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn decide(
    tx: &mut TenantTx,
    id: RetentionReviewId,
    state: RetentionReviewState,
    reason: &str,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        r#"update app.retention_reviews
              set state = $3, reason = $4, decided_by = app.user_id(), decided_at = $5, version = version + 1
            where tenant_id = $1 and id = $2"#,
        tenant as _,
        id as _,
        state as _,
        reason,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// A destruction, as its certificate says.
pub(super) struct Destroyed<'a> {
    pub certificate: DestructionCertificateId,
    pub review: &'a RetentionReview,
    pub method: &'a str,
    pub reason: &'a str,
}

/// Writes the certificate, while there still is what it certifies.
pub(super) async fn certify(
    tx: &mut TenantTx,
    destroyed: &Destroyed<'_>,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        r#"insert into app.destruction_certificates
                  (tenant_id, id, document_id, patient_id, category, kind, document_date, expired_on, versions, reason, method,
                   destroyed_by, destroyed_at)
           select d.tenant_id, $3, d.id, d.patient_id, d.category, d.kind, d.document_date, $4,
                  (select jsonb_agg(jsonb_build_object('number', v.number, 'sha256', encode(v.sha256, 'hex'), 'size', v.size) order by v.number)
                     from app.document_versions v where v.tenant_id = $1 and v.document_id = d.id),
                  $5, $6, app.user_id(), $7
             from app.documents d
            where d.tenant_id = $1 and d.id = $2"#,
        tenant as _,
        destroyed.review.document_id as _,
        destroyed.certificate as _,
        destroyed.review.expired_on,
        destroyed.reason,
        destroyed.method,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Forgets the keys and the text of every version, and notes their objects for removal.
pub(super) async fn shred(
    tx: &mut TenantTx,
    id: DocumentId,
    now: Instant,
) -> Result<Vec<DocumentVersionId>> {
    let tenant = tx.tenant();
    let versions = sqlx::query_scalar!(
        r#"update app.document_versions
              set sealed_key = null, next_try_at = null, released_at = null, version = version + 1, updated_at = $3,
                  text_state = case when text_state = 'pending' then 'none' else text_state end
            where tenant_id = $1 and document_id = $2
        returning id as "id: DocumentVersionId""#,
        tenant as _,
        id as _,
        now
    )
    .fetch_all(tx.conn())
    .await?;
    sqlx::query!(
        "delete from app.document_texts where tenant_id = $1 and document_id = $2",
        tenant as _,
        id as _
    )
    .execute(tx.conn())
    .await?;
    sqlx::query!(
        r#"insert into app.file_removals (tenant_id, id, noted_at)
           select v.tenant_id, v.id, $3 from app.document_versions v where v.tenant_id = $1 and v.document_id = $2
           on conflict do nothing"#,
        tenant as _,
        id as _,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(versions)
}

/// Takes the content of a destroyed document out of the imported resources that brought it, and out of what they said before.
/// When they come again, they are kept without it.
pub(super) async fn forget_papers(tx: &mut TenantTx, id: DocumentId, now: Instant) -> Result<()> {
    sqlx::query!(
        r#"select r as "id!" from app.forget_papers($1, $2) r"#,
        id as _,
        now
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(())
}
