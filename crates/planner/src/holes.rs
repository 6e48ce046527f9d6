//! A step that leaves nothing to chance but the place: a few provider-days have holes torn into them, as if those who stand there
//! were gone, and these and some of those without a place are put into the holes in the cheapest way there is ([`Fill`]).
//!
//! Costs are jittered, the less the longer the search goes on: so ways that cost alike take turns, and dearer ones are
//! gone, too. The holes belong together: one is where a visit stands, others are where visits torn from it, or others, would
//! be about as well off once prices are counted.
//!
//! Visits of several providers stay where they are. What visits in different holes would take from each other (a room, the
//! patient), and limits of work, are seen only when the way is gone; then the step is undone.

use crate::fill::{Fill, MOST, SPAN};
use crate::grid::{Grid, TICKS};
use crate::guide::Guide;
use crate::insert;
use crate::model::{Choice, Model, NO_ASSETS, Slot};
use crate::rng::Rng;
use crate::search::Search;
use crate::week::Week;

/// Holes, and visits torn from them, at most.
const MOST_HOLES: usize = 4;
const MOST_TORN: usize = 20;
/// Ticks in which a hole's visits are torn out.
const WIDE: usize = 30;
/// Those without a place who are asked.
const ASKED: usize = 6;
/// So often in a thousand the next hole is one for a visit that is torn already.
const RELATED: usize = 800;
/// States of the exact search at most.
const STATES: usize = 2000;
/// The jitter, as a share of the temperature.
const JITTER: f64 = 0.3;
const CHANCES: usize = 1024;

/// Starts of one cost at a desk on a day.
struct Spot {
    option: usize,
    cost: f32,
    starts: Grid,
}

/// Time of a desk (`at`: of its day), from one tick to another.
struct Hole {
    desk: usize,
    at: usize,
    day: usize,
    from: usize,
    to: usize,
}

impl Hole {
    fn ticks(&self) -> usize {
        self.to - self.from
    }
}

struct Torn {
    request: usize,
    hole: usize,
    slot: Slot,
}

pub struct Holes {
    spots: Vec<Spot>,
    /// `[request * desk days + desk day]`: a range of `spots`.
    of: Vec<(usize, usize)>,
    desk_days: usize,
    dug: Vec<Hole>,
    torn: Vec<Torn>,
    candidates: Vec<usize>,
    fill: Fill,
    /// What chance adds, by turns: exponentially distributed.
    chances: Vec<f32>,
}

/// What a week, the prices and chance say.
struct Known<'a, 'm> {
    week: &'a Week<'m>,
    guide: &'a Guide,
    jitter: f32,
}

impl Holes {
    pub fn new(model: &Model) -> Self {
        let desk_days = model.desks.len() * model.days;
        let mut holes = Self {
            spots: Vec::new(),
            of: vec![(0, 0); model.requests.len() * desk_days],
            desk_days,
            dug: Vec::new(),
            torn: Vec::new(),
            candidates: Vec::new(),
            fill: Fill::default(),
            chances: (0..CHANCES).map(chance).collect(),
        };
        for (request, wanted) in model.requests.iter().enumerate() {
            for (option, choice) in wanted.options.iter().enumerate() {
                if !wanted.locked && choice.desks.len() == 1 {
                    holes.list(model, request, option, choice);
                }
            }
        }
        holes
    }

    fn list(&mut self, model: &Model, request: usize, option: usize, choice: &Choice) {
        let wanted = &model.requests[request];
        for day in &wanted.days {
            let open = model.empty_week_starts(request, choice, day.day);
            let first = self.spots.len();
            for level in &day.levels {
                let (cost, starts) = (choice.cost + level.cost, open.and(&level.starts));
                if cost < wanted.unplaced && !starts.is_empty() {
                    let cost = small(cost);
                    self.spots.push(Spot {
                        option,
                        cost,
                        starts,
                    });
                }
            }
            let at = model.desk_at(choice.desks[0], day.day);
            self.of[request * self.desk_days + at] = (first, self.spots.len());
        }
    }

