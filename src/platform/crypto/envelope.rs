//! A tenant's cipher: seals single values of rows, and computes the blind indexes by which sealed values are found.
//!
//! A sealed value is text, `v1.<data key id>.<base64url(nonce | ciphertext | tag)>`, bound to its tenant, table, column
//! and row: copied elsewhere it does not open. Of a data key only subkeys are used: one for sealing, one for indexes,
//! one for signatures.
//!
//! Traps: values are sealed with the current data key and opened with whichever they name, but a blind index comes from one
//! key, the same for all rows, because it is compared. Until every row has the new key's too (see `reseal`), that is the one
//! before, at first the tenant's first; rows are written with both then, and whoever looks for one looks for all forms. A blind
//! index knows nothing of spelling: bring the value to its canonical form before.

use std::collections::HashMap;
use std::fmt;

use aes_gcm::Aes256Gcm;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kernel::ids::TenantId;
use kernel::{Error, Result};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{Fault, primitives};

const FORM: &str = "v1";

/// Where a sealed value lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldRef {
    pub tenant: TenantId,
    pub table: &'static str,
    pub column: &'static str,
    /// The id of the row.
    pub row: Uuid,
}

impl FieldRef {
    fn aad(&self) -> Vec<u8> {
        // Fixed lengths first, then names, which hold no NUL: no two places give the same bytes.
        [
            self.tenant.0.as_bytes().as_slice(),
            self.row.as_bytes(),
            self.table.as_bytes(),
            b"\0",
            self.column.as_bytes(),
        ]
        .concat()
    }
}

/// A data key of a tenant, unwrapped.
pub struct DataKey {
    pub id: Uuid,
    pub secret: Zeroizing<[u8; 32]>,
    /// Seals no more, still opens.
    pub retired: bool,
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataKey")
            .field("id", &self.id)
            .field("retired", &self.retired)
            .finish_non_exhaustive()
    }
}

/// Seals and opens the values of one tenant.
pub struct TenantCipher {
    current: Uuid,
    ciphers: HashMap<Uuid, Aes256Gcm>,
    indexes: HashMap<Uuid, Zeroizing<[u8; 32]>>,
    /// Whose index key is in use.
    index: Uuid,
    /// All keys, the oldest first.
    order: Vec<Uuid>,
}

impl TenantCipher {
    /// A cipher from all data keys of a tenant, the oldest first. At least one must not be retired; the newest of those
    /// seals.
    pub fn new(keys: &[DataKey]) -> Result<Self, Fault> {
        let current = keys
            .iter()
            .rfind(|key| !key.retired)
            .ok_or(Fault::DataKeyMissing)?
            .id;
        let first = keys.first().ok_or(Fault::DataKeyMissing)?;
        let ciphers = keys
            .iter()
            .map(|key| {
                (
                    key.id,
                    primitives::cipher(&subkey(&key.secret, b"chartwell.field.seal.v1")),
                )
            })
            .collect();
        let indexes = keys
            .iter()
            .map(|key| (key.id, subkey(&key.secret, b"chartwell.field.index.v1")))
            .collect();
        Ok(Self {
            current,
            ciphers,
            indexes,
            index: first.id,
            order: keys.iter().map(|key| key.id).collect(),
        })
    }

    /// Takes its blind indexes from this key instead of the first.
    #[must_use]
    pub fn indexing_with(mut self, key: Uuid) -> Self {
        if self.indexes.contains_key(&key) {
            self.index = key;
        }
        self
    }

    /// The key that seals.
    pub fn current(&self) -> Uuid {
        self.current
    }

    /// The key that blind indexes come from.
    pub fn index_key(&self) -> Uuid {
        self.index
    }

    /// What every value begins with that the current key has sealed.
    pub fn mark(&self) -> String {
        format!("{FORM}.{}.", self.current)
    }

    /// The same value, sealed for the same place with the current key.
    pub fn reseal(&self, place: &FieldRef, sealed: &str) -> Result<String> {
        Ok(self.seal(place, &self.open(place, sealed)?))
    }

    /// Seals a value for its place.
    pub fn seal(&self, place: &FieldRef, plain: &[u8]) -> String {
        let sealed = primitives::seal(&self.ciphers[&self.current], &place.aad(), plain);
        format!("{FORM}.{}.{}", self.current, URL_SAFE_NO_PAD.encode(sealed))
    }

    /// Opens a value sealed for the same place, with a current or a retired key.
    ///
    /// Fails as [`Code::Internal`](kernel::Code::Internal) with a [`Fault`] as the cause: a stored value that does not
    /// open is never the caller's doing.
    pub fn open(&self, place: &FieldRef, sealed: &str) -> Result<Zeroizing<Vec<u8>>, Error> {
        let (key, body) = parse(sealed).ok_or(Fault::SealedForm)?;
        let cipher = self.ciphers.get(&key).ok_or(Fault::DataKeyUnknown(key))?;
        Ok(primitives::open(cipher, &place.aad(), &body).ok_or(Fault::SealedDamaged)?)
    }

