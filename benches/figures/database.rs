//! The cluster of the bench, and the databases in it.
//!
//! Commits are durable, as the promise that is measured says. Databases in a folder that was kept are used again when they
//! hold what was asked for.

use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use anyhow::Context as _;
use platform::db::embedded::{Cluster, ClusterOptions, LocateOptions, PgPrograms};
use platform::db::migrate::RuntimeLogin;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use super::options::Options;
use super::seed::{self, Plan};

/// The runtime role's password in the bench's cluster, which nothing but a Unix socket reaches.
const RUNTIME_PASSWORD: &str = "only-for-the-bench";

/// The servers' master key. Not a secret: it wraps keys of made-up tenants in a database that is deleted.
pub const MASTER_KEY: &str = "Q2hhcnR3ZWxsIGZpZ3VyZXMgbWFzdGVyIGtleSBubzE=";

/// Notes of each patient who has any.
const NOTES_EACH: u32 = 10;

/// Charts of ten years.
const CHARTS: u32 = 20;

/// A running PostgreSQL and the folder of this run.
pub struct Postgres {
    cluster: Cluster,
    /// The folder of its programs.
    pub bin: PathBuf,
    folder: Folder,
    per_tenant: u32,
    tenants: u32,
    notes_per_tenant: u32,
    note_tenants: u32,
}

