//! Fills a database with made-up tenants, and knows the ids of everybody in it.

use std::sync::Arc;
use std::time::Instant;

use identity::passwords::Passwords;
use kernel::Clock;
use kernel::ids::TenantId;
use platform::crypto::{LocalMasterKeys, TenantKeys};
use platform::db::{Db, DbOptions, SystemTx};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use uuid::Uuid;

use super::database::{Database, MASTER_KEY};

/// Everybody's password.
pub const PASSWORD: &str = "correct horse battery staple";
/// Patients on a provider's care team, if the tenant has as many.
const TEAM: u32 = 3_000;
/// Indexes that are built in a tenth of the time that they take to grow.
const INDEXES: [&str; 2] = ["patient_keys_similar_idx", "search_texts_words_idx"];

/// What is in a database.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub tenants: u32,
    pub per_tenant: u32,
    /// Months the encounters lie in; none: there are no encounters.
    pub months: u32,
    /// Of each patient.
    pub notes: u32,
    /// The first so many patients of each tenant have a chart of ten years.
    pub charts: u32,
}

/// As `bench.id` in seed.sql computes it.
fn id(kind: u32, number: u64) -> Uuid {
    Uuid::from_u128(u128::from(kind) << 96 | u128::from(number))
}

pub fn tenant(number: u32) -> Uuid {
    id(0x1000_0000, number.into())
}

/// The admin of that tenant.
pub fn admin(tenant: u32) -> Uuid {
    id(0x2000_0000, tenant.into())
}

/// The provider of that tenant; his account, not his entry among the staff.
pub fn provider(tenant: u32) -> Uuid {
    id(0x2100_0000, tenant.into())
}

impl Plan {
    /// The first [`team`](Self::team) are the provider's.
    pub fn patient(&self, tenant: u32, number: u32) -> Uuid {
        id(
            0x3000_0000,
            u64::from(tenant) * u64::from(self.per_tenant) + u64::from(number),
        )
    }

    /// One of the ten visits of a patient.
    pub fn encounter(&self, tenant: u32, patient: u32, visit: u32) -> Uuid {
        let number = (u64::from(tenant) * 10 + u64::from(visit)) * u64::from(self.per_tenant)
            + u64::from(patient);
        id(0x4000_0000, number)
    }

    /// Patients on each provider's team.
    pub fn team(&self) -> u32 {
        self.per_tenant.min(TEAM)
    }
}

/// Fills a migrated database, to the end or not at all.
pub async fn fill(database: &Database) -> anyhow::Result<()> {
    let plan = database.plan;
    let started = Instant::now();
    eprintln!(
        "   filling {} with {} patients in {} tenants",
        database.name,
        plan.tenants * plan.per_tenant,
        plan.tenants
    );
    let hash = Passwords::default()
        .hash(PASSWORD.into())
        .await
        .map_err(told)?;
    let mut connection = database.admin().await?;
    run(&mut connection, include_str!("seed.sql")).await?;
    make_months(&mut connection, plan.months).await?;
    if plan.charts > 0 {
        for month in 2 - i32::try_from(plan.months)?..2 {
            make_month(&mut connection, "vitals", month).await?;
        }
    }
    run(&mut connection, "set session_replication_role = replica; set synchronous_commit = off; set work_mem = '256MB'; set maintenance_work_mem = '1GB'").await?;
    let mut indexes = Vec::new();
    for index in INDEXES {
        let made: String = sqlx::query_scalar("select pg_get_indexdef(('app.' || $1)::regclass)")
            .bind(index)
            .fetch_one(&mut connection)
            .await?;
        run(&mut connection, &format!("drop index app.{index}")).await?;
        indexes.push(made);
    }
    for tenant in 0..plan.tenants {
        sqlx::query("call bench.fill_tenant($1, $2, $3, $4)")
            .bind(i64::from(tenant))
            .bind(i64::from(plan.per_tenant))
            .bind(i64::from(plan.team()))
            .bind(&hash)
            .execute(&mut connection)
            .await?;
        if plan.months > 0 {
            sqlx::query("call bench.fill_encounters($1, $2, $3)")
                .bind(i64::from(tenant))
                .bind(i64::from(plan.per_tenant))
                .bind(i32::try_from(plan.months)?)
                .execute(&mut connection)
                .await?;
        }
        if plan.charts > 0 {
            sqlx::query("call bench.fill_chart($1, $2, $3)")
                .bind(i64::from(tenant))
                .bind(i64::from(plan.per_tenant))
                .bind(i64::from(plan.charts))
                .execute(&mut connection)
                .await?;
        }
        if plan.notes > 0 {
            sqlx::query("call bench.fill_notes($1, $2, $3)")
                .bind(i64::from(tenant))
                .bind(i64::from(plan.per_tenant))
                .bind(i64::from(plan.notes))
                .execute(&mut connection)
                .await?;
        }
    }
    for index in indexes {
        run(&mut connection, &index).await?;
    }
    make_keys(database).await?;
    run(&mut connection, "vacuum analyze").await?;
    run(&mut connection, "checkpoint").await?;
    run(&mut connection, "create table bench.filled ()").await?;
    connection.close().await?;
    eprintln!("   filled in {:.0} s", started.elapsed().as_secs_f64());
    Ok(())
}

async fn run(connection: &mut PgConnection, sql: &str) -> anyhow::Result<()> {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
        .execute(connection)
        .await?;
    Ok(())
}

/// A month is made in a transaction of its own.
async fn make_months(connection: &mut PgConnection, encounters: u32) -> anyhow::Result<()> {
    for table in ["phi_access_log", "audit_log", "security_events"] {
        for month in -1..=1 {
            make_month(connection, table, month).await?;
        }
    }
    for month in 2 - i32::try_from(encounters)?..2 {
        make_month(connection, "encounters", month).await?;
    }
    Ok(())
}

async fn make_month(
    connection: &mut PgConnection,
    table: &str,
    from_now: i32,
) -> anyhow::Result<()> {
    sqlx::query(
        "select app.ensure_month($1, (now() at time zone 'UTC' + $2 * interval '1 month')::date)",
    )
    .bind(table)
    .bind(from_now)
    .execute(connection)
    .await?;
    Ok(())
}

/// Each tenant's data key, without which the server does not start.
async fn make_keys(database: &Database) -> anyhow::Result<()> {
    let db = Db::new(&DbOptions::from_url(&database.runtime_url).map_err(told)?);
    let keys = TenantKeys::new(Arc::new(LocalMasterKeys::from_base64(MASTER_KEY, None)?));
    let now = Clock::system().now();
    for tenant in 0..database.plan.tenants {
        let mut tx = SystemTx::begin(&db, TenantId(self::tenant(tenant)))
            .await
            .map_err(told)?;
        keys.create(&mut tx, now).await.map_err(told)?;
        tx.commit().await.map_err(told)?;
    }
    db.close().await;
    Ok(())
}

/// An error of the house with its cause.
#[expect(clippy::needless_pass_by_value, reason = "it is handed to map_err")]
pub fn told(error: kernel::Error) -> anyhow::Error {
    match error.cause_for_log() {
        Some(cause) => anyhow::anyhow!("{cause}"),
        None => anyhow::anyhow!("{error}"),
    }
}
