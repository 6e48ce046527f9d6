//! SQL of amendment requests.

use std::collections::HashMap;

use chrono::NaiveDate;
use kernel::clock::Instant;
use kernel::ids::{AmendmentRequestId, NoteEntryId, NoteId, PatientId, UserId};
use kernel::{Error, Result};
use platform::db::TenantTx;
use serde::Deserialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::model::{
    AmendedResource, AmendedType, AmendmentRequest, DenialBasis, EntryAmendment,
    NewAmendmentRequest, RequestStatus,
};
use crate::entries::Remembered;

#[derive(Deserialize)]
struct Row {
    id: AmendmentRequestId,
    patient_id: PatientId,
    note_id: Option<NoteId>,
    resource_type: Option<AmendedType>,
    resource_id: Option<Uuid>,
    request: String,
    reason: String,
    status: RequestStatus,
    due_on: NaiveDate,
    extended: Option<String>,
    basis: Option<DenialBasis>,
    decision: Option<String>,
    decided_by: Option<UserId>,
    decided_at: Option<Instant>,
    entry_id: Option<NoteEntryId>,
    amendment: Option<String>,
    disagreement: Option<String>,
    version: i64,
    created_at: Instant,
    updated_at: Instant,
}

impl From<Row> for AmendmentRequest {
    fn from(row: Row) -> Self {
        let resource = row.resource_type.zip(row.resource_id);
        Self {
            id: row.id,
            patient_id: row.patient_id,
            note_id: row.note_id,
            resource: resource.map(|(r#type, id)| AmendedResource { r#type, id }),
            request: row.request,
            reason: row.reason,
            status: row.status,
            due_on: row.due_on,
            extended: row.extended,
            basis: row.basis,
            decision: row.decision,
            decided_by: row.decided_by,
            decided_at: row.decided_at,
            entry_id: row.entry_id,
            amendment: row.amendment,
            disagreement: row.disagreement,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl Remembered for AmendmentRequest {
    const TABLE: &'static str = "note_amendment_requests";
    const RESOURCE: &'static str = "amendment_request";

    fn of_image(image: &RawValue) -> serde_json::Result<Self> {
        serde_json::from_str(image.get()).map(|row: Row| row.into())
    }

    fn version(&self) -> i64 {
        self.version
    }
}

/// What was asked about entries of a patient and not withdrawn, by entry, the oldest first.
pub(crate) async fn amendments_about(
    tx: &mut TenantTx,
    patient: PatientId,
    entries: &[Uuid],
) -> Result<HashMap<Uuid, Vec<EntryAmendment>>> {
    let tenant = tx.tenant();
    let rows = sqlx::query!(
        r#"select r.resource_id as "about!", r.id as "id: AmendmentRequestId", r.status as "status: RequestStatus", r.request, r.reason,
                  r.created_at, r.basis as "basis: DenialBasis", r.decision, r.decided_at, r.amendment, r.disagreement
             from app.note_amendment_requests r
            where r.tenant_id = $1 and r.patient_id = $2 and r.resource_id = any($3) and r.status <> 'withdrawn'
            order by r.created_at, r.id"#,
        tenant as _,
        patient as _,
        entries,
    )
    .fetch_all(tx.conn())
    .await?;
    let mut about: HashMap<Uuid, Vec<EntryAmendment>> = HashMap::new();
    for row in rows {
        about.entry(row.about).or_default().push(EntryAmendment {
            id: row.id,
            status: row.status,
            request: row.request,
            reason: row.reason,
            requested_at: row.created_at,
            basis: row.basis,
            decision: row.decision,
            decided_at: row.decided_at,
            amendment: row.amendment,
            disagreement: row.disagreement,
        });
    }
    Ok(about)
}

/// What was asked about a note and not withdrawn, the oldest first.
pub(in crate::notes) async fn about_note(
    tx: &mut TenantTx,
    note: NoteId,
) -> Result<Vec<EntryAmendment>> {
    let tenant = tx.tenant();
    let rows = sqlx::query_as!(
        EntryAmendment,
        r#"select r.id as "id: _", r.status as "status: _", r.request, r.reason, r.created_at as requested_at, r.basis as "basis: _",
                  r.decision, r.decided_at, r.amendment, r.disagreement
             from app.note_amendment_requests r
            where r.tenant_id = $1 and r.note_id = $2 and r.status <> 'withdrawn'
            order by r.created_at, r.id"#,
        tenant as _,
        note as _,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows)
}

/// Whether it is an entry of the patient that the caller may read, and that stands.
pub(super) async fn is_readable(
    tx: &mut TenantTx,
    patient: PatientId,
    resource: AmendedResource,
) -> Result<bool> {
    let tenant = tx.tenant();
    let found = sqlx::query_scalar!(
        r#"select case $3
                  when 'problem' then exists (select from app.problems r where r.tenant_id = $1 and r.patient_id = $2 and r.id = $4
                                                                           and r.verification <> 'entered_in_error')
                  when 'allergy' then exists (select from app.allergies r where r.tenant_id = $1 and r.patient_id = $2 and r.id = $4
                                                                            and r.verification <> 'entered_in_error')
                  when 'procedure' then exists (select from app.procedures r where r.tenant_id = $1 and r.patient_id = $2 and r.id = $4
                                                                               and r.status <> 'entered_in_error')
                  when 'immunization' then exists (select from app.immunizations r where r.tenant_id = $1 and r.patient_id = $2
                                                                                     and r.id = $4 and r.status <> 'entered_in_error')
                  when 'document' then exists (select from app.documents r where r.tenant_id = $1 and r.patient_id = $2 and r.id = $4
                                                                             and r.status = 'current')
                  when 'family_history' then exists (select from app.family_history r where r.tenant_id = $1 and r.patient_id = $2
                                                                                        and r.id = $4 and r.error_reason is null)
                  when 'social_history' then exists (select from app.social_history r where r.tenant_id = $1 and r.patient_id = $2
                                                                                        and r.id = $4 and r.error_reason is null)
                  when 'care_plan' then exists (select from app.care_plans r where r.tenant_id = $1 and r.patient_id = $2 and r.id = $4
                                                                               and r.error_reason is null)
                  when 'goal' then exists (select from app.goals r where r.tenant_id = $1 and r.patient_id = $2 and r.id = $4
                                                                     and r.error_reason is null)
                  else false end as "found!""#,
        tenant as _,
        patient as _,
        resource.r#type as _,
        resource.id,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(found)
}

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
                updated_at, resource_type, resource_id)
         values ($1, $2, $3, $4, $5, $6, $7, app.user_id(), $8, $8, $9, $10)",
        tenant as _,
        id as _,
        patient as _,
        new.note_id as _,
        new.request,
        new.reason,
        due_on,
        now,
        new.resource.map(|resource| resource.r#type) as _,
        new.resource.map(|resource| resource.id),
    )
    .execute(tx.conn())
    .await?;
    Ok(id)
}

pub(super) async fn get(tx: &mut TenantTx, id: AmendmentRequestId) -> Result<AmendmentRequest> {
    let tenant = tx.tenant();
    let row = sqlx::query_as!(
        Row,
        r#"select r.id as "id: _", r.patient_id as "patient_id: _", r.note_id as "note_id: _", r.resource_type as "resource_type: _", r.resource_id,
                  r.request, r.reason, r.status as "status: _", r.due_on, r.extended, r.basis as "basis: _", r.decision,
                  r.decided_by as "decided_by: _", r.decided_at, r.entry_id as "entry_id: _", r.amendment, r.disagreement, r.version, r.created_at, r.updated_at
             from app.note_amendment_requests r where r.tenant_id = $1 and r.id = $2"#,
        tenant as _,
        id as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    row.map(AmendmentRequest::from).ok_or_else(Error::not_found)
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
    (status, about): (Option<RequestStatus>, Option<Uuid>),
    after: Option<(Instant, AmendmentRequestId)>,
    fetch: i64,
) -> Result<Vec<AmendmentRequest>> {
    let tenant = tx.tenant();
    let (at, id) = after.unzip();
    let rows = sqlx::query_as!(
        Row,
        r#"select r.id as "id: _", r.patient_id as "patient_id: _", r.note_id as "note_id: _", r.resource_type as "resource_type: _", r.resource_id,
                  r.request, r.reason, r.status as "status: _", r.due_on, r.extended, r.basis as "basis: _", r.decision,
                  r.decided_by as "decided_by: _", r.decided_at, r.entry_id as "entry_id: _", r.amendment, r.disagreement, r.version, r.created_at, r.updated_at
             from app.note_amendment_requests r
            where r.tenant_id = $1 and r.patient_id = $2
              and ($3::text is null or r.status = $3)
              and ($4::timestamptz is null or (r.created_at, r.id) < ($4, $5::uuid))
              and ($7::uuid is null or $7 in (r.note_id, r.resource_id))
            order by r.created_at desc, r.id desc
            limit $6"#,
        tenant as _,
        patient as _,
        status as _,
        at,
        id as _,
        fetch,
        about,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(AmendmentRequest::from).collect())
}

/// Requests of a status, by the day they are due.
pub(super) async fn due(
    tx: &mut TenantTx,
    (status, about): (RequestStatus, Option<Uuid>),
    after: Option<(NaiveDate, AmendmentRequestId)>,
    fetch: i64,
) -> Result<Vec<AmendmentRequest>> {
    let tenant = tx.tenant();
    let (day, id) = after.unzip();
    let rows = sqlx::query_as!(
        Row,
        r#"select r.id as "id: _", r.patient_id as "patient_id: _", r.note_id as "note_id: _", r.resource_type as "resource_type: _", r.resource_id,
                  r.request, r.reason, r.status as "status: _", r.due_on, r.extended, r.basis as "basis: _", r.decision,
                  r.decided_by as "decided_by: _", r.decided_at, r.entry_id as "entry_id: _", r.amendment, r.disagreement, r.version, r.created_at, r.updated_at
             from app.note_amendment_requests r
            where r.tenant_id = $1 and r.status = $2
              and ($3::date is null or (r.due_on, r.id) > ($3, $4::uuid))
              and ($6::uuid is null or $6 in (r.note_id, r.resource_id))
            order by r.due_on, r.id
            limit $5"#,
        tenant as _,
        status as _,
        day,
        id as _,
        fetch,
        about,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(AmendmentRequest::from).collect())
}

/// What was decided.
pub(super) struct Decision<'a> {
    pub status: RequestStatus,
    pub basis: Option<DenialBasis>,
    pub reason: &'a str,
    pub entry: Option<NoteEntryId>,
    /// Appended to an entry that is no note.
    pub amendment: Option<&'a str>,
}

pub(super) async fn decide(
    tx: &mut TenantTx,
    id: AmendmentRequestId,
    decision: &Decision<'_>,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update app.note_amendment_requests set status = $3, basis = $4, decision = $5, entry_id = $6, amendment = $8, decided_by = app.user_id(),
                decided_at = $7, version = version + 1, updated_at = $7
          where tenant_id = $1 and id = $2",
        tenant as _,
        id as _,
        decision.status as _,
        decision.basis as _,
        decision.reason,
        decision.entry as _,
        now,
        decision.amendment,
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
