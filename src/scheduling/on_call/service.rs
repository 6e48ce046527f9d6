//! What is done with on call shifts.

use identity::facilities;
use kernel::clock::Instant;
use kernel::ids::OnCallId;
use kernel::{Page, Result};
use platform::access::{Ctx, Disclosure, Permission};
use platform::db::TenantTx;
use platform::http::{Answer, IfMatch, MergePatch, Paging, require_order};

use super::model::{ListOnCallShifts, NewOnCallShift, OnCallShift};
use super::store;
use crate::resource::{self, Whose, kept, require_same};
use crate::services;

pub(super) async fn list(ctx: &Ctx, query: ListOnCallShifts) -> Result<Answer<Page<OnCallShift>>> {
    require_order(query.from, query.to)?;
    let narrowed_by = (
        query.facility_id,
        query.department_id,
        query.service_id,
        query.provider_id,
        query.status,
        query.from,
        query.to,
    );
    let paging = Paging::new(ctx, &narrowed_by, query.limit, query.cursor.clone())?;
    let mut tx = ctx.begin(Permission::WorkingTimeRead).await?;
    let rows = store::page(&mut tx, &query, paging.after()?, paging.fetch()).await?;
    let page = paging.page(rows, |row| (row.data.starts_at, row.id))?;
    tx.finish(Disclosure::plain(page)).await
}

pub(super) async fn read(ctx: &Ctx, id: OnCallId) -> Result<Answer<OnCallShift>> {
    let mut tx = ctx.begin(Permission::WorkingTimeRead).await?;
    let found = store::find(&mut tx, id).await?;
    kept::told(tx, found).await
}

pub(super) async fn add(ctx: &Ctx, new: NewOnCallShift) -> Result<Answer<OnCallShift>> {
    let mut tx = ctx.begin(Permission::AvailabilityManage).await?;
    require(&mut tx, &new).await?;
    let now = ctx.now();
    let id = store::insert(&mut tx, &new, now).await?;
    kept::added(tx, id, new, now).await
}

pub(super) async fn change(
    ctx: &Ctx,
    id: OnCallId,
    if_match: IfMatch,
    patch: &MergePatch,
) -> Result<Answer<OnCallShift>> {
    let mut tx = ctx.begin(Permission::AvailabilityManage).await?;
    let present = kept::there(store::lock(&mut tx, id).await?)?;
    let data = kept::patched(&present, if_match, patch)?;
    require_unmoved(&present.data, &data)?;
    require_place(&mut tx, &data).await?;
    let now = ctx.now();
    store::update(&mut tx, id, &data, now).await?;
    kept::changed(tx, present, data, now).await
}

/// Adds an on-call shift whose rules hold, of what exists.
pub async fn add_in_tx(tx: &mut TenantTx, new: &NewOnCallShift, now: Instant) -> Result<OnCallId> {
    store::insert(tx, new, now).await
}

/// That what it refers to is there.
async fn require(tx: &mut TenantTx, new: &NewOnCallShift) -> Result<()> {
    facilities::require_active_facility(tx, new.facility_id, "/facility_id").await?;
    resource::require(tx, Whose::provider(new.provider_id), Some(new.facility_id)).await?;
    require_place(tx, new).await
}

fn require_unmoved(present: &NewOnCallShift, data: &NewOnCallShift) -> Result<()> {
    require_same([
        (present.facility_id == data.facility_id, "/facility_id"),
        (present.provider_id == data.provider_id, "/provider_id"),
    ])
}

async fn require_place(tx: &mut TenantTx, new: &NewOnCallShift) -> Result<()> {
    if let Some(department) = new.department_id {
        facilities::require_active_department(
            tx,
            Some(new.facility_id),
            department,
            "/department_id",
        )
        .await?;
    }
    if let Some(service) = new.service_id {
        services::require_active(tx, service, "/service_id").await?;
    }
    Ok(())
}
