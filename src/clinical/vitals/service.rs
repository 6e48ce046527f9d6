//! Recording, correcting and withdrawing vital signs, one set at a time.
//!
//! A set is never changed. A correction withdraws it and records another in the same transaction; each names the other.

use kernel::clock::Instant;
use kernel::ids::{PatientId, VitalSetId};
use kernel::{Code, Error, Result};
use platform::access::{Ctx, Disclosure, Permission};
use platform::audit::Action;
use platform::db::{CallerTx, TenantTx, partition};
use platform::http::Answer;

use super::derive;
use super::model::{Correction, NewVitals, Withdrawal};
use super::records::{self, SetOf, VitalRecord};
use super::subjects::{self, Subject};
use super::view::{Source, Vitals};
use super::{RESOURCE, admission, minutes, store, store_subjects, warnings};
use crate::alerts;

pub async fn record(
    ctx: &Ctx,
    patient: PatientId,
    confirmed: bool,
    new: NewVitals,
) -> Result<Answer<Vitals>> {
    ensure_month(ctx, patient, &new).await?;
    let mut tx = ctx.begin(Permission::VitalsRecord).await?;
    let subject = subjects::require(&mut tx, patient).await?;
    let rows = prepare(ctx, &mut tx, subject, new, (confirmed, "")).await?;
    let vitals = write(ctx, &mut tx, subject, rows).await?;
    let (id, version) = (vitals.id, vitals.version);
    let location = format!("/api/v1/patients/{patient}/vitals/{id}");
    tx.commit(
        Disclosure::of(RESOURCE, Action::Create, patient, id, vitals)
            .created_at(location)
            .version(version),
    )
    .await
}

/// Withdraws the set and records what should have stood there.
pub async fn correct(
    ctx: &Ctx,
    patient: PatientId,
    set: VitalSetId,
    confirmed: bool,
    correction: Correction,
) -> Result<Answer<Vitals>> {
    ensure_month(ctx, patient, &correction.replacement).await?;
    let mut tx = ctx.begin(Permission::VitalsRecord).await?;
    let subject = subjects::require(&mut tx, patient).await?;
    let present = require_standing(&mut tx, patient, set).await?;
    let new = correction.replacement;
    // Withdrawn first: what follows is compared with what stands.
    let replaced_by = VitalSetId(kernel::ids::mint_at(new.measured_at));
    let why = (correction.reason.as_str(), Some(replaced_by));
    if store::withdraw(&mut tx, patient, set, &[], why, ctx.now()).await? == 0 {
        return Err(Error::new(Code::VitalsWithdrawn));
    }
    minutes::follow(&mut tx, subject, present[0].measured_at, ctx.now()).await?;
    let mut rows = prepare(ctx, &mut tx, subject, new, (confirmed, "/replacement")).await?;
    for row in &mut rows {
        row.set_id = replaced_by;
        row.replaces = Some(set);
    }
    let vitals = write(ctx, &mut tx, subject, rows).await?;
    commit_change(tx, patient, vitals).await
}

/// Marks readings of a set as an error.
pub async fn withdraw(
    ctx: &Ctx,
    patient: PatientId,
    set: VitalSetId,
    why: Withdrawal,
) -> Result<Answer<Vitals>> {
    let mut tx = ctx.begin(Permission::VitalsRecord).await?;
    let subject = subjects::require(&mut tx, patient).await?;
    let present = require_standing(&mut tx, patient, set).await?;
    if why
        .reading_ids
        .iter()
        .any(|id| present.iter().all(|row| row.id != *id))
    {
        return Err(Error::field(
            "/reading_ids",
            "no_such_reading",
            "must name readings of this set",
        ));
    }
    let reason = (why.reason.as_str(), None);
    let done = store::withdraw(&mut tx, patient, set, &why.reading_ids, reason, ctx.now()).await?;
    if done == 0 {
        return Err(Error::new(Code::VitalsWithdrawn));
    }
    let rows = store::set(&mut tx, patient, set, None).await?;
    let vitals = show(&mut tx, subject, rows, None).await?;
    // A score that its parts no longer make was none.
    minutes::follow(&mut tx, subject, vitals.measured_at, ctx.now()).await?;
    commit_change(tx, patient, vitals).await
}

