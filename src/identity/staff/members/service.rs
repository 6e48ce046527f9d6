//! Adding, finding and changing members of the staff.

use kernel::clock::Instant;
use kernel::ids::StaffId;
use kernel::{Code, Error, OnConstraint, Page, Result};
use platform::access::{Ctx, Disclosure, Permission, Role};
use platform::db::TenantTx;
use platform::http::{Answer, IfMatch, MergePatch, Paging};

use super::model::{ListStaff, NewStaffMember, StaffMember};
use super::store;
use crate::staff::references;

pub(super) async fn add(ctx: &Ctx, new: NewStaffMember) -> Result<Answer<StaffMember>> {
    let mut tx = ctx.begin(Permission::StaffManage).await?;
    let roles = [Role::Nurse, Role::Staff, Role::Billing, Role::Admin];
    let rule = "must name an active account with the role nurse, staff, billing or admin";
    references::require_account(&mut tx, new.user_id, &roles, rule).await?;
    if let Some(department) = new.department_id {
        references::require_department(&mut tx, department).await?;
    }
    let id = StaffId::new();
    insert_member(&mut tx, id, &new, ctx.now()).await?;
    let member = get(&mut tx, id).await?;
    let version = member.version;
    let location = format!("/api/v1/staff/{id}");
    tx.commit(
        Disclosure::plain(member)
            .created_at(location)
            .version(version),
    )
    .await
}

pub(super) async fn read(ctx: &Ctx, id: StaffId) -> Result<Answer<StaffMember>> {
    let mut tx = ctx.begin(Permission::StaffRead).await?;
    let member = get(&mut tx, id).await?;
    let version = member.version;
    tx.finish(Disclosure::plain(member).version(version)).await
}

pub(super) async fn list(ctx: &Ctx, query: ListStaff) -> Result<Answer<Page<StaffMember>>> {
    let narrowed_by = (query.kind, query.department_id, query.status);
    let paging = Paging::new(ctx, &narrowed_by, query.limit, query.cursor.clone())?;
    let mut tx = ctx.begin(Permission::StaffRead).await?;
    let rows = store::page(&mut tx, &query, paging.after()?, paging.fetch()).await?;
    let page = paging.page(rows, |member| (member.family_name.clone(), member.id))?;
    tx.finish(Disclosure::plain(page)).await
}

pub(super) async fn amend(
    ctx: &Ctx,
    id: StaffId,
    if_match: IfMatch,
    patch: &MergePatch,
) -> Result<Answer<StaffMember>> {
    let mut tx = ctx.begin(Permission::StaffManage).await?;
    store::lock(&mut tx, id).await?;
    let present = get(&mut tx, id).await?;
    if_match.require(present.version)?;
    let data = patch.apply(&present.data)?;
    if data.user_id != present.data.user_id {
        return Err(Error::field(
            "/user_id",
            "immutable",
            "must stay the account it is",
        ));
    }
    if let Some(department) = data.department_id
        && present.data.department_id != Some(department)
    {
        references::require_department(&mut tx, department).await?;
    }
    store::update(&mut tx, id, &data, ctx.now()).await?;
    let member = get(&mut tx, id).await?;
    let version = member.version;
    tx.commit(Disclosure::plain(member).version(version)).await
}

/// Adds a member of the staff under an id the caller minted.
///
/// The rules of [`NewStaffMember`] are the caller's to check, and that account and department fit. `already_exists`.
pub async fn insert_member(
    tx: &mut TenantTx,
    id: StaffId,
    new: &NewStaffMember,
    now: Instant,
) -> Result<()> {
    store::insert(tx, id, new, now)
        .await
        .on_constraint("staff_members_user_key", || {
            Error::new(Code::AlreadyExists).detail("The account belongs to a member of the staff.")
        })
}

async fn get(tx: &mut TenantTx, id: StaffId) -> Result<StaffMember> {
    store::find(tx, id).await?.ok_or_else(Error::not_found)
}
