//! A clinic's wall clock: what an instant reads there, and when a day there begins and ends.
//!
//! Trap: midnight does not exist everywhere every day. Where a clock springs forward over it, the day begins at the first
//! time there is; where it falls back over it, at the earlier of the two midnights.

use chrono::{Days, LocalResult, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use kernel::clock::Instant;

/// The zone of an IANA name, such as `America/New_York`.
pub fn zone(name: &str) -> Option<Tz> {
    name.parse().ok()
}

/// What the wall clock shows, without an offset: `2026-03-08T09:30:00`. UTC for a name that is no zone.
pub fn wall_time(at: Instant, zone_name: &str) -> String {
    let local = at
        .with_timezone(&zone(zone_name).unwrap_or(Tz::UTC))
        .naive_local();
    local.format("%Y-%m-%dT%H:%M:%S").to_string()
}

/// The instants between which a calendar day lies in a zone; the second is not in it.
pub fn day(date: NaiveDate, zone: Tz) -> (Instant, Instant) {
    let next = date.checked_add_days(Days::new(1)).unwrap_or(date);
    (beginning(date, zone), beginning(next, zone))
}

fn beginning(date: NaiveDate, zone: Tz) -> Instant {
    let midnight = date.and_time(NaiveTime::MIN);
    // Clocks move by multiples of a quarter of an hour, and at most by the day that Samoa left out.
    (0..=100)
        .find_map(|quarters| {
            match zone.from_local_datetime(&(midnight + TimeDelta::minutes(15 * quarters))) {
                LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => {
                    Some(at.with_timezone(&Utc))
                }
                LocalResult::None => None,
            }
        })
        .unwrap_or_else(|| midnight.and_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Instant {
        text.parse().expect("an instant")
    }
    fn bounds(date: &str, zone_name: &str) -> (Instant, Instant) {
        day(
            date.parse().expect("a date"),
            zone(zone_name).expect("a zone"),
        )
    }

    #[test]
    fn the_wall_clock_follows_summer_time() {
        assert_eq!(
            wall_time(at("2026-03-08T06:59:59Z"), "America/New_York"),
            "2026-03-08T01:59:59"
        );
        assert_eq!(
            wall_time(at("2026-03-08T07:00:00Z"), "America/New_York"),
            "2026-03-08T03:00:00"
        );
        assert_eq!(
            wall_time(at("2026-07-01T12:00:00Z"), "Asia/Kolkata"),
            "2026-07-01T17:30:00"
        );
        assert_eq!(
            wall_time(at("2026-07-01T12:00:00Z"), "Nowhere/Else"),
            "2026-07-01T12:00:00"
        );
    }

    #[test]
    fn a_day_has_23_24_or_25_hours() {
        for (date, hours) in [("2026-03-08", 23), ("2026-03-09", 24), ("2026-11-01", 25)] {
            let (from, to) = bounds(date, "America/New_York");
            assert_eq!((to - from).num_hours(), hours, "{date}");
        }
        assert_eq!(
            bounds("2026-03-08", "America/New_York").0,
            at("2026-03-08T05:00:00Z")
        );
    }

    #[test]
    fn a_day_without_midnight_begins_when_it_can() {
        // Havana springs forward at midnight: the day begins at one o'clock.
        assert_eq!(
            bounds("2026-03-08", "America/Havana").0,
            at("2026-03-08T05:00:00Z")
        );
        // It falls back at one: midnight comes twice, the day begins with the first.
        assert_eq!(
            bounds("2026-11-01", "America/Havana").0,
            at("2026-11-01T04:00:00Z")
        );
        // Samoa crossed the date line and had no 30 December 2011.
        let (from, to) = bounds("2011-12-30", "Pacific/Apia");
        assert_eq!(from, to);
    }

    #[test]
    fn days_follow_each_other_without_gaps() {
        for zone_name in [
            "America/New_York",
            "America/Havana",
            "Asia/Beirut",
            "Australia/Lord_Howe",
            "Pacific/Apia",
        ] {
            let first: NaiveDate = "2011-01-01".parse().expect("a date");
            for date in first.iter_days().take(400) {
                let zone = zone(zone_name).expect("a zone");
                let next = date.succ_opt().expect("a date");
                assert_eq!(day(date, zone).1, day(next, zone).0, "{zone_name} {date}");
            }
        }
    }
}
