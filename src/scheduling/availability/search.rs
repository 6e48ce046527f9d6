//! The first starts at which everybody and everything needed is free: intersections of sets of starts.
//!
//! Free time eroded by what a service needs before and after is the set of its possible starts; the starts of a team are what
//! its members' have in common, and of a kind of room what any of its rooms has. Only then is anything enumerated.

use std::collections::HashMap;

use chrono::{NaiveTime, TimeDelta};
use kernel::clock::Instant;
use kernel::ids::{AssetId, ProviderId};
use uuid::Uuid;

use super::calendar::Calendar;
use super::load::Situation;
use super::service::wish_of;
use super::starts::{broken_limit, less, starts_of};
use crate::ranges::{Ranges, Span, instant};
use crate::services::Service;
use crate::wall;

/// A room or device that would do.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub id: AssetId,
    /// `None` of a room.
    pub equipment_kind: Option<String>,
}

/// A group session that has places left.
#[derive(Clone, Debug)]
pub(super) struct Session {
    pub start: Instant,
    /// The one who leads first: with another one it would be another session.
    pub providers: Vec<ProviderId>,
    pub room: Option<AssetId>,
    pub equipment: Vec<AssetId>,
    pub left: i32,
}

impl Session {
    /// Whether it is held by these, whoever of them leads.
    pub fn is_of(&self, team: &[ProviderId]) -> bool {
        team.len() == self.providers.len() && team.iter().all(|who| self.providers.contains(who))
    }
}

/// Somebody or something named that has to be free besides, and how long around a start.
#[derive(Clone, Copy, Debug)]
pub(super) struct Beside {
    pub id: Uuid,
    pub before: i64,
    pub after: i64,
    pub what: What,
}

/// Patients are never shared, staff and places are by the patients of a group session; staff have to work, too, and a place has to
/// be open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Patient,
    Staff,
    Place,
}

/// What is looked for.
#[derive(Clone, Debug)]
pub(super) struct Wish {
    /// Occupied before a start, and from it on, in microseconds.
    pub before: i64,
    pub after: i64,
    pub align: u32,
    pub emergency: bool,
    pub needs_provider: bool,
    pub needs_room: bool,
    pub equipment_kinds: Vec<String>,
    pub capacity: i32,
    /// In which the start lies.
    pub window: Span,
    pub preferred: Option<(NaiveTime, NaiveTime)>,
    pub besides: Vec<Beside>,
    /// Who is booked over what is moved: not in its way, but limits count them.
    pub booked_over: Busy,
    pub limit: usize,
}

impl Wish {
    /// What a start occupies.
    pub fn needed(&self, start: i64) -> Span {
        Span {
            from: start - self.before,
            until: start + self.after,
        }
    }

    /// The starts at which those besides are free; of a session that others have begun, only the patient has to be.
    fn besides(&self, calendar: &Calendar, busy: &Busy, begun: bool) -> Ranges {
        let wanted = self.besides.iter();
        let wanted = wanted.filter(|one| !begun || one.what == What::Patient);
        wanted.fold(Ranges::one(self.window), |starts, one| {
            let open = match one.what {
                What::Place => calendar.is_open(one.id, self.emergency, self.needs_provider),
                What::Staff => calendar.available(one.id, self.emergency),
                What::Patient => Ranges::one(calendar.window),
            };
            let free = less(open, busy.get(&one.id));
            starts.intersect(&free.erode(one.before, one.after))
        })
    }
}

/// A start, and who and what is free.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub start: Instant,
    pub providers: Vec<ProviderId>,
    pub room: Option<AssetId>,
    pub equipment: Vec<AssetId>,
    pub left: i32,
}

/// When everybody and everything is taken.
pub(crate) type Busy = HashMap<Uuid, Ranges>;

/// The possible starts of each room and device.
pub(super) struct Places<'a> {
    candidates: Vec<(&'a Candidate, Ranges)>,
}

impl<'a> Places<'a> {
    pub fn new(calendar: &Calendar, busy: &Busy, assets: &'a [Candidate], wish: &Wish) -> Self {
        let candidates = assets
            .iter()
            .map(|asset| {
                let open = calendar.is_open(asset.id.0, wish.emergency, wish.needs_provider);
                let free = less(open, busy.get(&asset.id.0));
                (asset, free.erode(wish.before, wish.after))
            })
            .collect();
        Self { candidates }
    }

