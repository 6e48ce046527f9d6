//! A day as a row of bits, one per tick: the planner's only notion of time while it searches.

/// Ticks a day's grid can hold: 26 hours at five minutes.
pub const TICKS: usize = WORDS * 64;
const WORDS: usize = 5;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Grid([u64; WORDS]);

impl Grid {
    pub const EMPTY: Self = Self([0; WORDS]);

    /// The ticks `from..to`; what lies beyond the grid is left out.
    pub fn range(from: usize, to: usize) -> Self {
        let mut grid = Self::EMPTY;
        grid.set(from, to);
        grid
    }

    pub fn set(&mut self, from: usize, to: usize) {
        for (index, word) in self.0.iter_mut().enumerate() {
            *word |= mask(index, from, to);
        }
    }

    pub fn clear(&mut self, from: usize, to: usize) {
        for (index, word) in self.0.iter_mut().enumerate() {
            *word &= !mask(index, from, to);
        }
    }

    pub fn has(&self, tick: usize) -> bool {
        tick < TICKS && self.0[tick / 64] >> (tick % 64) & 1 == 1
    }

    pub fn is_empty(&self) -> bool {
        self.0.iter().fold(0, |all, word| all | word) == 0
    }

    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        Self(std::array::from_fn(|word| self.0[word] & other.0[word]))
    }

    #[must_use]
    pub fn or(&self, other: &Self) -> Self {
        Self(std::array::from_fn(|word| self.0[word] | other.0[word]))
    }

    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        Self(std::array::from_fn(|word| self.0[word] & !other.0[word]))
    }

    /// Every bit `by` ticks later.
    #[must_use]
    pub fn later(&self, by: usize) -> Self {
        if (1..64).contains(&by) {
            let mut carried = 0;
            return Self(self.0.map(|word| {
                let moved = word << by | carried;
                carried = word >> (64 - by);
                moved
            }));
        }
        let (words, bits) = (by / 64, by % 64);
        Self(std::array::from_fn(|word| {
            let at = |back: usize| {
                word.checked_sub(words + back)
                    .map_or(0, |from| self.0[from])
            };
            if bits == 0 {
                at(0)
            } else {
                at(0) << bits | at(1) >> (64 - bits)
            }
        }))
    }

    /// Every bit `by` ticks earlier.
    #[must_use]
    pub fn earlier(&self, by: usize) -> Self {
        if (1..64).contains(&by) {
            return Self(std::array::from_fn(|at| {
                let next = if at + 1 < WORDS { self.0[at + 1] } else { 0 };
                self.0[at] >> by | next << (64 - by)
            }));
        }
        let (words, bits) = (by / 64, by % 64);
        Self(std::array::from_fn(|word| {
            let at = |on: usize| self.0.get(word + words + on).copied().unwrap_or(0);
            if bits == 0 {
                at(0)
            } else {
                at(0) >> bits | at(1) << (64 - bits)
            }
        }))
    }

    /// The starts at which all ticks from `before` earlier until `after` later are set: and + shift, doubling.
    #[must_use]
    pub fn starts(&self, before: usize, after: usize) -> Self {
        let length = before + after;
        let mut runs = *self;
        let mut have = 1;
        while have < length {
            let step = have.min(length - have);
            runs = runs.and(&runs.earlier(step));
            have += step;
        }
        runs.later(before)
    }

    /// The first and the last tick of every run.
    #[must_use]
    pub fn edges(&self) -> (Self, Self) {
        (self.without(&self.later(1)), self.without(&self.earlier(1)))
    }

    /// The 64 ticks from one on.
    pub fn window(&self, from: usize) -> u64 {
        let (word, bits) = (from / 64, from % 64);
        let at = |word: usize| self.0.get(word).copied().unwrap_or(0);
        if bits == 0 {
            at(word)
        } else {
            at(word) >> bits | at(word + 1) << (64 - bits)
        }
    }

    /// The run of set ticks that a tick lies in: from, to.
    pub fn run_around(&self, tick: usize) -> (usize, usize) {
        if !self.has(tick) {
            return (tick, tick);
        }
        // 64 ticks at a time.
        let (mut from, mut to) = (tick, tick);
        loop {
            let run = self.window(to).trailing_ones() as usize;
            to += run;
            if run < 64 {
                break;
            }
        }
        while from > 0 {
            let step = from.min(64);
            let before = self.window(from - step) << (64 - step);
            let run = (before.leading_ones() as usize).min(step);
            from -= run;
            if run < step {
                break;
            }
        }
        (from, to)
    }

    pub fn first(&self) -> Option<usize> {
        self.0
            .iter()
            .enumerate()
            .find(|(_, word)| **word != 0)
            .map(|(index, word)| index * 64 + word.trailing_zeros() as usize)
    }

    pub fn last(&self) -> Option<usize> {
        self.0
            .iter()
            .enumerate()
            .rfind(|(_, word)| **word != 0)
            .map(|(index, word)| index * 64 + 63 - word.leading_zeros() as usize)
    }

    pub fn count(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    pub fn iter(&self) -> impl Iterator<Item = usize> + use<> {
        let words = self.0;
        (0..WORDS).flat_map(move |index| {
            let mut word = words[index];
            std::iter::from_fn(move || {
                (word != 0).then(|| {
                    let bit = word.trailing_zeros() as usize;
                    word &= word - 1;
                    index * 64 + bit
                })
            })
        })
    }

    /// The `n`-th set tick, counted from nothing.
    pub fn nth(&self, n: usize) -> Option<usize> {
        self.iter().nth(n)
    }
}

