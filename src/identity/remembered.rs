//! Tokens verified a moment ago, so that most requests need not ask the database who is calling.
//!
//! Each change (a session ended, an account or a tenant changed) gets the next number. A token is remembered with the
//! number that stood *before* the database was asked, and holds only while none of its session, account and tenant has
//! a later one. So a change that lands while the answer is on its way can't be lost, whichever of the two comes first.
//!
//! Invariant: changes are kept longer than tokens.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chrono::TimeDelta;
use kernel::clock::Instant;
use kernel::ids::TenantId;
use moka::sync::Cache;
use platform::access::{Changed, Principal};
use uuid::Uuid;

/// How long the database is not asked again. Short beside the shortest idle limit (five minutes), because asking is also
/// what moves a session's last use forward.
pub(crate) const RECHECK: TimeDelta = TimeDelta::seconds(60);

const TOKENS: u64 = 200_000;
const TOKENS_KEPT: Duration = Duration::from_secs(90);
const CHANGES_KEPT: Duration = Duration::from_mins(15);

/// What a token is remembered by: its SHA-256, so that no bearer token lies about in memory.
pub(crate) type TokenHash = [u8; 32];

#[derive(Debug)]
pub(crate) struct Remembered {
    tokens: Cache<TokenHash, Entry>,
    /// The number of the latest change of a session, an account or a tenant.
    changes: Cache<Uuid, u64>,
    latest: AtomicU64,
    /// Nothing remembered before this number holds.
    floor: AtomicU64,
}

#[derive(Clone, Debug)]
struct Entry {
    principal: Arc<Principal>,
    recheck_at: Instant,
    stamp: u64,
}

impl Default for Remembered {
    fn default() -> Self {
        Self {
            tokens: Cache::builder()
                .max_capacity(TOKENS)
                .time_to_live(TOKENS_KEPT)
                .build(),
            changes: Cache::builder().time_to_live(CHANGES_KEPT).build(),
            latest: AtomicU64::new(0),
            floor: AtomicU64::new(0),
        }
    }
}

impl Remembered {
    /// The number to remember an answer with. Take it before asking.
    pub fn stamp(&self) -> u64 {
        self.latest.load(Ordering::SeqCst)
    }

    pub fn keep(&self, token: TokenHash, principal: Arc<Principal>, stamp: u64, now: Instant) {
        self.tokens.insert(
            token,
            Entry {
                principal,
                recheck_at: now + RECHECK,
                stamp,
            },
        );
    }

    pub fn get(&self, token: &TokenHash, now: Instant) -> Option<Arc<Principal>> {
        let Entry {
            principal,
            recheck_at,
            stamp,
        } = self.tokens.get(token)?;
        let unchanged = |id: Uuid| self.changes.get(&id).is_none_or(|change| change <= stamp);
        let holds = now < principal.expires_at
            && now < recheck_at
            && (stamp == self.stamp()
                || stamp >= self.floor.load(Ordering::SeqCst)
                    && unchanged(principal.session.0)
                    && unchanged(principal.user.0)
                    && unchanged(principal.tenant.0));
        holds.then_some(principal)
    }

    pub fn forget(&self, tenant: TenantId, changed: Changed) {
        let id = match changed {
            Changed::Session(id) => id.0,
            Changed::User(id) => id.0,
            Changed::Tenant => tenant.0,
        };
        let number = self.latest.fetch_add(1, Ordering::SeqCst) + 1;
        self.changes.insert(id, number);
    }

    /// For when changes may have been missed.
    pub fn forget_all(&self) {
        let number = self.latest.fetch_add(1, Ordering::SeqCst) + 1;
        self.floor.fetch_max(number, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::Clock;
    use kernel::ids::{SessionId, UserId};
    use platform::access::{Role, Scope};

    const TOKEN: TokenHash = [7; 32];

    fn principal(now: Instant) -> Arc<Principal> {
        Arc::new(Principal {
            tenant: TenantId::new(),
            user: UserId::new(),
            role: Role::Nurse,
            session: SessionId::new(),
            scope: Scope::CareTeam,
            patient: None,
            zone: kernel::clock::Tz::UTC,
            zones: [].into(),
            expires_at: now + TimeDelta::seconds(30),
        })
    }

    #[test]
    fn a_token_is_remembered_until_it_expires_or_is_due() {
        let (remembered, now) = (Remembered::default(), Clock::system().now());
        let caller = principal(now);
        remembered.keep(TOKEN, caller.clone(), remembered.stamp(), now);
        assert!(remembered.get(&TOKEN, now).is_some());
        assert!(remembered.get(&[8; 32], now).is_none());
        assert!(
            remembered
                .get(&TOKEN, now + TimeDelta::seconds(31))
                .is_none()
        );
        let lasting = Arc::new(Principal {
            expires_at: now + TimeDelta::hours(1),
            ..(*caller).clone()
        });
        remembered.keep(TOKEN, lasting, remembered.stamp(), now);
        assert!(
            remembered
                .get(&TOKEN, now + TimeDelta::seconds(59))
                .is_some()
        );
        assert!(
            remembered
                .get(&TOKEN, now + TimeDelta::seconds(61))
                .is_none()
        );
    }

    #[test]
    fn a_change_of_session_account_or_tenant_drops_it() {
        let (remembered, now) = (Remembered::default(), Clock::system().now());
        let caller = principal(now);
        for changed in [
            Changed::Session(caller.session),
            Changed::User(caller.user),
            Changed::Tenant,
        ] {
            remembered.keep(TOKEN, caller.clone(), remembered.stamp(), now);
            assert!(remembered.get(&TOKEN, now).is_some());
            remembered.forget(caller.tenant, changed);
            assert!(remembered.get(&TOKEN, now).is_none(), "{changed:?}");
        }
        remembered.keep(TOKEN, caller.clone(), remembered.stamp(), now);
        remembered.forget(TenantId::new(), Changed::Tenant);
        remembered.forget(caller.tenant, Changed::User(UserId::new()));
        assert!(
            remembered.get(&TOKEN, now).is_some(),
            "others' changes are none of its business"
        );
        remembered.forget_all();
        assert!(remembered.get(&TOKEN, now).is_none());
    }

    #[test]
    fn a_change_while_the_database_answers_is_not_lost() {
        let (remembered, now) = (Remembered::default(), Clock::system().now());
        let caller = principal(now);
        let stamp = remembered.stamp();
        remembered.forget(caller.tenant, Changed::User(caller.user));
        remembered.keep(TOKEN, caller, stamp, now);
        assert!(remembered.get(&TOKEN, now).is_none());
    }
}
