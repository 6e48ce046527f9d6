//! Finding free time, and checking a placement.

use chrono::TimeDelta;
use chrono_tz::Tz;
use identity::facilities;
use kernel::clock::Instant;
use kernel::ids::{AssetId, FacilityId, PatientId, ProviderId, StaffId};
use kernel::{Code, Error, FieldError, Result};
use platform::access::{Ctx, Disclosure, Permission};
use platform::db::TenantTx;
use platform::http::{Answer, require_order};
use uuid::Uuid;

use super::load::{Of, Situation};
use super::model::{FindFreeTimes, FreeTimes, Slot};
use super::placement::{self, Chosen, OwnTime, Promised, Wanted};
use super::search::{self, Beside, Busy, Found, Places, Session, What, Wish};
use super::starts::starts_of;
use super::store;
use crate::local_time::LocalTime;
use crate::ranges::{MINUTE, Ranges, Span};
use crate::services::{self, AppointmentType, Service};

const DEFAULT_WINDOW: TimeDelta = TimeDelta::days(14);
const LONGEST_WINDOW: TimeDelta = TimeDelta::days(92);
const DAY: i64 = 24 * 60 * MINUTE;
const DEFAULT_LIMIT: u32 = 20;
const MOST: u32 = 200;
const MOST_SKIPPED: u32 = 10_000;

/// Which free times are asked for.
#[derive(Clone, Debug)]
pub struct Ask<'a> {
    pub service: &'a Service,
    pub facility: FacilityId,
    /// The facility's.
    pub zone: Tz,
    /// Any of these; whoever can, if it is empty and `all_of` is, too.
    pub any_of: &'a [ProviderId],
    /// All of these together.
    pub all_of: &'a [ProviderId],
    /// None of these.
    pub none_of: &'a [ProviderId],
    pub from: Instant,
    pub to: Instant,
    pub preferred: Option<(LocalTime, LocalTime)>,
    /// Who has to be free, too: his own time, without preparation and clean-up.
    pub patient: Option<PatientId>,
    /// These as well, as long as the providers.
    pub staff: &'a [StaffId],
    /// These rooms and devices and, of their kinds, no other.
    pub assets: &'a [AssetId],
    /// An appointment or a hold that gives way: its time counts as free.
    pub except: Option<Uuid>,
    /// What `except` holds as its own: free for it, though others are booked over it.
    pub own: Option<&'a OwnTime>,
    /// Of somebody who books himself: he is told only what he may book so, nobody who accepts no patients and nobody the service
    /// does not need, but for these, who were agreed on with him.
    pub only_needed: Option<&'a [Uuid]>,
}

/// How many times a query wants, and after how many.
fn page_of(query: &FindFreeTimes) -> Result<(usize, usize)> {
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MOST).contains(&limit) {
        return Err(parameter(
            "?limit",
            "out_of_range",
            "must lie between 1 and 200",
        ));
    }
    let skip = query.skip.unwrap_or(0);
    if skip > MOST_SKIPPED {
        return Err(parameter("?skip", "out_of_range", "must be at most 10000"));
    }
    Ok((limit as usize, skip as usize))
}

