//! Ruin and recreate: tear neighbouring visits out of a few provider-days (`tear`), put them and what was left out back in
//! another order (`mend`), and keep the result if it is better, or not worse by more than chance allows; less is allowed the
//! longer it goes on (simulated annealing over the whole budget). Most steps leave less to chance: they fill a few holes exactly
//! (`holes`).
//!
//! Every step is undone or kept by the slots it changed; nothing is copied but a new best.

use std::time::{Duration, Instant};

use crate::guide::Guide;
use crate::holes::Holes;
use crate::mend::{Reach, Want, alike, wants};
use crate::model::Slot;
use crate::rng::Rng;
use crate::week::Week;

/// How long to look. By iterations, the same seed gives the same plan everywhere.
#[derive(Clone, Copy, Debug)]
pub enum Budget {
    Iterations(u64),
    Time(Duration),
}

/// Steps between two looks at the clock.
const ROUND: u64 = 16;
/// How much worse a plan may get in a step, about, at the beginning and at the end: in shares of what leaving out a request
/// of middling priority costs.
const HOT: f64 = 1.0 / 24.0;
/// With fewer requests than these it begins hotter in proportion, up to so many times: each has more steps to settle in.
const MANY: f64 = 240.0;
const HOTTEST: f64 = 4.0;
const COLD: f64 = 1.0 / 1000.0;
/// So often in a thousand a step fills holes exactly.
const EXACT: usize = 900;

/// The part of the time that goes into steps before whole shifts are made anew, where there is time for both.
const PART: f64 = 0.4;
const BOTH: Duration = Duration::from_millis(800);
/// Pivots beside so many steps: at least, and one for so many.
const PIVOTS: u64 = 2000;
const STEPS: u64 = 5;

/// Steps around one request without a better plan, once there is one.
const PATIENCE: u64 = 30;

pub struct Search<'w, 'm> {
    pub week: &'w mut Week<'m>,
    pub rng: Rng,
    pub guide: Option<Guide>,
    /// `[provider * days + day]`: what this step has torn at.
    pub torn: Vec<bool>,
    pub torn_list: Vec<usize>,
    pub removed: Vec<(usize, Slot)>,
    pub trying: Vec<usize>,
    /// The step in which each request was last torn out.
    pub torn_from: Vec<u64>,
    /// The step that last changed where each request stands: what it was before is known already.
    pub touched: Vec<u64>,
    /// Requests that hold time alike, by profile.
    pub alike: Vec<Vec<usize>>,
    /// Where each request could be; looked up when it is first without a place.
    pub reach: Vec<Option<Reach>>,
    /// `[provider * days + day]`: who could be there.
    pub wants: Vec<Vec<Want>>,
    best: Vec<Option<Slot>>,
    best_cost: i64,
    pub temperature: f64,
    pub iterations: u64,
    pub holes: Option<Holes>,
}

impl<'w, 'm> Search<'w, 'm> {
    pub fn new(week: &'w mut Week<'m>, rng: Rng) -> Self {
        let model = week.model;
        let provider_days = model.desks_of.len() * model.days;
        Self {
            rng,
            guide: None,
            torn: vec![false; provider_days],
            torn_list: Vec::new(),
            removed: Vec::new(),
            trying: Vec::new(),
            torn_from: vec![0; model.requests.len()],
            touched: vec![0; model.requests.len()],
            alike: Vec::new(),
            reach: (0..model.requests.len()).map(|_| None).collect(),
            wants: Vec::new(),
            best: week.placed.clone(),
            best_cost: week.cost,
            temperature: 0.0,
            iterations: 0,
            holes: None,
            week,
        }
    }

    /// Improves the week until the budget is spent, and leaves it at its best.
    pub fn run(&mut self, budget: Budget, guide: Option<Guide>) {
        let begun = Instant::now();
        self.guide = guide;
        self.wants = wants(self.week.model);
        self.alike = alike(self.week.model);
        self.holes = Some(Holes::new(self.week.model));
        let (steps, effort) = match budget {
            Budget::Iterations(most) => (budget, (PIVOTS + most / STEPS, None)),
            Budget::Time(most) => (
                Budget::Time(most.mul_f64(PART)),
                (u64::MAX, Some(begun + most)),
            ),
        };
        let short = matches!(budget, Budget::Time(most) if most < BOTH);
        let whole = !short && self.has_shifts();
        self.anneal(begun, if whole { steps } else { budget }, true);
        self.restore_best();
        if whole {
            self.whole_shifts(effort);
            self.keep_best();
            self.anneal(begun, budget, false);
            self.restore_best();
        }
    }

