//! The weeks as they stand during the search: who is placed where, what is still open, and what it all costs.
//!
//! Invariant: every placed slot lies on time that was open when it was placed, so no hard rule is ever broken. Starts
//! are cached per desk or group, day and length, and made anew when that day's grid has changed (`stamp`).

use crate::grid::{Grid, TICKS};
use crate::model::{Assets, Choice, Model, NO_ASSET, NO_ASSETS, Slot};
use crate::pools::Pools;

pub struct Week<'m> {
    pub model: &'m Model,
    pub placed: Vec<Option<Slot>>,
    pub absent: Vec<usize>,
    absent_at: Vec<usize>,
    pub cost: i64,
    /// What each placed request costs; nothing for the others.
    own_cost: Vec<i64>,
    desk_free: Vec<Grid>,
    /// Of the groups without a pool.
    asset_free: Vec<Grid>,
    pub pools: Pools,
    /// Minutes taken of each provider's limits.
    pub used: Vec<Vec<i64>>,
    /// `[provider * days + day]`, `[asset * days + day]`: the requests there.
    pub by_provider: Vec<Vec<usize>>,
    pub by_asset: Vec<Vec<usize>>,
    patient_visits: Vec<Vec<usize>>,
    pub desk_stamp: Vec<u32>,
    pub group_stamp: Vec<u32>,
    desk_starts: Vec<(u32, Grid)>,
    group_starts: Vec<(u32, Grid)>,
}

const NOWHERE: usize = usize::MAX;

impl<'m> Week<'m> {
    pub fn empty(model: &'m Model) -> Self {
        let absent: Vec<usize> = (0..model.requests.len())
            .filter(|request| !model.requests[*request].locked)
            .collect();
        let mut absent_at = vec![NOWHERE; model.requests.len()];
        for (at, request) in absent.iter().enumerate() {
            absent_at[*request] = at;
        }
        let desks = model.desk_open.len();
        let groups = model.groups.len() * model.days;
        Self {
            model,
            placed: vec![None; model.requests.len()],
            cost: absent.iter().map(|it| model.requests[*it].unplaced).sum(),
            own_cost: vec![0; model.requests.len()],
            absent,
            absent_at,
            desk_free: model.desk_open.clone(),
            asset_free: model.asset_open.clone(),
            used: model
                .limits
                .iter()
                .map(|it| vec![0; it.as_ref().map_or(0, |it| it.most.len())])
                .collect(),
            by_provider: vec![Vec::new(); model.desks_of.len() * model.days],
            pools: Pools::new(model),
            by_asset: vec![Vec::new(); model.assets * model.days],
            patient_visits: vec![Vec::new(); model.patient_locked.len()],
            desk_stamp: vec![1; desks],
            group_stamp: vec![1; groups],
            desk_starts: vec![(0, Grid::EMPTY); desks * model.profiles.len()],
            group_starts: vec![(0, Grid::EMPTY); groups * model.profiles.len()],
        }
    }

    pub fn desk_starts(&mut self, desk: usize, day: usize, profile: usize) -> Grid {
        let at = self.model.desk_at(desk, day);
        let stamp = self.desk_stamp[at];
        let place = at * self.model.profiles.len() + profile;
        if self.desk_starts[place].0 != stamp {
            let held = self.model.profiles[profile];
            let free = self.model.desk_serves(&self.desk_free[at], at, profile);
            let free = self.within_limits(free, self.model.desks[desk].provider, day, &held);
            let starts = free.starts(held.before, held.after);
            self.desk_starts[place] = (stamp, starts);
        }
        self.desk_starts[place].1
    }

    pub fn group_starts(&mut self, group: usize, day: usize, profile: usize) -> Grid {
        let at = group * self.model.days + day;
        let stamp = self.group_stamp[at];
        let place = at * self.model.profiles.len() + profile;
        if self.group_starts[place].0 != stamp {
            let held = self.model.profiles[profile];
            let mut starts = Grid::EMPTY;
            let assets = &self.model.groups[group].assets;
            let pooled = self.pools.free(self.model, group, day);
            if let Some(free) = &pooled {
                let first = assets[0] * self.model.days + day;
                let free = self.model.asset_serves(free, first, profile);
                starts = free.starts(held.before, held.after);
            }
            for asset in assets.iter().filter(|_| pooled.is_none()) {
                let at = asset * self.model.days + day;
                let free = self.model.asset_serves(&self.asset_free[at], at, profile);
                starts = starts.or(&free.starts(held.before, held.after));
            }
            self.group_starts[place] = (stamp, starts);
        }
        self.group_starts[place].1
    }

    /// What is free of a desk's day, limits of work left aside.
    pub fn free(&self, at: usize) -> Grid {
        self.desk_free[at]
    }

    /// Ticks at which all of a group is held.
    pub fn group_taken(&self, group: usize, day: usize) -> Grid {
        let free = self.pools.free(self.model, group, day).unwrap_or_else(|| {
            let assets = self.model.groups[group].assets.iter();
            let free = assets.map(|it| &self.asset_free[it * self.model.days + day]);
            free.fold(Grid::EMPTY, |all, one| all.or(one))
        });
        Grid::range(0, TICKS).without(&free)
    }

