//! Logging in.
//!
//! Unknown tenant, unknown account, wrong password, suspended, locked: one answer, after one hash, at one of a few
//! moments (a failure answers at a multiple of [`FLOOR`], so that what was written meanwhile does not show).

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use kernel::clock::Instant;
use kernel::ids::{SessionId, TenantId};
use kernel::text::email_key;
use kernel::{Code, Error, Result};
use platform::App;
use platform::audit::security::{self, NO_TENANT};
use platform::audit::{SecurityEvent, SecurityKind};
use platform::db::SystemTx;
use platform::http::{Answer, RequestInfo};

use super::model::{Login, SessionTokens};
use super::{store, store_tokens};
use crate::Identity;
use crate::access_token::LIFETIME;
use crate::lockout::{Claim, Standing};
use crate::passwords::Verdict;
use crate::refresh_token::RefreshToken;
use crate::tenants::{self, TenantStatus};
use crate::users::{self, AccountStatus, Credentials};

/// Failures answer at multiples of it. Longer than a hash and the writes take.
const FLOOR: Duration = Duration::from_millis(300);

/// Opens a session for who proves who he is.
pub(super) async fn login(
    app: App,
    identity: Arc<Identity>,
    request: Arc<RequestInfo>,
    login: Login,
) -> Result<Answer<SessionTokens>> {
    let started = tokio::time::Instant::now();
    let claim = Claim::of_account(&login.tenant, &login.email);
    admit(&app, &identity, &request, claim).await?;
    // A task of its own: a client that hangs up must not escape being counted.
    let attempt = tokio::spawn(async move { attempt(&app, &identity, &request, &login).await });
    if let Some(tokens) = attempt.await.map_err(Error::internal)?? {
        return Answer::plain(&tokens);
    }
    tokio::time::sleep_until(started + FLOOR * floors(started.elapsed())).await;
    Err(Code::CredentialsInvalid.into())
}

/// How many floors a failure that took so long waits for.
fn floors(elapsed: Duration) -> u32 {
    u32::try_from(elapsed.as_millis() / FLOOR.as_millis()).unwrap_or(u32::MAX - 1) + 1
}

/// Refuses an address that tries, or fails, too often.
pub(super) async fn admit(
    app: &App,
    identity: &Identity,
    request: &RequestInfo,
    claim: Claim,
) -> Result<()> {
    let now = app.clock.now();
    let refused = match identity.addresses().locked_for(&request.network, now) {
        Some(seconds) => Error::new(Code::RateLimited).retry_after(seconds),
        None => match request.count(app.limits.login(&request.network, claim.bytes())) {
            Ok(()) => return Ok(()),
            Err(refused) => refused,
        },
    };
    if identity.addresses().first_refusal(&request.network, now) {
        let event = SecurityEvent::new(SecurityKind::RateLimited, false).because("login_attempts");
        security::record(&app.db, NO_TENANT, &event, Some(request), now).await?;
    }
    Err(refused)
}

async fn attempt(
    app: &App,
    identity: &Identity,
    request: &RequestInfo,
    login: &Login,
) -> Result<Option<SessionTokens>> {
    let now = app.clock.now();
    let tenant = tenants::find_by_slug(&app.db, login.tenant.trim()).await?;
    let account = match tenant {
        Some((tenant, _)) => find(app, request, tenant, login, now).await?,
        None => None,
    };
    let stored = account
        .as_ref()
        .and_then(|(account, _)| account.password_hash.clone());
    let verdict = identity
        .passwords()
        .verify(login.password.clone(), stored)
        .await?;
    let reason = match (tenant, &account) {
        (Some((tenant, TenantStatus::Active)), Some((account, standing))) => {
            let locked = account.is_locked(identity, *standing, request, now);
            match refusal(account, verdict, locked) {
                None => {
                    let verified = (account, *standing);
                    let tokens =
                        let_in(app, identity, request, tenant, login, verified, verdict).await?;
                    if tokens.is_some() {
                        return Ok(tokens);
                    }
                    "changed_meanwhile"
                }
                Some(reason) => reason,
            }
        }
        (Some((_, TenantStatus::Suspended)), _) => "tenant_suspended",
        (Some(_), None) => "unknown_account",
        (None, _) => "unknown_tenant",
    };
    let claim = Claim::of_account(&login.tenant, &login.email);
    identity
        .addresses()
        .failed(&request.network, claim, app.limits.rates().login, now);
    let tenant = tenant.map_or(NO_TENANT, |(tenant, _)| tenant);
    let account = account.map(|(account, standing)| (account.id, standing));
    let mut tx = SystemTx::begin(&app.db, tenant).await?;
    let event = SecurityEvent::new(SecurityKind::Login, false)
        .by(account.map(|(id, _)| id), None)
        .because(reason);
    security::insert(&mut tx, &event, Some(request), now).await?;
    if let (Some(account), WRONG_PASSWORD) = (account, reason) {
        users::note_failure(&mut tx, identity, account, request, now).await?;
    }
    tx.commit().await?;
    Ok(None)
}

