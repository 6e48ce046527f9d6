//! The days of documents after their organisation has taken another time zone.
//!
//! A document lies in the search where its day begins on the organisation's clocks. All of them move by a job that the change
//! of the zone promises, a thousand a transaction. Until then those that have not moved lie some hours beside their place, and
//! nothing else of them is other than it was.
//!
//! Invariant: it ends when a walk over all of them finds none to move: one that somebody was just filing by the old clocks is
//! found by the next walk.

use chrono::TimeDelta;
use futures_util::FutureExt as _;
use kernel::Result;
use kernel::clock::Instant;
use platform::App;
use platform::db::SystemTx;
use platform::jobs::{Handler, Job, NewJob, enqueue};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::store_days as store;

/// The kind of the job: as the trigger writes it (migration 0027).
pub const DAYS_JOB: &str = "documents.days";
/// Does the job, or a part of it.
pub const MOVE_DAYS: Handler = |app, job| work(app, job).boxed();

/// Documents of one transaction.
const BATCH: i64 = 1_000;
/// A part of the work that a job does before it gives way to others; well below what a job may take.
const PART: TimeDelta = TimeDelta::minutes(2);
/// When all are walked over again, for who was in the midst of filing one.
const AGAIN_AFTER: TimeDelta = TimeDelta::minutes(1);

/// How far a walk has come.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Walk {
    after: Uuid,
    moved: bool,
}

async fn work(app: &App, job: &Job) -> Result<()> {
    let mut walk: Walk = job.payload()?;
    // What a try before this one has moved is not known.
    walk.moved |= job.attempt > 1;
    let deadline = app.clock.now() + PART;
    loop {
        let mut tx = SystemTx::begin(&app.db, job.tenant).await?;
        let (last, moved) = store::move_days(&mut tx, walk.after, BATCH).await?;
        walk.moved |= moved > 0;
        let now = app.clock.now();
        match last {
            Some(last) => walk.after = last,
            None if walk.moved => {
                promise(&mut tx, Walk::default(), now + AGAIN_AFTER).await?;
                return tx.commit().await;
            }
            None => return tx.commit().await,
        }
        let over = now >= deadline;
        if over {
            promise(&mut tx, walk, now).await?;
        }
        tx.commit().await?;
        if over {
            return Ok(());
        }
    }
}

async fn promise(tx: &mut SystemTx, walk: Walk, at: Instant) -> Result<()> {
    // Another change of the zone may have promised a walk from the beginning by now: that one does.
    enqueue(tx, &NewJob::new(DAYS_JOB, json!(walk), at).once("days")).await
}
