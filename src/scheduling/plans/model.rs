//! What is asked of a plan, on the wire.

use std::collections::HashSet;

use chrono::{DateTime, NaiveDate, Utc};
use kernel::ids::{FacilityId, PatientId, ProviderId, ServiceId};
use kernel::{Checks, Validate};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::change::WeekChange;
use crate::appointments::{Priority, Timing};

/// What one plan may be asked for.
pub(super) const MOST_REQUESTS: usize = 1000;
const MOST_WINDOWS: usize = 50;
const MOST_NAMED: usize = 50;

/// From an instant up to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TimeWindow {
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
}

/// A visit that is wanted. What it needs its service says; how long it takes too, unless it says so itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WantedVisit {
    /// Its name in this plan: letters, digits, `_`, `.` and `-`.
    #[schema(example = "R1")]
    pub key: String,
    pub patient_id: PatientId,
    pub service_id: ServiceId,
    #[serde(default)]
    pub priority: Priority,
    /// One of these attends; empty: anybody with the service's skills.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub provider_ids: Vec<ProviderId>,
    /// All of these attend.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub all_of: Vec<ProviderId>,
    /// Wished for, not needed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub preferred_provider_ids: Vec<ProviderId>,
    /// Who knows the patient.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub continuity_provider_id: Option<ProviderId>,
    /// Some of the plan's; empty: any of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub facility_ids: Vec<FacilityId>,
    /// The visit lies within one of these; empty: any time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub windows: Vec<TimeWindow>,
    /// It begins within one of these if it can.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub preferred_windows: Vec<TimeWindow>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chief_complaint: Option<String>,
    /// Where this visit takes longer or shorter than its service says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 1440)]
    pub duration_minutes: Option<i32>,
    /// And what goes before and after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 480)]
    pub prep_minutes: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 480)]
    pub cleanup_minutes: Option<i32>,
}

impl WantedVisit {
    /// The minutes it takes: its own where it says so, its service's otherwise.
    pub(super) fn timing(&self, service: Timing) -> Timing {
        Timing {
            duration: self.duration_minutes.unwrap_or(service.duration),
            prep: self.prep_minutes.unwrap_or(service.prep),
            cleanup: self.cleanup_minutes.unwrap_or(service.cleanup),
        }
    }

    pub(super) fn has_own_timing(&self) -> bool {
        let own = [
            self.duration_minutes,
            self.prep_minutes,
            self.cleanup_minutes,
        ];
        own.iter().any(Option::is_some)
    }
}

/// The way between two facilities, for a provider who works in both on one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Way {
    pub from: FacilityId,
    pub to: FacilityId,
    #[schema(minimum = 0, maximum = 600)]
    pub minutes: u32,
}

/// A schedule to be proposed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "first_day": "2027-03-01", "days": 5, "facility_ids": ["01990000-0000-7000-8000-000000000001"], "seconds": 1.0,
    "requests": [
        { "key": "R1", "patient_id": "01990000-0000-7000-8000-000000000002", "service_id": "01990000-0000-7000-8000-000000000003",
          "priority": "high", "duration_minutes": 45 }
    ]
}))]
pub struct NewSchedulePlan {
    /// By the calendar of the facilities.
    pub first_day: NaiveDate,
    #[serde(default = "a_week")]
    #[schema(minimum = 1, maximum = 31)]
    pub days: u32,
    /// In one time zone.
    pub facility_ids: Vec<FacilityId>,
    /// Who may be booked; empty: whoever works there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub provider_ids: Vec<ProviderId>,
    /// Whether appointments that stand there may be moved, at the cost the tenant's weights say.
    #[serde(default)]
    pub move_existing: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub travel: Vec<Way>,
    /// How long to look for a better plan.
    #[serde(default = "two_seconds")]
    #[schema(minimum = 0.05, maximum = 10.0)]
    pub seconds: f64,
    /// Where chance begins.
    #[serde(default = "one")]
    pub seed: u32,
    pub requests: Vec<WantedVisit>,
}

impl NewSchedulePlan {
    /// What is asked but for the requests, and the requests.
    pub(super) fn split(self) -> (PlanFrame, Vec<WantedVisit>) {
        let frame = PlanFrame {
            first_day: self.first_day,
            days: self.days,
            facility_ids: self.facility_ids,
            provider_ids: self.provider_ids,
            move_existing: self.move_existing,
            travel: self.travel,
            seconds: self.seconds,
            seed: self.seed,
        };
        (frame, self.requests)
    }
}

/// All of a plan but its requests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PlanFrame {
    /// By the calendar of the facilities.
    pub first_day: NaiveDate,
    #[serde(default = "a_week")]
    #[schema(minimum = 1, maximum = 31)]
    pub days: u32,
    /// In one time zone.
    pub facility_ids: Vec<FacilityId>,
    /// Who may be booked; empty: whoever works there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub provider_ids: Vec<ProviderId>,
    /// Whether appointments that stand there may be moved, at the cost the tenant's weights say.
    #[serde(default)]
    pub move_existing: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub travel: Vec<Way>,
    /// How long to look for a better plan.
    #[serde(default = "two_seconds")]
    #[schema(minimum = 0.05, maximum = 10.0)]
    pub seconds: f64,
    /// Where chance begins.
    #[serde(default = "one")]
    pub seed: u32,
}

