//! What is done with departments.

use kernel::clock::Instant;
use kernel::ids::{DepartmentId, FacilityId};
use kernel::{Error, OnConstraint, Page, Result};
use platform::access::{Ctx, Disclosure, Permission};
use platform::db::TenantTx;
use platform::http::{Answer, IfMatch, MergePatch, Paging};

use super::model::{Department, ListPlaces, NewDepartment};
use super::service::code_taken;
use super::{store, store_departments};

pub(super) async fn list(
    ctx: &Ctx,
    facility: FacilityId,
    query: ListPlaces,
) -> Result<Answer<Page<Department>>> {
    let paging = Paging::new(ctx, &(facility, query.status), query.limit, query.cursor)?;
    let mut tx = ctx.begin(Permission::FacilityRead).await?;
    store::find(&mut tx, facility)
        .await?
        .ok_or_else(Error::not_found)?;
    let rows = store_departments::page(
        &mut tx,
        facility,
        query.status,
        paging.after()?,
        paging.fetch(),
    )
    .await?;
    let page = paging.page(rows, |row| (row.data.name.clone(), row.id))?;
    tx.finish(Disclosure::plain(page)).await
}

pub(super) async fn read(ctx: &Ctx, id: DepartmentId) -> Result<Answer<Department>> {
    let mut tx = ctx.begin(Permission::FacilityRead).await?;
    let department = store_departments::find(&mut tx, id)
        .await?
        .ok_or_else(Error::not_found)?;
    let version = department.version;
    tx.finish(Disclosure::plain(department).version(version))
        .await
}

pub(super) async fn add(
    ctx: &Ctx,
    facility: FacilityId,
    new: NewDepartment,
) -> Result<Answer<Department>> {
    let mut tx = ctx.begin(Permission::FacilityManage).await?;
    store::find(&mut tx, facility)
        .await?
        .ok_or_else(Error::not_found)?;
    let now = ctx.now();
    let id = add_department(&mut tx, facility, &new, now).await?;
    let location = format!("/api/v1/departments/{id}");
    let department = Department {
        id,
        facility_id: facility,
        data: new,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    tx.commit(
        Disclosure::plain(department)
            .created_at(location)
            .version(1),
    )
    .await
}

/// Adds a department whose rules hold to a facility that exists. Fails if it has one of that code.
pub async fn add_department(
    tx: &mut TenantTx,
    facility: FacilityId,
    new: &NewDepartment,
    now: Instant,
) -> Result<DepartmentId> {
    store_departments::insert(tx, facility, new, now)
        .await
        .on_constraint("departments_code_key", code_taken)
}

pub(super) async fn change(
    ctx: &Ctx,
    id: DepartmentId,
    if_match: IfMatch,
    patch: &MergePatch,
) -> Result<Answer<Department>> {
    let mut tx = ctx.begin(Permission::FacilityManage).await?;
    let department = store_departments::lock(&mut tx, id)
        .await?
        .ok_or_else(Error::not_found)?;
    if_match.require(department.version)?;
    let data = patch.apply(&department.data)?;
    let now = ctx.now();
    store_departments::update(&mut tx, id, &data, now)
        .await
        .on_constraint("departments_code_key", code_taken)?;
    let version = department.version + 1;
    let department = Department {
        data,
        version,
        updated_at: now,
        ..department
    };
    tx.commit(Disclosure::plain(department).version(version))
        .await
}
