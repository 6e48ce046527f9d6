//! A tenant's own signatures: under documents, not under the installation's tokens and seals.
//!
//! The Ed25519 key comes from the tenant's data key, so it is made, wrapped, rotated and lost with it, and one tenant's key
//! says nothing of another's. A signature names the data key; its public half goes with what was signed, so that it can be
//! checked without us.

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use uuid::Uuid;

/// A signature, and what checks it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantSignature {
    /// The data key that the signing key comes from.
    pub key_id: Uuid,
    pub public_key: [u8; 32],
    pub signature: [u8; 64],
}

pub(super) fn sign(key_id: Uuid, key: &SigningKey, message: &[u8]) -> TenantSignature {
    TenantSignature {
        key_id,
        public_key: key.verifying_key().to_bytes(),
        signature: key.sign(message).to_bytes(),
    }
}

/// Whether the public key made this signature of this message. Says nothing of whose key it is.
pub fn verify(public_key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    let key = <[u8; 32]>::try_from(public_key)
        .ok()
        .and_then(|key| VerifyingKey::from_bytes(&key).ok());
    match (key, Signature::from_slice(signature)) {
        (Some(key), Ok(signature)) => key.verify_strict(message, &signature).is_ok(),
        _ => false,
    }
}
