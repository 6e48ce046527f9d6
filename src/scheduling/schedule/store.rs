//! SQL of schedules.
//!
//! What lasts into a day stands in it. Nothing occupies anybody for more than 40 hours (appointments/store_places.rs), so no past
//! is read for it.

use chrono::NaiveDate;
use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::{AppointmentId, AssetId, FacilityId, HoldId, PatientId, ProviderId};
use platform::db::TenantTx;
use uuid::Uuid;

/// A block of time as the reservations or appointments have it.
pub(super) struct Block {
    pub starts_at: Instant,
    pub ends_at: Instant,
    pub appointment_id: Option<AppointmentId>,
    pub hold_id: Option<HoldId>,
    pub provider_ids: Option<Vec<ProviderId>>,
    pub asset_ids: Option<Vec<AssetId>>,
}

/// What occupies a provider or an asset in a span of time.
pub(super) async fn of_resource(
    tx: &mut TenantTx,
    resource: Uuid,
    (from, to): (Instant, Instant),
    now: Instant,
    most: i64,
) -> Result<Vec<Block>> {
    let tenant = tx.tenant();
    let blocks = sqlx::query_as!(
        Block,
        r#"select r.starts_at, r.ends_at, r.appointment_id as "appointment_id: _",
                  case when r.state = 'held' then r.hold_id end as "hold_id: _",
                  array_remove(array[r.provider_id], null) as "provider_ids: Vec<ProviderId>",
                  array_remove(array[r.asset_id], null) as "asset_ids: Vec<AssetId>"
             from app.reservations r
            where r.tenant_id = $1 and r.resource_id = $2
              and (r.state in ('booked', 'overbooked') or (r.state = 'held' and r.expires_at > $5))
              and r.starts_at < $4 and r.starts_at > $3::timestamptz - interval '40 hours' and r.ends_at > $3
            order by r.starts_at, r.id
            limit $6"#,
        tenant as _,
        resource,
        from,
        to,
        now,
        most,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(blocks)
}

/// The appointments in a facility that the caller may see, those that are over with the time they took if that was less, and what else
/// occupies its rooms and devices and the providers who have working time there: one block for each appointment or hold.
pub(super) async fn of_facility(
    tx: &mut TenantTx,
    facility: FacilityId,
    (from, to): (Instant, Instant),
    now: Instant,
    most: i64,
) -> Result<Vec<Block>> {
    let tenant = tx.tenant();
    let blocks = sqlx::query_as!(
        Block,
        r#"select b.starts_at as "starts_at!", b.ends_at as "ends_at!", b.appointment_id as "appointment_id: _",
                  b.hold_id as "hold_id: _", b.provider_ids as "provider_ids: Vec<ProviderId>", b.asset_ids as "asset_ids: Vec<AssetId>"
             from (select case when a.completed_at <= a.starts_at then least(a.started_at, a.completed_at) else a.starts_at end as starts_at,
                          least(a.ends_at, a.completed_at) as ends_at, a.id as appointment_id, null::uuid as hold_id,
                          null::uuid[] as provider_ids, null::uuid[] as asset_ids
                     from app.appointments a
                    where a.tenant_id = $1 and a.facility_id = $2 and a.starts_at < $4
                      and a.starts_at > $3::timestamptz - interval '40 hours' and a.ends_at > $3
                      and a.status not in ('cancelled', 'rescheduled', 'no_show')
                   union all
                   select min(r.starts_at), max(r.ends_at), null, (array_agg(r.hold_id) filter (where r.state = 'held'))[1],
                          array_agg(r.provider_id order by r.provider_id) filter (where r.provider_id is not null),
                          array_agg(r.asset_id order by r.asset_id) filter (where r.asset_id is not null)
                     from (select x.id from app.scheduling_assets x where x.tenant_id = $1 and x.facility_id = $2
                           union
                           select w.provider_id from app.working_times w
                            where w.tenant_id = $1 and w.facility_id = $2 and w.status = 'active' and w.provider_id is not null) o
                     join app.reservations r on r.tenant_id = $1 and r.resource_id = o.id
                    where r.starts_at < $4 and r.starts_at > $3::timestamptz - interval '40 hours' and r.ends_at > $3
                      and (r.state in ('booked', 'overbooked') or (r.state = 'held' and r.expires_at > $5))
                      and not exists (select from app.appointments v
                                       where v.tenant_id = $1 and v.id = r.appointment_id and v.facility_id = $2)
                    group by coalesce(r.appointment_id, r.hold_id)) b
            order by b.starts_at, b.appointment_id, b.provider_ids, b.asset_ids
            limit $6"#,
        tenant as _,
        facility as _,
        from,
        to,
        now,
        most,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(blocks)
}

/// The legal names of patients the caller may see.
pub(super) async fn names(
    tx: &mut TenantTx,
    patients: &[PatientId],
) -> Result<Vec<(PatientId, String)>> {
    let tenant = tx.tenant();
    let ids: Vec<Uuid> = patients.iter().map(|id| id.0).collect();
    let rows = sqlx::query!(
        r#"select p.id as "id: PatientId", concat_ws(', ', n.name ->> 'family', n.name -> 'given' ->> 0) as "name!"
             from app.patients p
            cross join lateral (select e.name from jsonb_array_elements(p.names) e (name)
                                 where e.name ->> 'use' = 'legal' limit 1) n
            where p.tenant_id = $1 and p.id = any($2)"#,
        tenant as _,
        &ids,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.name)).collect())
}

