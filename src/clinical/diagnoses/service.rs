//! Coding diagnoses, and promoting them to the problem list.

use kernel::clock::Instant;
use kernel::ids::{DiagnosisId, EncounterId, PatientId, ProblemId};
use kernel::{Code, Error, OnConstraint, Page, Result};
use platform::access::{Ctx, Disclosure, Permission};
use platform::audit::Action;
use platform::db::{CallerTx, TenantTx};
use platform::http::{Answer, IfMatch, MergePatch};
use serde_json::json;

use super::model::{Diagnosis, DiagnosisStatus, ListDiagnoses, NewDiagnosis, Promotion};
use super::store;
use crate::encounters::{EncounterClass, EncounterRecord, EncounterStatus};
use crate::entries::{self, Mistake, Remembered, Then, disclose_one};
use crate::patients::AsOf;
use crate::problems::{self, NewProblem, ProblemVerification};

const RESOURCE: &str = "diagnosis";

pub(super) async fn list(
    ctx: &Ctx,
    of: (PatientId, EncounterId),
    query: ListDiagnoses,
) -> Result<Answer<Page<Diagnosis>>> {
    if let Some(at) = query.as_of {
        let then = Then {
            patient: of.0,
            at,
            limit: Some(200),
            cursor: None,
        };
        let filters = (of.1, query.include_errors);
        return entries::list_as_of(ctx, then, &filters, |row: &Diagnosis| {
            row.encounter_id == of.1 && (query.include_errors || row.error_reason.is_none())
        })
        .await;
    }
    let mut tx = ctx.begin(Permission::CodingRead).await?;
    entries::require_encounter(&mut tx, of.0, of.1).await?;
    let rows = store::of_encounter(&mut tx, of, None, query.include_errors).await?;
    tx.finish(Disclosure::of(
        RESOURCE,
        Action::Read,
        of.0,
        of.1,
        Page::last(rows),
    ))
    .await
}

pub(super) async fn read(
    ctx: &Ctx,
    of: (PatientId, EncounterId),
    id: DiagnosisId,
) -> Result<Answer<Diagnosis>> {
    let mut tx = ctx.begin(Permission::CodingRead).await?;
    entries::require_encounter(&mut tx, of.0, of.1).await?;
    let diagnosis = store::get(&mut tx, of, id).await?;
    tx.finish(disclose_one(Action::Read, of.0, id, diagnosis))
        .await
}

/// As it stood, if it was of this encounter then.
pub(super) async fn read_as_of(
    ctx: &Ctx,
    of: (PatientId, EncounterId),
    id: DiagnosisId,
    then: AsOf,
) -> Result<Answer<Diagnosis>> {
    let mut tx = entries::require_then(ctx, of.0, then.instant(ctx)).await?;
    let (image, patient) =
        entries::read_row_as_of(&mut tx, Diagnosis::TABLE, id.0, then.instant(ctx)).await?;
    let diagnosis = Diagnosis::of_image(&image).map_err(Error::internal)?;
    if patient != Some(of.0) || diagnosis.encounter_id != of.1 {
        return Err(Error::not_found());
    }
    tx.finish(disclose_one(Action::Read, of.0, id, diagnosis))
        .await
}

pub(super) async fn add(
    ctx: &Ctx,
    (patient, encounter): (PatientId, EncounterId),
    new: NewDiagnosis,
) -> Result<Answer<Diagnosis>> {
    let mut tx = ctx.begin(Permission::CodingWrite).await?;
    let record = require_visit(&mut tx, patient, encounter).await?;
    let id = add_in_tx(&mut tx, &record, new, ctx.now()).await?;
    let diagnosis = store::get(&mut tx, (patient, encounter), id).await?;
    let location = format!("/api/v1/patients/{patient}/encounters/{encounter}/diagnoses/{id}");
    tx.commit(disclose_one(Action::Create, patient, id, diagnosis).created_at(location))
        .await
}

/// Codes a diagnosis on an encounter, which must exist.
///
/// # Errors
/// Field errors of the codes; `rank_taken`, `diagnosis_already_coded`.
pub async fn add_in_tx(
    tx: &mut TenantTx,
    encounter: &EncounterRecord,
    new: NewDiagnosis,
    now: Instant,
) -> Result<DiagnosisId> {
    let mut ready = prepare(tx, encounter, None, new).await?;
    if ready.rank.is_none() {
        ready.rank = Some(store::next_rank(tx, encounter.id).await?);
    }
    let id = DiagnosisId::new();
    let of = (encounter.patient_id, encounter.id);
    keys(store::insert(tx, of, id, &ready, now).await)?;
    Ok(id)
}

pub(super) async fn amend(
    ctx: &Ctx,
    of: (PatientId, EncounterId),
    id: DiagnosisId,
    if_match: IfMatch,
    patch: &MergePatch,
) -> Result<Answer<Diagnosis>> {
    let mut tx = ctx.begin(Permission::CodingWrite).await?;
    let record = require_visit(&mut tx, of.0, of.1).await?;
    let present = lock(&mut tx, of, id).await?;
    if_match.require(present.version)?;
    let mut wanted: NewDiagnosis = patch.apply(&present.data)?;
    wanted.rank = wanted.rank.or(present.data.rank);
    let recoded =
        (&wanted.icd10cm, &wanted.snomed) != (&present.data.icd10cm, &present.data.snomed);
    if recoded && !patch.touches("name") {
        wanted.name = None;
    }
    let ready = prepare(&mut tx, &record, Some(&present.data), wanted).await?;
    write(tx, of, id, &ready, present.problem_id, None, ctx.now()).await
}

