//! Matching a place that became free with those who wait: whole, with all that was reserved for it.

use std::collections::HashSet;

use chrono::TimeDelta;
use kernel::clock::Instant;
use kernel::ids::{AppointmentId, WaitlistEntryId};
use kernel::{Code, Kind, Result};
use platform::App;
use platform::db::{SystemTx, TenantTx};
use platform::jobs::{self, Job, NewJob};
use serde::Deserialize;
use serde_json::json;

use super::free_time::{self, Opened};
use super::making::{self, Place};
use super::store_offers::{self, Freed};
use super::{store, store_free};
use crate::appointments::Placement;
use crate::flow::flow_settings::{self, NewFlowSettings};
use crate::flow::quiet::Quiet;

/// A place has become free; the database itself asks for it (0019).
pub(super) const MATCH: &str = "waitlist.match";
/// People who are tried before the place is taken to be gone.
const TRIES: usize = 10;

#[derive(Deserialize)]
struct OfAppointment {
    appointment_id: AppointmentId,
}

/// Offers the place to the next one. In the transaction in which the one before him gave it back.
pub(super) async fn next(tx: &mut TenantTx, freed_by: AppointmentId, now: Instant) -> Result<()> {
    let job = NewJob::new(MATCH, json!({ "appointment_id": freed_by }), now);
    jobs::enqueue(tx, &job.once(freed_by.to_string())).await
}

/// Offers the place to the one with the most points who can have it as it is; if there is nobody, its time to whoever has use
/// for some of it.
pub(super) async fn run(app: &App, job: &Job) -> Result<()> {
    let OfAppointment { appointment_id } = job.payload()?;
    if whole(app, job, appointment_id).await? {
        return Ok(());
    }
    let mut tx = SystemTx::begin(&app.db, job.tenant).await?;
    let Some(left) = store_free::of_appointment(&mut tx, appointment_id).await? else {
        return Ok(());
    };
    drop(tx);
    let opened = Opened::at(Some(left.facility_id), left.starts_at, left.ends_at);
    free_time::fill(app, job.tenant, &opened, MATCH).await
}

/// Answers whether the place is somebody's now.
async fn whole(app: &App, job: &Job, freed_by: AppointmentId) -> Result<bool> {
    let mut tried = HashSet::new();
    while tried.len() < TRIES {
        let now = app.clock.now();
        let mut tx = SystemTx::begin(&app.db, job.tenant).await?;
        let settings = flow_settings::current(&mut tx).await?;
        let notice = TimeDelta::minutes(settings.offer_notice_minutes.into());
        let Some(freed) = store_offers::freed(&mut tx, freed_by, now + notice).await? else {
            return Ok(false);
        };
        // In the night nobody hears of it before the morning.
        let zone = store_free::zone_of(&mut tx, freed.facility_id).await?;
        if freed.starts_at < Quiet::of(&settings).over(now, zone) + notice {
            return Ok(false);
        }
        let best = best(&mut tx, freed_by, &freed, (&settings, &tried), now).await?;
        let Some(entry) = best else {
            return Ok(false);
        };
        tried.insert(entry);
        let row = store::lock(&mut tx, entry, now).await?;
        // He may have changed his mind while he was looked for.
        let when = (freed.starts_at, freed.ends_at);
        if !row.wish().fits(when, freed.facility_id, freed.provider_id) {
            continue;
        }
        let place = Place {
            placement: Placement {
                patient: row.patient_id,
                service: freed.service_id,
                facility: freed.facility_id,
                providers: freed.providers(),
                staff: freed.staff(),
                room: freed.room(),
                equipment: freed.equipment(),
                starts_at: freed.starts_at,
                timing: None,
            },
            freed_by: Some(freed_by),
        };
        match making::make(app, tx, (&row, place), &settings, MATCH, now).await {
            Ok(()) => return Ok(true),
            // Somebody has booked the place, or him, meanwhile; the transaction went back.
            Err(error) if matches!(error.kind(), Kind::Conflict) => {}
            // The place can't be had as it is any more: the provider has left, the room is closed.
            Err(error) if error.code() == Code::ValidationFailed => return Ok(false),
            Err(error) => return Err(error),
        }
    }
    Ok(false)
}

/// Who has the most points of those who could come; of equals who waits longest.
async fn best(
    tx: &mut TenantTx,
    freed_by: AppointmentId,
    freed: &Freed,
    (settings, tried): (&NewFlowSettings, &HashSet<WaitlistEntryId>),
    now: Instant,
) -> Result<Option<WaitlistEntryId>> {
    let mut best: Option<(WaitlistEntryId, i64)> = None;
    let candidates = store_offers::candidates(tx, freed_by, freed, &settings.triage, now).await?;
    for row in store::of_ids(tx, candidates, now).await? {
        if tried.contains(&row.id) || !row.wish().allows(freed.starts_at, freed.ends_at) {
            continue;
        }
        let score = making::points(settings, &row, now).score;
        if best.is_none_or(|(_, first)| first < score) {
            best = Some((row.id, score));
        }
    }
    Ok(best.map(|(id, _)| id))
}
