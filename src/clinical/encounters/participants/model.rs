//! Participants on the wire.

use chrono::{DateTime, Utc};
use kernel::ids::{EncounterId, ParticipantId, PatientId, ProviderId, UserId};
use kernel::{Checks, Validate};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// As what somebody takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum ParticipantRole {
    Attending,
    Consulting,
    Referring,
    Assisting,
    Nurse,
    Other,
}

/// Somebody who takes part: a provider or an account, not both.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "provider_id": "01890a5d-ac96-774b-bcce-b302099a8057", "role": "consulting" }))]
pub struct NewParticipant {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_id: Option<ProviderId>,
    /// The account of a nurse or another member of the staff.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    pub role: ParticipantRole,
}

impl Validate for NewParticipant {
    fn check(&self, checks: &mut Checks) {
        checks.require(
            self.provider_id.is_some() != self.user_id.is_some(),
            "provider_id",
            "exactly_one",
            "exactly one of provider_id and user_id must be given",
        );
    }
}

/// Somebody who takes part.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Participant {
    pub id: ParticipantId,
    pub patient_id: PatientId,
    pub encounter_id: EncounterId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_id: Option<ProviderId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    pub role: ParticipantRole,
    /// Absent where the caller may not read accounts, and of then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "Ada Osei, MD")]
    pub name: Option<String>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
}
