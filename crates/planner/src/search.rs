//! Ruin and recreate with late acceptance: tear neighbouring visits out of a few provider-days, put them and what was
//! left out back in another order, and keep the result if it costs no more than the plan some hundred steps ago.
//!
//! Every step is undone or kept by the slots it changed; nothing is copied but a new best.

use std::time::{Duration, Instant};

use crate::insert::{self, Look};
use crate::model::{Model, NO_ASSETS, Slot};
use crate::rng::Rng;
use crate::week::Week;

/// How long to look. By iterations, the same seed gives the same plan everywhere.
#[derive(Clone, Copy, Debug)]
pub enum Budget {
    Iterations(u64),
    Time(Duration),
}

/// Steps the current plan is compared back over.
const MEMORY: usize = 400;
/// Steps without a better plan after which the search is widened.
const PATIENCE: u64 = 25_000;
/// Visits torn out of one provider-day at most.
const LONGEST_STRING: usize = 8;
/// Requests without a place that may try in one step.
const MOST_ABSENT: usize = 12;
const BLINK: usize = 20;

pub struct Search<'w, 'm> {
    week: &'w mut Week<'m>,
    rng: Rng,
    /// `[provider * days + day]`: what this step has torn at.
    torn: Vec<bool>,
    torn_list: Vec<usize>,
    removed: Vec<(usize, Slot)>,
    trying: Vec<usize>,
    /// The step in which each request was last torn out.
    torn_from: Vec<u64>,
    /// Providers (bits) and days (bits) of each request.
    reach: Vec<(Vec<u64>, u128)>,
    memory: Vec<i64>,
    best: Vec<Option<Slot>>,
    best_cost: i64,
    /// The step that found the best, or the last one to widen the search again.
    fresh: u64,
    pub iterations: u64,
}

impl<'w, 'm> Search<'w, 'm> {
    pub fn new(week: &'w mut Week<'m>, rng: Rng) -> Self {
        let model = week.model;
        let provider_days = model.desks_of.len() * model.days;
        Self {
            rng,
            torn: vec![false; provider_days],
            torn_list: Vec::new(),
            removed: Vec::new(),
            trying: Vec::new(),
            torn_from: vec![0; model.requests.len()],
            reach: (0..model.requests.len())
                .map(|request| reach(model, request))
                .collect(),
            memory: vec![week.cost; MEMORY],
            best: week.placed.clone(),
            best_cost: week.cost,
            fresh: 0,
            iterations: 0,
            week,
        }
    }

    /// Improves the week until the budget is spent, and leaves it at its best.
    pub fn run(&mut self, budget: Budget) {
        let begun = Instant::now();
        loop {
            let spent = match budget {
                Budget::Iterations(most) => self.iterations >= most,
                Budget::Time(most) => self.iterations.is_multiple_of(16) && begun.elapsed() >= most,
            };
            if spent || !self.step(None) {
                break;
            }
        }
        self.restore_best();
    }

    /// The same, only around one request.
    pub fn run_around(&mut self, request: usize, iterations: u64) {
        while self.iterations < iterations && self.step(Some(request)) {}
        self.restore_best();
    }

    /// One step; false when there is nothing to try.
    fn step(&mut self, around: Option<usize>) -> bool {
        self.iterations += 1;
        let before = self.week.cost;
        for at in self.torn_list.drain(..) {
            self.torn[at] = false;
        }
        self.removed.clear();
        let absent = self.week.absent.len();
        let forced = match around {
            Some(request) if self.week.placed[request].is_none() => Some(request),
            _ if absent > 0 && self.rng.chance(250) => {
                Some(self.week.absent[self.rng.below(absent)])
            }
            _ => None,
        };
        let forced = forced.and_then(|request| self.force(request));
        if forced.is_none() && !self.tear_strings(around) {
            return absent > 0 && around.is_none();
        }
        self.recreate();
        let now = self.week.cost;
        let place = usize::try_from(self.iterations).unwrap_or(0) % MEMORY;
        if now <= before || now <= self.memory[place] {
            if now < self.best_cost {
                self.best_cost = now;
                self.fresh = self.iterations;
                self.best.clone_from(&self.week.placed);
            }
        } else {
            self.undo(forced);
        }
        let cost = self.week.cost;
        self.memory[place] = self.memory[place].min(cost);
        if self.iterations - self.fresh > PATIENCE {
            self.widen();
        }
        true
    }

    /// Stuck: lets the plan get worse again for a while.
    fn widen(&mut self) {
        self.fresh = self.iterations;
        let requests = self.week.model.requests.iter();
        let dearest = requests.map(|it| it.rank).max().unwrap_or(0);
        let room = self
            .rng
            .below(usize::try_from(dearest / 6).unwrap_or(0) + 2);
        self.memory
            .fill(self.week.cost + i64::try_from(room).unwrap_or(0));
    }

    fn tear(&mut self, request: usize) {
        let model = self.week.model;
        let Some(slot) = self.week.remove(request) else {
            return;
        };
        let choice = &model.requests[request].options[slot.option];
        for provider in model.providers_of(choice) {
            let at = provider * model.days + slot.day;
            if !self.torn[at] {
                self.torn[at] = true;
                self.torn_list.push(at);
            }
        }
        self.torn_from[request] = self.iterations;
        self.removed.push((request, slot));
    }

