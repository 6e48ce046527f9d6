//! One log of one tenant, a stretch of seals at a time.
//!
//! A record belongs to the seal whose range its transaction lies in. Where several seals share the range of a single transaction,
//! each holds the records from the first id its manifest lists to the first of the next.

use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::TimeDelta;
use futures_util::TryStreamExt;
use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::TenantId;
use uuid::Uuid;

use super::{Finding, Kept, Range, Report};
use crate::audit::acknowledgement::{Acknowledged, mistimed, outside};
use crate::audit::log::{Log, Place, Row, Span, before};
use crate::audit::manifest::{self, Difference};
use crate::audit::merkle::Hash;
use crate::audit::seal::{FIRST, Seal, SignedSeal, root_of};
use crate::audit::{seal_records as records, seal_rows as rows};
use crate::crypto::SigningKeys;
use crate::db::SealerTx;

/// Seals of one gap that are named.
const MISSING: usize = 1_000;

/// How far the time of a record may lie from that of the seals around it: a transaction takes time, and clocks differ.
pub(super) const ALLOWED: TimeDelta = TimeDelta::days(1);

/// Numbers that no cluster uses up between two seals: beyond it they began anew (migration 0021 leaps twice as far).
const LEAP: i64 = 1 << 43;

/// Where the last seal looked at ends.
struct Position {
    sequence: i64,
    hash: Hash,
    range: (i64, i64),
    /// The last record it holds.
    last: Option<Uuid>,
    /// Where the records begin that it says nothing of.
    until: Place,
    time: Sealed,
}

/// When a seal was made.
#[derive(Clone, Copy, Default)]
struct Sealed {
    at: Option<Instant>,
    /// By which acknowledgement that is known to have been ahead of its time, and when: since then records bear the right one.
    ahead: Option<(i64, Instant)>,
}

pub(super) struct Check<'a> {
    tx: SealerTx,
    keys: &'a SigningKeys,
    acknowledged: &'a Acknowledged,
    range: Range,
    chain: (TenantId, Log),
    kept: Kept,
    /// Of a sink that has seals: its last seal of this log, and until when one has been made that must be there.
    kept_until: Option<(i64, Instant)>,
    /// Seals that the sink lacks, as stretches: the first and the last.
    not_kept: Vec<(i64, i64)>,
    report: &'a mut Report,
    findings: BTreeSet<Finding>,
    /// What of findings about seals kept outside can be acknowledged.
    claims: HashMap<Finding, Vec<String>>,
}

/// The records found in the range of one seal.
#[derive(Default)]
struct Found {
    leaves: Vec<(Uuid, Hash)>,
    forged: HashSet<Uuid>,
    /// The first and the last by the times they bear, where no code vouches for these.
    period: Option<[(Instant, Uuid); 2]>,
    /// The latest time any of them bears.
    latest: Option<Instant>,
}

impl Found {
    fn add(&mut self, record: &Row, keys: &SigningKeys) {
        self.leaves.push((record.id, record.leaf(keys)));
        if !record.is_authentic(keys) {
            self.forged.insert(record.id);
        }
        self.latest = self.latest.max(Some(record.at));
        // The time of an access record is vouched for by its code.
        if record.mac.is_some() {
            return;
        }
        let this = (record.at, record.id);
        let [first, last] = self.period.unwrap_or([this, this]);
        self.period = Some([first.min(this), last.max(this)]);
    }

    /// The first and the last of them, where they claim a time far outside that of their seal. Who alters the time of one
    /// that was sealed is found by its leaf; this finds who wrote one anew and dated it back before it was sealed.
    fn mistimed(&self, times: (Option<Instant>, Option<Instant>)) -> Vec<(Instant, Uuid)> {
        let outside = |(at, _): &(Instant, Uuid)| is_outside(*at, times);
        let mut found: Vec<_> = self.period.into_iter().flatten().filter(outside).collect();
        found.dedup();
        found
    }
}

impl<'a> Check<'a> {
    pub fn new(
        tx: SealerTx,
        (keys, acknowledged): (&'a SigningKeys, &'a Acknowledged),
        range: Range,
        chain: (TenantId, Log),
        (mut kept, settled): (Kept, Option<Instant>),
        report: &'a mut Report,
    ) -> Self {
        let newest = kept.keys().next_back().copied().unwrap_or(0);
        kept.retain(|number, hashes| {
            hashes.retain(|hash| {
                let by = acknowledged.of(&outside(chain, *number, hash));
                if let Some(by) = by {
                    report.excuse(chain, Finding::SealGivenUp(*number), by);
                }
                by.is_none()
            });
            !hashes.is_empty()
        });
        Self {
            tx,
            keys,
            acknowledged,
            range,
            chain,
            kept,
            kept_until: settled.map(|settled| (newest, settled)),
            not_kept: Vec::new(),
            report,
            findings: BTreeSet::new(),
            claims: HashMap::new(),
        }
    }

