//! The sealer: closes what transactions have left in the access log and in the change history since it last came by.
//!
//! The two are sealed one after the other, each with a mark of its own, and one that can't be sealed does not keep the other
//! waiting. A round takes a bound below which no transaction is open any more, then reads what lies between the mark and the
//! bound. The bound comes from a statement of its own before the reading: what is read afterwards sees everything below
//! it, so a late commit can never fall between two seals. A transaction that writes records is ended by the database's
//! time limits, so sealing is late by no more than those. A round holds no more records than its bound: where a single
//! transaction left more (an import, or the history there was before history was sealed), they go into several seals of that
//! one transaction, in the order of their ids, all in one round.
//!
//! Traps: one sealer at a time, kept apart by the row lock on the mark; a seal is handed to the sink after its commit,
//! and again at the next start if a crash came between, so the sink never knows a seal that the database does not.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use futures_util::TryStreamExt;
use kernel::clock::Instant;
use kernel::ids::TenantId;
use kernel::{Clock, Error, Result};
use uuid::Uuid;

use super::log::{Log, Place, Row, Span};
use super::seal::{Batch, Seal, SignedSeal};
use super::seal_records as records;
use super::seal_rows as rows;
use super::sink::SealSink;
use crate::crypto::{Keyring, SigningKeys};
use crate::db::{Db, SealerTx};

/// Records a round holds at most.
const ROUND: i64 = 200_000;
/// Seals handed to a sink in one go.
const HANDFUL: i64 = 5_000;

/// Seals the logs of all tenants.
pub struct Sealer {
    db: Db,
    keys: Keyring,
    clock: Clock,
    sink: Option<Arc<dyn SealSink>>,
    most: i64,
    /// The last seal of each tenant's logs that the sink has. `None`: to be asked.
    handed: Option<HashMap<(TenantId, Log), i64>>,
}

/// What a round did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Round {
    pub records: usize,
    pub seals: usize,
    /// Whether more is ready to be sealed.
    pub more: bool,
}

impl Sealer {
    pub fn new(db: Db, keys: Keyring, clock: Clock, sink: Option<Arc<dyn SealSink>>) -> Self {
        Self {
            db,
            keys,
            clock,
            sink,
            most: ROUND,
            handed: None,
        }
    }

    /// Holds no more than so many records at once.
    #[must_use]
    pub fn holding(mut self, most: u32) -> Self {
        self.most = most.max(1).into();
        self
    }

