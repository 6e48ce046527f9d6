//! What a series of values says: its extremes, its mean, its direction, and as many points as a plot can show.
//!
//! The slope is Theil and Sen's (the median of the slopes between all pairs: a typing mistake does not bend it), and is only
//! told with Mann and Kendall's test of whether there is a direction at all, and only from four values on: three can't be
//! significant. Points are thinned by largest triangles (LTTB), which keeps the peaks an average would flatten.
//!
//! Traps: pairs grow with the square of the values, so of a long series at most [`PAIRED`] values, evenly chosen, are paired;
//! the answer says how many.

use chrono::{DateTime, Utc};
use kernel::PartialDate;
use serde::Serialize;
use utoipa::ToSchema;

use super::statistics::two_sided;
use super::units::Amount;

/// The least values a direction is told of.
const LEAST: usize = 4;
/// The most values that are paired.
const PAIRED: usize = 1_500;
/// Below this chance that there is none, a direction is one.
const SIGNIFICANT: f64 = 0.05;

/// A value in time.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = TrendPoint)]
pub struct Point {
    pub at: DateTime<Utc>,
    /// Of what was imported and is known by its day, month or year alone: that, to be shown in place of `at`, which is where it
    /// begins.
    #[serde(rename = "measured_on", skip_serializing_if = "Option::is_none")]
    #[schema(example = "2015-03")]
    pub on: Option<PartialDate>,
    pub value: Amount,
}

/// Where it goes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = TrendSlope)]
pub struct Slope {
    /// In the series' unit, by day: the median of the slopes between all pairs of values (Theil–Sen).
    pub per_day: f64,
    /// Mann–Kendall's tau: −1 always falling, 1 always rising.
    pub tau: f64,
    /// The chance of such a series if nothing changed (Mann–Kendall, ties corrected, two-sided).
    pub p_value: f64,
    pub direction: Direction,
    /// Values it was made from.
    pub values: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = TrendDirection)]
pub enum Direction {
    Rising,
    Falling,
    /// No direction that chance would not explain.
    None,
}

/// A series in a few numbers.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = TrendSummary)]
pub struct Summary {
    pub count: usize,
    pub min: Point,
    pub max: Point,
    pub mean: f64,
    pub first: Point,
    pub last: Point,
    /// Absent below four values, and where all were measured at one time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slope: Option<Slope>,
}

/// Sums up a series in the order of time. `None` if it is empty.
#[expect(clippy::cast_precision_loss, reason = "a series has few values")]
pub(super) fn summarise(series: &[Point]) -> Option<Summary> {
    let (first, last) = (series.first()?, series.last()?);
    let min = series.iter().min_by_key(|point| point.value)?;
    let max = series.iter().max_by_key(|point| point.value)?;
    let sum: f64 = series.iter().map(|point| point.value.to_f64()).sum();
    Some(Summary {
        count: series.len(),
        min: min.clone(),
        max: max.clone(),
        mean: rounded(sum / series.len() as f64, 4),
        first: first.clone(),
        last: last.clone(),
        slope: slope(series),
    })
}

fn slope(series: &[Point]) -> Option<Slope> {
    let first = series.first()?.at;
    let chosen: Vec<(f64, f64)> = evenly(series, PAIRED)
        .map(|point| {
            (
                (point.at - first).as_seconds_f64() / 86_400.0,
                point.value.to_f64(),
            )
        })
        .collect();
    if chosen.len() < LEAST {
        return None;
    }
    let per_day = theil_sen(&chosen)?;
    let (tau, p_value) = mann_kendall(&chosen);
    let direction = if p_value >= SIGNIFICANT {
        Direction::None
    } else if tau > 0.0 {
        Direction::Rising
    } else {
        Direction::Falling
    };
    Some(Slope {
        per_day: rounded(per_day, 6),
        tau: rounded(tau, 4),
        p_value: rounded(p_value, 6),
        direction,
        values: chosen.len(),
    })
}

/// At most `most` of them, evenly chosen, the first and the last among them.
fn evenly(series: &[Point], most: usize) -> impl Iterator<Item = &Point> {
    let (length, chosen) = (series.len(), series.len().min(most));
    (0..chosen).map(move |place| {
        if chosen == length {
            &series[place]
        } else {
            &series[place * (length - 1) / (chosen - 1)]
        }
    })
}