pub(super) async fn take_back(
    ctx: &Ctx,
    of: (PatientId, EncounterId),
    id: DiagnosisId,
    mistake: Mistake,
) -> Result<Answer<Diagnosis>> {
    let mut tx = ctx.begin(Permission::CodingWrite).await?;
    entries::require_encounter(&mut tx, of.0, of.1).await?;
    let present = lock(&mut tx, of, id).await?;
    let (data, problem, reason) = (present.data, present.problem_id, Some(&*mistake.reason));
    write(tx, of, id, &data, problem, reason, ctx.now()).await
}

/// Marks a diagnosis as entered in error, for whoever is no caller, such as an import. One that is so already stays.
///
/// # Errors
/// `not_found`.
pub async fn take_back_in_tx(
    tx: &mut TenantTx,
    patient: PatientId,
    id: DiagnosisId,
    reason: &str,
    now: Instant,
) -> Result<()> {
    let Some(encounter) = store::encounter_of(tx, patient, id).await? else {
        return Err(Error::not_found());
    };
    let of = (patient, encounter);
    let present = store::lock(tx, of, id).await?;
    if present.status == DiagnosisStatus::EnteredInError {
        return Ok(());
    }
    let (data, problem) = (present.data, present.problem_id);
    store::update(tx, id, &data, problem, Some(reason), now).await
}

/// Puts the diagnosis on the problem list, or links it to the open problem with its code that stands there.
pub(super) async fn promote(
    ctx: &Ctx,
    of: (PatientId, EncounterId),
    id: DiagnosisId,
    how: Promotion,
) -> Result<Answer<Diagnosis>> {
    let mut tx = ctx.begin(Permission::ProblemWrite).await?;
    let person = entries::require_person(&mut tx, of.0).await?;
    entries::require_encounter(&mut tx, of.0, of.1).await?;
    let present = lock(&mut tx, of, id).await?;
    if present.problem_id.is_some() {
        return Err(Error::new(Code::AlreadyPromoted));
    }
    let data = present.data;
    let new = NewProblem {
        icd10cm: data.icd10cm.clone(),
        snomed: data.snomed.clone(),
        name: data.name.clone(),
        onset: how.onset,
        abatement: None,
        severity: how.severity,
        status: how.status,
        verification: ProblemVerification::Confirmed,
        note: None,
        encounter_id: Some(of.1),
        recorded_at: None,
    };
    let problem: ProblemId = match problems::open_with_code_in_tx(&mut tx, of.0, &new).await? {
        Some(open) => open,
        None => problems::add_in_tx(&mut tx, &person, new, ctx.now()).await?,
    };
    write(tx, of, id, &data, Some(problem), None, ctx.now()).await
}

/// The encounter of the path, if it can be coded: it takes place, or is an admission or a procedure to come.
async fn require_visit(
    tx: &mut TenantTx,
    patient: PatientId,
    id: EncounterId,
) -> Result<EncounterRecord> {
    let record = entries::require_encounter(tx, patient, id).await?.record;
    let refused = match record.status {
        EncounterStatus::Cancelled | EncounterStatus::NoShow => Code::EncounterClosed,
        EncounterStatus::Scheduled if !is_planned_for_a_diagnosis(record.class) => {
            Code::EncounterNotBegun
        }
        _ => return Ok(record),
    };
    Err(Error::new(refused).with("encounter_status", json!(record.status)))
}

/// A stay and an operation are planned, and authorised, for a diagnosis that was made before; of any other visit it is what was found
/// there.
fn is_planned_for_a_diagnosis(class: EncounterClass) -> bool {
    matches!(class, EncounterClass::Inpatient | EncounterClass::Procedure)
}

/// The diagnosis to be changed, unless it was entered in error.
async fn lock(
    tx: &mut TenantTx,
    of: (PatientId, EncounterId),
    id: DiagnosisId,
) -> Result<Diagnosis> {
    let present = store::lock(tx, of, id).await?;
    if present.status == DiagnosisStatus::EnteredInError {
        return Err(Error::new(Code::EnteredInError));
    }
    Ok(present)
}

/// Checks the codes as of the day of the encounter, and names the diagnosis.
async fn prepare(
    tx: &mut TenantTx,
    encounter: &EncounterRecord,
    present: Option<&NewDiagnosis>,
    mut wanted: NewDiagnosis,
) -> Result<NewDiagnosis> {
    let on = encounter
        .actual_start
        .unwrap_or(encounter.scheduled_start)
        .date_naive();
    let coded = present.map(NewDiagnosis::codes);
    let exact = entries::Exactness::Assignable;
    let codes = entries::code_condition(tx, coded.as_ref(), wanted.codes(), exact, on).await?;
    (wanted.icd10cm, wanted.snomed, wanted.name) = (codes.icd10cm, codes.snomed, codes.name);
    Ok(wanted)
}

/// What the unique keys mean.
fn keys(outcome: Result<()>) -> Result<()> {
    let coded = || Error::new(Code::DiagnosisAlreadyCoded);
    outcome
        .on_constraint("encounter_diagnoses_rank_key", || {
            Error::new(Code::RankTaken)
        })
        .on_constraint("encounter_diagnoses_icd10cm_key", coded)
        .on_constraint("encounter_diagnoses_snomed_key", coded)
}

async fn write(
    mut tx: CallerTx,
    of: (PatientId, EncounterId),
    id: DiagnosisId,
    data: &NewDiagnosis,
    problem: Option<ProblemId>,
    mistake: Option<&str>,
    now: Instant,
) -> Result<Answer<Diagnosis>> {
    keys(store::update(&mut tx, id, data, problem, mistake, now).await)?;
    let diagnosis = store::get(&mut tx, of, id).await?;
    tx.commit(disclose_one(Action::Update, of.0, id, diagnosis))
        .await
}
