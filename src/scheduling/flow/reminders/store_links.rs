//! SQL of the links in messages.

use chrono::TimeDelta;
use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::{AppointmentId, PatientId, ReminderId};
use platform::db::TenantTx;
use serde::Deserialize;
use serde_json::Value;
use sqlx::types::Json;
use uuid::Uuid;

use crate::appointments::AppointmentStatus;

/// The link of a reminder; made again, the one before opens nothing any more.
pub(super) async fn put(
    tx: &mut TenantTx,
    reminder: ReminderId,
    patient: PatientId,
    appointment: AppointmentId,
    digest: &[u8],
    expires_at: Instant,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "insert into app.appointment_links (tenant_id, id, patient_id, appointment_id, secret_hash, expires_at, created_at)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (tenant_id, id) do update set secret_hash = excluded.secret_hash, expires_at = excluded.expires_at",
        tenant as _,
        reminder as _,
        patient as _,
        appointment as _,
        digest,
        expires_at,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// What a link leads to.
pub(super) struct Linked {
    pub id: Uuid,
    pub patient_id: PatientId,
    pub appointment_id: AppointmentId,
    pub expires_at: Instant,
    pub starts_at: Instant,
    pub ends_at: Instant,
    pub time_zone: String,
    pub status: AppointmentStatus,
    /// Whether a patient may still cancel it himself.
    pub may_cancel: bool,
    pub facility: String,
    pub phone: Option<String>,
    pub address: Option<Value>,
    pub moved: Option<Json<Moved>>,
    /// Whether its patient has another for the same service that is still to come.
    pub another: bool,
}

/// What took the place of an appointment that was moved, in the end.
#[derive(Deserialize)]
pub(super) struct Moved {
    pub starts_at: Instant,
    pub ends_at: Instant,
    pub time_zone: String,
    pub status: AppointmentStatus,
    pub facility: String,
    pub phone: Option<String>,
    pub address: Option<Value>,
}

/// The link with this digest that has not been answered or run out, locked; of a tenant that is active. `notice`: so long before, a
/// patient cancels himself.
pub(super) async fn lock(
    tx: &mut TenantTx,
    digest: &[u8],
    notice: TimeDelta,
    now: Instant,
) -> Result<Option<Linked>> {
    let tenant = tx.tenant();
    let last_to_cancel = now + notice;
    Ok(sqlx::query_as!(
        Linked,
        r#"select l.id, l.patient_id as "patient_id: _", l.appointment_id as "appointment_id: _", l.expires_at,
                  a.starts_at, a.ends_at, a.time_zone, a.status as "status: _", a.starts_at >= $4 as "may_cancel!",
                  f.name as facility, f.phone, f.address, m.moved as "moved: _",
                  exists (select from app.appointments n
                           where n.tenant_id = $1 and n.patient_id = a.patient_id and n.service_id = a.service_id and n.id <> a.id
                             and n.status in ('scheduled', 'confirmed') and n.starts_at > $3) as "another!"
             from app.appointment_links l
             join app.appointments a on a.tenant_id = l.tenant_id and a.patient_id = l.patient_id and a.id = l.appointment_id
             join app.facilities f on f.tenant_id = a.tenant_id and f.id = a.facility_id
             join app.tenants t on t.tenant_id = l.tenant_id and t.status = 'active'
             left join lateral (
                  with recursive chain (id) as (
                      select a.id
                       union
                      select b.id from chain c join app.appointments b on b.tenant_id = $1 and b.rescheduled_from = c.id)
                  select jsonb_build_object('starts_at', b.starts_at, 'ends_at', b.ends_at, 'time_zone', b.time_zone, 'status', b.status,
                                            'facility', g.name, 'phone', g.phone, 'address', g.address) as moved
                    from chain c
                    join app.appointments b on b.tenant_id = $1 and b.id = c.id
                    join app.facilities g on g.tenant_id = $1 and g.id = b.facility_id
                   where b.id <> a.id and b.status <> 'rescheduled' limit 1) m on a.status = 'rescheduled'
            where l.tenant_id = $1 and l.secret_hash = $2 and l.used_at is null and l.expires_at > $3
            for update of l"#,
        tenant as _,
        digest,
        now,
        last_to_cancel,
    )
    .fetch_optional(tx.conn())
    .await?)
}

pub(super) async fn use_up(tx: &mut TenantTx, id: Uuid, action: &str, now: Instant) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update app.appointment_links set used_at = $3, used_for = $4 where tenant_id = $1 and id = $2",
        tenant as _,
        id,
        now,
        action,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
