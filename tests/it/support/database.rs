//! One cluster a run, whoever runs it: `cargo test` (one process) or nextest (a process per test).

use std::path::Path;
use std::str::FromStr;
use std::sync::OnceLock;

use kernel::ids::TenantId;
use platform::db::DbOptions;
use platform::db::embedded::{Cluster, LocateOptions, SharedRun, shared_throwaway};
use platform::db::migrate::{self, RuntimeLogin};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Connection, Executor, PgConnection, Postgres, Transaction};

const DATABASE: &str = "chartwell_test";
const RUNTIME_PASSWORD: &str = "only-for-tests";

/// The run's database: as administrator, and as the runtime role.
pub struct RunDatabase {
    pub admin_url: String,
    pub runtime: DbOptions,
    /// Stops with the process that started it.
    _cluster: Option<Cluster>,
}

/// The database of this run, started and migrated by whichever test comes first.
pub fn run_database() -> &'static RunDatabase {
    static RUN: OnceLock<RunDatabase> = OnceLock::new();
    RUN.get_or_init(|| {
        // The cluster's calls block, and this may be inside a test's runtime.
        std::thread::spawn(start)
            .join()
            .expect("the test database starts")
    })
}

fn start() -> RunDatabase {
    let (admin_url, cluster) = match std::env::var("DATABASE_URL") {
        Ok(url) if !url.is_empty() => {
            prepare_once(&url).expect("the database at DATABASE_URL can be prepared");
            (with_database(&url), None)
        }
        _ => {
            let (key, owner) = this_run();
            let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("postgres");
            let run = SharedRun {
                root: &root,
                key: &key,
                owner_pid: owner,
            };
            let cluster = shared_throwaway(&run, &LocateOptions::any(true), |cluster| {
                prepare(
                    &cluster.url("postgres"),
                    RuntimeLogin::Set(RUNTIME_PASSWORD),
                )
            })
            .expect("PostgreSQL is found or fetched, and starts");
            (cluster.url(DATABASE), Some(cluster))
        }
    };
    let connect = PgConnectOptions::from_str(&admin_url)
        .expect("our own URL")
        .username("chartwell_runtime")
        .password(RUNTIME_PASSWORD);
    let mut runtime = DbOptions::from_url(&admin_url).expect("our own URL");
    runtime.connect = connect;
    runtime.max_connections = 8;
    RunDatabase {
        admin_url,
        runtime,
        _cluster: cluster,
    }
}

/// nextest names its run and is our parent; under `cargo test` the run is this process.
fn this_run() -> (String, u32) {
    match std::env::var("NEXTEST_RUN_ID") {
        Ok(id) => (id, std::os::unix::process::parent_id()),
        Err(_) => (
            format!("cargo-test-{}", std::process::id()),
            std::process::id(),
        ),
    }
}

/// On a server that was given: the first process of the run prepares the database, the others find it marked.
fn prepare_once(url: &str) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let (run, _) = this_run();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut gate = PgConnection::connect(url).await?;
        gate.execute("select pg_advisory_lock(20261122)").await?;
        let mark: Option<String> = sqlx::query_scalar(
            "select shobj_description(oid, 'pg_database') from pg_database where datname = $1",
        )
        .bind(DATABASE)
        .fetch_optional(&mut gate)
        .await?
        .flatten();
        if mark.as_deref() != Some(run.as_str()) {
            let url = url.to_owned();
            tokio::task::spawn_blocking(move || {
                prepare(&url, RuntimeLogin::Claim(RUNTIME_PASSWORD))
            })
            .await??;
            let mark = format!(
                "comment on database {DATABASE} is '{}'",
                run.replace('\'', "")
            );
            gate.execute(sqlx::AssertSqlSafe(mark)).await?;
        }
        Ok(())
    })
}

fn prepare(
    url: &str,
    login: RuntimeLogin<'_>,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(async {
            let mut connection = PgConnection::connect(url).await?;
            connection
                .execute(sqlx::AssertSqlSafe(format!(
                    "drop database if exists {DATABASE}"
                )))
                .await?;
            connection
                .execute(sqlx::AssertSqlSafe(format!("create database {DATABASE}")))
                .await?;
            let url = with_database(url);
            migrate::run(&url, login).await?;
            Ok(())
        })
}

fn with_database(url: &str) -> String {
    let (place, options) = url
        .split_once('?')
        .map_or((url, None), |(place, options)| (place, Some(options)));
    let (server, _) = place.rsplit_once('/').expect("a URL has a path");
    let options = options
        .map(|options| format!("?{options}"))
        .unwrap_or_default();
    format!("{server}/{DATABASE}{options}")
}

/// A connection that row-level security does not bind: to look behind the curtain, and to tamper.
pub async fn admin_connection() -> PgConnection {
    PgConnection::connect(&run_database().admin_url)
        .await
        .expect("the administrator can connect")
}

/// A transaction of somebody who writes past the server.
#[expect(clippy::disallowed_methods, reason = "it is not the server's")]
pub async fn begin(connection: &mut PgConnection) -> Transaction<'_, Postgres> {
    connection.begin().await.expect("a transaction")
}

/// Runs a statement as the server does for somebody of a role, a scope and an account, and leaves nothing of it. Answers how many
/// rows it touched or found.
pub async fn as_role(
    connection: &mut PgConnection,
    (tenant, user): (TenantId, Option<&str>),
    (role, scope): (&str, &str),
    statement: &str,
) -> Result<u64, sqlx::Error> {
    let mut tx = begin(connection).await;
    let user = user.unwrap_or_default();
    for set in [
        format!("set local app.context = '{tenant} {role} {scope} {user}  '"),
        "set local role chartwell_runtime".to_owned(),
    ] {
        tx.execute(sqlx::AssertSqlSafe(set)).await.expect("set");
    }
    let statement = sqlx::AssertSqlSafe(statement.to_owned());
    Ok(tx.execute(statement).await?.rows_affected())
}

/// A database of a test's own, freshly migrated, for what changes the schema.
pub struct OwnDatabase {
    name: String,
    url: String,
}

impl OwnDatabase {
    pub async fn copy() -> Self {
        let name = format!("own_{}", kernel::ids::mint().simple());
        let mut admin = admin_connection().await;
        admin
            .execute(sqlx::AssertSqlSafe(format!("create database {name}")))
            .await
            .expect("a database of its own");
        let url = run_database().admin_url.replacen(DATABASE, &name, 1);
        migrate::run(&url, RuntimeLogin::Leave)
            .await
            .expect("it migrates");
        Self { name, url }
    }

    pub async fn connect(&self) -> PgConnection {
        PgConnection::connect(&self.url)
            .await
            .expect("the administrator can connect")
    }

    pub fn admin_url(&self) -> &str {
        &self.url
    }

    /// As the server's own role, for a process.
    pub fn runtime_url(&self) -> String {
        let place = run_database().runtime.connect.clone();
        place.database(&self.name).to_url_lossy().to_string()
    }

    pub async fn drop(self) {
        let mut admin = admin_connection().await;
        let drop = format!("drop database {} with (force)", self.name);
        admin
            .execute(sqlx::AssertSqlSafe(drop))
            .await
            .expect("it goes");
    }
}
