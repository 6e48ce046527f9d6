//! Booking, reading, amending.

use kernel::clock::Instant;
use kernel::ids::{AppointmentId, PatientId};
use kernel::{Code, Error, Result};
use platform::access::{Ctx, Disclosure, Permission, Role};
use platform::audit::Action;
use platform::db::{CallerTx, TenantTx};
use platform::http::{Answer, IfMatch, MergePatch};
use serde_json::json;

use super::booking::{self, By, Details};
use super::model::{Appointment, AppointmentDetails, NewAppointment};
use super::placement::Placement;
use super::store;
use crate::booking_rules;

pub(super) async fn book(ctx: &Ctx, new: NewAppointment) -> Result<Answer<Appointment>> {
    if new.overbook_reason.is_some() {
        ctx.require(Permission::AppointmentOverbook)?;
    }
    refuse_office_words(ctx, &new)?;
    let mut tx = ctx.begin(Permission::AppointmentBook).await?;
    let details = Details {
        priority: new.priority.unwrap_or_default(),
        chief_complaint: new.chief_complaint.clone(),
        notes: new.notes.clone(),
        join_url: new.join_url.clone(),
        overbook_reason: new.overbook_reason.clone(),
        ..Details::default()
    };
    let by = By::caller(ctx);
    let id = if let Some(hold) = new.hold_id {
        booking::book_hold_in_tx(&mut tx, hold, None, &details, by, ctx.now()).await?
    } else {
        let placement = placement_of(ctx, &mut tx, new).await?;
        require_own_limits(ctx, &mut tx, placement.patient).await?;
        let wish = placement.clone();
        match booking::book_in_tx(&mut tx, placement, &details, by, ctx.now()).await {
            Ok(id) => id,
            Err(error) => {
                drop(tx);
                return Err(with_next_free(ctx, &wish, error).await);
            }
        }
    };
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

async fn placement_of(ctx: &Ctx, tx: &mut TenantTx, new: NewAppointment) -> Result<Placement> {
    let patient = patient_of(ctx, tx, new.patient_id).await?;
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
    let missing = || Error::field("/patient_id", "required", "must be given");
    let patient = named.or(ctx.principal().patient).ok_or_else(missing)?;
    match clinical::patients::require_active(tx, patient).await {
        Err(error) if error.code() == Code::NotFound => Err(Error::field(
            "/patient_id",
            "no_such_patient",
            "must name a patient",
        )),
        other => other.map(|()| patient),
    }
}

/// What a patient may not say of his own appointment.
fn refuse_office_words(ctx: &Ctx, new: &NewAppointment) -> Result<()> {
    if ctx.principal().role != Role::Patient {
        return Ok(());
    }
    for (pointer, given) in [
        ("/notes", new.notes.is_some()),
        ("/priority", new.priority.is_some()),
        ("/join_url", new.join_url.is_some()),
        ("/staff_ids", !new.staff_ids.is_empty()),
    ] {
        if given {
            let rule = "is the office's to say";
            return Err(Error::field(pointer, "not_yours", rule));
        }
    }
    Ok(())
}

/// A patient has so many appointments to come that he booked himself, at most.
pub(super) async fn require_own_limits(
    ctx: &Ctx,
    tx: &mut TenantTx,
    patient: PatientId,
) -> Result<()> {
    if ctx.principal().role != Role::Patient {
        return Ok(());
    }
    let rules = booking_rules::in_force(tx).await?;
    if store::open_of(tx, patient, ctx.now()).await? < i64::from(rules.max_open_appointments) {
        Ok(())
    } else {
        Err(Error::new(Code::TooManyAppointments))
    }
}

/// Adds to a refusal for want of a free place when there is one.
pub(super) async fn with_next_free(ctx: &Ctx, wish: &Placement, error: Error) -> Error {
    if error.code() != Code::SlotTaken {
        return error;
    }
    match next_free(ctx, wish).await {
        Ok(times) => error.with("next_free", json!(times)),
        // The place is taken all the same.
        Err(_) => error,
    }
}

/// In a transaction of its own: the one that failed has taken part of the time and must be gone.
async fn next_free(ctx: &Ctx, wish: &Placement) -> Result<Vec<Instant>> {
    let mut tx = ctx.look(Permission::AppointmentBook).await?;
    super::next_free::after(&mut tx, wish, ctx.now()).await
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
    if ctx.principal().role == Role::Patient {
        appointment.for_patient()
    } else {
        appointment
    }
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
