//! Holds: a time kept free for a short while, to look at the calendar together or to wait for an answer.
//!
//! A hold that has run out is not open any more the moment it runs out, though its row says so only when somebody touches it.

use chrono::TimeDelta;
use kernel::clock::Instant;
use kernel::ids::{AppointmentId, HoldId, mint};
use kernel::{Code, Error, Result};
use platform::access::{Ctx, Disclosure, Permission};
use platform::audit::Action;
use platform::db::TenantTx;
use platform::http::Answer;

use super::booking::{Booker, Details};
use super::model::{Hold, HoldStatus, NewHold};
use super::occupancy::{self, Claim};
use super::placement::{Placed, Placement, Refused, Timing, work_out};
use super::{line, next_free, service, store_holds as store, store_occupancy, store_places};
use crate::availability::Obstacle;
use crate::services::Service;
use crate::wall::zone;

const MINUTES: i32 = 5;

pub(super) async fn hold(ctx: &Ctx, new: NewHold) -> Result<Answer<Hold>> {
    // Who may not is refused, and the refusal recorded, before anybody stands in line behind him.
    if ctx.require(Permission::AppointmentBook).is_err() {
        ctx.begin(Permission::AppointmentBook).await?;
    }
    let patient = service::named_patient(ctx, new.patient_id)?;
    let minutes = new.ttl_minutes.unwrap_or(MINUTES);
    let wish = Placement {
        patient,
        service: new.service_id,
        facility: new.facility_id,
        providers: new
            .provider_id
            .into_iter()
            .chain(new.other_provider_ids)
            .collect(),
        staff: new.staff_ids,
        room: new.room_id,
        equipment: new.equipment_ids,
        starts_at: new.starts_at,
        timing: None,
    };
    let turn = line::stand(ctx.tenant(), &wish).await;
    let mut tx = ctx.begin_by_keys(Permission::AppointmentBook).await?;
    service::require_patient(&mut tx, patient).await?;
    service::require_own_limits(ctx, &mut tx, patient).await?;
    let until = ctx.now() + TimeDelta::minutes(i64::from(minutes));
    let by = Booker::caller(ctx);
    let held = try_in_tx(&mut tx, wish.clone(), until, by, ctx.now()).await;
    let id = match held {
        Ok(id) => id,
        Err(refused) => {
            drop(turn);
            let wish = next_free::Instead::of(&wish, by.manner(&Details::default()));
            return Err(next_free::told(ctx, tx, &wish, refused).await);
        }
    };
    let hold = get(&mut tx, id, ctx.now()).await?;
    let version = hold.version;
    tx.commit(
        Disclosure::of("appointment_hold", Action::Create, patient, id, hold)
            .created_at(format!("/api/v1/holds/{id}"))
            .version(version),
    )
    .await
}

pub(super) async fn read(ctx: &Ctx, id: HoldId) -> Result<Answer<Hold>> {
    let mut tx = ctx.begin(Permission::AppointmentRead).await?;
    let hold = get(&mut tx, id, ctx.now()).await?;
    let (patient, version) = (hold.patient_id, hold.version);
    tx.finish(Disclosure::of("appointment_hold", Action::Read, patient, id, hold).version(version))
        .await
}

pub(super) async fn release(ctx: &Ctx, id: HoldId) -> Result<Answer<Hold>> {
    let mut tx = ctx.begin_by_keys(Permission::AppointmentBook).await?;
    refuse_offered(&mut tx, id).await?;
    release_hold_in_tx(&mut tx, id, ctx.now()).await?;
    let hold = get(&mut tx, id, ctx.now()).await?;
    let (patient, version) = (hold.patient_id, hold.version);
    tx.commit(
        Disclosure::of("appointment_hold", Action::Update, patient, id, hold).version(version),
    )
    .await
}

/// What keeps a place that the waitlist offers is its offer's: it ends with its answer, and with nothing else.
pub(super) async fn refuse_offered(tx: &mut TenantTx, id: HoldId) -> Result<()> {
    if store::is_offered(tx, id).await? {
        let detail = "It keeps what the waitlist offers: accept or decline the offer.";
        return Err(Error::new(Code::HoldClosed).detail(detail));
    }
    Ok(())
}

/// What was booked of a hold and stands, or what took its place.
pub(crate) async fn booked_of_hold(tx: &mut TenantTx, id: HoldId) -> Result<Option<AppointmentId>> {
    store::booked(tx, id).await
}

