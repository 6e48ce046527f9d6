//! Problems on the wire.

use chrono::{DateTime, Utc};
use kernel::ids::{EncounterId, PatientId, ProblemId, UserId};
use kernel::{Checks, PartialDate, Validate};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::status::ProblemStatus;
use crate::entries::ConditionCodes;
use crate::patients::AsOf;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum ProblemSeverity {
    Mild,
    Moderate,
    Severe,
    Critical,
}

/// How sure it is.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type,
)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum ProblemVerification {
    Unconfirmed,
    /// Worked with until more is known.
    Provisional,
    /// One of several that are considered.
    Differential,
    #[default]
    Confirmed,
    /// Ruled out.
    Refuted,
    EnteredInError,
}

/// A problem, as it is said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "icd10cm": "E11.9", "name": "Type 2 diabetes mellitus without complications", "onset": "2019-03", "severity": "moderate",
    "status": "chronic", "verification": "confirmed", "note": "Diet and metformin"
}))]
pub struct NewProblem {
    /// ICD-10-CM. This, `snomed` or both must be given; what was imported may have words alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "E11.9")]
    pub icd10cm: Option<String>,
    /// SNOMED CT concept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snomed: Option<String>,
    /// The code's, unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// When it began: a year, a month or a day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub onset: Option<PartialDate>,
    /// When it ended, of a resolved problem or one in remission.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub abatement: Option<PartialDate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<ProblemSeverity>,
    #[serde(default)]
    pub status: ProblemStatus,
    /// `entered_in_error` has an operation of its own.
    #[serde(default)]
    pub verification: ProblemVerification,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The patient's encounter in which it was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encounter_id: Option<EncounterId>,
    /// When it was recorded, where that was not here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorded_at: Option<DateTime<Utc>>,
}

impl NewProblem {
    pub(super) fn codes(&self) -> ConditionCodes {
        ConditionCodes {
            icd10cm: self.icd10cm.clone(),
            snomed: self.snomed.clone(),
            name: self.name.clone(),
        }
    }

    fn check_all_but_its_code(&self, checks: &mut Checks) {
        checks.text_if("icd10cm", self.icd10cm.as_deref(), 20);
        checks.text_if("snomed", self.snomed.as_deref(), 20);
        checks.text_if("name", self.name.as_deref(), 300);
        if let Some(recorded) = self.recorded_at {
            let rule = "must not lie in the future";
            checks.instant("recorded_at", recorded);
            checks.require(
                recorded <= checks.now(),
                "recorded_at",
                "in_the_future",
                rule,
            );
        }
        checks.text_if("note", self.note.as_deref(), 2000);
        checks.require(
            self.verification != ProblemVerification::EnteredInError,
            "verification",
            "not_here",
            "must not be entered_in_error; see POST …/entered-in-error",
        );
        if let Some(onset) = &self.onset {
            onset.check_past(checks, "onset");
        }
        if let Some(abatement) = &self.abatement {
            abatement.check_past(checks, "abatement");
            checks.require(
                self.onset
                    .as_ref()
                    .is_none_or(|onset| abatement.latest() >= onset.earliest()),
                "abatement",
                "before_onset",
                "must not lie before onset",
            );
            checks.require(
                matches!(
                    self.status,
                    ProblemStatus::Resolved | ProblemStatus::InRemission
                ),
                "abatement",
                "still_open",
                "goes with the status resolved or in_remission only",
            );
        }
    }
}

impl Validate for NewProblem {
    fn check(&self, checks: &mut Checks) {
        checks.require(
            self.icd10cm.is_some() || self.snomed.is_some(),
            "icd10cm",
            "code_needed",
            "needs a code: icd10cm, snomed or both",
        );
        self.check_all_but_its_code(checks);
    }
}

/// A problem that was found elsewhere, where it may have been written in words alone.
pub struct FoundElsewhere<'a>(pub &'a NewProblem);

impl Validate for FoundElsewhere<'_> {
    fn check(&self, checks: &mut Checks) {
        self.0.check_all_but_its_code(checks);
    }
}

/// A problem of a patient.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Problem {
    pub id: ProblemId,
    pub patient_id: PatientId,
    #[serde(flatten)]
    pub data: NewProblem,
    /// Why it should never have been entered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_reason: Option<String>,
    pub version: i64,
    /// Whose account recorded it; `null`: the system, such as an import.
    pub recorded_by: Option<UserId>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// That a problem is over.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "abatement": "2024-06" }))]
pub struct Resolution {
    /// When it ended, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub abatement: Option<PartialDate>,
}

impl Validate for Resolution {
    fn check(&self, checks: &mut Checks) {
        if let Some(abatement) = &self.abatement {
            abatement.check_past(checks, "abatement");
        }
    }
}

/// That a problem is back.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "status": "active" }))]
pub struct Reactivation {
    /// `active` or `chronic`.
    #[serde(default)]
    pub status: ProblemStatus,
}

impl Validate for Reactivation {
    /// The status machine decides.
    fn check(&self, _: &mut Checks) {}
}

/// Which problems to list.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListProblems {
    pub status: Option<ProblemStatus>,
    /// Those entered in error, too.
    #[serde(default)]
    pub include_errors: bool,
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
