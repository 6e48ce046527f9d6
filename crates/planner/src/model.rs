//! The problem compiled for searching: names become indices, times become ticks, availability becomes grids.
//!
//! A *desk* is a provider in one facility; a provider who works in two has two desks, and a visit at one of them keeps
//! the other closed for the way between. A *group* is all rooms, or all units, of one kind in one facility. An *option*
//! is a team of providers in a facility. What a request costs depends on its option and its start alone, so the cost of
//! a plan is a sum over requests; the incremental cost and the bound rest on that.

use std::rc::Rc;

use crate::check::MOST_NEEDS;
use crate::grid::Grid;

pub struct Model {
    pub days: usize,
    pub tick: u32,
    /// Ticks from local midnight to the first tick of the grid.
    pub origin: usize,
    pub desks: Vec<Desk>,
    pub desks_of: Vec<Vec<usize>>,
    /// `[desk * days + day]`: working or on call, and not locked.
    pub desk_open: Vec<Grid>,
    /// `[call][desk * days + day]`: what is open to requests of this call; the first are those with none.
    pub desk_for: Vec<Vec<Grid>>,
    pub limits: Vec<Option<Bounds>>,
    pub groups: Vec<Group>,
    /// Rooms first, equipment after them; `[asset * days + day]`.
    pub asset_open: Vec<Grid>,
    /// What of it is open to requests without a call.
    pub asset_uncalled: Vec<Grid>,
    pub assets: usize,
    /// `[group * days + day]`: when all of a group are open, if all are open alike. Then its members need no names while
    /// the search goes on: whatever never asks for more of them than there are can be shared out among them afterwards.
    pub pools: Vec<Option<Grid>>,
    /// The minutes before each day.
    pub begins: Vec<u32>,
    pub facilities: Vec<String>,
    /// Ticks between facilities, `[from][to]`.
    pub travel: Vec<Vec<usize>>,
    pub profiles: Vec<Profile>,
    /// What an empty week leaves open, `[(desk * days + day) * profiles + profile]` and the same for groups.
    pub desk_starts: Vec<Grid>,
    pub group_starts: Vec<Grid>,
    pub requests: Vec<Wanted>,
    /// Patients with more than one visit: the ticks locked for them, by day.
    pub patient_locked: Vec<Vec<Grid>>,
}

/// How a request holds time. What holds it alike is asked for alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Profile {
    /// In ticks.
    pub before: usize,
    pub after: usize,
    /// Of work, which the grid may round up.
    pub minutes: i64,
    /// Index into `desk_for`.
    pub call: usize,
}

/// A provider's limits, what is locked taken off.
#[derive(Clone, Debug)]
pub struct Bounds {
    /// Days (bits), and the minutes left on them together.
    pub most: Vec<(u128, i64)>,
    pub rest: u32,
    pub through: u128,
}

#[derive(Clone, Copy, Debug)]
pub struct Desk {
    pub provider: usize,
    pub facility: usize,
}

#[derive(Clone, Debug)]
pub struct Group {
    /// Of rooms; else of equipment.
    pub room: bool,
    pub assets: Vec<usize>,
}

/// A request as the search sees it.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub profile: usize,
    /// Ticks held before the start and after it, and ticks of the visit itself.
    pub before: usize,
    pub after: usize,
    pub visit: usize,
    /// Cost of having no place.
    pub unplaced: i64,
    pub rank: i64,
    pub options: Vec<Choice>,
    pub days: Vec<DayCosts>,
    /// Index into `patient_locked` where another visit could collide.
    pub patient: Option<usize>,
    pub current: Option<Slot>,
    pub locked: bool,
}

impl Wanted {
    pub fn length(&self) -> usize {
        self.before + self.after
    }
}

#[derive(Clone, Debug)]
pub struct Choice {
    pub cost: i64,
    pub desks: Vec<usize>,
    pub groups: Rc<[usize]>,
    pub facility: usize,
}

/// The starts a request may have on one day, cheapest first.
#[derive(Clone, Debug)]
pub struct DayCosts {
    pub day: usize,
    pub levels: Vec<Level>,
}

#[derive(Clone, Debug)]
pub struct Level {
    pub cost: i64,
    pub starts: Grid,
}

/// A place for a request: which option, when, and with which assets (one for each of the option's groups).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    pub option: usize,
    pub day: usize,
    pub start: usize,
    pub assets: Assets,
}

pub type Assets = [usize; MOST_NEEDS];
pub const NO_ASSET: usize = usize::MAX;
pub const NO_ASSETS: Assets = [NO_ASSET; MOST_NEEDS];

impl Model {
    pub fn desk_at(&self, desk: usize, day: usize) -> usize {
        desk * self.days + day
    }

