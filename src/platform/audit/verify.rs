//! Finds what was done to the access log and to the change history behind the server's back, and names it.
//!
//! Records are compared with the manifests and roots of their seals; seals with their signatures, with each other, and
//! with those kept outside the database; access records not sealed yet with their authentication codes. One tenant after
//! the other, each log in one snapshot, so that sealing goes on meanwhile.
//!
//! What a restore or a clock has left is named all the same, and may be acknowledged ([`acknowledge`]): then it is told with who
//! answers for it, and is no fault.
//!
//! Traps: a record belongs to the seal whose range its transaction number lies in, so a record that was given another
//! number is missing here and strange there, and is put together again at the end; without a sink, nobody can tell
//! that the newest seals were removed together with their records. A change of a row that was made behind the server's back is
//! in the history like any other, with whatever name its author gave himself: the history tells that, this tells only that
//! the history is whole.

mod report;
mod tenant;

use std::collections::BTreeMap;
use std::path::Path;

use chrono::TimeDelta;
use kernel::clock::Instant;
use kernel::ids::TenantId;
use kernel::{Clock, Result};

pub use report::{Counts, Fault, Finding, Report};

use super::acknowledgement::{self, Acknowledged, Answer};
use super::log::Log;
use super::merkle::Hash;
use super::seal_records as records;
use super::seal_rows as rows;
use super::sink::{self, FileSink};
use crate::app::App;
use crate::crypto::SigningKeys;
use crate::db::{Db, SealerTx};

/// Records in a stretch, about.
const STRETCH: u32 = 200_000;

/// Within which a seal comes to the sink, where that can be written.
const HANDED_WITHIN: TimeDelta = TimeDelta::minutes(1);

/// What to look at. The default: everything.
#[derive(Clone, Copy, Debug, Default)]
pub struct Range {
    pub tenant: Option<TenantId>,
    /// Seals made from this instant on. Without it, from the first.
    pub from: Option<Instant>,
    /// Seals made before this instant. With it, records not sealed yet are left out.
    pub to: Option<Instant>,
}

/// Compares the logs with their seals, and these with the ones in the sink's file where there is one.
///
/// Holds in memory the seals of a stretch of about 200,000 records, not the records. Errors only when it can't look;
/// what it finds is in the report.
pub async fn verify(app: &App, range: &Range, sink: Option<&Path>) -> Result<Report> {
    verify_with(&app.db, &app.keys.current(), range, sink).await
}

/// As [`verify`], without a server.
pub async fn verify_with(
    db: &Db,
    keys: &SigningKeys,
    range: &Range,
    sink: Option<&Path>,
) -> Result<Report> {
    verify_in_stretches(db, keys, range, sink, STRETCH).await
}

/// As [`verify_with`], holding the seals of about so many records at once.
pub async fn verify_in_stretches(
    db: &Db,
    keys: &SigningKeys,
    range: &Range,
    sink: Option<&Path>,
    stretch: u32,
) -> Result<Report> {
    let acknowledged = Acknowledged::load(SealerTx::to_verify(db).await?.conn(), keys).await?;
    let mut report = Report {
        acknowledgements: acknowledged.all.clone(),
        forged: acknowledged.forged.clone(),
        disowned: acknowledged.unanswered(),
        answered: acknowledged.answered(),
        ..Report::default()
    };
    let mut kept = match sink {
        Some(path) => outside(path, keys, *range, &mut report).await?,
        None => Sink::default(),
    };
    // An empty one lacks every seal; that is said once.
    let settled = kept.any.then(|| Clock::system().now() - HANDED_WITHIN);
    let mut tenants: Vec<TenantId> = range.tenant.into_iter().collect();
    if range.tenant.is_none() {
        let mut tx = SealerTx::to_verify(db).await?;
        tenants = records::tenants(tx.conn()).await?;
        tenants.extend(kept.seals.keys().map(|(tenant, _)| tenant));
        tenants.sort_unstable();
        tenants.dedup();
    }
    for tenant in tenants {
        for chain in Log::ALL.map(|log| (tenant, log)) {
            let tx = SealerTx::to_verify(db).await?;
            let kept = (kept.seals.remove(&chain).unwrap_or_default(), settled);
            let with = (keys, &acknowledged);
            tenant::Check::new(tx, with, *range, chain, kept, &mut report)
                .run(stretch.into())
                .await?;
        }
        report.tenants += 1;
    }
    // A lost file must not read as one that agrees, nor one that was emptied.
    report.sink_is_empty = sink.is_some() && !kept.any && report.seals() > 0;
    Ok(report)
}