    fn of_kind<'s>(
        &'s self,
        kind: Option<&'s str>,
    ) -> impl Iterator<Item = &'s (&'a Candidate, Ranges)> {
        self.candidates
            .iter()
            .filter(move |(asset, _)| asset.equipment_kind.as_deref() == kind)
    }

    fn kinds(wish: &Wish) -> impl Iterator<Item = Option<&str>> {
        let room = wish.needs_room.then_some(None);
        room.into_iter()
            .chain(wish.equipment_kinds.iter().map(|kind| Some(kind.as_str())))
    }

    /// The starts at which there is one of each kind.
    fn starts(&self, wish: &Wish, within: Ranges) -> Ranges {
        Self::kinds(wish).fold(within, |starts, kind| {
            let any = self
                .of_kind(kind)
                .flat_map(|(_, starts)| starts.spans().iter().copied());
            starts.intersect(&Ranges::of(any))
        })
    }

    /// The first room, or device of a kind, that is free.
    pub fn pick(&self, kind: Option<&str>, start: Instant) -> Option<AssetId> {
        let at = start.timestamp_micros();
        self.of_kind(kind)
            .find(|(_, starts)| starts.contains(at))
            .map(|(asset, _)| asset.id)
    }
}

/// The first starts, by time, then in the order of the teams: as many as wanted.
pub(super) fn search(
    calendar: &Calendar,
    busy: &Busy,
    teams: &[Vec<ProviderId>],
    assets: &[Candidate],
    sessions: &[Session],
    wish: &Wish,
) -> Vec<Found> {
    let places = Places::new(calendar, busy, assets, wish);
    let mut allowed = places.starts(wish, wish.besides(calendar, busy, false));
    if let Some((from, until)) = wish.preferred {
        allowed = allowed.intersect(&calendar.daily(from, until));
    }
    let mut own: HashMap<ProviderId, Ranges> = HashMap::new();
    let mut found: Vec<(Instant, usize)> = Vec::new();
    for (number, team) in teams.iter().enumerate() {
        let starts = team.iter().fold(allowed.clone(), |starts, who| {
            let theirs = own
                .entry(*who)
                .or_insert_with(|| starts_of(calendar, busy, *who, wish));
            starts.intersect(theirs)
        });
        found.extend(
            aligned(calendar, &starts, wish.align)
                .take(wish.limit)
                .map(|start| (start, number)),
        );
    }
    let alone = wish.besides(calendar, busy, true);
    let open = joined(calendar, busy, sessions, teams, wish)
        .filter(|found| alone.contains(found.start.timestamp_micros()));
    let mut starts: Vec<Found> = found
        .into_iter()
        .filter_map(|(start, number)| with_places(&places, start, &teams[number], wish))
        .chain(open)
        .collect();
    starts.sort_by_key(|found| found.start);
    starts.truncate(wish.limit);
    starts
}

/// The third appointment from now that could be had with everybody who has the service's skills, if the first two were taken; with
/// nobody in particular where it needs no provider.
pub(crate) fn third_next(
    situation: &Situation,
    busy: &Busy,
    service: &Service,
    window: Span,
) -> Vec<(Option<ProviderId>, Option<Instant>)> {
    let wish = wish_of(service, window);
    let kinds: Vec<Candidate> = situation.candidates_for(service);
    let places = Places::new(&situation.calendar, busy, &kinds, &wish);
    let allowed = places.starts(&wish, Ranges::one(wish.window));
    let third = |starts: &Ranges| {
        let starts = aligned(&situation.calendar, starts, wish.align);
        apart(starts, wish.before + wish.after).nth(2)
    };
    if !service.data.needs_provider {
        return vec![(None, third(&allowed))];
    }
    let skills = &service.data.skills;
    let people = situation.people.iter();
    let able = people.filter(|person| skills.iter().all(|it| person.skills.contains(it)));
    able.map(|person| {
        let starts = allowed.intersect(&starts_of(&situation.calendar, busy, person.id, &wish));
        (Some(person.id), third(&starts))
    })
    .collect()
}

/// Of starts in their order those that can be had one after the other, so long each.
fn apart(starts: impl Iterator<Item = Instant>, length: i64) -> impl Iterator<Item = Instant> {
    let mut next = i64::MIN;
    starts.filter(move |start| {
        let at = start.timestamp_micros();
        let had = at >= next;
        if had {
            next = at + length;
        }
        had
    })
}

