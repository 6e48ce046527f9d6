//! Rescheduling: a new appointment takes the place of the old one, in one transaction, and says whose.
//!
//! It goes on with the same people, room and devices. A room or device of a kind the service needs, which nobody named for the
//! new time, gives way to another of its kind if it is taken or closed then, or gone; the answer says so. So it does of who has
//! left since.
//!
//! What it holds until then is its own for where it goes: whoever is booked over it stays so there, and has the rest.

use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::{AppointmentId, AssetId, ProviderId, StaffId};
use platform::access::{Ctx, Disclosure, Permission};
use platform::audit::Action;
use platform::db::TenantTx;
use platform::http::Answer;
use uuid::Uuid;

use super::booking::{self, Booker, Details};
use super::model::{Appointment, AppointmentMove, Rescheduled};
use super::placement::{Manner, Placement, Refused, Timing};
use super::service::shown;
use super::status::AppointmentStatus;
use super::steps::require_notice;
use super::store::{self, Ending};
use super::{next_free, planned, store_occupancy};
use crate::availability::OwnTime;
use crate::services;

pub(super) async fn reschedule(
    ctx: &Ctx,
    id: AppointmentId,
    wanted: AppointmentMove,
) -> Result<Answer<Rescheduled>> {
    if wanted.overbook_reason.is_some() {
        ctx.require(Permission::AppointmentOverbook)?;
    }
    let mut tx = ctx.begin_by_keys(Permission::AppointmentRespond).await?;
    let mut present = store::lock(&mut tx, id).await?;
    if present.encounter_id.is_some() {
        drop(tx);
        planned::ensure_month(ctx, wanted.starts_at).await?;
        tx = ctx.begin_by_keys(Permission::AppointmentRespond).await?;
        present = store::lock(&mut tx, id).await?;
    }
    require_notice(ctx, &mut tx, present.starts_at).await?;
    let by = Booker::caller(ctx);
    let left = without_left(&mut tx, &mut present).await?;
    let made = match try_in_tx(&mut tx, &present, &wanted, by, ctx.now()).await {
        Ok(made) => made,
        Err(refused) => {
            let (wish, agreed) = (placement(&present, &wanted), as_it_is(&present).resources());
            let manner = manner(by.manner(&Details::default()), &wanted, &agreed);
            let mut instead = next_free::Instead::of(&wish, manner);
            instead.moved = Some((present.id, present.starts_at));
            return Err(next_free::told(ctx, tx, &instead, refused).await);
        }
    };
    let appointment = booking::get_in_tx(&mut tx, made).await?;
    let (patient, version) = (appointment.patient_id, appointment.version);
    let replaced = replaced(&present, &wanted, &appointment);
    let shown = Rescheduled {
        appointment: shown(ctx, appointment),
        replaced_asset_ids: replaced,
        left_provider_ids: left.providers,
        left_staff_ids: left.staff,
    };
    tx.commit(Disclosure::of("appointment", Action::Create, patient, made, shown).version(version))
        .await
}

/// Moves an appointment. Returns the one that took its place.
///
/// # Errors
/// `illegal_transition`, `not_found`, and those of [`super::book_in_tx`]; then the transaction has to go back.
pub async fn reschedule_in_tx(
    tx: &mut TenantTx,
    id: AppointmentId,
    wanted: &AppointmentMove,
    by: Booker,
    now: Instant,
) -> Result<AppointmentId> {
    let mut present = store::lock(tx, id).await?;
    without_left(tx, &mut present).await?;
    Ok(try_in_tx(tx, &present, wanted, by, now).await?)
}

async fn try_in_tx(
    tx: &mut TenantTx,
    present: &Appointment,
    wanted: &AppointmentMove,
    by: Booker,
    now: Instant,
) -> Result<AppointmentId, Refused> {
    clinical::patients::require_active(tx, present.patient_id).await?;
    let timing = own_timing(tx, present).await?;
    let own = own_time(tx, present.id).await?;
    vacate_in_tx(tx, present, &wanted.reason, by, now).await?;
    let details = Details {
        priority: present.priority,
        chief_complaint: present.chief_complaint.clone(),
        notes: present.notes.clone(),
        join_url: present.join_url.clone(),
        overbook_reason: wanted.overbook_reason.clone(),
        series: present.series_id,
        rescheduled_from: Some(present.id),
        encounter: present.encounter_id,
    };
    let agreed = as_it_is(present).resources();
    let manner = Manner {
        own: own.as_ref(),
        ..manner(by.manner(&details), wanted, &agreed)
    };
    let wish = Placement {
        timing,
        ..placement(present, wanted)
    };
    let booked = booking::try_in_tx(tx, wish, &details, manner, by, now).await;
    // The old one has given its time back.
    let booked = booked.map_err(|refused| Refused {
        written: true,
        ..refused
    })?;
    hand_on_in_tx(tx, &[present.id], now).await?;
    Ok(booked)
}

/// How what stands is booked anew.
fn manner<'a>(his: Manner<'a>, wanted: &AppointmentMove, agreed: &'a [Uuid]) -> Manner<'a> {
    Manner {
        // It is his already, whoever booked it.
        only_self_booking: false,
        only_needed: his.only_needed.map(|_| agreed),
        keeps_room: wanted.room_id.is_some(),
        keeps_equipment: !wanted.equipment_ids.is_empty(),
        ..his
    }
}

