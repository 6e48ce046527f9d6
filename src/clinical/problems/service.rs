//! Keeping a problem list.

use kernel::clock::Instant;
use kernel::ids::{PatientId, ProblemId};
use kernel::{Code, Error, OnConstraint, Page, PartialDate, Result};
use platform::access::{Ctx, Disclosure, Permission};
use platform::audit::Action;
use platform::db::{CallerTx, TenantTx};
use platform::http::{Answer, IfMatch, MergePatch, Paging};
use serde_json::json;

use super::model::{ListProblems, NewProblem, Problem, ProblemVerification};
use super::status::ProblemStatus;
use super::store::{self, Filter};
use crate::entries::{
    self, Amended, Mistake, Then, amended_page, disclose_one, list_amended_as_of, show_amended,
};
use crate::patients::{self, Patient};

const RESOURCE: &str = "problem";

pub(super) async fn list(
    ctx: &Ctx,
    patient: PatientId,
    query: ListProblems,
) -> Result<Answer<Page<Amended<Problem>>>> {
    if let Some(at) = query.as_of {
        let then = Then::page(patient, at, query.limit, query.cursor);
        let filters = (query.status, query.include_errors);
        let id = |row: &Problem| row.id.0;
        return list_amended_as_of(ctx, then, &filters, id, |row| {
            (query.include_errors || row.error_reason.is_none())
                && query.status.is_none_or(|status| status == row.data.status)
        })
        .await;
    }
    let filters = (patient, query.status, query.include_errors);
    let paging = Paging::new(ctx, &filters, query.limit, query.cursor)?;
    let mut tx = ctx.begin(Permission::ProblemRead).await?;
    patients::require(&mut tx, patient).await?;
    let filter = Filter {
        status: query.status,
        include_errors: query.include_errors,
        ..Filter::default()
    };
    let rows = store::page(&mut tx, patient, filter, paging.after()?, paging.fetch()).await?;
    let page = paging.page(rows, |row| (row.created_at, row.id))?;
    let page = amended_page(&mut tx, patient, page, |row| row.id.0).await?;
    tx.finish(Disclosure::of(
        RESOURCE,
        Action::Read,
        patient,
        patient,
        page,
    ))
    .await
}

pub(super) async fn read(
    ctx: &Ctx,
    patient: PatientId,
    id: ProblemId,
) -> Result<Answer<Amended<Problem>>> {
    let mut tx = ctx.begin(Permission::ProblemRead).await?;
    patients::require(&mut tx, patient).await?;
    let problem = store::get(&mut tx, patient, id).await?;
    show_amended(tx, patient, id, problem).await
}

pub(super) async fn add(ctx: &Ctx, patient: PatientId, new: NewProblem) -> Result<Answer<Problem>> {
    let mut tx = ctx.begin(Permission::ProblemWrite).await?;
    let person = entries::require_person(&mut tx, patient).await?;
    let id = add_in_tx(&mut tx, &person, new, ctx.now()).await?;
    let problem = store::get(&mut tx, patient, id).await?;
    let place = format!("/api/v1/patients/{patient}/problems/{id}");
    tx.commit(disclose_one(Action::Create, patient, id, problem).created_at(place))
        .await
}

/// Puts a problem on the list: by hand, from a diagnosis, by an import.
///
/// # Errors
/// Field errors of codes, dates and the encounter; `problem_already_open`, naming it as `problem_id`.
pub async fn add_in_tx(
    tx: &mut TenantTx,
    person: &Patient,
    new: NewProblem,
    now: Instant,
) -> Result<ProblemId> {
    enter_in_tx(tx, person, new, now.date_naive(), now).await
}

/// As [`add_in_tx`], of what was found elsewhere: its codes must have been good on that day, not today.
///
/// # Errors
/// As [`add_in_tx`].
pub async fn enter_in_tx(
    tx: &mut TenantTx,
    person: &Patient,
    new: NewProblem,
    on: chrono::NaiveDate,
    now: Instant,
) -> Result<ProblemId> {
    let ready = prepare(tx, person, None, new, on).await?;
    let id = ProblemId::new();
    store::insert(tx, person.id, id, &ready, now)
        .await
        .on_constraint("problems_open_icd10cm_key", already_open)
        .on_constraint("problems_open_snomed_key", already_open)?;
    Ok(id)
}

