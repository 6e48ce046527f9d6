//! Answering an offer, and what happens when nobody does.

use kernel::clock::Instant;
use kernel::ids::{PatientId, WaitlistEntryId, WaitlistOfferId};
use kernel::{Code, Error, Page, Result};
use platform::App;
use platform::access::{Ctx, Disclosure, Permission, withheld};
use platform::audit::{Action, Occasion, Subject, by_system};
use platform::db::{CallerTx, SystemTx, TenantTx};
use platform::http::Answer;
use platform::jobs::{self, Job, NewJob};
use serde::Deserialize;
use serde_json::json;

use super::free_time::{self, Opened};
use super::model::{OfferStatus, WaitlistOffer, WaitlistStatus, WaitlistWish};
use super::store_offers::{self, Locked};
use super::{making, matching, store};
use crate::appointments::{self, Booker, Details};

/// The deadline of an offer has come.
pub(super) const DEADLINE: &str = "waitlist.deadline";

/// A patient who waits has left; the database itself asks for it (0043).
pub(super) const PATIENT_LEFT: &str = "waitlist.patient_left";

#[derive(Deserialize)]
struct OfOffer {
    offer_id: WaitlistOfferId,
}

#[derive(Deserialize)]
struct OfPatient {
    patient_id: PatientId,
}

/// Sees to it that somebody looks when the deadline has come.
pub(super) async fn watch(
    tx: &mut TenantTx,
    offer: WaitlistOfferId,
    deadline: Instant,
) -> Result<()> {
    let job = NewJob::new(DEADLINE, json!({ "offer_id": offer }), deadline);
    jobs::enqueue(tx, &job.once(offer.to_string())).await
}

/// What the caller is shown of an offer.
fn for_caller(ctx: &Ctx, offer: WaitlistOffer) -> WaitlistOffer {
    let hidden = withheld::hides(ctx.principal().role, "waitlist_offers", "triage");
    WaitlistOffer {
        triage: offer.triage.filter(|_| !hidden),
        ..offer
    }
}

pub(super) async fn read(ctx: &Ctx, id: WaitlistOfferId) -> Result<Answer<WaitlistOffer>> {
    let mut tx = ctx.begin(Permission::WaitlistRead).await?;
    let offer = store_offers::find(&mut tx, Some(id), None).await?.pop();
    let offer = for_caller(ctx, offer.ok_or_else(Error::not_found)?);
    let (patient, version) = (offer.patient_id, offer.version);
    tx.finish(Disclosure::of("waitlist", Action::Read, patient, id, offer).version(version))
        .await
}

pub(super) async fn of_entry(
    ctx: &Ctx,
    entry: WaitlistEntryId,
) -> Result<Answer<Page<WaitlistOffer>>> {
    let mut tx = ctx.begin(Permission::WaitlistRead).await?;
    let patient = store::get(&mut tx, entry, ctx.now()).await?.patient_id;
    let all = store_offers::find(&mut tx, None, Some(entry)).await?;
    let all = all
        .into_iter()
        .map(|offer| for_caller(ctx, offer))
        .collect();
    let subject = Subject {
        patient: Some(patient),
        resource: Some(entry.into()),
    };
    tx.finish(Disclosure::list("waitlist", [subject], Page::last(all)))
        .await
}

/// An open offer, locked after its request, in the order in which matching locks them.
async fn lock_open(tx: &mut TenantTx, id: WaitlistOfferId, now: Instant) -> Result<Locked> {
    let entry = store_offers::find(tx, Some(id), None).await?.pop();
    let entry = entry.ok_or_else(Error::not_found)?.entry_id;
    store::lock(tx, entry, now).await?;
    let locked = store_offers::lock(tx, id).await?;
    match locked.offer.status {
        OfferStatus::Open if locked.offer.deadline > now => Ok(locked),
        OfferStatus::Open | OfferStatus::Expired => Err(Code::OfferExpired.into()),
        _ => Err(Error::new(Code::IllegalTransition).with("allowed", json!([]))),
    }
}

pub(super) async fn accept(ctx: &Ctx, id: WaitlistOfferId) -> Result<Answer<WaitlistOffer>> {
    let mut tx = ctx.begin(Permission::WaitlistRespond).await?;
    let accepted = accept_in_tx(&mut tx, id, Booker::caller(ctx), ctx.now()).await?;
    let answer = commit(ctx, tx, id).await?;
    match accepted {
        Accepted::Booked => Ok(answer),
        Accepted::Gone => Err(Code::OfferExpired.into()),
    }
}

