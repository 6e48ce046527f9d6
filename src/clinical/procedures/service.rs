//! Recording procedures.

use chrono::NaiveDate;
use kernel::clock::Instant;
use kernel::ids::{PatientId, ProcedureId};
use kernel::{Code, Error, Page, PartialDate, Result};
use platform::access::{Ctx, Disclosure, Permission};
use platform::audit::Action;
use platform::db::{CallerTx, TenantTx};
use platform::http::{Answer, IfMatch, MergePatch, Paging};

use super::model::{ListProcedures, NewProcedure, Procedure};
use super::status::ProcedureStatus;
use super::store::{self, Filter};
use crate::entries::{
    self, Amended, Mistake, Then, amended_page, disclose_one, list_amended_as_of, show_amended,
};
use crate::patients::{self, Patient};
use crate::terminology::System;

const RESOURCE: &str = "procedure";

pub(super) async fn list(
    ctx: &Ctx,
    patient: PatientId,
    query: ListProcedures,
) -> Result<Answer<Page<Amended<Procedure>>>> {
    if let Some(at) = query.as_of {
        let then = Then::page(patient, at, query.limit, query.cursor);
        let filters = (query.status, query.include_errors);
        let id = |row: &Procedure| row.id.0;
        return list_amended_as_of(ctx, then, &filters, id, |row| {
            (query.include_errors || row.error_reason.is_none())
                && query.status.is_none_or(|status| status == row.data.status)
        })
        .await;
    }
    let filters = (patient, query.status, query.include_errors);
    let paging = Paging::new(ctx, &filters, query.limit, query.cursor)?;
    let mut tx = ctx.begin(Permission::ProcedureRead).await?;
    patients::require(&mut tx, patient).await?;
    let filter = Filter {
        id: None,
        status: query.status,
        include_errors: query.include_errors,
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
    id: ProcedureId,
) -> Result<Answer<Amended<Procedure>>> {
    let mut tx = ctx.begin(Permission::ProcedureRead).await?;
    patients::require(&mut tx, patient).await?;
    let procedure = store::get(&mut tx, patient, id).await?;
    show_amended(tx, patient, id, procedure).await
}

pub(super) async fn record(
    ctx: &Ctx,
    patient: PatientId,
    new: NewProcedure,
) -> Result<Answer<Procedure>> {
    let mut tx = ctx.begin(Permission::ProcedureWrite).await?;
    let person = entries::require_person(&mut tx, patient).await?;
    let id = add_in_tx(&mut tx, &person, new, ctx.now()).await?;
    let procedure = store::get(&mut tx, patient, id).await?;
    let place = format!("/api/v1/patients/{patient}/procedures/{id}");
    tx.commit(disclose_one(Action::Create, patient, id, procedure).created_at(place))
        .await
}

/// Records a procedure.
///
/// # Errors
/// Field errors of codes, dates, performers and the encounter.
pub async fn add_in_tx(
    tx: &mut TenantTx,
    person: &Patient,
    new: NewProcedure,
    now: Instant,
) -> Result<ProcedureId> {
    let ready = prepare(tx, person, None, new, now).await?;
    let id = ProcedureId::new();
    store::insert(tx, person.id, id, &ready, now).await?;
    Ok(id)
}

/// As [`add_in_tx`], of an entry that has changed where it came from. Whether it may be changed is the caller's to know.
///
/// # Errors
/// As [`add_in_tx`]; `entered_in_error`, `not_found`.
pub async fn revise_in_tx(
    tx: &mut TenantTx,
    person: &Patient,
    id: ProcedureId,
    new: NewProcedure,
    now: Instant,
) -> Result<()> {
    let present = lock(tx, person.id, id).await?;
    let ready = prepare(tx, person, Some(&present.data), new, now).await?;
    if ready == present.data {
        return Ok(());
    }
    store::update(tx, id, &ready, None, now).await
}

pub(super) async fn amend(
    ctx: &Ctx,
    patient: PatientId,
    id: ProcedureId,
    if_match: IfMatch,
    patch: &MergePatch,
) -> Result<Answer<Procedure>> {
    let mut tx = ctx.begin(Permission::ProcedureWrite).await?;
    let person = entries::require_person(&mut tx, patient).await?;
    let present = lock(&mut tx, patient, id).await?;
    if_match.require(present.version)?;
    let mut wanted: NewProcedure = patch.apply(&present.data)?;
    if wanted.status != present.data.status {
        present.data.status.step(wanted.status)?;
    }
    let recoded = (wanted.system, &wanted.code) != (present.data.system, &present.data.code);
    if recoded && !patch.touches("name") {
        wanted.name = None;
    }
    let ready = prepare(&mut tx, &person, Some(&present.data), wanted, ctx.now()).await?;
    write(tx, patient, id, &ready, None, ctx.now()).await
}

pub(super) async fn take_back(
    ctx: &Ctx,
    patient: PatientId,
    id: ProcedureId,
    mistake: Mistake,
) -> Result<Answer<Procedure>> {
    let mut tx = ctx.begin(Permission::ProcedureWrite).await?;
    patients::require(&mut tx, patient).await?;
    let present = lock(&mut tx, patient, id).await?;
    let ready = NewProcedure {
        status: ProcedureStatus::EnteredInError,
        ..present.data
    };
    write(tx, patient, id, &ready, Some(&mistake.reason), ctx.now()).await
}

/// Marks a procedure as entered in error, for whoever is no caller, such as an import. One that is so already stays.
///
/// # Errors
/// `not_found`.
pub async fn take_back_in_tx(
    tx: &mut TenantTx,
    patient: PatientId,
    id: ProcedureId,
    reason: &str,
    now: Instant,
) -> Result<()> {
    let mut ready = store::lock(tx, patient, id).await?.data;
    if ready.status == ProcedureStatus::EnteredInError {
        return Ok(());
    }
    ready.status = ProcedureStatus::EnteredInError;
    store::update(tx, id, &ready, Some(reason), now).await
}

/// The procedure to be changed, unless it was entered in error.
async fn lock(tx: &mut TenantTx, patient: PatientId, id: ProcedureId) -> Result<Procedure> {
    let present = store::lock(tx, patient, id).await?;
    if present.data.status == ProcedureStatus::EnteredInError {
        return Err(Error::new(Code::EnteredInError));
    }
    Ok(present)
}

/// Checks what is new in it: codes as of the day it was done, dates, performers, the encounter. Names it after its code.
async fn prepare(
    tx: &mut TenantTx,
    person: &Patient,
    present: Option<&NewProcedure>,
    wanted: NewProcedure,
    now: Instant,
) -> Result<NewProcedure> {
    let mut wanted = wanted.cut();
    let birth = person.data.birth_date;
    entries::check_not_before_birth(birth, "/performed_on", wanted.performed_on.as_ref())?;
    // East of Greenwich the day of birth has begun when the world's has not.
    let somewhere = chrono::TimeDelta::hours(14);
    let start = wanted
        .performed_start
        .map(|at| (at + somewhere).date_naive().into());
    entries::check_not_before_birth(birth, "/performed_start", start.as_ref())?;
    let before = present.and_then(|present| present.encounter_id);
    entries::check_encounter(tx, person.id, before, wanted.encounter_id).await?;
    for (place, performer) in wanted.performers.iter().enumerate() {
        let known = present.is_some_and(|present| present.performers.contains(performer));
        if let (Some(provider), false) = (performer.provider_id, known) {
            let pointer = format!("/performers/{place}/provider_id");
            entries::check_provider(tx, &pointer, None, Some(provider)).await?;
        }
    }
    let on = day_of(&wanted, now);
    let same_system = present.filter(|present| present.system == wanted.system);
    let (code, name) = entries::code_one(
        tx,
        ("/code", wanted.system.system()),
        same_system.map(|present| present.code.as_str()),
        &wanted.code,
        wanted.name.take(),
        on,
    )
    .await?;
    (wanted.code, wanted.name) = (code, Some(name));
    code_parts(tx, present, &mut wanted, on).await?;
    Ok(wanted)
}

/// Codes of the site and of complications that are new.
async fn code_parts(
    tx: &mut TenantTx,
    present: Option<&NewProcedure>,
    wanted: &mut NewProcedure,
    on: NaiveDate,
) -> Result<()> {
    let same_site = present.is_some_and(|present| present.body_site == wanted.body_site);
    if let Some(site) = &mut wanted.body_site
        && let (Some(code), false) = (&mut site.snomed, same_site)
    {
        *code = entries::code_part(tx, ("/body_site/snomed", System::Snomed), code, on).await?;
    }
    for (place, complication) in wanted.complications.iter_mut().enumerate() {
        let known = present.is_some_and(|present| present.complications.contains(complication));
        if let (Some(code), false) = (&mut complication.icd10cm, known) {
            let pointer = format!("/complications/{place}/icd10cm");
            *code = entries::code_part(tx, (&pointer, System::Icd10cm), code, on).await?;
        }
    }
    Ok(())
}

/// The day on which the code must be good: when it was done, or today.
fn day_of(procedure: &NewProcedure, now: Instant) -> NaiveDate {
    let done = procedure.performed_on.as_ref().map(PartialDate::latest);
    let begun = procedure.performed_start.map(|at| at.date_naive());
    done.or(begun)
        .unwrap_or(now.date_naive())
        .min(now.date_naive())
}

async fn write(
    mut tx: CallerTx,
    patient: PatientId,
    id: ProcedureId,
    data: &NewProcedure,
    mistake: Option<&str>,
    now: Instant,
) -> Result<Answer<Procedure>> {
    store::update(&mut tx, id, data, mistake, now).await?;
    let procedure = store::get(&mut tx, patient, id).await?;
    tx.commit(disclose_one(Action::Update, patient, id, procedure))
        .await
}
