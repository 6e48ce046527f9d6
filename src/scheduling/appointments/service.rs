//! Booking, reading, amending.

use kernel::clock::Instant;
use kernel::ids::{AppointmentId, HoldId, PatientId};
use kernel::{Code, Error, Result};
use platform::access::{Ctx, Disclosure, Permission};
use platform::audit::Action;
use platform::db::{CallerTx, TenantTx};
use platform::http::{Answer, IfMatch, MergePatch};

use super::booking::{self, Booker, Details};
use super::model::{Appointment, AppointmentDetails, NewAppointment};
use super::placement::Placement;
use super::{holds, line, next_free, planned, store, store_holds};
use crate::booking_rules;

/// How often a booking that left the choice open is tried, if what was chosen is taken while it is booked.
const TRIES: usize = 3;

pub(super) async fn book(ctx: &Ctx, new: NewAppointment) -> Result<Answer<Appointment>> {
    if new.overbook_reason.is_some() {
        ctx.require(Permission::AppointmentOverbook)?;
    }
    refuse_office_words(ctx, &new)?;
    let details = Details {
        priority: new.priority.unwrap_or_default(),
        chief_complaint: new.chief_complaint.clone(),
        notes: new.notes.clone(),
        join_url: new.join_url.clone(),
        overbook_reason: new.overbook_reason.clone(),
        encounter: new.encounter_id,
        ..Details::default()
    };
    let Some(hold) = new.hold_id else {
        return book_place(ctx, new, &details).await;
    };
    if new.encounter_id.is_some() {
        let mut look = ctx.look(Permission::AppointmentBook).await?;
        let kept = store_holds::find(&mut look, hold, ctx.now()).await?;
        drop(look);
        if let Some(kept) = kept {
            planned::ensure_month(ctx, kept.starts_at).await?;
        }
    }
    let mut tx = ctx.begin_by_keys(Permission::AppointmentBook).await?;
    holds::refuse_offered(&mut tx, hold).await?;
    let by = Booker::caller(ctx);
    let id = booking::book_hold_in_tx(&mut tx, hold, None, &details, by, ctx.now()).await?;
    created(ctx, tx, id).await
}

async fn book_place(
    ctx: &Ctx,
    new: NewAppointment,
    details: &Details,
) -> Result<Answer<Appointment>> {
    // Who may not is refused, and the refusal recorded, before anybody stands in line behind him.
    if ctx.require(Permission::AppointmentBook).is_err() {
        ctx.begin(Permission::AppointmentBook).await?;
    }
    let wish = placement_of(ctx, new)?;
    if details.encounter.is_some() {
        let mut look = ctx.look(Permission::AppointmentBook).await?;
        let may = planned::require(&mut look, wish.patient, details.encounter).await;
        drop(look);
        if may.is_ok() {
            planned::ensure_month(ctx, wish.starts_at).await?;
        }
    }
    let turn = line::stand(ctx.tenant(), &wish).await;
    let mut tries = 1;
    loop {
        let mut tx = ctx.begin_by_keys(Permission::AppointmentBook).await?;
        require_patient(&mut tx, wish.patient).await?;
        require_own_limits(ctx, &mut tx, wish.patient).await?;
        planned::require(&mut tx, wish.patient, details.encounter).await?;
        let by = Booker::caller(ctx);
        let manner = by.manner(details);
        match booking::try_in_tx(&mut tx, wish.clone(), details, manner, by, ctx.now()).await {
            Ok(id) => return created(ctx, tx, id).await,
            Err(refused) if tries < TRIES && refused.may_choose_again(&wish) => tries += 1,
            Err(refused) => {
                drop(turn);
                let wish = next_free::Instead::of(&wish, manner);
                return Err(next_free::told(ctx, tx, &wish, refused).await);
            }
        }
    }
}

async fn created(ctx: &Ctx, mut tx: CallerTx, id: AppointmentId) -> Result<Answer<Appointment>> {
    let appointment = booking::get_in_tx(&mut tx, id).await?;
    let (patient, version) = (appointment.patient_id, appointment.version);
    let shown = shown(ctx, appointment);
    tx.commit(
        Disclosure::of("appointment", Action::Create, patient, id, shown)
            .created_at(format!("/api/v1/appointments/{id}"))
            .version(version),
    )
    .await
}

fn placement_of(ctx: &Ctx, new: NewAppointment) -> Result<Placement> {
    let patient = named_patient(ctx, new.patient_id)?;
    let required = |pointer: &'static str| Error::field(pointer, "required", "must be given");
    Ok(Placement {
        patient,
        service: new.service_id.ok_or_else(|| required("/service_id"))?,
        facility: new.facility_id.ok_or_else(|| required("/facility_id"))?,
        providers: new
            .provider_id
            .into_iter()
            .chain(new.other_provider_ids)
            .collect(),
        staff: new.staff_ids,
        room: new.room_id,
        equipment: new.equipment_ids,
        starts_at: new.starts_at.ok_or_else(|| required("/starts_at"))?,
        timing: None,
    })
}

