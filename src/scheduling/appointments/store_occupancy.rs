//! SQL of reservations: who is occupied when.

use kernel::clock::Instant;
use kernel::ids::{AppointmentId, AssetId, FacilityId, HoldId, PatientId, ProviderId, StaffId};
use kernel::{Code, Error, OnConstraint as _, Result};
use platform::db::TenantTx;
use serde::Serialize;
use uuid::Uuid;

use crate::availability::OwnTime;
use crate::deadlock;
use crate::party;

/// One resource's time.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    pub id: Uuid,
    pub appointment_id: Option<AppointmentId>,
    pub hold_id: Option<HoldId>,
    pub patient_id: Option<PatientId>,
    pub provider_id: Option<ProviderId>,
    pub staff_id: Option<StaffId>,
    pub asset_id: Option<AssetId>,
    /// Whichever of the four it is.
    pub resource: Uuid,
    pub party: Uuid,
    pub lane: i16,
    pub starts_at: Instant,
    pub ends_at: Instant,
    pub state: &'static str,
    pub expires_at: Option<Instant>,
    pub created_at: Instant,
}

impl Row {
    /// The same in another lane; a patient has only one.
    pub fn in_lane(&self, lane: i16, patient: Uuid) -> Self {
        let lane = if self.resource == patient { 1 } else { lane };
        Self {
            lane,
            ..self.clone()
        }
    }
}

/// Takes what is free of the rows, in the order of the resources' ids, which is everybody's order. Returns what was taken.
pub(crate) async fn insert(tx: &mut TenantTx, rows: &[Row]) -> Result<Vec<Uuid>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let tenant = tx.tenant();
    let rows = serde_json::to_value(rows).map_err(Error::internal)?;
    let taken = sqlx::query_scalar!(
        r#"insert into app.reservations (tenant_id, id, appointment_id, hold_id, patient_id, provider_id, staff_id, asset_id, party,
                  lane, starts_at, ends_at, state, expires_at, created_at)
           select $1, r.id, r.appointment_id, r.hold_id, r.patient_id, r.provider_id, r.staff_id, r.asset_id, r.party,
                  r.lane, r.starts_at, r.ends_at, r.state, r.expires_at, r.created_at
             from jsonb_to_recordset($2) r (id uuid, appointment_id uuid, hold_id uuid, patient_id uuid, provider_id uuid,
                  staff_id uuid, asset_id uuid, resource uuid, party uuid, lane smallint, starts_at timestamptz, ends_at timestamptz,
                  state text, expires_at timestamptz, created_at timestamptz)
            order by r.resource, r.starts_at
               on conflict do nothing
           returning id as "id: Uuid""#,
        tenant as _,
        rows,
    )
    .fetch_all(tx.conn())
    .await
    .map_err(deadlock::slot_taken)?;
    Ok(taken)
}