/// As [`enter_in_tx`], of an entry that has changed where it came from. Whether it may be changed is the caller's to know.
///
/// # Errors
/// As [`enter_in_tx`]; `entered_in_error`, `not_found`.
pub async fn revise_in_tx(
    tx: &mut TenantTx,
    person: &Patient,
    id: ProblemId,
    new: NewProblem,
    on: chrono::NaiveDate,
    now: Instant,
) -> Result<()> {
    let present = lock(tx, person.id, id).await?;
    let ready = prepare(tx, person, Some(&present), new, on).await?;
    if ready == present.data {
        return Ok(());
    }
    store::update(tx, id, &ready, None, now)
        .await
        .on_constraint("problems_open_icd10cm_key", already_open)
        .on_constraint("problems_open_snomed_key", already_open)
}

/// What a chart shows: at most `limit` problems that are neither resolved nor refuted, newest first.
pub async fn open_in_tx(tx: &mut TenantTx, patient: PatientId, limit: i64) -> Result<Vec<Problem>> {
    let filter = Filter {
        open_only: true,
        ..Filter::default()
    };
    store::page(tx, patient, filter, None, limit).await
}

/// The open problem of the patient that has one of these codes.
pub async fn open_with_code_in_tx(
    tx: &mut TenantTx,
    patient: PatientId,
    data: &NewProblem,
) -> Result<Option<ProblemId>> {
    store::open_with_code(tx, patient, data, None).await
}

pub(super) async fn amend(
    ctx: &Ctx,
    patient: PatientId,
    id: ProblemId,
    if_match: IfMatch,
    patch: &MergePatch,
) -> Result<Answer<Problem>> {
    let mut tx = ctx.begin(Permission::ProblemWrite).await?;
    let person = entries::require_person(&mut tx, patient).await?;
    let present = lock(&mut tx, patient, id).await?;
    if_match.require(present.version)?;
    let mut wanted: NewProblem = patch.apply(&present.data)?;
    if wanted.status != present.data.status {
        present.data.status.step(wanted.status)?;
        if !(wanted.status.is_open() && present.data.status.is_open()) {
            return Err(Error::field(
                "/status",
                "step_of_its_own",
                "must stay as it is: resolving and reactivating are POST …/resolve and POST …/reactivate",
            ));
        }
    }
    let recoded =
        (&wanted.icd10cm, &wanted.snomed) != (&present.data.icd10cm, &present.data.snomed);
    // What was said in words alone keeps them.
    let was_coded = present.data.icd10cm.is_some() || present.data.snomed.is_some();
    if recoded && was_coded && !patch.touches("name") {
        wanted.name = None;
    }
    let today = ctx.today();
    let ready = prepare(&mut tx, &person, Some(&present), wanted, today).await?;
    write(tx, patient, id, &ready, None, ctx.now()).await
}

pub(super) async fn resolve(
    ctx: &Ctx,
    patient: PatientId,
    id: ProblemId,
    abatement: Option<PartialDate>,
) -> Result<Answer<Problem>> {
    let mut tx = ctx.begin(Permission::ProblemWrite).await?;
    patients::require(&mut tx, patient).await?;
    let present = lock(&mut tx, patient, id).await?;
    let status = present.data.status.step(ProblemStatus::Resolved)?;
    let abatement = abatement.or(present.data.abatement.clone());
    if let (Some(onset), Some(abatement)) = (&present.data.onset, &abatement)
        && abatement.latest() < onset.earliest()
    {
        let rule = "must not lie before onset";
        return Err(Error::field("/abatement", "before_onset", rule));
    }
    let ready = NewProblem {
        abatement,
        status,
        ..present.data
    };
    write(tx, patient, id, &ready, None, ctx.now()).await
}

