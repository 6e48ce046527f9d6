//! Scheduling, reading, amending, and the steps from scheduled to the end.
//!
//! Every change locks the encounter first, so two steps at once are one after the other. An amendment says which version
//! it was made from; a step needs not: the present status decides whether it is legal.

use chrono::SubsecRound;
use kernel::clock::Instant;
use kernel::ids::{EncounterId, PatientId};
use kernel::{Checks, Code, Error, Result};
use platform::access::{Ctx, Disclosure, Permission};
use platform::audit::Action;
use platform::db::{CallerTx, TenantTx, partition};
use platform::http::{Answer, IfMatch, MergePatch};
use sqlx::types::Json;

use super::model::{
    Cancellation, Completion, Encounter, EncounterDetails, EncounterRecord, NewEncounter,
    Reschedule, check_schedule,
};
use super::status::EncounterStatus;
use super::{beds, clinical_part, places, store};
use crate::entries::{Remembered, read_row_as_of};
use crate::patients::{self, AsOf};

pub async fn schedule(
    ctx: &Ctx,
    patient: PatientId,
    new: NewEncounter,
) -> Result<Answer<Encounter>> {
    ensure_month(ctx, new.scheduled_start, async |look| {
        patients::require_active(look, patient).await
    })
    .await?;
    let mut tx = ctx.begin(Permission::EncounterSchedule).await?;
    patients::require_active(&mut tx, patient).await?;
    clinical_part::require_bookable(&new, ctx.principal().role)?;
    places::check(&mut tx, None, &new.details()).await?;
    let zone = match &new.time_zone {
        Some(zone) => zone.clone(),
        None => places::zone_of(&mut tx, new.facility_id).await?,
    };
    let id = EncounterId::new();
    let record = EncounterRecord::scheduled(id, patient, new, zone).cut();
    store::insert(&mut tx, &[record], Some(ctx.user()), ctx.now()).await?;
    let encounter = store::get(&mut tx, patient, id).await?;
    let location = format!("/api/v1/patients/{patient}/encounters/{id}");
    let version = encounter.version;
    tx.commit(
        Disclosure::of("encounter", Action::Create, patient, id, encounter)
            .created_at(location)
            .version(version),
    )
    .await
}

pub async fn get(ctx: &Ctx, patient: PatientId, id: EncounterId) -> Result<Answer<Encounter>> {
    show(ctx, Some(patient), id).await
}

pub async fn find(ctx: &Ctx, id: EncounterId) -> Result<Answer<Encounter>> {
    show(ctx, None, id).await
}

/// As it was on record then, whosever it was.
pub async fn find_as_of(ctx: &Ctx, id: EncounterId, then: AsOf) -> Result<Answer<Encounter>> {
    let mut tx = ctx.begin_snapshot(Permission::EntryHistory).await?;
    let (image, _) = read_row_as_of(&mut tx, Encounter::TABLE, id.0, then.instant(ctx)).await?;
    let encounter = Encounter::of_image(&image).map_err(Error::internal)?;
    let encounter = encounter.shown_to(ctx.principal().role);
    let (of, version) = (encounter.record.patient_id, encounter.version);
    tx.finish(Disclosure::of("encounter", Action::Read, of, id, encounter).version(version))
        .await
}

async fn show(ctx: &Ctx, patient: Option<PatientId>, id: EncounterId) -> Result<Answer<Encounter>> {
    let (row, glimpse) = ctx
        .glance::<store::Row>(Permission::EncounterRead, id)
        .await?;
    let encounter = Encounter::from(row).shown_to(ctx.principal().role);
    let of = encounter.record.patient_id;
    if patient.is_some_and(|patient| patient != of) {
        return Err(Error::not_found());
    }
    let version = encounter.version;
    glimpse
        .finish(Disclosure::of("encounter", Action::Read, of, id, encounter).version(version))
        .await
}

