//! Days that are known beforehand to be unlike other days of the week.
//!
//! A label stands for a kind of day ("thanksgiving"): what such days did before is expected of the next one. The day
//! before and the day after have labels of their own, since what a holiday takes away often comes back beside it.
//!
//! A closed day is more than a label: nobody is expected on it but as many as came on earlier closed days, and no method is
//! judged by it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use chrono::{Datelike, Days, NaiveDate, Weekday};

/// The label of a day on which nothing is open.
pub(crate) const CLOSED: &str = "closed";

/// Labels of days; at most one for each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Calendar(BTreeMap<NaiveDate, Cow<'static, str>>);

impl Calendar {
    pub fn label(&self, day: NaiveDate) -> Option<&str> {
        self.0.get(&day).map(AsRef::as_ref)
    }

    /// Labels a day. What was said first stays.
    pub fn mark(&mut self, day: NaiveDate, label: impl Into<Cow<'static, str>>) {
        self.0.entry(day).or_insert_with(|| label.into());
    }

    /// Says that nothing is open on a day, whatever was said of it before.
    pub fn close(&mut self, day: NaiveDate) {
        self.overrule(day, CLOSED);
    }

    pub fn is_closed(&self, day: NaiveDate) -> bool {
        self.label(day) == Some(CLOSED)
    }

    /// Labels a day, whatever was said of it before.
    pub fn overrule(&mut self, day: NaiveDate, label: impl Into<Cow<'static, str>>) {
        self.0.insert(day, label.into());
    }
}

/// The federal holidays of the United States by their rules (5 U.S.C. 6103), with the days beside the great ones, from the
/// first year to the last. A holiday on a weekend is also observed on the nearest working day.
pub fn us_holidays(first: i32, last: i32) -> Calendar {
    let mut calendar = Calendar::default();
    // The new year's neighbours reach into the years beside.
    for year in first - 1..=last + 1 {
        holidays(&mut calendar, year);
    }
    for year in first - 1..=last + 1 {
        neighbours(&mut calendar, year);
    }
    calendar
}

fn holidays(calendar: &mut Calendar, year: i32) {
    let mut fixed = vec![
        (1, 1, "new_year"),
        (7, 4, "independence_day"),
        (11, 11, "veterans_day"),
        (12, 25, "christmas"),
    ];
    if year >= 2021 {
        fixed.push((6, 19, "juneteenth"));
    }
    let mut rules = vec![
        (2, Weekday::Mon, 3, "presidents_day"),
        (9, Weekday::Mon, 1, "labor_day"),
        (10, Weekday::Mon, 2, "columbus_day"),
        (11, Weekday::Thu, 4, "thanksgiving"),
    ];
    if year >= 1986 {
        rules.push((1, Weekday::Mon, 3, "king_day"));
    }
    for (month, weekday, which, label) in rules {
        if let Some(day) = NaiveDate::from_weekday_of_month_opt(year, month, weekday, which) {
            calendar.overrule(day, label);
        }
    }
    if let Some(day) = last_monday_of_may(year) {
        calendar.overrule(day, "memorial_day");
    }
    for (month, day, label) in fixed {
        let Some(day) = NaiveDate::from_ymd_opt(year, month, day) else {
            continue;
        };
        calendar.overrule(day, label);
        match day.weekday() {
            Weekday::Sat => calendar.mark(day - Days::new(1), "observed"),
            Weekday::Sun => calendar.mark(day + Days::new(1), "observed"),
            _ => {}
        }
    }
}

fn neighbours(calendar: &mut Calendar, year: i32) {
    let fixed = [
        (12, 24, "christmas_eve"),
        (12, 26, "after_christmas"),
        (12, 31, "new_years_eve"),
        (1, 2, "after_new_year"),
        (7, 3, "before_independence_day"),
        (7, 5, "after_independence_day"),
    ];
    for (month, day, label) in fixed {
        if let Some(day) = NaiveDate::from_ymd_opt(year, month, day) {
            calendar.mark(day, label);
        }
    }
    if let Some(day) = NaiveDate::from_weekday_of_month_opt(year, 11, Weekday::Thu, 4) {
        calendar.mark(day + Days::new(1), "after_thanksgiving");
    }
}

fn last_monday_of_may(year: i32) -> Option<NaiveDate> {
    NaiveDate::from_weekday_of_month_opt(year, 5, Weekday::Mon, 5)
        .or_else(|| NaiveDate::from_weekday_of_month_opt(year, 5, Weekday::Mon, 4))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holidays_follow_their_rules() {
        let calendar = us_holidays(2026, 2027);
        for (day, label) in [
            ("2026-01-01", "new_year"),
            ("2026-01-19", "king_day"),
            ("2026-05-25", "memorial_day"),
            ("2026-07-04", "independence_day"),
            ("2026-07-03", "observed"),
            ("2026-09-07", "labor_day"),
            ("2026-11-26", "thanksgiving"),
            ("2026-11-27", "after_thanksgiving"),
            ("2026-12-24", "christmas_eve"),
            ("2027-05-31", "memorial_day"),
        ] {
            let day: NaiveDate = day.parse().expect("a day");
            assert_eq!(calendar.label(day), Some(label), "{day}");
        }
        let ordinary: NaiveDate = "2026-03-11".parse().expect("a day");
        assert_eq!(calendar.label(ordinary), None);
    }

    #[test]
    fn a_holiday_is_not_older_than_its_law() {
        let calendar = us_holidays(1985, 1985);
        let day: NaiveDate = "1985-01-21".parse().expect("a day");
        assert_eq!(calendar.label(day), None);
    }
}
