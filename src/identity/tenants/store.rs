//! SQL of tenants.

use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::TenantId;
use platform::db::{Db, TenantTx};

use super::model::{Tenant, TenantSettings, TenantStatus};

struct Row {
    tenant_id: TenantId,
    slug: String,
    status: TenantStatus,
    name: String,
    time_zone: String,
    mrn_prefix: String,
    mrn_digits: i16,
    chart_access: platform::access::ChartAccess,
    session_hours: i16,
    idle_minutes: i32,
    password_min: i16,
    version: i64,
    created_at: Instant,
    updated_at: Instant,
}

impl From<Row> for Tenant {
    fn from(row: Row) -> Self {
        Self {
            id: row.tenant_id,
            slug: row.slug,
            status: row.status,
            data: TenantSettings {
                name: row.name,
                time_zone: row.time_zone,
                mrn_prefix: row.mrn_prefix,
                mrn_digits: row.mrn_digits,
                chart_access: row.chart_access,
                session_hours: row.session_hours,
                idle_minutes: row.idle_minutes,
                password_min: row.password_min,
            },
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// Before there is a caller.
pub(crate) async fn find_by_slug(db: &Db, slug: &str) -> Result<Option<(TenantId, TenantStatus)>> {
    let row = sqlx::query!(
        r#"select f.tenant_id as "tenant_id!: TenantId", f.status as "status!: TenantStatus" from app.find_tenant($1) f"#,
        slug
    )
    .fetch_optional(db.shared())
    .await?;
    Ok(row.map(|row| (row.tenant_id, row.status)))
}

pub(super) async fn ids(db: &Db) -> Result<Vec<TenantId>> {
    let ids =
        sqlx::query_scalar!(r#"select f.tenant_id as "id!: TenantId" from app.tenant_ids() f"#)
            .fetch_all(db.shared())
            .await?;
    Ok(ids)
}

/// The transaction's tenant.
pub(crate) async fn settings(tx: &mut TenantTx) -> Result<Tenant> {
    let tenant = tx.tenant();
    let row = sqlx::query_as!(
        Row,
        r#"select tenant_id as "tenant_id: _", slug, status as "status: _", name, time_zone, mrn_prefix, mrn_digits,
                  chart_access as "chart_access: _", session_hours, idle_minutes, password_min, version, created_at, updated_at
             from app.tenants where tenant_id = $1"#,
        tenant as _
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(row.into())
}

pub(super) async fn lock(tx: &mut TenantTx) -> Result<Tenant> {
    let tenant = tx.tenant();
    let row = sqlx::query_as!(
        Row,
        r#"select tenant_id as "tenant_id: _", slug, status as "status: _", name, time_zone, mrn_prefix, mrn_digits,
                  chart_access as "chart_access: _", session_hours, idle_minutes, password_min, version, created_at, updated_at
             from app.tenants where tenant_id = $1 for update"#,
        tenant as _
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(row.into())
}

pub(super) async fn insert(
    tx: &mut TenantTx,
    slug: &str,
    data: &TenantSettings,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        r#"insert into app.tenants (tenant_id, slug, name, time_zone, mrn_prefix, mrn_digits, chart_access, session_hours,
                  idle_minutes, password_min, created_at, updated_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)"#,
        tenant as _,
        slug,
        data.name,
        data.time_zone,
        data.mrn_prefix,
        data.mrn_digits,
        data.chart_access as _,
        data.session_hours,
        data.idle_minutes,
        data.password_min,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn update(tx: &mut TenantTx, data: &TenantSettings, now: Instant) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        r#"update app.tenants
              set name = $2, time_zone = $3, mrn_prefix = $4, mrn_digits = $5, chart_access = $6, session_hours = $7,
                  idle_minutes = $8, password_min = $9, version = version + 1, updated_at = $10
            where tenant_id = $1"#,
        tenant as _,
        data.name,
        data.time_zone,
        data.mrn_prefix,
        data.mrn_digits,
        data.chart_access as _,
        data.session_hours,
        data.idle_minutes,
        data.password_min,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn set_status(
    tx: &mut TenantTx,
    status: TenantStatus,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update app.tenants set status = $2, version = version + 1, updated_at = $3 where tenant_id = $1",
        tenant as _,
        status as _,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