/// Acknowledges what a restore or a clock has left in the logs, everything of it that can be found now, that seals are ahead of
/// their time whose followers can't be, and that there are acknowledgements of a key that was in other hands. Returns what was found before, and whether there was anything to acknowledge.
pub async fn acknowledge(app: &App, sink: Option<&Path>, answer: Answer) -> Result<(Report, bool)> {
    acknowledge_with(&app.db, &app.keys.current(), sink, answer, app.clock.now()).await
}

/// As [`acknowledge`], without a server.
pub async fn acknowledge_with(
    db: &Db,
    keys: &SigningKeys,
    sink: Option<&Path>,
    answer: Answer,
    now: Instant,
) -> Result<(Report, bool)> {
    // In another cluster numbers begin anew with whoever writes first: then that is us.
    let mut tx = SealerTx::to_seal(db).await?;
    rows::transaction_number(tx.conn()).await?;
    tx.commit().await?;
    let report = verify_with(db, keys, &Range::default(), sink).await?;
    let mut tx = SealerTx::to_seal(db).await?;
    let known = Acknowledged::load(tx.conn(), keys).await?;
    let bases = rows::bases(tx.conn()).await?;
    let ahead = ahead(&mut tx, now).await?;
    let mut claims: Vec<String> = bases
        .into_iter()
        .map(acknowledgement::renumbered)
        .chain(ahead)
        .chain(known.claims_of_disowned())
        .chain(report.faults.iter().flat_map(|fault| fault.claims.clone()))
        .filter(|claim| known.of(claim).is_none())
        .collect();
    claims.sort_unstable();
    claims.dedup();
    let any = !claims.is_empty();
    if any {
        acknowledgement::insert(tx.conn(), keys, answer, claims, now).await?;
        tx.commit().await?;
    }
    Ok((report, any))
}

/// Whose last change was sealed ahead of time, by a clock that is right again: whatever he writes next bears an earlier time, also
/// if he writes it next year.
async fn ahead(tx: &mut SealerTx, now: Instant) -> Result<Vec<String>> {
    let mut claims = Vec::new();
    for tenant in records::tenants(tx.conn()).await? {
        // The time of an access record is vouched for by its code.
        let chain = (tenant, Log::History);
        let last = rows::last_seal(tx.conn(), chain).await?;
        if let Some(seal) = last.filter(|seal| seal.sealed_at > now + tenant::ALLOWED) {
            claims.push(acknowledgement::ahead(chain, seal.sequence, &seal.hash()));
        }
    }
    Ok(claims)
}

/// The hashes of the seals of a tenant's log as kept outside, by number: more than one where a number was given twice.
type Kept = BTreeMap<i64, Vec<Hash>>;

/// What the sink's file has.
#[derive(Default)]
struct Sink {
    seals: BTreeMap<(TenantId, Log), Kept>,
    /// Whether it has any seal at all, in the range or not.
    any: bool,
}

async fn outside(
    path: &Path,
    keys: &SigningKeys,
    range: Range,
    report: &mut Report,
) -> Result<Sink> {
    let path = path.to_owned();
    let (seals, any, unreadable) = sink::blocking(move || {
        let (mut seals, mut any) = (Vec::new(), false);
        let unreadable = FileSink::read(&path, |signed| {
            any = true;
            let seal = &signed.seal;
            if range.tenant.is_none_or(|tenant| tenant == seal.tenant)
                && range.from.is_none_or(|from| from <= seal.sealed_at)
                && range.to.is_none_or(|to| seal.sealed_at < to)
            {
                seals.push(signed);
            }
        })?;
        Ok((seals, any, unreadable))
    })
    .await?;
    if unreadable > 0 {
        tracing::warn!(
            lines = unreadable,
            "the file of seals has lines that can't be read; a crash may leave one"
        );
    }
    let mut kept: BTreeMap<(TenantId, Log), Kept> = BTreeMap::new();
    for signed in seals {
        let seal = &signed.seal;
        if signed.verifies(keys) {
            let hashes = kept
                .entry(seal.chain())
                .or_default()
                .entry(seal.sequence)
                .or_default();
            let hash = seal.hash();
            // The same seal twice is no harm: a crash may come between writing and knowing.
            if !hashes.contains(&hash) {
                hashes.push(hash);
            }
        } else {
            report.add(
                seal.chain(),
                Finding::SinkForged(seal.sequence),
                None,
                Vec::new(),
            );
        }
    }
    Ok(Sink { seals: kept, any })
}
