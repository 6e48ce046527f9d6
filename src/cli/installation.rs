//! Which installation a command works on.
//!
//! `CHARTWELL_DATABASE_URL` and the keys name a production one. Without them it is the one that `dev` keeps in its data
//! folder, whose secrets lie beside it, readable by its owner alone.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use clap::Args;
use kernel::Clock;
use platform::crypto::{LocalMasterKeys, random};
use platform::db::embedded::{Cluster, ClusterOptions, LocateError, LocateOptions, PgPrograms};
use platform::db::migrate::{self, OtherFiles, RuntimeLogin};
use platform::db::{Db, DbOptions};
use platform::http::Origins;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

use crate::Chartwell;
use crate::config::{Config, Environment, Http, Keys, Operations, read_private};
use crate::server::{assemble, connect, told};

/// The file of its secrets.
const SECRETS: &str = "secrets.json";

/// The database of a dev installation.
const DATABASE: &str = "chartwell";

/// Where `dev` keeps its data unless it is told otherwise.
pub(super) const DATA_DIR: &str = ".chartwell";

/// Where the data of `dev` lies.
#[derive(Args, Clone, Debug)]
pub struct Where {
    /// The data folder of `chartwell dev`; used when CHARTWELL_DATABASE_URL is not set
    #[arg(long, default_value = DATA_DIR)]
    pub data_dir: PathBuf,
}

/// A dev installation, and the cluster it runs if it runs one.
pub struct Installation {
    pub config: Config,
    /// Keeps the cluster running; dropped last.
    cluster: Option<Cluster>,
}

impl Installation {
    /// The installation a command is for: the environment's, else the one of `dev` in the data folder.
    pub async fn find(place: &Where) -> anyhow::Result<Self> {
        let environment = Environment::of_process();
        let named = ["CHARTWELL_DATABASE_URL", "CHARTWELL_DATABASE_URL_FILE"];
        if named.iter().any(|name| environment.get(name).is_some()) {
            return Ok(Self {
                config: Config::from_environment(&environment)?,
                cluster: None,
            });
        }
        if !place.data_dir.join(SECRETS).exists() {
            if place.data_dir != Path::new(DATA_DIR) {
                bail!(
                    "{} is not a data folder of chartwell dev",
                    place.data_dir.display()
                );
            }
            bail!(
                "set CHARTWELL_DATABASE_URL and CHARTWELL_MASTER_KEY, or name the data folder of `chartwell dev` with --data-dir"
            );
        }
        aside!(
            "working on the dev installation in {}",
            place.data_dir.display()
        );
        Self::open_dev(&place.data_dir, false, attach_or_start).await
    }

    /// The dev installation in a folder: made, started and migrated as needed. Refused while another `dev` has it.
    pub async fn dev(data_dir: &Path, fetch: bool) -> anyhow::Result<Self> {
        Self::open_dev(data_dir, fetch, start_cluster).await
    }

    async fn open_dev(
        data_dir: &Path,
        fetch: bool,
        start: fn(&Path, bool) -> anyhow::Result<Cluster>,
    ) -> anyhow::Result<Self> {
        let made = Made::before(data_dir);
        std::fs::create_dir_all(data_dir)
            .with_context(|| format!("can't create {}", data_dir.display()))?;
        let secrets = Secrets::keep_in(data_dir)?;
        let opened = Self::open_with(data_dir, &secrets, fetch, start).await;
        if opened.as_ref().is_err_and(left_nothing) {
            made.take_back();
        }
        opened
    }

    async fn open_with(
        data_dir: &Path,
        secrets: &Secrets,
        fetch: bool,
        start: fn(&Path, bool) -> anyhow::Result<Cluster>,
    ) -> anyhow::Result<Self> {
        let environment = Environment::of_process();
        let password = &secrets.runtime_password;
        let (admin_url, cluster, login) = match std::env::var("DATABASE_URL") {
            Ok(url) if !url.is_empty() => {
                reach(&url).await?;
                (url, None, RuntimeLogin::Claim(password))
            }
            _ => {
                let folder = data_dir.join("postgres");
                let cluster = tokio::task::spawn_blocking(move || start(&folder, fetch)).await??;
                create_database(&cluster).await?;
                (
                    cluster.url(DATABASE),
                    Some(cluster),
                    RuntimeLogin::Set(password),
                )
            }
        };
        let ours = cluster.is_some().then_some(data_dir);
        migrate::run(&admin_url, login)
            .await
            .map_err(|error| not_migrated(error, ours, "DATABASE_URL"))?;
        let runtime = PgConnectOptions::from_str(&admin_url)?
            .username("chartwell_runtime")
            .password(&secrets.runtime_password);
        let mut config = dev_config(&environment, runtime, secrets, data_dir)?;
        if cluster.is_none() {
            "DATABASE_URL".clone_into(&mut config.database_from);
        }
        Ok(Self { config, cluster })
    }

