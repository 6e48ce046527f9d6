//! Appointments over HTTP.

use clinical::entries::AsOfQuery;
use kernel::Page;
use kernel::ids::{AppointmentId, PatientId};
use platform::App;
use platform::access::Ctx;
use platform::http::{IfMatch, Json, MergePatch, NoBody, Path, Query, Reply};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{
    Appointment, AppointmentCancellation, AppointmentDetails, AppointmentMove, NewAppointment,
    OfPatient, Rescheduled, Rooming,
};
use super::{lists, moving, past, rooming, service, steps, undoing};

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(book_appointment))
        .routes(routes!(get_appointment, update_appointment))
        .routes(routes!(list_patient_appointments))
        .routes(routes!(confirm_appointment))
        .routes(routes!(check_in_appointment))
        .routes(routes!(undo_check_in_appointment))
        .routes(routes!(room_appointment))
        .routes(routes!(start_appointment))
        .routes(routes!(complete_appointment))
        .routes(routes!(cancel_appointment))
        .routes(routes!(mark_appointment_no_show))
        .routes(routes!(reschedule_appointment))
        .routes(routes!(list_appointment_chain))
}

/// Book an appointment
///
/// All it needs, or nothing: refused with `slot_taken` and the next free times if anybody or anything is occupied then.
#[utoipa::path(post, path = "/api/v1/appointments", tag = "appointments", request_body = NewAppointment,
    responses((status = 201, body = Appointment, description = "Booked")),
    extensions(("x-permission" = json!("appointment.book"))))]
async fn book_appointment(ctx: Ctx, Json(new): Json<NewAppointment>) -> Reply<Appointment> {
    Ok(service::book(&ctx, new).await?)
}

/// Open an appointment
#[utoipa::path(get, path = "/api/v1/appointments/{appointment_id}", tag = "appointments",
    params(("appointment_id" = AppointmentId, Path, description = "Which appointment"), AsOfQuery),
    responses((status = 200, body = Appointment, description = "The appointment")),
    extensions(("x-permission" = json!("appointment.read"))))]
async fn get_appointment(
    ctx: Ctx,
    Path(id): Path<AppointmentId>,
    Query(query): Query<AsOfQuery>,
) -> Reply<Appointment> {
    if let Some(then) = query.as_of {
        return Ok(past::read(&ctx, id, then).await?);
    }
    Ok(service::read(&ctx, id).await?)
}

/// Amend an appointment
///
/// What is said of it. Its time, people and places change by `reschedule`, its status by steps.
#[utoipa::path(patch, path = "/api/v1/appointments/{appointment_id}", tag = "appointments",
    params(("appointment_id" = AppointmentId, Path, description = "Which appointment")),
    request_body(content = AppointmentDetails, content_type = "application/merge-patch+json"),
    responses((status = 200, body = Appointment, description = "Amended")),
    extensions(("x-permission" = json!("appointment.manage"))))]
async fn update_appointment(
    ctx: Ctx,
    Path(id): Path<AppointmentId>,
    if_match: IfMatch,
    patch: MergePatch,
) -> Reply<Appointment> {
    Ok(service::amend(&ctx, id, if_match, &patch).await?)
}

/// List a patient's appointments
///
/// The last first.
#[utoipa::path(get, path = "/api/v1/patients/{patient_id}/appointments", tag = "appointments",
    params(("patient_id" = PatientId, Path, description = "Whose appointments"), OfPatient),
    responses((status = 200, body = Page<Appointment>, description = "A page of appointments")),
    extensions(("x-permission" = json!("appointment.read"))))]
async fn list_patient_appointments(
    ctx: Ctx,
    Path(patient): Path<PatientId>,
    Query(query): Query<OfPatient>,
) -> Reply<Page<Appointment>> {
    Ok(lists::of_patient(&ctx, patient, query).await?)
}

/// Confirm an appointment
///
/// The patient will come.
#[utoipa::path(post, path = "/api/v1/appointments/{appointment_id}/confirm", tag = "appointments",
    params(("appointment_id" = AppointmentId, Path, description = "Which appointment")),
    responses((status = 200, body = Appointment, description = "Confirmed")),
    extensions(("x-permission" = json!("appointment.respond"))))]
async fn confirm_appointment(
    ctx: Ctx,
    Path(id): Path<AppointmentId>,
    _: NoBody,
) -> Reply<Appointment> {
    Ok(steps::confirm(&ctx, id).await?)
}

/// Check a patient in
///
/// The patient is here. At most a day before the start. Who was marked as missed and comes late is checked in after all, on the same
/// day, if what is left of his time is free.
#[utoipa::path(post, path = "/api/v1/appointments/{appointment_id}/check-in", tag = "appointments",
    params(("appointment_id" = AppointmentId, Path, description = "Which appointment")),
    responses((status = 200, body = Appointment, description = "Checked in"),
              (status = 409, description = "`illegal_transition`; `too_early`; of who was marked as missed, `slot_taken`: somebody else has his place by now, and `next_free` says when there is another", body = platform::http::ProblemDocument, content_type = "application/problem+json")),
    extensions(("x-permission" = json!("appointment.manage"))))]
async fn check_in_appointment(
    ctx: Ctx,
    Path(id): Path<AppointmentId>,
    _: NoBody,
) -> Reply<Appointment> {
    Ok(steps::check_in(&ctx, id).await?)
}

