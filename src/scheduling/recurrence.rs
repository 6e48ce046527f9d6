//! Days that repeat: an RRULE of RFC 5545, of days.
//!
//! A rule says on which days, never at what time of day: hours are told apart from it, by the wall clock of a place, so a
//! change of the clocks can't move them. Rules that repeat within a day, name hours, or count beyond any calendar are refused
//! when they are written, and so are those that do not occur within their first year.
//!
//! Traps: what the crate iterates is bounded by its days, not by its hits, so a rule that never occurs is the expensive one.
//! [`Recurrence::parse`] finds those; do not expand a rule that did not pass it.

use std::collections::BTreeSet;

use chrono::{Datelike, Days, NaiveDate, NaiveTime, TimeZone, Weekday};
use rrule::{Frequency, NWeekday, RRule, RRuleSet, Tz, Unvalidated, Validated};

/// The most days one rule may name in the time looked at.
const MOST_DAYS: usize = 4_000;
/// Characters of a rule.
const LONGEST: usize = 200;

/// What is wrong with a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Not an RRULE.
    Malformed,
    /// It repeats within a day, or names hours.
    NotOfDays,
    /// It has `UNTIL`: the last day is told apart from the rule.
    HasUntil,
    /// An interval or a count too large, or parts that are not supported.
    TooMuch,
    /// It does not occur within a year from its first day.
    NeverOccurs,
}

impl Fault {
    /// The rule broken, as a stable word and as a sentence.
    pub const fn told(self) -> (&'static str, &'static str) {
        match self {
            Self::Malformed => (
                "not_an_rrule",
                "must be an RRULE of RFC 5545, without the name",
            ),
            Self::NotOfDays => (
                "not_of_days",
                "must repeat daily, weekly, monthly or yearly, without hours, minutes and seconds",
            ),
            Self::HasUntil => (
                "has_until",
                "must not have UNTIL: the last day has a field of its own",
            ),
            Self::TooMuch => (
                "too_much",
                "must have an INTERVAL of at most 60 and a COUNT of at most 4000, without BYYEARDAY and BYWEEKNO",
            ),
            Self::NeverOccurs => (
                "never_occurs",
                "must occur within a year from its first day",
            ),
        }
    }
}

/// Days that repeat, from a first day on.
#[derive(Clone, Debug)]
pub struct Recurrence {
    rule: RRule<Validated>,
    first: NaiveDate,
}

