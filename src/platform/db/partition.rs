//! Months: the partitions of encounters, vital signs, access records, changes and security events.
//!
//! The server makes them ahead by itself; an encounter or a measurement in a month nobody thought of gets it made on the way
//! in.

use std::collections::{BTreeSet, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{Datelike, NaiveDate};
use kernel::Result;
use kernel::clock::Instant;

use super::Db;

/// How many months ahead the server keeps ready.
pub const AHEAD: u32 = 6;

/// How many months are made in one transaction: others wait for it.
const AT_ONCE: usize = 6;

/// Makes what is missing from last month to `ahead` months from now. Returns how many were made.
pub async fn ensure_ahead(db: &Db, ahead: u32) -> Result<i32> {
    let made = sqlx::query_scalar!(
        r#"select app.ensure_months($1) as "made!""#,
        i32::try_from(ahead).unwrap_or(i32::MAX)
    )
    .fetch_one(db.shared())
    .await?;
    Ok(made)
}

/// A table of which somebody may need a month that the server does not make ahead: a day long past, or years from now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Monthly {
    Encounters,
    Vitals,
}

impl Monthly {
    const fn table(self) -> &'static str {
        match self {
            Self::Encounters => "encounters",
            Self::Vitals => "vitals",
        }
    }
}

/// Months seen to be there: none is ever dropped, so the database need not be asked again.
#[derive(Clone, Debug, Default)]
pub(super) struct KnownMonths(Arc<Mutex<HashSet<(Monthly, NaiveDate)>>>);

impl KnownMonths {
    fn has(&self, month: (Monthly, NaiveDate)) -> bool {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .contains(&month)
    }
    fn add(&self, month: (Monthly, NaiveDate)) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(month);
    }
}

/// Makes the month of encounters an instant lies in, unless it is there. In a transaction of its own.
pub async fn ensure_encounter_month(db: &Db, at: Instant) -> Result<bool> {
    ensure_month(db, Monthly::Encounters, at).await
}

/// Makes the month of a table an instant lies in, unless it is there. In a transaction of its own, before the one that writes:
/// making it locks what that one may have written to.
pub async fn ensure_month(db: &Db, table: Monthly, at: Instant) -> Result<bool> {
    Ok(ensure_months_of(db, table, [at]).await? > 0)
}

/// Whether the month is there, as far as this process has seen. Where it is not, whoever asks for it is looked at before it is
/// made: a stranger's request makes none.
pub fn is_known(db: &Db, table: Monthly, at: Instant) -> bool {
    unknown(db, table, [at]).is_empty()
}

/// Makes the months of a table these instants lie in, where missing: some in a transaction, before the one that writes.
/// Returns how many were made. Whoever will need many asks for them before anybody writes: making one waits for those who are.
pub async fn ensure_months_of(
    db: &Db,
    table: Monthly,
    times: impl IntoIterator<Item = Instant>,
) -> Result<usize> {
    make(db, table, &unknown(db, table, times)).await
}

/// As [`ensure_months_of`], but makes the latest `most` of those that are missing and no more: a request must not lock what
/// others write to as often as it likes. Returns the months that are missing still.
pub async fn ensure_some_months_of(
    db: &Db,
    table: Monthly,
    times: impl IntoIterator<Item = Instant>,
    most: usize,
) -> Result<BTreeSet<NaiveDate>> {
    let unknown = unknown(db, table, times);
    if unknown.is_empty() {
        return Ok(BTreeSet::new());
    }
    let mut missing = sqlx::query_scalar!(
        r#"select m as "month!" from app.missing_months($1, $2) m order by m desc"#,
        table.table(),
        &unknown
    )
    .fetch_all(db.shared())
    .await?;
    let left: BTreeSet<NaiveDate> = missing
        .split_off(missing.len().min(most))
        .into_iter()
        .collect();
    for month in unknown
        .iter()
        .filter(|month| !missing.contains(month) && !left.contains(month))
    {
        db.months().add((table, *month));
    }
    make(db, table, &missing).await?;
    Ok(left)
}

/// The month an instant lies in, by its first day.
pub fn month_of(at: Instant) -> Option<NaiveDate> {
    NaiveDate::from_ymd_opt(at.year(), at.month(), 1)
}

/// The months of these instants that are not known to be there.
fn unknown(db: &Db, table: Monthly, times: impl IntoIterator<Item = Instant>) -> Vec<NaiveDate> {
    let months: BTreeSet<NaiveDate> = times
        .into_iter()
        .filter_map(month_of)
        .filter(|month| !db.months().has((table, *month)))
        .collect();
    months.into_iter().collect()
}

async fn make(db: &Db, table: Monthly, months: &[NaiveDate]) -> Result<usize> {
    let mut made = 0;
    for year in months.chunks(AT_ONCE) {
        let count = sqlx::query_scalar!(
            r#"select app.ensure_these_months($1, $2) as "made!""#,
            table.table(),
            year
        )
        .fetch_one(db.shared())
        .await?;
        made += usize::try_from(count).unwrap_or_default();
        for month in year {
            db.months().add((table, *month));
        }
    }
    Ok(made)
}
