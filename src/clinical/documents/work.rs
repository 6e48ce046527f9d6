//! What happens to an upload afterwards: it is scanned, its text is extracted, and what was left lying is removed.
//!
//! Every server does it, and a worker does nothing else. A version is taken with `for update skip locked` and a lease, in a
//! transaction that ends before the work begins: no transaction waits for a scanner or a child. Who dies with a version in
//! hand loses his lease. Scans and texts have lanes of their own, because a scan that hangs holds its worker for minutes; within
//! a lane tenants take turns, and one tenant has one worker at a time: nobody's uploads keep another's documents in quarantine,
//! or from being found. Errors of ours (scanner away, store away) are tried again, later and later; what a child could not
//! read is not.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::TimeDelta;
use kernel::ids::TenantId;
use kernel::{Error, Result};
use platform::App;
use platform::db::SystemTx;
use platform::files::{Content, Finding, ObjectKey, ObjectName};
use platform::maintenance::tenant_ids;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::model::{Scan, TextState};
use super::text::Extracted;
use super::work_store::{self as store, Task};
use super::{receive, retention, service, text};
use crate::search;

/// How long a version is in one worker's hands.
const LEASE: TimeDelta = TimeDelta::minutes(15);
/// How often somebody looks who was not woken.
const TURN: Duration = Duration::from_secs(15);
/// How often is swept and reviewed, in turns.
const SWEEP: u32 = 40;
/// How many scan at once, each for another tenant: they wait for the scanner, and for nothing of ours.
const SCANS: usize = 4;
/// How many texts are extracted at once, each for another tenant: each is a child that reckons.
const TEXTS: usize = 2;
/// Versions of one tenant that are worked on before the next tenant's, and how long they may take together: one that has
/// begun is ended, so a tenant whose files take long has one in a turn.
const AT_ONCE: usize = 20;
const ENOUGH: TimeDelta = TimeDelta::seconds(2);
/// How often extraction is tried when the fault is ours.
const TRIES: i16 = 5;

/// Starts the work on the current runtime. It ends when the signal turns true or its sender is gone.
pub fn spawn(app: App, stop: watch::Receiver<bool>) -> JoinHandle<()> {
    let (scans, texts) = (Lane::scans(), Lane::texts());
    tokio::spawn(async move {
        let scanning = (0..SCANS).map(|_| worker(&app, &scans, false, stop.clone()));
        let extracting = (0..TEXTS).map(|number| worker(&app, &texts, number == 0, stop.clone()));
        tokio::join!(
            futures_util::future::join_all(scanning),
            futures_util::future::join_all(extracting)
        );
    })
}

/// One kind of work, and the tenants somebody does it for at the moment: each is one worker's at a time.
#[derive(Debug)]
pub struct Lane {
    stage: Stage,
    served: Mutex<HashSet<TenantId>>,
}

struct Serving<'a>(&'a Lane, TenantId);

impl Lane {
    pub fn scans() -> Self {
        Self::of(Stage::Scan)
    }

    pub fn texts() -> Self {
        Self::of(Stage::Text)
    }

    fn of(stage: Stage) -> Self {
        let served = Mutex::default();
        Self { stage, served }
    }

    fn begin(&self, tenant: TenantId) -> Option<Serving<'_>> {
        let new = self.lock().insert(tenant);
        new.then(|| Serving(self, tenant))
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<TenantId>> {
        self.served.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Serving<'_> {
    fn drop(&mut self) {
        self.0.lock().remove(&self.1);
    }
}

async fn worker(app: &App, lane: &Lane, sweeps: bool, mut stop: watch::Receiver<bool>) {
    let woken = match lane.stage {
        Stage::Scan => &app.files.to_scan,
        Stage::Text => &app.files.to_read,
    };
    let mut turn = 0_u32;
    loop {
        let sweeping = sweeps && turn.is_multiple_of(SWEEP);
        let worked = every_tenant(app, lane, sweeping, &stop).await;
        let worked = worked.unwrap_or_else(|error| {
            tracing::error!(cause = error.cause_for_log(), "work on documents failed");
            false
        });
        turn = turn.wrapping_add(1);
        if worked && !*stop.borrow() {
            continue;
        }
        tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => return,
            () = woken.notified() => {}
            () = tokio::time::sleep(TURN) => {}
        }
    }
}

