//! Intervals from the errors a method made (split conformal prediction, weighted by kind of day).
//!
//! Each error is divided by what is usual for its kind of day (a weekday, or any labelled day), so that a Sunday on which
//! hardly anybody comes is not given a Monday's width; and by how far off the method had lately been when the forecast was
//! made, so that a restless time does not widen the intervals of a quiet one, nor the other way round. The quantile of what is
//! left, week of the horizon by week, is what an interval multiplies with; later weeks are never narrower than earlier ones.

use std::collections::BTreeSet;

use crate::WEEK;
use crate::numbers::{ceiling, mean, real};

/// The latest origins give the quantiles: half of a year's. The ones before them teach what is usual, and how far off the method
/// had been by then.
const JUDGED: usize = 13;
/// Days after which what happened to a forecast says half as much of the present.
const HALF_LIFE: f64 = 28.0;
/// As if so many days more had been of the usual size.
const LEAN: f64 = 28.0;

/// Weekdays, and labelled days as the last.
pub const KINDS: usize = WEEK + 1;

/// One error of a back-test.
#[derive(Clone, Copy, Debug)]
pub struct Miss {
    /// The place in the series of the first day that was forecast.
    pub origin: usize,
    pub step: usize,
    pub kind: usize,
    /// Not negative.
    pub size: f64,
}

/// How far off a method usually is.
#[derive(Clone, Debug)]
pub struct Spread {
    kinds: [f64; KINDS],
    /// Sorted relative errors of each week of the horizon.
    weeks: Vec<Vec<f64>>,
    known: Known,
}

impl Spread {
    /// Of all misses but those of one origin.
    pub fn of(misses: &[Miss], left_out: Option<usize>) -> Self {
        let misses: Vec<Miss> = misses
            .iter()
            .filter(|miss| Some(miss.origin) != left_out)
            .copied()
            .collect();
        let sizes: Vec<f64> = misses.iter().map(|miss| miss.size).collect();
        let overall = mean(&sizes).max(1e-9);
        let mut kinds = [overall; KINDS];
        for (kind, usual) in kinds.iter_mut().enumerate() {
            let of_kind = misses.iter().filter(|miss| miss.kind == kind);
            let sizes: Vec<f64> = of_kind.map(|miss| miss.size).collect();
            // As if four days more had been of the usual size; and never nothing, a quiet day may surprise.
            let shrunk = (sizes.iter().sum::<f64>() + 4.0 * overall) / (real(sizes.len()) + 4.0);
            *usual = shrunk.max(overall / 20.0);
        }
        let known = Known::of(&misses, &kinds);
        let last = misses.iter().map(|miss| miss.step / WEEK).max();
        let mut weeks = vec![Vec::new(); last.map_or(0, |last| last + 1)];
        for origin in latest(&misses) {
            let lately = known.lately(origin);
            for miss in misses.iter().filter(|miss| miss.origin == origin) {
                weeks[miss.step / WEEK].push(miss.size / kinds[miss.kind] / lately);
            }
        }
        for week in &mut weeks {
            week.sort_by(f64::total_cmp);
        }
        Self {
            kinds,
            weeks,
            known,
        }
    }

    /// The intervals that hold the given share of days, when the first day that is forecast is at this place.
    pub fn widths(&self, level: f64, origin: usize) -> Widths {
        let lately = self.known.lately(origin);
        Widths {
            kinds: self.kinds.map(|usual| usual * lately),
            weeks: growing(&self.weeks, level),
        }
    }
}

/// The origins whose errors give the quantiles.
fn latest(misses: &[Miss]) -> impl Iterator<Item = usize> {
    let origins: BTreeSet<usize> = misses.iter().map(|miss| miss.origin).collect();
    origins.into_iter().rev().take(JUDGED)
}

/// How far off the method was, and when that was known.
#[derive(Clone, Debug)]
struct Known(Vec<(Miss, f64)>);

impl Known {
    /// The errors, each as a multiple of the usual.
    fn of(misses: &[Miss], kinds: &[f64; KINDS]) -> Self {
        let relative = misses.iter().map(|miss| miss.size / kinds[miss.kind]);
        let relative: Vec<f64> = relative.collect();
        let usual = mean(&relative).max(1e-9);
        let multiples = relative.iter().map(|it| it / usual);
        Self(misses.iter().copied().zip(multiples).collect())
    }

    /// How far off the method had lately been before a day, as a multiple of the usual: one where nothing was known yet.
    fn lately(&self, day: usize) -> f64 {
        let (mut sum, mut weights) = (LEAN, LEAN);
        let before = self.0.iter();
        for (miss, multiple) in before.filter(|(miss, _)| miss.origin + miss.step < day) {
            let weight = 0.5_f64.powf(real(day - miss.origin) / HALF_LIFE);
            sum += weight * multiple;
            weights += weight;
        }
        sum / weights
    }
}

