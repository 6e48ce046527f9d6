//! Procedures on the wire.

use chrono::{DateTime, SubsecRound, Utc};
use kernel::ids::{EncounterId, PatientId, ProcedureId, ProviderId, UserId};
use kernel::{Checks, PartialDate, Validate};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::status::ProcedureStatus;
use crate::patients::AsOf;
use crate::terminology::System;

/// In which code system a procedure is coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum ProcedureSystem {
    Cpt,
    Hcpcs,
    Snomed,
    Icd10pcs,
}

impl ProcedureSystem {
    pub(super) const fn system(self) -> System {
        match self {
            Self::Cpt => System::Cpt,
            Self::Hcpcs => System::Hcpcs,
            Self::Snomed => System::Snomed,
            Self::Icd10pcs => System::Icd10pcs,
        }
    }
}

/// What somebody did in a procedure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PerformerFunction {
    #[default]
    Primary,
    Assisting,
    Anesthesia,
    Supervising,
    Other,
}

/// Somebody who did it: a provider of the organisation, or anybody by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Performer {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_id: Option<ProviderId>,
    /// Of somebody who is not a provider here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default)]
    pub function: PerformerFunction,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Laterality {
    Left,
    Right,
    Bilateral,
}

/// Where on the body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BodySite {
    pub text: String,
    /// SNOMED CT of the site.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snomed: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub laterality: Option<Laterality>,
}

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Complication {
    pub text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub icd10cm: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Outcome {
    Successful,
    PartiallySuccessful,
    Unsuccessful,
}

/// A procedure, as it is said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "system": "hcpcs", "code": "G0101", "name": "Cervical or vaginal cancer screening; pelvic and clinical breast examination",
    "modifiers": ["25"], "status": "completed",
    "performed_start": "2026-03-10T10:05:00-04:00", "performed_end": "2026-03-10T10:20:00-04:00",
    "performers": [{ "name": "Grace Hopper, NP", "function": "primary" }],
    "body_site": { "text": "Cervix uteri" }, "outcome": "successful",
    "complications": [{ "text": "Brief dizziness", "icd10cm": "R42" }], "note": "Sample sent to cytology"
}))]
pub struct NewProcedure {
    pub system: ProcedureSystem,
    pub code: String,
    /// The code's, unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Two characters each, of a CPT or HCPCS code, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub modifiers: Vec<String>,
    /// `entered_in_error` has an operation of its own.
    #[serde(default)]
    pub status: ProcedureStatus,
    /// Of one that was not done, or stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_reason: Option<String>,
    /// Where no more than the day, the month or the year is known; not with `performed_start`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub performed_on: Option<PartialDate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub performed_start: Option<DateTime<Utc>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub performed_end: Option<DateTime<Utc>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub performers: Vec<Performer>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_site: Option<BodySite>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome_note: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub complications: Vec<Complication>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The patient's encounter in which it was done. Billing reads its coding there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encounter_id: Option<EncounterId>,
}

impl NewProcedure {
    /// Cut to microseconds, PostgreSQL's precision.
    #[must_use]
    pub(super) fn cut(mut self) -> Self {
        for at in [&mut self.performed_start, &mut self.performed_end]
            .into_iter()
            .flatten()
        {
            *at = at.trunc_subsecs(6);
        }
        self
    }

    fn check_times(&self, checks: &mut Checks) {
        let now = checks.now();
        if let Some(date) = &self.performed_on {
            if self.status.has_begun() {
                date.check_past(checks, "performed_on");
            }
            checks.require(
                self.performed_start.is_none(),
                "performed_on",
                "either_or",
                "must not be given with performed_start",
            );
        }
        for (field, at) in [
            ("performed_start", self.performed_start),
            ("performed_end", self.performed_end),
        ] {
            let Some(at) = at else { continue };
            checks.instant(field, at);
            checks.require(
                !self.status.has_begun() || at <= now + chrono::TimeDelta::minutes(5),
                field,
                "in_the_future",
                "must not lie in the future, unless the procedure is planned",
            );
        }
        if let Some(end) = self.performed_end {
            checks.require(
                self.performed_start.is_some_and(|start| start <= end),
                "performed_end",
                "before_start",
                "needs a performed_start that does not lie after it",
            );
        }
        let known = self.performed_on.is_some() || self.performed_start.is_some();
        checks.require(
            known || self.status != ProcedureStatus::Completed,
            "performed_on",
            "missing_field",
            "a completed procedure needs performed_on or performed_start",
        );
    }
}

impl Validate for NewProcedure {
    fn check(&self, checks: &mut Checks) {
        checks.text("code", &self.code, 20);
        checks.text_if("name", self.name.as_deref(), 300);
        checks.each("modifiers", &self.modifiers, 4, |checks, modifier| {
            let form = modifier.len() == 2 && modifier.bytes().all(|b| b.is_ascii_alphanumeric());
            if !form {
                checks.fail_here("wrong_form", "must be two letters or digits");
            }
        });
        checks.require(
            self.modifiers.is_empty()
                || matches!(self.system, ProcedureSystem::Cpt | ProcedureSystem::Hcpcs),
            "modifiers",
            "not_here",
            "go with CPT and HCPCS codes only",
        );
        checks.require(
            self.status != ProcedureStatus::EnteredInError,
            "status",
            "not_here",
            "must not be entered_in_error; see POST …/entered-in-error",
        );
        checks.text_if("status_reason", self.status_reason.as_deref(), 500);
        checks.require(
            !self.status.needs_reason() || self.status_reason.is_some(),
            "status_reason",
            "missing_field",
            "must say why it was not done, or stopped",
        );
        self.check_times(checks);
        checks.each("performers", &self.performers, 20, |checks, performer| {
            checks.text_if("name", performer.name.as_deref(), 200);
            checks.require(
                performer.provider_id.is_some() != performer.name.is_some(),
                "provider_id",
                "exactly_one",
                "exactly one of provider_id and name must be given",
            );
        });
        if let Some(site) = &self.body_site {
            checks.within("body_site", |checks| {
                checks.text("text", &site.text, 200);
                checks.text_if("snomed", site.snomed.as_deref(), 20);
            });
        }
        checks.text_if("outcome_note", self.outcome_note.as_deref(), 1000);
        checks.each("complications", &self.complications, 20, |checks, one| {
            checks.text("text", &one.text, 300);
            checks.text_if("icd10cm", one.icd10cm.as_deref(), 20);
        });
        checks.text_if("note", self.note.as_deref(), 2000);
    }
}

/// A procedure of a patient.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Procedure {
    pub id: ProcedureId,
    pub patient_id: PatientId,
    #[serde(flatten)]
    pub data: NewProcedure,
    /// Why it should never have been entered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_reason: Option<String>,
    pub version: i64,
    /// Whose account recorded it; `null`: the system, such as an import.
    pub recorded_by: Option<UserId>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// Which procedures to list.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListProcedures {
    pub status: Option<ProcedureStatus>,
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