    /// Builds the server's parts without serving.
    pub async fn open(&self) -> anyhow::Result<Chartwell> {
        assemble(&self.config, Clock::system()).await
    }

    /// The database, after a first connection: a pool would say only that it waited in vain.
    pub async fn db(&self) -> anyhow::Result<Db> {
        let connection = connect(&self.config).await?;
        connection.close().await?;
        Ok(Db::new(&self.config.database))
    }

    /// Returns when the PostgreSQL that this process started has ended, with what to say of it.
    pub async fn ended(&self) -> String {
        loop {
            tokio::time::sleep(Duration::from_millis(500)).await;
            if let Some(cluster) = self.cluster.as_ref().filter(|cluster| cluster.has_ended()) {
                return format!(
                    "PostgreSQL (process {}) has ended; its log {} may say why",
                    cluster.pid(),
                    cluster.log().display()
                );
            }
        }
    }

    /// Stops the cluster, if this process started it.
    pub async fn close(self) -> anyhow::Result<()> {
        if let Some(cluster) = self.cluster {
            tokio::task::spawn_blocking(move || cluster.stop()).await??;
        }
        Ok(())
    }
}

/// A command beside a running `dev` uses its cluster.
fn attach_or_start(folder: &Path, fetch: bool) -> anyhow::Result<Cluster> {
    match Cluster::attach(folder)? {
        Some(cluster) => Ok(cluster),
        None => start_cluster(folder, fetch),
    }
}

fn start_cluster(folder: &Path, fetch: bool) -> anyhow::Result<Cluster> {
    let programs = PgPrograms::locate(&LocateOptions::for_folder(folder, fetch)?)?;
    Ok(Cluster::start(&programs, &ClusterOptions::durable(folder))?)
}

async fn create_database(cluster: &Cluster) -> anyhow::Result<()> {
    let mut connection = PgConnection::connect(&cluster.url("postgres")).await?;
    let there =
        sqlx::query_scalar::<_, bool>("select exists (select from pg_database where datname = $1)")
            .bind(DATABASE)
            .fetch_one(&mut connection)
            .await?;
    if !there {
        connection
            .execute(AssertSqlSafe(format!("create database {DATABASE}")))
            .await?;
    }
    connection.close().await?;
    Ok(())
}

/// What was not there when a data folder was opened.
struct Made<'a> {
    secrets: Option<PathBuf>,
    folder: Option<&'a Path>,
}

impl<'a> Made<'a> {
    fn before(data_dir: &'a Path) -> Self {
        let secrets = data_dir.join(SECRETS);
        Self {
            secrets: (!secrets.exists()).then_some(secrets),
            folder: (!data_dir.exists()).then_some(data_dir),
        }
    }

    /// Of the folder only if nothing else has come to lie there. Where a cluster lies, somebody else has taken the secrets up.
    fn take_back(self) {
        let beside = |path: &PathBuf| path.with_file_name("postgres").exists();
        if self.secrets.as_ref().is_some_and(beside) {
            return;
        }
        if let Some(secrets) = self.secrets {
            let _ = std::fs::remove_file(secrets);
        }
        if let Some(folder) = self.folder {
            let _ = std::fs::remove_dir(folder);
        }
    }
}

/// Whether it failed before any database had seen the secrets.
fn left_nothing(error: &anyhow::Error) -> bool {
    error.is::<LocateError>() || error.is::<NotReached>()
}

/// The way to a database that was lent to `dev` is closed.
#[derive(Debug, thiserror::Error)]
#[error("DATABASE_URL: {0}")]
struct NotReached(String);

/// Whether the database that was lent is there at all, before its roles are given passwords.
async fn reach(url: &str) -> anyhow::Result<()> {
    let connected = PgConnection::connect(url).await;
    let connection = connected.map_err(|error| {
        let error = kernel::Error::from(error);
        match error.not_reached() {
            Some(cause) => NotReached(cause).into(),
            None => told(error).context("DATABASE_URL"),
        }
    })?;
    connection.close().await?;
    Ok(())
}

/// What there is to do when a database can't be brought up to date. `folder` holds it, if it is of our own making; else `variable`
/// names it, whose value is never told.
pub(super) fn not_migrated(
    error: kernel::Error,
    folder: Option<&Path>,
    variable: &'static str,
) -> anyhow::Error {
    if folder.is_none()
        && let Some(cause) = error.not_reached()
    {
        return anyhow!("{variable}: {cause}");
    }
    let by_others = matches!(error.cause(), Some(cause) if cause.is::<OtherFiles>());
    match folder.map(Path::display) {
        Some(folder) if by_others => anyhow!(
            "the data folder {folder} was made before the first release, by another set of migrations, and this program can't use \
             it. Nothing in it was changed: move it away (mv {folder} {folder}.before) and start again"
        ),
        _ if by_others => told(error),
        _ => told(error).context("the migrations failed; nothing of the one that failed was kept"),
    }
}

