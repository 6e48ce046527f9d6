//! SQL of reminders.

use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::{AppointmentId, PatientId, ReminderId};
use platform::db::TenantTx;

use super::model::{Reminder, ReminderStatus};

/// Whose appointment it is, if the caller may see it.
pub(super) async fn patient_of(
    tx: &mut TenantTx,
    appointment: AppointmentId,
) -> Result<Option<PatientId>> {
    let tenant = tx.tenant();
    Ok(sqlx::query_scalar!(
        r#"select patient_id as "patient_id: _" from app.appointments where tenant_id = $1 and id = $2"#,
        tenant as _,
        appointment as _,
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// In the order they leave.
pub(super) async fn of_appointment(
    tx: &mut TenantTx,
    appointment: AppointmentId,
) -> Result<Vec<Reminder>> {
    let tenant = tx.tenant();
    Ok(sqlx::query_as!(
        Reminder,
        r#"select id as "id: _", patient_id as "patient_id: _", appointment_id as "appointment_id: _", offer_id as "offer_id: _",
                  template_id, channel as "channel: _", additional, send_at, status as "status: _", outcome, sent_at, version
             from app.reminders where tenant_id = $1 and appointment_id = $2 order by send_at, id limit 200"#,
        tenant as _,
        appointment as _,
    )
    .fetch_all(tx.conn())
    .await?)
}

pub(super) async fn lock(tx: &mut TenantTx, id: ReminderId) -> Result<Option<Reminder>> {
    let tenant = tx.tenant();
    Ok(sqlx::query_as!(
        Reminder,
        r#"select id as "id: _", patient_id as "patient_id: _", appointment_id as "appointment_id: _", offer_id as "offer_id: _",
                  template_id, channel as "channel: _", additional, send_at, status as "status: _", outcome, sent_at, version
             from app.reminders where tenant_id = $1 and id = $2 for update"#,
        tenant as _,
        id as _,
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// The reminder is planned again, for later.
pub(super) async fn put_off(
    tx: &mut TenantTx,
    id: ReminderId,
    until: Instant,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update app.reminders
            set status = 'scheduled', outcome = null, send_at = $3, version = version + 1, updated_at = $4
          where tenant_id = $1 and id = $2",
        tenant as _,
        id as _,
        until,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The reminder goes no further, or is on its way.
pub(super) async fn end(
    tx: &mut TenantTx,
    id: ReminderId,
    status: ReminderStatus,
    outcome: Option<&str>,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update app.reminders
            set status = $3, outcome = $4, sent_at = case when $3 = 'sent' then $5::timestamptz end, version = version + 1, updated_at = $5
          where tenant_id = $1 and id = $2",
        tenant as _,
        id as _,
        status as _,
        outcome,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
