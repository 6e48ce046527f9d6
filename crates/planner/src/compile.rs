//! From names and minutes to indices and ticks. Whatever does not lie on the grid is rounded to the safe side.

use std::collections::HashMap;
use std::rc::Rc;

use crate::grid::{Grid, TICKS};
use crate::model::{
    Bounds, Choice, DayCosts, Desk, Group, Level, Model, NO_ASSETS, Profile, Slot, Wanted,
};
use crate::problem::{Problem, Request};
use crate::rules::{self, DayRules};

type Index<'a> = HashMap<&'a str, usize>;

struct Compiler<'a> {
    problem: &'a Problem,
    model: Model,
    facilities: Index<'a>,
    providers: Index<'a>,
    /// Rooms and equipment have names of their own.
    rooms: Index<'a>,
    equipment: Index<'a>,
    /// Only patients with several visits can collide with themselves.
    patients: Index<'a>,
    /// What requests call for, counted from one: nothing stands for none.
    calls: Index<'a>,
    /// Ticks of the grid that anybody works.
    span: usize,
    desk_of: HashMap<(usize, usize), usize>,
    /// (is it a room, kind, facility) → group.
    group_of: HashMap<(bool, &'a str, usize), usize>,
}

/// The problem must be without faults.
pub fn compile(problem: &Problem) -> Model {
    let mut compiler = Compiler::new(problem);
    compiler.desks();
    compiler.assets();
    compiler.travel();
    compiler.limits();
    compiler.locked();
    for request in &problem.requests {
        let wanted = compiler.request(request);
        compiler.model.requests.push(wanted);
    }
    compiler.model.pool();
    compiler.model.tabulate();
    compiler.model
}

fn index<'a>(ids: impl Iterator<Item = &'a str>) -> Index<'a> {
    let mut index = Index::new();
    for id in ids {
        let next = index.len();
        index.entry(id).or_insert(next);
    }
    index
}

fn patients_of_several_visits(problem: &Problem) -> Index<'_> {
    let mut visits: HashMap<&str, usize> = HashMap::new();
    for request in &problem.requests {
        *visits.entry(&request.patient).or_default() += 1;
    }
    let all = problem.requests.iter().map(|it| it.patient.as_str());
    index(all.filter(|patient| visits[patient] > 1))
}

impl<'a> Compiler<'a> {
    fn new(problem: &'a Problem) -> Self {
        let working = || problem.providers.iter().flat_map(|it| &it.working);
        let on_call = || problem.providers.iter().flat_map(|it| &it.on_call);
        let times = || {
            let working = working().map(|it| (it.from, it.to));
            working.chain(on_call().map(|it| (it.from, it.to)))
        };
        let opens = times().map(|it| it.0).min().unwrap_or(0);
        let closes = times().map(|it| it.1).max().unwrap_or(0);
        let origin = (opens / problem.tick_minutes) as usize;
        let assets = problem.rooms.len() + problem.equipment.len();
        let patients = patients_of_several_visits(problem);
        let several = patients.len();
        Self {
            span: (closes.div_ceil(problem.tick_minutes) as usize).saturating_sub(origin),
            problem,
            facilities: index(
                working()
                    .map(|it| it.facility.as_str())
                    .chain(on_call().map(|it| it.facility.as_str()))
                    .chain(problem.rooms.iter().map(|it| it.facility.as_str()))
                    .chain(problem.equipment.iter().map(|it| it.facility.as_str())),
            ),
            providers: index(problem.providers.iter().map(|it| it.id.as_str())),
            rooms: index(problem.rooms.iter().map(|it| it.id.as_str())),
            equipment: index(problem.equipment.iter().map(|it| it.id.as_str())),
            desk_of: HashMap::new(),
            patients,
            group_of: HashMap::new(),
            calls: index(problem.requests.iter().filter_map(|it| it.call.as_deref())),
            model: Model {
                days: problem.days.len(),
                tick: problem.tick_minutes,
                origin,
                desks: Vec::new(),
                desks_of: vec![Vec::new(); problem.providers.len()],
                desk_open: Vec::new(),
                desk_for: Vec::new(),
                limits: Vec::new(),
                facilities: Vec::new(),
                asset_uncalled: vec![Grid::EMPTY; assets * problem.days.len()],
                begins: problem
                    .days
                    .iter()
                    .scan(0, |sum, it| Some(std::mem::replace(sum, *sum + it.minutes)))
                    .collect(),
                groups: Vec::new(),
                asset_open: vec![Grid::EMPTY; assets * problem.days.len()],
                assets,
                pools: Vec::new(),
                travel: Vec::new(),
                profiles: Vec::new(),
                desk_starts: Vec::new(),
                group_starts: Vec::new(),
                requests: Vec::with_capacity(problem.requests.len()),
                patient_locked: vec![vec![Grid::EMPTY; problem.days.len()]; several],
            },
        }
    }

