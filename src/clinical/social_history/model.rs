//! Social history on the wire.

use chrono::{DateTime, TimeDelta, Utc};
use kernel::ids::{EncounterId, PatientId, SocialHistoryId, UserId};
use kernel::{Checks, Decimal, PartialDate, Validate};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::entries::EntryStatus;
use crate::patients::AsOf;
use crate::terminology::Coding;

/// What it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum SocialCategory {
    SmokingStatus,
    Tobacco,
    Alcohol,
    SubstanceUse,
    /// Social determinants of health: food, housing, transport, safety, money, company.
    Sdoh,
    Occupation,
    Education,
    LivingSituation,
    Travel,
    Other,
}

/// Smoking status, in the eight answers of US Core.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum SmokingStatus {
    CurrentEveryDay,
    CurrentSomeDay,
    Former,
    Never,
    /// Smokes; how often is not known.
    CurrentUnknown,
    /// Whether he has ever smoked is not known.
    Unknown,
    Heavy,
    Light,
}

/// A coded question with its answer: exactly one of `coding`, `text`, `number` and `yes`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SocialAnswer {
    /// Nearly always LOINC.
    pub question: Coding,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coding: Option<Coding>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>)]
    pub number: Option<Decimal>,
    /// UCUM; goes with `number`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub yes: Option<bool>,
}

/// What was asked at one moment: a smoking status, a single question, or a whole screening instrument.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "category": "sdoh", "effective_at": "2026-01-05T14:30:00Z",
    "instrument": { "system": "loinc", "code": "93025-5", "display": "Protocol for Responding to and Assessing Patients' Assets, Risks, and Experiences [PRAPARE]" },
    "answers": [{ "question": { "system": "loinc", "code": "71802-3", "display": "Housing status" }, "text": "I have housing" }] }))]
pub struct NewSocialHistory {
    pub category: SocialCategory,
    /// When it was asked, or from when on it is so.
    pub effective_at: DateTime<Utc>,
    /// With the category `smoking_status`, and only with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub smoking_status: Option<SmokingStatus>,
    /// The screening instrument, where it was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instrument: Option<Coding>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<SocialAnswer>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encounter_id: Option<EncounterId>,
}

/// An entry of the social history.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SocialHistory {
    pub id: SocialHistoryId,
    pub patient_id: PatientId,
    pub status: EntryStatus,
    pub error_reason: Option<String>,
    #[serde(flatten)]
    pub data: NewSocialHistory,
    /// Of what was imported and is known by its day, month or year alone: that, to be shown in place of `effective_at`, which is where
    /// it begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2015-03")]
    pub effective_on: Option<PartialDate>,
    pub version: i64,
    pub created_by: Option<UserId>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// Which entries to list.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListSocialHistory {
    pub category: Option<SocialCategory>,
    /// Those made in error, too.
    #[serde(default)]
    pub with_errors: bool,
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

impl Validate for NewSocialHistory {
    fn check(&self, checks: &mut Checks) {
        checks.instant("effective_at", self.effective_at);
        checks.require(
            self.effective_at <= checks.now() + TimeDelta::minutes(5),
            "effective_at",
            "in_the_future",
            "must not lie in the future",
        );
        let smoking = self.category == SocialCategory::SmokingStatus;
        checks.require(
            smoking == self.smoking_status.is_some(),
            "smoking_status",
            "not_with_category",
            "goes with the category smoking_status, and only with it",
        );
        checks.require(
            smoking || !self.answers.is_empty(),
            "answers",
            "empty",
            "must have at least one answer",
        );
        if let Some(instrument) = &self.instrument {
            checks.within("instrument", |checks| instrument.check(checks));
        }
        checks.each("answers", &self.answers, 200, |checks, one| {
            one.check(checks);
        });
        checks.text_if("note", self.note.as_deref(), 2000);
    }
}

impl Validate for SocialAnswer {
    fn check(&self, checks: &mut Checks) {
        checks.within("question", |checks| self.question.check(checks));
        if let Some(coding) = &self.coding {
            checks.within("coding", |checks| coding.check(checks));
        }
        checks.text_if("text", self.text.as_deref(), 2000);
        checks.text_if("unit", self.unit.as_deref(), 40);
        let given = [
            self.coding.is_some(),
            self.text.is_some(),
            self.number.is_some(),
            self.yes.is_some(),
        ];
        if given.into_iter().filter(|given| *given).count() != 1 {
            let rule = "must have exactly one of coding, text, number and yes";
            checks.fail_here("not_one_answer", rule);
        }
        checks.require(
            self.unit.is_none() || self.number.is_some(),
            "unit",
            "without_number",
            "goes with number only",
        );
    }
}
