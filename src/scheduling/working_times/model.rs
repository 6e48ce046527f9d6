//! Working time on the wire.

use chrono::{Datelike, NaiveDate, NaiveTime, TimeDelta};
use kernel::clock::Instant;
use kernel::ids::{AssetId, AvailabilityId, FacilityId, ProviderId, StaffId};
use kernel::{Checks, Validate};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::affected::Scope;
use crate::local_time::LocalTime;
use crate::recurrence::Recurrence;
use crate::resource::kept::{Kept, Said};
use crate::resource::{Standing, Whose};

/// A day of the week.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Weekday {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

const WEEK: [Weekday; 7] = [
    Weekday::Monday,
    Weekday::Tuesday,
    Weekday::Wednesday,
    Weekday::Thursday,
    Weekday::Friday,
    Weekday::Saturday,
    Weekday::Sunday,
];

/// As ISO 8601 numbers them: 1 is Monday.
pub(super) fn numbers_of(days: &[Weekday]) -> Vec<i16> {
    (1..)
        .zip(WEEK)
        .filter(|(_, day)| days.contains(day))
        .map(|(number, _)| number)
        .collect()
}

pub(super) fn days_of(numbers: &[i16]) -> Vec<Weekday> {
    (1..)
        .zip(WEEK)
        .filter(|(number, _)| numbers.contains(number))
        .map(|(_, day)| day)
        .collect()
}

/// What is said of somebody's working time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "facility_id": "01990000-0000-7000-8000-000000000001", "provider_id": "01990000-0000-7000-8000-000000000002",
    "weekdays": ["monday", "tuesday", "thursday"], "local_from": "08:30", "local_until": "16:00", "valid_from": "2026-01-05"
}))]
pub struct NewWorkingTime {
    /// Where, and by whose wall clock.
    pub facility_id: FacilityId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_id: Option<ProviderId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub staff_id: Option<StaffId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asset_id: Option<AssetId>,
    /// Every week on these days; or see `rrule`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub weekdays: Vec<Weekday>,
    /// RFC 5545, of days: `FREQ=WEEKLY;INTERVAL=2;BYDAY=MO`. Begins on `valid_from`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rrule: Option<String>,
    pub local_from: LocalTime,
    /// At or before `local_from`: on the day after.
    pub local_until: LocalTime,
    pub valid_from: NaiveDate,
    /// The last day on which it begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<NaiveDate>,
    #[serde(default)]
    pub status: Standing,
}

/// A rule of working time.
pub type WorkingTime = Kept<NewWorkingTime>;

impl Said for NewWorkingTime {
    type Id = AvailabilityId;
    const NAME: &'static str = "WorkingTime";
    const DESCRIPTION: &'static str = "A rule of working time.";
    const PLACE: &'static str = "working-times";

    fn decides(&self, now: Instant) -> Option<Scope> {
        let (from, until) = self.in_force(now);
        Some(Scope {
            facility: Some(self.facility_id),
            whose: self.whose(),
            from,
            until,
        })
    }
}

/// Which working time to list.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListWorkingTimes {
    /// Only that at this facility.
    pub facility_id: Option<FacilityId>,
    /// Only that of this provider.
    pub provider_id: Option<ProviderId>,
    /// Only that of this member of the staff.
    pub staff_id: Option<StaffId>,
    /// Only that of this room or device.
    pub asset_id: Option<AssetId>,
    /// Only that of this status.
    pub status: Option<Standing>,
    /// Rows of a page, 1 to 200; 50 unless said.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// Beyond what any service can be booked ahead.
const FAR: TimeDelta = TimeDelta::days(1100);

impl NewWorkingTime {
    pub(super) fn whose(&self) -> Whose {
        Whose {
            provider: self.provider_id,
            staff: self.staff_id,
            asset: self.asset_id,
        }
    }

    /// From when to when it counts, as far as anything is booked ahead.
    pub(super) fn in_force(&self, now: Instant) -> (Instant, Instant) {
        // By the wall of the place: a day more at both ends is enough for every zone.
        let midnight = |day: NaiveDate| day.and_time(NaiveTime::MIN).and_utc();
        let until = self
            .valid_until
            .map(|day| midnight(day) + TimeDelta::days(3));
        let from = midnight(self.valid_from) - TimeDelta::days(1);
        (from, until.unwrap_or(now + FAR))
    }
}

impl Validate for NewWorkingTime {
    fn check(&self, checks: &mut Checks) {
        self.whose().check(checks);
        check_day(checks, "valid_from", self.valid_from);
        if let Some(until) = self.valid_until {
            check_day(checks, "valid_until", until);
            checks.require(
                self.valid_from <= until,
                "valid_until",
                "before_valid_from",
                "must not lie before valid_from",
            );
        }
        let mut days = self.weekdays.clone();
        days.sort_unstable();
        days.dedup();
        checks.require(
            days.len() == self.weekdays.len(),
            "weekdays",
            "repeated",
            "must not be repeated",
        );
        match &self.rrule {
            None => checks.require(
                !self.weekdays.is_empty(),
                "weekdays",
                "missing",
                "must name the days, unless rrule does",
            ),
            Some(_) if !self.weekdays.is_empty() => {
                checks.fail("rrule", "more_than_one", "must not stand beside weekdays");
            }
            Some(rule) => {
                if let Err(fault) = Recurrence::parse(rule, self.valid_from) {
                    let (code, rule) = fault.told();
                    checks.fail("rrule", code, rule);
                }
            }
        }
    }
}

/// A day of a calendar people plan with.
pub(crate) fn check_day(checks: &mut Checks, field: &str, day: NaiveDate) {
    checks.require(
        (1990..2150).contains(&day.year()),
        field,
        "out_of_range",
        "must lie between the years 1990 and 2150",
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::Clock;
    use serde_json::json;

    fn broken(rule: &serde_json::Value) -> Vec<(String, String)> {
        let rule: NewWorkingTime = serde_json::from_value(rule.clone()).expect("of the form");
        let mut checks = Checks::at(Clock::system().now());
        rule.check(&mut checks);
        let error = checks.finish().err();
        let fields = error.iter().flat_map(kernel::Error::fields);
        fields
            .map(|field| (field.pointer.clone(), field.code.to_string()))
            .collect()
    }

    #[test]
    fn a_rule_names_its_days_in_one_way() {
        let mut rule = json!({ "facility_id": FacilityId::new(), "local_from": "22:00", "local_until": "06:00",
            "valid_from": "2026-01-05", "weekdays": ["monday", "sunday"] });
        assert!(broken(&rule).is_empty());
        rule["rrule"] = json!("FREQ=DAILY");
        assert_eq!(broken(&rule)[0].1, "more_than_one");
        rule["weekdays"] = json!([]);
        assert!(broken(&rule).is_empty());
        rule["rrule"] = json!("FREQ=SECONDLY");
        assert_eq!(
            broken(&rule),
            [("/rrule".to_owned(), "not_of_days".to_owned())]
        );
        rule["valid_until"] = json!("2026-01-04");
        assert_eq!(broken(&rule)[0].1, "before_valid_from");
    }

    #[test]
    fn weekdays_are_numbered_as_iso_does() {
        let days = [Weekday::Sunday, Weekday::Monday];
        assert_eq!(numbers_of(&days), [1, 7]);
        assert_eq!(days_of(&[7, 1]), [Weekday::Monday, Weekday::Sunday]);
    }
}
