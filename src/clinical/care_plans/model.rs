//! Care plans on the wire.

use chrono::{DateTime, NaiveDate, Utc};
use kernel::ids::{CarePlanId, EncounterId, PatientId, ProviderId, UserId};
use kernel::{Checks, Validate};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::status::CarePlanStatus;
use crate::patients::AsOf;
use crate::terminology::Coding;

/// How far an activity is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ActivityStatus {
    #[default]
    NotStarted,
    Scheduled,
    InProgress,
    OnHold,
    Completed,
    Cancelled,
}

/// Something to be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanActivity {
    pub description: String,
    #[serde(default)]
    pub status: ActivityStatus,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<Coding>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_on: Option<NaiveDate>,
    /// Who does it, in words: the patient, a daughter, the dietician.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub performer: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// What is to be done for a patient, about which problems.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "title": "Diabetes care", "description": "Bring the sugar down, keep the feet well", "starts_on": "2026-01-05", "ends_on": "2026-12-31",
    "addresses": [{ "system": "icd10cm", "code": "E11.9", "display": "Type 2 diabetes mellitus without complications" }],
    "activities": [{ "description": "See the dietician", "status": "scheduled", "due_on": "2026-02-01", "performer": "Patient" },
                   { "description": "Look at the feet each day", "status": "in_progress", "performer": "Patient" }] }))]
pub struct NewCarePlan {
    pub title: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<Coding>,
    /// The problems it is about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<Coding>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts_on: Option<NaiveDate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_on: Option<NaiveDate>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub activities: Vec<PlanActivity>,
    /// Who is responsible.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_id: Option<ProviderId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encounter_id: Option<EncounterId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A care plan.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CarePlan {
    pub id: CarePlanId,
    pub patient_id: PatientId,
    pub status: CarePlanStatus,
    /// Why it came to that status.
    pub status_reason: Option<String>,
    pub error_reason: Option<String>,
    #[serde(flatten)]
    pub data: NewCarePlan,
    pub version: i64,
    pub created_by: Option<UserId>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// The next status, and why.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "status": "active", "reason": "Agreed with the patient" }))]
pub struct CarePlanStep {
    pub status: CarePlanStatus,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Which plans to list.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListCarePlans {
    /// Unless given, all but those made in error.
    pub status: Option<CarePlanStatus>,
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

impl Validate for NewCarePlan {
    fn check(&self, checks: &mut Checks) {
        checks.text("title", &self.title, 200);
        checks.text_if("description", self.description.as_deref(), 5000);
        if let Some(category) = &self.category {
            checks.within("category", |checks| category.check(checks));
        }
        checks.each("addresses", &self.addresses, 50, |checks, one| {
            one.check(checks);
        });
        if let (Some(from), Some(until)) = (self.starts_on, self.ends_on) {
            let rule = "must not lie before starts_on";
            checks.require(from <= until, "ends_on", "before_start", rule);
        }
        checks.each("activities", &self.activities, 100, |checks, one| {
            checks.text("description", &one.description, 1000);
            if let Some(code) = &one.code {
                checks.within("code", |checks| code.check(checks));
            }
            checks.text_if("performer", one.performer.as_deref(), 200);
            checks.text_if("note", one.note.as_deref(), 1000);
        });
        checks.text_if("note", self.note.as_deref(), 5000);
    }
}

impl Validate for CarePlanStep {
    fn check(&self, checks: &mut Checks) {
        checks.text_if("reason", self.reason.as_deref(), 500);
        not_an_error(checks, self.status == CarePlanStatus::EnteredInError);
    }
}

fn not_an_error(checks: &mut Checks, mistaken: bool) {
    let rule = "has an operation of its own: POST …/entered-in-error";
    checks.require(!mistaken, "status", "not_a_step", rule);
}
