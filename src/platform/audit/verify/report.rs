//! What verification found.

use std::fmt;

use kernel::ids::TenantId;
use uuid::Uuid;

use crate::audit::{Acknowledgement, Log};

/// What is wrong with one record or one seal. Records are named by their ids, seals by their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Finding {
    /// The record is not what was sealed.
    RecordChanged(Uuid),
    /// The record was sealed and is gone.
    RecordRemoved(Uuid),
    /// The record lies among sealed ones and was not sealed with them. Or its seal is gone, which is found too where the
    /// numbers or the sink tell.
    RecordInserted(Uuid),
    /// The record does not carry the server's authentication code: it was written or changed by another.
    RecordForged(Uuid),
    /// The record claims a transaction that has not begun yet, so that no seal would ever hold it.
    RecordAhead(Uuid),
    /// The record says it was written at another time than its seal tells: a day or more before the seal before it, or after
    /// its own.
    RecordMistimed(Uuid),
    /// The seal does not vouch for records that its manifest lists as they are.
    SealRootWrong(i64),
    /// The seal does not bear a signature of one of our keys, or was changed after it was signed.
    SealForged(i64),
    /// There is no such seal, though there are later ones, or the sink has it.
    SealMissing(i64),
    /// The seal does not name the hash of the one before it.
    SealUnlinked(i64),
    /// The seal's range reaches back into the one before it.
    SealOverlaps(i64),
    /// The seal, the one before it, or one of its records bears a time from which its key is known to have been in other hands.
    SealDisowned(i64),
    /// The sink has another seal under this number.
    SealReplaced(i64),
    /// A line of the sink bears no signature of one of our keys.
    SinkForged(i64),
    /// The seal goes on with numbers far beyond those of the one before it: the database was loaded into another cluster.
    SealRenumbered(i64),
    /// The sink has a seal of this number that is not the database's. Said only of one that was acknowledged.
    SealGivenUp(i64),
    /// The sink lacks the seals from this number on: so many, one after the other.
    SealsNotKept { first: i64, count: i64 },
}

impl Finding {
    /// The record it is about, if it is about one.
    pub fn record(&self) -> Option<Uuid> {
        match self {
            Self::RecordChanged(id)
            | Self::RecordRemoved(id)
            | Self::RecordInserted(id)
            | Self::RecordForged(id)
            | Self::RecordAhead(id)
            | Self::RecordMistimed(id) => Some(*id),
            _ => None,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RecordChanged(id) => write!(f, "record {id} was changed after it was sealed"),
            Self::RecordRemoved(id) => write!(f, "record {id} was removed"),
            Self::RecordInserted(id) => write!(
                f,
                "record {id} lies among sealed ones and is in no seal: it was inserted, or its seal removed"
            ),
            Self::RecordForged(id) => write!(
                f,
                "record {id} was written or changed by another than the server"
            ),
            Self::RecordAhead(id) => {
                write!(f, "record {id} claims a transaction that has not begun")
            }
            Self::RecordMistimed(id) => write!(
                f,
                "record {id} bears a time at which it can't have been written"
            ),
            Self::SealRootWrong(n) => write!(f, "seal {n} has a root that its records do not give"),
            Self::SealForged(n) => write!(f, "seal {n} has no valid signature"),
            Self::SealMissing(n) => write!(f, "seal {n} was removed"),
            Self::SealUnlinked(n) => write!(f, "seal {n} does not follow from the one before it"),
            Self::SealOverlaps(n) => write!(f, "seal {n} overlaps the one before it"),
            Self::SealDisowned(n) => write!(
                f,
                "seal {n} is signed with a key that was in other hands by then"
            ),
            Self::SealReplaced(n) => write!(
                f,
                "seal {n} is another than the one kept outside the database"
            ),
            Self::SinkForged(n) => write!(
                f,
                "seal {n} as kept outside the database has no valid signature"
            ),
            Self::SealRenumbered(n) => write!(
                f,
                "seal {n} counts transactions anew: the database went on in another cluster"
            ),
            Self::SealGivenUp(n) => write!(
                f,
                "seal {n} as kept outside the database is not here: an earlier state was put back"
            ),
            Self::SealsNotKept { first, count } => write!(
                f,
                "seals from {first} on are not kept outside the database: {count}"
            ),
        }
    }
}

/// One finding and whose log it is in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    pub tenant: TenantId,
    pub log: Log,
    pub finding: Finding,
    /// Of a change that is still there: the table and the id of the row it claims to be of.
    pub row: Option<(String, Uuid)>,
    /// What of it can be acknowledged, because a restore or a clock may have left it. Nothing of most.
    pub claims: Vec<String>,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            tenant,
            log,
            finding,
            row,
            ..
        } = self;
        write!(f, "tenant {tenant}: {}: {finding}", log.name())?;
        match row {
            Some((table, id)) => write!(f, " (of {table} {id})"),
            None => Ok(()),
        }
    }
}

