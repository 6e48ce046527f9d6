//! SQL of affected appointments: what stands, what it occupies, and which of them the caller may see.

use std::collections::HashSet;

use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::{AppointmentId, FacilityId, PatientId, ServiceId};
use platform::db::TenantTx;
use uuid::Uuid;

use super::model::AffectedWhat;
use super::reckoning::Scope;

/// An appointment that stands, and one of those it occupies; none if it occupies its patient only.
pub(super) struct Standing {
    pub appointment_id: AppointmentId,
    pub facility_id: FacilityId,
    pub service_id: ServiceId,
    pub starts_at: Instant,
    pub time_zone: String,
    pub facility_active: bool,
    pub emergency: bool,
    pub needs_provider: bool,
    pub who: Option<Uuid>,
    pub what: Option<AffectedWhat>,
    pub active: Option<bool>,
    /// Of a provider: the service needs a skill that nobody has who is booked for it.
    pub lacks_skill: bool,
    pub occupied_from: Option<Instant>,
    pub occupied_until: Option<Instant>,
}

/// The appointments within a scope, whoever's, by the time they begin; at most so many.
pub(super) async fn standing(
    tx: &mut TenantTx,
    scope: &Scope,
    now: Instant,
    most: i32,
) -> Result<Vec<Standing>> {
    let tenant = tx.tenant();
    let rows = sqlx::query_as!(
        Standing,
        r#"select s.appointment_id as "appointment_id!: _", s.facility_id as "facility_id!: _", s.service_id as "service_id!: _",
                  s.starts_at as "starts_at!", f.time_zone, f.status = 'active' as "facility_active!",
                  v.appointment_type = 'emergency' as "emergency!", v.needs_provider, r.resource_id as "who?",
                  case when r.provider_id is not null then 'provider' when r.staff_id is not null then 'staff' else x.kind end
                      as "what: AffectedWhat",
                  coalesce(p.status, m.status, x.status) = 'active' as "active?",
                  p.id is not null and exists (
                      select from unnest(v.skills) k (skill)
                       where not exists (select from app.reservations o
                                           join app.provider_specialty_keys h on h.tenant_id = $1 and h.provider_id = o.provider_id
                                          where o.tenant_id = $1 and o.appointment_id = s.appointment_id
                                            and o.state in ('booked', 'overbooked') and h.key = k.skill)) as "lacks_skill!",
                  r.starts_at as "occupied_from?",
                  r.ends_at as "occupied_until?"
             from app.standing_appointments($2, $3, $4, $5, $6, $7) s
             join app.facilities f on f.tenant_id = $1 and f.id = s.facility_id
             join app.scheduling_services v on v.tenant_id = $1 and v.id = s.service_id
             left join app.reservations r on r.tenant_id = $1 and r.appointment_id = s.appointment_id and r.patient_id is null
                  and r.state in ('booked', 'overbooked')
             left join app.providers p on p.tenant_id = $1 and p.id = r.provider_id
             left join app.staff_members m on m.tenant_id = $1 and m.id = r.staff_id
             left join app.scheduling_assets x on x.tenant_id = $1 and x.id = r.asset_id
            order by s.starts_at, s.appointment_id, p.id, m.id, x.kind desc, x.id"#,
        tenant as _,
        scope.facility as _,
        scope.whose.one(),
        scope.from,
        scope.until,
        now,
        most,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows)
}

/// Those of these whose patient is not active any more, as far as the caller may see him: when they begin, and whose they are.
pub(super) async fn of_inactive(
    tx: &mut TenantTx,
    standing: &[Standing],
) -> Result<Vec<(Instant, AppointmentId, PatientId)>> {
    let tenant = tx.tenant();
    let mut ids: Vec<Uuid> = standing.iter().map(|row| row.appointment_id.0).collect();
    ids.dedup();
    let rows = sqlx::query!(
        r#"select a.starts_at, a.id as "id: AppointmentId", a.patient_id as "patient: PatientId"
             from app.appointments a
             join app.patients p on p.tenant_id = $1 and p.id = a.patient_id
            where a.tenant_id = $1 and a.id = any($2) and (p.status <> 'active' or p.deleted_at is not null)"#,
        tenant as _,
        &ids,
    )
    .fetch_all(tx.conn())
    .await?;
    let told = rows.into_iter();
    Ok(told
        .map(|row| (row.starts_at, row.id, row.patient))
        .collect())
}

/// Those of these that the caller may see.
pub(super) async fn visible(
    tx: &mut TenantTx,
    ids: &[AppointmentId],
) -> Result<HashSet<AppointmentId>> {
    let tenant = tx.tenant();
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let seen = sqlx::query_scalar!(
        r#"select id as "id: AppointmentId" from app.appointments where tenant_id = $1 and id = any($2)"#,
        tenant as _,
        &ids,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(seen.into_iter().collect())
}
