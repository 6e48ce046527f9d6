//! Limits of work: minutes of a day and of a week, and the rest between days.
//!
//! What they leave open depends on a provider's other days, so whatever changes one of his days makes the starts of all of them
//! stale (`count`). Visits are reckoned by the grid for rest, which is the safe side, and by the minute for sums.

use crate::grid::Grid;
use crate::model::{Bounds, Model, Profile};
use crate::week::Week;

/// A rest, two days at most, reaches so many days on.
pub const REACH: usize = 3;

impl Model {
    /// The days a rest from this one could reach, without those the same shift reaches to.
    pub fn days_of_rest(&self, day: usize, bounds: &Bounds) -> impl Iterator<Item = usize> + use<> {
        let (rest, through) = (bounds.rest, bounds.through);
        let days = day.saturating_sub(REACH)..(day + REACH + 1).min(self.days);
        days.filter(move |other| {
            let (from, to) = (day.min(*other), day.max(*other));
            rest > 0 && !(from..to).all(|it| through >> it & 1 == 1)
        })
    }

    /// The minute of a tick, counted from where the horizon begins.
    fn absolute(&self, day: usize, tick: usize) -> i64 {
        let tick = i64::try_from(tick + self.origin).unwrap_or(i64::MAX / 4096);
        i64::from(self.begins[day]) + tick * i64::from(self.tick)
    }

    /// When a visit is held, by [`Model::absolute`] minutes.
    fn held_absolutely(&self, day: usize, held: (usize, usize)) -> (i64, i64) {
        (self.absolute(day, held.0), self.absolute(day, held.1))
    }

    /// Takes from `free`, of one day, what lies less than a rest from what is held on another.
    pub fn keep_rest(&self, free: &mut Grid, rest: u32, day: usize, held: (i64, i64)) {
        let tick = i64::from(self.tick);
        let whole = |ticks: i64| usize::try_from(ticks.max(0)).unwrap_or(usize::MAX);
        let here = self.absolute(day, 0);
        if held.0 < here {
            let first = held.1 + i64::from(rest) - here;
            free.clear(0, whole((first + tick - 1).div_euclid(tick)));
        } else {
            let last = held.0 - i64::from(rest) - here;
            free.clear(whole(last.div_euclid(tick)), crate::grid::TICKS);
        }
    }
}

impl Week<'_> {
    /// Counts minutes of work; what the provider has open changes with it on all days.
    pub fn count(&mut self, provider: usize, day: usize, minutes: i64) {
        let Some(bounds) = &self.model.limits[provider] else {
            return;
        };
        for (used, (days, _)) in self.used[provider].iter_mut().zip(&bounds.most) {
            if days >> day & 1 == 1 {
                *used += minutes;
            }
        }
        for desk in &self.model.desks_of[provider] {
            for day in 0..self.model.days {
                self.desk_stamp[desk * self.model.days + day] += 1;
            }
        }
    }

    /// What limits leave of a provider's free time.
    pub fn within_limits(&self, free: Grid, provider: usize, day: usize, held: &Profile) -> Grid {
        let Some(bounds) = &self.model.limits[provider] else {
            return free;
        };
        let mut sums = self.used[provider].iter().zip(&bounds.most);
        if sums.any(|(used, (days, most))| days >> day & 1 == 1 && used + held.minutes > *most) {
            return Grid::EMPTY;
        }
        let mut free = free;
        for other in self.model.days_of_rest(day, bounds) {
            for request in &self.by_provider[provider * self.model.days + other] {
                if let Some(slot) = &self.placed[*request] {
                    let held = self.model.held(*request, slot);
                    let held = self.model.held_absolutely(other, held);
                    self.model.keep_rest(&mut free, bounds.rest, day, held);
                }
            }
        }
        free
    }

    /// Adds to `found` who else would have to go, for a provider's limits to hold.
    pub fn beyond_limits(
        &self,
        provider: usize,
        day: usize,
        held: (usize, usize),
        profile: usize,
        found: &mut Vec<usize>,
    ) {
        let model = self.model;
        let Some(bounds) = &model.limits[provider] else {
            return;
        };
        let held = model.held_absolutely(day, held);
        for other in model.days_of_rest(day, bounds) {
            let mut rested = Grid::range(0, crate::grid::TICKS);
            model.keep_rest(&mut rested, bounds.rest, other, held);
            for request in &self.by_provider[provider * model.days + other] {
                let Some(slot) = &self.placed[*request] else {
                    continue;
                };
                let (from, to) = model.held(*request, slot);
                if !Grid::range(from, to).without(&rested).is_empty() {
                    found.push(*request);
                }
            }
        }
        for (used, (days, most)) in self.used[provider].iter().zip(&bounds.most) {
            if days >> day & 1 == 0 {
                continue;
            }
            let minutes =
                |request: &usize| model.profiles[model.requests[*request].profile].minutes;
            let there = (0..model.days).filter(|it| days >> it & 1 == 1);
            let there = there.flat_map(|it| &self.by_provider[provider * model.days + it]);
            let (gone, stay): (Vec<usize>, Vec<usize>) = there.partition(|it| found.contains(it));
            let mut left =
                used + model.profiles[profile].minutes - gone.iter().map(minutes).sum::<i64>();
            for request in stay {
                if left <= *most {
                    break;
                }
                left -= minutes(&request);
                found.push(request);
            }
        }
    }
}
