//! Vital signs on the wire: what is shown.

use chrono::{DateTime, Utc};
use kernel::PartialDate;
use kernel::ids::{EncounterId, PatientId, UserId, VitalId, VitalSetId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::growth::Percentile;
use super::kinds::{Quantity, VitalKind};
use super::model::NewReading;
use super::plausibility::Interpretation;
use super::scores::Score;
use super::trend::{Point, Summary};
use super::units::{Amount, Unit};
use crate::patients::AsOf;

/// Where a reading came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
#[schema(as = VitalSource)]
pub enum Source {
    /// Typed by somebody.
    Manual,
    /// Sent by a device.
    Device,
    /// Brought in from elsewhere.
    Import,
}

/// Whether a reading stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum VitalStatus {
    Final,
    EnteredInError,
}

/// The number in the one unit its kind is kept in.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[schema(as = VitalCanonical)]
pub struct Canonical {
    /// Of a blood pressure the systolic.
    #[schema(value_type = f64)]
    pub value: Amount,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>)]
    pub diastolic: Option<Amount>,
    pub unit: Unit,
}

/// A reading, as given and as kept.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = VitalReading)]
pub struct Reading {
    pub id: VitalId,
    #[serde(flatten)]
    pub given: NewReading,
    /// Absent where it is no number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canonical: Option<Canonical>,
    #[schema(example = "8310-5")]
    pub loinc: &'static str,
    /// Against what is usual at the patient's age. Of a blood pressure the more striking of the two.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interpretation: Option<Interpretation>,
    /// Unusual, and said to be right.
    pub confirmed: bool,
    pub status: VitalStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_reason: Option<String>,
    /// The set that corrects it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replaced_by: Option<VitalSetId>,
}

/// What follows from the readings of one set, and from how tall the patient was. Computed, never entered; readings that are an error don't count.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
#[schema(as = VitalsDerived)]
pub struct Derived {
    /// mmHg.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>)]
    pub mean_arterial_pressure: Option<Amount>,
    /// kg/m².
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>)]
    pub bmi: Option<Amount>,
    /// When the height it was made with was measured, if the set has none: the last one in the three years before, of a child in
    /// the 31 days before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bmi_height_at: Option<DateTime<Utc>>,
    /// Of children, where growth references are loaded.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub percentiles: Vec<Percentile>,
    /// Where any of its parts was measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub news2: Option<Score>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub qsofa: Option<Score>,
}

/// What was measured at one time.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Vitals {
    pub id: VitalSetId,
    pub patient_id: PatientId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encounter_id: Option<EncounterId>,
    pub measured_at: DateTime<Utc>,
    /// Of what was imported and is known by its day, month or year alone: that, to be shown in place of `measured_at`, which is where
    /// it begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2015-03")]
    pub measured_on: Option<PartialDate>,
    pub readings: Vec<Reading>,
    pub derived: Derived,
    pub source: Source,
    /// The set this one corrects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replaces: Option<VitalSetId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recorded_by: Option<UserId>,
    pub recorded_at: DateTime<Utc>,
    pub version: i64,
}

/// Which sets of a patient.
#[derive(Clone, Debug, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListVitals {
    /// Measured at or after.
    pub from: Option<DateTime<Utc>>,
    /// Measured before.
    pub to: Option<DateTime<Utc>>,
    /// Sets with a reading of this kind.
    pub kind: Option<VitalKind>,
    pub encounter_id: Option<EncounterId>,
    /// Show readings that were an error, too.
    #[serde(default)]
    pub include_errors: bool,
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    pub cursor: Option<String>,
    /// A day (its local end) or an instant: the list as it was on record then, the latest first. Needs the permission
    /// `entry.history`.
    #[param(value_type = Option<String>, example = "2024-05-01T12:00:00Z")]
    pub as_of: Option<AsOf>,
}

/// How far to look back.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct LatestQuery {
    /// Measured at or after; three years ago unless given.
    pub since: Option<DateTime<Utc>>,
    /// A day (its local end) or an instant: the latest that was on record then. Needs the permission `entry.history`.
    #[param(value_type = Option<String>, example = "2024-05-01T12:00:00Z")]
    pub as_of: Option<AsOf>,
}

/// A reading and when it was taken.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = LatestVital)]
pub struct Latest {
    pub set_id: VitalSetId,
    pub measured_at: DateTime<Utc>,
    /// Of what was imported and is known by its day, month or year alone: that, to be shown in place of `measured_at`, which is where
    /// it begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2015-03")]
    pub measured_on: Option<PartialDate>,
    #[serde(flatten)]
    pub reading: Reading,
}

/// The latest reading of each kind.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct LatestVitals {
    pub patient_id: PatientId,
    pub since: DateTime<Utc>,
    pub readings: Vec<Latest>,
    /// From the latest weight and height; of a child only if they lie at most 31 days apart. kg/m².
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>)]
    pub bmi: Option<Amount>,
    /// Of children, where growth references are loaded.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub percentiles: Vec<Percentile>,
}

/// Which trend.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TrendQuery {
    /// One quantity; all that were measured unless given.
    pub kind: Option<Quantity>,
    /// Measured at or after; a year before `to` unless given.
    pub from: Option<DateTime<Utc>>,
    /// Measured before; now, or the time of `as_of`, unless given.
    pub to: Option<DateTime<Utc>>,
    /// Points to plot of each series, 2 to 2000; 200 unless given.
    #[param(minimum = 2, maximum = 2000)]
    pub points: Option<usize>,
    /// A day (its local end) or an instant: the trends of what was on record then. Needs the permission `entry.history`.
    #[param(value_type = Option<String>, example = "2024-05-01T12:00:00Z")]
    pub as_of: Option<AsOf>,
}

/// One quantity over time.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = VitalSeries)]
pub struct Series {
    pub kind: Quantity,
    pub unit: Unit,
    #[schema(example = "8867-4")]
    pub loinc: &'static str,
    #[serde(flatten)]
    pub summary: Summary,
    /// Of a longer series those that keep its outline.
    pub points: Vec<Point>,
}

/// Trends of a patient's vital signs.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct VitalsTrend {
    pub patient_id: PatientId,
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
    /// Only what was measured.
    pub series: Vec<Series>,
}
