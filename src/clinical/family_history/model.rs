//! Family history on the wire.

use chrono::{DateTime, Datelike, Utc};
use kernel::ids::{EncounterId, FamilyHistoryId, PatientId, UserId};
use kernel::{Checks, Validate};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::entries::EntryStatus;
use crate::patients::{AsOf, Sex};
use crate::terminology::Coding;

/// What the relative is to the patient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum FamilyRelationship {
    Mother,
    Father,
    Sister,
    Brother,
    HalfSibling,
    Twin,
    Daughter,
    Son,
    MaternalGrandmother,
    MaternalGrandfather,
    PaternalGrandmother,
    PaternalGrandfather,
    MaternalAunt,
    MaternalUncle,
    PaternalAunt,
    PaternalUncle,
    Cousin,
    NieceOrNephew,
    Grandchild,
    Other,
}

/// How much of the relative's health is known.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type,
)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum FamilyHistoryExtent {
    /// Some of it.
    Partial,
    /// All that could be asked for: no conditions means that there are none.
    #[default]
    Completed,
    /// Asked, and nothing is known.
    HealthUnknown,
}

/// A condition of a relative.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RelativeCondition {
    pub condition: Coding,
    /// How old the relative was, in years.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 130)]
    pub onset_age: Option<i32>,
    /// Whether the relative died of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub led_to_death: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// What is known of the health of one relative. He is named by what he is to the patient, not by his name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "relationship": "mother", "extent": "completed", "sex": "female", "born_year": 1948, "deceased": true, "deceased_age": 71,
    "conditions": [{ "condition": { "system": "icd10cm", "code": "E11.9", "display": "Type 2 diabetes mellitus without complications" },
                     "onset_age": 52, "led_to_death": false }],
    "note": "As told by the patient" }))]
pub struct NewFamilyHistory {
    pub relationship: FamilyRelationship,
    #[serde(default)]
    pub extent: FamilyHistoryExtent,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sex: Option<Sex>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub born_year: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deceased: Option<bool>,
    /// In years; of one who has died.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 130)]
    pub deceased_age: Option<i32>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<RelativeCondition>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The encounter in which it was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encounter_id: Option<EncounterId>,
}

/// An entry of the family history.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FamilyHistory {
    pub id: FamilyHistoryId,
    pub patient_id: PatientId,
    pub status: EntryStatus,
    pub error_reason: Option<String>,
    #[serde(flatten)]
    pub data: NewFamilyHistory,
    pub version: i64,
    pub created_by: Option<UserId>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// Which entries to list.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListFamilyHistory {
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

impl Validate for NewFamilyHistory {
    fn check(&self, checks: &mut Checks) {
        let years = |age: Option<i32>| age.is_none_or(|age| (0..=130).contains(&age));
        let rule = "must be a number of years from 0 to 130";
        if let Some(year) = self.born_year {
            let this_year = checks.latest_today().year();
            checks.require(
                (1800..=this_year).contains(&year),
                "born_year",
                "out_of_range",
                "must be a year between 1800 and this one",
            );
        }
        checks.require(
            years(self.deceased_age),
            "deceased_age",
            "out_of_range",
            rule,
        );
        checks.require(
            self.deceased_age.is_none() || self.deceased == Some(true),
            "deceased_age",
            "not_deceased",
            "goes with deceased only",
        );
        checks.require(
            self.extent != FamilyHistoryExtent::HealthUnknown || self.conditions.is_empty(),
            "conditions",
            "health_unknown",
            "must be empty where nothing is known",
        );
        checks.each("conditions", &self.conditions, 50, |checks, one| {
            checks.within("condition", |checks| one.condition.check(checks));
            checks.require(years(one.onset_age), "onset_age", "out_of_range", rule);
            checks.text_if("note", one.note.as_deref(), 500);
        });
        checks.text_if("note", self.note.as_deref(), 2000);
    }
}
