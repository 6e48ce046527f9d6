//! Who works and what there is, for a plan: open time less what is taken by what does not move, and what limits of work leave.
//!
//! Whoever is booked at another facility is on the way before and after it. Of limits of work the planner is told what is left of
//! each day and week once what does not move is counted, within the horizon and beside it.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Datelike, Days, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::{FacilityId, ServiceId};
use planner::{Asset, Limits, Most, OnCall, Provider, Working};
use platform::db::TenantTx;
use uuid::Uuid;

use super::building::{TICK, Visit};
use super::model::PlanFrame;
use super::store_supply::{self, Person, Place, Taken};
use crate::assets::AssetKind;
use crate::availability::{Calendar, load_calendar};
use crate::horizon::{Horizon, ranges, since, widened};
use crate::ranges::{MINUTE, Ranges, Span, instant};
use crate::wall;

/// A week and the longest rest: what lies so near the horizon counts for limits of work within it.
const NEAR: TimeDelta = TimeDelta::days(9);

pub(super) struct Supply {
    pub providers: Vec<Provider>,
    pub rooms: Vec<Asset>,
    pub equipment: Vec<Asset>,
    /// When people, places and patients are taken by what does not move.
    pub taken: HashMap<Uuid, Ranges>,
}

struct Reader<'a> {
    frame: &'a PlanFrame,
    horizon: &'a Horizon,
    now: Instant,
    taken: HashMap<Uuid, Vec<Taken>>,
}

/// What was said of everybody's time at one facility.
struct Here<'a> {
    facility: FacilityId,
    calendar: &'a Calendar,
    /// The same with those on call, for each service of emergencies.
    called: &'a [(String, Calendar)],
}

pub(super) async fn read(
    tx: &mut TenantTx,
    frame: &PlanFrame,
    visits: &[Visit],
    emergencies: &[ServiceId],
    horizon: &Horizon,
    now: Instant,
) -> Result<Supply> {
    let facilities: Vec<Uuid> = frame.facility_ids.iter().map(|id| id.0).collect();
    let named: Vec<Uuid> = frame.provider_ids.iter().map(|id| id.0).collect();
    let times = (horizon.begin(), horizon.end());
    let people = store_supply::people(tx, &facilities, &named, times).await?;
    let places = store_supply::places(tx, &facilities).await?;
    let ids: Vec<Uuid> = people.iter().map(|it| it.id).collect();
    let things = places.iter().map(|it| it.id);
    let reader = Reader {
        frame,
        horizon,
        now,
        taken: taken(tx, visits, ids.iter().copied().chain(things), horizon, now).await?,
    };
    let mut providers: Vec<Provider> = people.into_iter().map(nobody_yet).collect();
    let mut works: Vec<Ranges> = vec![Ranges::default(); ids.len()];
    let (mut rooms, mut equipment) = (Vec::new(), Vec::new());
    for facility in &frame.facility_ids {
        let places = places.iter().filter(|it| it.facility_id == *facility);
        let who = ids.iter().copied().chain(places.clone().map(|it| it.id));
        let who: Vec<Uuid> = who.collect();
        let zone = (*facility, horizon.zone);
        let calendar = load_calendar(tx, zone, &who, horizon.span(), None).await?;
        let mut called = Vec::new();
        for service in emergencies {
            let on_call = load_calendar(tx, zone, &who, horizon.span(), Some(*service)).await?;
            called.push((service.to_string(), on_call));
        }
        let here = Here {
            facility: *facility,
            calendar: &calendar,
            called: &called,
        };
        for ((provider, works), id) in providers.iter_mut().zip(&mut works).zip(&ids) {
            reader.add(provider, works, *id, &here);
        }
        for place in places {
            match place.kind {
                AssetKind::Room => rooms.push(reader.asset(place, &here)),
                AssetKind::Equipment => equipment.push(reader.asset(place, &here)),
            }
        }
    }
    let taken = reader.taken.keys().map(|who| (*who, reader.spans(*who)));
    Ok(Supply {
        providers,
        rooms,
        equipment,
        taken: taken.collect(),
    })
}

