//! Signing on the wire.

use chrono::{DateTime, Utc};
use kernel::ids::{NoteEntryId, UserId};
use kernel::{Checks, Validate};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::notes::content::NoteContent;
use crate::notes::kinds::EntryKind;

fn yes() -> bool {
    true
}

/// A signature of a draft.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "text_number": 1, "release": true }))]
pub struct NewSignature {
    /// The number of the text the signer has read: nobody signs what was saved behind his back.
    pub text_number: i32,
    /// What the signer attests; a sentence of ours unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attestation: Option<String>,
    /// Whether the patient gets it at once, or, where a co-signature is needed, with that.
    #[serde(default = "yes")]
    pub release: bool,
}

impl Validate for NewSignature {
    fn check(&self, checks: &mut Checks) {
        checks.text_if("attestation", self.attestation.as_deref(), 1000);
    }
}

/// Something to be added to a signed note.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "text": "Called back: the headache is gone since yesterday evening." }))]
pub struct NewAddendum {
    pub text: String,
    /// What the signer attests; a sentence of ours unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attestation: Option<String>,
}

impl Validate for NewAddendum {
    fn check(&self, checks: &mut Checks) {
        checks.text("text", &self.text, 20_000);
        checks.text_if("attestation", self.attestation.as_deref(), 1000);
    }
}

/// Another text for a signed note.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "reason": "The dose was mistyped",
    "content": {
        "subjective": "Throbbing, left-sided, worse in the afternoon.",
        "objective": "BP 128/82. Neurological examination normal.",
        "assessment": "Migraine without aura.",
        "plan": "Ibuprofen 600 mg as needed; headache diary."
    }
}))]
pub struct NewCorrection {
    /// The whole text, as it should read.
    pub content: NoteContent,
    pub reason: String,
    /// What the signer attests; a sentence of ours unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attestation: Option<String>,
}

impl Validate for NewCorrection {
    fn check(&self, checks: &mut Checks) {
        checks.within("content", |checks| self.content.check(checks));
        checks.text("reason", &self.reason, 1000);
        checks.text_if("attestation", self.attestation.as_deref(), 1000);
    }
}

/// A signed entry of a note.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct NoteEntry {
    pub id: NoteEntryId,
    /// 1 is the note itself.
    pub sequence: i32,
    pub kind: EntryKind,
    /// The whole text, of an original or a correction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<NoteContent>,
    /// What was added.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Why it was corrected, or entered in error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    pub attestation: String,
    pub signed_by: UserId,
    #[schema(example = "Ada Osei, MD")]
    pub signer: String,
    pub signed_at: DateTime<Utc>,
    /// SHA-256 of the canonical payload, hexadecimal.
    pub hash: String,
    /// The hash of the entry before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous: Option<String>,
    pub key_id: Uuid,
}

/// The signed entries of a note, from the original on.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct NoteEntries {
    pub items: Vec<NoteEntry>,
}
