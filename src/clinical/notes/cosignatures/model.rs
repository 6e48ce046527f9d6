//! Co-signatures and supervisions on the wire.

use chrono::{DateTime, Utc};
use kernel::ids::{CosignatureId, NoteId, NoteSupervisionId, PatientId, UserId};
use kernel::{Checks, Validate};
use platform::access::NoPhi;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::notes::kinds::{CosignatureStatus, NoteType};

/// A note that was sent to a supervisor.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Cosignature {
    pub id: CosignatureId,
    pub note_id: NoteId,
    pub patient_id: PatientId,
    pub supervisor_id: UserId,
    pub note_type: NoteType,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    pub author_id: UserId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    pub status: CosignatureStatus,
    /// Since when it waits for nobody in particular, because the supervision ended for which it was asked: whoever may co-sign
    /// takes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open_since: Option<DateTime<Utc>>,
    /// Why it was returned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    pub requested_at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided_at: Option<DateTime<Utc>>,
    pub version: i64,
}

/// Which notes of one's queue.
#[derive(Clone, Debug, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListCosignatures {
    /// `pending` unless given.
    pub status: Option<CosignatureStatus>,
    /// Whose queue: one's own unless given. Of another's, the notes about patients one may see.
    pub supervisor_id: Option<UserId>,
    /// Instead of a queue: what waits for nobody, because a supervision has ended or the supervisor has left. The notes about
    /// patients one may see.
    #[serde(default)]
    pub open: bool,
    pub limit: Option<u32>,
    pub cursor: Option<String>,
}

/// A supervisor's consent.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "last_entry": 1, "attestation": "I have reviewed this note and agree with it as written." }))]
pub struct NewCosignature {
    /// The `sequence` of the newest entry the supervisor has read, of `GET /notes/{id}/entries`: nobody consents to what was added
    /// behind his back.
    pub last_entry: i32,
    /// What the signer attests; a sentence of ours unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attestation: Option<String>,
}

impl Validate for NewCosignature {
    fn check(&self, checks: &mut Checks) {
        checks.text_if("attestation", self.attestation.as_deref(), 1000);
    }
}

/// Why a note is returned to its author.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "reason": "Please add the response to the second dose" }))]
pub struct ReturnNote {
    pub reason: String,
}

impl Validate for ReturnNote {
    fn check(&self, checks: &mut Checks) {
        checks.text("reason", &self.reason, 1000);
    }
}

/// Who co-signs instead.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "supervisor_id": "01890a5d-ac96-774b-bcce-b302099a8058" }))]
pub struct NewSupervisor {
    /// The account of a provider other than the author.
    pub supervisor_id: UserId,
}

impl Validate for NewSupervisor {
    fn check(&self, _: &mut Checks) {}
}

/// Whose notes are to be co-signed by whom.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "user_id": "01890a5d-ac96-774b-bcce-b302099a8057",
    "supervisor_id": "01890a5d-ac96-774b-bcce-b302099a8058",
    "note_types": ["nursing"]
}))]
pub struct NewSupervision {
    /// The account of the nurse or trainee.
    pub user_id: UserId,
    /// The account of the provider who co-signs.
    pub supervisor_id: UserId,
    /// Which of his notes; all of them unless given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub note_types: Vec<NoteType>,
}

impl Validate for NewSupervision {
    fn check(&self, checks: &mut Checks) {
        checks.require(
            self.user_id != self.supervisor_id,
            "supervisor_id",
            "same_person",
            "must be another account than user_id",
        );
        checks.each("note_types", &self.note_types, 7, |_, _| {});
    }
}

/// Whether a supervision holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum SupervisionStatus {
    Active,
    Ended,
}

/// Whose notes are co-signed by whom.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Supervision {
    pub id: NoteSupervisionId,
    #[serde(flatten)]
    pub data: NewSupervision,
    pub status: SupervisionStatus,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl NoPhi for Supervision {}

/// Which supervisions.
#[derive(Clone, Debug, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListSupervisions {
    pub status: Option<SupervisionStatus>,
    pub limit: Option<u32>,
    pub cursor: Option<String>,
}
