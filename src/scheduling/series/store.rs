//! SQL of series.

use chrono::{NaiveDate, NaiveDateTime};
use kernel::clock::Instant;
use kernel::ids::{
    AppointmentId, AssetId, FacilityId, PatientId, ProviderId, SeriesId, ServiceId, UserId,
};
use kernel::{Error, Result};
use platform::db::TenantTx;

use super::model::{NewSeries, Occurrence, Series, SeriesStatus};
use crate::appointments::{AppointmentStatus, Priority};

struct Row {
    id: SeriesId,
    patient_id: PatientId,
    service_id: ServiceId,
    facility_id: FacilityId,
    provider_id: Option<ProviderId>,
    room_id: Option<AssetId>,
    equipment_ids: Vec<AssetId>,
    local_start: NaiveDateTime,
    time_zone: String,
    rule: String,
    until: Option<NaiveDate>,
    exceptions: Vec<NaiveDate>,
    priority: Priority,
    chief_complaint: Option<String>,
    status: SeriesStatus,
    split_from: Option<SeriesId>,
    continued_by: Vec<SeriesId>,
    version: i64,
    created_at: Instant,
    updated_at: Instant,
}

pub(super) async fn insert(
    tx: &mut TenantTx,
    id: SeriesId,
    new: &NewSeries,
    time_zone: &str,
    by: UserId,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    let equipment: Vec<uuid::Uuid> = new.equipment_ids.iter().map(|id| id.0).collect();
    sqlx::query!(
        "insert into app.appointment_series (tenant_id, id, patient_id, service_id, facility_id, provider_id, room_id, equipment_ids,
                rule, until_day, local_start, time_zone, exceptions, priority, chief_complaint, created_by, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $17)",
        tenant as _,
        id as _,
        new.patient_id as _,
        new.service_id as _,
        new.facility_id as _,
        new.provider_id as _,
        new.room_id as _,
        &equipment,
        new.rule,
        new.until,
        new.local_start,
        time_zone,
        &new.exceptions,
        new.priority as _,
        new.chief_complaint,
        by as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Writes the series that goes on with another.
pub(super) async fn go_on(
    tx: &mut TenantTx,
    series: &Series,
    by: UserId,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    let equipment: Vec<uuid::Uuid> = series.equipment_ids.iter().map(|id| id.0).collect();
    sqlx::query!(
        "insert into app.appointment_series (tenant_id, id, patient_id, service_id, facility_id, provider_id, room_id, equipment_ids,
                rule, until_day, local_start, time_zone, exceptions, priority, chief_complaint, split_from, created_by, created_at,
                updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $18)",
        tenant as _,
        series.id as _,
        series.patient_id as _,
        series.service_id as _,
        series.facility_id as _,
        series.provider_id as _,
        series.room_id as _,
        &equipment,
        series.rule,
        series.until,
        series.local_start,
        series.time_zone,
        &series.exceptions,
        series.priority as _,
        series.chief_complaint,
        series.split_from as _,
        by as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Makes appointments locked before those of another series.
pub(super) async fn adopt(
    tx: &mut TenantTx,
    series: SeriesId,
    appointments: &[AppointmentId],
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    let ids: Vec<uuid::Uuid> = appointments.iter().map(|id| id.0).collect();
    sqlx::query!(
        "update app.appointments set series_id = $3, version = version + 1, updated_at = $4 where tenant_id = $1 and id = any($2)",
        tenant as _,
        &ids,
        series as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The series with its appointments, but those that were moved away.
pub(super) async fn find(tx: &mut TenantTx, id: SeriesId) -> Result<Option<Series>> {
    let tenant = tx.tenant();
    let row = sqlx::query_as!(
        Row,
        r#"select s.id as "id: _", s.patient_id as "patient_id: _", s.service_id as "service_id: _", s.facility_id as "facility_id: _",
                  s.provider_id as "provider_id: _", s.room_id as "room_id: _", s.equipment_ids as "equipment_ids: Vec<AssetId>",
                  s.local_start, s.time_zone, s.rule, s.until_day as until, s.exceptions, s.priority as "priority: _",
                  s.chief_complaint, s.status as "status: _", s.split_from as "split_from: _",
                  array(select n.id from app.appointment_series n
                         where n.tenant_id = $1 and n.split_from = s.id order by n.local_start desc, n.id) as "continued_by!: Vec<SeriesId>",
                  s.version, s.created_at, s.updated_at
             from app.appointment_series s where s.tenant_id = $1 and s.id = $2"#,
        tenant as _,
        id as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    let Some(row) = row else { return Ok(None) };
    let occurrences = occurrences(tx, id).await?;
    Ok(Some(Series {
        id: row.id,
        patient_id: row.patient_id,
        service_id: row.service_id,
        facility_id: row.facility_id,
        provider_id: row.provider_id,
        room_id: row.room_id,
        equipment_ids: row.equipment_ids,
        local_start: row.local_start,
        time_zone: row.time_zone,
        rule: row.rule,
        until: row.until,
        exceptions: row.exceptions,
        priority: row.priority,
        chief_complaint: row.chief_complaint,
        status: row.status,
        split_from: row.split_from,
        continued_by: row.continued_by,
        occurrences,
        version: row.version,
        created_at: row.created_at,
        updated_at: row.updated_at,
    }))
}

async fn occurrences(tx: &mut TenantTx, id: SeriesId) -> Result<Vec<Occurrence>> {
    let tenant = tx.tenant();
    let rows = sqlx::query!(
        r#"select a.id as "id: AppointmentId", a.local_start, a.starts_at, a.status as "status: AppointmentStatus"
             from app.appointments a
            where a.tenant_id = $1 and a.series_id = $2 and a.status <> 'rescheduled'
            order by a.starts_at, a.id"#,
        tenant as _,
        id as _,
    )
    .fetch_all(tx.conn())
    .await?;
    let told = rows.into_iter().map(|row| Occurrence {
        local_start: row.local_start.format("%Y-%m-%dT%H:%M:%S").to_string(),
        starts_at: row.starts_at,
        appointment_id: Some(row.id),
        status: Some(row.status),
        conflict: None,
    });
    Ok(told.collect())
}

/// As [`find`], to be changed; others who want to change it wait.
pub(super) async fn lock(tx: &mut TenantTx, id: SeriesId) -> Result<Series> {
    let tenant = tx.tenant();
    sqlx::query_scalar!(
        "select status from app.appointment_series where tenant_id = $1 and id = $2 for no key update",
        tenant as _,
        id as _,
    )
    .fetch_optional(tx.conn())
    .await?
    .ok_or_else(Error::not_found)?;
    find(tx, id).await?.ok_or_else(Error::not_found)
}

/// Writes what was agreed on anew over a series locked before.
pub(super) async fn update(tx: &mut TenantTx, series: &Series, now: Instant) -> Result<()> {
    let tenant = tx.tenant();
    let equipment: Vec<uuid::Uuid> = series.equipment_ids.iter().map(|id| id.0).collect();
    sqlx::query!(
        "update app.appointment_series
            set provider_id = $3, room_id = $4, equipment_ids = $5, local_start = $6, exceptions = $7, status = $8, rule = $9,
                until_day = $10, version = version + 1, updated_at = $11
          where tenant_id = $1 and id = $2",
        tenant as _,
        series.id as _,
        series.provider_id as _,
        series.room_id as _,
        &equipment,
        series.local_start,
        &series.exceptions,
        series.status as _,
        series.rule,
        series.until,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
