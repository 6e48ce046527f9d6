//! Recording, reading and amending the family history.

use chrono::NaiveDate;
use kernel::ids::{FamilyHistoryId, PatientId};
use kernel::{Code, Error, Page, Result};
use platform::access::{Ctx, Permission};
use platform::audit::Action;
use platform::db::{CallerTx, TenantTx};
use platform::http::{Answer, IfMatch, MergePatch, Paging};

use super::model::{FamilyHistory, ListFamilyHistory, NewFamilyHistory};
use super::store;
use crate::entries::{
    Amended, EntryStatus, Mistake, Then, amended_page, check_encounter, disclose_list,
    disclose_one, list_amended_as_of, settle_one, show_amended,
};
use crate::patients;
use crate::terminology::Coding;

const RESOURCE: &str = "family_history";

pub(super) async fn list(
    ctx: &Ctx,
    patient: PatientId,
    query: ListFamilyHistory,
) -> Result<Answer<Page<Amended<FamilyHistory>>>> {
    if let Some(at) = query.as_of {
        let then = Then::page(patient, at, query.limit, query.cursor);
        let filters = query.with_errors;
        let id = |row: &FamilyHistory| row.id.0;
        return list_amended_as_of(ctx, then, &filters, id, |row| {
            query.with_errors || row.error_reason.is_none()
        })
        .await;
    }
    let filters = (patient, query.with_errors);
    let paging = Paging::new(ctx, &filters, query.limit, query.cursor)?;
    let mut tx = ctx.begin(Permission::BackgroundRead).await?;
    patients::require(&mut tx, patient).await?;
    let filter = store::Filter {
        id: None,
        with_errors: query.with_errors,
    };
    let rows = store::page(&mut tx, patient, &filter, paging.after()?, paging.fetch()).await?;
    let page = paging.page(rows, |row| (row.created_at, row.id))?;
    let page = amended_page(&mut tx, patient, page, |row| row.id.0).await?;
    tx.finish(disclose_list(RESOURCE, patient, page, |row| row.entry.id.0))
        .await
}

pub(super) async fn read(
    ctx: &Ctx,
    patient: PatientId,
    id: FamilyHistoryId,
) -> Result<Answer<Amended<FamilyHistory>>> {
    let mut tx = ctx.begin(Permission::BackgroundRead).await?;
    let found = get(&mut tx, patient, id).await?;
    show_amended(tx, patient, id, found).await
}

pub(super) async fn record(
    ctx: &Ctx,
    patient: PatientId,
    mut new: NewFamilyHistory,
) -> Result<Answer<FamilyHistory>> {
    let mut tx = ctx.begin(Permission::BackgroundWrite).await?;
    patients::require_active(&mut tx, patient).await?;
    settle(&mut tx, patient, None, &mut new, ctx.today()).await?;
    let id = FamilyHistoryId::new();
    store::insert(&mut tx, (patient, id), &new, Some(ctx.user()), ctx.now()).await?;
    let made = get(&mut tx, patient, id).await?;
    let place = format!("/api/v1/patients/{patient}/family-history/{id}");
    tx.commit(disclose_one(Action::Create, patient, id, made).created_at(place))
        .await
}

pub(super) async fn amend(
    ctx: &Ctx,
    patient: PatientId,
    id: FamilyHistoryId,
    if_match: IfMatch,
    patch: &MergePatch,
) -> Result<Answer<FamilyHistory>> {
    let mut tx = ctx.begin(Permission::BackgroundWrite).await?;
    let present = locked(&mut tx, patient, id).await?;
    if_match.require(present.version)?;
    require_standing(present.status)?;
    let mut wanted = patch.apply(&present.data)?;
    let on = ctx.today();
    settle(&mut tx, patient, Some(&present.data), &mut wanted, on).await?;
    store::update(&mut tx, id, &wanted, ctx.now()).await?;
    commit(tx, patient, id).await
}

pub(super) async fn take_back(
    ctx: &Ctx,
    patient: PatientId,
    id: FamilyHistoryId,
    body: Mistake,
) -> Result<Answer<FamilyHistory>> {
    let mut tx = ctx.begin(Permission::BackgroundWrite).await?;
    let present = locked(&mut tx, patient, id).await?;
    require_standing(present.status)?;
    store::take_back(&mut tx, id, &body.reason, ctx.now()).await?;
    commit(tx, patient, id).await
}

/// Checks what is referred to, and settles the codes that are new.
async fn settle(
    tx: &mut TenantTx,
    patient: PatientId,
    present: Option<&NewFamilyHistory>,
    wanted: &mut NewFamilyHistory,
    on: NaiveDate,
) -> Result<()> {
    let before = present.and_then(|present| present.encounter_id);
    check_encounter(tx, patient, before, wanted.encounter_id).await?;
    let before: Vec<Coding> = present
        .into_iter()
        .flat_map(|present| &present.conditions)
        .map(|one| one.condition.clone())
        .collect();
    for (place, one) in wanted.conditions.iter_mut().enumerate() {
        let pointer = format!("/conditions/{place}/condition");
        settle_one(tx, &pointer, &before, &mut one.condition, on).await?;
    }
    Ok(())
}

fn require_standing(status: EntryStatus) -> Result<()> {
    match status {
        EntryStatus::Recorded => Ok(()),
        EntryStatus::EnteredInError => Err(Error::new(Code::EnteredInError)),
    }
}

async fn get(tx: &mut TenantTx, patient: PatientId, id: FamilyHistoryId) -> Result<FamilyHistory> {
    store::find(tx, patient, id)
        .await?
        .ok_or_else(Error::not_found)
}

async fn locked(
    tx: &mut TenantTx,
    patient: PatientId,
    id: FamilyHistoryId,
) -> Result<FamilyHistory> {
    store::lock(tx, patient, id).await?;
    get(tx, patient, id).await
}

async fn commit(
    mut tx: CallerTx,
    patient: PatientId,
    id: FamilyHistoryId,
) -> Result<Answer<FamilyHistory>> {
    let changed = get(&mut tx, patient, id).await?;
    tx.commit(disclose_one(Action::Update, patient, id, changed))
        .await
}
