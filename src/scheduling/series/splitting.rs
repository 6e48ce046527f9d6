//! What was agreed on, cut in two at a day, and moved.
//!
//! The rule stays a rule: the first part ends the day before, the second begins at the first day the rule names from the cut on,
//! and what the rule counted is counted anew. When days are moved, weekdays that are named move along. What is made is expanded
//! and compared with what is wanted: a rule that can't say it is not guessed at.

use std::collections::BTreeSet;

use chrono::{Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};

use super::model::Series;
use crate::recurrence::Recurrence;

/// Longer than any series is.
const LONGEST: Days = Days::new(1500);
const WEEK: [&str; 7] = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];

/// On which days, and at what time of the wall.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Agreement {
    pub rule: String,
    pub local_start: NaiveDateTime,
    pub until: Option<NaiveDate>,
    pub exceptions: Vec<NaiveDate>,
}

/// An agreement cut at a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// All of it is from that day on.
    NothingBefore,
    /// It ended before that day.
    NothingFollows,
    /// What was before, and what goes on, if its rule can say that.
    Parts(Agreement, Option<Agreement>),
}

impl Agreement {
    pub fn of(series: &Series) -> Self {
        Self {
            rule: series.rule.clone(),
            local_start: series.local_start,
            until: series.until,
            exceptions: series.exceptions.clone(),
        }
    }

    /// The days the rule names, exceptions among them.
    fn named(&self) -> BTreeSet<NaiveDate> {
        let first = self.local_start.date();
        let last = first.checked_add_days(LONGEST).unwrap_or(first);
        match Recurrence::read(&self.rule, first) {
            Ok(rule) => rule.days(first, self.until.unwrap_or(last)),
            Err(_) => BTreeSet::new(),
        }
    }

    /// The days it occurs on.
    pub fn days(&self) -> BTreeSet<NaiveDate> {
        let mut days = self.named();
        days.retain(|day| !self.exceptions.contains(day));
        days
    }

    /// What was agreed on before a day, and what from it on.
    pub fn cut(&self, from: NaiveDate) -> Cut {
        let mut before = self.named();
        let after = before.split_off(&from);
        let Some(first) = after.first() else {
            return Cut::NothingFollows;
        };
        let Some(last) = before.last() else {
            return Cut::NothingBefore;
        };
        let halves = |days: &BTreeSet<NaiveDate>| {
            let of = self.exceptions.iter().filter(|day| days.contains(day));
            of.copied().collect::<Vec<_>>()
        };
        let ended = Self {
            until: Some(*last),
            exceptions: halves(&before),
            ..self.clone()
        };
        let going_on = Self {
            rule: counted(&self.rule, after.len()),
            local_start: first.and_time(self.local_start.time()),
            until: self.until,
            exceptions: halves(&after),
        };
        let said = going_on.named() == after;
        Cut::Parts(ended, said.then_some(going_on))
    }

    /// The same at another time, so many days later. `None` if its rule can't say that.
    pub fn moved(&self, time: Option<NaiveTime>, shift: i64) -> Option<Self> {
        let later = |day: NaiveDate| day.checked_add_signed(TimeDelta::days(shift));
        let exceptions: Option<Vec<NaiveDate>> =
            self.exceptions.iter().map(|day| later(*day)).collect();
        let moved = Self {
            rule: rotated(&self.rule, shift),
            local_start: later(self.local_start.date())?
                .and_time(time.unwrap_or(self.local_start.time())),
            until: match self.until {
                Some(until) => Some(later(until)?),
                None => None,
            },
            exceptions: exceptions?,
        };
        let wanted: Option<BTreeSet<NaiveDate>> = self.named().into_iter().map(later).collect();
        (Some(moved.named()) == wanted).then_some(moved)
    }
}

/// The rule with another count, if it counts.
fn counted(rule: &str, count: usize) -> String {
    let part = |part: &str| {
        if part.to_ascii_uppercase().starts_with("COUNT=") {
            format!("COUNT={count}")
        } else {
            part.to_owned()
        }
    };
    rule.split(';').map(part).collect::<Vec<_>>().join(";")
}

