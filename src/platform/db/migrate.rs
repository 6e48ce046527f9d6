//! Migrations: the roles first, then every file of `migrations/` that has not run, each in its own transaction.
//!
//! Run by an administrator of the database; the tables are made as `chartwell_owner`, which nobody logs in as.

use std::path::Path;

use kernel::{Error, Result};
use sqlx::migrate::{Migrate, Migrator};
use sqlx::{Connection, Executor, PgConnection};

static MIGRATIONS: Migrator = sqlx::migrate!("../../migrations");

const ROLES: &str = include_str!("roles.sql");

/// Brings the database up to date. Returns the names of the migrations it ran: none, on a second run.
pub async fn run(url: &str, runtime_password: Option<&str>) -> Result<Vec<String>> {
    run_these(&MIGRATIONS, url, runtime_password).await
}

/// As [`run`], with the files of a folder: a program built before the last migration was written can still describe the
/// queries that need it.
pub async fn run_folder(url: &str, folder: &Path) -> Result<Vec<String>> {
    let migrations = Migrator::new(folder).await.map_err(Error::internal)?;
    run_these(&migrations, url, None).await
}

async fn run_these(
    migrations: &Migrator,
    url: &str,
    runtime_password: Option<&str>,
) -> Result<Vec<String>> {
    let mut connection = PgConnection::connect(url).await?;
    connection
        .execute("set client_min_messages = warning")
        .await?;
    connection.execute(ROLES).await?;
    if let Some(password) = runtime_password {
        set_runtime_password(&mut connection, password).await?;
    }
    connection.execute("set role chartwell_owner").await?;
    connection
        .execute("create schema if not exists migration")
        .await?;
    connection
        .execute("set search_path = migration, public")
        .await?;
    let before = applied(&mut connection).await?;
    migrations
        .run(&mut connection)
        .await
        .map_err(Error::internal)?;
    let done = migrations
        .iter()
        .filter(|migration| !before.contains(&migration.version))
        .map(|migration| format!("{:04} {}", migration.version, migration.description))
        .collect();
    // A tenant can't be made without this month's history.
    connection
        .execute("reset role; select app.ensure_months(6)")
        .await?;
    connection.close().await?;
    Ok(done)
}

/// The newest migration this program knows.
pub fn newest() -> i64 {
    MIGRATIONS
        .iter()
        .map(|migration| migration.version)
        .max()
        .unwrap_or_default()
}

async fn applied(connection: &mut PgConnection) -> Result<Vec<i64>> {
    connection
        .ensure_migrations_table("_sqlx_migrations")
        .await
        .map_err(Error::internal)?;
    let rows = connection
        .list_applied_migrations("_sqlx_migrations")
        .await
        .map_err(Error::internal)?;
    Ok(rows.into_iter().map(|row| row.version).collect())
}

/// `ALTER ROLE` takes no parameters, so the literal is quoted by the server itself.
async fn set_runtime_password(connection: &mut PgConnection, password: &str) -> Result<()> {
    let statement = sqlx::query_scalar::<_, String>(
        "select format('alter role chartwell_runtime password %L', $1)",
    )
    .bind(password)
    .fetch_one(&mut *connection)
    .await?;
    connection.execute(sqlx::AssertSqlSafe(statement)).await?;
    Ok(())
}
