//! Adding, reading and changing certifications.

use kernel::clock::Instant;
use kernel::ids::{CertificationId, ProviderId};
use kernel::{Error, Page, Result};
use platform::access::{Ctx, Disclosure, Permission};
use platform::db::TenantTx;
use platform::http::{Answer, IfMatch, MergePatch, Paging};

use super::model::{Certification, NewCertification};
use super::store;
use crate::staff::listing::PageQuery;
use crate::staff::providers::require_provider;

pub(super) async fn add(
    ctx: &Ctx,
    provider: ProviderId,
    new: NewCertification,
) -> Result<Answer<Certification>> {
    let mut tx = ctx.begin(Permission::StaffManage).await?;
    require_provider(&mut tx, provider).await?;
    let id = CertificationId::new();
    insert_certification(&mut tx, provider, id, &new, ctx.now()).await?;
    let certification = get(&mut tx, provider, id).await?;
    let version = certification.version;
    let location = format!("/api/v1/providers/{provider}/certifications/{id}");
    tx.commit(
        Disclosure::plain(certification)
            .created_at(location)
            .version(version),
    )
    .await
}

pub(super) async fn read(
    ctx: &Ctx,
    provider: ProviderId,
    id: CertificationId,
) -> Result<Answer<Certification>> {
    let mut tx = ctx.begin(Permission::StaffRead).await?;
    let certification = get(&mut tx, provider, id).await?;
    let version = certification.version;
    tx.finish(Disclosure::plain(certification).version(version))
        .await
}

pub(super) async fn list(
    ctx: &Ctx,
    provider: ProviderId,
    query: PageQuery,
) -> Result<Answer<Page<Certification>>> {
    let paging = Paging::new(ctx, &provider, query.limit, query.cursor)?;
    let mut tx = ctx.begin(Permission::StaffRead).await?;
    require_provider(&mut tx, provider).await?;
    let rows = store::page(&mut tx, provider, paging.after()?, paging.fetch()).await?;
    let page = paging.page(rows, |certification| certification.id)?;
    tx.finish(Disclosure::plain(page)).await
}

pub(super) async fn amend(
    ctx: &Ctx,
    provider: ProviderId,
    id: CertificationId,
    if_match: IfMatch,
    patch: &MergePatch,
) -> Result<Answer<Certification>> {
    let mut tx = ctx.begin(Permission::StaffManage).await?;
    store::lock(&mut tx, provider, id).await?;
    let present = get(&mut tx, provider, id).await?;
    if_match.require(present.version)?;
    let data = patch.apply(&present.data)?;
    store::update(&mut tx, provider, id, &data, ctx.now()).await?;
    let certification = get(&mut tx, provider, id).await?;
    let version = certification.version;
    tx.commit(Disclosure::plain(certification).version(version))
        .await
}

/// Adds a certification under an id the caller minted.
///
/// The rules of [`NewCertification`] are the caller's to check, and that the provider exists.
pub async fn insert_certification(
    tx: &mut TenantTx,
    provider: ProviderId,
    id: CertificationId,
    new: &NewCertification,
    now: Instant,
) -> Result<()> {
    store::insert(tx, provider, id, new, now).await
}

async fn get(
    tx: &mut TenantTx,
    provider: ProviderId,
    id: CertificationId,
) -> Result<Certification> {
    store::find(tx, provider, id)
        .await?
        .ok_or_else(Error::not_found)
}
