//! What free time is computed from, in a handful of statements.

use chrono::{NaiveDate, NaiveTime};
use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::{AssetId, FacilityId, ProviderId, ServiceId};
use platform::db::TenantTx;
use uuid::Uuid;

use super::search::Busy;
use crate::assets::AssetKind;
use crate::deadlock;
use crate::ranges::{LONGEST, Ranges, Span, instant};

/// A provider, and which of the skills asked for he has.
pub(crate) struct Person {
    pub id: ProviderId,
    pub skills: Vec<String>,
    /// Who has left is asked for of the past only.
    pub active: bool,
}

/// Those of these that are active; `accepting`: and accept patients, or have the one who asks already.
pub(super) async fn named(
    tx: &mut TenantTx,
    ids: &[ProviderId],
    skills: &[String],
    accepting: bool,
) -> Result<Vec<Person>> {
    let tenant = tx.tenant();
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let people = sqlx::query_as!(
        Person,
        r#"select p.id as "id: _",
                  array(select k.key from app.provider_specialty_keys k
                         where k.tenant_id = $1 and k.provider_id = p.id and k.key = any($3)) as "skills!", true as "active!"
             from app.providers p
            where p.tenant_id = $1 and p.id = any($2) and p.status = 'active' and (p.accepting_patients or not $4 or app.is_own_provider(p.id))
            order by p.sort_key, p.id"#,
        tenant as _,
        &ids,
        skills,
        accepting
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(people)
}

/// Whoever has working time or extra time at the facility, or is on call there; `accepting`: and accepts patients, or has the one who asks already.
pub(super) async fn people(
    tx: &mut TenantTx,
    skills: &[String],
    facility: FacilityId,
    accepting: bool,
) -> Result<Vec<Person>> {
    let tenant = tx.tenant();
    let people = sqlx::query_as!(
        Person,
        r#"select p.id as "id: _",
                  array(select k.key from app.provider_specialty_keys k
                         where k.tenant_id = $1 and k.provider_id = p.id and k.key = any($2)) as "skills!", true as "active!"
             from app.providers p
            where p.tenant_id = $1 and p.status = 'active' and (p.accepting_patients or not $4 or app.is_own_provider(p.id))
              and (exists (select from app.working_times w
                            where w.tenant_id = $1 and w.provider_id = p.id and w.facility_id = $3 and w.status = 'active')
                   or exists (select from app.working_time_exceptions e
                               where e.tenant_id = $1 and e.provider_id = p.id and e.facility_id = $3 and e.effect = 'extra'
                                 and e.status = 'active')
                   or exists (select from app.on_call_shifts o
                               where o.tenant_id = $1 and o.provider_id = p.id and o.facility_id = $3 and o.status = 'active'))
            order by p.sort_key, p.id"#,
        tenant as _,
        skills,
        facility as _,
        accepting
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(people)
}

/// As [`people`], without their skills, and whoever had hours at the facility in a time or was booked there then, though he has left.
pub(super) async fn people_then(
    tx: &mut TenantTx,
    facility: FacilityId,
    window: Span,
    (first, last): (NaiveDate, NaiveDate),
) -> Result<Vec<Person>> {
    let tenant = tx.tenant();
    let people = sqlx::query_as!(
        Person,
        r#"select p.id as "id: _", '{}'::text[] as "skills!", p.status = 'active' as "active!"
             from app.providers p
            where p.tenant_id = $1
              and (exists (select from app.working_times w
                            where w.tenant_id = $1 and w.provider_id = p.id and w.facility_id = $2 and w.status = 'active'
                              and (p.status = 'active' or w.valid_from <= $6 and (w.valid_until is null or w.valid_until >= $5)))
                   or exists (select from app.working_time_exceptions e
                               where e.tenant_id = $1 and e.provider_id = p.id and e.facility_id = $2 and e.effect = 'extra'
                                 and e.status = 'active' and (p.status = 'active' or e.starts_at < $4 and e.ends_at > $3))
                   or exists (select from app.on_call_shifts o
                               where o.tenant_id = $1 and o.provider_id = p.id and o.facility_id = $2 and o.status = 'active'
                                 and (p.status = 'active' or o.starts_at < $4 and o.ends_at > $3))
                   or exists (select from app.reservations r
                                join app.appointments a on a.tenant_id = $1 and a.id = r.appointment_id
                               where r.tenant_id = $1 and r.resource_id = p.id and r.state in ('held', 'booked', 'overbooked')
                                 and r.starts_at > $3::timestamptz - interval '40 hours' and r.starts_at < $4 and r.ends_at > $3
                                 and a.facility_id = $2))
            order by p.sort_key, p.id"#,
        tenant as _,
        facility as _,
        instant(window.from),
        instant(window.until),
        first,
        last
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(people)
}

/// An active room or device of the facility.
pub(crate) struct Place {
    pub id: AssetId,
    pub kind: AssetKind,
    pub asset_kind: String,
}

/// Those named, rooms of the kind and devices of the kinds.
pub(super) async fn places(
    tx: &mut TenantTx,
    facility: FacilityId,
    named: &[AssetId],
    room_kind: Option<&str>,
    equipment_kinds: &[String],
) -> Result<Vec<Place>> {
    if named.is_empty() && room_kind.is_none() && equipment_kinds.is_empty() {
        return Ok(Vec::new());
    }
    let tenant = tx.tenant();
    let named: Vec<Uuid> = named.iter().map(|id| id.0).collect();
    let places = sqlx::query_as!(
        Place,
        r#"select a.id as "id: _", a.kind as "kind: _", a.asset_kind
             from app.scheduling_assets a
            where a.tenant_id = $1 and a.facility_id = $2 and a.status = 'active'
              and (a.id = any($3) or (a.kind = 'room' and a.asset_kind = $4) or (a.kind = 'equipment' and a.asset_kind = any($5)))
            order by a.code, a.id"#,
        tenant as _,
        facility as _,
        &named,
        room_kind,
        equipment_kinds
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(places)
}

/// All of the facility.
pub(super) async fn all_places(tx: &mut TenantTx, facility: FacilityId) -> Result<Vec<Place>> {
    let tenant = tx.tenant();
    let places = sqlx::query_as!(
        Place,
        r#"select a.id as "id: _", a.kind as "kind: _", a.asset_kind
             from app.scheduling_assets a
            where a.tenant_id = $1 and a.facility_id = $2 and a.status = 'active'
            order by a.code, a.id"#,
        tenant as _,
        facility as _
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(places)
}

/// Something that was said of somebody's time; which members are set, its kind says.
pub(super) struct Said {
    pub kind: String,
    /// Of a provider, a room or a device; none: of the facility.
    pub who: Option<Uuid>,
    pub weekdays: Option<Vec<i16>>,
    pub rrule: Option<String>,
    pub local_from: Option<NaiveTime>,
    pub local_until: Option<NaiveTime>,
    pub first_day: Option<NaiveDate>,
    pub last_day: Option<NaiveDate>,
    pub starts_at: Option<Instant>,
    pub ends_at: Option<Instant>,
    pub per_day: Option<i32>,
    pub per_week: Option<i32>,
    pub rest: Option<i32>,
}

/// All that was said of the time of these, at one facility, in one statement.
pub(super) async fn said(
    tx: &mut TenantTx,
    facility: FacilityId,
    who: &[Uuid],
    window: Span,
    (first, last): (NaiveDate, NaiveDate),
    on_call_for: Option<ServiceId>,
) -> Result<Vec<Said>> {
    let tenant = tx.tenant();
    let rows = sqlx::query_as!(
        Said,
        r#"select 'rule' as "kind!", coalesce(w.provider_id, w.asset_id, w.staff_id) as "who?", w.weekdays as "weekdays?",
                  w.rrule as "rrule?", w.local_from as "local_from?", w.local_until as "local_until?",
                  w.valid_from as "first_day?", w.valid_until as "last_day?", null::timestamptz as "starts_at?",
                  null::timestamptz as "ends_at?", null::integer as "per_day?", null::integer as "per_week?",
                  null::integer as "rest?"
             from app.working_times w
            where w.tenant_id = $1 and w.facility_id = $2 and w.status = 'active'
              and w.valid_from <= $7 and (w.valid_until is null or w.valid_until >= $6)
              and (num_nonnulls(w.provider_id, w.asset_id, w.staff_id) = 0
                   or coalesce(w.provider_id, w.asset_id, w.staff_id) = any($3))
           union all
           select e.effect, coalesce(e.provider_id, e.asset_id, e.staff_id), null, null, null, null, null, null,
                  e.starts_at, e.ends_at, null, null, null
             from app.working_time_exceptions e
            where e.tenant_id = $1 and e.status = 'active' and e.ends_at > $4 and e.starts_at < $5
              and (e.facility_id is null or e.facility_id = $2)
              and coalesce(e.provider_id, e.asset_id, e.staff_id) = any($3)
           union all
           select 'holiday', null, null, null, h.local_from, h.local_until, h.day, null, null, null, null, null, null
             from app.scheduling_holidays h
            where h.tenant_id = $1 and h.status = 'active' and h.day between $6 and $7
              and (h.facility_id is null or h.facility_id = $2)
           union all
           select 'on_call', o.provider_id, null, null, null, null, null, null, o.starts_at, o.ends_at, null, null, null
             from app.on_call_shifts o
            where o.tenant_id = $1 and o.facility_id = $2 and o.status = 'active' and o.ends_at > $4 and o.starts_at < $5
              and $8::uuid is not null and (o.service_id is null or o.service_id = $8) and o.provider_id = any($3)
           union all
           select 'limit', l.provider_id, null, null, null, null, null, null, null, null, l.minutes_per_day, l.minutes_per_week,
                  l.rest_minutes
             from app.work_limits l
            where l.tenant_id = $1 and l.status = 'active' and (l.provider_id is null or l.provider_id = any($3))"#,
        tenant as _,
        facility as _,
        who,
        instant(window.from),
        instant(window.until),
        first,
        last,
        on_call_for as _
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows)
}

/// When these are taken: by what is booked, overbooked, or held and has not run out. What `except` occupies, an appointment or
/// a hold that gives way, counts as free.
pub(super) async fn busy(
    tx: &mut TenantTx,
    who: &[Uuid],
    window: Span,
    now: Instant,
    except: Option<Uuid>,
) -> Result<Busy> {
    let tenant = tx.tenant();
    let from = instant(window.from);
    let rows = sqlx::query!(
        r#"select r.resource_id as "who!", array_agg(r.starts_at) as "from!: Vec<Instant>", array_agg(r.ends_at) as "until!: Vec<Instant>"
             from app.reservations r
            where r.tenant_id = $1 and r.resource_id = any($2) and r.starts_at > $3 and r.starts_at < $4 and r.ends_at > $5
              and r.state in ('held', 'booked', 'overbooked') and (r.state <> 'held' or r.expires_at > $6)
              and ($7::uuid is null or (r.appointment_id is distinct from $7 and r.hold_id is distinct from $7))
            group by r.resource_id"#,
        tenant as _,
        who,
        from - LONGEST,
        instant(window.until),
        from,
        now,
        except
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.who, spans(row.from, row.until)))
        .collect())
}

fn spans(from: Vec<Instant>, until: Vec<Instant>) -> Ranges {
    let spans = from.into_iter().zip(until);
    Ranges::of(spans.map(|(from, until)| Span::new(from, until)))
}

/// As [`busy`], by what takes place at one facility.
pub(super) async fn busy_at(
    tx: &mut TenantTx,
    facility: FacilityId,
    who: &[Uuid],
    window: Span,
    now: Instant,
) -> Result<Busy> {
    let tenant = tx.tenant();
    let from = instant(window.from);
    let rows = sqlx::query!(
        r#"select r.resource_id as "who!", array_agg(r.starts_at) as "from!: Vec<Instant>", array_agg(r.ends_at) as "until!: Vec<Instant>"
             from app.reservations r
             left join app.appointments a on a.tenant_id = $1 and a.id = r.appointment_id
             left join app.appointment_holds h on h.tenant_id = $1 and h.id = r.hold_id
            where r.tenant_id = $1 and r.resource_id = any($2) and r.starts_at > $3 and r.starts_at < $4 and r.ends_at > $5
              and r.state in ('held', 'booked', 'overbooked') and (r.state <> 'held' or r.expires_at > $6)
              and coalesce(a.facility_id, h.facility_id) = $7
            group by r.resource_id"#,
        tenant as _,
        who,
        from - LONGEST,
        instant(window.until),
        from,
        now,
        facility as _
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.who, spans(row.from, row.until)))
        .collect())
}

/// Holds these providers until the transaction ends: others who want to hold them wait.
pub(super) async fn hold_providers(tx: &mut TenantTx, ids: &[ProviderId]) -> Result<()> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    sqlx::query!("select app.hold_providers($1)", &ids)
        .execute(tx.conn())
        .await
        .map_err(deadlock::slot_taken)?;
    Ok(())
}

