//! Recording, reading and amending the social history.

use chrono::{NaiveDate, SubsecRound};
use kernel::clock::Instant;
use kernel::ids::{PatientId, SocialHistoryId};
use kernel::{Code, Error, Page, PartialDate, Result};
use platform::access::{Ctx, Permission};
use platform::audit::Action;
use platform::db::{CallerTx, TenantTx};
use platform::http::{Answer, IfMatch, MergePatch, Paging};

use super::model::{ListSocialHistory, NewSocialHistory, SocialHistory};
use super::store;
use crate::entries::{
    Amended, EntryStatus, Mistake, Then, amended_page, check_encounter, disclose_list,
    disclose_one, list_amended_as_of, settle_one, show_amended,
};
use crate::patients;
use crate::terminology::Coding;

const RESOURCE: &str = "social_history";

pub(super) async fn list(
    ctx: &Ctx,
    patient: PatientId,
    query: ListSocialHistory,
) -> Result<Answer<Page<Amended<SocialHistory>>>> {
    if let Some(at) = query.as_of {
        let then = Then::page(patient, at, query.limit, query.cursor);
        let filters = (query.category, query.with_errors);
        let id = |row: &SocialHistory| row.id.0;
        return list_amended_as_of(ctx, then, &filters, id, |row| {
            (query.with_errors || row.error_reason.is_none())
                && query
                    .category
                    .is_none_or(|category| category == row.data.category)
        })
        .await;
    }
    let filters = (patient, query.with_errors, query.category);
    let paging = Paging::new(ctx, &filters, query.limit, query.cursor)?;
    let mut tx = ctx.begin(Permission::BackgroundRead).await?;
    patients::require(&mut tx, patient).await?;
    let filter = store::Filter {
        id: None,
        with_errors: query.with_errors,
        category: query.category,
    };
    let rows = store::page(&mut tx, patient, &filter, paging.after()?, paging.fetch()).await?;
    let page = paging.page(rows, |row| (row.data.effective_at, row.id))?;
    let page = amended_page(&mut tx, patient, page, |row| row.id.0).await?;
    tx.finish(disclose_list(RESOURCE, patient, page, |row| row.entry.id.0))
        .await
}

pub(super) async fn read(
    ctx: &Ctx,
    patient: PatientId,
    id: SocialHistoryId,
) -> Result<Answer<Amended<SocialHistory>>> {
    let mut tx = ctx.begin(Permission::BackgroundRead).await?;
    let found = get(&mut tx, patient, id).await?;
    show_amended(tx, patient, id, found).await
}

pub(super) async fn record(
    ctx: &Ctx,
    patient: PatientId,
    mut new: NewSocialHistory,
) -> Result<Answer<SocialHistory>> {
    let mut tx = ctx.begin(Permission::BackgroundWrite).await?;
    patients::require_active(&mut tx, patient).await?;
    settle(&mut tx, patient, None, &mut new, ctx.today()).await?;
    let id = SocialHistoryId::new();
    let by = Some(ctx.user());
    store::insert(&mut tx, (patient, id), (&new, None), by, ctx.now()).await?;
    let made = get(&mut tx, patient, id).await?;
    let place = format!("/api/v1/patients/{patient}/social-history/{id}");
    tx.commit(disclose_one(Action::Create, patient, id, made).created_at(place))
        .await
}

/// Writes down what was asked elsewhere, perhaps on a day, in a month or a year of which no more is known. Its codes must have been good on that day.
///
/// # Errors
/// Field errors of codes and of the encounter.
pub async fn add_in_tx(
    tx: &mut TenantTx,
    patient: PatientId,
    (mut new, known): (NewSocialHistory, Option<PartialDate>),
    on: NaiveDate,
    now: Instant,
) -> Result<SocialHistoryId> {
    settle(tx, patient, None, &mut new, on).await?;
    let id = SocialHistoryId::new();
    let told = (&new, known.as_ref());
    store::insert(tx, (patient, id), told, None, now).await?;
    Ok(id)
}