/// What accepting an offer comes to.
#[must_use]
pub(super) enum Accepted {
    Booked,
    /// What was booked of its hold was called off, or whom it keeps is not there then: there is no place to accept. The offer is
    /// withdrawn and its request waits again, which is to be kept; who accepts is told `offer_expired`.
    Gone,
}

/// Books the place offered, of the hold that keeps it.
///
/// # Errors
/// `offer_expired`; `illegal_transition` when it was answered before; `too_many_appointments` to who waits at his own wish and
/// accepts himself; `not_found`.
pub(super) async fn accept_in_tx(
    tx: &mut TenantTx,
    id: WaitlistOfferId,
    by: Booker,
    now: Instant,
) -> Result<Accepted> {
    let locked = lock_open(tx, id, now).await?;
    let (offer, hold) = (&locked.offer, locked.hold);
    let entry = store::get(tx, offer.entry_id, now).await?;
    let details = Details {
        priority: entry.priority,
        chief_complaint: entry.reason.clone(),
        ..Details::default()
    };
    let patient = Some(offer.patient_id);
    let booked = match appointments::booked_of_hold(tx, hold).await? {
        Some(booked) => Ok(booked),
        // What the office asked for him, it has allowed him.
        None if by.is_himself() && entry.himself => {
            appointments::require_few_in_tx(tx, offer.patient_id, Some(hold), now).await?;
            appointments::book_hold_in_tx(tx, hold, patient, &details, by, now).await
        }
        None => appointments::book_hold_in_tx(tx, hold, patient, &details, by, now).await,
    };
    // Who accepts knows of no hold: what kept the place for him is gone, and the offer with it.
    let booked = match booked {
        Ok(booked) => booked,
        Err(error) if matches!(error.code(), Code::HoldClosed | Code::OutsideAvailability) => {
            end(tx, &locked, OfferStatus::Withdrawn, now).await?;
            return Ok(Accepted::Gone);
        }
        Err(error) if error.code() == Code::HoldExpired => return Err(Code::OfferExpired.into()),
        Err(error) => return Err(error),
    };
    store_offers::answer(tx, id, OfferStatus::Accepted, Some(booked), now).await?;
    let end = (Some(booked), None);
    store::step(tx, offer.entry_id, WaitlistStatus::Booked, end, now).await?;
    Ok(Accepted::Booked)
}

pub(super) async fn decline(ctx: &Ctx, id: WaitlistOfferId) -> Result<Answer<WaitlistOffer>> {
    let mut tx = ctx.begin(Permission::WaitlistRespond).await?;
    decline_in_tx(&mut tx, id, ctx.now()).await?;
    commit(ctx, tx, id).await
}

/// Gives the place to the next one. An offer whose hold was booked is accepted, whatever is said now.
///
/// # Errors
/// As [`accept_in_tx`].
pub(super) async fn decline_in_tx(
    tx: &mut TenantTx,
    id: WaitlistOfferId,
    now: Instant,
) -> Result<()> {
    let locked = lock_open(tx, id, now).await?;
    end(tx, &locked, OfferStatus::Declined, now).await?;
    Ok(())
}

async fn commit(ctx: &Ctx, mut tx: CallerTx, id: WaitlistOfferId) -> Result<Answer<WaitlistOffer>> {
    let offer = store_offers::find(&mut tx, Some(id), None).await?.pop();
    let offer = for_caller(ctx, offer.ok_or_else(Error::not_found)?);
    let (patient, version) = (offer.patient_id, offer.version);
    tx.commit(Disclosure::of("waitlist", Action::Update, patient, id, offer).version(version))
        .await
}

