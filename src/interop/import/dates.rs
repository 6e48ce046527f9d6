//! FHIR's dates and times: a year, a month, a day, or an instant with its offset.
//!
//! What is less than an instant begins at midnight on the tenant's wall. A time without an offset is against the
//! standard and seen in the wild; it is read on the same wall.

use std::borrow::Cow;

use chrono::{DateTime, Datelike as _, NaiveDate, NaiveDateTime, SubsecRound, TimeZone, Utc};
use chrono_tz::Tz;
use kernel::PartialDate;
use kernel::clock::Instant;
use serde_json::Value;

/// A whole calendar day, also out of an instant (as written, not as seen from another zone).
pub(super) fn day(text: &str) -> Option<NaiveDate> {
    let day = text.get(..10).unwrap_or(text);
    let day = NaiveDate::parse_from_str(day, "%Y-%m-%d").ok()?;
    is_meant(day.year()).then_some(day)
}

/// As [`day`], of what may be an instant in UTC: that one's day is the one on the tenant's wall.
pub(super) fn day_on(text: &str, zone: Tz) -> Option<NaiveDate> {
    day(&as_on_wall(text, zone))
}

/// A year, a month or a day, or the day of an instant: as written, or, where that is UTC, as it was on the tenant's wall.
pub(super) fn partial_on(text: &str, zone: Tz) -> Option<PartialDate> {
    let said = as_on_wall(text, zone);
    PartialDate::try_from(said.split('T').next()?.to_owned()).ok()
}

/// An instant in UTC as the day it was in the zone; anything else as it is. Midnight in UTC is how a day alone is often written.
fn as_on_wall(text: &str, zone: Tz) -> Cow<'_, str> {
    let time = text.strip_suffix('Z').and_then(|text| text.split_once('T'));
    let is_meant = time.is_some_and(|(_, time)| !time.chars().all(|c| "0:.".contains(c)));
    match instant(text, zone).filter(|_| is_meant) {
        Some(at) => Cow::Owned(at.with_timezone(&zone).date_naive().to_string()),
        None => Cow::Borrowed(text),
    }
}

/// As for what comes in by the API: a year outside these is a slip, or a filler for "unknown" and "for ever".
fn is_meant(year: i32) -> bool {
    (1850..2200).contains(&year)
}

/// A year, a month or a day, where that is all that is said.
pub(super) fn partial(text: &str) -> Option<PartialDate> {
    let date = PartialDate::try_from(text.to_owned()).ok()?;
    is_meant(date.earliest().year()).then_some(date)
}

/// The instant a `date`, `dateTime` or `instant` begins.
pub(super) fn instant(text: &str, zone: Tz) -> Option<Instant> {
    parse(text, zone).filter(|at| is_meant(at.year()))
}

fn parse(text: &str, zone: Tz) -> Option<Instant> {
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Some(at.with_timezone(&Utc).trunc_subsecs(6));
    }
    let local = match text.len() {
        4 => NaiveDate::from_ymd_opt(text.parse().ok()?, 1, 1)?.and_hms_opt(0, 0, 0)?,
        7 => NaiveDate::parse_from_str(&format!("{text}-01"), "%Y-%m-%d")
            .ok()?
            .and_hms_opt(0, 0, 0)?,
        10 => NaiveDate::parse_from_str(text, "%Y-%m-%d")
            .ok()?
            .and_hms_opt(0, 0, 0)?,
        // Minutes with an offset, which RFC 3339 wants seconds for; then no offset at all.
        _ => match DateTime::parse_from_str(&text.replace('Z', "+00:00"), "%Y-%m-%dT%H:%M%:z") {
            Ok(at) => return Some(at.with_timezone(&Utc)),
            Err(_) => NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").ok()?,
        },
    };
    // In the hour that spring skips there is no such time; an hour later there is.
    let at = zone.from_local_datetime(&local).earliest().or_else(|| {
        zone.from_local_datetime(&(local + chrono::TimeDelta::hours(1)))
            .earliest()
    })?;
    Some(at.with_timezone(&Utc).trunc_subsecs(6))
}

