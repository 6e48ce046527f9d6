//! The steps from scheduled to the end.
//!
//! Each locks the appointment first, so two at once are one after the other; the present status decides whether a step is
//! legal, so none says from which version it was made.

use chrono::TimeDelta;
use clinical::encounters::{self, EncounterClass, EncounterRecord, EncounterStatus, NewEncounter};
use kernel::clock::Instant;
use kernel::ids::{AppointmentId, EncounterId, UserId};
use kernel::{Code, Error, Result};
use platform::access::{Ctx, Permission, Role};
use platform::db::TenantTx;
use platform::http::Answer;

use super::model::{Appointment, AppointmentCancellation, CancelledBy};
use super::service::commit;
use super::status::AppointmentStatus;
use super::store::{self, Ending};
use super::{booking, late, planned, store_occupancy};
use crate::booking_rules;
use crate::services::AppointmentType;

/// Nobody arrives earlier than that.
const EARLIEST: TimeDelta = TimeDelta::hours(24);

pub(super) async fn confirm(ctx: &Ctx, id: AppointmentId) -> Result<Answer<Appointment>> {
    let mut tx = ctx.begin(Permission::AppointmentRespond).await?;
    confirm_in_tx(&mut tx, id, ctx.now()).await?;
    commit(ctx, tx, id).await
}

/// The patient will come: he or somebody for him says so.
///
/// # Errors
/// `illegal_transition`, `not_found`; `patient_not_active`, or that he was merged into another.
pub async fn confirm_in_tx(tx: &mut TenantTx, id: AppointmentId, now: Instant) -> Result<()> {
    let present = store::lock(tx, id).await?;
    let next = present.status.step(AppointmentStatus::Confirmed)?;
    clinical::patients::require_active(tx, present.patient_id).await?;
    store::step(tx, id, next, None, now).await
}

pub(super) async fn check_in(ctx: &Ctx, id: AppointmentId) -> Result<Answer<Appointment>> {
    let mut tx = ctx.begin(Permission::AppointmentManage).await?;
    let present = store::lock(&mut tx, id).await?;
    let next = present.status.step(AppointmentStatus::CheckedIn)?;
    clinical::patients::require_active(&mut tx, present.patient_id).await?;
    if present.status == AppointmentStatus::NoShow {
        tx = late::take_back(ctx, tx, &present).await?;
        store::leave_room(&mut tx, id, ctx.now()).await?;
    }
    if present.starts_at - ctx.now() > EARLIEST {
        return Err(Error::new(Code::TooEarly));
    }
    store::step(&mut tx, id, next, None, ctx.now()).await?;
    commit(ctx, tx, id).await
}

/// Starts the visit: its planned encounter, or one that is opened for it.
pub(super) async fn start(ctx: &Ctx, id: AppointmentId) -> Result<Answer<Appointment>> {
    // The encounter's month must be there before the transaction that writes into it.
    let mut look = ctx.look(Permission::EncounterConduct).await?;
    let planned = booking::get_in_tx(&mut look, id).await?;
    drop(look);
    encounters::ensure_months(&ctx.app().db, [planned.starts_at]).await?;
    let mut tx = ctx.begin(Permission::EncounterConduct).await?;
    let present = store::lock(&mut tx, id).await?;
    let next = present.status.step(AppointmentStatus::InProgress)?;
    clinical::patients::require_active(&mut tx, present.patient_id).await?;
    let encounter = match present.encounter_id {
        Some(planned)
            if encounters::start_in_tx(&mut tx, present.patient_id, planned, ctx.now()).await? =>
        {
            planned
        }
        // There is none, or it is over: called off, or written up before.
        _ => open_encounter(&mut tx, &present, ctx.user(), ctx.now()).await?,
    };
    store::step(&mut tx, id, next, Some(encounter), ctx.now()).await?;
    commit(ctx, tx, id).await
}

async fn open_encounter(
    tx: &mut TenantTx,
    appointment: &Appointment,
    user: UserId,
    now: Instant,
) -> Result<EncounterId> {
    let id = EncounterId::new();
    let new = NewEncounter {
        class: class_of(appointment.kind),
        scheduled_start: appointment.starts_at,
        scheduled_end: Some(appointment.ends_at),
        time_zone: None,
        facility_id: Some(appointment.facility_id),
        department_id: None,
        attending_provider_id: appointment.provider_id,
        chief_complaint: appointment.chief_complaint.clone(),
        reason_codes: Vec::new(),
    };
    let zone = appointment.time_zone.clone();
    let mut record = EncounterRecord::scheduled(id, appointment.patient_id, new, zone);
    record.status = EncounterStatus::InProgress;
    record.actual_start = Some(now);
    encounters::record_in_tx(tx, &[record], Some(user), now).await?;
    Ok(id)
}

const fn class_of(kind: AppointmentType) -> EncounterClass {
    match kind {
        AppointmentType::Emergency => EncounterClass::Emergency,
        AppointmentType::Telemedicine => EncounterClass::Telemedicine,
        AppointmentType::Surgery | AppointmentType::Procedure => EncounterClass::Procedure,
        AppointmentType::Consultation => EncounterClass::Consultation,
        AppointmentType::FollowUp
        | AppointmentType::Diagnostic
        | AppointmentType::Immunization
        | AppointmentType::Therapy
        | AppointmentType::Group
        | AppointmentType::Other => EncounterClass::OfficeVisit,
    }
}

