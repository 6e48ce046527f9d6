//! Who works when at a facility, as sets of instants.

use std::collections::HashMap;

use chrono::{Datelike, Days, NaiveDate, NaiveTime};
use chrono_tz::Tz;
use uuid::Uuid;

use super::limits::Limits;
use crate::ranges::{Ranges, Span, instant};
use crate::recurrence::Recurrence;
use crate::wall;

/// On which days.
#[derive(Clone, Debug)]
pub(crate) enum OnDays {
    /// Every week; Monday is the first.
    Week([bool; 7]),
    Recurring(Box<Recurrence>),
}

/// Hours of the wall on some days.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub days: OnDays,
    pub from: NaiveTime,
    /// At or before `from`: on the day after.
    pub until: NaiveTime,
    pub valid_from: NaiveDate,
    pub valid_until: Option<NaiveDate>,
}

impl Rule {
    /// Its spans that begin on the days from `first` to `last`.
    fn spans(&self, zone: Tz, first: NaiveDate, last: NaiveDate) -> Vec<Span> {
        let first = first.max(self.valid_from);
        let last = self.valid_until.map_or(last, |until| last.min(until));
        let span = |day: NaiveDate| hours(zone, day, self.from, self.until);
        match &self.days {
            OnDays::Week(week) => first
                .iter_days()
                .take_while(|day| *day <= last)
                .filter(|day| week[day.weekday().num_days_from_monday() as usize])
                .map(span)
                .collect(),
            OnDays::Recurring(rule) => rule.days(first, last).into_iter().map(span).collect(),
        }
    }
}

/// Hours of a day; those that end at or before they begin end the day after.
pub(crate) fn hours(zone: Tz, day: NaiveDate, from: NaiveTime, until: NaiveTime) -> Span {
    let last = if until <= from {
        day + Days::new(1)
    } else {
        day
    };
    Span::new(
        wall::begins(zone, day.and_time(from)),
        wall::ends(zone, last.and_time(until)),
    )
}

/// What was said of everybody's time at one facility, for one window.
#[derive(Debug)]
pub(crate) struct Calendar {
    pub zone: Tz,
    pub window: Span,
    pub rules: HashMap<Uuid, Vec<Rule>>,
    /// The opening hours of the facility.
    pub opening: Vec<Rule>,
    pub holidays: Ranges,
    pub extra: HashMap<Uuid, Vec<Span>>,
    pub off: HashMap<Uuid, Vec<Span>>,
    pub on_call: HashMap<Uuid, Vec<Span>>,
    pub limits: HashMap<Uuid, Limits>,
    /// Of those without limits of their own.
    pub everybody: Option<Limits>,
}

impl Calendar {
    pub fn new(zone: Tz, window: Span) -> Self {
        Self {
            zone,
            window,
            rules: HashMap::new(),
            opening: Vec::new(),
            holidays: Ranges::default(),
            extra: HashMap::new(),
            off: HashMap::new(),
            on_call: HashMap::new(),
            limits: HashMap::new(),
            everybody: None,
        }
    }

    fn expand(&self, rules: &[Rule]) -> Ranges {
        let day = |at: i64| wall::day_of(self.zone, instant(at));
        // What began the day before may go on into the window.
        let (first, last) = (day(self.window.from) - Days::new(1), day(self.window.until));
        Ranges::of(
            rules
                .iter()
                .flat_map(|rule| rule.spans(self.zone, first, last)),
        )
    }

    fn of(spans: Option<&Vec<Span>>) -> Ranges {
        Ranges::of(spans.into_iter().flatten().copied())
    }

    /// By the rules alone, holidays or not.
    pub fn by_rule(&self, who: Uuid) -> Ranges {
        self.rules
            .get(&who)
            .map(|rules| self.expand(rules))
            .unwrap_or_default()
    }

    /// When a provider, or another member of the staff, works.
    pub fn works(&self, who: Uuid) -> Ranges {
        self.by_rule(who)
            .subtract(&self.holidays)
            .union(&Self::of(self.extra.get(&who)))
            .subtract(&self.off(who))
    }

