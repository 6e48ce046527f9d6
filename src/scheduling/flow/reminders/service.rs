//! Reminders of an appointment: looking at them, taking one back.

use kernel::ids::{AppointmentId, ReminderId};
use kernel::{Code, Error, Result};
use platform::access::{Ctx, Disclosure, Permission};
use platform::audit::{Action, Subject};
use platform::http::Answer;
use serde_json::json;

use super::model::{Reminder, ReminderStatus};
use super::store;

pub(super) async fn of_appointment(
    ctx: &Ctx,
    appointment: AppointmentId,
) -> Result<Answer<kernel::Page<Reminder>>> {
    let mut tx = ctx.begin(Permission::ReminderRead).await?;
    let patient = store::patient_of(&mut tx, appointment)
        .await?
        .ok_or_else(Error::not_found)?;
    let reminders = store::of_appointment(&mut tx, appointment).await?;
    let subject = Subject {
        patient: Some(patient),
        resource: Some(appointment.into()),
    };
    let page = kernel::Page::last(reminders);
    tx.finish(Disclosure::list("reminder", [subject], page))
        .await
}

pub(super) async fn take_back(ctx: &Ctx, id: ReminderId) -> Result<Answer<Reminder>> {
    let mut tx = ctx.begin(Permission::ReminderCancel).await?;
    let reminder = store::lock(&mut tx, id)
        .await?
        .ok_or_else(Error::not_found)?;
    if reminder.status != ReminderStatus::Scheduled {
        return Err(Error::new(Code::IllegalTransition).with("allowed", json!([])));
    }
    store::end(
        &mut tx,
        id,
        ReminderStatus::Cancelled,
        Some("taken_back"),
        ctx.now(),
    )
    .await?;
    let reminder = Reminder {
        status: ReminderStatus::Cancelled,
        outcome: Some("taken_back".to_owned()),
        version: reminder.version + 1,
        ..reminder
    };
    let (patient, version) = (reminder.patient_id, reminder.version);
    tx.commit(Disclosure::of("reminder", Action::Update, patient, id, reminder).version(version))
        .await
}