    pub async fn run(mut self, stretch: i64) -> Result<()> {
        let mut at = self.start().await?;
        let end = match self.range.to {
            Some(to) => rows::last_before(self.tx.conn(), self.chain, to).await?,
            None => i64::MAX,
        };
        while let Some(last) =
            rows::stretch(self.tx.conn(), self.chain, at.sequence, end, stretch).await?
        {
            at = self.stretch(at, last).await?;
        }
        if self.range.to.is_none() {
            self.beyond(&at).await?;
        }
        // What the sink has and nobody has shown us.
        for (number, hashes) in std::mem::take(&mut self.kept) {
            self.differs_outside(Finding::SealMissing(number), number, &hashes);
        }
        let not_kept = std::mem::take(&mut self.not_kept);
        self.findings
            .extend(not_kept.into_iter().map(|(first, last)| {
                let count = last - first + 1;
                Finding::SealsNotKept { first, count }
            }));
        self.join_moved().await?;
        let found: Vec<Uuid> = self.findings.iter().filter_map(Finding::record).collect();
        let mut rows = match self.chain {
            (tenant, Log::History) if !found.is_empty() => {
                records::rows_changed(self.tx.conn(), tenant, &found).await?
            }
            _ => HashMap::new(),
        };
        for finding in self.findings {
            let mut claims = self.claims.remove(&finding).unwrap_or_default();
            if let Finding::RecordMistimed(id) = finding {
                let claim = mistimed(self.chain, id);
                if let Some(by) = self.acknowledged.of(&claim) {
                    self.report.excuse(self.chain, finding, by);
                    continue;
                }
                claims.push(claim);
            }
            let row = finding.record().and_then(|id| rows.remove(&id));
            self.report.add(self.chain, finding, row, claims);
        }
        Ok(())
    }

    /// The sink has other seals under this number, or some where the database has none.
    fn differs_outside(&mut self, finding: Finding, number: i64, hashes: &[Hash]) {
        let claims = hashes.iter().map(|hash| outside(self.chain, number, hash));
        self.claims.insert(finding, claims.collect());
        self.findings.insert(finding);
    }

    /// The place behind the last seal that is out of scope.
    async fn start(&mut self) -> Result<Position> {
        let nothing = Position {
            sequence: 0,
            hash: FIRST,
            range: (0, 0),
            last: None,
            until: before(0),
            time: Sealed::default(),
        };
        let Some(from) = self.range.from else {
            return Ok(nothing);
        };
        let last = rows::last_before(self.tx.conn(), self.chain, from).await?;
        if last <= 0 {
            return Ok(nothing);
        }
        let seals = rows::seals(self.tx.conn(), self.chain, last - 1, last).await?;
        let Some(signed) = seals.first() else {
            return Ok(nothing);
        };
        if !signed.verifies(self.keys) {
            self.findings.insert(Finding::SealForged(last));
        }
        let manifests = rows::manifests(self.tx.conn(), self.chain, last - 1, last).await?;
        let manifest = manifests.first().map(Vec::as_slice).unwrap_or_default();
        let until = self.end_of(&seals, &manifests).await?.pop();
        let until = until.unwrap_or(before(signed.seal.until_xid));
        Ok(self.position(&signed.seal, manifest, until))
    }

    /// Where the records of each seal end: with its range, or where another piece of the same transaction begins.
    async fn end_of(&mut self, seals: &[SignedSeal], manifests: &[Vec<u8>]) -> Result<Vec<Place>> {
        let mut next: Option<(Seal, Option<Uuid>)> = None;
        if let Some(SignedSeal { seal, .. }) = seals.last() {
            let number = seal.sequence;
            next = rows::next_piece(self.tx.conn(), self.chain, number).await?;
        }
        let mut ends = Vec::with_capacity(seals.len());
        for (signed, manifest) in seals.iter().zip(manifests).rev() {
            let seal = &signed.seal;
            ends.push(match next {
                Some((next, Some(first))) if next.continues(seal) => (seal.from_xid, first),
                _ => before(seal.until_xid),
            });
            next = Some((seal.clone(), manifest::first(manifest)));
        }
        ends.reverse();
        Ok(ends)
    }

