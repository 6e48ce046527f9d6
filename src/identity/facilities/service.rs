//! What is done with facilities.

use kernel::clock::Instant;
use kernel::ids::{DepartmentId, FacilityId};
use kernel::{Code, Error, OnConstraint, Page, Result};
use platform::access::{Ctx, Disclosure, Permission};
use platform::db::TenantTx;
use platform::http::{Answer, IfMatch, MergePatch, Paging};
use serde_json::json;

use super::model::{Facility, ListFacilities, NewFacility, PlaceStatus};
use super::store::Narrowed;
use super::{store, store_departments};
use crate::staff::filter_key;

pub(super) async fn list(ctx: &Ctx, query: ListFacilities) -> Result<Answer<Page<Facility>>> {
    let name = filter_key("name", query.name.as_deref())?;
    let narrowed_by = (&query.status, &name, &query.code, &query.has_hours);
    let paging = Paging::new(ctx, &narrowed_by, query.limit, query.cursor.clone())?;
    let mut tx = ctx.begin(Permission::FacilityRead).await?;
    if query.has_hours.is_some() {
        ctx.require(Permission::AvailabilityRead)?;
    }
    let wanted = Narrowed {
        status: query.status,
        words: name.as_deref(),
        code: query.code.as_deref(),
        has_hours: query.has_hours,
    };
    let rows = store::page(&mut tx, wanted, paging.after()?, paging.fetch()).await?;
    let page = paging.page(rows, |row| (row.data.name.clone(), row.id))?;
    tx.finish(Disclosure::plain(page)).await
}

pub(super) async fn read(ctx: &Ctx, id: FacilityId) -> Result<Answer<Facility>> {
    let mut tx = ctx.begin(Permission::FacilityRead).await?;
    let facility = store::find(&mut tx, id)
        .await?
        .ok_or_else(Error::not_found)?;
    let version = facility.version;
    tx.finish(Disclosure::plain(facility).version(version))
        .await
}

pub(super) async fn add(ctx: &Ctx, new: NewFacility) -> Result<Answer<Facility>> {
    let mut tx = ctx.begin(Permission::FacilityManage).await?;
    let now = ctx.now();
    let id = add_facility(&mut tx, &new, now).await?;
    let location = format!("/api/v1/facilities/{id}");
    let facility = Facility {
        id,
        data: new,
        version: 1,
        created_at: now,
        updated_at: now,
        affected_appointments: None,
    };
    tx.commit(Disclosure::plain(facility).created_at(location).version(1))
        .await
}

pub(super) async fn change(
    ctx: &Ctx,
    id: FacilityId,
    if_match: IfMatch,
    patch: &MergePatch,
) -> Result<Answer<Facility>> {
    let mut tx = ctx.begin(Permission::FacilityManage).await?;
    let facility = store::lock(&mut tx, id)
        .await?
        .ok_or_else(Error::not_found)?;
    if_match.require(facility.version)?;
    let data = patch.apply(&facility.data)?;
    let now = ctx.now();
    require_same_clock(&mut tx, (id, &facility.data), &data, now).await?;
    store::update(&mut tx, id, &data, now)
        .await
        .on_constraint("facilities_code_key", code_taken)?;
    let affected_appointments = if data.status == PlaceStatus::Active {
        None
    } else {
        Some(store::still_to_come(&mut tx, id, now).await?)
    };
    let version = facility.version + 1;
    let facility = Facility {
        data,
        version,
        updated_at: now,
        affected_appointments,
        ..facility
    };
    tx.commit(Disclosure::plain(facility).version(version))
        .await
}

/// What was agreed on by a facility's clock, or is held there or offered, has to come to pass, or be moved, before it has another: a
/// patient was told the time that it shows.
async fn require_same_clock(
    tx: &mut TenantTx,
    (id, present): (FacilityId, &NewFacility),
    data: &NewFacility,
    now: Instant,
) -> Result<()> {
    if present.time_zone == data.time_zone {
        return Ok(());
    }
    match store::still_to_come(tx, id, now).await? + store::held(tx, id, now).await? {
        0 => Ok(()),
        count => Err(Error::new(Code::ClockInUse).with("appointments", json!(count))),
    }
}

/// Adds a facility whose rules hold. Fails with `slug_taken` if the code is in use.
pub async fn add_facility(
    tx: &mut TenantTx,
    new: &NewFacility,
    now: Instant,
) -> Result<FacilityId> {
    store::insert(tx, new, now)
        .await
        .on_constraint("facilities_code_key", code_taken)
}

/// Changes a facility to what its present state is made into, by rules that hold. Returns whether anything differed.
///
/// Fails with `not_found`, with `slug_taken` if the code is in use, and with `clock_in_use` for another time zone while
/// appointments are to come.
pub async fn amend_facility(
    tx: &mut TenantTx,
    id: FacilityId,
    change: impl FnOnce(&NewFacility) -> NewFacility,
    now: Instant,
) -> Result<bool> {
    let present = store::lock(tx, id).await?.ok_or_else(Error::not_found)?;
    let data = change(&present.data);
    if data == present.data {
        return Ok(false);
    }
    require_same_clock(tx, (id, &present.data), &data, now).await?;
    store::update(tx, id, &data, now)
        .await
        .on_constraint("facilities_code_key", code_taken)?;
    Ok(true)
}

/// That a body's facility exists here and is open. `pointer` is the field that names it.
pub async fn require_active_facility(
    tx: &mut TenantTx,
    id: FacilityId,
    pointer: &str,
) -> Result<Facility> {
    store::find(tx, id)
        .await?
        .filter(|facility| facility.data.status == PlaceStatus::Active)
        .ok_or_else(|| Error::field(pointer, "no_such_facility", "must name an active facility"))
}

/// That a body's department exists here, is open, and belongs to the facility if one is named.
pub async fn require_active_department(
    tx: &mut TenantTx,
    facility: Option<FacilityId>,
    id: DepartmentId,
    pointer: &str,
) -> Result<super::Department> {
    store_departments::find(tx, id)
        .await?
        .filter(|found| {
            found.data.status == PlaceStatus::Active
                && facility.is_none_or(|facility| facility == found.facility_id)
        })
        .ok_or_else(|| {
            Error::field(
                pointer,
                "no_such_department",
                "must name an active department of the facility",
            )
        })
}

pub(super) fn code_taken() -> Error {
    Error::new(Code::SlugTaken)
}
