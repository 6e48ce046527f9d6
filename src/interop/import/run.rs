//! A whole import: the first pass, the foundation, the second pass, and what had to wait.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Instant as Stopwatch;

use chrono_tz::Tz;
use kernel::clock::Instant;
use kernel::ids::TenantId;
use kernel::{Code, Error, Result};
use platform::App;
use platform::db::{SystemTx, partition};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::batch::Fate;
use super::importer::Importer;
use super::index::{self, Month, Origin, Unit};
use super::ledger::Ledger;
use super::progress::Progress;
use super::reader::{self, Chunk, Walk};
use super::report::{Place, Report};
use super::resource::{Resource, Stage};
use super::{Options, again, files, store};

/// Chunks written at the same time. More than processors: while one waits for the disk, another computes.
const LANES: usize = 3;
/// Organisations and practitioners in one transaction.
const FOUNDATION: usize = 200;

/// Imports FHIR files and folders of them into a tenant.
///
/// # Errors
/// `invalid_parameter` when a path can't be read or `source` is no word, `unavailable` when the database is away for
/// longer than a moment. A resource that can't be imported is no error: the report names it.
pub async fn fhir(
    app: &App,
    tenant: TenantId,
    paths: &[PathBuf],
    options: Options,
) -> Result<Report> {
    let started = Stopwatch::now();
    if options
        .source
        .as_deref()
        .is_some_and(|source| !is_word(source))
    {
        return Err(Error::new(Code::InvalidParameter)
            .detail("source must be a word of 1 to 40 letters, digits and hyphens"));
    }
    partition::ensure_ahead(&app.db, partition::AHEAD).await?;
    let zone = zone_of(app, tenant).await?;
    let files: Arc<[PathBuf]> = blocking({
        let paths = paths.to_vec();
        move || files::collect(&paths)
    })
    .await??
    .into();
    let progress = Arc::new(Progress::new(options.progress, files.len()));
    let index = blocking({
        let (files, source, progress) = (files.clone(), options.source.clone(), progress.clone());
        let threads = std::thread::available_parallelism().map_or(2, usize::from);
        move || {
            let origin = Origin {
                source: source.as_deref(),
                zone,
            };
            index::build(&files, origin, threads, &|files| progress.advance(files))
        }
    })
    .await?;
    progress.importing(index.total());
    let before = standing(app, tenant).await?;
    let run = Run {
        importer: Arc::new(Importer::new(app.clone(), tenant, zone)),
        ledger: Arc::new(Ledger::new(progress.clone(), files.clone())),
        files,
        winners: Arc::new(index.winners),
        source: options.source,
    };
    run.ledger.open(&index.read, index.superseded, index.faults);
    run.beginnings(index.encounters, index.vitals, &index.foundation)
        .await?;
    run.everything_else(&index.units).await?;
    run.settle(&index.units).await?;
    let looked_at_again = again::look(&run.importer, &run.ledger, options.again).await?;
    progress.finish();
    let mut report = run.ledger.close(started.elapsed());
    report.looked_at_again = looked_at_again;
    for (kind, count) in before {
        report.standing.entry(kind).or_default().0 = count;
    }
    for (kind, count) in standing(app, tenant).await? {
        report.standing.entry(kind).or_default().1 = count;
    }
    Ok(report)
}

async fn standing(app: &App, tenant: TenantId) -> Result<BTreeMap<String, u64>> {
    let mut tx = SystemTx::begin(&app.db, tenant).await?;
    store::standing(&mut tx).await
}

async fn zone_of(app: &App, tenant: TenantId) -> Result<Tz> {
    let mut tx = SystemTx::begin(&app.db, tenant).await?;
    let zone = store::time_zone(&mut tx).await?;
    zone.parse().map_err(Error::internal)
}

/// Whether a source may be called so.
pub(super) fn is_word(source: &str) -> bool {
    (1..=40).contains(&source.len())
        && source
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-')
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(Error::internal)
}

