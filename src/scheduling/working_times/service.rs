//! What is done with working times.

use identity::facilities;
use kernel::clock::Instant;
use kernel::ids::AvailabilityId;
use kernel::{Page, Result};
use platform::access::{Ctx, Disclosure, Permission};
use platform::db::TenantTx;
use platform::http::{Answer, IfMatch, MergePatch, Paging};

use super::model::{ListWorkingTimes, NewWorkingTime, WorkingTime};
use super::store;
use crate::resource::{self, Standing, kept, require_same};
use crate::waitlist::{self, Opened};

pub(super) async fn list(ctx: &Ctx, query: ListWorkingTimes) -> Result<Answer<Page<WorkingTime>>> {
    let narrowed_by = (
        query.facility_id,
        query.provider_id,
        query.staff_id,
        query.asset_id,
        query.status,
    );
    let paging = Paging::new(ctx, &narrowed_by, query.limit, query.cursor.clone())?;
    let mut tx = ctx.begin(Permission::WorkingTimeRead).await?;
    let rows = store::page(&mut tx, &query, paging.after()?, paging.fetch()).await?;
    let page = paging.page(rows, |row| row.id)?;
    tx.finish(Disclosure::plain(page)).await
}

pub(super) async fn read(ctx: &Ctx, id: AvailabilityId) -> Result<Answer<WorkingTime>> {
    let mut tx = ctx.begin(Permission::WorkingTimeRead).await?;
    let found = store::find(&mut tx, id).await?;
    kept::told(tx, found).await
}

pub(super) async fn add(ctx: &Ctx, new: NewWorkingTime) -> Result<Answer<WorkingTime>> {
    let mut tx = ctx.begin(Permission::AvailabilityManage).await?;
    require(&mut tx, &new).await?;
    let now = ctx.now();
    let id = store::insert(&mut tx, &new, now).await?;
    tell_those_who_wait(&mut tx, &new, now).await?;
    kept::added(tx, id, new, now).await
}

pub(super) async fn change(
    ctx: &Ctx,
    id: AvailabilityId,
    if_match: IfMatch,
    patch: &MergePatch,
) -> Result<Answer<WorkingTime>> {
    let mut tx = ctx.begin(Permission::AvailabilityManage).await?;
    let present = kept::there(store::lock(&mut tx, id).await?)?;
    let data = kept::patched(&present, if_match, patch)?;
    require_unmoved(&present.data, &data)?;
    let now = ctx.now();
    store::update(&mut tx, id, &data, now).await?;
    tell_those_who_wait(&mut tx, &data, now).await?;
    kept::changed(tx, present, data, now).await
}

/// Adds a rule of working time whose rules hold, of what exists.
pub async fn add_in_tx(
    tx: &mut TenantTx,
    new: &NewWorkingTime,
    now: Instant,
) -> Result<AvailabilityId> {
    store::insert(tx, new, now).await
}

/// More work may be time for those who wait.
async fn tell_those_who_wait(tx: &mut TenantTx, data: &NewWorkingTime, now: Instant) -> Result<()> {
    if data.status != Standing::Active {
        return Ok(());
    }
    let (from, until) = data.in_force(now);
    let opened = Opened::at(Some(data.facility_id), from, until);
    waitlist::time_opened(tx, &opened, now).await
}

/// That what it refers to is there.
async fn require(tx: &mut TenantTx, new: &NewWorkingTime) -> Result<()> {
    facilities::require_active_facility(tx, new.facility_id, "/facility_id").await?;
    resource::require(tx, new.whose(), Some(new.facility_id)).await
}

fn require_unmoved(present: &NewWorkingTime, data: &NewWorkingTime) -> Result<()> {
    require_same([
        (present.facility_id == data.facility_id, "/facility_id"),
        (present.provider_id == data.provider_id, "/provider_id"),
        (present.staff_id == data.staff_id, "/staff_id"),
        (present.asset_id == data.asset_id, "/asset_id"),
    ])
}
