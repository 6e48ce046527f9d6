//! What is done with rooms and devices.

use chrono::TimeDelta;
use identity::facilities::{self, PlaceStatus};
use kernel::clock::Instant;
use kernel::ids::AssetId;
use kernel::{Code, Error, OnConstraint, Page, Result};
use platform::access::{Ctx, Disclosure, Permission};
use platform::db::TenantTx;
use platform::http::{Answer, IfMatch, MergePatch, Paging};

use super::model::{Asset, ListAssets, NewAsset};
use super::store;
use crate::affected::{self, Scope};
use crate::resource::Whose;
use crate::waitlist::{self, Opened};

/// Beyond what any service can be booked ahead.
const FAR: TimeDelta = TimeDelta::days(1100);

pub(super) async fn list(ctx: &Ctx, query: ListAssets) -> Result<Answer<Page<Asset>>> {
    let narrowed_by = (
        query.facility_id,
        query.kind,
        &query.asset_kind,
        query.status,
    );
    let paging = Paging::new(ctx, &narrowed_by, query.limit, query.cursor.clone())?;
    let mut tx = ctx.begin(Permission::SchedulingCatalogue).await?;
    let rows = store::page(&mut tx, &query, paging.after()?, paging.fetch()).await?;
    let page = paging.page(rows, |row| (row.data.name.clone(), row.id))?;
    tx.finish(Disclosure::plain(page)).await
}

pub(super) async fn read(ctx: &Ctx, id: AssetId) -> Result<Answer<Asset>> {
    let mut tx = ctx.begin(Permission::SchedulingCatalogue).await?;
    let asset = store::find(&mut tx, id)
        .await?
        .ok_or_else(Error::not_found)?;
    let version = asset.version;
    tx.finish(Disclosure::plain(asset).version(version)).await
}

pub(super) async fn add(ctx: &Ctx, new: NewAsset) -> Result<Answer<Asset>> {
    let mut tx = ctx.begin(Permission::SchedulingManage).await?;
    require_place(&mut tx, &new).await?;
    let id = add_asset(&mut tx, &new, ctx.now()).await?;
    opened(&mut tx, &new, PlaceStatus::Inactive, ctx.now()).await?;
    let asset = Asset {
        id,
        data: new,
        version: 1,
        created_at: ctx.now(),
        updated_at: ctx.now(),
        affected_appointments: None,
    };
    let location = format!("/api/v1/scheduling/assets/{id}");
    tx.commit(Disclosure::plain(asset).created_at(location).version(1))
        .await
}

pub(super) async fn change(
    ctx: &Ctx,
    id: AssetId,
    if_match: IfMatch,
    patch: &MergePatch,
) -> Result<Answer<Asset>> {
    let mut tx = ctx.begin(Permission::SchedulingManage).await?;
    let present = store::lock(&mut tx, id)
        .await?
        .ok_or_else(Error::not_found)?;
    if_match.require(present.version)?;
    let data: NewAsset = patch.apply(&present.data)?;
    require_same(&present.data, &data)?;
    if data.department_id != present.data.department_id {
        require_place(&mut tx, &data).await?;
    }
    let now = ctx.now();
    store::update(&mut tx, id, &data, now)
        .await
        .on_constraint("scheduling_assets_code_key", code_taken)?;
    opened(&mut tx, &data, present.data.status, now).await?;
    let scope = Scope {
        facility: Some(data.facility_id),
        whose: Whose::asset(id),
        from: now,
        until: now + FAR,
    };
    let affected = affected::count(&mut tx, &scope, now).await?;
    let version = present.version + 1;
    let asset = Asset {
        data,
        version,
        updated_at: now,
        affected_appointments: affected,
        ..present
    };
    tx.commit(Disclosure::plain(asset).version(version)).await
}

/// A room or a device that is opened is time for those who wait.
async fn opened(
    tx: &mut TenantTx,
    asset: &NewAsset,
    before: PlaceStatus,
    now: Instant,
) -> Result<()> {
    if asset.status != PlaceStatus::Active || before == PlaceStatus::Active {
        return Ok(());
    }
    let opened = Opened::from_now(Some(asset.facility_id), now);
    waitlist::time_opened(tx, &opened, now).await
}

/// Adds a room or a device whose rules hold, at a place that exists. Fails with `slug_taken` if the code is in use there.
pub async fn add_asset(tx: &mut TenantTx, new: &NewAsset, now: Instant) -> Result<AssetId> {
    store::insert(tx, new, now)
        .await
        .on_constraint("scheduling_assets_code_key", code_taken)
}

/// The room or device, if it is there and can be booked.
pub async fn get_active(tx: &mut TenantTx, id: AssetId) -> Result<Option<Asset>> {
    let asset = store::find(tx, id).await?;
    Ok(asset.filter(|asset| asset.data.status == PlaceStatus::Active))
}

/// That a body's room or device is there and can be booked. `pointer` is the field that names it.
pub async fn require_active(tx: &mut TenantTx, id: AssetId, pointer: &str) -> Result<Asset> {
    get_active(tx, id).await?.ok_or_else(|| {
        Error::field(
            pointer,
            "no_such_asset",
            "must name an active room or device",
        )
    })
}

async fn require_place(tx: &mut TenantTx, asset: &NewAsset) -> Result<()> {
    facilities::require_active_facility(tx, asset.facility_id, "/facility_id").await?;
    if let Some(department) = asset.department_id {
        facilities::require_active_department(
            tx,
            Some(asset.facility_id),
            department,
            "/department_id",
        )
        .await?;
    }
    Ok(())
}

/// What services ask for must not change under what is booked.
fn require_same(present: &NewAsset, data: &NewAsset) -> Result<()> {
    for (same, pointer) in [
        (present.facility_id == data.facility_id, "/facility_id"),
        (present.kind == data.kind, "/kind"),
        (present.asset_kind == data.asset_kind, "/asset_kind"),
    ] {
        if !same {
            return Err(Error::field(pointer, "immutable", "does not change"));
        }
    }
    Ok(())
}

fn code_taken() -> Error {
    Error::new(Code::SlugTaken)
}
