//! What happens to an upload afterwards: it is scanned, its text is extracted, and what was left lying is removed.
//!
//! Every server does it, and a worker does nothing else. A version is taken with `for update skip locked` and a lease, in a
//! transaction that ends before the work begins: no transaction waits for a scanner or a child. Who dies with a version in
//! hand loses his lease. Tenants take turns, and whatever waits to be scanned goes before whatever only waits to be found by
//! its text: nobody's uploads keep another's documents in quarantine. Errors of ours (scanner away, store away) are tried again, later and later; what a child could not
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
/// How many work at once, each for another tenant.
const WORKERS: usize = 2;
/// Versions of one tenant that are worked on before the next tenant's, and how long they may take together: one that has
/// begun is ended, so a tenant whose files take long has one in a turn.
const AT_ONCE: usize = 20;
const ENOUGH: TimeDelta = TimeDelta::seconds(2);
/// How often extraction is tried when the fault is ours.
const TRIES: i16 = 5;

/// Starts the work on the current runtime. It ends when the signal turns true or its sender is gone.
pub fn spawn(app: App, stop: watch::Receiver<bool>) -> JoinHandle<()> {
    let served = Served::default();
    tokio::spawn(async move {
        let workers = (0..WORKERS).map(|number| worker(&app, &served, number == 0, stop.clone()));
        futures_util::future::join_all(workers).await;
    })
}

/// The tenants somebody works for at the moment: each is one worker's at a time.
#[derive(Debug, Default)]
pub struct Served(Mutex<HashSet<TenantId>>);

struct Serving<'a>(&'a Served, TenantId);

impl Served {
    fn begin(&self, tenant: TenantId) -> Option<Serving<'_>> {
        let new = self.lock().insert(tenant);
        new.then(|| Serving(self, tenant))
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<TenantId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Serving<'_> {
    fn drop(&mut self) {
        self.0.lock().remove(&self.1);
    }
}

async fn worker(app: &App, served: &Served, sweeps: bool, mut stop: watch::Receiver<bool>) {
    let mut turn = 0_u32;
    loop {
        let sweeping = sweeps && turn.is_multiple_of(SWEEP);
        let worked = every_tenant(app, served, sweeping, &stop).await;
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
            () = app.files.arrived.notified() => {}
            () = tokio::time::sleep(TURN) => {}
        }
    }
}

/// What is done with a version, in this order.
#[derive(Clone, Copy, Debug)]
enum Stage {
    Scan,
    Text,
}

async fn every_tenant(
    app: &App,
    served: &Served,
    sweeping: bool,
    stop: &watch::Receiver<bool>,
) -> Result<bool> {
    let tenants = tenant_ids(&app.db).await?;
    let worked = turn(app, served, &tenants, stop).await;
    for tenant in tenants.into_iter().filter(|_| sweeping) {
        if let Err(error) = tidy(app, tenant).await {
            tracing::error!(%tenant, cause = error.cause_for_log(), "sweeping documents of a tenant failed");
        }
    }
    Ok(worked)
}

/// A turn of one worker: some of the scans of every tenant nobody else serves now; some of their texts if there was nothing
/// to scan. Answers whether there was anything to do.
pub async fn turn(
    app: &App,
    served: &Served,
    tenants: &[TenantId],
    stop: &watch::Receiver<bool>,
) -> bool {
    for stage in [Stage::Scan, Stage::Text] {
        let mut worked = false;
        for tenant in tenants {
            if *stop.borrow() {
                return false;
            }
            if let Some(_serving) = served.begin(*tenant) {
                worked |= some(app, *tenant, stage).await.unwrap_or_else(|error| {
                    tracing::error!(%tenant, cause = error.cause_for_log(), "work on documents of a tenant failed");
                    false
                });
            }
        }
        if worked {
            return true;
        }
    }
    false
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