/// Take back a check-in
///
/// It was somebody else who came. The appointment is scheduled or confirmed as before; its visit must not have begun.
#[utoipa::path(post, path = "/api/v1/appointments/{appointment_id}/undo-check-in", tag = "appointments",
    params(("appointment_id" = AppointmentId, Path, description = "Which appointment")),
    responses((status = 200, body = Appointment, description = "As before"),
              (status = 409, description = "`illegal_transition`: he is not checked in", body = platform::http::ProblemDocument, content_type = "application/problem+json")),
    extensions(("x-permission" = json!("appointment.manage"))))]
async fn undo_check_in_appointment(
    ctx: Ctx,
    Path(id): Path<AppointmentId>,
    _: NoBody,
) -> Reply<Appointment> {
    Ok(undoing::undo_check_in(&ctx, id).await?)
}

/// Put a patient into a room
///
/// He is checked in, and waits there. Said again, he is put into another room.
#[utoipa::path(post, path = "/api/v1/appointments/{appointment_id}/room", tag = "appointments",
    params(("appointment_id" = AppointmentId, Path, description = "Which appointment")), request_body = Rooming,
    responses((status = 200, body = Appointment, description = "In a room"),
              (status = 409, description = "`illegal_transition`: he is not checked in; `room_occupied`: another patient sits there, and it is not `shared`", body = platform::http::ProblemDocument, content_type = "application/problem+json")),
    extensions(("x-permission" = json!("appointment.manage"))))]
async fn room_appointment(
    ctx: Ctx,
    Path(id): Path<AppointmentId>,
    Json(place): Json<Rooming>,
) -> Reply<Appointment> {
    Ok(rooming::room(&ctx, id, place).await?)
}

/// Start a visit
///
/// Starts the planned encounter it was booked for, or opens one: from now on that is in progress.
#[utoipa::path(post, path = "/api/v1/appointments/{appointment_id}/start", tag = "appointments",
    params(("appointment_id" = AppointmentId, Path, description = "Which appointment")),
    responses((status = 200, body = Appointment, description = "In progress")),
    extensions(("x-permission" = json!("encounter.conduct"))))]
async fn start_appointment(
    ctx: Ctx,
    Path(id): Path<AppointmentId>,
    _: NoBody,
) -> Reply<Appointment> {
    Ok(steps::start(&ctx, id).await?)
}

/// Complete a visit
///
/// What is left of its time is free. Its encounter is completed on its own, when it is written up.
#[utoipa::path(post, path = "/api/v1/appointments/{appointment_id}/complete", tag = "appointments",
    params(("appointment_id" = AppointmentId, Path, description = "Which appointment")),
    responses((status = 200, body = Appointment, description = "Completed")),
    extensions(("x-permission" = json!("appointment.manage"))))]
async fn complete_appointment(
    ctx: Ctx,
    Path(id): Path<AppointmentId>,
    _: NoBody,
) -> Reply<Appointment> {
    Ok(steps::complete(&ctx, id).await?)
}

/// Cancel an appointment
///
/// What it occupied is free at once. A patient cancels his own, as long before as the booking rules say.
#[utoipa::path(post, path = "/api/v1/appointments/{appointment_id}/cancel", tag = "appointments",
    params(("appointment_id" = AppointmentId, Path, description = "Which appointment")),
    request_body = AppointmentCancellation,
    responses((status = 200, body = Appointment, description = "Cancelled")),
    extensions(("x-permission" = json!("appointment.respond"))))]
async fn cancel_appointment(
    ctx: Ctx,
    Path(id): Path<AppointmentId>,
    Json(why): Json<AppointmentCancellation>,
) -> Reply<Appointment> {
    Ok(steps::cancel(&ctx, id, why).await?)
}

/// Record that the patient did not come to an appointment
///
/// Not before it was to begin.
#[utoipa::path(post, path = "/api/v1/appointments/{appointment_id}/no-show", tag = "appointments",
    params(("appointment_id" = AppointmentId, Path, description = "Which appointment")),
    responses((status = 200, body = Appointment, description = "Marked as missed")),
    extensions(("x-permission" = json!("appointment.manage"))))]
async fn mark_appointment_no_show(
    ctx: Ctx,
    Path(id): Path<AppointmentId>,
    _: NoBody,
) -> Reply<Appointment> {
    Ok(steps::miss(&ctx, id).await?)
}

/// Reschedule an appointment
///
/// A new appointment takes its place, whole or not at all; what the old one occupied is free with the same stroke. A room or
/// device that is taken then gives way to another of its kind, unless it was named; `replaced_asset_ids` says which did.
#[utoipa::path(post, path = "/api/v1/appointments/{appointment_id}/reschedule", tag = "appointments",
    params(("appointment_id" = AppointmentId, Path, description = "Which appointment")),
    request_body = AppointmentMove,
    responses((status = 200, body = Rescheduled, description = "The appointment that took its place")),
    extensions(("x-permission" = json!("appointment.respond"))))]
async fn reschedule_appointment(
    ctx: Ctx,
    Path(id): Path<AppointmentId>,
    Json(wanted): Json<AppointmentMove>,
) -> Reply<Rescheduled> {
    Ok(moving::reschedule(&ctx, id, wanted).await?)
}

/// List the appointments that took each other's place
///
/// All of them, the first agreed on first.
#[utoipa::path(get, path = "/api/v1/appointments/{appointment_id}/chain", tag = "appointments",
    params(("appointment_id" = AppointmentId, Path, description = "One of them")),
    responses((status = 200, body = Page<Appointment>, description = "The chain")),
    extensions(("x-permission" = json!("appointment.read"))))]
async fn list_appointment_chain(
    ctx: Ctx,
    Path(id): Path<AppointmentId>,
) -> Reply<Page<Appointment>> {
    Ok(lists::chain(&ctx, id).await?)
}
