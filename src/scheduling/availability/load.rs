//! Reads what free time is computed from.

use chrono::{Days, NaiveDate, TimeDelta};
use chrono_tz::Tz;
use kernel::clock::Instant;
use kernel::ids::{AssetId, FacilityId, ProviderId, ServiceId, StaffId};
use kernel::{Error, Result};
use platform::db::TenantTx;
use uuid::Uuid;

use super::calendar::{Calendar, OnDays, Rule, hours};
use super::limits::Limits;
use super::search::{Busy, Candidate, Session, Wish};
use super::store::{self, Person, Place, Said};
use crate::assets::AssetKind;
use crate::party;
use crate::ranges::{MINUTE, Ranges, Span, instant};
use crate::recurrence::Recurrence;
use crate::services::Service;
use crate::wall;

/// What is occupied around a window decides within it: the longest placement, and the longest rest.
const AROUND: TimeDelta = TimeDelta::days(3);
/// A week decides, too, where there are limits.
const A_WEEK_AROUND: TimeDelta = TimeDelta::days(9);

pub(super) fn widened(window: Span, by: TimeDelta) -> Span {
    Span::new(instant(window.from) - by, instant(window.until) + by)
}

/// Everybody's time at a facility, for a window. `on_call_for`: an emergency's service, whose rosters count.
pub(crate) async fn calendar(
    tx: &mut TenantTx,
    (facility, zone): (FacilityId, Tz),
    who: &[Uuid],
    window: Span,
    on_call_for: Option<ServiceId>,
) -> Result<Calendar> {
    let window = widened(window, AROUND);
    let days = days_around(zone, window);
    let mut calendar = Calendar::new(zone, window);
    let mut holidays = Vec::new();
    for said in store::said(tx, facility, who, window, days, on_call_for).await? {
        enter(&mut calendar, &mut holidays, &said)?;
    }
    calendar.holidays = Ranges::of(holidays);
    Ok(calendar)
}

/// The days of a place that a window may have part of.
fn days_around(zone: Tz, window: Span) -> (NaiveDate, NaiveDate) {
    (
        wall::day_of(zone, instant(window.from)) - Days::new(1),
        wall::day_of(zone, instant(window.until)) + Days::new(1),
    )
}

fn enter(calendar: &mut Calendar, holidays: &mut Vec<Span>, said: &Said) -> Result<()> {
    let span = said
        .starts_at
        .zip(said.ends_at)
        .map(|(from, until)| Span::new(from, until));
    match (said.kind.as_str(), said.who, span) {
        ("rule", who, _) => {
            let rule = rule_of(said)?;
            match who {
                Some(who) => calendar.rules.entry(who).or_default().push(rule),
                None => calendar.opening.push(rule),
            }
        }
        ("holiday", ..) => {
            if let Some(day) = said.first_day {
                let midnight = chrono::NaiveTime::MIN;
                let (from, until) = said
                    .local_from
                    .zip(said.local_until)
                    .unwrap_or((midnight, midnight));
                holidays.push(hours(calendar.zone, day, from, until));
            }
        }
        ("limit", who, _) => {
            let micros = |minutes: Option<i32>| minutes.map(|count| i64::from(count) * MINUTE);
            let limits = Limits {
                day: micros(said.per_day),
                week: micros(said.per_week),
                rest: micros(said.rest),
            };
            match who {
                Some(who) => {
                    calendar.limits.insert(who, limits);
                }
                None => calendar.everybody = Some(limits),
            }
        }
        (kind, Some(who), Some(span)) => {
            let spans = match kind {
                "extra" => &mut calendar.extra,
                "off" => &mut calendar.off,
                _ => &mut calendar.on_call,
            };
            spans.entry(who).or_default().push(span);
        }
        _ => {}
    }
    Ok(())
}

fn rule_of(said: &Said) -> Result<Rule> {
    let (Some(from), Some(until), Some(valid_from)) =
        (said.local_from, said.local_until, said.first_day)
    else {
        return Err(Error::internal("a rule without hours"));
    };
    let days = if let Some(text) = &said.rrule {
        let rule = Recurrence::read(text, valid_from)
            .map_err(|fault| Error::internal(format!("a rule in force is broken: {fault:?}")))?;
        OnDays::Recurring(Box::new(rule))
    } else {
        let mut week = [false; 7];
        for number in said.weekdays.iter().flatten() {
            if let Some(day) = usize::try_from(*number - 1)
                .ok()
                .and_then(|place| week.get_mut(place))
            {
                *day = true;
            }
        }
        OnDays::Week(week)
    };
    Ok(Rule {
        days,
        from,
        until,
        valid_from,
        valid_until: said.last_day,
    })
}

