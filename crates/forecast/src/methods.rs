//! The methods that compete.

use serde::{Deserialize, Serialize};

use crate::calendar::Calendar;
use crate::decompose::mstl;
use crate::effects::Adjusted;
use crate::naive::seasonal_naive;
use crate::series::Series;
use crate::smoothing::holt_winters;

/// How a forecast is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// As a week ago.
    SeasonalNaive,
    /// Exponential smoothing with a weekly cycle, holidays and the time of year taken out.
    HoltWinters,
    /// A decomposition by loess, holidays and the time of year taken out.
    Mstl,
    /// The mean of the last two.
    Combined,
}

impl Method {
    pub const ALL: [Self; 4] = [
        Self::SeasonalNaive,
        Self::HoltWinters,
        Self::Mstl,
        Self::Combined,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SeasonalNaive => "seasonal_naive",
            Self::HoltWinters => "holt_winters",
            Self::Mstl => "mstl",
            Self::Combined => "combined",
        }
    }
}

/// What every method says of the days after the series. Where a history leaves a method without an answer, it is not there.
pub fn all(series: &Series, calendar: &Calendar, horizon: usize) -> Vec<(Method, Vec<f64>)> {
    let mut answers = vec![(
        Method::SeasonalNaive,
        seasonal_naive(&series.values, horizon),
    )];
    let adjusted = Adjusted::of(series, calendar, horizon);
    let smoothed = holt_winters(&adjusted.open, horizon);
    let decomposed = mstl(&adjusted.filled, horizon);
    if let Some(decomposed) = decomposed {
        let between: Vec<f64> = smoothed
            .iter()
            .zip(&decomposed)
            .map(|(a, b)| f64::midpoint(*a, *b))
            .collect();
        answers.push((Method::Mstl, adjusted.restore(&decomposed)));
        answers.push((Method::Combined, adjusted.restore(&between)));
    }
    answers.push((Method::HoltWinters, adjusted.restore(&smoothed)));
    answers.retain(|(_, points)| points.iter().all(|point| point.is_finite()));
    answers
}