/// Reservations that share a party and a start.
#[expect(clippy::struct_field_names, reason = "the column is called so")]
pub(super) struct Party {
    pub party: Uuid,
    pub starts_at: Instant,
    pub resources: Vec<Uuid>,
    pub taken: i32,
}

/// Parties of that length with lanes left, of resources of these.
pub(super) async fn parties(
    tx: &mut TenantTx,
    who: &[Uuid],
    window: Span,
    length: i64,
    capacity: i32,
    now: Instant,
) -> Result<Vec<Party>> {
    let tenant = tx.tenant();
    let rows = sqlx::query_as!(
        Party,
        r#"select r.party, r.starts_at, array_agg(distinct r.resource_id) as "resources!",
                  count(distinct r.lane)::integer as "taken!"
             from app.reservations r
            where r.tenant_id = $1 and r.resource_id = any($2) and r.starts_at >= $3 and r.starts_at < $4
              and r.ends_at = r.starts_at + $5::bigint * interval '1 microsecond'
              and r.state in ('held', 'booked') and (r.state <> 'held' or r.expires_at > $7)
            group by r.party, r.starts_at
           having count(distinct r.lane) < $6"#,
        tenant as _,
        who,
        instant(window.from),
        instant(window.until),
        length,
        i64::from(capacity),
        now
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows)
}