/// All that a search or a placement looks at.
pub(crate) struct Situation {
    pub people: Vec<Person>,
    /// Those named of other staff.
    pub staff: Vec<StaffId>,
    pub places: Vec<Place>,
    pub calendar: Calendar,
}

/// Who and what is meant by a situation.
pub(super) struct Of<'a> {
    pub service: &'a Service,
    pub facility: FacilityId,
    pub zone: Tz,
    /// Whoever can, if it is empty.
    pub providers: &'a [ProviderId],
    pub staff: &'a [StaffId],
    pub assets: &'a [AssetId],
    /// Whether rooms and devices of the kinds needed are looked for besides.
    pub choosing: bool,
    /// For somebody who books himself: nobody who accepts no patients.
    pub himself: bool,
}

impl Situation {
    /// Everybody who works at a facility, and everything there. `skills`: which of them are looked for.
    pub async fn whole(
        tx: &mut TenantTx,
        (facility, zone): (FacilityId, Tz),
        skills: &[String],
        window: Span,
    ) -> Result<Self> {
        let people = store::people(tx, skills, facility, false).await?;
        Self::with(tx, people, (facility, zone), window).await
    }

    /// As [`Situation::whole`], as it was in a window that may be past: with whoever has left since. Nobody's skills.
    pub async fn then(
        tx: &mut TenantTx,
        (facility, zone): (FacilityId, Tz),
        window: Span,
    ) -> Result<Self> {
        let days = days_around(zone, window);
        let people = store::people_then(tx, facility, window, days).await?;
        Self::with(tx, people, (facility, zone), window).await
    }

    async fn with(
        tx: &mut TenantTx,
        people: Vec<Person>,
        (facility, zone): (FacilityId, Tz),
        window: Span,
    ) -> Result<Self> {
        let places = store::all_places(tx, facility).await?;
        let who = ids(&people, &[], &places);
        let calendar = calendar(tx, (facility, zone), &who, window, None).await?;
        Ok(Self {
            people,
            staff: Vec::new(),
            places,
            calendar,
        })
    }

    /// Who and what a service needs, or a placement names.
    pub(super) async fn read(
        tx: &mut TenantTx,
        of: &Of<'_>,
        window: Span,
        emergency: bool,
    ) -> Result<Self> {
        let wanted = &of.service.data;
        let people = if !of.providers.is_empty() {
            store::named(tx, of.providers, &wanted.skills, of.himself).await?
        } else if wanted.needs_provider {
            store::people(tx, &wanted.skills, of.facility, of.himself).await?
        } else {
            Vec::new()
        };
        let (room, devices) = if of.choosing {
            (wanted.room_kind.as_deref(), &wanted.equipment_kinds[..])
        } else {
            (None, &[][..])
        };
        let places = store::places(tx, of.facility, of.assets, room, devices).await?;
        let who = ids(&people, of.staff, &places);
        let on_call_for = emergency.then_some(of.service.id);
        let calendar = calendar(tx, (of.facility, of.zone), &who, window, on_call_for).await?;
        Ok(Self {
            people,
            staff: of.staff.to_vec(),
            places,
            calendar,
        })
    }

    pub fn ids(&self) -> Vec<Uuid> {
        ids(&self.people, &self.staff, &self.places)
    }

    /// When everybody is taken, as far as it decides over the starts of a window.
    pub(super) async fn busy(
        &self,
        tx: &mut TenantTx,
        wish: &Wish,
        now: Instant,
        except: Option<Uuid>,
    ) -> Result<Busy> {
        let needed = Span {
            from: wish.window.from - wish.before,
            until: wish.window.until + wish.after,
        };
        let window = if self.calendar.has_limits() {
            widened(needed, A_WEEK_AROUND)
        } else {
            needed
        };
        let besides = wish.besides.iter().map(|one| one.id);
        let who: Vec<Uuid> = self.ids().into_iter().chain(besides).collect();
        store::busy(tx, &who, window, now, except).await
    }

    /// When everybody is taken within a window, and as long around it as anything takes.
    pub async fn taken(&self, tx: &mut TenantTx, window: Span, now: Instant) -> Result<Busy> {
        let around = if self.calendar.has_limits() {
            A_WEEK_AROUND
        } else {
            AROUND
        };
        store::busy(tx, &self.ids(), widened(window, around), now, None).await
    }

