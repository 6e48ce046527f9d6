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

/// The series with its appointments, but those that were moved away.
pub(super) async fn find(tx: &mut TenantTx, id: SeriesId) -> Result<Option<Series>> {
    let tenant = tx.tenant();
    let row = sqlx::query_as!(
        Row,
        r#"select id as "id: _", patient_id as "patient_id: _", service_id as "service_id: _", facility_id as "facility_id: _",
                  provider_id as "provider_id: _", room_id as "room_id: _", equipment_ids as "equipment_ids: Vec<AssetId>",
                  local_start, time_zone, rule, until_day as until, exceptions, priority as "priority: _", chief_complaint,
                  status as "status: _", version, created_at, updated_at
             from app.appointment_series where tenant_id = $1 and id = $2"#,
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
            set provider_id = $3, room_id = $4, equipment_ids = $5, local_start = $6, exceptions = $7, status = $8,
                version = version + 1, updated_at = $9
          where tenant_id = $1 and id = $2",
        tenant as _,
        series.id as _,
        series.provider_id as _,
        series.room_id as _,
        &equipment,
        series.local_start,
        &series.exceptions,
        series.status as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
