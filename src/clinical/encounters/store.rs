//! One encounter at a time: the register first, which knows the month, then that month alone.
//!
//! Opening one by its id is a [`Glance`]; so [`Row`] is decoded from the table, from an image in the history, and from a glance.
//! The register's row is the lock: whoever changes an encounter holds it, so nothing moves under his hands.

use kernel::clock::Instant;
use kernel::ids::{DepartmentId, EncounterId, FacilityId, PatientId, ProviderId, UserId};
use kernel::{Error, PartialDate, Result};
use platform::db::{Glance, Questions, TenantTx};
use serde::Deserialize;
use serde_json::value::RawValue;
use sqlx::PgConnection;
use sqlx::types::Json;

use super::local_time;
use super::model::{Encounter, EncounterRecord, ReasonCode};
use super::status::{EncounterClass, EncounterStatus};
use crate::entries::Remembered;

#[derive(Deserialize)]
pub(super) struct Row {
    /// The place of the question this answers, where several were asked together.
    #[serde(default)]
    pub place: i32,
    pub id: EncounterId,
    pub patient_id: PatientId,
    pub class: EncounterClass,
    pub status: EncounterStatus,
    pub scheduled_start: Instant,
    pub scheduled_end: Option<Instant>,
    pub actual_start: Option<Instant>,
    pub actual_end: Option<Instant>,
    pub starts_on: Option<PartialDate>,
    pub ends_on: Option<PartialDate>,
    pub time_zone: String,
    pub facility_id: Option<FacilityId>,
    pub department_id: Option<DepartmentId>,
    pub attending_provider_id: Option<ProviderId>,
    pub attending_provider: Option<String>,
    pub chief_complaint: Option<String>,
    pub reason_codes: Json<Vec<ReasonCode>>,
    pub disposition: Option<String>,
    pub cancel_reason: Option<String>,
    pub version: i64,
    pub created_at: Instant,
    pub updated_at: Instant,
}

impl From<Row> for Encounter {
    fn from(row: Row) -> Self {
        Self {
            scheduled_local: local_time::wall_time(row.scheduled_start, &row.time_zone),
            attending_provider: row.attending_provider,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
            record: EncounterRecord {
                id: row.id,
                patient_id: row.patient_id,
                class: row.class,
                status: row.status,
                scheduled_start: row.scheduled_start,
                scheduled_end: row.scheduled_end,
                actual_start: row.actual_start,
                actual_end: row.actual_end,
                starts_on: row.starts_on,
                ends_on: row.ends_on,
                time_zone: row.time_zone,
                facility_id: row.facility_id,
                department_id: row.department_id,
                attending_provider_id: row.attending_provider_id,
                chief_complaint: row.chief_complaint,
                reason_codes: row.reason_codes,
                disposition: row.disposition,
                cancel_reason: row.cancel_reason,
            },
        }
    }
}

impl Remembered for Encounter {
    const TABLE: &'static str = "encounters";
    const RESOURCE: &'static str = "encounter";
    const ORDER: &'static str = "scheduled_start";

    fn of_image(image: &RawValue) -> serde_json::Result<Self> {
        serde_json::from_str::<Row>(image.get()).map(Into::into)
    }

    fn version(&self) -> i64 {
        self.version
    }
}

/// A query for [`Row`]s: the place among the questions, and where the columns of `e` (the encounter) and `p` (who attends it)
/// come from.
macro_rules! rows {
    ($place:tt, $from:tt, $($argument:expr),+ $(,)?) => {
        sqlx::query_as!(
            $crate::encounters::store::Row,
            "select " + $place + r#" as "place!", e.id as "id!: _", e.patient_id as "patient_id!: _", e.class as "class!: _",
                  e.status as "status!: _", e.scheduled_start as "scheduled_start!", e.scheduled_end, e.actual_start,
                  e.actual_end, e.starts_on as "starts_on: _", e.ends_on as "ends_on: _", e.time_zone as "time_zone!", e.facility_id as "facility_id: _",
                  e.department_id as "department_id: _", e.attending_provider_id as "attending_provider_id: _",
                  p.given_name || ' ' || p.family_name || coalesce(', ' || p.credential, '') as attending_provider,
                  e.chief_complaint, e.reason_codes as "reason_codes!: _", e.disposition, e.cancel_reason,
                  e.version as "version!", e.created_at as "created_at!", e.updated_at as "updated_at!""# + $from,
            $($argument),+
        )
    };
}
pub(super) use rows;

/// `patient` narrows to his encounters: one of another patient is not found.
pub(super) async fn find(
    tx: &mut TenantTx,
    patient: Option<PatientId>,
    id: EncounterId,
) -> Result<Option<Encounter>> {
    let tenant = tx.tenant();
    let row = rows!(
        "1",
        " from app.encounter_by_id($1, $2) e
             left join app.providers p on p.tenant_id = $1 and p.id = e.attending_provider_id
            where e.tenant_id = $1 and ($3::uuid is null or e.patient_id = $3)",
        tenant as _,
        id as _,
        patient as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(Encounter::from))
}

