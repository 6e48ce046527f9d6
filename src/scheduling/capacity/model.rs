//! Capacity on the wire.

use chrono::{DateTime, Utc};
use kernel::ids::{AssetId, FacilityId, ProviderId, ServiceId};
use platform::access::NoPhi;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Where, and for which time.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ReadCapacity {
    /// The facility.
    #[param(example = "01990000-0000-7000-8000-000000000001")]
    pub facility_id: FacilityId,
    /// From when; a week before now unless said.
    pub from: Option<DateTime<Utc>>,
    /// Until when; two weeks after `from` unless said, 92 days at most.
    pub to: Option<DateTime<Utc>>,
}

/// How far a time is used.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct Usage {
    /// Minutes of work, or open.
    pub available_minutes: i64,
    /// Minutes of them that are reserved, preparation and clean-up included.
    pub booked_minutes: i64,
    /// Minutes reserved outside them, such as emergencies.
    pub outside_minutes: i64,
    /// Booked of available, 0 to 1; missing where nothing is available.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub utilization: Option<f64>,
}

/// How far a provider is used.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ProviderUsage {
    pub provider_id: ProviderId,
    #[serde(flatten)]
    pub usage: Usage,
}

/// How far a room or a device is used.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AssetUsage {
    pub asset_id: AssetId,
    pub asset_kind: String,
    #[serde(flatten)]
    pub usage: Usage,
}

/// When one gets an appointment with somebody: the third that could be had from now on, one after the other, because the first may
/// be a chance.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "the measure is called so")]
pub struct ThirdNext {
    /// Missing where the service needs no provider: then it is of its rooms and devices.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider_id: Option<ProviderId>,
    /// Missing if there are not three in the next 60 days.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub third_next_at: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub days: Option<f64>,
}

/// A service, and what became of its appointments that begin in the time looked at.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ServiceCapacity {
    pub service_id: ServiceId,
    /// Of those who have its skills and work there; empty for emergencies and groups.
    pub third_next: Vec<ThirdNext>,
    /// Appointments that stand.
    pub appointments: i64,
    /// Of them, patients who came.
    pub kept: i64,
    pub missed: i64,
    pub cancelled: i64,
    /// Days from the first booking, if it was moved since, to the appointment: half waited no longer. Missing where there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub median_days_waited: Option<f64>,
    /// And nine of ten no longer than this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p90_days_waited: Option<f64>,
}

/// What a facility has and what is used of it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Capacity {
    pub facility_id: FacilityId,
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
    pub providers: Vec<ProviderUsage>,
    pub rooms: Vec<AssetUsage>,
    pub equipment: Vec<AssetUsage>,
    pub services: Vec<ServiceCapacity>,
    /// Minutes of appointments that stand, a group's once, of the providers' minutes of work. Missing where nobody works.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fill_rate: Option<f64>,
}

impl NoPhi for Capacity {}