/// Those who were agreed on for an appointment and have left.
pub(crate) struct Left {
    pub providers: Vec<ProviderId>,
    pub staff: Vec<StaffId>,
}

/// Takes those out of an appointment who were to be there and have left since. The one who leads stays: somebody has to be named
/// in his place.
pub(crate) async fn without_left(tx: &mut TenantTx, present: &mut Appointment) -> Result<Left> {
    let left = store_occupancy::left_since_agreed(tx, present.id).await?;
    let gone = |id: Uuid| left.contains(&id);
    let others = &mut present.other_provider_ids;
    Ok(Left {
        providers: others.extract_if(.., |id| gone(id.0)).collect(),
        staff: present.staff_ids.extract_if(.., |id| gone(id.0)).collect(),
    })
}

/// What an appointment holds until it is moved, to be asked for before it is vacated.
pub(crate) async fn own_time(tx: &mut TenantTx, id: AppointmentId) -> Result<Option<OwnTime>> {
    store_occupancy::own_time(tx, id).await
}

/// The rooms and devices that others took the place of, though nobody asked for that.
fn replaced(before: &Appointment, wanted: &AppointmentMove, now: &Appointment) -> Vec<AssetId> {
    let room = before
        .room_id
        .filter(|room| wanted.room_id.is_none() && now.room_id != Some(*room));
    let devices =
        before.equipment_ids.iter().copied().filter(|device| {
            wanted.equipment_ids.is_empty() && !now.equipment_ids.contains(device)
        });
    room.into_iter().chain(devices).collect()
}

/// The minutes an appointment takes, where those are not its service's: it keeps what was agreed.
pub(crate) async fn own_timing(tx: &mut TenantTx, present: &Appointment) -> Result<Option<Timing>> {
    let Some(held) = store_occupancy::held(tx, present.id).await? else {
        return Ok(None);
    };
    let service = services::get(tx, present.service_id).await?;
    let its = Timing::of_times((present.starts_at, present.ends_at), held);
    Ok(Some(its).filter(|its| service.is_some_and(|it| Timing::of_service(&it) != *its)))
}

/// Locks these, so that nobody else changes them before the transaction is over. Those that are not there are left out.
///
/// # Errors
/// The database's.
pub async fn lock_all_in_tx(tx: &mut TenantTx, ids: &[AppointmentId]) -> Result<()> {
    store::lock_all(tx, ids).await
}

/// The first half of [`reschedule_in_tx`]: a locked appointment gives its time back and is rescheduled. The caller books what
/// takes its place, in the same transaction, and then hands on what is left of its time ([`hand_on_in_tx`]).
///
/// # Errors
/// `illegal_transition`.
pub async fn vacate_in_tx(
    tx: &mut TenantTx,
    present: &Appointment,
    reason: &str,
    by: Booker,
    now: Instant,
) -> Result<()> {
    let how = Ending {
        status: present.status.step(AppointmentStatus::Rescheduled)?,
        by: None,
        reason: Some(reason),
        closed_by: by.user,
    };
    store::end(tx, &[present.id], &how, now).await?;
    store_occupancy::give_back(tx, &[present.id]).await
}

/// What vacated appointments held, and those who took their places do not, goes to whoever is booked over it first.
///
/// # Errors
/// The database's.
pub async fn hand_on_in_tx(
    tx: &mut TenantTx,
    vacated: &[AppointmentId],
    now: Instant,
) -> Result<()> {
    store_occupancy::hand_on(tx, vacated, now).await
}

/// The appointments that hold somebody or something within a time.
///
/// # Errors
/// The database's.
pub async fn holding_in_tx(
    tx: &mut TenantTx,
    resources: &[Uuid],
    span: (Instant, Instant),
) -> Result<Vec<AppointmentId>> {
    store_occupancy::appointments_at(tx, resources, span).await
}

/// Its providers when this one leads: he may have been one of the others until now.
pub(crate) fn led_by(leader: Option<ProviderId>, present: &Appointment) -> Vec<ProviderId> {
    let others = present.other_provider_ids.iter().copied();
    let others = others.filter(|other| leader != Some(*other));
    leader.into_iter().chain(others).collect()
}

/// Where it is.
pub(super) fn as_it_is(present: &Appointment) -> Placement {
    Placement {
        patient: present.patient_id,
        service: present.service_id,
        facility: present.facility_id,
        providers: led_by(present.provider_id, present),
        staff: present.staff_ids.clone(),
        room: present.room_id,
        equipment: present.equipment_ids.clone(),
        starts_at: present.starts_at,
        timing: None,
    }
}

/// Where it goes: as before in all that is not said. In another facility there are other rooms.
fn placement(present: &Appointment, wanted: &AppointmentMove) -> Placement {
    let facility = wanted.facility_id.unwrap_or(present.facility_id);
    let stays = facility == present.facility_id;
    let equipment = if !wanted.equipment_ids.is_empty() {
        wanted.equipment_ids.clone()
    } else if stays {
        present.equipment_ids.clone()
    } else {
        Vec::new()
    };
    Placement {
        facility,
        providers: led_by(wanted.provider_id.or(present.provider_id), present),
        room: wanted.room_id.or(present.room_id.filter(|_| stays)),
        equipment,
        starts_at: wanted.starts_at,
        ..as_it_is(present)
    }
}