/// Opens a session of who has proved himself, and hashes his password anew where its hash is outdated. None if the account
/// changed meanwhile.
async fn let_in(
    app: &App,
    identity: &Identity,
    request: &RequestInfo,
    tenant: TenantId,
    login: &Login,
    verified: (&Credentials, Standing),
    verdict: Verdict,
) -> Result<Option<SessionTokens>> {
    let rehashed = if verdict.outdated {
        Some(identity.passwords().hash(login.password.clone()).await?)
    } else {
        None
    };
    let id = verified.0.id;
    let tokens = open(
        app,
        identity,
        request,
        tenant,
        verified,
        rehashed.as_deref(),
    )
    .await?;
    if tokens.is_some() {
        let claim = Claim::of_account(&login.tenant, &login.email);
        identity.addresses().succeeded(&request.network, claim);
        identity.familiar().succeeded(id, request);
    }
    Ok(tokens)
}

/// The account that is named, and where whoever names it stands.
async fn find(
    app: &App,
    request: &RequestInfo,
    tenant: TenantId,
    login: &Login,
    now: Instant,
) -> Result<Option<(Credentials, Standing)>> {
    let mut tx = SystemTx::begin(&app.db, tenant).await?;
    let Some(account) = users::by_email(&mut tx, &email_key(&login.email)).await? else {
        return Ok(None);
    };
    let standing = Standing::of(&mut tx, account.id, request, now).await?;
    Ok(Some((account, standing)))
}

/// Why an account that exists is not let in.
fn refusal(account: &Credentials, verdict: Verdict, locked: bool) -> Option<&'static str> {
    match account.status {
        AccountStatus::Suspended => Some("account_suspended"),
        AccountStatus::Inactive => Some("account_inactive"),
        AccountStatus::Active if account.password_hash.is_none() => Some("no_password"),
        AccountStatus::Active if locked => Some("account_locked"),
        AccountStatus::Active => (!verdict.right).then_some(WRONG_PASSWORD),
    }
}

/// The one reason that counts towards a lock.
const WRONG_PASSWORD: &str = "wrong_password";

/// Opens the session. `None` if the account has changed since the password was compared.
async fn open(
    app: &App,
    identity: &Identity,
    request: &RequestInfo,
    tenant: TenantId,
    (verified, standing): (&Credentials, Standing),
    rehashed: Option<&str>,
) -> Result<Option<SessionTokens>> {
    let now = app.clock.now();
    let mut tx = SystemTx::begin(&app.db, tenant).await?;
    let account = users::lock_by_id(&mut tx, verified.id).await?;
    let settings = tenants::settings(&mut tx).await?;
    let same = account.as_ref().is_some_and(|account| {
        account.password_hash == verified.password_hash
            && account.status == AccountStatus::Active
            && account.role == verified.role
            && !account.is_locked(identity, standing, request, now)
    });
    if !same || settings.status != TenantStatus::Active {
        return Ok(None);
    }
    let session = SessionId::new();
    let expires_at = now + TimeDelta::hours(settings.data.session_hours.into());
    let idle_until = now + TimeDelta::minutes(settings.data.idle_minutes.into());
    store::insert(
        &mut tx,
        session,
        verified.id,
        request,
        now,
        (expires_at, idle_until),
    )
    .await?;
    let refresh = RefreshToken::new(tenant, session);
    store_tokens::insert(&mut tx, session, &refresh.digest(), now).await?;
    users::note_login(&mut tx, verified.id, rehashed, now).await?;
    let event = SecurityEvent::new(SecurityKind::Login, true).by(Some(verified.id), Some(session));
    security::insert(&mut tx, &event, Some(request), now).await?;
    let tokens = SessionTokens {
        access_token: identity.issue(tenant, verified.id, session, verified.role, now)?,
        token_type: "Bearer",
        expires_in: LIFETIME.num_seconds(),
        refresh_token: refresh.render(),
        session_id: session,
        session_expires_at: expires_at,
    };
    tx.commit().await?;
    Ok(Some(tokens))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_answer_at_multiples_of_the_floor() {
        let at = |millis| floors(Duration::from_millis(millis));
        assert_eq!([0, 40, 299, 300, 301, 950].map(at), [1, 1, 1, 2, 2, 4]);
    }
}
