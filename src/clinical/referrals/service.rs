//! Referring, and following a referral to its end.

use chrono::{NaiveDate, SubsecRound};
use kernel::ids::{NoteId, PatientId, ReferralId};
use kernel::{Code, Error, Page, Result};
use platform::access::{Ctx, Permission};
use platform::audit::Action;
use platform::db::{CallerTx, TenantTx};
use platform::http::{Answer, IfMatch, MergePatch, Paging};

use super::model::{
    ListReferrals, NewReferral, Referral, ReferralAppointment, ReferralProgress, ReferralReason,
    ReferralResult,
};
use super::status::ReferralStatus;
use super::store;
use crate::documents::{self, Category, DocumentStatus};
use crate::entries::{
    Mistake, Then, check_encounter, check_provider, disclose_list, disclose_one, list_as_of,
    settle_all,
};
use crate::notes::{self, NoteStatus, NoteType};
use crate::patients;

const RESOURCE: &str = "referral";

pub(super) async fn list(
    ctx: &Ctx,
    patient: PatientId,
    query: ListReferrals,
) -> Result<Answer<Page<Referral>>> {
    if let Some(at) = query.as_of {
        let then = Then::page(patient, at, query.limit, query.cursor);
        let filters = query.status;
        return list_as_of(ctx, then, &filters, |row: &Referral| {
            query
                .status
                .map_or(row.progress.error_reason.is_none(), |status| {
                    status == row.progress.status
                })
        })
        .await;
    }
    let filters = (patient, query.status);
    let paging = Paging::new(ctx, &filters, query.limit, query.cursor)?;
    let mut tx = ctx.begin(Permission::ReferralRead).await?;
    patients::require(&mut tx, patient).await?;
    let filter = store::Filter {
        id: None,
        status: query.status,
    };
    let rows = store::page(&mut tx, patient, &filter, paging.after()?, paging.fetch()).await?;
    let page = paging.page(rows, |row| (row.created_at, row.id))?;
    let page = page.map(|row| row.shown_to(ctx.principal().role));
    tx.finish(disclose_list(RESOURCE, patient, page, |row| row.id.0))
        .await
}

pub(super) async fn read(
    ctx: &Ctx,
    patient: PatientId,
    id: ReferralId,
) -> Result<Answer<Referral>> {
    let mut tx = ctx.begin(Permission::ReferralRead).await?;
    let found = get(&mut tx, patient, id).await?;
    let found = found.shown_to(ctx.principal().role);
    tx.finish(disclose_one(Action::Read, patient, id, found))
        .await
}

pub(super) async fn record(
    ctx: &Ctx,
    patient: PatientId,
    mut new: NewReferral,
) -> Result<Answer<Referral>> {
    let mut tx = ctx.begin(Permission::ReferralWrite).await?;
    patients::require_active(&mut tx, patient).await?;
    settle(&mut tx, patient, None, &mut new, ctx.today()).await?;
    let id = ReferralId::new();
    store::insert(&mut tx, (patient, id), &new, Some(ctx.user()), ctx.now()).await?;
    let made = get(&mut tx, patient, id).await?;
    let place = format!("/api/v1/patients/{patient}/referrals/{id}");
    tx.commit(disclose_one(Action::Create, patient, id, made).created_at(place))
        .await
}

pub(super) async fn amend(
    ctx: &Ctx,
    patient: PatientId,
    id: ReferralId,
    if_match: IfMatch,
    patch: &MergePatch,
) -> Result<Answer<Referral>> {
    let mut tx = ctx.begin(Permission::ReferralWrite).await?;
    let present = locked(&mut tx, patient, id).await?;
    if_match.require(present.version)?;
    present.progress.status.require_standing()?;
    if present.progress.status != ReferralStatus::Draft {
        return Err(Error::new(Code::ReferralSent));
    }
    let mut wanted = patch.apply(&present.data)?;
    let on = ctx.today();
    settle(&mut tx, patient, Some(&present.data), &mut wanted, on).await?;
    store::update(&mut tx, id, &wanted, ctx.now()).await?;
    commit(ctx, tx, patient, id).await
}

pub(super) async fn send(
    ctx: &Ctx,
    patient: PatientId,
    id: ReferralId,
) -> Result<Answer<Referral>> {
    let now = ctx.now();
    advance(ctx, Permission::ReferralWrite, (patient, id), |progress| {
        progress.status = progress.status.step(ReferralStatus::Sent)?;
        progress.sent_at = Some(now);
        Ok(())
    })
    .await
}

pub(super) async fn accept(
    ctx: &Ctx,
    patient: PatientId,
    id: ReferralId,
) -> Result<Answer<Referral>> {
    let now = ctx.now();
    advance(ctx, Permission::ReferralWrite, (patient, id), |progress| {
        progress.status = progress.status.step(ReferralStatus::Accepted)?;
        progress.answered_at = Some(now);
        Ok(())
    })
    .await
}

pub(super) async fn decline(
    ctx: &Ctx,
    patient: PatientId,
    id: ReferralId,
    body: ReferralReason,
) -> Result<Answer<Referral>> {
    let now = ctx.now();
    advance(ctx, Permission::ReferralWrite, (patient, id), |progress| {
        progress.status = progress.status.step(ReferralStatus::Declined)?;
        progress.status_reason = Some(body.reason);
        progress.answered_at = Some(now);
        Ok(())
    })
    .await
}

