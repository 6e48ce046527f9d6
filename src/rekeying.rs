//! What tenants' data keys seal, of all areas, and the job that brings it to a new key.

use chrono::TimeDelta;
use futures_util::FutureExt as _;
use kernel::Result;
use platform::App;
use platform::crypto::SEALED_SIGNING_KEYS;
use platform::crypto::reseal::{self, Places, Reached};
use platform::db::{SystemTx, TenantTx};
use platform::jobs::{Handler, Job, NewJob, enqueue};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// The kind of the job.
pub const JOB: &str = "keys.reseal";

/// A part of the work that a job does before it gives way to others; well below what a job may take.
const PART: TimeDelta = TimeDelta::minutes(2);

/// Every column and index there is.
pub fn places() -> Places {
    let mut places = clinical::sealed();
    places.columns.push(SEALED_SIGNING_KEYS);
    places.names.extend(interop::import::NAMES);
    places
}

/// Promises the work, in the transaction that made the key.
pub async fn promise(tx: &mut TenantTx, at: kernel::clock::Instant) -> Result<()> {
    enqueue(tx, &NewJob::new(JOB, json!({}), at).once(JOB)).await
}

/// Does a part of the work, and promises the rest.
pub const HANDLER: Handler = |app, job| work(app, job).boxed();

/// What a part leaves to the next.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Rest {
    reached: Option<Reached>,
}

async fn work(app: &App, job: &Job) -> Result<()> {
    let with = (&app.db, &app.tenant_keys, &app.clock);
    let Rest { reached } = job.payload()?;
    let part = (Some(app.clock.now() + PART), reached);
    let done = reseal::run_part(with, job.tenant, &places(), part, |_, _| {}).await?;
    let Some(again_at) = done.again_at else {
        return Ok(());
    };
    let rest = Rest {
        reached: done.reached,
    };
    let mut tx = SystemTx::begin(&app.db, job.tenant).await?;
    enqueue(&mut tx, &NewJob::new(JOB, json!(rest), again_at).once(JOB)).await?;
    tx.commit().await
}
