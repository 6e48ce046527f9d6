//! Setting goals and following them up.

use chrono::NaiveDate;
use kernel::clock::Instant;
use kernel::ids::{CarePlanId, GoalId, PatientId};
use kernel::{Error, Page, Result};
use platform::access::{Ctx, Permission};
use platform::audit::Action;
use platform::db::{CallerTx, TenantTx};
use platform::http::{Answer, IfMatch, MergePatch, Paging};

use super::model::{Goal, GoalStep, ListGoals, NewGoal};
use super::status::GoalStatus;
use super::store;
use crate::care_plans;
use crate::entries::{
    Amended, Mistake, Then, amended_page, check_provider, disclose_list, disclose_one,
    list_amended_as_of, settle_all, settle_one, show_amended,
};
use crate::patients;
use crate::terminology::Coding;

const RESOURCE: &str = "goal";

pub(super) async fn list(
    ctx: &Ctx,
    patient: PatientId,
    query: ListGoals,
) -> Result<Answer<Page<Amended<Goal>>>> {
    if let Some(at) = query.as_of {
        let then = Then::page(patient, at, query.limit, query.cursor);
        let filters = (query.status, query.care_plan_id);
        let id = |row: &Goal| row.id.0;
        return list_amended_as_of(ctx, then, &filters, id, |row| {
            query
                .status
                .map_or(row.error_reason.is_none(), |status| status == row.status)
                && (query.care_plan_id.is_none() || query.care_plan_id == row.data.care_plan_id)
        })
        .await;
    }
    let filters = (patient, query.status, query.care_plan_id);
    let paging = Paging::new(ctx, &filters, query.limit, query.cursor)?;
    let mut tx = ctx.begin(Permission::CarePlanRead).await?;
    patients::require(&mut tx, patient).await?;
    let filter = store::Filter {
        id: None,
        status: query.status,
        care_plan_id: query.care_plan_id,
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
    id: GoalId,
) -> Result<Answer<Amended<Goal>>> {
    let mut tx = ctx.begin(Permission::CarePlanRead).await?;
    let found = get(&mut tx, patient, id).await?;
    show_amended(tx, patient, id, found).await
}

pub(super) async fn record(
    ctx: &Ctx,
    patient: PatientId,
    mut new: NewGoal,
) -> Result<Answer<Goal>> {
    let mut tx = ctx.begin(Permission::CarePlanWrite).await?;
    patients::require_active(&mut tx, patient).await?;
    settle(&mut tx, patient, None, &mut new, ctx.today()).await?;
    let id = GoalId::new();
    let of = (patient, id, GoalStatus::Proposed);
    store::insert(&mut tx, of, &new, Some(ctx.user()), ctx.now()).await?;
    let made = get(&mut tx, patient, id).await?;
    let place = format!("/api/v1/patients/{patient}/goals/{id}");
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
    (mut new, status): (NewGoal, GoalStatus),
    on: NaiveDate,
    now: Instant,
) -> Result<GoalId> {
    settle(tx, patient, None, &mut new, on).await?;
    let id = GoalId::new();
    store::insert(tx, (patient, id, status), &new, None, now).await?;
    Ok(id)
}

/// As [`add_in_tx`], of what was proposed elsewhere and rejected: it was never more than a thought.
///
/// # Errors
/// As [`add_in_tx`].
pub async fn add_rejected_in_tx(
    tx: &mut TenantTx,
    patient: PatientId,
    new: NewGoal,
    on: NaiveDate,
    now: Instant,
) -> Result<GoalId> {
    let id = add_in_tx(tx, patient, (new, GoalStatus::Proposed), on, now).await?;
    store::set_status(tx, id, (GoalStatus::Cancelled, None), None, now).await?;
    Ok(id)
}

/// As [`add_in_tx`], of an entry that has changed where it came from. Whether it may be changed is the caller's to know.
///
/// # Errors
/// As [`add_in_tx`]; `entered_in_error`, `not_found`.
pub async fn revise_in_tx(
    tx: &mut TenantTx,
    patient: PatientId,
    id: GoalId,
    (mut new, status): (NewGoal, GoalStatus),
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
    id: GoalId,
    if_match: IfMatch,
    patch: &MergePatch,
) -> Result<Answer<Goal>> {
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
    id: GoalId,
    body: GoalStep,
) -> Result<Answer<Goal>> {
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
    id: GoalId,
    body: Mistake,
) -> Result<Answer<Goal>> {
    let mut tx = ctx.begin(Permission::CarePlanWrite).await?;
    let present = locked(&mut tx, patient, id).await?;
    present.status.require_standing()?;
    let status = (GoalStatus::EnteredInError, present.status_reason.as_deref());
    store::set_status(&mut tx, id, status, Some(&body.reason), ctx.now()).await?;
    commit(tx, patient, id).await
}

/// Puts a goal into a care plan of the same patient, if it is in none that stands. Returns whether it is in that plan now.
///
/// # Errors
/// `not_found`.
pub async fn join_plan_in_tx(
    tx: &mut TenantTx,
    patient: PatientId,
    id: GoalId,
    plan: CarePlanId,
    now: Instant,
) -> Result<bool> {
    let mut data = locked(tx, patient, id).await?.data;
    let is_free = match data.care_plan_id {
        Some(present) => !care_plans::stands(tx, patient, present).await?,
        None => true,
    };
    if is_free {
        data.care_plan_id = Some(plan);
        store::update(tx, id, &data, now).await?;
    }
    Ok(data.care_plan_id == Some(plan))
}

/// The care plan a goal is in.
pub async fn plan_in_tx(
    tx: &mut TenantTx,
    patient: PatientId,
    id: GoalId,
) -> Result<Option<CarePlanId>> {
    let found = store::find(tx, patient, id).await?;
    Ok(found.and_then(|goal| goal.data.care_plan_id))
}

/// Marks a goal as entered in error, for whoever is no caller, such as an import. One that is so already stays.
///
/// # Errors
/// `not_found`.
pub async fn take_back_in_tx(
    tx: &mut TenantTx,
    patient: PatientId,
    id: GoalId,
    reason: &str,
    now: Instant,
) -> Result<()> {
    let present = locked(tx, patient, id).await?;
    if present.status == GoalStatus::EnteredInError {
        return Ok(());
    }
    let status = (GoalStatus::EnteredInError, present.status_reason.as_deref());
    store::set_status(tx, id, status, Some(reason), now).await
}

/// Checks what is referred to, and settles the codes that are new.
async fn settle(
    tx: &mut TenantTx,
    patient: PatientId,
    present: Option<&NewGoal>,
    wanted: &mut NewGoal,
    on: NaiveDate,
) -> Result<()> {
    let before = present.and_then(|present| present.provider_id);
    check_provider(tx, "/provider_id", before, wanted.provider_id).await?;
    if let Some(plan) = wanted.care_plan_id
        && present.and_then(|present| present.care_plan_id) != Some(plan)
        && !care_plans::stands(tx, patient, plan).await?
    {
        let rule = "must name a care plan of this patient";
        return Err(Error::field("/care_plan_id", "no_such_care_plan", rule));
    }
    let before: Vec<Coding> = present.into_iter().flat_map(codings).cloned().collect();
    settle_all(tx, "/addresses", &before, &mut wanted.addresses, on).await?;
    for (place, target) in wanted.targets.iter_mut().enumerate() {
        let pointer = format!("/targets/{place}/measure");
        settle_one(tx, &pointer, &before, &mut target.measure, on).await?;
    }
    Ok(())
}

fn codings(data: &NewGoal) -> impl Iterator<Item = &Coding> {
    let measures = data.targets.iter().map(|target| &target.measure);
    data.addresses.iter().chain(measures)
}

async fn get(tx: &mut TenantTx, patient: PatientId, id: GoalId) -> Result<Goal> {
    store::find(tx, patient, id)
        .await?
        .ok_or_else(Error::not_found)
}

async fn locked(tx: &mut TenantTx, patient: PatientId, id: GoalId) -> Result<Goal> {
    store::lock(tx, patient, id).await?;
    get(tx, patient, id).await
}

async fn commit(mut tx: CallerTx, patient: PatientId, id: GoalId) -> Result<Answer<Goal>> {
    let changed = get(&mut tx, patient, id).await?;
    tx.commit(disclose_one(Action::Update, patient, id, changed))
        .await
}
