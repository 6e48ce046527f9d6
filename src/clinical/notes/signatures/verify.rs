//! A signed note as a file, and whether it is what was signed. Pure: `chartwell notes verify` runs it without a database.

use std::collections::HashMap;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use kernel::canonical_json::canonical_json;
use kernel::ids::NoteId;
use platform::crypto::tenant_signing;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::chain;
use crate::notes::amendment_requests::EntryAmendment;

/// The form of the file, named in it.
pub const FORMAT: &str = "chartwell.signed-note.v1";

/// A note's signed entries with everything needed to check them. Holds health information.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SignedNote {
    /// `chartwell.signed-note.v1`
    pub format: String,
    pub note_id: NoteId,
    pub exported_at: DateTime<Utc>,
    /// How an entry is checked, in words, for somebody who has this file and nothing else.
    pub how_to_verify: String,
    /// From the original on.
    pub entries: Vec<SignedEntry>,
    /// The organisation's public keys that signed them.
    pub keys: Vec<NoteKey>,
    /// What the patient asked to have amended, and what became of it. Not signed: it goes with the note, as the law asks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub amendment_requests: Vec<EntryAmendment>,
}

/// An entry of the chain, with its signature.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SignedEntry {
    /// What was signed. In canonical form (RFC 8785) these are the bytes that were hashed.
    #[schema(value_type = Object)]
    pub payload: Value,
    /// SHA-256 of the canonical payload, hexadecimal.
    pub hash: String,
    /// Ed25519, base64.
    pub signature: String,
    pub key_id: Uuid,
}

/// A public key of the organisation.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = PublicKey)]
pub struct NoteKey {
    pub id: Uuid,
    /// `Ed25519`
    pub algorithm: String,
    /// 32 bytes, base64.
    pub public_key: String,
    /// Signs no more since then; what it signed is good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retired_at: Option<DateTime<Utc>>,
    /// Known, when the file was made, to have been in other hands since then: a signature that bears a later time is not
    /// believed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compromised_at: Option<DateTime<Utc>>,
}

/// What is wrong with an entry, or with the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = NoteSignatureFault)]
pub enum Fault {
    /// The payload has no canonical form, or is not one of a note.
    Form,
    /// The payload is not what was hashed: it was changed.
    Hash,
    /// The signature is not one of this hash by this key.
    Signature,
    /// The key is not among those known.
    UnknownKey,
    /// The key was in other hands by the time that the entry bears.
    CompromisedKey,
    /// The entry does not follow the one before it: one is missing, was put in between, or was moved.
    Chain,
    /// The entry belongs to another note.
    OtherNote,
    /// The note shows another text than the one last signed.
    ShownText,
    /// The note bears another title, specialty, type, author, time, encounter, patient or signer than the one signed.
    ShownHeader,
    /// The note stands otherwise than its entries say.
    ShownStatus,
    /// The chain ends elsewhere than the note counted: entries are missing, or were added behind its back.
    Count,
    /// There is no entry.
    Empty,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Form => "not the payload of a note",
            Self::Hash => "the content was changed after it was signed",
            Self::Signature => "the signature does not fit",
            Self::UnknownKey => "signed with an unknown key",
            Self::CompromisedKey => "signed with a key that was in other hands by then",
            Self::Chain => "does not follow the entry before it",
            Self::OtherNote => "belongs to another note",
            Self::ShownText => "the note shows another text than the one signed",
            Self::ShownHeader => "the note bears another header than the one signed",
            Self::ShownStatus => "the note stands otherwise than its entries say",
            Self::Count => "entries are missing, or were added unnoticed",
            Self::Empty => "nothing is signed",
        })
    }
}

/// Whether an entry is what was signed.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct EntryVerification {
    pub sequence: i64,
    pub kind: String,
    pub signer: String,
    pub signed_at: String,
    pub hash: String,
    pub key_id: Uuid,
    /// Empty: it is.
    pub faults: Vec<Fault>,
}

