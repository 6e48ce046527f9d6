//! SQL of the board.

use chrono::NaiveDateTime;
use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::{AppointmentId, EncounterId, FacilityId, PatientId, ProviderId, UserId};
use platform::db::TenantTx;
use platform::events::Audience;
use serde_json::Value;
use uuid::Uuid;

/// The day of a facility, as instants.
pub(super) struct Period {
    pub facility: FacilityId,
    pub from: Instant,
    pub to: Instant,
}

/// Active facilities with their zones: one, or all.
pub(super) async fn facilities(
    tx: &mut TenantTx,
    only: Option<FacilityId>,
) -> Result<Vec<(FacilityId, String)>> {
    let tenant = tx.tenant();
    let rows = sqlx::query!(
        r#"select id as "id: FacilityId", time_zone from app.facilities
            where tenant_id = $1 and status = 'active' and ($2::uuid is null or id = $2)"#,
        tenant as _,
        only as _,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.id, row.time_zone))
        .collect())
}

pub(super) struct Row {
    pub id: AppointmentId,
    pub patient_id: PatientId,
    pub names: Value,
    pub encounter_id: Option<EncounterId>,
    pub facility_id: FacilityId,
    pub service: String,
    pub provider_id: Option<ProviderId>,
    pub provider: Option<String>,
    pub room: Option<String>,
    pub status: String,
    pub priority: String,
    pub starts_at: Instant,
    pub ends_at: Instant,
    pub local_start: NaiveDateTime,
    pub checked_in_at: Option<Instant>,
    pub roomed_at: Option<Instant>,
    pub started_at: Option<Instant>,
    pub completed_at: Option<Instant>,
}

/// Visits as a board shows them. `$of` names them by a relation `visit (id)`; `$1` is the tenant.
macro_rules! rows {
    ($of:tt, $limit:tt, $($argument:expr),+ $(,)?) => {
        sqlx::query_as!(
            Row,
            r#"select a.id as "id: _", a.patient_id as "patient_id: _", p.names, a.encounter_id as "encounter_id: _",
                  a.facility_id as "facility_id: _", s.name as service, a.provider_id as "provider_id: _",
                  d.given_name || ' ' || d.family_name as provider,
                  coalesce((select x.name from app.scheduling_assets x where x.tenant_id = $1 and x.id = a.roomed_in),
                    (select string_agg(x.name, ', ' order by x.name) from app.reservations r
                       join app.scheduling_assets x on x.tenant_id = r.tenant_id and x.id = r.asset_id and x.kind = 'room'
                      where r.tenant_id = $1 and r.appointment_id = a.id)) as room,
                  a.status, a.priority, a.starts_at, a.ends_at, a.local_start, a.checked_in_at, a.roomed_at, a.started_at,
                  a.completed_at
             from "# + $of + r#"
             join app.appointments a on a.tenant_id = $1 and a.id = visit.id
             join app.patients p on p.tenant_id = a.tenant_id and p.id = a.patient_id
             join app.scheduling_services s on s.tenant_id = a.tenant_id and s.id = a.service_id
             left join app.providers d on d.tenant_id = a.tenant_id and d.id = a.provider_id
            order by a.starts_at, a.id"# + $limit,
            $($argument),+
        )
    };
}

/// The visits of these days and of those who are in the house, of whatever day near by they are, in their order; of the
/// patients the caller may see.
pub(super) async fn visits(
    tx: &mut TenantTx,
    periods: &[Period],
    here: (Instant, Instant),
    at_most: usize,
) -> Result<Vec<Row>> {
    let tenant = tx.tenant();
    let facilities: Vec<Uuid> = periods.iter().map(|period| period.facility.0).collect();
    let from: Vec<Instant> = periods.iter().map(|period| period.from).collect();
    let to: Vec<Instant> = periods.iter().map(|period| period.to).collect();
    Ok(rows!(
        "unnest($2::uuid[], $3::timestamptz[], $4::timestamptz[]) as day (facility_id, starts, ends)
            cross join lateral (
                  select v.id from app.appointments v
                   where v.tenant_id = $1 and v.facility_id = day.facility_id and v.starts_at >= day.starts and v.starts_at < day.ends
                     and v.status not in ('cancelled', 'rescheduled')
                  union all
                  select h.id from app.appointments h
                   where h.tenant_id = $1 and h.facility_id = day.facility_id and h.status in ('checked_in', 'in_progress')
                     and h.starts_at >= $5 and h.starts_at < $6 and not (h.starts_at >= day.starts and h.starts_at < day.ends)) visit",
        " limit $7",
        tenant as _,
        &facilities,
        &from,
        &to,
        here.0,
        here.1,
        i64::try_from(at_most).unwrap_or(i64::MAX),
    )
    .fetch_all(tx.conn())
    .await?)
}

/// Visits that nobody has ended, and whose patients are taken to sit there no more if they were put there (`roomed_while`): that were
/// to be over, and if that was later were put into a room or started, by an instant. The oldest first, of the patients the caller may see.
pub(super) async fn not_ended(
    tx: &mut TenantTx,
    facility: Option<FacilityId>,
    by: Instant,
    after: Option<(Instant, AppointmentId)>,
    at_most: i64,
) -> Result<Vec<Row>> {
    let tenant = tx.tenant();
    let (starts_at, id) = after.unzip();
    Ok(rows!(
        "(select h.id from app.appointments h
           where h.tenant_id = $1 and h.status in ('checked_in', 'in_progress')
             and greatest(h.ends_at, lower(h.roomed_while), h.started_at) <= $3
             and ($2::uuid is null or h.facility_id = $2)
             and ($4::timestamptz is null or (h.starts_at, h.id) > ($4, $5::uuid))
           order by h.starts_at, h.id limit $6) visit",
        "",
        tenant as _,
        facility as _,
        by,
        starts_at,
        id as _,
        at_most,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// Who, of those whose scope is narrower than the organisation, may see the patient of the appointment. For the system.
pub(super) async fn audience(tx: &mut TenantTx, appointment: AppointmentId) -> Result<Audience> {
    let rows = sqlx::query!(
        r#"select scope as "scope!", user_id as "user_id!: UserId" from app.audience_of_appointment($1)"#,
        appointment as _,
    )
    .fetch_all(tx.conn())
    .await?;
    let mut audience = Audience::default();
    for row in rows {
        if row.scope == "facility" {
            audience.facility.insert(row.user_id);
        } else {
            audience.care_team.insert(row.user_id);
        }
    }
    Ok(audience)
}