fn nobody_yet(person: Person) -> Provider {
    Provider {
        id: person.id.to_string(),
        skills: person.skills,
        ..Provider::default()
    }
}

/// What occupies these and the patients, but for what may move.
async fn taken(
    tx: &mut TenantTx,
    visits: &[Visit],
    who: impl Iterator<Item = Uuid>,
    horizon: &Horizon,
    now: Instant,
) -> Result<HashMap<Uuid, Vec<Taken>>> {
    let moving = visits.iter().filter_map(|it| it.moves);
    let moving: Vec<Uuid> = moving.map(|id| id.0).collect();
    let patients = visits.iter().map(|it| it.wanted.patient_id.0);
    let who: HashSet<Uuid> = who.chain(patients).collect();
    let who: Vec<Uuid> = who.into_iter().collect();
    let near = (horizon.begin() - NEAR, horizon.end() + NEAR);
    let mut taken: HashMap<Uuid, Vec<Taken>> = HashMap::new();
    for it in store_supply::taken(tx, &who, near, &moving, now).await? {
        taken.entry(it.who).or_default().push(it);
    }
    Ok(taken)
}

impl Reader<'_> {
    fn spans(&self, who: Uuid) -> Ranges {
        let taken = self.taken.get(&who).into_iter().flatten();
        ranges(taken.map(|it| (it.from, it.until)))
    }

    /// Adds a provider's time at a facility; `works` is all of it so far.
    fn add(&self, provider: &mut Provider, works: &mut Ranges, id: Uuid, here: &Here<'_>) {
        let facility = here.facility;
        let its = here.calendar.works(id);
        let limits = here.calendar.limits_of(id).unwrap_or_default();
        let unrested = limits.rest.map(|rest| self.unrested(id, &its, rest));
        let open = |open: Ranges| {
            let left = self.left(id, facility, &open);
            let rested = unrested.iter().fold(left, |left, it| left.subtract(it));
            self.horizon.intervals(&rested).into_iter()
        };
        provider.working.extend(open(its.clone()).map(|it| Working {
            day: it.day,
            from: it.from,
            to: it.to,
            facility: facility.to_string(),
        }));
        let ahead = its.intersect(&since(self.now, self.horizon));
        let taken = ahead.subtract(&self.left(id, facility, &its));
        let taken = self.horizon.intervals(&taken).into_iter();
        provider.taken.extend(taken.map(|it| Working {
            day: it.day,
            from: it.from,
            to: it.to,
            facility: facility.to_string(),
        }));
        for (call, calendar) in here.called {
            let on_call = calendar.available(id, true).subtract(&its);
            provider.on_call.extend(open(on_call).map(|it| OnCall {
                day: it.day,
                from: it.from,
                to: it.to,
                facility: facility.to_string(),
                call: call.clone(),
            }));
        }
        *works = works.union(&its);
        provider.limits = Limits {
            most: self.most(id, limits.day, limits.week),
            rest: limits.rest.map_or(0, minutes),
            through: self.through(works),
        };
    }

    fn asset(&self, place: &Place, here: &Here<'_>) -> Asset {
        let usual = here.calendar.is_open(place.id, false, true);
        let open = |open: Ranges| {
            let left = self.left(place.id, here.facility, &open);
            self.horizon.intervals(&left)
        };
        // It is the same for every emergency.
        let more = here.called.first().map(|(_, calendar)| {
            let open = calendar.is_open(place.id, true, true);
            open.subtract(&usual)
        });
        Asset {
            id: place.id.to_string(),
            kind: place.asset_kind.clone(),
            facility: here.facility.to_string(),
            on_call: more.map(&open).unwrap_or_default(),
            available: open(usual),
        }
    }

    /// What of open time at a facility is to come and not taken, there or by a visit elsewhere and the way.
    fn left(&self, who: Uuid, facility: FacilityId, open: &Ranges) -> Ranges {
        let open = open.intersect(&since(self.now, self.horizon));
        let taken = self.taken.get(&who).into_iter().flatten().map(|it| {
            let elsewhere = it.facility_id.filter(|id| *id != facility.0);
            let (there, back) = elsewhere.map_or((0, 0), |id| {
                (self.way(facility.0, id), self.way(id, facility.0))
            });
            let minutes = |count| TimeDelta::minutes(i64::from(count));
            (it.from - minutes(there), it.until + minutes(back))
        });
        open.subtract(&widened(&ranges(taken), self.horizon, TICK))
    }

    /// Minutes from one facility to another; the opposite way serves where this one is not said.
    fn way(&self, from: Uuid, to: Uuid) -> u32 {
        let said = |from, to| {
            let mut ways = self.frame.travel.iter();
            ways.find(|it| (it.from.0, it.to.0) == (from, to))
        };
        said(from, to)
            .or_else(|| said(to, from))
            .map_or(0, |it| it.minutes)
    }

    /// Time too near to what does not move, unless of the same shift: its day, and whatever he works over midnight.
    fn unrested(&self, who: Uuid, works: &Ranges, rest: i64) -> Ranges {
        let mut found = Vec::new();
        for span in self.spans(who).spans() {
            let day = whole_day(
                self.horizon.zone,
                wall::day_of(self.horizon.zone, instant(span.from)),
            );
            let shift = Ranges::of([Some(day), works.around(span.from)].into_iter().flatten());
            let near = Ranges::one(Span {
                from: span.from - rest,
                until: span.until + rest,
            });
            found.extend(near.subtract(&shift).spans().iter().copied());
        }
        Ranges::of(found)
    }

    /// What is left of the days and of the weeks, from Monday, that the horizon touches.
    fn most(&self, who: Uuid, per_day: Option<i64>, per_week: Option<i64>) -> Vec<Most> {
        let zone = self.horizon.zone;
        let spans = self.spans(who);
        let left = |most: i64, within: Span| {
            minutes((most - spans.intersect(&Ranges::one(within)).measure()).max(0))
        };
        let days: Vec<NaiveDate> = self
            .horizon
            .first
            .iter_days()
            .take(self.horizon.days().len())
            .collect();
        let mut found = Vec::new();
        if let Some(most) = per_day {
            found.extend(days.iter().enumerate().map(|(at, day)| Most {
                days: vec![at],
                minutes: left(most, whole_day(zone, *day)),
            }));
        }
        if let Some(most) = per_week {
            let monday =
                |day: &NaiveDate| *day - Days::new(u64::from(day.weekday().num_days_from_monday()));
            let mut first = 0;
            for week in days.chunk_by(|one, other| monday(one) == monday(other)) {
                let begin = monday(&week[0]);
                let within = Span::new(
                    wall::midnight(zone, begin),
                    wall::midnight(zone, begin + Days::new(7)),
                );
                found.push(Most {
                    days: (first..first + week.len()).collect(),
                    minutes: left(most, within),
                });
                first += week.len();
            }
        }
        found
    }

    /// The days on which all work is one shift with all work of the next.
    fn through(&self, works: &Ranges) -> Vec<usize> {
        let zone = self.horizon.zone;
        let days = self
            .horizon
            .first
            .iter_days()
            .take(self.horizon.days().len());
        let one_shift = |day: &NaiveDate| {
            let (today, tomorrow) = (whole_day(zone, *day), whole_day(zone, *day + Days::new(1)));
            let both = Ranges::of([today, tomorrow]);
            let its = works.intersect(&both);
            matches!(its.spans(), [only] if only.from < tomorrow.from && only.until > tomorrow.from)
        };
        let found = days.enumerate().filter(|(_, day)| one_shift(day));
        found.map(|(at, _)| at).collect()
    }
}

fn whole_day(zone: Tz, day: NaiveDate) -> Span {
    let midnight = |day| -> DateTime<Utc> { wall::midnight(zone, day) };
    Span::new(midnight(day), midnight(day + Days::new(1)))
}

fn minutes(micros: i64) -> u32 {
    u32::try_from(micros / MINUTE).unwrap_or(0)
}
