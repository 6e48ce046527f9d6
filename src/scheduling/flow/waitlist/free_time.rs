//! Matching those who wait with time that is free, whoever made it so.
//!
//! A new request, and one that was changed, is matched with all the time there is ([`soon`]). Time that comes about otherwise
//! than by an appointment given up is noted by whoever makes it ([`time_opened`]): a holiday that is not one, a vacation that
//! ends sooner, an hour more of work, a hold that was given back or ran out. Then those who wait are asked in the order of
//! their points whether they have use for it.
//!
//! Trap: somebody is not offered what overlaps a time he gave up, turned down or left unanswered, nor what comes later than
//! an appointment for the same that he has.

use std::cmp::Reverse;

use chrono::TimeDelta;
use kernel::clock::Instant;
use kernel::ids::{FacilityId, HoldId, ProviderId, ServiceId, TenantId, WaitlistEntryId};
use kernel::{Code, Kind, Result};
use platform::App;
use platform::db::{SystemTx, TenantTx};
use platform::jobs::{self, Job, NewJob};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::making::{self, Place};
use super::model::WaitlistWindow;
use super::store::Row;
use super::store_free::Asked;
use super::{store, store_free};
use crate::appointments::{HoldStatus, Placement};
use crate::availability::{self, Ask, Slot};
use crate::flow::flow_settings::{self, NewFlowSettings};
use crate::flow::quiet::Quiet;
use crate::flow::wall;
use crate::ranges::{MINUTE, Ranges, Span, instant};
use crate::services::{self, NewService};

/// Somebody has begun to wait, or waits for something else.
pub(super) const SEEK: &str = "waitlist.seek";
/// Time has become free.
pub(super) const OPENED: &str = "waitlist.time_opened";
/// A hold was given back, or has run out; the database itself asks for it (0019).
pub(super) const HOLD_OVER: &str = "waitlist.hold_over";

/// Those who are asked when time becomes free: the first so many.
const ASKED: usize = 300;
/// Nothing is offered further ahead: services are booked three years ahead at most.
const FOR_EVER: TimeDelta = TimeDelta::days(1100);
/// Who was offered something is not asked again by the daily look for so long, whatever he answered, or if he did not.
const OF_LATE: TimeDelta = TimeDelta::days(7);
/// How far is looked into time that became free for years, for each of many.
const AHEAD: TimeDelta = TimeDelta::days(92);
/// Pieces of time that are searched for one request.
const PIECES: usize = 60;
/// How often a place may be snatched away before the search is given up.
const TRIES: usize = 3;

/// Time that became free.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Opened {
    /// There, or anywhere.
    facility_id: Option<FacilityId>,
    from: Instant,
    until: Instant,
    /// Of who waits for this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    service_id: Option<ServiceId>,
    /// Only for those who were offered nothing of late.
    #[serde(default)]
    only_unasked: bool,
}

impl Opened {
    pub fn at(facility_id: Option<FacilityId>, from: Instant, until: Instant) -> Self {
        Self {
            facility_id,
            from,
            until,
            service_id: None,
            only_unasked: false,
        }
    }

    /// From now on, for as long as anybody is offered anything.
    pub fn from_now(facility_id: Option<FacilityId>, now: Instant) -> Self {
        Self::at(facility_id, now, now + FOR_EVER)
    }

    /// Of interest to those who wait for this service.
    pub fn of(self, service: ServiceId) -> Self {
        Self {
            service_id: Some(service),
            ..self
        }
    }
}

#[derive(Deserialize)]
struct OfEntry {
    entry_id: WaitlistEntryId,
}

#[derive(Deserialize)]
struct OfHold {
    hold_id: HoldId,
}

/// Looks for free time for a request, after the transaction that made or changed it.
pub(super) async fn soon(tx: &mut TenantTx, entry: WaitlistEntryId, now: Instant) -> Result<()> {
    let job = NewJob::new(SEEK, json!({ "entry_id": entry }), now);
    jobs::enqueue(tx, &job.once(entry.to_string())).await
}

/// Notes that time has become free, in the transaction that makes it so. Whether anybody can use it is looked at later; time
/// that is past is nobody's.
pub(crate) async fn time_opened(tx: &mut TenantTx, opened: &Opened, now: Instant) -> Result<()> {
    if opened.until <= now {
        return Ok(());
    }
    let payload = serde_json::to_value(opened).map_err(kernel::Error::internal)?;
    let key = payload.to_string();
    jobs::enqueue(tx, &NewJob::new(OPENED, payload, now).once(key)).await
}

