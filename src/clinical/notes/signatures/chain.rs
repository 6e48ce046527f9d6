//! What an entry of the chain says: its payload, and the hash of it. Pure.

use chrono::SecondsFormat;
use kernel::canonical_json::canonical_json;
use kernel::clock::Instant;
use kernel::ids::{AmendmentRequestId, NoteEntryId, TenantId, UserId};
use kernel::{Error, Result};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::notes::content::NoteContent;
use crate::notes::kinds::EntryKind;
use crate::notes::model::Note;

/// The form of a payload, named in it.
pub const FORMAT: &str = "chartwell.note-entry.v1";

/// What an entry adds.
#[derive(Clone, Copy, Debug)]
pub enum Body<'a> {
    /// The whole text: of an original, or of a correction with its reason.
    Text {
        number: i32,
        content: &'a NoteContent,
        reason: Option<&'a str>,
    },
    /// A text that is added.
    Added { text: &'a str },
    /// A text that is added because the patient asked for it.
    Asked {
        text: &'a str,
        request: AmendmentRequestId,
    },
    /// Why a note was entered in error.
    Reason { reason: &'a str },
    /// Nothing: a co-signature.
    Consent,
}

impl Body<'_> {
    fn render(self) -> Value {
        match self {
            Self::Text {
                number,
                content,
                reason,
            } => {
                let mut body = json!({ "text_number": number, "sections": content });
                if let Some(reason) = reason {
                    body["reason"] = json!(reason);
                }
                body
            }
            Self::Added { text } => json!({ "text": text }),
            Self::Asked { text, request } => json!({ "text": text, "request_id": request }),
            Self::Reason { reason } => json!({ "reason": reason }),
            Self::Consent => json!({}),
        }
    }
}

/// Who signs.
#[derive(Clone, Debug)]
pub struct SignerName {
    pub user: UserId,
    pub name: String,
    pub credential: Option<String>,
    pub role: &'static str,
}

/// Where an entry stands.
#[derive(Clone, Debug)]
pub struct Link {
    pub id: NoteEntryId,
    pub sequence: i32,
    pub kind: EntryKind,
    /// The hash of the entry before; none for the first.
    pub previous: Option<[u8; 32]>,
}

/// The payload of an entry, canonical.
pub fn payload(
    tenant: TenantId,
    note: &Note,
    link: &Link,
    body: Body<'_>,
    signer: &SignerName,
    attestation: &str,
    at: Instant,
) -> Result<String> {
    let mut by = json!({ "user_id": signer.user, "name": signer.name, "role": signer.role });
    if let Some(credential) = &signer.credential {
        by["credential"] = json!(credential);
    }
    let value = json!({
        "format": FORMAT,
        "tenant_id": tenant,
        "note": header(note),
        "entry": { "id": link.id, "sequence": link.sequence, "kind": link.kind },
        "content": body.render(),
        "attestation": attestation,
        "signer": by,
        "signed_at": rendered(at),
        "previous": link.previous.map(hex::encode),
    });
    canonical_json(&value).map_err(Error::internal)
}

/// What a payload says of the note itself.
pub fn header(note: &Note) -> Value {
    let summary = &note.summary;
    let mut about = json!({
        "id": summary.id, "patient_id": summary.patient_id, "type": summary.r#type, "author_id": summary.author_id,
        "noted_at": rendered(summary.noted_at),
    });
    if let Some(encounter) = summary.encounter_id {
        about["encounter_id"] = json!(encounter);
    }
    for (name, text) in [("specialty", &summary.specialty), ("title", &summary.title)] {
        if let Some(text) = text {
            about[name] = json!(text);
        }
    }
    about
}

/// The hash of a payload.
pub fn hash(payload: &str) -> [u8; 32] {
    Sha256::digest(payload.as_bytes()).into()
}

/// A time as payloads have it.
pub fn rendered(at: Instant) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}
