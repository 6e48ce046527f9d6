//! Readings by the thousand: devices and gateways.
//!
//! Each row is judged by itself and has an outcome of its own; what can be written is written in one statement, in one
//! transaction with its access records. A device numbers its readings, so a batch that is sent again writes nothing twice.
//! Rows of one patient and one time are one set, whichever devices they came from; what they call for is judged by the minute
//! ([`minutes`]).

use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::{DateTime, SubsecRound, Utc};
use kernel::clock::Instant;
use kernel::ids::{EncounterId, PatientId, VitalId, VitalSetId};
use kernel::{Checks, Error, FieldError, Result, Validate};
use platform::access::{Ctx, Disclosure, Permission};
use platform::audit::{Action, Subject as Concerned};
use platform::db::{TenantTx, partition};
use platform::http::{Answer, part};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::age::Age;
use super::model::{NewReading, check_time};
use super::records::{self, SetOf, VitalRecord};
use super::store_devices::{self, Claim, Known};
use super::subjects::Subject;
use super::view::Source;
use super::{RESOURCE, admission, minutes, store_subjects};
use crate::alerts;

/// The most rows of a batch.
const MOST: usize = 10_000;
/// Months a batch may have made that have no partition yet.
const MONTHS: usize = 3;

/// Readings of devices.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewVitalsBatch, example = json!({ "rows": [
    { "patient_id": "0197f3a2-7c1e-7b53-9a60-2f6d1c0e8b11", "measured_at": "2024-03-10T09:35:00-04:00", "device_reading_id": "48113",
      "reading": { "kind": "heart_rate", "value": 72, "device_id": "monitor-7" } },
    { "patient_id": "0197f3a2-7c1e-7b53-9a60-2f6d1c0e8b11", "measured_at": "2024-03-10T09:35:00-04:00", "device_reading_id": "48114",
      "reading": { "kind": "oxygen_saturation", "value": 97, "device_id": "monitor-7" } }
] }))]
pub struct NewBatch {
    /// 1 to 10,000. A row that is wrong is refused by itself.
    #[schema(value_type = Vec<BatchRow>)]
    pub rows: Vec<Value>,
}

impl Validate for NewBatch {
    fn check(&self, checks: &mut Checks) {
        checks.require(
            !self.rows.is_empty(),
            "rows",
            "empty",
            "must have at least one row",
        );
        checks.require(
            self.rows.len() <= MOST,
            "rows",
            "too_many",
            "must have at most 10000 rows",
        );
    }
}

/// One reading of a device.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = VitalsBatchRow)]
pub struct BatchRow {
    pub patient_id: PatientId,
    pub measured_at: DateTime<Utc>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encounter_id: Option<EncounterId>,
    /// The device's own number of the reading.
    pub device_reading_id: String,
    /// With its `device_id`.
    pub reading: NewReading,
}

impl Validate for BatchRow {
    fn check(&self, checks: &mut Checks) {
        check_time(checks, self.measured_at);
        checks.text("device_reading_id", &self.device_reading_id, 100);
        checks.within("reading", |checks| {
            if self.reading.device_id.is_none() {
                checks.fail("device_id", "missing_field", "is needed in a batch");
            }
            self.reading.check(checks);
        });
    }
}

/// What became of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = VitalsBatchResult)]
pub enum Outcome {
    Created,
    /// It was there before; nothing was written.
    Duplicate,
    Refused,
}

/// What became of a row, and why.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = VitalsBatchRowOutcome)]
pub struct RowOutcome {
    /// Its place in the batch, from 0.
    pub row: usize,
    pub outcome: Outcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vitals_id: Option<VitalSetId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reading_id: Option<VitalId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<RowProblem>,
}

/// Why a row was refused.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = VitalsBatchRowProblem)]
pub struct RowProblem {
    #[schema(example = "validation_failed")]
    pub code: &'static str,
    /// Pointers into the row.
    pub errors: Vec<FieldError>,
}

/// What became of a batch.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = VitalsBatchOutcome)]
pub struct BatchOutcome {
    pub created: usize,
    pub duplicates: usize,
    pub refused: usize,
    pub rows: Vec<RowOutcome>,
}