    /// Some place where a request could stand in an empty week, at random.
    fn somewhere(&mut self, request: usize) -> Option<Slot> {
        let model = self.week.model;
        let wanted = &model.requests[request];
        if wanted.options.is_empty() || wanted.days.is_empty() {
            return None;
        }
        let option = self.rng.below(wanted.options.len());
        // Earlier, cheaper days are likelier.
        let day = self.rng.below(wanted.days.len());
        let day = &wanted.days[self.rng.below(day + 1)];
        let choice = &wanted.options[option];
        let open = model.empty_week_starts(request, choice, day.day);
        let worth = wanted.unplaced - choice.cost;
        let levels = day.levels.iter().take_while(|it| it.cost < worth);
        let starts = levels.fold(crate::grid::Grid::EMPTY, |all, it| all.or(&it.starts));
        let starts = starts.and(&open);
        let start = starts.nth(self.rng.below(starts.count()))?;
        Some(Slot {
            option,
            day: day.day,
            start,
            assets: NO_ASSETS,
        })
    }

    /// Puts a request somewhere and whoever was there out.
    fn force(&mut self, request: usize) -> Option<usize> {
        let slot = self.somewhere(request)?;
        for other in self.week.in_the_way(request, &slot) {
            self.tear(other);
        }
        let model = self.week.model;
        let choice = &model.requests[request].options[slot.option];
        let open = self.week.starts(request, choice, slot.day);
        (open.has(slot.start) && insert::put(self.week, request, slot)).then_some(request)
    }

    /// Neighbouring visits of a few provider-days the seed could use; false where nobody stands.
    fn tear_strings(&mut self, around: Option<usize>) -> bool {
        let model = self.week.model;
        let seed = around.unwrap_or_else(|| self.rng.below(model.requests.len()));
        let Some(centre) = self.week.placed[seed].or_else(|| self.somewhere(seed)) else {
            return self.week.absent.len() < model.requests.len();
        };
        let wanted = &model.requests[seed];
        let strings = 1 + self.rng.below(3);
        let longest = 1 + self.rng.below(LONGEST_STRING);
        let mut at = (centre.option, centre.day);
        for _ in 0..strings {
            let choice = &wanted.options[at.0];
            let provider = model.desks[choice.desks[0]].provider;
            self.tear_string(provider * model.days + at.1, centre.start, longest);
            at.0 = self.rng.below(wanted.options.len());
            if self.rng.chance(500) {
                at.1 = wanted.days[self.rng.below(wanted.days.len())].day;
            }
        }
        true
    }

    fn tear_string(&mut self, provider_day: usize, centre: usize, longest: usize) {
        if self.torn[provider_day] {
            return;
        }
        let week = &self.week;
        let start = |request: &usize| week.placed[*request].map_or(0, |it| it.start);
        let mut there: Vec<usize> = week.by_provider[provider_day].clone();
        if there.is_empty() {
            return;
        }
        there.sort_unstable_by_key(start);
        let nearest = (0..there.len()).min_by_key(|at| start(&there[*at]).abs_diff(centre));
        let length = (1 + self.rng.below(longest)).min(there.len());
        let back = self.rng.below(length);
        let first = nearest
            .unwrap_or(0)
            .saturating_sub(back)
            .min(there.len() - length);
        for request in &there[first..first + length] {
            self.tear(*request);
        }
    }

    fn recreate(&mut self) {
        let model = self.week.model;
        self.trying.clear();
        self.trying.extend(self.removed.iter().map(|it| it.0));
        self.invite_absent();
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
        for at in 0..self.trying.len() {
            let request = self.trying[at];
            // Whoever had no place before finds none but where something was torn free.
            let own = self.torn_from[request] == self.iterations;
            let look = Look {
                blink: BLINK,
                only: (!own).then_some(&self.torn),
            };
            if let Some(found) = insert::best(self.week, request, &look, &mut self.rng) {
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
        for request in &self.week.absent {
            let (mine, my_days) = &self.reach[*request];
            let meets = mine
                .iter()
                .zip(&providers)
                .any(|(one, other)| one & other != 0);
            if meets && my_days & days != 0 && self.torn_from[*request] != self.iterations {
                self.trying.push(*request);
            }
        }
        self.rng.shuffle(&mut self.trying[own..]);
        self.trying.truncate(own + MOST_ABSENT);
    }

    fn undo(&mut self, forced: Option<usize>) {
        for request in self.trying.iter().copied().chain(forced) {
            if self.week.placed[request].is_some() {
                self.week.remove(request);
            }
        }
        for (request, slot) in &self.removed {
            self.week.place(*request, *slot);
        }
    }

    fn restore_best(&mut self) {
        if self.week.cost == self.best_cost {
            return;
        }
        let changed: Vec<usize> = (0..self.best.len())
            .filter(|at| self.best[*at] != self.week.placed[*at])
            .collect();
        for request in &changed {
            if self.week.placed[*request].is_some() {
                self.week.remove(*request);
            }
        }
        for request in changed {
            if let Some(slot) = self.best[request] {
                self.week.place(request, slot);
            }
        }
    }
}

fn reach(model: &Model, request: usize) -> (Vec<u64>, u128) {
    let wanted = &model.requests[request];
    let mut providers = vec![0_u64; model.desks_of.len().div_ceil(64)];
    for choice in &wanted.options {
        for provider in model.providers_of(choice) {
            providers[provider / 64] |= 1 << (provider % 64);
        }
    }
    let days = wanted.days.iter().fold(0, |all, it| all | 1_u128 << it.day);
    (providers, days)
}