    /// Finds holes that belong together.
    fn choose(&mut self, week: &Week<'_>, guide: &Guide, rng: &mut Rng) {
        let model = week.model;
        self.dug.clear();
        self.torn.clear();
        let wanted = 2 + rng.below(MOST_HOLES - 1);
        let mut around = rng.below(model.requests.len());
        for _ in 0..3 * wanted {
            if self.dug.len() == wanted || self.torn.len() >= MOST_TORN {
                break;
            }
            let stands = week.placed[around].filter(|_| self.dug.is_empty());
            let place = stands.map(|it| (it.option, it.day, it.start)).or_else(|| {
                // The cheaper, prices counted, the likelier.
                let picks = guide.picks(around);
                let dearest = rng.below(picks.len());
                let pick = picks.get(rng.below(dearest + 1))?;
                Some((pick.option, pick.day, pick.starts.first()?))
            });
            if let Some((option, day, start)) = place {
                let desks = &model.requests[around].options[option].desks;
                if desks.len() == 1 {
                    self.dig(week, desks[0], day, start, rng);
                }
            }
            around = if !self.torn.is_empty() && rng.chance(RELATED) {
                self.torn[rng.below(self.torn.len())].request
            } else if !week.absent.is_empty() && rng.chance(500) {
                week.absent[rng.below(week.absent.len())]
            } else {
                rng.below(model.requests.len())
            };
        }
    }

    /// A hole around a tick of a desk's day; none where somebody stays, or where the provider has one elsewhere on that day.
    fn dig(&mut self, week: &Week<'_>, desk: usize, day: usize, tick: usize, rng: &mut Rng) {
        let model = week.model;
        let provider = model.desks[desk].provider;
        let meets = |it: &Hole| {
            let same = it.day == day && model.desks[it.desk].provider == provider;
            same && (it.desk != desk || (it.from..it.to).contains(&tick))
        };
        if self.dug.iter().any(meets) {
            return;
        }
        let back = rng.below(WIDE);
        let (low, high) = (tick.saturating_sub(back), tick + WIDE - back);
        let (hole, first) = (self.dug.len(), self.torn.len());
        let at = model.desk_at(desk, day);
        let mut free = week.free(at);
        for request in &week.by_provider[provider * model.days + day] {
            let Some(slot) = week.placed[*request] else {
                continue;
            };
            let (from, to) = model.held(*request, &slot);
            let here = model.requests[*request].options[slot.option].desks == [desk];
            let known = || self.torn.iter().any(|it| it.request == *request);
            if here && from < high && low < to && self.torn.len() < MOST_TORN && !known() {
                free.set(from, to);
                self.torn.push(Torn {
                    request: *request,
                    hole,
                    slot,
                });
            }
        }
        let torn = self.torn[first..].iter();
        let held = torn.map(|it| model.held(it.request, &it.slot));
        let (from, to) = window(free.run_around(tick), tick, held, rng);
        // Whoever was not next to them stays.
        let mut at_hand = first;
        while let Some(torn) = self.torn.get(at_hand) {
            let held = model.held(torn.request, &torn.slot);
            if from <= held.0 && held.1 <= to {
                at_hand += 1;
            } else {
                self.torn.swap_remove(at_hand);
            }
        }
        if from < to {
            self.dug.push(Hole {
                desk,
                at,
                day,
                from,
                to,
            });
        }
    }

    /// Makes candidates of those torn out and of some without a place; answers what they cost as they stand.
    fn gather(&mut self, known: &Known<'_, '_>, rng: &mut Rng) -> f32 {
        self.fill.begin(self.dug.iter().map(Hole::ticks));
        self.candidates.clear();
        rng.shuffle(&mut self.torn);
        let mut cost = 0.0;
        for at in 0..self.torn.len() {
            let (request, hole) = (self.torn[at].request, self.torn[at].hole);
            cost += self.consider(known, request, Some(hole), rng);
        }
        let absent = &known.week.absent;
        for _ in 0..ASKED {
            let Some(request) = absent.get(rng.below(absent.len())) else {
                break;
            };
            if self.candidates.len() < MOST && !self.candidates.contains(request) {
                cost += self.consider(known, *request, None, rng);
            }
        }
        cost
    }

