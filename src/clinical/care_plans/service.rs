//! Making care plans and following them up.

use chrono::NaiveDate;
use kernel::clock::Instant;
use kernel::ids::{CarePlanId, PatientId};
use kernel::{Error, Page, Result};
use platform::access::{Ctx, Permission};
use platform::audit::Action;
use platform::db::{CallerTx, TenantTx};
use platform::http::{Answer, IfMatch, MergePatch, Paging};

use super::model::{CarePlan, CarePlanStep, ListCarePlans, NewCarePlan};
use super::status::CarePlanStatus;
use super::store;
use crate::entries::{
    Amended, Mistake, Then, amended_page, check_encounter, check_provider, disclose_list,
    disclose_one, list_amended_as_of, settle_all, settle_one, show_amended,
};
use crate::patients;
use crate::terminology::Coding;

const RESOURCE: &str = "care_plan";

pub(super) async fn list(
    ctx: &Ctx,
    patient: PatientId,
    query: ListCarePlans,
) -> Result<Answer<Page<Amended<CarePlan>>>> {
    if let Some(at) = query.as_of {
        let then = Then::page(patient, at, query.limit, query.cursor);
        let filters = query.status;
        let id = |row: &CarePlan| row.id.0;
        return list_amended_as_of(ctx, then, &filters, id, |row| {
            query
                .status
                .map_or(row.error_reason.is_none(), |status| status == row.status)
        })
        .await;
    }
    let filters = (patient, query.status);
    let paging = Paging::new(ctx, &filters, query.limit, query.cursor)?;
    let mut tx = ctx.begin(Permission::CarePlanRead).await?;
    patients::require(&mut tx, patient).await?;
    let filter = store::Filter {
        id: None,
        status: query.status,
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
    id: CarePlanId,
) -> Result<Answer<Amended<CarePlan>>> {
    let mut tx = ctx.begin(Permission::CarePlanRead).await?;
    let found = get(&mut tx, patient, id).await?;
    show_amended(tx, patient, id, found).await
}

pub(super) async fn record(
    ctx: &Ctx,
    patient: PatientId,
    mut new: NewCarePlan,
) -> Result<Answer<CarePlan>> {
    let mut tx = ctx.begin(Permission::CarePlanWrite).await?;
    patients::require_active(&mut tx, patient).await?;
    settle(&mut tx, patient, None, &mut new, ctx.today()).await?;
    let id = CarePlanId::new();
    let of = (patient, id, CarePlanStatus::Draft);
    store::insert(&mut tx, of, &new, Some(ctx.user()), ctx.now()).await?;
    let made = get(&mut tx, patient, id).await?;
    let place = format!("/api/v1/patients/{patient}/care-plans/{id}");
    tx.commit(disclose_one(Action::Create, patient, id, made).created_at(place))
        .await
}

/// Writes down what was planned elsewhere, with the status it has there. Its codes must have been good on that day.
///
/// # Errors
/// Field errors of codes and of what it refers to.
pub async fn add_in_tx(
    tx: &mut TenantTx,
    patient: PatientId,
    (mut new, status): (NewCarePlan, CarePlanStatus),
    on: NaiveDate,
    now: Instant,
) -> Result<CarePlanId> {
    settle(tx, patient, None, &mut new, on).await?;
    let id = CarePlanId::new();
    store::insert(tx, (patient, id, status), &new, None, now).await?;
    Ok(id)
}

/// As [`add_in_tx`], of an entry that has changed where it came from. Whether it may be changed is the caller's to know.
///
/// # Errors
/// As [`add_in_tx`]; `entered_in_error`, `not_found`.
pub async fn revise_in_tx(
    tx: &mut TenantTx,
    patient: PatientId,
    id: CarePlanId,
    (mut new, status): (NewCarePlan, CarePlanStatus),
    on: NaiveDate,
    now: Instant,
) -> Result<()> {
    let present = locked(tx, patient, id).await?;
    present.status.require_standing()?;
    settle(tx, patient, Some(&present.data), &mut new, on).await?;
    if new != present.data {
        store::update(tx, id, &new, now).await?;
    }
    if status != present.status {
        store::set_status(tx, id, (status, None), None, now).await?;
    }
    Ok(())
}

pub(super) async fn amend(
    ctx: &Ctx,
    patient: PatientId,
    id: CarePlanId,
    if_match: IfMatch,
    patch: &MergePatch,
) -> Result<Answer<CarePlan>> {
    let mut tx = ctx.begin(Permission::CarePlanWrite).await?;
    let present = locked(&mut tx, patient, id).await?;
    if_match.require(present.version)?;
    present.status.require_standing()?;
    let mut wanted = patch.apply(&present.data)?;
    let on = ctx.today();
    settle(&mut tx, patient, Some(&present.data), &mut wanted, on).await?;
    store::update(&mut tx, id, &wanted, ctx.now()).await?;
    commit(tx, patient, id).await
}

pub(super) async fn step(
    ctx: &Ctx,
    patient: PatientId,
    id: CarePlanId,
    body: CarePlanStep,
) -> Result<Answer<CarePlan>> {
    let mut tx = ctx.begin(Permission::CarePlanWrite).await?;
    let present = locked(&mut tx, patient, id).await?;
    let status = present.status.step(body.status)?;
    let reason = body.reason.as_deref();
    store::set_status(&mut tx, id, (status, reason), None, ctx.now()).await?;
    commit(tx, patient, id).await
}

pub(super) async fn take_back(
    ctx: &Ctx,
    patient: PatientId,
    id: CarePlanId,
    body: Mistake,
) -> Result<Answer<CarePlan>> {
    let mut tx = ctx.begin(Permission::CarePlanWrite).await?;
    let present = locked(&mut tx, patient, id).await?;
    present.status.require_standing()?;
    let status = (
        CarePlanStatus::EnteredInError,
        present.status_reason.as_deref(),
    );
    store::set_status(&mut tx, id, status, Some(&body.reason), ctx.now()).await?;
    commit(tx, patient, id).await
}

/// Marks a plan as entered in error, for whoever is no caller, such as an import. One that is so already stays.
///
/// # Errors
/// `not_found`.
pub async fn take_back_in_tx(
    tx: &mut TenantTx,
    patient: PatientId,
    id: CarePlanId,
    reason: &str,
    now: Instant,
) -> Result<()> {
    let present = locked(tx, patient, id).await?;
    if present.status == CarePlanStatus::EnteredInError {
        return Ok(());
    }
    let status = (
        CarePlanStatus::EnteredInError,
        present.status_reason.as_deref(),
    );
    store::set_status(tx, id, status, Some(reason), now).await
}

/// Whether the patient has this plan, and it was not made in error.
pub async fn stands(tx: &mut TenantTx, patient: PatientId, id: CarePlanId) -> Result<bool> {
    let found = store::find(tx, patient, id).await?;
    Ok(found.is_some_and(|plan| plan.status != CarePlanStatus::EnteredInError))
}

/// Checks what is referred to, and settles the codes that are new.
async fn settle(
    tx: &mut TenantTx,
    patient: PatientId,
    present: Option<&NewCarePlan>,
    wanted: &mut NewCarePlan,
    on: NaiveDate,
) -> Result<()> {
    let before = present.and_then(|present| present.encounter_id);
    check_encounter(tx, patient, before, wanted.encounter_id).await?;
    let before = present.and_then(|present| present.provider_id);
    check_provider(tx, "/provider_id", before, wanted.provider_id).await?;
    let before: Vec<Coding> = present.into_iter().flat_map(codings).cloned().collect();
    if let Some(category) = &mut wanted.category {
        settle_one(tx, "/category", &before, category, on).await?;
    }
    settle_all(tx, "/addresses", &before, &mut wanted.addresses, on).await?;
    for (place, activity) in wanted.activities.iter_mut().enumerate() {
        if let Some(code) = &mut activity.code {
            settle_one(tx, &format!("/activities/{place}/code"), &before, code, on).await?;
        }
    }
    Ok(())
}

fn codings(data: &NewCarePlan) -> impl Iterator<Item = &Coding> {
    let activities = data.activities.iter().filter_map(|one| one.code.as_ref());
    data.category
        .iter()
        .chain(&data.addresses)
        .chain(activities)
}

async fn get(tx: &mut TenantTx, patient: PatientId, id: CarePlanId) -> Result<CarePlan> {
    store::find(tx, patient, id)
        .await?
        .ok_or_else(Error::not_found)
}

async fn locked(tx: &mut TenantTx, patient: PatientId, id: CarePlanId) -> Result<CarePlan> {
    store::lock(tx, patient, id).await?;
    get(tx, patient, id).await
}

async fn commit(mut tx: CallerTx, patient: PatientId, id: CarePlanId) -> Result<Answer<CarePlan>> {
    let changed = get(&mut tx, patient, id).await?;
    tx.commit(disclose_one(Action::Update, patient, id, changed))
        .await
}
