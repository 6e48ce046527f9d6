//! Assigning people to departments, and ending it.

use kernel::clock::Instant;
use kernel::ids::{AssignmentId, UserId};
use kernel::{Code, Error, OnConstraint, Page, Result};
use platform::access::{Ctx, Disclosure, Permission, Role};
use platform::db::TenantTx;
use platform::http::{Answer, Paging};
use serde_json::json;

use super::model::{Assignment, NewAssignment};
use super::store;
use crate::staff::listing::PageQuery;
use crate::staff::references::{self, Account};

pub(super) async fn add(ctx: &Ctx, user: UserId, new: NewAssignment) -> Result<Answer<Assignment>> {
    let mut tx = ctx.begin(Permission::StaffManage).await?;
    let account = get_account(&mut tx, user).await?;
    if !account.active || account.role == Role::Patient {
        return Err(Error::new(Code::IllegalTransition).detail(
            "Only an active account that is not a patient's can be assigned to a department.",
        ));
    }
    let id = AssignmentId::new();
    assign(&mut tx, id, user, &new, ctx.now()).await?;
    let assignment = get(&mut tx, id).await?;
    let version = assignment.version;
    let location = format!("/api/v1/assignments/{id}");
    tx.commit(
        Disclosure::plain(assignment)
            .created_at(location)
            .version(version),
    )
    .await
}

pub(super) async fn read(ctx: &Ctx, id: AssignmentId) -> Result<Answer<Assignment>> {
    let mut tx = ctx.begin(Permission::StaffRead).await?;
    let assignment = get(&mut tx, id).await?;
    let version = assignment.version;
    tx.finish(Disclosure::plain(assignment).version(version))
        .await
}

pub(super) async fn list(
    ctx: &Ctx,
    user: UserId,
    query: PageQuery,
) -> Result<Answer<Page<Assignment>>> {
    let paging = Paging::new(ctx, &user, query.limit, query.cursor)?;
    let mut tx = ctx.begin(Permission::StaffRead).await?;
    get_account(&mut tx, user).await?;
    let rows = store::page(&mut tx, user, paging.after()?, paging.fetch()).await?;
    let page = paging.page(rows, |assignment| assignment.id)?;
    tx.finish(Disclosure::plain(page)).await
}

pub(super) async fn end(ctx: &Ctx, id: AssignmentId) -> Result<Answer<Assignment>> {
    let mut tx = ctx.begin(Permission::StaffManage).await?;
    store::lock(&mut tx, id).await?;
    if get(&mut tx, id).await?.valid_until.is_some() {
        return Err(Error::new(Code::IllegalTransition)
            .detail("The assignment has ended.")
            .with("allowed", json!([])));
    }
    store::end(&mut tx, id, ctx.now()).await?;
    let assignment = get(&mut tx, id).await?;
    let version = assignment.version;
    tx.commit(Disclosure::plain(assignment).version(version))
        .await
}

/// Assigns a user to a department, under an id the caller minted.
///
/// That the account is fit for it is the caller's to check. `/department_id` `no_such_department`; `already_exists`.
pub async fn assign(
    tx: &mut TenantTx,
    id: AssignmentId,
    user: UserId,
    new: &NewAssignment,
    now: Instant,
) -> Result<()> {
    let facility = references::require_department(tx, new.department_id).await?;
    if new.is_primary {
        store::clear_primary(tx, user, now).await?;
    }
    store::insert(tx, id, user, facility, new, now)
        .await
        .on_constraint("department_assignments_open_key", || {
            Error::new(Code::AlreadyExists)
                .detail("The user has an open assignment to this department.")
        })
}

async fn get(tx: &mut TenantTx, id: AssignmentId) -> Result<Assignment> {
    store::find(tx, id).await?.ok_or_else(Error::not_found)
}

async fn get_account(tx: &mut TenantTx, user: UserId) -> Result<Account> {
    references::find_account(tx, user)
        .await?
        .ok_or_else(Error::not_found)
}
