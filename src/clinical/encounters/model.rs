//! Encounters on the wire.

use chrono::{DateTime, Datelike, NaiveDate, SubsecRound, TimeDelta, Utc};
use kernel::ids::{DepartmentId, EncounterId, FacilityId, PatientId, ProviderId};
use kernel::{Checks, PartialDate, Validate};
use serde::{Deserialize, Serialize};
use sqlx::types::Json;
use utoipa::{IntoParams, ToSchema};

use super::local_time;
use super::status::{EncounterClass, EncounterStatus};
use crate::patients::AsOf;

/// Why the patient comes, in a code system's words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "system": "http://snomed.info/sct", "code": "25064002", "display": "Headache" }))]
pub struct ReasonCode {
    /// URI of the code system.
    pub system: String,
    pub code: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display: Option<String>,
}

impl Validate for ReasonCode {
    fn check(&self, checks: &mut Checks) {
        checks.text("system", &self.system, 200);
        checks.text("code", &self.code, 100);
        checks.text_if("display", self.display.as_deref(), 300);
    }
}

/// A visit or stay to be scheduled.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "class": "office_visit",
    "scheduled_start": "2026-03-10T09:30:00-04:00",
    "scheduled_end": "2026-03-10T10:00:00-04:00",
    "time_zone": "America/New_York",
    "chief_complaint": "Headache for three days",
    "reason_codes": [{ "system": "http://snomed.info/sct", "code": "25064002", "display": "Headache" }]
}))]
pub struct NewEncounter {
    pub class: EncounterClass,
    /// With an offset. From 1900 to five years from now.
    pub scheduled_start: DateTime<Utc>,
    /// Not before the start; at most 30 days after it, but for an inpatient.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheduled_end: Option<DateTime<Utc>>,
    /// IANA name of the zone whose wall clock counts; the facility's, or the organisation's, unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facility_id: Option<FacilityId>,
    /// A department of the facility.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub department_id: Option<DepartmentId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attending_provider_id: Option<ProviderId>,
    /// In the patient's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chief_complaint: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reason_codes: Vec<ReasonCode>,
}

impl NewEncounter {
    /// What can be amended later, apart from the times.
    pub fn details(&self) -> EncounterDetails {
        EncounterDetails {
            class: self.class,
            time_zone: self.time_zone.clone(),
            facility_id: self.facility_id,
            department_id: self.department_id,
            attending_provider_id: self.attending_provider_id,
            chief_complaint: self.chief_complaint.clone(),
            reason_codes: self.reason_codes.clone(),
        }
    }
}

impl Validate for NewEncounter {
    fn check(&self, checks: &mut Checks) {
        check_schedule(checks, self.class, self.scheduled_start, self.scheduled_end);
        self.details().check(checks);
    }
}

/// What of an encounter can be amended. Its times and status change by steps of their own.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "class": "office_visit", "chief_complaint": "Headache for five days" }))]
pub struct EncounterDetails {
    pub class: EncounterClass,
    /// Cleared, or with another facility and no zone: the facility's, or the organisation's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facility_id: Option<FacilityId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub department_id: Option<DepartmentId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attending_provider_id: Option<ProviderId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chief_complaint: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reason_codes: Vec<ReasonCode>,
}

impl Validate for EncounterDetails {
    fn check(&self, checks: &mut Checks) {
        let known = self
            .time_zone
            .as_deref()
            .is_none_or(|name| local_time::zone(name).is_some());
        checks.require(
            known,
            "time_zone",
            "not_a_time_zone",
            "must be an IANA time zone, such as America/New_York",
        );
        checks.require(
            self.department_id.is_none() || self.facility_id.is_some(),
            "department_id",
            "needs_facility",
            "needs the facility it belongs to",
        );
        checks.text_if("chief_complaint", self.chief_complaint.as_deref(), 2000);
        checks.each("reason_codes", &self.reason_codes, 20, |checks, reason| {
            reason.check(checks);
        });
    }
}

