//! SQL of free time: what is closed to somebody who waits, and what became free.

use chrono_tz::Tz;
use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::{AppointmentId, FacilityId, HoldId, ServiceId, WaitlistEntryId};
use platform::db::TenantTx;
use sqlx::types::Json;
use uuid::Uuid;

use super::store::{self, Row};
use crate::appointments::HoldStatus;
use crate::flow::flow_settings::TriageRules;
use crate::flow::wall;
use crate::ranges::Span;

/// The request, held until the transaction ends, if its patient waits and is active.
pub(super) async fn lock_waiting(
    tx: &mut TenantTx,
    id: WaitlistEntryId,
    now: Instant,
) -> Result<Option<Row>> {
    let tenant = tx.tenant();
    let waits = sqlx::query_scalar!(
        r#"select exists (select from app.patients p where p.tenant_id = $1 and p.id = w.patient_id and p.status = 'active'
                             and p.deleted_at is null) as "active!"
             from app.waitlist_entries w
            where w.tenant_id = $1 and w.id = $2 and w.status = 'waiting' for update"#,
        tenant as _,
        id as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    match waits {
        Some(true) => store::get(tx, id, now).await.map(Some),
        _ => Ok(None),
    }
}

/// Whom to ask for a use for free time.
pub(super) struct Asked {
    /// Who would come there.
    pub facility: Option<FacilityId>,
    /// Who waits for it.
    pub service: Option<ServiceId>,
    /// Who has been offered nothing since then.
    pub unasked_since: Option<Instant>,
}

