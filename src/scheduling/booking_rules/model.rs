//! Booking rules on the wire.

use kernel::{Checks, Validate};
use platform::access::NoPhi;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What patients may do themselves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "max_open_appointments": 3, "cancel_notice_minutes": 720 }))]
pub struct BookingRules {
    /// A patient who has so many appointments and holds to come books no more himself.
    #[schema(minimum = 0, maximum = 100)]
    pub max_open_appointments: i32,
    /// A patient cancels and moves his appointments himself until so long before.
    #[schema(minimum = 0, maximum = 43_200)]
    pub cancel_notice_minutes: i32,
}

impl Default for BookingRules {
    fn default() -> Self {
        Self {
            max_open_appointments: 5,
            cancel_notice_minutes: 1440,
        }
    }
}

impl Validate for BookingRules {
    fn check(&self, checks: &mut Checks) {
        checks.require(
            (0..=100).contains(&self.max_open_appointments),
            "max_open_appointments",
            "out_of_range",
            "must lie between 0 and 100",
        );
        checks.require(
            (0..=43_200).contains(&self.cancel_notice_minutes),
            "cancel_notice_minutes",
            "out_of_range",
            "must lie between 0 and 43200",
        );
    }
}

/// The rules, and which version of them.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RulesInForce {
    #[serde(flatten)]
    pub data: BookingRules,
    pub version: i64,
}

impl NoPhi for RulesInForce {}
