//! Affected appointments on the wire.

use chrono::{DateTime, Utc};
use kernel::ids::{AssetId, FacilityId, ProviderId, StaffId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::appointments::Appointment;

/// Which of them to list. At most one of provider, staff, and room or device.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListAffected {
    /// Only those in this facility.
    pub facility_id: Option<FacilityId>,
    /// Only those that occupy this provider.
    pub provider_id: Option<ProviderId>,
    /// Only those that occupy this member of the staff.
    pub staff_id: Option<StaffId>,
    /// Only those that occupy this room or device.
    pub asset_id: Option<AssetId>,
    /// Only what ends after it; now unless said, and not before.
    pub from: Option<DateTime<Utc>>,
    /// Only what begins before it; two weeks after `from` unless said, 92 days at most.
    pub to: Option<DateTime<Utc>>,
    /// Rows of a page, 1 to 200; 50 unless said.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// A page of affected appointments, by the time they begin.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AffectedAppointments {
    pub items: Vec<AffectedAppointment>,
    /// Hand it back as `cursor` to get the next page; `null` on the last.
    pub next_cursor: Option<String>,
    /// How many more there are in all this time, of patients the caller may not see.
    pub hidden: usize,
}

/// An appointment that stands, and what of it is not available any more.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AffectedAppointment {
    pub appointment: Appointment,
    /// At least one.
    pub reasons: Vec<WhyAffected>,
}

/// Who or what is not available, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct WhyAffected {
    pub what: AffectedWhat,
    /// The patient's, the provider's, the member of staff's, the room's, the device's, the facility's.
    pub id: Uuid,
    pub reason: AffectedReason,
}

/// What an appointment needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum AffectedWhat {
    /// Who was to come. Told of the patients whom the caller may see; others are not counted for it.
    Patient,
    Facility,
    Provider,
    Staff,
    Room,
    Equipment,
}

/// Why it is not available.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AffectedReason {
    /// The patient, provider, member of staff, room, device or facility is not active any more. Of a patient: he has died, has left,
    /// or his registration was merged or retired.
    Inactive,
    /// Time off; of a room or device, out of service.
    TimeOff,
    Holiday,
    /// No working time then, or none any more; for an emergency, not on call either.
    NotWorking,
    /// A room or device outside of its hours.
    Closed,
    /// The service needs a skill that nobody has any more who is booked for it.
    LacksSkill,
}
