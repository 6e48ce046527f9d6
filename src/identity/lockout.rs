//! How guessing passwords is slowed: by account in the database, by address in this process.
//!
//! An account is locked from its fifth failure in a row, for a minute, then twice as long each time, up to an hour. While
//! it is locked nothing counts, and failures a day apart are not a row. Whoever guesses once an hour still keeps it locked,
//! so the lock is not for the addresses the account has logged in from lately: there its failures are counted apart, by
//! account and address, with the same waits. So nobody locks the owner out of where he works, and guessing is slow everywhere.
//! An address is locked likewise when as many accounts have failed there within an hour as may try in a minute: whoever tries one
//! password with many names is slowed, and whoever has forgotten his own, or a device that goes on with an old one, counts once
//! however often it fails, because a hospital is one address. A login takes the account that it opens out of the count, and no
//! other: who has an account of his own gains nothing with it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::TimeDelta;
use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::UserId;
use kernel::text::email_key;
use moka::sync::Cache;
use platform::crypto::random;
use platform::db::TenantTx;
use platform::http::RequestInfo;

use crate::sessions;

/// Failures in a row that are forgiven.
const FORGIVEN: i32 = 4;
/// How long an address stays familiar after a login.
const FAMILIAR: TimeDelta = TimeDelta::days(30);
const FIRST: TimeDelta = TimeDelta::minutes(1);
const LONGEST: TimeDelta = TimeDelta::hours(1);
/// How long an account that failed counts at its address.
const COUNTS: TimeDelta = TimeDelta::hours(1);
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

/// As whom somebody tries: a hash, because nobody needs the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Claim([u8; 32]);

impl Claim {
    /// The account that is named, whether or not there is one.
    pub fn of_account(tenant: &str, email: &str) -> Self {
        Self(random::digest(
            format!("{}\0{}", tenant.trim(), email_key(email)).as_bytes(),
        ))
    }

    /// The holder of a one-time token.
    pub fn of_token(token: &str) -> Self {
        Self(random::digest(token.trim().as_bytes()))
    }

    /// What limits count it as.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Something for each of many, forgotten an hour after it was last asked for.
type Kept<V> = Cache<Box<str>, Arc<Mutex<V>>>;

fn kept<V: Send + 'static>() -> Kept<V> {
    Cache::builder()
        .max_capacity(ADDRESSES)
        .time_to_idle(Duration::from_hours(1))
        .build()
}

fn held<V>(entry: &Mutex<V>) -> MutexGuard<'_, V> {
    entry.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The accounts that have failed, by address.
#[derive(Debug)]
pub(crate) struct Addresses(Kept<Failed>);

#[derive(Debug, Default)]
struct Failed {
    /// Who, and when last.
    accounts: HashMap<Claim, Instant>,
    locked_until: Option<Instant>,
    refusal_noted: Option<Instant>,
}

impl Default for Addresses {
    fn default() -> Self {
        Self(kept())
    }
}

impl Addresses {
    /// Seconds until the address may try again, if it may not now.
    pub fn locked_for(&self, address: &str, now: Instant) -> Option<u64> {
        let until = held(&*self.0.get(address)?).locked_until?;
        (until > now).then(|| {
            u64::try_from((until - now).num_seconds())
                .unwrap_or(0)
                .max(1)
        })
    }

    /// Notes that somebody failed; returns whether that locks. From the `allowed`th account within an hour each further does.
    pub fn failed(&self, address: &str, claim: Claim, allowed: u32, now: Instant) -> bool {
        let entry = self.0.get_with(address.into(), Arc::default);
        let mut failed = held(&entry);
        failed.accounts.retain(|_, at| now - *at < COUNTS);
        if failed.accounts.insert(claim, now).is_some() {
            return false;
        }
        let count = i32::try_from(failed.accounts.len()).unwrap_or(i32::MAX);
        let allowed = i32::try_from(allowed).unwrap_or(i32::MAX);
        let wait = count.checked_sub(allowed).and_then(backoff);
        if let Some(wait) = wait {
            failed.locked_until = Some(now + wait);
        }
        wait.is_some()
    }

    /// Whether a refusal is the first within a minute, so worth a security event: each refusal would be a write for free.
    pub fn first_refusal(&self, address: &str, now: Instant) -> bool {
        let entry = self.0.get_with(address.into(), Arc::default);
        let mut failed = held(&entry);
        let first = failed.refusal_noted.is_none_or(|at| now - at >= FIRST);
        if first {
            failed.refusal_noted = Some(now);
        }
        first
    }

