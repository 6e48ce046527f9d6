//! From a wall clock to an instant and back, in a facility's zone.

use chrono::{LocalResult, NaiveDateTime, TimeDelta, TimeZone as _, Utc};
use chrono_tz::Tz;
use kernel::clock::Instant;

/// The zone of a facility; UTC for a name that is no zone.
pub(crate) fn zone(name: &str) -> Tz {
    name.parse().unwrap_or(Tz::UTC)
}

/// The instant at which a wall clock shows this: the earlier one where it does so twice, the first after a gap where it never
/// does.
pub(crate) fn instant(local: NaiveDateTime, zone: Tz) -> Instant {
    (0..=100)
        .find_map(|quarters| {
            match zone.from_local_datetime(&(local + TimeDelta::minutes(15 * quarters))) {
                LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => {
                    Some(at.with_timezone(&Utc))
                }
                LocalResult::None => None,
            }
        })
        .unwrap_or_else(|| local.and_utc())
}

/// What the wall clock shows.
pub(crate) fn local(at: Instant, zone: Tz) -> NaiveDateTime {
    at.with_timezone(&zone).naive_local()
}