    /// Seals each log once. Does nothing where another sealer is at it.
    ///
    /// Fails if a mark stands behind a seal: somebody moved it. In a database that was loaded into another cluster the first
    /// round only sees to it that numbers go on. A sink out of reach is no failure: it gets its seals when it is back.
    pub async fn round(&mut self) -> Result<Round> {
        let mut whole = Round::default();
        let mut fresh = Vec::new();
        let mut failure = None;
        for log in Log::ALL {
            match self.seal(log).await {
                Ok((round, seals)) => {
                    note_round(log, round, self.clock.now());
                    whole.records += round.records;
                    whole.seals += round.seals;
                    whole.more |= round.more;
                    fresh.extend(seals);
                }
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        if let Some(sink) = self.sink.clone()
            && let Err(error) = self.hand_over(&*sink, fresh).await
        {
            tracing::error!(
                cause = error.cause_for_log(),
                "seals could not be handed to their sink; to be tried again"
            );
        }
        failure.map_or(Ok(whole), Err)
    }

    async fn seal(&self, log: Log) -> Result<(Round, Vec<SignedSeal>)> {
        let mut tx = SealerTx::to_seal(&self.db).await?;
        let Some(from) = rows::take_progress(tx.conn(), log).await? else {
            return Ok(Default::default());
        };
        let (bound, _) = rows::open_transactions(tx.conn()).await?;
        if bound < from {
            // Another cluster, or a mark that somebody moved: the numbers leap, which every verification tells.
            rows::transaction_number(tx.conn()).await?;
            tx.commit().await?;
            tracing::warn!("transactions are counted anew; see chartwell audit verify");
            return Ok((
                Round {
                    more: true,
                    ..Round::default()
                },
                Vec::new(),
            ));
        }
        let (until, fits) = narrow(&mut tx, log, (from, bound), self.most).await?;
        if until == from {
            return Ok(Default::default());
        }
        let mut sealing = Sealing {
            tx,
            log,
            range: (from, until),
            keys: self.keys.current(),
            now: self.clock.now(),
            records: 0,
            seals: Vec::new(),
        };
        if fits {
            sealing.all().await?;
        } else {
            sealing.in_pieces(self.most).await?;
        }
        let Sealing {
            mut tx,
            now,
            records,
            seals,
            ..
        } = sealing;
        rows::move_progress(tx.conn(), log, until, now).await?;
        tx.commit().await?;
        let round = Round {
            records,
            seals: seals.len(),
            more: until < bound,
        };
        Ok((round, seals))
    }

    async fn hand_over(&mut self, sink: &dyn SealSink, fresh: Vec<SignedSeal>) -> Result<()> {
        let known = self.handed.take();
        let is_known = known.is_some();
        let mut handed = match known {
            Some(handed) => handed,
            None => sink.latest().await?,
        };
        let last = |seal: &SignedSeal| handed.get(&seal.seal.chain()).copied().unwrap_or(0);
        let (again, fresh): (Vec<_>, Vec<_>) = fresh
            .into_iter()
            .partition(|seal| seal.seal.sequence <= last(seal));
        let follows = fresh
            .iter()
            .all(|seal| seal.seal.sequence == last(seal) + 1);
        if !again.is_empty() {
            tracing::error!(
                seals = again.len(),
                "seals with the numbers of earlier ones: seals were removed from the database"
            );
            sink.keep(again).await?;
        }
        if !(is_known && follows) {
            self.catch_up(sink, &mut handed).await?;
        } else if !fresh.is_empty() {
            note(&mut handed, &fresh);
            sink.keep(fresh).await?;
        }
        self.handed = Some(handed);
        Ok(())
    }

    /// Hands over what the sink does not have: after a crash, after its own failure, after another server sealed.
    async fn catch_up(
        &self,
        sink: &dyn SealSink,
        handed: &mut HashMap<(TenantId, Log), i64>,
    ) -> Result<()> {
        let mut tx = SealerTx::to_verify(&self.db).await?;
        for tenant in records::tenants(tx.conn()).await? {
            for chain in Log::ALL.map(|log| (tenant, log)) {
                loop {
                    let after = handed.get(&chain).copied().unwrap_or(0);
                    let until = after.saturating_add(HANDFUL);
                    let seals = rows::seals(tx.conn(), chain, after, until).await?;
                    if seals.is_empty() {
                        break;
                    }
                    note(handed, &seals);
                    sink.keep(seals).await?;
                }
            }
        }
        Ok(())
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "seconds since 1970 fit a double"
)]
fn note_round(log: Log, round: Round, now: Instant) {
    let (sealed, at) = match log {
        Log::Access => (
            "chartwell_access_log_sealed_records_total",
            "chartwell_access_log_last_sealing_timestamp_seconds",
        ),
        Log::History => (
            "chartwell_history_sealed_records_total",
            "chartwell_history_last_sealing_timestamp_seconds",
        ),
    };
    metrics::counter!(sealed).increment(round.records as u64);
    metrics::gauge!(at).set(now.timestamp() as f64);
}

fn note(handed: &mut HashMap<(TenantId, Log), i64>, seals: &[SignedSeal]) {
    for SignedSeal { seal, .. } in seals {
        let last = handed.entry(seal.chain()).or_default();
        *last = seal.sequence.max(*last);
    }
}

/// Cuts the range until a round can hold it, or it is a single transaction; says whether a round can hold it. To a quarter: so
/// what lay unsealed where numbers leap is cut off before the leap, and a single seal shows it.
async fn narrow(
    tx: &mut SealerTx,
    log: Log,
    (from, bound): (i64, i64),
    most: i64,
) -> Result<(i64, bool)> {
    let mut until = bound;
    while until > from && records::count(tx.conn(), log, (from, until), most + 1).await? > most {
        if until - from == 1 {
            return Ok((until, false));
        }
        until = from + ((until - from) / 4).max(1);
    }
    Ok((until, true))
}

/// A round of one log under way.
struct Sealing {
    tx: SealerTx,
    log: Log,
    range: (i64, i64),
    keys: Arc<SigningKeys>,
    now: Instant,
    records: usize,
    seals: Vec<SignedSeal>,
}

impl Sealing {
    /// Seals what lies in the range: one seal for each tenant.
    async fn all(&mut self) -> Result<()> {
        let mut batches: BTreeMap<TenantId, Batch> = BTreeMap::new();
        let span = Span::of(self.range);
        let mut records = records::records(self.tx.conn(), self.log, None, span, None);
        while let Some(row) = records.try_next().await? {
            batches.entry(row.tenant).or_default().add(&row, &self.keys);
        }
        drop(records);
        for (tenant, batch) in batches {
            let last = self.last_seal(tenant).await?;
            self.close(tenant, batch, last.as_ref()).await?;
        }
        Ok(())
    }

    /// Seals what one transaction left, so many records a seal.
    async fn in_pieces(&mut self, most: i64) -> Result<()> {
        for tenant in records::tenants_of(self.tx.conn(), self.log, self.range).await? {
            let mut span = Span::of(self.range);
            let mut last = self.last_seal(tenant).await?;
            loop {
                let mut batch = Batch::default();
                let conn = self.tx.conn();
                let mut records = records::records(conn, self.log, Some(tenant), span, Some(most));
                while let Some(row) = records.try_next().await? {
                    span.from = behind(&row);
                    batch.add(&row, &self.keys);
                }
                drop(records);
                if batch.len() == 0 {
                    break;
                }
                last = Some(self.close(tenant, batch, last.as_ref()).await?);
            }
        }
        Ok(())
    }

    async fn last_seal(&mut self, tenant: TenantId) -> Result<Option<Seal>> {
        let last = rows::last_seal(self.tx.conn(), (tenant, self.log)).await?;
        if last
            .as_ref()
            .is_some_and(|last| last.until_xid > self.range.0)
        {
            return Err(Error::internal("the mark of sealing stands behind a seal"));
        }
        Ok(last)
    }

    async fn close(&mut self, tenant: TenantId, batch: Batch, last: Option<&Seal>) -> Result<Seal> {
        self.records += batch.len();
        let (seal, manifest) = batch.close((tenant, self.log), self.range, last, self.now);
        let signed = seal.sign(&self.keys);
        rows::insert_seal(self.tx.conn(), &signed, &manifest).await?;
        let seal = signed.seal.clone();
        self.seals.push(signed);
        Ok(seal)
    }
}

/// The place behind a record.
fn behind(row: &Row) -> Place {
    (row.xid, Uuid::from_u128(row.id.as_u128().saturating_add(1)))
}

/// What waits to be sealed in a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backlog {
    pub log: Log,
    pub records: i64,
    pub oldest: Option<Instant>,
}

/// What waits to be sealed, of each log.
pub async fn backlog(db: &Db) -> Result<[Backlog; 2]> {
    let mut tx = SealerTx::to_verify(db).await?;
    let mut found = Log::ALL.map(|log| Backlog {
        log,
        records: 0,
        oldest: None,
    });
    for waiting in &mut found {
        let mark = rows::progress(tx.conn(), waiting.log).await?;
        (waiting.records, waiting.oldest) = records::unsealed(tx.conn(), waiting.log, mark).await?;
    }
    Ok(found)
}