/// Ends an open offer without a booking: the hold is given back, the place goes on to the next one, and its request, which is
/// locked, waits again. Where the hold was booked past the offer and that stands, it is the offer's answer, and the request has what
/// it asked for. Answers what the request is then.
async fn end(
    tx: &mut TenantTx,
    locked: &Locked,
    status: OfferStatus,
    now: Instant,
) -> Result<WaitlistStatus> {
    let offer = &locked.offer;
    if let Some(booked) = appointments::booked_of_hold(tx, locked.hold).await? {
        store_offers::answer(tx, offer.id, OfferStatus::Accepted, Some(booked), now).await?;
        let now_has = (Some(booked), None);
        store::step(tx, offer.entry_id, WaitlistStatus::Booked, now_has, now).await?;
        return Ok(WaitlistStatus::Booked);
    }
    store_offers::answer(tx, offer.id, status, None, now).await?;
    match appointments::release_hold_in_tx(tx, locked.hold, now).await {
        // It was booked, and that was called off: it keeps nothing.
        Err(error) if error.code() == Code::HoldClosed => {}
        released => released?,
    }
    let waits = WaitlistStatus::Waiting;
    store::step(tx, offer.entry_id, waits, (None, None), now).await?;
    if let Some(freed_by) = locked.freed_by {
        matching::next(tx, freed_by, now).await?;
    } else {
        let opened = Opened::at(Some(offer.facility_id), offer.starts_at, offer.ends_at);
        free_time::time_opened(tx, &opened, now).await?;
    }
    Ok(waits)
}

/// Takes an open offer back that is not what its request asks for any more. The request is locked, and waits again.
pub(super) async fn take_back_unfit(
    tx: &mut TenantTx,
    entry: WaitlistEntryId,
    wish: &WaitlistWish,
    now: Instant,
) -> Result<()> {
    let Some(open) = store_offers::open_of(tx, entry).await? else {
        return Ok(());
    };
    let locked = store_offers::lock(tx, open).await?;
    let offer = &locked.offer;
    let when = (offer.starts_at, offer.ends_at);
    if wish.fits(when, offer.facility_id, offer.provider_id) {
        return Ok(());
    }
    end(tx, &locked, OfferStatus::Withdrawn, now).await?;
    Ok(())
}

/// Takes back what a request was offered, because it is to be no more. The request is locked. Answers what it is then: it has
/// been booked, perhaps.
pub(super) async fn withdraw(
    tx: &mut TenantTx,
    entry: WaitlistEntryId,
    now: Instant,
) -> Result<WaitlistStatus> {
    let Some(open) = store_offers::open_of(tx, entry).await? else {
        return Ok(WaitlistStatus::Waiting);
    };
    let locked = store_offers::lock(tx, open).await?;
    end(tx, &locked, OfferStatus::Withdrawn, now).await
}

/// A patient has died or left: he waits for nothing, and what he was offered is for the next one.
pub(super) async fn patient_left(app: &App, job: &Job) -> Result<()> {
    let OfPatient { patient_id } = job.payload()?;
    let now = app.clock.now();
    let mut tx = SystemTx::begin(&app.db, job.tenant).await?;
    let mut records = Vec::new();
    for entry in store::of_one_who_left(&mut tx, patient_id).await? {
        if withdraw(&mut tx, entry, now).await? == WaitlistStatus::Waiting {
            let why = (None, Some("The patient is not active any more"));
            store::step(&mut tx, entry, WaitlistStatus::Withdrawn, why, now).await?;
        }
        let subject = Subject {
            patient: Some(patient_id),
            resource: Some(entry.into()),
        };
        let (cause, tenant) = (Occasion::Job(PATIENT_LEFT), tx.tenant());
        let action = Action::Update;
        records.push(by_system(
            app, tenant, cause, "waitlist", action, subject, now,
        ));
    }
    tx.record(&records).await?;
    tx.commit().await
}

/// Nobody has answered: the next one, and he waits on.
pub(super) async fn deadline(app: &App, job: &Job) -> Result<()> {
    let OfOffer { offer_id } = job.payload()?;
    let now = app.clock.now();
    let mut tx = SystemTx::begin(&app.db, job.tenant).await?;
    let Some(offer) = store_offers::find(&mut tx, Some(offer_id), None)
        .await?
        .pop()
    else {
        return Ok(());
    };
    store::lock(&mut tx, offer.entry_id, now).await?;
    let locked = store_offers::lock(&mut tx, offer_id).await?;
    if locked.offer.status != OfferStatus::Open {
        return Ok(());
    }
    if locked.offer.deadline > now {
        watch(&mut tx, offer_id, locked.offer.deadline).await?;
        return tx.commit().await;
    }
    end(&mut tx, &locked, OfferStatus::Expired, now).await?;
    let record = making::record(app, &tx, offer.patient_id, offer_id, DEADLINE, now);
    tx.record(&[record]).await?;
    tx.commit().await
}
