//! No-shows on the wire.

use chrono::{DateTime, NaiveDate, Utc};
use kernel::ids::{AppointmentId, FacilityId, NoShowModelId, PatientId, ProviderId};
use platform::access::NoPhi;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// One thing the model looks at, and what it does to the log odds of staying away.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct NoShowFeature {
    #[schema(example = "lead_time")]
    pub name: String,
    pub coefficient: f64,
}

/// Visits of like probability: what was said, and what happened.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema)]
pub struct CalibrationBin {
    pub from: f64,
    pub to: f64,
    pub visits: usize,
    pub predicted: f64,
    pub missed: f64,
}

/// How the model does on visits it has not seen: the latest quarter.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct NoShowJudgement {
    pub fitted_on: usize,
    pub judged_on: usize,
    /// The share of missed visits among those judged on.
    pub missed: f64,
    /// Mean squared error of the probability, and that of always saying the share of missed visits.
    pub brier: f64,
    pub brier_of_the_share: f64,
    /// Of a missed and a kept visit, how often the missed one had the higher probability.
    pub auc: f64,
    pub calibration: Vec<CalibrationBin>,
}

/// The model in use.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct NoShowModel {
    pub id: NoShowModelId,
    pub made_on: NaiveDate,
    /// Visits of the last three years, and how many of them were missed.
    pub visits: i32,
    pub missed: i32,
    /// All the model looks at. Nothing of who the patient is.
    pub features: Vec<NoShowFeature>,
    pub judgement: NoShowJudgement,
}

/// How likely it is that somebody does not come.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct NoShowScore {
    pub appointment_id: AppointmentId,
    pub patient_id: PatientId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider_id: Option<ProviderId>,
    pub starts_at: DateTime<Utc>,
    #[schema(example = 0.18)]
    pub probability: f64,
    pub scored_at: DateTime<Utc>,
}

/// Half a day of a provider, and how many more could be booked.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct OverbookingSuggestion {
    pub facility_id: FacilityId,
    pub provider_id: ProviderId,
    /// Before noon, by the wall of the place.
    pub morning: bool,
    pub booked: usize,
    /// How many of them will probably not come; `null` where none has a score.
    pub expected_missed: Option<f64>,
    /// So many more can be booked, and with four chances of five all who come can be seen. Not above what the services allow.
    pub suggested: usize,
}

impl NoPhi for NoShowModel {}
impl NoPhi for OverbookingSuggestion {}

/// Which scores to list.
#[derive(Clone, Debug, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListNoShowScores {
    /// The local day of the appointments.
    #[param(example = "2026-12-01")]
    pub date: NaiveDate,
    pub facility_id: Option<FacilityId>,
    pub provider_id: Option<ProviderId>,
    /// Rows of a page, 1 to 200; 50 unless said.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// Of which day.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SuggestOverbooking {
    /// The local day.
    #[param(example = "2026-12-01")]
    pub date: NaiveDate,
    pub facility_id: Option<FacilityId>,
}
