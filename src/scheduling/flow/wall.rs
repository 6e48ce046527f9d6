//! What a facility's wall clock shows. From there to instants: [`crate::wall`].

use chrono::NaiveDateTime;
use chrono_tz::Tz;
use kernel::clock::Instant;

/// The zone of a facility; UTC for a name that is no zone.
pub(crate) fn zone(name: &str) -> Tz {
    name.parse().unwrap_or(Tz::UTC)
}

/// What the wall clock shows.
pub(crate) fn local(at: Instant, zone: Tz) -> NaiveDateTime {
    at.with_timezone(&zone).naive_local()
}
