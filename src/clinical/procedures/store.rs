//! SQL of procedures.

use kernel::clock::Instant;
use kernel::ids::{EncounterId, PatientId, ProcedureId, UserId};
use kernel::{Error, PartialDate, Result};
use platform::db::TenantTx;
use serde::Deserialize;
use serde_json::value::RawValue;
use sqlx::types::Json;

use super::model::{
    BodySite, Complication, NewProcedure, Outcome, Performer, Procedure, ProcedureSystem,
};
use super::status::ProcedureStatus;
use crate::entries::Remembered;

/// Which rows of a patient.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Filter {
    pub id: Option<ProcedureId>,
    pub status: Option<ProcedureStatus>,
    pub include_errors: bool,
}

#[derive(Deserialize)]
struct Row {
    id: ProcedureId,
    patient_id: PatientId,
    code_system: ProcedureSystem,
    code: String,
    name: String,
    modifiers: Json<Vec<String>>,
    status: ProcedureStatus,
    status_reason: Option<String>,
    performed_on: Option<PartialDate>,
    performed_start: Option<Instant>,
    performed_end: Option<Instant>,
    performers: Json<Vec<Performer>>,
    body_site: Option<Json<BodySite>>,
    outcome: Option<Outcome>,
    outcome_note: Option<String>,
    complications: Json<Vec<Complication>>,
    note: Option<String>,
    encounter_id: Option<EncounterId>,
    error_reason: Option<String>,
    version: i64,
    created_by: Option<UserId>,
    created_at: Instant,
    updated_at: Instant,
}

impl From<Row> for Procedure {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            patient_id: row.patient_id,
            data: NewProcedure {
                system: row.code_system,
                code: row.code,
                name: Some(row.name),
                modifiers: row.modifiers.0,
                status: row.status,
                status_reason: row.status_reason,
                performed_on: row.performed_on,
                performed_start: row.performed_start,
                performed_end: row.performed_end,
                performers: row.performers.0,
                body_site: row.body_site.map(|Json(site)| site),
                outcome: row.outcome,
                outcome_note: row.outcome_note,
                complications: row.complications.0,
                note: row.note,
                encounter_id: row.encounter_id,
            },
            error_reason: row.error_reason,
            version: row.version,
            recorded_by: row.created_by,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl Remembered for Procedure {
    const TABLE: &'static str = "procedures";
    const RESOURCE: &'static str = "procedure";

    fn of_image(image: &RawValue) -> serde_json::Result<Self> {
        serde_json::from_str::<Row>(image.get()).map(Into::into)
    }

    fn version(&self) -> i64 {
        self.version
    }
}

/// Newest entry first.
pub(super) async fn page(
    tx: &mut TenantTx,
    patient: PatientId,
    filter: Filter,
    after: Option<(Instant, ProcedureId)>,
    limit: i64,
) -> Result<Vec<Procedure>> {
    let tenant = tx.tenant();
    let (at, id) = after.unzip();
    let rows = sqlx::query_as!(
        Row,
        r#"select id as "id: _", patient_id as "patient_id: _", code_system as "code_system: _", code, name,
                  modifiers as "modifiers: _", status as "status: _", status_reason, performed_on as "performed_on: _",
                  performed_start, performed_end, performers as "performers: _", body_site as "body_site: _",
                  outcome as "outcome: _", outcome_note, complications as "complications: _", note,
                  encounter_id as "encounter_id: _", error_reason, version, created_by as "created_by: _", created_at, updated_at
             from app.procedures
            where tenant_id = $1 and patient_id = $2
              and ($3::uuid is null or id = $3)
              and ($4::text is null or status = $4)
              and ($5 or status <> 'entered_in_error')
              and ($6::timestamptz is null or (created_at, id) < ($6, $7))
            order by created_at desc, id desc
            limit $8"#,
        tenant as _,
        patient as _,
        filter.id as _,
        filter.status as _,
        filter.include_errors,
        at,
        id as _,
        limit
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

pub(super) async fn get(
    tx: &mut TenantTx,
    patient: PatientId,
    id: ProcedureId,
) -> Result<Procedure> {
    let filter = Filter {
        id: Some(id),
        include_errors: true,
        ..Filter::default()
    };
    page(tx, patient, filter, None, 1)
        .await?
        .pop()
        .ok_or_else(Error::not_found)
}

/// Fetches the procedure to be changed; others who want to change it wait.
pub(super) async fn lock(
    tx: &mut TenantTx,
    patient: PatientId,
    id: ProcedureId,
) -> Result<Procedure> {
    let tenant = tx.tenant();
    sqlx::query_scalar!(
        "select version from app.procedures where tenant_id = $1 and patient_id = $2 and id = $3 for no key update",
        tenant as _,
        patient as _,
        id as _
    )
    .fetch_optional(tx.conn())
    .await?
    .ok_or_else(Error::not_found)?;
    get(tx, patient, id).await
}

pub(super) async fn insert(
    tx: &mut TenantTx,
    patient: PatientId,
    id: ProcedureId,
    data: &NewProcedure,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "insert into app.procedures (tenant_id, id, patient_id, code_system, code, name, modifiers, status, status_reason,
                performed_on, performed_start, performed_end, performers, body_site, outcome, outcome_note, complications, note,
                encounter_id, created_by, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, app.user_id(), $20, $20)",
        tenant as _,
        id as _,
        patient as _,
        data.system as _,
        data.code,
        data.name,
        Json(&data.modifiers) as _,
        data.status as _,
        data.status_reason,
        data.performed_on.as_ref() as _,
        data.performed_start,
        data.performed_end,
        Json(&data.performers) as _,
        data.body_site.as_ref().map(Json) as _,
        data.outcome as _,
        data.outcome_note,
        Json(&data.complications) as _,
        data.note,
        data.encounter_id as _,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Writes over the procedure that was locked before. `mistake`: why it should never have been entered.
pub(super) async fn update(
    tx: &mut TenantTx,
    id: ProcedureId,
    data: &NewProcedure,
    mistake: Option<&str>,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update app.procedures
            set code_system = $3, code = $4, name = $5, modifiers = $6, status = $7, status_reason = $8, performed_on = $9,
                performed_start = $10, performed_end = $11, performers = $12, body_site = $13, outcome = $14, outcome_note = $15,
                complications = $16, note = $17, encounter_id = $18, error_reason = $19, version = version + 1, updated_at = $20
          where tenant_id = $1 and id = $2",
        tenant as _,
        id as _,
        data.system as _,
        data.code,
        data.name,
        Json(&data.modifiers) as _,
        data.status as _,
        data.status_reason,
        data.performed_on.as_ref() as _,
        data.performed_start,
        data.performed_end,
        Json(&data.performers) as _,
        data.body_site.as_ref().map(Json) as _,
        data.outcome as _,
        data.outcome_note,
        Json(&data.complications) as _,
        data.note,
        data.encounter_id as _,
        mistake,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