    /// The key by which a sealed value is found: 32 hex digits, the same for the same kind and value of this tenant, and
    /// telling nothing without the tenant's key. `kind` keeps equal values of different meaning apart (`"ssn"`).
    pub fn blind_index(&self, kind: &str, value: &str) -> String {
        self.index_by(self.index, kind, value)
    }

    /// What a row is to be found by: its index under the key in use, and under the current one that is to take its place.
    pub fn blind_indexes(&self, kind: &str, value: &str) -> Vec<String> {
        let mut keys = vec![self.index, self.current];
        keys.dedup();
        keys.into_iter()
            .map(|key| self.index_by(key, kind, value))
            .collect()
    }

    /// The same under every key there is, the one in use first: what a row may be found by that was written at any time.
    pub fn possible_indexes(&self, kind: &str, value: &str) -> Vec<String> {
        let mut all = vec![self.blind_index(kind, value)];
        all.extend(self.former_indexes(kind, value));
        all
    }

    /// The same under the current key alone.
    pub fn current_index(&self, kind: &str, value: &str) -> String {
        self.index_by(self.current, kind, value)
    }

    /// As [`blind_index`](Self::blind_index), for what can't be computed again because the value is not kept: the first key's
    /// index, indexed by the second, and so on to the one in use. So it moves to a new key without its value
    /// ([`lasting_again`](Self::lasting_again)), and whoever has the older keys alone can try no values. From the second key on
    /// it says which one was the last: `<key>.<index>`.
    pub fn lasting_index(&self, kind: &str, value: &str) -> String {
        let first = self.order.first().copied().unwrap_or(self.index);
        self.lasting_from(first, kind, self.index_by(first, kind, value))
    }

    /// What [`lasting_index`](Self::lasting_index) said before the key in use was, under each key in turn.
    pub fn lasting_formers(&self, kind: &str, value: &str) -> Vec<String> {
        let before = self.order.iter().take_while(|key| **key != self.index);
        let mut index = value.to_owned();
        before
            .enumerate()
            .map(|(place, key)| {
                index = self.index_by(*key, kind, &index);
                if place == 0 {
                    index.clone()
                } else {
                    format!("{}.{index}", key.simple())
                }
            })
            .collect()
    }

    /// What such an index begins with that comes from the key in use; nothing where there never was another.
    pub fn lasting_mark(&self) -> Option<String> {
        let first = self.order.first().copied();
        (first != Some(self.index)).then(|| format!("{}.", self.index.simple()))
    }

    /// The same, from what was stored of it under an older key; `None` for what is no such index of ours.
    pub fn lasting_again(&self, kind: &str, stored: &str) -> Option<String> {
        let (key, index) = match stored.split_once('.') {
            Some((key, index)) => (Uuid::try_parse(key).ok()?, index),
            None => (*self.order.first()?, stored),
        };
        let formed = index.len() == 32 && index.bytes().all(|byte| byte.is_ascii_hexdigit());
        let known = formed && self.order.contains(&key);
        known.then(|| self.lasting_from(key, kind, index.to_owned()))
    }

    fn lasting_from(&self, key: Uuid, kind: &str, index: String) -> String {
        let place = |id: Uuid| self.order.iter().position(|key| *key == id).unwrap_or(0);
        let (done, until) = (place(key), place(self.index).max(place(key)));
        let later = self.order.get(done + 1..=until).unwrap_or_default();
        let index = later
            .iter()
            .fold(index, |index, key| self.index_by(*key, kind, &index));
        match self.order.get(until) {
            Some(key) if until > 0 => format!("{}.{index}", key.simple()),
            _ => index,
        }
    }

    /// The blind index under every key but the one in use: what a row may still be found by.
    pub fn former_indexes(&self, kind: &str, value: &str) -> Vec<String> {
        let others = self.indexes.keys().filter(|key| **key != self.index);
        others.map(|key| self.index_by(*key, kind, value)).collect()
    }

    fn index_by(&self, key: Uuid, kind: &str, value: &str) -> String {
        let mac = primitives::hmac(
            &self.indexes[&key],
            &[kind.as_bytes(), b"\0", value.as_bytes()],
        );
        hex::encode(&mac[..16])
    }
}

impl fmt::Debug for TenantCipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenantCipher")
            .field("current", &self.current)
            .finish_non_exhaustive()
    }
}

/// A key for one use, from which neither the data key nor the other subkey can be found.
fn subkey(secret: &[u8; 32], purpose: &[u8]) -> Zeroizing<[u8; 32]> {
    Zeroizing::new(primitives::hmac(secret, &[purpose]))
}

fn parse(sealed: &str) -> Option<(Uuid, Vec<u8>)> {
    let mut parts = sealed.split('.');
    let (form, key, body) = (parts.next()?, parts.next()?, parts.next()?);
    if form != FORM || parts.next().is_some() {
        return None;
    }
    Some((
        Uuid::parse_str(key).ok()?,
        URL_SAFE_NO_PAD.decode(body).ok()?,
    ))
}

#[cfg(test)]
#[path = "envelope_tests.rs"]
mod tests;
