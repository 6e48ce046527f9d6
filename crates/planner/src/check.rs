//! Is the problem one? Every fault is named by where it stands and which rule it breaks; values are not repeated.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use serde::Serialize;

use crate::grid::TICKS;
use crate::problem::{Asset, Interval, Limits, Problem, Request};

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// JSON pointer into the problem.
    pub pointer: String,
    pub rule: &'static str,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}: {}", self.pointer, self.rule)
    }
}

/// What one search should not be asked for.
const MOST_REQUESTS: usize = 20_000;
const MOST_DAYS: usize = 92;
const MOST_RESOURCES: usize = 2_000;
const MOST_WEIGHT: i64 = 1_000_000;
/// A room and kinds of equipment.
pub const MOST_NEEDS: usize = 6;

struct Faults<'a> {
    problem: &'a Problem,
    found: Vec<Fault>,
    providers: HashSet<&'a str>,
    facilities: HashSet<&'a str>,
}

/// All faults of the problem, none if it can be solved.
pub fn faults(problem: &Problem) -> Vec<Fault> {
    let facilities = problem
        .providers
        .iter()
        .flat_map(|provider| &provider.working)
        .map(|working| working.facility.as_str())
        .chain(
            problem
                .providers
                .iter()
                .flat_map(|it| &it.on_call)
                .map(|it| it.facility.as_str()),
        )
        .chain(problem.rooms.iter().map(|room| room.facility.as_str()))
        .chain(problem.equipment.iter().map(|unit| unit.facility.as_str()))
        .collect();
    let mut faults = Faults {
        problem,
        found: Vec::new(),
        providers: problem.providers.iter().map(|it| it.id.as_str()).collect(),
        facilities,
    };
    faults.sizes();
    faults.weights();
    if faults.found.is_empty() {
        faults.resources();
        faults.travel();
        for (index, request) in problem.requests.iter().enumerate() {
            faults.request(index, request);
        }
    }
    faults.found
}

