//! The second half of a step: putting back, and letting others come nearer to where they would rather be.

use crate::insert::{self, Look};
use crate::model::{Model, NO_ASSETS, Slot};
use crate::search::Search;

/// Requests without a place that may try in one step.
const MOST_ABSENT: usize = 12;
/// So often in a thousand a place is passed over.
const BLINK: usize = 20;
/// So often in a thousand a step goes by reduced costs.
const GUIDED: usize = 800;
/// Pairs that are asked whether they would rather change places.
const PAIRS: usize = 20;
/// Visits elsewhere that are asked whether they would rather be where something was torn free.
const PULLS: usize = 60;

/// Somebody who could be with a provider on a day, for what it costs at least.
#[derive(Clone, Copy, Debug)]
pub struct Want {
    request: usize,
    option: usize,
    /// Index into the request's days.
    day: usize,
    least: i64,
}

/// Providers (bits) and days (bits) a request could have in an empty week.
pub struct Reach {
    providers: Vec<u64>,
    pub days: u128,
}

impl Search<'_, '_> {
    pub fn recreate(&mut self) {
        let model = self.week.model;
        self.trying.clear();
        self.trying.extend(self.removed.iter().map(|it| it.0));
        self.invite_absent();
        for request in &self.trying {
            self.touched[*request] = self.iterations;
        }
        let requests = &model.requests;
        self.rng.shuffle(&mut self.trying);
        match self.rng.below(10) {
            0..=3 => {}
            4..=6 => self
                .trying
                .sort_by_key(|it| std::cmp::Reverse(requests[*it].rank)),
            7 => self
                .trying
                .sort_by_key(|it| std::cmp::Reverse(requests[*it].length())),
            8 => self
                .trying
                .sort_by_key(|it| requests[*it].days.len() * requests[*it].options.len()),
            _ => self.trying.sort_by_key(|it| {
                let length = i64::try_from(requests[*it].length()).unwrap_or(1);
                std::cmp::Reverse(requests[*it].unplaced * 64 / length)
            }),
        }
        let guided = self.guide.is_some() && self.rng.chance(GUIDED);
        self.put_back(BLINK, guided);
        if guided {
            // Whoever is not worth the price of any place may still have what nobody paid for.
            self.put_back(0, false);
        }
    }

    fn put_back(&mut self, blink: usize, guided: bool) {
        for at in 0..self.trying.len() {
            let request = self.trying[at];
            if self.week.placed[request].is_some() {
                continue;
            }
            // Whoever had no place before finds none but where something was torn free.
            let own = self.torn_from[request] == self.iterations;
            let look = Look {
                blink,
                only: (!own).then_some(&self.torn),
            };
            let (week, rng) = (&mut *self.week, &mut self.rng);
            let found = match &self.guide {
                Some(guide) if guided => {
                    insert::guided(week, request, guide.picks(request), &look, rng)
                }
                _ => insert::best(week, request, &look, rng),
            };
            if let Some(found) = found {
                insert::put(self.week, request, found.slot);
            }
        }
    }

    /// Those without a place who could use what was torn free.
    fn invite_absent(&mut self) {
        let model = self.week.model;
        let mut providers = vec![0_u64; model.desks_of.len().div_ceil(64)];
        let mut days = 0_u128;
        for at in &self.torn_list {
            let provider = at / model.days;
            providers[provider / 64] |= 1 << (provider % 64);
            days |= 1 << (at % model.days);
        }
        let own = self.trying.len();
        self.know_absent();
        for request in &self.week.absent {
            let meets = self.reach[*request].as_ref().is_some_and(|it| {
                let mut both = it.providers.iter().zip(&providers);
                it.days & days != 0 && both.any(|(one, other)| one & other != 0)
            });
            if meets && self.torn_from[*request] != self.iterations {
                self.trying.push(*request);
            }
        }
        self.rng.shuffle(&mut self.trying[own..]);
        self.trying.truncate(own + MOST_ABSENT);
    }

    pub fn know_absent(&mut self) {
        for request in &self.week.absent {
            let model = self.week.model;
            self.reach[*request].get_or_insert_with(|| Reach::of(model, *request));
        }
    }

    /// Visits elsewhere come to where something was torn free, if that is better for them; what they leave is free then.
    pub fn pull_in(&mut self) {
        if self.wants.is_empty() {
            return;
        }
        for _ in 0..PULLS {
            let Some(at) = self.torn_list.get(self.rng.below(self.torn_list.len())) else {
                return;
            };
            let wants = &self.wants[*at];
            let Some(want) = wants.get(self.rng.below(wants.len())).copied() else {
                continue;
            };
            if self.week.own_cost(want.request) > want.least {
                self.pull(want);
            }
        }
    }

