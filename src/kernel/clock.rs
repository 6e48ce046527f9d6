//! The one place that reads the clock.
//!
//! Instants are UTC and cut to microseconds, PostgreSQL's precision, so that what was written is what is read back.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, NaiveDate, SubsecRound, TimeDelta, Utc};
/// A zone of the IANA database.
pub use chrono_tz::Tz;

/// A point in time, UTC, microsecond precision.
pub type Instant = DateTime<Utc>;

/// Tells the time. Clones share their shift, so a test can move a whole server through a day.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    shift_seconds: Arc<AtomicI64>,
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self::default()
    }

    /// The present instant.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the replacement the lint names"
    )]
    pub fn now(&self) -> Instant {
        let shift = TimeDelta::seconds(self.shift_seconds.load(Ordering::Relaxed));
        (Utc::now() + shift).trunc_subsecs(6)
    }

    /// The calendar day in a clinic's zone: what "today" means on its wall.
    pub fn today(&self, zone: Tz) -> NaiveDate {
        self.now().with_timezone(&zone).date_naive()
    }

    /// Moves this clock and its clones forward. For tests of expiry.
    pub fn advance(&self, by: TimeDelta) {
        self.shift_seconds
            .fetch_add(by.num_seconds(), Ordering::Relaxed);
    }
}
