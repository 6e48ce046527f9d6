//! Recording immunizations.

use kernel::clock::Instant;
use kernel::ids::{ImmunizationId, PatientId};
use kernel::{Code, Error, OnConstraint, Page, Result};
use platform::access::{Ctx, Disclosure, Permission};
use platform::audit::Action;
use platform::db::{CallerTx, TenantTx};
use platform::http::{Answer, IfMatch, MergePatch, Paging};

use super::model::{ANOTHER_DAY, DoseStatus, Immunization, ListImmunizations, NewImmunization};
use super::store::{self, Filter, Place};
use crate::entries::{
    self, Amended, Mistake, Then, amended_page, disclose_one, list_amended_as_of, show_amended,
};
use crate::patients::{self, Patient};
use crate::terminology::System;

const RESOURCE: &str = "immunization";

pub(super) async fn list(
    ctx: &Ctx,
    patient: PatientId,
    query: ListImmunizations,
) -> Result<Answer<Page<Amended<Immunization>>>> {
    let cvx = query.cvx.as_deref().map(|code| System::Cvx.canonical(code));
    if let Some(at) = query.as_of {
        let then = Then::page(patient, at, query.limit, query.cursor);
        let filters = (&cvx, query.status, query.include_errors);
        let id = |row: &Immunization| row.id.0;
        return list_amended_as_of(ctx, then, &filters, id, |row| {
            (query.include_errors || row.error_reason.is_none())
                && query.status.is_none_or(|status| status == row.data.status)
                && cvx.as_ref().is_none_or(|cvx| *cvx == row.data.cvx)
        })
        .await;
    }
    let filters = (patient, &query.cvx, query.status, query.include_errors);
    let paging = Paging::new(ctx, &filters, query.limit, query.cursor.clone())?;
    let after: Option<Place> = paging.after()?;
    let mut tx = ctx.begin(Permission::ImmunizationRead).await?;
    patients::require(&mut tx, patient).await?;
    let filter = Filter {
        id: None,
        cvx: cvx.as_deref(),
        status: query.status,
        include_errors: query.include_errors,
    };
    let rows = store::page(&mut tx, patient, filter, after, paging.fetch()).await?;
    let page = paging.page(rows, |row| (row.data.occurred_on.clone(), row.id))?;
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
    id: ImmunizationId,
) -> Result<Answer<Amended<Immunization>>> {
    let mut tx = ctx.begin(Permission::ImmunizationRead).await?;
    patients::require(&mut tx, patient).await?;
    let dose = store::get(&mut tx, patient, id).await?;
    show_amended(tx, patient, id, dose).await
}

pub(super) async fn record(
    ctx: &Ctx,
    patient: PatientId,
    new: NewImmunization,
) -> Result<Answer<Immunization>> {
    let mut tx = ctx.begin(Permission::ImmunizationWrite).await?;
    let person = entries::require_person(&mut tx, patient).await?;
    check_given_at(ctx, None, &new)?;
    let id = add_in_tx(&mut tx, &person, new, ctx.now()).await?;
    let dose = store::get(&mut tx, patient, id).await?;
    let place = format!("/api/v1/patients/{patient}/immunizations/{id}");
    tx.commit(disclose_one(Action::Create, patient, id, dose).created_at(place))
        .await
}

/// At most `limit` doses that were given, the latest first.
pub async fn given_in_tx(
    tx: &mut TenantTx,
    patient: PatientId,
    limit: i64,
) -> Result<Vec<Immunization>> {
    let filter = Filter {
        status: Some(DoseStatus::Completed),
        ..Filter::default()
    };
    store::page(tx, patient, filter, None, limit).await
}

/// Records a dose, given or not.
///
/// # Errors
/// Field errors of the code, dates, the provider and the encounter; `dose_already_recorded`.
pub async fn add_in_tx(
    tx: &mut TenantTx,
    person: &Patient,
    new: NewImmunization,
    now: Instant,
) -> Result<ImmunizationId> {
    let ready = prepare(tx, person, None, new, now).await?;
    let id = ImmunizationId::new();
    store::insert(tx, person.id, id, &ready, now)
        .await
        .on_constraint("immunizations_dose_key", recorded)?;
    Ok(id)
}

/// As [`add_in_tx`], of an entry that has changed where it came from. Whether it may be changed is the caller's to know.
///
/// # Errors
/// As [`add_in_tx`]; `entered_in_error`, `not_found`.
pub async fn revise_in_tx(
    tx: &mut TenantTx,
    person: &Patient,
    id: ImmunizationId,
    new: NewImmunization,
    now: Instant,
) -> Result<()> {
    let present = lock(tx, person.id, id).await?;
    let ready = prepare(tx, person, Some(&present.data), new, now).await?;
    if ready == present.data {
        return Ok(());
    }
    store::update(tx, id, &ready, None, now)
        .await
        .on_constraint("immunizations_dose_key", recorded)
}