/// As [`add_in_tx`], of an entry that has changed where it came from. Whether it may be changed is the caller's to know.
///
/// # Errors
/// As [`add_in_tx`]; `entered_in_error`, `not_found`.
pub async fn revise_in_tx(
    tx: &mut TenantTx,
    patient: PatientId,
    id: SocialHistoryId,
    (mut new, known): (NewSocialHistory, Option<PartialDate>),
    on: NaiveDate,
    now: Instant,
) -> Result<()> {
    let present = locked(tx, patient, id).await?;
    require_standing(present.status)?;
    settle(tx, patient, Some(&present.data), &mut new, on).await?;
    if new == present.data && known == present.effective_on {
        return Ok(());
    }
    store::update(tx, id, (&new, known.as_ref()), now).await
}

/// Takes an entry back that its source does not stand by any more. One that was taken back stays so.
///
/// # Errors
/// `not_found`.
pub async fn take_back_in_tx(
    tx: &mut TenantTx,
    patient: PatientId,
    id: SocialHistoryId,
    reason: &str,
    now: Instant,
) -> Result<()> {
    let present = locked(tx, patient, id).await?;
    match present.status {
        EntryStatus::Recorded => store::take_back(tx, id, reason, now).await,
        EntryStatus::EnteredInError => Ok(()),
    }
}

pub(super) async fn amend(
    ctx: &Ctx,
    patient: PatientId,
    id: SocialHistoryId,
    if_match: IfMatch,
    patch: &MergePatch,
) -> Result<Answer<SocialHistory>> {
    let mut tx = ctx.begin(Permission::BackgroundWrite).await?;
    let present = locked(&mut tx, patient, id).await?;
    if_match.require(present.version)?;
    require_standing(present.status)?;
    let mut wanted = patch.apply(&present.data)?;
    let on = ctx.today();
    settle(&mut tx, patient, Some(&present.data), &mut wanted, on).await?;
    // Who says when it was knows the time.
    let known = present.effective_on.as_ref();
    let known = known.filter(|_| wanted.effective_at == present.data.effective_at);
    store::update(&mut tx, id, (&wanted, known), ctx.now()).await?;
    commit(tx, patient, id).await
}

pub(super) async fn take_back(
    ctx: &Ctx,
    patient: PatientId,
    id: SocialHistoryId,
    body: Mistake,
) -> Result<Answer<SocialHistory>> {
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
    present: Option<&NewSocialHistory>,
    wanted: &mut NewSocialHistory,
    on: NaiveDate,
) -> Result<()> {
    let before = present.and_then(|present| present.encounter_id);
    check_encounter(tx, patient, before, wanted.encounter_id).await?;
    wanted.effective_at = wanted.effective_at.trunc_subsecs(6);
    let before: Vec<Coding> = present.into_iter().flat_map(codings).cloned().collect();
    if let Some(instrument) = &mut wanted.instrument {
        settle_one(tx, "/instrument", &before, instrument, on).await?;
    }
    for (place, one) in wanted.answers.iter_mut().enumerate() {
        let pointer = format!("/answers/{place}");
        settle_one(
            tx,
            &format!("{pointer}/question"),
            &before,
            &mut one.question,
            on,
        )
        .await?;
        if let Some(coding) = &mut one.coding {
            settle_one(tx, &format!("{pointer}/coding"), &before, coding, on).await?;
        }
    }
    Ok(())
}

fn codings(data: &NewSocialHistory) -> impl Iterator<Item = &Coding> {
    let answers = data.answers.iter();
    let answered = answers.flat_map(|one| std::iter::once(&one.question).chain(&one.coding));
    data.instrument.iter().chain(answered)
}

fn require_standing(status: EntryStatus) -> Result<()> {
    match status {
        EntryStatus::Recorded => Ok(()),
        EntryStatus::EnteredInError => Err(Error::new(Code::EnteredInError)),
    }
}

async fn get(tx: &mut TenantTx, patient: PatientId, id: SocialHistoryId) -> Result<SocialHistory> {
    store::find(tx, patient, id)
        .await?
        .ok_or_else(Error::not_found)
}

async fn locked(
    tx: &mut TenantTx,
    patient: PatientId,
    id: SocialHistoryId,
) -> Result<SocialHistory> {
    store::lock(tx, patient, id).await?;
    get(tx, patient, id).await
}

async fn commit(
    mut tx: CallerTx,
    patient: PatientId,
    id: SocialHistoryId,
) -> Result<Answer<SocialHistory>> {
    let changed = get(&mut tx, patient, id).await?;
    tx.commit(disclose_one(Action::Update, patient, id, changed))
        .await
}
