//! Admitting, moving, discharging.

use kernel::clock::Instant;
use kernel::ids::{EncounterId, PatientId};
use kernel::{Code, Error, OnConstraint, Page, Result};
use platform::access::{Ctx, Disclosure, Permission};
use platform::audit::Action;
use platform::db::TenantTx;
use platform::http::Answer;

use super::super::model::{Encounter, EncounterRecord};
use super::super::status::EncounterStatus;
use super::super::{places, service as encounters, store as register};
use super::model::{BedMove, BedStay, Discharge};
use super::store;
use crate::entries::{require_then, states_as_of};
use crate::patients::{self, AsOf};

pub(super) async fn list(
    ctx: &Ctx,
    patient: PatientId,
    id: EncounterId,
) -> Result<Answer<Page<BedStay>>> {
    let mut tx = ctx.begin(Permission::EncounterRead).await?;
    if !register::is_registered(&mut tx, patient, id).await? {
        return Err(Error::not_found());
    }
    let stays = store::of_encounter(&mut tx, id).await?;
    tx.finish(Disclosure::of(
        "encounter",
        Action::Read,
        patient,
        id,
        Page::last(stays),
    ))
    .await
}

/// As it was on record then.
pub(super) async fn list_as_of(
    ctx: &Ctx,
    patient: PatientId,
    id: EncounterId,
    then: AsOf,
) -> Result<Answer<Page<BedStay>>> {
    let mut tx = require_then(ctx, patient, then.instant(ctx)).await?;
    let mut stays: Vec<BedStay> = states_as_of(&mut tx, patient, then.instant(ctx)).await?;
    stays.retain(|stay| stay.encounter_id == id);
    stays.reverse();
    let page = Page::last(stays);
    tx.finish(Disclosure::of("encounter", Action::Read, patient, id, page))
        .await
}

pub(super) async fn transfer(
    ctx: &Ctx,
    patient: PatientId,
    id: EncounterId,
    to: BedMove,
) -> Result<Answer<BedStay>> {
    let mut tx = ctx.begin(Permission::EncounterConduct).await?;
    let mut record = register::lock(&mut tx, patient, id).await?.record;
    require_bed(&record)?;
    record.status.require(EncounterStatus::InProgress)?;
    patients::require_active(&mut tx, patient).await?;
    let lies_since = store::present(&mut tx, id).await?;
    let at = encounters::moment(&record, lies_since, to.at, "/at", ctx.now())?;

    let present = record.details();
    record.facility_id = Some(to.facility_id);
    record.department_id = Some(to.department_id);
    let wanted = record.details();
    places::check(&mut tx, Some(&present), &wanted).await?;

    store::end(&mut tx, id, at, ctx.now()).await?;
    let bed = to.bed.split_whitespace().collect::<Vec<_>>().join(" ");
    let stay = store::insert(&mut tx, &record, &bed, at, ctx.user(), ctx.now())
        .await
        .on_constraint("bed_stays_bed_excl", || Error::new(Code::BedOccupied))
        .on_constraint("bed_stays_patient_excl", || {
            Error::field(
                "/at",
                "before_last_stay",
                "must not lie before the end of the last stay",
            )
        })?;
    if present.facility_id != wanted.facility_id || present.department_id != wanted.department_id {
        register::update(&mut tx, record.scheduled_start, &record, ctx.now()).await?;
    }
    let location = format!("/api/v1/patients/{patient}/encounters/{id}/bed-moves");
    let version = stay.version;
    tx.commit(
        Disclosure::of("encounter", Action::Update, patient, id, stay)
            .created_at(location)
            .version(version),
    )
    .await
}

pub(super) async fn discharge(
    ctx: &Ctx,
    patient: PatientId,
    id: EncounterId,
    how: Discharge,
) -> Result<Answer<Encounter>> {
    let mut tx = ctx.begin(Permission::EncounterConduct).await?;
    let record = register::lock(&mut tx, patient, id).await?.record;
    require_bed(&record)?;
    encounters::end(
        &mut tx,
        record,
        how.at,
        Some(how.disposition),
        "/at",
        ctx.now(),
    )
    .await?;
    let encounter = register::get(&mut tx, patient, id).await?;
    let version = encounter.version;
    tx.commit(Disclosure::of("encounter", Action::Update, patient, id, encounter).version(version))
        .await
}

/// Since when the patient lies where he lies.
pub(in super::super) async fn lies_since(
    tx: &mut TenantTx,
    encounter: EncounterId,
) -> Result<Option<Instant>> {
    store::present(tx, encounter).await
}

/// Ends the present stay, if there is one.
pub(in super::super) async fn leave(
    tx: &mut TenantTx,
    encounter: EncounterId,
    at: Instant,
    now: Instant,
) -> Result<()> {
    store::end(tx, encounter, at, now).await
}

pub(in super::super) async fn has_stays(tx: &mut TenantTx, encounter: EncounterId) -> Result<bool> {
    store::exists(tx, encounter).await
}

fn require_bed(record: &EncounterRecord) -> Result<()> {
    if record.class.has_bed() {
        Ok(())
    } else {
        Err(Error::new(Code::NoBedForClass))
    }
}