fn with_places(
    places: &Places<'_>,
    start: Instant,
    team: &[ProviderId],
    wish: &Wish,
) -> Option<Found> {
    let room = if wish.needs_room {
        Some(places.pick(None, start)?)
    } else {
        None
    };
    let equipment: Option<Vec<AssetId>> = wish
        .equipment_kinds
        .iter()
        .map(|kind| places.pick(Some(kind), start))
        .collect();
    Some(Found {
        start,
        providers: team.to_vec(),
        room,
        equipment: equipment?,
        left: wish.capacity,
    })
}

/// Sessions of the teams that others have begun to fill.
fn joined<'a>(
    calendar: &'a Calendar,
    busy: &'a Busy,
    sessions: &'a [Session],
    teams: &'a [Vec<ProviderId>],
    wish: &'a Wish,
) -> impl Iterator<Item = Found> + 'a {
    let preferred = wish
        .preferred
        .map(|(from, until)| calendar.daily(from, until));
    sessions
        .iter()
        .filter(move |session| {
            let at = session.start.timestamp_micros();
            Ranges::one(wish.window).contains(at)
                && preferred.as_ref().is_none_or(|hours| hours.contains(at))
                && teams.iter().any(|team| session.is_of(team))
                && session
                    .providers
                    .iter()
                    .all(|who| broken_limit(calendar, busy, *who, at, wish).is_none())
        })
        .map(|session| Found {
            start: session.start,
            providers: session.providers.clone(),
            room: session.room,
            equipment: session.equipment.clone(),
            left: session.left,
        })
}

/// The aligned instants of a set, in order.
fn aligned<'a>(
    calendar: &'a Calendar,
    starts: &'a Ranges,
    align: u32,
) -> impl Iterator<Item = Instant> + 'a {
    starts.spans().iter().flat_map(move |span| {
        let first = wall::next_aligned(calendar.zone, instant(span.from), align);
        let next = move |at: &Instant| {
            Some(wall::next_aligned(
                calendar.zone,
                *at + TimeDelta::minutes(1),
                align,
            ))
        };
        std::iter::successors(Some(first), next).take_while(|at| at.timestamp_micros() < span.until)
    })
}

#[cfg(test)]
mod tests {
    use super::super::calendar::tests::{at, calendar, daily, span};
    use super::*;
    use crate::ranges::MINUTE;
    use chrono_tz::America::New_York;
    use chrono_tz::Tz;
    use proptest::prelude::*;

    fn wish(from: &str, until: &str) -> Wish {
        Wish {
            before: 0,
            after: 30 * MINUTE,
            align: 30,
            emergency: false,
            needs_provider: true,
            needs_room: false,
            equipment_kinds: Vec::new(),
            capacity: 1,
            window: span(from, until),
            preferred: None,
            besides: Vec::new(),
            booked_over: Busy::new(),
            limit: 200,
        }
    }

    fn provider(number: u128) -> ProviderId {
        ProviderId(Uuid::from_u128(number))
    }

    fn room(number: u128) -> Candidate {
        Candidate {
            id: AssetId(Uuid::from_u128(number)),
            equipment_kind: None,
        }
    }

    fn starts(zone: Tz, from: &str, until: &str, hours: (&str, &str)) -> Vec<String> {
        let who = provider(1);
        let calendar = calendar(zone, from, until, who.0, vec![daily(hours.0, hours.1)]);
        let wish = wish(from, until);
        let found = search(&calendar, &Busy::new(), &[vec![who]], &[], &[], &wish);
        found
            .iter()
            .map(|found| {
                let wall = found.start.with_timezone(&zone);
                wall.format("%H:%M%z").to_string()
            })
            .collect()
    }

    #[test]
    fn starts_in_one_gap_are_one_place_and_those_beside_each_other_are_several() {
        let minutes = [0, 5, 10, 15, 30, 35, 90, 110, 120];
        let starts = minutes.map(|minute| at("2026-03-02T14:00:00Z") + TimeDelta::minutes(minute));
        let found: Vec<i64> = apart(starts.into_iter(), 30 * MINUTE)
            .map(|start| (start - starts[0]).num_minutes())
            .collect();
        assert_eq!(found, [0, 30, 90, 120]);
    }

