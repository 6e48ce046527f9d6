//! `chartwell doctor`: what could be wrong, looked at; a line each.

use std::fs::OpenOptions;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, bail, ensure};
use chrono::TimeDelta;
use identity::tenants::Listed;
use kernel::Clock;
use platform::audit::{Backlog, backlog};
use platform::crypto::{KeyWrapper, LocalMasterKeys, SigningKeys, TenantKeys, reseal};
use platform::db::{Db, SystemTx, health, isolation, migrate};
use platform::jobs;
use secrecy::ExposeSecret;
use sqlx::PgConnection;

use super::in_words;
use super::installation::{Installation, Where};
use super::keys::shown;
use crate::config::Config;
use crate::rekeying;
use crate::server::{connect, told};

/// How long what a server does by itself may take.
const PATIENCE: TimeDelta = TimeDelta::days(1);

pub async fn run(place: Where) -> anyhow::Result<ExitCode> {
    let installation = Installation::find(&place).await?;
    let config = &installation.config;
    let mut well = true;
    match connect(config).await {
        Err(error) => well &= say("database", Err(error)),
        Ok(mut connection) => {
            well &= say("database", version(&mut connection).await);
            well &= say("role", role(&mut connection).await);
            well &= say("isolation", isolated(&mut connection).await);
            well &= say("migrations", migrated(&mut connection).await);
            well &= say("clock", clock(&mut connection).await);
            well &= say("disk", disk(&mut connection).await);
            well &= say("durability", durable(&mut connection).await);
            well &= say("folders", folders(config));
            if config.operations.seal_file.is_none() {
                // The log can be checked all the same, so this is no failure.
                out!(
                    "note  seal file    CHARTWELL_SEAL_FILE is not set: nobody outside the database knows the seals, so who takes the newest \
                     away together with their records is not found out"
                );
            }
            well &= say("keys", keys(config, &mut connection).await);
            let db = Db::new(&config.database);
            well &= say("partitions", months(&db).await);
            well &= say("jobs", queue(&db).await);
            well &= say("sealing", sealing(&db).await);
            well &= say("data keys", data_keys(config, &db).await);
            db.close().await;
        }
    }
    installation.close().await?;
    Ok(if well {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn say(what: &str, outcome: anyhow::Result<String>) -> bool {
    let well = outcome.is_ok();
    match outcome {
        Ok(found) => out!("ok    {what:<12} {found}"),
        Err(error) => out!("FAIL  {what:<12} {}", in_words(&error)),
    }
    well
}

async fn version(connection: &mut PgConnection) -> anyhow::Result<String> {
    let number: i32 = sqlx::query_scalar("select current_setting('server_version_num')::integer")
        .fetch_one(connection)
        .await?;
    ensure!(number >= 150_000, "PostgreSQL 15 or newer is needed");
    Ok(format!("PostgreSQL {}", number / 10_000))
}

async fn role(connection: &mut PgConnection) -> anyhow::Result<String> {
    match isolation::role_bypasses(connection).await.map_err(told)? {
        Some(reason) => bail!("the role {reason}; connect as chartwell_runtime"),
        None => Ok("row-level security binds it".to_owned()),
    }
}

async fn isolated(connection: &mut PgConnection) -> anyhow::Result<String> {
    let violations = isolation::violations(connection).await.map_err(told)?;
    ensure!(violations.is_empty(), "{}", violations.join("; "));
    Ok("every table is forced, every policy names the tenant".to_owned())
}

async fn migrated(connection: &mut PgConnection) -> anyhow::Result<String> {
    match migrate::behind(connection).await.map_err(told)? {
        Some(behind) => bail!("{behind}"),
        None => Ok(format!("at {} or newer", migrate::newest())),
    }
}

async fn clock(connection: &mut PgConnection) -> anyhow::Result<String> {
    let theirs: chrono::DateTime<chrono::Utc> = sqlx::query_scalar("select clock_timestamp()")
        .fetch_one(connection)
        .await?;
    let apart = (Clock::system().now() - theirs).num_milliseconds().abs();
    ensure!(apart < 2_000, "server and database are {apart} ms apart");
    Ok(format!("server and database are {apart} ms apart"))
}

/// Whether the database can still write where it keeps its data. How much room is left there, only its host can tell.
async fn disk(connection: &mut PgConnection) -> anyhow::Result<String> {
    let size: String =
        sqlx::query_scalar("select pg_size_pretty(pg_database_size(current_database()))")
            .fetch_one(&mut *connection)
            .await?;
    sqlx::query("create temporary table doctor_probe as select repeat(md5(n::text), 32) from generate_series(1, 1000) n")
        .execute(connection)
        .await
        .context("the database can't write")?;
    Ok(format!("the database has {size} and can write"))
}

/// Whether what is committed survives a crash. The server waits for its commits whatever `synchronous_commit` says.
async fn durable(connection: &mut PgConnection) -> anyhow::Result<String> {
    let off: Vec<String> = sqlx::query_scalar(
        "select name from pg_settings where name in ('fsync', 'full_page_writes') and setting = 'off' order by name",
    )
    .fetch_all(connection)
    .await?;
    ensure!(
        off.is_empty(),
        "the cluster has {} switched off: a crash loses or breaks what was committed",
        off.join(" and ")
    );
    Ok("what is committed survives a crash".to_owned())
}

/// Whether this account can write what the server writes outside the database. Documents in a bucket are not looked at: a key
/// that may only add to it could not take the probe away again.
fn folders(config: &Config) -> anyhow::Result<String> {
    let seals = config.operations.seal_file.as_deref();
    let seals = seals.and_then(Path::parent).map(|folder| (folder, "seals"));
    let temporary = std::env::temp_dir();
    let places = [
        config.files.folder().map(|folder| (folder, "documents")),
        Some((config.messages.folder(), "messages")),
        Some((temporary.as_path(), "exports that leave")),
        seals,
    ];
    let mut written = Vec::new();
    for (folder, what) in places.into_iter().flatten() {
        let probe = folder.join(".chartwell-doctor");
        std::fs::create_dir_all(folder)
            .and_then(|()| std::fs::write(&probe, b"probe"))
            .and_then(|()| std::fs::remove_file(&probe))
            .with_context(|| format!("the folder of the {what} can't be written"))?;
        written.push(what);
    }
    if let Some(file) = config
        .operations
        .seal_file
        .as_deref()
        .filter(|file| file.exists())
    {
        appendable(file).context("the file of seals can't be written")?;
    }
    Ok(format!("can write {}", written.join(", ")))
}

/// Opens the file as who writes seals does, and writes nothing.
fn appendable(file: &Path) -> std::io::Result<()> {
    OpenOptions::new().append(true).read(true).open(file)?;
    Ok(())
}

async fn months(db: &Db) -> anyhow::Result<String> {
    let missing = health::missing_months(db).await.map_err(told)?;
    ensure!(
        missing.is_empty(),
        "missing: {}; run chartwell partitions ensure",
        missing.join(", ")
    );
    Ok("this month and the next are there, of every table".to_owned())
}

/// What was given up stays until somebody has looked: `chartwell jobs retry` lets it be tried again.
async fn queue(db: &Db) -> anyhow::Result<String> {
    let (mut open, mut dead) = (0, Vec::new());
    for Listed { id, slug, .. } in identity::tenants::list(db).await.map_err(told)? {
        let mut tx = SystemTx::begin(db, id).await.map_err(told)?;
        for count in jobs::counts(&mut tx).await.map_err(told)? {
            if count.state == "dead" {
                dead.push(format!("{} × {} of tenant {slug}", count.jobs, count.kind));
            } else {
                open += count.jobs;
            }
        }
    }
    ensure!(
        dead.is_empty(),
        "given up: {}; see chartwell jobs list and retry",
        dead.join(", ")
    );
    Ok(format!("{open} wait, none was given up"))
}

/// While a server or a worker runs, a record waits a minute for its seal.
async fn sealing(db: &Db) -> anyhow::Result<String> {
    let now = Clock::system().now();
    let mut found = Vec::new();
    for Backlog {
        log,
        records,
        oldest,
    } in backlog(db).await.map_err(told)?
    {
        let name = log.name();
        if let Some(oldest) = oldest {
            ensure!(
                now - oldest < PATIENCE,
                "{records} records of the {name} are not sealed, the oldest of {}: does a server or a worker run?",
                shown(oldest)
            );
        }
        found.push(format!("{records} of the {name}"));
    }
    Ok(format!("to be sealed: {}", found.join(", ")))
}

/// Of tenants with a new data key: how far they have come.
async fn data_keys(config: &Config, db: &Db) -> anyhow::Result<String> {
    let keys = TenantKeys::new(wrapper(config)?);
    let now = Clock::system().now();
    let (mut late, mut moving) = (Vec::new(), Vec::new());
    for Listed { id, slug, .. } in identity::tenants::list(db).await.map_err(told)? {
        let mut tx = SystemTx::begin(db, id).await.map_err(told)?;
        let rows = keys.list(&mut tx).await.map_err(told)?;
        let undrained = rows.iter().filter(|key| key.drained_at.is_none());
        let Some(since) = undrained.filter_map(|key| key.retired_at).min() else {
            continue;
        };
        let left = reseal::left(&mut tx, &keys, &rekeying::places())
            .await
            .map_err(told)?;
        let text = format!("tenant {slug}: {} values", left.total());
        if now - since < PATIENCE {
            moving.push(text);
        } else {
            late.push(text);
        }
    }
    ensure!(
        late.is_empty(),
        "sealed with keys replaced more than a day ago: {}; see chartwell keys reseal",
        late.join("; ")
    );
    Ok(if moving.is_empty() {
        "every tenant's values are sealed with his present key".to_owned()
    } else {
        format!("to be sealed with new keys: {}", moving.join("; "))
    })
}

fn wrapper(config: &Config) -> anyhow::Result<Arc<dyn KeyWrapper>> {
    let previous = config
        .keys
        .master_previous
        .as_ref()
        .map(ExposeSecret::expose_secret);
    Ok(Arc::new(LocalMasterKeys::from_base64(
        config.keys.master.expose_secret(),
        previous,
    )?))
}

async fn keys(config: &Config, connection: &mut PgConnection) -> anyhow::Result<String> {
    let wrapper = wrapper(config)?;
    SigningKeys::load_or_create(connection, &*wrapper, Clock::system().now())
        .await
        .map_err(told)?;
    let db = Db::new(&config.database);
    let keys = TenantKeys::new(wrapper);
    let tenants = identity::tenants::all(&db).await.map_err(told)?;
    for tenant in &tenants {
        let mut tx = SystemTx::begin(&db, *tenant).await.map_err(told)?;
        keys.check(&mut tx)
            .await
            .map_err(told)
            .with_context(|| format!("tenant {tenant}"))?;
    }
    db.close().await;
    Ok(format!(
        "the master key opens the keys of {} tenants",
        tenants.len()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_seals_that_takes_no_line_is_found_and_one_that_does_stays_as_it_is() {
        let folder = std::env::temp_dir().join(format!("chartwell-doctor-{}", std::process::id()));
        let file = folder.join("seals.jsonl");
        std::fs::create_dir_all(&file).expect("a folder in the file's place");
        assert!(appendable(&file).is_err());
        std::fs::remove_dir(&file).expect("removed");
        std::fs::write(&file, "a line\n").expect("written");
        appendable(&file).expect("it takes a line");
        assert_eq!(std::fs::read_to_string(&file).expect("read"), "a line\n");
        std::fs::remove_dir_all(&folder).expect("removed");
    }
}