    /// Where a request could be in the holes; answers what it costs as it stands, nothing if it stands nowhere and could not.
    fn consider(
        &mut self,
        known: &Known<'_, '_>,
        request: usize,
        stands: Option<usize>,
        rng: &mut Rng,
    ) -> f32 {
        let week = known.week;
        let wanted = &week.model.requests[request];
        let worth = known.guide.worth(request);
        let out = small(wanted.unplaced) - worth;
        let mut candidate = stands.map(|_| self.add(request, wanted.length(), out));
        let (mut last, mut cost) = (None, out);
        for hole in 0..self.dug.len() {
            let jitter = known.jitter * self.chances[rng.below(CHANCES)];
            if stands == Some(hole) {
                cost = small(week.own_cost(request)) + jitter - worth;
            }
            let (first, end) = self.of[request * self.desk_days + self.dug[hole].at];
            if first == end || self.dug[hole].ticks() < wanted.length() {
                continue;
            }
            let option = &wanted.options[self.spots[first].option];
            let (open, begins) = self.open(week, request, option, &self.dug[hole]);
            for spot in first..end {
                let starts = self.spots[spot].starts.window(begins) & open;
                if starts != 0 {
                    let add = || self.add(request, wanted.length(), out);
                    let one = candidate.unwrap_or_else(add);
                    let cost = self.spots[spot].cost + jitter - worth;
                    self.fill.allow(one, hole, starts, cost);
                    (candidate, last) = (Some(one), Some(hole));
                }
            }
        }
        if let (Some(candidate), Some(last)) = (candidate, last) {
            self.fill.last(candidate, last);
        }
        if candidate.is_some() { cost } else { 0.0 }
    }

    fn add(&mut self, request: usize, length: usize, out: f32) -> usize {
        self.candidates.push(request);
        self.fill.add(length, out)
    }

    /// The ticks of a hole (bits) at which a request could begin to hold time, whatever it costs, and the start of the first.
    fn open(&self, week: &Week<'_>, request: usize, option: &Choice, hole: &Hole) -> (u64, usize) {
        let model = week.model;
        let wanted = &model.requests[request];
        let begins = hole.from + wanted.before;
        let mut open = u64::MAX >> (SPAN - 1 - (hole.ticks() - wanted.length()));
        for group in option.groups.iter() {
            let mut taken = week.group_taken(*group, hole.day);
            if taken.window(hole.from) << (SPAN - hole.ticks()) == 0 {
                continue;
            }
            for torn in &self.torn {
                let held = &model.requests[torn.request].options[torn.slot.option].groups;
                if torn.slot.day == hole.day && held.contains(group) {
                    let (from, to) = model.held(torn.request, &torn.slot);
                    taken.clear(from, to);
                }
            }
            let free = Grid::range(0, TICKS).without(&taken);
            open &= free.starts(wanted.before, wanted.after).window(begins);
        }
        if let Some(free) = week.patient_starts(request, hole.day) {
            open &= free.window(begins);
        }
        (open, begins)
    }
}

impl Search<'_, '_> {
    /// One step; false where there is nothing to go by.
    pub fn fill_holes(&mut self) -> bool {
        let (Some(guide), Some(mut holes)) = (&self.guide, self.holes.take()) else {
            return false;
        };
        self.trying.clear();
        holes.choose(self.week, guide, &mut self.rng);
        let known = Known {
            week: self.week,
            guide,
            jitter: smaller(self.temperature * JITTER),
        };
        let stands = holes.gather(&known, &mut self.rng);
        // A little less than as it stands, for rounding.
        if holes.fill.solve(stands - 1e-3, STATES) && !self.carry_out(&holes) {
            self.undo(None);
        }
        self.holes = Some(holes);
        true
    }