/// Releases holds that have run out where they overlap a time of these resources, whoever held them.
pub(crate) async fn release_expired(
    tx: &mut TenantTx,
    resources: &[Uuid],
    (from, to): (Instant, Instant),
    now: Instant,
) -> Result<()> {
    sqlx::query!(
        "select app.release_stale_holds($1, $2, $3, $4)",
        resources,
        from,
        to,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// A session that stands, and where.
pub(super) struct StandingSession {
    pub party: Uuid,
    pub facility: FacilityId,
    pub room: Option<AssetId>,
}

/// The sessions of a service that stand with who leads one, or where it is, at its start; whoever has a place in them.
pub(super) async fn sessions_of(
    tx: &mut TenantTx,
    session: &party::Session,
    now: Instant,
) -> Result<Vec<StandingSession>> {
    let sessions = sqlx::query_as!(
        StandingSession,
        r#"select party as "party!", facility_id as "facility!: FacilityId", room_id as "room: AssetId"
             from app.sessions_of($1, $2, $3, $4)"#,
        session.lead,
        session.service as _,
        session.start,
        now,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(sessions)
}

/// The lanes of a session nobody has taken at this resource, lowest first; none if it is occupied otherwise. Who is booked over a
/// session that is full has no lane.
pub(crate) async fn free_lanes(
    tx: &mut TenantTx,
    (resource, session): (Uuid, Uuid),
    (from, to): (Instant, Instant),
    capacity: i32,
    now: Instant,
) -> Result<Vec<i16>> {
    let tenant = tx.tenant();
    let taken = sqlx::query!(
        r#"select r.lane, r.party as "party: Uuid", r.state = 'overbooked' as "beside!" from app.reservations r
            where r.tenant_id = $1 and r.resource_id = $2 and r.state in ('held', 'booked', 'overbooked')
              and (r.state <> 'held' or r.expires_at > $5)
              and r.starts_at > $3::timestamptz - interval '40 hours' and r.starts_at < $4 and r.ends_at > $3"#,
        tenant as _,
        resource,
        from,
        to,
        now,
    )
    .fetch_all(tx.conn())
    .await?;
    if taken.iter().any(|other| other.party != session) {
        return Ok(Vec::new());
    }
    let most = i16::try_from(capacity).unwrap_or(i16::MAX);
    let free = |lane: &i16| {
        let mut lanes = taken.iter().filter(|other| !other.beside);
        lanes.all(|other| other.lane != *lane)
    };
    Ok((1..=most).filter(free).collect())
}

/// Those of these resources that are occupied within a time, by whoever is booked over another, too; but not by who is booked over
/// what is moved, in its `own` time.
pub(crate) async fn occupied(
    tx: &mut TenantTx,
    resources: &[Uuid],
    (from, to): (Instant, Instant),
    own: Option<&OwnTime>,
    now: Instant,
) -> Result<Vec<Uuid>> {
    let tenant = tx.tenant();
    let held = own.map_or(&[][..], |own| &own.resources);
    let occupied = sqlx::query_scalar!(
        r#"select distinct r.resource_id as "id!" from app.reservations r
            where r.tenant_id = $1 and r.resource_id = any($2) and r.state in ('held', 'booked', 'overbooked')
              and (r.state <> 'held' or r.expires_at > $5)
              and r.starts_at > $3::timestamptz - interval '40 hours' and r.starts_at < $4 and r.ends_at > $3
              and not (r.resource_id = any($6) and r.state = 'overbooked'
                       and greatest(r.starts_at, $3) >= $7 and least(r.ends_at, $4) <= $8)"#,
        tenant as _,
        resources,
        from,
        to,
        now,
        held,
        own.map(|own| own.from),
        own.map(|own| own.until),
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(occupied)
}

/// Gives back what these appointments occupy, to whoever is booked over them first.
pub(crate) async fn release(
    tx: &mut TenantTx,
    appointments: &[AppointmentId],
    now: Instant,
) -> Result<()> {
    give_back(tx, appointments).await?;
    hand_on(tx, appointments, now).await
}

/// The first half of [`release`]: what these occupy is nobody's until it is handed on.
pub(crate) async fn give_back(tx: &mut TenantTx, appointments: &[AppointmentId]) -> Result<()> {
    let tenant = tx.tenant();
    let ids: Vec<Uuid> = appointments.iter().map(|id| id.0).collect();
    sqlx::query!(
        "update app.reservations set state = 'released'
          where tenant_id = $1 and appointment_id = any($2) and state <> 'released'",
        tenant as _,
        &ids,
    )
    .execute(tx.conn())
    .await?;
    sqlx::query!(
        "delete from app.overbooking_places where tenant_id = $1 and appointment_id = any($2)",
        tenant as _,
        &ids,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Gives back what a visit that is over was to occupy from now on: its patient is free at once, everybody and everything else once
/// the agreed clean-up is done. Whoever is booked over it first has it.
///
/// Who was seen before his time occupied them then, and not when it was planned, and so does the clean-up after him. Others may have
/// been planned for that time, so he stands beside them, where no constraint asks.
pub(crate) async fn release_rest(
    tx: &mut TenantTx,
    appointment: AppointmentId,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    let early = sqlx::query!(
        "update app.reservations r
            set starts_at = case when r.starts_at < $3::timestamptz then r.starts_at
                                 else least(a.started_at, $3 - interval '1 microsecond') end,
                state = case when r.starts_at < $3 then r.state else 'overbooked' end,
                ends_at = $3 + (r.ends_at - a.ends_at)
           from app.appointments a
          where a.tenant_id = $1 and a.id = $2 and a.ends_at > $3
            and r.tenant_id = $1 and r.appointment_id = a.id and r.state in ('booked', 'overbooked')",
        tenant as _,
        appointment as _,
        now,
    )
    .execute(tx.conn())
    .await?
    .rows_affected();
    if early == 0 {
        return Ok(());
    }
    hand_on(tx, &[appointment], now).await
}

/// The second half: what these gave back, and nobody has taken since, goes to whoever is booked over it first.
pub(crate) async fn hand_on(
    tx: &mut TenantTx,
    appointments: &[AppointmentId],
    now: Instant,
) -> Result<()> {
    let ids: Vec<Uuid> = appointments.iter().map(|id| id.0).collect();
    keep_overbooked(tx, &ids, None, now).await
}

/// The first place that is free in all that an appointment gave back, of so many in its session, from now on until it was to end;
/// none if the session is full. Who is alone has the first.
pub(crate) async fn free_place(
    tx: &mut TenantTx,
    appointment: AppointmentId,
    capacity: i32,
    now: Instant,
) -> Result<Option<i16>> {
    let tenant = tx.tenant();
    let lane = sqlx::query_scalar!(
        r#"select k.lane::smallint as "lane!" from generate_series(1, $4::integer) k (lane)
            where not exists (
                  select from app.reservations r
                    join app.reservations o on o.tenant_id = $1 and o.resource_id = r.resource_id
                   where r.tenant_id = $1 and r.appointment_id = $2 and r.state = 'released' and r.ends_at > $3 and r.patient_id is null
                     and (o.state = 'booked' or o.state = 'held' and o.expires_at > $3)
                     and o.starts_at > r.starts_at - interval '40 hours' and o.starts_at < r.ends_at
                     and o.ends_at > greatest(r.starts_at, $3) and o.party = r.party and o.lane = k.lane)
            order by k.lane limit 1"#,
        tenant as _,
        appointment as _,
        now,
        capacity,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(lane)
}

/// Who and what of an appointment that gave its place back is taken from now on until it was to end. The others of a session are no
/// obstacle, unless it is `full`.
pub(crate) async fn taken_since(
    tx: &mut TenantTx,
    appointment: AppointmentId,
    full: bool,
    now: Instant,
) -> Result<Vec<Uuid>> {
    let tenant = tx.tenant();
    let taken = sqlx::query_scalar!(
        r#"select distinct o.resource_id as "id!"
             from app.reservations r
             join app.reservations o on o.tenant_id = $1 and o.resource_id = r.resource_id
            where r.tenant_id = $1 and r.appointment_id = $2 and r.state = 'released' and r.ends_at > $3
              and o.state in ('held', 'booked', 'overbooked') and (o.state <> 'held' or o.expires_at > $3)
              and o.starts_at > r.starts_at - interval '40 hours' and o.starts_at < r.ends_at
              and o.ends_at > greatest(r.starts_at, $3)
              and (o.party <> r.party or $4::boolean and o.state <> 'overbooked')"#,
        tenant as _,
        appointment as _,
        now,
        full,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(taken)
}

/// Reserves anew what is left of the place an appointment gave back, in that `lane` of its session, beside those it is booked over.
/// Where nothing is left, what it had stands again for what was, where no constraint asks.
///
/// # Errors
/// `slot_taken`; then the transaction has to go back.
pub(crate) async fn reserve_rest(
    tx: &mut TenantTx,
    appointment: AppointmentId,
    (over, lane): (&[Uuid], Option<i16>),
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    // A hold that has run out is in nobody's way.
    sqlx::query!(
        "select app.release_stale_holds(array_agg(r.resource_id), min(r.starts_at), max(r.ends_at), $3)
           from app.reservations r where r.tenant_id = $1 and r.appointment_id = $2 having count(*) > 0",
        tenant as _,
        appointment as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    let reserved = sqlx::query!(
        "update app.reservations
            set starts_at = case when ends_at > $3 then greatest(starts_at, $3) else starts_at end,
                state = case when ends_at <= $3 or resource_id = any($4) then 'overbooked' else 'booked' end,
                lane = case when patient_id is null then coalesce($5, lane) else lane end
          where tenant_id = $1 and appointment_id = $2 and state = 'released'",
        tenant as _,
        appointment as _,
        now,
        over,
        lane,
    )
    .execute(tx.conn())
    .await
    .map_err(deadlock::slot_taken);
    let taken = || Error::new(Code::SlotTaken);
    reserved
        .on_constraint("reservations_party_excl", taken)
        .on_constraint("reservations_lane_excl", taken)?;
    Ok(())
}

/// What was released just now is theirs who were booked over it.
async fn keep_overbooked(
    tx: &mut TenantTx,
    appointments: &[Uuid],
    hold: Option<HoldId>,
    now: Instant,
) -> Result<()> {
    sqlx::query!(
        "select app.keep_overbooked($1, $2, $3)",
        appointments,
        hold as _,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// From when to when an appointment holds its providers, rooms and devices; none if it holds none of them.
pub(crate) async fn held(
    tx: &mut TenantTx,
    appointment: AppointmentId,
) -> Result<Option<(Instant, Instant)>> {
    let tenant = tx.tenant();
    let row = sqlx::query!(
        "select min(starts_at) as since, max(ends_at) as until from app.reservations
          where tenant_id = $1 and appointment_id = $2 and patient_id is null and state <> 'released'",
        tenant as _,
        appointment as _,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(row.since.zip(row.until))
}

/// The same of a hold.
pub(crate) async fn held_by_hold(
    tx: &mut TenantTx,
    hold: HoldId,
) -> Result<Option<(Instant, Instant)>> {
    let tenant = tx.tenant();
    let row = sqlx::query!(
        "select min(starts_at) as since, max(ends_at) as until from app.reservations
          where tenant_id = $1 and hold_id = $2 and patient_id is null and state <> 'released'",
        tenant as _,
        hold as _,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(row.since.zip(row.until))
}

/// The time an appointment holds as its own: of whom and of what it is not booked over another.
pub(crate) async fn own_time(
    tx: &mut TenantTx,
    appointment: AppointmentId,
) -> Result<Option<OwnTime>> {
    let tenant = tx.tenant();
    let row = sqlx::query!(
        "select array_agg(resource_id) as resources, min(starts_at) as since, max(ends_at) as until from app.reservations
          where tenant_id = $1 and appointment_id = $2 and patient_id is null and state = 'booked'",
        tenant as _,
        appointment as _,
    )
    .fetch_one(tx.conn())
    .await?;
    let times = row.since.zip(row.until);
    Ok(row.resources.zip(times).map(|(resources, times)| OwnTime {
        resources,
        from: times.0,
        until: times.1,
    }))
}

/// Those of the staff and of the further providers of an appointment who have left since.
pub(crate) async fn left_since_agreed(
    tx: &mut TenantTx,
    appointment: AppointmentId,
) -> Result<Vec<Uuid>> {
    let left = sqlx::query_scalar!(
        r#"select app.left_since_agreed($1) as "id!""#,
        appointment as _
    );
    Ok(left.fetch_all(tx.conn()).await?)
}

/// The appointments that hold these resources within a time.
pub(crate) async fn appointments_at(
    tx: &mut TenantTx,
    resources: &[Uuid],
    (from, to): (Instant, Instant),
) -> Result<Vec<AppointmentId>> {
    let tenant = tx.tenant();
    let rows = sqlx::query_scalar!(
        r#"select distinct appointment_id as "id!: AppointmentId" from app.reservations
            where tenant_id = $1 and resource_id = any($2) and appointment_id is not null and state in ('booked', 'overbooked')
              and starts_at < $4 and ends_at > $3"#,
        tenant as _,
        resources,
        from,
        to,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows)
}

/// Gives back what a hold keeps, to whoever is booked over it first.
pub(crate) async fn release_hold(tx: &mut TenantTx, hold: HoldId, now: Instant) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update app.reservations set state = 'released' where tenant_id = $1 and hold_id = $2 and state = 'held'",
        tenant as _,
        hold as _,
    )
    .execute(tx.conn())
    .await?;
    keep_overbooked(tx, &[], Some(hold), now).await
}

/// Hands what a hold keeps over to an appointment. Returns whether all of it was still kept.
pub(crate) async fn hand_over(
    tx: &mut TenantTx,
    hold: HoldId,
    appointment: AppointmentId,
) -> Result<bool> {
    let tenant = tx.tenant();
    let handed = sqlx::query!(
        "update app.reservations set state = 'booked', appointment_id = $3, expires_at = null
          where tenant_id = $1 and hold_id = $2 and state = 'held'",
        tenant as _,
        hold as _,
        appointment as _,
    )
    .execute(tx.conn())
    .await?
    .rows_affected();
    let all = sqlx::query_scalar!(
        r#"select count(*) as "count!" from app.reservations where tenant_id = $1 and hold_id = $2"#,
        tenant as _,
        hold as _,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(i64::try_from(handed) == Ok(all) && all > 0)
}

/// Takes one of the places for overbooking a resource's day; whether one was left.
pub(crate) async fn take_overbooking_place(
    tx: &mut TenantTx,
    resource: Uuid,
    day: chrono::NaiveDate,
    places: i32,
    appointment: AppointmentId,
) -> Result<bool> {
    let tenant = tx.tenant();
    // Somebody else may take the same place at the same time: then the next one is tried.
    for _ in 0..places {
        let taken = sqlx::query!(
            "insert into app.overbooking_places (tenant_id, resource_id, day, place, appointment_id)
             select $1, $2, $3, k.place, $5
               from generate_series(1, $4::integer) k (place)
              where not exists (select from app.overbooking_places o
                                 where o.tenant_id = $1 and o.resource_id = $2 and o.day = $3 and o.place = k.place)
              order by k.place limit 1
                 on conflict do nothing",
            tenant as _,
            resource,
            day,
            places,
            appointment as _,
        )
        .execute(tx.conn())
        .await?
        .rows_affected();
        if taken == 1 {
            return Ok(true);
        }
    }
    Ok(false)
}
