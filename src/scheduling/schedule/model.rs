//! Schedules on the wire.

use chrono::{DateTime, NaiveDate, Utc};
use kernel::ids::{AssetId, FacilityId, ProviderId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::appointments::Appointment;
use crate::exceptions::ExceptionKind;

/// Whose days, and which.
#[derive(Clone, Debug, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OfDays {
    /// A provider's days, the caller's own if nobody and nothing is named, by the wall clock where he works; with `facility_id` by
    /// that facility's, which must be said where he works in several zones in these days.
    pub provider_id: Option<ProviderId>,
    /// A room's or device's days.
    pub asset_id: Option<AssetId>,
    /// A facility's days, unless a provider is named.
    pub facility_id: Option<FacilityId>,
    /// The first day on the wall of the place; today unless given.
    pub date: Option<NaiveDate>,
    /// 1 to 7; 1 unless given.
    #[param(minimum = 1, maximum = 7)]
    pub days: Option<u32>,
}

/// Days, with what stands in them.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Schedule {
    /// IANA name of the zone whose wall clock counts.
    pub time_zone: String,
    pub days: Vec<ScheduleDay>,
}

/// A day of the wall.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ScheduleDay {
    pub date: NaiveDate,
    /// In their order of time. What lasts over midnight stands in each of its days.
    pub entries: Vec<ScheduleEntry>,
    /// When whoever it is works, and what takes time away or adds some; in their order of time, too.
    pub blocks: Vec<ScheduleBlock>,
}

/// What a block around the appointments is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ScheduleBlockKind)]
pub enum BlockKind {
    /// When a provider works, all told.
    Working,
    /// When a room or device is open, all told.
    Open,
    /// Of a provider, a room or a device.
    TimeOff,
    ExtraTime,
    /// Of the facility, or of every one.
    Holiday,
}

/// Time that is worked, or is not.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ScheduleBlock {
    pub kind: BlockKind,
    pub from: DateTime<Utc>,
    pub until: DateTime<Utc>,
    /// What the wall clock shows at `from`.
    #[schema(example = "2027-03-09T09:00:00")]
    pub local_from: String,
    /// Where; everywhere, if it is not named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub facility_id: Option<FacilityId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider_id: Option<ProviderId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asset_id: Option<AssetId>,
    /// Of time off and extra time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<ExceptionKind>,
    /// The reason that was given, or the holiday's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Christmas Day")]
    pub title: Option<String>,
}

/// What a block of time is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ScheduleEntryKind)]
pub enum EntryKind {
    Appointment,
    /// Kept free for somebody.
    Hold,
    /// Occupied by what the caller may not see.
    Busy,
}

/// A block of time.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ScheduleEntry {
    pub kind: EntryKind,
    /// With preparation, where a provider or a room is occupied.
    pub occupied_from: DateTime<Utc>,
    /// With clean-up.
    pub occupied_until: DateTime<Utc>,
    /// What the wall clock shows at `occupied_from`.
    #[schema(example = "2027-03-09T09:55:00")]
    pub local_from: String,
    /// Of a busy block: which providers it occupies, in a facility's days those who work there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub provider_ids: Vec<ProviderId>,
    /// And which rooms and devices.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub asset_ids: Vec<AssetId>,
    /// Where the caller may see the patient.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub appointment: Option<Appointment>,
    /// The patient's legal name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Rivera, Elena")]
    pub patient: Option<String>,
}
