//! What a person wants to reach, and what may stand in the way: told at registration, long before it is anybody's diagnosis.

use chrono::NaiveDate;
use kernel::{Checks, Validate};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Something the person wants to reach.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HealthGoal {
    pub description: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_date: Option<NaiveDate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub achieved_on: Option<NaiveDate>,
}

/// Something that makes illness likelier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RiskFactor {
    pub description: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noted_on: Option<NaiveDate>,
}

impl Validate for HealthGoal {
    fn check(&self, checks: &mut Checks) {
        checks.text("description", &self.description, 500);
        if let Some(day) = self.achieved_on {
            checks.past_date("achieved_on", day);
        }
    }
}

impl Validate for RiskFactor {
    fn check(&self, checks: &mut Checks) {
        checks.text("description", &self.description, 500);
        if let Some(day) = self.noted_on {
            checks.past_date("noted_on", day);
        }
    }
}
