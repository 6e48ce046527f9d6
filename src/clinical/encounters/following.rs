//! A planned encounter goes where the visit goes that was booked for it. No schedule of its own is asked for: it was.

use chrono::SubsecRound;
use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::{EncounterId, PatientId};
use platform::db::TenantTx;

use super::status::EncounterStatus;
use super::store;

/// Plans an encounter for another start; its end moves along. Returns whether it was still to come: one that has begun or is over
/// stays where it is. The month must be there: [`super::ensure_months`].
///
/// # Errors
/// `not_found` if there is none with this id of this patient.
pub async fn move_in_tx(
    tx: &mut TenantTx,
    patient: PatientId,
    id: EncounterId,
    start: Instant,
    now: Instant,
) -> Result<bool> {
    let mut record = store::lock(tx, patient, id).await?.record;
    if record.status != EncounterStatus::Scheduled {
        return Ok(false);
    }
    let (before, start) = (record.scheduled_start, start.trunc_subsecs(6));
    if start != before {
        let end = record.end_if_begun(start);
        record.plan(start, end);
        store::update(tx, before, &record, now).await?;
    }
    Ok(true)
}

/// Ends an encounter that does not take place: cancelled for a reason, or missed. Returns whether it did: one that has begun or is
/// over stays as it is.
///
/// # Errors
/// `not_found` if there is none with this id of this patient.
pub async fn call_off_in_tx(
    tx: &mut TenantTx,
    patient: PatientId,
    id: EncounterId,
    status: EncounterStatus,
    reason: Option<&str>,
    now: Instant,
) -> Result<bool> {
    let mut record = store::lock(tx, patient, id).await?.record;
    let Ok(ended) = record.status.step(status) else {
        return Ok(false);
    };
    record.status = ended;
    record.cancel_reason = reason.map(str::to_owned);
    store::update(tx, record.scheduled_start, &record, now).await?;
    Ok(true)
}

/// Takes back that an encounter was missed: the patient came late to the visit it was planned for. No step, for nothing else leads on
/// from there: what was written down turned out to be wrong. Returns whether it was missed.
///
/// # Errors
/// `not_found` if there is none with this id of this patient.
pub async fn expect_again_in_tx(
    tx: &mut TenantTx,
    patient: PatientId,
    id: EncounterId,
    now: Instant,
) -> Result<bool> {
    let mut record = store::lock(tx, patient, id).await?.record;
    if record.status != EncounterStatus::NoShow {
        return Ok(false);
    }
    record.status = EncounterStatus::Scheduled;
    store::update(tx, record.scheduled_start, &record, now).await?;
    Ok(true)
}
