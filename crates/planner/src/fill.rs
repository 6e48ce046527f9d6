//! A few holes and those who could be in them: the cheapest way to fill the holes, found exactly.
//!
//! Depth first, hole by hole and from the left, every candidate once at most. What is ahead costs no less than if candidates
//! could be used again, only not twice running (one pass over the ticks, from the right); whatever can't end better than what
//! is known is cut off, and so is what has been reached as cheaply in another order.
//!
//! Costs are less what a candidate is worth, so they may lie below nothing. Trap: a visit begins where the one before it ends,
//! or where it becomes possible or cheaper; a later start of the same cost is never tried.

/// Candidates at most: one bit each.
pub const MOST: usize = 32;
/// Ticks of a hole at most: one bit each.
pub const SPAN: usize = 64;
/// States remembered: a power of two.
const MEMORY: usize = 4096;

/// A candidate begins in a hole, so many ticks after the hole does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Put {
    pub candidate: usize,
    pub hole: usize,
    pub at: usize,
}

/// What is ahead costs at least `least`, which begins with the candidate `first` (a bit), or `second` without that one.
#[derive(Clone, Copy, Default)]
struct Ahead {
    least: f32,
    second: f32,
    first: u32,
}

impl Ahead {
    fn without(&self, used: u32) -> f32 {
        if used & self.first == 0 {
            self.least
        } else {
            self.second
        }
    }

    fn offer(&mut self, cost: f32, first: u32) {
        if cost < self.least {
            if first != self.first {
                self.second = self.least;
                self.first = first;
            }
            self.least = cost;
        } else if first != self.first {
            self.second = self.second.min(cost);
        }
    }
}

/// A state of the search that was reached before, and what it had cost by then.
#[derive(Clone, Copy, Default)]
struct Known {
    round: u32,
    used: u32,
    hole: usize,
    from: usize,
    cost: f32,
}

#[derive(Default)]
pub struct Fill {
    spans: Vec<usize>,
    lengths: Vec<usize>,
    /// What each candidate costs without a place.
    out: Vec<f32>,
    /// `[hole * SPAN + tick]`: who may begin there, and who may not a tick earlier, or only for more.
    may: Vec<u32>,
    fresh: Vec<u32>,
    /// Whose last hole it is.
    last: Vec<u32>,
    /// `[(hole * SPAN + tick) * MOST + candidate]`
    cost: Vec<f32>,
    /// `[hole * (SPAN + 1) + tick]`
    ahead: Vec<Ahead>,
    path: Vec<Put>,
    found: Vec<Put>,
    best: f32,
    /// States that may still be looked at.
    left: usize,
    known: Vec<Known>,
    round: u32,
}

impl Fill {
    /// New holes, of so many ticks each.
    pub fn begin(&mut self, spans: impl Iterator<Item = usize>) {
        self.spans.clear();
        self.spans.extend(spans);
        let holes = self.spans.len();
        self.lengths.clear();
        self.out.clear();
        for ticks in [&mut self.may, &mut self.fresh] {
            ticks.clear();
            ticks.resize(holes * SPAN, 0);
        }
        self.last.clear();
        self.last.resize(holes, 0);
        let cells = self.cost.len().max(holes * SPAN * MOST);
        self.cost.resize(cells, 0.0);
        let cells = self.ahead.len().max(holes * (SPAN + 1));
        self.ahead.resize(cells, Ahead::default());
        self.known.resize(MEMORY, Known::default());
        self.round = self.round.wrapping_add(1);
    }

    /// One who could be somewhere, with its length in ticks and what it costs without a place.
    pub fn add(&mut self, length: usize, out: f32) -> usize {
        self.lengths.push(length);
        self.out.push(out);
        self.lengths.len() - 1
    }

    /// A candidate may begin at these ticks (bits) of a hole, and stays inside it.
    pub fn allow(&mut self, candidate: usize, hole: usize, mut starts: u64, cost: f32) {
        while starts != 0 {
            let cell = hole * SPAN + starts.trailing_zeros() as usize;
            starts &= starts - 1;
            self.may[cell] |= 1 << candidate;
            self.cost[cell * MOST + candidate] = cost;
        }
    }

    /// No hole after this one is for the candidate.
    pub fn last(&mut self, candidate: usize, hole: usize) {
        self.last[hole] |= 1 << candidate;
    }

    /// Looks for the cheapest way that costs less than `below`, which is [`Fill::found`] then; false if there is none. After so
    /// many states, the best that was seen must do.
    pub fn solve(&mut self, below: f32, states: usize) -> bool {
        self.best = below;
        self.left = states;
        self.path.clear();
        self.look_ahead();
        self.search(0, 0, 0, 0.0);
        self.best < below
    }

    pub fn found(&self) -> &[Put] {
        &self.found
    }

    fn look_ahead(&mut self) {
        let mut after = Ahead::default();
        for hole in (0..self.spans.len()).rev() {
            let row = hole * (SPAN + 1);
            let span = self.spans[hole];
            self.ahead[row + span] = after;
            for at in (0..span).rev() {
                let cell = hole * SPAN + at;
                let mut best = self.ahead[row + at + 1];
                let earlier = if at > 0 { self.may[cell - 1] } else { 0 };
                let mut fresh = self.may[cell] & !earlier;
                for one in bits(self.may[cell]) {
                    let cost = self.cost[cell * MOST + one];
                    if earlier >> one & 1 == 1 && self.cost[(cell - 1) * MOST + one] > cost {
                        fresh |= 1 << one;
                    }
                    let then = self.ahead[row + at + self.lengths[one]];
                    best.offer(cost + then.without(1 << one), 1 << one);
                }
                self.ahead[row + at] = best;
                self.fresh[cell] = fresh;
            }
            after = self.ahead[row];
        }
    }