/// The rules of scheduled times.
pub(super) fn check_schedule(
    checks: &mut Checks,
    class: EncounterClass,
    start: DateTime<Utc>,
    end: Option<DateTime<Utc>>,
) {
    let latest = checks.now() + TimeDelta::days(5 * 366);
    checks.require(
        start.year() >= 1900 && start <= latest,
        "scheduled_start",
        "out_of_range",
        "must lie between the year 1900 and five years from now",
    );
    let Some(end) = end else { return };
    checks.instant("scheduled_end", end);
    checks.require(
        end >= start,
        "scheduled_end",
        "before_start",
        "must not lie before scheduled_start",
    );
    checks.require(
        class == EncounterClass::Inpatient
            || end.signed_duration_since(start) <= TimeDelta::days(30),
        "scheduled_end",
        "too_long",
        "must lie at most 30 days after scheduled_start, but for an inpatient",
    );
}

/// An encounter as it stands: also the form in which imports and demonstrations hand one over.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct EncounterRecord {
    pub id: EncounterId,
    pub patient_id: PatientId,
    pub class: EncounterClass,
    pub status: EncounterStatus,
    pub scheduled_start: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheduled_end: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actual_start: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actual_end: Option<DateTime<Utc>>,
    /// Where only a day, a month or a year is known of `scheduled_start`, and of an `actual_start` that is the same: that, to be
    /// shown in their place. They are where it begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2013-05")]
    pub starts_on: Option<PartialDate>,
    /// As `starts_on`, of the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2013-05")]
    pub ends_on: Option<PartialDate>,
    /// IANA name.
    pub time_zone: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub facility_id: Option<FacilityId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub department_id: Option<DepartmentId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attending_provider_id: Option<ProviderId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chief_complaint: Option<String>,
    #[schema(value_type = Vec<ReasonCode>)]
    pub reason_codes: Json<Vec<ReasonCode>>,
    /// How the patient left, where it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disposition: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cancel_reason: Option<String>,
}

impl EncounterRecord {
    /// A new encounter, scheduled and not begun.
    pub fn scheduled(
        id: EncounterId,
        patient: PatientId,
        new: NewEncounter,
        time_zone: String,
    ) -> Self {
        Self {
            id,
            patient_id: patient,
            class: new.class,
            status: EncounterStatus::Scheduled,
            scheduled_start: new.scheduled_start,
            scheduled_end: new.scheduled_end,
            actual_start: None,
            actual_end: None,
            starts_on: None,
            ends_on: None,
            time_zone,
            facility_id: new.facility_id,
            department_id: new.department_id,
            attending_provider_id: new.attending_provider_id,
            chief_complaint: new.chief_complaint,
            reason_codes: Json(new.reason_codes),
            disposition: None,
            cancel_reason: None,
        }
    }

    /// The part that can be amended.
    pub fn details(&self) -> EncounterDetails {
        EncounterDetails {
            class: self.class,
            time_zone: Some(self.time_zone.clone()),
            facility_id: self.facility_id,
            department_id: self.department_id,
            attending_provider_id: self.attending_provider_id,
            chief_complaint: self.chief_complaint.clone(),
            reason_codes: self.reason_codes.0.clone(),
        }
    }

    /// When it ends if it begins then and lasts as long. Of what is known by its days alone nobody knows how long that is.
    pub(super) fn end_if_begun(&self, start: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let known = self.starts_on.is_none() && self.ends_on.is_none();
        let end = self.scheduled_end.filter(|_| known)?;
        Some(start + (end - self.scheduled_start))
    }

    /// Plans it for other times, which are known.
    pub(super) fn plan(&mut self, start: DateTime<Utc>, end: Option<DateTime<Utc>>) {
        self.scheduled_start = start;
        self.scheduled_end = end;
        self.starts_on = None;
        self.ends_on = None;
    }