/// The zone of a facility.
pub(super) async fn zone_of_facility(
    tx: &mut TenantTx,
    facility: FacilityId,
) -> Result<Option<String>> {
    let tenant = tx.tenant();
    let zone = sqlx::query_scalar!(
        "select time_zone from app.facilities where tenant_id = $1 and id = $2",
        tenant as _,
        facility as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(zone)
}

/// The zone of the facility of a room or device.
pub(super) async fn zone_of_asset(tx: &mut TenantTx, asset: AssetId) -> Result<Option<String>> {
    let tenant = tx.tenant();
    let zone = sqlx::query_scalar!(
        "select f.time_zone from app.scheduling_assets x
           join app.facilities f on f.tenant_id = $1 and f.id = x.facility_id
          where x.tenant_id = $1 and x.id = $2",
        tenant as _,
        asset as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(zone)
}

/// The zones of the facilities where a provider has working time or is booked within these days, with some of the days around
/// them; the organisation's where he has none. Empty if there is no such provider.
pub(super) async fn zones_of_provider(
    tx: &mut TenantTx,
    provider: ProviderId,
    (first, last): (NaiveDate, NaiveDate),
) -> Result<Vec<String>> {
    let tenant = tx.tenant();
    let zones = sqlx::query_scalar!(
        r#"select distinct f.time_zone as "zone!"
             from app.facilities f
            where f.tenant_id = $1
              and (exists (select from app.working_times w
                            where w.tenant_id = $1 and w.provider_id = $2 and w.facility_id = f.id and w.status = 'active'
                              and w.valid_from <= $4 and (w.valid_until is null or w.valid_until >= $3))
                or exists (select from app.working_time_exceptions x
                            where x.tenant_id = $1 and x.provider_id = $2 and x.facility_id = f.id and x.status = 'active'
                              and x.effect = 'extra' and x.starts_at < $4::date + interval '2 days'
                              and x.ends_at > $3::date - interval '1 day')
                or exists (select from app.on_call_shifts c
                            where c.tenant_id = $1 and c.provider_id = $2 and c.facility_id = f.id and c.status = 'active'
                              and c.starts_at < $4::date + interval '2 days' and c.ends_at > $3::date - interval '1 day')
                or exists (select from app.reservations r
                             join app.appointments a on a.tenant_id = r.tenant_id and a.id = r.appointment_id
                            where r.tenant_id = $1 and a.tenant_id = $1 and r.resource_id = $2 and a.facility_id = f.id and r.state <> 'released'
                              and r.starts_at < $4::date + interval '2 days' and r.starts_at > $3::date - interval '3 days'))"#,
        tenant as _,
        provider as _,
        first,
        last,
    )
    .fetch_all(tx.conn())
    .await?;
    if !zones.is_empty() {
        return Ok(zones);
    }
    let own = sqlx::query_scalar!(
        "select t.time_zone from app.tenants t
           join app.providers p on p.tenant_id = t.tenant_id
          where t.tenant_id = $1 and p.tenant_id = $1 and p.id = $2",
        tenant as _,
        provider as _,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(own)
}

/// Whether there is such a provider.
pub(super) async fn is_provider(tx: &mut TenantTx, provider: ProviderId) -> Result<bool> {
    let tenant = tx.tenant();
    Ok(sqlx::query_scalar!(
        r#"select exists (select from app.providers where tenant_id = $1 and id = $2) as "there!""#,
        tenant as _,
        provider as _,
    )
    .fetch_one(tx.conn())
    .await?)
}