/// The rows of a set that has some, of which one at least stands; they are locked by whoever changes them first.
async fn require_standing(
    tx: &mut TenantTx,
    patient: PatientId,
    set: VitalSetId,
) -> Result<Vec<VitalRecord>> {
    let rows = store::set(tx, patient, set, None).await?;
    if rows.is_empty() {
        return Err(Error::not_found());
    }
    Ok(rows)
}

/// Judges a new set and makes its rows. `pointer` leads to it in the body.
async fn prepare(
    ctx: &Ctx,
    tx: &mut TenantTx,
    subject: Subject,
    new: NewVitals,
    (confirmed, pointer): (bool, &str),
) -> Result<Vec<VitalRecord>> {
    let age = subject.measured(new.measured_at, &format!("{pointer}/measured_at"))?;
    if let Some(encounter) = new.encounter_id
        && store_subjects::encounters(tx, &[(subject.id, encounter)])
            .await?
            .is_empty()
    {
        return Err(Error::field(
            format!("{pointer}/encounter_id"),
            "no_such_encounter",
            "must name an encounter of this patient",
        ));
    }
    let set = SetOf {
        patient_id: subject.id,
        encounter_id: new.encounter_id,
        measured_at: chrono::SubsecRound::trunc_subsecs(new.measured_at, 6),
        source: Source::Manual,
        recorded_by: Some(ctx.user()),
        recorded_at: ctx.now(),
    };
    let id = set.id();
    let mut rows: Vec<VitalRecord> = new
        .readings
        .into_iter()
        .map(|reading| set.row(id, reading))
        .collect();
    admission::admit(tx, &mut rows, age, confirmed, pointer).await?;
    Ok(rows)
}

/// Writes a set, raises what its scores call for, and shows it.
async fn write(
    ctx: &Ctx,
    tx: &mut TenantTx,
    subject: Subject,
    rows: Vec<VitalRecord>,
) -> Result<Vitals> {
    records::record_in_tx(tx, &rows).await?;
    let first = rows.first().cloned().ok_or_else(Error::not_found)?;
    let vitals = show(tx, subject, rows, None).await?;
    if warnings::is_fresh(first.measured_at, ctx.now()) {
        let new = warnings::called(&vitals.derived, &first);
        alerts::raise_in_tx(tx, &new, ctx.now()).await?;
    }
    Ok(vitals)
}

/// A set as it is shown, of today or `then`.
pub(super) async fn show(
    tx: &mut TenantTx,
    subject: Subject,
    rows: Vec<VitalRecord>,
    then: Option<Instant>,
) -> Result<Vitals> {
    let background = subject.background_of(tx, &rows, then).await?;
    derive::sets(rows, &background.ok_or_else(Error::not_found)?)
        .pop()
        .ok_or_else(Error::not_found)
}

async fn commit_change(tx: CallerTx, patient: PatientId, vitals: Vitals) -> Result<Answer<Vitals>> {
    let (id, version) = (vitals.id, vitals.version);
    tx.commit(Disclosure::of(RESOURCE, Action::Update, patient, id, vitals).version(version))
        .await
}

/// No month is made for who may not record, or not of this patient, or of no time of the patient's: the transaction refuses him.
async fn ensure_month(ctx: &Ctx, patient: PatientId, new: &NewVitals) -> Result<()> {
    let db = &ctx.app().db;
    if partition::is_known(db, partition::Monthly::Vitals, new.measured_at) {
        return Ok(());
    }
    let Ok(mut look) = ctx.look(Permission::VitalsRecord).await else {
        return Ok(());
    };
    let subject = subjects::require(&mut look, patient).await;
    drop(look);
    if subject.is_ok_and(|subject| subject.measured(new.measured_at, "").is_ok()) {
        records::ensure_months(db, [new.measured_at]).await?;
    }
    Ok(())
}
