//! A password changed by who knows the old one, or set by who holds a one-time token.

use std::sync::Arc;

use kernel::{Code, Error, FieldError, Result};
use platform::App;
use platform::access::{Authenticator, Changed, Ctx, Disclosure, Permission, announce};
use platform::audit::security::{self, NO_TENANT};
use platform::audit::{SecurityEvent, SecurityKind};
use platform::crypto::LinkSecret;
use platform::db::SystemTx;
use platform::http::{Answer, RequestInfo};
use secrecy::ExposeSecret;

use super::login::admit;
use super::model::{PasswordChange, PasswordChoice};
use super::store::{self, EndReason};
use crate::Identity;
use crate::lockout::{Claim, Standing};
use crate::tenants::{self, Tenant, TenantStatus};
use crate::users::{self, AccountStatus, Credentials, OneTimePurpose};

const NEW: &str = "/new_password";

/// Changes one's own password and ends one's other sessions. Wrong guesses count as they do at the door.
pub(super) async fn change(
    ctx: &Ctx,
    identity: &Arc<Identity>,
    change: PasswordChange,
) -> Result<Answer<()>> {
    // Asked first, so that a repeated request gets its answer; then given back, because hashing takes its time.
    let mut tx = ctx.begin(Permission::ProfileUpdate).await?;
    let account = users::by_id(&mut tx, ctx.user())
        .await?
        .ok_or_else(|| Error::new(Code::TokenInvalid))?;
    let tenant = tenants::settings(&mut tx).await?;
    let standing = Standing::of(&mut tx, account.id, ctx.request(), ctx.now()).await?;
    drop(tx);

    let stored = account.password_hash.clone();
    let right = identity
        .passwords()
        .verify(change.current_password.clone(), stored)
        .await?
        .right;
    if !right || account.is_locked(identity, standing, ctx.request(), ctx.now()) {
        return refuse_wrong(ctx, identity, &account, standing).await;
    }
    if change.current_password.expose_secret() == change.new_password.expose_secret() {
        let field = FieldError::new(NEW, "unchanged", "must differ from the present password");
        return Err(Error::new(Code::PasswordTooWeak).with_fields(vec![field]));
    }
    let hash = identity
        .passwords()
        .choose(change.new_password, account.rules(&tenant), NEW)
        .await?;

    let mut tx = ctx.begin(Permission::ProfileUpdate).await?;
    let now = ctx.now();
    let unchanged = users::by_id(&mut tx, ctx.user())
        .await?
        .is_some_and(|present| present.password_hash == account.password_hash);
    if !unchanged || !users::set_own_password(&mut tx, &hash, now).await? {
        return Err(Code::PasswordWrong.into());
    }
    let session = ctx.principal().session;
    store::end_all(
        &mut tx,
        ctx.user(),
        Some(session),
        EndReason::PasswordChanged,
        now,
    )
    .await?;
    let event =
        SecurityEvent::new(SecurityKind::PasswordChange, true).by(Some(ctx.user()), Some(session));
    security::insert(&mut tx, &event, Some(ctx.request()), now).await?;
    announce(&mut tx, Changed::User(ctx.user())).await?;
    let answer = tx.commit(Disclosure::done()).await?;
    identity.forget(ctx.tenant(), Changed::User(ctx.user()));
    Ok(answer)
}

async fn refuse_wrong(
    ctx: &Ctx,
    identity: &Identity,
    account: &Credentials,
    standing: Standing,
) -> Result<Answer<()>> {
    let now = ctx.now();
    let locked = account.is_locked(identity, standing, ctx.request(), now);
    let mut tx = SystemTx::on_behalf_of(
        &ctx.app().db,
        ctx.tenant(),
        Some(ctx.user()),
        Some(ctx.request_id()),
    )
    .await?;
    let event = SecurityEvent::new(SecurityKind::PasswordChange, false)
        .by(Some(ctx.user()), Some(ctx.principal().session))
        .because(if locked {
            "account_locked"
        } else {
            "wrong_password"
        });
    security::insert(&mut tx, &event, Some(ctx.request()), now).await?;
    if !locked {
        let whose = (ctx.user(), standing);
        users::note_failure(&mut tx, identity, whose, ctx.request(), now).await?;
    }
    tx.commit().await?;
    Err(Code::PasswordWrong.into())
}

/// Sets the password of the account a one-time token stands for, and ends its sessions. The token works once.
pub(super) async fn set(
    app: &App,
    identity: &Arc<Identity>,
    request: &RequestInfo,
    choice: PasswordChoice,
) -> Result<Answer<()>> {
    let claim = Claim::of_token(choice.token.expose_secret());
    admit(app, identity, request, claim).await?;
    let now = app.clock.now();
    let token = LinkSecret::parse(users::ONE_TIME, choice.token.expose_secret().trim());
    let found = match &token {
        Some(token) => {
            let mut tx = SystemTx::begin(&app.db, token.tenant).await?;
            holder(&mut tx, token, now).await?
        }
        None => None,
    };
    let (Some(token), Some((account, tenant, purpose))) = (token, found) else {
        return refuse_token(app, identity, request, claim, now).await;
    };
    let hash = identity
        .passwords()
        .choose(choice.new_password, account.rules(&tenant), NEW)
        .await?;

    let mut tx = SystemTx::begin(&app.db, token.tenant).await?;
    if holder(&mut tx, &token, now)
        .await?
        .is_none_or(|(present, ..)| present.id != account.id)
    {
        drop(tx);
        return refuse_token(app, identity, request, claim, now).await;
    }
    users::set_password(&mut tx, account.id, &hash, now).await?;
    users::spend(&mut tx, account.id, now).await?;
    store::end_all(&mut tx, account.id, None, EndReason::PasswordChanged, now).await?;
    let event = SecurityEvent::new(SecurityKind::PasswordReset, true)
        .by(Some(account.id), None)
        .because(purpose.as_str());
    security::insert(&mut tx, &event, Some(request), now).await?;
    announce(&mut tx, Changed::User(account.id)).await?;
    tx.commit().await?;
    identity.familiar().succeeded(account.id, request);
    identity.forget(token.tenant, Changed::User(account.id));
    Ok(Answer::nothing())
}

/// Whose token it is, while it works, his account is active and so is his tenant.
async fn holder(
    tx: &mut SystemTx,
    token: &LinkSecret,
    now: kernel::clock::Instant,
) -> Result<Option<(Credentials, Tenant, OneTimePurpose)>> {
    let Some(pending) = users::pending(tx, token, now).await? else {
        return Ok(None);
    };
    let tenant = tenants::settings(tx).await?;
    let account = users::lock_by_id(tx, pending.user).await?;
    Ok(account
        .filter(|account| {
            account.status == AccountStatus::Active && tenant.status == TenantStatus::Active
        })
        .map(|account| (account, tenant, pending.purpose)))
}

async fn refuse_token(
    app: &App,
    identity: &Identity,
    request: &RequestInfo,
    claim: Claim,
    now: kernel::clock::Instant,
) -> Result<Answer<()>> {
    // The tenant that a made-up token names is nobody's.
    identity
        .addresses()
        .failed(&request.network, claim, app.limits.rates().login, now);
    let event = SecurityEvent::new(SecurityKind::PasswordReset, false).because("token_refused");
    security::record(&app.db, NO_TENANT, &event, Some(request), now).await?;
    Err(Code::TokenUsedOrExpired.into())
}