    /// What leaving out a request of middling priority costs: the measure of all other costs.
    pub fn middling(&self) -> i64 {
        let open = self.requests.iter().filter(|it| !it.locked);
        let mut ranks: Vec<i64> = open.map(|it| it.rank).collect();
        ranks.sort_unstable();
        ranks.get(ranks.len() / 2).copied().unwrap_or(0).max(1)
    }

    /// What the request costs in this slot.
    pub fn cost(&self, request: usize, slot: &Slot) -> i64 {
        let wanted = &self.requests[request];
        let level = wanted
            .days
            .iter()
            .find(|it| it.day == slot.day)
            .and_then(|it| it.levels.iter().find(|it| it.starts.has(slot.start)));
        let time = level.map_or(wanted.unplaced, |it| it.cost);
        wanted.options[slot.option].cost + time
    }

    pub fn providers_of<'a>(&'a self, choice: &'a Choice) -> impl Iterator<Item = usize> + 'a {
        choice.desks.iter().map(|desk| self.desks[*desk].provider)
    }

    /// The slot of `other` for a request, and what it costs there; nothing if that is no place for it.
    pub fn in_place_of(&self, request: usize, other: usize, slot: &Slot) -> Option<(Slot, i64)> {
        let wanted = &self.requests[request];
        let day = wanted.days.iter().find(|it| it.day == slot.day)?;
        let level = day.levels.iter().find(|it| it.starts.has(slot.start))?;
        let desks = &self.requests[other].options[slot.option].desks;
        let option = wanted.options.iter().position(|it| it.desks == *desks)?;
        let cost = wanted.options[option].cost + level.cost;
        (cost < wanted.unplaced).then_some((Slot { option, ..*slot }, cost))
    }

    /// The ticks a slot holds its resources.
    pub fn held(&self, request: usize, slot: &Slot) -> (usize, usize) {
        let wanted = &self.requests[request];
        (slot.start - wanted.before, slot.start + wanted.after)
    }

    /// The starts an empty week would leave this option on this day, whatever they cost.
    pub fn empty_week_starts(&self, request: usize, choice: &Choice, day: usize) -> Grid {
        let wanted = &self.requests[request];
        let mut starts = Grid::range(0, crate::grid::TICKS);
        for desk in &choice.desks {
            starts = starts.and(&self.open_desk_starts(*desk, day, wanted.profile));
        }
        for group in choice.groups.iter() {
            let at = group * self.days + day;
            starts = starts.and(&self.group_starts[at * self.profiles.len() + wanted.profile]);
        }
        if let Some(patient) = wanted.patient {
            let locked = &self.patient_locked[patient][day];
            let open = Grid::range(0, crate::grid::TICKS).without(locked);
            starts = starts.and(&open.starts(0, wanted.visit));
        }
        starts
    }

    pub fn open_desk_starts(&self, desk: usize, day: usize, profile: usize) -> Grid {
        self.desk_starts[self.desk_at(desk, day) * self.profiles.len() + profile]
    }

    /// What of `free` serves requests of a profile; `at` is the desk's day.
    pub fn desk_serves(&self, free: &Grid, at: usize, profile: usize) -> Grid {
        free.and(&self.desk_for[self.profiles[profile].call][at])
    }

    /// The same of an asset.
    pub fn asset_serves(&self, free: &Grid, at: usize, profile: usize) -> Grid {
        if self.profiles[profile].call == 0 {
            free.and(&self.asset_uncalled[at])
        } else {
            *free
        }
    }

    /// Which groups are open alike.
    pub fn pool(&mut self) {
        for group in &self.groups {
            for day in 0..self.days {
                let mut all = group.assets.iter().map(|it| {
                    let at = it * self.days + day;
                    (self.asset_open[at], self.asset_uncalled[at])
                });
                let first = all.next().filter(|first| all.all(|it| it == *first));
                self.pools.push(first.map(|it| it.0));
            }
        }
    }

    /// The starts of every length in an empty week: asked for often, changed never.
    pub fn tabulate(&mut self) {
        for (at, open) in self.desk_open.iter().enumerate() {
            for (profile, it) in self.profiles.iter().enumerate() {
                let open = self.desk_serves(open, at, profile);
                self.desk_starts.push(open.starts(it.before, it.after));
            }
        }
        for group in &self.groups {
            for day in 0..self.days {
                for (profile, held) in self.profiles.iter().enumerate() {
                    let assets = group.assets.iter().map(|it| it * self.days + day);
                    let starts = assets
                        .map(|at| self.asset_serves(&self.asset_open[at], at, profile))
                        .map(|open| open.starts(held.before, held.after))
                        .fold(Grid::EMPTY, |all, one| all.or(&one));
                    self.group_starts.push(starts);
                }
            }
        }
    }
}