/// Once a day those who were offered nothing of late are asked again: the days to come have become one more. At each facility
/// when its quiet hours are over, so that nobody's minutes to answer pass while he sleeps.
pub(crate) async fn look_again(tx: &mut TenantTx, now: Instant) -> Result<()> {
    let quiet = Quiet::of(&flow_settings::current(tx).await?);
    for (facility, time_zone) in store_free::facilities(tx, None, None).await? {
        let at = quiet.over(now, wall::zone(&time_zone));
        let opened = Opened {
            only_unasked: true,
            ..Opened::from_now(Some(facility), at)
        };
        let payload = serde_json::to_value(&opened).map_err(kernel::Error::internal)?;
        let key = format!("daily {facility}");
        jobs::enqueue(tx, &NewJob::new(OPENED, payload, at).once(key)).await?;
    }
    Ok(())
}

/// Finds free time for one request, and asks everybody who waits whether he wants it: a newcomer does not come before who has
/// more points.
pub(super) async fn seek(app: &App, job: &Job) -> Result<()> {
    let OfEntry { entry_id } = job.payload()?;
    for _ in 0..TRIES {
        let now = app.clock.now();
        let mut tx = SystemTx::begin(&app.db, job.tenant).await?;
        let settings = flow_settings::current(&mut tx).await?;
        let Some(row) = store_free::lock_waiting(&mut tx, entry_id, now).await? else {
            return Ok(());
        };
        let Some(slot) = first(&mut tx, &row, None, &settings, now).await? else {
            break;
        };
        drop(tx);
        let opened = Opened::at(Some(slot.facility_id), slot.starts_at, slot.ends_at);
        fill(app, job.tenant, &opened, SEEK).await?;
        // He may be too far down to have been asked.
        if !offer_first(app, job.tenant, entry_id, &opened, SEEK).await? {
            break;
        }
    }
    let now = app.clock.now();
    // What is held at this moment may be free soon.
    let mut tx = SystemTx::begin(&app.db, job.tenant).await?;
    for (hold, at) in store_free::holds_for(&mut tx, entry_id, now).await? {
        let job = NewJob::new(HOLD_OVER, json!({ "hold_id": hold }), at);
        jobs::enqueue(&mut tx, &job.once(hold.to_string())).await?;
    }
    tx.commit().await
}

pub(super) async fn opened(app: &App, job: &Job) -> Result<()> {
    fill(app, job.tenant, &job.payload()?, OPENED).await
}

pub(super) async fn hold_over(app: &App, job: &Job) -> Result<()> {
    let OfHold { hold_id } = job.payload()?;
    let now = app.clock.now();
    let mut tx = SystemTx::begin(&app.db, job.tenant).await?;
    let Some(hold) = store_free::hold(&mut tx, hold_id).await? else {
        return Ok(());
    };
    drop(tx);
    let over = match hold.status {
        HoldStatus::Booked => false,
        HoldStatus::Open => hold.expires_at <= now,
        HoldStatus::Released | HoldStatus::Expired => true,
    };
    if !over {
        return Ok(());
    }
    let opened = Opened::at(Some(hold.facility_id), hold.starts_at, hold.ends_at);
    fill(app, job.tenant, &opened, HOLD_OVER).await
}

/// Asks those who wait, the one with the most points first, whether they have use for time that became free.
pub(super) async fn fill(
    app: &App,
    tenant: TenantId,
    opened: &Opened,
    cause: &'static str,
) -> Result<()> {
    for entry in in_order(app, tenant, opened).await? {
        offer_first(app, tenant, entry, opened, cause).await?;
    }
    Ok(())
}

