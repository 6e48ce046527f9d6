//! What a placement refers to, and who is occupied then: one statement.
//!
//! Nothing is occupied for more than 40 hours at a time: a day, and eight hours of preparation and of clean-up. Where a time is
//! looked for, what begins earlier need not be; without that, somebody's whole past would be read at each booking.

use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::{AssetId, FacilityId};
use platform::db::TenantTx;
use uuid::Uuid;

use super::placement::Placement;
use crate::availability::OwnTime;
use crate::services::Service;

/// What there is of what a placement names.
pub(super) struct Facts {
    pub time_zone: String,
    pub active: bool,
    pub leader_found: bool,
    pub providers: i64,
    /// Those of the providers who accept no patients.
    pub closed: Vec<Uuid>,
    /// But for those known before.
    pub staff: i64,
    pub room_found: bool,
    pub equipment: i64,
    /// Of those devices.
    pub equipment_kinds: Vec<String>,
    /// Occupied at that time.
    pub busy: Vec<Uuid>,
    pub stale_holds: bool,
}

/// `None` if there is no such facility. Staff `known` before is not looked up: a patient moves his visit with whoever is there for
/// it, and may not look at staff. What is moved is not in its own way where it holds its time: whoever is there is booked over it.
///
/// The states are named as the index by time has them, and told apart behind a `case`: told plainly, they would fit the indexes of
/// the constraints as well, which know no time, and a plan made while the table was new is kept.
#[expect(clippy::too_many_lines, reason = "one statement, most of it SQL")]
pub(super) async fn facts(
    tx: &mut TenantTx,
    placement: &Placement,
    service: &Service,
    (known, own): (&[Uuid], Option<&OwnTime>),
    now: Instant,
) -> Result<Option<Facts>> {
    let tenant = tx.tenant();
    let (from, to) = service.occupied(placement.starts_at);
    let providers: Vec<Uuid> = placement.providers.iter().map(|id| id.0).collect();
    let staff = placement.staff.iter().map(|id| id.0);
    let staff: Vec<Uuid> = staff.filter(|id| !known.contains(id)).collect();
    let equipment: Vec<Uuid> = placement.equipment.iter().map(|id| id.0).collect();
    let resources = own.map_or(&[][..], |own| &own.resources);
    let facts = sqlx::query_as!(
        Facts,
        r#"select f.time_zone, f.status = 'active' as "active!",
                  exists (select from app.providers p
                           where p.tenant_id = $1 and p.id = ($3::uuid[])[1] and p.status = 'active') as "leader_found!",
                  (select count(*) from app.providers p
                    where p.tenant_id = $1 and p.id = any($3) and p.status = 'active') as "providers!",
                  array(select p.id from app.providers p
                         where p.tenant_id = $1 and p.id = any($3) and not (p.accepting_patients or app.is_own_provider(p.id))) as "closed!",
                  (select count(*) from app.staff_members m
                    where m.tenant_id = $1 and m.id = any($4) and m.status = 'active') as "staff!",
                  exists (select from app.scheduling_assets x
                           where x.tenant_id = $1 and x.id = $5 and x.facility_id = $2 and x.kind = 'room'
                             and x.status = 'active' and ($6::text is null or x.asset_kind = $6)) as "room_found!",
                  (select count(*) from app.scheduling_assets x
                    where x.tenant_id = $1 and x.id = any($7) and x.facility_id = $2 and x.kind = 'equipment'
                      and x.status = 'active') as "equipment!",
                  array(select x.asset_kind from app.scheduling_assets x
                         where x.tenant_id = $1 and x.id = any($7) and x.facility_id = $2 and x.kind = 'equipment'
                           and x.status = 'active') as "equipment_kinds!",
                  array(select distinct r.resource_id from app.reservations r
                         where r.tenant_id = $1 and r.resource_id = any($8)
                           and r.state in ('held', 'booked', 'overbooked')
                           and case r.state when 'held' then r.expires_at > $12 else true end
                           and r.starts_at > $9::timestamptz - interval '40 hours' and r.starts_at < $11 and r.ends_at > $9
                           and (r.resource_id <> $13 or (r.starts_at < $10 and r.ends_at > $14))
                           and not (r.resource_id = any($15) and r.state = 'overbooked'
                                    and greatest(r.starts_at, $9) >= $16 and least(r.ends_at, $11) <= $17)) as "busy!",
                  exists (select from app.reservations r
                           where r.tenant_id = $1 and r.resource_id = any($8) and r.state in ('held', 'booked', 'overbooked')
                             and case r.state when 'held' then r.expires_at <= $12 else false end
                             and r.starts_at > $9::timestamptz - interval '40 hours' and r.starts_at < $11 and r.ends_at > $9) as "stale_holds!"
             from app.facilities f where f.tenant_id = $1 and f.id = $2"#,
        tenant as _,
        placement.facility as _,
        &providers,
        &staff,
        placement.room as _,
        service.data.room_kind,
        &equipment,
        &everybody(placement),
        from,
        placement.starts_at + service.duration(),
        to,
        now,
        placement.patient as _,
        placement.starts_at,
        resources,
        own.map(|own| own.from),
        own.map(|own| own.until),
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(facts)
}

fn everybody(placement: &Placement) -> Vec<Uuid> {
    let mut everybody = placement.resources();
    everybody.push(placement.patient.0);
    everybody
}

/// Those of these devices that are of one of the kinds.
pub(super) async fn of_kinds(
    tx: &mut TenantTx,
    devices: &[AssetId],
    kinds: &[String],
) -> Result<Vec<AssetId>> {
    let tenant = tx.tenant();
    let ids: Vec<Uuid> = devices.iter().map(|id| id.0).collect();
    let found = sqlx::query_scalar!(
        r#"select x.id as "id: AssetId" from app.scheduling_assets x
            where x.tenant_id = $1 and x.id = any($2) and x.kind = 'equipment' and x.asset_kind = any($3)"#,
        tenant as _,
        &ids,
        kinds,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(found)
}

/// Those of these devices that can be used at a facility.
pub(super) async fn active_devices(
    tx: &mut TenantTx,
    facility: FacilityId,
    devices: &[AssetId],
) -> Result<Vec<AssetId>> {
    let tenant = tx.tenant();
    let ids: Vec<Uuid> = devices.iter().map(|id| id.0).collect();
    let found = sqlx::query_scalar!(
        r#"select x.id as "id: AssetId" from app.scheduling_assets x
            where x.tenant_id = $1 and x.id = any($2) and x.facility_id = $3 and x.kind = 'equipment' and x.status = 'active'"#,
        tenant as _,
        &ids,
        facility as _,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(found)
}