    fn pull(&mut self, want: Want) {
        let model = self.week.model;
        let wanted = &model.requests[want.request];
        let (Some(present), own) = (
            self.week.placed[want.request],
            self.week.own_cost(want.request),
        ) else {
            return;
        };
        let choice = &wanted.options[want.option];
        let day = &wanted.days[want.day];
        let starts = self.week.starts(want.request, choice, day.day);
        let better = day
            .levels
            .iter()
            .take_while(|it| choice.cost + it.cost < own);
        let mut open = better.map(|it| starts.and(&it.starts));
        let Some(open) = open.find(|it| !it.is_empty()) else {
            return;
        };
        let desk = self
            .week
            .desk_starts(choice.desks[0], day.day, wanted.profile);
        let (_, start) = insert::fit(&open, &desk, &mut self.rng);
        self.lift(want.request);
        let slot = Slot {
            option: want.option,
            day: day.day,
            start,
            assets: NO_ASSETS,
        };
        if !insert::put(self.week, want.request, slot) {
            self.week.place(want.request, present);
        }
    }

    /// Two who hold their time alike change places, if that is better for both together.
    pub fn exchange(&mut self) {
        if self.alike.is_empty() {
            return;
        }
        let model = self.week.model;
        for _ in 0..PAIRS {
            let one = self.rng.below(model.requests.len());
            let alike = &self.alike[model.requests[one].profile];
            let Some(other) = alike.get(self.rng.below(alike.len())).copied() else {
                continue;
            };
            let (Some(here), Some(there)) = (self.week.placed[one], self.week.placed[other]) else {
                continue;
            };
            let (Some(one_there), Some(other_here)) = (
                model.in_place_of(one, other, &there),
                model.in_place_of(other, one, &here),
            ) else {
                continue;
            };
            let now = self.week.own_cost(one) + self.week.own_cost(other);
            if one != other && one_there.1 + other_here.1 < now {
                self.change_places((one, here, one_there.0), (other, there, other_here.0));
            }
        }
    }

    fn change_places(&mut self, one: (usize, Slot, Slot), other: (usize, Slot, Slot)) {
        let model = self.week.model;
        self.lift(one.0);
        self.lift(other.0);
        let mut put = |(request, _, to): (usize, Slot, Slot)| {
            let choice = &model.requests[request].options[to.option];
            let open = self.week.starts(request, choice, to.day);
            open.has(to.start) && insert::put(self.week, request, to)
        };
        let first = put(one);
        if first && put(other) {
            return;
        }
        if first {
            self.week.remove(one.0);
        }
        self.week.place(one.0, one.1);
        self.week.place(other.0, other.1);
    }
}

impl Reach {
    fn of(model: &Model, request: usize) -> Self {
        let wanted = &model.requests[request];
        let mut providers = vec![0_u64; model.desks_of.len().div_ceil(64)];
        let mut days = 0_u128;
        for choice in &wanted.options {
            for day in &wanted.days {
                let open = model.empty_week_starts(request, choice, day.day);
                if day.levels.iter().all(|it| open.and(&it.starts).is_empty()) {
                    continue;
                }
                days |= 1 << day.day;
                for provider in model.providers_of(choice) {
                    providers[provider / 64] |= 1 << (provider % 64);
                }
            }
        }
        Self { providers, days }
    }
}

/// Who could be with each provider on each day.
pub fn wants(model: &Model) -> Vec<Vec<Want>> {
    let mut wants = vec![Vec::new(); model.desks_of.len() * model.days];
    for (request, wanted) in model.requests.iter().enumerate() {
        for (option, choice) in wanted.options.iter().enumerate() {
            let provider = model.desks[choice.desks[0]].provider;
            for (day, it) in wanted.days.iter().enumerate() {
                let least = choice.cost + it.levels[0].cost;
                if least < wanted.unplaced {
                    wants[provider * model.days + it.day].push(Want {
                        request,
                        option,
                        day,
                        least,
                    });
                }
            }
        }
    }
    wants
}

/// Requests that hold time alike, by profile.
pub fn alike(model: &Model) -> Vec<Vec<usize>> {
    let mut alike = vec![Vec::new(); model.profiles.len()];
    for (request, wanted) in model.requests.iter().enumerate() {
        if !wanted.locked {
            alike[wanted.profile].push(request);
        }
    }
    alike
}
