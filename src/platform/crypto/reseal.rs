//! After a new data key: everything that its tenant's older ones have sealed is sealed anew, and blind indexes move over.
//!
//! Values are taken a few hundred at a time, each handful in a transaction of its own, and each names the key that sealed it:
//! so there is little to remember, and whoever is killed half-way, or runs twice, or beside another, does no harm. A value
//! that somebody changes meanwhile is left as he wrote it. Blind indexes are compared with each other, so every row gets the new
//! key's beside the one it has, in handfuls too, before the new one is the one in use, and loses the older ones at the last
//! look. Names that say which key made them move in handfuls again, when nobody looks for them under the older key alone any
//! more.
//!
//! Invariant: a key counts as drained after a look at everything that began when every transaction had ended that began
//! before the new key was in force. The database says so itself: no clock of ours, and no guess how long one may take.
//!
//! Traps: who began before there was the new key writes its indexes under the older one alone, and is found under that until the
//! last look; history and backups keep what they have, and a key is never deleted.

use chrono::TimeDelta;
use futures_util::future::BoxFuture;
use kernel::clock::Instant;
use kernel::ids::TenantId;
use kernel::{Clock, Result};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{FieldRef, TenantCipher, TenantKeys};
use crate::db::{Db, SystemTx, TenantTx};

/// Values of one transaction.
const HANDFUL: i64 = 500;
/// Rows of one transaction whose index changes.
const INDEXED: i64 = 1_000;
/// How long after a new key is in force a last look follows, at the soonest; and how soon it is tried again.
const SETTLED_AFTER: TimeDelta = TimeDelta::minutes(2);
const TRIED_AGAIN_AFTER: TimeDelta = TimeDelta::seconds(30);

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
/// Gives at most `limit` rows behind an id the blind index of the current key beside those of older ones, which the last look
/// takes away. Returns where it came to, `None` behind the last, and how many have got one.
pub type Reindex = for<'a> fn(
    tx: &'a mut TenantTx,
    cipher: &'a TenantCipher,
    behind: (Uuid, i64),
    look: Look,
) -> BoxFuture<'a, Result<(Option<Uuid>, u64)>>;

/// What a look at the rows of a blind index is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Look {
    /// The current key's index joins those that are there.
    Add,
    /// The others go.
    Last,
}

/// A blind index that the tenant's data key makes. Each area names its own.
#[derive(Clone, Copy)]
pub struct BlindIndex {
    pub table: &'static str,
    pub reindex: Reindex,
}

/// A place among names, in their order. The first: two empty texts.
pub type Spot = (String, String);
/// Moves a handful of the names behind a place from older keys to the one the cipher indexes with. Returns where it came to,
/// `None` behind the last, and how many moved.
pub type Rename = for<'a> fn(
    tx: &'a mut TenantTx,
    cipher: &'a TenantCipher,
    after: Spot,
) -> BoxFuture<'a, Result<(Option<Spot>, u64)>>;

/// A column whose values the tenant's data key seals, in a table with an `id`. Each area names its own.
#[derive(Clone, Copy)]
pub struct SealedColumn {
    pub table: &'static str,
    pub column: &'static str,
    pub page: Page,
    pub count: Count,
    pub put: Put,
}

/// Names in a table that come from a data key and say from which. Who looks for one looks under the older keys, too.
#[derive(Clone, Copy)]
pub struct KeyedNames {
    pub table: &'static str,
    pub rename: Rename,
}

/// All there is to be brought to a new key.
#[derive(Clone, Default)]
pub struct Places {
    pub columns: Vec<SealedColumn>,
    pub indexes: Vec<BlindIndex>,
    pub names: Vec<KeyedNames>,
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
    /// From where to go on then.
    pub reached: Option<Reached>,
}

/// Where a look at the rows of blind indexes was left, for whoever goes on with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reached {
    /// The key it was for.
    key: Uuid,
    look: Look,
    /// Which of the indexes, and the last row.
    index: usize,
    after: Uuid,
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

/// Whether the current key is in force, and the ones before are out of use.
enum Standing {
    /// There is none before it that anything may be sealed with.
    Alone,
    /// Indexes come from an older key than this, or it is not known since when they do not.
    ToSwitch(Uuid),
    /// Somebody may still be writing with an older key.
    Open(Instant),
    /// Whoever writes does it with this one.
    Settled(Uuid),
}

