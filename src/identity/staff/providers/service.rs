//! Adding, finding and changing providers.

use kernel::clock::Instant;
use kernel::ids::{ProviderId, UserId};
use kernel::{Code, Error, OnConstraint, Page, Result};
use platform::access::{Ctx, Disclosure, Permission, Role};
use platform::db::TenantTx;
use platform::http::{Answer, IfMatch, MergePatch, Paging};

use super::model::{
    DirectoryEntry, ListProviders, NewProvider, Provider, ProviderRef, SearchDirectory,
    display_name,
};
use super::store::{self, Filter};
use crate::staff::listing::filter_key;
use crate::staff::references;
use crate::staff::status::StaffStatus;

pub(super) async fn add(ctx: &Ctx, new: NewProvider) -> Result<Answer<Provider>> {
    let mut tx = ctx.begin(Permission::StaffManage).await?;
    require_account(&mut tx, new.user_id).await?;
    let id = ProviderId::new();
    insert_provider(&mut tx, id, &new, ctx.now()).await?;
    let provider = get(&mut tx, id).await?;
    let version = provider.version;
    let location = format!("/api/v1/providers/{id}");
    tx.commit(
        Disclosure::plain(provider)
            .created_at(location)
            .version(version),
    )
    .await
}

pub(super) async fn read(ctx: &Ctx, id: ProviderId) -> Result<Answer<Provider>> {
    let mut tx = ctx.begin(Permission::StaffRead).await?;
    let provider = get(&mut tx, id).await?;
    let version = provider.version;
    tx.finish(Disclosure::plain(provider).version(version))
        .await
}

pub(super) async fn amend(
    ctx: &Ctx,
    id: ProviderId,
    if_match: IfMatch,
    patch: &MergePatch,
) -> Result<Answer<Provider>> {
    let mut tx = ctx.begin(Permission::StaffManage).await?;
    store::lock(&mut tx, id).await?;
    let present = get(&mut tx, id).await?;
    if_match.require(present.version)?;
    let data = patch.apply(&present.data)?;
    if data.user_id != present.data.user_id {
        require_account(&mut tx, data.user_id).await?;
    }
    update_provider(&mut tx, id, &data, ctx.now()).await?;
    let mut provider = get(&mut tx, id).await?;
    let gone = data.status != StaffStatus::Active;
    let skills = |data: &NewProvider| (data.specialties.clone(), data.subspecialties.clone());
    if gone || skills(&data) != skills(&present.data) {
        let count = store::still_to_come(&mut tx, id, gone, ctx.now()).await?;
        provider.affected_appointments = Some(count);
    }
    let version = provider.version;
    tx.commit(Disclosure::plain(provider).version(version))
        .await
}

pub(super) async fn list(ctx: &Ctx, query: ListProviders) -> Result<Answer<Page<Provider>>> {
    let filter = Filter {
        name: filter_key("name", query.name.as_deref())?,
        specialty: filter_key("specialty", query.specialty.as_deref())?,
        accepting_patients: query.accepting_patients,
        status: query.status,
        facility: query.facility_id,
        at: ctx.now(),
    };
    let narrowed_by = (
        &filter.name,
        &filter.specialty,
        filter.accepting_patients,
        filter.status,
        filter.facility,
    );
    let paging = Paging::new(ctx, &narrowed_by, query.limit, query.cursor)?;
    let mut tx = ctx.begin(Permission::StaffRead).await?;
    let rows = store::page(&mut tx, &filter, paging.after()?, paging.fetch()).await?;
    let page = paging.page(rows, |(sort_key, provider)| (sort_key.clone(), provider.id))?;
    tx.finish(Disclosure::plain(page.map(|(_, provider)| provider)))
        .await
}

pub(super) async fn search_directory(
    ctx: &Ctx,
    query: SearchDirectory,
) -> Result<Answer<Page<DirectoryEntry>>> {
    let filter = Filter {
        name: filter_key("name", query.name.as_deref())?,
        specialty: filter_key("specialty", query.specialty.as_deref())?,
        accepting_patients: query.accepting_patients,
        status: Some(StaffStatus::Active),
        facility: None,
        at: ctx.now(),
    };
    let narrowed_by = (&filter.name, &filter.specialty, filter.accepting_patients);
    let paging = Paging::new(ctx, &narrowed_by, query.limit, query.cursor)?;
    let mut tx = ctx.begin(Permission::DirectoryRead).await?;
    let rows = store::page(&mut tx, &filter, paging.after()?, paging.fetch()).await?;
    let page = paging.page(rows, |(sort_key, provider)| (sort_key.clone(), provider.id))?;
    tx.finish(Disclosure::plain(
        page.map(|(_, provider)| DirectoryEntry::from(provider)),
    ))
    .await
}

async fn get(tx: &mut TenantTx, id: ProviderId) -> Result<Provider> {
    store::find(tx, id).await?.ok_or_else(Error::not_found)
}

async fn require_account(tx: &mut TenantTx, user: Option<UserId>) -> Result<()> {
    match user {
        Some(user) => {
            let rule = "must name an active account with the role provider";
            references::require_account(tx, user, &[Role::Provider], rule).await
        }
        None => Ok(()),
    }
}

/// The provider, as far as one who refers to him needs to know him.
pub async fn find_provider(tx: &mut TenantTx, id: ProviderId) -> Result<Option<ProviderRef>> {
    Ok(store::find(tx, id).await?.map(reference))
}

/// The provider whose account it is.
pub async fn provider_of_user(tx: &mut TenantTx, user: UserId) -> Result<Option<ProviderRef>> {
    match store::id_of_user(tx, user).await? {
        Some(id) => find_provider(tx, id).await,
        None => Ok(None),
    }
}

/// The provider with this NPI.
pub async fn find_provider_by_npi(tx: &mut TenantTx, npi: &str) -> Result<Option<ProviderRef>> {
    match store::id_of_npi(tx, npi).await? {
        Some(id) => find_provider(tx, id).await,
        None => Ok(None),
    }
}

/// The whole provider, for who wants to change a part of him.
pub async fn read_provider(tx: &mut TenantTx, id: ProviderId) -> Result<Option<Provider>> {
    store::find(tx, id).await
}

/// `not_found` unless the provider exists.
pub(in crate::staff) async fn require_provider(tx: &mut TenantTx, id: ProviderId) -> Result<()> {
    get(tx, id).await.map(drop)
}

/// Adds a provider under an id the caller minted.
///
/// The rules of [`NewProvider`] are the caller's to check, and that the account fits. `npi_taken`, `already_exists`.
pub async fn insert_provider(
    tx: &mut TenantTx,
    id: ProviderId,
    new: &NewProvider,
    now: Instant,
) -> Result<()> {
    named(store::insert(tx, id, new, now).await)
}

/// Replaces what is known of a provider. As [`insert_provider`]; `not_found`.
pub async fn update_provider(
    tx: &mut TenantTx,
    id: ProviderId,
    data: &NewProvider,
    now: Instant,
) -> Result<()> {
    named(store::update(tx, id, data, now).await)
}

fn named(done: Result<()>) -> Result<()> {
    done.on_constraint("providers_npi_key", || Error::new(Code::NpiTaken))
        .on_constraint("providers_user_key", || {
            Error::new(Code::AlreadyExists).detail("Another provider is linked to this account.")
        })
}

fn reference(provider: Provider) -> ProviderRef {
    let Provider { id, data, .. } = provider;
    ProviderRef {
        id,
        user_id: data.user_id,
        name: display_name(
            &data.given_name,
            &data.family_name,
            data.credential.as_deref(),
        ),
        status: data.status,
    }
}