/// The median of the slopes between all pairs that differ in time.
fn theil_sen(points: &[(f64, f64)]) -> Option<f64> {
    let mut slopes: Vec<f64> = points
        .iter()
        .enumerate()
        .flat_map(|(place, (x, y))| {
            points[place + 1..]
                .iter()
                .filter(move |(later, _)| later > x)
                .map(move |(later, other)| (other - y) / (later - x))
        })
        .collect();
    if slopes.is_empty() {
        return None;
    }
    let middle = slopes.len() / 2;
    let upper = *slopes.select_nth_unstable_by(middle, f64::total_cmp).1;
    if slopes.len() % 2 == 1 {
        return Some(upper);
    }
    // An even number of slopes: the mean of the two in the middle.
    let lower = slopes[..middle].iter().copied().max_by(f64::total_cmp)?;
    Some(f64::midpoint(lower, upper))
}

/// Tau and the two-sided p-value, with the correction for ties.
#[expect(clippy::cast_precision_loss, reason = "a series has few values")]
fn mann_kendall(points: &[(f64, f64)]) -> (f64, f64) {
    let n = points.len() as f64;
    let mut s = 0_i64;
    for (place, (_, y)) in points.iter().enumerate() {
        for (_, later) in &points[place + 1..] {
            s += i64::from(later > y) - i64::from(later < y);
        }
    }
    let mut values: Vec<f64> = points.iter().map(|(_, y)| *y).collect();
    values.sort_by(f64::total_cmp);
    let ties: f64 = values
        .chunk_by(|a, b| a.total_cmp(b).is_eq())
        .map(|tied| tied.len() as f64)
        .map(|t| t * (t - 1.0) * (2.0 * t + 5.0))
        .sum();
    let variance = (n * (n - 1.0) * (2.0 * n + 5.0) - ties) / 18.0;
    let tau = s as f64 / (n * (n - 1.0) / 2.0);
    if variance <= 0.0 {
        return (0.0, 1.0);
    }
    // The correction for continuity takes one step towards the middle.
    let z = (s - s.signum()) as f64 / variance.sqrt();
    (tau, two_sided(z))
}

/// At most `most` points whose outline is the series': largest triangle three buckets.
#[expect(clippy::cast_precision_loss, reason = "a series has few values")]
pub(super) fn thin(series: &[Point], most: usize) -> Vec<Point> {
    let length = series.len();
    if most < 3 || length <= most {
        return series
            .iter()
            .take(length.min(most.max(2)))
            .cloned()
            .collect();
    }
    let xy = |point: &Point| {
        (
            (point.at - series[0].at).as_seconds_f64(),
            point.value.to_f64(),
        )
    };
    let edge = |bucket: usize| 1 + bucket * (length - 2) / (most - 2);
    let mut kept = vec![series[0].clone()];
    let mut chosen = 0;
    for bucket in 0..most - 2 {
        let next = if bucket + 1 == most - 2 {
            &series[length - 1..]
        } else {
            &series[edge(bucket + 1)..edge(bucket + 2)]
        };
        let (sum_x, sum_y) = next
            .iter()
            .map(xy)
            .fold((0.0, 0.0), |sum, (x, y)| (sum.0 + x, sum.1 + y));
        let (mean_x, mean_y) = (sum_x / next.len() as f64, sum_y / next.len() as f64);
        let (from_x, from_y) = xy(&series[chosen]);
        let area = |place: &usize| {
            let (x, y) = xy(&series[*place]);
            ((from_x - mean_x) * (y - from_y) - (from_x - x) * (mean_y - from_y)).abs()
        };
        chosen = (edge(bucket)..edge(bucket + 1))
            .max_by(|a, b| area(a).total_cmp(&area(b)))
            .unwrap_or(chosen);
        kept.push(series[chosen].clone());
    }
    kept.push(series[length - 1].clone());
    kept
}

