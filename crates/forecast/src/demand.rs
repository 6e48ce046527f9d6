//! The forecast of daily counts.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::WEEK;
use crate::backtest::{self, Backtest};
use crate::calendar::Calendar;
use crate::effects::left_when_closed;
use crate::intervals::Spread;
use crate::methods::{self, Method};
use crate::naive::seasonal_naive;
use crate::series::Series;

/// The levels of the intervals.
pub const LEVELS: [f64; 2] = [0.80, 0.95];
/// The least history: six weeks, which leave two origins.
pub const LEAST_DAYS: usize = 6 * WEEK;
pub const MOST_HORIZON: usize = 90;

#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Days ahead, 1 to 90.
    pub horizon: usize,
    /// No more than so many of the last days are looked at.
    pub history: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            horizon: 28,
            history: 4 * 365 + 1,
        }
    }
}

/// What is expected, how sure that is, and how it was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Forecast {
    pub method: Method,
    pub points: Vec<Point>,
    pub backtest: Backtest,
    /// The first and the last day of the history, and its length.
    pub history_from: NaiveDate,
    pub history_until: NaiveDate,
    pub history_days: usize,
}

/// One day.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    pub date: NaiveDate,
    pub expected: f64,
    pub low_80: f64,
    pub high_80: f64,
    pub low_95: f64,
    pub high_95: f64,
    /// What "as a week ago" says.
    pub naive: f64,
    /// Why the day is unlike others of its weekday.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holiday: Option<String>,
    /// Nothing is open: only as many are expected as came on earlier closed days.
    #[serde(default)]
    pub closed: bool,
}

/// Why there is no forecast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Fewer than [`LEAST_DAYS`].
    TooShort { days: usize },
    /// Not 1 to 90 days ahead.
    Horizon,
    /// A count that is negative or no number.
    NotCounts,
}

