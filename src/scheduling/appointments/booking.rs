//! Booking inside a transaction somebody else holds: for the operations here, for waiting lists, plans and demonstrations.

use chrono::NaiveDate;
use kernel::clock::Instant;
use kernel::ids::{AppointmentId, EncounterId, HoldId, PatientId, SeriesId, UserId, mint};
use kernel::{Code, Error, FieldError, OnConstraint, Result};
use platform::access::{Ctx, Role};
use platform::db::TenantTx;

use super::model::{Appointment, HoldStatus, Priority};
use super::occupancy::{self, Claim};
use super::placement::{Manner, Placed, Placement, Refused, require_still_there, work_out};
use super::{holds, planned, store, store_holds, store_lists, store_occupancy};
use crate::availability::{OwnTime, Promised};
use crate::services::{self, Service};
use crate::wall::zone;

/// Who books.
#[derive(Clone, Copy, Debug)]
pub struct Booker {
    pub user: Option<UserId>,
    /// None for the system.
    pub role: Option<Role>,
}

impl Booker {
    pub const SYSTEM: Self = Self {
        user: None,
        role: None,
    };

    /// A patient who does not log in, but has a link that proves who he is.
    pub const BY_LINK: Self = Self {
        user: None,
        role: Some(Role::Patient),
    };

    pub fn caller(ctx: &Ctx) -> Self {
        Self {
            user: Some(ctx.user()),
            role: Some(ctx.principal().role),
        }
    }

    /// Whether a patient acts for himself.
    pub(crate) fn is_himself(self) -> bool {
        self.role == Some(Role::Patient)
    }

    /// The role's name, or `system`.
    pub(super) fn role_name(self) -> &'static str {
        self.role.map_or("system", Role::as_str)
    }

    pub(super) fn manner(self, details: &Details) -> Manner<'static> {
        let himself = self.is_himself();
        Manner {
            only_self_booking: himself,
            only_needed: himself.then_some(&[]),
            overbook: details.overbook_reason.is_some(),
            keeps_room: true,
            keeps_equipment: true,
            promised: &[],
            own: None,
        }
    }
}

/// What is said of an appointment beside its place.
#[derive(Clone, Debug, Default)]
pub struct Details {
    pub priority: Priority,
    pub chief_complaint: Option<String>,
    pub notes: Option<String>,
    pub join_url: Option<String>,
    /// Books over what is occupied.
    pub overbook_reason: Option<String>,
    pub series: Option<SeriesId>,
    pub rescheduled_from: Option<AppointmentId>,
    /// The planned encounter it is for.
    pub encounter: Option<EncounterId>,
}

/// Books an appointment. The patient must be one the caller may see, and active ([`clinical::patients::require_active`]).
///
/// # Errors
/// A field error for what can't be booked so; `slot_taken` if somebody or something is occupied, `overbooking_full`. After an
/// error the transaction has to go back.
pub async fn book_in_tx(
    tx: &mut TenantTx,
    placement: Placement,
    details: &Details,
    by: Booker,
    now: Instant,
) -> Result<AppointmentId> {
    Ok(try_in_tx(tx, placement, details, by.manner(details), by, now).await?)
}

/// As [`book_in_tx`]; a refusal brings along what was found out by then.
pub(super) async fn try_in_tx(
    tx: &mut TenantTx,
    placement: Placement,
    details: &Details,
    manner: Manner<'_>,
    by: Booker,
    now: Instant,
) -> Result<AppointmentId, Refused> {
    let placed = work_out(tx, placement, manner, now).await?;
    let booked = book_for_plan(tx, &placed, details, by, now).await;
    booked.map_err(|error| Refused {
        error,
        found: Some((placed.service, zone(&placed.time_zone))),
        written: true,
    })
}

/// Books, and takes the planned encounter along that it is booked for.
async fn book_for_plan(
    tx: &mut TenantTx,
    placed: &Placed,
    details: &Details,
    by: Booker,
    now: Instant,
) -> Result<AppointmentId> {
    let id = book_placed(tx, placed, details, by, now).await?;
    planned::follows(tx, placed, details.encounter, now).await?;
    Ok(id)
}

/// A placement that was looked at.
#[derive(Clone, Debug)]
pub struct Ready(Placed);

impl Ready {
    /// Its providers' time, for those who look at more before they book any.
    pub(crate) fn promised(&self) -> impl Iterator<Item = Promised> + '_ {
        self.0.promised()
    }
}

/// The first half of [`book_in_tx`]: looks at a placement and takes nothing. It may be taken by the time it is booked.
///
/// # Errors
/// As [`book_in_tx`].
pub async fn look_in_tx(
    tx: &mut TenantTx,
    placement: Placement,
    by: Booker,
    now: Instant,
) -> Result<Ready> {
    look_among_in_tx(tx, placement, (None, (true, true)), &[], by, now).await
}

/// As [`look_in_tx`] for one of several, some of which were looked at before and are `promised`, or for one that is moved: what was
/// its `own` until now, and whether it keeps its room and its devices, or others of their kinds will do.
pub(crate) async fn look_among_in_tx(
    tx: &mut TenantTx,
    placement: Placement,
    (own, (keeps_room, keeps_equipment)): (Option<&OwnTime>, (bool, bool)),
    promised: &[Promised],
    by: Booker,
    now: Instant,
) -> Result<Ready> {
    let manner = Manner {
        keeps_room,
        keeps_equipment,
        promised,
        own,
        ..by.manner(&Details::default())
    };
    Ok(Ready(work_out(tx, placement, manner, now).await?))
}

