//! What happens to an upload afterwards: it is scanned, its text is extracted, and what was left lying is removed.
//!
//! Every server does it, and a worker does nothing else. A version is taken with `for update skip locked` and a lease, in a
//! transaction that ends before the work begins: no transaction waits for a scanner or a child. Who dies with a version in
//! hand loses his lease. Errors of ours (scanner away, store away) are tried again, later and later; what a child could not
//! read is not.

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
/// How often extraction is tried when the fault is ours.
const TRIES: i16 = 5;

/// Starts the work on the current runtime. It ends when the signal turns true or its sender is gone.
pub fn spawn(app: App, mut stop: watch::Receiver<bool>) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut turn = 0_u32;
        loop {
            if let Err(error) = every_tenant(&app, turn.is_multiple_of(SWEEP), &stop).await {
                tracing::error!(cause = error.cause_for_log(), "work on documents failed");
            }
            turn = turn.wrapping_add(1);
            tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => return,
                () = app.files.arrived.notified() => {}
                () = tokio::time::sleep(TURN) => {}
            }
        }
    })
}

async fn every_tenant(app: &App, sweeping: bool, stop: &watch::Receiver<bool>) -> Result<()> {
    for tenant in tenant_ids(&app.db).await? {
        if *stop.borrow() {
            break;
        }
        let done = if sweeping {
            round(app, tenant).await
        } else {
            versions(app, tenant).await
        };
        if let Err(error) = done {
            tracing::error!(%tenant, cause = error.cause_for_log(), "work on documents of a tenant failed");
        }
    }
    Ok(())
}

/// Everything there is to do for one tenant: scans, texts, sweeping, reviews.
pub async fn round(app: &App, tenant: TenantId) -> Result<()> {
    versions(app, tenant).await?;
    sweep(app, tenant).await?;
    retention::review(app, tenant).await
}

/// Works off the versions that wait.
async fn versions(app: &App, tenant: TenantId) -> Result<()> {
    while let Some(task) = take(app, tenant).await? {
        let id = task.id;
        if let Err(error) = work_on(app, tenant, task).await {
            tracing::warn!(%tenant, version = %id, cause = error.cause_for_log(), "a document must wait");
        }
    }
    Ok(())
}

async fn take(app: &App, tenant: TenantId) -> Result<Option<Task>> {
    let now = app.clock.now();
    let mut tx = SystemTx::begin(&app.db, tenant).await?;
    let task = store::take(
        &mut tx,
        app.files.scanner.is_some(),
        app.files.options.require_scan,
        now,
        LEASE,
    )
    .await?;
    tx.commit().await?;
    Ok(task)
}

async fn work_on(app: &App, tenant: TenantId, mut task: Task) -> Result<()> {
    if task.scan == Scan::Pending {
        match scan(app, tenant, &task).await {
            Ok((scan, detail)) => {
                task.scan = scan;
                let now = app.clock.now();
                let mut tx = SystemTx::begin(&app.db, tenant).await?;
                store::scanned(&mut tx, &task, detail.as_deref(), now).await?;
                tx.commit().await?;
            }
            Err(error) => {
                later(app, tenant, &task).await?;
                return Err(error);
            }
        }
    }
    if task.text != TextState::Pending || task.scan == Scan::Infected {
        return Ok(());
    }
    let extracted = match content(app, tenant, &task).await {
        Ok(content) => {
            let pieces = app.files.objects.read(content);
            text::in_child(&app.files.options, &task.content_type, pieces).await
        }
        Err(error) => Err(error),
    };
    match extracted {
        Ok(extracted) => index(app, tenant, &task, extracted).await,
        Err(error) if task.attempts >= TRIES => {
            index(app, tenant, &task, Extracted::Failed).await?;
            Err(error)
        }
        Err(error) => {
            later(app, tenant, &task).await?;
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