const fn a_week() -> u32 {
    7
}
const fn two_seconds() -> f64 {
    2.0
}
const fn one() -> u32 {
    1
}

impl Validate for NewSchedulePlan {
    fn check(&self, checks: &mut Checks) {
        let frame = self;
        checks.require(
            (1..=31).contains(&frame.days),
            "days",
            "out_of_range",
            "must lie between 1 and 31",
        );
        checks.require(
            (1..=10).contains(&frame.facility_ids.len()),
            "facility_ids",
            "out_of_range",
            "must name 1 to 10 facilities",
        );
        for (place, facility) in frame.facility_ids.iter().enumerate() {
            checks.require(
                !frame.facility_ids[..place].contains(facility),
                &format!("facility_ids/{place}"),
                "repeated",
                "must not be repeated",
            );
        }
        checks.require(
            frame.provider_ids.len() <= 200,
            "provider_ids",
            "too_many",
            "must name at most 200 providers",
        );
        checks.require(
            frame.travel.len() <= 100 && frame.travel.iter().all(|way| way.minutes <= 600),
            "travel",
            "out_of_range",
            "must be at most 100 ways of at most 600 minutes",
        );
        check_seconds(checks, frame.seconds);
        check_visits(checks, &self.requests);
    }
}

pub(super) fn check_seconds(checks: &mut Checks, seconds: f64) {
    checks.require(
        (0.05..=10.0).contains(&seconds),
        "seconds",
        "out_of_range",
        "must lie between 0.05 and 10",
    );
}

pub(super) fn check_visits(checks: &mut Checks, visits: &[WantedVisit]) {
    let mut keys = HashSet::new();
    checks.each("requests", visits, MOST_REQUESTS, |checks, visit| {
        let plain = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
        let holds = (1..=60).contains(&visit.key.len()) && visit.key.chars().all(plain);
        checks.require(
            holds,
            "key",
            "wrong_form",
            "must have 1 to 60 letters, digits, underscores, dots and hyphens",
        );
        checks.require(
            keys.insert(visit.key.clone()),
            "key",
            "repeated",
            "must not be repeated",
        );
        for (field, length) in [
            ("provider_ids", visit.provider_ids.len()),
            ("all_of", visit.all_of.len()),
            ("preferred_provider_ids", visit.preferred_provider_ids.len()),
            ("facility_ids", visit.facility_ids.len()),
        ] {
            checks.require(
                length <= MOST_NAMED,
                field,
                "too_many",
                "must name at most 50",
            );
        }
        for (field, windows) in [
            ("windows", &visit.windows),
            ("preferred_windows", &visit.preferred_windows),
        ] {
            checks.each(field, windows, MOST_WINDOWS, |checks, window| {
                checks.require(
                    window.from < window.to,
                    "to",
                    "before_from",
                    "must lie after from",
                );
            });
        }
        for (field, minutes, (least, most)) in [
            ("duration_minutes", visit.duration_minutes, (1, 1440)),
            ("prep_minutes", visit.prep_minutes, (0, 480)),
            ("cleanup_minutes", visit.cleanup_minutes, (0, 480)),
        ] {
            checks.require(
                minutes.is_none_or(|minutes| (least..=most).contains(&minutes)),
                field,
                "out_of_range",
                "must be 1 to 1,440 minutes, or 0 to 480 before and after",
            );
        }
        checks.text_if("chief_complaint", visit.chief_complaint.as_deref(), 2000);
    });
}

/// A plan to be made anew.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "changes": [{ "kind": "provider_away", "provider_id": "01990000-0000-7000-8000-000000000004",
                  "from": "2027-03-01T13:00:00Z", "to": "2027-03-01T22:00:00Z" }], "seconds": 1.0
}))]
pub struct Replan {
    pub changes: Vec<WeekChange>,
    #[serde(default = "two_seconds")]
    #[schema(minimum = 0.05, maximum = 10.0)]
    pub seconds: f64,
}

impl Validate for Replan {
    fn check(&self, checks: &mut Checks) {
        check_seconds(checks, self.seconds);
        checks.each("changes", &self.changes, 200, |checks, change| {
            change.check(checks);
        });
    }
}

/// What of a plan is to be booked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "requests": ["R1"], "all_or_nothing": true }))]
pub struct ApplyPlan {
    /// These only; all that are placed and not booked yet, if it is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<Vec<String>>,
    /// Book all of them or none.
    #[serde(default)]
    pub all_or_nothing: bool,
}

impl Validate for ApplyPlan {
    fn check(&self, checks: &mut Checks) {
        let fits = self
            .requests
            .as_ref()
            .is_none_or(|keys| (1..=2 * MOST_REQUESTS).contains(&keys.len()));
        checks.require(
            fits,
            "requests",
            "out_of_range",
            "must name 1 to 2,000 requests, or be left out",
        );
    }
}