/// The second half of [`book_in_tx`].
///
/// # Errors
/// `slot_taken`, `overbooking_full`; then the transaction has to go back.
pub async fn book_ready_in_tx(
    tx: &mut TenantTx,
    ready: &Ready,
    details: &Details,
    by: Booker,
    now: Instant,
) -> Result<AppointmentId> {
    book_placed(tx, &ready.0, details, by, now).await
}

async fn book_placed(
    tx: &mut TenantTx,
    placed: &Placed,
    details: &Details,
    by: Booker,
    now: Instant,
) -> Result<AppointmentId> {
    // A reason that is given for a time that is free books it as anybody does.
    let over = match details.overbook_reason {
        Some(_) => occupancy::booked_over(tx, placed, now).await?,
        None => Vec::new(),
    };
    let id = AppointmentId(mint());
    write(tx, id, placed, (details, !over.is_empty()), by, now).await?;
    if !over.is_empty() {
        let (wish, day) = (&placed.placement, placed.local_start.date());
        take_overbooking_place(tx, (wish, &placed.service), day, id).await?;
    }
    occupancy::take(tx, placed, Claim::Appointment { id }, &over, now).await?;
    Ok(id)
}

async fn write(
    tx: &mut TenantTx,
    id: AppointmentId,
    placed: &Placed,
    details: (&Details, bool),
    by: Booker,
    now: Instant,
) -> Result<()> {
    store::insert(tx, id, placed, details, by, now)
        .await
        .on_constraint("appointments_encounter_key", || {
            let rule = "has an appointment";
            Error::field("/encounter_id", "already_booked", rule)
        })
        // Tried again, it is booked by the new clock.
        .on_constraint("appointments_clock_check", || Error::new(Code::Unavailable))
}

/// Takes one of the places for being booked over others on a local day.
pub(super) async fn take_overbooking_place(
    tx: &mut TenantTx,
    (wish, service): (&Placement, &Service),
    day: NaiveDate,
    id: AppointmentId,
) -> Result<()> {
    let Some(resource) = wish.resources().first().copied() else {
        return Err(overbooking_full());
    };
    let places = service.data.overbook_per_day;
    if store_occupancy::take_overbooking_place(tx, resource, day, places, id).await? {
        Ok(())
    } else {
        Err(overbooking_full())
    }
}

fn overbooking_full() -> Error {
    let rule = "must leave the day within what the service allows";
    let field = FieldError::new("/overbook_reason", "day_full", rule);
    Error::new(Code::OverbookingFull).with_fields(vec![field])
}

/// A hold that keeps nothing any more.
fn of_the_hold(code: Code, why: &'static str) -> Error {
    let field = FieldError::new("/hold_id", why, "must name an open hold");
    Error::new(code).with_fields(vec![field])
}

/// Makes an appointment of what a hold keeps free. `patient`: whose hold it must be, if that matters.
///
/// # Errors
/// `hold_expired` or `hold_closed`; `outside_availability` for what is not there any more; a field error if there is no such hold.
pub async fn book_hold_in_tx(
    tx: &mut TenantTx,
    hold: HoldId,
    patient: Option<PatientId>,
    details: &Details,
    by: Booker,
    now: Instant,
) -> Result<AppointmentId> {
    let found = store_holds::lock(tx, hold, now).await?;
    let found = found.filter(|found| patient.is_none_or(|patient| patient == found.patient_id));
    let Some(found) = found else {
        return Err(Error::field("/hold_id", "no_such_hold", "must name a hold"));
    };
    match found.status {
        HoldStatus::Open => {}
        HoldStatus::Expired => return Err(of_the_hold(Code::HoldExpired, "expired")),
        HoldStatus::Booked | HoldStatus::Released => {
            return Err(of_the_hold(Code::HoldClosed, "closed"));
        }
    }
    if found.starts_at < now {
        let rule = "must keep a time that does not lie in the past";
        return Err(Error::field("/hold_id", "in_the_past", rule));
    }
    clinical::patients::require_active(tx, found.patient_id).await?;
    planned::require(tx, found.patient_id, details.encounter).await?;
    let id = AppointmentId(mint());
    let service = services::get(tx, found.service_id)
        .await?
        .ok_or_else(Error::not_found)?;
    let placed = holds::placed(tx, &found, service, now).await?;
    // Whom it keeps may have time off since, or have left: an offer is open for a night.
    require_still_there(tx, &placed).await?;
    write(tx, id, &placed, (details, false), by, now).await?;
    if !store_occupancy::hand_over(tx, hold, id).await? {
        return Err(of_the_hold(Code::HoldExpired, "expired"));
    }
    store_holds::close(tx, hold, HoldStatus::Booked, now).await?;
    planned::follows(tx, &placed, details.encounter, now).await?;
    Ok(id)
}

/// The appointment, if the caller may see it.
pub async fn find_in_tx(tx: &mut TenantTx, id: AppointmentId) -> Result<Option<Appointment>> {
    store::find(tx, None, id).await
}

/// As [`find_in_tx`]; `not_found` otherwise.
pub async fn get_in_tx(tx: &mut TenantTx, id: AppointmentId) -> Result<Appointment> {
    find_in_tx(tx, id).await?.ok_or_else(Error::not_found)
}

/// Those of these appointments that the caller may see, in their order of time.
pub async fn of_ids_in_tx(tx: &mut TenantTx, ids: &[AppointmentId]) -> Result<Vec<Appointment>> {
    store_lists::of_ids(tx, ids).await
}

/// What of a series is still to come from an instant on, locked, in its order of time.
pub(crate) async fn lock_open_of_series(
    tx: &mut TenantTx,
    series: SeriesId,
    from: Instant,
) -> Result<Vec<Appointment>> {
    let ids = store_lists::lock_open_of_series(tx, series, from).await?;
    store_lists::of_ids(tx, &ids).await
}
