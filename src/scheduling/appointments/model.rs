//! Appointments and holds on the wire.

use chrono::{DateTime, Timelike, Utc};
use kernel::ids::{
    AppointmentId, AssetId, EncounterId, FacilityId, HoldId, PatientId, ProviderId, SeriesId,
    ServiceId, StaffId, UserId,
};
use kernel::{Checks, Validate};
use platform::access::{Role, withheld};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::status::AppointmentStatus;
use crate::services::AppointmentType;

/// How urgent it is.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type,
)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Priority {
    Low,
    #[default]
    Medium,
    High,
    Urgent,
}

/// Who called an appointment off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum CancelledBy {
    Patient,
    Provider,
    Facility,
}

/// An appointment to be booked: from a hold, or directly.
///
/// What the service needs and is not named is chosen: a provider, a room, devices.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "patient_id": "01890a5d-ac96-774b-bcce-b302099a8057", "service_id": "01890a5d-ac96-774b-bcce-b302099a8058",
    "facility_id": "01890a5d-ac96-774b-bcce-b302099a8059", "provider_id": "01890a5d-ac96-774b-bcce-b302099a8060",
    "starts_at": "2027-03-09T10:00:00-05:00", "priority": "medium", "chief_complaint": "Headache for three days"
}))]
pub struct NewAppointment {
    /// Books what the hold keeps free; then nothing of who, what, where and when is said again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_id: Option<HoldId>,
    /// Who comes. A patient books for himself and may leave it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patient_id: Option<PatientId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_id: Option<ServiceId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facility_id: Option<FacilityId>,
    /// Who leads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_id: Option<ProviderId>,
    /// Providers who are needed, too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_provider_ids: Vec<ProviderId>,
    /// Nurses and other staff who are needed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub staff_ids: Vec<StaffId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room_id: Option<AssetId>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub equipment_ids: Vec<AssetId>,
    /// With an offset; a whole minute, not past.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts_at: Option<DateTime<Utc>>,
    /// Medium, unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<Priority>,
    /// In the patient's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chief_complaint: Option<String>,
    /// For the office; patients are never shown them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
    /// Where a telemedicine visit takes place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub join_url: Option<String>,
    /// An encounter of the patient that is planned; the one that starting the appointment starts. Not for patients to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encounter_id: Option<EncounterId>,
    /// Books although provider, staff and room may be occupied; needs the permission `appointment.overbook`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overbook_reason: Option<String>,
}

impl Validate for NewAppointment {
    fn check(&self, checks: &mut Checks) {
        let placed = [
            ("patient_id", self.patient_id.is_some()),
            ("service_id", self.service_id.is_some()),
            ("facility_id", self.facility_id.is_some()),
            ("provider_id", self.provider_id.is_some()),
            ("other_provider_ids", !self.other_provider_ids.is_empty()),
            ("staff_ids", !self.staff_ids.is_empty()),
            ("room_id", self.room_id.is_some()),
            ("equipment_ids", !self.equipment_ids.is_empty()),
            ("starts_at", self.starts_at.is_some()),
            ("overbook_reason", self.overbook_reason.is_some()),
        ];
        for (field, given) in placed {
            if self.hold_id.is_some() {
                let rule = "must be left out with hold_id, which says it";
                checks.require(!given, field, "said_by_hold", rule);
            } else if matches!(field, "service_id" | "facility_id" | "starts_at") {
                checks.require(
                    given,
                    field,
                    "required",
                    "must be given, or hold_id in its place",
                );
            }
        }
        if let Some(start) = self.starts_at {
            check_start(checks, "starts_at", start);
        }
        check_people(
            checks,
            self.provider_id,
            &self.other_provider_ids,
            &self.staff_ids,
        );
        check_assets(checks, &self.equipment_ids);
        check_words(
            checks,
            self.chief_complaint.as_deref(),
            self.notes.as_deref(),
            self.join_url.as_deref(),
        );
        checks.text_if("overbook_reason", self.overbook_reason.as_deref(), 500);
    }
}

/// A start is a whole minute that is still to come.
pub(crate) fn check_start(checks: &mut Checks, field: &str, start: DateTime<Utc>) {
    checks.instant(field, start);
    let whole = start.second() == 0 && start.nanosecond() == 0;
    checks.require(whole, field, "not_a_whole_minute", "must be a whole minute");
    checks.require(
        start >= checks.now(),
        field,
        "in_the_past",
        "must not lie in the past",
    );
}

fn check_people(
    checks: &mut Checks,
    leader: Option<ProviderId>,
    others: &[ProviderId],
    staff: &[StaffId],
) {
    checks.require(
        others.is_empty() || leader.is_some(),
        "other_provider_ids",
        "needs_provider",
        "needs provider_id: who leads",
    );
    let mut seen: Vec<ProviderId> = leader.into_iter().collect();
    checks.each("other_provider_ids", others, 10, |checks, id| {
        if seen.contains(id) {
            checks.fail_here("repeated", "must not be repeated");
        }
        seen.push(*id);
    });
    let mut seen: Vec<StaffId> = Vec::new();
    checks.each("staff_ids", staff, 10, |checks, id| {
        if seen.contains(id) {
            checks.fail_here("repeated", "must not be repeated");
        }
        seen.push(*id);
    });
}

