//! Sealing a stream: AES-256-GCM in chunks, by the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár 2015).
//!
//! The nonce of a chunk is a random prefix of the object, the chunk's number, and whether it is the last: so chunks can be
//! opened one by one, and none can be dropped, repeated, moved or taken for the end. Every object has a key of its own, and
//! its name is authenticated with each chunk.

use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::{Aes256Gcm, Nonce};
use zeroize::Zeroizing;

use crate::crypto::random;

/// Bytes of content in a chunk; only the last has fewer.
pub const CHUNK: usize = 64 << 10;
/// What sealing adds to a chunk.
pub(super) const TAG: usize = 16;
/// A chunk as it is stored.
pub(super) const STORED: usize = CHUNK + TAG;

const SECRET: usize = 32;
const PREFIX: usize = 7;

/// The key of one object.
pub struct ObjectKey {
    secret: Zeroizing<[u8; SECRET]>,
    prefix: [u8; PREFIX],
}

impl std::fmt::Debug for ObjectKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ObjectKey").finish_non_exhaustive()
    }
}

impl ObjectKey {
    #[expect(
        clippy::new_without_default,
        reason = "a default key would be another each time"
    )]
    pub fn new() -> Self {
        Self {
            secret: Zeroizing::new(random::secret()),
            prefix: random::secret(),
        }
    }

    /// For keeping, sealed.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new([self.secret.as_slice(), &self.prefix].concat())
    }

    /// What [`to_bytes`](Self::to_bytes) gave.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (secret, prefix) = bytes.split_first_chunk::<SECRET>()?;
        Some(Self {
            secret: Zeroizing::new(*secret),
            prefix: prefix.try_into().ok()?,
        })
    }

    pub(super) fn chunks(&self, name: &[u8]) -> Chunks {
        Chunks {
            cipher: Aes256Gcm::new((&*self.secret).into()),
            prefix: self.prefix,
            name: name.to_vec(),
        }
    }
}

/// Seals and opens the chunks of one object.
pub(super) struct Chunks {
    cipher: Aes256Gcm,
    prefix: [u8; PREFIX],
    name: Vec<u8>,
}

impl Chunks {
    /// Seals a chunk in place.
    pub fn seal(&self, number: u32, last: bool, chunk: &mut Vec<u8>) {
        self.cipher
            .encrypt_in_place(&self.nonce(number, last), &self.name, chunk)
            .expect("AES-GCM refuses only messages of 64 GiB and more");
    }

    /// Opens a chunk in place. False if it is not the chunk of this object, number and end.
    #[must_use]
    pub fn open(&self, number: u32, last: bool, chunk: &mut Vec<u8>) -> bool {
        self.cipher
            .decrypt_in_place(&self.nonce(number, last), &self.name, chunk)
            .is_ok()
    }

    fn nonce(&self, number: u32, last: bool) -> Nonce<aes_gcm::aead::consts::U12> {
        let mut nonce = [0; 12];
        nonce[..PREFIX].copy_from_slice(&self.prefix);
        nonce[PREFIX..11].copy_from_slice(&number.to_be_bytes());
        nonce[11] = u8::from(last);
        nonce.into()
    }
}

/// How many chunks content of this size has: one at least, because even an empty file has an end.
pub(super) fn chunks_of(size: u64) -> u64 {
    size.div_ceil(CHUNK as u64).max(1)
}

/// How large content of this size lies in the store.
pub(super) fn stored_size(size: u64) -> u64 {
    size + chunks_of(size) * TAG as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_opens_only_in_its_place() {
        let key = ObjectKey::new();
        let chunks = key.chunks(b"one");
        let mut sealed = b"content".to_vec();
        chunks.seal(3, false, &mut sealed);
        assert_eq!(sealed.len(), 7 + TAG);
        for (other, number, last) in [
            (key.chunks(b"one"), 4, false),
            (key.chunks(b"one"), 3, true),
            (key.chunks(b"two"), 3, false),
            (ObjectKey::new().chunks(b"one"), 3, false),
        ] {
            assert!(!other.open(number, last, &mut sealed.clone()));
        }
        let kept = ObjectKey::from_bytes(&key.to_bytes()).expect("a key");
        assert!(kept.chunks(b"one").open(3, false, &mut sealed));
        assert_eq!(sealed, b"content");
    }

    #[test]
    fn sizes_are_those_of_whole_chunks_and_one_tag_each() {
        let chunk = CHUNK as u64;
        assert_eq!(stored_size(0), 16);
        assert_eq!(stored_size(1), 17);
        assert_eq!(stored_size(chunk), chunk + 16);
        assert_eq!(stored_size(chunk + 1), chunk + 33);
    }
}