    /// When everybody is taken within a window by what takes place at a facility. For the system: others see part of it.
    pub async fn taken_at(
        &self,
        tx: &mut TenantTx,
        facility: FacilityId,
        window: Span,
        now: Instant,
    ) -> Result<Busy> {
        store::busy_at(tx, facility, &self.ids(), window, now).await
    }

    /// Group sessions of the service at a facility that have places left.
    pub(super) async fn sessions(
        &self,
        tx: &mut TenantTx,
        (service, facility): (&Service, FacilityId),
        wish: &Wish,
        now: Instant,
    ) -> Result<Vec<Session>> {
        if service.data.capacity == 1 {
            return Ok(Vec::new());
        }
        let length = wish.before + wish.after;
        let starts = Span {
            from: wish.window.from - wish.before,
            until: wish.window.until - wish.before,
        };
        let capacity = service.data.capacity;
        let parties = store::parties(tx, &self.ids(), starts, length, capacity, now).await?;
        let session = |found: store::Party| {
            let start = instant(found.starts_at.timestamp_micros() + wish.before);
            let (room, equipment) = self.assets_among(&found.resources);
            let needs_room = service.data.room_kind.is_some();
            // Of another facility, or in another room than one that is named.
            if needs_room && room.is_none() {
                return None;
            }
            let ours = |lead: &&Uuid| {
                let session = party::Session {
                    service: service.id,
                    start,
                    lead: **lead,
                    facility,
                    room: room.filter(|_| needs_room),
                };
                session.is(found.party)
            };
            let leader = found.resources.iter().find(ours)?;
            let people = self.people.iter().map(|person| person.id);
            let mut providers: Vec<ProviderId> = people
                .filter(|id| found.resources.contains(&id.0))
                .collect();
            providers.sort_by_key(|id| id.0 != *leader);
            Some(Session {
                start,
                providers,
                room,
                equipment,
                left: capacity - found.taken,
            })
        };
        Ok(parties.into_iter().filter_map(session).collect())
    }

    /// The room among these, and the devices in the order of their kinds.
    fn assets_among(&self, ids: &[Uuid]) -> (Option<AssetId>, Vec<AssetId>) {
        let mut among: Vec<&Place> = self
            .places
            .iter()
            .filter(|place| ids.contains(&place.id.0))
            .collect();
        among.sort_by(|a, b| a.asset_kind.cmp(&b.asset_kind));
        let (rooms, devices): (Vec<&Place>, Vec<&Place>) = among
            .into_iter()
            .partition(|place| place.kind == AssetKind::Room);
        let devices = devices.into_iter().map(|place| place.id);
        (rooms.first().map(|room| room.id), devices.collect())
    }

    /// Of the kinds a service needs.
    pub(super) fn candidates_for(&self, service: &Service) -> Vec<Candidate> {
        let needs = &service.data;
        let fits = |place: &&Place| match place.kind {
            AssetKind::Room => needs.room_kind.as_ref() == Some(&place.asset_kind),
            AssetKind::Equipment => needs.equipment_kinds.contains(&place.asset_kind),
        };
        self.places
            .iter()
            .filter(fits)
            .map(Place::candidate)
            .collect()
    }

    /// Of a kind of which one is named, no other is a candidate.
    pub(super) fn keep_named(&mut self, named: &[AssetId]) {
        let kinds: Vec<(AssetKind, String)> = self
            .places
            .iter()
            .filter(|place| named.contains(&place.id))
            .map(|place| {
                // Whichever room is named, it is the room.
                let kind = match place.kind {
                    AssetKind::Room => String::new(),
                    AssetKind::Equipment => place.asset_kind.clone(),
                };
                (place.kind, kind)
            })
            .collect();
        self.places.retain(|place| {
            let other = |(kind, named): &(AssetKind, String)| {
                *kind == place.kind && (named.is_empty() || *named == place.asset_kind)
            };
            named.contains(&place.id) || !kinds.iter().any(other)
        });
    }

    pub(super) fn candidates(&self) -> Vec<Candidate> {
        self.places.iter().map(Place::candidate).collect()
    }
}

fn ids(people: &[Person], staff: &[StaffId], places: &[Place]) -> Vec<Uuid> {
    let people = people.iter().map(|person| person.id.0);
    people
        .chain(staff.iter().map(|id| id.0))
        .chain(places.iter().map(|place| place.id.0))
        .collect()
}

impl Place {
    fn candidate(&self) -> Candidate {
        Candidate {
            id: self.id,
            equipment_kind: (self.kind == AssetKind::Equipment).then(|| self.asset_kind.clone()),
        }
    }
}