/// A row on its way, and its place in the batch.
struct Entry {
    place: usize,
    device: String,
    number: String,
    row: VitalRecord,
}

impl Entry {
    fn key(&self) -> (&str, &str) {
        (&self.device, &self.number)
    }

    fn is(&self, other: &VitalRecord) -> bool {
        let row = &self.row;
        (row.patient_id, row.measured_at, row.measured.reading.kind)
            == (
                other.patient_id,
                other.measured_at,
                other.measured.reading.kind,
            )
            && row.measured.value == other.measured.value
            && row.measured.diastolic == other.measured.diastolic
            && row.measured.reading.code == other.measured.reading.code
    }

    fn was(&self, known: &Known) -> bool {
        let row = &self.row;
        (row.patient_id, row.measured_at) == (known.patient_id, known.measured_at)
            && known.kind == Some(row.measured.reading.kind)
            && known.value == row.measured.value
            && known.diastolic == row.measured.diastolic
            && known.code == row.measured.reading.code
    }
}

pub async fn record(ctx: &Ctx, confirmed: bool, batch: NewBatch) -> Result<Answer<BatchOutcome>> {
    let mut outcomes = Outcomes::of(batch.rows.len());
    let mut rows = Vec::with_capacity(batch.rows.len());
    for (place, value) in batch.rows.into_iter().enumerate() {
        match part::<BatchRow>(value, ctx.now()) {
            Ok(row) => rows.push((place, row)),
            Err(error) => outcomes.refuse(place, &error),
        }
    }
    let named: BTreeSet<PatientId> = rows.iter().map(|(_, row)| row.patient_id).collect();
    let rows = with_months(ctx, rows, &mut outcomes).await?;
    let mut tx = ctx.begin(Permission::VitalsRecord).await?;
    let subjects = subjects(&mut tx, &rows).await?;
    let entries = admit(ctx, &mut tx, &subjects, rows, confirmed, &mut outcomes).await?;
    let entries = outcomes.without_repeats(entries);
    let new = claim(&mut tx, entries, &mut outcomes).await?;
    let written: Vec<VitalRecord> = new.into_iter().map(|entry| entry.row).collect();
    let (raised, less) = minutes::of_batch(&mut tx, &subjects, &written, ctx.now()).await?;
    records::record_in_tx(&mut tx, &written).await?;
    alerts::withdraw_in_tx(&mut tx, &less, ctx.now()).await?;
    alerts::raise_in_tx(&mut tx, &raised, ctx.now()).await?;
    let (concerned, refused) = outcomes.concerned(named);
    let disclosure =
        Disclosure::shown(RESOURCE, Action::Create, concerned, outcomes.finish()).refusing(refused);
    tx.commit(disclosure).await
}

/// Makes the months of the rows that will be written as far as their patients tell, and refuses those whose months would be
/// too many: no month is made for a patient who is made up, or for a time at which he did not live.
async fn with_months(
    ctx: &Ctx,
    rows: Vec<(usize, BatchRow)>,
    outcomes: &mut Outcomes,
) -> Result<Vec<(usize, BatchRow)>> {
    let mut look = ctx.look(Permission::VitalsRecord).await?;
    let subjects = subjects(&mut look, &rows).await?;
    drop(look);
    let lived = |row: &BatchRow| {
        let subject = subjects.get(&row.patient_id);
        subject.is_some_and(|subject| subject.measured(row.measured_at, "/measured_at").is_ok())
    };
    let times = rows.iter().filter(|(_, row)| lived(row));
    let times = times.map(|(_, row)| row.measured_at);
    let missing = records::ensure_some_months(&ctx.app().db, times, MONTHS).await?;
    let (kept, refused) = rows.into_iter().partition(|(_, row)| {
        let month = partition::month_of(row.measured_at);
        !lived(row) || month.is_none_or(|month| !missing.contains(&month))
    });
    let refused: Vec<(usize, BatchRow)> = refused;
    for (place, _) in refused {
        let rule = "must lie in one of the three latest months of the batch in which nobody has measured yet: send the row again";
        outcomes.refuse(
            place,
            &Error::field("/measured_at", "too_many_months", rule),
        );
    }
    Ok(kept)
}

