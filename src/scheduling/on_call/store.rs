//! SQL of on call shifts.

use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::{DepartmentId, FacilityId, OnCallId, ProviderId, ServiceId};
use platform::db::TenantTx;

use super::model::{ListOnCallShifts, NewOnCallShift, OnCallShift};
use crate::resource::Standing;

struct Row {
    id: OnCallId,
    facility_id: FacilityId,
    department_id: Option<DepartmentId>,
    service_id: Option<ServiceId>,
    provider_id: ProviderId,
    level: i16,
    starts_at: Instant,
    ends_at: Instant,
    status: Standing,
    version: i64,
    created_at: Instant,
    updated_at: Instant,
}

impl From<Row> for OnCallShift {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            data: NewOnCallShift {
                facility_id: row.facility_id,
                department_id: row.department_id,
                service_id: row.service_id,
                provider_id: row.provider_id,
                level: row.level,
                starts_at: row.starts_at,
                ends_at: row.ends_at,
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
    new: &NewOnCallShift,
    now: Instant,
) -> Result<OnCallId> {
    let tenant = tx.tenant();
    let id = OnCallId::new();
    sqlx::query!(
        r#"insert into app.on_call_shifts
                  (tenant_id, id, facility_id, department_id, service_id, provider_id, level, starts_at, ends_at, status,
                   created_at, updated_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)"#,
        tenant as _,
        id as _,
        new.facility_id as _,
        new.department_id as _,
        new.service_id as _,
        new.provider_id as _,
        new.level,
        new.starts_at,
        new.ends_at,
        new.status as _,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(id)
}

pub(super) async fn find(tx: &mut TenantTx, id: OnCallId) -> Result<Option<OnCallShift>> {
    let tenant = tx.tenant();
    let row = sqlx::query_as!(
        Row,
        r#"select id as "id: _", facility_id as "facility_id: _", department_id as "department_id: _",
                  service_id as "service_id: _", provider_id as "provider_id: _", level, starts_at, ends_at,
                  status as "status: _", version, created_at, updated_at
             from app.on_call_shifts where tenant_id = $1 and id = $2"#,
        tenant as _,
        id as _
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(Into::into))
}

/// Those who want to change it, too, wait.
pub(super) async fn lock(tx: &mut TenantTx, id: OnCallId) -> Result<Option<OnCallShift>> {
    let tenant = tx.tenant();
    sqlx::query_scalar!(
        "select version from app.on_call_shifts where tenant_id = $1 and id = $2 for update",
        tenant as _,
        id as _
    )
    .fetch_optional(tx.conn())
    .await?;
    find(tx, id).await
}

/// By the time they begin.
pub(super) async fn page(
    tx: &mut TenantTx,
    query: &ListOnCallShifts,
    after: Option<(Instant, OnCallId)>,
    limit: i64,
) -> Result<Vec<OnCallShift>> {
    let tenant = tx.tenant();
    let (at, id) = after.unzip();
    let rows = sqlx::query_as!(
        Row,
        r#"select id as "id: _", facility_id as "facility_id: _", department_id as "department_id: _",
                  service_id as "service_id: _", provider_id as "provider_id: _", level, starts_at, ends_at,
                  status as "status: _", version, created_at, updated_at
             from app.on_call_shifts
            where tenant_id = $1
              and ($2::uuid is null or facility_id = $2)
              and ($3::uuid is null or department_id = $3)
              and ($4::uuid is null or service_id = $4)
              and ($5::uuid is null or provider_id = $5)
              and ($6::text is null or status = $6)
              and ($7::timestamptz is null or ends_at > $7)
              and ($8::timestamptz is null or starts_at < $8)
              and ($9::timestamptz is null or (starts_at, id) > ($9, $10))
            order by starts_at, id
            limit $11"#,
        tenant as _,
        query.facility_id as _,
        query.department_id as _,
        query.service_id as _,
        query.provider_id as _,
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
    id: OnCallId,
    data: &NewOnCallShift,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        r#"update app.on_call_shifts
              set department_id = $3, service_id = $4, level = $5, starts_at = $6, ends_at = $7, status = $8,
                  version = version + 1, updated_at = $9
            where tenant_id = $1 and id = $2"#,
        tenant as _,
        id as _,
        data.department_id as _,
        data.service_id as _,
        data.level,
        data.starts_at,
        data.ends_at,
        data.status as _,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
