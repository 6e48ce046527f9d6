//! Who is calling: from a bearer token to a principal.
//!
//! The token's signature says who it was issued to; the database says whether that still holds: session live, account
//! active, tenant active. The answer is remembered for a minute ([`Remembered`]), and dropped when something of it
//! changes: at once in the process that changed it, and within moments in every other, by LISTEN and NOTIFY
//! ([`listener`](crate::listener)).
//!
//! Invariant: while the listener is not known to hear, nothing is remembered and every request asks the database.

use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::time::Duration;

use kernel::clock::{Instant, Tz};
use kernel::ids::{SessionId, TenantId, UserId};
use kernel::{Clock, Code, Error, Result};
use platform::access::{Authenticator, Changed, Principal, Role};
use platform::crypto::{KeyWrapper, Keyring, random};
use platform::db::Db;
use tokio::sync::Mutex;

use crate::access_token::{Claims, Refusal};
use crate::listener::{self, Hearing};
use crate::lockout::{Addresses, Familiar};
use crate::passwords::Passwords;
use crate::remembered::Remembered;
use crate::sessions;

/// Tokens that name an unknown key make us load the keys at most this often: anybody can make up a key's name.
const RELOAD_AT_MOST: Duration = Duration::from_secs(1);
/// Keys are loaded this often anyway: new ones come into use, retired ones stop verifying.
const RELOAD_ALWAYS: Duration = Duration::from_mins(1);

/// Verifies callers and issues tokens. One for a server.
pub struct Identity {
    db: Db,
    clock: Clock,
    keys: Keyring,
    wrapper: Arc<dyn KeyWrapper>,
    remembered: Remembered,
    hearing: Hearing,
    reloaded: Mutex<Option<tokio::time::Instant>>,
    passwords: Passwords,
    addresses: Addresses,
    familiar: Familiar,
}

impl Identity {
    pub fn new(db: Db, clock: Clock, keys: Keyring, wrapper: Arc<dyn KeyWrapper>) -> Arc<Self> {
        Arc::new(Self {
            db,
            clock,
            keys,
            wrapper,
            remembered: Remembered::default(),
            hearing: Hearing::default(),
            reloaded: Mutex::new(None),
            passwords: Passwords::default(),
            addresses: Addresses::default(),
            familiar: Familiar::default(),
        })
    }

    /// Starts hearing of changes that other processes make, and taking up new signing keys. Without it every request asks
    /// the database. Ends with the database's pools or with the last reference to this.
    pub fn start_listener(self: &Arc<Self>) {
        tokio::spawn(listener::run(self.db.clone(), Arc::downgrade(self)));
        tokio::spawn(keep_keys(Arc::downgrade(self)));
    }

    /// The way to hash a password: the policy is the caller's to apply.
    pub fn passwords(&self) -> &Passwords {
        &self.passwords
    }

    pub(crate) fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    pub(crate) fn familiar(&self) -> &Familiar {
        &self.familiar
    }

    pub(crate) fn hearing(&self) -> &Hearing {
        &self.hearing
    }

    pub(crate) fn keys(&self) -> &Keyring {
        &self.keys
    }

    /// An access token for a session.
    pub(crate) fn issue(
        &self,
        tenant: TenantId,
        user: UserId,
        session: SessionId,
        role: Role,
        now: Instant,
    ) -> Result<String> {
        Claims::new(tenant, user, session, role, now).sign(&self.keys.current())
    }

    /// Drops everything remembered.
    pub(crate) fn forget_all(&self) {
        self.remembered.forget_all();
    }

    async fn verify(&self, token: &str, now: Instant) -> Result<Claims> {
        let mut read = Claims::read(token, &self.keys.current(), now);
        if read == Err(Refusal::UnknownKey) {
            self.load_keys_for_unknown().await?;
            read = Claims::read(token, &self.keys.current(), now);
        }
        read.map_err(|_| Error::new(Code::TokenInvalid))
    }

    /// Loads the keys, unless that was done a moment ago. Whoever comes meanwhile waits for the one who loads.
    async fn load_keys_for_unknown(&self) -> Result<()> {
        let mut reloaded = self.reloaded.lock().await;
        if reloaded.is_none_or(|at| at.elapsed() >= RELOAD_AT_MOST) {
            *reloaded = Some(tokio::time::Instant::now());
            self.load_keys().await?;
        }
        Ok(())
    }

    async fn load_keys(&self) -> Result<()> {
        self.keys
            .reload(&self.db, &*self.wrapper, self.clock.now())
            .await
    }

    async fn look_up(&self, token: &str) -> Result<Arc<Principal>> {
        let now = self.clock.now();
        let claims = self.verify(token, now).await?;
        let stamp = self.remembered.stamp();
        let live = sessions::check(&self.db, claims.tid, claims.sid, claims.sub, now)
            .await?
            .filter(|live| live.role == claims.role)
            .ok_or_else(|| Error::new(Code::TokenInvalid))?;
        let principal = Arc::new(Principal {
            tenant: claims.tid,
            user: claims.sub,
            role: live.role,
            session: claims.sid,
            scope: live.role.scope(live.chart_access),
            patient: live.patient,
            zone: live.time_zone.parse().unwrap_or(Tz::UTC),
            zones: live
                .facility_zones
                .iter()
                .filter_map(|zone| zone.parse().ok())
                .collect(),
            expires_at: claims.expires_at().min(live.ends_at),
        });
        self.remembered.keep(
            random::digest(token.as_bytes()),
            principal.clone(),
            stamp,
            now,
        );
        Ok(principal)
    }
}

impl Authenticator for Identity {
    fn remembered(&self, token: &str) -> Option<Arc<Principal>> {
        if !self.hearing.is_fresh() {
            return None;
        }
        self.remembered
            .get(&random::digest(token.as_bytes()), self.clock.now())
    }

    fn authenticate<'a>(
        &'a self,
        token: &'a str,
    ) -> Pin<Box<dyn Future<Output = Result<Arc<Principal>>> + Send + 'a>> {
        Box::pin(self.look_up(token))
    }

    fn forget(&self, tenant: TenantId, changed: Changed) {
        self.remembered.forget(tenant, changed);
    }
}

async fn keep_keys(identity: Weak<Identity>) {
    loop {
        tokio::time::sleep(RELOAD_ALWAYS).await;
        let Some(identity) = identity.upgrade() else {
            return;
        };
        if identity.db.shared().is_closed() {
            return;
        }
        if let Err(error) = identity.load_keys().await {
            tracing::warn!(
                cause = error.cause_for_log(),
                "signing keys could not be loaded again"
            );
        }
    }
}
