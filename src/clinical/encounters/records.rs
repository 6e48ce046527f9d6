//! Encounters that others hand over as they are: an import, a demonstration. No schedule rules, no status machine, any
//! month: make the months first with [`ensure_months`], before the transaction that writes.

use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::{EncounterId, PatientId, UserId};
use platform::db::{Db, TenantTx, partition};

use super::beds::BedStay;
use super::model::{Encounter, EncounterRecord};
use super::participants::Participant;
use super::status::EncounterStatus;
use super::{store, store_records};

/// Makes the months of these starts, where missing. Returns how many were made.
pub async fn ensure_months(db: &Db, starts: impl IntoIterator<Item = Instant>) -> Result<usize> {
    partition::ensure_months_of(db, partition::Monthly::Encounters, starts).await
}

/// Writes new encounters in two statements. Patients, facilities, departments and providers must exist; the department
/// must be the facility's.
pub async fn record_in_tx(
    tx: &mut TenantTx,
    records: &[EncounterRecord],
    by: Option<UserId>,
    now: Instant,
) -> Result<()> {
    let records: Vec<EncounterRecord> = records.iter().cloned().map(EncounterRecord::cut).collect();
    store::insert(tx, &records, by, now).await
}

/// Writes stays in beds in one statement, as they were. The encounters must exist; no bed may have two patients at a time.
pub async fn record_stays_in_tx(
    tx: &mut TenantTx,
    stays: &[BedStay],
    by: Option<UserId>,
    now: Instant,
) -> Result<()> {
    store_records::insert_stays(tx, stays, by, now).await
}

/// Writes participants in one statement. The encounters must exist; a name given is not kept.
pub async fn record_participants_in_tx(
    tx: &mut TenantTx,
    participants: &[Participant],
) -> Result<()> {
    store_records::insert_participants(tx, participants).await
}

/// Makes an encounter read as the record says, in whatever month that is. Returns whether it read otherwise before.
///
/// `not_found` if there is none with this id of this patient.
pub async fn update_in_tx(
    tx: &mut TenantTx,
    record: &EncounterRecord,
    now: Instant,
) -> Result<bool> {
    let record = record.clone().cut();
    let present = store::lock(tx, record.patient_id, record.id).await?.record;
    if present == record {
        return Ok(false);
    }
    store::update(tx, present.scheduled_start, &record, now).await?;
    Ok(true)
}

/// Sees that a planned encounter has begun. Returns whether it is in progress now: one that is over stays so.
///
/// `not_found` if there is none with this id of this patient.
pub async fn start_in_tx(
    tx: &mut TenantTx,
    patient: PatientId,
    id: EncounterId,
    now: Instant,
) -> Result<bool> {
    let mut record = store::lock(tx, patient, id).await?.record;
    if record.status == EncounterStatus::Scheduled {
        record.status = EncounterStatus::InProgress;
        record.actual_start = Some(now);
        store::update(tx, record.scheduled_start, &record, now).await?;
    }
    Ok(record.status == EncounterStatus::InProgress)
}

/// The encounter of this id, of this patient if one is named, if the caller may see it.
pub async fn find_in_tx(
    tx: &mut TenantTx,
    patient: Option<PatientId>,
    id: EncounterId,
) -> Result<Option<Encounter>> {
    store::find(tx, patient, id).await
}

/// Whether the patient has this encounter, for this caller: a look into the register, and into no month.
pub async fn exists_in_tx(tx: &mut TenantTx, patient: PatientId, id: EncounterId) -> Result<bool> {
    store::is_registered(tx, patient, id).await
}
