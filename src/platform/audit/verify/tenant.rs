//! One tenant's log, a stretch of seals at a time.

use std::collections::{BTreeSet, HashSet};

use futures_util::{TryStreamExt, pin_mut};
use kernel::Result;
use kernel::ids::TenantId;
use uuid::Uuid;

use super::{Finding, Kept, Range, Report};
use crate::audit::manifest::{self, Difference};
use crate::audit::merkle::Hash;
use crate::audit::seal::{FIRST, Seal, SignedSeal, leaf_of, root_of};
use crate::audit::seal_rows::{self as rows, Row};
use crate::crypto::SigningKeys;
use crate::db::SealerTx;

/// Records in a stretch, about.
const STRETCH: i64 = 200_000;
/// Seals of one gap that are named.
const MISSING: usize = 1_000;

/// Where the last seal looked at ends.
struct Position {
    sequence: i64,
    hash: Hash,
    until_xid: i64,
}

pub(super) struct Check<'a> {
    tx: SealerTx,
    keys: &'a SigningKeys,
    range: Range,
    tenant: TenantId,
    kept: Kept,
    report: &'a mut Report,
    findings: BTreeSet<Finding>,
}

/// The records found in the range of one seal.
#[derive(Default)]
struct Found {
    leaves: Vec<(Uuid, Hash)>,
    forged: HashSet<Uuid>,
}

impl<'a> Check<'a> {
    pub fn new(
        tx: SealerTx,
        keys: &'a SigningKeys,
        range: Range,
        tenant: TenantId,
        kept: Kept,
        report: &'a mut Report,
    ) -> Self {
        Self {
            tx,
            keys,
            range,
            tenant,
            kept,
            report,
            findings: BTreeSet::new(),
        }
    }

    pub async fn run(mut self) -> Result<()> {
        let mut at = self.start().await?;
        let end = match self.range.to {
            Some(to) => rows::last_before(self.tx.conn(), self.tenant, to).await?,
            None => i64::MAX,
        };
        while let Some(last) =
            rows::stretch(self.tx.conn(), self.tenant, at.sequence, end, STRETCH).await?
        {
            at = self.stretch(at, last).await?;
        }
        if self.range.to.is_none() {
            self.beyond(at.until_xid).await?;
        }
        // What the sink has and nobody has shown us.
        let lost: Vec<i64> = self.kept.keys().copied().collect();
        self.findings
            .extend(lost.into_iter().map(Finding::SealMissing));
        self.join_moved().await?;
        self.report.tenants += 1;
        for finding in self.findings {
            self.report.add(self.tenant, finding);
        }
        Ok(())
    }

    /// The place behind the last seal that is out of scope.
    async fn start(&mut self) -> Result<Position> {
        let nothing = Position {
            sequence: 0,
            hash: FIRST,
            until_xid: 0,
        };
        let Some(from) = self.range.from else {
            return Ok(nothing);
        };
        let last = rows::last_before(self.tx.conn(), self.tenant, from).await?;
        if last <= 0 {
            return Ok(nothing);
        }
        let before = rows::seals(self.tx.conn(), self.tenant, last - 1, last).await?;
        Ok(before.first().map_or(nothing, |signed| {
            if !signed.verifies(self.keys) {
                self.findings.insert(Finding::SealForged(last));
            }
            position(&signed.seal)
        }))
    }

    /// Looks at the seals up to `last` and at all records from the position to the last seal's end.
    async fn stretch(&mut self, at: Position, last: i64) -> Result<Position> {
        let seals = rows::seals(self.tx.conn(), self.tenant, at.sequence, last).await?;
        let manifests = rows::manifests(self.tx.conn(), self.tenant, at.sequence, last).await?;
        let from = at.until_xid;
        let mut at = at;
        for signed in &seals {
            self.check_seal(&at, signed);
            at = position(&signed.seal);
        }
        let found = self.records_of(&seals, (from, at.until_xid)).await?;
        for ((signed, manifest), found) in seals.iter().zip(&manifests).zip(found) {
            self.compare(&signed.seal, manifest, found);
        }
        self.report.seals += seals.len() as u64;
        Ok(at)
    }

    fn check_seal(&mut self, before: &Position, signed: &SignedSeal) {
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
        if seal.from_xid < before.until_xid {
            self.findings.insert(Finding::SealOverlaps(number));
        }
        let hash = seal.hash();
        if self
            .kept
            .remove(&number)
            .is_some_and(|kept| kept.iter().any(|kept| *kept != hash))
        {
            self.findings.insert(Finding::SealReplaced(number));
        }
    }

    /// Reads the records of a range and sorts them to their seals; who lies between two seals was inserted.
    async fn records_of(&mut self, seals: &[SignedSeal], range: (i64, i64)) -> Result<Vec<Found>> {
        let mut found: Vec<Found> = Vec::new();
        found.resize_with(seals.len(), Found::default);
        let mut place = 0;
        let records = rows::records(self.tx.conn(), Some(self.tenant), range);
        pin_mut!(records);
        while let Some(Row { record, xid }) = records.try_next().await? {
            self.report.records += 1;
            while seals
                .get(place)
                .is_some_and(|signed| signed.seal.until_xid <= xid)
            {
                place += 1;
            }
            match (seals.get(place), found.get_mut(place)) {
                (Some(signed), Some(found)) if signed.seal.from_xid <= xid => {
                    found.leaves.push((record.id, leaf_of(&record, xid)));
                    if !self
                        .keys
                        .verify_record_mac(&record.fingerprint(), &record.mac)
                    {
                        found.forged.insert(record.id);
                    }
                }
                _ => {
                    self.findings.insert(Finding::RecordInserted(record.id));
                }
            }
        }
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
    async fn beyond(&mut self, from: i64) -> Result<()> {
        let mark = rows::progress(self.tx.conn()).await?;
        let (_, next) = rows::open_transactions(self.tx.conn()).await?;
        let records = rows::records(self.tx.conn(), Some(self.tenant), (from, i64::MAX));
        pin_mut!(records);
        while let Some(Row { record, xid }) = records.try_next().await? {
            self.report.records += 1;
            if xid < mark {
                self.findings.insert(Finding::RecordInserted(record.id));
                continue;
            }
            self.report.unsealed += 1;
            if !self
                .keys
                .verify_record_mac(&record.fingerprint(), &record.mac)
            {
                self.findings.insert(Finding::RecordForged(record.id));
            }
            if xid >= next {
                self.findings.insert(Finding::RecordAhead(record.id));
            }
        }
        Ok(())
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
        for id in rows::still_there(self.tx.conn(), self.tenant, &missing).await? {
            let elsewhere = [
                Finding::RecordRemoved(id),
                Finding::RecordInserted(id),
                Finding::RecordForged(id),
                Finding::RecordAhead(id),
            ];
            for finding in elsewhere {
                self.findings.remove(&finding);
            }
            self.findings.insert(Finding::RecordChanged(id));
        }
        Ok(())
    }
}

fn position(seal: &Seal) -> Position {
    Position {
        sequence: seal.sequence,
        hash: seal.hash(),
        until_xid: seal.until_xid,
    }
}
