//! Notes on the wire.

use chrono::{DateTime, Utc};
use kernel::ids::{EncounterId, NoteId, NoteTemplateId, PatientId, UserId};
use kernel::{Checks, Validate};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::amendment_requests::EntryAmendment;
use super::content::NoteContent;
use super::kinds::{CosignatureStatus, NoteStatus, NoteType};
use crate::patients::AsOf;

/// A note to be begun.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "type": "soap",
    "title": "Headache",
    "specialty": "Neurology",
    "noted_at": "2026-03-10T09:45:00-04:00",
    "content": {
        "chief_complaint": "Headache for three days",
        "subjective": "Throbbing, left-sided, worse in the afternoon. No fever, no neck stiffness.",
        "objective": "BP 128/82. Neurological examination normal.",
        "assessment": "Migraine without aura.",
        "plan": "Ibuprofen 400 mg as needed; headache diary."
    }
}))]
pub struct NewNote {
    pub r#type: NoteType,
    /// Begins with the template's text, filled from the chart; sections given here win.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template_id: Option<NoteTemplateId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub specialty: Option<String>,
    /// An encounter of the same patient.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encounter_id: Option<EncounterId>,
    /// When what it tells of happened. Now, unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noted_at: Option<DateTime<Utc>>,
    /// The account of the provider who is to co-sign it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supervisor_id: Option<UserId>,
    #[serde(default)]
    pub content: NoteContent,
}

impl NewNote {
    /// The part that can be changed later.
    pub(super) fn draft(&self) -> NoteDraft {
        NoteDraft {
            title: self.title.clone(),
            specialty: self.specialty.clone(),
            encounter_id: self.encounter_id,
            noted_at: self.noted_at,
            supervisor_id: self.supervisor_id,
            content: self.content.clone(),
        }
    }
}

impl Validate for NewNote {
    fn check(&self, checks: &mut Checks) {
        self.draft().check(checks);
    }
}

/// What of a draft can be changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "content": { "plan": "Ibuprofen 400 mg as needed; see again in two weeks." } }))]
pub struct NoteDraft {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub specialty: Option<String>,
    /// An encounter of the same patient.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encounter_id: Option<EncounterId>,
    /// When what it tells of happened. Now, unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noted_at: Option<DateTime<Utc>>,
    /// The account of the provider who is to co-sign it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supervisor_id: Option<UserId>,
    #[serde(default)]
    pub content: NoteContent,
}

impl Validate for NoteDraft {
    fn check(&self, checks: &mut Checks) {
        checks.text_if("title", self.title.as_deref(), 200);
        checks.text_if("specialty", self.specialty.as_deref(), 100);
        if let Some(at) = self.noted_at {
            checks.instant("noted_at", at);
            let latest = checks.now() + chrono::TimeDelta::minutes(5);
            checks.require(
                at <= latest,
                "noted_at",
                "in_the_future",
                "must not lie in the future",
            );
        }
        checks.within("content", |checks| self.content.check(checks));
    }
}

/// A note without its text, as lists show it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct NoteSummary {
    pub id: NoteId,
    pub patient_id: PatientId,
    pub r#type: NoteType,
    pub status: NoteStatus,
    pub author_id: UserId,
    /// The author's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Ada Osei, MD")]
    pub author: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub specialty: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encounter_id: Option<EncounterId>,
    pub noted_at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template_id: Option<NoteTemplateId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supervisor_id: Option<UserId>,
    /// Absent: none is needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cosignature: Option<CosignatureStatus>,
    /// The number of the text that counts, among all the note ever had. `sign` asks for it.
    pub text_number: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signed_by: Option<UserId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signed_at: Option<DateTime<Utc>>,
    /// Since when the patient may read it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub released_at: Option<DateTime<Utc>>,
    /// Why it was entered in error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retract_reason: Option<String>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// A note.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Note {
    #[serde(flatten)]
    pub summary: NoteSummary,
    pub content: NoteContent,
    /// Whether the patient gets it as soon as it is signed, and co-signed where that is needed.
    pub release_wanted: bool,
    /// What the patient asked to have amended, and what became of it, as it is now. Of a note as it stood at an earlier time:
    /// see the requests.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub amendment_requests: Vec<EntryAmendment>,
}

impl Note {
    /// The part that can be changed while it is a draft.
    pub(super) fn draft(&self) -> NoteDraft {
        NoteDraft {
            title: self.summary.title.clone(),
            specialty: self.summary.specialty.clone(),
            encounter_id: self.summary.encounter_id,
            noted_at: Some(self.summary.noted_at),
            supervisor_id: self.summary.supervisor_id,
            content: self.content.clone(),
        }
    }
}

/// Why a note should not have been written.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "reason": "Written in the chart of another patient" }))]
pub struct Retraction {
    pub reason: String,
    /// What the signer attests; a sentence of ours unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attestation: Option<String>,
}

impl Validate for Retraction {
    fn check(&self, checks: &mut Checks) {
        checks.text("reason", &self.reason, 1000);
        checks.text_if("attestation", self.attestation.as_deref(), 1000);
    }
}

/// Which notes of a patient.
#[derive(Clone, Debug, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListNotes {
    pub r#type: Option<NoteType>,
    pub status: Option<NoteStatus>,
    pub author_id: Option<UserId>,
    pub encounter_id: Option<EncounterId>,
    /// Noted at or after.
    pub from: Option<DateTime<Utc>>,
    /// Noted before.
    pub to: Option<DateTime<Utc>>,
    pub limit: Option<u32>,
    pub cursor: Option<String>,
    /// A day (its local end) or an instant: the list as it was on record then, the latest first. Needs the permission
    /// `entry.history`.
    #[param(value_type = Option<String>, example = "2024-05-01T12:00:00Z")]
    pub as_of: Option<AsOf>,
}

/// Which drafts.
#[derive(Clone, Debug, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListUnsigned {
    /// Begun at least so many hours ago; 24 unless given, at most 8784.
    pub older_than_hours: Option<u32>,
    pub author_id: Option<UserId>,
    pub limit: Option<u32>,
    pub cursor: Option<String>,
}
