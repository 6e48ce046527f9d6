//! Appointments in lists.

use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::{AppointmentId, AssetId, PatientId, ProviderId, SeriesId, StaffId};
use platform::db::TenantTx;

use super::model::{Appointment, OfPatient};
use super::store::Row;

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
    let rows = sqlx::query_as!(
        Row,
        r#"select a.id as "id: _", a.patient_id as "patient_id: _", a.service_id as "service_id: _", s.name as service,
                  a.facility_id as "facility_id: _", a.provider_id as "provider_id: _",
                  p.given_name || ' ' || p.family_name || coalesce(', ' || p.credential, '') as provider,
                  o.others as "others: Vec<ProviderId>", o.staff as "staff: Vec<StaffId>", o.room_id as "room_id: AssetId",
                  o.room, o.equipment as "equipment: Vec<AssetId>",
                  a.type as "kind: _", a.priority as "priority: _", a.status as "status: _", a.starts_at, a.ends_at, a.time_zone,
                  a.local_start, a.chief_complaint, a.notes, a.join_url, a.overbooked, a.overbook_reason,
                  a.series_id as "series_id: _", a.rescheduled_from as "rescheduled_from: _", a.encounter_id as "encounter_id: _",
                  a.cancelled_by as "cancelled_by: _", a.cancel_reason, a.confirmed_at, a.checked_in_at, a.started_at, a.completed_at,
                  a.cancelled_at, a.booked_by_role, a.created_by as "created_by: _", a.closed_by as "closed_by: _",
                  a.version, a.created_at, a.updated_at
             from app.appointments a
             join app.scheduling_services s on s.tenant_id = $1 and s.id = a.service_id
             left join app.providers p on p.tenant_id = $1 and p.id = a.provider_id
             left join lateral (
                  select array_agg(r.provider_id order by r.provider_id) filter (where r.provider_id <> a.provider_id) as others,
                         array_agg(r.staff_id order by r.staff_id) filter (where r.staff_id is not null) as staff,
                         array_agg(x.id order by x.id) filter (where x.kind = 'equipment') as equipment,
                         (array_agg(x.id) filter (where x.kind = 'room'))[1] as room_id,
                         max(x.name) filter (where x.kind = 'room') as room
                    from app.reservations r
                    left join app.scheduling_assets x on x.tenant_id = $1 and x.id = r.asset_id
                   where r.tenant_id = $1 and r.appointment_id = a.id) o on true
            where a.tenant_id = $1 and a.patient_id = $2
              and ($3::timestamptz is null or a.starts_at >= $3)
              and ($4::timestamptz is null or a.starts_at < $4)
              and ($5::text is null or a.status = $5)
              and ($6::timestamptz is null or (a.starts_at, a.id) < ($6, $7::uuid))
            order by a.starts_at desc, a.id desc
            limit $8"#,
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
    let rows = sqlx::query_as!(
        Row,
        r#"with recursive before (id, rescheduled_from) as (
                  select b.id, b.rescheduled_from from app.appointments b where b.tenant_id = $1 and b.id = $2
                  union
                  select b.id, b.rescheduled_from from app.appointments b
                    join before n on b.tenant_id = $1 and b.id = n.rescheduled_from),
                after (id) as (
                  select n.id from app.appointments n where n.tenant_id = $1 and n.id = $2
                  union
                  select n.id from app.appointments n join after f on n.tenant_id = $1 and n.rescheduled_from = f.id)
           select a.id as "id: _", a.patient_id as "patient_id: _", a.service_id as "service_id: _", s.name as service,
                  a.facility_id as "facility_id: _", a.provider_id as "provider_id: _",
                  p.given_name || ' ' || p.family_name || coalesce(', ' || p.credential, '') as provider,
                  o.others as "others: Vec<ProviderId>", o.staff as "staff: Vec<StaffId>", o.room_id as "room_id: AssetId",
                  o.room, o.equipment as "equipment: Vec<AssetId>",
                  a.type as "kind: _", a.priority as "priority: _", a.status as "status: _", a.starts_at, a.ends_at, a.time_zone,
                  a.local_start, a.chief_complaint, a.notes, a.join_url, a.overbooked, a.overbook_reason,
                  a.series_id as "series_id: _", a.rescheduled_from as "rescheduled_from: _", a.encounter_id as "encounter_id: _",
                  a.cancelled_by as "cancelled_by: _", a.cancel_reason, a.confirmed_at, a.checked_in_at, a.started_at, a.completed_at,
                  a.cancelled_at, a.booked_by_role, a.created_by as "created_by: _", a.closed_by as "closed_by: _",
                  a.version, a.created_at, a.updated_at
             from app.appointments a
             join app.scheduling_services s on s.tenant_id = $1 and s.id = a.service_id
             left join app.providers p on p.tenant_id = $1 and p.id = a.provider_id
             left join lateral (
                  select array_agg(r.provider_id order by r.provider_id) filter (where r.provider_id <> a.provider_id) as others,
                         array_agg(r.staff_id order by r.staff_id) filter (where r.staff_id is not null) as staff,
                         array_agg(x.id order by x.id) filter (where x.kind = 'equipment') as equipment,
                         (array_agg(x.id) filter (where x.kind = 'room'))[1] as room_id,
                         max(x.name) filter (where x.kind = 'room') as room
                    from app.reservations r
                    left join app.scheduling_assets x on x.tenant_id = $1 and x.id = r.asset_id
                   where r.tenant_id = $1 and r.appointment_id = a.id) o on true
            where a.tenant_id = $1 and a.id in (select id from before union select id from after)
            order by a.created_at, a.id"#,
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
    let rows = sqlx::query_as!(
        Row,
        r#"select a.id as "id: _", a.patient_id as "patient_id: _", a.service_id as "service_id: _", s.name as service,
                  a.facility_id as "facility_id: _", a.provider_id as "provider_id: _",
                  p.given_name || ' ' || p.family_name || coalesce(', ' || p.credential, '') as provider,
                  o.others as "others: Vec<ProviderId>", o.staff as "staff: Vec<StaffId>", o.room_id as "room_id: AssetId",
                  o.room, o.equipment as "equipment: Vec<AssetId>",
                  a.type as "kind: _", a.priority as "priority: _", a.status as "status: _", a.starts_at, a.ends_at, a.time_zone,
                  a.local_start, a.chief_complaint, a.notes, a.join_url, a.overbooked, a.overbook_reason,
                  a.series_id as "series_id: _", a.rescheduled_from as "rescheduled_from: _", a.encounter_id as "encounter_id: _",
                  a.cancelled_by as "cancelled_by: _", a.cancel_reason, a.confirmed_at, a.checked_in_at, a.started_at, a.completed_at,
                  a.cancelled_at, a.booked_by_role, a.created_by as "created_by: _", a.closed_by as "closed_by: _",
                  a.version, a.created_at, a.updated_at
             from app.appointments a
             join app.scheduling_services s on s.tenant_id = $1 and s.id = a.service_id
             left join app.providers p on p.tenant_id = $1 and p.id = a.provider_id
             left join lateral (
                  select array_agg(r.provider_id order by r.provider_id) filter (where r.provider_id <> a.provider_id) as others,
                         array_agg(r.staff_id order by r.staff_id) filter (where r.staff_id is not null) as staff,
                         array_agg(x.id order by x.id) filter (where x.kind = 'equipment') as equipment,
                         (array_agg(x.id) filter (where x.kind = 'room'))[1] as room_id,
                         max(x.name) filter (where x.kind = 'room') as room
                    from app.reservations r
                    left join app.scheduling_assets x on x.tenant_id = $1 and x.id = r.asset_id
                   where r.tenant_id = $1 and r.appointment_id = a.id) o on true
            where a.tenant_id = $1 and a.id = any($2)
            order by a.starts_at, a.id"#,
        tenant as _,
        &ids,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(Appointment::from).collect())
}

/// The occurrences of a series that stand and begin at or after an instant, locked, in their order.
pub(super) async fn lock_open_of_series(
    tx: &mut TenantTx,
    series: SeriesId,
    from: Instant,
) -> Result<Vec<AppointmentId>> {
    let tenant = tx.tenant();
    let ids = sqlx::query_scalar!(
        r#"select a.id as "id: AppointmentId" from app.appointments a
            where a.tenant_id = $1 and a.series_id = $2 and a.starts_at >= $3 and a.status in ('scheduled', 'confirmed')
            order by a.starts_at, a.id
              for no key update"#,
        tenant as _,
        series as _,
        from,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(ids)
}
