//! Entries of the access log, and how they are asked for.

use chrono::{DateTime, Utc};
use kernel::ids::{PatientId, RequestId, SessionId, UserId};
use platform::access::Role;
use platform::audit::{Action, Outcome};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// One touch of one patient's information.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AccessEntry {
    /// Of the record. A list is one record: its entries, one for each row shown, share the id.
    pub id: Uuid,
    pub at: DateTime<Utc>,
    /// Absent: the system itself, as in an import.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_name: Option<String>,
    /// As it was then: a role, or `system`.
    pub role: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<SessionId>,
    /// Absent: a search that showed nobody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patient_id: Option<PatientId>,
    /// What kind of information; of a refusal, the permission that was asked for.
    #[schema(example = "patient")]
    pub resource: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_id: Option<Uuid>,
    pub action: Action,
    pub outcome: Outcome,
    /// Why: an HL7 purpose of use.
    #[schema(example = "TREAT")]
    pub purpose: String,
    pub break_glass: bool,
    #[schema(example = "GET")]
    pub method: String,
    #[schema(example = "/api/v1/patients/{patient_id}")]
    pub route: String,
    pub address: String,
    pub user_agent: String,
    pub request_id: RequestId,
    /// Among the entries of its record, for the cursor alone.
    #[serde(skip)]
    pub place: i64,
}

/// One opening of one's own chart.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OwnAccessEntry {
    /// Of the record. A list is one, however much of the chart it showed.
    pub id: Uuid,
    pub at: DateTime<Utc>,
    /// Who. Absent: the system itself, as in an import.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_name: Option<String>,
    /// In which role, then: a role, or `system`.
    #[schema(example = "nurse")]
    pub role: String,
    /// What was opened.
    #[schema(example = "patient")]
    pub resource: String,
    pub action: Action,
    /// Why: an HL7 purpose of use.
    #[schema(example = "TREAT")]
    pub purpose: String,
    pub break_glass: bool,
}

/// Which entries of the organisation's log.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListAccesses {
    pub patient_id: Option<PatientId>,
    pub user_id: Option<UserId>,
    /// From this instant on.
    pub from: Option<DateTime<Utc>>,
    /// Before this instant.
    pub to: Option<DateTime<Utc>>,
    pub action: Option<Action>,
    pub outcome: Option<Outcome>,
    /// Rows of a page, 1 to 200; 50 unless said.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// Which entries of one chart's log.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListChartAccesses {
    pub user_id: Option<UserId>,
    /// From this instant on.
    pub from: Option<DateTime<Utc>>,
    /// Before this instant.
    pub to: Option<DateTime<Utc>>,
    pub action: Option<Action>,
    pub outcome: Option<Outcome>,
    /// Rows of a page, 1 to 200; 50 unless said.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// Which openings of one's own chart.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListOwnAccesses {
    /// From this instant on.
    pub from: Option<DateTime<Utc>>,
    /// Before this instant.
    pub to: Option<DateTime<Utc>>,
    /// Only those by accounts of this role.
    pub role: Option<Role>,
    /// Rows of a page, 1 to 200; 50 unless said.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// What narrows a list of entries. A cursor is good for the same filter only.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Filter {
    pub patient: Option<PatientId>,
    pub user: Option<UserId>,
    pub from: Option<DateTime<Utc>>,
    pub to: Option<DateTime<Utc>>,
    pub action: Option<Action>,
    pub outcome: Option<Outcome>,
}
