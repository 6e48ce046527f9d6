//! Readings inside a transaction somebody else holds, as rows: written here, by an import, by a demonstration.

use std::collections::BTreeMap;

use chrono::Datelike;
use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::{EncounterId, PatientId, UserId, VitalId, VitalSetId, mint_at};
use platform::db::{Db, TenantTx, partition};

use super::model::{Measured, NewReading};
use super::store;
use super::view::{Source, VitalStatus};

/// A reading as it stands in its month.
#[derive(Clone, Debug)]
pub struct VitalRecord {
    pub id: VitalId,
    pub set_id: VitalSetId,
    pub patient_id: PatientId,
    pub encounter_id: Option<EncounterId>,
    pub measured_at: Instant,
    pub(super) measured: Measured,
    pub(super) confirmed: bool,
    pub source: Source,
    pub(super) status: VitalStatus,
    pub(super) error_reason: Option<String>,
    pub(super) replaced_by: Option<VitalSetId>,
    pub(super) replaces: Option<VitalSetId>,
    pub recorded_by: Option<UserId>,
    pub recorded_at: Instant,
    pub(super) version: i64,
}

/// What the readings of a set have in common.
#[derive(Clone, Copy, Debug)]
pub struct SetOf {
    pub patient_id: PatientId,
    pub encounter_id: Option<EncounterId>,
    pub measured_at: Instant,
    pub source: Source,
    pub recorded_by: Option<UserId>,
    pub recorded_at: Instant,
}

impl SetOf {
    /// An id of its own, by which the set is found.
    pub fn id(&self) -> VitalSetId {
        VitalSetId(mint_at(self.measured_at))
    }

    /// A row of the set. The rules of the reading hold; whether it is plausible is the caller's to ask.
    pub fn row(&self, set: VitalSetId, reading: NewReading) -> VitalRecord {
        VitalRecord {
            id: VitalId::new(),
            set_id: set,
            patient_id: self.patient_id,
            encounter_id: self.encounter_id,
            measured_at: self.measured_at,
            measured: reading.measured(),
            confirmed: false,
            source: self.source,
            status: VitalStatus::Final,
            error_reason: None,
            replaced_by: None,
            replaces: None,
            recorded_by: self.recorded_by,
            recorded_at: self.recorded_at,
            version: 1,
        }
    }
}

/// Makes the months of these times, where missing: before the transaction that writes begins.
pub async fn ensure_months(db: &Db, times: impl IntoIterator<Item = Instant>) -> Result<()> {
    let months: BTreeMap<(i32, u32), Instant> = times
        .into_iter()
        .map(|at| ((at.year(), at.month()), at))
        .collect();
    for at in months.into_values() {
        partition::ensure_month(db, partition::Monthly::Vitals, at).await?;
    }
    Ok(())
}

/// Writes rows in one statement. Their patients and encounters must exist, and their months.
pub async fn record_in_tx(tx: &mut TenantTx, rows: &[VitalRecord]) -> Result<()> {
    store::insert(tx, rows).await
}