    /// Ticks of the grid wholly inside `from..to`.
    fn inside(&self, from: u32, to: u32) -> (usize, usize) {
        let tick = self.problem.tick_minutes;
        let from = from.div_ceil(tick) as usize;
        let to = (to / tick) as usize;
        (
            from.saturating_sub(self.model.origin),
            to.saturating_sub(self.model.origin),
        )
    }

    /// Ticks of the grid touched by `from..to`.
    fn touched(&self, from: u32, to: u32) -> (usize, usize) {
        let tick = self.problem.tick_minutes;
        let (from, to) = ((from / tick) as usize, to.div_ceil(tick) as usize);
        (
            from.saturating_sub(self.model.origin),
            to.saturating_sub(self.model.origin),
        )
    }

    fn desks(&mut self) {
        for (provider, it) in self.problem.providers.iter().enumerate() {
            for working in &it.working {
                let at = self.desk(provider, &working.facility, working.day);
                let (from, to) = self.inside(working.from, working.to);
                self.model.desk_open[at].set(from, to);
            }
        }
        self.model.desk_for = vec![self.model.desk_open.clone(); self.calls.len() + 1];
        for (provider, it) in self.problem.providers.iter().enumerate() {
            for on_call in &it.on_call {
                let Some(call) = self.calls.get(on_call.call.as_str()).copied() else {
                    continue;
                };
                let at = self.desk(provider, &on_call.facility, on_call.day);
                let (from, to) = self.inside(on_call.from, on_call.to);
                for open in &mut self.model.desk_for {
                    open.resize(self.model.desk_open.len(), Grid::EMPTY);
                }
                self.model.desk_open[at].set(from, to);
                self.model.desk_for[call + 1][at].set(from, to);
            }
        }
    }

    /// Where a provider's day in a facility stands.
    fn desk(&mut self, provider: usize, facility: &str, day: usize) -> usize {
        let facility = self.facilities[facility];
        let desk = *self.desk_of.entry((provider, facility)).or_insert_with(|| {
            self.model.desks.push(Desk { provider, facility });
            self.model.desks_of[provider].push(self.model.desks.len() - 1);
            let grids = self.model.desk_open.len() + self.model.days;
            self.model.desk_open.resize(grids, Grid::EMPTY);
            self.model.desks.len() - 1
        });
        self.model.desk_at(desk, day)
    }

    fn limits(&mut self) {
        let bits = |days: &[usize]| days.iter().fold(0, |all, day| all | 1_u128 << day);
        let bounds = self.problem.providers.iter().map(|it| {
            let limits = &it.limits;
            let most = limits.most.iter();
            (!limits.is_none()).then(|| Bounds {
                most: most
                    .map(|it| (bits(&it.days), i64::from(it.minutes)))
                    .collect(),
                rest: limits.rest,
                through: bits(&limits.through),
            })
        });
        self.model.limits = bounds.collect();
    }

    fn assets(&mut self) {
        let rooms = self.problem.rooms.iter().map(|it| (true, it));
        let units = self.problem.equipment.iter().map(|it| (false, it));
        for (asset, (is_room, it)) in rooms.chain(units).enumerate() {
            let facility = self.facilities[it.facility.as_str()];
            let group = *self
                .group_of
                .entry((is_room, it.kind.as_str(), facility))
                .or_insert_with(|| {
                    self.model.groups.push(Group {
                        room: is_room,
                        assets: Vec::new(),
                    });
                    self.model.groups.len() - 1
                });
            self.model.groups[group].assets.push(asset);
            for free in &it.available {
                let (from, to) = self.inside(free.from, free.to);
                self.model.asset_open[asset * self.model.days + free.day].set(from, to);
                self.model.asset_uncalled[asset * self.model.days + free.day].set(from, to);
            }
            for free in &it.on_call {
                let (from, to) = self.inside(free.from, free.to);
                self.model.asset_open[asset * self.model.days + free.day].set(from, to);
            }
        }
    }

    fn travel(&mut self) {
        let mut names = vec![""; self.facilities.len()];
        for (name, at) in &self.facilities {
            names[*at] = name;
        }
        let tick = self.problem.tick_minutes;
        let between = |from: &&str| {
            let to = |to: &&str| rules::travel(self.problem, from, to).div_ceil(tick) as usize;
            names.iter().map(to).collect()
        };
        self.model.travel = names.iter().map(between).collect();
        self.model.facilities = names.into_iter().map(str::to_owned).collect();
    }