    /// When he can be called, not counting when he works.
    pub fn is_on_call(&self, who: Uuid) -> Ranges {
        Self::of(self.on_call.get(&who)).subtract(&self.off(who))
    }

    /// When he works, or, for emergencies, can be called.
    pub fn available(&self, who: Uuid, emergency: bool) -> Ranges {
        if emergency {
            self.works(who).union(&self.is_on_call(who))
        } else {
            self.works(who)
        }
    }

    /// When a room or device can be used; `attended` by a provider, who knows of holidays.
    pub fn is_open(&self, asset: Uuid, emergency: bool, attended: bool) -> Ranges {
        let always = Ranges::one(Span {
            from: self.window.from,
            until: self.window.until,
        });
        if emergency {
            return always.subtract(&self.off(asset));
        }
        let open = match self.rules.get(&asset) {
            Some(rules) => self.expand(rules),
            None if self.opening.is_empty() => always,
            None => self.expand(&self.opening),
        };
        let open = if attended {
            open
        } else {
            open.subtract(&self.holidays)
        };
        open.union(&Self::of(self.extra.get(&asset)))
            .subtract(&self.off(asset))
    }

    pub fn off(&self, who: Uuid) -> Ranges {
        Self::of(self.off.get(&who))
    }

    pub fn limits_of(&self, who: Uuid) -> Option<Limits> {
        self.limits.get(&who).copied().or(self.everybody)
    }

    pub fn has_limits(&self) -> bool {
        self.everybody.is_some() || !self.limits.is_empty()
    }

