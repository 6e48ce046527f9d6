//! SQL of what a plan is made from: who works, what there is, what is taken.

use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::{AppointmentId, FacilityId, PatientId, ServiceId};
use platform::db::TenantTx;
use uuid::Uuid;

use crate::appointments::Priority;
use crate::assets::AssetKind;
use crate::ranges::LONGEST;

/// An active provider.
pub(super) struct Person {
    pub id: Uuid,
    pub skills: Vec<String>,
}

/// Those named; or, if none are, whoever has working time, or is on call within these times, at one of the facilities.
pub(super) async fn people(
    tx: &mut TenantTx,
    facilities: &[Uuid],
    named: &[Uuid],
    (from, until): (Instant, Instant),
) -> Result<Vec<Person>> {
    let tenant = tx.tenant();
    let people = sqlx::query_as!(
        Person,
        r#"select p.id,
                  array(select k.key from app.provider_specialty_keys k
                         where k.tenant_id = $1 and k.provider_id = p.id order by k.key) as "skills!"
             from app.providers p
            where p.tenant_id = $1 and p.status = 'active'
              and case when cardinality($3::uuid[]) > 0 then p.id = any($3) else
                       exists (select from app.working_times w
                                where w.tenant_id = $1 and w.provider_id = p.id and w.facility_id = any($2)
                                  and w.status = 'active')
                    or exists (select from app.on_call_shifts o
                                where o.tenant_id = $1 and o.provider_id = p.id and o.facility_id = any($2)
                                  and o.status = 'active' and o.ends_at > $4 and o.starts_at < $5) end
            order by p.sort_key, p.id
            limit 2000"#,
        tenant as _,
        facilities,
        named,
        from,
        until
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(people)
}

/// An active room or device.
pub(super) struct Place {
    pub id: Uuid,
    pub facility_id: FacilityId,
    pub kind: AssetKind,
    pub asset_kind: String,
}

pub(super) async fn places(tx: &mut TenantTx, facilities: &[Uuid]) -> Result<Vec<Place>> {
    let tenant = tx.tenant();
    let places = sqlx::query_as!(
        Place,
        r#"select id, facility_id as "facility_id: _", kind as "kind: _", asset_kind
             from app.scheduling_assets
            where tenant_id = $1 and facility_id = any($2) and status = 'active'
            order by code, id
            limit 4000"#,
        tenant as _,
        facilities
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(places)
}

/// When somebody or something is taken, whether or not the caller may see for whom.
pub(super) struct Taken {
    pub who: Uuid,
    /// Where.
    pub facility_id: Option<Uuid>,
    pub from: Instant,
    pub until: Instant,
}

/// What is booked, overbooked, or held and has not run out, but for the appointments that may move.
pub(super) async fn taken(
    tx: &mut TenantTx,
    who: &[Uuid],
    (from, until): (Instant, Instant),
    moving: &[Uuid],
    now: Instant,
) -> Result<Vec<Taken>> {
    let tenant = tx.tenant();
    let rows = sqlx::query_as!(
        Taken,
        r#"select r.resource_id as "who!", coalesce(a.facility_id, h.facility_id, app.facility_of_reservation(r.id)) as "facility_id?",
                  r.starts_at as "from",
                  r.ends_at as until
             from app.reservations r
             left join app.appointments a on a.tenant_id = $1 and a.id = r.appointment_id
             left join app.appointment_holds h on h.tenant_id = $1 and h.id = r.hold_id
            where r.tenant_id = $1 and r.resource_id = any($2) and r.starts_at > $3 and r.starts_at < $4 and r.ends_at > $5
              and r.state in ('held', 'booked', 'overbooked') and (r.state <> 'held' or r.expires_at > $6)
              and (r.appointment_id is null or r.appointment_id <> all($7))"#,
        tenant as _,
        who,
        from - LONGEST,
        until,
        from,
        now,
        moving
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows)
}

/// An appointment that stands, with whom and what it occupies.
pub(super) struct Standing {
    pub id: AppointmentId,
    pub patient_id: PatientId,
    pub service_id: ServiceId,
    pub facility_id: FacilityId,
    pub priority: Priority,
    pub starts_at: Instant,
    pub ends_at: Instant,
    /// What is held for it, from preparation to clean-up; of people and things.
    pub held_from: Option<Instant>,
    pub held_until: Option<Instant>,
    pub providers: Vec<Uuid>,
    pub assets: Vec<Uuid>,
    /// Of staff beside the providers, whom a plan knows nothing of.
    pub others: i64,
    pub overbooked: bool,
}

/// Appointments of the facilities within a time that stand, for this caller.
pub(super) async fn standing(
    tx: &mut TenantTx,
    facilities: &[Uuid],
    (from, until): (Instant, Instant),
) -> Result<Vec<Standing>> {
    let tenant = tx.tenant();
    let rows = sqlx::query_as!(
        Standing,
        r#"select a.id as "id: _", a.patient_id as "patient_id: _", a.service_id as "service_id: _",
                  a.facility_id as "facility_id: _", a.priority as "priority: _", a.starts_at, a.ends_at,
                  (select min(r.starts_at) from app.reservations r
                    where r.tenant_id = $1 and r.appointment_id = a.id and r.state in ('booked', 'overbooked') and r.patient_id is null) as held_from,
                  (select max(r.ends_at) from app.reservations r
                    where r.tenant_id = $1 and r.appointment_id = a.id and r.state in ('booked', 'overbooked') and r.patient_id is null) as held_until,
                  array(select r.provider_id from app.reservations r
                         where r.tenant_id = $1 and r.appointment_id = a.id and r.state in ('booked', 'overbooked') and r.provider_id is not null
                         order by r.provider_id <> a.provider_id, r.provider_id) as "providers!: Vec<Uuid>",
                  array(select r.asset_id from app.reservations r
                         where r.tenant_id = $1 and r.appointment_id = a.id and r.state in ('booked', 'overbooked') and r.asset_id is not null
                         order by r.asset_id) as "assets!: Vec<Uuid>",
                  (select count(*) from app.reservations r
                    where r.tenant_id = $1 and r.appointment_id = a.id and r.state in ('booked', 'overbooked') and r.staff_id is not null)
                  as "others!", a.overbooked
             from app.appointments a
            where a.tenant_id = $1 and a.facility_id = any($2) and a.starts_at >= $3 and a.starts_at < $4
              and a.status in ('scheduled', 'confirmed')
            order by a.starts_at, a.id
            limit 2000"#,
        tenant as _,
        facilities,
        from,
        until
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows)
}
