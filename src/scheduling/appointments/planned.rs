//! The planned encounter an appointment is booked for: it moves with the appointment, is called off with it, and missed with it.
//!
//! By its own rules: one that has begun or is over stays as it is. What else was planned of it, where it is and who attends, is the
//! clinician's and stays, too.
//!
//! Traps: the month it moves to must be there before the transaction begins that moves it ([`ensure_month`]).

use chrono::TimeDelta;
use clinical::encounters::{self, EncounterStatus};
use kernel::clock::Instant;
use kernel::ids::{EncounterId, PatientId};
use kernel::{Error, Result};
use platform::access::Ctx;
use platform::db::TenantTx;

use super::model::Appointment;
use super::placement::Placed;

/// No service is booked further ahead.
const FAR: TimeDelta = TimeDelta::days(1100);

/// That an encounter which is named is one of the patient's that has not begun.
pub(super) async fn require(
    tx: &mut TenantTx,
    patient: PatientId,
    encounter: Option<EncounterId>,
) -> Result<()> {
    let Some(encounter) = encounter else {
        return Ok(());
    };
    let found = encounters::find_in_tx(tx, Some(patient), encounter).await?;
    if found.map(|found| found.record.status) == Some(EncounterStatus::Scheduled) {
        return Ok(());
    }
    let rule = "must name an encounter of the patient that is scheduled";
    Err(Error::field("/encounter_id", "no_such_encounter", rule))
}

/// Makes the month of a time that somebody asks for, where it can be booked at all.
pub(super) async fn ensure_month(ctx: &Ctx, at: Instant) -> Result<()> {
    if (ctx.now()..ctx.now() + FAR).contains(&at) {
        encounters::ensure_months(&ctx.app().db, [at]).await?;
    }
    Ok(())
}

/// It is planned for the time that was booked for it.
pub(super) async fn follows(
    tx: &mut TenantTx,
    placed: &Placed,
    encounter: Option<EncounterId>,
    now: Instant,
) -> Result<()> {
    if let Some(encounter) = encounter {
        let wish = &placed.placement;
        encounters::move_in_tx(tx, wish.patient, encounter, wish.starts_at, now).await?;
    }
    Ok(())
}

/// The patient who was marked as missed is here: what was planned for the appointment is to come again.
pub(super) async fn is_expected_again(
    tx: &mut TenantTx,
    appointment: &Appointment,
    now: Instant,
) -> Result<()> {
    if let Some(encounter) = appointment.encounter_id {
        encounters::expect_again_in_tx(tx, appointment.patient_id, encounter, now).await?;
    }
    Ok(())
}

/// The appointment does not take place: nor does what was planned for it.
pub(super) async fn ends(
    tx: &mut TenantTx,
    appointment: &Appointment,
    status: EncounterStatus,
    reason: Option<&str>,
    now: Instant,
) -> Result<()> {
    if let Some(encounter) = appointment.encounter_id {
        let patient = appointment.patient_id;
        encounters::call_off_in_tx(tx, patient, encounter, status, reason, now).await?;
    }
    Ok(())
}
