//! Public keys on the wire: a JSON Web Key Set (RFC 7517, RFC 8037) with three members of ours.

use chrono::{DateTime, Utc};
use platform::access::NoPhi;
use platform::crypto::tenant_signing::RecordKey;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// A public key of the organisation.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SigningKey {
    /// `OKP`
    pub kty: String,
    /// `Ed25519`
    pub crv: String,
    /// `EdDSA`
    pub alg: String,
    /// `sig`
    #[serde(rename = "use")]
    pub usage: String,
    /// What signatures name as `key_id`.
    pub kid: Uuid,
    /// 32 bytes, base64url without padding.
    pub x: String,
    pub created_at: DateTime<Utc>,
    /// Signs no more since then; what it signed is good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retired_at: Option<DateTime<Utc>>,
    /// In other hands since then: a signature that bears a later time is not believed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compromised_at: Option<DateTime<Utc>>,
}

/// All public keys the organisation has signed with, the oldest first.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SigningKeySet {
    pub keys: Vec<SigningKey>,
}

impl NoPhi for SigningKeySet {}

impl From<RecordKey> for SigningKey {
    fn from(key: RecordKey) -> Self {
        use base64::Engine as _;
        Self {
            kty: "OKP".to_owned(),
            crv: "Ed25519".to_owned(),
            alg: "EdDSA".to_owned(),
            usage: "sig".to_owned(),
            kid: key.id,
            x: base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(key.public),
            created_at: key.created_at,
            retired_at: key.retired_at,
            compromised_at: key.compromised_at,
        }
    }
}

impl SigningKey {
    /// The 32 bytes, if they are some.
    pub fn public(&self) -> Option<[u8; 32]> {
        use base64::Engine as _;
        let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD
            .decode(&self.x)
            .ok()?;
        bytes.try_into().ok()
    }
}
