//! What is done with work limits.

use kernel::ids::AvailabilityId;
use kernel::{Code, Error, OnConstraint, Page, Result};
use platform::access::{Ctx, Disclosure, Permission};
use platform::db::TenantTx;
use platform::http::{Answer, IfMatch, MergePatch, Paging};

use super::model::{ListWorkLimits, NewWorkLimit, WorkLimit};
use super::store;
use crate::resource::{self, Whose, kept, require_same};
use crate::waitlist::{self, Opened};

pub(super) async fn list(ctx: &Ctx, query: ListWorkLimits) -> Result<Answer<Page<WorkLimit>>> {
    let narrowed_by = (query.provider_id, query.status);
    let paging = Paging::new(ctx, &narrowed_by, query.limit, query.cursor.clone())?;
    let mut tx = ctx.begin(Permission::WorkingTimeRead).await?;
    let rows = store::page(&mut tx, &query, paging.after()?, paging.fetch()).await?;
    let page = paging.page(rows, |row| row.id)?;
    tx.finish(Disclosure::plain(page)).await
}

pub(super) async fn read(ctx: &Ctx, id: AvailabilityId) -> Result<Answer<WorkLimit>> {
    let mut tx = ctx.begin(Permission::WorkingTimeRead).await?;
    let found = store::find(&mut tx, id).await?;
    kept::told(tx, found).await
}

pub(super) async fn add(ctx: &Ctx, new: NewWorkLimit) -> Result<Answer<WorkLimit>> {
    let mut tx = ctx.begin(Permission::AvailabilityManage).await?;
    require(&mut tx, &new).await?;
    let now = ctx.now();
    let id = store::insert(&mut tx, &new, now)
        .await
        .on_constraint("work_limits_provider_key", in_force)
        .on_constraint("work_limits_everybody_key", in_force)?;
    kept::added(tx, id, new, now).await
}

pub(super) async fn change(
    ctx: &Ctx,
    id: AvailabilityId,
    if_match: IfMatch,
    patch: &MergePatch,
) -> Result<Answer<WorkLimit>> {
    let mut tx = ctx.begin(Permission::AvailabilityManage).await?;
    let present = kept::there(store::lock(&mut tx, id).await?)?;
    let data = kept::patched(&present, if_match, patch)?;
    require_unmoved(&present.data, &data)?;
    let now = ctx.now();
    store::update(&mut tx, id, &data, now)
        .await
        .on_constraint("work_limits_provider_key", in_force)
        .on_constraint("work_limits_everybody_key", in_force)?;
    // Whoever may work more may have time for those who wait.
    waitlist::time_opened(&mut tx, &Opened::from_now(None, now), now).await?;
    kept::changed(tx, present, data, now).await
}

/// That what it refers to is there.
async fn require(tx: &mut TenantTx, new: &NewWorkLimit) -> Result<()> {
    match new.provider_id {
        Some(provider) => resource::require(tx, Whose::provider(provider), None).await,
        None => Ok(()),
    }
}

fn require_unmoved(present: &NewWorkLimit, data: &NewWorkLimit) -> Result<()> {
    require_same([(present.provider_id == data.provider_id, "/provider_id")])
}

fn in_force() -> Error {
    Error::new(Code::AlreadyExists).detail("Limits are in force: change those.")
}
