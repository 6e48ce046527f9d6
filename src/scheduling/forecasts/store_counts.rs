//! SQL of counting: whole tenants, as the system.

use chrono::NaiveDate;
use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::{DepartmentId, FacilityId};
use platform::db::TenantTx;
use uuid::Uuid;

use super::model::NewForecast;

/// Visits of one local hour.
pub(super) struct Count {
    pub day: NaiveDate,
    pub hour: i32,
    pub visits: f64,
}

/// Appointments that were not cancelled or moved, by the wall clock that was agreed.
pub(super) async fn appointments(
    tx: &mut TenantTx,
    new: &NewForecast,
    from: NaiveDate,
    until: NaiveDate,
) -> Result<Vec<Count>> {
    let tenant = tx.tenant();
    let rows = sqlx::query_as!(
        Count,
        r#"select local_start::date as "day!", extract(hour from local_start)::int as "hour!", count(*)::float8 as "visits!"
             from app.appointments
            where tenant_id = $1 and facility_id = $2 and ($3::uuid is null or service_id = $3)
              and local_start >= $4::date and local_start < $5::date and status not in ('cancelled', 'rescheduled')
            group by 1, 2
            order by 1, 2"#,
        tenant as _,
        new.facility_id as _,
        new.service_id as _,
        from,
        until
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows)
}

/// Encounters that were not cancelled. The clock is the facility's.
pub(super) async fn encounters(
    tx: &mut TenantTx,
    new: &NewForecast,
    zone: &str,
    from: NaiveDate,
    until: NaiveDate,
) -> Result<Vec<Count>> {
    let tenant = tx.tenant();
    let rows = sqlx::query_as!(
        Count,
        r#"select (scheduled_start at time zone $4)::date as "day!",
                  extract(hour from scheduled_start at time zone $4)::int as "hour!", count(*)::float8 as "visits!"
             from app.encounters
            where tenant_id = $1 and facility_id = $2 and ($3::uuid is null or department_id = $3)
              and scheduled_start >= $5::date::timestamp at time zone $4
              and scheduled_start < $6::date::timestamp at time zone $4
              and status <> 'cancelled'
            group by 1, 2
            order by 1, 2"#,
        tenant as _,
        new.facility_id as _,
        new.department_id as _,
        zone,
        from,
        until
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows)
}

/// A day on which a facility is closed, or for some hours of it.
#[derive(Clone, Debug)]
pub(super) struct Closing {
    pub day: NaiveDate,
    pub whole_day: bool,
}

/// The organisation's holidays and the facility's own.
pub(super) async fn closings(
    tx: &mut TenantTx,
    facility: FacilityId,
    from: NaiveDate,
    until: NaiveDate,
) -> Result<Vec<Closing>> {
    let tenant = tx.tenant();
    let closings = sqlx::query_as!(
        Closing,
        r#"select day, bool_or(local_from is null) as "whole_day!"
             from app.scheduling_holidays
            where tenant_id = $1 and status = 'active' and (facility_id is null or facility_id = $2) and day >= $3 and day < $4
            group by day"#,
        tenant as _,
        facility as _,
        from,
        until
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(closings)
}

/// The mean number of visits of a group that come together.
pub(super) async fn visits_per_session(
    tx: &mut TenantTx,
    new: &NewForecast,
    from: NaiveDate,
) -> Result<Option<f64>> {
    let tenant = tx.tenant();
    let together = sqlx::query_scalar!(
        r#"select avg(x.visits)::float8
             from (select count(*) as visits
                     from app.appointments a
                    where a.tenant_id = $1 and a.facility_id = $2 and a.service_id = $3 and a.local_start >= $4::date
                      and a.status not in ('cancelled', 'rescheduled')
                    group by a.provider_id, a.starts_at) x"#,
        tenant as _,
        new.facility_id as _,
        new.service_id as _,
        from
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(together)
}

/// The mean minutes an appointment occupies its provider; those of a session occupy him together.
pub(super) async fn appointment_minutes(
    tx: &mut TenantTx,
    new: &NewForecast,
    from: NaiveDate,
) -> Result<Option<f64>> {
    let tenant = tx.tenant();
    let minutes = sqlx::query_scalar!(
        r#"select (sum(x.minutes) / sum(x.visits))::float8
             from (select max(extract(epoch from a.ends_at - a.starts_at) / 60 + s.prep_minutes + s.cleanup_minutes) as minutes,
                          count(*) as visits
                     from app.appointments a
                     join app.scheduling_services s on s.tenant_id = a.tenant_id and s.id = a.service_id
                    where a.tenant_id = $1 and s.tenant_id = $1 and a.facility_id = $2 and a.local_start >= $3::date
                      and a.status not in ('cancelled', 'rescheduled')
                    group by a.service_id, case when s.capacity > 1 then a.provider_id else a.id end, a.starts_at) x"#,
        tenant as _,
        new.facility_id as _,
        from
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(minutes)
}

/// The mean minutes an encounter was planned to take, stays left out.
pub(super) async fn encounter_minutes(
    tx: &mut TenantTx,
    new: &NewForecast,
    from: NaiveDate,
) -> Result<Option<f64>> {
    let tenant = tx.tenant();
    let minutes = sqlx::query_scalar!(
        r#"select avg(extract(epoch from scheduled_end - scheduled_start) / 60)::float8
             from app.encounters
            where tenant_id = $1 and facility_id = $2 and ($3::uuid is null or department_id = $3)
              and scheduled_start >= $4::date and scheduled_end - scheduled_start < interval '8 hours'
              and status <> 'cancelled'"#,
        tenant as _,
        new.facility_id as _,
        new.department_id as _,
        from
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(minutes)
}

/// Somebody who works at a facility, and the share of his time there that is asked about.
pub(super) struct Worker {
    pub id: Uuid,
    pub share: f64,
}

/// The active providers who have working time at a facility, with all of these skills; of a department, those who are
/// assigned to it now.
pub(super) async fn workers(
    tx: &mut TenantTx,
    facility: FacilityId,
    department: Option<DepartmentId>,
    skills: &[String],
    now: Instant,
) -> Result<Vec<Worker>> {
    let tenant = tx.tenant();
    let workers = sqlx::query_as!(
        Worker,
        r#"select p.id,
                  case when $4::uuid is null then 1
                       else 1 / greatest(1, (select count(*) from app.department_assignments d
                                              where d.tenant_id = $1 and d.user_id = p.user_id and d.facility_id = $2
                                                and d.valid_from <= $5 and (d.valid_until is null or d.valid_until > $5)))::float8
                  end::float8 as "share!"
             from app.providers p
            where p.tenant_id = $1 and p.status = 'active'
              and exists (select from app.working_times w
                           where w.tenant_id = $1 and w.provider_id = p.id and w.facility_id = $2 and w.status = 'active')
              and ($4::uuid is null or exists (
                      select from app.department_assignments d
                       where d.tenant_id = $1 and d.user_id = p.user_id and d.facility_id = $2 and d.department_id = $4
                         and d.valid_from <= $5 and (d.valid_until is null or d.valid_until > $5)))
              and (select count(*) from app.provider_specialty_keys k
                    where k.tenant_id = $1 and k.provider_id = p.id and k.key = any($3)) = cardinality($3::text[])"#,
        tenant as _,
        facility as _,
        skills,
        department as _,
        now
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(workers)
}