impl Recurrence {
    /// Reads a rule that begins on `first`, and sees that it is harmless and occurs.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str, first: NaiveDate) -> Result<Self, Fault> {
        let recurrence = Self::read(text, first)?;
        if !recurrence.may_occur() {
            return Err(Fault::NeverOccurs);
        }
        let year = first + Days::new(366);
        if recurrence.days(first, year).is_empty() {
            return Err(Fault::NeverOccurs);
        }
        Ok(recurrence)
    }

    /// Reads a rule that [`parse`](Self::parse) has passed before.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(text: &str, first: NaiveDate) -> Result<Self, Fault> {
        let plain = text.len() <= LONGEST
            && text
                .bytes()
                .all(|c| c.is_ascii_alphanumeric() || b"=;,-+".contains(&c));
        if !plain {
            return Err(Fault::Malformed);
        }
        let text = text.to_ascii_uppercase();
        if text.split(';').any(|part| part.starts_with("UNTIL")) {
            return Err(Fault::HasUntil);
        }
        let rule: RRule<Unvalidated> = text.parse().map_err(|_| Fault::Malformed)?;
        let of_days = matches!(
            rule.get_freq(),
            Frequency::Yearly | Frequency::Monthly | Frequency::Weekly | Frequency::Daily
        ) && rule.get_by_hour().is_empty()
            && rule.get_by_minute().is_empty()
            && rule.get_by_second().is_empty();
        if !of_days {
            return Err(Fault::NotOfDays);
        }
        let bounded = (1..=60).contains(&rule.get_interval())
            && rule
                .get_count()
                .is_none_or(|count| (1..=4_000).contains(&count))
            && rule.get_by_year_day().is_empty()
            && rule.get_by_week_no().is_empty();
        if !bounded {
            return Err(Fault::TooMuch);
        }
        let rule = rule
            .validate(midnight(first))
            .map_err(|_| Fault::Malformed)?;
        Ok(Self { rule, first })
    }

    /// The days it names from `from` to `to`, both included, at most 4,000.
    pub fn days(&self, from: NaiveDate, to: NaiveDate) -> BTreeSet<NaiveDate> {
        if to < self.first {
            return BTreeSet::new();
        }
        let set = RRuleSet::new(midnight(self.head_start(from)))
            .rrule(self.rule.clone())
            .limit();
        (&set)
            .into_iter()
            .map(|at| at.date_naive())
            .take_while(|day| *day <= to)
            .filter(|day| *day >= from)
            .take(MOST_DAYS)
            .collect()
    }

    /// A day before `from` at which the rule may as well begin: whole intervals after its first. What the crate iterates it
    /// iterates from the beginning, and a rule of every day may have begun years ago. One that counts its days is not moved.
    fn head_start(&self, from: NaiveDate) -> NaiveDate {
        let days = match self.rule.get_freq() {
            Frequency::Daily => u64::from(self.rule.get_interval()),
            Frequency::Weekly => 7 * u64::from(self.rule.get_interval()),
            _ => return self.first,
        };
        let gone = u64::try_from((from - self.first).num_days()).unwrap_or(0);
        // One interval is left: the first may be cut short by the day on which it begins.
        let whole = (gone / days).saturating_sub(1);
        if self.rule.get_count().is_some() {
            return self.first;
        }
        self.first
            .checked_add_days(Days::new(whole * days))
            .unwrap_or(self.first)
    }

    /// Whether some day of the first year fits month, day of the month and weekday taken one by one. A rule none fits is
    /// looked for in vain for thousands of years.
    fn may_occur(&self) -> bool {
        (0..366)
            .map(|days| self.first + Days::new(days))
            .any(|day| {
                let (months, days, weekdays) = (
                    self.rule.get_by_month(),
                    self.rule.get_by_month_day(),
                    self.rule.get_by_weekday(),
                );
                let length = days_of_month(day);
                let from_end = i64::from(day.day()) - i64::from(length) - 1;
                let fits = |wanted: &i8| {
                    i64::from(*wanted) == i64::from(day.day()) || i64::from(*wanted) == from_end
                };
                (months.is_empty() || months.iter().any(|month| u32::from(*month) == day.month()))
                    && (days.is_empty() || days.iter().any(fits))
                    && (weekdays.is_empty()
                        || weekdays.iter().any(|one| weekday(*one) == day.weekday()))
            })
    }
}

fn weekday(day: NWeekday) -> Weekday {
    match day {
        NWeekday::Every(day) | NWeekday::Nth(_, day) => day,
    }
}

fn days_of_month(day: NaiveDate) -> u32 {
    let first = day.with_day(1).unwrap_or(day);
    let next = first + chrono::Months::new(1);
    u32::try_from((next - first).num_days()).unwrap_or(31)
}

