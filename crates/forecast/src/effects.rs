//! What is known beforehand: holidays and the time of year. Taken out before a method looks, put back afterwards.
//!
//! A holiday moves a day towards the quietest day of its week. How far, as a share of that gap, is learnt for each label from
//! what such days did before, and shrunk towards nothing where there were few. So a holiday on a Sunday changes little, and a
//! clinic that closes goes to nothing. The gap is never taken as less than a tenth of the day's usual count, so that a
//! holiday can be told apart where all days are alike.
//!
//! The time of year is a ridge regression on three harmonics beside weekdays and a line; a year and a half is the least it
//! is asked of.

use std::collections::BTreeMap;
use std::f64::consts::TAU;

use chrono::Datelike;

use crate::WEEK;
use crate::calendar::{CLOSED, Calendar};
use crate::numbers::{mean, median, real, solve};
use crate::series::Series;

/// Weeks to either side from which a day's usual count is taken.
const WEEKS_BESIDE: usize = 5;
const YEAR: f64 = 365.25;
const HARMONICS: u32 = 3;
const RIDGE: f64 = 30.0;
const YEARLY_FROM: usize = 540;

/// A history without its holidays and its time of year, and what brings them back.
#[derive(Clone, Debug)]
pub struct Adjusted {
    /// Holidays are `None`.
    pub open: Vec<Option<f64>>,
    /// Holidays hold what would be usual.
    pub filled: Vec<f64>,
    yearly_ahead: Vec<f64>,
    labels_ahead: Vec<Option<String>>,
    shares: BTreeMap<String, f64>,
}

impl Adjusted {
    pub fn of(series: &Series, calendar: &Calendar, horizon: usize) -> Self {
        let days = series.len();
        let labels: Vec<Option<&str>> = (0..days + horizon)
            .map(|place| calendar.label(series.day(place)))
            .collect();
        let usual = usual(&series.values, &labels[..days]);
        let yearly = yearly(series, &labels[..days], days + horizon);
        let open = (0..days)
            .map(|day| {
                labels[day]
                    .is_none()
                    .then(|| series.values[day] - yearly[day])
            })
            .collect();
        let filled = (0..days)
            .map(|day| {
                let value = if labels[day].is_some() {
                    usual[day]
                } else {
                    series.values[day]
                };
                value - yearly[day]
            })
            .collect();
        Self {
            open,
            filled,
            yearly_ahead: yearly[days..].to_vec(),
            labels_ahead: labels[days..]
                .iter()
                .map(|label| label.map(str::to_owned))
                .collect(),
            shares: shares(&series.values, &labels[..days], &usual),
        }
    }

    /// Puts the time of year and the holidays back. Nothing falls below zero.
    pub fn restore(&self, plain: &[f64]) -> Vec<f64> {
        let with_year: Vec<f64> = plain
            .iter()
            .zip(&self.yearly_ahead)
            .map(|(plain, yearly)| (plain + yearly).max(0.0))
            .collect();
        (0..with_year.len())
            .map(|step| {
                let expected = with_year[step];
                let share = self.labels_ahead[step]
                    .as_ref()
                    .and_then(|label| self.shares.get(label));
                let share = share.copied().unwrap_or(0.0);
                (expected - share * gap(&with_year, step)).max(0.0)
            })
            .collect()
    }
}

/// Which part of its usual count came on the closed days of a history: emergencies, or nobody. Nobody where none was closed.
pub fn left_when_closed(series: &Series, calendar: &Calendar) -> f64 {
    let closed: Vec<usize> = (0..series.len())
        .filter(|place| calendar.is_closed(series.day(*place)))
        .collect();
    if closed.is_empty() {
        return 0.0;
    }
    let labels: Vec<Option<&str>> = (0..series.len())
        .map(|place| calendar.label(series.day(place)))
        .collect();
    let usual = usual(&series.values, &labels);
    let sum = |of: &[f64]| closed.iter().map(|place| of[*place]).sum::<f64>();
    let (came, usually) = (sum(&series.values), sum(&usual));
    if usually > 0.0 {
        (came / usually).min(1.0)
    } else {
        0.0
    }
}

/// How far a day lies above the quietest day around it.
fn gap(usual: &[f64], day: usize) -> f64 {
    let around = &usual[day.saturating_sub(WEEK - 1)..(day + WEEK).min(usual.len())];
    let quietest = around.iter().copied().fold(f64::INFINITY, f64::min);
    (usual[day] - quietest).max(usual[day] / 10.0)
}

/// What each day would have had without a label: the median of its weekday in the weeks beside.
fn usual(values: &[f64], labels: &[Option<&str>]) -> Vec<f64> {
    let overall = mean(values);
    (0..values.len())
        .map(|day| {
            let first = day.saturating_sub(WEEKS_BESIDE * WEEK);
            let first = first + (day - first) % WEEK;
            let last = day + WEEKS_BESIDE * WEEK;
            let mut beside: Vec<f64> = (first..=last)
                .step_by(WEEK)
                .filter(|other| *other != day && labels.get(*other).is_some_and(Option::is_none))
                .map(|other| values[other])
                .collect();
            median(&mut beside).unwrap_or(overall)
        })
        .collect()
}

