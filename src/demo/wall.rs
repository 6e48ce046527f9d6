//! The clock on an organisation's wall, and what "today" is there.

use chrono::{
    Datelike, Days, DurationRound, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc, Weekday,
};
use chrono_tz::Tz;
use kernel::clock::Instant;

/// An organisation's wall clock, stopped at the instant for which the demo is made.
#[derive(Clone, Copy, Debug)]
pub struct Wall {
    pub now: Instant,
    zone: Tz,
}

impl Wall {
    pub fn new(now: Instant, zone: Tz) -> Self {
        Self { now, zone }
    }

    pub fn today(&self) -> NaiveDate {
        self.now.with_timezone(&self.zone).date_naive()
    }

    /// So many minutes before now, or after it, to the minute.
    pub fn minutes_from_now(&self, minutes: i64) -> Instant {
        let now = self
            .now
            .duration_trunc(TimeDelta::minutes(1))
            .unwrap_or(self.now);
        now + TimeDelta::minutes(minutes)
    }

    /// The day so many days from today.
    pub fn day(&self, offset: i64) -> NaiveDate {
        let distance = Days::new(offset.unsigned_abs());
        if offset < 0 {
            self.today() - distance
        } else {
            self.today() + distance
        }
    }

    /// When somebody who could go home then does go: by daylight, on the day after.
    pub fn discharge_after(&self, at: Instant, minutes_of_day: i64) -> Instant {
        self.at(
            at.with_timezone(&self.zone).date_naive() + Days::new(1),
            minutes_of_day,
        )
    }

    /// The instant at which the wall clock shows so many minutes past midnight. Where it leaps over that time: an hour on.
    pub fn at(&self, day: NaiveDate, minutes: i64) -> Instant {
        let wanted = day.and_time(NaiveTime::MIN) + TimeDelta::minutes(minutes);
        self.zone
            .from_local_datetime(&wanted)
            .earliest()
            .or_else(|| {
                self.zone
                    .from_local_datetime(&(wanted + TimeDelta::hours(1)))
                    .earliest()
            })
            .map_or_else(|| wanted.and_utc(), |at| at.with_timezone(&Utc))
    }
}

/// The day itself, or the Monday after it: that is why a Monday is the fullest day of a practice.
pub fn workday(day: NaiveDate) -> NaiveDate {
    match day.weekday() {
        Weekday::Sat => day + Days::new(2),
        Weekday::Sun => day + Days::new(1),
        _ => day,
    }
}

/// Whole years between two days.
pub fn years(from: NaiveDate, to: NaiveDate) -> i64 {
    to.years_since(from).map_or(0, i64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wall_shows_the_time_of_its_zone_in_summer_and_winter() {
        let now: Instant = "2026-03-08T03:00:00Z".parse().expect("an instant");
        let wall = Wall::new(now, Tz::America__New_York);
        assert_eq!(wall.today().to_string(), "2026-03-07");
        let at = |offset, minutes| wall.at(wall.day(offset), minutes).to_rfc3339();
        assert_eq!(at(0, 9 * 60), "2026-03-07T14:00:00+00:00");
        assert_eq!(at(1, 9 * 60), "2026-03-08T13:00:00+00:00");
        assert_eq!(
            at(1, 2 * 60 + 30),
            "2026-03-08T07:30:00+00:00",
            "a time that was left out"
        );
        assert_eq!(workday(wall.day(0)).to_string(), "2026-03-09");
        assert_eq!(workday(wall.day(2)), wall.day(2));
    }
}