pub(super) async fn reactivate(
    ctx: &Ctx,
    patient: PatientId,
    id: ProblemId,
    status: ProblemStatus,
) -> Result<Answer<Problem>> {
    let mut tx = ctx.begin(Permission::ProblemWrite).await?;
    patients::require(&mut tx, patient).await?;
    let present = lock(&mut tx, patient, id).await?;
    if present.data.status.is_open() {
        return Err(
            Error::new(Code::IllegalTransition).with("allowed", json!([ProblemStatus::Resolved]))
        );
    }
    let status = present.data.status.step(status)?;
    let ready = NewProblem {
        status,
        abatement: None,
        ..present.data
    };
    refuse_second(&mut tx, patient, &ready, Some(id)).await?;
    write(tx, patient, id, &ready, None, ctx.now()).await
}

pub(super) async fn take_back(
    ctx: &Ctx,
    patient: PatientId,
    id: ProblemId,
    mistake: Mistake,
) -> Result<Answer<Problem>> {
    let mut tx = ctx.begin(Permission::ProblemWrite).await?;
    patients::require(&mut tx, patient).await?;
    let present = lock(&mut tx, patient, id).await?;
    let ready = NewProblem {
        verification: ProblemVerification::EnteredInError,
        ..present.data
    };
    write(tx, patient, id, &ready, Some(&mistake.reason), ctx.now()).await
}

/// Marks a problem as entered in error, for whoever is no caller, such as an import. One that is so already stays.
///
/// # Errors
/// `not_found`.
pub async fn take_back_in_tx(
    tx: &mut TenantTx,
    patient: PatientId,
    id: ProblemId,
    reason: &str,
    now: Instant,
) -> Result<()> {
    let mut ready = store::lock(tx, patient, id).await?.data;
    if ready.verification == ProblemVerification::EnteredInError {
        return Ok(());
    }
    ready.verification = ProblemVerification::EnteredInError;
    store::update(tx, id, &ready, Some(reason), now).await
}

/// The problem to be changed, unless it was entered in error.
async fn lock(tx: &mut TenantTx, patient: PatientId, id: ProblemId) -> Result<Problem> {
    let present = store::lock(tx, patient, id).await?;
    if present.data.verification == ProblemVerification::EnteredInError {
        return Err(Error::new(Code::EnteredInError));
    }
    Ok(present)
}

/// Checks what is said against the code sets, the patient and his list; names the problem after its code.
async fn prepare(
    tx: &mut TenantTx,
    person: &Patient,
    present: Option<&Problem>,
    mut wanted: NewProblem,
    on: chrono::NaiveDate,
) -> Result<NewProblem> {
    let birth = person.data.birth_date;
    entries::check_not_before_birth(birth, "/onset", wanted.onset.as_ref())?;
    entries::check_not_before_birth(birth, "/abatement", wanted.abatement.as_ref())?;
    let before = present.and_then(|present| present.data.encounter_id);
    entries::check_encounter(tx, person.id, before, wanted.encounter_id).await?;
    let coded = present.map(|present| present.data.codes());
    let any = entries::Exactness::Any;
    let codes = entries::code_condition(tx, coded.as_ref(), wanted.codes(), any, on).await?;
    (wanted.icd10cm, wanted.snomed, wanted.name) = (codes.icd10cm, codes.snomed, codes.name);
    refuse_second(tx, person.id, &wanted, present.map(|present| present.id)).await?;
    Ok(wanted)
}

async fn refuse_second(
    tx: &mut TenantTx,
    patient: PatientId,
    wanted: &NewProblem,
    except: Option<ProblemId>,
) -> Result<()> {
    if wanted.status.is_open()
        && wanted.verification != ProblemVerification::Refuted
        && let Some(other) = store::open_with_code(tx, patient, wanted, except).await?
    {
        return Err(already_open().with("problem_id", json!(other)));
    }
    Ok(())
}

fn already_open() -> Error {
    Error::new(Code::ProblemAlreadyOpen)
}

async fn write(
    mut tx: CallerTx,
    patient: PatientId,
    id: ProblemId,
    data: &NewProblem,
    mistake: Option<&str>,
    now: Instant,
) -> Result<Answer<Problem>> {
    store::update(&mut tx, id, data, mistake, now)
        .await
        .on_constraint("problems_open_icd10cm_key", already_open)
        .on_constraint("problems_open_snomed_key", already_open)?;
    let problem = store::get(&mut tx, patient, id).await?;
    tx.commit(disclose_one(Action::Update, patient, id, problem))
        .await
}