    /// How many of a group are free at a tick.
    pub fn group_left(&self, group: usize, day: usize, tick: usize) -> f64 {
        let (at, assets) = (
            group * self.model.days + day,
            &self.model.groups[group].assets,
        );
        let left = match &self.model.pools[at] {
            Some(open) if open.has(tick) => assets.len().saturating_sub(self.pools.held(at, tick)),
            Some(_) => 0,
            None => {
                let free = |it: &&usize| self.asset_free[**it * self.model.days + day].has(tick);
                assets.iter().filter(free).count()
            }
        };
        f64::from(u32::try_from(left).unwrap_or(u32::MAX))
    }

    /// The starts at which the patient is with nobody else.
    pub fn patient_starts(&self, request: usize, day: usize) -> Option<Grid> {
        let wanted = &self.model.requests[request];
        let patient = wanted.patient?;
        let mut open = Grid::range(0, TICKS).without(&self.model.patient_locked[patient][day]);
        for other in &self.patient_visits[patient] {
            if let Some(slot) = self.placed[*other].filter(|it| it.day == day && *other != request)
            {
                open.clear(slot.start, slot.start + self.model.requests[*other].visit);
            }
        }
        Some(open.starts(0, wanted.visit))
    }

    /// Where the option may start on this day, whatever the request's own windows say.
    pub fn starts(&mut self, request: usize, choice: &Choice, day: usize) -> Grid {
        let profile = self.model.requests[request].profile;
        let mut starts = self.desk_starts(choice.desks[0], day, profile);
        for desk in &choice.desks[1..] {
            starts = starts.and(&self.desk_starts(*desk, day, profile));
        }
        for group in choice.groups.iter() {
            if starts.is_empty() {
                return starts;
            }
            starts = starts.and(&self.group_starts(*group, day, profile));
        }
        if let Some(patient) = self.patient_starts(request, day) {
            starts = starts.and(&patient);
        }
        starts
    }

    /// One free asset of each group without a pool, the one that leaves the fewest splinters; the wished one where it is free.
    pub fn choose_assets(&self, request: usize, slot: &Slot, wished: &Assets) -> Option<Assets> {
        let choice = &self.model.requests[request].options[slot.option];
        let profile = self.model.requests[request].profile;
        let (from, to) = self.model.held(request, slot);
        let mut assets = NO_ASSETS;
        for (place, group) in choice.groups.iter().enumerate() {
            if let Some(free) = self.pools.free(self.model, *group, slot.day) {
                let first = self.model.groups[*group].assets[0] * self.model.days + slot.day;
                let open = self.model.asset_serves(&free, first, profile);
                if Grid::range(from, to).without(&open).is_empty() {
                    continue;
                }
                return None;
            }
            let free = |asset: &&usize| {
                let at = **asset * self.model.days + slot.day;
                let open = self.model.asset_serves(&self.asset_free[at], at, profile);
                Grid::range(from, to).without(&open).is_empty()
            };
            let splinters = |asset: &&usize| {
                let open = &self.asset_free[**asset * self.model.days + slot.day];
                let left = from > 0 && open.has(from - 1);
                (
                    **asset != wished[place],
                    usize::from(left) + usize::from(open.has(to)),
                )
            };
            let all = self.model.groups[*group].assets.iter();
            assets[place] = *all.filter(free).min_by_key(splinters)?;
        }
        Some(assets)
    }

    /// What a request costs where it stands; nothing while it stands nowhere.
    pub fn own_cost(&self, request: usize) -> i64 {
        self.own_cost[request]
    }

    /// The slot must be open.
    pub fn place(&mut self, request: usize, slot: Slot) {
        let model = self.model;
        let wanted = &model.requests[request];
        let cost = model.cost(request, &slot);
        self.own_cost[request] = cost;
        self.cost += cost - wanted.unplaced;
        self.placed[request] = Some(slot);
        let at = std::mem::replace(&mut self.absent_at[request], NOWHERE);
        self.absent.swap_remove(at);
        if let Some(moved) = self.absent.get(at) {
            self.absent_at[*moved] = at;
        }
        if let Some(patient) = wanted.patient {
            self.patient_visits[patient].push(request);
        }
        let choice = &wanted.options[slot.option];
        for provider in model.providers_of(choice) {
            self.by_provider[provider * model.days + slot.day].push(request);
            self.count(provider, slot.day, model.profiles[wanted.profile].minutes);
        }
        let (from, to) = model.held(request, &slot);
        self.hold(choice, &slot, from, to, false);
        for group in choice.groups.iter() {
            self.pools
                .hold(model, *group, slot.day, (request, from, to));
        }
        for asset in slot.assets.iter().filter(|it| **it != NO_ASSET) {
            self.by_asset[asset * model.days + slot.day].push(request);
        }
    }