pub(super) async fn find(ctx: &Ctx, query: FindFreeTimes) -> Result<Answer<FreeTimes>> {
    let any_of = providers("?provider_id", query.provider_id.as_deref(), 50)?;
    let all_of = providers("?all_of", query.all_of.as_deref(), 10)?;
    let now = ctx.now();
    let from = query.from.unwrap_or(now);
    let to = query.to.unwrap_or(from + DEFAULT_WINDOW);
    require_order(Some(from), Some(to))?;
    if to - from > LONGEST_WINDOW {
        return Err(parameter(
            "?to",
            "out_of_range",
            "must lie at most 92 days after from",
        ));
    }
    let hours = (query.preferred_from, query.preferred_to);
    let midnight = LocalTime(chrono::NaiveTime::MIN);
    if matches!(hours, (Some(from), Some(to)) if to <= from && to != midnight) {
        let rule = "must lie after preferred_from; 00:00 is the end of the day";
        return Err(parameter("?preferred_to", "before_from", rule));
    }
    let (limit, skip) = page_of(&query)?;
    let mut tx = ctx.begin(Permission::AvailabilityRead).await?;
    // Who may not know when the staff works is somebody who books for himself.
    let only_own = ctx.require(Permission::WorkingTimeRead).is_err();
    let service = services::get_active(&mut tx, query.service_id)
        .await?
        .filter(|service| service.data.self_booking || !only_own)
        .ok_or_else(|| {
            parameter(
                "?service_id",
                "no_such_service",
                "must name a service that is offered",
            )
        })?;
    let zone = zone_of(&mut tx, query.facility_id).await?;
    let ask = Ask {
        service: &service,
        facility: query.facility_id,
        zone,
        any_of: &any_of,
        all_of: &all_of,
        none_of: &[],
        from,
        to,
        preferred: (hours != (None, None))
            .then(|| (hours.0.unwrap_or(midnight), hours.1.unwrap_or(midnight))),
        patient: None,
        staff: &[],
        assets: &[],
        except: None,
        own: None,
        only_needed: only_own.then_some(&[]),
    };
    let found = find_page(&mut tx, &ask, (limit, skip), now).await?;
    tx.finish(Disclosure::plain(found)).await
}

/// The next `count` free times, by time.
pub async fn next_free(
    tx: &mut TenantTx,
    ask: &Ask<'_>,
    count: usize,
    now: Instant,
) -> Result<Vec<Slot>> {
    let found = first_free(tx, ask, count, now).await?;
    Ok(found.into_iter().map(|found| slot(ask, found)).collect())
}

/// A page of free times. `skip`: so many of those that begin at its beginning were told before.
async fn find_page(
    tx: &mut TenantTx,
    ask: &Ask<'_>,
    (limit, skip): (usize, usize),
    now: Instant,
) -> Result<FreeTimes> {
    // One more than asked for tells that there are more, and where.
    let mut found = first_free(tx, ask, limit + skip + 1, now).await?;
    let told = found.partition_point(|found| found.start <= ask.from);
    found.drain(..told.min(skip));
    let next = found.get(limit).map(|next| next.start);
    found.truncate(limit);
    let same = |found: &&Found| Some(found.start) == next;
    let mut same = found.iter().filter(same).count();
    if same > 0 && next.is_some_and(|next| next <= ask.from) {
        same += skip;
    }
    Ok(FreeTimes {
        items: found.into_iter().map(|found| slot(ask, found)).collect(),
        next_from: next,
        next_skip: u32::try_from(same).ok().filter(|same| *same > 0),
    })
}

async fn first_free(
    tx: &mut TenantTx,
    ask: &Ask<'_>,
    count: usize,
    now: Instant,
) -> Result<Vec<Found>> {
    let wish = Wish {
        preferred: ask.preferred.map(|(from, until)| (from.0, until.0)),
        besides: besides(ask),
        ..wish_of(ask.service, bookable(ask.service, (ask.from, ask.to), now))
    };
    if wish.window.is_empty() {
        return Ok(Vec::new());
    }
    let named: Vec<ProviderId> = ask.all_of.iter().chain(ask.any_of).copied().collect();
    let of = Of {
        service: ask.service,
        facility: ask.facility,
        zone: ask.zone,
        providers: &named,
        staff: ask.staff,
        assets: ask.assets,
        choosing: true,
        himself: ask.only_needed.is_some(),
    };
    let mut situation = Situation::read(tx, &of, wish.window, wish.emergency).await?;
    situation.keep_named(ask.assets);
    let mut teams = teams(ask.service, &situation, ask.any_of, ask.all_of);
    teams.retain(|team| !team.iter().any(|who| ask.none_of.contains(who)));
    if let Some(agreed) = ask.only_needed {
        teams.retain(|team| {
            let needless = placement::needless(ask.service, &situation.people, team);
            needless.iter().all(|who| agreed.contains(&who.0))
        });
    }
    let assets = situation.candidates_for(ask.service);
    // The first free times lie on the first day, as a rule: what is taken is read a day at a time, then three times as many.
    let mut found = Vec::new();
    let (mut from, mut days) = (wish.window.from, 1);
    while from < wish.window.until && found.len() < count {
        let until = wish.window.until.min(from + days * DAY);
        let mut part = Wish {
            window: Span { from, until },
            limit: count - found.len(),
            ..wish.clone()
        };
        let mut busy = situation.busy(tx, &part, now, ask.except).await?;
        if let Some(own) = ask.own {
            part.booked_over = own.free(&mut busy);
        }
        let sessions = situation
            .sessions(tx, (ask.service, ask.facility), &part, now)
            .await?;
        let calendar = &situation.calendar;
        found.extend(search::search(
            calendar, &busy, &teams, &assets, &sessions, &part,
        ));
        (from, days) = (until, days * 3);
    }
    Ok(found)
}