pub(crate) fn check_assets(checks: &mut Checks, equipment: &[AssetId]) {
    let mut seen: Vec<AssetId> = Vec::new();
    checks.each("equipment_ids", equipment, 10, |checks, id| {
        if seen.contains(id) {
            checks.fail_here("repeated", "must not be repeated");
        }
        seen.push(*id);
    });
}

pub(crate) fn check_words(
    checks: &mut Checks,
    complaint: Option<&str>,
    notes: Option<&str>,
    join_url: Option<&str>,
) {
    checks.text_if("chief_complaint", complaint, 2000);
    checks.text_if("notes", notes, 4000);
    checks.text_if("join_url", join_url, 1000);
    let link = join_url.is_none_or(|url| {
        url.strip_prefix("https://")
            .is_some_and(|rest| !rest.is_empty() && !rest.contains(char::is_whitespace))
    });
    checks.require(link, "join_url", "not_a_link", "must be an https:// link");
}

/// What of an appointment can be amended. Its time, people and places change by rescheduling, its status by steps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "chief_complaint": "Headache for five days", "priority": "high" }))]
pub struct AppointmentDetails {
    #[serde(default)]
    pub priority: Priority,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chief_complaint: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub join_url: Option<String>,
}

impl Validate for AppointmentDetails {
    fn check(&self, checks: &mut Checks) {
        check_words(
            checks,
            self.chief_complaint.as_deref(),
            self.notes.as_deref(),
            self.join_url.as_deref(),
        );
    }
}

/// An appointment.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Appointment {
    pub id: AppointmentId,
    pub patient_id: PatientId,
    pub service_id: ServiceId,
    /// The service's name.
    pub service: String,
    pub facility_id: FacilityId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider_id: Option<ProviderId>,
    /// The leading provider's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Ada Osei, MD")]
    pub provider: Option<String>,
    pub other_provider_ids: Vec<ProviderId>,
    pub staff_ids: Vec<StaffId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub room_id: Option<AssetId>,
    /// The room's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub room: Option<String>,
    pub equipment_ids: Vec<AssetId>,
    #[serde(rename = "type")]
    pub kind: AppointmentType,
    pub priority: Priority,
    pub status: AppointmentStatus,
    pub starts_at: DateTime<Utc>,
    pub ends_at: DateTime<Utc>,
    /// IANA name.
    pub time_zone: String,
    /// What the wall clock of `time_zone` was to show at the start when it was agreed on.
    #[schema(example = "2027-03-09T10:00:00")]
    pub local_start: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chief_complaint: Option<String>,
    /// Not shown to patients.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub join_url: Option<String>,
    pub overbooked: bool,
    /// Not shown to patients.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overbook_reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub series_id: Option<SeriesId>,
    /// The appointment this one took the place of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rescheduled_from: Option<AppointmentId>,
    /// The planned one it was booked for, or the one that was opened when it was started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encounter_id: Option<EncounterId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cancelled_by: Option<CancelledBy>,
    /// Why it was cancelled, or moved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cancel_reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirmed_at: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checked_in_at: Option<DateTime<Utc>>,
    /// Since when the patient has been in a room, and in which he was last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roomed_at: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roomed_in: Option<AssetId>,
    /// Who put him there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roomed_by: Option<UserId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cancelled_at: Option<DateTime<Utc>>,
    /// The role of whoever booked it.
    pub booked_by_role: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_by: Option<UserId>,
    /// Who cancelled or moved it, or marked it as missed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closed_by: Option<UserId>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl Appointment {
    /// The part that can be amended.
    pub(super) fn details(&self) -> AppointmentDetails {
        AppointmentDetails {
            priority: self.priority,
            chief_complaint: self.chief_complaint.clone(),
            notes: self.notes.clone(),
            join_url: self.join_url.clone(),
        }
    }

    /// Without what is not for the role.
    #[must_use]
    pub fn shown_to(self, role: Role) -> Self {
        let shows = |column| !withheld::hides(role, "appointments", column);
        Self {
            chief_complaint: self.chief_complaint.filter(|_| shows("chief_complaint")),
            notes: self.notes.filter(|_| shows("notes")),
            overbook_reason: self.overbook_reason.filter(|_| shows("overbook_reason")),
            roomed_by: self.roomed_by.filter(|_| shows("roomed_by")),
            created_by: self.created_by.filter(|_| shows("created_by")),
            closed_by: self.closed_by.filter(|_| shows("closed_by")),
            ..self
        }
    }
}

