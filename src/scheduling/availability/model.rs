//! Free time on the wire.

use chrono::{DateTime, NaiveDateTime, Utc};
use kernel::ids::{AssetId, FacilityId, ProviderId, ServiceId};
use platform::access::NoPhi;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::local_time::LocalTime;

/// For what, where, with whom and when.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct FindFreeTimes {
    /// What is to be booked; patients: a service they book themselves.
    #[param(example = "01990000-0000-7000-8000-000000000003")]
    pub service_id: ServiceId,
    /// Where.
    #[param(example = "01990000-0000-7000-8000-000000000001")]
    pub facility_id: FacilityId,
    /// With any of these providers: ids with commas between, at most 50. With whoever can, if it is missing.
    pub provider_id: Option<String>,
    /// With all of these together, and with one of `provider_id` beside them if that is given. Ids with commas between, at
    /// most 10.
    pub all_of: Option<String>,
    /// Not before; now unless said.
    pub from: Option<DateTime<Utc>>,
    /// Nor from it on; 14 days after `from` unless said, 92 at most.
    pub to: Option<DateTime<Utc>>,
    /// Only starts at or after this time of the wall, hh:mm.
    pub preferred_from: Option<LocalTime>,
    /// Only starts before this time of the wall, hh:mm.
    pub preferred_to: Option<LocalTime>,
    /// How many to find at most, 1 to 200; 20 unless said.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// Leaves out so many of those that begin at `from` itself: `next_skip` of a search that ended among several who are free
    /// at the same time. At most 10000.
    #[param(maximum = 10_000)]
    pub skip: Option<u32>,
}

/// A time that is free for all that is needed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Slot {
    pub starts_at: DateTime<Utc>,
    pub ends_at: DateTime<Utc>,
    /// What the wall clock of the facility shows at the start.
    #[schema(value_type = String, example = "2026-12-01T09:00:00")]
    pub local_start: NaiveDateTime,
    /// IANA.
    pub time_zone: String,
    pub facility_id: FacilityId,
    /// The one who leads first; none where the service needs none.
    pub provider_ids: Vec<ProviderId>,
    /// A room that is free then, where one is needed.
    pub room_id: Option<AssetId>,
    /// Devices that are free then, one of each kind that is needed.
    pub equipment_ids: Vec<AssetId>,
    /// How many patients have room in it: of a group that has begun to fill, fewer than the service takes.
    pub places_left: i32,
}

/// The first free times, by time.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FreeTimes {
    pub items: Vec<Slot>,
    /// When the next one begins, and so `from` of a search for those that come next; missing if these are all up to `to`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_from: Option<DateTime<Utc>>,
    /// How many of those that begin at `next_from` were told: `skip` of that search. Missing if none were.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_skip: Option<u32>,
}

impl NoPhi for FreeTimes {}
