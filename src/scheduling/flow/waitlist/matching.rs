//! Matching a place that became free with those who wait.

use std::collections::HashSet;

use chrono::TimeDelta;
use kernel::clock::Instant;
use kernel::ids::{AppointmentId, WaitlistEntryId, WaitlistOfferId};
use kernel::{Code, Kind, Result};
use platform::App;
use platform::audit::{Action, By as Cause, Subject, by_system};
use platform::db::{SystemTx, TenantTx};
use platform::jobs::{self, Job, NewJob};
use serde::Deserialize;
use serde_json::json;

use super::model::{OfferStatus, WaitlistOffer, WaitlistStatus};
use super::store_offers::{self as offers, Freed};
use super::triage::{self, Triage};
use super::{offers as deadlines, store};
use crate::appointments::{self, By, Placement};
use crate::flow::flow_settings::{self, NewFlowSettings};
use crate::flow::reminders;

/// A place has become free; the database itself asks for it (0020).
pub(super) const MATCH: &str = "waitlist.match";
/// The hold outlives the deadline, so that who accepts in the last second still gets it.
const GRACE: TimeDelta = TimeDelta::minutes(2);
/// People who are tried before the place is taken to be gone.
const TRIES: usize = 10;

#[derive(Deserialize)]
struct Place {
    appointment_id: AppointmentId,
}

/// Offers the place to the next one. In the transaction in which the one before him gave it back.
pub(super) async fn next(tx: &mut TenantTx, freed_by: AppointmentId, now: Instant) -> Result<()> {
    let job = NewJob::new(MATCH, json!({ "appointment_id": freed_by }), now);
    jobs::enqueue(tx, &job.once(freed_by.to_string())).await
}

/// Offers the place to the one with the most points who can have it.
pub(super) async fn run(app: &App, job: &Job) -> Result<()> {
    let Place { appointment_id } = job.payload()?;
    let mut tried = HashSet::new();
    while tried.len() < TRIES {
        let now = app.clock.now();
        let mut tx = SystemTx::begin(&app.db, job.tenant).await?;
        let settings = flow_settings::current(&mut tx).await?;
        let notice = TimeDelta::minutes(settings.offer_notice_minutes.into());
        let Some(freed) = offers::freed(&mut tx, appointment_id, now + notice).await? else {
            return Ok(());
        };
        let best = best(&mut tx, appointment_id, &freed, (&settings, &tried), now).await?;
        let Some((entry, triage)) = best else {
            return Ok(());
        };
        tried.insert(entry);
        match offer(
            app,
            tx,
            (appointment_id, &freed),
            (entry, triage),
            &settings,
            now,
        )
        .await
        {
            Ok(()) => return Ok(()),
            // Somebody has booked the place, or him, meanwhile; the transaction went back.
            Err(error) if matches!(error.kind(), Kind::Conflict) => {}
            // The place can't be had any more: the provider has left, the room is closed.
            Err(error) if error.code() == Code::ValidationFailed => return Ok(()),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Who has the most points of those who could come; of equals who waits longest.
async fn best(
    tx: &mut TenantTx,
    freed_by: AppointmentId,
    freed: &Freed,
    (settings, tried): (&NewFlowSettings, &HashSet<WaitlistEntryId>),
    now: Instant,
) -> Result<Option<(WaitlistEntryId, Triage)>> {
    let mut best: Option<(WaitlistEntryId, Triage)> = None;
    let candidates = offers::candidates(tx, freed_by, freed, now).await?;
    for row in store::of_ids(tx, candidates, now).await? {
        let (id, wish) = (row.id, row.wish());
        if tried.contains(&id) || !wish.allows(freed.starts_at, freed.ends_at) {
            continue;
        }
        let triage = triage::points(&settings.triage, &wish, row.waiting_since, row.missed, now);
        if best
            .as_ref()
            .is_none_or(|(_, first)| first.score < triage.score)
        {
            best = Some((id, triage));
        }
    }
    Ok(best)
}

async fn offer(
    app: &App,
    mut tx: SystemTx,
    (freed_by, freed): (AppointmentId, &Freed),
    (entry, triage): (WaitlistEntryId, Triage),
    settings: &NewFlowSettings,
    now: Instant,
) -> Result<()> {
    let row = store::lock(&mut tx, entry, now).await?;
    if row.status != WaitlistStatus::Waiting {
        return Err(Code::IllegalTransition.into());
    }
    let deadline = (now + TimeDelta::minutes(settings.offer_minutes.into())).min(freed.starts_at);
    let placement = Placement {
        patient: row.patient_id,
        service: freed.service_id,
        facility: freed.facility_id,
        providers: freed.providers(),
        staff: freed.staff(),
        room: freed.room(),
        equipment: freed.equipment(),
        starts_at: freed.starts_at,
        timing: None,
    };
    let hold =
        appointments::hold_in_tx(&mut tx, placement, deadline + GRACE, By::SYSTEM, now).await?;
    let offer = WaitlistOffer {
        id: WaitlistOfferId::new(),
        entry_id: entry,
        patient_id: row.patient_id,
        facility_id: freed.facility_id,
        provider_id: freed.provider_id,
        starts_at: freed.starts_at,
        ends_at: freed.ends_at,
        deadline,
        status: OfferStatus::Open,
        triage: Some(triage),
        appointment_id: None,
        answered_at: None,
        version: 1,
        created_at: now,
    };
    offers::insert(&mut tx, &offer, hold, freed_by).await?;
    store::step(&mut tx, entry, WaitlistStatus::Offered, (None, None), now).await?;
    deadlines::watch(&mut tx, offer.id, deadline).await?;
    reminders::announce_offer(&mut tx, offer.id, now).await?;
    let subject = Subject {
        patient: Some(row.patient_id),
        resource: Some(offer.id.into()),
    };
    let tenant = tx.tenant();
    let record = by_system(
        app,
        tenant,
        Cause::Job(MATCH),
        "waitlist",
        Action::Update,
        subject,
        now,
    );
    tx.record(&[record]).await?;
    tx.commit().await
}
