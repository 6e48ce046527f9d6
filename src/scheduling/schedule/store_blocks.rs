//! SQL of the frame of a schedule: whose it is, and what was said of their time.

use chrono::{NaiveDate, NaiveTime};
use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::{AssetId, FacilityId, ProviderId};
use platform::db::TenantTx;
use uuid::Uuid;

use crate::exceptions::{Effect, ExceptionKind};

/// Time off, or extra time.
pub(super) struct Exception {
    pub effect: Effect,
    pub facility_id: Option<FacilityId>,
    pub provider_id: Option<ProviderId>,
    pub asset_id: Option<AssetId>,
    pub starts_at: Instant,
    pub ends_at: Instant,
    pub kind: Option<ExceptionKind>,
    pub reason: Option<String>,
}

/// What differs within a time from when these work or are open: at a facility, or anywhere.
pub(super) async fn exceptions(
    tx: &mut TenantTx,
    who: &[Uuid],
    facility: Option<FacilityId>,
    (from, to): (Instant, Instant),
) -> Result<Vec<Exception>> {
    let tenant = tx.tenant();
    let rows = sqlx::query_as!(
        Exception,
        r#"select e.effect as "effect: _", e.facility_id as "facility_id: _", e.provider_id as "provider_id: _",
                  e.asset_id as "asset_id: _", e.starts_at, e.ends_at, r.kind as "kind?: _", r.reason as "reason?"
             from app.working_time_exceptions e
             left join app.working_time_exception_reasons r on r.tenant_id = $1 and r.id = e.id
            where e.tenant_id = $1 and e.status = 'active' and e.ends_at > $4 and e.starts_at < $5
              and coalesce(e.provider_id, e.asset_id) = any($2)
              and ($3::uuid is null or e.facility_id is null or e.facility_id = $3)
            order by e.starts_at, e.id"#,
        tenant as _,
        who,
        facility as _,
        from,
        to,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows)
}

/// A holiday; without a facility everywhere.
pub(super) struct Holiday {
    pub facility_id: Option<FacilityId>,
    pub day: NaiveDate,
    pub local_from: Option<NaiveTime>,
    pub local_until: Option<NaiveTime>,
    pub name: String,
}

/// The holidays of these facilities within some days.
pub(super) async fn holidays(
    tx: &mut TenantTx,
    facilities: &[FacilityId],
    (first, last): (NaiveDate, NaiveDate),
) -> Result<Vec<Holiday>> {
    let tenant = tx.tenant();
    let facilities: Vec<Uuid> = facilities.iter().map(|id| id.0).collect();
    let rows = sqlx::query_as!(
        Holiday,
        r#"select h.facility_id as "facility_id: _", h.day, h.local_from, h.local_until, h.name
             from app.scheduling_holidays h
            where h.tenant_id = $1 and h.status = 'active' and h.day between $3 and $4
              and (h.facility_id is null or h.facility_id = any($2))
            order by h.day, h.id"#,
        tenant as _,
        &facilities,
        first,
        last,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows)
}

/// The facilities where a provider has working time or extra time within some days.
pub(super) async fn workplaces(
    tx: &mut TenantTx,
    provider: ProviderId,
    (first, last): (NaiveDate, NaiveDate),
) -> Result<Vec<FacilityId>> {
    let tenant = tx.tenant();
    let ids = sqlx::query_scalar!(
        r#"select w.facility_id as "id!: FacilityId" from app.working_times w
            where w.tenant_id = $1 and w.provider_id = $2 and w.status = 'active'
              and w.valid_from <= $4 and (w.valid_until is null or w.valid_until >= $3)
            union
           select e.facility_id from app.working_time_exceptions e
            where e.tenant_id = $1 and e.provider_id = $2 and e.status = 'active' and e.effect = 'extra'
              and e.starts_at < $4::date + interval '2 days' and e.ends_at > $3::date - interval '1 day'
            order by 1"#,
        tenant as _,
        provider as _,
        first,
        last,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(ids)
}

/// The facility of a room or device.
pub(super) async fn facility_of(tx: &mut TenantTx, asset: AssetId) -> Result<Vec<FacilityId>> {
    let tenant = tx.tenant();
    let ids = sqlx::query_scalar!(
        r#"select x.facility_id as "id: FacilityId" from app.scheduling_assets x where x.tenant_id = $1 and x.id = $2"#,
        tenant as _,
        asset as _,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(ids)
}

/// The providers who have working time or extra time at a facility within some days.
pub(super) async fn providers_of(
    tx: &mut TenantTx,
    facility: FacilityId,
    (first, last): (NaiveDate, NaiveDate),
) -> Result<Vec<ProviderId>> {
    let tenant = tx.tenant();
    let ids = sqlx::query_scalar!(
        r#"select w.provider_id as "id!: ProviderId" from app.working_times w
            where w.tenant_id = $1 and w.facility_id = $2 and w.status = 'active' and w.provider_id is not null
              and w.valid_from <= $4 and (w.valid_until is null or w.valid_until >= $3)
            union
           select e.provider_id from app.working_time_exceptions e
            where e.tenant_id = $1 and e.facility_id = $2 and e.status = 'active' and e.effect = 'extra' and e.provider_id is not null
              and e.starts_at < $4::date + interval '2 days' and e.ends_at > $3::date - interval '1 day'
            order by 1"#,
        tenant as _,
        facility as _,
        first,
        last,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(ids)
}

/// The rooms and devices of a facility.
pub(super) async fn assets_of(tx: &mut TenantTx, facility: FacilityId) -> Result<Vec<AssetId>> {
    let tenant = tx.tenant();
    let ids = sqlx::query_scalar!(
        r#"select x.id as "id: AssetId" from app.scheduling_assets x
            where x.tenant_id = $1 and x.facility_id = $2 and x.status = 'active' order by x.id"#,
        tenant as _,
        facility as _,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(ids)
}
