//! How much of a day and a week may be booked, and the rest between shifts.

use std::collections::BTreeMap;

use chrono::{Datelike, Days, NaiveDate};
use chrono_tz::Tz;

use crate::ranges::{Ranges, Span, instant};
use crate::wall;

/// Somebody's limits, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Limits {
    pub day: Option<i64>,
    pub week: Option<i64>,
    pub rest: Option<i64>,
}

/// Which limit a start would break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Broken {
    Day,
    Week,
    Rest,
}

/// Somebody's bookings, against which limits are reckoned.
pub(super) struct Booked<'a> {
    pub zone: Tz,
    pub busy: &'a Ranges,
    pub works: &'a Ranges,
    /// Before a start, and from it on, he is occupied for so long.
    pub before: i64,
    pub after: i64,
}

impl Booked<'_> {
    fn day(&self, day: NaiveDate) -> Span {
        Span::new(
            wall::midnight(self.zone, day),
            wall::midnight(self.zone, day + Days::new(1)),
        )
    }

    fn week(&self, day: NaiveDate) -> Span {
        let monday = day - Days::new(u64::from(day.weekday().num_days_from_monday()));
        Span::new(
            wall::midnight(self.zone, monday),
            wall::midnight(self.zone, monday + Days::new(7)),
        )
    }

    fn taken(&self, within: Span) -> i64 {
        self.busy.intersect(&Ranges::one(within)).measure()
    }

    /// The starts within the window that a limit forbids, and which limit it is.
    pub fn forbidden(&self, limits: Limits, window: Span) -> Vec<(Broken, Ranges)> {
        let length = self.before + self.after;
        let first = wall::day_of(self.zone, instant(window.from));
        let last = wall::day_of(self.zone, instant(window.until));
        let days = || first.iter_days().take_while(|day| *day <= last);
        let mut found = Vec::new();
        if let Some(most) = limits.day {
            let full = days()
                .map(|day| self.day(day))
                .filter(|day| self.taken(*day) + length > most);
            found.push((Broken::Day, Ranges::of(full)));
        }
        if let Some(most) = limits.week {
            // By its first instant, so that a week is reckoned once.
            let weeks: BTreeMap<i64, Span> = days()
                .map(|day| self.week(day))
                .map(|week| (week.from, week))
                .collect();
            let full = weeks
                .into_values()
                .filter(|week| self.taken(*week) + length > most);
            found.push((Broken::Week, Ranges::of(full)));
        }
        if let Some(rest) = limits.rest {
            found.push((Broken::Rest, self.too_soon(rest)));
        }
        found
    }

    /// Starts too near to a booking of another shift. A shift is a local day, and whatever span of working time reaches over
    /// its midnight.
    fn too_soon(&self, rest: i64) -> Ranges {
        let mut forbidden = Vec::new();
        for span in self.busy.spans() {
            let day = wall::day_of(self.zone, instant(span.from));
            let shift = Ranges::of(
                [Some(self.day(day)), self.works.around(span.from)]
                    .into_iter()
                    .flatten(),
            );
            let near = Ranges::of([
                Span {
                    from: span.until + self.before,
                    until: span.until + rest + self.before,
                },
                Span {
                    from: span.from - rest - self.after + 1,
                    until: span.from - self.after + 1,
                },
            ]);
            forbidden.extend(near.subtract(&shift).spans().iter().copied());
        }
        Ranges::of(forbidden)
    }
}

#[cfg(test)]
mod tests {
    use super::super::calendar::tests::{at, span};
    use super::*;
    use chrono_tz::America::New_York;

    const HOUR: i64 = 60 * crate::ranges::MINUTE;

    fn forbids(busy: &Ranges, works: &Ranges, limits: Limits, start: &str) -> Option<Broken> {
        let booked = Booked {
            zone: New_York,
            busy,
            works,
            before: 0,
            after: HOUR,
        };
        let window = span("2026-06-01T04:00:00Z", "2026-06-08T04:00:00Z");
        let start = at(start).timestamp_micros();
        booked
            .forbidden(limits, window)
            .into_iter()
            .find(|(_, starts)| starts.contains(start))
            .map(|(broken, _)| broken)
    }

    #[test]
    fn a_day_and_a_week_hold_so_much_and_no_more() {
        // Three hours on Tuesday, two on Thursday, by New York's clocks.
        let busy = Ranges::of([
            span("2026-06-02T13:00:00Z", "2026-06-02T16:00:00Z"),
            span("2026-06-04T13:00:00Z", "2026-06-04T15:00:00Z"),
        ]);
        let works = Ranges::default();
        let day = |hours| Limits {
            day: Some(hours * HOUR),
            ..Limits::default()
        };
        let week = |hours| Limits {
            week: Some(hours * HOUR),
            ..Limits::default()
        };
        let tuesday = "2026-06-02T20:00:00Z";
        assert_eq!(forbids(&busy, &works, day(4), tuesday), None);
        assert_eq!(forbids(&busy, &works, day(3), tuesday), Some(Broken::Day));
        assert_eq!(
            forbids(&busy, &works, day(3), "2026-06-03T03:59:00Z"),
            Some(Broken::Day)
        );
        assert_eq!(forbids(&busy, &works, day(3), "2026-06-03T04:00:00Z"), None);
        assert_eq!(forbids(&busy, &works, week(6), tuesday), None);
        assert_eq!(
            forbids(&busy, &works, week(5), "2026-06-07T20:00:00Z"),
            Some(Broken::Week)
        );
    }

    #[test]
    fn rest_lies_between_shifts_and_not_within_one() {
        // Until ten in the evening.
        let busy = Ranges::one(span("2026-06-02T23:00:00Z", "2026-06-03T02:00:00Z"));
        let rest = Limits {
            rest: Some(11 * HOUR),
            ..Limits::default()
        };
        let works = Ranges::default();
        // Nine in the morning is eleven hours later, eight is not; the same evening is the same shift.
        assert_eq!(forbids(&busy, &works, rest, "2026-06-03T13:00:00Z"), None);
        assert_eq!(
            forbids(&busy, &works, rest, "2026-06-03T12:00:00Z"),
            Some(Broken::Rest)
        );
        assert_eq!(forbids(&busy, &works, rest, "2026-06-03T02:30:00Z"), None);
        // The day before must end early enough, too: what lasts an hour begins twelve before.
        assert_eq!(forbids(&busy, &works, rest, "2026-06-02T03:30:00Z"), None);
        let morning = Ranges::one(span("2026-06-03T10:00:00Z", "2026-06-03T11:00:00Z"));
        assert_eq!(
            forbids(&morning, &works, rest, "2026-06-02T22:00:00Z"),
            None
        );
        assert_eq!(
            forbids(&morning, &works, rest, "2026-06-02T22:01:00Z"),
            Some(Broken::Rest)
        );
        // A night shift goes on after midnight.
        let night = Ranges::one(span("2026-06-03T02:00:00Z", "2026-06-03T10:00:00Z"));
        assert_eq!(
            forbids(&busy, &night, rest, "2026-06-03T05:00:00Z"),
            Some(Broken::Rest)
        );
        let evening = Ranges::one(span("2026-06-03T02:00:00Z", "2026-06-03T03:00:00Z"));
        assert_eq!(
            forbids(&evening, &night, rest, "2026-06-03T05:00:00Z"),
            None
        );
    }
}