    /// These hours of the wall, on every day of the window.
    pub fn daily(&self, from: NaiveTime, until: NaiveTime) -> Ranges {
        self.expand(&[Rule {
            days: OnDays::Week([true; 7]),
            from,
            until,
            valid_from: NaiveDate::MIN,
            valid_until: None,
        }])
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use chrono_tz::America::New_York;
    use kernel::clock::Instant;

    pub fn at(text: &str) -> Instant {
        text.parse().expect("an instant")
    }

    pub fn span(from: &str, until: &str) -> Span {
        Span::new(at(from), at(until))
    }

    fn time(text: &str) -> NaiveTime {
        format!("{text}:00").parse().expect("a time")
    }

    pub fn daily(from: &str, until: &str) -> Rule {
        Rule {
            days: OnDays::Week([true; 7]),
            from: time(from),
            until: time(until),
            valid_from: NaiveDate::MIN,
            valid_until: None,
        }
    }

    pub fn calendar(zone: Tz, from: &str, until: &str, who: Uuid, rules: Vec<Rule>) -> Calendar {
        let mut calendar = Calendar::new(zone, span(from, until));
        calendar.rules.insert(who, rules);
        calendar
    }

    #[test]
    fn a_shift_has_the_hours_that_pass_on_the_days_the_clocks_change() {
        let who = Uuid::from_u128(1);
        let hours = |from: &str, until: &str| {
            calendar(New_York, from, until, who, vec![daily("00:00", "08:00")])
                .works(who)
                .intersect(&Ranges::one(span(from, until)))
                .measure()
                / 3_600_000_000
        };
        assert_eq!(hours("2026-03-07T05:00:00Z", "2026-03-08T05:00:00Z"), 8);
        assert_eq!(hours("2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z"), 7);
        assert_eq!(hours("2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z"), 9);
    }

    #[test]
    fn hours_that_begin_or_end_in_a_gap_begin_or_end_when_the_clocks_go_forward() {
        let who = Uuid::from_u128(1);
        let day = |rule: Rule| {
            calendar(
                New_York,
                "2026-03-08T05:00:00Z",
                "2026-03-09T04:00:00Z",
                who,
                vec![Rule {
                    valid_from: "2026-03-08".parse().expect("a day"),
                    valid_until: "2026-03-08".parse().ok(),
                    ..rule
                }],
            )
            .works(who)
        };
        assert_eq!(
            day(daily("02:30", "04:00")),
            Ranges::one(span("2026-03-08T07:00:00Z", "2026-03-08T08:00:00Z"))
        );
        assert_eq!(
            day(daily("01:00", "02:30")),
            Ranges::one(span("2026-03-08T06:00:00Z", "2026-03-08T07:00:00Z"))
        );
        assert!(day(daily("02:10", "02:50")).is_empty());
    }

    #[test]
    fn a_day_at_the_edges_of_the_world_is_the_day_of_its_wall() {
        let who = Uuid::from_u128(1);
        for (zone, expected) in [
            (
                chrono_tz::Pacific::Kiritimati,
                span("2026-05-31T19:00:00Z", "2026-06-01T02:00:00Z"),
            ),
            (
                chrono_tz::Etc::GMTPlus12,
                span("2026-06-01T21:00:00Z", "2026-06-02T04:00:00Z"),
            ),
        ] {
            // The first of June 2026 is a Monday.
            let monday = Rule {
                days: OnDays::Week([true, false, false, false, false, false, false]),
                ..daily("09:00", "16:00")
            };
            let calendar = calendar(
                zone,
                "2026-05-31T00:00:00Z",
                "2026-06-03T00:00:00Z",
                who,
                vec![monday],
            );
            assert_eq!(calendar.works(who), Ranges::one(expected), "{zone}");
        }
    }

    #[test]
    fn a_night_shift_ends_the_day_after_and_reaches_into_the_window() {
        let who = Uuid::from_u128(1);
        let calendar = calendar(
            New_York,
            "2026-06-02T04:00:00Z",
            "2026-06-02T16:00:00Z",
            who,
            vec![daily("22:00", "06:00")],
        );
        let within = calendar.works(who).intersect(&Ranges::one(calendar.window));
        assert_eq!(
            within,
            Ranges::one(span("2026-06-02T04:00:00Z", "2026-06-02T10:00:00Z"))
        );
    }

    #[test]
    fn holidays_take_away_extra_time_gives_back_and_time_off_has_the_last_word() {
        let who = Uuid::from_u128(1);
        let mut calendar = calendar(
            New_York,
            "2026-06-02T04:00:00Z",
            "2026-06-03T04:00:00Z",
            who,
            vec![daily("08:00", "16:00")],
        );
        let today = Ranges::one(calendar.window);
        calendar.holidays = today.clone();
        assert!(calendar.works(who).intersect(&today).is_empty());
        let extra = span("2026-06-02T14:00:00Z", "2026-06-02T18:00:00Z");
        calendar.extra.insert(who, vec![extra]);
        assert_eq!(calendar.works(who).intersect(&today), Ranges::one(extra));
        let off = span("2026-06-02T16:00:00Z", "2026-06-02T23:00:00Z");
        calendar.off.insert(who, vec![off]);
        calendar.on_call.insert(
            who,
            vec![span("2026-06-02T22:00:00Z", "2026-06-03T02:00:00Z")],
        );
        let left = Ranges::of([
            span("2026-06-02T14:00:00Z", "2026-06-02T16:00:00Z"),
            span("2026-06-02T23:00:00Z", "2026-06-03T02:00:00Z"),
        ]);
        assert_eq!(calendar.available(who, true).intersect(&today), left);
        assert_eq!(
            calendar
                .available(who, false)
                .intersect(&today)
                .spans()
                .len(),
            1
        );
    }

    #[test]
    fn a_room_without_rules_follows_the_opening_hours_or_is_open() {
        let room = Uuid::from_u128(2);
        let window = span("2026-06-02T04:00:00Z", "2026-06-03T04:00:00Z");
        let mut calendar = Calendar::new(New_York, window);
        calendar.holidays = Ranges::one(window);
        assert_eq!(calendar.is_open(room, false, true), Ranges::one(window));
        assert!(calendar.is_open(room, false, false).is_empty());
        calendar.opening = vec![daily("08:00", "12:00")];
        let open = calendar
            .is_open(room, false, true)
            .intersect(&Ranges::one(window));
        assert_eq!(open.measure(), 4 * 3_600_000_000);
        calendar.rules.insert(room, vec![daily("09:00", "11:00")]);
        let open = calendar
            .is_open(room, false, true)
            .intersect(&Ranges::one(window));
        assert_eq!(open.measure(), 2 * 3_600_000_000);
        assert_eq!(calendar.is_open(room, true, true), Ranges::one(window));
    }
}
