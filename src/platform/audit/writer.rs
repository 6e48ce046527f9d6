//! The group-commit writer of access records for reads.
//!
//! It takes whatever has queued up, inserts it in one statement, and releases the requests when that is durable. There
//! is no timer: while one batch commits, the next gathers, so a lone request waits for nothing and a crowd shares the cost.
//!
//! Traps: a batch is as good as its worst row, so a refused batch is tried again one request at a time; a request whose
//! record is not durable answers 503 and shows nothing.

use std::sync::Arc;
use std::time::Duration;

use kernel::{Code, Error, Result};
use sqlx::PgPool;
use tokio::sync::{Mutex, mpsc, oneshot};

use super::{AccessRecord, store};
use crate::db::{Db, partition};

/// Requests a batch takes at most.
const BATCH: usize = 512;
/// Requests that may wait; beyond it the server is drowning and says so.
const QUEUE: usize = 8192;
/// The longest a batch may take.
const DEADLINE: Duration = Duration::from_secs(5);

struct Waiting {
    records: Vec<AccessRecord>,
    done: oneshot::Sender<bool>,
}

/// Hands records to the writer and waits until they are durable. Cheap to clone.
#[derive(Clone)]
pub struct AccessWriter {
    /// `None`: the log is switched off, which only the bench does, to measure what it costs.
    queue: Option<mpsc::Sender<Waiting>>,
}

impl AccessWriter {
    /// Starts the writer's task on the current runtime. It ends when the last handle is dropped.
    pub fn start(db: Db) -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE);
        // One: two at once made smaller batches, and a sixth fewer reads.
        tokio::spawn(keep_writing(db, Arc::new(Mutex::new(waiting))));
        Self { queue: Some(queue) }
    }

    /// A writer that writes nothing. For the bench that measures the cost of the log; the server is built without it.
    #[cfg(feature = "bench")]
    pub fn switched_off_for_bench() -> Self {
        Self { queue: None }
    }

    /// Returns when the records are durable.
    ///
    /// # Errors
    /// `audit_unavailable` when they are not; then nothing may be disclosed.
    pub async fn write(&self, records: Vec<AccessRecord>) -> Result<()> {
        if records.is_empty() {
            return Ok(());
        }
        let Some(queue) = &self.queue else {
            return Ok(());
        };
        let (done, receipt) = oneshot::channel();
        let refused = || Error::new(Code::AuditUnavailable).retry_after(1);
        queue
            .try_send(Waiting { records, done })
            .map_err(|_| refused())?;
        match receipt.await {
            Ok(true) => Ok(()),
            _ => Err(refused()),
        }
    }

    /// Requests waiting at this moment.
    pub fn queued(&self) -> usize {
        self.queue
            .as_ref()
            .map_or(0, |queue| queue.max_capacity() - queue.capacity())
    }
}

/// Without it nothing is shown to anybody: should it ever panic, another goes on with the line.
async fn keep_writing(db: Db, line: Arc<Mutex<mpsc::Receiver<Waiting>>>) {
    while tokio::spawn(write_batches(db.clone(), line.clone()))
        .await
        .is_err()
    {
        tracing::error!("the writer of the access log panicked and is started again");
    }
}

async fn write_batches(db: Db, line: Arc<Mutex<mpsc::Receiver<Waiting>>>) {
    let mut batch = Vec::with_capacity(BATCH);
    while line.lock().await.recv_many(&mut batch, BATCH).await > 0 {
        let requests = std::mem::take(&mut batch);
        let (all, done): (Vec<_>, Vec<_>) =
            requests.into_iter().map(|w| (w.records, w.done)).unzip();
        let sizes: Vec<usize> = all.iter().map(Vec::len).collect();
        let records: Vec<AccessRecord> = all.into_iter().flatten().collect();
        metrics::histogram!("chartwell_access_log_batch_records")
            .record(f64::from(u32::try_from(records.len()).unwrap_or(u32::MAX)));
        match insert(&db, &records).await {
            Ok(()) => release(done, |_| true),
            Err(error) => {
                tracing::error!(
                    cause = error.cause_for_log(),
                    records = records.len(),
                    "access log batch refused"
                );
                let mut written = Vec::with_capacity(done.len());
                let mut rest = records.as_slice();
                let mut lost = error.code() == Code::Unavailable;
                for size in sizes {
                    let (own, others) = rest.split_at(size);
                    rest = others;
                    // A lost database refuses all of them alike: no use in asking once for each.
                    let alone = if lost {
                        Err(Code::Unavailable)
                    } else {
                        insert(&db, own).await.map_err(|e| e.code())
                    };
                    lost = alone == Err(Code::Unavailable);
                    written.push(alone.is_ok());
                }
                release(done, |request| written[request]);
            }
        }
    }
}

fn release(done: Vec<oneshot::Sender<bool>>, written: impl Fn(usize) -> bool) {
    for (request, receipt) in done.into_iter().enumerate() {
        // A client that went away leaves its record behind all the same.
        let _ = receipt.send(written(request));
    }
}

async fn insert(db: &Db, records: &[AccessRecord]) -> Result<()> {
    let written = async {
        match insert_once(db.access_writer(), records).await {
            Err(error) if is_missing_month(&error) => {
                partition::ensure_ahead(db, 1).await?;
                insert_once(db.access_writer(), records).await
            }
            done => done,
        }
    };
    match tokio::time::timeout(DEADLINE, written).await {
        Ok(done) => done,
        Err(_) => Err(Error::new(Code::Unavailable)),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the writer works across tenants, outside a tenant's transaction"
)]
async fn insert_once(pool: &PgPool, records: &[AccessRecord]) -> Result<()> {
    let mut connection = pool.acquire().await?;
    store::insert(&mut connection, records).await
}

/// A row that fits no partition is a broken check without a constraint.
fn is_missing_month(error: &Error) -> bool {
    error
        .cause()
        .and_then(|cause| cause.downcast_ref::<sqlx::Error>())
        .and_then(sqlx::Error::as_database_error)
        .is_some_and(|error| {
            error.code().as_deref() == Some("23514") && error.constraint().is_none()
        })
}
