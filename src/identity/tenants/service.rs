//! What an admin does with his tenant.

use kernel::Result;
use platform::access::{Changed, Ctx, Disclosure, Permission, announce};
use platform::http::{Answer, IfMatch, MergePatch};

use super::model::Tenant;
use super::store;

pub(super) async fn read(ctx: &Ctx) -> Result<Answer<Tenant>> {
    let mut tx = ctx.begin(Permission::TenantRead).await?;
    let tenant = store::settings(&mut tx).await?;
    let version = tenant.version;
    tx.finish(Disclosure::plain(tenant).version(version)).await
}

/// Takes effect on sessions that are live: whose charts they open, and when they end.
pub(super) async fn change(
    ctx: &Ctx,
    if_match: IfMatch,
    patch: &MergePatch,
) -> Result<Answer<Tenant>> {
    let mut tx = ctx.begin(Permission::TenantUpdate).await?;
    let tenant = store::lock(&mut tx).await?;
    if_match.require(tenant.version)?;
    let data = patch.apply(&tenant.data)?;
    let now = ctx.now();
    store::update(&mut tx, &data, now).await?;
    announce(&mut tx, Changed::Tenant).await?;
    let tenant = Tenant {
        data,
        version: tenant.version + 1,
        updated_at: now,
        ..tenant
    };
    let version = tenant.version;
    let answer = tx
        .commit(Disclosure::plain(tenant).version(version))
        .await?;
    ctx.app()
        .authenticator
        .forget(ctx.tenant(), Changed::Tenant);
    Ok(answer)
}