/// Whoever and whatever was named besides the providers.
fn besides(ask: &Ask<'_>) -> Vec<Beside> {
    let wish = wish_of(ask.service, Span { from: 0, until: 0 });
    let around = |id: Uuid, what: What| Beside {
        id,
        before: wish.before,
        after: wish.after,
        what,
    };
    let patient = ask.patient.map(|patient| Beside {
        id: patient.0,
        before: 0,
        after: i64::from(ask.service.data.duration_minutes) * MINUTE,
        what: What::Patient,
    });
    let staff = ask.staff.iter().map(|who| around(who.0, What::Staff));
    let places = ask.assets.iter().map(|id| around(id.0, What::Place));
    staff.chain(places).chain(patient).collect()
}

/// The starts the service may be booked for.
pub(crate) fn bookable(service: &Service, (from, to): (Instant, Instant), now: Instant) -> Span {
    let rules = &service.data;
    let lead = if is_emergency(service) {
        TimeDelta::zero()
    } else {
        TimeDelta::minutes(i64::from(rules.lead_minutes))
    };
    let horizon = now + TimeDelta::days(i64::from(rules.ahead_days));
    Span::new(from.max(now + lead), to.min(horizon))
}

pub(crate) fn is_emergency(service: &Service) -> bool {
    service.data.appointment_type == AppointmentType::Emergency
}

pub(super) fn wish_of(service: &Service, window: Span) -> Wish {
    let needs = &service.data;
    let micros = |minutes: i32| i64::from(minutes) * MINUTE;
    Wish {
        before: micros(needs.prep_minutes),
        after: micros(needs.duration_minutes) + micros(needs.cleanup_minutes),
        align: needs.align_minutes.unsigned_abs(),
        emergency: is_emergency(service),
        needs_provider: needs.needs_provider,
        needs_room: needs.room_kind.is_some(),
        equipment_kinds: needs.equipment_kinds.clone(),
        capacity: needs.capacity,
        window,
        preferred: None,
        besides: Vec::new(),
        booked_over: Busy::new(),
        limit: 1,
    }
}

/// Who could do it together: each skill is held by one of them.
fn teams(
    service: &Service,
    situation: &Situation,
    any_of: &[ProviderId],
    all_of: &[ProviderId],
) -> Vec<Vec<ProviderId>> {
    let people = &situation.people;
    let active = |id: &ProviderId| people.iter().any(|person| person.id == *id);
    if !all_of.iter().all(active) {
        return Vec::new();
    }
    let alone = !service.data.needs_provider && any_of.is_empty() && all_of.is_empty();
    let teams: Vec<Vec<ProviderId>> = if alone || (any_of.is_empty() && !all_of.is_empty()) {
        vec![all_of.to_vec()]
    } else {
        people
            .iter()
            .map(|person| person.id)
            .filter(|id| any_of.is_empty() || any_of.contains(id))
            .filter(|id| !all_of.contains(id))
            .map(|id| [all_of, &[id]].concat())
            .collect()
    };
    let able = |team: &Vec<ProviderId>| {
        service.data.skills.iter().all(|skill| {
            let mut able = people.iter().filter(|person| person.skills.contains(skill));
            able.any(|person| team.contains(&person.id))
        })
    };
    teams.into_iter().filter(able).collect()
}