    /// What is locked is taken from everybody's open time once and for all.
    fn locked(&mut self) {
        for request in &self.problem.requests {
            let Some(current) = request.current.as_ref().filter(|it| it.locked) else {
                continue;
            };
            let end = current.start + request.duration;
            let (from, to) = self.touched(
                current.start.saturating_sub(request.prep),
                end + request.cleanup,
            );
            let day = current.day;
            for provider in &current.providers {
                self.close_desks(
                    self.providers[provider.as_str()],
                    &current.facility,
                    day,
                    from,
                    to,
                );
                let minutes = request.prep + request.duration + request.cleanup;
                let begins = self.model.begins[day] + current.start;
                let from = i64::from(begins) - i64::from(request.prep);
                let held = (from, from + i64::from(minutes));
                self.count_locked(self.providers[provider.as_str()], day, held);
            }
            let rooms = current.room.iter().map(|it| self.rooms[it.as_str()]);
            let offset = self.problem.rooms.len();
            let units = current.equipment.iter();
            let units = units.map(|it| offset + self.equipment[it.as_str()]);
            for asset in rooms.chain(units).collect::<Vec<_>>() {
                self.model.asset_open[asset * self.model.days + day].clear(from, to);
            }
            if let Some(patient) = self.patients.get(request.patient.as_str()) {
                let (from, to) = self.touched(current.start, end);
                self.model.patient_locked[*patient][day].set(from, to);
            }
        }
    }

    /// What is locked takes of the limits, and there is rest before it and after it.
    fn count_locked(&mut self, provider: usize, day: usize, held: (i64, i64)) {
        let Some(mut bounds) = self.model.limits[provider].take() else {
            return;
        };
        for (days, most) in &mut bounds.most {
            if *days >> day & 1 == 1 {
                *most -= held.1 - held.0;
            }
        }
        for other in self.model.days_of_rest(day, &bounds) {
            for desk in self.model.desks_of[provider].clone() {
                let at = self.model.desk_at(desk, other);
                let mut open = self.model.desk_open[at];
                self.model.keep_rest(&mut open, bounds.rest, other, held);
                self.model.desk_open[at] = open;
            }
        }
        self.model.limits[provider] = Some(bounds);
    }

    fn close_desks(&mut self, provider: usize, facility: &str, day: usize, from: usize, to: usize) {
        for desk in self.model.desks_of[provider].clone() {
            let there = self.model.desks[desk].facility;
            let at = self.model.desk_at(desk, day);
            let (back, away) = self.facilities.get(facility).map_or((0, 0), |here| {
                (
                    self.model.travel[there][*here],
                    self.model.travel[*here][there],
                )
            });
            self.model.desk_open[at].clear(from.saturating_sub(back), to + away);
        }
    }

    fn request(&mut self, request: &'a Request) -> Wanted {
        let tick = self.problem.tick_minutes;
        let before = request.prep.div_ceil(tick) as usize;
        let after = (request.duration + request.cleanup).div_ceil(tick) as usize;
        let call = request.call.as_ref().map(|it| self.calls[it.as_str()] + 1);
        let held = Profile {
            before,
            after,
            minutes: i64::from(request.prep + request.duration + request.cleanup),
            call: call.unwrap_or(0),
        };
        let profiles = &mut self.model.profiles;
        let known = profiles.iter().position(|it| *it == held);
        let profile = known.unwrap_or_else(|| {
            profiles.push(held);
            profiles.len() - 1
        });
        let locked = request.current.as_ref().is_some_and(|it| it.locked);
        let mut wanted = Wanted {
            profile,
            before,
            after,
            visit: request.duration.div_ceil(tick) as usize,
            unplaced: rules::unplaced_goals(self.problem, request).total,
            rank: self.problem.weights.unplaced.of(request.priority),
            options: Vec::new(),
            days: Vec::new(),
            patient: self.patients.get(request.patient.as_str()).copied(),
            current: None,
            locked,
        };
        if !locked {
            wanted.options = self.options(request);
            wanted.days = self.days(request);
            wanted.current = self.current(request, &wanted);
        }
        wanted
    }

