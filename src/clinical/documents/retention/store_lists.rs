//! SQL of policies, holds, and what is listed.

use chrono::NaiveDate;
use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::{DestructionCertificateId, LegalHoldId, RetentionPolicyId, RetentionReviewId};
use platform::db::TenantTx;

use super::model::{
    DestructionCertificate, LegalHold, NewLegalHold, NewRetentionPolicy, RetentionPolicy,
    RetentionPolicyStatus, RetentionReview, RetentionReviewState,
};
use crate::documents::model::Category;
use crate::documents::owner::Owner;

struct PolicyRow {
    id: RetentionPolicyId,
    category: Category,
    state: Option<String>,
    years: i16,
    minor_years: i16,
    majority_age: i16,
    status: RetentionPolicyStatus,
    version: i64,
    created_at: Instant,
    updated_at: Instant,
}

impl From<PolicyRow> for RetentionPolicy {
    fn from(row: PolicyRow) -> Self {
        Self {
            id: row.id,
            data: NewRetentionPolicy {
                category: row.category,
                state: row.state,
                years: row.years,
                minor_years: row.minor_years,
                majority_age: row.majority_age,
            },
            status: row.status,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

pub(super) async fn policies(
    tx: &mut TenantTx,
    after: Option<RetentionPolicyId>,
    limit: i64,
) -> Result<Vec<RetentionPolicy>> {
    let tenant = tx.tenant();
    let rows = sqlx::query_as!(
        PolicyRow,
        r#"select p.id as "id: _", p.category as "category: _", p.state, p.years, p.minor_years, p.majority_age,
                  p.status as "status: _", p.version, p.created_at, p.updated_at
             from app.retention_policies p
            where p.tenant_id = $1 and ($2::uuid is null or p.id > $2) order by p.id limit $3"#,
        tenant as _,
        after as _,
        limit
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(RetentionPolicy::from).collect())
}

pub(super) async fn policy(
    tx: &mut TenantTx,
    id: RetentionPolicyId,
) -> Result<Option<RetentionPolicy>> {
    let tenant = tx.tenant();
    let row = sqlx::query_as!(
        PolicyRow,
        r#"select p.id as "id: _", p.category as "category: _", p.state, p.years, p.minor_years, p.majority_age,
                  p.status as "status: _", p.version, p.created_at, p.updated_at
             from app.retention_policies p where p.tenant_id = $1 and p.id = $2"#,
        tenant as _,
        id as _
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(RetentionPolicy::from))
}

pub(super) async fn insert_policy(
    tx: &mut TenantTx,
    id: RetentionPolicyId,
    new: &NewRetentionPolicy,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        r#"insert into app.retention_policies
                  (tenant_id, id, category, state, years, minor_years, majority_age, created_by, created_at, updated_at)
           values ($1, $2, $3, $4, $5, $6, $7, app.user_id(), $8, $8)"#,
        tenant as _,
        id as _,
        new.category as _,
        new.state,
        new.years,
        new.minor_years,
        new.majority_age,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn retire_policy(
    tx: &mut TenantTx,
    id: RetentionPolicyId,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        r#"update app.retention_policies set status = 'retired', version = version + 1, updated_at = $3
            where tenant_id = $1 and id = $2 and status = 'active'"#,
        tenant as _,
        id as _,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// As they stand, or as they stood `then`.
pub(super) async fn holds(
    tx: &mut TenantTx,
    (owner, then): (Owner, Option<Instant>),
    after: Option<LegalHoldId>,
    limit: i64,
) -> Result<Vec<LegalHold>> {
    let tenant = tx.tenant();
    let rows = sqlx::query_as!(
        LegalHold,
        r#"select h.id as "id: _", h.patient_id as "patient_id: _", h.provider_id as "provider_id: _", h.document_id as "document_id: _", h.reason,
                  h.placed_by as "placed_by: _", h.placed_at,
                  case when h.lifted_at > $6 then null else h.lifted_by end as "lifted_by: _",
                  case when h.lifted_at > $6 then null else h.lifted_at end as lifted_at,
                  case when h.lifted_at > $6 then null else h.lift_reason end as lift_reason,
                  case when h.lifted_at > $6 then 1 else h.version end as "version!"
             from app.legal_holds h
            where h.tenant_id = $1 and ($2::uuid is null or h.patient_id = $2) and ($3::uuid is null or h.provider_id = $3)
              and ($4::uuid is null or h.id > $4) and h.placed_at <= coalesce($6::timestamptz, 'infinity')
            order by h.id limit $5"#,
        tenant as _,
        owner.patient() as _,
        owner.provider() as _,
        after as _,
        limit,
        then
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows)
}

pub(super) async fn hold(
    tx: &mut TenantTx,
    owner: Owner,
    id: LegalHoldId,
) -> Result<Option<LegalHold>> {
    let tenant = tx.tenant();
    let row = sqlx::query_as!(
        LegalHold,
        r#"select h.id as "id: _", h.patient_id as "patient_id: _", h.provider_id as "provider_id: _", h.document_id as "document_id: _", h.reason,
                  h.placed_by as "placed_by: _", h.placed_at, h.lifted_by as "lifted_by: _", h.lifted_at, h.lift_reason, h.version
             from app.legal_holds h where h.tenant_id = $1 and ($2::uuid is null or h.patient_id = $2) and ($3::uuid is null or h.provider_id = $3)
              and h.id = $4"#,
        tenant as _,
        owner.patient() as _,
        owner.provider() as _,
        id as _
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row)
}

pub(super) async fn insert_hold(
    tx: &mut TenantTx,
    id: LegalHoldId,
    owner: Owner,
    new: &NewLegalHold,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        r#"insert into app.legal_holds (tenant_id, id, patient_id, provider_id, document_id, reason, placed_by, placed_at)
           values ($1, $2, $3, $4, $5, $6, app.user_id(), $7)"#,
        tenant as _,
        id as _,
        owner.patient() as _,
        owner.provider() as _,
        new.document_id as _,
        new.reason,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// False if it was lifted before.
pub(super) async fn lift_hold(
    tx: &mut TenantTx,
    id: LegalHoldId,
    reason: &str,
    now: Instant,
) -> Result<bool> {
    let tenant = tx.tenant();
    let done = sqlx::query!(
        r#"update app.legal_holds set lifted_by = app.user_id(), lifted_at = $4, lift_reason = $3, version = version + 1
            where tenant_id = $1 and id = $2 and lifted_at is null"#,
        tenant as _,
        id as _,
        reason,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// What has waited longest first.
pub(super) async fn reviews(
    tx: &mut TenantTx,
    state: RetentionReviewState,
    after: Option<(NaiveDate, RetentionReviewId)>,
    limit: i64,
) -> Result<Vec<RetentionReview>> {
    let tenant = tx.tenant();
    let (day, id) = after.unzip();
    let rows = sqlx::query_as!(
        RetentionReview,
        r#"select r.id as "id: _", r.document_id as "document_id: _", r.patient_id as "patient_id: _", d.category as "category: _",
                  d.kind as "kind: _", d.document_date, r.expired_on, r.state as "state: _", r.reason,
                  r.decided_by as "decided_by: _", r.decided_at, r.version
             from app.retention_reviews r
             join app.documents d on d.tenant_id = $1 and d.id = r.document_id
            where r.tenant_id = $1 and r.state = $2
              and ($3::date is null or (r.expired_on, r.id) > ($3, $4))
              and (r.state <> 'open'
                   or not exists (select from app.legal_holds h
                                   where h.tenant_id = $1 and (h.patient_id = r.patient_id or h.provider_id = d.provider_id) and h.lifted_at is null
                                     and (h.document_id is null or h.document_id = r.document_id)))
            order by r.expired_on, r.id
            limit $5"#,
        tenant as _,
        state as _,
        day,
        id as _,
        limit
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows)
}

pub(super) async fn review(
    tx: &mut TenantTx,
    id: RetentionReviewId,
) -> Result<Option<RetentionReview>> {
    let tenant = tx.tenant();
    let row = sqlx::query_as!(
        RetentionReview,
        r#"select r.id as "id: _", r.document_id as "document_id: _", r.patient_id as "patient_id: _", d.category as "category: _",
                  d.kind as "kind: _", d.document_date, r.expired_on, r.state as "state: _", r.reason,
                  r.decided_by as "decided_by: _", r.decided_at, r.version
             from app.retention_reviews r
             join app.documents d on d.tenant_id = $1 and d.id = r.document_id
            where r.tenant_id = $1 and r.id = $2"#,
        tenant as _,
        id as _
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row)
}

pub(super) async fn certificates(
    tx: &mut TenantTx,
    after: Option<DestructionCertificateId>,
    limit: i64,
) -> Result<Vec<DestructionCertificate>> {
    let tenant = tx.tenant();
    let rows = sqlx::query_as!(
        DestructionCertificate,
        r#"select c.id as "id: _", c.document_id as "document_id: _", c.patient_id as "patient_id: _", c.category as "category: _",
                  c.kind as "kind: _", c.document_date, c.expired_on, c.versions as "versions: _", c.reason, c.method,
                  c.destroyed_by as "destroyed_by: _", c.destroyed_at, c.version
             from app.destruction_certificates c
            where c.tenant_id = $1 and ($2::uuid is null or c.id > $2) order by c.id limit $3"#,
        tenant as _,
        after as _,
        limit
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows)
}

pub(super) async fn certificate(
    tx: &mut TenantTx,
    id: DestructionCertificateId,
) -> Result<Option<DestructionCertificate>> {
    let tenant = tx.tenant();
    let row = sqlx::query_as!(
        DestructionCertificate,
        r#"select c.id as "id: _", c.document_id as "document_id: _", c.patient_id as "patient_id: _", c.category as "category: _",
                  c.kind as "kind: _", c.document_date, c.expired_on, c.versions as "versions: _", c.reason, c.method,
                  c.destroyed_by as "destroyed_by: _", c.destroyed_at, c.version
             from app.destruction_certificates c where c.tenant_id = $1 and c.id = $2"#,
        tenant as _,
        id as _
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row)
}
