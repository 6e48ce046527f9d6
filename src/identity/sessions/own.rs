//! One's own account and sessions.

use kernel::ids::SessionId;
use kernel::{Error, Page, Result};
use platform::access::{Changed, Ctx, Disclosure, Permission, announce};
use platform::audit::{SecurityEvent, SecurityKind, security};
use platform::http::Answer;

use super::model::{Me, MyTenant, Session};
use super::store::{self, EndReason};
use crate::{staff, tenants, users};

pub(super) async fn me(ctx: &Ctx) -> Result<Answer<Me>> {
    let principal = ctx.principal();
    let mut tx = ctx.begin(Permission::ProfileRead).await?;
    let account = users::own_account(&mut tx, ctx.user()).await?;
    let tenant = tenants::settings(&mut tx).await?;
    let provider = staff::provider_of_user(&mut tx, ctx.user()).await?;
    let permitted = Permission::ALL
        .iter()
        .filter(|permission| permission.allows(principal.role));
    let me = Me {
        account,
        tenant: MyTenant {
            id: tenant.id,
            slug: tenant.slug,
            name: tenant.data.name,
            time_zone: tenant.data.time_zone,
        },
        session_id: principal.session,
        patient_id: principal.patient,
        provider_id: provider.map(|provider| provider.id),
        permissions: permitted.map(|permission| permission.as_str()).collect(),
    };
    // Whoever links a provider, renames the organisation or changes what a role permits leaves the account's version as it is.
    tx.finish(Disclosure::plain(me).tagged_by_content()).await
}

pub(super) async fn list(ctx: &Ctx) -> Result<Answer<Page<Session>>> {
    let mut tx = ctx.begin(Permission::ProfileRead).await?;
    let sessions = store::live_of(&mut tx, ctx.user(), ctx.principal().session, ctx.now()).await?;
    tx.finish(Disclosure::plain(Page::last(sessions))).await
}

pub(super) async fn logout(ctx: &Ctx) -> Result<Answer<()>> {
    end(
        ctx,
        ctx.principal().session,
        EndReason::Logout,
        SecurityKind::Logout,
    )
    .await
}

pub(super) async fn revoke(ctx: &Ctx, session: SessionId) -> Result<Answer<()>> {
    end(
        ctx,
        session,
        EndReason::Revoked,
        SecurityKind::SessionRevoked,
    )
    .await
}

async fn end(
    ctx: &Ctx,
    session: SessionId,
    reason: EndReason,
    kind: SecurityKind,
) -> Result<Answer<()>> {
    let mut tx = ctx.begin(Permission::ProfileUpdate).await?;
    if !store::end_one(&mut tx, ctx.user(), session, reason, ctx.now()).await? {
        return Err(Error::not_found());
    }
    let event = SecurityEvent::new(kind, true).by(Some(ctx.user()), Some(session));
    security::insert(&mut tx, &event, Some(ctx.request()), ctx.now()).await?;
    announce(&mut tx, Changed::Session(session)).await?;
    let answer = tx.commit(Disclosure::done()).await?;
    ctx.app()
        .authenticator
        .forget(ctx.tenant(), Changed::Session(session));
    Ok(answer)
}