pub(super) async fn schedule(
    ctx: &Ctx,
    patient: PatientId,
    id: ReferralId,
    body: ReferralAppointment,
) -> Result<Answer<Referral>> {
    let at = body.scheduled_for.trunc_subsecs(6);
    advance(
        ctx,
        Permission::ReferralSchedule,
        (patient, id),
        |progress| {
            progress.status = progress.status.step(ReferralStatus::Scheduled)?;
            progress.scheduled_for = Some(at);
            Ok(())
        },
    )
    .await
}

pub(super) async fn complete(
    ctx: &Ctx,
    patient: PatientId,
    id: ReferralId,
    body: ReferralResult,
) -> Result<Answer<Referral>> {
    let now = ctx.now();
    let mut tx = ctx.begin(Permission::ReferralWrite).await?;
    let mut progress = locked(&mut tx, patient, id).await?.progress;
    progress.status = progress.status.step(ReferralStatus::Completed)?;
    if let Some(note) = body.consult_note_id {
        require_consult_note(&mut tx, patient, note).await?;
    }
    if let Some(document) = body.consult_document_id {
        let letter = documents::find_in_tx(&mut tx, patient, document).await?;
        let came = letter.is_some_and(|letter| {
            letter.status == DocumentStatus::Current && letter.data.category == Category::Clinical
        });
        if !came {
            let rule = "must name a current clinical document of this patient";
            return Err(Error::field(
                "/consult_document_id",
                "no_such_document",
                rule,
            ));
        }
    }
    progress.consult_note_id = body.consult_note_id.map(|note| note.0);
    progress.consult_document_id = body.consult_document_id;
    progress.closed_at = Some(now);
    store::set_progress(&mut tx, id, &progress, now).await?;
    commit(ctx, tx, patient, id).await
}

/// A consultant's answer is signed, stands, and is of a type in which consultants answer.
async fn require_consult_note(tx: &mut TenantTx, patient: PatientId, note: NoteId) -> Result<()> {
    let found = notes::find_in_tx(tx, patient, note).await?.ok_or_else(|| {
        let rule = "must name a note about this patient";
        Error::field("/consult_note_id", "no_such_note", rule)
    })?;
    if !matches!(found.status, NoteStatus::Signed | NoteStatus::Amended) {
        let rule = "must name a note that is signed and stands";
        return Err(Error::field("/consult_note_id", "note_not_signed", rule));
    }
    let answers = [
        NoteType::Consultation,
        NoteType::Procedure,
        NoteType::DischargeSummary,
    ];
    if !answers.contains(&found.r#type) {
        let rule = "must be of the type consultation, procedure or discharge_summary";
        return Err(Error::field("/consult_note_id", "wrong_type", rule));
    }
    Ok(())
}

pub(super) async fn cancel(
    ctx: &Ctx,
    patient: PatientId,
    id: ReferralId,
    body: ReferralReason,
) -> Result<Answer<Referral>> {
    let now = ctx.now();
    advance(ctx, Permission::ReferralWrite, (patient, id), |progress| {
        progress.status = progress.status.step(ReferralStatus::Cancelled)?;
        progress.status_reason = Some(body.reason);
        progress.closed_at = Some(now);
        Ok(())
    })
    .await
}

pub(super) async fn take_back(
    ctx: &Ctx,
    patient: PatientId,
    id: ReferralId,
    body: Mistake,
) -> Result<Answer<Referral>> {
    advance(ctx, Permission::ReferralWrite, (patient, id), |progress| {
        progress.status.require_standing()?;
        progress.status = ReferralStatus::EnteredInError;
        progress.error_reason = Some(body.reason);
        Ok(())
    })
    .await
}

/// One step: the row is locked, so two at once are one after the other, and the second sees where the first led.
async fn advance(
    ctx: &Ctx,
    permission: Permission,
    (patient, id): (PatientId, ReferralId),
    step: impl FnOnce(&mut ReferralProgress) -> Result<()>,
) -> Result<Answer<Referral>> {
    let mut tx = ctx.begin(permission).await?;
    let mut progress = locked(&mut tx, patient, id).await?.progress;
    step(&mut progress)?;
    store::set_progress(&mut tx, id, &progress, ctx.now()).await?;
    commit(ctx, tx, patient, id).await
}

/// Checks what is referred to, and settles the codes that are new.
async fn settle(
    tx: &mut TenantTx,
    patient: PatientId,
    present: Option<&NewReferral>,
    wanted: &mut NewReferral,
    on: NaiveDate,
) -> Result<()> {
    let before = present.and_then(|present| present.encounter_id);
    check_encounter(tx, patient, before, wanted.encounter_id).await?;
    let before = present.and_then(|present| present.to_provider_id);
    check_provider(tx, "/to_provider_id", before, wanted.to_provider_id).await?;
    let before = present.and_then(|present| present.provider_id);
    check_provider(tx, "/provider_id", before, wanted.provider_id).await?;
    let before = present.map_or(&[][..], |present| &present.reason_codes);
    settle_all(tx, "/reason_codes", before, &mut wanted.reason_codes, on).await?;
    Ok(())
}

async fn get(tx: &mut TenantTx, patient: PatientId, id: ReferralId) -> Result<Referral> {
    store::find(tx, patient, id)
        .await?
        .ok_or_else(Error::not_found)
}

async fn locked(tx: &mut TenantTx, patient: PatientId, id: ReferralId) -> Result<Referral> {
    store::lock(tx, patient, id).await?;
    get(tx, patient, id).await
}

async fn commit(
    ctx: &Ctx,
    mut tx: CallerTx,
    patient: PatientId,
    id: ReferralId,
) -> Result<Answer<Referral>> {
    let changed = get(&mut tx, patient, id).await?;
    let changed = changed.shown_to(ctx.principal().role);
    tx.commit(disclose_one(Action::Update, patient, id, changed))
        .await
}