/// Those who wait and may have use for it; who has the most points first.
pub(super) async fn waiting(
    tx: &mut TenantTx,
    asked: &Asked,
    rules: &TriageRules,
    now: Instant,
) -> Result<Vec<Uuid>> {
    let tenant = tx.tenant();
    Ok(sqlx::query_scalar!(
        "select w.id from app.waitlist_entries w
          where w.tenant_id = $1 and w.status = 'waiting'
            and ($2::uuid is null or w.facility_id is null or w.facility_id = $2)
            and ($3::uuid is null or w.service_id = $3)
            and ($4::timestamptz is null or not exists (
                 select from app.waitlist_offers o where o.tenant_id = $1 and o.entry_id = w.id and o.created_at > $4))
          order by app.waitlist_points($5::jsonb, w.priority, w.flags, w.waiting_since,
                     case when ($5::jsonb ->> 'per_missed_visit')::int = 0 then 0
                          else (select count(*) from app.appointments m where m.tenant_id = $1 and m.patient_id = w.patient_id
                                   and m.status = 'no_show' and m.starts_at > $6::timestamptz - interval '1 year') end, $6) desc,
                   w.waiting_since, w.id limit 2000",
        tenant as _,
        asked.facility as _,
        asked.service as _,
        asked.unasked_since,
        Json(rules) as _,
        now,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// When the patient is occupied, what he turned down or left unanswered, and what he gave up himself.
pub(super) async fn closed(tx: &mut TenantTx, row: &Row, now: Instant) -> Result<Vec<Span>> {
    let tenant = tx.tenant();
    let rows = sqlx::query!(
        r#"select r.starts_at as "starts_at!", r.ends_at as "ends_at!" from app.reservations r
            where r.tenant_id = $1 and r.resource_id = $2 and r.ends_at > $4
              and (r.state in ('booked', 'overbooked') or r.state = 'held' and r.expires_at > $4)
            union all
           select o.starts_at, o.ends_at from app.waitlist_offers o
            where o.tenant_id = $1 and o.entry_id = $3 and o.ends_at > $4 and o.status in ('declined', 'expired')
            union all
           select a.starts_at, a.ends_at from app.appointments a
            where a.tenant_id = $1 and a.patient_id = $2 and a.service_id = $5 and a.ends_at > $4
              and (a.status = 'rescheduled' or a.status = 'cancelled' and a.cancelled_by = 'patient')"#,
        tenant as _,
        row.patient_id as _,
        row.id as _,
        now,
        row.service_id as _,
    )
    .fetch_all(tx.conn())
    .await?;
    let span = |starts_at, ends_at| Span::new(starts_at, ends_at);
    Ok(rows
        .into_iter()
        .map(|row| span(row.starts_at, row.ends_at))
        .collect())
}

/// When the patient has his first appointment for the same service.
pub(super) async fn agreed(tx: &mut TenantTx, row: &Row, now: Instant) -> Result<Option<Instant>> {
    let tenant = tx.tenant();
    Ok(sqlx::query_scalar!(
        "select min(a.starts_at) from app.appointments a
          where a.tenant_id = $1 and a.patient_id = $2 and a.service_id = $3 and a.starts_at > $4
            and a.status in ('scheduled', 'confirmed')",
        tenant as _,
        row.patient_id as _,
        row.service_id as _,
        now,
    )
    .fetch_one(tx.conn())
    .await?)
}

/// Active facilities with their zones: all, or those named, by whoever names one.
pub(super) async fn facilities(
    tx: &mut TenantTx,
    wished: Option<FacilityId>,
    there: Option<FacilityId>,
) -> Result<Vec<(FacilityId, String)>> {
    let tenant = tx.tenant();
    let rows = sqlx::query!(
        r#"select id as "id: FacilityId", time_zone from app.facilities
            where tenant_id = $1 and status = 'active' and ($2::uuid is null or id = $2) and ($3::uuid is null or id = $3)
            order by id"#,
        tenant as _,
        wished as _,
        there as _,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.id, row.time_zone))
        .collect())
}

/// The zone of a facility's wall clock.
pub(super) async fn zone_of(tx: &mut TenantTx, facility: FacilityId) -> Result<Tz> {
    let tenant = tx.tenant();
    let name = sqlx::query_scalar!(
        "select time_zone from app.facilities where tenant_id = $1 and id = $2",
        tenant as _,
        facility as _,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(wall::zone(&name))
}

/// Holds of others that stand in the way of a request, if it still waits, and when they run out. Those of offers are not
/// among them: they see to what follows themselves.
pub(super) async fn holds_for(
    tx: &mut TenantTx,
    entry: WaitlistEntryId,
    now: Instant,
) -> Result<Vec<(HoldId, Instant)>> {
    let tenant = tx.tenant();
    let rows = sqlx::query!(
        r#"select h.id as "id: HoldId", h.expires_at from app.waitlist_entries w
             join app.appointment_holds h on h.tenant_id = w.tenant_id and (w.facility_id is null or w.facility_id = h.facility_id)
            where w.tenant_id = $1 and w.id = $2 and w.status = 'waiting'
              and h.tenant_id = $1 and h.status = 'open' and h.expires_at > $3 and h.created_by is not null
            order by h.expires_at limit 100"#,
        tenant as _,
        entry as _,
        now,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.id, row.expires_at))
        .collect())
}

/// A hold that may be over.
pub(super) struct Held {
    pub facility_id: FacilityId,
    pub starts_at: Instant,
    pub ends_at: Instant,
    pub status: HoldStatus,
    pub expires_at: Instant,
}

pub(super) async fn hold(tx: &mut TenantTx, id: HoldId) -> Result<Option<Held>> {
    let tenant = tx.tenant();
    Ok(sqlx::query_as!(
        Held,
        r#"select facility_id as "facility_id: _", starts_at, ends_at, status as "status: _", expires_at
             from app.appointment_holds where tenant_id = $1 and id = $2"#,
        tenant as _,
        id as _,
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// The time of an appointment that does not take place, or is over early: what of it is still to come is free.
pub(super) struct Left {
    pub facility_id: FacilityId,
    pub starts_at: Instant,
    pub ends_at: Instant,
}

pub(super) async fn of_appointment(tx: &mut TenantTx, id: AppointmentId) -> Result<Option<Left>> {
    let tenant = tx.tenant();
    Ok(sqlx::query_as!(
        Left,
        r#"select facility_id as "facility_id: _", starts_at, ends_at from app.appointments
            where tenant_id = $1 and id = $2 and status in ('cancelled', 'rescheduled', 'no_show', 'completed')"#,
        tenant as _,
        id as _,
    )
    .fetch_optional(tx.conn())
    .await?)
}
