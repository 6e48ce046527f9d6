//! Steps that give or take access: role, suspension, reactivation, deactivation, retirement; and an account's sessions.
//!
//! Each ends the account's sessions in its own transaction and tells every server.

use kernel::ids::{SessionId, UserId};
use kernel::{Code, Error, Page, Result};
use platform::access::{Changed, Ctx, Disclosure, Permission, Role, announce};
use platform::audit::{Action, SecurityEvent, SecurityKind, security};
use platform::db::{CallerTx, TenantTx};
use platform::http::Answer;
use serde_json::json;

use super::model::{AccountStatus, RoleChange, User};
use super::service::RESOURCE;
use super::store;
use crate::sessions::{self, EndReason, Session};

/// A step of the status machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Suspend,
    Reactivate,
    Deactivate,
}

impl Step {
    const ALL: [Self; 3] = [Self::Suspend, Self::Reactivate, Self::Deactivate];

    const fn name(self) -> &'static str {
        match self {
            Self::Suspend => "suspend",
            Self::Reactivate => "reactivate",
            Self::Deactivate => "deactivate",
        }
    }

    /// Where it leads from a status, if it leads anywhere.
    const fn from(self, status: AccountStatus) -> Option<AccountStatus> {
        use AccountStatus::{Active, Inactive, Suspended};
        match (self, status) {
            (Self::Suspend, Active) => Some(Suspended),
            (Self::Reactivate, Suspended | Inactive) => Some(Active),
            (Self::Deactivate, Active | Suspended) => Some(Inactive),
            _ => None,
        }
    }
}

/// Gives the account another role.
pub(super) async fn change_role(
    ctx: &Ctx,
    id: UserId,
    RoleChange { role }: RoleChange,
) -> Result<Answer<User>> {
    let mut tx = ctx.begin(Permission::UserManage).await?;
    let user = lock_for_step(&mut tx, ctx, id, role == Role::Admin).await?;
    if user.role == role {
        return tx.commit(changed(user)).await;
    }
    store::set_role(&mut tx, id, role, ctx.now()).await?;
    finish(tx, ctx, user, SecurityKind::RoleChange, role.as_str()).await
}

/// Takes a step of the status machine.
pub(super) async fn take(ctx: &Ctx, id: UserId, step: Step) -> Result<Answer<User>> {
    let mut tx = ctx.begin(Permission::UserManage).await?;
    let user = lock_for_step(&mut tx, ctx, id, step == Step::Reactivate).await?;
    let Some(status) = step.from(user.status) else {
        let allowed: Vec<_> = Step::ALL
            .iter()
            .filter(|step| step.from(user.status).is_some())
            .map(|step| step.name())
            .collect();
        return Err(Error::new(Code::IllegalTransition).with("allowed", json!(allowed)));
    };
    store::set_status(&mut tx, id, status, ctx.now()).await?;
    finish(tx, ctx, user, SecurityKind::StatusChange, step.name()).await
}

/// Retires the account: it can't log in, is not listed, and its e-mail frees up.
pub(super) async fn retire(ctx: &Ctx, id: UserId) -> Result<Answer<()>> {
    let mut tx = ctx.begin(Permission::UserManage).await?;
    let subject = lock_for_step(&mut tx, ctx, id, false).await?.subject();
    store::retire(&mut tx, id, ctx.now()).await?;
    end_access(&mut tx, ctx, id, SecurityKind::StatusChange, "retire").await?;
    let done = Disclosure::shown(RESOURCE, Action::Update, [subject], ()).without_body();
    let answer = tx.commit(done).await?;
    ctx.app()
        .authenticator
        .forget(ctx.tenant(), Changed::User(id));
    Ok(answer)
}

/// Locks the account, and sees that the caller does not act upon himself nor upon the last admin. `keeps_admin` says that
/// the step takes no admin away.
async fn lock_for_step(
    tx: &mut TenantTx,
    ctx: &Ctx,
    id: UserId,
    keeps_admin: bool,
) -> Result<User> {
    let admins = store::lock_admins(tx).await?;
    let user = store::lock(tx, id).await?.ok_or_else(Error::not_found)?;
    if id == ctx.user() && !(keeps_admin && user.role == Role::Admin) {
        return Err(Code::OwnAccount.into());
    }
    if !keeps_admin && admins == [id] {
        return Err(Code::LastAdmin.into());
    }
    Ok(user)
}

