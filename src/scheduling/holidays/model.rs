//! Holidays on the wire.

use chrono::{NaiveDate, NaiveTime, TimeDelta};
use kernel::clock::Instant;
use kernel::ids::{FacilityId, HolidayId};
use kernel::{Checks, Validate};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::affected::Scope;
use crate::local_time::LocalTime;
use crate::resource::kept::{Kept, Said};
use crate::resource::{Standing, Whose};
use crate::working_times::check_day;

/// What is said of a holiday.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "day": "2026-12-25", "name": "Christmas Day", "status": "active" }))]
pub struct NewHoliday {
    /// Where; everywhere, if it is not named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facility_id: Option<FacilityId>,
    pub day: NaiveDate,
    /// Of part of a day: from when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local_from: Option<LocalTime>,
    /// And until when, on the same day; 00:00 is its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local_until: Option<LocalTime>,
    pub name: String,
    #[serde(default)]
    pub status: Standing,
}

/// A holiday.
pub type Holiday = Kept<NewHoliday>;

impl Said for NewHoliday {
    type Id = HolidayId;
    const NAME: &'static str = "Holiday";
    const DESCRIPTION: &'static str = "A holiday.";
    const PLACE: &'static str = "holidays";

    fn decides(&self, _now: Instant) -> Option<Scope> {
        // By the wall of the place: a day more at both ends is enough for every zone.
        let day = self.day.and_time(NaiveTime::MIN).and_utc();
        Some(Scope {
            facility: self.facility_id,
            whose: Whose::default(),
            from: day - TimeDelta::days(1),
            until: day + TimeDelta::days(2),
        })
    }
}

/// Which holidays to list.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListHolidays {
    /// Only those that name this facility.
    pub facility_id: Option<FacilityId>,
    /// Only those of this status.
    pub status: Option<Standing>,
    /// Not before this day.
    pub from_day: Option<NaiveDate>,
    /// Nor after this one.
    pub to_day: Option<NaiveDate>,
    /// Rows of a page, 1 to 200; 50 unless said.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

impl Validate for NewHoliday {
    fn check(&self, checks: &mut Checks) {
        check_day(checks, "day", self.day);
        checks.text("name", &self.name, 200);
        let hours = match (self.local_from, self.local_until) {
            (None, None) => true,
            (Some(from), Some(until)) => from < until || until.0 == NaiveTime::MIN,
            _ => false,
        };
        checks.require(
            hours,
            "local_until",
            "out_of_range",
            "must lie after local_from on the same day, or be 00:00 for its end; both or none",
        );
    }
}
