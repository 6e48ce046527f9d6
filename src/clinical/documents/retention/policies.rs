//! Saying how long what is kept.

use kernel::ids::RetentionPolicyId;
use kernel::{Code, Error, OnConstraint, Page, Result};
use platform::access::{Ctx, Disclosure, Permission};
use platform::http::{Answer, Paging};

use super::model::{NewRetentionPolicy, RetentionPolicy, RetentionPolicyStatus};
use super::store_lists as store;
use crate::documents::model::Pages;

pub(super) async fn list(ctx: &Ctx, query: Pages) -> Result<Answer<Page<RetentionPolicy>>> {
    let paging = Paging::new(ctx, &(), query.limit, query.cursor)?;
    let mut tx = ctx.begin(Permission::RetentionPolicyRead).await?;
    let rows = store::policies(&mut tx, paging.after()?, paging.fetch()).await?;
    let page = paging.page(rows, |row| row.id)?;
    tx.finish(Disclosure::plain(page)).await
}

pub(super) async fn read(ctx: &Ctx, id: RetentionPolicyId) -> Result<Answer<RetentionPolicy>> {
    let mut tx = ctx.begin(Permission::RetentionPolicyRead).await?;
    let policy = store::policy(&mut tx, id)
        .await?
        .ok_or_else(Error::not_found)?;
    let version = policy.version;
    tx.finish(Disclosure::plain(policy).version(version)).await
}

pub(super) async fn add(ctx: &Ctx, new: &NewRetentionPolicy) -> Result<Answer<RetentionPolicy>> {
    let mut tx = ctx.begin(Permission::RetentionPolicyManage).await?;
    let id = RetentionPolicyId::new();
    store::insert_policy(&mut tx, id, new, ctx.now())
        .await
        .on_constraint("retention_policies_active_key", || {
            Error::new(Code::AlreadyExists)
        })?;
    let policy = store::policy(&mut tx, id)
        .await?
        .ok_or_else(Error::not_found)?;
    let location = format!("/api/v1/document-retention/policies/{id}");
    tx.commit(Disclosure::plain(policy).created_at(location).version(1))
        .await
}

/// Another one takes its place: what was in force when is part of the record.
pub(super) async fn retire(ctx: &Ctx, id: RetentionPolicyId) -> Result<Answer<RetentionPolicy>> {
    let mut tx = ctx.begin(Permission::RetentionPolicyManage).await?;
    let policy = store::policy(&mut tx, id)
        .await?
        .ok_or_else(Error::not_found)?;
    if policy.status == RetentionPolicyStatus::Active {
        store::retire_policy(&mut tx, id, ctx.now()).await?;
    }
    let policy = store::policy(&mut tx, id)
        .await?
        .ok_or_else(Error::not_found)?;
    let version = policy.version;
    tx.commit(Disclosure::plain(policy).version(version)).await
}