async fn subjects(
    tx: &mut TenantTx,
    rows: &[(usize, BatchRow)],
) -> Result<HashMap<PatientId, Subject>> {
    let patients: HashSet<PatientId> = rows.iter().map(|(_, row)| row.patient_id).collect();
    let patients: Vec<PatientId> = patients.into_iter().collect();
    let found = store_subjects::find(tx, &patients).await?;
    Ok(found
        .into_iter()
        .map(|subject| (subject.id, subject))
        .collect())
}

/// The rows that may be written down, as far as patient, encounter and plausibility tell.
async fn admit(
    ctx: &Ctx,
    tx: &mut TenantTx,
    subjects: &HashMap<PatientId, Subject>,
    rows: Vec<(usize, BatchRow)>,
    confirmed: bool,
    outcomes: &mut Outcomes,
) -> Result<Vec<Entry>> {
    let wanted: HashSet<(PatientId, EncounterId)> = rows
        .iter()
        .filter_map(|(_, row)| Some((row.patient_id, row.encounter_id?)))
        .collect();
    let wanted: Vec<_> = wanted.into_iter().collect();
    let encounters: HashSet<_> = store_subjects::encounters(tx, &wanted)
        .await?
        .into_iter()
        .collect();
    let mut sets: HashMap<(PatientId, Instant, Option<EncounterId>), VitalSetId> = HashMap::new();
    let (mut places, mut records, mut ages) = (Vec::new(), Vec::new(), Vec::new());
    for (place, row) in rows {
        let age = match standing(subjects, &encounters, &row) {
            Ok(age) => age,
            Err(error) => {
                outcomes.refuse(place, &error);
                continue;
            }
        };
        let set = SetOf {
            patient_id: row.patient_id,
            encounter_id: row.encounter_id,
            measured_at: row.measured_at.trunc_subsecs(6),
            source: Source::Device,
            recorded_by: Some(ctx.user()),
            recorded_at: ctx.now(),
        };
        let id = *sets
            .entry((set.patient_id, set.measured_at, set.encounter_id))
            .or_insert_with(|| set.id());
        records.push(set.row(id, row.reading));
        places.push((place, row.device_reading_id));
        ages.push(age);
    }
    let before = admission::before(tx, &records).await?;
    let mut entries = Vec::with_capacity(records.len());
    for ((((place, number), mut row), age), before) in
        places.into_iter().zip(records).zip(ages).zip(before)
    {
        match admission::judge_row(&mut row, before, age, "/reading").allow(confirmed) {
            Ok(()) => entries.push(Entry {
                place,
                device: row.measured.reading.device_id.clone().unwrap_or_default(),
                number,
                row,
            }),
            Err(error) => outcomes.refuse(place, &error),
        }
    }
    Ok(entries)
}

/// The patient's age at a row's time, if he is one whom the caller sees, lived then, and the encounter is his.
fn standing(
    subjects: &HashMap<PatientId, Subject>,
    encounters: &HashSet<(PatientId, EncounterId)>,
    row: &BatchRow,
) -> Result<Age> {
    let subject = subjects.get(&row.patient_id).ok_or_else(|| {
        Error::field(
            "/patient_id",
            "no_such_patient",
            "must name a patient you may see",
        )
    })?;
    let age = subject.measured(row.measured_at, "/measured_at")?;
    if row
        .encounter_id
        .is_some_and(|id| !encounters.contains(&(row.patient_id, id)))
    {
        let rule = "must name an encounter of this patient";
        return Err(Error::field("/encounter_id", "no_such_encounter", rule));
    }
    Ok(age)
}

