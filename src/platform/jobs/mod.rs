//! Work promised by a transaction and done after it.
//!
//! [`enqueue`] writes the job with what it follows from: both are durable, or neither. A worker takes it with `for update skip
//! locked` and a lease, in a transaction that ends before the work begins, so that no transaction waits for a mail server and
//! who dies with a job in hand loses it. A job done is deleted; one that failed is tried again, later and later; one that
//! failed too often stays as `dead`, for `doctor`, the metrics and a person.
//!
//! Rows of our own and not a library's: a job belongs to its tenant like every other row, under the same policies, in a
//! transaction of the tenant's; a library's tables are one queue for all, which those policies can't bind and a tenant's move
//! to another cluster would leave behind.
//!
//! Invariants: at least once, never "exactly once": a handler must bear being run twice. A payload holds ids only.
//!
//! Traps: NOTIFY is a hint, the worker looks every second anyway; a unique key binds only jobs that wait, so that what
//! happens while one runs is not lost in it.

mod store;
mod worker;

use std::collections::HashMap;

use futures_util::future::BoxFuture;
use kernel::clock::Instant;
use kernel::ids::TenantId;
use kernel::{Error, Result};
use serde::de::DeserializeOwned;
use serde_json::Value;
use uuid::Uuid;

use crate::app::App;
use crate::db::TenantTx;

pub use store::{Count, counts, retry_dead};
pub use worker::{run_due, spawn};

/// A job in a worker's hand.
#[derive(Clone, Debug)]
pub struct Job {
    pub tenant: TenantId,
    pub id: Uuid,
    pub kind: String,
    /// Which try this is, from 1.
    pub attempt: i32,
    payload: Value,
}

impl Job {
    /// The payload as its kind writes it.
    pub fn payload<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_value(self.payload.clone()).map_err(Error::internal)
    }

    /// Whether it is given up if it fails now.
    pub fn is_last_try(&self) -> bool {
        self.attempt >= worker::TRIES
    }
}

/// Work of one kind. An error is tried again.
pub type Handler = for<'a> fn(&'a App, &'a Job) -> BoxFuture<'a, Result<()>>;

/// Who does which kind. The areas register theirs; this module knows none of them.
#[derive(Clone, Default)]
pub struct Handlers(HashMap<&'static str, Handler>);

impl Handlers {
    /// Adds the one who does this kind of work: an area and a word, `reminders.send`.
    #[must_use]
    pub fn with(mut self, kind: &'static str, handler: Handler) -> Self {
        self.0.insert(kind, handler);
        self
    }
}

/// A job to be done.
#[derive(Clone, Debug)]
pub struct NewJob {
    kind: &'static str,
    payload: Value,
    unique_key: Option<String>,
    run_at: Instant,
}

impl NewJob {
    /// `payload` holds ids only: the queue is read by operators.
    pub fn new(kind: &'static str, payload: Value, run_at: Instant) -> Self {
        Self {
            kind,
            payload,
            unique_key: None,
            run_at,
        }
    }

    /// While a job of the kind waits with this key, another is not added.
    #[must_use]
    pub fn once(mut self, key: impl Into<String>) -> Self {
        self.unique_key = Some(key.into());
        self
    }
}

/// Promises the work, in the transaction it follows from.
pub async fn enqueue(tx: &mut TenantTx, job: &NewJob) -> Result<()> {
    store::insert(tx, job).await
}
