//! Limits of work on the wire.

use kernel::clock::Instant;
use kernel::ids::{AvailabilityId, ProviderId};
use kernel::{Checks, Validate};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::affected::Scope;
use crate::resource::Standing;
use crate::resource::kept::{Kept, Said};

/// What limits somebody's work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "provider_id": "01990000-0000-7000-8000-000000000002", "minutes_per_day": 480, "minutes_per_week": 2400, "rest_minutes": 660,
    "status": "active"
}))]
pub struct NewWorkLimit {
    /// Whose; everybody's who has none of his own, if he is not named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_id: Option<ProviderId>,
    /// Booked minutes of a day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 1440)]
    pub minutes_per_day: Option<i32>,
    /// Booked minutes of a week, from Monday.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 10080)]
    pub minutes_per_week: Option<i32>,
    /// Minutes between what is booked in one shift and in the next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 2880)]
    pub rest_minutes: Option<i32>,
    #[serde(default)]
    pub status: Standing,
}

/// Limits of work.
pub type WorkLimit = Kept<NewWorkLimit>;

impl Said for NewWorkLimit {
    type Id = AvailabilityId;
    const NAME: &'static str = "WorkLimit";
    const DESCRIPTION: &'static str = "Limits of work.";
    const PLACE: &'static str = "work-limits";

    fn decides(&self, _now: Instant) -> Option<Scope> {
        None
    }
}

/// Which limits to list.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListWorkLimits {
    /// Only those of this provider.
    pub provider_id: Option<ProviderId>,
    /// Only those of this status.
    pub status: Option<Standing>,
    /// Rows of a page, 1 to 200; 50 unless said.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

impl Validate for NewWorkLimit {
    fn check(&self, checks: &mut Checks) {
        for (field, value, most) in [
            ("minutes_per_day", self.minutes_per_day, 1440),
            ("minutes_per_week", self.minutes_per_week, 10_080),
            ("rest_minutes", self.rest_minutes, 2_880),
        ] {
            if value.is_some_and(|value| !(0..=most).contains(&value)) {
                checks.fail(
                    field,
                    "out_of_range",
                    format!("must lie between 0 and {most}"),
                );
            }
        }
        let nothing = self.minutes_per_day.is_none()
            && self.minutes_per_week.is_none()
            && self.rest_minutes.is_none();
        checks.require(
            !nothing,
            "minutes_per_day",
            "missing",
            "must be given, or minutes_per_week, or rest_minutes",
        );
    }
}
