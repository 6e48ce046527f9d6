//! Rate limits by address, user and tenant, kept in this process.
//!
//! A limit is a bucket that refills steadily. The headers tell the tightest one that applied, as the IETF draft
//! `RateLimit` fields do: `RateLimit-Policy: "user";q=600;w=60` and `RateLimit: "user";r=599;t=1`.

use std::hash::Hash;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};
use kernel::ids::{TenantId, UserId};

/// The largest JSON body, of any operation that does not say that it takes more.
pub(super) const BODY: usize = 1 << 20;

/// The largest JSON body of an operation that takes thousands of rows: its route puts `DefaultBodyLimit::max(LARGE_BODY)`
/// around itself.
pub const LARGE_BODY: usize = 8 << 20;

/// Operations that do, because a body that comes with an `Idempotency-Key` is read before its route is asked.
const LARGE: [&str; 1] = ["/api/v1/vitals/batch"];

/// The largest body that may come to a route.
pub(super) fn body_of(route: &str) -> usize {
    if LARGE.contains(&route) {
        LARGE_BODY
    } else {
        BODY
    }
}

type Keyed<K> = RateLimiter<K, DashMapStateStore<K>, DefaultClock, StateInformationMiddleware>;

/// Requests a minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates {
    pub address: u32,
    pub user: u32,
    pub tenant: u32,
    /// Attempts to log in, by address. A third of them under one name.
    pub login: u32,
}

impl Default for Rates {
    fn default() -> Self {
        Self {
            address: 12_000,
            user: 3_000,
            tenant: 120_000,
            login: 30,
        }
    }
}

/// The buckets.
pub struct Limits {
    address: Keyed<Box<str>>,
    user: Keyed<UserId>,
    tenant: Keyed<TenantId>,
    login: Keyed<Box<str>>,
    login_as: Keyed<Box<[u8]>>,
    rates: Rates,
}

/// What is left of a limit.
#[derive(Clone, Copy, Debug)]
pub struct Left {
    pub name: &'static str,
    pub quota: u32,
    pub remaining: u32,
}

impl Left {
    /// The one of which less is left, for its size.
    #[must_use]
    pub fn tighter(self, other: Self) -> Self {
        let share = |this: Self, of: Self| u64::from(this.remaining) * u64::from(of.quota);
        if share(other, self) < share(self, other) {
            other
        } else {
            self
        }
    }
}

/// What became of taking from a limit: how much is left, and how long to wait where nothing was.
/// [`RequestInfo::count`](super::RequestInfo::count) tells the caller.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Taken {
    pub(super) left: Left,
    pub(super) wait: Option<Duration>,
}

impl Limits {
    pub fn new(rates: Rates) -> Self {
        Self {
            address: keyed(rates.address),
            user: keyed(rates.user),
            tenant: keyed(rates.tenant),
            login: keyed(rates.login),
            login_as: keyed(of_one_name(rates)),
            rates,
        }
    }

    pub fn address(&self, network: &str) -> Taken {
        take(
            &self.address,
            &network.into(),
            "address",
            self.rates.address,
        )
    }

    /// Of the user, and of all users of his tenant together. What is refused to a user takes nothing from the others; what is
    /// refused to all counts for each, so that who goes on asking goes on waiting.
    pub fn caller(&self, tenant: TenantId, user: UserId) -> Taken {
        let own = take(&self.user, &user, "user", self.rates.user);
        if own.wait.is_some() {
            return own;
        }
        let all = take(&self.tenant, &tenant, "tenant", self.rates.tenant);
        if all.wait.is_some() {
            return all;
        }
        Taken {
            left: own.left.tighter(all.left),
            wait: None,
        }
    }

    /// Of an address, and there of the name somebody logs in as: a device that goes on with an old password takes nothing from
    /// the others at its address.
    pub fn login(&self, network: &str, name: &[u8]) -> Taken {
        let both = [name, network.as_bytes()].concat().into();
        let own = take(&self.login_as, &both, "login", of_one_name(self.rates));
        if own.wait.is_some() {
            return own;
        }
        let all = take(&self.login, &network.into(), "login", self.rates.login);
        if all.wait.is_some() {
            return all;
        }
        Taken {
            left: own.left.tighter(all.left),
            wait: None,
        }
    }

    pub fn rates(&self) -> Rates {
        self.rates
    }

    /// Forgets buckets that have filled up again.
    pub fn tidy(&self) {
        self.address.retain_recent();
        self.user.retain_recent();
        self.tenant.retain_recent();
        self.login.retain_recent();
        self.login_as.retain_recent();
    }
}

/// Attempts to log in under one name at an address.
fn of_one_name(rates: Rates) -> u32 {
    (rates.login / 3).max(1)
}

fn keyed<K: Hash + Eq + Clone>(per_minute: u32) -> Keyed<K> {
    let quota = Quota::per_minute(NonZeroU32::new(per_minute).unwrap_or(NonZeroU32::MIN));
    RateLimiter::dashmap(quota).with_middleware::<StateInformationMiddleware>()
}

fn take<K: Hash + Eq + Clone>(
    limiter: &Keyed<K>,
    key: &K,
    name: &'static str,
    quota: u32,
) -> Taken {
    let (remaining, wait) = match limiter.check_key(key) {
        Ok(state) => (state.remaining_burst_capacity(), None),
        Err(refused) => (
            0,
            Some(refused.wait_time_from(DefaultClock::default().now())),
        ),
    };
    let left = Left {
        name,
        quota,
        remaining,
    };
    Taken { left, wait }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_goes_on_under_one_name_takes_no_attempts_from_the_others_at_his_address() {
        let limits = Limits::new(Rates {
            login: 6,
            ..Rates::default()
        });
        let waits = |name: &[u8]| limits.login("192.0.2.1", name).wait.is_some();
        assert_eq!(
            [(); 40]
                .map(|()| waits(b"ada"))
                .iter()
                .filter(|waits| !**waits)
                .count(),
            2
        );
        for name in [b"ben", b"cyd", b"dan", b"eve"] {
            assert!(!waits(name));
        }
        assert!(waits(b"fay"), "the address has had its six");
    }

    #[test]
    fn the_limit_told_is_the_tightest_and_one_used_up_is_told_too() {
        let limits = Limits::new(Rates {
            user: 2,
            tenant: 3,
            ..Rates::default()
        });
        let tenant = TenantId(kernel::ids::mint());
        let user = || UserId(kernel::ids::mint());
        let (one, other) = (user(), user());
        let told = |taken: Taken| (taken.left.name, taken.left.remaining, taken.wait.is_some());
        assert_eq!(told(limits.caller(tenant, one)), ("user", 1, false));
        assert_eq!(told(limits.caller(tenant, one)), ("user", 0, false));
        // However often he asks beyond his limit, the tenant's last request is there for another.
        for _ in 0..5 {
            assert_eq!(told(limits.caller(tenant, one)), ("user", 0, true));
        }
        assert_eq!(told(limits.caller(tenant, other)), ("tenant", 0, false));
        assert_eq!(told(limits.caller(tenant, other)), ("tenant", 0, true));
        let elsewhere = TenantId(kernel::ids::mint());
        assert_eq!(told(limits.caller(elsewhere, one)), ("user", 0, true));
    }
}