/// The days are reckoned in UTC, where each has one midnight.
fn midnight(day: NaiveDate) -> chrono::DateTime<Tz> {
    Tz::UTC.from_utc_datetime(&day.and_time(NaiveTime::MIN))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a day")
    }

    fn fault(text: &str) -> Option<Fault> {
        Recurrence::parse(text, day("2026-01-01")).err()
    }

    fn days(text: &str, first: &str, from: &str, to: &str) -> Vec<String> {
        let rule = Recurrence::parse(text, day(first)).expect("a rule");
        let days = rule.days(day(from), day(to));
        days.iter().map(NaiveDate::to_string).collect()
    }

    #[test]
    fn a_rule_names_its_days() {
        assert_eq!(
            days(
                "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE",
                "2026-01-05",
                "2026-01-01",
                "2026-01-25"
            ),
            ["2026-01-05", "2026-01-07", "2026-01-19", "2026-01-21"]
        );
        assert_eq!(
            days(
                "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
                "2026-01-01",
                "2026-02-01",
                "2026-03-31"
            ),
            ["2026-02-27", "2026-03-31"]
        );
        assert_eq!(
            days(
                "FREQ=DAILY;COUNT=3",
                "2026-03-07",
                "2026-03-08",
                "2027-01-01"
            ),
            ["2026-03-08", "2026-03-09"]
        );
        assert!(days("freq=daily", "2026-03-07", "2026-01-01", "2026-03-06").is_empty());
    }

    /// The days by iterating from the very first.
    fn plainly(rule: &Recurrence, from: NaiveDate, to: NaiveDate) -> BTreeSet<NaiveDate> {
        let set = RRuleSet::new(midnight(rule.first)).rrule(rule.rule.clone());
        let all = (&set.limit()).into_iter().map(|at| at.date_naive());
        let days: Vec<NaiveDate> = all.take_while(|day| *day <= to).collect();
        days.into_iter().filter(|day| *day >= from).collect()
    }

    proptest! {
        #[test]
        fn a_rule_that_began_long_ago_names_the_same_days(
            text in prop::sample::select(vec![
                "FREQ=DAILY", "FREQ=DAILY;INTERVAL=3", "FREQ=DAILY;INTERVAL=7;BYMONTH=3,4,10", "FREQ=WEEKLY",
                "FREQ=WEEKLY;BYDAY=MO,WE,SU", "FREQ=WEEKLY;INTERVAL=3;BYDAY=TU,SA", "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,SU;WKST=SU",
                "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TU,FR;BYSETPOS=-1", "FREQ=DAILY;COUNT=400", "FREQ=WEEKLY;COUNT=90;BYDAY=MO,TH",
                "FREQ=MONTHLY;BYDAY=1MO,-1FR", "FREQ=DAILY;INTERVAL=60;BYDAY=MO"]),
            first in 0..14_u64, gone in 0..900_u64, length in 0..70_u64,
        ) {
            let first = day("2026-01-01") + Days::new(first);
            let rule = Recurrence::read(text, first).expect("a rule");
            let (from, to) = (first + Days::new(gone), first + Days::new(gone + length));
            prop_assert_eq!(rule.days(from, to), plainly(&rule, from, to));
        }
    }

    #[test]
    fn what_would_never_end_or_never_begin_is_refused() {
        for (rule, expected) in [
            ("FREQ=SECONDLY", Fault::NotOfDays),
            ("FREQ=HOURLY;INTERVAL=24", Fault::NotOfDays),
            ("FREQ=DAILY;BYHOUR=1,2,3", Fault::NotOfDays),
            ("FREQ=DAILY;BYSECOND=0", Fault::NotOfDays),
            ("FREQ=DAILY;COUNT=4294967295", Fault::TooMuch),
            ("FREQ=DAILY;INTERVAL=61", Fault::TooMuch),
            ("FREQ=DAILY;UNTIL=20270101", Fault::HasUntil),
            ("FREQ=YEARLY;BYYEARDAY=1", Fault::TooMuch),
            ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", Fault::NeverOccurs),
            ("FREQ=DAILY;BYMONTH=4;BYMONTHDAY=31", Fault::NeverOccurs),
            ("FREQ=MONTHLY;BYDAY=2MO;BYMONTHDAY=31", Fault::NeverOccurs),
            ("FREQ=MONTHLY;BYDAY=MO;BYSETPOS=9", Fault::NeverOccurs),
            ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", Fault::NeverOccurs),
            ("", Fault::Malformed),
            ("RRULE:FREQ=DAILY", Fault::Malformed),
            ("FREQ=DAILY\nRRULE:FREQ=SECONDLY", Fault::Malformed),
            ("FREQ=FORTNIGHTLY", Fault::Malformed),
        ] {
            assert_eq!(fault(rule), Some(expected), "{rule}");
        }
        assert_eq!(
            fault(&format!("FREQ=DAILY;BYMONTHDAY={}", "1,".repeat(200))),
            Some(Fault::Malformed)
        );
    }

    #[test]
    fn even_a_rule_that_never_occurs_is_found_out_soon() {
        let before = std::time::Instant::now();
        for rule in [
            "FREQ=MONTHLY;BYDAY=2MO;BYMONTHDAY=31",
            "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=9",
            "FREQ=YEARLY;INTERVAL=60;BYMONTH=2;BYMONTHDAY=29;BYDAY=1MO",
            "FREQ=DAILY;INTERVAL=60;BYMONTH=2;BYDAY=MO;BYMONTHDAY=29",
        ] {
            assert_eq!(fault(rule), Some(Fault::NeverOccurs), "{rule}");
        }
        assert!(before.elapsed().as_secs() < 20, "{:?}", before.elapsed());
    }
}
