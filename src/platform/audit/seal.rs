//! A seal: the Merkle root of a tenant's records over a range of transactions, linked to the seal before it and signed.
//!
//! What is signed are the seal's canonical bytes, which hold the digest of its manifest and the hash of the seal before.
//! So one signature vouches for every record and every seal up to it, and the last one, kept outside the database,
//! for the whole log.

use chrono::SubsecRound;
use kernel::clock::Instant;
use kernel::ids::TenantId;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::log::{Log, Row};
use super::manifest;
use super::merkle::{Hash, Tree};
use crate::crypto::SigningKeys;

/// The `previous` of a tenant's first seal.
pub const FIRST: Hash = [0; 32];

/// A seal without its signature. Times in microseconds; ranges of transaction numbers exclude their end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seal {
    pub tenant: TenantId,
    /// Lines written before there were two do not say it.
    #[serde(default)]
    pub log: Log,
    /// 1, 2, 3 … without a gap.
    pub sequence: i64,
    pub from_xid: i64,
    pub until_xid: i64,
    pub first_at: Instant,
    pub last_at: Instant,
    pub records: i32,
    #[serde(with = "hexadecimal")]
    pub root: Vec<u8>,
    /// SHA-256 of the manifest.
    #[serde(with = "hexadecimal")]
    pub manifest: Vec<u8>,
    /// Hash of the seal before.
    #[serde(with = "hexadecimal")]
    pub previous: Vec<u8>,
    pub sealed_at: Instant,
}

impl Seal {
    /// What is signed: every field, numbers big-endian, byte strings with their length before them.
    pub fn canonical(&self) -> Vec<u8> {
        let mut bytes = self.log.domain().to_vec();
        bytes.extend_from_slice(self.tenant.0.as_bytes());
        for number in [
            self.sequence,
            self.from_xid,
            self.until_xid,
            self.first_at.timestamp_micros(),
            self.last_at.timestamp_micros(),
            i64::from(self.records),
            self.sealed_at.timestamp_micros(),
        ] {
            bytes.extend_from_slice(&number.to_be_bytes());
        }
        for hash in [&self.root, &self.manifest, &self.previous] {
            bytes.extend_from_slice(&(hash.len() as u64).to_be_bytes());
            bytes.extend_from_slice(hash);
        }
        bytes
    }

    /// Whether all it holds was left by a single transaction.
    pub fn is_of_one_transaction(&self) -> bool {
        self.until_xid.saturating_sub(self.from_xid) == 1
    }

    /// Whether it is a further piece of the transaction that `before` holds a piece of.
    pub fn continues(&self, before: &Self) -> bool {
        self.is_of_one_transaction()
            && (self.from_xid, self.until_xid) == (before.from_xid, before.until_xid)
    }

    /// Which chain it belongs to.
    pub fn chain(&self) -> (TenantId, Log) {
        (self.tenant, self.log)
    }

    /// What the next seal names as its previous one.
    pub fn hash(&self) -> Hash {
        Sha256::digest(self.canonical()).into()
    }

    pub fn sign(self, keys: &SigningKeys) -> SignedSeal {
        let (key_id, signature) = keys.sign_seal(&self.canonical());
        SignedSeal {
            key_id: key_id.to_owned(),
            signature: signature.to_vec(),
            seal: self,
        }
    }
}

/// A seal and who vouches for it. Can be checked with nothing but the public key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedSeal {
    #[serde(flatten)]
    pub seal: Seal,
    pub key_id: String,
    #[serde(with = "hexadecimal")]
    pub signature: Vec<u8>,
}

impl SignedSeal {
    pub fn verifies(&self, keys: &SigningKeys) -> bool {
        keys.verify_seal(&self.key_id, &self.seal.canonical(), &self.signature)
    }
}

/// The records of one log of one tenant on their way into a seal.
#[derive(Debug, Default)]
pub struct Batch {
    leaves: Vec<(Uuid, Hash)>,
    period: Option<(Instant, Instant)>,
}

impl Batch {
    pub(super) fn add(&mut self, record: &Row, keys: &SigningKeys) {
        self.leaves.push((record.id, record.leaf(keys)));
        let (first, last) = self.period.unwrap_or((record.at, record.at));
        self.period = Some((first.min(record.at), last.max(record.at)));
    }

    pub fn len(&self) -> usize {
        self.leaves.len()
    }