/// A hold as it is now; `not_found` if the caller may not see it.
pub(crate) async fn hold_by_id(tx: &mut TenantTx, id: HoldId, now: Instant) -> Result<Hold> {
    get(tx, id, now).await
}

async fn get(tx: &mut TenantTx, id: HoldId, now: Instant) -> Result<Hold> {
    store::find(tx, id, now).await?.ok_or_else(Error::not_found)
}

/// Keeps a time free until `expires_at`, at most until it begins. As [`super::book_in_tx`], of which it is the first half.
pub async fn hold_in_tx(
    tx: &mut TenantTx,
    placement: Placement,
    expires_at: Instant,
    by: Booker,
    now: Instant,
) -> Result<HoldId> {
    Ok(try_in_tx(tx, placement, expires_at, by, now).await?)
}

async fn try_in_tx(
    tx: &mut TenantTx,
    placement: Placement,
    expires_at: Instant,
    by: Booker,
    now: Instant,
) -> Result<HoldId, Refused> {
    let placed = work_out(tx, placement, by.manner(&Details::default()), now).await?;
    let id = HoldId(mint());
    // From then on there is nothing left to keep.
    let expires_at = expires_at.min(placed.placement.starts_at);
    store::insert(tx, id, &placed, expires_at, by.user, now).await?;
    let claim = Claim::Hold { id, expires_at };
    match occupancy::take(tx, &placed, claim, &[], now).await {
        Ok(()) => Ok(id),
        Err(error) => Err(Refused {
            error,
            found: Some((placed.service, zone(&placed.time_zone))),
            written: true,
        }),
    }
}

/// Gives a hold back. One that has run out or was given back before stays as it is.
///
/// # Errors
/// `hold_closed` if it was booked; `not_found`.
pub async fn release_hold_in_tx(tx: &mut TenantTx, id: HoldId, now: Instant) -> Result<()> {
    let hold = store::lock(tx, id, now)
        .await?
        .ok_or_else(Error::not_found)?;
    let end = match hold.status {
        HoldStatus::Open => HoldStatus::Released,
        HoldStatus::Expired => HoldStatus::Expired,
        HoldStatus::Released => return Ok(()),
        HoldStatus::Booked => return Err(Error::new(Code::HoldClosed)),
    };
    store_occupancy::release_hold(tx, id, now).await?;
    store::close(tx, id, end, now).await
}

/// The placement a hold keeps, as it was promised: what it names was looked at when it was made, and what the service takes and needs
/// by now is another's. Only who leads has to have the skills it needs today.
pub(super) async fn placed(
    tx: &mut TenantTx,
    hold: &Hold,
    mut service: Service,
    now: Instant,
) -> Result<Placed> {
    let held = store_occupancy::held_by_hold(tx, hold.id).await?;
    let promised = (hold.starts_at, hold.ends_at);
    Timing::of_times(promised, held.unwrap_or(promised)).put_into(&mut service);
    service.data.needs_provider = hold.provider_id.is_some();
    service.data.room_kind = None;
    service.data.equipment_kinds.clear();
    let placement = Placement {
        patient: hold.patient_id,
        service: hold.service_id,
        facility: hold.facility_id,
        providers: hold
            .provider_id
            .into_iter()
            .chain(hold.other_provider_ids.iter().copied())
            .collect(),
        staff: hold.staff_ids.clone(),
        room: hold.room_id,
        equipment: hold.equipment_ids.clone(),
        starts_at: hold.starts_at,
        timing: None,
    };
    let facts = store_places::facts(tx, &placement, &service, (&[], None), now)
        .await?
        .ok_or_else(Error::not_found)?;
    if !facts.active {
        let (pointer, code) = ("/facility_id", "inactive");
        let rule = "must be active";
        return Err(Obstacle {
            pointer,
            code,
            rule,
        }
        .into());
    }
    // Providers are looked for by their hours, and who has left has none; other staff keeps what it had.
    if usize::try_from(facts.staff) != Ok(hold.staff_ids.len()) {
        let (pointer, code) = ("/staff_ids", "no_such_staff");
        let rule = "must name active members of the staff";
        return Err(Obstacle {
            pointer,
            code,
            rule,
        }
        .into());
    }
    let wall = zone(&facts.time_zone);
    Ok(Placed {
        ends_at: hold.ends_at,
        local_start: hold.starts_at.with_timezone(&wall).naive_local(),
        time_zone: facts.time_zone,
        busy: Vec::new(),
        stale_holds: false,
        own: None,
        placement,
        service,
    })
}
