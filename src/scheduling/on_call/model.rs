//! On-call shifts on the wire.

use chrono::{DateTime, Utc};
use kernel::clock::Instant;
use kernel::ids::{DepartmentId, FacilityId, OnCallId, ProviderId, ServiceId};
use kernel::{Checks, Validate};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::affected::Scope;
use crate::exceptions::check_period;
use crate::resource::kept::{Kept, Said};
use crate::resource::{Standing, Whose};

/// What is said of a time somebody is on call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "facility_id": "01990000-0000-7000-8000-000000000001", "provider_id": "01990000-0000-7000-8000-000000000002", "level": 1,
    "starts_at": "2026-12-24T18:00:00-05:00", "ends_at": "2026-12-25T08:00:00-05:00", "status": "active"
}))]
pub struct NewOnCallShift {
    pub facility_id: FacilityId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub department_id: Option<DepartmentId>,
    /// Only for emergencies of this service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_id: Option<ServiceId>,
    pub provider_id: ProviderId,
    /// Who is called first: 1. Then 2, up to 9.
    #[serde(default = "first")]
    #[schema(minimum = 1, maximum = 9)]
    pub level: i16,
    pub starts_at: DateTime<Utc>,
    /// At most 400 days later.
    pub ends_at: DateTime<Utc>,
    #[serde(default)]
    pub status: Standing,
}

const fn first() -> i16 {
    1
}

/// A time somebody is on call.
pub type OnCallShift = Kept<NewOnCallShift>;

impl Said for NewOnCallShift {
    type Id = OnCallId;
    const NAME: &'static str = "OnCallShift";
    const DESCRIPTION: &'static str = "A time somebody is on call.";
    const PLACE: &'static str = "on-call-shifts";

    fn decides(&self, _now: Instant) -> Option<Scope> {
        Some(Scope {
            facility: Some(self.facility_id),
            whose: Whose::provider(self.provider_id),
            from: self.starts_at,
            until: self.ends_at,
        })
    }
}

/// Which shifts to list.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListOnCallShifts {
    /// Only those at this facility.
    pub facility_id: Option<FacilityId>,
    /// Only those of this department.
    pub department_id: Option<DepartmentId>,
    /// Only those for this service.
    pub service_id: Option<ServiceId>,
    /// Only those of this provider.
    pub provider_id: Option<ProviderId>,
    /// Only those of this status.
    pub status: Option<Standing>,
    /// Only what ends after it.
    pub from: Option<DateTime<Utc>>,
    /// Only what begins before it.
    pub to: Option<DateTime<Utc>>,
    /// Rows of a page, 1 to 200; 50 unless said.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

impl Validate for NewOnCallShift {
    fn check(&self, checks: &mut Checks) {
        checks.require(
            (1..=9).contains(&self.level),
            "level",
            "out_of_range",
            "must lie between 1 and 9",
        );
        check_period(checks, self.starts_at, self.ends_at);
    }
}
