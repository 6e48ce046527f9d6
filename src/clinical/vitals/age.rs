//! How old somebody was when something was measured.

use chrono::NaiveDate;
use chrono_tz::Tz;
use kernel::clock::Instant;

use super::facts::Band;

/// An age, from the day of birth to a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Age {
    days: i64,
    years: u32,
}

impl Age {
    /// `None` before birth. The day is UTC's.
    pub fn at(birth: NaiveDate, measured: Instant) -> Option<Self> {
        Self::within(birth, measured, Tz::UTC)
    }

    /// `None` before birth. A day of birth is known to a day, and so is an age: by the days of a zone.
    pub fn within(birth: NaiveDate, measured: Instant, zone: Tz) -> Option<Self> {
        // Somewhere on earth the day of birth begins fourteen hours before UTC's.
        let day = measured.with_timezone(&zone).date_naive();
        let somewhere = (measured + chrono::TimeDelta::hours(14)).date_naive();
        if somewhere < birth {
            return None;
        }
        Some(Self {
            days: (day - birth).num_days().max(0),
            years: day.years_since(birth).unwrap_or(0),
        })
    }

    pub fn years(self) -> u32 {
        self.years
    }

    /// In months of 30.4375 days, as growth references count.
    #[expect(clippy::cast_precision_loss, reason = "an age has few days")]
    pub fn months(self) -> f64 {
        self.days as f64 / 30.4375
    }

    pub fn band(self) -> Band {
        match (self.days, self.years) {
            (..28, _) => Band::Neonate,
            (_, 0) => Band::Infant,
            (_, ..3) => Band::Toddler,
            (_, ..6) => Band::Preschool,
            (_, ..12) => Band::School,
            (_, ..18) => Band::Adolescent,
            (_, ..65) => Band::Adult,
            _ => Band::OlderAdult,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn age(birth: &str, at: &str) -> Option<Age> {
        Age::at(
            birth.parse().expect("a date"),
            at.parse().expect("an instant"),
        )
    }

    #[test]
    fn bands_begin_on_the_birthday() {
        for (at, band) in [
            ("2020-02-29T12:00:00Z", Band::Neonate),
            ("2020-03-27T12:00:00Z", Band::Neonate),
            ("2020-03-28T12:00:00Z", Band::Infant),
            ("2021-02-28T12:00:00Z", Band::Infant),
            ("2021-03-01T12:00:00Z", Band::Toddler),
            ("2038-03-01T12:00:00Z", Band::Adult),
            ("2085-03-01T12:00:00Z", Band::OlderAdult),
        ] {
            assert_eq!(age("2020-02-29", at).map(Age::band), Some(band), "{at}");
        }
    }

    #[test]
    fn a_birthday_begins_when_it_does_on_the_clocks_of_the_zone() {
        let birth = "2010-06-16".parse().expect("a date");
        let eve = "2026-06-16T02:00:00Z".parse().expect("an instant");
        let years = |zone| Age::within(birth, eve, zone).map(Age::years);
        assert_eq!(years(Tz::America__New_York), Some(15));
        assert_eq!(years(Tz::Australia__Sydney), Some(16));
    }

    #[test]
    fn nobody_is_measured_before_he_is_born() {
        assert_eq!(age("2020-03-10", "2020-03-09T09:59:00Z"), None);
        assert!(
            age("2020-03-10", "2020-03-09T10:00:00Z").is_some(),
            "born in the east"
        );
    }
}
