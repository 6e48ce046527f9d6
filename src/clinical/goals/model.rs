//! Goals on the wire.

use chrono::{DateTime, NaiveDate, Utc};
use kernel::ids::{CarePlanId, GoalId, PatientId, ProviderId, UserId};
use kernel::{Checks, Decimal, Validate};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::status::GoalStatus;
use crate::patients::AsOf;
use crate::terminology::Coding;

/// How near it is.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type,
)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum GoalAchievement {
    #[default]
    InProgress,
    Improving,
    Worsening,
    NoChange,
    Achieved,
    Sustaining,
    NotAchieved,
    NotAttainable,
    /// Imported, and its source does not say.
    Unknown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum GoalPriority {
    High,
    Medium,
    Low,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum GoalComparison {
    LessThan,
    AtMost,
    Exactly,
    AtLeast,
    MoreThan,
}

/// What is measured, and where it should come to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GoalTarget {
    pub measure: Coding,
    pub comparison: GoalComparison,
    #[schema(value_type = f64)]
    pub value: Decimal,
    /// UCUM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
}

/// Something to be reached.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "description": "HbA1c below 7 %", "achievement": "in_progress", "priority": "high", "starts_on": "2026-01-05", "due_on": "2026-07-01",
    "addresses": [{ "system": "icd10cm", "code": "E11.9", "display": "Type 2 diabetes mellitus without complications" }],
    "targets": [{ "measure": { "system": "loinc", "code": "4548-4", "display": "Hemoglobin A1c/Hemoglobin.total in Blood" },
                  "comparison": "less_than", "value": 7.0, "unit": "%" }] }))]
pub struct NewGoal {
    pub description: String,
    #[serde(default)]
    pub achievement: GoalAchievement,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<GoalPriority>,
    /// The problems it is about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<Coding>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts_on: Option<NaiveDate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_on: Option<NaiveDate>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<GoalTarget>,
    /// The plan it is a part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub care_plan_id: Option<CarePlanId>,
    /// Who set it; the patient's own, if nobody is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_id: Option<ProviderId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A goal.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Goal {
    pub id: GoalId,
    pub patient_id: PatientId,
    pub status: GoalStatus,
    /// Why it came to that status.
    pub status_reason: Option<String>,
    pub error_reason: Option<String>,
    #[serde(flatten)]
    pub data: NewGoal,
    pub version: i64,
    pub created_by: Option<UserId>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// The next status, and why.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "status": "active", "reason": "Agreed with the patient" }))]
pub struct GoalStep {
    pub status: GoalStatus,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Which goals to list.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListGoals {
    /// Unless given, all but those made in error.
    pub status: Option<GoalStatus>,
    /// Only those of this plan.
    pub care_plan_id: Option<CarePlanId>,
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

impl Validate for NewGoal {
    fn check(&self, checks: &mut Checks) {
        checks.text("description", &self.description, 1000);
        checks.each("addresses", &self.addresses, 50, |checks, one| {
            one.check(checks);
        });
        if let (Some(from), Some(due)) = (self.starts_on, self.due_on) {
            let rule = "must not lie before starts_on";
            checks.require(from <= due, "due_on", "before_start", rule);
        }
        checks.each("targets", &self.targets, 20, |checks, one| {
            checks.within("measure", |checks| one.measure.check(checks));
            checks.text_if("unit", one.unit.as_deref(), 40);
        });
        checks.text_if("note", self.note.as_deref(), 5000);
    }
}

impl Validate for GoalStep {
    fn check(&self, checks: &mut Checks) {
        checks.text_if("reason", self.reason.as_deref(), 500);
        let rule = "has an operation of its own: POST …/entered-in-error";
        let step = self.status != GoalStatus::EnteredInError;
        checks.require(step, "status", "not_a_step", rule);
    }
}
