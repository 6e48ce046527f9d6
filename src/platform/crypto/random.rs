//! Randomness from the operating system, and the digest that tokens are kept as.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// Random bytes fit for a key.
pub fn secret<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .expect("an operating system without randomness can't keep a secret, so nothing goes on");
    bytes
}

/// A random token of 256 bits, as 43 characters of base64url.
pub fn token() -> String {
    URL_SAFE_NO_PAD.encode(secret::<32>())
}

/// SHA-256. Enough to keep a [`token`] by: there is no dictionary of 256-bit secrets.
pub fn digest(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_differ_and_have_the_form_promised() {
        let (one, other) = (token(), token());
        assert_ne!(one, other);
        assert_eq!(one.len(), 43);
        assert!(
            one.bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        );
    }

    #[test]
    fn the_digest_is_sha_256() {
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hex::encode(digest(b"abc")), expected);
    }
}