/// What is done with a version: its text waits until it is scanned.
#[derive(Clone, Copy, Debug)]
enum Stage {
    Scan,
    Text,
}

async fn every_tenant(
    app: &App,
    lane: &Lane,
    sweeping: bool,
    stop: &watch::Receiver<bool>,
) -> Result<bool> {
    let tenants = tenant_ids(&app.db).await?;
    let worked = turn(app, lane, &tenants, stop).await;
    for tenant in tenants.into_iter().filter(|_| sweeping) {
        if let Err(error) = tidy(app, tenant).await {
            tracing::error!(%tenant, cause = error.cause_for_log(), "sweeping documents of a tenant failed");
        }
    }
    Ok(worked)
}

/// A turn of one worker: some of the lane's work of every tenant nobody else does it for now. Answers whether there was
/// anything to do.
pub async fn turn(
    app: &App,
    lane: &Lane,
    tenants: &[TenantId],
    stop: &watch::Receiver<bool>,
) -> bool {
    let mut worked = false;
    for tenant in tenants {
        if *stop.borrow() {
            return false;
        }
        if let Some(_serving) = lane.begin(*tenant) {
            worked |= some(app, *tenant, lane.stage).await.unwrap_or_else(|error| {
                tracing::error!(%tenant, cause = error.cause_for_log(), "work on documents of a tenant failed");
                false
            });
        }
    }
    if worked && matches!(lane.stage, Stage::Scan) {
        app.files.to_read.notify_one();
    }
    worked
}

/// Some of what waits for one tenant: so many, and none is begun once these have taken their time. The others wait.
async fn some(app: &App, tenant: TenantId, stage: Stage) -> Result<bool> {
    let begun = app.clock.now();
    for done in 0..AT_ONCE {
        if !one(app, tenant, stage).await? {
            return Ok(done > 0);
        }
        if app.clock.now() - begun > ENOUGH {
            break;
        }
    }
    Ok(true)
}

/// Everything there is to do for one tenant: scans, texts, sweeping, reviews.
pub async fn round(app: &App, tenant: TenantId) -> Result<()> {
    for stage in [Stage::Scan, Stage::Text] {
        while one(app, tenant, stage).await? {}
    }
    tidy(app, tenant).await
}

async fn tidy(app: &App, tenant: TenantId) -> Result<()> {
    sweep(app, tenant).await?;
    retention::review(app, tenant).await
}

/// Works on the version that has waited longest, if one waits.
async fn one(app: &App, tenant: TenantId, stage: Stage) -> Result<bool> {
    let Some(task) = take(app, tenant, stage).await? else {
        return Ok(false);
    };
    let done = match stage {
        Stage::Scan => scan_of(app, tenant, &task).await,
        Stage::Text => text_of(app, tenant, &task).await,
    };
    if let Err(error) = done {
        tracing::warn!(%tenant, version = %task.id, cause = error.cause_for_log(), "a document must wait");
    }
    Ok(true)
}

async fn take(app: &App, tenant: TenantId, stage: Stage) -> Result<Option<Task>> {
    let now = app.clock.now();
    let to_scan = matches!(stage, Stage::Scan);
    let scanner = app.files.scanner.is_some();
    let mut tx = SystemTx::begin(&app.db, tenant).await?;
    let task = if to_scan && !scanner {
        if !app.files.options.require_scan {
            store::release_quarantine(&mut tx, now).await?;
        }
        None
    } else {
        store::take(&mut tx, to_scan, now, LEASE).await?
    };
    tx.commit().await?;
    Ok(task)
}

async fn scan_of(app: &App, tenant: TenantId, task: &Task) -> Result<()> {
    match scan(app, tenant, task).await {
        Ok((scan, detail)) => {
            let now = app.clock.now();
            let mut tx = SystemTx::begin(&app.db, tenant).await?;
            store::scanned(&mut tx, task, scan, detail.as_deref(), now).await?;
            tx.commit().await
        }
        Err(error) => {
            later(app, tenant, task).await?;
            Err(error)
        }
    }
}

