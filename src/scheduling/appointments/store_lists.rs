//! Appointments in lists.

use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::{AppointmentId, AssetId, PatientId, ProviderId, SeriesId, StaffId};
use platform::db::TenantTx;

use super::model::{Appointment, OfPatient};
use super::store::rows;

/// Where a page ended.
pub(super) type Place = (Instant, AppointmentId);

/// A patient's appointments, the last first.
pub(super) async fn of_patient(
    tx: &mut TenantTx,
    patient: PatientId,
    query: &OfPatient,
    after: Option<Place>,
    fetch: i64,
) -> Result<Vec<Appointment>> {
    let tenant = tx.tenant();
    let (start, id) = after.unzip();
    let rows = rows!(
        "",
        " and a.patient_id = $2
              and ($3::timestamptz is null or a.starts_at >= $3)
              and ($4::timestamptz is null or a.starts_at < $4)
              and ($5::text is null or a.status = $5)
              and ($6::timestamptz is null or (a.starts_at, a.id) < ($6, $7::uuid))
            order by a.starts_at desc, a.id desc
            limit $8",
        tenant as _,
        patient as _,
        query.from,
        query.to,
        query.status as _,
        start,
        id as _,
        fetch,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(Appointment::from).collect())
}

/// The appointments that took each other's place, the first agreed on first.
pub(super) async fn chain(tx: &mut TenantTx, id: AppointmentId) -> Result<Vec<Appointment>> {
    let tenant = tx.tenant();
    let rows = rows!(
        "with recursive before (id, rescheduled_from) as (
                  select b.id, b.rescheduled_from from app.appointments b where b.tenant_id = $1 and b.id = $2
                  union
                  select b.id, b.rescheduled_from from app.appointments b
                    join before n on b.tenant_id = $1 and b.id = n.rescheduled_from),
                after (id) as (
                  select n.id from app.appointments n where n.tenant_id = $1 and n.id = $2
                  union
                  select n.id from app.appointments n join after f on n.tenant_id = $1 and n.rescheduled_from = f.id)
           ",
        " and a.id in (select id from before union select id from after)
            order by a.created_at, a.id",
        tenant as _,
        id as _,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(Appointment::from).collect())
}

/// The appointments of these ids that the caller may see, in their order of time.
pub(super) async fn of_ids(tx: &mut TenantTx, ids: &[AppointmentId]) -> Result<Vec<Appointment>> {
    let tenant = tx.tenant();
    let ids: Vec<uuid::Uuid> = ids.iter().map(|id| id.0).collect();
    let rows = rows!(
        "",
        " and a.id = any($2)
            order by a.starts_at, a.id",
        tenant as _,
        &ids,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(Appointment::from).collect())
}

/// The occurrences of a series that stand and begin at or after an instant, locked in the order of ids, in which everybody
/// locks appointments.
pub(super) async fn lock_open_of_series(
    tx: &mut TenantTx,
    series: SeriesId,
    from: Instant,
) -> Result<Vec<AppointmentId>> {
    let tenant = tx.tenant();
    let ids = sqlx::query_scalar!(
        r#"select a.id as "id: AppointmentId" from app.appointments a
            where a.tenant_id = $1 and a.series_id = $2 and a.starts_at >= $3 and a.status in ('scheduled', 'confirmed')
            order by a.id
              for no key update"#,
        tenant as _,
        series as _,
        from,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(ids)
}
