//! Encounter diagnoses on the wire.

use chrono::{DateTime, Utc};
use kernel::ids::{DiagnosisId, EncounterId, PatientId, ProblemId, UserId};
use kernel::{Checks, PartialDate, Validate};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::entries::ConditionCodes;
use crate::patients::AsOf;
use crate::problems::{ProblemSeverity, ProblemStatus};

/// Whether the condition was there when the patient was admitted, as a claim says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[sqlx(type_name = "text")]
pub enum PresentOnAdmission {
    Y,
    N,
    /// The documentation does not say.
    U,
    /// It can't be determined clinically.
    W,
    /// The code is exempt from reporting.
    #[serde(rename = "exempt")]
    #[sqlx(rename = "exempt")]
    Exempt,
}

/// A diagnosis, as it is coded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "icd10cm": "I10", "name": "Essential (primary) hypertension", "rank": 2, "present_on_admission": "Y"
}))]
pub struct NewDiagnosis {
    /// ICD-10-CM. This, `snomed` or both must be given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "I10")]
    pub icd10cm: Option<String>,
    /// SNOMED CT concept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snomed: Option<String>,
    /// The code's, unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// 1 to 99, 1 being the principal one; the next that is free, unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rank: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub present_on_admission: Option<PresentOnAdmission>,
}

impl NewDiagnosis {
    pub(super) fn codes(&self) -> ConditionCodes {
        ConditionCodes {
            icd10cm: self.icd10cm.clone(),
            snomed: self.snomed.clone(),
            name: self.name.clone(),
        }
    }
}

impl Validate for NewDiagnosis {
    fn check(&self, checks: &mut Checks) {
        checks.require(
            self.icd10cm.is_some() || self.snomed.is_some(),
            "icd10cm",
            "code_needed",
            "needs a code: icd10cm, snomed or both",
        );
        checks.text_if("icd10cm", self.icd10cm.as_deref(), 20);
        checks.text_if("snomed", self.snomed.as_deref(), 20);
        checks.text_if("name", self.name.as_deref(), 300);
        checks.require(
            self.rank.is_none_or(|rank| (1..=99).contains(&rank)),
            "rank",
            "out_of_range",
            "must lie between 1 and 99",
        );
    }
}

/// Whether a diagnosis counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum DiagnosisStatus {
    Active,
    EnteredInError,
}

/// A diagnosis of an encounter.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Diagnosis {
    pub id: DiagnosisId,
    pub patient_id: PatientId,
    pub encounter_id: EncounterId,
    #[serde(flatten)]
    pub data: NewDiagnosis,
    pub status: DiagnosisStatus,
    /// Where it stands on the problem list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem_id: Option<ProblemId>,
    /// Why it should never have been coded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_reason: Option<String>,
    pub version: i64,
    /// Whose account recorded it; `null`: the system, such as an import.
    pub recorded_by: Option<UserId>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// How a diagnosis is to stand on the problem list.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "status": "chronic", "severity": "mild", "onset": "2024" }))]
pub struct Promotion {
    /// `active`, unless given.
    #[serde(default)]
    pub status: ProblemStatus,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<ProblemSeverity>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub onset: Option<PartialDate>,
}

impl Validate for Promotion {
    fn check(&self, checks: &mut Checks) {
        if let Some(onset) = &self.onset {
            onset.check_past(checks, "onset");
        }
        checks.require(
            self.status.is_open(),
            "status",
            "not_open",
            "must not be resolved",
        );
    }
}

/// Which diagnoses to list.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListDiagnoses {
    /// Those entered in error, too.
    #[serde(default)]
    pub include_errors: bool,
    /// A day (its local end) or an instant: the list as it was on record then, the latest first. Needs the permission
    /// `entry.history`.
    #[param(value_type = Option<String>, example = "2024-05-01T12:00:00Z")]
    pub as_of: Option<AsOf>,
}
