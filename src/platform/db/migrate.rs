//! Migrations: the roles first, then every file of `migrations/` that has not run, each in its own transaction.
//!
//! Run by an administrator of the database; the tables are made as `chartwell_owner`, which nobody logs in as.

use std::path::Path;
use std::str::FromStr as _;

use kernel::{Error, Result};
use sqlx::migrate::{Migrate, MigrateError, Migrator};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Connection, Executor, PgConnection};

static MIGRATIONS: Migrator = sqlx::migrate!("../../migrations");

const ROLES: &str = include_str!("roles.sql");

/// What becomes of the password of the runtime role. A role belongs to the whole server, not to one database in it.
#[derive(Clone, Copy)]
pub enum RuntimeLogin<'a> {
    Leave,
    /// Gives it this password, whatever it had.
    Set(&'a str),
    /// Sees that it gets in with this password. Gives it this one if it has none yet; refuses to take away one that is
    /// another's, who may be serving with it at this moment.
    Claim(&'a str),
}

/// Other files than this program's made the database: until the first release they may be written anew.
#[derive(Debug, thiserror::Error)]
#[error(
    "the database was made before the first release, by another set of migrations, and can't be brought up to date; nothing of it \
     was changed. Make a new database, or load an export of this one into a new one"
)]
pub struct OtherFiles;

/// Brings the database up to date. Returns the names of the migrations it ran: none, on a second run.
pub async fn run(url: &str, login: RuntimeLogin<'_>) -> Result<Vec<String>> {
    run_these(&MIGRATIONS, url, login).await
}

/// As [`run`], with the files of a folder: a program built before the last migration was written can still describe the
/// queries that need it.
pub async fn run_folder(url: &str, folder: &Path) -> Result<Vec<String>> {
    let migrations = Migrator::new(folder).await.map_err(Error::internal)?;
    run_these(&migrations, url, RuntimeLogin::Leave).await
}

async fn run_these(
    migrations: &Migrator,
    url: &str,
    login: RuntimeLogin<'_>,
) -> Result<Vec<String>> {
    // A migration takes the time it takes: the log is spared the text of slow ones.
    let options = PgConnectOptions::from_str(url)?.disable_statement_logging();
    let mut connection = PgConnection::connect_with(&options).await?;
    connection
        .execute("set client_min_messages = warning")
        .await?;
    refuse_other_files(migrations, &mut connection).await?;
    connection.execute(ROLES).await?;
    match login {
        RuntimeLogin::Leave => {}
        RuntimeLogin::Set(password) => set_runtime_password(&mut connection, password).await?,
        RuntimeLogin::Claim(password) => claim(&mut connection, url, password).await?,
    }
    connection.execute("set role chartwell_owner").await?;
    connection
        .execute("create schema if not exists migration")
        .await?;
    connection
        .execute("set search_path = migration, public")
        .await?;
    let before = applied(&mut connection).await?;
    migrations.run(&mut connection).await.map_err(refused)?;
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

/// Looks before anything is changed. A file of a later program is none of these; whoever runs it names it.
async fn refuse_other_files(migrations: &Migrator, connection: &mut PgConnection) -> Result<()> {
    let begun = sqlx::query_scalar::<_, bool>(
        "select to_regclass('migration._sqlx_migrations') is not null",
    )
    .fetch_one(&mut *connection)
    .await?;
    if !begun {
        return Ok(());
    }
    let applied = sqlx::query_as::<_, (i64, Vec<u8>)>(
        "select version, checksum from migration._sqlx_migrations",
    )
    .fetch_all(connection)
    .await?;
    let last = migrations.iter().map(|migration| migration.version).max();
    let others = applied.iter().any(|(version, checksum)| {
        match migrations.iter().find(|ours| ours.version == *version) {
            Some(ours) => *ours.checksum != **checksum,
            None => Some(*version) < last,
        }
    });
    if others {
        return Err(Error::internal(OtherFiles));
    }
    Ok(())
}

/// The newest migration this program knows.
pub fn newest() -> i64 {
    MIGRATIONS
        .iter()
        .map(|migration| migration.version)
        .max()
        .unwrap_or_default()
}

/// What is missing of a database that is older than this program or was made by other files, to be told before anything is served from it. A newer one
/// is fine: a migration adds before anything is taken away, so that servers can be exchanged one after the other.
pub async fn behind(connection: &mut PgConnection) -> Result<Option<String>> {
    // The server's own role may not read which files were run. The function was of those of before the first release only.
    let (present, others) = sqlx::query_as::<_, (Option<i64>, bool)>(
        "select app.schema_version(), to_regproc('app.tenant_table_alone') is not null",
    )
    .fetch_one(connection)
    .await?;
    if others {
        return Ok(Some(OtherFiles.to_string()));
    }
    let (present, newest) = (present.unwrap_or_default(), newest());
    let told =
        || format!("run chartwell migrate: the database is at {present}, this program at {newest}");
    Ok((present < newest).then(told))
}

/// What PostgreSQL says of the migration that failed, without the line of its source that said it.
fn refused(error: MigrateError) -> Error {
    match &error {
        MigrateError::ExecuteMigration(sqlx::Error::Database(said), version) => {
            Error::internal(format!("migration {version}: {}", said.message()))
        }
        _ => Error::internal(error),
    }
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

async fn claim(connection: &mut PgConnection, url: &str, password: &str) -> Result<()> {
    let options = PgConnectOptions::from_str(url)?
        .username("chartwell_runtime")
        .password(password);
    if let Ok(runtime) = PgConnection::connect_with(&options).await {
        runtime.close().await?;
        return Ok(());
    }
    let taken = sqlx::query_scalar::<_, bool>(
        "select rolpassword is not null from pg_authid where rolname = 'chartwell_runtime'",
    )
    .fetch_one(&mut *connection)
    .await?;
    if taken {
        return Err(Error::internal(
            "the server already has a login chartwell_runtime with another password, which may be in use; take a server of \
             its own, or, if nobody uses it, clear it first: alter role chartwell_runtime password null",
        ));
    }
    set_runtime_password(connection, password).await
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
