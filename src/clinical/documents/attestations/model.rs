//! Attestations on the wire.

use chrono::{DateTime, Utc};
use kernel::ids::{DocumentAttestationId, DocumentId, DocumentVersionId, ProviderId, UserId};
use kernel::{Checks, Validate};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// What a provider says of a version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "statement": "I have reviewed this report and agree with its findings." }))]
pub struct NewAttestation {
    pub statement: String,
    /// Which version; the newest unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<i32>,
}

impl Validate for NewAttestation {
    fn check(&self, checks: &mut Checks) {
        checks.text("statement", &self.statement, 1000);
    }
}

/// A signed attestation.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = DocumentAttestation)]
pub struct Attestation {
    pub id: DocumentAttestationId,
    pub document_id: DocumentId,
    /// The version attested.
    pub number: i32,
    pub provider_id: ProviderId,
    pub signed_by: UserId,
    pub signed_at: DateTime<Utc>,
    pub statement: String,
    /// What was signed, to the byte: JSON with the content's SHA-256 in it.
    pub payload: String,
    pub key_id: Uuid,
    /// Ed25519, in hex.
    pub public_key: String,
    /// Ed25519, in hex, as under notes: over `chartwell.record.v1`, a NUL and the SHA-256 of the bytes of `payload`.
    pub signature: String,
    /// Whether a key of this tenant made the signature, when the key was in nobody else's hands, and the version still has the
    /// hash that was signed.
    pub valid: bool,
    pub version: i64,
}

/// What is signed. Serialised in this order, without spaces.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Payload {
    pub document_id: DocumentId,
    pub number: i32,
    pub provider_id: ProviderId,
    pub sha256: String,
    pub signed_at: DateTime<Utc>,
    pub signed_by: UserId,
    pub statement: String,
    pub tenant_id: kernel::ids::TenantId,
    pub r#type: String,
    pub version_id: DocumentVersionId,
}

pub(super) const TYPE: &str = "chartwell.document_attestation.v1";
