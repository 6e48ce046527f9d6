//! The first half of a step: making room.

use crate::insert;
use crate::model::{NO_ASSETS, Slot};
use crate::search::Search;

/// Visits torn out of one provider-day at most.
const LONGEST_STRING: usize = 8;

impl Search<'_, '_> {
    pub fn tear(&mut self, request: usize) {
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
        self.touched[request] = self.iterations;
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
    pub fn force(&mut self, request: usize) -> Option<usize> {
        let slot = self.somewhere(request)?;
        for other in self.week.in_the_way(request, &slot) {
            self.tear(other);
        }
        let model = self.week.model;
        let choice = &model.requests[request].options[slot.option];
        let open = self.week.starts(request, choice, slot.day);
        self.touched[request] = self.iterations;
        (open.has(slot.start) && insert::put(self.week, request, slot)).then_some(request)
    }

    /// Neighbouring visits of a few provider-days the seed could use; false where nobody stands.
    pub fn tear_strings(&mut self, around: Option<usize>) -> bool {
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

    /// Takes a request from where it stands, whatever this step has done with it before.
    pub fn lift(&mut self, request: usize) {
        if self.touched[request] == self.iterations {
            self.week.remove(request);
        } else {
            self.tear(request);
            self.trying.push(request);
        }
    }
}
