//! SQL of planning and sending: by the system.

use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::{AppointmentId, PatientId, ReminderId, WaitlistOfferId};
use platform::db::TenantTx;
use platform::messages::Channel;
use serde_json::Value;
use uuid::Uuid;

/// What a message is about: an appointment, or a place offered.
pub(super) struct Visit {
    pub patient_id: PatientId,
    pub starts_at: Instant,
    /// Whether it still takes place, or can still be had.
    pub open: bool,
    /// Of an offer.
    pub deadline: Option<Instant>,
    pub facility: String,
    pub time_zone: String,
    pub patient_active: bool,
    pub names: Value,
    pub telecoms: Value,
    pub language: Option<String>,
}

/// The appointment, locked so that it is not moved while a message about it is made.
pub(super) async fn appointment(tx: &mut TenantTx, id: AppointmentId) -> Result<Option<Visit>> {
    let tenant = tx.tenant();
    Ok(sqlx::query_as!(
        Visit,
        r#"select a.patient_id as "patient_id: _", a.starts_at, a.status in ('scheduled', 'confirmed') as "open!",
                  null::timestamptz as deadline, f.name as facility, a.time_zone,
                  p.status = 'active' and p.deleted_at is null as "patient_active!", p.names, p.telecoms, p.language
             from app.appointments a
             join app.patients p on p.tenant_id = a.tenant_id and p.id = a.patient_id
             join app.facilities f on f.tenant_id = a.tenant_id and f.id = a.facility_id
            where a.tenant_id = $1 and a.id = $2 for share of a"#,
        tenant as _,
        id as _,
    )
    .fetch_optional(tx.conn())
    .await?)
}

pub(super) async fn offer(tx: &mut TenantTx, id: WaitlistOfferId) -> Result<Option<Visit>> {
    let tenant = tx.tenant();
    Ok(sqlx::query_as!(
        Visit,
        r#"select o.patient_id as "patient_id: _", o.starts_at, o.status = 'open' as "open!", o.deadline as "deadline?",
                  f.name as facility, f.time_zone, p.status = 'active' and p.deleted_at is null as "patient_active!",
                  p.names, p.telecoms, p.language
             from app.waitlist_offers o
             join app.patients p on p.tenant_id = o.tenant_id and p.id = o.patient_id
             join app.facilities f on f.tenant_id = o.tenant_id and f.id = o.facility_id
            where o.tenant_id = $1 and o.id = $2"#,
        tenant as _,
        id as _,
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// A reminder of an appointment that was planned before.
pub(super) struct Planned {
    pub id: ReminderId,
    pub template_id: Uuid,
    pub for_start: Instant,
    pub additional: bool,
    pub scheduled: bool,
}

/// Those planned, on their way or sent, locked.
pub(super) async fn planned(tx: &mut TenantTx, appointment: AppointmentId) -> Result<Vec<Planned>> {
    let tenant = tx.tenant();
    Ok(sqlx::query_as!(
        Planned,
        r#"select id as "id: _", template_id, for_start, additional, status = 'scheduled' as "scheduled!"
             from app.reminders
            where tenant_id = $1 and appointment_id = $2 and status in ('scheduled', 'sending', 'sent')
            for update"#,
        tenant as _,
        appointment as _,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// A message to be planned.
pub(super) struct NewReminder {
    pub id: ReminderId,
    pub patient: PatientId,
    pub appointment: Option<AppointmentId>,
    pub offer: Option<WaitlistOfferId>,
    pub template: Uuid,
    pub channel: Channel,
    pub for_start: Instant,
    pub send_at: Instant,
    pub additional: bool,
}

pub(super) async fn insert(tx: &mut TenantTx, new: &NewReminder, now: Instant) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "insert into app.reminders (tenant_id, id, patient_id, appointment_id, offer_id, template_id, channel, for_start, send_at,
                                    created_at, updated_at, additional)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, $11)",
        tenant as _,
        new.id as _,
        new.patient as _,
        new.appointment as _,
        new.offer as _,
        new.template,
        new.channel as _,
        new.for_start,
        new.send_at,
        now,
        new.additional,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// When the appointment was to begin as the reminder was planned.
pub(super) async fn for_start(tx: &mut TenantTx, id: ReminderId) -> Result<Instant> {
    let tenant = tx.tenant();
    Ok(sqlx::query_scalar!(
        "select for_start from app.reminders where tenant_id = $1 and id = $2",
        tenant as _,
        id as _,
    )
    .fetch_one(tx.conn())
    .await?)
}
