//! Signatures of a tenant on his records: Ed25519 over a SHA-256 hash, with a key that is his and nobody else's.
//!
//! The key is made when the tenant first signs. Its private half is sealed with the tenant's data key, which the master key
//! wraps: a new master key changes nothing here. Retired keys go on verifying.
//!
//! Traps: the public half is derived from the private one whenever we verify, never taken from the row: who can write the row
//! must not choose it. Two transactions may both find no key: the second waits for the first at the unique index, does
//! nothing, and reads the first one's.

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use kernel::clock::Instant;
use kernel::ids::mint;
use kernel::{Error, Result};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{Fault, FieldRef, TenantCipher, random};
use crate::db::TenantTx;

/// Keeps signatures on records apart from anything else a key might ever sign.
const DOMAIN: &[u8] = b"chartwell.record.v1\0";

/// A signature, and the key that made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordSignature {
    pub key_id: Uuid,
    pub signature: [u8; 64],
}

/// The public half of a tenant's key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordKey {
    pub id: Uuid,
    pub public: [u8; 32],
    pub created_at: Instant,
    /// Signs no more since then.
    pub retired_at: Option<Instant>,
    /// In other hands since then.
    pub compromised_at: Option<Instant>,
}

impl RecordKey {
    /// Whether a signature that bears this time is to be believed. A thief may date his signatures back: what was on record
    /// before, only the sealed change history tells.
    pub fn is_trusted_at(&self, signed_at: Instant) -> bool {
        self.compromised_at.is_none_or(|since| signed_at < since)
    }
}

/// The bytes that are signed for a record with this SHA-256 hash: `"chartwell.record.v1"`, a NUL, the 32 bytes.
pub fn message(hash: &[u8; 32]) -> Vec<u8> {
    [DOMAIN, hash].concat()
}

/// Retires the current key of the transaction's tenant and makes a new one. Returns the new key's id.
pub async fn rotate(tx: &mut TenantTx, cipher: &TenantCipher, now: Instant) -> Result<Uuid> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update app.tenant_signing_keys set retired_at = $2
          where tenant_id = $1 and purpose = 'record' and retired_at is null",
        tenant as _,
        now
    )
    .execute(tx.conn())
    .await?;
    create(tx, cipher, now).await.map(|(id, _)| id)
}