/// Whether a note is what was signed.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = NoteVerification)]
pub struct Verification {
    pub note_id: NoteId,
    /// Every entry is what was signed, and they follow one another.
    pub valid: bool,
    pub entries: Vec<EntryVerification>,
    /// The hash of the newest entry: the one to compare with elsewhere.
    pub last_hash: Option<String>,
    /// Faults of the whole.
    pub faults: Vec<Fault>,
}

impl Verification {
    pub(super) fn add_fault(&mut self, fault: Fault) {
        self.faults.push(fault);
        self.valid = false;
    }
}

impl SignedNote {
    /// Checks every entry and how they follow one another.
    pub fn verify(&self) -> Verification {
        let keys: HashMap<Uuid, Known> = self
            .keys
            .iter()
            .filter(|key| key.algorithm == "Ed25519")
            .filter_map(|key| {
                let bytes = STANDARD.decode(&key.public_key).ok()?;
                let public = bytes.try_into().ok()?;
                let compromised_at = key.compromised_at;
                Some((
                    key.id,
                    Known {
                        public,
                        compromised_at,
                    },
                ))
            })
            .collect();
        let mut previous: Option<&str> = None;
        let mut entries = Vec::with_capacity(self.entries.len());
        for (place, entry) in self.entries.iter().enumerate() {
            let mut checked = entry.verify(self.note_id, &keys);
            let sequence = i64::try_from(place + 1).unwrap_or(i64::MAX);
            let named = entry.payload["previous"].as_str();
            if checked.sequence != sequence || named != previous {
                checked.faults.push(Fault::Chain);
            }
            previous = Some(&entry.hash);
            entries.push(checked);
        }
        let mut faults = Vec::new();
        if entries.is_empty() {
            faults.push(Fault::Empty);
        }
        if self.format != FORMAT {
            faults.push(Fault::Form);
        }
        Verification {
            note_id: self.note_id,
            valid: faults.is_empty() && entries.iter().all(|entry| entry.faults.is_empty()),
            last_hash: self.entries.last().map(|entry| entry.hash.clone()),
            entries,
            faults,
        }
    }
}

/// A key that is known.
struct Known {
    public: [u8; 32],
    compromised_at: Option<DateTime<Utc>>,
}

impl SignedEntry {
    /// Whether the time it bears is one at which the key was its owner's alone.
    fn is_trusted(&self, key: &Known) -> bool {
        let Some(since) = key.compromised_at else {
            return true;
        };
        let text = self.payload["signed_at"].as_str().unwrap_or_default();
        DateTime::parse_from_rfc3339(text).is_ok_and(|signed_at| signed_at < since)
    }

    fn verify(&self, note: NoteId, keys: &HashMap<Uuid, Known>) -> EntryVerification {
        let mut faults = Vec::new();
        let payload = &self.payload;
        if payload["format"] != chain::FORMAT {
            faults.push(Fault::Form);
        }
        if payload["note"]["id"].as_str() != Some(note.to_string().as_str()) {
            faults.push(Fault::OtherNote);
        }
        match canonical_json(payload) {
            Err(_) => faults.push(Fault::Form),
            Ok(canonical) => {
                let hash = chain::hash(&canonical);
                if !self.hash.eq_ignore_ascii_case(&hex::encode(hash)) {
                    faults.push(Fault::Hash);
                }
                let signature = STANDARD.decode(&self.signature).unwrap_or_default();
                match keys.get(&self.key_id) {
                    None => faults.push(Fault::UnknownKey),
                    Some(key) if !tenant_signing::verify(&key.public, &hash, &signature) => {
                        faults.push(Fault::Signature);
                    }
                    Some(key) if !self.is_trusted(key) => faults.push(Fault::CompromisedKey),
                    Some(_) => {}
                }
            }
        }
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        EntryVerification {
            sequence: payload["entry"]["sequence"].as_i64().unwrap_or_default(),
            kind: text(&payload["entry"]["kind"]),
            signer: text(&payload["signer"]["name"]),
            signed_at: text(&payload["signed_at"]),
            hash: self.hash.clone(),
            key_id: self.key_id,
            faults,
        }
    }
}
