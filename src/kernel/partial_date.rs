//! A day that may be known only as its year, or its month: `2019`, `2019-03`, `2019-03-04`.
//!
//! Kept as it was said: a year is not the first of January. As text it sorts in the order of time, a year before its months.
//! Whoever compares two says whether he means the first day that may be meant or the last.

use chrono::{Datelike, Days, Months, NaiveDate};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::check::Checks;

/// A year, a month of a year, or a day.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, sqlx::Type, ToSchema,
)]
#[serde(try_from = "String", into = "String")]
#[sqlx(transparent)]
#[schema(value_type = String, example = "2019-03", pattern = r"^\d{4}(-\d{2}(-\d{2})?)?$")]
pub struct PartialDate(String);

impl PartialDate {
    /// As it was said.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first day that may be meant.
    pub fn earliest(&self) -> NaiveDate {
        self.first_and_next().0
    }

    /// The last day that may be meant.
    pub fn latest(&self) -> NaiveDate {
        let (first, next) = self.first_and_next();
        next.checked_sub_days(Days::new(1)).unwrap_or(first)
    }

    /// Of two the earlier; where the one lies in the other, the more exact.
    #[must_use]
    pub fn or_earlier(self, other: Self) -> Self {
        if other.0.starts_with(&self.0) {
            other
        } else if self.0.starts_with(&other.0) {
            self
        } else {
            self.min(other)
        }
    }

    /// The day, if that much is known.
    pub fn day(&self) -> Option<NaiveDate> {
        (self.0.len() == 10).then(|| self.earliest())
    }

    fn first_and_next(&self) -> (NaiveDate, NaiveDate) {
        let first = first_day(&self.0).unwrap_or_default();
        let next = match self.0.len() {
            4 => first.checked_add_months(Months::new(12)),
            7 => first.checked_add_months(Months::new(1)),
            _ => first.checked_add_days(Days::new(1)),
        };
        (first, next.unwrap_or(first))
    }

    /// Breaks a rule where it lies in the future altogether, or before 1850.
    pub fn check_past(&self, checks: &mut Checks, field: &str) {
        if self.earliest() > checks.latest_today() {
            checks.fail(field, "in_the_future", "must not lie in the future");
        } else if self.earliest().year() < 1850 {
            checks.fail(field, "too_early", "must not lie before 1850");
        }
    }
}

impl From<NaiveDate> for PartialDate {
    fn from(day: NaiveDate) -> Self {
        Self(day.format("%Y-%m-%d").to_string())
    }
}

impl From<PartialDate> for String {
    fn from(date: PartialDate) -> Self {
        date.0
    }
}

impl TryFrom<String> for PartialDate {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if first_day(&text).is_some() {
            Ok(Self(text))
        } else {
            Err("neither a year, a month nor a day")
        }
    }
}

impl std::fmt::Display for PartialDate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// The first day of what the text names; `None` if it is not of the form.
fn first_day(text: &str) -> Option<NaiveDate> {
    let digits = |part: &str, length: usize| -> Option<u32> {
        (part.len() == length && part.bytes().all(|b| b.is_ascii_digit()))
            .then(|| part.parse().ok())
            .flatten()
    };
    let mut parts = text.split('-');
    let year = digits(parts.next()?, 4)?;
    let month = parts.next().map_or(Some(1), |part| digits(part, 2))?;
    let day = parts.next().map_or(Some(1), |part| digits(part, 2))?;
    if parts.next().is_some() || year == 0 {
        return None;
    }
    NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> Option<PartialDate> {
        PartialDate::try_from(text.to_owned()).ok()
    }

    #[test]
    fn a_date_is_as_exact_as_it_was_said() {
        for (said, first, last, day) in [
            ("2019", "2019-01-01", "2019-12-31", false),
            ("2020-02", "2020-02-01", "2020-02-29", false),
            ("2019-12", "2019-12-01", "2019-12-31", false),
            ("2019-03-04", "2019-03-04", "2019-03-04", true),
        ] {
            let date = date(said).expect("a partial date");
            assert_eq!(
                (date.earliest().to_string(), date.latest().to_string()),
                (first.to_owned(), last.to_owned())
            );
            assert_eq!(date.day().is_some(), day, "{said}");
            assert_eq!(String::from(date), said);
        }
    }

    #[test]
    fn other_texts_are_no_dates() {
        for text in [
            "",
            "19",
            "0000",
            "2019-",
            "2019-13",
            "2019-3",
            "2019-02-30",
            "2019-01-01-01",
            "２０１９",
            "+201",
            "2019-03-04T00:00:00Z",
        ] {
            assert_eq!(date(text), None, "{text}");
        }
    }

    #[test]
    fn of_two_the_earlier_counts_and_of_one_within_the_other_the_more_exact() {
        for (one, other, counts) in [
            ("2019", "2018-12-31", "2018-12-31"),
            ("2019", "2019-07", "2019-07"),
            ("2019-07-04", "2019-07", "2019-07-04"),
            ("2019-07", "2019-08", "2019-07"),
        ] {
            let (one, other) = (date(one).expect("a date"), date(other).expect("a date"));
            assert_eq!(one.clone().or_earlier(other.clone()).as_str(), counts);
            assert_eq!(other.or_earlier(one).as_str(), counts);
        }
    }

    #[test]
    fn they_sort_in_the_order_of_time() {
        let mut dates: Vec<_> = ["2020", "2019-12-31", "2019-03", "2019", "2019-03-01"]
            .into_iter()
            .filter_map(date)
            .collect();
        dates.sort();
        let told: Vec<String> = dates.into_iter().map(String::from).collect();
        assert_eq!(
            told,
            ["2019", "2019-03", "2019-03-01", "2019-12-31", "2020"]
        );
    }
}