/// The rule with its weekdays so many days later; those with a number (the second Tuesday) stay.
fn rotated(rule: &str, shift: i64) -> String {
    let weekday = |name: &str| {
        let place = WEEK.iter().position(|day| name.eq_ignore_ascii_case(day));
        let later = place.and_then(|place| {
            let place = i64::try_from(place).ok()? + shift;
            usize::try_from(place.rem_euclid(7)).ok()
        });
        later.map_or(name.to_owned(), |place| WEEK[place].to_owned())
    };
    let part = |part: &str| match part.split_once('=') {
        Some((name, days)) if name.eq_ignore_ascii_case("BYDAY") => {
            let days: Vec<String> = days.split(',').map(weekday).collect();
            format!("{name}={}", days.join(","))
        }
        _ => part.to_owned(),
    };
    rule.split(';').map(part).collect::<Vec<_>>().join(";")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a day")
    }

    fn agreed(rule: &str, start: &str, until: Option<&str>, exceptions: &[&str]) -> Agreement {
        Agreement {
            rule: rule.to_owned(),
            local_start: day(start).and_hms_opt(10, 0, 0).expect("a time"),
            until: until.map(day),
            exceptions: exceptions.iter().map(|text| day(text)).collect(),
        }
    }

    #[test]
    fn the_first_part_ends_the_second_counts_what_is_left() {
        let exceptions = ["2027-03-09", "2027-03-30"];
        let series = agreed("FREQ=WEEKLY;COUNT=6", "2027-03-02", None, &exceptions);
        let Cut::Parts(before, Some(after)) = series.cut(day("2027-03-16")) else {
            panic!("two parts");
        };
        assert_eq!(
            (before.rule.as_str(), before.until, before.exceptions),
            (
                "FREQ=WEEKLY;COUNT=6",
                Some(day("2027-03-09")),
                vec![day("2027-03-09")]
            )
        );
        assert_eq!(
            (after.rule.as_str(), after.until, after.exceptions.clone()),
            ("FREQ=WEEKLY;COUNT=4", None, vec![day("2027-03-30")])
        );
        assert_eq!(after.local_start.date(), day("2027-03-16"));
        assert_eq!(series.cut(day("2027-03-02")), Cut::NothingBefore);
        assert_eq!(series.cut(day("2028-01-01")), Cut::NothingFollows);
    }

    #[test]
    fn days_that_move_take_their_weekdays_along() {
        let series = agreed("FREQ=WEEKLY;BYDAY=MO,TH;COUNT=6", "2027-03-01", None, &[]);
        let moved = series.moved(None, 1).expect("a rule");
        assert_eq!(moved.rule, "FREQ=WEEKLY;BYDAY=TU,FR;COUNT=6");
        // Every other week from Sunday on is another week when it begins on Monday.
        let sunday = agreed(
            "FREQ=WEEKLY;INTERVAL=2;BYDAY=SA,SU;COUNT=4",
            "2027-03-06",
            None,
            &[],
        );
        assert!(sunday.moved(None, 1).is_none());
        // The first Monday of a month, a day later, is not the first Tuesday.
        let monthly = agreed("FREQ=MONTHLY;BYDAY=1MO;COUNT=5", "2027-03-01", None, &[]);
        assert!(monthly.moved(None, 1).is_none());
        assert!(
            monthly
                .moved(NaiveTime::from_hms_opt(14, 0, 0), 0)
                .is_some()
        );
    }

    proptest! {
        #[test]
        fn cut_anywhere_the_parts_have_the_days_of_the_whole_and_each_once(
            rule in prop::sample::select(vec![
                "FREQ=WEEKLY;COUNT=9", "FREQ=DAILY;INTERVAL=3;COUNT=12", "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SA;COUNT=10",
                "FREQ=MONTHLY;BYDAY=-1FR;COUNT=6", "FREQ=MONTHLY;BYMONTHDAY=31;COUNT=5", "FREQ=WEEKLY;BYDAY=MO,WE,FR",
                "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1;COUNT=6"]),
            start in 0..40_u64, at in 0..250_u64, exceptions in prop::collection::vec(0..12_usize, 0..4), shift in -27..28_i64,
        ) {
            let start = day("2027-03-01") + Days::new(start);
            let until = (!rule.contains("COUNT")).then(|| start + Days::new(80));
            let mut series = agreed(rule, &start.to_string(), None, &[]);
            series.until = until;
            let days: Vec<NaiveDate> = series.days().into_iter().collect();
            series.exceptions = exceptions.iter().filter_map(|place| days.get(*place).copied()).collect();
            let from = start + Days::new(at);
            let named = series.named();
            match series.cut(from) {
                Cut::Parts(before, after) => {
                    let after = after.expect("these rules can say it");
                    let (mut both, later) = (before.days(), after.days());
                    prop_assert!(both.iter().all(|day| *day < from) && later.iter().all(|day| *day >= from));
                    both.extend(later);
                    prop_assert_eq!(both, series.days());
                }
                Cut::NothingFollows => prop_assert!(named.iter().all(|day| *day < from), "{:?}", series),
                Cut::NothingBefore => prop_assert!(named.iter().all(|day| *day >= from), "{:?}", series),
            }
            if let Some(moved) = series.moved(None, shift) {
                let later: BTreeSet<NaiveDate> = series.days().iter().map(|day| *day + TimeDelta::days(shift)).collect();
                prop_assert_eq!(moved.days(), later);
            }
        }
    }
}