    /// Goes the way that was found; false where two of those who move are in each other's way.
    fn carry_out(&mut self, holes: &Holes) -> bool {
        let model = self.week.model;
        let moves = holes.fill.found().iter().map(|put| {
            let (request, hole) = (holes.candidates[put.candidate], &holes.dug[put.hole]);
            let (spot, _) = holes.of[request * holes.desk_days + hole.at];
            let slot = Slot {
                option: holes.spots[spot].option,
                day: hole.day,
                start: hole.from + put.at + model.requests[request].before,
                assets: NO_ASSETS,
            };
            (request, slot)
        });
        let place = |slot: &Slot| (slot.option, slot.day, slot.start);
        let stays = |request: usize, slot: &Slot| {
            let stood = self.week.placed[request].as_ref();
            stood.is_some_and(|it| place(it) == place(slot))
        };
        let moves: Vec<(usize, Slot)> = moves.filter(|it| !stays(it.0, &it.1)).collect();
        let found = holes.fill.found();
        for torn in &holes.torn {
            let moves_on = moves.iter().any(|it| it.0 == torn.request);
            let put = |it: &crate::fill::Put| holes.candidates[it.candidate] == torn.request;
            if moves_on || !found.iter().any(put) {
                self.tear(torn.request);
            }
        }
        for (request, slot) in moves {
            let choice = &model.requests[request].options[slot.option];
            self.trying.push(request);
            let open = self.week.starts(request, choice, slot.day);
            if !open.has(slot.start) || !insert::put(self.week, request, slot) {
                return false;
            }
        }
        true
    }
}

/// The part of a free run that a hole can be: with the tick and, if there is room, all who were torn out; else by chance, so that
/// every part of a long run has its turn.
fn window(
    (from, to): (usize, usize),
    tick: usize,
    torn: impl Iterator<Item = (usize, usize)>,
    rng: &mut Rng,
) -> (usize, usize) {
    if to <= from + SPAN {
        return (from, to);
    }
    let inside = torn.filter(|held| from <= held.0 && held.1 <= to);
    let (low, high) = inside.fold((tick, tick + 1), |all, held| {
        (all.0.min(held.0), all.1.max(held.1))
    });
    let begins =
        |low: usize, high: usize| (from.max(high.saturating_sub(SPAN)), low.min(to - SPAN));
    let (mut first, mut last) = begins(low, high);
    if first > last {
        (first, last) = begins(tick, tick + 1);
    }
    let begin = first + rng.below(last + 1 - first);
    (begin, begin + SPAN)
}

#[expect(clippy::cast_precision_loss, reason = "a cost among few others")]
fn small(cost: i64) -> f32 {
    cost as f32
}

#[expect(clippy::cast_possible_truncation, reason = "a cost among few others")]
fn smaller(cost: f64) -> f32 {
    cost as f32
}

/// One of the [`CHANCES`].
#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn chance(at: usize) -> f32 {
    -((at as f32 + 0.5) / CHANCES as f32).ln()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{SPAN, window};
    use crate::rng::Rng;

    proptest! {
        #[test]
        fn every_part_of_a_long_run_is_in_a_hole_some_time(
            from in 0..100_usize, length in 1..220_usize, at in 0..220_usize, back in 0..40_usize, on in 1..40_usize, seed: u64,
        ) {
            let (to, tick) = (from + length, from + at % length);
            let held = (tick.saturating_sub(back), tick + on);
            let mut rng = Rng::new(seed);
            let (mut low, mut high) = (to, from);
            for _ in 0..400 {
                let hole = window((from, to), tick, [held].into_iter(), &mut rng);
                prop_assert!(from <= hole.0 && hole.0 <= tick && tick < hole.1 && hole.1 <= to);
                prop_assert!(hole.1 - hole.0 == length.min(SPAN));
                if from <= held.0 && held.1 <= to && held.1 - held.0 <= SPAN {
                    prop_assert!(hole.0 <= held.0 && held.1 <= hole.1);
                } else {
                    (low, high) = (low.min(hole.0), high.max(hole.1));
                }
            }
            // Whoever stands in no hole's way: as far to both sides as a hole reaches.
            if low < high && held.0 < from {
                prop_assert!(low <= from.max((tick + 8).saturating_sub(SPAN)));
                prop_assert!(high >= to.min(tick + SPAN - 8));
            }
        }
    }
}
