//! After a new data key: everything that its tenant's older ones have sealed is sealed anew, and blind indexes move over.
//!
//! Values are taken a few hundred at a time, each handful in a transaction of its own, and each names the key that sealed it:
//! so there is nothing to remember, and whoever is killed half-way, or runs twice, or beside another, does no harm. A value
//! that somebody changes meanwhile is left as he wrote it. Blind indexes change in one transaction for the whole tenant,
//! because they are compared with each other.
//!
//! Traps: a transaction that was open when the key changed may still write with the old one, so that a key counts as drained
//! only when nothing is found some minutes later; history and backups keep what they have, and a key is never deleted.

use chrono::TimeDelta;
use futures_util::future::BoxFuture;
use kernel::clock::Instant;
use kernel::ids::TenantId;
use kernel::{Clock, Result};
use uuid::Uuid;

use super::{FieldRef, TenantCipher, TenantKeys};
use crate::db::{Db, SystemTx, TenantTx};

/// Values of one transaction.
const HANDFUL: i64 = 500;
/// Longer than any transaction that may still hold a cipher of before.
const SETTLED_AFTER: TimeDelta = TimeDelta::minutes(2);

/// A sealed value and its row.
#[derive(Clone, Debug)]
pub struct SealedValue {
    pub id: Uuid,
    pub sealed: String,
}

/// A value sealed anew, and what it replaces.
#[derive(Clone, Debug, Default)]
pub struct Resealed {
    pub ids: Vec<Uuid>,
    pub before: Vec<String>,
    pub after: Vec<String>,
}

/// The rows after an id, in the order of ids, whose value does not begin with `mark`; at most `limit`.
pub type Page = for<'a> fn(
    tx: &'a mut TenantTx,
    mark: &'a str,
    after: Uuid,
    limit: i64,
) -> BoxFuture<'a, Result<Vec<SealedValue>>>;
/// How many rows have a value that does not begin with `mark`.
pub type Count = for<'a> fn(tx: &'a mut TenantTx, mark: &'a str) -> BoxFuture<'a, Result<i64>>;
/// Writes the values that are still what they were. Returns how many.
pub type Put =
    for<'a> fn(tx: &'a mut TenantTx, resealed: &'a Resealed) -> BoxFuture<'a, Result<u64>>;
/// Brings the rows of a blind index from every former key to the one the cipher indexes with. Returns how many changed.
pub type Reindex =
    for<'a> fn(tx: &'a mut TenantTx, cipher: &'a TenantCipher) -> BoxFuture<'a, Result<u64>>;

/// A column whose values the tenant's data key seals, in a table with an `id`. Each area names its own.
#[derive(Clone, Copy)]
pub struct SealedColumn {
    pub table: &'static str,
    pub column: &'static str,
    pub page: Page,
    pub count: Count,
    pub put: Put,
}

/// All there is to be brought to a new key.
#[derive(Clone, Default)]
pub struct Places {
    pub columns: Vec<SealedColumn>,
    pub indexes: Vec<Reindex>,
}

/// What has been done, and whether more is to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Done {
    pub sealed: u64,
    pub indexed: u64,
    /// Values that no key opens: somebody altered them. They stay as they are.
    pub damaged: u64,
    /// When to look again; none: nothing is left, or nothing but what does not open.
    pub again_at: Option<Instant>,
}

/// How far a tenant has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Left {
    /// Keys that something may still be sealed with.
    pub keys: i64,
    /// Values of each column that the current key has not sealed.
    pub values: Vec<(&'static str, &'static str, i64)>,
    /// Whether blind indexes come from an older key.
    pub indexes: bool,
}

impl Left {
    /// Values not sealed anew yet.
    pub fn total(&self) -> i64 {
        self.values.iter().map(|(_, _, count)| count).sum()
    }
}

