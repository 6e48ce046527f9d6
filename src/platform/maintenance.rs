//! What a server does by itself: seals the access log each minute; makes months ahead and clears away each hour.
//!
//! Every server does it; the database keeps them from doing it twice. What fails is logged and tried again at the next
//! turn, and nothing here ends the server.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::TenantId;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

use crate::app::App;
use crate::audit::{FileSink, SealSink, Sealer};
use crate::db::{Db, SystemTx, partition};

/// How long the answer to an `Idempotency-Key` is kept.
const IDEMPOTENCY: TimeDelta = TimeDelta::hours(24);
/// How long a token is kept that can not be used any more: long enough to look into what became of it.
const TOKENS: TimeDelta = TimeDelta::days(30);

const SEALING: Duration = Duration::from_mins(1);
const TIDYING: Duration = Duration::from_hours(1);

/// What an operator may choose.
#[derive(Clone, Debug)]
pub struct Options {
    /// A file outside the database that gets every seal.
    pub seal_file: Option<PathBuf>,
    /// How many months ahead partitions are made.
    pub partitions_ahead: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            seal_file: None,
            partitions_ahead: partition::AHEAD,
        }
    }
}

/// Starts the work on the current runtime, each part once at once. It ends when the signal turns true or its sender is
/// gone; a round that has begun is finished first.
pub fn spawn(app: App, options: Options, stop: watch::Receiver<bool>) -> JoinHandle<()> {
    tokio::spawn(async move {
        let seals = seal(app.clone(), options.seal_file, stop.clone());
        let rest = tidy(app, options.partitions_ahead, stop);
        tokio::join!(seals, rest);
    })
}

async fn seal(app: App, file: Option<PathBuf>, mut stop: watch::Receiver<bool>) {
    let sink = file.map(|path| Arc::new(FileSink::new(path)) as Arc<dyn SealSink>);
    let mut sealer = Sealer::new(app.db.clone(), app.keys.clone(), app.clock.clone(), sink);
    let mut turns = turns(SEALING);
    while next(&mut turns, &mut stop).await {
        // A backlog is worked off in rounds, but not past a signal to stop.
        while !*stop.borrow() {
            match sealer.round().await {
                Ok(round) if round.more => {}
                Ok(_) => break,
                Err(error) => {
                    tracing::error!(
                        cause = error.cause_for_log(),
                        "sealing the access log failed"
                    );
                    break;
                }
            }
        }
    }
}

async fn tidy(app: App, ahead: u32, mut stop: watch::Receiver<bool>) {
    let mut turns = turns(TIDYING);
    while next(&mut turns, &mut stop).await {
        match partition::ensure_ahead(&app.db, ahead).await {
            Ok(0) => {}
            Ok(made) => tracing::info!(made, "months made ahead"),
            Err(error) => {
                tracing::error!(cause = error.cause_for_log(), "making months ahead failed");
            }
        }
        if let Err(error) = purge(&app, &stop).await {
            tracing::error!(
                cause = error.cause_for_log(),
                "clearing away what has run out failed"
            );
        }
        app.limits.tidy();
    }
}

fn turns(every: Duration) -> tokio::time::Interval {
    let mut turns = tokio::time::interval(every);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    turns
}

/// Waits for the next turn; the first is now. False when it is time to stop.
async fn next(turns: &mut tokio::time::Interval, stop: &mut watch::Receiver<bool>) -> bool {
    tokio::select! {
        biased;
        // Also when the sender is gone: then nobody can stop us any more.
        _ = stop.wait_for(|stop| *stop) => false,
        _ = turns.tick() => true,
    }
}

/// Deletes what has run out, tenant by tenant. One that fails does not keep the others waiting.
async fn purge(app: &App, stop: &watch::Receiver<bool>) -> Result<()> {
    let now = app.clock.now();
    for tenant in tenant_ids(&app.db).await? {
        if *stop.borrow() {
            break;
        }
        if let Err(error) = purge_tenant(&app.db, tenant, now).await {
            tracing::error!(%tenant, cause = error.cause_for_log(), "clearing away what has run out failed");
        }
    }
    Ok(())
}

async fn purge_tenant(db: &Db, tenant: TenantId, now: Instant) -> Result<()> {
    let mut tx = SystemTx::begin(db, tenant).await?;
    sqlx::query!(
        "delete from app.idempotency_keys where tenant_id = $1 and created_at < $2",
        tenant as _,
        now - IDEMPOTENCY
    )
    .execute(tx.conn())
    .await?;
    // Their sessions ended long ago, so that none of them can be used, or misused, any more.
    sqlx::query!(
        "delete from app.refresh_tokens where tenant_id = $1 and created_at < $2",
        tenant as _,
        now - TOKENS
    )
    .execute(tx.conn())
    .await?;
    sqlx::query!(
        "delete from app.one_time_tokens where tenant_id = $1 and least(used_at, expires_at) < $2",
        tenant as _,
        now - TOKENS
    )
    .execute(tx.conn())
    .await?;
    tx.commit().await
}

/// Every tenant there is, suspended ones too.
pub async fn tenant_ids(db: &Db) -> Result<Vec<TenantId>> {
    Ok(
        sqlx::query_scalar!(r#"select tenant_id as "tenant_id!: TenantId" from app.tenant_ids()"#)
            .fetch_all(db.shared())
            .await?,
    )
}
