//! Adding, reading, renewing licences, and which of them expire.

use chrono::Days;
use kernel::clock::Instant;
use kernel::ids::{LicenseId, ProviderId};
use kernel::{Code, Error, OnConstraint, Page, Result};
use platform::access::{Ctx, Disclosure, Permission};
use platform::db::TenantTx;
use platform::http::{Answer, IfMatch, MergePatch, Paging};

use super::model::{ExpiringLicense, License, ListExpiring, NewLicense};
use super::store;
use crate::staff::listing::{PageQuery, bad_parameter};
use crate::staff::providers::require_provider;
use crate::staff::references;

const DEFAULT_DAYS: u16 = 60;
const MAX_DAYS: u16 = 730;

pub(super) async fn add(
    ctx: &Ctx,
    provider: ProviderId,
    new: NewLicense,
) -> Result<Answer<License>> {
    let mut tx = ctx.begin(Permission::StaffManage).await?;
    require_provider(&mut tx, provider).await?;
    let id = LicenseId::new();
    insert_license(&mut tx, provider, id, &new, ctx.now()).await?;
    let license = get(&mut tx, provider, id, ctx.now()).await?;
    let version = license.version;
    let location = format!("/api/v1/providers/{provider}/licenses/{id}");
    tx.commit(
        Disclosure::plain(license)
            .created_at(location)
            .version(version),
    )
    .await
}

pub(super) async fn read(
    ctx: &Ctx,
    provider: ProviderId,
    id: LicenseId,
) -> Result<Answer<License>> {
    let mut tx = ctx.begin(Permission::StaffRead).await?;
    let license = get(&mut tx, provider, id, ctx.now()).await?;
    let version = license.version;
    tx.finish(Disclosure::plain(license).version(version)).await
}

pub(super) async fn list(
    ctx: &Ctx,
    provider: ProviderId,
    query: PageQuery,
) -> Result<Answer<Page<License>>> {
    let paging = Paging::new(ctx, &provider, query.limit, query.cursor)?;
    let mut tx = ctx.begin(Permission::StaffRead).await?;
    require_provider(&mut tx, provider).await?;
    let today = references::day_of(&mut tx, ctx.now()).await?;
    let rows = store::page(&mut tx, provider, paging.after()?, paging.fetch()).await?;
    let page = paging.page(rows, |license| license.id)?;
    tx.finish(Disclosure::plain(
        page.map(|license| license.seen_on(today)),
    ))
    .await
}

pub(super) async fn amend(
    ctx: &Ctx,
    provider: ProviderId,
    id: LicenseId,
    if_match: IfMatch,
    patch: &MergePatch,
) -> Result<Answer<License>> {
    let mut tx = ctx.begin(Permission::StaffManage).await?;
    store::lock(&mut tx, provider, id).await?;
    let present = get(&mut tx, provider, id, ctx.now()).await?;
    if_match.require(present.version)?;
    let data = patch.apply(&present.data)?;
    named(store::update(&mut tx, provider, id, &data, ctx.now()).await)?;
    let license = get(&mut tx, provider, id, ctx.now()).await?;
    let version = license.version;
    tx.commit(Disclosure::plain(license).version(version)).await
}

pub(super) async fn list_expiring(
    ctx: &Ctx,
    query: ListExpiring,
) -> Result<Answer<Page<ExpiringLicense>>> {
    let within = query.within_days.unwrap_or(DEFAULT_DAYS);
    if within > MAX_DAYS {
        return Err(bad_parameter(
            "within_days",
            "out_of_range",
            "must lie between 0 and 730",
        ));
    }
    let paging = Paging::new(ctx, &within, query.limit, query.cursor)?;
    let mut tx = ctx.begin(Permission::StaffRead).await?;
    let today = references::day_of(&mut tx, ctx.now()).await?;
    let until = today + Days::new(u64::from(within));
    let rows = store::page_expiring(&mut tx, until, paging.after()?, paging.fetch()).await?;
    let page = paging.page(rows, |row| (row.license.data.expires_on, row.license.id))?;
    let page = page.map(|row| ExpiringLicense {
        license: row.license.seen_on(today),
        ..row
    });
    tx.finish(Disclosure::plain(page)).await
}

/// Adds a licence under an id the caller minted.
///
/// The rules of [`NewLicense`] are the caller's to check, and that the provider exists. `already_exists`.
pub async fn insert_license(
    tx: &mut TenantTx,
    provider: ProviderId,
    id: LicenseId,
    new: &NewLicense,
    now: Instant,
) -> Result<()> {
    named(store::insert(tx, provider, id, new, now).await)
}

async fn get(
    tx: &mut TenantTx,
    provider: ProviderId,
    id: LicenseId,
    now: Instant,
) -> Result<License> {
    let license = store::find(tx, provider, id)
        .await?
        .ok_or_else(Error::not_found)?;
    let today = references::day_of(tx, now).await?;
    Ok(license.seen_on(today))
}

fn named(done: Result<()>) -> Result<()> {
    done.on_constraint("provider_licenses_number_key", || {
        Error::new(Code::AlreadyExists).detail("A licence of this state and kind has this number.")
    })
}