/// Seals anew whatever is left, until `deadline`. `told` hears of each handful.
pub async fn run(
    (db, keys, clock): (&Db, &TenantKeys, &Clock),
    tenant: TenantId,
    places: &Places,
    deadline: Option<Instant>,
    mut told: impl FnMut(&'static str, u64),
) -> Result<Done> {
    let mut done = Done::default();
    for column in &places.columns {
        let mut after = Uuid::nil();
        loop {
            if deadline.is_some_and(|deadline| clock.now() >= deadline) {
                done.again_at = Some(clock.now());
                return Ok(done);
            }
            let mut tx = SystemTx::begin(db, tenant).await?;
            let cipher = keys.cipher(&mut tx).await?;
            let values = (column.page)(&mut tx, &cipher.mark(), after, HANDFUL).await?;
            let Some(last) = values.last() else { break };
            after = last.id;
            let (resealed, damaged) = sealed_anew(&cipher, tenant, column, values);
            done.damaged += damaged;
            let written = (column.put)(&mut tx, &resealed).await?;
            tx.commit().await?;
            done.sealed += written;
            told(column.table, written);
        }
    }
    done.indexed = reindex(db, keys, tenant, places, clock.now()).await?;
    done.again_at = settle(db, keys, tenant, places, clock.now()).await?;
    Ok(done)
}

fn sealed_anew(
    cipher: &TenantCipher,
    tenant: TenantId,
    column: &SealedColumn,
    values: Vec<SealedValue>,
) -> (Resealed, u64) {
    let (mut resealed, mut damaged) = (Resealed::default(), 0);
    for SealedValue { id, sealed } in values {
        let place = FieldRef {
            tenant,
            table: column.table,
            column: column.column,
            row: id,
        };
        match cipher.reseal(&place, &sealed) {
            Ok(after) => {
                resealed.ids.push(id);
                resealed.before.push(sealed);
                resealed.after.push(after);
            }
            Err(error) => {
                damaged += 1;
                tracing::error!(%tenant, table = column.table, row = %id, cause = error.cause_for_log(), "a sealed value does not open");
            }
        }
    }
    (resealed, damaged)
}

/// Moves every blind index to the current key: all of them or none.
async fn reindex(
    db: &Db,
    keys: &TenantKeys,
    tenant: TenantId,
    places: &Places,
    now: Instant,
) -> Result<u64> {
    let mut tx = SystemTx::begin(db, tenant).await?;
    let cipher = keys.cipher(&mut tx).await?;
    let current = cipher.current();
    if cipher.index_key() != current {
        sqlx::query!(
            "update app.tenant_keys set indexed_at = $3 where tenant_id = $1 and id = $2",
            tenant.0,
            current,
            now
        )
        .execute(tx.conn())
        .await?;
    }
    let cipher = keys.cipher(&mut tx).await?;
    let mut changed = 0;
    for reindex in &places.indexes {
        changed += reindex(&mut tx, &cipher).await?;
    }
    tx.commit().await?;
    Ok(changed)
}

/// Marks the older keys as drained if nothing names them any more and nobody can be writing with them. Returns when to look
/// again otherwise.
async fn settle(
    db: &Db,
    keys: &TenantKeys,
    tenant: TenantId,
    places: &Places,
    now: Instant,
) -> Result<Option<Instant>> {
    let mut tx = SystemTx::begin(db, tenant).await?;
    let newest = sqlx::query_scalar!(
        "select max(k.retired_at) from app.tenant_keys k where k.tenant_id = $1 and k.drained_at is null",
        tenant.0
    )
    .fetch_one(tx.conn())
    .await?;
    let Some(newest) = newest else {
        return Ok(None);
    };
    if now < newest + SETTLED_AFTER {
        return Ok(Some(newest + SETTLED_AFTER));
    }
    let left = left(&mut tx, keys, places).await?;
    if left.total() > 0 || left.indexes {
        // What can't be opened stays, and somebody has to look at it.
        return Ok(None);
    }
    sqlx::query!(
        "update app.tenant_keys set drained_at = $2 where tenant_id = $1 and retired_at is not null and drained_at is null",
        tenant.0,
        now
    )
    .execute(tx.conn())
    .await?;
    tx.commit().await?;
    Ok(None)
}

/// What is left to be done in the transaction's tenant.
pub async fn left(tx: &mut TenantTx, keys: &TenantKeys, places: &Places) -> Result<Left> {
    let tenant = tx.tenant();
    let undrained = sqlx::query_scalar!(
        r#"select count(*) as "count!" from app.tenant_keys k
            where k.tenant_id = $1 and k.retired_at is not null and k.drained_at is null"#,
        tenant.0
    )
    .fetch_one(tx.conn())
    .await?;
    let cipher = keys.cipher(tx).await?;
    let mut left = Left {
        keys: undrained,
        values: Vec::with_capacity(places.columns.len()),
        indexes: cipher.index_key() != cipher.current(),
    };
    for column in &places.columns {
        let count = (column.count)(tx, &cipher.mark()).await?;
        left.values.push((column.table, column.column, count));
    }
    Ok(left)
}
