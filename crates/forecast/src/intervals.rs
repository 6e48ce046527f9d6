//! Intervals from the errors a method made (split conformal prediction, weighted by kind of day).
//!
//! Each error is divided by what is usual for its kind of day (a weekday, or any labelled day), so that a Sunday on which
//! hardly anybody comes is not given a Monday's width. The quantile of what is left, week of the horizon by week, is what
//! an interval multiplies with; later weeks are never narrower than earlier ones.

use crate::WEEK;
use crate::numbers::{ceiling, mean, real};

/// Weekdays, and labelled days as the last.
pub const KINDS: usize = WEEK + 1;

/// One error of a back-test.
#[derive(Clone, Copy, Debug)]
pub struct Miss {
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
        let last = misses.iter().map(|miss| miss.step / WEEK).max();
        let mut weeks = vec![Vec::new(); last.map_or(0, |last| last + 1)];
        for miss in &misses {
            weeks[miss.step / WEEK].push(miss.size / kinds[miss.kind]);
        }
        for week in &mut weeks {
            week.sort_by(f64::total_cmp);
        }
        Self { kinds, weeks }
    }

    /// The intervals that hold the given share of days.
    pub fn widths(&self, level: f64) -> Widths {
        Widths {
            kinds: self.kinds,
            weeks: growing(&self.weeks, level),
        }
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
                    origin: origin as usize,
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
        let widths = Spread::of(&misses, None).widths(0.8);
        let width = |step, kind| widths.half(step, kind).expect("misses");
        assert!(width(0, 6) < width(0, 1) / 3.0);
        assert!(width(13, 1) >= width(0, 1));
        assert!(width(40, 1) > width(13, 1), "further away, wider");
        assert!(Spread::of(&[], None).widths(0.8).half(0, 0).is_none());
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