pub(super) async fn amend(
    ctx: &Ctx,
    patient: PatientId,
    id: ImmunizationId,
    if_match: IfMatch,
    patch: &MergePatch,
) -> Result<Answer<Immunization>> {
    let mut tx = ctx.begin(Permission::ImmunizationWrite).await?;
    let person = entries::require_person(&mut tx, patient).await?;
    let present = lock(&mut tx, patient, id).await?;
    if_match.require(present.version)?;
    let mut wanted: NewImmunization = patch.apply(&present.data)?;
    if wanted.cvx != present.data.cvx && !patch.touches("name") {
        wanted.name = None;
    }
    check_given_at(ctx, Some(&present.data), &wanted)?;
    let ready = prepare(&mut tx, &person, Some(&present.data), wanted, ctx.now()).await?;
    write(tx, patient, id, &ready, None, ctx.now()).await
}

pub(super) async fn take_back(
    ctx: &Ctx,
    patient: PatientId,
    id: ImmunizationId,
    mistake: Mistake,
) -> Result<Answer<Immunization>> {
    let mut tx = ctx.begin(Permission::ImmunizationWrite).await?;
    patients::require(&mut tx, patient).await?;
    let present = lock(&mut tx, patient, id).await?;
    let ready = NewImmunization {
        status: DoseStatus::EnteredInError,
        ..present.data
    };
    write(tx, patient, id, &ready, Some(&mistake.reason), ctx.now()).await
}

/// Marks a dose as entered in error, for whoever is no caller, such as an import. One that is so already stays.
///
/// # Errors
/// `not_found`.
pub async fn take_back_in_tx(
    tx: &mut TenantTx,
    patient: PatientId,
    id: ImmunizationId,
    reason: &str,
    now: Instant,
) -> Result<()> {
    let mut ready = store::lock(tx, patient, id).await?.data;
    if ready.status == DoseStatus::EnteredInError {
        return Ok(());
    }
    ready.status = DoseStatus::EnteredInError;
    store::update(tx, id, &ready, Some(reason), now).await
}

/// The dose to be changed, unless it was entered in error.
async fn lock(tx: &mut TenantTx, patient: PatientId, id: ImmunizationId) -> Result<Immunization> {
    let present = store::lock(tx, patient, id).await?;
    if present.data.status == DoseStatus::EnteredInError {
        return Err(Error::new(Code::EnteredInError));
    }
    Ok(present)
}

/// A dose is given on the day it is said to be, by the clocks of one of the organisation's places.
fn check_given_at(
    ctx: &Ctx,
    before: Option<&NewImmunization>,
    wanted: &NewImmunization,
) -> Result<()> {
    let same = |before: &NewImmunization| {
        (before.given_at, &before.occurred_on) == (wanted.given_at, &wanted.occurred_on)
    };
    let Some(at) = wanted.given_at.filter(|_| !before.is_some_and(same)) else {
        return Ok(());
    };
    let said = wanted.occurred_on.earliest()..=wanted.occurred_on.latest();
    if ctx.principal().days_of(at).any(|day| said.contains(&day)) {
        return Ok(());
    }
    Err(Error::field("/given_at", "another_day", ANOTHER_DAY))
}

/// Checks what is new in it, and names it after its code. Old vaccines keep their codes, so the code must be good today.
async fn prepare(
    tx: &mut TenantTx,
    person: &Patient,
    present: Option<&NewImmunization>,
    wanted: NewImmunization,
    now: Instant,
) -> Result<NewImmunization> {
    let mut wanted = wanted.cut();
    let birth = person.data.birth_date;
    entries::check_not_before_birth(birth, "/occurred_on", Some(&wanted.occurred_on))?;
    let before = present.and_then(|present| present.encounter_id);
    entries::check_encounter(tx, person.id, before, wanted.encounter_id).await?;
    if let Some(provider) = wanted.provider_id
        && present.and_then(|present| present.provider_id) != Some(provider)
    {
        entries::check_provider(tx, "/provider_id", None, Some(provider)).await?;
    }
    let (code, name) = entries::code_one(
        tx,
        ("/cvx", System::Cvx),
        present.map(|present| present.cvx.as_str()),
        &wanted.cvx,
        wanted.name.take(),
        now.date_naive(),
    )
    .await?;
    (wanted.cvx, wanted.name) = (code, Some(name));
    Ok(wanted)
}

fn recorded() -> Error {
    Error::new(Code::DoseAlreadyRecorded)
}

async fn write(
    mut tx: CallerTx,
    patient: PatientId,
    id: ImmunizationId,
    data: &NewImmunization,
    mistake: Option<&str>,
    now: Instant,
) -> Result<Answer<Immunization>> {
    store::update(&mut tx, id, data, mistake, now)
        .await
        .on_constraint("immunizations_dose_key", recorded)?;
    let dose = store::get(&mut tx, patient, id).await?;
    tx.commit(disclose_one(Action::Update, patient, id, dose))
        .await
}