    /// Looks at the seals up to `last` and at all records from the position to the last seal's end.
    async fn stretch(&mut self, at: Position, last: i64) -> Result<Position> {
        let seals = rows::seals(self.tx.conn(), self.chain, at.sequence, last).await?;
        let manifests = rows::manifests(self.tx.conn(), self.chain, at.sequence, last).await?;
        let ends = self.end_of(&seals, &manifests).await?;
        let (from, mut before) = (at.until, at.time);
        let mut at = at;
        for ((signed, manifest), end) in seals.iter().zip(&manifests).zip(&ends) {
            self.check_seal(&at, signed, manifest::first(manifest));
            at = self.position(&signed.seal, manifest, *end);
        }
        let until = at.until;
        let found = self.records_of(&seals, &ends, Span { from, until }).await?;
        for ((signed, manifest), found) in seals.iter().zip(&manifests).zip(found) {
            let seal = &signed.seal;
            for record in found.mistimed((before.at, Some(seal.sealed_at))) {
                self.is_mistimed(record, (before, Some(seal.sealed_at)));
            }
            let made_at = self.is_disowned(signed, before, found.latest);
            before = self.sealed(seal);
            before.at = made_at.or(before.at);
            self.compare(seal, manifest, found);
        }
        at.time = before;
        self.report.of(self.chain.1).seals += seals.len() as u64;
        Ok(at)
    }

    fn check_seal(&mut self, before: &Position, signed: &SignedSeal, first: Option<Uuid>) {
        let seal = &signed.seal;
        let number = seal.sequence;
        if !signed.verifies(self.keys) {
            self.findings.insert(Finding::SealForged(number));
        }
        if number == before.sequence + 1 {
            if seal.previous != before.hash {
                self.findings.insert(Finding::SealUnlinked(number));
            }
        } else {
            // Not each of them, if somebody gave a seal the highest of all numbers.
            let missing = (before.sequence + 1..number).take(MISSING);
            self.findings.extend(missing.map(Finding::SealMissing));
        }
        let is_piece = seal.is_of_one_transaction()
            && (seal.from_xid, seal.until_xid) == before.range
            && first > before.last;
        if seal.from_xid < before.range.1 && !is_piece {
            self.findings.insert(Finding::SealOverlaps(number));
        }
        let leap = (before.range.1, seal.until_xid);
        if before.sequence > 0 && leap.1.saturating_sub(leap.0) >= LEAP {
            let finding = Finding::SealRenumbered(number);
            if let Some(by) = self.acknowledged.of_leap(leap) {
                self.report.excuse(self.chain, finding, by);
            } else {
                self.findings.insert(finding);
            }
        }
        let hash = seal.hash();
        let kept = self.kept.remove(&number);
        if kept.is_none() {
            self.is_not_kept(seal);
        }
        let mut others = kept.unwrap_or_default();
        others.retain(|kept| *kept != hash);
        if !others.is_empty() {
            self.differs_outside(Finding::SealReplaced(number), number, &others);
        }
    }