async fn text_of(app: &App, tenant: TenantId, task: &Task) -> Result<()> {
    let extracted = match content(app, tenant, task).await {
        Ok(content) => {
            let pieces = app.files.objects.read(content);
            text::in_child(&app.files.options, &task.content_type, pieces).await
        }
        Err(error) => Err(error),
    };
    match extracted {
        Ok(extracted) => index(app, tenant, task, extracted).await,
        Err(error) if task.attempts >= TRIES => {
            index(app, tenant, task, Extracted::Failed).await?;
            Err(error)
        }
        Err(error) => {
            later(app, tenant, task).await?;
            Err(error)
        }
    }
}

async fn scan(app: &App, tenant: TenantId, task: &Task) -> Result<(Scan, Option<String>)> {
    let Some(scanner) = &app.files.scanner else {
        return Err(Error::unavailable("no scanner is configured"));
    };
    let content = content(app, tenant, task).await?;
    Ok(match scanner.scan(app.files.objects.read(content)).await? {
        Finding::Clean => (Scan::Clean, None),
        Finding::Infected(name) => {
            tracing::warn!(%tenant, version = %task.id, "a document is infected");
            (Scan::Infected, Some(name))
        }
    })
}

async fn content(app: &App, tenant: TenantId, task: &Task) -> Result<Content> {
    let mut tx = SystemTx::begin(&app.db, tenant).await?;
    let cipher = app.tenant_keys.cipher(&mut tx).await?;
    let key = cipher.open(&service::key_place(&tx, task.id), &task.sealed_key)?;
    Ok(Content {
        name: receive::name(tenant, task.id),
        key: ObjectKey::from_bytes(&key)
            .ok_or_else(|| Error::internal("a sealed key of another form"))?,
        size: u64::try_from(task.size).map_err(Error::internal)?,
        sha256: task.sha256.as_slice().try_into().map_err(Error::internal)?,
    })
}

async fn index(app: &App, tenant: TenantId, task: &Task, extracted: Extracted) -> Result<()> {
    let (state, body) = match extracted {
        Extracted::Failed => (TextState::Failed, None),
        Extracted::Text { body, .. } if body.trim().is_empty() => (TextState::None, None),
        Extracted::Text { body, cut: true } => (TextState::Truncated, Some(body)),
        Extracted::Text { body, cut: false } => (TextState::Indexed, Some(body)),
    };
    let now = app.clock.now();
    let mut tx = SystemTx::begin(&app.db, tenant).await?;
    // The document first: whoever changes one holds it before its versions.
    let label = store::label(&mut tx, task).await?;
    if store::settle_text(&mut tx, task, state, now).await?
        && let (Some(body), Some(label)) = (body, label)
    {
        store::insert_text(&mut tx, task, &body, now).await?;
        // A version that is not the newest any more keeps its text, and is not found.
        if label.newest {
            search::put(
                &mut tx,
                &label.search_text(&format!("{}\n\n{body}", label.title)),
            )
            .await?;
        }
    }
    tx.commit().await
}

/// Tries again in one, two, four … minutes, at most in an hour.
async fn later(app: &App, tenant: TenantId, task: &Task) -> Result<()> {
    let minutes = 1_i64 << task.attempts.clamp(1, 7).saturating_sub(1);
    let mut tx = SystemTx::begin(&app.db, tenant).await?;
    store::put_off(
        &mut tx,
        task,
        app.clock.now() + TimeDelta::minutes(minutes.min(60)),
    )
    .await?;
    tx.commit().await
}

/// Ends uploads that were never completed, and removes objects nobody needs.
async fn sweep(app: &App, tenant: TenantId) -> Result<()> {
    let now = app.clock.now();
    let mut tx = SystemTx::begin(&app.db, tenant).await?;
    store::expire_uploads(&mut tx, now).await?;
    let objects = store::take_removable(&mut tx, now).await?;
    tx.commit().await?;
    for id in objects {
        app.files.objects.remove(ObjectName { tenant, id }).await?;
        let mut tx = SystemTx::begin(&app.db, tenant).await?;
        store::removed(&mut tx, id).await?;
        tx.commit().await?;
    }
    Ok(())
}
