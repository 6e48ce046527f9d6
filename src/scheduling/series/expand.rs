//! On which days a series occurs, and when that is.

use std::collections::BTreeSet;

use chrono::{Days, NaiveDateTime};
use chrono_tz::Tz;
use kernel::clock::Instant;
use kernel::{Error, Result};

use super::model::NewSeries;
use crate::recurrence::Recurrence;
use crate::wall;

/// The most occurrences, and the most days from the first to the last.
const MOST: usize = 200;
const LONGEST: Days = Days::new(731);

/// One occurrence: what the wall shows then, and when that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Time {
    /// Later than what was meant, where the clocks leave that out.
    pub local: NaiveDateTime,
    pub at: Instant,
}

/// The occurrences of a series, in their order.
///
/// # Errors
/// A field error: for a rule that can't be read, does not end, names too many days, or none.
pub(super) fn occurrences(new: &NewSeries, zone: Tz) -> Result<Vec<Time>> {
    let first = new.local_start.date();
    let broken = |field: &str, code: &'static str, rule: &'static str| {
        Err(Error::field(format!("/{field}"), code, rule))
    };
    let rule = Recurrence::parse(&new.rule, first).map_err(|fault| {
        let (code, rule) = fault.told();
        Error::field("/rule", code, rule)
    })?;
    let counted = new.rule.to_ascii_uppercase().contains("COUNT=");
    if !counted && new.until.is_none() {
        return broken("rule", "unbounded", "must have COUNT, or until beside it");
    }
    let farthest = first.checked_add_days(LONGEST).unwrap_or(first);
    if new.until.is_some_and(|until| until > farthest) {
        return broken(
            "until",
            "too_long",
            "must lie at most two years after local_start",
        );
    }
    let beyond = farthest.checked_add_days(LONGEST).unwrap_or(farthest);
    let exceptions: BTreeSet<_> = new.exceptions.iter().copied().collect();
    let last = new.until.unwrap_or(beyond);
    let days = rule.days(first, last);
    if days.last().is_some_and(|day| *day > farthest) {
        return broken("rule", "too_long", "must end within two years");
    }
    let days: Vec<_> = days.difference(&exceptions).copied().collect();
    if days.len() > MOST {
        return broken("rule", "too_many", "must occur at most 200 times");
    }
    if days.is_empty() {
        return broken("rule", "never_occurs", "must occur at least once");
    }
    let time = new.local_start.time();
    Ok(days
        .iter()
        .map(|day| at(zone, day.and_time(time)))
        .collect())
}

/// When the wall shows this. Where the clocks leave it out: the first there is after it.
pub(super) fn at(zone: Tz, local: NaiveDateTime) -> Time {
    let at = wall::begins(zone, local);
    Time {
        local: at.with_timezone(&zone).naive_local(),
        at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::ids::{FacilityId, PatientId, ServiceId, mint};

    fn series(rule: &str, start: &str) -> NewSeries {
        NewSeries {
            patient_id: PatientId(mint()),
            service_id: ServiceId(mint()),
            facility_id: FacilityId(mint()),
            provider_id: None,
            room_id: None,
            equipment_ids: Vec::new(),
            local_start: start.parse().expect("a time"),
            rule: rule.to_owned(),
            until: None,
            exceptions: Vec::new(),
            priority: crate::appointments::Priority::Medium,
            chief_complaint: None,
            skip_conflicts: false,
        }
    }

    fn refused(series: &NewSeries) -> String {
        let error = occurrences(series, Tz::America__New_York).expect_err("refused");
        error.fields()[0].code.to_string()
    }

    #[test]
    fn the_wall_time_stays_when_the_clocks_change() {
        let weekly = series("FREQ=WEEKLY;COUNT=3", "2027-03-07T09:00:00");
        let times = occurrences(&weekly, Tz::America__New_York).expect("occurrences");
        let instants: Vec<String> = times.iter().map(|time| time.at.to_rfc3339()).collect();
        assert_eq!(
            instants,
            [
                "2027-03-07T14:00:00+00:00",
                "2027-03-14T13:00:00+00:00",
                "2027-03-21T13:00:00+00:00"
            ]
        );
        // Half past two does not exist on the 14th, and exists twice on 7 November: the first is meant.
        let night = series("FREQ=WEEKLY;COUNT=2", "2027-03-07T02:30:00");
        let times = occurrences(&night, Tz::America__New_York).expect("occurrences");
        assert_eq!(times[1].at.to_rfc3339(), "2027-03-14T07:00:00+00:00");
        let night = series("FREQ=DAILY;COUNT=1", "2027-11-07T01:30:00");
        let times = occurrences(&night, Tz::America__New_York).expect("occurrences");
        assert_eq!(times[0].at.to_rfc3339(), "2027-11-07T05:30:00+00:00");
    }

    #[test]
    fn bombs_and_nothings_are_refused() {
        let start = "2027-03-02T11:00:00";
        for (rule, code) in [
            ("FREQ=SECONDLY;COUNT=100000", "not_of_days"),
            ("FREQ=HOURLY;COUNT=3", "not_of_days"),
            ("FREQ=DAILY", "unbounded"),
            ("FREQ=DAILY;COUNT=201", "too_many"),
            ("FREQ=YEARLY;COUNT=4", "too_long"),
            (
                "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30;COUNT=2",
                "never_occurs",
            ),
            ("FREQ=DAILY;COUNT=5;BYSECOND=1,2,3", "not_of_days"),
            ("every day", "not_an_rrule"),
        ] {
            assert_eq!(refused(&series(rule, start)), code, "{rule}");
        }
        let mut excepted = series("FREQ=DAILY;COUNT=1", start);
        excepted.exceptions = vec![start[..10].parse().expect("a day")];
        assert_eq!(refused(&excepted), "never_occurs");
        let mut far = series("FREQ=MONTHLY", start);
        far.until = "2030-01-01".parse().ok();
        assert_eq!(refused(&far), "too_long");
    }
}