/// The forecast of the days after the series, by the method that did best on the days before.
///
/// # Errors
/// A history that is too short or not made of counts, a horizon that is too long.
pub fn forecast(
    series: &Series,
    calendar: &Calendar,
    options: &Options,
) -> Result<Forecast, Refused> {
    if !(1..=MOST_HORIZON).contains(&options.horizon) {
        return Err(Refused::Horizon);
    }
    if series.values.iter().any(|it| !it.is_finite() || *it < 0.0) {
        return Err(Refused::NotCounts);
    }
    let series = series.last(options.history);
    if series.len() < LEAST_DAYS {
        return Err(Refused::TooShort { days: series.len() });
    }
    let (backtest, misses) = backtest::backtest(&series, calendar, options.horizon);
    let spread = Spread::of(&misses, None);
    let widths = LEVELS.map(|level| spread.widths(level, series.len()));
    let answers = methods::all(&series, calendar, options.horizon);
    let naive = seasonal_naive(&series.values, options.horizon);
    // The choice may have no answer on the whole history, though it had one on every part of it: then naive is used.
    let (method, expected) = answers
        .into_iter()
        .find(|(method, _)| *method == backtest.chosen)
        .unwrap_or_else(|| (Method::SeasonalNaive, naive.clone()));
    let when_closed = left_when_closed(&series, calendar);
    let points = expected.iter().zip(&naive).enumerate();
    let points = points
        .map(|(step, (expected, naive))| {
            let place = series.len() + step;
            let date = series.day(place);
            let kind = backtest::kind(&series, calendar, place);
            let closed = calendar.is_closed(date);
            let part = if closed { when_closed } else { 1.0 };
            // What would be usual of a closed day is what is usual of its weekday, not of labelled days.
            let kind = if closed { place % WEEK } else { kind };
            let [near, far] =
                [0, 1].map(|level: usize| part * widths[level].half(step, kind).unwrap_or(0.0));
            let far = far.max(near);
            let expected = part * expected;
            Point {
                date,
                expected,
                low_80: (expected - near).max(0.0),
                high_80: expected + near,
                low_95: (expected - far).max(0.0),
                high_95: expected + far,
                naive: *naive,
                holiday: calendar.label(date).map(str::to_owned),
                closed,
            }
        })
        .collect();
    Ok(Forecast {
        method,
        points,
        history_from: series.start,
        history_until: series.day(series.len() - 1),
        history_days: series.len(),
        backtest,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a day")
    }

    /// Chance that repeats itself, uniform in −1 to 1.
    fn noise(seed: usize) -> f64 {
        let mixed = (seed as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mixed = (mixed ^ (mixed >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        f64::from(u32::try_from(mixed >> 40).unwrap_or(0)) / f64::from(1 << 23) - 1.0
    }

    #[test]
    fn a_noisy_clinic_is_forecast_better_than_as_a_week_ago_and_the_intervals_hold() {
        let week = [40.0, 44.0, 42.0, 38.0, 30.0, 6.0, 0.0];
        let truth = |place: usize| {
            let usual: f64 = week[place % 7];
            (usual + usual.sqrt() * 1.7 * noise(place)).max(0.0)
        };
        let series = Series::new(day("2025-01-06"), (0..420).map(truth).collect());
        let found =
            forecast(&series, &Calendar::default(), &Options::default()).expect("long enough");
        assert!(found.backtest.beats_naive, "{:?}", found.backtest);
        let naive = found
            .backtest
            .scores
            .iter()
            .find(|it| it.method == Method::SeasonalNaive);
        let chosen = found
            .backtest
            .scores
            .iter()
            .find(|it| it.method == found.method);
        let (naive, chosen) = (naive.expect("always there"), chosen.expect("the chosen"));
        assert!(chosen.mase < 0.9 * naive.mase, "{chosen:?} {naive:?}");
        assert!((chosen.coverage_80 - 0.80).abs() < 0.05, "{chosen:?}");
        assert!((chosen.coverage_95 - 0.95).abs() < 0.04, "{chosen:?}");
        let inside =
            found.points.iter().enumerate().filter(|(step, point)| {
                (point.low_95..=point.high_95).contains(&truth(420 + step))
            });
        assert!(inside.count() >= 25);
    }

    #[test]
    fn where_nothing_beats_as_a_week_ago_it_is_used_and_said() {
        // A pure cycle: as a week ago is never wrong.
        let series = Series::new(
            day("2026-01-05"),
            (0..140).map(|place| f64::from(place % 7)).collect(),
        );
        let found =
            forecast(&series, &Calendar::default(), &Options::default()).expect("long enough");
        assert_eq!(found.method, Method::SeasonalNaive);
        assert!(!found.backtest.beats_naive);
        assert!(
            found
                .points
                .iter()
                .all(|it| (it.expected - it.naive).abs() < 1e-9)
        );
    }

    #[test]
    fn on_a_closed_day_as_many_are_expected_as_came_on_earlier_ones_and_none_is_judged_by_it() {
        let closed = [150, 200, 257, 300, 330];
        let count = |place: usize, on_closed: f64| {
            let usual = 20.0 + 2.0 * noise(place);
            if closed.contains(&place) {
                on_closed
            } else {
                usual
            }
        };
        let start = day("2025-01-06");
        let mut calendar = Calendar::default();
        for place in closed {
            calendar.close(start + chrono::Days::new(place as u64));
        }
        let ahead = start + chrono::Days::new(367);
        calendar.close(ahead);
        let asked = |on_closed: f64, calendar: &Calendar| {
            let values = (0..364).map(|place| count(place, on_closed)).collect();
            let series = Series::new(start, values);
            forecast(&series, calendar, &Options::default()).expect("long enough")
        };
        let nobody = asked(0.0, &calendar);
        let point = &nobody.points[3];
        assert!(point.closed && point.date == ahead && point.holiday.as_deref() == Some("closed"));
        assert!(
            point.expected.abs() < 1e-9 && point.high_95.abs() < 1e-9,
            "{point:?}"
        );
        assert!((nobody.points[2].expected - 20.0).abs() < 2.0);
        // The test is the same whoever came on closed days: they are no part of it.
        let emergencies = asked(5.0, &calendar);
        assert!((emergencies.points[3].expected - 5.0).abs() < 1.0);
        assert!(emergencies.points[3].high_80 < 7.0 && emergencies.points[3].low_80 > 3.0);
        let scores = emergencies.backtest.scores.iter();
        assert!(scores.clone().all(|score| score.mae < 4.0), "{scores:?}");
        // None was closed before: nobody is expected.
        let mut first = Calendar::default();
        first.close(ahead);
        assert!(asked(20.0, &first).points[3].expected.abs() < 1e-9);
    }

    #[test]
    fn what_can_not_be_forecast_is_refused() {
        let calendar = Calendar::default();
        let short = Series::new(day("2026-01-05"), vec![1.0; 41]);
        assert_eq!(
            forecast(&short, &calendar, &Options::default()),
            Err(Refused::TooShort { days: 41 })
        );
        let strange = Series::new(day("2026-01-05"), vec![-1.0; 100]);
        assert_eq!(
            forecast(&strange, &calendar, &Options::default()),
            Err(Refused::NotCounts)
        );
        let far = Options {
            horizon: 91,
            ..Options::default()
        };
        let fine = Series::new(day("2026-01-05"), vec![1.0; 100]);
        assert_eq!(forecast(&fine, &calendar, &far), Err(Refused::Horizon));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn intervals_hold_the_point_and_lie_in_each_other(
            values in prop::collection::vec(0.0..60.0_f64, 42..160), horizon in 1..90_usize,
        ) {
            let series = Series::new(day("2026-01-05"), values);
            let options = Options { horizon, ..Options::default() };
            let calendar = crate::us_holidays(2026, 2026);
            let found = forecast(&series, &calendar, &options).expect("long enough");
            prop_assert_eq!(found.points.len(), horizon);
            for point in found.points {
                prop_assert!(point.low_95 >= 0.0 && point.low_95 <= point.low_80);
                prop_assert!(point.low_80 <= point.expected && point.expected <= point.high_80);
                prop_assert!(point.high_80 <= point.high_95 && point.high_95.is_finite());
            }
        }
    }
}