impl Faults<'_> {
    fn say(&mut self, pointer: impl Into<String>, rule: &'static str) {
        if self.found.len() < 100 {
            self.found.push(Fault {
                pointer: pointer.into(),
                rule,
            });
        }
    }

    fn demand(&mut self, holds: bool, pointer: impl Into<String>, rule: &'static str) {
        if !holds {
            self.say(pointer, rule);
        }
    }

    fn sizes(&mut self) {
        let it = self.problem;
        self.demand(
            (1..=60).contains(&it.tick_minutes),
            "/tick_minutes",
            "between 1 and 60",
        );
        self.demand(
            (1..=MOST_DAYS).contains(&it.days.len()),
            "/days",
            "between 1 and 92 days",
        );
        self.demand(
            it.requests.len() <= MOST_REQUESTS,
            "/requests",
            "at most 20000",
        );
        for (pointer, count) in [
            ("/providers", it.providers.len()),
            ("/rooms", it.rooms.len()),
            ("/equipment", it.equipment.len()),
        ] {
            self.demand(count <= MOST_RESOURCES, pointer, "at most 2000");
        }
        for (index, day) in it.days.iter().enumerate() {
            let pointer = format!("/days/{index}/minutes");
            self.demand(
                (1..=1560).contains(&day.minutes),
                pointer,
                "between 1 and 1560",
            );
        }
        let mut dates = HashSet::new();
        for (index, day) in it.days.iter().enumerate() {
            let pointer = format!("/days/{index}/date");
            self.demand(is_date(&day.date), pointer.clone(), "a date: YYYY-MM-DD");
            self.demand(dates.insert(&day.date), pointer, "named twice");
        }
        self.unique("/providers", it.providers.iter().map(|it| &it.id));
        self.unique("/rooms", it.rooms.iter().map(|it| &it.id));
        self.unique("/equipment", it.equipment.iter().map(|it| &it.id));
        self.unique("/requests", it.requests.iter().map(|it| &it.id));
    }

    fn unique<T: Hash + Eq>(&mut self, pointer: &str, ids: impl Iterator<Item = T>) {
        let mut seen = HashSet::new();
        for (index, id) in ids.enumerate() {
            self.demand(
                seen.insert(id),
                format!("{pointer}/{index}/id"),
                "named twice",
            );
        }
    }

    fn weights(&mut self) {
        let weights = self.problem.weights;
        let graded = [
            ("unplaced", weights.unplaced),
            ("wait_per_day", weights.wait_per_day),
            ("wait_per_hour", weights.wait_per_hour),
        ]
        .map(|(name, by)| (name, by.low.min(by.medium).min(by.high).min(by.urgent), by));
        for (name, least, by) in graded {
            let most = by.low.max(by.medium).max(by.high).max(by.urgent);
            self.demand(
                least >= 0 && most <= MOST_WEIGHT,
                format!("/weights/{name}"),
                "between 0 and 1000000",
            );
        }
        for (name, weight) in [
            ("preferred_time", weights.preferred_time),
            ("preferred_provider", weights.preferred_provider),
            ("continuity", weights.continuity),
            ("moved", weights.moved),
            ("moved_day", weights.moved_day),
            ("moved_provider", weights.moved_provider),
            ("cancelled", weights.cancelled),
        ] {
            self.demand(
                (0..=MOST_WEIGHT).contains(&weight),
                format!("/weights/{name}"),
                "between 0 and 1000000",
            );
        }
    }

    fn interval(&mut self, pointer: &str, day: usize, from: u32, to: u32) {
        match self.problem.days.get(day) {
            None => self.say(format!("{pointer}/day"), "no such day"),
            Some(it) => {
                let fits = from < to && to <= it.minutes;
                self.demand(fits, pointer, "`from` before `to`, and both within the day");
            }
        }
    }

    fn intervals(&mut self, pointer: &str, intervals: &[Interval]) {
        for (index, it) in intervals.iter().enumerate() {
            self.interval(&format!("{pointer}/{index}"), it.day, it.from, it.to);
        }
    }

    fn resources(&mut self) {
        let problem = self.problem;
        let (mut opens, mut closes) = (u32::MAX, 0);
        for (index, provider) in problem.providers.iter().enumerate() {
            for (nth, it) in provider.working.iter().enumerate() {
                let pointer = format!("/providers/{index}/working/{nth}");
                self.interval(&pointer, it.day, it.from, it.to);
                opens = opens.min(it.from);
                closes = closes.max(it.to);
            }
            for (nth, it) in provider.on_call.iter().enumerate() {
                let pointer = format!("/providers/{index}/on_call/{nth}");
                self.interval(&pointer, it.day, it.from, it.to);
                opens = opens.min(it.from);
                closes = closes.max(it.to);
            }
            for (nth, it) in provider.taken.iter().enumerate() {
                let pointer = format!("/providers/{index}/taken/{nth}");
                self.interval(&pointer, it.day, it.from, it.to);
            }
            self.limits(&format!("/providers/{index}/limits"), &provider.limits);
        }
        let tick = problem.tick_minutes;
        let span = closes.div_ceil(tick).saturating_sub(opens / tick);
        self.demand(
            opens > closes || (span as usize) <= TICKS,
            "/tick_minutes",
            "too fine: the longest span of work exceeds 320 ticks",
        );
        let mut assets = |name: &str, list: &[Asset]| {
            for (index, it) in list.iter().enumerate() {
                self.intervals(&format!("/{name}/{index}/available"), &it.available);
                self.intervals(&format!("/{name}/{index}/on_call"), &it.on_call);
            }
        };
        assets("rooms", &problem.rooms);
        assets("equipment", &problem.equipment);
    }

    fn limits(&mut self, pointer: &str, limits: &Limits) {
        let days = self.problem.days.len();
        for (index, most) in limits.most.iter().enumerate() {
            let known = most.days.iter().all(|day| *day < days);
            self.demand(known, format!("{pointer}/most/{index}/days"), "no such day");
        }
        let known = limits.through.iter().all(|day| *day < days);
        self.demand(known, format!("{pointer}/through"), "no such day");
        self.demand(
            limits.rest <= 2880,
            format!("{pointer}/rest"),
            "at most 2880",
        );
    }

    /// Somebody who works in two places on one day needs to know the way.
    fn travel(&mut self) {
        let problem = self.problem;
        let known: HashMap<(&str, &str), u32> = problem
            .travel
            .iter()
            .map(|it| ((it.from.as_str(), it.to.as_str()), it.minutes))
            .collect();
        for (index, it) in problem.travel.iter().enumerate() {
            self.demand(
                it.minutes <= 1440,
                format!("/travel/{index}/minutes"),
                "at most 1440",
            );
        }
        for (index, provider) in problem.providers.iter().enumerate() {
            let working = provider.working.iter().map(|it| (it.day, &it.facility));
            let on_call = provider.on_call.iter().map(|it| (it.day, &it.facility));
            let mut places: Vec<_> = working.chain(on_call).collect();
            places.sort_unstable();
            places.dedup();
            let way_missing = places.iter().any(|one| {
                places.iter().any(|other| {
                    let (a, b) = (one.1.as_str(), other.1.as_str());
                    one.0 == other.0
                        && a != b
                        && !known.contains_key(&(a, b))
                        && !known.contains_key(&(b, a))
                })
            });
            self.demand(
                !way_missing,
                format!("/providers/{index}/working"),
                "two facilities on one day without a `travel` time",
            );
        }
    }

    fn request(&mut self, index: usize, request: &Request) {
        let at = |field: &str| format!("/requests/{index}/{field}");
        let day = 1560;
        self.demand(
            (1..=day).contains(&request.duration),
            at("duration"),
            "between 1 and 1560",
        );
        self.demand(request.prep <= day, at("prep"), "at most 1560");
        self.demand(request.cleanup <= day, at("cleanup"), "at most 1560");
        if let Some(align) = request.align {
            let fits = align > 0 && align <= 1440 && align % self.problem.tick_minutes == 0;
            self.demand(fits, at("align"), "a multiple of tick_minutes");
        }
        self.intervals(&at("windows"), &request.windows);
        self.intervals(&at("preferred_windows"), &request.preferred_windows);
        let needs = usize::from(request.room.is_some()) + request.equipment.len();
        self.demand(
            needs <= MOST_NEEDS,
            at("equipment"),
            "at most six kinds with the room",
        );
        let mut kinds = HashSet::new();
        let once = request.equipment.iter().all(|kind| kinds.insert(kind));
        self.demand(once, at("equipment"), "a kind named twice");
        let known =
            |ids: &[String], all: &HashSet<&str>| ids.iter().all(|it| all.contains(it.as_str()));
        let lists = [
            ("any_of", known(&request.any_of, &self.providers)),
            ("all_of", known(&request.all_of, &self.providers)),
            (
                "preferred_providers",
                known(&request.preferred_providers, &self.providers),
            ),
            (
                "continuity",
                known(request.continuity.as_slice(), &self.providers),
            ),
            ("facilities", known(&request.facilities, &self.facilities)),
        ];
        for (field, holds) in lists {
            self.demand(holds, at(field), "names somebody or something unknown");
        }
        self.current(index, request);
    }

    fn current(&mut self, index: usize, request: &Request) {
        let Some(current) = &request.current else {
            return;
        };
        let at = |field: &str| format!("/requests/{index}/current/{field}");
        let tick = self.problem.tick_minutes;
        match self.problem.days.get(current.day) {
            None => self.say(at("day"), "no such day"),
            Some(day) => self.demand(current.start < day.minutes, at("start"), "within the day"),
        }
        self.demand(
            current.locked || current.start.is_multiple_of(tick),
            at("start"),
            "a multiple of tick_minutes, or locked",
        );
        let providers = current
            .providers
            .iter()
            .all(|it| self.providers.contains(it.as_str()));
        self.demand(providers, at("providers"), "names somebody unknown");
        let room = |id: &String| self.problem.rooms.iter().any(|it| it.id == *id);
        let unit = |id: &String| self.problem.equipment.iter().any(|it| it.id == *id);
        let rooms = current.room.iter().all(room);
        let units = current.equipment.iter().all(unit);
        self.demand(rooms, at("room"), "no such room");
        self.demand(units, at("equipment"), "no such equipment");
    }
}

/// A day of the calendar, as it is written.
fn is_date(text: &str) -> bool {
    let number = |from: usize, to: usize| {
        let digits = text.get(from..to)?;
        let plain = digits.bytes().all(|it| it.is_ascii_digit());
        plain.then(|| digits.parse::<u32>().ok()).flatten()
    };
    let bytes = text.as_bytes();
    let form = bytes.len() == 10 && bytes[4] == b'-' && bytes[7] == b'-';
    let (Some(year), Some(month), Some(day)) = (number(0, 4), number(5, 7), number(8, 10)) else {
        return false;
    };
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let last = match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    form && (1..=12).contains(&month) && (1..=last).contains(&day)
}