/// How much of a log was looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub records: u64,
    pub seals: u64,
    /// Records no seal holds yet; part of `records`.
    pub unsealed: u64,
}

/// What was looked at, and what is wrong with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    pub tenants: u64,
    pub access: Counts,
    pub history: Counts,
    /// In the order of tenants; empty when the logs are as they were written.
    pub faults: Vec<Fault>,
    /// Breaks that somebody answers for, each with the number of the acknowledgement. No faults.
    pub acknowledged: Vec<(Fault, i64)>,
    /// Every acknowledgement there is, whatever was looked at.
    pub acknowledgements: Vec<Acknowledgement>,
    /// Acknowledgements that bear no valid signature: each is a fault.
    pub forged: Vec<i64>,
    /// Acknowledgements of a key that has been in other hands: each is a fault.
    pub disowned: Vec<i64>,
    /// The same, where a later one answers for it, with the number of that: no faults. What they claimed counts no more.
    pub answered: Vec<(i64, i64)>,
    /// The sink is gone or has no seal of anybody's, so that nothing was compared with it: a fault where there are seals.
    pub sink_is_empty: bool,
}

impl Report {
    pub fn is_clean(&self) -> bool {
        self.faults() == 0
    }

    fn faults(&self) -> usize {
        self.faults.len()
            + self.forged.len()
            + self.disowned.len()
            + usize::from(self.sink_is_empty)
    }

    fn known(&self) -> usize {
        self.acknowledged.len() + self.answered.len()
    }

    /// Whether there was nothing to look at, and nothing is missing either. Says nothing of what was written.
    pub fn is_empty(&self) -> bool {
        self.is_clean()
            && self.known() == 0
            && [self.access, self.history]
                .iter()
                .all(|counts| (counts.records, counts.seals) == (0, 0))
    }

    /// Seals looked at, of both logs.
    pub fn seals(&self) -> u64 {
        self.access.seals + self.history.seals
    }

    pub(super) fn of(&mut self, log: Log) -> &mut Counts {
        match log {
            Log::Access => &mut self.access,
            Log::History => &mut self.history,
        }
    }

    pub(super) fn add(
        &mut self,
        chain: (TenantId, Log),
        finding: Finding,
        row: Option<(String, Uuid)>,
        claims: Vec<String>,
    ) {
        self.faults.push(fault(chain, finding, row, claims));
    }

    /// Notes a break that is acknowledged.
    pub(super) fn excuse(&mut self, chain: (TenantId, Log), finding: Finding, by: i64) {
        let known = fault(chain, finding, None, Vec::new());
        self.acknowledged.push((known, by));
    }
}

fn fault(
    (tenant, log): (TenantId, Log),
    finding: Finding,
    row: Option<(String, Uuid)>,
    claims: Vec<String>,
) -> Fault {
    Fault {
        tenant,
        log,
        finding,
        row,
        claims,
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for one in &self.acknowledgements {
            let at = one.made_at.format("%Y-%m-%d %H:%M:%SZ");
            let (number, by, why, claims) =
                (one.number, &one.made_by, &one.reason, one.claims.len());
            writeln!(
                f,
                "acknowledgement {number} of {at} by {by}, breaks: {claims}: {why}"
            )?;
        }
        for (known, by) in &self.acknowledged {
            writeln!(f, "{known} (acknowledgement {by})")?;
        }
        let others = "is signed with a key that has been in other hands, and counts for nothing";
        for (number, by) in &self.answered {
            writeln!(
                f,
                "acknowledgement {number} {others} (acknowledgement {by})"
            )?;
        }
        for number in &self.forged {
            writeln!(f, "acknowledgement {number} has no valid signature")?;
        }
        for number in &self.disowned {
            writeln!(f, "acknowledgement {number} {others}")?;
        }
        for fault in &self.faults {
            writeln!(f, "{fault}")?;
        }
        if self.sink_is_empty {
            writeln!(
                f,
                "the file of seals is not there or has none: no seal was compared with what is kept outside the database"
            )?;
        }
        for (log, counts) in [(Log::Access, self.access), (Log::History, self.history)] {
            let Counts {
                records,
                seals,
                unsealed,
            } = counts;
            let name = log.name();
            writeln!(
                f,
                "{name}: {records} records ({unsealed} not sealed yet), {seals} seals"
            )?;
        }
        write!(f, "{} tenants: ", self.tenants)?;
        if self.is_empty() {
            return write!(f, "nothing lies in this range");
        }
        match (self.faults(), self.known()) {
            (0, 0) => write!(f, "all as it was written"),
            (0, known) => write!(
                f,
                "all as it was written, but for breaks acknowledged: {known}"
            ),
            (1, _) => write!(f, "1 fault"),
            (many, _) => write!(f, "{many} faults"),
        }
    }
}
