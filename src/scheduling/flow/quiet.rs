//! The hours in which nobody is written to, on the wall clock of a place.
//!
//! What waits for an answer waits with them: minutes in which nobody has heard of anything do not count.

use chrono::{Days, NaiveTime, TimeDelta};
use chrono_tz::Tz;
use kernel::clock::Instant;

use super::flow_settings::NewFlowSettings;
use super::wall;
use crate::wall::begins;

/// The same time twice: never quiet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quiet {
    pub from: NaiveTime,
    pub until: NaiveTime,
}

impl Quiet {
    /// As the tenant wants it.
    pub fn of(settings: &NewFlowSettings) -> Self {
        Self {
            from: settings.quiet_from.0,
            until: settings.quiet_until.0,
        }
    }

    pub fn covers(self, time: NaiveTime) -> bool {
        if self.from <= self.until {
            self.from <= time && time < self.until
        } else {
            self.from <= time || time < self.until
        }
    }

    /// Of a quiet instant: when the quiet began, in the evening before; and when it is over, in the morning after.
    pub fn around(self, at: Instant, zone: Tz) -> Option<(Instant, Instant)> {
        let local = wall::local(at, zone);
        if !self.covers(local.time()) {
            return None;
        }
        let day = local.date();
        let evening = if local.time() >= self.from {
            day
        } else {
            day.checked_sub_days(Days::new(1))?
        };
        let morning = if local.time() < self.until {
            day
        } else {
            day.checked_add_days(Days::new(1))?
        };
        let began = begins(zone, evening.and_time(self.from));
        let over = begins(zone, morning.and_time(self.until));
        Some((began, over.max(at)))
    }

    /// The instant itself, or when the quiet it lies in is over.
    pub fn over(self, at: Instant, zone: Tz) -> Instant {
        self.around(at, zone).map_or(at, |(_, over)| over)
    }

    /// When so many minutes have passed that are not quiet; `at_most`, if that comes first.
    pub fn after(self, from: Instant, minutes: i32, zone: Tz, at_most: Instant) -> Instant {
        let mut left = TimeDelta::minutes(minutes.into());
        let mut at = self.over(from, zone);
        while at < at_most {
            let next = self.next(at, zone).filter(|next| *next - at < left);
            let Some(next) = next else {
                return (at + left).min(at_most);
            };
            left -= next - at;
            let over = self.over(next, zone);
            // A clock that is put back at this hour could stand still.
            at = over.max(next + TimeDelta::minutes(1));
        }
        at_most
    }

    /// When it is quiet next, after an instant that is not.
    fn next(self, at: Instant, zone: Tz) -> Option<Instant> {
        if self.from == self.until {
            return None;
        }
        let day = wall::local(at, zone).date();
        [day, day.checked_add_days(Days::new(1))?]
            .into_iter()
            .map(|day| begins(zone, day.and_time(self.from)))
            .find(|begin| *begin > at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ZONE: Tz = Tz::America__New_York;

    fn at(text: &str) -> Instant {
        text.parse().expect("an instant")
    }

    fn quiet(from: &str, until: &str) -> Quiet {
        Quiet {
            from: from.parse().expect("a time"),
            until: until.parse().expect("a time"),
        }
    }

    #[test]
    fn the_same_time_twice_is_never_quiet_and_a_day_may_be() {
        let never = quiet("08:00:00", "08:00:00");
        assert!(!never.covers("08:00:00".parse().expect("a time")));
        assert!(quiet("12:00:00", "14:00:00").covers("13:00:00".parse().expect("a time")));
        assert!(!quiet("12:00:00", "14:00:00").covers("14:00:00".parse().expect("a time")));
        let noon = at("2026-07-01T16:00:00Z");
        let late = noon + TimeDelta::days(90);
        assert_eq!(never.over(noon, ZONE), noon);
        assert_eq!(
            never.after(noon, 1440, ZONE, late),
            noon + TimeDelta::days(1)
        );
    }

    #[test]
    fn minutes_to_answer_do_not_pass_in_the_night() {
        let night = quiet("20:00:00", "08:00:00");
        let late = at("2026-08-01T00:00:00Z");
        for (from, minutes, until) in [
            // By day, as they are: New York is four hours behind.
            ("2026-07-01T14:00:00Z", 120, "2026-07-01T16:00:00Z"),
            // To the minute at which it becomes quiet.
            ("2026-07-01T22:00:00Z", 120, "2026-07-02T00:00:00Z"),
            // At 19:00: an hour now, an hour in the morning.
            ("2026-07-01T23:00:00Z", 120, "2026-07-02T13:00:00Z"),
            // At two in the night: from eight on.
            ("2026-07-02T06:00:00Z", 120, "2026-07-02T14:00:00Z"),
            // A day's worth: twelve hours a day.
            ("2026-07-01T12:00:00Z", 1440, "2026-07-03T00:00:00Z"),
            // Whoever is not written to for a year is not waited for.
            ("2026-07-01T12:00:00Z", 100_000, "2026-08-01T00:00:00Z"),
        ] {
            assert_eq!(
                night.after(at(from), minutes, ZONE, late),
                at(until),
                "{from}"
            );
        }
    }

    #[test]
    fn the_morning_comes_by_the_wall_clock_when_the_clocks_change() {
        let night = quiet("20:00:00", "08:00:00");
        // 8 March 2026: eight o'clock is 12:00 UTC, not 13:00; 1 November: 13:00, not 12:00.
        assert_eq!(
            night.over(at("2026-03-08T04:00:00Z"), ZONE),
            at("2026-03-08T12:00:00Z")
        );
        assert_eq!(
            night.over(at("2026-11-01T04:00:00Z"), ZONE),
            at("2026-11-01T13:00:00Z")
        );
        // Quiet in the hour that comes twice, and in the one that never comes: nothing stands still.
        let late = at("2026-12-01T00:00:00Z");
        let small = quiet("01:00:00", "01:30:00");
        for day in ["2026-03-08T04:00:00Z", "2026-11-01T04:00:00Z"] {
            for minutes in [1, 59, 90, 200, 3000] {
                let until = small.after(at(day), minutes, ZONE, late);
                assert!(until > at(day) && until < late, "{day} {minutes}: {until}");
            }
        }
    }
}