/// Says that a key of the transaction's tenant has been in other hands since an instant. It signs no more; the next signature
/// makes a new one. Said twice, the earlier instant counts. Returns whether there is such a key.
pub async fn disown(tx: &mut TenantTx, id: Uuid, since: Instant, now: Instant) -> Result<bool> {
    let tenant = tx.tenant();
    let done = sqlx::query!(
        "update app.tenant_signing_keys
            set compromised_at = least(compromised_at, $3), retired_at = coalesce(retired_at, $4)
          where tenant_id = $1 and id = $2",
        tenant as _,
        id,
        since,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Signs a record's hash with the current key of the transaction's tenant, which is made if there is none.
pub async fn sign(
    tx: &mut TenantTx,
    cipher: &TenantCipher,
    hash: &[u8; 32],
    now: Instant,
) -> Result<RecordSignature> {
    let (id, key) = match current(tx, cipher).await? {
        Some(found) => found,
        None => create(tx, cipher, now).await?,
    };
    Ok(RecordSignature {
        key_id: id,
        signature: key.sign(&message(hash)).to_bytes(),
    })
}

/// The public halves of all the tenant's keys, retired ones too, the oldest first.
pub async fn public_keys(tx: &mut TenantTx, cipher: &TenantCipher) -> Result<Vec<RecordKey>> {
    let tenant = tx.tenant();
    let rows = sqlx::query!(
        "select k.id, k.sealed, k.created_at, k.retired_at, k.compromised_at from app.tenant_signing_keys k
          where k.tenant_id = $1 order by k.created_at, k.id",
        tenant as _
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter()
        .map(|row| {
            let key = open(tx, cipher, row.id, &row.sealed)?;
            Ok(RecordKey {
                id: row.id,
                public: key.verifying_key().to_bytes(),
                created_at: row.created_at,
                retired_at: row.retired_at,
                compromised_at: row.compromised_at,
            })
        })
        .collect()
}

/// Whether the owner of the public key signed a record with this hash.
pub fn verify(public: &[u8; 32], hash: &[u8; 32], signature: &[u8]) -> bool {
    match (
        VerifyingKey::from_bytes(public),
        Signature::from_slice(signature),
    ) {
        (Ok(key), Ok(signature)) => key.verify_strict(&message(hash), &signature).is_ok(),
        _ => false,
    }
}

async fn current(tx: &mut TenantTx, cipher: &TenantCipher) -> Result<Option<(Uuid, SigningKey)>> {
    let tenant = tx.tenant();
    let row = sqlx::query!(
        "select k.id, k.sealed from app.tenant_signing_keys k
          where k.tenant_id = $1 and k.purpose = 'record' and k.retired_at is null",
        tenant as _
    )
    .fetch_optional(tx.conn())
    .await?;
    row.map(|row| Ok((row.id, open(tx, cipher, row.id, &row.sealed)?)))
        .transpose()
}

async fn create(
    tx: &mut TenantTx,
    cipher: &TenantCipher,
    now: Instant,
) -> Result<(Uuid, SigningKey)> {
    let (tenant, id) = (tx.tenant(), mint());
    let seed = Zeroizing::new(random::secret::<32>());
    let public = SigningKey::from_bytes(&seed).verifying_key().to_bytes();
    let sealed = cipher.seal(&place(tx, id), seed.as_slice());
    sqlx::query!(
        "insert into app.tenant_signing_keys (tenant_id, id, purpose, public_key, sealed, created_at)
         values ($1, $2, 'record', $3, $4, $5) on conflict do nothing",
        tenant as _,
        id,
        public.as_slice(),
        sealed,
        now
    )
    .execute(tx.conn())
    .await?;
    current(tx, cipher)
        .await?
        .ok_or_else(|| Error::internal("a signing key was made and is not there"))
}

fn open(tx: &TenantTx, cipher: &TenantCipher, id: Uuid, sealed: &str) -> Result<SigningKey> {
    let seed = cipher.open(&place(tx, id), sealed)?;
    let seed: Zeroizing<[u8; 32]> = seed
        .as_slice()
        .try_into()
        .map(Zeroizing::new)
        .map_err(|_| Fault::SealedForm)?;
    Ok(SigningKey::from_bytes(&seed))
}

fn place(tx: &TenantTx, id: Uuid) -> FieldRef {
    FieldRef {
        tenant: tx.tenant(),
        table: "tenant_signing_keys",
        column: "sealed",
        row: id,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_good_for_its_hash_and_key_alone() {
        let key = SigningKey::from_bytes(&[7; 32]);
        let public = key.verifying_key().to_bytes();
        let signature = key.sign(&message(&[1; 32])).to_bytes();
        assert!(verify(&public, &[1; 32], &signature));
        assert!(!verify(&public, &[2; 32], &signature));
        let other = SigningKey::from_bytes(&[8; 32]).verifying_key().to_bytes();
        assert!(!verify(&other, &[1; 32], &signature));
        assert!(!verify(&public, &[1; 32], &signature[..63]));
        // From the instant it is disowned, and not before.
        let since = kernel::Clock::system().now();
        let key_at = |compromised_at| RecordKey {
            id: mint(),
            public,
            created_at: since,
            retired_at: None,
            compromised_at,
        };
        let moment = chrono::TimeDelta::microseconds(1);
        assert!(key_at(None).is_trusted_at(since));
        assert!(key_at(Some(since)).is_trusted_at(since - moment));
        assert!(!key_at(Some(since)).is_trusted_at(since));
        // A signature on the bare hash is not one on a record.
        let bare = key.sign(&[1; 32]).to_bytes();
        assert!(!verify(&public, &[1; 32], &bare));
    }
}