    fn options(&self, request: &Request) -> Vec<Choice> {
        let mut groups_at = vec![None; self.facilities.len()];
        for (name, facility) in &self.facilities {
            if request.facilities.is_empty() || request.facilities.iter().any(|it| it == name) {
                groups_at[*facility] = self.groups(request, *facility);
            }
        }
        let mut options = Vec::new();
        for team in rules::teams(self.problem, request) {
            let cost = rules::team_goals(self.problem, request, &team).total;
            let members: Vec<usize> = team.iter().map(|id| self.providers[*id]).collect();
            for first in &self.model.desks_of[members[0]] {
                let facility = self.model.desks[*first].facility;
                let there = |member: &usize| {
                    let mut desks = self.model.desks_of[*member].iter();
                    desks.find(|it| self.model.desks[**it].facility == facility)
                };
                let desks: Option<Vec<usize>> =
                    members.iter().map(|it| there(it).copied()).collect();
                if let (Some(desks), Some(groups)) = (desks, &groups_at[facility]) {
                    options.push(Choice {
                        cost,
                        desks,
                        groups: groups.clone(),
                        facility,
                    });
                }
            }
        }
        // The cheapest first; by desk among equals, so that a seed means the same plan twice.
        options.sort_by(|one, other| (one.cost, &one.desks).cmp(&(other.cost, &other.desks)));
        options
    }

    /// The groups of everything the request needs in a facility; nothing where a kind is missing.
    fn groups(&self, request: &Request, facility: usize) -> Option<Rc<[usize]>> {
        let room = request.room.iter().map(|kind| (true, kind));
        let units = request.equipment.iter().map(|kind| (false, kind));
        let group = |(is_room, kind): (bool, &String)| {
            let key = (is_room, kind.as_str(), facility);
            self.group_of.get(&key).copied()
        };
        room.chain(units).map(group).collect()
    }

    fn days(&self, request: &Request) -> Vec<DayCosts> {
        let mut days: Vec<DayCosts> = (0..self.model.days)
            .map(|day| DayCosts {
                day,
                levels: self.levels(request, day),
            })
            .filter(|it| !it.levels.is_empty())
            .collect();
        days.sort_by_key(|it| (it.levels[0].cost, it.day));
        days
    }

    fn levels(&self, request: &Request, day: usize) -> Vec<Level> {
        if !request.windows.is_empty() && request.windows.iter().all(|it| it.day != day) {
            return Vec::new();
        }
        let rules = DayRules::new(self.problem, request, day);
        let mut levels: Vec<Level> = Vec::new();
        // Neighbouring starts mostly cost alike.
        let mut add = |cost: i64, from: usize, to: usize| match levels
            .iter_mut()
            .find(|it| it.cost == cost)
        {
            Some(level) => level.starts.set(from, to),
            None => levels.push(Level {
                cost,
                starts: Grid::range(from, to),
            }),
        };
        let mut run: Option<(i64, usize)> = None;
        let span = self.span.min(TICKS);
        for start in 0..=span {
            let minute = self.minute(start);
            let allowed = start < span && rules.may_start(minute);
            let cost = allowed.then(|| rules.goals(minute).total);
            if run.map(|it| it.0) != cost {
                if let Some((cost, from)) = run {
                    add(cost, from, start);
                }
                run = cost.map(|cost| (cost, start));
            }
        }
        levels.sort_by_key(|it| it.cost);
        levels
    }

    fn minute(&self, start: usize) -> u32 {
        u32::try_from(start + self.model.origin).unwrap_or(u32::MAX / 100)
            * self.problem.tick_minutes
    }

    /// Where a movable appointment stands, if that is a place the rules still know.
    fn current(&self, request: &Request, wanted: &Wanted) -> Option<Slot> {
        let current = request.current.as_ref()?;
        let facility = *self.facilities.get(current.facility.as_str())?;
        let mut members: Vec<usize> = current
            .providers
            .iter()
            .map(|id| self.providers[id.as_str()])
            .collect();
        members.sort_unstable();
        let option = wanted.options.iter().position(|it| {
            let mut team: Vec<usize> = self.model.providers_of(it).collect();
            team.sort_unstable();
            it.facility == facility && team == members
        })?;
        let start = (current.start / self.problem.tick_minutes) as usize;
        let start = start.checked_sub(self.model.origin)?;
        let offset = self.problem.rooms.len();
        let rooms = current.room.iter().map(|id| self.rooms[id.as_str()]);
        let units = current.equipment.iter();
        let mut held: Vec<usize> = rooms
            .chain(units.map(|id| offset + self.equipment[id.as_str()]))
            .collect();
        let mut assets = NO_ASSETS;
        for (place, group) in assets.iter_mut().zip(wanted.options[option].groups.iter()) {
            let group = &self.model.groups[*group].assets;
            let found = held.iter().position(|asset| group.contains(asset));
            *place = found.map_or(usize::MAX, |at| held.swap_remove(at));
        }
        Some(Slot {
            option,
            day: current.day,
            start,
            assets,
        })
    }
}
