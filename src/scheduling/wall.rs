//! Between a clinic's wall clock and instants.
//!
//! Hours are agreed by the wall clock. On the day the clocks go forward some of its times do not exist: what begins or ends at
//! one of them begins or ends when the clocks go forward. On the day they go back some exist twice: what begins at one begins
//! at the first, and what ends at one ends at the second, so that nobody's shift loses the hour he is there.

use chrono::{
    Days, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Timelike, Utc,
};
use chrono_tz::Tz;
use kernel::clock::Instant;

/// The zone of a facility; UTC for a name that is no zone.
pub fn zone(name: &str) -> Tz {
    name.parse().unwrap_or(Tz::UTC)
}

/// When something begins that begins at this time of the wall.
pub fn begins(zone: Tz, wall: NaiveDateTime) -> Instant {
    match zone.from_local_datetime(&wall) {
        LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => at.to_utc(),
        LocalResult::None => after_gap(zone, wall),
    }
}

/// When something ends that ends at this time of the wall.
pub fn ends(zone: Tz, wall: NaiveDateTime) -> Instant {
    match zone.from_local_datetime(&wall) {
        LocalResult::Single(at) | LocalResult::Ambiguous(_, at) => at.to_utc(),
        LocalResult::None => after_gap(zone, wall),
    }
}

/// The first instant whose wall time is not before one that does not exist. A gap may be a whole day, as in Samoa in 2011.
fn after_gap(zone: Tz, wall: NaiveDateTime) -> Instant {
    let shows = |at: i64| {
        let at = Utc.timestamp_opt(at, 0).single().unwrap_or_default();
        at.with_timezone(&zone).naive_local()
    };
    let middle = wall.and_utc().timestamp();
    let (mut before, mut after) = (middle - 40 * 3600, middle + 40 * 3600);
    while after - before > 1 {
        let between = before.midpoint(after);
        if shows(between) < wall {
            before = between;
        } else {
            after = between;
        }
    }
    Utc.timestamp_opt(after, 0).single().unwrap_or_default()
}

/// The calendar day on the wall.
pub fn day_of(zone: Tz, at: Instant) -> NaiveDate {
    at.with_timezone(&zone).date_naive()
}

/// When a day begins. Where the clocks go forward at midnight, at one.
pub fn midnight(zone: Tz, day: NaiveDate) -> Instant {
    begins(zone, day.and_time(NaiveTime::MIN))
}

/// The first instant, from this one on, at which the wall shows a whole minute that is a multiple of `align` past midnight.
pub fn next_aligned(zone: Tz, from: Instant, align: u32) -> Instant {
    let mut at = from;
    loop {
        let wall = at.with_timezone(&zone).naive_local();
        let past = TimeDelta::seconds(i64::from(wall.second()))
            + TimeDelta::nanoseconds(i64::from(wall.nanosecond()));
        if !past.is_zero() {
            at += TimeDelta::minutes(1) - past;
            continue;
        }
        let over = (wall.hour() * 60 + wall.minute()) % align.max(1);
        if over == 0 {
            return at;
        }
        let next = at + TimeDelta::minutes(i64::from(align - over));
        // Midnight is a multiple, whatever the day's last one was.
        let day = wall.date();
        at = if day_of(zone, next) == day {
            next
        } else {
            next.min(midnight(zone, day + Days::new(1)).max(at + TimeDelta::minutes(1)))
        };
    }
}