/// Takes the devices' numbers of the rows; leaves those that are new. In the order of the numbers, so that two batches that
/// overlap wait for each other and never in a circle.
async fn claim(
    tx: &mut TenantTx,
    mut entries: Vec<Entry>,
    outcomes: &mut Outcomes,
) -> Result<Vec<Entry>> {
    entries.sort_by(|a, b| a.key().cmp(&b.key()));
    let claims: Vec<Claim> = entries
        .iter()
        .map(|entry| Claim {
            device_id: &entry.device,
            reading_id: &entry.number,
            patient_id: entry.row.patient_id,
            measured_at: entry.row.measured_at,
            set_id: entry.row.set_id,
            vital_id: entry.row.id,
        })
        .collect();
    let taken = store_devices::claim(tx, &claims).await?;
    let (mut new, old): (Vec<Entry>, Vec<Entry>) = entries
        .into_iter()
        .partition(|entry| taken.contains(&entry.row.id));
    if !old.is_empty() {
        let keys: Vec<(&str, &str)> = old.iter().map(Entry::key).collect();
        let known: HashMap<(String, String), Known> = store_devices::known(tx, &keys)
            .await?
            .into_iter()
            .map(|known| ((known.device_id.clone(), known.reading_id.clone()), known))
            .collect();
        for entry in &old {
            match known.get(&(entry.device.clone(), entry.number.clone())) {
                Some(known) if entry.was(known) => {
                    outcomes.duplicate(entry.place, known.patient_id, known.set_id, known.vital_id);
                }
                _ => outcomes.refuse(entry.place, &number_taken()),
            }
        }
    }
    new.sort_by_key(|entry| entry.place);
    for entry in &new {
        outcomes.created(entry);
    }
    Ok(new)
}

fn number_taken() -> Error {
    Error::field(
        "/device_reading_id",
        "device_reading_id_reused",
        "must not have been used by this device for another reading",
    )
}

/// The outcomes, by place.
struct Outcomes {
    rows: Vec<Option<RowOutcome>>,
    concerned: HashSet<PatientId>,
}

impl Outcomes {
    fn of(rows: usize) -> Self {
        Self {
            rows: (0..rows).map(|_| None).collect(),
            concerned: HashSet::new(),
        }
    }

    fn refuse(&mut self, place: usize, error: &Error) {
        self.rows[place] = Some(RowOutcome {
            row: place,
            outcome: Outcome::Refused,
            vitals_id: None,
            reading_id: None,
            problem: Some(RowProblem {
                code: error.code().as_str(),
                errors: error.fields().to_vec(),
            }),
        });
    }

    fn created(&mut self, entry: &Entry) {
        self.put(
            entry.place,
            Outcome::Created,
            entry.row.patient_id,
            entry.row.set_id,
            entry.row.id,
        );
    }

    fn duplicate(&mut self, place: usize, patient: PatientId, set: VitalSetId, id: VitalId) {
        self.put(place, Outcome::Duplicate, patient, set, id);
    }

    fn put(
        &mut self,
        row: usize,
        outcome: Outcome,
        patient: PatientId,
        set: VitalSetId,
        id: VitalId,
    ) {
        self.concerned.insert(patient);
        self.rows[row] = Some(RowOutcome {
            row,
            outcome,
            vitals_id: Some(set),
            reading_id: Some(id),
            problem: None,
        });
    }

    /// Of rows with one number in one batch the first stays.
    fn without_repeats(&mut self, entries: Vec<Entry>) -> Vec<Entry> {
        let mut first: HashMap<(String, String), usize> = HashMap::new();
        let mut kept: Vec<Entry> = Vec::with_capacity(entries.len());
        for entry in entries {
            let key = (entry.device.clone(), entry.number.clone());
            match first.get(&key).map(|place| &kept[*place].row) {
                None => {
                    first.insert(key, kept.len());
                    kept.push(entry);
                }
                Some(row) if entry.is(row) => {
                    let (patient, set, id) = (row.patient_id, row.set_id, row.id);
                    self.duplicate(entry.place, patient, set, id);
                }
                Some(_) => self.refuse(entry.place, &number_taken()),
            }
        }
        kept
    }

    /// For whom there is something, and for whom every row was refused.
    fn concerned(&self, named: BTreeSet<PatientId>) -> (Vec<Concerned>, Vec<Concerned>) {
        let subject = |patient| Concerned {
            patient: Some(patient),
            resource: None,
        };
        named
            .into_iter()
            .map(subject)
            .partition(|one| one.patient.is_some_and(|it| self.concerned.contains(&it)))
    }

    fn finish(self) -> BatchOutcome {
        let rows: Vec<RowOutcome> = self.rows.into_iter().flatten().collect();
        let count = |outcome| rows.iter().filter(|row| row.outcome == outcome).count();
        BatchOutcome {
            created: count(Outcome::Created),
            duplicates: count(Outcome::Duplicate),
            refused: count(Outcome::Refused),
            rows,
        }
    }
}