    /// Cut to microseconds, PostgreSQL's precision: the register and the row must name the same instant.
    pub(super) fn cut(mut self) -> Self {
        self.scheduled_start = self.scheduled_start.trunc_subsecs(6);
        for at in [
            &mut self.scheduled_end,
            &mut self.actual_start,
            &mut self.actual_end,
        ]
        .into_iter()
        .flatten()
        {
            *at = at.trunc_subsecs(6);
        }
        self
    }
}

/// An encounter.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Encounter {
    #[serde(flatten)]
    pub record: EncounterRecord,
    /// What the wall clock of `time_zone` shows at `scheduled_start`; with `starts_on` no time is known.
    #[schema(example = "2026-03-10T09:30:00")]
    pub scheduled_local: String,
    /// The attending provider's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Ada Osei, MD")]
    pub attending_provider: Option<String>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// Other times for a scheduled encounter.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "scheduled_start": "2026-04-02T14:00:00-04:00", "scheduled_end": "2026-04-02T14:30:00-04:00" }))]
pub struct Reschedule {
    pub scheduled_start: DateTime<Utc>,
    /// Unless given, the encounter keeps its length.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheduled_end: Option<DateTime<Utc>>,
}

impl Validate for Reschedule {
    /// The rules need the encounter's class: the service checks them.
    fn check(&self, _: &mut Checks) {}
}

/// How an encounter ended.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "disposition": "Home, follow-up in two weeks" }))]
pub struct Completion {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disposition: Option<String>,
    /// Now, unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actual_end: Option<DateTime<Utc>>,
}

impl Validate for Completion {
    fn check(&self, checks: &mut Checks) {
        checks.text_if("disposition", self.disposition.as_deref(), 500);
    }
}

/// Why an encounter does not take place.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "reason": "The patient called: feels better" }))]
pub struct Cancellation {
    pub reason: String,
}

impl Validate for Cancellation {
    fn check(&self, checks: &mut Checks) {
        checks.text("reason", &self.reason, 500);
    }
}

/// Which encounters of a patient.
#[derive(Clone, Debug, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OfPatient {
    /// Scheduled at or after.
    pub from: Option<DateTime<Utc>>,
    /// Scheduled before.
    pub to: Option<DateTime<Utc>>,
    pub status: Option<EncounterStatus>,
    pub class: Option<EncounterClass>,
    pub limit: Option<u32>,
    pub cursor: Option<String>,
    /// A day (its local end) or an instant: the list as it was on record then, the latest first. Needs the permission
    /// `entry.history`.
    #[param(value_type = Option<String>, example = "2024-05-01T12:00:00Z")]
    pub as_of: Option<AsOf>,
}

/// Which encounters of a provider.
#[derive(Clone, Debug, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OfProvider {
    /// Scheduled at or after; 30 days ago unless given, or before the time of `as_of`.
    pub from: Option<DateTime<Utc>>,
    /// Scheduled before; 30 days from then unless given. At most 366 days after `from`.
    pub to: Option<DateTime<Utc>>,
    pub status: Option<EncounterStatus>,
    pub limit: Option<u32>,
    pub cursor: Option<String>,
    /// A day (its local end) or an instant: what he attended as it was on record then. Needs the permission
    /// `entry.history`.
    #[param(value_type = Option<String>, example = "2024-05-01T12:00:00Z")]
    pub as_of: Option<AsOf>,
}

/// Which day of a facility.
#[derive(Clone, Debug, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OfFacility {
    /// The day on the facility's wall; today, or the day of `as_of`, unless given.
    pub date: Option<NaiveDate>,
    pub status: Option<EncounterStatus>,
    pub limit: Option<u32>,
    pub cursor: Option<String>,
    /// A day (its local end) or an instant: the day as it was on record then. Needs the permission
    /// `entry.history`.
    #[param(value_type = Option<String>, example = "2024-05-01T12:00:00Z")]
    pub as_of: Option<AsOf>,
}