    /// Takes the account out of the count, and no other.
    pub fn succeeded(&self, address: &str, claim: Claim) {
        if let Some(entry) = self.0.get(address) {
            held(&entry).accounts.remove(&claim);
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

/// Failures in a row by account and familiar address.
#[derive(Debug)]
pub(crate) struct Familiar(Kept<Row>);

#[derive(Debug, Default)]
struct Row {
    failures: i32,
    locked_until: Option<Instant>,
}

impl Row {
    fn is_locked(&self, now: Instant) -> bool {
        self.locked_until.is_some_and(|until| until > now)
    }
}

impl Default for Familiar {
    fn default() -> Self {
        Self(kept())
    }
}

impl Familiar {
    pub fn is_locked(&self, user: UserId, request: &RequestInfo, now: Instant) -> bool {
        let entry = self.0.get(&*Self::key(user, request));
        entry.is_some_and(|entry| held(&entry).is_locked(now))
    }

    /// Counts a failure, but not while it is locked; returns whether it locks.
    pub fn failed(&self, user: UserId, request: &RequestInfo, now: Instant) -> bool {
        let entry = self
            .0
            .get_with(Self::key(user, request).into(), Arc::default);
        let mut row = held(&entry);
        if row.is_locked(now) {
            return false;
        }
        row.failures = row.failures.saturating_add(1);
        let wait = lock_after(row.failures);
        if let Some(wait) = wait {
            row.locked_until = Some(now + wait);
        }
        wait.is_some()
    }

    /// A success ends the row of failures.
    pub fn succeeded(&self, user: UserId, request: &RequestInfo) {
        self.0.invalidate(&*Self::key(user, request));
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

    const CLINIC: &str = "192.0.2.1";

    fn account(number: u32) -> Claim {
        Claim::of_account("riverside", &format!("{number}@clinic.test"))
    }

    #[test]
    fn an_address_is_locked_when_too_many_accounts_have_failed_and_let_in_later() {
        let (addresses, now) = (Addresses::default(), Clock::system().now());
        for number in 0..2 {
            assert!(!addresses.failed(CLINIC, account(number), 3, now));
        }
        assert_eq!(addresses.locked_for(CLINIC, now), None);
        assert!(addresses.failed(CLINIC, account(2), 3, now));
        assert_eq!(addresses.locked_for(CLINIC, now), Some(60));
        assert_eq!(addresses.locked_for("192.0.2.2", now), None);
        let later = now + TimeDelta::seconds(61);
        assert_eq!(addresses.locked_for(CLINIC, later), None);
        assert!(addresses.failed(CLINIC, account(3), 3, later));
        assert_eq!(addresses.locked_for(CLINIC, later), Some(120));
    }

    #[test]
    fn one_person_never_locks_an_address_that_others_share() {
        let (addresses, now) = (Addresses::default(), Clock::system().now());
        for _ in 0..1_000 {
            assert!(!addresses.failed(CLINIC, account(1), 3, now));
        }
        // Nor does he lengthen a lock.
        addresses.failed(CLINIC, account(2), 3, now);
        addresses.failed(CLINIC, account(3), 3, now);
        let later = now + TimeDelta::minutes(2);
        addresses.failed(CLINIC, account(1), 3, later);
        assert_eq!(addresses.locked_for(CLINIC, later), None);
    }

    #[test]
    fn a_login_forgives_its_own_account_and_no_other() {
        let (addresses, now) = (Addresses::default(), Clock::system().now());
        // An hour of shift changes: everybody errs once and then gets in.
        for number in 0..100 {
            assert!(!addresses.failed(CLINIC, account(number), 3, now));
            addresses.succeeded(CLINIC, account(number));
        }
        // Somebody with an account of his own tries one password with many names, and logs in between.
        for number in 0..2 {
            addresses.failed(CLINIC, account(number), 3, now);
            addresses.succeeded(CLINIC, account(77));
        }
        assert!(addresses.failed(CLINIC, account(2), 3, now));
    }

    #[test]
    fn what_failed_an_hour_ago_counts_no_more() {
        let (addresses, now) = (Addresses::default(), Clock::system().now());
        for number in 0..50 {
            let then = now + TimeDelta::minutes(31) * i32::try_from(number).unwrap_or(0);
            assert!(!addresses.failed(CLINIC, account(number), 3, then));
        }
    }

    #[test]
    fn an_account_is_one_however_it_is_spelt() {
        let spelt = |tenant, email| Claim::of_account(tenant, email);
        assert_eq!(
            spelt("riverside", "Ada@Clinic.test"),
            spelt(" riverside ", "ada@clinic.test ")
        );
        assert_ne!(
            spelt("riverside", "a@b.test"),
            spelt("lakeside", "a@b.test")
        );
    }
}
