//! Months: the partitions of encounters, access records, changes and security events.
//!
//! The server makes them ahead by itself; an encounter in a month nobody thought of gets it made on the way in.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{Datelike, NaiveDate};
use kernel::Result;
use kernel::clock::Instant;

use super::Db;

/// How many months ahead the server keeps ready.
pub const AHEAD: u32 = 6;

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

/// Months of encounters seen to be there: none is ever dropped, so the database need not be asked again.
#[derive(Clone, Debug, Default)]
pub(super) struct KnownMonths(Arc<Mutex<HashSet<NaiveDate>>>);

impl KnownMonths {
    fn has(&self, month: NaiveDate) -> bool {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .contains(&month)
    }
    fn add(&self, month: NaiveDate) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(month);
    }
}

/// Makes the month of encounters an instant lies in, unless it is there. In a transaction of its own.
pub async fn ensure_encounter_month(db: &Db, at: Instant) -> Result<bool> {
    let month = NaiveDate::from_ymd_opt(at.year(), at.month(), 1).unwrap_or_default();
    if db.months().has(month) {
        return Ok(false);
    }
    let made = sqlx::query_scalar!(
        r#"select app.ensure_month('encounters', $1) as "made!""#,
        month
    )
    .fetch_one(db.shared())
    .await?;
    db.months().add(month);
    Ok(made)
}
