//! Readings inside a transaction somebody else holds, as rows: written here, by an import, by a demonstration.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use kernel::clock::Instant;
use kernel::ids::{EncounterId, PatientId, UserId, VitalId, VitalSetId, mint_at};
use kernel::{Checks, Error, PartialDate, Result};
use platform::db::{Db, TenantTx, partition};

use super::admission::judge_row;
use super::age::Age;
use super::kinds::{Quantity, VitalKind};
use super::model::{Measured, NewReading, check_time};
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
    /// Of what is known by its day, month or year alone: that; `measured_at` is where it begins.
    pub measured_on: Option<PartialDate>,
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

impl VitalRecord {
    pub fn kind(&self) -> VitalKind {
        self.measured.reading.kind
    }

    /// Whether it says of the same moment what the other says, whoever wrote it down and when.
    pub fn says_the_same(&self, other: &Self) -> bool {
        let (mine, theirs) = (&self.measured.reading, &other.measured.reading);
        (self.measured_at, self.encounter_id) == (other.measured_at, other.encounter_id)
            && self.measured_on == other.measured_on
            && self.kind() == other.kind()
            && self.measured.value == other.measured.value
            && self.measured.diastolic == other.measured.diastolic
            && mine.said_in() == theirs.said_in()
            && (mine.code, mine.position, mine.body_site)
                == (theirs.code, theirs.position, theirs.body_site)
            && mine.note == theirs.note
    }

    /// Whether it was not taken back.
    pub fn stands(&self) -> bool {
        self.status == VitalStatus::Final
    }

    /// As it stood before it was taken back, which was not known then.
    pub(super) fn unwithdrawn(mut self) -> Self {
        self.status = VitalStatus::Final;
        self.error_reason = None;
        self.replaced_by = None;
        self
    }

    /// Puts it into a new set, which corrects the other.
    pub fn take_the_place_of(&mut self, before: VitalSetId, set: VitalSetId) {
        self.set_id = set;
        self.replaces = Some(before);
    }
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
            measured_on: None,
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

impl SetOf {
    /// A row of what was measured elsewhere, long ago perhaps: unusual is what it was, and counts as confirmed; what can't be
    /// true is refused. A count that came as a fraction is rounded, and the note has what was said.
    ///
    /// # Errors
    /// Field errors of a time before birth or in the future, and of an impossible value.
    pub fn row_of_history(&self, mut reading: NewReading, birth: NaiveDate) -> Result<VitalRecord> {
        let mut checks = Checks::at(self.recorded_at);
        check_time(&mut checks, self.measured_at);
        checks.finish()?;
        let age = Age::at(birth, self.measured_at).ok_or_else(|| {
            Error::field(
                "/measured_at",
                "before_birth",
                "must not lie before the patient's birth",
            )
        })?;
        round_counts(&mut reading);
        let mut row = self.row(self.id(), reading);
        judge_row(&mut row, None, age, "").allow(true)?;
        Ok(row)
    }
}

fn round_counts(reading: &mut NewReading) {
    if !reading.kind.quantity().is_some_and(Quantity::is_whole) {
        return;
    }
    let mut said = Vec::new();
    for number in [
        &mut reading.value,
        &mut reading.systolic,
        &mut reading.diastolic,
    ]
    .into_iter()
    .flatten()
    {
        let whole = number.rounded(0);
        if whole != *number {
            said.push(format!("{} was said", number.to_f64()));
            *number = whole;
        }
    }
    if !said.is_empty() {
        let note = reading.note.take();
        let lines: Vec<String> = note.into_iter().chain(said).collect();
        reading.note = Some(lines.join("; ").chars().take(500).collect());
    }
}

/// Makes the months of these times, where missing: before the transaction that writes begins.
pub async fn ensure_months(db: &Db, times: impl IntoIterator<Item = Instant>) -> Result<()> {
    partition::ensure_months_of(db, partition::Monthly::Vitals, times).await?;
    Ok(())
}

/// As [`ensure_months`], but makes so many at most; returns those that are missing still, by their first days.
pub(super) async fn ensure_some_months(
    db: &Db,
    times: impl IntoIterator<Item = Instant>,
    most: usize,
) -> Result<BTreeSet<NaiveDate>> {
    partition::ensure_some_months_of(db, partition::Monthly::Vitals, times, most).await
}

/// Writes rows in one statement. Their patients and encounters must exist, and their months.
pub async fn record_in_tx(tx: &mut TenantTx, rows: &[VitalRecord]) -> Result<()> {
    store::insert(tx, rows).await
}

/// The reading of a kind in a set of the patient's: the one that stands, or the last one that was taken back.
pub async fn newest_in_tx(
    tx: &mut TenantTx,
    patient: PatientId,
    set: VitalSetId,
    kind: VitalKind,
) -> Result<Option<VitalRecord>> {
    let rows = store::set(tx, patient, set, None).await?;
    Ok(rows
        .into_iter()
        .filter(|row| row.kind() == kind)
        .max_by_key(|row| (row.stands(), row.id)))
}

/// These readings of a set, in the order asked for.
pub async fn readings_in_tx(
    tx: &mut TenantTx,
    patient: PatientId,
    set: VitalSetId,
    ids: &[VitalId],
) -> Result<Vec<VitalRecord>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut rows = store::set(tx, patient, set, None).await?;
    rows.retain(|row| ids.contains(&row.id));
    rows.sort_by_key(|row| ids.iter().position(|id| *id == row.id));
    Ok(rows)
}

/// Marks a reading that stands as an error, and names the set that takes its place.
pub async fn withdraw_in_tx(
    tx: &mut TenantTx,
    reading: &VitalRecord,
    why: (&str, Option<VitalSetId>),
    now: Instant,
) -> Result<()> {
    let of = (reading.patient_id, reading.set_id);
    store::withdraw(tx, of.0, of.1, &[reading.id], why, now).await?;
    Ok(())
}
