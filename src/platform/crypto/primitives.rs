//! AES-256-GCM with a random nonce in front, and HMAC-SHA256.
//!
//! A random 96-bit nonce is good for 2³² messages of one key: far above what a tenant's rows or a master key's wrappings
//! come to.

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{Fault, random};

const NONCE: usize = 12;

pub(super) fn cipher(key: &[u8; 32]) -> Aes256Gcm {
    Aes256Gcm::new(key.into())
}

/// `nonce | ciphertext | tag`.
pub(super) fn seal(cipher: &Aes256Gcm, aad: &[u8], plain: &[u8]) -> Vec<u8> {
    let nonce = random::secret::<NONCE>();
    let sealed = cipher
        .encrypt(&Nonce::from(nonce), Payload { msg: plain, aad })
        .expect("AES-GCM refuses only messages of 64 GiB and more");
    [&nonce[..], &sealed].concat()
}

/// `None` if the key or the additional data are others, or a bit has changed.
pub(super) fn open(cipher: &Aes256Gcm, aad: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, body) = sealed.split_first_chunk::<NONCE>()?;
    cipher
        .decrypt(&Nonce::from(*nonce), Payload { msg: body, aad })
        .ok()
        .map(Zeroizing::new)
}

/// HMAC-SHA256 over the parts, one after the other. Parts of varying length need a separator between them.
pub(super) fn hmac(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac =
        <Hmac<Sha256> as KeyInit>::new_from_slice(key).expect("HMAC takes a key of any length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// The 32 bytes of a key that was unwrapped by the master key named.
pub(super) fn key_bytes(
    unwrapped: &[u8],
    master_key_id: &str,
) -> Result<Zeroizing<[u8; 32]>, Fault> {
    unwrapped
        .try_into()
        .map(Zeroizing::new)
        .map_err(|_| Fault::WrappedKeyDamaged(master_key_id.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hmac_agrees_with_rfc_4231() {
        // Test case 2 of the RFC, its key padded with zeros to a block anyway.
        let mut key = [0; 32];
        key[..4].copy_from_slice(b"Jefe");
        let expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(
            hex::encode(hmac(&key, &[b"what do ya want ", b"for nothing?"])),
            expected
        );
    }

    #[test]
    fn what_is_too_short_to_hold_a_nonce_does_not_open() {
        let cipher = cipher(&random::secret());
        assert!(open(&cipher, b"", b"").is_none());
        assert!(open(&cipher, b"", &[0; 11]).is_none());
        assert!(open(&cipher, b"", &[0; 12]).is_none());
    }
}
