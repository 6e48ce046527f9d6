//! Who was marked as missed and comes after all, on the same day.
//!
//! When he was marked, his place was given to whoever wanted it. What of it is still to come is reserved anew, if everybody and
//! everything he was to have is free, in a session of several any place of it: with one of them gone it would be another
//! appointment, to be booked as one. Of what is past nothing is asked; who comes when all of it is past is here all the same, and
//! who sees him sees him beside what is planned.
//!
//! He was not missed then: nobody has closed the appointment, its encounter is to come again, and whatever counts missed visits
//! counts what stands in the appointment. That he was once taken to be missed, and by whom, is in its history.

use chrono::{NaiveDate, TimeDelta};
use kernel::clock::Instant;
use kernel::{Code, Error, Result};
use platform::access::Ctx;
use platform::db::{CallerTx, TenantTx};
use uuid::Uuid;

use super::booking::{self, Booker, Details};
use super::model::Appointment;
use super::moving::as_it_is;
use super::placement::{Manner, Placement, Refused};
use super::{next_free, occupancy, planned, store_occupancy};
use crate::services::{self, Service};
use crate::wall::zone;

/// Takes back that the patient of an appointment, which is locked, was missed.
///
/// # Errors
/// `illegal_transition` on a later day; `slot_taken` with the next free times; `overbooking_full`.
pub(super) async fn take_back(
    ctx: &Ctx,
    mut tx: CallerTx,
    present: &Appointment,
) -> Result<CallerTx> {
    let now = ctx.now();
    require_same_day(present, now)?;
    let refused = match reserve_anew(&mut tx, present, now).await {
        Ok(()) => {
            planned::is_expected_again(&mut tx, present, now).await?;
            return Ok(tx);
        }
        Err(refused) => refused,
    };
    // When there is a place from now on, in any room of the kind.
    let wish = Placement {
        starts_at: now - TimeDelta::minutes(1),
        ..as_it_is(present)
    };
    let manner = Manner {
        keeps_room: false,
        keeps_equipment: false,
        ..Booker::caller(ctx).manner(&Details::default())
    };
    let instead = next_free::Instead::of(&wish, manner);
    Err(next_free::told(ctx, tx, &instead, refused).await)
}

/// By the wall clock of the place, or before it is over.
fn require_same_day(present: &Appointment, now: Instant) -> Result<()> {
    let same_day = local_day(present, present.starts_at) == local_day(present, now);
    if same_day || now < present.ends_at {
        return Ok(());
    }
    let detail = "Who was missed can be checked in on the same day only; book another appointment.";
    let none: [&str; 0] = [];
    Err(Error::new(Code::IllegalTransition)
        .detail(detail)
        .with("allowed", serde_json::json!(none)))
}

/// The day on the wall of the place.
fn local_day(present: &Appointment, at: Instant) -> NaiveDate {
    at.with_timezone(&zone(&present.time_zone)).date_naive()
}

async fn reserve_anew(
    tx: &mut TenantTx,
    present: &Appointment,
    now: Instant,
) -> Result<(), Refused> {
    let service = services::get(tx, present.service_id)
        .await?
        .ok_or_else(Error::not_found)?;
    let wish = as_it_is(present);
    let lane = store_occupancy::free_place(tx, present.id, service.data.capacity, now).await?;
    let busy = store_occupancy::taken_since(tx, present.id, lane.is_none(), now).await?;
    // Who was booked over others may find them there still.
    let over: Vec<Uuid> = busy
        .iter()
        .copied()
        .filter(|id| present.overbooked && lenient(&wish).any(|one| one == *id))
        .collect();
    let in_the_way = busy.iter().copied().find(|id| !over.contains(id));
    if let Some(taken) = in_the_way {
        return Err(occupied(&wish, service, present, Some(taken), false));
    }
    if !over.is_empty() {
        let day = local_day(present, present.starts_at);
        booking::take_overbooking_place(tx, (&wish, &service), day, present.id).await?;
    }
    match store_occupancy::reserve_rest(tx, present.id, (&over, lane), now).await {
        Ok(()) => Ok(()),
        // Somebody was a moment faster.
        Err(error) if error.code() == Code::SlotTaken => {
            Err(occupied(&wish, service, present, None, true))
        }
        Err(error) => Err(error.into()),
    }
}

/// Those who may be booked over: not devices, and not the patient.
fn lenient(wish: &Placement) -> impl Iterator<Item = Uuid> + '_ {
    let staff = wish.staff.iter().map(|id| id.0);
    let room = wish.room.iter().map(|id| id.0);
    wish.providers
        .iter()
        .map(|id| id.0)
        .chain(staff)
        .chain(room)
}

fn occupied(
    wish: &Placement,
    service: Service,
    present: &Appointment,
    taken: Option<Uuid>,
    written: bool,
) -> Refused {
    Refused {
        error: occupancy::slot_taken(wish, service.data.capacity > 1, taken),
        found: Some((service, zone(&present.time_zone))),
        written,
    }
}