/// Where a resource says when it was: the first that is there, the event before the paperwork.
const OWN_DATES: [&str; 28] = [
    "/effectiveDateTime",
    "/effectiveInstant",
    "/effectivePeriod/start",
    "/performedDateTime",
    "/performedPeriod/start",
    "/occurrenceDateTime",
    "/occurrencePeriod/start",
    "/onsetDateTime",
    "/onsetPeriod/start",
    "/collection/collectedDateTime",
    "/collection/collectedPeriod/start",
    "/started",
    "/authoredOn",
    "/whenHandedOver",
    "/whenPrepared",
    "/recordedDate",
    "/assertedDate",
    "/billablePeriod/start",
    "/servicedPeriod/start",
    "/context/period/start",
    "/period/start",
    "/start",
    "/sent",
    "/authored",
    "/date",
    "/created",
    "/issued",
    "/recorded",
];

/// The resource's own date, where it has one that can be read.
pub(super) fn own(resource: &Value, zone: Tz) -> Option<Instant> {
    OWN_DATES
        .iter()
        .filter_map(|place| resource.pointer(place)?.as_str())
        .find_map(|text| instant(text, zone))
        .filter(|at| (1000..3000).contains(&chrono::Datelike::year(at)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const BOSTON: Tz = chrono_tz::America::New_York;

    fn utc(text: &str) -> Option<Instant> {
        instant(text, BOSTON).map(|at| at.to_utc())
    }

    #[test]
    fn an_instant_keeps_its_offset_and_less_than_one_begins_at_the_clinics_midnight() {
        for (text, expected) in [
            ("2012-03-15T00:05:30+10:00", "2012-03-14T14:05:30Z"),
            (
                "2012-03-15T00:05:30.1234567Z",
                "2012-03-15T00:05:30.123456Z",
            ),
            ("2012-03-15T00:05Z", "2012-03-15T00:05:00Z"),
            ("2012-03-15T00:05-05:00", "2012-03-15T05:05:00Z"),
            ("2012-03-15T10:00:00", "2012-03-15T14:00:00Z"),
            ("2012-01-15", "2012-01-15T05:00:00Z"),
            ("2012-07", "2012-07-01T04:00:00Z"),
            ("2012", "2012-01-01T05:00:00Z"),
            // Two o'clock of the night in which spring begins.
            ("2012-03-11T02:30:00", "2012-03-11T07:30:00Z"),
        ] {
            assert_eq!(
                utc(text),
                Some(expected.parse().expect("an instant")),
                "{text}"
            );
        }
        for text in [
            "",
            "yesterday",
            "2012-13-01",
            "20120315",
            "2012-3-1",
            "２０１２",
        ] {
            assert_eq!(utc(text), None, "{text}");
        }
    }

    #[test]
    fn a_day_is_read_out_of_an_instant_as_written() {
        assert_eq!(day("1994-01-20"), NaiveDate::from_ymd_opt(1994, 1, 20));
        assert_eq!(
            day("1994-01-20T23:30:00-05:00"),
            NaiveDate::from_ymd_opt(1994, 1, 20)
        );
        assert_eq!(day("1994-01"), None);
        assert_eq!(day("é994-01-20x"), None);
    }

    #[test]
    fn an_instant_in_utc_is_of_the_day_on_the_clinics_wall_and_midnight_is_a_day_alone() {
        for (text, expected) in [
            ("2020-01-02T02:30:00Z", "2020-01-01"),
            ("2020-01-02T02:30Z", "2020-01-01"),
            ("2020-01-02T23:30:00.5Z", "2020-01-02"),
            ("2020-01-02T00:00:00Z", "2020-01-02"),
            ("2020-01-02T00:00:00.000Z", "2020-01-02"),
            ("2020-01-02T00:30:00+02:00", "2020-01-02"),
            ("2020-01-02", "2020-01-02"),
        ] {
            let day = day_on(text, BOSTON).map(|day| day.to_string());
            assert_eq!(day.as_deref(), Some(expected), "{text}");
            let date = partial_on(text, BOSTON).map(|date| date.as_str().to_owned());
            assert_eq!(date.as_deref(), Some(expected), "{text}");
        }
        let year = partial_on("2019", BOSTON).map(|date| date.as_str().to_owned());
        assert_eq!(year.as_deref(), Some("2019"));
    }

    #[test]
    fn the_event_comes_before_the_paperwork() {
        let resource =
            json!({"issued": "2020-02-02T00:00:00Z", "effectiveDateTime": "2020-01-01T00:00:00Z"});
        assert_eq!(
            own(&resource, BOSTON),
            Some("2020-01-01T00:00:00Z".parse().expect("an instant"))
        );
        assert_eq!(own(&json!({"date": "0000"}), BOSTON), None);
        assert_eq!(own(&json!({"period": [1]}), BOSTON), None);
    }
}
