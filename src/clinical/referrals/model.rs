//! Referrals on the wire.

use chrono::{DateTime, NaiveDate, Utc};
use kernel::ids::{DocumentId, EncounterId, NoteId, PatientId, ProviderId, ReferralId, UserId};
use kernel::npi;
use kernel::{Checks, Validate};
use platform::access::{Permission, Role};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::status::ReferralStatus;
use crate::patients::AsOf;
use crate::terminology::Coding;

#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type,
)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum ReferralPriority {
    #[default]
    Routine,
    Urgent,
    Stat,
}

/// A practice, clinic or service outside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReferralOrganization {
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub npi: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fax: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}

/// Whom the patient is sent to, and what is asked: exactly one of `to_provider_id` and `to_organization`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "to_organization": { "name": "Harbor Cardiology", "phone": "+1 555 010 2030", "fax": "+1 555 010 2031" },
    "priority": "urgent", "specialty": "Cardiology", "reason": "Palpitations with light exercise; is it the atrium?",
    "reason_codes": [{ "system": "icd10cm", "code": "I48.91", "display": "Unspecified atrial fibrillation" }], "needed_by": "2027-02-01" }))]
pub struct NewReferral {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_provider_id: Option<ProviderId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_organization: Option<ReferralOrganization>,
    #[serde(default)]
    pub priority: ReferralPriority,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub specialty: Option<String>,
    /// What is asked. Must be given; it is absent in an answer to whoever keeps appointments and does not read what is clinical.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reason_codes: Vec<Coding>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub needed_by: Option<NaiveDate>,
    /// Who refers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_id: Option<ProviderId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encounter_id: Option<EncounterId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Where a referral stands, and since when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ReferralProgress {
    pub status: ReferralStatus,
    /// Why it was declined or cancelled.
    pub status_reason: Option<String>,
    pub error_reason: Option<String>,
    pub sent_at: Option<DateTime<Utc>>,
    /// Accepted or declined.
    pub answered_at: Option<DateTime<Utc>>,
    /// The appointment.
    pub scheduled_for: Option<DateTime<Utc>>,
    /// Completed or cancelled.
    pub closed_at: Option<DateTime<Utc>>,
    /// The consultant's note, which closed the loop.
    pub consult_note_id: Option<Uuid>,
    /// Or the document that came from outside.
    pub consult_document_id: Option<DocumentId>,
}

/// A referral.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Referral {
    pub id: ReferralId,
    pub patient_id: PatientId,
    #[serde(flatten)]
    pub progress: ReferralProgress,
    #[serde(flatten)]
    pub data: NewReferral,
    pub version: i64,
    pub created_by: Option<UserId>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl Referral {
    /// Leaves out what the role may not read: the front desk keeps the appointment, and needs to know with whom and how soon.
    #[must_use]
    pub fn shown_to(mut self, role: Role) -> Self {
        if !Permission::ClinicalPartRead.allows(role) {
            self.data.reason.clear();
            self.data.reason_codes.clear();
            self.data.note = None;
            self.progress.status_reason = None;
            self.progress.error_reason = None;
        }
        self
    }
}

/// Why it is declined or cancelled.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "reason": "No appointments this year" }))]
pub struct ReferralReason {
    pub reason: String,
}

/// The appointment.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "scheduled_for": "2027-01-20T15:00:00Z" }))]
pub struct ReferralAppointment {
    pub scheduled_for: DateTime<Utc>,
}

/// What the consultant wrote: a note of the house, or a document from outside; exactly one of the two.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "consult_note_id": "01890a5d-ac96-774b-bcce-b302099a8057" }))]
pub struct ReferralResult {
    /// A signed note of the patient, of the type consultation, procedure or discharge_summary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consult_note_id: Option<NoteId>,
    /// A current clinical document of the patient.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consult_document_id: Option<DocumentId>,
}

/// Which referrals to list.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListReferrals {
    /// Unless given, all but those made in error.
    pub status: Option<ReferralStatus>,
    /// Rows of a page, 1 to 200; 50 unless said.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// A day (its local end) or an instant: the list as it was on record then, the latest first. Needs the permission
    /// `entry.history`.
    #[param(value_type = Option<String>, example = "2024-05-01T12:00:00Z")]
    pub as_of: Option<AsOf>,
}

impl Validate for NewReferral {
    fn check(&self, checks: &mut Checks) {
        if self.to_provider_id.is_some() == self.to_organization.is_some() {
            let rule = "must have exactly one of to_provider_id and to_organization";
            checks.fail_here("not_one_target", rule);
        }
        if let Some(organization) = &self.to_organization {
            checks.within("to_organization", |checks| organization.check(checks));
        }
        checks.text_if("specialty", self.specialty.as_deref(), 100);
        checks.text("reason", &self.reason, 5000);
        checks.each("reason_codes", &self.reason_codes, 20, |checks, one| {
            one.check(checks);
        });
        checks.text_if("note", self.note.as_deref(), 5000);
    }
}

impl Validate for ReferralOrganization {
    fn check(&self, checks: &mut Checks) {
        checks.text("name", &self.name, 200);
        if let Some(number) = &self.npi {
            let rule = "must be a valid NPI";
            checks.require(npi::is_valid(number), "npi", "not_an_npi", rule);
        }
        for (field, number) in [("phone", &self.phone), ("fax", &self.fax)] {
            if let Some(number) = number {
                checks.phone(field, number);
            }
        }
        checks.text_if("address", self.address.as_deref(), 500);
    }
}

impl Validate for ReferralReason {
    fn check(&self, checks: &mut Checks) {
        checks.text("reason", &self.reason, 500);
    }
}

impl Validate for ReferralAppointment {
    fn check(&self, checks: &mut Checks) {
        checks.instant("scheduled_for", self.scheduled_for);
    }
}

impl Validate for ReferralResult {
    fn check(&self, checks: &mut Checks) {
        if self.consult_note_id.is_some() == self.consult_document_id.is_some() {
            let rule = "must have exactly one of consult_note_id and consult_document_id";
            checks.fail_here("not_one_result", rule);
        }
    }
}
