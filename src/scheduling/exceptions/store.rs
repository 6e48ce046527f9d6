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
                  (tenant_id, id, effect, facility_id, provider_id, staff_id, asset_id, starts_at, ends_at, kind, reason, status, created_at, updated_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13)"#,
        tenant as _,
        id as _,
        new.effect as _,
        new.facility_id as _,
        new.provider_id as _,
        new.staff_id as _,
        new.asset_id as _,
        new.starts_at,
        new.ends_at,
        new.kind as _,
        new.reason,
        new.status as _,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(id)
}

pub(super) async fn find(tx: &mut TenantTx, id: AvailabilityId) -> Result<Option<TimeException>> {
    let tenant = tx.tenant();
    let row = sqlx::query_as!(
        Row,
        r#"select id as "id: _", effect as "effect: _", facility_id as "facility_id: _", provider_id as "provider_id: _", staff_id as "staff_id: _", asset_id as "asset_id: _", starts_at, ends_at, kind as "kind: _", reason, status as "status: _", version, created_at, updated_at
             from app.working_time_exceptions where tenant_id = $1 and id = $2"#,
        tenant as _,
        id as _
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(Into::into))
}

pub(super) async fn lock(tx: &mut TenantTx, id: AvailabilityId) -> Result<Option<TimeException>> {
    let tenant = tx.tenant();
    let row = sqlx::query_as!(
        Row,
        r#"select id as "id: _", effect as "effect: _", facility_id as "facility_id: _", provider_id as "provider_id: _", staff_id as "staff_id: _", asset_id as "asset_id: _", starts_at, ends_at, kind as "kind: _", reason, status as "status: _", version, created_at, updated_at
             from app.working_time_exceptions where tenant_id = $1 and id = $2 for update"#,
        tenant as _,
        id as _
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(Into::into))
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
        r#"select id as "id: _", effect as "effect: _", facility_id as "facility_id: _", provider_id as "provider_id: _", staff_id as "staff_id: _", asset_id as "asset_id: _", starts_at, ends_at, kind as "kind: _", reason, status as "status: _", version, created_at, updated_at
             from app.working_time_exceptions
            where tenant_id = $1
              and ($2::text is null or effect = $2)
              and ($3::uuid is null or facility_id = $3)
              and ($4::uuid is null or provider_id = $4)
              and ($5::uuid is null or staff_id = $5)
              and ($6::uuid is null or asset_id = $6)
              and ($7::text is null or status = $7)
              and ($8::timestamptz is null or ends_at > $8)
              and ($9::timestamptz is null or starts_at < $9)
              and ($10::timestamptz is null or (starts_at, id) > ($10, $11))
            order by starts_at, id
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
              set starts_at = $3, ends_at = $4, kind = $5, reason = $6, status = $7,
                  version = version + 1, updated_at = $8
            where tenant_id = $1 and id = $2"#,
        tenant as _,
        id as _,
        data.starts_at,
        data.ends_at,
        data.kind as _,
        data.reason,
        data.status as _,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