fn slot(ask: &Ask<'_>, found: Found) -> Slot {
    Slot {
        starts_at: found.start,
        ends_at: found.start + ask.service.duration(),
        local_start: found.start.with_timezone(&ask.zone).naive_local(),
        time_zone: ask.zone.name().to_owned(),
        facility_id: ask.facility,
        provider_ids: found.providers,
        room_id: found.room,
        equipment_ids: found.equipment,
        places_left: found.left,
    }
}

/// Holds these providers until the transaction ends, for who checks and books several placements in it: then nobody who holds
/// some of them waits for others in another order.
///
/// # Errors
/// `slot_taken` where two wait for each other all the same.
pub(crate) async fn hold_in_tx(tx: &mut TenantTx, providers: &[ProviderId]) -> Result<()> {
    store::hold_providers(tx, providers).await
}

/// That who books himself names nobody and nothing the service does not need, but what is `agreed` on: another's time, and what
/// others need, are not his to take. The room is known to be of the kind needed, if one is; staff is not there for patients to name.
///
/// # Errors
/// A field error.
pub(crate) async fn require_needed(
    tx: &mut TenantTx,
    wanted: &Wanted<'_>,
    agreed: &[Uuid],
) -> Result<()> {
    let not_needed = |pointer| {
        let rule = "must not be named: the service does not need it";
        Err(Error::field(pointer, "not_needed", rule))
    };
    let new = |id: Uuid| !agreed.contains(&id);
    let needs = &wanted.service.data;
    if needs.room_kind.is_none() && wanted.room.is_some_and(|id| new(id.0)) {
        return not_needed("/room_id");
    }
    if wanted.providers.iter().skip(1).any(|id| new(id.0)) {
        let people = store::named(tx, wanted.providers, &needs.skills, false).await?;
        let needless = placement::needless(wanted.service, &people, wanted.providers);
        if needless.iter().any(|id| new(id.0)) {
            return not_needed("/other_provider_ids");
        }
    }
    if wanted.equipment.iter().any(|id| new(id.0)) {
        let places = store::places(tx, wanted.facility, wanted.equipment, None, &[]).await?;
        let devices = wanted.equipment;
        if placement::needless_device(wanted.service, &places, devices, agreed).is_some() {
            return not_needed("/equipment_ids");
        }
    }
    Ok(())
}

pub(super) fn add_promised(busy: &mut Busy, promised: &[Promised]) {
    for one in promised {
        let taken = busy.entry(one.provider.0).or_default();
        *taken = taken.union(&Ranges::one(Span::new(one.from, one.until)));
    }
}

/// Who and what a session that is joined has already.
fn joined(session: &Session) -> Chosen {
    Chosen {
        providers: session.providers.clone(),
        room: session.room,
        equipment: session.equipment.clone(),
    }
}

