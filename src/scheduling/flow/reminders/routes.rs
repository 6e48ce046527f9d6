//! Reminders and their templates over HTTP.

use kernel::Page;
use kernel::ids::{AppointmentId, ReminderId};
use platform::App;
use platform::access::Ctx;
use platform::http::{IfMatch, Json, MergePatch, NoBody, Path, Query, Reply};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::model::{ListReminderTemplates, NewReminderTemplate, Reminder, ReminderTemplate};
use super::{service, templates};

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_reminder_templates, create_reminder_template))
        .routes(routes!(get_reminder_template, update_reminder_template))
        .routes(routes!(list_appointment_reminders))
        .routes(routes!(cancel_reminder))
}

/// List the templates of reminders
#[utoipa::path(get, path = "/api/v1/reminder-templates", tag = "reminders", params(ListReminderTemplates),
    responses((status = 200, body = Page<ReminderTemplate>, description = "A page of them, in the order they were added")),
    extensions(("x-permission" = json!("flow_settings.read"))))]
async fn list_reminder_templates(
    ctx: Ctx,
    Query(query): Query<ListReminderTemplates>,
) -> Reply<Page<ReminderTemplate>> {
    Ok(templates::list(&ctx, query).await?)
}

/// Add a template of reminders
///
/// Of several for the same time, a patient gets one: in the way that stands first in his telecoms, in his language if there is
/// one. Appointments made or changed from now on are reminded of with it.
#[utoipa::path(post, path = "/api/v1/reminder-templates", tag = "reminders", request_body = NewReminderTemplate,
    responses((status = 201, body = ReminderTemplate, description = "Added")),
    extensions(("x-permission" = json!("flow_settings.manage"))))]
async fn create_reminder_template(
    ctx: Ctx,
    Json(new): Json<NewReminderTemplate>,
) -> Reply<ReminderTemplate> {
    Ok(templates::add(&ctx, new).await?)
}

/// Read a template of reminders
#[utoipa::path(get, path = "/api/v1/reminder-templates/{reminder_template_id}", tag = "reminders",
    params(("reminder_template_id" = Uuid, Path, description = "Which template")),
    responses((status = 200, body = ReminderTemplate, description = "The template")),
    extensions(("x-permission" = json!("flow_settings.read"))))]
async fn get_reminder_template(ctx: Ctx, Path(id): Path<Uuid>) -> Reply<ReminderTemplate> {
    Ok(templates::read(&ctx, id).await?)
}

/// Change a template of reminders
///
/// What was planned with it and has not left says what the template says then.
#[utoipa::path(patch, path = "/api/v1/reminder-templates/{reminder_template_id}", tag = "reminders",
    params(("reminder_template_id" = Uuid, Path, description = "Which template")),
    request_body(content = NewReminderTemplate, content_type = "application/merge-patch+json"),
    responses((status = 200, body = ReminderTemplate, description = "Changed")),
    extensions(("x-permission" = json!("flow_settings.manage"))))]
async fn update_reminder_template(
    ctx: Ctx,
    Path(id): Path<Uuid>,
    if_match: IfMatch,
    patch: MergePatch,
) -> Reply<ReminderTemplate> {
    Ok(templates::change(&ctx, id, if_match, &patch).await?)
}

/// List the reminders of an appointment
///
/// Planned, sent, and those that could not be, with the reason.
#[utoipa::path(get, path = "/api/v1/appointments/{appointment_id}/reminders", tag = "reminders",
    params(("appointment_id" = AppointmentId, Path, description = "Which appointment")),
    responses((status = 200, body = Page<Reminder>, description = "All of them, in the order they leave")),
    extensions(("x-permission" = json!("reminder.read"))))]
async fn list_appointment_reminders(
    ctx: Ctx,
    Path(id): Path<AppointmentId>,
) -> Reply<Page<Reminder>> {
    Ok(service::of_appointment(&ctx, id).await?)
}

/// Take back a reminder
///
/// One that has not left.
#[utoipa::path(post, path = "/api/v1/reminders/{reminder_id}/cancel", tag = "reminders",
    params(("reminder_id" = ReminderId, Path, description = "Which reminder")),
    responses((status = 200, body = Reminder, description = "Taken back")),
    extensions(("x-permission" = json!("reminder.cancel"))))]
async fn cancel_reminder(ctx: Ctx, Path(id): Path<ReminderId>, _: NoBody) -> Reply<Reminder> {
    Ok(service::take_back(&ctx, id).await?)
}