/// Amends what was planned or written down. A completed encounter can still be corrected; one that never took place not.
pub async fn amend(
    ctx: &Ctx,
    patient: PatientId,
    id: EncounterId,
    if_match: IfMatch,
    patch: &MergePatch,
) -> Result<Answer<Encounter>> {
    let mut tx = ctx.begin(Permission::EncounterSchedule).await?;
    let found = store::lock(&mut tx, patient, id).await?;
    if_match.require(found.version)?;
    let mut record = found.record;
    if matches!(
        record.status,
        EncounterStatus::Cancelled | EncounterStatus::NoShow
    ) {
        return Err(Error::new(Code::EncounterClosed));
    }
    clinical_part::require_changeable(patch, record.status, ctx.principal().role)?;
    let present = record.details();
    let mut wanted: EncounterDetails = patch.apply(&present)?;
    places::check(&mut tx, Some(&present), &wanted).await?;
    if wanted.facility_id != present.facility_id && !patch.touches("time_zone") {
        wanted.time_zone = None;
    }
    record.time_zone = match wanted.time_zone.take() {
        Some(zone) => zone,
        None => places::zone_of(&mut tx, wanted.facility_id).await?,
    };
    if wanted.class != record.class {
        require_schedule(ctx, &wanted, record.scheduled_start, record.scheduled_end)?;
        if !wanted.class.has_bed() && beds::has_stays(&mut tx, id).await? {
            return Err(Error::field(
                "/class",
                "has_bed_stays",
                "must be a class with a bed: the patient has had one",
            ));
        }
    }
    record.class = wanted.class;
    record.facility_id = wanted.facility_id;
    record.department_id = wanted.department_id;
    record.attending_provider_id = wanted.attending_provider_id;
    record.chief_complaint = wanted.chief_complaint;
    record.reason_codes = Json(wanted.reason_codes);
    let start = record.scheduled_start;
    store::update(&mut tx, start, &record, ctx.now()).await?;
    commit(ctx, tx, patient, id).await
}

pub async fn start(ctx: &Ctx, patient: PatientId, id: EncounterId) -> Result<Answer<Encounter>> {
    let mut tx = ctx.begin(Permission::EncounterConduct).await?;
    let mut record = store::lock(&mut tx, patient, id).await?.record;
    record.status = record.status.step(EncounterStatus::InProgress)?;
    patients::require_active(&mut tx, patient).await?;
    record.actual_start = Some(ctx.now());
    store::update(&mut tx, record.scheduled_start, &record, ctx.now()).await?;
    commit(ctx, tx, patient, id).await
}

pub async fn complete(
    ctx: &Ctx,
    patient: PatientId,
    id: EncounterId,
    how: Completion,
) -> Result<Answer<Encounter>> {
    let mut tx = ctx.begin(Permission::EncounterConduct).await?;
    let record = store::lock(&mut tx, patient, id).await?.record;
    end(
        &mut tx,
        record,
        how.actual_end,
        how.disposition,
        "/actual_end",
        ctx.now(),
    )
    .await?;
    commit(ctx, tx, patient, id).await
}

/// Completes a locked encounter, and with it the stay in a bed. `field` is where the body names `at`.
pub(super) async fn end(
    tx: &mut TenantTx,
    mut record: EncounterRecord,
    at: Option<Instant>,
    disposition: Option<String>,
    field: &str,
    now: Instant,
) -> Result<()> {
    record.status = record.status.step(EncounterStatus::Completed)?;
    let lies_since = beds::lies_since(tx, record.id).await?;
    let at = moment(&record, lies_since, at, field, now)?;
    beds::leave(tx, record.id, at, now).await?;
    record.actual_end = Some(at);
    record.disposition = disposition;
    store::update(tx, record.scheduled_start, &record, now).await
}

/// An instant of the encounter: not still to come, and not before it, or the present stay in a bed, began. Unless given it
/// is now, or when the last step was taken if that came first while this one waited for it.
pub(super) fn moment(
    record: &EncounterRecord,
    lies_since: Option<Instant>,
    given: Option<Instant>,
    field: &str,
    now: Instant,
) -> Result<Instant> {
    let begun = record.actual_start.max(lies_since);
    let Some(at) = given else {
        return Ok(begun.map_or(now, |begun| begun.max(now)));
    };
    let at = at.trunc_subsecs(6);
    if at > now {
        return Err(Error::field(
            field,
            "in_the_future",
            "must not lie in the future",
        ));
    }
    if begun.is_some_and(|begun| at < begun) {
        return Err(Error::field(
            field,
            "before_start",
            "must not lie before the start of the encounter, or of the present stay",
        ));
    }
    Ok(at)
}