/// The patient a body names, or the caller himself; active, and the caller may see him.
pub(crate) async fn patient_of(
    ctx: &Ctx,
    tx: &mut TenantTx,
    named: Option<PatientId>,
) -> Result<PatientId> {
    let patient = named_patient(ctx, named)?;
    require_patient(tx, patient).await?;
    Ok(patient)
}

pub(super) fn named_patient(ctx: &Ctx, named: Option<PatientId>) -> Result<PatientId> {
    let missing = || Error::field("/patient_id", "required", "must be given");
    named.or(ctx.principal().patient).ok_or_else(missing)
}

/// A body's patient is active, and the caller may see him.
pub(super) async fn require_patient(tx: &mut TenantTx, patient: PatientId) -> Result<()> {
    match clinical::patients::require_active(tx, patient).await {
        Err(error) if error.code() == Code::NotFound => Err(Error::field(
            "/patient_id",
            "no_such_patient",
            "must name a patient",
        )),
        other => other,
    }
}

/// What a patient may not say of his own appointment.
fn refuse_office_words(ctx: &Ctx, new: &NewAppointment) -> Result<()> {
    if !ctx.acts_for_himself() {
        return Ok(());
    }
    for (pointer, given) in [
        ("/notes", new.notes.is_some()),
        ("/priority", new.priority.is_some()),
        ("/join_url", new.join_url.is_some()),
        ("/staff_ids", !new.staff_ids.is_empty()),
        ("/encounter_id", new.encounter_id.is_some()),
    ] {
        if given {
            let rule = "is the office's to say";
            return Err(Error::field(pointer, "not_yours", rule));
        }
    }
    Ok(())
}

/// A patient has so many appointments to come that he booked himself, at most.
pub(crate) async fn require_own_limits(
    ctx: &Ctx,
    tx: &mut TenantTx,
    patient: PatientId,
) -> Result<()> {
    if ctx.acts_for_himself() {
        require_few_in_tx(tx, patient, None, ctx.now()).await
    } else {
        Ok(())
    }
}

/// That a patient may book one more himself; `besides`: a hold that is to become that appointment.
///
/// # Errors
/// `too_many_appointments`.
pub(crate) async fn require_few_in_tx(
    tx: &mut TenantTx,
    patient: PatientId,
    besides: Option<HoldId>,
    now: Instant,
) -> Result<()> {
    // Two bookings at once would both count what there was before: one waits for the other.
    store::hold_chart(tx, patient).await?;
    let rules = booking_rules::in_force(tx).await?;
    if store::open_of(tx, patient, besides, now).await? < i64::from(rules.max_open_appointments) {
        Ok(())
    } else {
        Err(Error::new(Code::TooManyAppointments))
    }
}

pub(super) async fn read(ctx: &Ctx, id: AppointmentId) -> Result<Answer<Appointment>> {
    let mut tx = ctx.begin(Permission::AppointmentRead).await?;
    let appointment = booking::get_in_tx(&mut tx, id).await?;
    let (patient, version) = (appointment.patient_id, appointment.version);
    let shown = shown(ctx, appointment);
    tx.finish(Disclosure::of("appointment", Action::Read, patient, id, shown).version(version))
        .await
}

/// Amends what is said of an appointment that is not over.
pub(super) async fn amend(
    ctx: &Ctx,
    id: AppointmentId,
    if_match: IfMatch,
    patch: &MergePatch,
) -> Result<Answer<Appointment>> {
    let mut tx = ctx.begin(Permission::AppointmentManage).await?;
    let present = store::lock(&mut tx, id).await?;
    if_match.require(present.version)?;
    if present.status.is_void() {
        return Err(Error::new(Code::AppointmentClosed));
    }
    let wanted: AppointmentDetails = patch.apply(&present.details())?;
    store::amend(&mut tx, id, &wanted, ctx.now()).await?;
    commit(ctx, tx, id).await
}

/// What the caller is shown of it.
pub(super) fn shown(ctx: &Ctx, appointment: Appointment) -> Appointment {
    appointment.shown_to(ctx.principal().role)
}

/// Ends a change of an appointment.
pub(super) async fn commit(
    ctx: &Ctx,
    mut tx: CallerTx,
    id: AppointmentId,
) -> Result<Answer<Appointment>> {
    let appointment = booking::get_in_tx(&mut tx, id).await?;
    let (patient, version) = (appointment.patient_id, appointment.version);
    let shown = shown(ctx, appointment);
    tx.commit(Disclosure::of("appointment", Action::Update, patient, id, shown).version(version))
        .await
}
