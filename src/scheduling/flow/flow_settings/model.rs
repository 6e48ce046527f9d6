//! The settings on the wire.

use std::collections::BTreeMap;

use chrono::NaiveTime;
use kernel::{Checks, Validate};
use platform::access::NoPhi;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::local_time::LocalTime;

/// Points for a priority.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PriorityPoints {
    pub low: i32,
    pub medium: i32,
    pub high: i32,
    pub urgent: i32,
}

/// What counts, and how much: the one with the most points is offered a place first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TriageRules {
    pub priority: PriorityPoints,
    /// Points for each whole day of waiting.
    pub per_waiting_day: i32,
    /// Days beyond these count no more.
    pub waiting_days_at_most: i32,
    /// Points for each appointment missed in the last year; negative where missing one counts against.
    pub per_missed_visit: i32,
    /// Points for a flag of a request, such as `pregnant`: what the tenant calls it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub flags: BTreeMap<String, i32>,
}

impl Default for TriageRules {
    fn default() -> Self {
        Self {
            priority: PriorityPoints {
                low: 0,
                medium: 20,
                high: 60,
                urgent: 200,
            },
            per_waiting_day: 1,
            waiting_days_at_most: 90,
            per_missed_visit: 0,
            flags: BTreeMap::new(),
        }
    }
}

/// One reminder more, of an appointment its patient is likely to miss.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExtraReminder {
    /// From which probability on, of the night before, in percent: 1 to 99.
    #[schema(minimum = 1, maximum = 99)]
    pub above_percent: i32,
    /// How long before the start it is sent: an hour to 60 days. It says what the reminder sent longest before says.
    #[schema(minimum = 60, maximum = 86400)]
    pub minutes_before: i32,
}

impl Default for ExtraReminder {
    fn default() -> Self {
        Self {
            above_percent: 30,
            minutes_before: 4_320,
        }
    }
}

/// How a tenant wants it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "quiet_from": "20:00", "quiet_until": "08:00", "calendar_initials": false, "offer_minutes": 120,
    "offer_notice_minutes": 60, "extra_reminder": { "above_percent": 30, "minutes_before": 4320 }, "triage": { "priority": { "low": 0, "medium": 20, "high": 60, "urgent": 200 },
    "per_waiting_day": 1, "waiting_days_at_most": 90, "per_missed_visit": -5, "flags": { "pregnant": 30 } } }))]
pub struct NewFlowSettings {
    /// No message leaves between these two on the facility's wall clock; the same twice: never quiet.
    pub quiet_from: LocalTime,
    pub quiet_until: LocalTime,
    /// Whether calendars show patients' initials; else they show no patient.
    pub calendar_initials: bool,
    /// Minutes to answer an offer, 5 to 10080, of those that are not quiet.
    pub offer_minutes: i32,
    /// A place that begins sooner than so many minutes after somebody could hear of it is not offered.
    pub offer_notice_minutes: i32,
    /// For who is likely not to come; `null`: nobody is reminded more than others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extra_reminder: Option<ExtraReminder>,
    pub triage: TriageRules,
}

impl Default for NewFlowSettings {
    fn default() -> Self {
        let hour = |hour| LocalTime(NaiveTime::from_hms_opt(hour, 0, 0).unwrap_or_default());
        Self {
            quiet_from: hour(20),
            quiet_until: hour(8),
            calendar_initials: false,
            offer_minutes: 120,
            offer_notice_minutes: 60,
            extra_reminder: Some(ExtraReminder::default()),
            triage: TriageRules::default(),
        }
    }
}

/// The settings, and their version.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FlowSettings {
    #[serde(flatten)]
    pub data: NewFlowSettings,
    pub version: i64,
}

impl NoPhi for FlowSettings {}

impl Default for FlowSettings {
    fn default() -> Self {
        Self {
            data: NewFlowSettings::default(),
            version: 1,
        }
    }
}

/// A flag: a word in lower case.
pub fn is_flag(word: &str) -> bool {
    (1..=40).contains(&word.len())
        && word
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

impl Validate for NewFlowSettings {
    fn check(&self, checks: &mut Checks) {
        let mut within = |field, value: i32, least, most| {
            if !(least..=most).contains(&value) {
                checks.fail(
                    field,
                    "out_of_range",
                    format!("must lie between {least} and {most}"),
                );
            }
        };
        within("offer_minutes", self.offer_minutes, 5, 10_080);
        within("offer_notice_minutes", self.offer_notice_minutes, 0, 10_080);
        if let Some(extra) = &self.extra_reminder {
            within("extra_reminder/above_percent", extra.above_percent, 1, 99);
            within(
                "extra_reminder/minutes_before",
                extra.minutes_before,
                60,
                86_400,
            );
        }
        checks.within("triage", |checks| self.triage.check(checks));
    }
}

impl Validate for TriageRules {
    fn check(&self, checks: &mut Checks) {
        let PriorityPoints {
            low,
            medium,
            high,
            urgent,
        } = self.priority;
        for (field, points) in [
            ("priority/low", low),
            ("priority/medium", medium),
            ("priority/high", high),
            ("priority/urgent", urgent),
            ("per_waiting_day", self.per_waiting_day),
            ("per_missed_visit", self.per_missed_visit),
        ] {
            let rule = "must lie between -1000 and 1000";
            checks.require(
                (-1000..=1000).contains(&points),
                field,
                "out_of_range",
                rule,
            );
        }
        checks.require(
            (0..=3650).contains(&self.waiting_days_at_most),
            "waiting_days_at_most",
            "out_of_range",
            "must lie between 0 and 3650",
        );
        checks.require(
            low <= medium && medium <= high && high <= urgent,
            "priority",
            "wrong_order",
            "must not give a lower priority more points",
        );
        let known = self.flags.len() <= 30
            && self
                .flags
                .iter()
                .all(|(flag, points)| is_flag(flag) && (-1000..=1000).contains(points));
        checks.require(
            known,
            "flags",
            "wrong_form",
            "must be at most 30 words in lower case, with points between -1000 and 1000",
        );
    }
}
