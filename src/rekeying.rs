//! What tenants' data keys seal, of all areas, and the job that brings it to a new key.

use chrono::TimeDelta;
use futures_util::FutureExt as _;
use kernel::Result;
use platform::App;
use platform::crypto::SEALED_SIGNING_KEYS;
use platform::crypto::reseal::{self, Places};
use platform::db::{SystemTx, TenantTx};
use platform::jobs::{Handler, Job, NewJob, enqueue};
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

async fn work(app: &App, job: &Job) -> Result<()> {
    let with = (&app.db, &app.tenant_keys, &app.clock);
    let deadline = app.clock.now() + PART;
    let done = reseal::run(with, job.tenant, &places(), Some(deadline), |_, _| {}).await?;
    let Some(again_at) = done.again_at else {
        return Ok(());
    };
    let mut tx = SystemTx::begin(&app.db, job.tenant).await?;
    promise(&mut tx, again_at).await?;
    tx.commit().await
}