    /// The seal of these records and its manifest. `previous` is the tenant's last seal.
    pub fn close(
        mut self,
        (tenant, log): (TenantId, Log),
        range: (i64, i64),
        previous: Option<&Seal>,
        now: Instant,
    ) -> (Seal, Vec<u8>) {
        let mut manifest = Vec::with_capacity(self.leaves.len() * 24);
        let (root, _) = root_of(&mut self.leaves, |id, leaf| {
            manifest::add(&mut manifest, id, leaf);
        });
        let (first_at, last_at) = self.period.unwrap_or((now, now));
        let seal = Seal {
            tenant,
            log,
            sequence: previous.map_or(0, |seal| seal.sequence).saturating_add(1),
            from_xid: range.0,
            until_xid: range.1,
            first_at,
            last_at,
            records: i32::try_from(manifest::len(&manifest)).unwrap_or(i32::MAX),
            root: root.to_vec(),
            manifest: Sha256::digest(&manifest).to_vec(),
            previous: previous.map_or(FIRST, Seal::hash).to_vec(),
            sealed_at: now.trunc_subsecs(6),
        };
        (seal, manifest)
    }
}

/// Puts leaves into the order of their ids and hashes the tree of them. Returns the root and how many there are.
pub fn root_of(leaves: &mut [(Uuid, Hash)], mut each: impl FnMut(Uuid, &Hash)) -> (Hash, usize) {
    leaves.sort_unstable();
    let mut tree = Tree::default();
    for (id, leaf) in &*leaves {
        tree.push(*leaf);
        each(*id, leaf);
    }
    (tree.root(), leaves.len())
}

mod hexadecimal {
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&hex::encode(bytes))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        hex::decode(String::deserialize(from)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seal() -> Seal {
        let at = Instant::from_timestamp_micros(1_767_225_600_123_456).unwrap_or_default();
        Seal {
            tenant: TenantId(Uuid::from_u128(7)),
            log: Log::Access,
            sequence: 1,
            from_xid: 10,
            until_xid: 20,
            first_at: at,
            last_at: at,
            records: 3,
            root: vec![1; 32],
            manifest: vec![2; 32],
            previous: FIRST.to_vec(),
            sealed_at: at,
        }
    }

    #[test]
    fn canonical_bytes_are_what_they_have_always_been() {
        assert_eq!(
            seal().canonical().len(),
            Log::Access.domain().len() + 16 + 7 * 8 + 3 * (8 + 32)
        );
        // Seals in databases and files hang on these bytes: a change here breaks every one of them.
        assert_eq!(
            hex::encode(seal().hash()),
            "cd9db1adef1baaac60e2e12f9c38c3cc006f8dcde60e98bb3f231be738ffc58a"
        );
    }

    #[test]
    fn every_field_is_signed() {
        let later = seal().sealed_at + chrono::TimeDelta::microseconds(1);
        let changes: [fn(&mut Seal, Instant); 12] = [
            |seal, _| seal.log = Log::History,
            |seal, _| seal.tenant = TenantId(Uuid::from_u128(8)),
            |seal, _| seal.sequence += 1,
            |seal, _| seal.from_xid += 1,
            |seal, _| seal.until_xid += 1,
            |seal, later| seal.first_at = later,
            |seal, later| seal.last_at = later,
            |seal, _| seal.records += 1,
            |seal, _| seal.root[31] ^= 1,
            |seal, _| seal.manifest[0] ^= 1,
            |seal, _| seal.previous.push(0),
            |seal, later| seal.sealed_at = later,
        ];
        for (place, change) in changes.iter().enumerate() {
            let mut changed = seal();
            change(&mut changed, later);
            assert_ne!(changed.hash(), seal().hash(), "change {place}");
        }
    }

    #[test]
    fn a_seal_survives_being_written_down() {
        let signed = SignedSeal {
            seal: seal(),
            key_id: "k1".to_owned(),
            signature: vec![9; 64],
        };
        let line = serde_json::to_string(&signed).expect("a seal is plain data");
        let read: SignedSeal = serde_json::from_str(&line).expect("what was written can be read");
        assert_eq!(read, signed);
    }

    #[test]
    fn a_batch_seals_in_the_order_of_ids_and_links() {
        let leaf = |n: u8| (Uuid::from_u128(n.into()), [n; 32]);
        let batch = |order: [u8; 3]| Batch {
            leaves: order.map(leaf).to_vec(),
            period: None,
        };
        let (one, manifest) = batch([1, 2, 3]).close(
            (seal().tenant, Log::Access),
            (20, 30),
            Some(&seal()),
            seal().sealed_at,
        );
        let (other, same) = batch([3, 1, 2]).close(
            (seal().tenant, Log::Access),
            (20, 30),
            Some(&seal()),
            seal().sealed_at,
        );
        assert_eq!((&one, &manifest), (&other, &same));
        assert_eq!((one.sequence, one.records), (2, 3));
        assert_eq!(one.previous, seal().hash());
        assert_eq!(manifest::differences(&manifest, &[1, 2, 3].map(leaf)), []);
    }
}