/// Why it is called off, and by whom.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "by": "patient", "reason": "Feels better" }))]
pub struct AppointmentCancellation {
    /// Whose wish it is. Unless said: the patient's if he does it himself, the provider's if a provider, else the facility's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<CancelledBy>,
    pub reason: String,
}

impl Validate for AppointmentCancellation {
    fn check(&self, checks: &mut Checks) {
        checks.text("reason", &self.reason, 500);
    }
}

/// Where a patient is put who is here.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "room_id": "01890a5d-ac96-774b-bcce-b302099a8061" }))]
pub struct Rooming {
    /// A room of the facility; the one that is reserved, unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room_id: Option<AssetId>,
    /// Though others sit there, or may come to: a family, chairs for infusions.
    #[serde(default)]
    pub shared: bool,
}

impl Validate for Rooming {
    fn check(&self, _: &mut Checks) {}
}

/// Another time, and with it perhaps other people and places.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "starts_at": "2027-03-16T10:00:00-04:00", "reason": "The patient is away" }))]
pub struct AppointmentMove {
    /// With an offset; a whole minute, not past.
    pub starts_at: DateTime<Utc>,
    /// As before, unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_id: Option<ProviderId>,
    /// As before, unless given; then room and devices are chosen anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facility_id: Option<FacilityId>,
    /// As before, unless given; if that is taken then and the service needs a room of a kind, another of the kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room_id: Option<AssetId>,
    /// As before, unless given; for one that is taken then and of a kind the service needs, another of the kind.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub equipment_ids: Vec<AssetId>,
    pub reason: String,
    /// Needs the permission `appointment.overbook`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overbook_reason: Option<String>,
}

impl Validate for AppointmentMove {
    fn check(&self, checks: &mut Checks) {
        check_start(checks, "starts_at", self.starts_at);
        check_assets(checks, &self.equipment_ids);
        checks.text("reason", &self.reason, 500);
        checks.text_if("overbook_reason", self.overbook_reason.as_deref(), 500);
    }
}

/// The appointment that took the place of another.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Rescheduled {
    #[serde(flatten)]
    pub appointment: Appointment,
    /// Rooms and devices of the old one that were not free, or are not there, and that others of their kind took the place of.
    pub replaced_asset_ids: Vec<AssetId>,
    /// Who was to be there beside the one who leads, has left since, and is not taken along.
    pub left_provider_ids: Vec<ProviderId>,
    pub left_staff_ids: Vec<StaffId>,
}

/// Which appointments of a patient.
#[derive(Clone, Debug, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OfPatient {
    /// Starting at or after.
    pub from: Option<DateTime<Utc>>,
    /// Starting before.
    pub to: Option<DateTime<Utc>>,
    pub status: Option<AppointmentStatus>,
    pub limit: Option<u32>,
    pub cursor: Option<String>,
}

/// A time to be kept free for a short while.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "patient_id": "01890a5d-ac96-774b-bcce-b302099a8057", "service_id": "01890a5d-ac96-774b-bcce-b302099a8058",
    "facility_id": "01890a5d-ac96-774b-bcce-b302099a8059", "provider_id": "01890a5d-ac96-774b-bcce-b302099a8060",
    "starts_at": "2027-03-10T10:00:00-05:00"
}))]
pub struct NewHold {
    /// For whom. A patient holds for himself and may leave it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patient_id: Option<PatientId>,
    pub service_id: ServiceId,
    pub facility_id: FacilityId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_id: Option<ProviderId>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_provider_ids: Vec<ProviderId>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub staff_ids: Vec<StaffId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room_id: Option<AssetId>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub equipment_ids: Vec<AssetId>,
    /// With an offset; a whole minute, not past.
    pub starts_at: DateTime<Utc>,
    /// 1 to 30; 5 unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 30)]
    pub ttl_minutes: Option<i32>,
}

impl Validate for NewHold {
    fn check(&self, checks: &mut Checks) {
        check_start(checks, "starts_at", self.starts_at);
        check_people(
            checks,
            self.provider_id,
            &self.other_provider_ids,
            &self.staff_ids,
        );
        check_assets(checks, &self.equipment_ids);
        checks.require(
            self.ttl_minutes
                .is_none_or(|minutes| (1..=30).contains(&minutes)),
            "ttl_minutes",
            "out_of_range",
            "must lie between 1 and 30",
        );
    }
}

/// What became of a hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum HoldStatus {
    Open,
    Booked,
    Released,
    Expired,
}

/// A time kept free.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Hold {
    pub id: HoldId,
    pub patient_id: PatientId,
    pub service_id: ServiceId,
    pub facility_id: FacilityId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider_id: Option<ProviderId>,
    pub other_provider_ids: Vec<ProviderId>,
    pub staff_ids: Vec<StaffId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub room_id: Option<AssetId>,
    pub equipment_ids: Vec<AssetId>,
    pub starts_at: DateTime<Utc>,
    pub ends_at: DateTime<Utc>,
    pub status: HoldStatus,
    pub expires_at: DateTime<Utc>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}
