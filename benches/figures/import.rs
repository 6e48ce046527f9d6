//! `chartwell import fhir` of the files named by `--fhir` into an empty installation, durable: how many resources a second, what the
//! access log costs of it, and how fast the same files are passed over the second time.
//!
//! Each run has a database of its own, so that it makes its months too. The log is switched off by a rule in the database that is
//! compared with, which takes the records and keeps none: the program has no setting for that.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, bail, ensure};
use sqlx::Connection as _;

use super::Bench;
use super::database::{Database, MASTER_KEY};
use super::report::{Goal, Row, median, thousands};
use super::server::chartwell;

const TENANT: &str = "figures";

/// Resources a second of one run, and how many access records it left.
struct Run {
    rate: f64,
    seconds: f64,
    records: u64,
}

pub async fn measure(bench: &mut Bench<'_>) -> anyhow::Result<()> {
    let Some(files) = bench.options.fhir.clone() else {
        eprintln!("   left out: name files with --fhir PATH");
        return Ok(());
    };
    let (mut with, mut without, mut again) = (Vec::new(), Vec::new(), Vec::new());
    let mut records = 0;
    for number in 0..bench.options.runs {
        let database = bench
            .postgres
            .empty(&format!("import_with_{number}"))
            .await?;
        let folder = bench.postgres.folder();
        prepare(&database, folder)?;
        let run = import(&database, folder, &files).await?;
        ensure!(run.records > 0, "an import leaves access records");
        records = run.records;
        eprintln!("   {:.2} s with the log", run.seconds);
        with.push(run.rate);
        again.push(import(&database, folder, &files).await?.rate);
        let database = bench
            .postgres
            .empty(&format!("import_without_{number}"))
            .await?;
        prepare(&database, folder)?;
        switch_off(&database).await?;
        let run = import(&database, folder, &files).await?;
        ensure!(run.records == 0, "the log was to be switched off");
        eprintln!("   {:.2} s without", run.seconds);
        without.push(run.rate);
    }
    let (with, without, again) = (median(with), median(without), median(again));
    bench.report.add(Row {
        what: "import of FHIR files into an empty installation, months and all".to_owned(),
        measured: format!("{} resources/s", thousands(with)),
        beside: format!("{records} access records"),
        ratio: None,
        goal: Goal::Holds(with >= 1_000.0, "≥ 1,000/s".to_owned()),
    });
    bench.report.add(Row {
        what: "cost of the access log in it".to_owned(),
        measured: format!("with: {} /s", thousands(with)),
        beside: format!("without: {} /s", thousands(without)),
        ratio: Some(without / with),
        goal: Goal::AtMost(1.1),
    });
    bench.report.add(Row {
        what: "the same files again, unchanged".to_owned(),
        measured: format!("{} resources/s", thousands(again)),
        beside: String::new(),
        ratio: None,
        goal: Goal::None,
    });
    Ok(())
}

fn prepare(database: &Database, folder: &Path) -> anyhow::Result<()> {
    let made = command(database, folder)
        .args(["tenant", "create", TENANT, "--name", "Figures"])
        .args(["--admin", "admin@figures.example"])
        .output()?;
    ensure!(
        made.status.success(),
        "no tenant: {}",
        String::from_utf8_lossy(&made.stderr)
    );
    Ok(())
}

async fn switch_off(database: &Database) -> anyhow::Result<()> {
    let mut connection = database.admin().await?;
    sqlx::query("create rule none as on insert to app.phi_access_log do instead nothing")
        .execute(&mut connection)
        .await?;
    connection.close().await?;
    Ok(())
}

/// The program's own rate leaves its start out, and so does this one.
async fn import(database: &Database, folder: &Path, files: &Path) -> anyhow::Result<Run> {
    let started = Instant::now();
    let done = command(database, folder)
        .args(["import", "fhir", "--tenant", TENANT])
        .arg(files)
        .output()?;
    let seconds = started.elapsed().as_secs_f64();
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    if !done.status.success() {
        bail!("{said}{}", String::from_utf8_lossy(&done.stderr));
    }
    let rate = said
        .lines()
        .find_map(|line| line.strip_suffix(" resources a second"))
        .and_then(|line| line.rsplit_once(' '))
        .context("the report names its rate")?;
    Ok(Run {
        rate: rate.1.parse()?,
        seconds,
        records: database.access_records().await?,
    })
}

fn command(database: &Database, folder: &Path) -> Command {
    let mut command = chartwell();
    command
        .env("CHARTWELL_DATABASE_URL", &database.runtime_url)
        .env("CHARTWELL_MASTER_KEY", MASTER_KEY)
        .env("CHARTWELL_FILES_DIR", folder.join("files"));
    command
}
