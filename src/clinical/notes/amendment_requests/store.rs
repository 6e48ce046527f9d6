//! SQL of amendment requests.

use chrono::NaiveDate;
use kernel::clock::Instant;
use kernel::ids::{AmendmentRequestId, NoteEntryId, PatientId};
use kernel::{Error, Result};
use platform::db::TenantTx;

use super::model::{AmendmentRequest, DenialBasis, NewAmendmentRequest, RequestStatus};

pub(super) async fn insert(
    tx: &mut TenantTx,
    patient: PatientId,
    new: &NewAmendmentRequest,
    due_on: NaiveDate,
    now: Instant,
) -> Result<AmendmentRequestId> {
    let tenant = tx.tenant();
    let id = AmendmentRequestId::new();
    sqlx::query!(
        "insert into app.note_amendment_requests (tenant_id, id, patient_id, note_id, request, reason, due_on, requested_by, created_at,
                updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, app.user_id(), $8, $8)",
        tenant as _,
        id as _,
        patient as _,
        new.note_id as _,
        new.request,
        new.reason,
        due_on,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(id)
}

pub(super) async fn get(tx: &mut TenantTx, id: AmendmentRequestId) -> Result<AmendmentRequest> {
    let tenant = tx.tenant();
    let row = sqlx::query_as!(
        AmendmentRequest,
        r#"select r.id as "id: _", r.patient_id as "patient_id: _", r.note_id as "note_id: _", r.request, r.reason,
                  r.status as "status: _", r.due_on, r.extended, r.basis as "basis: _", r.decision, r.decided_by as "decided_by: _",
                  r.decided_at, r.entry_id as "entry_id: _", r.disagreement, r.version, r.created_at, r.updated_at
             from app.note_amendment_requests r where r.tenant_id = $1 and r.id = $2"#,
        tenant as _,
        id as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    row.ok_or_else(Error::not_found)
}

/// Fetches the request to be changed; others who want to change it wait.
pub(super) async fn lock(tx: &mut TenantTx, id: AmendmentRequestId) -> Result<AmendmentRequest> {
    let tenant = tx.tenant();
    sqlx::query_scalar!(
        "select version from app.note_amendment_requests where tenant_id = $1 and id = $2 for no key update",
        tenant as _,
        id as _,
    )
    .fetch_optional(tx.conn())
    .await?
    .ok_or_else(Error::not_found)?;
    get(tx, id).await
}

/// A patient's requests, newest first.
pub(super) async fn of_patient(
    tx: &mut TenantTx,
    patient: PatientId,
    status: Option<RequestStatus>,
    after: Option<(Instant, AmendmentRequestId)>,
    fetch: i64,
) -> Result<Vec<AmendmentRequest>> {
    let tenant = tx.tenant();
    let (at, id) = after.unzip();
    let rows = sqlx::query_as!(
        AmendmentRequest,
        r#"select r.id as "id: _", r.patient_id as "patient_id: _", r.note_id as "note_id: _", r.request, r.reason,
                  r.status as "status: _", r.due_on, r.extended, r.basis as "basis: _", r.decision, r.decided_by as "decided_by: _",
                  r.decided_at, r.entry_id as "entry_id: _", r.disagreement, r.version, r.created_at, r.updated_at
             from app.note_amendment_requests r
            where r.tenant_id = $1 and r.patient_id = $2
              and ($3::text is null or r.status = $3)
              and ($4::timestamptz is null or (r.created_at, r.id) < ($4, $5::uuid))
            order by r.created_at desc, r.id desc
            limit $6"#,
        tenant as _,
        patient as _,
        status as _,
        at,
        id as _,
        fetch,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows)
}

/// Requests of a status, by the day they are due.
pub(super) async fn due(
    tx: &mut TenantTx,
    status: RequestStatus,
    after: Option<(NaiveDate, AmendmentRequestId)>,
    fetch: i64,
) -> Result<Vec<AmendmentRequest>> {
    let tenant = tx.tenant();
    let (day, id) = after.unzip();
    let rows = sqlx::query_as!(
        AmendmentRequest,
        r#"select r.id as "id: _", r.patient_id as "patient_id: _", r.note_id as "note_id: _", r.request, r.reason,
                  r.status as "status: _", r.due_on, r.extended, r.basis as "basis: _", r.decision, r.decided_by as "decided_by: _",
                  r.decided_at, r.entry_id as "entry_id: _", r.disagreement, r.version, r.created_at, r.updated_at
             from app.note_amendment_requests r
            where r.tenant_id = $1 and r.status = $2
              and ($3::date is null or (r.due_on, r.id) > ($3, $4::uuid))
            order by r.due_on, r.id
            limit $5"#,
        tenant as _,
        status as _,
        day,
        id as _,
        fetch,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows)
}

/// What was decided.
pub(super) struct Decision<'a> {
    pub status: RequestStatus,
    pub basis: Option<DenialBasis>,
    pub reason: &'a str,
    pub entry: Option<NoteEntryId>,
}

pub(super) async fn decide(
    tx: &mut TenantTx,
    id: AmendmentRequestId,
    decision: &Decision<'_>,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update app.note_amendment_requests set status = $3, basis = $4, decision = $5, entry_id = $6, decided_by = app.user_id(),
                decided_at = $7, version = version + 1, updated_at = $7
          where tenant_id = $1 and id = $2",
        tenant as _,
        id as _,
        decision.status as _,
        decision.basis as _,
        decision.reason,
        decision.entry as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn extend(
    tx: &mut TenantTx,
    id: AmendmentRequestId,
    due_on: NaiveDate,
    reason: &str,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update app.note_amendment_requests set due_on = $3, extended = $4, version = version + 1, updated_at = $5
          where tenant_id = $1 and id = $2",
        tenant as _,
        id as _,
        due_on,
        reason,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn withdraw(
    tx: &mut TenantTx,
    id: AmendmentRequestId,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update app.note_amendment_requests set status = 'withdrawn', version = version + 1, updated_at = $3
          where tenant_id = $1 and id = $2",
        tenant as _,
        id as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn disagree(
    tx: &mut TenantTx,
    id: AmendmentRequestId,
    statement: &str,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update app.note_amendment_requests set disagreement = $3, version = version + 1, updated_at = $4
          where tenant_id = $1 and id = $2",
        tenant as _,
        id as _,
        statement,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