/// The visit is over; what is left of its time is free. Its encounter is the clinician's to complete.
pub(super) async fn complete(ctx: &Ctx, id: AppointmentId) -> Result<Answer<Appointment>> {
    let mut tx = ctx.begin(Permission::AppointmentManage).await?;
    let status = store::lock(&mut tx, id).await?.status;
    let next = status.step(AppointmentStatus::Completed)?;
    store::step(&mut tx, id, next, None, ctx.now()).await?;
    store_occupancy::release_rest(&mut tx, id, ctx.now()).await?;
    commit(ctx, tx, id).await
}

/// The patient did not come.
pub(super) async fn miss(ctx: &Ctx, id: AppointmentId) -> Result<Answer<Appointment>> {
    let mut tx = ctx.begin(Permission::AppointmentManage).await?;
    let present = store::lock(&mut tx, id).await?;
    let status = present.status.step(AppointmentStatus::NoShow)?;
    if present.starts_at > ctx.now() {
        return Err(Error::new(Code::TooEarly));
    }
    let how = Ending {
        status,
        by: None,
        reason: None,
        closed_by: Some(ctx.user()),
    };
    store::end(&mut tx, &[id], &how, ctx.now()).await?;
    store_occupancy::release(&mut tx, &[id], ctx.now()).await?;
    planned::ends(&mut tx, &present, EncounterStatus::NoShow, None, ctx.now()).await?;
    commit(ctx, tx, id).await
}

pub(super) async fn cancel(
    ctx: &Ctx,
    id: AppointmentId,
    why: AppointmentCancellation,
) -> Result<Answer<Appointment>> {
    let by = by_whom(ctx, why.by)?;
    let mut tx = ctx.begin(Permission::AppointmentRespond).await?;
    let present = store::lock(&mut tx, id).await?;
    if ctx.acts_for_himself() {
        require_to_come(&present)?;
    }
    require_notice(ctx, &mut tx, present.starts_at).await?;
    cancel_in_tx(&mut tx, id, by, &why.reason, Some(ctx.user()), ctx.now()).await?;
    commit(ctx, tx, id).await
}

/// Whose wish a cancellation is. A patient speaks for himself.
pub(crate) fn by_whom(ctx: &Ctx, said: Option<CancelledBy>) -> Result<CancelledBy> {
    match said {
        None | Some(CancelledBy::Patient) if ctx.acts_for_himself() => Ok(CancelledBy::Patient),
        Some(_) if ctx.acts_for_himself() => Err(Error::field(
            "/by",
            "not_yours",
            "must be patient, or be left out",
        )),
        Some(by) => Ok(by),
        None if ctx.principal().role == Role::Provider => Ok(CancelledBy::Provider),
        None => Ok(CancelledBy::Facility),
    }
}

/// A patient cancels and moves his appointments himself only so long before.
pub(super) async fn require_notice(ctx: &Ctx, tx: &mut TenantTx, starts_at: Instant) -> Result<()> {
    if !ctx.acts_for_himself() {
        return Ok(());
    }
    let rules = booking_rules::in_force(tx).await?;
    let notice = TimeDelta::minutes(i64::from(rules.cancel_notice_minutes));
    if starts_at - ctx.now() < notice {
        return Err(Error::new(Code::TooLateToCancel));
    }
    Ok(())
}

/// A patient cancels what is to come; once he is here, he says so to the office.
fn require_to_come(present: &Appointment) -> Result<()> {
    if present.status.is_open() {
        return Ok(());
    }
    let none: [&str; 0] = [];
    Err(Error::new(Code::IllegalTransition).with("allowed", serde_json::json!(none)))
}

/// As [`cancel_in_tx`], by the patient himself, who does not log in.
///
/// # Errors
/// `illegal_transition` unless it is to come; `not_found`.
pub async fn cancel_himself_in_tx(
    tx: &mut TenantTx,
    id: AppointmentId,
    reason: &str,
    now: Instant,
) -> Result<()> {
    require_to_come(&store::lock(tx, id).await?)?;
    cancel_in_tx(tx, id, CancelledBy::Patient, reason, None, now).await
}

/// Cancels an appointment and gives its time back; the encounter planned for it is cancelled, too.
///
/// # Errors
/// `illegal_transition`, `not_found`.
pub async fn cancel_in_tx(
    tx: &mut TenantTx,
    id: AppointmentId,
    by: CancelledBy,
    reason: &str,
    user: Option<UserId>,
    now: Instant,
) -> Result<()> {
    let present = store::lock(tx, id).await?;
    let how = Ending {
        status: present.status.step(AppointmentStatus::Cancelled)?,
        by: Some(by),
        reason: Some(reason),
        closed_by: user,
    };
    store::end(tx, &[id], &how, now).await?;
    store_occupancy::release(tx, &[id], now).await?;
    planned::ends(tx, &present, EncounterStatus::Cancelled, Some(reason), now).await
}
