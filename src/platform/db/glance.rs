//! Glances: rows by id, many readers' in one question.
//!
//! A chart is opened by a primary key thousands of times a second, and then the row is the least of it: messages to the
//! database and back, and processes woken for them, cost three times as much. So a read that needs one row asks here. What
//! has queued up is asked in one statement, each row under the context of who asked for it, and while it is asked the next
//! gathers; no timer, as with the access log's writer.
//!
//! What a kind of glance needs is a function in the database that takes the contexts, tenants and ids and returns rows with
//! their place among the questions; it sets the context before each row it looks for, and row-level security decides as
//! for any other read (see `app.patients_at_a_glance`). Only `chartwell_glance` may run it and set a context so: that role
//! reads what is glanced at and nothing else, and never runs a statement but these.
//!
//! Traps: a refused question refuses the batch, so each is asked again alone; a connection on which anything failed is
//! closed; a request that goes away takes nothing with it, because the tasks here ask, not the requests.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex as Lock, PoisonError};
use std::time::Duration;

use kernel::{Code, Error, Result};
use sqlx::{PgConnection, PgPool};
use tokio::sync::{Mutex, mpsc, oneshot};
use uuid::Uuid;

use super::tx::Context;

/// Questions a batch takes at most.
const BATCH: usize = 32;
/// Batches of a kind that are asked at once.
pub(super) const AT_ONCE: u32 = 2;
/// Requests that may wait; beyond it the server is drowning and says so.
const QUEUE: usize = 4096;
/// The longest a batch may take.
const DEADLINE: Duration = Duration::from_secs(5);

/// A row that can be glanced at.
pub trait Glance: Sized + Send + 'static {
    /// Asks all the questions in one statement. Returns the rows that were found, each with the place of its question,
    /// from 1.
    fn look(
        connection: &mut PgConnection,
        questions: &Questions,
    ) -> impl Future<Output = Result<Vec<(i32, Self)>, sqlx::Error>> + Send;
}

/// What is asked, as columns.
#[derive(Debug, Default)]
pub struct Questions {
    /// Who asks: what `app.context` says while his row is looked for.
    pub contexts: Vec<String>,
    /// The tenant of who asks, to be bound.
    pub tenants: Vec<Uuid>,
    pub ids: Vec<Uuid>,
}

struct Waiting<G> {
    context: String,
    tenant: Uuid,
    id: Uuid,
    answer: oneshot::Sender<Result<Option<G>>>,
}

type Line<G> = Arc<Mutex<mpsc::Receiver<Waiting<G>>>>;

/// The lines of waiting questions, one for each kind. Cheap to clone.
#[derive(Clone)]
pub(super) struct Glances {
    pool: PgPool,
    lines: Arc<Lock<HashMap<TypeId, Box<dyn Any + Send + Sync>>>>,
}

impl fmt::Debug for Glances {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Glances").finish_non_exhaustive()
    }
}

impl Glances {
    /// The pool's connections are of the role `chartwell_glance` and read-only.
    pub fn new(pool: PgPool) -> Self {
        Self {
            pool,
            lines: Arc::default(),
        }
    }

    /// The row with this id, if who asks may see it.
    ///
    /// # Errors
    /// `unavailable` when the database is.
    pub async fn ask<G: Glance>(&self, context: &Context, id: Uuid) -> Result<Option<G>> {
        let (answer, asked) = oneshot::channel();
        let waiting = Waiting {
            context: context.words(),
            tenant: context.tenant.0,
            id,
            answer,
        };
        self.line::<G>()
            .try_send(waiting)
            .map_err(|_| unavailable())?;
        asked.await.map_err(|_| unavailable())?
    }

    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// Where questions of a kind are queued. Whoever comes first starts the tasks that ask them; they end with this.
    fn line<G: Glance>(&self) -> mpsc::Sender<Waiting<G>> {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let open = lines
            .get(&TypeId::of::<G>())
            .and_then(|line| line.downcast_ref::<mpsc::Sender<Waiting<G>>>())
            .filter(|line| !line.is_closed());
        if let Some(line) = open {
            return line.clone();
        }
        let (sender, receiver) = mpsc::channel(QUEUE);
        let line = Arc::new(Mutex::new(receiver));
        for _ in 0..AT_ONCE {
            tokio::spawn(ask_in_batches(self.pool.clone(), line.clone()));
        }
        lines.insert(TypeId::of::<G>(), Box::new(sender.clone()));
        sender
    }
}

fn unavailable() -> Error {
    Error::new(Code::Unavailable).retry_after(1)
}

async fn ask_in_batches<G: Glance>(pool: PgPool, line: Line<G>) {
    let mut batch = Vec::with_capacity(BATCH);
    while line.lock().await.recv_many(&mut batch, BATCH).await > 0 {
        // Who went away while he waited is not asked for.
        batch.retain(|waiting| !waiting.answer.is_closed());
        match look(&pool, &batch).await {
            Ok(rows) => hand_out(&mut batch, rows),
            Err(error) if error.code() == Code::Unavailable => {
                tracing::error!(
                    cause = error.cause_for_log(),
                    questions = batch.len(),
                    "glance refused"
                );
                // Nor would those behind be answered.
                if let Ok(mut line) = line.try_lock() {
                    while let Ok(waiting) = line.try_recv() {
                        batch.push(waiting);
                    }
                }
                for waiting in batch.drain(..) {
                    let _ = waiting.answer.send(Err(unavailable()));
                }
            }
            Err(_) => ask_each_alone(&pool, &mut batch).await,
        }
    }
}

async fn ask_each_alone<G: Glance>(pool: &PgPool, batch: &mut Vec<Waiting<G>>) {
    for waiting in batch.drain(..) {
        let row = look(pool, std::slice::from_ref(&waiting)).await;
        let row = row.map(|rows| rows.into_iter().next().map(|(_, row)| row));
        let _ = waiting.answer.send(row);
    }
}

/// Gives each row to who asked for it, and the news that there is none to the others.
fn hand_out<G>(batch: &mut Vec<Waiting<G>>, rows: Vec<(i32, G)>) {
    let mut found: Vec<Option<G>> = batch.iter().map(|_| None).collect();
    for (place, row) in rows {
        let place = usize::try_from(place).ok().and_then(|p| p.checked_sub(1));
        if let Some(found) = place.and_then(|place| found.get_mut(place)) {
            *found = Some(row);
        }
    }
    for (waiting, row) in batch.drain(..).zip(found) {
        let _ = waiting.answer.send(Ok(row));
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "one statement for several tenants, each row under its own context"
)]
async fn look<G: Glance>(pool: &PgPool, batch: &[Waiting<G>]) -> Result<Vec<(i32, G)>> {
    let mut questions = Questions::default();
    for waiting in batch {
        questions.contexts.push(waiting.context.clone());
        questions.tenants.push(waiting.tenant);
        questions.ids.push(waiting.id);
    }
    let mut connection = pool.acquire().await?;
    match tokio::time::timeout(DEADLINE, G::look(&mut connection, &questions)).await {
        Ok(Ok(rows)) => Ok(rows),
        Ok(Err(error)) => {
            connection.close_on_drop();
            Err(error.into())
        }
        Err(_) => {
            connection.close_on_drop();
            Err(unavailable())
        }
    }
}
