//! SQL of working time exceptions.

use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::{AssetId, AvailabilityId, FacilityId, ProviderId, StaffId};
use platform::db::TenantTx;

use super::model::{Effect, ExceptionKind, ListTimeExceptions, NewTimeException, TimeException};
use crate::resource::Standing;

struct Row {
    id: AvailabilityId,
    effect: Effect,
    facility_id: Option<FacilityId>,
    provider_id: Option<ProviderId>,
    staff_id: Option<StaffId>,
    asset_id: Option<AssetId>,
    starts_at: Instant,
    ends_at: Instant,
    kind: ExceptionKind,
    reason: Option<String>,
    status: Standing,
    version: i64,
    created_at: Instant,
    updated_at: Instant,
}

impl From<Row> for TimeException {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            data: NewTimeException {
                effect: row.effect,
                facility_id: row.facility_id,
                provider_id: row.provider_id,
                staff_id: row.staff_id,
                asset_id: row.asset_id,
                starts_at: row.starts_at,
                ends_at: row.ends_at,
                kind: row.kind,
                reason: row.reason,
                status: row.status,
            },
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
            affected_appointments: None,
        }
    }
}

pub(super) async fn insert(
    tx: &mut TenantTx,
    new: &NewTimeException,
    now: Instant,
) -> Result<AvailabilityId> {
    let tenant = tx.tenant();
    let id = AvailabilityId::new();
    sqlx::query!(
        r#"insert into app.working_time_exceptions
                  (tenant_id, id, effect, facility_id, provider_id, staff_id, asset_id, starts_at, ends_at, status, created_at,
                   updated_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)"#,
        tenant as _,
        id as _,
        new.effect as _,
        new.facility_id as _,
        new.provider_id as _,
        new.staff_id as _,
        new.asset_id as _,
        new.starts_at,
        new.ends_at,
        new.status as _,
        now
    )
    .execute(tx.conn())
    .await?;
    sqlx::query!(
        "insert into app.working_time_exception_reasons (tenant_id, id, kind, reason) values ($1, $2, $3, $4)",
        tenant as _,
        id as _,
        new.kind as _,
        new.reason
    )
    .execute(tx.conn())
    .await?;
    Ok(id)
}

pub(super) async fn find(tx: &mut TenantTx, id: AvailabilityId) -> Result<Option<TimeException>> {
    let tenant = tx.tenant();
    let row = sqlx::query_as!(
        Row,
        r#"select e.id as "id: _", e.effect as "effect: _", e.facility_id as "facility_id: _", e.provider_id as "provider_id: _",
                  e.staff_id as "staff_id: _", e.asset_id as "asset_id: _", e.starts_at, e.ends_at, r.kind as "kind: _", r.reason,
                  e.status as "status: _", e.version, e.created_at, e.updated_at
             from app.working_time_exceptions e
             join app.working_time_exception_reasons r on r.tenant_id = $1 and r.tenant_id = e.tenant_id and r.id = e.id
            where e.tenant_id = $1 and e.id = $2"#,
        tenant as _,
        id as _
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(Into::into))
}

/// Those who want to change it, too, wait.
pub(super) async fn lock(tx: &mut TenantTx, id: AvailabilityId) -> Result<Option<TimeException>> {
    let tenant = tx.tenant();
    sqlx::query_scalar!(
        "select version from app.working_time_exceptions where tenant_id = $1 and id = $2 for update",
        tenant as _,
        id as _
    )
    .fetch_optional(tx.conn())
    .await?;
    find(tx, id).await
}

/// Whether an equal one stands beside this one. Whoever would say the same waits, so that one of two who say it at once is told.
pub(super) async fn stands_twice(
    tx: &mut TenantTx,
    id: AvailabilityId,
    data: &NewTimeException,
) -> Result<bool> {
    if data.status != Standing::Active {
        return Ok(false);
    }
    let tenant = tx.tenant();
    sqlx::query!(
        "select pg_advisory_xact_lock(hashtextextended('working_time_exceptions:' || $1::uuid, 0))::text as \"locked\"",
        tenant as _
    )
    .fetch_one(tx.conn())
    .await?;
    let found = sqlx::query_scalar!(
        r#"select exists (select from app.working_time_exceptions e
                        where e.tenant_id = $1 and e.id <> $2 and e.status = 'active' and e.effect = $3
                          and e.facility_id is not distinct from $4 and e.provider_id is not distinct from $5
                          and e.staff_id is not distinct from $6 and e.asset_id is not distinct from $7
                          and e.starts_at = $8 and e.ends_at = $9) as "found!""#,
        tenant as _,
        id as _,
        data.effect as _,
        data.facility_id as _,
        data.provider_id as _,
        data.staff_id as _,
        data.asset_id as _,
        data.starts_at,
        data.ends_at
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(found)
}

/// By the time they begin.
pub(super) async fn page(
    tx: &mut TenantTx,
    query: &ListTimeExceptions,
    after: Option<(Instant, AvailabilityId)>,
    limit: i64,
) -> Result<Vec<TimeException>> {
    let tenant = tx.tenant();
    let (at, id) = after.unzip();
    let rows = sqlx::query_as!(
        Row,
        r#"select e.id as "id: _", e.effect as "effect: _", e.facility_id as "facility_id: _", e.provider_id as "provider_id: _",
                  e.staff_id as "staff_id: _", e.asset_id as "asset_id: _", e.starts_at, e.ends_at, r.kind as "kind: _", r.reason,
                  e.status as "status: _", e.version, e.created_at, e.updated_at
             from app.working_time_exceptions e
             join app.working_time_exception_reasons r on r.tenant_id = $1 and r.tenant_id = e.tenant_id and r.id = e.id
            where e.tenant_id = $1
              and ($2::text is null or e.effect = $2)
              and ($3::uuid is null or e.facility_id = $3)
              and ($4::uuid is null or e.provider_id = $4)
              and ($5::uuid is null or e.staff_id = $5)
              and ($6::uuid is null or e.asset_id = $6)
              and ($7::text is null or e.status = $7)
              and ($8::timestamptz is null or e.ends_at > $8)
              and ($9::timestamptz is null or e.starts_at < $9)
              and ($10::timestamptz is null or (e.starts_at, e.id) > ($10, $11))
            order by e.starts_at, e.id
            limit $12"#,
        tenant as _,
        query.effect as _,
        query.facility_id as _,
        query.provider_id as _,
        query.staff_id as _,
        query.asset_id as _,
        query.status as _,
        query.from,
        query.to,
        at,
        id as _,
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// What does not change is left out.
pub(super) async fn update(
    tx: &mut TenantTx,
    id: AvailabilityId,
    data: &NewTimeException,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        r#"update app.working_time_exceptions
              set starts_at = $3, ends_at = $4, status = $5, version = version + 1, updated_at = $6
            where tenant_id = $1 and id = $2"#,
        tenant as _,
        id as _,
        data.starts_at,
        data.ends_at,
        data.status as _,
        now
    )
    .execute(tx.conn())
    .await?;
    sqlx::query!(
        "update app.working_time_exception_reasons set kind = $3, reason = $4 where tenant_id = $1 and id = $2",
        tenant as _,
        id as _,
        data.kind as _,
        data.reason
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
