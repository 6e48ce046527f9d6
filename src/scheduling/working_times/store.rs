//! SQL of working times.

use chrono::NaiveDate;
use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::{AssetId, AvailabilityId, FacilityId, ProviderId, StaffId};
use platform::db::TenantTx;

use super::model::{ListWorkingTimes, NewWorkingTime, WorkingTime};
use super::model::{days_of, numbers_of};
use crate::local_time::LocalTime;
use crate::resource::Standing;

struct Row {
    id: AvailabilityId,
    facility_id: FacilityId,
    provider_id: Option<ProviderId>,
    staff_id: Option<StaffId>,
    asset_id: Option<AssetId>,
    weekdays: Vec<i16>,
    rrule: Option<String>,
    local_from: LocalTime,
    local_until: LocalTime,
    valid_from: NaiveDate,
    valid_until: Option<NaiveDate>,
    status: Standing,
    version: i64,
    created_at: Instant,
    updated_at: Instant,
}

impl From<Row> for WorkingTime {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            data: NewWorkingTime {
                facility_id: row.facility_id,
                provider_id: row.provider_id,
                staff_id: row.staff_id,
                asset_id: row.asset_id,
                weekdays: days_of(&row.weekdays),
                rrule: row.rrule,
                local_from: row.local_from,
                local_until: row.local_until,
                valid_from: row.valid_from,
                valid_until: row.valid_until,
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
    new: &NewWorkingTime,
    now: Instant,
) -> Result<AvailabilityId> {
    let tenant = tx.tenant();
    let id = AvailabilityId::new();
    sqlx::query!(
        r#"insert into app.working_times
                  (tenant_id, id, facility_id, provider_id, staff_id, asset_id, weekdays, rrule, local_from, local_until,
                   valid_from, valid_until, status, created_at, updated_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $14)"#,
        tenant as _,
        id as _,
        new.facility_id as _,
        new.provider_id as _,
        new.staff_id as _,
        new.asset_id as _,
        &numbers_of(&new.weekdays),
        new.rrule,
        new.local_from as _,
        new.local_until as _,
        new.valid_from,
        new.valid_until,
        new.status as _,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(id)
}

pub(super) async fn find(tx: &mut TenantTx, id: AvailabilityId) -> Result<Option<WorkingTime>> {
    let tenant = tx.tenant();
    let row = sqlx::query_as!(
        Row,
        r#"select id as "id: _", facility_id as "facility_id: _", provider_id as "provider_id: _", staff_id as "staff_id: _",
                  asset_id as "asset_id: _", weekdays, rrule, local_from as "local_from: _", local_until as "local_until: _",
                  valid_from, valid_until, status as "status: _", version, created_at, updated_at
             from app.working_times where tenant_id = $1 and id = $2"#,
        tenant as _,
        id as _
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(Into::into))
}

/// Those who want to change it, too, wait.
pub(super) async fn lock(tx: &mut TenantTx, id: AvailabilityId) -> Result<Option<WorkingTime>> {
    let tenant = tx.tenant();
    sqlx::query_scalar!(
        "select version from app.working_times where tenant_id = $1 and id = $2 for update",
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
    query: &ListWorkingTimes,
    after: Option<AvailabilityId>,
    limit: i64,
) -> Result<Vec<WorkingTime>> {
    let tenant = tx.tenant();
    let rows = sqlx::query_as!(
        Row,
        r#"select id as "id: _", facility_id as "facility_id: _", provider_id as "provider_id: _", staff_id as "staff_id: _",
                  asset_id as "asset_id: _", weekdays, rrule, local_from as "local_from: _", local_until as "local_until: _",
                  valid_from, valid_until, status as "status: _", version, created_at, updated_at
             from app.working_times
            where tenant_id = $1
              and ($2::uuid is null or facility_id = $2)
              and ($3::uuid is null or provider_id = $3)
              and ($4::uuid is null or staff_id = $4)
              and ($5::uuid is null or asset_id = $5)
              and ($6::text is null or status = $6)
              and ($7::uuid is null or id > $7)
            order by id
            limit $8"#,
        tenant as _,
        query.facility_id as _,
        query.provider_id as _,
        query.staff_id as _,
        query.asset_id as _,
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
    data: &NewWorkingTime,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        r#"update app.working_times
              set weekdays = $3, rrule = $4, local_from = $5, local_until = $6, valid_from = $7, valid_until = $8, status = $9,
                  version = version + 1, updated_at = $10
            where tenant_id = $1 and id = $2"#,
        tenant as _,
        id as _,
        &numbers_of(&data.weekdays),
        data.rrule,
        data.local_from as _,
        data.local_until as _,
        data.valid_from,
        data.valid_until,
        data.status as _,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