/// For each label, the share of the gap that such days lost.
fn shares(values: &[f64], labels: &[Option<&str>], usual: &[f64]) -> BTreeMap<String, f64> {
    let mut sums: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
    let mut squares = Vec::new();
    for (day, label) in labels.iter().enumerate() {
        // Of a closed day a part of the whole is left, not of the gap: see `left_when_closed`.
        let Some(label) = label.filter(|label| *label != CLOSED) else {
            continue;
        };
        let gap = gap(usual, day);
        let sum = sums.entry(label).or_default();
        sum.0 += gap * gap;
        sum.1 += gap * (usual[day] - values[day]);
        squares.push(gap * gap);
    }
    // As if half a day of each label had been seen on which nothing happened.
    let prior = 0.5 * mean(&squares);
    sums.into_iter()
        .filter(|(_, (square, _))| square + prior > 0.0)
        .map(|(label, (square, product))| (label.to_owned(), product / (square + prior)))
        .collect()
}

/// The part of the time of year in each day, also of those ahead. Zero where the history is too short to tell.
fn yearly(series: &Series, labels: &[Option<&str>], days: usize) -> Vec<f64> {
    let nothing = vec![0.0; days];
    if series.len() < YEARLY_FROM {
        return nothing;
    }
    let rows: Vec<(Vec<f64>, f64)> = (0..series.len())
        .filter(|day| labels[*day].is_none())
        .map(|day| {
            let mut row = vec![1.0, (real(day) - real(series.len())) / YEAR];
            row.extend((1..WEEK).map(|weekday| f64::from(u8::from(day % WEEK == weekday))));
            row.extend(harmonics(series, day));
            (row, series.values[day])
        })
        .collect();
    let plain = 1 + WEEK;
    let Some((first, _)) = rows.first() else {
        return nothing;
    };
    let size = first.len();
    let mut matrix = vec![vec![0.0; size]; size];
    let mut right = vec![0.0; size];
    for (row, value) in &rows {
        for (line, left) in row.iter().enumerate() {
            right[line] += left * value;
            for (column, other) in row.iter().enumerate() {
                matrix[line][column] += left * other;
            }
        }
    }
    for (place, line) in matrix.iter_mut().enumerate().skip(plain) {
        line[place] += RIDGE;
    }
    let Some(found) = solve(&matrix, &right) else {
        return nothing;
    };
    (0..days)
        .map(|day| {
            let waves = harmonics(series, day);
            waves.iter().zip(&found[plain..]).map(|(a, b)| a * b).sum()
        })
        .collect()
}

fn harmonics(series: &Series, day: usize) -> Vec<f64> {
    let turn = TAU * f64::from(series.day(day).num_days_from_ce()) / YEAR;
    (1..=HARMONICS)
        .flat_map(|wave| {
            let at = turn * f64::from(wave);
            [at.sin(), at.cos()]
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::NaiveDate;

    fn weekly(days: usize) -> Series {
        let start: NaiveDate = "2026-01-05".parse().expect("a Monday");
        let week = [20.0, 20.0, 20.0, 20.0, 20.0, 8.0, 0.0];
        Series::new(start, (0..days).map(|day| week[day % 7]).collect())
    }

    #[test]
    fn a_holiday_that_closes_the_clinic_closes_it_next_time_and_leaves_a_sunday_alone() {
        let mut series = weekly(140);
        let mut calendar = Calendar::default();
        for place in [30, 58, 86, 114] {
            series.values[place] = 0.0;
            calendar.mark(series.day(place), "founders_day");
        }
        // A Wednesday and a Sunday ahead.
        calendar.mark(series.day(142), "founders_day");
        calendar.mark(series.day(146), "founders_day");
        let adjusted = Adjusted::of(&series, &calendar, 7);
        assert!(adjusted.open[30].is_none());
        assert!((adjusted.filled[30] - 20.0).abs() < 1e-9);
        let plain = [20.0, 20.0, 20.0, 20.0, 20.0, 8.0, 0.0];
        let restored = adjusted.restore(&plain);
        assert!(restored[2] < 3.0, "{restored:?}");
        assert!((restored[1] - 20.0).abs() < 1e-9 && restored[6].abs() < 1e-9);
    }

    #[test]
    fn the_time_of_year_is_found_and_reaches_ahead() {
        let mut series = weekly(730);
        for place in 0..730 {
            let turn = TAU * f64::from(series.day(place).num_days_from_ce()) / YEAR;
            series.values[place] += 5.0 * turn.sin();
        }
        let adjusted = Adjusted::of(&series, &Calendar::default(), 28);
        for step in 0..28 {
            let turn = TAU * f64::from(series.day(730 + step).num_days_from_ce()) / YEAR;
            let found = adjusted.yearly_ahead[step];
            assert!((found - 5.0 * turn.sin()).abs() < 0.8, "{step} {found}");
        }
    }
}
