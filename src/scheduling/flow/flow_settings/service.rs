//! What is done with the settings.

use kernel::Result;
use kernel::clock::Instant;
use platform::access::{Ctx, Disclosure, Permission};
use platform::db::TenantTx;
use platform::http::{Answer, IfMatch, MergePatch};

use super::model::{FlowSettings, NewFlowSettings};
use super::store;

/// How the tenant wants it now.
pub async fn current(tx: &mut TenantTx) -> Result<NewFlowSettings> {
    Ok(store::find(tx).await?.unwrap_or_default().data)
}

/// Settles how the tenant wants it, for whoever makes the tenant.
pub async fn set_in_tx(tx: &mut TenantTx, data: &NewFlowSettings, now: Instant) -> Result<()> {
    store::lock(tx, now).await?;
    store::update(tx, data, now).await
}

pub(super) async fn read(ctx: &Ctx) -> Result<Answer<FlowSettings>> {
    let mut tx = ctx.begin(Permission::FlowSettingsRead).await?;
    let settings = store::find(&mut tx).await?.unwrap_or_default();
    let version = settings.version;
    tx.finish(Disclosure::plain(settings).version(version))
        .await
}

pub(super) async fn change(
    ctx: &Ctx,
    if_match: IfMatch,
    patch: &MergePatch,
) -> Result<Answer<FlowSettings>> {
    let mut tx = ctx.begin(Permission::FlowSettingsManage).await?;
    let present = store::lock(&mut tx, ctx.now()).await?;
    if_match.require(present.version)?;
    let data: NewFlowSettings = patch.apply(&present.data)?;
    store::update(&mut tx, &data, ctx.now()).await?;
    let version = present.version + 1;
    tx.commit(Disclosure::plain(FlowSettings { data, version }).version(version))
        .await
}