fn rounded(number: f64, decimals: i32) -> f64 {
    let scale = 10_f64.powi(decimals);
    (number * scale).round() / scale
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;
    use kernel::clock::Instant;

    fn series(values: &[f64]) -> Vec<Point> {
        let start: Instant = "2024-01-01T00:00:00Z".parse().expect("an instant");
        values
            .iter()
            .zip(0..)
            .map(|(value, day)| Point {
                at: start + TimeDelta::days(day),
                on: None,
                value: Amount::new(*value).expect("an amount"),
            })
            .collect()
    }

    #[test]
    fn one_mistake_does_not_bend_the_slope() {
        let mut values: Vec<f64> = (0..15).map(|day| 70.0 + f64::from(day) * 0.5).collect();
        values[7] = 700.0;
        let slope = slope(&series(&values)).expect("a slope");
        assert!((slope.per_day - 0.5).abs() < 0.01, "{slope:?}");
        assert_eq!(slope.direction, Direction::Rising);
    }

    #[test]
    fn the_median_of_slopes_is_the_median() {
        // Slopes between 0→1, 0→2, 1→2: 1, 3, 5.
        assert_eq!(theil_sen(&[(0.0, 0.0), (1.0, 1.0), (2.0, 6.0)]), Some(3.0));
        // Of six slopes (1, 1.5, 3, 2, 4, 6) the two in the middle are 2 and 3.
        assert_eq!(
            theil_sen(&[(0.0, 0.0), (1.0, 1.0), (2.0, 3.0), (3.0, 9.0)]),
            Some(2.5)
        );
        assert_eq!(
            theil_sen(&[(1.0, 5.0), (1.0, 7.0)]),
            None,
            "measured at one time"
        );
    }

    #[test]
    fn three_values_have_no_direction() {
        assert_eq!(slope(&series(&[1.0, 2.0, 3.0])), None);
        let four = slope(&series(&[1.0, 2.0, 3.0, 4.0])).expect("a slope");
        assert_eq!(
            four.direction,
            Direction::None,
            "four in a row are still chance: {four:?}"
        );
        assert!((four.tau - 1.0).abs() < 1e-9);
    }

    #[test]
    fn mann_kendall_counts_ties() {
        // S = 6; a group of two and one of three among five values: variance (300 − 18 − 66) / 18 = 12.
        let points: Vec<(f64, f64)> = [1.0, 1.0, 2.0, 2.0, 2.0]
            .into_iter()
            .zip(0..)
            .map(|(y, x)| (f64::from(x), y))
            .collect();
        let (tau, p) = mann_kendall(&points);
        assert!((tau - 0.6).abs() < 1e-9);
        let z = 5.0 / 12_f64.sqrt();
        assert!((p - two_sided(z)).abs() < 1e-9);
        assert_eq!(
            mann_kendall(&[(0.0, 3.0), (1.0, 3.0), (2.0, 3.0), (3.0, 3.0)]),
            (0.0, 1.0)
        );
    }

    #[test]
    fn a_summary_names_when_the_extremes_were() {
        let series = series(&[5.0, 2.0, 9.0, 4.0]);
        let summary = summarise(&series).expect("values");
        assert_eq!((&summary.min, &summary.max), (&series[1], &series[2]));
        assert_eq!((&summary.first, &summary.last), (&series[0], &series[3]));
        assert!((summary.mean - 5.0).abs() < 1e-9);
        assert_eq!(summarise(&[]), None);
    }

    #[test]
    fn thinning_keeps_the_ends_and_the_peak() {
        let mut values = vec![70.0; 5_000];
        values[3_333] = 190.0;
        let all = series(&values);
        let thinned = thin(&all, 100);
        assert_eq!(thinned.len(), 100);
        assert_eq!((&thinned[0], &thinned[99]), (&all[0], &all[4_999]));
        assert!(thinned.contains(&all[3_333]), "the peak is gone");
        assert!(thinned.windows(2).all(|two| two[0].at < two[1].at));
        assert_eq!(
            thin(&all[..50], 100),
            all[..50],
            "few points stay as they are"
        );
    }

    #[test]
    fn a_long_series_is_paired_in_part_and_says_so() {
        let values: Vec<f64> = (0..9_000)
            .map(|day| f64::from(60_000 + day) / 1000.0)
            .collect();
        let slope = slope(&series(&values)).expect("a slope");
        assert_eq!(slope.values, PAIRED);
        assert!((slope.per_day - 0.001).abs() < 1e-6);
    }
}