/// Intervals of one level.
#[derive(Clone, Debug)]
pub struct Widths {
    kinds: [f64; KINDS],
    /// What the usual error is multiplied with, week of the horizon by week.
    weeks: Vec<f64>,
}

impl Widths {
    /// Half the width of the interval at a step of the horizon. Nothing where there were no misses to learn from.
    pub fn half(&self, step: usize, kind: usize) -> Option<f64> {
        let week = (step / WEEK).min(self.weeks.len().checked_sub(1)?);
        // Further away than was ever tried, uncertainty grows as of a random walk.
        let beyond = (step / WEEK).saturating_sub(week);
        let grown = (1.0 + real(beyond) / real(week + 1)).sqrt();
        Some(self.weeks[week] * self.kinds[kind.min(KINDS - 1)] * grown)
    }
}

/// The quantile of each week's errors. Where a later week's would be lower, the two are taken together: by chance one week
/// was luckier than the one before, and its errors say something about both.
fn growing(weeks: &[Vec<f64>], level: f64) -> Vec<f64> {
    let mut blocks: Vec<(Vec<f64>, f64, usize)> = Vec::new();
    for week in weeks {
        let mut block = (week.clone(), quantile(week, level).unwrap_or(0.0), 1);
        while let Some(before) = blocks.pop_if(|before| before.1 > block.1) {
            let mut errors = before.0;
            errors.extend(block.0);
            errors.sort_by(f64::total_cmp);
            let together = quantile(&errors, level).unwrap_or(0.0);
            block = (errors, together, before.2 + block.2);
        }
        blocks.push(block);
    }
    let spread = blocks.into_iter();
    spread
        .flat_map(|(_, width, weeks)| std::iter::repeat_n(width, weeks))
        .collect()
}

/// The quantile with the correction of conformal prediction for a finite sample.
fn quantile(sorted: &[f64], level: f64) -> Option<f64> {
    let rank = ceiling((real(sorted.len()) + 1.0) * level);
    sorted
        .get(rank.saturating_sub(1).min(sorted.len().checked_sub(1)?))
        .copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quiet_kind_of_day_gets_a_narrow_interval_and_later_weeks_are_not_narrower() {
        let misses: Vec<Miss> = (0..40_u32)
            .flat_map(|origin| {
                (0..14).map(move |step| Miss {
                    origin: 14 * origin as usize,
                    step,
                    kind: step % 7,
                    size: if step % 7 == 6 {
                        0.1
                    } else {
                        f64::from(origin % 10)
                    },
                })
            })
            .collect();
        let widths = Spread::of(&misses, None).widths(0.8, 40 * 14);
        let width = |step, kind| widths.half(step, kind).expect("misses");
        assert!(width(0, 6) < width(0, 1) / 3.0);
        assert!(width(13, 1) >= width(0, 1));
        assert!(width(40, 1) > width(13, 1), "further away, wider");
        assert!(Spread::of(&[], None).widths(0.8, 0).half(0, 0).is_none());
    }

    #[test]
    fn a_quiet_time_after_a_restless_one_gets_narrower_intervals_and_the_other_way_round() {
        let misses = |size: fn(usize) -> usize| -> Vec<Miss> {
            let days = (0..26).flat_map(|turn| (0..28).map(move |step| (turn, step)));
            let miss = |(turn, step)| Miss {
                origin: 14 * turn,
                step,
                kind: step % WEEK,
                size: real((step + turn) % 10 * size(turn)),
            };
            days.map(miss).collect()
        };
        let width = |misses: &[Miss]| {
            let spread = Spread::of(misses, None);
            let widths = spread.widths(0.8, 26 * 14 + 14);
            widths.half(0, 0).expect("misses")
        };
        let always = width(&misses(|_| 1));
        let calmed = width(&misses(|turn| if turn < 20 { 3 } else { 1 }));
        let roused = width(&misses(|turn| if turn < 20 { 1 } else { 3 }));
        assert!((6.0..9.0).contains(&always), "{always}");
        assert!(calmed < 1.6 * always, "{calmed} after {always}");
        assert!(roused > 2.4 * always, "{roused} after {always}");
    }

    #[test]
    fn a_luckier_later_week_is_taken_together_with_the_one_before() {
        let weeks = [vec![1.0; 50], vec![3.0; 50], vec![2.0; 50], vec![5.0; 50]];
        assert_eq!(growing(&weeks, 0.8), [1.0, 3.0, 3.0, 5.0]);
        let mixed: Vec<f64> = (1..=100_u32).map(f64::from).collect();
        let lucky: Vec<f64> = mixed.iter().map(|it| it / 2.0).collect();
        let both = growing(&[mixed, lucky], 0.8);
        assert!((60.0..80.0).contains(&both[0]) && both[0].total_cmp(&both[1]).is_eq());
    }
}