/// A migrated and filled database.
pub struct Database {
    pub plan: Plan,
    pub name: String,
    /// As superuser: to seed, to count, to look at the log.
    admin_url: String,
    /// As the server connects.
    pub runtime_url: String,
    /// For programs that know libpq's variables.
    pub variables: Vec<(&'static str, String)>,
}

struct Folder {
    path: PathBuf,
    temporary: bool,
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.temporary {
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

impl Postgres {
    /// Blocks until it is up.
    pub fn start(options: &Options) -> anyhow::Result<Self> {
        let folder = match &options.dir {
            Some(path) => Folder {
                path: path.clone(),
                temporary: false,
            },
            None => Folder {
                path: Path::new(env!("CARGO_TARGET_TMPDIR"))
                    .join(format!("figures-{}", std::process::id())),
                temporary: true,
            },
        };
        std::fs::create_dir_all(&folder.path)
            .with_context(|| format!("can't create {}", folder.path.display()))?;
        let dir = folder.path.join("postgres");
        let programs = PgPrograms::locate(&LocateOptions::for_folder(&dir, true)?)?;
        // The log is read to see which statements the server sends; the data are made up.
        let settings = ClusterOptions::durable(&dir)
            .with("log_error_verbosity", "default")
            .with("log_line_prefix", "%p ");
        let cluster = Cluster::start(&programs, &settings)?;
        let (per_tenant, tenants) = (options.per_tenant(), options.tenants);
        Ok(Self {
            cluster,
            bin: programs.bin().to_owned(),
            folder,
            per_tenant,
            tenants,
            notes_per_tenant: options.notes_per_tenant(),
            note_tenants: options.note_tenants,
        })
    }

    pub fn stop(self) -> anyhow::Result<()> {
        self.cluster.stop()?;
        Ok(())
    }

    /// Where a section may keep its files.
    pub fn folder(&self) -> &Path {
        &self.folder.path
    }

    /// PostgreSQL's log.
    pub fn log(&self) -> PathBuf {
        self.cluster.dir().join("postgres.log")
    }

    /// All patients, no encounters.
    pub async fn large(&self) -> anyhow::Result<Database> {
        self.database("large", self.plan(self.tenants, 0)).await
    }

    /// One tenant, as large as one of the many, with encounters in three months.
    pub async fn small(&self) -> anyhow::Result<Database> {
        self.database("small", self.plan(1, 3)).await
    }

    /// As [`small`](Self::small), with as many encounters spread over ten years.
    pub async fn wide(&self) -> anyhow::Result<Database> {
        self.database("wide", self.plan(1, 120)).await
    }

    /// As [`wide`](Self::wide), with charts that were kept for as long.
    pub async fn charted(&self) -> anyhow::Result<Database> {
        let plan = Plan {
            charts: CHARTS,
            ..self.plan(1, 120)
        };
        self.database("charted", plan).await
    }

    /// Patients with [`NOTES_EACH`] notes.
    pub async fn noted(&self) -> anyhow::Result<Database> {
        let plan = Plan {
            tenants: self.note_tenants,
            per_tenant: self.notes_per_tenant / NOTES_EACH,
            months: 0,
            notes: NOTES_EACH,
            charts: 0,
        };
        self.database("noted", plan).await
    }

    fn plan(&self, tenants: u32, months: u32) -> Plan {
        Plan {
            tenants,
            per_tenant: self.per_tenant,
            months,
            notes: 0,
            charts: 0,
        }
    }

    /// Migrated and empty, whatever was there.
    pub async fn empty(&self, name: &str) -> anyhow::Result<Database> {
        let database = self.named(name.to_owned(), self.plan(0, 0))?;
        self.remake(&database.name).await?;
        database.migrate().await?;
        Ok(database)
    }

    async fn database(&self, kind: &str, plan: Plan) -> anyhow::Result<Database> {
        let database = self.named(format!("{kind}_{}_{}", plan.tenants, plan.per_tenant), plan)?;
        if !self.is_filled(&database.name).await? {
            self.remake(&database.name).await?;
            database.migrate().await?;
            seed::fill(&database).await.context("seeding")?;
        }
        Ok(database)
    }

    fn named(&self, name: String, plan: Plan) -> anyhow::Result<Database> {
        let admin_url = self.cluster.url(&name);
        let (_, place) = admin_url
            .rsplit_once('@')
            .context("a cluster's URL names its host")?;
        let parameters = self.cluster.connection_parameters();
        Ok(Database {
            plan,
            runtime_url: format!("postgres://chartwell_runtime:{RUNTIME_PASSWORD}@{place}"),
            variables: vec![
                (
                    "PGHOST",
                    parameters.socket_dir.to_string_lossy().into_owned(),
                ),
                ("PGPORT", parameters.port.to_string()),
                ("PGUSER", "chartwell_runtime".to_owned()),
                ("PGPASSWORD", RUNTIME_PASSWORD.to_owned()),
                ("PGDATABASE", name.clone()),
            ],
            name,
            admin_url,
        })
    }

    /// One that was not filled to its end is made anew.
    async fn is_filled(&self, name: &str) -> anyhow::Result<bool> {
        let mut postgres = PgConnection::connect(&self.cluster.url("postgres")).await?;
        let there: bool =
            sqlx::query_scalar("select exists (select from pg_database where datname = $1)")
                .bind(name)
                .fetch_one(&mut postgres)
                .await?;
        postgres.close().await?;
        if !there {
            return Ok(false);
        }
        let mut connection = PgConnection::connect(&self.cluster.url(name)).await?;
        let filled = sqlx::query_scalar("select to_regclass('bench.filled') is not null")
            .fetch_one(&mut connection)
            .await?;
        connection.close().await?;
        Ok(filled)
    }

    async fn remake(&self, name: &str) -> anyhow::Result<()> {
        let mut postgres = PgConnection::connect(&self.cluster.url("postgres")).await?;
        for statement in [
            format!("drop database if exists {name} with (force)"),
            format!("create database {name}"),
        ] {
            sqlx::raw_sql(AssertSqlSafe(statement))
                .execute(&mut postgres)
                .await?;
        }
        postgres.close().await?;
        Ok(())
    }
}

impl Database {
    async fn migrate(&self) -> anyhow::Result<()> {
        let login = RuntimeLogin::Set(RUNTIME_PASSWORD);
        platform::db::migrate::run(&self.admin_url, login)
            .await
            .map_err(seed::told)
            .context("the migrations failed")?;
        Ok(())
    }

    /// A connection that row-level security does not bind.
    pub async fn admin(&self) -> anyhow::Result<PgConnection> {
        Ok(PgConnection::connect(&self.admin_url).await?)
    }

    /// How the server connects.
    pub fn runtime(&self) -> anyhow::Result<PgConnectOptions> {
        Ok(PgConnectOptions::from_str(&self.runtime_url)?)
    }

    /// Access records so far.
    pub async fn access_records(&self) -> anyhow::Result<u64> {
        let mut connection = self.admin().await?;
        let count: i64 = sqlx::query_scalar("select count(*) from app.phi_access_log")
            .fetch_one(&mut connection)
            .await?;
        connection.close().await?;
        Ok(u64::try_from(count)?)
    }
}