    /// Notes a seal that the sink lacks, but for the newest, which are on their way.
    fn is_not_kept(&mut self, seal: &Seal) {
        let (number, made) = (seal.sequence, seal.sealed_at);
        let looked_at = self.range.from.is_none_or(|from| from <= made)
            && self.range.to.is_none_or(|to| made < to);
        let missed = |(newest, settled)| number < newest || made < settled;
        if !looked_at || !self.kept_until.is_some_and(missed) {
            return;
        }
        match self.not_kept.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => self.not_kept.push((number, number)),
        }
    }

    /// When the seal was made, at the earliest, if its key was in other hands then. Whoever has the key may write any time into the
    /// seal, but makes it after the seal it follows and after the records it holds.
    fn is_disowned(
        &mut self,
        signed: &SignedSeal,
        before: Sealed,
        latest: Option<Instant>,
    ) -> Option<Instant> {
        let seal = &signed.seal;
        let follows = before.at.filter(|_| before.ahead.is_none());
        let held = [Some(seal.last_at), latest, follows];
        let made_at = held.into_iter().flatten().fold(seal.sealed_at, Ord::max);
        if self.keys.is_seal_trusted(&signed.key_id, made_at) {
            return None;
        }
        self.findings.insert(Finding::SealDisowned(seal.sequence));
        Some(made_at)
    }

    /// Reads the records of a range and sorts them to their seals; who lies between two seals was inserted.
    async fn records_of(
        &mut self,
        seals: &[SignedSeal],
        ends: &[Place],
        span: Span,
    ) -> Result<Vec<Found>> {
        let mut found: Vec<Found> = Vec::new();
        found.resize_with(seals.len(), Found::default);
        let mut place = 0;
        let (tenant, log) = self.chain;
        let mut records = records::records(self.tx.conn(), log, Some(tenant), span, None);
        while let Some(record) = records.try_next().await? {
            self.report.of(log).records += 1;
            while ends
                .get(place)
                .is_some_and(|end| *end <= (record.xid, record.id))
            {
                place += 1;
            }
            match (seals.get(place), found.get_mut(place)) {
                (Some(signed), Some(found)) if signed.seal.from_xid <= record.xid => {
                    found.add(&record, self.keys);
                }
                _ => {
                    self.findings.insert(Finding::RecordInserted(record.id));
                }
            }
        }
        drop(records);
        Ok(found)
    }

    fn compare(&mut self, seal: &Seal, manifest: &[u8], mut found: Found) {
        let (root, count) = root_of(&mut found.leaves, |_, _| {});
        let differences = manifest::differences(manifest, &found.leaves);
        if differences.is_empty()
            && (seal.root != root || usize::try_from(seal.records) != Ok(count))
        {
            self.findings.insert(Finding::SealRootWrong(seal.sequence));
        }
        for difference in differences {
            let (Difference::Changed(id) | Difference::Removed(id) | Difference::Inserted(id)) =
                difference;
            found.forged.remove(&id);
            self.findings.insert(match difference {
                Difference::Changed(id) => Finding::RecordChanged(id),
                Difference::Removed(id) => Finding::RecordRemoved(id),
                Difference::Inserted(id) => Finding::RecordInserted(id),
            });
        }
        self.findings
            .extend(found.forged.into_iter().map(Finding::RecordForged));
    }

    /// What lies behind the last seal: strangers below the mark of sealing, fresh records above it.
    async fn beyond(&mut self, at: &Position) -> Result<()> {
        let (tenant, log) = self.chain;
        let mark = rows::progress(self.tx.conn(), log).await?;
        let (_, next) = rows::open_transactions(self.tx.conn()).await?;
        let span = Span {
            from: at.until,
            until: before(i64::MAX),
        };
        let mut mistimed_records = Vec::new();
        let mut records = records::records(self.tx.conn(), log, Some(tenant), span, None);
        while let Some(record) = records.try_next().await? {
            self.report.of(log).records += 1;
            if record.xid < mark {
                self.findings.insert(Finding::RecordInserted(record.id));
                continue;
            }
            self.report.of(log).unsealed += 1;
            if !record.is_authentic(self.keys) {
                self.findings.insert(Finding::RecordForged(record.id));
            }
            if record.xid >= next {
                self.findings.insert(Finding::RecordAhead(record.id));
            }
            if record.mac.is_none() && is_outside(record.at, (at.time.at, None)) {
                mistimed_records.push((record.at, record.id));
            }
        }
        drop(records);
        for record in mistimed_records {
            self.is_mistimed(record, (at.time, None));
        }
        Ok(())
    }

    /// The record lies outside of the times between which it was sealed. That is excused where the seal before it was ahead of
    /// its time, if it was written since somebody said so.
    fn is_mistimed(
        &mut self,
        (at, id): (Instant, Uuid),
        (before, sealed_at): (Sealed, Option<Instant>),
    ) {
        let finding = Finding::RecordMistimed(id);
        match before.ahead {
            Some((by, since)) if !is_outside(at, (Some(since), sealed_at)) => {
                self.report.excuse(self.chain, finding, by);
            }
            _ => {
                self.findings.insert(finding);
            }
        }
    }

    fn sealed(&self, seal: &Seal) -> Sealed {
        let (number, hash) = (seal.sequence, seal.hash());
        Sealed {
            at: Some(seal.sealed_at),
            ahead: self.acknowledged.of_ahead(self.chain, number, &hash),
        }
    }

    fn position(&self, seal: &Seal, manifest: &[u8], until: Place) -> Position {
        Position {
            sequence: seal.sequence,
            hash: seal.hash(),
            range: (seal.from_xid, seal.until_xid),
            last: manifest::last(manifest),
            until,
            time: self.sealed(seal),
        }
    }

    /// A sealed record that is missing in its place and present in another was not removed but changed.
    async fn join_moved(&mut self) -> Result<()> {
        let removed = |finding: &Finding| match finding {
            Finding::RecordRemoved(id) => Some(*id),
            _ => None,
        };
        let missing: Vec<Uuid> = self.findings.iter().filter_map(removed).collect();
        if missing.is_empty() {
            return Ok(());
        }
        for id in records::still_there(self.tx.conn(), self.chain, &missing).await? {
            let elsewhere = [
                Finding::RecordRemoved(id),
                Finding::RecordInserted(id),
                Finding::RecordForged(id),
                Finding::RecordAhead(id),
                Finding::RecordMistimed(id),
            ];
            for finding in elsewhere {
                self.findings.remove(&finding);
            }
            self.findings.insert(Finding::RecordChanged(id));
        }
        Ok(())
    }
}

fn is_outside(at: Instant, (after, before): (Option<Instant>, Option<Instant>)) -> bool {
    after.is_some_and(|after| at < after - ALLOWED)
        || before.is_some_and(|before| at > before + ALLOWED)
}