async fn in_order(app: &App, tenant: TenantId, opened: &Opened) -> Result<Vec<WaitlistEntryId>> {
    let now = app.clock.now();
    if opened.until <= now {
        return Ok(Vec::new());
    }
    let mut tx = SystemTx::begin(&app.db, tenant).await?;
    let settings = flow_settings::current(&mut tx).await?;
    let asked = Asked {
        facility: opened.facility_id,
        service: opened.service_id,
        unasked_since: opened.only_unasked.then(|| now - OF_LATE),
    };
    let ids = store_free::waiting(&mut tx, &asked, &settings.triage, now).await?;
    let mut rows = store::of_ids(&mut tx, ids, now).await?;
    rows.retain(|row| {
        let windows = &row.windows.0;
        let meets = |from: Instant, to: Instant| from < opened.until && to > opened.from;
        windows.is_empty() || windows.iter().any(|window| meets(window.from, window.to))
    });
    rows.sort_by_cached_key(|row| {
        let score = making::points(&settings, row, now).score;
        (Reverse(score), row.waiting_since, row.id)
    });
    rows.truncate(ASKED);
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// Offers somebody the first time that would do, if he still waits and there is one. Answers whether he may be offered any: who has
/// as many appointments as he may book himself is not, whatever is free.
async fn offer_first(
    app: &App,
    tenant: TenantId,
    entry: WaitlistEntryId,
    opened: &Opened,
    cause: &'static str,
) -> Result<bool> {
    for _ in 0..TRIES {
        let now = app.clock.now();
        let mut tx = SystemTx::begin(&app.db, tenant).await?;
        let settings = flow_settings::current(&mut tx).await?;
        let Some(row) = store_free::lock_waiting(&mut tx, entry, now).await? else {
            return Ok(true);
        };
        let Some(slot) = first(&mut tx, &row, Some(opened), &settings, now).await? else {
            return Ok(true);
        };
        match making::make(app, tx, (&row, place_of(&row, slot)), &settings, cause, now).await {
            Ok(()) => return Ok(true),
            Err(error) if error.code() == Code::TooManyAppointments => return Ok(false),
            // Somebody was faster; the transaction went back.
            Err(error) if matches!(error.kind(), Kind::Conflict) => {}
            Err(error) if error.code() == Code::ValidationFailed => return Ok(true),
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}

/// Offers somebody who waits the first time that is free and would do. Answers whether there is one.
///
/// # Errors
/// Those of a hold, after which the transaction is to be given up.
pub async fn offer_in_tx(
    app: &App,
    tx: &mut SystemTx,
    entry: WaitlistEntryId,
    now: Instant,
) -> Result<bool> {
    let settings = flow_settings::current(tx).await?;
    let Some(row) = store_free::lock_waiting(tx, entry, now).await? else {
        return Ok(false);
    };
    let Some(slot) = first(tx, &row, None, &settings, now).await? else {
        return Ok(false);
    };
    let which = (&row, place_of(&row, slot));
    making::make_in_tx(app, tx, which, &settings, SEEK, now).await?;
    Ok(true)
}

fn place_of(row: &Row, slot: Slot) -> Place {
    Place {
        placement: Placement {
            patient: row.patient_id,
            service: row.service_id,
            facility: slot.facility_id,
            providers: slot.provider_ids,
            staff: Vec::new(),
            room: slot.room_id,
            equipment: slot.equipment_ids,
            starts_at: slot.starts_at,
            timing: None,
        },
        freed_by: None,
    }
}

/// Who does not accept him, where he asked for himself.
async fn closed_to(tx: &mut TenantTx, row: &Row) -> Result<Vec<ProviderId>> {
    if row.himself {
        store::closed_to(tx, row.patient_id).await
    } else {
        Ok(Vec::new())
    }
}

/// The first free time that somebody who waits could have.
async fn first(
    tx: &mut TenantTx,
    row: &Row,
    within: Option<&Opened>,
    settings: &NewFlowSettings,
    now: Instant,
) -> Result<Option<Slot>> {
    let Some(service) = services::get_active(tx, row.service_id).await? else {
        return Ok(None);
    };
    let notice = TimeDelta::minutes(settings.offer_notice_minutes.into());
    let mut horizon = now + TimeDelta::days(service.data.ahead_days.into());
    if let Some(opened) = within {
        horizon = horizon.min(now.max(opened.from) + AHEAD);
    }
    // Of somebody who has an appointment for it, only what is sooner.
    if let Some(agreed) = store_free::agreed(tx, row, now).await? {
        horizon = horizon.min(agreed);
    }
    let span = Span::new(now + notice, horizon);
    let closed = Ranges::of(store_free::closed(tx, row, now).await?);
    let starts = starts(&row.windows.0, &service.data, span, &closed, within);
    if starts.is_empty() {
        return Ok(None);
    }
    let there = within.and_then(|opened| opened.facility_id);
    let places = store_free::facilities(tx, row.facility_id, there).await?;
    let quiet = Quiet::of(settings);
    let any_of = row.wish().provider_ids;
    let none_of = closed_to(tx, row).await?;
    for piece in starts.spans().iter().take(PIECES) {
        let mut best: Option<Slot> = None;
        for (facility, time_zone) in &places {
            let zone = wall::zone(time_zone);
            // In the night nobody there hears of it before the morning.
            let from = instant(piece.from).max(quiet.over(now, zone) + notice);
            if from >= instant(piece.until) {
                continue;
            }
            let ask = Ask {
                service: &service,
                facility: *facility,
                zone,
                any_of: &any_of,
                all_of: &[],
                none_of: &none_of,
                from,
                to: instant(piece.until),
                preferred: None,
                patient: Some(row.patient_id),
                staff: &[],
                assets: &[],
                except: None,
                own: None,
                only_needed: None,
            };
            let found = availability::next_free(tx, &ask, 1, now).await?;
            let either = best.into_iter().chain(found.into_iter().next());
            best = either.min_by_key(|slot| slot.starts_at);
        }
        if best.is_some() {
            return Ok(best);
        }
    }
    Ok(None)
}

/// When his appointment might begin: whole within one of his windows, outside of what is closed to him, and some of it in the
/// time that became free.
fn starts(
    windows: &[WaitlistWindow],
    needs: &NewService,
    span: Span,
    closed: &Ranges,
    within: Option<&Opened>,
) -> Ranges {
    let micros = |minutes: i32| i64::from(minutes) * MINUTE;
    let duration = micros(needs.duration_minutes);
    let whole = Ranges::one(span);
    let windows: Vec<Ranges> = if windows.is_empty() {
        vec![whole]
    } else {
        let of = |from, to| Ranges::one(Span::new(from, to)).intersect(&whole);
        windows.iter().map(|it| of(it.from, it.to)).collect()
    };
    let mut starts = Ranges::default();
    for window in windows {
        starts = starts.union(&window.subtract(closed).erode(0, duration));
    }
    match within {
        None => starts,
        Some(opened) => starts.intersect(&Ranges::one(Span {
            from: opened.from.timestamp_micros() - duration - micros(needs.cleanup_minutes) + 1,
            until: opened.until.timestamp_micros() + micros(needs.prep_minutes),
        })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Instant {
        format!("2027-03-01T{text}:00Z")
            .parse()
            .expect("an instant")
    }

    fn found(
        windows: &[(&str, &str)],
        closed: &[(&str, &str)],
        within: Option<(&str, &str)>,
    ) -> Ranges {
        let needs = serde_json::json!({ "code": "C", "name": "C", "appointment_type": "consultation", "duration_minutes": 30,
            "prep_minutes": 5, "cleanup_minutes": 10 });
        let needs: NewService = serde_json::from_value(needs).expect("a service");
        let windows: Vec<WaitlistWindow> = windows
            .iter()
            .map(|(from, to)| WaitlistWindow {
                from: at(from),
                to: at(to),
            })
            .collect();
        let closed = closed.iter().map(|(from, to)| Span::new(at(from), at(to)));
        let opened = within.map(|(from, until)| Opened::at(None, at(from), at(until)));
        let day = Span::new(at("08:00"), at("12:00"));
        starts(&windows, &needs, day, &Ranges::of(closed), opened.as_ref())
    }

    fn one(from: &str, last: &str) -> Ranges {
        let last = at(last) + TimeDelta::microseconds(1);
        Ranges::one(Span::new(at(from), last))
    }

    #[test]
    fn an_appointment_lies_whole_in_one_window_and_outside_of_what_is_closed() {
        assert_eq!(found(&[], &[], None), one("08:00", "11:30"));
        assert_eq!(
            found(&[("09:00", "09:30")], &[], None),
            one("09:00", "09:00")
        );
        assert!(found(&[("09:00", "09:20"), ("09:20", "09:40")], &[], None).is_empty());
        let around = found(&[], &[("09:00", "10:00")], None);
        assert_eq!(around, one("08:00", "08:30").union(&one("10:00", "11:30")));
    }

    #[test]
    fn some_of_it_lies_in_the_time_that_became_free() {
        let near = found(&[], &[], Some(("09:00", "09:30")));
        // From half an hour and the clean-up before, to the preparation after: the ends themselves would only touch.
        assert!(!near.contains(at("08:20").timestamp_micros()));
        assert!(near.contains(at("08:21").timestamp_micros()));
        assert!(near.contains(at("09:34").timestamp_micros()));
        assert!(!near.contains(at("09:35").timestamp_micros()));
    }
}