/// Whether the wall shows a whole minute that is a multiple of `align` past midnight.
pub fn is_aligned(zone: Tz, at: Instant, align: u32) -> bool {
    next_aligned(zone, at, align) == at
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono_tz::America::New_York;
    use proptest::prelude::*;

    fn wall(text: &str) -> NaiveDateTime {
        text.parse().expect("a time of the wall")
    }

    fn at(text: &str) -> Instant {
        text.parse().expect("an instant")
    }

    #[test]
    fn a_time_that_does_not_exist_is_when_the_clocks_go_forward() {
        for edge in [begins, ends] {
            assert_eq!(
                edge(New_York, wall("2026-03-08T02:30:00")),
                at("2026-03-08T07:00:00Z")
            );
            assert_eq!(
                edge(chrono_tz::Pacific::Apia, wall("2011-12-30T12:00:00")),
                at("2011-12-30T10:00:00Z")
            );
            assert_eq!(
                edge(chrono_tz::Australia::Lord_Howe, wall("2026-10-04T02:10:00")),
                at("2026-10-03T15:30:00Z")
            );
        }
        assert_eq!(
            midnight(
                chrono_tz::America::Santiago,
                NaiveDate::from_ymd_opt(2026, 9, 6).expect("a day")
            ),
            at("2026-09-06T04:00:00Z")
        );
    }

    #[test]
    fn a_time_that_exists_twice_begins_first_and_ends_last() {
        let half_past_one = wall("2026-11-01T01:30:00");
        assert_eq!(begins(New_York, half_past_one), at("2026-11-01T05:30:00Z"));
        assert_eq!(ends(New_York, half_past_one), at("2026-11-01T06:30:00Z"));
    }

    #[test]
    fn the_edges_of_the_world_have_their_own_days() {
        let noon = at("2026-06-01T11:00:00Z");
        let day = |zone: Tz| day_of(zone, noon).to_string();
        assert_eq!(day(chrono_tz::Pacific::Kiritimati), "2026-06-02");
        assert_eq!(day(chrono_tz::Etc::GMTPlus12), "2026-05-31");
        assert_eq!(
            begins(chrono_tz::Pacific::Kiritimati, wall("2026-06-02T08:00:00")),
            at("2026-06-01T18:00:00Z")
        );
        assert_eq!(
            begins(chrono_tz::Etc::GMTPlus12, wall("2026-06-02T08:00:00")),
            at("2026-06-02T20:00:00Z")
        );
    }

    #[test]
    fn alignment_is_counted_from_midnight_and_through_a_change_of_the_clocks() {
        let next = |text: &str, align| next_aligned(New_York, at(text), align);
        assert_eq!(
            next("2026-06-01T13:00:00.000001Z", 15),
            at("2026-06-01T13:15:00Z")
        );
        // 23:55 is the last multiple of 35 before midnight but one: 23:20 is, then midnight comes.
        assert_eq!(next("2026-06-02T03:30:00Z", 35), at("2026-06-02T03:55:00Z"));
        assert_eq!(next("2026-06-02T03:56:00Z", 35), at("2026-06-02T04:00:00Z"));
        // 02:00 and 02:40 do not exist: 03:20 is next.
        assert_eq!(next("2026-03-08T06:45:00Z", 40), at("2026-03-08T07:20:00Z"));
        // 01:00 comes twice.
        assert_eq!(next("2026-11-01T05:01:00Z", 60), at("2026-11-01T06:00:00Z"));
        assert!(is_aligned(New_York, at("2026-11-01T06:00:00Z"), 60));
        assert!(!is_aligned(New_York, at("2026-11-01T06:00:01Z"), 1));
    }

    proptest! {
        #[test]
        fn the_next_aligned_instant_is_aligned_and_none_lies_between(
            minutes in 0..2_000_000_i64, align in 1..200_u32, zone in 0..5_usize
        ) {
            let zone = [New_York, chrono_tz::Pacific::Kiritimati, chrono_tz::Etc::GMTPlus12,
                        chrono_tz::Australia::Lord_Howe, chrono_tz::America::Santiago][zone];
            let from = at("2024-01-01T00:00:00Z") + TimeDelta::minutes(minutes);
            let next = next_aligned(zone, from, align);
            let shows = |at: Instant| {
                let wall = at.with_timezone(&zone).naive_local();
                wall.hour() * 60 + wall.minute()
            };
            prop_assert_eq!(shows(next) % align, 0);
            let mut between = from;
            while between < next {
                prop_assert_ne!(shows(between) % align, 0, "{}", between);
                between += TimeDelta::minutes(1);
            }
        }
    }
}