    /// Step by step, hot at first or not, until the budget is spent.
    fn anneal(&mut self, begun: Instant, budget: Budget, hot_first: bool) {
        let scale = as_float(self.week.model.middling());
        let count = share(self.week.model.requests.len() as u64, 1);
        let hot = HOT * (MANY / count).clamp(1.0, HOTTEST);
        loop {
            if self.iterations.is_multiple_of(ROUND) {
                let spent = match budget {
                    Budget::Iterations(most) => share(self.iterations, most),
                    Budget::Time(most) => begun.elapsed().as_secs_f64() / most.as_secs_f64(),
                };
                if spent >= 1.0 || spent.is_nan() {
                    break;
                }
                let cooled = if hot_first { spent } else { 1.0 };
                self.temperature = scale * hot * (COLD / hot).powf(cooled);
            }
            if matches!(budget, Budget::Iterations(most) if self.iterations >= most)
                || !self.step(None)
            {
                break;
            }
        }
    }

    /// The same, only around one request that has no place, and never for the worse.
    pub fn run_around(&mut self, request: usize, iterations: u64) {
        self.know_absent();
        let hope = self.reach[request].as_ref().is_some_and(|it| it.days != 0);
        let (mut best, mut found) = (self.best_cost, 0);
        while hope && self.iterations < iterations && self.step(Some(request)) {
            if self.best_cost < best {
                (best, found) = (self.best_cost, self.iterations);
            }
            if found > 0 && self.iterations - found > PATIENCE {
                break;
            }
        }
        self.restore_best();
    }

    /// One step; false when there is nothing to try.
    fn step(&mut self, around: Option<usize>) -> bool {
        self.iterations += 1;
        let before = self.week.cost;
        self.forget_step();
        if around.is_none() && self.rng.chance(EXACT) && self.fill_holes() {
            self.keep_best();
            return true;
        }
        let absent = self.week.absent.len();
        let forced = match around {
            Some(request) if self.week.placed[request].is_none() => Some(request),
            _ if absent > 0 && self.rng.chance(250) => self.somebody_absent(),
            _ => None,
        };
        let forced = forced.and_then(|request| self.force(request));
        if forced.is_none() && !self.tear_strings(around) {
            return absent > 0 && around.is_none();
        }
        self.recreate();
        self.pull_in();
        self.exchange();
        let now = self.week.cost;
        if now <= before || self.allows(now - before) {
            self.keep_best();
        } else {
            self.undo(forced);
        }
        true
    }

    pub fn forget_step(&mut self) {
        for at in self.torn_list.drain(..) {
            self.torn[at] = false;
        }
        self.removed.clear();
        self.trying.clear();
    }

    fn keep_best(&mut self) {
        if self.week.cost < self.best_cost {
            self.best_cost = self.week.cost;
            self.best.clone_from(&self.week.placed);
        }
    }

    /// One of those without a place, if it could have one at all.
    fn somebody_absent(&mut self) -> Option<usize> {
        self.know_absent();
        let hope = |it: &&usize| self.reach[**it].as_ref().is_some_and(|it| it.days != 0);
        let count = self.week.absent.iter().filter(hope).count();
        let chosen = self.rng.below(count);
        self.week.absent.iter().filter(hope).nth(chosen).copied()
    }

    /// Whether the plan may get so much worse; the more, the less likely.
    fn allows(&mut self, worse: i64) -> bool {
        let chance = share(self.rng.next() >> 11, 1 << 53);
        as_float(worse) < -self.temperature * (1.0 - chance).ln()
    }

    pub fn undo(&mut self, forced: Option<usize>) {
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

#[expect(clippy::cast_precision_loss, reason = "costs stay far below 2^52")]
fn as_float(cost: i64) -> f64 {
    cost as f64
}

#[expect(clippy::cast_precision_loss, reason = "a share needs few digits")]
fn share(part: u64, whole: u64) -> f64 {
    part as f64 / whole.max(1) as f64
}