pub async fn cancel(
    ctx: &Ctx,
    patient: PatientId,
    id: EncounterId,
    why: Cancellation,
) -> Result<Answer<Encounter>> {
    let mut tx = ctx.begin(Permission::EncounterSchedule).await?;
    let mut record = store::lock(&mut tx, patient, id).await?.record;
    record.status = record.status.step(EncounterStatus::Cancelled)?;
    record.cancel_reason = Some(why.reason);
    store::update(&mut tx, record.scheduled_start, &record, ctx.now()).await?;
    commit(ctx, tx, patient, id).await
}

pub async fn miss(ctx: &Ctx, patient: PatientId, id: EncounterId) -> Result<Answer<Encounter>> {
    let mut tx = ctx.begin(Permission::EncounterSchedule).await?;
    let mut record = store::lock(&mut tx, patient, id).await?.record;
    record.status = record.status.step(EncounterStatus::NoShow)?;
    store::update(&mut tx, record.scheduled_start, &record, ctx.now()).await?;
    commit(ctx, tx, patient, id).await
}

/// Other times. The row may move to another month; nothing that refers to the encounter notices.
pub async fn reschedule(
    ctx: &Ctx,
    patient: PatientId,
    id: EncounterId,
    times: Reschedule,
) -> Result<Answer<Encounter>> {
    let start = times.scheduled_start.trunc_subsecs(6);
    // The rule that needs no encounter comes before the month is made.
    let mut checks = Checks::at(ctx.now());
    check_schedule(
        &mut checks,
        super::EncounterClass::Inpatient,
        start,
        times.scheduled_end,
    );
    checks.finish()?;
    ensure_month(ctx, start, async |look| {
        let found = store::get(look, patient, id).await?;
        found.record.status.require(EncounterStatus::Scheduled)?;
        patients::require_active(look, patient).await
    })
    .await?;
    let mut tx = ctx.begin(Permission::EncounterSchedule).await?;
    let mut record = store::lock(&mut tx, patient, id).await?.record;
    record.status.require(EncounterStatus::Scheduled)?;
    patients::require_active(&mut tx, patient).await?;
    let before = record.scheduled_start;
    let end = match times.scheduled_end {
        Some(end) => Some(end.trunc_subsecs(6)),
        None => record.end_if_begun(start),
    };
    require_schedule(ctx, &record.details(), start, end)?;
    record.plan(start, end);
    store::update(&mut tx, before, &record, ctx.now()).await?;
    commit(ctx, tx, patient, id).await
}

fn require_schedule(
    ctx: &Ctx,
    details: &EncounterDetails,
    start: Instant,
    end: Option<Instant>,
) -> Result<()> {
    let mut checks = Checks::at(ctx.now());
    check_schedule(&mut checks, details.class, start, end);
    checks.finish()
}

/// The month must be there before the transaction begins: making it locks what the transaction may have written to. It is made
/// only for whoever may write into it: he has the permission, and `may` finds nothing against it. Anybody else is refused by the
/// transaction itself.
async fn ensure_month(
    ctx: &Ctx,
    start: Instant,
    may: impl AsyncFnOnce(&mut TenantTx) -> Result<()>,
) -> Result<()> {
    let db = &ctx.app().db;
    if partition::is_known(db, partition::Monthly::Encounters, start) {
        return Ok(());
    }
    let Ok(mut look) = ctx.look(Permission::EncounterSchedule).await else {
        return Ok(());
    };
    if may(&mut look).await.is_ok() {
        drop(look);
        partition::ensure_encounter_month(db, start).await?;
    }
    Ok(())
}

async fn commit(
    ctx: &Ctx,
    mut tx: CallerTx,
    patient: PatientId,
    id: EncounterId,
) -> Result<Answer<Encounter>> {
    let encounter = store::get(&mut tx, patient, id).await?;
    let encounter = encounter.shown_to(ctx.principal().role);
    let version = encounter.version;
    tx.commit(Disclosure::of("encounter", Action::Update, patient, id, encounter).version(version))
        .await
}
