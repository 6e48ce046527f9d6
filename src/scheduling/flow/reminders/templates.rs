//! Templates: what messages say.

use kernel::ids::mint;
use kernel::{Error, Page, Result};
use platform::access::{Ctx, Disclosure, Permission};
use platform::http::{Answer, IfMatch, MergePatch, Paging};
use uuid::Uuid;

use super::model::{ListReminderTemplates, NewReminderTemplate, ReminderTemplate};
use super::store_templates as store;

pub(super) async fn list(
    ctx: &Ctx,
    query: ListReminderTemplates,
) -> Result<Answer<Page<ReminderTemplate>>> {
    let paging = Paging::new(ctx, &query.purpose, query.limit, query.cursor)?;
    let mut tx = ctx.begin(Permission::FlowSettingsRead).await?;
    let rows = store::page(&mut tx, query.purpose, paging.after()?, paging.fetch()).await?;
    let page = paging.page(rows, |row| (row.created_at, row.id))?;
    tx.finish(Disclosure::plain(page)).await
}

pub(super) async fn read(ctx: &Ctx, id: Uuid) -> Result<Answer<ReminderTemplate>> {
    let mut tx = ctx.begin(Permission::FlowSettingsRead).await?;
    let template = store::find(&mut tx, id)
        .await?
        .ok_or_else(Error::not_found)?;
    let version = template.version;
    tx.finish(Disclosure::plain(template).version(version))
        .await
}

pub(super) async fn add(ctx: &Ctx, new: NewReminderTemplate) -> Result<Answer<ReminderTemplate>> {
    let mut tx = ctx.begin(Permission::FlowSettingsManage).await?;
    let template = ReminderTemplate {
        id: mint(),
        data: new,
        version: 1,
        created_at: ctx.now(),
        updated_at: ctx.now(),
    };
    store::insert(&mut tx, &template).await?;
    let place = format!("/api/v1/reminder-templates/{}", template.id);
    tx.commit(Disclosure::plain(template).created_at(place).version(1))
        .await
}

pub(super) async fn change(
    ctx: &Ctx,
    id: Uuid,
    if_match: IfMatch,
    patch: &MergePatch,
) -> Result<Answer<ReminderTemplate>> {
    let mut tx = ctx.begin(Permission::FlowSettingsManage).await?;
    let present = store::lock(&mut tx, id)
        .await?
        .ok_or_else(Error::not_found)?;
    if_match.require(present.version)?;
    let template = ReminderTemplate {
        data: patch.apply(&present.data)?,
        version: present.version + 1,
        updated_at: ctx.now(),
        ..present
    };
    store::update(&mut tx, &template).await?;
    let version = template.version;
    tx.commit(Disclosure::plain(template).version(version))
        .await
}
