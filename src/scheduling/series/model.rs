//! Series on the wire.

use chrono::{DateTime, NaiveDate, NaiveDateTime, Timelike, Utc};
use kernel::ids::{AppointmentId, AssetId, FacilityId, PatientId, ProviderId, SeriesId, ServiceId};
use kernel::{Checks, Validate};
use platform::access::{Role, withheld};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::appointments::{AppointmentStatus, CancelledBy, Priority};
use crate::local_time::LocalTime;

/// Appointments that repeat, to be booked.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "patient_id": "01890a5d-ac96-774b-bcce-b302099a8057", "service_id": "01890a5d-ac96-774b-bcce-b302099a8058",
    "facility_id": "01890a5d-ac96-774b-bcce-b302099a8059", "provider_id": "01890a5d-ac96-774b-bcce-b302099a8060",
    "local_start": "2027-03-02T11:00:00", "rule": "FREQ=WEEKLY;COUNT=6", "exceptions": ["2027-03-16"], "priority": "medium",
    "chief_complaint": "Back pain"
}))]
pub struct NewSeries {
    pub patient_id: PatientId,
    pub service_id: ServiceId,
    pub facility_id: FacilityId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_id: Option<ProviderId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room_id: Option<AssetId>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub equipment_ids: Vec<AssetId>,
    /// What the wall clock of the facility shows at the first start: no offset, it holds on every day of the series. A time
    /// that the clocks leave out on some day is the first one there is after it.
    #[schema(value_type = String, example = "2027-03-02T11:00:00")]
    pub local_start: NaiveDateTime,
    /// An RRULE of RFC 5545, without its name: DAILY, WEEKLY, MONTHLY or YEARLY, with COUNT, or with `until` beside it.
    #[schema(example = "FREQ=WEEKLY;COUNT=6")]
    pub rule: String,
    /// The last day it may occur on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<NaiveDate>,
    /// Days it does not occur on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exceptions: Vec<NaiveDate>,
    #[serde(default)]
    pub priority: Priority,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chief_complaint: Option<String>,
    /// Books the occurrences that can be booked, and names the others. Otherwise all are booked, or none.
    #[serde(default)]
    pub skip_conflicts: bool,
}

impl Validate for NewSeries {
    fn check(&self, checks: &mut Checks) {
        crate::appointments::check_assets(checks, &self.equipment_ids);
        checks.text_if("chief_complaint", self.chief_complaint.as_deref(), 2000);
        let whole = self.local_start.second() == 0 && self.local_start.nanosecond() == 0;
        checks.require(
            whole,
            "local_start",
            "not_a_whole_minute",
            "must be a whole minute",
        );
        checks.instant("local_start", self.local_start.and_utc());
        checks.each("exceptions", &self.exceptions, 200, |_, _| {});
        let in_order = self
            .until
            .is_none_or(|until| until >= self.local_start.date());
        checks.require(
            in_order,
            "until",
            "before_start",
            "must not lie before local_start",
        );
    }
}

/// Why an occurrence is not booked.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OccurrenceConflict {
    /// As the code of a problem.
    #[schema(example = "slot_taken")]
    pub code: String,
    /// The field of an appointment it is about: who or what is occupied, or what breaks a rule.
    #[schema(example = "/provider_id")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    #[schema(example = "The provider is occupied then.")]
    pub detail: String,
}

/// One of the appointments of a series, or one that could not be.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Occurrence {
    /// What the wall clock shows.
    #[schema(example = "2027-03-02T11:00:00")]
    pub local_start: String,
    pub starts_at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub appointment_id: Option<AppointmentId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<AppointmentStatus>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conflict: Option<OccurrenceConflict>,
}

/// A series as it would be booked now.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SeriesPreview {
    pub patient_id: PatientId,
    /// IANA name.
    pub time_zone: String,
    pub occurrences: Vec<Occurrence>,
    /// How many of them conflict.
    pub conflicts: usize,
}

/// Whether a series is still kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
#[schema(as = AppointmentSeriesStatus)]
pub enum SeriesStatus {
    Active,
    Cancelled,
}

/// A series with its appointments.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Series {
    pub id: SeriesId,
    pub patient_id: PatientId,
    pub service_id: ServiceId,
    pub facility_id: FacilityId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider_id: Option<ProviderId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub room_id: Option<AssetId>,
    pub equipment_ids: Vec<AssetId>,
    #[schema(value_type = String, example = "2027-03-02T11:00:00")]
    pub local_start: NaiveDateTime,
    /// IANA name.
    pub time_zone: String,
    pub rule: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<NaiveDate>,
    pub exceptions: Vec<NaiveDate>,
    pub priority: Priority,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chief_complaint: Option<String>,
    pub status: SeriesStatus,
    /// The series this one goes on with, since it was changed from some day on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub split_from: Option<SeriesId>,
    /// The series that went on with this one, each since a change from some day on; the last one last.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub continued_by: Vec<SeriesId>,
    /// In their order of time; when it was booked, also those that conflicted and were left out.
    pub occurrences: Vec<Occurrence>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl Series {
    /// Without what is not for the role.
    #[must_use]
    pub(super) fn shown_to(self, role: Role) -> Self {
        let shows = |column| !withheld::hides(role, "appointment_series", column);
        Self {
            chief_complaint: self.chief_complaint.filter(|_| shows("chief_complaint")),
            ..self
        }
    }
}

/// How much of a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SeriesScope {
    /// The appointment named.
    One,
    /// It and those after it.
    Following,
    /// All that are still to come.
    All,
}

/// Which of a series is called off, and why.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "scope": "all", "by": "patient", "reason": "Feels better" }))]
pub struct SeriesCancellation {
    pub scope: SeriesScope,
    /// The first one meant; left out for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub appointment_id: Option<AppointmentId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<CancelledBy>,
    pub reason: String,
}

impl Validate for SeriesCancellation {
    fn check(&self, checks: &mut Checks) {
        check_scope(checks, self.scope, self.appointment_id);
        checks.text("reason", &self.reason, 500);
    }
}

/// Which of a series is moved, and how.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "scope": "all", "local_time": "14:30", "reason": "Works in the mornings now" }))]
pub struct SeriesChange {
    pub scope: SeriesScope,
    /// The first one meant; left out for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub appointment_id: Option<AppointmentId>,
    /// Another time of the wall.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local_time: Option<LocalTime>,
    /// So many days later, or earlier: -27 to 27.
    #[serde(default)]
    #[schema(minimum = -27, maximum = 27)]
    pub shift_days: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_id: Option<ProviderId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room_id: Option<AssetId>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub equipment_ids: Vec<AssetId>,
    pub reason: String,
}

impl Validate for SeriesChange {
    fn check(&self, checks: &mut Checks) {
        check_scope(checks, self.scope, self.appointment_id);
        crate::appointments::check_assets(checks, &self.equipment_ids);
        checks.text("reason", &self.reason, 500);
        checks.require(
            (-27..=27).contains(&self.shift_days),
            "shift_days",
            "out_of_range",
            "must lie between -27 and 27",
        );
        let nothing = self.local_time.is_none()
            && self.shift_days == 0
            && self.provider_id.is_none()
            && self.room_id.is_none()
            && self.equipment_ids.is_empty();
        checks.require(
            !nothing,
            "local_time",
            "changes_nothing",
            "must be given, or another member that changes something",
        );
    }
}

fn check_scope(checks: &mut Checks, scope: SeriesScope, from: Option<AppointmentId>) {
    checks.require(
        (scope == SeriesScope::All) == from.is_none(),
        "appointment_id",
        "wrong_scope",
        "must be given, but for all",
    );
}