/// The bits of word `index` that lie in `from..to`.
fn mask(index: usize, from: usize, to: usize) -> u64 {
    let low = from.saturating_sub(index * 64).min(64);
    let high = to.saturating_sub(index * 64).min(64);
    if low >= high {
        return 0;
    }
    let below = |bits: usize| {
        if bits == 64 {
            u64::MAX
        } else {
            (1 << bits) - 1
        }
    };
    below(high) & !below(low)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_start_has_its_whole_time_free(
            runs in prop::collection::vec((0..TICKS, 1..60_usize), 0..12),
            before in 0..20_usize,
            after in 1..90_usize,
        ) {
            let mut grid = Grid::EMPTY;
            for (from, length) in runs {
                grid.set(from, (from + length).min(TICKS));
            }
            let starts = grid.starts(before, after);
            for tick in 0..TICKS {
                let free = tick >= before
                    && tick + after <= TICKS
                    && (tick - before..tick + after).all(|tick| grid.has(tick));
                prop_assert_eq!(starts.has(tick), free, "at {}", tick);
            }
        }

        #[test]
        fn shifts_move_every_tick(ticks in prop::collection::vec(0..TICKS, 0..30), by in 0..TICKS) {
            let mut grid = Grid::EMPTY;
            for tick in &ticks {
                grid.set(*tick, tick + 1);
            }
            for tick in 0..TICKS {
                prop_assert_eq!(grid.later(by).has(tick), tick >= by && grid.has(tick - by));
                prop_assert_eq!(grid.earlier(by).has(tick), grid.has(tick + by));
            }
            prop_assert_eq!(grid.iter().count(), grid.count());
            prop_assert_eq!(grid.iter().next(), grid.first());
            prop_assert_eq!(grid.iter().last(), grid.last());
        }
    }

    #[test]
    fn a_cleared_range_is_free_of_bits() {
        let mut grid = Grid::range(10, 200);
        grid.clear(60, 130);
        assert_eq!(grid.count(), 120);
        assert_eq!(grid.edges().0.iter().collect::<Vec<_>>(), [10, 130]);
        assert_eq!(grid.edges().1.iter().collect::<Vec<_>>(), [59, 199]);
    }
}