async fn end_access(
    tx: &mut TenantTx,
    ctx: &Ctx,
    id: UserId,
    kind: SecurityKind,
    reason: &'static str,
) -> Result<()> {
    sessions::end_all(tx, id, None, EndReason::AccountChanged, ctx.now()).await?;
    let event = SecurityEvent::new(kind, true)
        .by(Some(ctx.user()), Some(ctx.principal().session))
        .upon(id)
        .because(reason);
    security::insert(tx, &event, Some(ctx.request()), ctx.now()).await?;
    announce(tx, Changed::User(id)).await
}

async fn finish(
    mut tx: CallerTx,
    ctx: &Ctx,
    user: User,
    kind: SecurityKind,
    reason: &'static str,
) -> Result<Answer<User>> {
    end_access(&mut tx, ctx, user.id, kind, reason).await?;
    let user = store::find(&mut tx, user.id)
        .await?
        .ok_or_else(Error::not_found)?;
    let id = user.id;
    let answer = tx.commit(changed(user)).await?;
    ctx.app()
        .authenticator
        .forget(ctx.tenant(), Changed::User(id));
    Ok(answer)
}

/// The account as it stands after a step.
fn changed(user: User) -> Disclosure<User> {
    let (version, subject) = (user.version, user.subject());
    Disclosure::shown(RESOURCE, Action::Update, [subject], user).version(version)
}

/// The account's live sessions.
pub(super) async fn sessions_of(ctx: &Ctx, id: UserId) -> Result<Answer<Page<Session>>> {
    let mut tx = ctx.begin(Permission::UserRead).await?;
    let user = store::find(&mut tx, id)
        .await?
        .ok_or_else(Error::not_found)?;
    let live = sessions::live_of(&mut tx, id, ctx.principal().session, ctx.now()).await?;
    let shown = Disclosure::shown(RESOURCE, Action::Read, [user.subject()], Page::last(live));
    tx.finish(shown).await
}

/// Ends one of the account's sessions, or all.
pub(super) async fn end_sessions(
    ctx: &Ctx,
    id: UserId,
    session: Option<SessionId>,
) -> Result<Answer<()>> {
    let mut tx = ctx.begin(Permission::UserManage).await?;
    let user = store::find(&mut tx, id)
        .await?
        .ok_or_else(Error::not_found)?;
    let changed = session.map_or(Changed::User(id), Changed::Session);
    match session {
        None => sessions::end_all(&mut tx, id, None, EndReason::Revoked, ctx.now()).await?,
        Some(session) => {
            if !sessions::end_one(&mut tx, id, session, EndReason::Revoked, ctx.now()).await? {
                return Err(Error::not_found());
            }
        }
    }
    let event = SecurityEvent::new(SecurityKind::SessionRevoked, true)
        .by(Some(ctx.user()), session.or(Some(ctx.principal().session)))
        .upon(id)
        .because("by_admin");
    security::insert(&mut tx, &event, Some(ctx.request()), ctx.now()).await?;
    announce(&mut tx, changed).await?;
    let done = Disclosure::shown(RESOURCE, Action::Update, [user.subject()], ()).without_body();
    let answer = tx.commit(done).await?;
    ctx.app().authenticator.forget(ctx.tenant(), changed);
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_can_be_left_and_no_step_stays() {
        for status in [
            AccountStatus::Active,
            AccountStatus::Inactive,
            AccountStatus::Suspended,
        ] {
            let next: Vec<_> = Step::ALL
                .iter()
                .filter_map(|step| step.from(status))
                .collect();
            assert!(!next.is_empty() && !next.contains(&status), "{status:?}");
        }
        assert_eq!(Step::Suspend.from(AccountStatus::Inactive), None);
        assert_eq!(Step::Reactivate.from(AccountStatus::Active), None);
    }
}
