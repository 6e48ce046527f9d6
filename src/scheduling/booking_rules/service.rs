//! Reading and changing the rules.

use kernel::Result;
use platform::access::{Ctx, Disclosure, Permission};
use platform::db::TenantTx;
use platform::http::{Answer, IfMatch, MergePatch};

use super::model::{BookingRules, RulesInForce};
use super::store;

/// The rules in force.
pub async fn in_force(tx: &mut TenantTx) -> Result<BookingRules> {
    Ok(store::find(tx).await?.data)
}

pub(super) async fn read(ctx: &Ctx) -> Result<Answer<RulesInForce>> {
    let mut tx = ctx.begin(Permission::SchedulingCatalogue).await?;
    let rules = store::find(&mut tx).await?;
    let version = rules.version;
    tx.finish(Disclosure::plain(rules).version(version)).await
}

pub(super) async fn change(
    ctx: &Ctx,
    if_match: IfMatch,
    patch: &MergePatch,
) -> Result<Answer<RulesInForce>> {
    let mut tx = ctx.begin(Permission::SchedulingManage).await?;
    let present = store::lock(&mut tx, ctx.now()).await?;
    if_match.require(present.version)?;
    let data: BookingRules = patch.apply(&present.data)?;
    let version = present.version + 1;
    store::set(&mut tx, &data, version, ctx.now()).await?;
    let rules = RulesInForce { data, version };
    tx.commit(Disclosure::plain(rules).version(version)).await
}
