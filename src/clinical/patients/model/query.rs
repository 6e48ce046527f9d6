//! What a list or a read may be asked with.

use chrono::{DateTime, NaiveDate, TimeDelta};
use kernel::clock::{Instant, Tz};
use kernel::ids::ProviderId;
use platform::access::Ctx;
use platform::http::{is_day, is_in_range, is_instant};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::encounters;
use crate::patients::status::PatientStatus;

/// How to register.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RegisterPatient {
    /// Registers even a person who may be registered already.
    #[serde(default)]
    pub allow_duplicate: bool,
}

/// Which state of a registration to read.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ReadPatient {
    /// A day (`2024-05-01`) or an instant (`2024-05-01T12:00:00Z`): the registration as it stood then, with the addresses
    /// that were good on that day. Before the registration: on a day its first state, at an instant nothing (404). Needs the
    /// permission `patient.history`.
    #[param(value_type = Option<String>, example = "2024-05-01")]
    pub as_of: Option<AsOf>,
}

/// A day or an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub enum AsOf {
    Day(NaiveDate),
    Instant(Instant),
}

impl TryFrom<String> for AsOf {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if !is_in_range(&text) {
            return Err("outside the years 1850 and 2200");
        }
        if is_day(&text)
            && let Ok(day) = text.parse()
        {
            return Ok(Self::Day(day));
        }
        // A `+` that was not escaped arrives as a space.
        let text = text.replace(' ', "+");
        is_instant(&text)
            .then(|| DateTime::parse_from_rfc3339(&text).ok())
            .flatten()
            .map(|at| Self::Instant(at.to_utc()))
            .ok_or("neither a day nor an instant with its zone")
    }
}

impl AsOf {
    /// The last instant that is meant: of a day, where the caller's organisation is.
    pub fn instant(self, ctx: &Ctx) -> Instant {
        self.instant_in(ctx.zone())
    }

    /// The day that is meant, where the caller's organisation is.
    pub fn day(self, ctx: &Ctx) -> NaiveDate {
        self.day_in(ctx.zone())
    }

    fn instant_in(self, zone: Tz) -> Instant {
        match self {
            Self::Instant(at) => at,
            Self::Day(day) => encounters::day(day, zone).1 - TimeDelta::microseconds(1),
        }
    }

    fn day_in(self, zone: Tz) -> NaiveDate {
        match self {
            Self::Day(day) => day,
            Self::Instant(at) => at.with_timezone(&zone).date_naive(),
        }
    }
}

/// The order of a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PatientSort {
    /// Family name, then given names.
    #[default]
    Name,
    /// Oldest first.
    BirthDate,
}

/// Which patients to find. All that is given must hold.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SearchPatients {
    /// What a family name begins with; former and preferred names count, and each part of a double name. Given names may
    /// follow: `okafor ad`.
    #[param(example = "oka")]
    pub family: Option<String>,
    /// What a given name begins with.
    pub given: Option<String>,
    /// A whole name, roughly: similar spellings and names that sound alike, best first.
    pub name: Option<String>,
    pub birth_date: Option<NaiveDate>,
    pub mrn: Option<String>,
    /// A whole number, however written.
    pub phone: Option<String>,
    pub email: Option<String>,
    /// All nine digits.
    pub ssn: Option<String>,
    pub status: Option<PatientStatus>,
    /// Whose primary provider this is.
    pub provider_id: Option<ProviderId>,
    /// Not with `name`, whose rows come best first.
    #[param(inline)]
    pub sort: Option<PatientSort>,
    /// Rows of a page, 1 to 200; 50 unless said.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn as_of(text: &str) -> Option<AsOf> {
        AsOf::try_from(text.to_owned()).ok()
    }

    #[test]
    fn a_day_means_its_end_where_the_organisation_is_and_an_instant_needs_its_zone() {
        let new_york: Tz = "America/New_York".parse().expect("a zone");
        let day = as_of("2024-05-01").expect("a day");
        for (zone, end) in [
            (Tz::UTC, "2024-05-01T23:59:59.999999+00:00"),
            (new_york, "2024-05-02T03:59:59.999999+00:00"),
        ] {
            assert_eq!(day.instant_in(zone).to_rfc3339(), end);
            assert_eq!(day.day_in(zone).to_string(), "2024-05-01");
        }
        let instant = as_of("2024-05-01T22:00:00-05:00").expect("an instant");
        assert_eq!(
            instant.instant_in(new_york).to_rfc3339(),
            "2024-05-02T03:00:00+00:00"
        );
        assert_eq!(instant.day_in(new_york).to_string(), "2024-05-01");
        assert_eq!(instant.day_in(Tz::UTC).to_string(), "2024-05-02");
        assert_eq!(
            as_of("2024-05-01T22:00:00 02:00"),
            as_of("2024-05-01T20:00:00Z")
        );
        for text in [
            "",
            "2024-02-30",
            "2024-5-1",
            " 2024-05-01",
            "+2024-05-01",
            "2024-05-01T12:00:00",
            "yesterday",
        ] {
            assert_eq!(as_of(text), None, "{text}");
        }
    }
}