    #[test]
    fn on_the_day_the_clocks_change_slots_are_those_of_the_wall() {
        let spring = starts(
            New_York,
            "2026-03-08T05:00:00Z",
            "2026-03-09T04:00:00Z",
            ("01:00", "04:00"),
        );
        assert_eq!(
            spring,
            ["01:00-0500", "01:30-0500", "03:00-0400", "03:30-0400"]
        );
        let autumn = starts(
            New_York,
            "2026-11-01T04:00:00Z",
            "2026-11-02T05:00:00Z",
            ("01:00", "02:30"),
        );
        assert_eq!(
            autumn,
            [
                "01:00-0400",
                "01:30-0400",
                "01:00-0500",
                "01:30-0500",
                "02:00-0500"
            ]
        );
        for zone in [chrono_tz::Pacific::Kiritimati, chrono_tz::Etc::GMTPlus12] {
            let day = starts(
                zone,
                "2026-06-01T00:00:00Z",
                "2026-06-02T00:00:00Z",
                ("09:00", "10:00"),
            );
            assert_eq!(day.len(), 2, "{zone}: {day:?}");
            assert!(
                day[0].starts_with("09:00") && day[1].starts_with("09:30"),
                "{day:?}"
            );
        }
    }

    #[test]
    fn preparation_and_clean_up_need_free_time_too() {
        let who = provider(1);
        let (from, until) = ("2026-06-02T04:00:00Z", "2026-06-03T04:00:00Z");
        let calendar = calendar(New_York, from, until, who.0, vec![daily("09:00", "11:00")]);
        let taken = span("2026-06-02T14:00:00Z", "2026-06-02T14:20:00Z");
        let busy = Busy::from([(who.0, Ranges::one(taken))]);
        let needs = Wish {
            before: 10 * MINUTE,
            after: 40 * MINUTE,
            align: 5,
            ..wish(from, until)
        };
        let found = search(&calendar, &busy, &[vec![who]], &[], &[], &needs);
        let starts: Vec<String> = found.iter().map(|found| found.start.to_rfc3339()).collect();
        assert_eq!(
            starts,
            [
                "2026-06-02T13:10:00+00:00",
                "2026-06-02T13:15:00+00:00",
                "2026-06-02T13:20:00+00:00"
            ]
        );
    }

    #[test]
    fn a_room_is_picked_that_is_free_and_no_more_is_told_than_was_asked_for() {
        let (one, other) = (provider(1), provider(2));
        let (from, until) = ("2026-06-02T04:00:00Z", "2026-06-03T04:00:00Z");
        let mut calendar = calendar(New_York, from, until, one.0, vec![daily("09:00", "11:00")]);
        calendar
            .rules
            .insert(other.0, vec![daily("09:30", "11:00")]);
        let rooms = [room(10), room(11)];
        let busy = Busy::from([(
            rooms[0].id.0,
            Ranges::one(span("2026-06-02T13:00:00Z", "2026-06-02T13:30:00Z")),
        )]);
        let needs = Wish {
            needs_room: true,
            limit: 3,
            ..wish(from, until)
        };
        let teams = [vec![one], vec![other]];
        let found = search(&calendar, &busy, &teams, &rooms, &[], &needs);
        let told: Vec<_> = found
            .iter()
            .map(|found| (found.start, found.providers[0], found.room))
            .collect();
        assert_eq!(
            told,
            [
                (at("2026-06-02T13:00:00Z"), one, Some(rooms[1].id)),
                (at("2026-06-02T13:30:00Z"), one, Some(rooms[0].id)),
                (at("2026-06-02T13:30:00Z"), other, Some(rooms[0].id)),
            ]
        );
        let together = search(&calendar, &busy, &[vec![one, other]], &rooms, &[], &needs);
        assert_eq!(together[0].start, at("2026-06-02T13:30:00Z"));
        assert_eq!(together[0].providers, [one, other]);
        let nothing = Wish {
            equipment_kinds: vec!["mri".to_owned()],
            ..needs
        };
        assert!(search(&calendar, &busy, &teams, &rooms, &[], &nothing).is_empty());
    }