/// Seals anew whatever is left. `told` hears of each handful.
pub async fn run(
    with: (&Db, &TenantKeys, &Clock),
    tenant: TenantId,
    places: &Places,
    told: impl FnMut(&'static str, u64),
) -> Result<Done> {
    run_part(with, tenant, places, (None, None), told).await
}

/// The same until `deadline`, from where the part before has `reached`.
pub async fn run_part(
    with: (&Db, &TenantKeys, &Clock),
    tenant: TenantId,
    places: &Places,
    (deadline, reached): (Option<Instant>, Option<Reached>),
    mut told: impl FnMut(&'static str, u64),
) -> Result<Done> {
    let (db, keys, clock) = with;
    let mut done = Done {
        reached,
        ..Done::default()
    };
    // Before anything is looked at: only what is written with the new key may come behind the look.
    let standing = standing(db, keys, tenant, clock.now()).await?;
    let in_time = columns(with, tenant, places, deadline, (&mut done, &mut told)).await?;
    if !in_time {
        done.again_at = Some(clock.now());
        return Ok(done);
    }
    match standing {
        Standing::Alone => {}
        Standing::ToSwitch(current) => {
            let new = (current, Look::Add);
            let all_have_it = indexes(with, tenant, places, new, deadline, (&mut done, &mut told));
            if all_have_it.await? && switch(db, keys, tenant, (current, clock.now())).await? {
                note_in_force(db, tenant).await?;
                done.again_at = Some(clock.now() + SETTLED_AFTER);
            } else {
                done.again_at = Some(clock.now());
            }
        }
        Standing::Open(again_at) => done.again_at = Some(again_at),
        Standing::Settled(current) => {
            let last = (current, Look::Last);
            if names(with, tenant, places, deadline, (&mut done, &mut told)).await?
                && indexes(with, tenant, places, last, deadline, (&mut done, &mut told)).await?
            {
                drain((db, keys), tenant, places, (current, clock.now())).await?;
            } else {
                done.again_at = Some(clock.now());
            }
        }
    }
    Ok(done)
}

/// Seals the values of all columns anew. Returns whether it came to the end in time.
async fn columns(
    (db, keys, clock): (&Db, &TenantKeys, &Clock),
    tenant: TenantId,
    places: &Places,
    deadline: Option<Instant>,
    (done, told): (&mut Done, &mut impl FnMut(&'static str, u64)),
) -> Result<bool> {
    for column in &places.columns {
        let mut after = Uuid::nil();
        loop {
            if deadline.is_some_and(|deadline| clock.now() >= deadline) {
                return Ok(false);
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
    Ok(true)
}

/// Moves names, a handful a transaction. Returns whether it came to the end in time.
async fn names(
    (db, keys, clock): (&Db, &TenantKeys, &Clock),
    tenant: TenantId,
    places: &Places,
    deadline: Option<Instant>,
    (done, told): (&mut Done, &mut impl FnMut(&'static str, u64)),
) -> Result<bool> {
    for names in &places.names {
        let mut after = Some(Spot::default());
        while let Some(from) = after {
            if deadline.is_some_and(|deadline| clock.now() >= deadline) {
                return Ok(false);
            }
            let mut tx = SystemTx::begin(db, tenant).await?;
            let cipher = keys.cipher(&mut tx).await?;
            let (to, moved) = (names.rename)(&mut tx, &cipher, from).await?;
            tx.commit().await?;
            after = to;
            done.indexed += moved;
            told(names.table, moved);
        }
    }
    Ok(true)
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

/// Looks at the rows of every blind index, a handful a transaction, from where the same look was left. Returns whether it came to
/// the end in time, and there was no newer key.
async fn indexes(
    (db, keys, clock): (&Db, &TenantKeys, &Clock),
    tenant: TenantId,
    places: &Places,
    (current, look): (Uuid, Look),
    deadline: Option<Instant>,
    (done, told): (&mut Done, &mut impl FnMut(&'static str, u64)),
) -> Result<bool> {
    let begun = done.reached.take();
    let begun = begun.filter(|reached| reached.key == current && reached.look == look);
    for (number, index) in places.indexes.iter().enumerate() {
        let mut after = match begun {
            Some(reached) if number < reached.index => continue,
            Some(reached) if number == reached.index => Some(reached.after),
            _ => Some(Uuid::nil()),
        };
        while let Some(from) = after {
            if deadline.is_some_and(|deadline| clock.now() >= deadline) {
                done.reached = Some(Reached {
                    key: current,
                    look,
                    index: number,
                    after: from,
                });
                return Ok(false);
            }
            let mut tx = SystemTx::begin(db, tenant).await?;
            let cipher = keys.cipher(&mut tx).await?;
            if cipher.current() != current {
                return Ok(false);
            }
            let (to, moved) = (index.reindex)(&mut tx, &cipher, (from, INDEXED), look).await?;
            tx.commit().await?;
            after = to;
            done.indexed += moved;
            told(index.table, moved);
        }
    }
    Ok(true)
}

/// Takes this key for blind indexes, unless there is a newer one by now. Returns whether it did.
async fn switch(
    db: &Db,
    keys: &TenantKeys,
    tenant: TenantId,
    (current, now): (Uuid, Instant),
) -> Result<bool> {
    let mut tx = SystemTx::begin(db, tenant).await?;
    let cipher = keys.cipher(&mut tx).await?;
    if cipher.index_key() == current {
        return Ok(true);
    }
    let done = sqlx::query!(
        "update app.tenant_keys set indexed_at = $3 where tenant_id = $1 and id = $2 and retired_at is null",
        tenant.0,
        current,
        now
    )
    .execute(tx.conn())
    .await?;
    tx.commit().await?;
    Ok(done.rows_affected() == 1)
}

/// Where the tenant's keys stand at this moment.
async fn standing(db: &Db, keys: &TenantKeys, tenant: TenantId, now: Instant) -> Result<Standing> {
    let mut tx = SystemTx::begin(db, tenant).await?;
    let cipher = keys.cipher(&mut tx).await?;
    let row = sqlx::query!(
        r#"select k.in_force_since,
                  exists (select from app.tenant_keys o
                           where o.tenant_id = $1 and o.retired_at is not null and o.drained_at is null) as "older!",
                  exists (select from pg_stat_activity a
                           where a.datname = current_database() and a.usename = session_user
                             and a.pid <> pg_backend_pid() and a.xact_start < k.in_force_since) as "open!"
             from app.tenant_keys k where k.tenant_id = $1 and k.id = $2"#,
        tenant.0,
        cipher.current()
    )
    .fetch_one(tx.conn())
    .await?;
    if !row.older {
        return Ok(Standing::Alone);
    }
    let switched = cipher.index_key() == cipher.current();
    let Some(since) = row.in_force_since.filter(|_| switched) else {
        return Ok(Standing::ToSwitch(cipher.current()));
    };
    let soonest = since + SETTLED_AFTER;
    Ok(if now < soonest {
        Standing::Open(soonest)
    } else if row.open {
        Standing::Open(now + TRIED_AGAIN_AFTER)
    } else {
        Standing::Settled(cipher.current())
    })
}

/// Notes that every transaction that begins from now on seals and indexes with the current key. After the commit that made it
/// so, and by the database's clock, by which it tells when others began.
async fn note_in_force(db: &Db, tenant: TenantId) -> Result<()> {
    let mut tx = SystemTx::begin(db, tenant).await?;
    sqlx::query!(
        "update app.tenant_keys set in_force_since = clock_timestamp()
          where tenant_id = $1 and retired_at is null and indexed_at is not null and in_force_since is null",
        tenant.0
    )
    .execute(tx.conn())
    .await?;
    tx.commit().await
}

/// Marks the keys before the current one as drained if nothing names them any more. What can't be opened stays, and somebody
/// has to look at it.
async fn drain(
    (db, keys): (&Db, &TenantKeys),
    tenant: TenantId,
    places: &Places,
    (current, now): (Uuid, Instant),
) -> Result<()> {
    let mut tx = SystemTx::begin(db, tenant).await?;
    if left(&mut tx, keys, places).await?.total() > 0 {
        return Ok(());
    }
    // Unless there is a newer one by now: then all begins again.
    sqlx::query!(
        "update app.tenant_keys o set drained_at = $3
          where o.tenant_id = $1 and o.retired_at is not null and o.drained_at is null
            and exists (select from app.tenant_keys k where k.tenant_id = $1 and k.id = $2 and k.retired_at is null)",
        tenant.0,
        current,
        now
    )
    .execute(tx.conn())
    .await?;
    tx.commit().await
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
