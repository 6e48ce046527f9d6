//! Sets of instants, as spans.
//!
//! Free time is arithmetic on these: what is worked, less what is closed, less what is taken. A set is normal: its spans are
//! in order, none is empty, and no two touch; so equal sets are equal values, and every operation is one walk.
//!
//! Instants are microseconds since 1970, PostgreSQL's precision. A span holds its first instant and not its last.

use chrono::TimeDelta;
use kernel::clock::Instant;

/// Microseconds of a minute.
pub const MINUTE: i64 = 60_000_000;

/// The longest anything is occupied at a time: a day, and preparation and clean-up.
pub const LONGEST: TimeDelta = TimeDelta::hours(40);

/// From its first instant up to, and without, its last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    pub from: i64,
    pub until: i64,
}

impl Span {
    pub fn new(from: Instant, until: Instant) -> Self {
        Self {
            from: from.timestamp_micros(),
            until: until.timestamp_micros(),
        }
    }

    pub fn is_empty(self) -> bool {
        self.from >= self.until
    }

    pub fn holds(self, other: Self) -> bool {
        self.from <= other.from && other.until <= self.until
    }
}

/// The instant of a number of microseconds.
pub fn instant(micros: i64) -> Instant {
    Instant::from_timestamp_micros(micros).unwrap_or_default()
}

/// A set of instants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ranges(Vec<Span>);

impl Ranges {
    /// Of spans in any order, that may touch, overlap or be empty.
    pub fn of(spans: impl IntoIterator<Item = Span>) -> Self {
        let mut spans: Vec<Span> = spans.into_iter().filter(|span| !span.is_empty()).collect();
        spans.sort_unstable();
        let mut normal: Vec<Span> = Vec::with_capacity(spans.len());
        for span in spans {
            match normal.last_mut() {
                Some(last) if span.from <= last.until => last.until = last.until.max(span.until),
                _ => normal.push(span),
            }
        }
        Self(normal)
    }

    pub fn one(span: Span) -> Self {
        Self::of([span])
    }

    pub fn spans(&self) -> &[Span] {
        &self.0
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        if other.is_empty() {
            return self.clone();
        }
        Self::of(self.0.iter().chain(&other.0).copied())
    }

    #[must_use]
    pub fn intersect(&self, other: &Self) -> Self {
        let (mut left, mut right) = (
            self.0.iter().copied().peekable(),
            other.0.iter().copied().peekable(),
        );
        let mut both = Vec::new();
        while let (Some(a), Some(b)) = (left.peek().copied(), right.peek().copied()) {
            let common = Span {
                from: a.from.max(b.from),
                until: a.until.min(b.until),
            };
            if !common.is_empty() {
                both.push(common);
            }
            if a.until < b.until {
                left.next();
            } else {
                right.next();
            }
        }
        Self(both)
    }

    /// What of this lies outside the other.
    #[must_use]
    pub fn subtract(&self, other: &Self) -> Self {
        let mut rest = Vec::with_capacity(self.0.len());
        let mut holes = other.0.iter().copied().peekable();
        for &span in &self.0 {
            let mut from = span.from;
            while let Some(hole) = holes.peek().copied() {
                if hole.from >= span.until {
                    break;
                }
                if hole.from > from {
                    rest.push(Span {
                        from,
                        until: hole.from,
                    });
                }
                from = from.max(hole.until);
                if hole.until > span.until {
                    break;
                }
                holes.next();
            }
            if from < span.until {
                rest.push(Span {
                    from,
                    until: span.until,
                });
            }
        }
        Self(rest)
    }

    /// The instants from which `before` back and `after` on lie inside: where something may begin that needs so much.
    #[must_use]
    pub fn erode(&self, before: i64, after: i64) -> Self {
        let starts = self.0.iter().filter_map(|span| {
            let (from, last) = (span.from + before, span.until - after);
            // The last start is one, too: what begins there ends where the span ends.
            (from <= last).then_some(Span {
                from,
                until: last + 1,
            })
        });
        Self::of(starts)
    }

    pub fn contains(&self, at: i64) -> bool {
        let place = self.0.partition_point(|span| span.until <= at);
        self.0.get(place).is_some_and(|span| span.from <= at)
    }

    /// Whether all of the span lies inside.
    pub fn holds(&self, span: Span) -> bool {
        self.around(span.from)
            .is_some_and(|around| around.holds(span))
    }

    /// The span an instant lies in.
    pub fn around(&self, at: i64) -> Option<Span> {
        let place = self.0.partition_point(|span| span.until <= at);
        self.0.get(place).copied().filter(|span| span.from <= at)
    }

    /// How long it is, in microseconds.
    pub fn measure(&self) -> i64 {
        self.0.iter().map(|span| span.until - span.from).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn set(spans: &[(i64, i64)]) -> Ranges {
        Ranges::of(spans.iter().map(|&(from, until)| Span { from, until }))
    }

    /// Every set of instants below 64, as bits: what the walks must agree with.
    fn bits(ranges: &Ranges) -> u64 {
        (0..64)
            .filter(|at| ranges.contains(*at))
            .fold(0, |bits, at| bits | 1 << at)
    }

    fn any_set() -> impl Strategy<Value = Ranges> {
        proptest::collection::vec((0..64_i64, 0..64_i64), 0..8).prop_map(|spans| set(&spans))
    }

    #[test]
    fn a_set_is_normal_however_it_is_written() {
        let normal = set(&[(1, 3), (5, 9)]);
        assert_eq!(
            set(&[(5, 7), (2, 3), (1, 2), (6, 9), (4, 4), (8, 3)]),
            normal
        );
        assert_eq!(normal.spans().len(), 2);
        assert_eq!(normal.measure(), 6);
    }

    #[test]
    fn what_needs_exactly_the_whole_span_has_one_start() {
        assert_eq!(set(&[(0, 30)]).erode(5, 25), set(&[(5, 6)]));
        assert!(set(&[(0, 30)]).erode(5, 26).is_empty());
    }

    proptest! {
        #[test]
        fn the_operations_are_those_of_sets(a in any_set(), b in any_set()) {
            let all = u64::MAX;
            prop_assert_eq!(bits(&a.union(&b)), bits(&a) | bits(&b));
            prop_assert_eq!(bits(&a.intersect(&b)), bits(&a) & bits(&b));
            prop_assert_eq!(bits(&a.subtract(&b)), bits(&a) & (all ^ bits(&b)));
            for one in [a.union(&b), a.intersect(&b), a.subtract(&b)] {
                prop_assert_eq!(&Ranges::of(one.spans().iter().copied()), &one, "not normal");
                prop_assert_eq!(one.measure(), i64::from(bits(&one).count_ones()));
            }
        }

        #[test]
        fn a_start_is_one_from_which_all_that_is_needed_lies_inside(a in any_set(), before in 0..8_i64, after in 1..8_i64) {
            let starts = a.erode(before, after);
            for at in 0..64 {
                let needed = Span { from: at - before, until: at + after };
                prop_assert_eq!(starts.contains(at), a.holds(needed), "{}", at);
            }
        }
    }
}