    #[test]
    fn who_and_what_is_named_besides_must_be_free_and_open_too() {
        let (who, patient, laser) = (provider(1), Uuid::from_u128(20), Uuid::from_u128(30));
        let (from, until) = ("2026-06-02T04:00:00Z", "2026-06-03T04:00:00Z");
        let mut calendar = calendar(New_York, from, until, who.0, vec![daily("09:00", "12:00")]);
        calendar.rules.insert(laser, vec![daily("09:30", "12:00")]);
        let taken = span("2026-06-02T14:00:00Z", "2026-06-02T14:30:00Z");
        let busy = Busy::from([(patient, Ranges::one(taken))]);
        let beside = |id: Uuid, before: i64, what: What| Beside {
            id,
            before: before * MINUTE,
            after: 30 * MINUTE,
            what,
        };
        let needs = Wish {
            besides: vec![
                beside(patient, 0, What::Patient),
                beside(laser, 10, What::Place),
            ],
            ..wish(from, until)
        };
        let found = search(&calendar, &busy, &[vec![who]], &[], &[], &needs);
        let starts: Vec<Instant> = found.iter().map(|found| found.start).collect();
        assert_eq!(
            starts,
            [
                at("2026-06-02T14:30:00Z"),
                at("2026-06-02T15:00:00Z"),
                at("2026-06-02T15:30:00Z")
            ]
        );
    }

    #[test]
    fn a_group_that_is_not_full_is_offered_with_the_places_it_has_left() {
        let who = provider(1);
        let (from, until) = ("2026-06-02T04:00:00Z", "2026-06-03T04:00:00Z");
        let calendar = calendar(New_York, from, until, who.0, vec![daily("09:00", "10:00")]);
        let taken = span("2026-06-02T13:00:00Z", "2026-06-02T13:30:00Z");
        let busy = Busy::from([(who.0, Ranges::one(taken))]);
        let sessions = [Session {
            start: instant(taken.from),
            providers: vec![who],
            room: None,
            equipment: Vec::new(),
            left: 3,
        }];
        let needs = Wish {
            capacity: 8,
            ..wish(from, until)
        };
        let found = search(&calendar, &busy, &[vec![who]], &[], &sessions, &needs);
        let left: Vec<i32> = found.iter().map(|found| found.left).collect();
        assert_eq!(left, [3, 8]);
    }

    proptest! {
        /// What is found is what a look at every minute finds.
        #[test]
        fn nothing_free_is_missed_and_nothing_taken_is_offered(
            taken in proptest::collection::vec((0..600_i64, 1..90_i64), 0..12),
            room_taken in proptest::collection::vec((0..600_i64, 1..90_i64), 0..6),
            (before, after, align) in (0..30_i64, 1..60_i64, 1..45_u32),
        ) {
            let who = provider(1);
            let rooms = [room(10), room(11)];
            let (from, until) = ("2026-06-02T04:00:00Z", "2026-06-03T04:00:00Z");
            let calendar = calendar(New_York, from, until, who.0, vec![daily("08:00", "12:00"), daily("13:00", "17:00")]);
            // Minutes past eight.
            let eight = at("2026-06-02T12:00:00Z").timestamp_micros();
            let spans = |taken: &[(i64, i64)]| Ranges::of(taken.iter().map(|(start, length)| Span {
                from: eight + start * MINUTE, until: eight + (start + length) * MINUTE }));
            let busy = Busy::from([(who.0, spans(&taken)), (rooms[0].id.0, spans(&room_taken)), (rooms[1].id.0, spans(&taken))]);
            let needs = Wish { before: before * MINUTE, after: after * MINUTE, align, needs_room: true, limit: 2_000, ..wish(from, until) };
            let found = search(&calendar, &busy, &[vec![who]], &rooms, &[], &needs);
            let works = calendar.works(who.0);
            let mut expected = Vec::new();
            for minute in -480..960_i64 {
                let start = eight + minute * MINUTE;
                let needed = Span { from: start - needs.before, until: start + needs.after };
                let clear = |id: Uuid| busy.get(&id).is_none_or(|busy| busy.intersect(&Ranges::one(needed)).is_empty());
                let aligned = (minute + 480) % i64::from(align) == 0;
                let inside = needed.from >= calendar.window.from && needed.until <= calendar.window.until;
                if aligned && inside && works.holds(needed) && clear(who.0) && rooms.iter().any(|room| clear(room.id.0)) {
                    expected.push(instant(start));
                }
            }
            let found: Vec<Instant> = found.iter().map(|found| found.start).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
