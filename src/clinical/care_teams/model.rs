//! Care teams on the wire.

use chrono::{DateTime, Utc};
use kernel::ids::{CareTeamMemberId, PatientId, UserId};
use kernel::{Checks, Validate};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::patients::AsOf;

/// What a member does for the patient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum CareTeamRole {
    PrimaryCare,
    Attending,
    Consulting,
    Nurse,
    CareManager,
    Other,
}

/// How a membership came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum CareTeamSource {
    /// Somebody said so.
    Assigned,
    /// He registered the patient.
    Registration,
    /// He had an encounter with the patient.
    Encounter,
    /// He is to see the patient.
    Appointment,
    /// The patient was referred to him.
    Referral,
}

/// Somebody to put on the team.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "user_id": "01890a5d-ac96-774b-bcce-b302099a8057", "role": "consulting",
                           "valid_from": "2026-01-05T08:00:00Z", "valid_until": "2099-02-05T18:00:00Z" }))]
pub struct NewCareTeamMember {
    /// An active account of a provider, a nurse or a member of the staff.
    pub user_id: UserId,
    pub role: CareTeamRole,
    /// Now, unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<DateTime<Utc>>,
    /// From then on no more. Open unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<DateTime<Utc>>,
}

/// A membership.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CareTeamMember {
    pub id: CareTeamMemberId,
    pub patient_id: PatientId,
    pub user_id: UserId,
    #[schema(example = "Ada Lovelace, MD")]
    pub name: Option<String>,
    pub role: CareTeamRole,
    pub source: CareTeamSource,
    pub valid_from: DateTime<Utc>,
    pub valid_until: Option<DateTime<Utc>>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// Which members to list.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListCareTeam {
    /// The team as it was, or will be, at this instant; now, unless given.
    pub at: Option<DateTime<Utc>>,
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

impl Validate for NewCareTeamMember {
    fn check(&self, checks: &mut Checks) {
        if let Some(from) = self.valid_from {
            checks.instant("valid_from", from);
        }
        if let Some(until) = self.valid_until {
            checks.instant("valid_until", until);
            let from = self.valid_from.unwrap_or(checks.now());
            checks.require(
                from < until,
                "valid_until",
                "before_from",
                "must lie after valid_from",
            );
        }
    }
}
