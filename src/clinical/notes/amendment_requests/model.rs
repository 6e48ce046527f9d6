//! Amendment requests on the wire.

use chrono::{DateTime, NaiveDate, Utc};
use kernel::ids::{AmendmentRequestId, NoteEntryId, NoteId, PatientId, UserId};
use kernel::{Checks, Validate};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::patients::AsOf;

/// What a patient wants amended.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "note_id": "01890a5d-ac96-774b-bcce-b302099a8057",
    "request": "The note says I smoke. I stopped in 2019.",
    "reason": "It is out of date and affects my insurance."
}))]
pub struct NewAmendmentRequest {
    /// A note that was released to the patient. This, or `resource`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note_id: Option<NoteId>,
    /// Another entry of the record that the patient can read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<AmendedResource>,
    /// What should read otherwise, and how.
    pub request: String,
    pub reason: String,
}

impl Validate for NewAmendmentRequest {
    fn check(&self, checks: &mut Checks) {
        if self.note_id.is_some() == self.resource.is_some() {
            let rule = "must have exactly one of note_id and resource";
            checks.fail_here("not_one_subject", rule);
        }
        checks.text("request", &self.request, 5000);
        checks.text("reason", &self.reason, 2000);
    }
}

/// An entry of the record that is no note.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AmendedResource {
    pub r#type: AmendedType,
    pub id: Uuid,
}

/// What kind of entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum AmendedType {
    Problem,
    Allergy,
    Procedure,
    Immunization,
    /// One that was released to the patient.
    Document,
    FamilyHistory,
    SocialHistory,
    CarePlan,
    Goal,
}

/// What was asked about an entry, and what became of it: it goes with the entry wherever that is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EntryAmendment {
    pub id: AmendmentRequestId,
    pub status: RequestStatus,
    pub request: String,
    pub reason: String,
    pub requested_at: DateTime<Utc>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basis: Option<DenialBasis>,
    /// The reason given with the decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided_at: Option<DateTime<Utc>>,
    /// What was appended, of an entry that is no note: a note has it among its signed entries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amendment: Option<String>,
    /// The patient's statement after a denial.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disagreement: Option<String>,
}

/// Where a request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
#[schema(as = AmendmentRequestStatus)]
pub enum RequestStatus {
    Requested,
    Accepted,
    Denied,
    Withdrawn,
}

/// Why a request may be denied: 45 CFR 164.526(a)(2), and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum DenialBasis {
    /// Somebody else made the record, and can be asked.
    NotCreatedHere,
    /// It is not part of the designated record set.
    NotInRecordSet,
    /// It would not be open to the patient's inspection.
    NotOpenToInspection,
    AccurateAndComplete,
}

/// A request.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AmendmentRequest {
    pub id: AmendmentRequestId,
    pub patient_id: PatientId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note_id: Option<NoteId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<AmendedResource>,
    pub request: String,
    pub reason: String,
    pub status: RequestStatus,
    /// By when it must be decided.
    pub due_on: NaiveDate,
    /// Why it takes longer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extended: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub basis: Option<DenialBasis>,
    /// The reason given with the decision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided_by: Option<UserId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided_at: Option<DateTime<Utc>>,
    /// The signed entry of the note that came of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry_id: Option<NoteEntryId>,
    /// What was appended, of an entry that is no note.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amendment: Option<String>,
    /// The patient's statement after a denial.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disagreement: Option<String>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl From<AmendmentRequest> for EntryAmendment {
    fn from(request: AmendmentRequest) -> Self {
        Self {
            id: request.id,
            status: request.status,
            request: request.request,
            reason: request.reason,
            requested_at: request.created_at,
            basis: request.basis,
            decision: request.decision,
            decided_at: request.decided_at,
            amendment: request.amendment,
            disagreement: request.disagreement,
        }
    }
}

/// Yes: what is added to the note, or appended to the entry.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "text": "The patient reports having stopped smoking in 2019.", "reason": "Confirmed by the pulmonary record" }))]
pub struct Acceptance {
    /// Appended to the note, signed; of another entry, kept with the request.
    pub text: String,
    pub reason: String,
    /// What the signer attests; a sentence of ours unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attestation: Option<String>,
}

impl Validate for Acceptance {
    fn check(&self, checks: &mut Checks) {
        checks.text("text", &self.text, 20_000);
        checks.text("reason", &self.reason, 2000);
        checks.text_if("attestation", self.attestation.as_deref(), 1000);
    }
}

/// No: on which basis, and why.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "basis": "accurate_and_complete", "reason": "The note gives what was said at the visit; the later change is in the next one." }))]
pub struct Denial {
    pub basis: DenialBasis,
    pub reason: String,
}

impl Validate for Denial {
    fn check(&self, checks: &mut Checks) {
        checks.text("reason", &self.reason, 2000);
    }
}

/// Why it takes longer.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "reason": "The author is on leave until the end of the month" }))]
pub struct Extension {
    pub reason: String,
}

impl Validate for Extension {
    fn check(&self, checks: &mut Checks) {
        checks.text("reason", &self.reason, 2000);
    }
}

/// The patient's statement after a denial.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "statement": "I had told the doctor at that very visit that I had stopped." }))]
pub struct Disagreement {
    pub statement: String,
}

impl Validate for Disagreement {
    fn check(&self, checks: &mut Checks) {
        checks.text("statement", &self.statement, 5000);
    }
}

/// Which requests.
#[derive(Clone, Debug, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListRequests {
    pub status: Option<RequestStatus>,
    /// About this note or other entry.
    pub about: Option<Uuid>,
    pub limit: Option<u32>,
    pub cursor: Option<String>,
}

/// Which of a patient's requests.
#[derive(Clone, Debug, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListOfPatient {
    pub status: Option<RequestStatus>,
    /// About this note or other entry.
    pub about: Option<Uuid>,
    pub limit: Option<u32>,
    pub cursor: Option<String>,
    /// A day (its local end) or an instant: the list as it was on record then, the latest first. Needs the permission
    /// `entry.history`.
    #[param(value_type = Option<String>, example = "2024-05-01T12:00:00Z")]
    pub as_of: Option<AsOf>,
}
