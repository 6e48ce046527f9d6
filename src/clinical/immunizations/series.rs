//! The series of the schedule: facts of a data file, read once.
//!
//! A series has tracks, one for each age at which it may be begun, because who begins late needs fewer doses. An age or an
//! interval is a number of days, weeks, months or years: `6w`, `12m`.

use std::sync::LazyLock;

use chrono::{Days, Months, NaiveDate};
use serde::Deserialize;

const FILE: &str = include_str!("schedule.json");

/// The schedule as the file has it. A unit test reads it, so it can be read.
pub(super) static SCHEDULE: LazyLock<Schedule> =
    LazyLock::new(|| serde_json::from_str(FILE).unwrap_or_default());

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Schedule {
    /// What it is, and what it is not.
    pub about: String,
    pub series: Vec<Series>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Series {
    pub key: String,
    pub name: String,
    pub source: String,
    /// Vaccines that count.
    pub cvx: Vec<String>,
    /// From this age on the series is neither begun nor gone on with.
    pub until: Option<Span>,
    /// Who was born before is taken to be immune.
    pub born_from: Option<NaiveDate>,
    /// After the last dose, another one each time this has passed.
    pub repeat: Option<Span>,
    /// How long after that it is overdue.
    pub repeat_late: Option<Span>,
    /// One dose a season instead of tracks.
    pub season: Option<Season>,
    /// By the age at which they may be begun, youngest first.
    pub tracks: Vec<Track>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Track {
    pub begun_from: Span,
    /// None: who has not begun by that age does not begin.
    pub doses: Vec<DoseRule>,
    /// The last dose is not needed where the one before was given from this age on.
    pub last_not_needed_from: Option<Span>,
    /// Fewer doses are enough where all are of these vaccines.
    pub enough: Option<Enough>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Enough {
    pub cvx: Vec<String>,
    pub doses: usize,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DoseRule {
    /// Only these vaccines will do.
    #[serde(default)]
    pub only: Vec<String>,
    /// Age before which it does not count.
    pub min: Span,
    /// Age from which it is due.
    pub due: Span,
    /// Age from which it is overdue.
    pub late: Span,
    /// Since the dose before: at least.
    #[serde(default)]
    pub interval: Span,
    /// Since the dose before: when due; the least, unless said.
    pub due_interval: Option<Span>,
    /// Since the dose before: when overdue; a month after due, unless said.
    pub late_interval: Option<Span>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Season {
    /// The month in which a season begins.
    pub from_month: u32,
    pub due_month: u32,
    pub late_month: u32,
    pub min: Span,
}

/// An age, or the time between two doses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Span {
    months: u32,
    days: u64,
}

impl Span {
    pub(super) const MONTH: Self = Self { months: 1, days: 0 };

    pub(super) fn after(self, day: NaiveDate) -> NaiveDate {
        day.checked_add_months(Months::new(self.months))
            .and_then(|day| day.checked_add_days(Days::new(self.days)))
            .unwrap_or(NaiveDate::MAX)
    }
}

impl TryFrom<String> for Span {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let wrong = "not a number of d, w, m or y";
        let (number, unit) = text
            .split_at_checked(text.len().saturating_sub(1))
            .ok_or(wrong)?;
        let number: u32 = number.parse().map_err(|_| wrong)?;
        match unit {
            "d" => Ok(Self {
                months: 0,
                days: u64::from(number),
            }),
            "w" => Ok(Self {
                months: 0,
                days: u64::from(number) * 7,
            }),
            "m" => Ok(Self {
                months: number,
                days: 0,
            }),
            "y" => Ok(Self {
                months: number * 12,
                days: 0,
            }),
            _ => Err(wrong),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_file_can_be_read_and_says_where_each_series_comes_from() {
        let schedule: Schedule = serde_json::from_str(FILE).expect("the schedule can be read");
        assert!(schedule.series.len() >= 16);
        let keys: BTreeSet<_> = schedule.series.iter().map(|series| &series.key).collect();
        assert_eq!(keys.len(), schedule.series.len());
        for series in &schedule.series {
            assert!(
                !series.source.is_empty() && !series.cvx.is_empty(),
                "{}",
                series.key
            );
            let form = |code: &String| {
                (2..=3).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_digit())
            };
            assert!(series.cvx.iter().all(form), "{}", series.key);
            assert!(
                series.season.is_some() == series.tracks.is_empty(),
                "{}: a season or tracks",
                series.key
            );
        }
    }

    #[test]
    fn ages_are_in_order() {
        let birth = NaiveDate::from_ymd_opt(2020, 1, 31).expect("a day");
        for series in &SCHEDULE.series {
            let ages: Vec<_> = series
                .tracks
                .iter()
                .map(|track| track.begun_from.after(birth))
                .collect();
            assert!(ages.is_sorted(), "{}", series.key);
            for dose in series.tracks.iter().flat_map(|track| &track.doses) {
                let (min, due, late) = (
                    dose.min.after(birth),
                    dose.due.after(birth),
                    dose.late.after(birth),
                );
                assert!(min <= due && due <= late, "{}: {dose:?}", series.key);
                assert!(
                    dose.only.iter().all(|cvx| series.cvx.contains(cvx)),
                    "{}",
                    series.key
                );
            }
        }
    }

    #[test]
    fn spans_end_on_the_last_day_of_a_shorter_month() {
        let birth = NaiveDate::from_ymd_opt(2020, 1, 31).expect("a day");
        let span = |text: &str| Span::try_from(text.to_owned()).expect("a span");
        assert_eq!(span("1m").after(birth).to_string(), "2020-02-29");
        assert_eq!(span("6w").after(birth).to_string(), "2020-03-13");
        assert_eq!(span("18y").after(birth).to_string(), "2038-01-31");
        for text in ["", "m", "6", "6x", "-1d", "é"] {
            assert!(Span::try_from(text.to_owned()).is_err(), "{text}");
        }
    }
}
