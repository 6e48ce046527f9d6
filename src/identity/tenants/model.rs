//! A tenant and its settings.

use chrono::{DateTime, Utc};
use kernel::ids::TenantId;
use kernel::{Checks, Validate};
use platform::access::{ChartAccess, NoPhi};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Whether anybody of it may log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum TenantStatus {
    Active,
    Suspended,
}

impl TenantStatus {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
        }
    }
}

/// What an admin may set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "name": "Riverside Health", "time_zone": "America/Chicago", "mrn_prefix": "RH-", "mrn_digits": 8,
    "chart_access": "care_team", "session_hours": 12, "idle_minutes": 30, "password_min": 12
}))]
pub struct TenantSettings {
    pub name: String,
    /// IANA name; a facility may have its own.
    pub time_zone: String,
    /// Stands before every medical record number: up to eight capitals, digits and hyphens.
    pub mrn_prefix: String,
    /// Digits of a medical record number, 5 to 12, the last a check digit. Numbers given out keep their form.
    pub mrn_digits: i16,
    /// What a provider or nurse may see.
    pub chart_access: ChartAccess,
    /// Hours after which a session ends whatever is refreshed, 1 to 24.
    pub session_hours: i16,
    /// Minutes without use after which a session ends, 5 to 1440.
    pub idle_minutes: i32,
    /// Characters a password has at least, 8 to 64.
    pub password_min: i16,
}

/// An organisation.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Tenant {
    pub id: TenantId,
    /// What people type to log in.
    pub slug: String,
    pub status: TenantStatus,
    #[serde(flatten)]
    pub data: TenantSettings,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl NoPhi for Tenant {}

impl Validate for TenantSettings {
    fn check(&self, checks: &mut Checks) {
        checks.text("name", &self.name, 200);
        check_time_zone(checks, &self.time_zone);
        let prefix = self.mrn_prefix.len() <= 8
            && self
                .mrn_prefix
                .chars()
                .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '-');
        checks.require(
            prefix,
            "mrn_prefix",
            "wrong_form",
            "must have at most 8 capitals, digits and hyphens",
        );
        for (field, holds, message) in [
            (
                "mrn_digits",
                (5..=12).contains(&self.mrn_digits),
                "must lie between 5 and 12",
            ),
            (
                "session_hours",
                (1..=24).contains(&self.session_hours),
                "must lie between 1 and 24",
            ),
            (
                "idle_minutes",
                (5..=1440).contains(&self.idle_minutes),
                "must lie between 5 and 1440",
            ),
            (
                "password_min",
                (8..=64).contains(&self.password_min),
                "must lie between 8 and 64",
            ),
        ] {
            checks.require(holds, field, "out_of_range", message);
        }
    }
}

/// The field `time_zone` names a zone of the IANA database.
pub(crate) fn check_time_zone(checks: &mut Checks, zone: &str) {
    let known = zone.parse::<chrono_tz::Tz>().is_ok();
    checks.require(
        known,
        "time_zone",
        "not_a_time_zone",
        "must be an IANA time zone, such as America/New_York",
    );
}

/// `a-z`, then `a-z 0-9 -`, 2 to 63 characters.
pub(crate) fn is_slug(text: &str) -> bool {
    (2..=63).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::Clock;

    fn broken(change: impl FnOnce(&mut TenantSettings)) -> Vec<String> {
        let mut settings = TenantSettings {
            name: "Riverside Health".to_owned(),
            time_zone: "America/Chicago".to_owned(),
            mrn_prefix: "RH-".to_owned(),
            mrn_digits: 8,
            chart_access: ChartAccess::CareTeam,
            session_hours: 12,
            idle_minutes: 30,
            password_min: 12,
        };
        change(&mut settings);
        let mut checks = Checks::at(Clock::system().now());
        settings.check(&mut checks);
        let error = checks.finish().err();
        error
            .iter()
            .flat_map(kernel::Error::fields)
            .map(|field| field.pointer.clone())
            .collect()
    }

    #[test]
    fn settings_have_bounds() {
        assert!(broken(|_| {}).is_empty());
        assert_eq!(broken(|s| s.name = " ".to_owned()), ["/name"]);
        assert_eq!(
            broken(|s| s.time_zone = "Mars/Olympus".to_owned()),
            ["/time_zone"]
        );
        assert_eq!(broken(|s| s.mrn_prefix = "rh".to_owned()), ["/mrn_prefix"]);
        assert_eq!(
            broken(|s| (s.mrn_digits, s.session_hours) = (4, 25)),
            ["/mrn_digits", "/session_hours"]
        );
        assert_eq!(
            broken(|s| (s.idle_minutes, s.password_min) = (4, 7)),
            ["/idle_minutes", "/password_min"]
        );
    }

    #[test]
    fn a_slug_is_what_one_can_type() {
        assert!(["riverside", "st-mary-2", "ab"].into_iter().all(is_slug));
        assert!(
            ![
                "",
                "a",
                "2nd",
                "Riverside",
                "river side",
                "river_side",
                "-x",
                &"a".repeat(64)
            ]
            .into_iter()
            .any(is_slug)
        );
    }
}