    fn search(&mut self, hole: usize, from: usize, used: u32, cost: f32) {
        if hole == self.spans.len() {
            if cost < self.best {
                self.best = cost;
                self.found.clone_from(&self.path);
            }
            return;
        }
        let row = hole * (SPAN + 1);
        let hopeless = |it: &Self, at: usize| cost + it.ahead[row + at].without(used) >= it.best;
        if self.left == 0 || hopeless(self, from) || self.is_known(hole, from, used, cost) {
            return;
        }
        self.left -= 1;
        for at in from..self.spans[hole] {
            if hopeless(self, at) {
                return;
            }
            let cell = hole * SPAN + at;
            let may = if at == from { &self.may } else { &self.fresh };
            for one in bits(may[cell] & !used) {
                let candidate = one;
                self.path.push(Put {
                    candidate,
                    hole,
                    at,
                });
                let cost = cost + self.cost[cell * MOST + one];
                self.search(hole, at + self.lengths[one], used | 1 << one, cost);
                self.path.pop();
            }
        }
        let lost = bits(self.last[hole] & !used);
        let cost = lost.fold(cost, |cost, one| cost + self.out[one]);
        self.search(hole + 1, 0, used, cost);
    }

    fn is_known(&mut self, hole: usize, from: usize, used: u32, cost: f32) -> bool {
        let place = (used as usize * 0x9e37_79b9) ^ ((hole * SPAN + from) * 0x85eb_ca6b);
        let known = &mut self.known[place >> 12 & (MEMORY - 1)];
        let same = known.round == self.round && known.used == used;
        if same && (known.hole, known.from) == (hole, from) && known.cost <= cost {
            return true;
        }
        *known = Known {
            round: self.round,
            used,
            hole,
            from,
            cost,
        };
        false
    }
}

fn bits(mut set: u32) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        (set != 0).then(|| {
            let bit = set.trailing_zeros() as usize;
            set &= set - 1;
            bit
        })
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A candidate: length, cost without a place, and for each hole its starts and their cost.
    type One = (usize, u8, Vec<(u64, u8)>);

    /// The least cost of all ways, by trying everything at every tick.
    fn least(spans: &[usize], all: &[One], hole: usize, at: usize, used: u32) -> u32 {
        if hole == spans.len() {
            let left = (0..all.len()).filter(|it| used >> it & 1 == 0);
            return left.map(|it| u32::from(all[it].1)).sum();
        }
        if at == spans[hole] {
            return least(spans, all, hole + 1, 0, used);
        }
        let mut best = least(spans, all, hole, at + 1, used);
        for (one, (length, _, places)) in all.iter().enumerate() {
            let (starts, cost) = places[hole];
            if used >> one & 1 == 0 && starts >> at & 1 == 1 && at + length <= spans[hole] {
                let then = least(spans, all, hole, at + length, used | 1 << one);
                best = best.min(u32::from(cost) + then);
            }
        }
        best
    }

    proptest! {
        #[test]
        fn nothing_is_cheaper(
            spans in prop::collection::vec(1..9_usize, 1..4),
            all in prop::collection::vec(
                (1..5_usize, 0..40_u8, prop::collection::vec((any::<u64>(), 0..20_u8), 3)),
                0..6,
            ),
        ) {
            let mut fill = Fill::default();
            // What another problem leaves behind must not matter.
            fill.begin([9, 9, 9].into_iter());
            let other = fill.add(2, 5.0);
            fill.allow(other, 2, 0xff, 1.0);
            fill.last(other, 2);
            prop_assert!(fill.solve(100.0, 1000));

            fill.begin(spans.iter().copied());
            let mut nowhere = 0.0;
            for (length, out, places) in &all {
                let one = fill.add(*length, f32::from(*out));
                let mut last = None;
                for (hole, span) in spans.iter().enumerate() {
                    let fits = span.checked_sub(*length).map_or(0, |room| u64::MAX >> (63 - room));
                    let (starts, cost) = places[hole];
                    if starts & fits != 0 {
                        fill.allow(one, hole, starts & fits, f32::from(cost));
                        last = Some(hole);
                    }
                }
                match last {
                    Some(hole) => fill.last(one, hole),
                    None => nowhere += f32::from(*out),
                }
            }
            prop_assert!(fill.solve(1000.0, 1_000_000));
            let found = fill.found();
            let mut free: Vec<u64> = spans.iter().map(|it| (1 << it) - 1).collect();
            let mut used = 0_u32;
            let mut cost = 0_u32;
            for put in found {
                let (length, _, places) = &all[put.candidate];
                let held = ((1_u64 << length) - 1) << put.at;
                prop_assert_eq!(free[put.hole] & held, held);
                prop_assert_eq!(places[put.hole].0 >> put.at & 1, 1);
                prop_assert_eq!(used >> put.candidate & 1, 0);
                free[put.hole] &= !held;
                used |= 1 << put.candidate;
                cost += u32::from(places[put.hole].1);
            }
            let left = (0..all.len()).filter(|it| used >> it & 1 == 0);
            cost += left.map(|it| u32::from(all[it].1)).sum::<u32>();
            prop_assert_eq!(cost, least(&spans, &all, 0, 0, 0));
            let claimed = f64::from(fill.best) + f64::from(nowhere);
            prop_assert!((claimed - f64::from(cost)).abs() < 0.01);
        }
    }
}
