//! SQL of scheduling holidays.

use chrono::NaiveDate;
use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::{FacilityId, HolidayId};
use platform::db::TenantTx;

use super::model::{Holiday, ListHolidays, NewHoliday};
use crate::local_time::LocalTime;
use crate::resource::Standing;

struct Row {
    id: HolidayId,
    facility_id: Option<FacilityId>,
    day: NaiveDate,
    local_from: Option<LocalTime>,
    local_until: Option<LocalTime>,
    name: String,
    status: Standing,
    version: i64,
    created_at: Instant,
    updated_at: Instant,
}

impl From<Row> for Holiday {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            data: NewHoliday {
                facility_id: row.facility_id,
                day: row.day,
                local_from: row.local_from,
                local_until: row.local_until,
                name: row.name,
                status: row.status,
            },
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
            affected_appointments: None,
        }
    }
}

pub(super) async fn insert(tx: &mut TenantTx, new: &NewHoliday, now: Instant) -> Result<HolidayId> {
    let tenant = tx.tenant();
    let id = HolidayId::new();
    sqlx::query!(
        r#"insert into app.scheduling_holidays
                  (tenant_id, id, facility_id, day, local_from, local_until, name, status, created_at, updated_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)"#,
        tenant as _,
        id as _,
        new.facility_id as _,
        new.day,
        new.local_from as _,
        new.local_until as _,
        new.name,
        new.status as _,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(id)
}

pub(super) async fn find(tx: &mut TenantTx, id: HolidayId) -> Result<Option<Holiday>> {
    let tenant = tx.tenant();
    let row = sqlx::query_as!(
        Row,
        r#"select id as "id: _", facility_id as "facility_id: _", day, local_from as "local_from: _",
                  local_until as "local_until: _", name, status as "status: _", version, created_at, updated_at
             from app.scheduling_holidays where tenant_id = $1 and id = $2"#,
        tenant as _,
        id as _
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(Into::into))
}

/// Those who want to change it, too, wait.
pub(super) async fn lock(tx: &mut TenantTx, id: HolidayId) -> Result<Option<Holiday>> {
    let tenant = tx.tenant();
    sqlx::query_scalar!(
        "select version from app.scheduling_holidays where tenant_id = $1 and id = $2 for update",
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
    id: HolidayId,
    data: &NewHoliday,
) -> Result<bool> {
    if data.status != Standing::Active {
        return Ok(false);
    }
    let tenant = tx.tenant();
    sqlx::query!(
        "select pg_advisory_xact_lock(hashtextextended('scheduling_holidays:' || $1::uuid, 0))::text as \"locked\"",
        tenant as _
    )
    .fetch_one(tx.conn())
    .await?;
    let found = sqlx::query_scalar!(
        r#"select exists (select from app.scheduling_holidays h
                        where h.tenant_id = $1 and h.id <> $2 and h.status = 'active' and h.day = $3
                          and h.facility_id is not distinct from $4 and h.local_from is not distinct from $5
                          and h.local_until is not distinct from $6) as "found!""#,
        tenant as _,
        id as _,
        data.day,
        data.facility_id as _,
        data.local_from as _,
        data.local_until as _
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(found)
}

/// By day.
pub(super) async fn page(
    tx: &mut TenantTx,
    query: &ListHolidays,
    after: Option<(NaiveDate, HolidayId)>,
    limit: i64,
) -> Result<Vec<Holiday>> {
    let tenant = tx.tenant();
    let (at, id) = after.unzip();
    let rows = sqlx::query_as!(
        Row,
        r#"select id as "id: _", facility_id as "facility_id: _", day, local_from as "local_from: _",
                  local_until as "local_until: _", name, status as "status: _", version, created_at, updated_at
             from app.scheduling_holidays
            where tenant_id = $1
              and ($2::uuid is null or facility_id = $2)
              and ($3::text is null or status = $3)
              and ($4::date is null or day >= $4)
              and ($5::date is null or day <= $5)
              and ($6::date is null or (day, id) > ($6, $7))
            order by day, id
            limit $8"#,
        tenant as _,
        query.facility_id as _,
        query.status as _,
        query.from_day,
        query.to_day,
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
    id: HolidayId,
    data: &NewHoliday,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        r#"update app.scheduling_holidays
              set day = $3, local_from = $4, local_until = $5, name = $6, status = $7,
                  version = version + 1, updated_at = $8
            where tenant_id = $1 and id = $2"#,
        tenant as _,
        id as _,
        data.day,
        data.local_from as _,
        data.local_until as _,
        data.name,
        data.status as _,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
