//! One-time links: how a password gets to its owner without passing through anybody else's hands.

use chrono::TimeDelta;
use kernel::clock::Instant;
use kernel::ids::UserId;
use kernel::{Code, Error, Result};
use platform::App;
use platform::access::{Changed, Ctx, Disclosure, Permission, announce};
use platform::audit::{Action, SecurityEvent, SecurityKind, security};
use platform::crypto::LinkSecret;
use platform::db::TenantTx;
use platform::http::Answer;
use serde_json::json;

use super::credentials::OneTimePurpose;
use super::model::{AccountStatus, OneTimeLink, User};
use super::service::RESOURCE;
use super::{store, store_one_time};
use crate::sessions::{self, EndReason};

/// What the secret of a link begins with.
pub(crate) const ONE_TIME: &str = "cwo";
/// How long a link works.
const INVITATION: TimeDelta = TimeDelta::days(3);
const RESET: TimeDelta = TimeDelta::days(1);

/// Makes a link; the account's earlier ones stop working.
pub(super) async fn issue(
    tx: &mut TenantTx,
    app: &App,
    user: UserId,
    purpose: OneTimePurpose,
    now: Instant,
) -> Result<OneTimeLink> {
    let token = LinkSecret::new(tx.tenant());
    let expires_at = now
        + match purpose {
            OneTimePurpose::Invitation => INVITATION,
            OneTimePurpose::PasswordReset => RESET,
        };
    store_one_time::insert(tx, user, purpose, &token.digest(), now, expires_at).await?;
    // Behind the '#', so that no log of a server or proxy on the way holds it.
    let link = format!(
        "{}/set-password#token={}",
        app.settings.public_url.trim_end_matches('/'),
        token.render(ONE_TIME)
    );
    Ok(OneTimeLink {
        set_password_link: Some(link),
        link_expires_at: expires_at,
    })
}

/// A link for an account whose owner has not set a password yet.
pub(super) async fn invite(ctx: &Ctx, id: UserId) -> Result<Answer<OneTimeLink>> {
    let mut tx = ctx.begin(Permission::UserManage).await?;
    let user = active(&mut tx, id).await?;
    if user.password_set_at.is_some() {
        return Err(Error::new(Code::IllegalTransition)
            .detail("The account has a password; it can be reset.")
            .with("allowed", json!(["reset-password"])));
    }
    let link = issue(
        &mut tx,
        ctx.app(),
        id,
        OneTimePurpose::Invitation,
        ctx.now(),
    )
    .await?;
    tx.commit(handed_over(&user, &link)).await?.reveal(&link)
}

/// The password stops working and the sessions end, now; the link lets its owner set another.
pub(super) async fn reset(ctx: &Ctx, id: UserId) -> Result<Answer<OneTimeLink>> {
    let mut tx = ctx.begin(Permission::UserManage).await?;
    if id == ctx.user() {
        return Err(Error::new(Code::OwnAccount)
            .detail("One's own password is changed with POST /api/v1/me/password."));
    }
    let user = active(&mut tx, id).await?;
    let now = ctx.now();
    store::clear_password(&mut tx, id, now).await?;
    sessions::end_all(&mut tx, id, None, EndReason::AccountChanged, now).await?;
    let event = SecurityEvent::new(SecurityKind::PasswordReset, true)
        .by(Some(ctx.user()), Some(ctx.principal().session))
        .upon(id)
        .because("by_admin");
    security::insert(&mut tx, &event, Some(ctx.request()), now).await?;
    announce(&mut tx, Changed::User(id)).await?;
    let link = issue(&mut tx, ctx.app(), id, OneTimePurpose::PasswordReset, now).await?;
    let committed = tx.commit(handed_over(&user, &link)).await?;
    ctx.app()
        .authenticator
        .forget(ctx.tenant(), Changed::User(id));
    committed.reveal(&link)
}

fn handed_over(user: &User, link: &OneTimeLink) -> Disclosure<OneTimeLink> {
    Disclosure::shown(
        RESOURCE,
        Action::Update,
        [user.subject()],
        link.without_secret(),
    )
}

async fn active(tx: &mut TenantTx, id: UserId) -> Result<User> {
    let user = store::lock(tx, id).await?.ok_or_else(Error::not_found)?;
    if user.status != AccountStatus::Active {
        return Err(Error::new(Code::IllegalTransition)
            .detail("The account is not active.")
            .with("allowed", json!(["reactivate"])));
    }
    Ok(user)
}

impl OneTimeLink {
    /// What is kept for a repeated request: the database holds the answer, and must not hold the secret.
    pub(super) fn without_secret(&self) -> Self {
        Self {
            set_password_link: None,
            link_expires_at: self.link_expires_at,
        }
    }
}
