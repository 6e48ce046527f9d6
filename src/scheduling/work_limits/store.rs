//! SQL of work limits.

use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::{AvailabilityId, ProviderId};
use platform::db::TenantTx;

use super::model::{ListWorkLimits, NewWorkLimit, WorkLimit};
use crate::resource::Standing;

struct Row {
    id: AvailabilityId,
    provider_id: Option<ProviderId>,
    minutes_per_day: Option<i32>,
    minutes_per_week: Option<i32>,
    rest_minutes: Option<i32>,
    status: Standing,
    version: i64,
    created_at: Instant,
    updated_at: Instant,
}

impl From<Row> for WorkLimit {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            data: NewWorkLimit {
                provider_id: row.provider_id,
                minutes_per_day: row.minutes_per_day,
                minutes_per_week: row.minutes_per_week,
                rest_minutes: row.rest_minutes,
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
    new: &NewWorkLimit,
    now: Instant,
) -> Result<AvailabilityId> {
    let tenant = tx.tenant();
    let id = AvailabilityId::new();
    sqlx::query!(
        r#"insert into app.work_limits
                  (tenant_id, id, provider_id, minutes_per_day, minutes_per_week, rest_minutes, status, created_at, updated_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $8)"#,
        tenant as _,
        id as _,
        new.provider_id as _,
        new.minutes_per_day,
        new.minutes_per_week,
        new.rest_minutes,
        new.status as _,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(id)
}

pub(super) async fn find(tx: &mut TenantTx, id: AvailabilityId) -> Result<Option<WorkLimit>> {
    let tenant = tx.tenant();
    let row = sqlx::query_as!(
        Row,
        r#"select id as "id: _", provider_id as "provider_id: _", minutes_per_day, minutes_per_week, rest_minutes,
                  status as "status: _", version, created_at, updated_at
             from app.work_limits where tenant_id = $1 and id = $2"#,
        tenant as _,
        id as _
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(Into::into))
}

/// Those who want to change it, too, wait.
pub(super) async fn lock(tx: &mut TenantTx, id: AvailabilityId) -> Result<Option<WorkLimit>> {
    let tenant = tx.tenant();
    sqlx::query_scalar!(
        "select version from app.work_limits where tenant_id = $1 and id = $2 for update",
        tenant as _,
        id as _
    )
    .fetch_optional(tx.conn())
    .await?;
    find(tx, id).await
}

/// In the order in which they were made.
pub(super) async fn page(
    tx: &mut TenantTx,
    query: &ListWorkLimits,
    after: Option<AvailabilityId>,
    limit: i64,
) -> Result<Vec<WorkLimit>> {
    let tenant = tx.tenant();
    let rows = sqlx::query_as!(
        Row,
        r#"select id as "id: _", provider_id as "provider_id: _", minutes_per_day, minutes_per_week, rest_minutes,
                  status as "status: _", version, created_at, updated_at
             from app.work_limits
            where tenant_id = $1
              and ($2::uuid is null or provider_id = $2)
              and ($3::text is null or status = $3)
              and ($4::uuid is null or id > $4)
            order by id
            limit $5"#,
        tenant as _,
        query.provider_id as _,
        query.status as _,
        after as _,
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
    data: &NewWorkLimit,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        r#"update app.work_limits
              set minutes_per_day = $3, minutes_per_week = $4, rest_minutes = $5, status = $6,
                  version = version + 1, updated_at = $7
            where tenant_id = $1 and id = $2"#,
        tenant as _,
        id as _,
        data.minutes_per_day,
        data.minutes_per_week,
        data.rest_minutes,
        data.status as _,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
