//! Alerts on the wire.

use chrono::{DateTime, Utc};
use kernel::ids::{ClinicalAlertId, EncounterId, PatientId, UserId, VitalSetId};
use kernel::{Checks, Validate};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::patients::AsOf;

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum AlertKind {
    News2,
    Qsofa,
}

impl AlertKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::News2 => "news2",
            Self::Qsofa => "qsofa",
        }
    }
}

/// How soon somebody has to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum AlertLevel {
    Urgent,
    Emergency,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum AlertStatus {
    Open,
    Acknowledged,
    /// What it was made from was an error; or devices have found worse in the same minute, which is another alert.
    Withdrawn,
}

/// What a feature has found.
#[derive(Clone, Debug, Serialize)]
pub struct NewAlert {
    pub patient_id: PatientId,
    pub encounter_id: Option<EncounterId>,
    pub kind: AlertKind,
    pub level: AlertLevel,
    pub score: i16,
    /// Parts are missing: the score would be this or more.
    pub at_least: bool,
    /// What made the score.
    pub parts: Value,
    pub set_id: VitalSetId,
    pub measured_at: DateTime<Utc>,
}

/// An alert that stands, as far as whoever raised it needs to know.
#[derive(Clone, Copy, Debug)]
pub struct Raised {
    pub id: ClinicalAlertId,
    pub patient_id: PatientId,
    pub kind: AlertKind,
    pub level: AlertLevel,
    pub score: i16,
    pub at_least: bool,
    pub set_id: VitalSetId,
    pub measured_at: DateTime<Utc>,
    /// Or acknowledged.
    pub is_open: bool,
}

impl Raised {
    /// Whether it says what the other would.
    pub fn says(&self, new: &NewAlert) -> bool {
        (self.patient_id, self.set_id, self.kind, self.level)
            == (new.patient_id, new.set_id, new.kind, new.level)
            && (self.score, self.at_least) == (new.score, new.at_least)
    }
}

/// Something that somebody has to look at.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ClinicalAlert {
    pub id: ClinicalAlertId,
    pub patient_id: PatientId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encounter_id: Option<EncounterId>,
    pub kind: AlertKind,
    pub level: AlertLevel,
    #[schema(example = 7)]
    pub score: i16,
    /// Parts of the score were not measured: it would be this or more.
    #[serde(default)]
    pub at_least: bool,
    /// What made the score: parts, values, points.
    #[schema(value_type = Vec<Object>)]
    pub parts: Value,
    /// The vital signs it was made from.
    #[serde(rename(deserialize = "set_id"))]
    pub vitals_id: VitalSetId,
    pub measured_at: DateTime<Utc>,
    pub status: AlertStatus,
    pub raised_at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acknowledged_by: Option<UserId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acknowledged_at: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    pub version: i64,
}

/// What was done about it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "note": "Seen at the bedside, physician called" }))]
pub struct AlertAcknowledgement {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Validate for AlertAcknowledgement {
    fn check(&self, checks: &mut Checks) {
        checks.text_if("note", self.note.as_deref(), 1000);
    }
}

/// Which alerts of a patient.
#[derive(Clone, Debug, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OfPatient {
    pub status: Option<AlertStatus>,
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    pub cursor: Option<String>,
    /// A day (its local end) or an instant: the list as it was on record then, the latest first. Needs the permission
    /// `entry.history`.
    #[param(value_type = Option<String>, example = "2024-05-01T12:00:00Z")]
    pub as_of: Option<AsOf>,
}

/// Which open alerts.
#[derive(Clone, Debug, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WorkList {
    pub level: Option<AlertLevel>,
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    pub cursor: Option<String>,
}
