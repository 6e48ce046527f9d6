//! Time off and extra time on the wire.

use chrono::{DateTime, TimeDelta, Utc};
use kernel::clock::Instant;
use kernel::ids::{AssetId, AvailabilityId, FacilityId, ProviderId, StaffId};
use kernel::{Checks, Validate};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::affected::Scope;
use crate::resource::kept::{Kept, Said};
use crate::resource::{Standing, Whose};

/// Less time, or more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Effect {
    Off,
    Extra,
}

/// Why.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type,
)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum ExceptionKind {
    Vacation,
    Sick,
    Training,
    Meeting,
    Maintenance,
    #[default]
    Other,
}

/// What differs from somebody's working time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "effect": "off", "provider_id": "01990000-0000-7000-8000-000000000002", "starts_at": "2026-12-21T00:00:00-05:00",
    "ends_at": "2026-12-28T00:00:00-05:00", "kind": "vacation", "status": "active"
}))]
pub struct NewTimeException {
    pub effect: Effect,
    /// Where. Extra time has to say it; time off counts everywhere unless it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facility_id: Option<FacilityId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_id: Option<ProviderId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub staff_id: Option<StaffId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asset_id: Option<AssetId>,
    pub starts_at: DateTime<Utc>,
    /// At most 400 days later.
    pub ends_at: DateTime<Utc>,
    #[serde(default)]
    pub kind: ExceptionKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(default)]
    pub status: Standing,
}

/// Time off, or extra time.
pub type TimeException = Kept<NewTimeException>;

impl Said for NewTimeException {
    type Id = AvailabilityId;
    const NAME: &'static str = "TimeException";
    const DESCRIPTION: &'static str = "Time off, or extra time.";
    const PLACE: &'static str = "time-exceptions";

    fn decides(&self, _now: Instant) -> Option<Scope> {
        Some(Scope {
            facility: self.facility_id,
            whose: self.whose(),
            from: self.starts_at,
            until: self.ends_at,
        })
    }
}

/// Which of it to list.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListTimeExceptions {
    /// Only time off, or only extra time.
    pub effect: Option<Effect>,
    /// Only what names this facility.
    pub facility_id: Option<FacilityId>,
    /// Only that of this provider.
    pub provider_id: Option<ProviderId>,
    /// Only that of this member of the staff.
    pub staff_id: Option<StaffId>,
    /// Only that of this room or device.
    pub asset_id: Option<AssetId>,
    /// Only that of this status.
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

impl NewTimeException {
    pub(super) fn whose(&self) -> Whose {
        Whose {
            provider: self.provider_id,
            staff: self.staff_id,
            asset: self.asset_id,
        }
    }
}

impl Validate for NewTimeException {
    fn check(&self, checks: &mut Checks) {
        let whose = self.whose();
        whose.check(checks);
        checks.require(
            whose.count() > 0,
            "provider_id",
            "missing",
            "must be named, or staff_id, or asset_id",
        );
        checks.require(
            self.effect == Effect::Off || self.facility_id.is_some(),
            "facility_id",
            "missing",
            "must be named: extra time is at a facility",
        );
        check_period(checks, self.starts_at, self.ends_at);
        checks.text_if("reason", self.reason.as_deref(), 500);
    }
}

/// It ends after it begins, and within 400 days.
pub(crate) fn check_period(checks: &mut Checks, starts_at: DateTime<Utc>, ends_at: DateTime<Utc>) {
    checks.instant("starts_at", starts_at);
    checks.instant("ends_at", ends_at);
    checks.require(
        starts_at < ends_at && ends_at - starts_at <= TimeDelta::days(400),
        "ends_at",
        "out_of_range",
        "must lie after starts_at, by at most 400 days",
    );
}