    /// Takes the request out; it must be placed.
    pub fn remove(&mut self, request: usize) -> Option<Slot> {
        let model = self.model;
        let wanted = &model.requests[request];
        let slot = self.placed[request].take()?;
        self.cost -= std::mem::take(&mut self.own_cost[request]) - wanted.unplaced;
        self.absent_at[request] = self.absent.len();
        self.absent.push(request);
        if let Some(patient) = wanted.patient {
            self.patient_visits[patient].retain(|other| *other != request);
        }
        let choice = &wanted.options[slot.option];
        for provider in model.providers_of(choice) {
            forget(
                &mut self.by_provider[provider * model.days + slot.day],
                request,
            );
            self.count(provider, slot.day, -model.profiles[wanted.profile].minutes);
        }
        let (from, to) = model.held(request, &slot);
        for group in choice.groups.iter() {
            self.pools
                .release(model, *group, slot.day, (request, from, to));
        }
        for asset in slot.assets.iter().filter(|it| **it != NO_ASSET) {
            forget(&mut self.by_asset[asset * model.days + slot.day], request);
        }
        self.hold(choice, &slot, from, to, true);
        Some(slot)
    }

    /// Opens or closes `from..to` for the desks and assets of a slot.
    fn hold(&mut self, choice: &Choice, slot: &Slot, from: usize, to: usize, open: bool) {
        let model = self.model;
        let change = |grid: &mut Grid| {
            if open {
                grid.set(from, to);
            } else {
                grid.clear(from, to);
            }
        };
        for desk in &choice.desks {
            let provider = model.desks[*desk].provider;
            if model.desks_of[provider].len() > 1 {
                self.renew_desks(provider, slot.day);
            } else {
                let at = model.desk_at(*desk, slot.day);
                change(&mut self.desk_free[at]);
                self.desk_stamp[at] += 1;
            }
        }
        for group in choice.groups.iter() {
            self.group_stamp[group * model.days + slot.day] += 1;
        }
        for asset in slot.assets.iter().filter(|it| **it != NO_ASSET) {
            change(&mut self.asset_free[asset * model.days + slot.day]);
        }
    }

    /// All desks of somebody who works in several places: a visit at one closes the others for the way there and back.
    fn renew_desks(&mut self, provider: usize, day: usize) {
        let model = self.model;
        for desk in &model.desks_of[provider] {
            let at = model.desk_at(*desk, day);
            let here = model.desks[*desk].facility;
            let mut free = model.desk_open[at];
            for other in &self.by_provider[provider * model.days + day] {
                if let Some(slot) = &self.placed[*other] {
                    let there = model.requests[*other].options[slot.option].facility;
                    let (from, to) = model.held(*other, slot);
                    let from = from.saturating_sub(model.travel[here][there]);
                    free.clear(from, to + model.travel[there][here]);
                }
            }
            self.desk_free[at] = free;
            self.desk_stamp[at] += 1;
        }
    }

    /// Who would have to go for the request to stand in this slot: on its desks, with its patient, and in the assets
    /// held by the fewest.
    pub fn in_the_way(&self, request: usize, slot: &Slot) -> Vec<usize> {
        let model = self.model;
        let wanted = &model.requests[request];
        let choice = &wanted.options[slot.option];
        let (from, to) = model.held(request, slot);
        let overlaps = |other: &usize, extra: usize| {
            self.placed[*other].as_ref().is_some_and(|it| {
                let (start, end) = model.held(*other, it);
                start < to + extra && from < end + extra
            })
        };
        let mut found = Vec::new();
        for provider in model.providers_of(choice) {
            for other in &self.by_provider[provider * model.days + slot.day] {
                let there = self.placed[*other].map_or(choice.facility, |it| {
                    model.requests[*other].options[it.option].facility
                });
                let way =
                    model.travel[choice.facility][there].max(model.travel[there][choice.facility]);
                if overlaps(other, way) {
                    found.push(*other);
                }
            }
        }
        for group in choice.groups.iter() {
            if model.pools[group * model.days + slot.day].is_some() {
                self.pools
                    .in_the_way(model, *group, slot.day, (from, to), &mut found);
                continue;
            }
            let held = Grid::range(from, to);
            let assets = model.groups[*group].assets.iter().filter(|asset| {
                let at = **asset * model.days + slot.day;
                let open = model.asset_serves(&model.asset_open[at], at, wanted.profile);
                held.without(&open).is_empty()
            });
            let holders = assets.map(|asset| {
                let all = self.by_asset[asset * model.days + slot.day].iter();
                all.filter(|other| overlaps(other, 0) && !found.contains(*other))
                    .copied()
                    .collect::<Vec<_>>()
            });
            if let Some(fewest) = holders.min_by_key(Vec::len) {
                found.extend(fewest);
            }
        }
        for provider in model.providers_of(choice) {
            self.beyond_limits(provider, slot.day, (from, to), wanted.profile, &mut found);
        }
        if let Some(patient) = wanted.patient {
            let visits = self.patient_visits[patient].iter().copied();
            found.extend(
                visits.filter(|other| self.placed[*other].is_some_and(|it| it.day == slot.day)),
            );
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

fn forget(list: &mut Vec<usize>, request: usize) {
    if let Some(at) = list.iter().position(|other| *other == request) {
        list.swap_remove(at);
    }
}