struct Run {
    importer: Arc<Importer>,
    ledger: Arc<Ledger>,
    files: Arc<[PathBuf]>,
    winners: Arc<HashMap<u128, Place>>,
    source: Option<String>,
}

impl Run {
    /// Months, places and people. Making a month waits for those who write what its table refers to: so those of encounters are
    /// made before anything is written, and those of vital signs, which refer to no place and nobody, while places and people are.
    async fn beginnings(
        &self,
        encounters: BTreeMap<Month, Instant>,
        vitals: BTreeMap<Month, Instant>,
        foundation: &[Resource],
    ) -> Result<()> {
        let importer = &self.importer;
        importer.ensure_months(encounters.into_values()).await?;
        tokio::try_join!(
            importer.ensure_vital_months(vitals.into_values()),
            self.foundation(foundation)
        )?;
        Ok(())
    }

    /// Places and people that everything else refers to.
    async fn foundation(&self, resources: &[Resource]) -> Result<()> {
        for chunk in resources
            .chunk_by(|a, b| a.stage() == b.stage())
            .flat_map(|stage| stage.chunks(FOUNDATION))
        {
            self.ledger.note(self.importer.take(chunk, true).await?);
        }
        Ok(())
    }

    /// Units with patients first, then those with encounters; the next kind begins when the last one is through.
    async fn everything_else(&self, units: &[Unit]) -> Result<()> {
        for stage in [Stage::Patient, Stage::Encounter, Stage::Other] {
            let units = units.iter().copied().filter(|unit| unit.stage == stage);
            self.walk(units.collect(), None, false).await?;
        }
        Ok(())
    }

    /// Reads units and writes what is in them, a few lanes side by side.
    async fn walk(
        &self,
        units: Vec<Unit>,
        only: Option<BTreeSet<Place>>,
        last: bool,
    ) -> Result<()> {
        if units.is_empty() {
            return Ok(());
        }
        let lanes = LANES.min(units.len());
        let walk = Arc::new(Walk {
            files: self.files.clone(),
            units,
            winners: self.winners.clone(),
            only,
            source: self.source.clone(),
            next: AtomicUsize::new(0),
        });
        let mut running = JoinSet::new();
        for _ in 0..lanes {
            let (to, chunks) = mpsc::channel(1);
            let walk = walk.clone();
            running.spawn_blocking(move || {
                reader::read(&walk, &to);
                Ok(())
            });
            running.spawn(write(
                self.importer.clone(),
                self.ledger.clone(),
                chunks,
                last,
            ));
        }
        while let Some(ended) = running.join_next().await {
            ended.map_err(Error::internal)??;
        }
        Ok(())
    }

    /// What had to wait, again and again, until nothing more comes of waiting.
    async fn settle(&self, units: &[Unit]) -> Result<()> {
        let mut waited = usize::MAX;
        loop {
            let waiting = self.ledger.take_waiting();
            if waiting.is_empty() {
                return Ok(());
            }
            let last = waiting.len() == waited;
            waited = waiting.len();
            let holding = |unit: &&Unit| waiting.range(unit.places()).next().is_some();
            let units: Vec<Unit> = units.iter().filter(holding).copied().collect();
            self.walk(units, Some(waiting), last).await?;
            if last {
                return Ok(());
            }
        }
    }
}

async fn write(
    importer: Arc<Importer>,
    ledger: Arc<Ledger>,
    mut chunks: mpsc::Receiver<Chunk>,
    last: bool,
) -> Result<()> {
    while let Some(chunk) = chunks.recv().await {
        let mut outcome = importer.take(&chunk.resources, last).await?;
        outcome.faults.extend(chunk.faults);
        outcome.waiting.extend(chunk.waiting);
        let passed_over = chunk.superseded.iter().filter_map(|one| one.name.as_ref());
        let fates = passed_over.map(|name| (name.resource_type.clone(), Fate::Skipped));
        outcome.fates.extend(fates);
        outcome.superseded += chunk.superseded.len() as u64;
        outcome.remarks.extend(chunk.superseded);
        ledger.note(outcome);
    }
    Ok(())
}