fn dev_config(
    environment: &Environment,
    connect: PgConnectOptions,
    secrets: &Secrets,
    data_dir: &Path,
) -> anyhow::Result<Config> {
    let defaults = Environment::from_pairs([
        (
            "CHARTWELL_DATABASE_URL".to_owned(),
            "postgres://chartwell_runtime@localhost/chartwell".to_owned(),
        ),
        (
            "CHARTWELL_MASTER_KEY".to_owned(),
            secrets.master_key.clone(),
        ),
    ]);
    let mut config = Config::from_environment(&defaults)?;
    let options = DbOptions {
        connect,
        ..config.database
    };
    config.database = options;
    config.database_from = format!("the database of the data folder {}", data_dir.display());
    config.keys = Keys {
        master: SecretString::from(secrets.master_key.clone()),
        master_previous: None,
    };
    config.operations = Operations {
        seal_file: Some(data_dir.join("seals.jsonl")),
        partitions_ahead: 6,
    };
    config.files.keep_in(data_dir.join("files"));
    config.messages.keep_in(data_dir.join("messages"));
    config.http = Http {
        listen: config.http.listen,
        settings: config.http.settings,
    };
    config.http.settings.origins = Origins::Loopback;
    // Links lead to where `dev` was last seen.
    if let Ok(address) = std::fs::read_to_string(data_dir.join("address")) {
        config.http.settings.public_url = format!("http://{}", address.trim());
    }
    if let Some(url) = environment.get("CHARTWELL_PUBLIC_URL") {
        config.http.settings.public_url = String::from(url.trim_end_matches('/'));
    }
    if let Some(listen) = environment.get("CHARTWELL_LISTEN") {
        config.http.listen = listen
            .parse()
            .context("CHARTWELL_LISTEN must be an address and a port")?;
    }
    Ok(config)
}

/// What a dev installation keeps to itself.
#[derive(Serialize, Deserialize)]
struct Secrets {
    master_key: String,
    runtime_password: String,
}

impl Secrets {
    /// Reads them, or makes them once.
    fn keep_in(data_dir: &Path) -> anyhow::Result<Self> {
        let path = data_dir.join(SECRETS);
        match path.try_exists() {
            Ok(true) => {
                let text = read_private(&path).map_err(|reason| {
                    anyhow::anyhow!("{} is a file that {reason}", path.display())
                })?;
                serde_json::from_str(&text)
                    .with_context(|| format!("{} is damaged", path.display()))
            }
            Ok(false) => {
                let secrets = Self {
                    master_key: LocalMasterKeys::generate().to_string(),
                    runtime_password: random::token(),
                };
                // Written beside and renamed: a kill in between must not leave half a key.
                let draft = data_dir.join("secrets.json.new");
                let mut file = std::fs::OpenOptions::new()
                    .write(true)
                    .create(true)
                    .truncate(true)
                    .mode(0o600)
                    .open(&draft)?;
                file.write_all(&serde_json::to_vec_pretty(&secrets)?)?;
                file.sync_all()?;
                std::fs::rename(&draft, &path)?;
                Ok(secrets)
            }
            Err(error) => Err(error).with_context(|| format!("can't read {}", path.display())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_database_of_a_data_folder_that_is_out_of_reach_is_named_by_the_folder() {
        let nowhere = std::env::temp_dir().join("chartwell-no-cluster-here");
        let secrets = Secrets {
            master_key: LocalMasterKeys::generate().to_string(),
            runtime_password: "not told".to_owned(),
        };
        let config = dev_config(
            &Environment::from_pairs([]),
            PgConnectOptions::new().socket(&nowhere),
            &secrets,
            Path::new("/srv/trial/.chartwell"),
        )
        .expect("a configuration");
        let refused = connect(&config).await.expect_err("there is none");
        let told = format!("{refused:#}");
        assert!(
            told.starts_with("the database of the data folder /srv/trial/.chartwell: "),
            "{told}"
        );
        assert!(!told.contains("CHARTWELL_DATABASE_URL"), "{told}");
    }

    #[test]
    fn a_data_folder_of_other_migrations_is_named_and_left_alone() {
        let folder = Path::new("/srv/trial/.chartwell");
        let refused = || kernel::Error::internal(OtherFiles);
        let told = format!(
            "{:#}",
            not_migrated(refused(), Some(folder), "DATABASE_URL")
        );
        assert!(
            told.contains(
                "the data folder /srv/trial/.chartwell was made before the first release"
            ),
            "{told}"
        );
        assert!(told.contains("mv /srv/trial/.chartwell "), "{told}");
        // A database that was only lent to `dev` does not lie in its folder.
        let told = format!("{:#}", not_migrated(refused(), None, "DATABASE_URL"));
        assert!(
            told.contains("Make a new database") && !told.contains("folder"),
            "{told}"
        );
        let another = kernel::Error::internal("no room left");
        let told = format!("{:#}", not_migrated(another, Some(folder), "DATABASE_URL"));
        assert!(
            told.contains("no room left") && !told.contains("mv "),
            "{told}"
        );
    }
}
