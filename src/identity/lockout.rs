//! How guessing passwords is slowed: by account in the database, by address in this process.
//!
//! An account is locked from its fifth failure in a row, for a minute, then twice as long each time, up to an hour. While
//! it is locked nothing counts, and failures a day apart are not a row. Whoever guesses once an hour still keeps it locked,
//! so the lock is not for the addresses the account has logged in from lately: there its failures are counted apart, by
//! account and address, with the same waits. So nobody locks the owner out of where he works, and guessing is slow everywhere.
//! An address is locked likewise when it has failed as often as it may try in a minute; a success halves its count,
//! because a hospital is one address.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::TimeDelta;
use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::UserId;
use moka::sync::Cache;
use platform::db::TenantTx;
use platform::http::RequestInfo;

use crate::sessions;

/// Failures in a row that are forgiven.
const FORGIVEN: i32 = 4;
/// How long an address stays familiar after a login.
const FAMILIAR: TimeDelta = TimeDelta::days(30);
const FIRST: TimeDelta = TimeDelta::minutes(1);
const LONGEST: TimeDelta = TimeDelta::hours(1);
const ADDRESSES: u64 = 100_000;

/// How long an account is locked after so many failures in a row.
pub(crate) fn lock_after(failures: i32) -> Option<TimeDelta> {
    backoff(failures.checked_sub(FORGIVEN + 1)?)
}

/// One minute for the first step, doubling; `None` below it.
fn backoff(step: i32) -> Option<TimeDelta> {
    let doublings = u32::try_from(step).ok()?.min(16);
    Some((FIRST * (1 << doublings)).min(LONGEST))
}

/// Failures by address. Forgotten an hour after the last.
#[derive(Debug)]
pub(crate) struct Addresses(Cache<Box<str>, Arc<Mutex<Failures>>>);

#[derive(Debug, Default)]
struct Failures {
    count: i32,
    locked_until: Option<Instant>,
    refusal_noted: Option<Instant>,
}

impl Default for Addresses {
    fn default() -> Self {
        Self(
            Cache::builder()
                .max_capacity(ADDRESSES)
                .time_to_idle(Duration::from_hours(1))
                .build(),
        )
    }
}

impl Addresses {
    /// Seconds until the address may try again, if it may not now.
    pub fn locked_for(&self, address: &str, now: Instant) -> Option<u64> {
        let failures = self.0.get(address)?;
        let until = failures
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .locked_until?;
        (until > now).then(|| {
            u64::try_from((until - now).num_seconds())
                .unwrap_or(0)
                .max(1)
        })
    }

    /// Counts a failure; returns whether it locks. From the `allowed`th in a row each does.
    pub fn failed(&self, address: &str, allowed: u32, now: Instant) -> bool {
        let entry = self.0.get_with(address.into(), Arc::default);
        let mut failures = entry.lock().unwrap_or_else(PoisonError::into_inner);
        failures.count = failures.count.saturating_add(1);
        let allowed = i32::try_from(allowed).unwrap_or(i32::MAX);
        let wait = failures.count.checked_sub(allowed).and_then(backoff);
        if let Some(wait) = wait {
            failures.locked_until = Some(now + wait);
        }
        wait.is_some()
    }

    /// Whether a refusal is the first within a minute, so worth a security event: each refusal would be a write for free.
    pub fn first_refusal(&self, address: &str, now: Instant) -> bool {
        let entry = self.0.get_with(address.into(), Arc::default);
        let mut failures = entry.lock().unwrap_or_else(PoisonError::into_inner);
        let first = failures.refusal_noted.is_none_or(|at| now - at >= FIRST);
        if first {
            failures.refusal_noted = Some(now);
        }
        first
    }

    /// Halves the count.
    pub fn succeeded(&self, address: &str) {
        if let Some(entry) = self.0.get(address) {
            entry.lock().unwrap_or_else(PoisonError::into_inner).count /= 2;
        }
    }
}

/// Where somebody stands who names an account: at an address it has logged in from lately, or elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    Familiar,
    Strange,
}

impl Standing {
    pub async fn of(
        tx: &mut TenantTx,
        user: UserId,
        request: &RequestInfo,
        now: Instant,
    ) -> Result<Self> {
        let came = sessions::has_come_from(tx, user, &request.network, now - FAMILIAR).await?;
        Ok(if came { Self::Familiar } else { Self::Strange })
    }
}

/// Failures by account and familiar address, counted as those of an address are.
#[derive(Debug, Default)]
pub(crate) struct Familiar(Addresses);

impl Familiar {
    pub fn is_locked(&self, user: UserId, request: &RequestInfo, now: Instant) -> bool {
        self.0.locked_for(&Self::key(user, request), now).is_some()
    }

    /// Counts a failure, but not while it is locked; returns whether it locks.
    pub fn failed(&self, user: UserId, request: &RequestInfo, now: Instant) -> bool {
        let key = Self::key(user, request);
        self.0.locked_for(&key, now).is_none()
            && self.0.failed(&key, FORGIVEN.unsigned_abs() + 1, now)
    }

    /// A success ends the row of failures.
    pub fn succeeded(&self, user: UserId, request: &RequestInfo) {
        self.0.0.invalidate(&*Self::key(user, request));
    }

    fn key(user: UserId, request: &RequestInfo) -> String {
        format!("{user} {}", request.network)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::Clock;

    #[test]
    fn the_fifth_failure_locks_for_a_minute_and_each_further_for_twice_as_long() {
        let minutes = |failures| lock_after(failures).map(|wait| wait.num_minutes());
        assert_eq!([0, 1, 4].map(minutes), [None; 3]);
        assert_eq!(
            [5, 6, 7, 10, 11, 12, 1_000, i32::MAX].map(minutes),
            [1, 2, 4, 32, 60, 60, 60, 60].map(Some)
        );
        assert_eq!(minutes(i32::MIN), None);
    }

    #[test]
    fn an_address_is_locked_when_it_has_failed_too_often_and_let_in_later() {
        let (addresses, now) = (Addresses::default(), Clock::system().now());
        for _ in 0..2 {
            addresses.failed("192.0.2.1", 3, now);
        }
        assert_eq!(addresses.locked_for("192.0.2.1", now), None);
        addresses.failed("192.0.2.1", 3, now);
        assert_eq!(addresses.locked_for("192.0.2.1", now), Some(60));
        assert_eq!(addresses.locked_for("192.0.2.2", now), None);
        assert_eq!(
            addresses.locked_for("192.0.2.1", now + TimeDelta::seconds(61)),
            None
        );
        addresses.failed("192.0.2.1", 3, now);
        assert_eq!(addresses.locked_for("192.0.2.1", now), Some(120));
    }

    #[test]
    fn a_success_halves_the_count() {
        let (addresses, now) = (Addresses::default(), Clock::system().now());
        for _ in 0..3 {
            addresses.failed("192.0.2.1", 4, now);
        }
        addresses.succeeded("192.0.2.1");
        for _ in 0..2 {
            addresses.failed("192.0.2.1", 4, now);
        }
        assert_eq!(addresses.locked_for("192.0.2.1", now), None);
    }
}