impl Glance for Row {
    async fn look(
        connection: &mut PgConnection,
        questions: &Questions,
    ) -> Result<Vec<(i32, Self)>, sqlx::Error> {
        let rows = rows!(
            "e.place",
            " from app.encounters_at_a_glance($1, $2, $3) e
             cross join lateral (select e.given_name, e.family_name, e.credential) p",
            &questions.contexts,
            &questions.tenants,
            &questions.ids
        )
        .fetch_all(connection)
        .await?;
        Ok(rows.into_iter().map(|row| (row.place, row)).collect())
    }
}

pub(super) async fn get(
    tx: &mut TenantTx,
    patient: PatientId,
    id: EncounterId,
) -> Result<Encounter> {
    find(tx, Some(patient), id)
        .await?
        .ok_or_else(Error::not_found)
}

/// Fetches the encounter to be changed; others who want to change it wait.
pub(super) async fn lock(
    tx: &mut TenantTx,
    patient: PatientId,
    id: EncounterId,
) -> Result<Encounter> {
    let tenant = tx.tenant();
    // No key of the register changes, so rows that come to refer to it need not wait.
    sqlx::query_scalar!(
        "select scheduled_start from app.encounter_register
          where tenant_id = $1 and id = $2 and patient_id = $3
            for no key update",
        tenant as _,
        id as _,
        patient as _,
    )
    .fetch_optional(tx.conn())
    .await?
    .ok_or_else(Error::not_found)?;
    get(tx, patient, id).await
}

/// Whether the patient has this encounter.
pub(super) async fn is_registered(
    tx: &mut TenantTx,
    patient: PatientId,
    id: EncounterId,
) -> Result<bool> {
    let tenant = tx.tenant();
    let found = sqlx::query_scalar!(
        r#"select exists (select from app.encounter_register
                           where tenant_id = $1 and id = $2 and patient_id = $3) as "found!""#,
        tenant as _,
        id as _,
        patient as _,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(found)
}

/// Inserts encounters, each into the register and into its month, which must be there.
pub(super) async fn insert(
    tx: &mut TenantTx,
    records: &[EncounterRecord],
    by: Option<UserId>,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    let rows = serde_json::to_value(records).map_err(Error::internal)?;
    sqlx::query!(
        "insert into app.encounter_register (tenant_id, id, patient_id, scheduled_start)
         select $1, r.id, r.patient_id, r.scheduled_start
           from jsonb_to_recordset($2) r (id uuid, patient_id uuid, scheduled_start timestamptz)",
        tenant as _,
        rows,
    )
    .execute(tx.conn())
    .await?;
    sqlx::query!(
        "insert into app.encounters (tenant_id, id, patient_id, class, status, scheduled_start, scheduled_end, actual_start,
                actual_end, starts_on, ends_on, time_zone, facility_id, department_id, attending_provider_id, chief_complaint, reason_codes,
                disposition, cancel_reason, created_by, created_at, updated_at)
         select $1, r.id, r.patient_id, r.class, r.status, r.scheduled_start, r.scheduled_end, r.actual_start,
                r.actual_end, r.starts_on, r.ends_on, r.time_zone, r.facility_id, r.department_id, r.attending_provider_id, r.chief_complaint, r.reason_codes,
                r.disposition, r.cancel_reason, $3, $4, $4
           from jsonb_to_recordset($2) r (id uuid, patient_id uuid, class text, status text, scheduled_start timestamptz,
                scheduled_end timestamptz, actual_start timestamptz, actual_end timestamptz, starts_on text, ends_on text, time_zone text, facility_id uuid,
                department_id uuid, attending_provider_id uuid, chief_complaint text, reason_codes jsonb, disposition text,
                cancel_reason text)",
        tenant as _,
        rows,
        by as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Writes the record over the encounter that stood at `start`, locked before. Its month must be there.
pub(super) async fn update(
    tx: &mut TenantTx,
    start: Instant,
    record: &EncounterRecord,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    if start != record.scheduled_start {
        sqlx::query!(
            "update app.encounter_register set scheduled_start = $3 where tenant_id = $1 and id = $2",
            tenant as _,
            record.id as _,
            record.scheduled_start,
        )
        .execute(tx.conn())
        .await?;
    }
    // A new start in another month moves the row: PostgreSQL deletes it there and inserts it here.
    let done = sqlx::query!(
        "update app.encounters
            set class = $4, status = $5, scheduled_start = $6, scheduled_end = $7, actual_start = $8, actual_end = $9,
                time_zone = $10, facility_id = $11, department_id = $12, attending_provider_id = $13, chief_complaint = $14,
                reason_codes = $15, disposition = $16, cancel_reason = $17, starts_on = $18, ends_on = $19, version = version + 1, updated_at = $20
          where tenant_id = $1 and scheduled_start = $2 and id = $3",
        tenant as _,
        start,
        record.id as _,
        record.class as _,
        record.status as _,
        record.scheduled_start,
        record.scheduled_end,
        record.actual_start,
        record.actual_end,
        record.time_zone,
        record.facility_id as _,
        record.department_id as _,
        record.attending_provider_id as _,
        record.chief_complaint,
        &record.reason_codes as _,
        record.disposition,
        record.cancel_reason,
        record.starts_on as _,
        record.ends_on as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    if done.rows_affected() == 1 {
        Ok(())
    } else {
        Err(Error::not_found())
    }
}