/// Providers (where none are named), a room and devices of the kinds needed that are free at a start; what is named stays.
/// Where somebody is `overbooked`, the providers named have to work only, and a room that is taken will do for want of another.
/// `None` if there are none.
pub async fn choose(
    tx: &mut TenantTx,
    wanted: &Wanted<'_>,
    overbooked: bool,
    now: Instant,
) -> Result<Option<Chosen>> {
    let mut wish = wish_of(wanted.service, moment(wanted.starts_at));
    let assets = assets_of(wanted);
    let mut situation =
        Situation::read(tx, &of(wanted, &assets, true), wish.window, wish.emergency).await?;
    situation.keep_named(&assets);
    let mut busy = situation.busy(tx, &wish, now, wanted.except).await?;
    if let Some(own) = wanted.own {
        wish.booked_over = own.free(&mut busy);
    }
    add_promised(&mut busy, wanted.promised);
    let sessions = situation
        .sessions(tx, (wanted.service, wanted.facility), &wish, now)
        .await?;
    let teams = if wanted.providers.is_empty() {
        teams(wanted.service, &situation, &[], &[])
    } else {
        vec![wanted.providers.to_vec()]
    };
    let candidates = situation.candidates();
    let places = Places::new(&situation.calendar, &busy, &candidates, &wish);
    let nobody = Busy::new();
    let open = Places::new(&situation.calendar, &nobody, &candidates, &wish);
    let start = wanted.starts_at.timestamp_micros();
    for team in teams {
        if let Some(session) = sessions.iter().find(|session| session.is_of(&team)) {
            return Ok(Some(joined(session)));
        }
        let over = overbooked && !wanted.providers.is_empty();
        let free =
            |who: &ProviderId| starts_of(&situation.calendar, &busy, *who, &wish).contains(start);
        // Whether those who are named work then is looked at in what was chosen.
        if !over && !team.iter().all(free) {
            continue;
        }
        let shared = || open.pick(None, wanted.starts_at).filter(|_| overbooked);
        let room = if wish.needs_room {
            let free = places.pick(None, wanted.starts_at);
            free.or_else(shared).map(Some)
        } else {
            Some(wanted.room)
        };
        let equipment: Option<Vec<_>> = wish
            .equipment_kinds
            .iter()
            .map(|kind| places.pick(Some(kind), wanted.starts_at))
            .collect();
        return Ok(room.zip(equipment).map(|(room, mut equipment)| {
            // Devices that are named and not needed are taken all the same.
            let others = wanted.equipment.iter();
            let others: Vec<_> = others.filter(|id| !equipment.contains(id)).collect();
            equipment.extend(others);
            Chosen {
                providers: team,
                room,
                equipment,
            }
        }));
    }
    Ok(None)
}

pub(super) fn moment(at: Instant) -> Span {
    Span::new(at, at + TimeDelta::microseconds(1))
}

pub(super) fn assets_of(wanted: &Wanted<'_>) -> Vec<AssetId> {
    wanted
        .room
        .into_iter()
        .chain(wanted.equipment.iter().copied())
        .collect()
}

pub(super) fn of<'a>(wanted: &Wanted<'a>, assets: &'a [AssetId], choosing: bool) -> Of<'a> {
    Of {
        service: wanted.service,
        facility: wanted.facility,
        zone: wanted.zone,
        providers: wanted.providers,
        staff: wanted.staff,
        assets,
        choosing,
        himself: choosing && wanted.himself,
    }
}

/// The zone of an active facility that a query names.
pub(crate) async fn zone_of(tx: &mut TenantTx, facility: FacilityId) -> Result<Tz> {
    let found = facilities::require_active_facility(tx, facility, "?facility_id")
        .await
        .map_err(|error| match error.code() {
            Code::ValidationFailed => parameter(
                "?facility_id",
                "no_such_facility",
                "must name an active facility",
            ),
            _ => error,
        })?;
    found.data.time_zone.parse().map_err(Error::internal)
}

pub(crate) fn parameter(name: &'static str, code: &'static str, rule: &'static str) -> Error {
    Error::new(Code::InvalidParameter).with_fields(vec![FieldError::new(name, code, rule)])
}

/// Ids with commas between, each once.
fn providers(name: &'static str, text: Option<&str>, most: usize) -> Result<Vec<ProviderId>> {
    let Some(text) = text else {
        return Ok(Vec::new());
    };
    let ids: Result<Vec<ProviderId>, _> = text.split(',').map(str::parse).collect();
    let mut ids =
        ids.map_err(|_| parameter(name, "wrong_form", "must be ids with commas between"))?;
    let mut seen = std::collections::HashSet::new();
    ids.retain(|id| seen.insert(*id));
    if ids.len() > most {
        return Err(parameter(name, "too_many", "must name fewer providers"));
    }
    Ok(ids)
}
