//! Plans, as they are told.

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use kernel::ids::{
    AppointmentId, AssetId, FacilityId, PatientId, ProviderId, SchedulePlanId, ServiceId,
};
use kernel::{Error, FieldError};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::model::{PlanFrame, WantedVisit};

/// How far a plan has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum PlanStatus {
    Proposed,
    PartlyApplied,
    Applied,
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum RequestOutcome {
    /// Nothing yet.
    Open,
    Booked,
    /// The appointment was moved.
    Moved,
    /// It could not be booked; `refusal` and `problem` say why.
    Refused,
}

/// What is missed, in the tenant's weights. `total` is the sum of the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlanCost {
    pub total: i64,
    pub unplaced: i64,
    pub wait: i64,
    pub preferred_time: i64,
    pub preferred_provider: i64,
    pub continuity: i64,
    pub moved: i64,
    pub moved_provider: i64,
    pub cancelled: i64,
}

impl From<planner::Goals> for PlanCost {
    fn from(goals: planner::Goals) -> Self {
        Self {
            total: goals.total,
            unplaced: goals.unplaced,
            wait: goals.wait,
            preferred_time: goals.preferred_time,
            preferred_provider: goals.preferred_provider,
            continuity: goals.continuity,
            moved: goals.moved,
            moved_provider: goals.moved_provider,
            cancelled: goals.cancelled,
        }
    }
}

/// Against where things stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PlacementChange {
    /// It had no place before.
    New,
    /// It stands where it stood.
    Kept,
    /// Another time or other people.
    Moved,
}

/// Where a request is placed.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct PlannedPlace {
    pub starts_at: DateTime<Utc>,
    pub ends_at: DateTime<Utc>,
    #[schema(value_type = String, example = "2027-03-01T09:00:00")]
    pub local_start: NaiveDateTime,
    pub facility_id: FacilityId,
    pub provider_ids: Vec<ProviderId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub room_id: Option<AssetId>,
    pub equipment_ids: Vec<AssetId>,
    pub change: PlacementChange,
}

/// A request, and what the plan does with it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct PlannedVisit {
    #[serde(flatten)]
    pub data: WantedVisit,
    /// The appointment that stands, if it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub appointment: Option<AppointmentId>,
    /// Where it is placed; missing if it has no place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<PlannedPlace>,
    /// Of one without a place: the rule that stands in the way.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "providers_full")]
    pub reason: Option<String>,
    pub cost: PlanCost,
    /// Why here, or why not.
    pub why: Vec<String>,
    pub outcome: RequestOutcome,
    /// What was booked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub booked: Option<AppointmentId>,
    /// The code of the problem that kept it from being booked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "slot_taken")]
    pub refusal: Option<String>,
    /// The same in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<PlanProblem>,
}

/// What booking a place alone would have answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PlanProblem {
    #[schema(example = "The provider is occupied then.")]
    pub detail: String,
    pub errors: Vec<PlanFieldProblem>,
}

/// The field of an appointment that stands in the way, as in `errors` of a problem.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PlanFieldProblem {
    #[schema(example = "/provider_id")]
    pub pointer: String,
    #[schema(example = "occupied")]
    pub code: String,
    #[schema(example = "must be free then")]
    pub message: String,
}

impl From<&Error> for PlanProblem {
    fn from(error: &Error) -> Self {
        let of = |it: &FieldError| PlanFieldProblem {
            pointer: it.pointer.clone(),
            code: it.code.to_string(),
            message: it.message.to_string(),
        };
        Self {
            detail: error.explanation().to_owned(),
            errors: error.fields().iter().map(of).collect(),
        }
    }
}

/// Against the plan this one was made from. By the keys of the requests of patients the caller may see.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PlanComparison {
    /// What the plan before cost.
    pub before: PlanCost,
    pub moved: Vec<String>,
    /// Had a place, and has none now.
    pub lost: Vec<String>,
    /// Placed for the first time.
    pub placed: Vec<String>,
}

/// A proposed schedule.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SchedulePlan {
    pub id: SchedulePlanId,
    #[serde(flatten)]
    pub frame: PlanFrame,
    pub status: PlanStatus,
    /// IANA: of all the facilities.
    pub time_zone: String,
    /// What is missed in all, the requests the caller may not see among it.
    pub cost: PlanCost,
    /// Requests with a place, and without.
    pub placed: usize,
    pub unplaced: usize,
    /// Of the patients the caller may see.
    pub requests: Vec<PlannedVisit>,
    /// Steps of the search, and what the plan cost before them.
    pub iterations: u64,
    pub first_cost: i64,
    /// The plan this one was made from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replans: Option<SchedulePlanId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comparison: Option<PlanComparison>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
}

/// A plan in a list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SchedulePlanSummary {
    pub id: SchedulePlanId,
    pub status: PlanStatus,
    pub first_day: NaiveDate,
    pub days: i32,
    pub time_zone: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replans: Option<SchedulePlanId>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
}

/// Which plans to list.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListSchedulePlans {
    pub status: Option<PlanStatus>,
    /// Rows of a page, 1 to 200; 50 unless said.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// A request as it is kept.
#[derive(Clone, Debug)]
pub(super) struct KeptRequest {
    pub key: String,
    pub patient_id: PatientId,
    pub service_id: ServiceId,
    pub data: WantedVisit,
    pub moves: Option<AppointmentId>,
    pub outcome: RequestOutcome,
    pub booked: Option<AppointmentId>,
    pub refusal: Option<String>,
    pub problem: Option<PlanProblem>,
}

/// A plan as it is kept.
#[derive(Clone, Debug)]
pub(super) struct KeptPlan {
    pub id: SchedulePlanId,
    pub status: PlanStatus,
    pub time_zone: String,
    pub frame: PlanFrame,
    pub plan: planner::Plan,
    pub replans: Option<SchedulePlanId>,
    pub comparison: Option<PlanComparison>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
}
