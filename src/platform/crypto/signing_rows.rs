//! Rows of `app.signing_keys`: unwrapping them, making missing ones, retiring, wrapping anew.
//!
//! A key's id is its purpose and a number, `seal-3`; of the keys not retired the highest number is current. Two servers
//! that start at once both try to insert the same id: the second waits for the first, does nothing, and reads the first
//! one's key. So no lock is needed, and no server holds a key that another can't know.
//!
//! Trap: that holds at READ COMMITTED, the default; what is read after the insert must see what others committed.

use ed25519_dalek::SigningKey;
use kernel::Result;
use kernel::clock::Instant;
use sqlx::PgConnection;
use zeroize::Zeroizing;

use super::{Fault, KeyWrapper, Purpose, primitives, random};

/// A signing key, unwrapped.
pub(super) struct Key {
    pub id: String,
    pub purpose: Purpose,
    /// An Ed25519 seed, or an HMAC key.
    pub secret: Zeroizing<[u8; 32]>,
    /// Signs no more since then.
    pub retired_at: Option<Instant>,
    /// In other hands since then.
    pub compromised_at: Option<Instant>,
}

pub(super) struct Row {
    pub id: String,
    pub purpose: String,
    pub public_key: Vec<u8>,
    pub wrapped: Vec<u8>,
    pub master_key_id: String,
    pub retired_at: Option<Instant>,
    pub compromised_at: Option<Instant>,
}

/// A signing key without its secret, as an operator is shown it.
#[derive(Clone, Debug)]
pub struct Listed {
    pub id: String,
    pub created_at: Instant,
    pub retired_at: Option<Instant>,
    pub compromised_at: Option<Instant>,
}

/// The keys there are, the oldest first.
pub(super) async fn list(conn: &mut PgConnection) -> Result<Vec<Listed>> {
    let rows = sqlx::query_as!(
        Listed,
        "select k.id, k.created_at, k.retired_at, k.compromised_at from app.signing_keys k order by k.created_at, k.id"
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// What a wrapped signing key is bound to.
fn place(purpose: Purpose, id: &str) -> Vec<u8> {
    format!("chartwell.signing_key|{}|{id}", purpose.as_str()).into_bytes()
}

/// The number of a key of this purpose; 0 for an id of another form.
fn number(purpose: Purpose, id: &str) -> u64 {
    let digits = id
        .strip_prefix(purpose.as_str())
        .and_then(|rest| rest.strip_prefix('-'));
    digits.and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

/// What stands in `public_key`: nothing for a key without public half.
fn public_half(purpose: Purpose, secret: &[u8; 32]) -> Vec<u8> {
    match purpose {
        Purpose::AccessToken | Purpose::Seal => SigningKey::from_bytes(secret)
            .verifying_key()
            .to_bytes()
            .to_vec(),
        Purpose::RecordMac => Vec::new(),
    }
}

/// A new key with the number after the highest of its purpose.
pub(super) async fn fresh(rows: &[Row], wrapper: &dyn KeyWrapper, purpose: Purpose) -> Result<Row> {
    let highest = rows
        .iter()
        .map(|row| number(purpose, &row.id))
        .max()
        .unwrap_or(0);
    let id = format!("{}-{}", purpose.as_str(), highest + 1);
    let secret = Zeroizing::new(random::secret::<32>());
    Ok(Row {
        purpose: purpose.as_str().to_owned(),
        public_key: public_half(purpose, &secret),
        wrapped: wrapper
            .wrap(&place(purpose, &id), secret.as_slice())
            .await?,
        master_key_id: wrapper.key_id().to_owned(),
        retired_at: None,
        compromised_at: None,
        id,
    })
}

/// Unwraps every row, retired ones too, so that a wrong master key is found now. The newest key comes first.
pub(super) async fn unwrap(rows: &[Row], wrapper: &dyn KeyWrapper) -> Result<Vec<Key>> {
    let mut keys = Vec::with_capacity(rows.len());
    for row in rows {
        let damaged = || Fault::SigningKeyDamaged(row.id.clone());
        let purpose = Purpose::parse(&row.purpose).ok_or_else(damaged)?;
        let unwrapped = wrapper
            .unwrap(&row.master_key_id, &place(purpose, &row.id), &row.wrapped)
            .await?;
        let secret = primitives::key_bytes(&unwrapped, &row.master_key_id)?;
        // The public half is derived, never taken from the row: who can write the row must not choose it.
        if public_half(purpose, &secret) != row.public_key {
            return Err(damaged().into());
        }
        keys.push(Key {
            id: row.id.clone(),
            purpose,
            secret,
            retired_at: row.retired_at,
            compromised_at: row.compromised_at,
        });
    }
    keys.sort_by_key(|key| std::cmp::Reverse(number(key.purpose, &key.id)));
    Ok(keys)
}

pub(super) async fn all(conn: &mut PgConnection) -> Result<Vec<Row>> {
    let rows = sqlx::query_as!(
        Row,
        "select k.id, k.purpose, k.public_key, k.wrapped, k.master_key_id, k.retired_at, k.compromised_at
           from app.signing_keys k order by k.created_at, k.id"
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Inserts the key unless another server was first.
pub(super) async fn insert(conn: &mut PgConnection, row: &Row, now: Instant) -> Result<()> {
    sqlx::query!(
        "insert into app.signing_keys (id, purpose, public_key, wrapped, master_key_id, created_at)
         values ($1, $2, $3, $4, $5, $6) on conflict (id) do nothing",
        row.id,
        row.purpose,
        row.public_key,
        row.wrapped,
        row.master_key_id,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn retire(conn: &mut PgConnection, ids: &[String], now: Instant) -> Result<()> {
    sqlx::query!(
        "update app.signing_keys set retired_at = $2 where id = any($1) and retired_at is null",
        ids,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Notes that a key has been in other hands since an instant; the earlier of two counts. Returns whether there is such a key.
pub(super) async fn disown(conn: &mut PgConnection, id: &str, since: Instant) -> Result<bool> {
    let done = sqlx::query!(
        "update app.signing_keys set compromised_at = least(compromised_at, $2) where id = $1",
        id,
        since
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Wraps a row anew, unless that has happened meanwhile. Returns how many rows changed.
pub(super) async fn rewrap(
    conn: &mut PgConnection,
    wrapper: &dyn KeyWrapper,
    row: &Row,
) -> Result<u64> {
    let purpose =
        Purpose::parse(&row.purpose).ok_or_else(|| Fault::SigningKeyDamaged(row.id.clone()))?;
    let place = place(purpose, &row.id);
    let secret = wrapper
        .unwrap(&row.master_key_id, &place, &row.wrapped)
        .await?;
    let wrapped = wrapper.wrap(&place, &secret).await?;
    let done = sqlx::query!(
        "update app.signing_keys set wrapped = $2, master_key_id = $3 where id = $1 and wrapped = $4",
        row.id,
        wrapped,
        wrapper.key_id(),
        row.wrapped
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
