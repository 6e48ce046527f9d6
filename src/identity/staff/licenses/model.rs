//! Licences as they come and go over the wire.

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use kernel::ids::{LicenseId, ProviderId};
use kernel::states::is_licensing_state;
use kernel::{Checks, Validate};
use platform::access::NoPhi;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// What a licence allows. `dea` is a registration for controlled substances.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type,
)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum LicenseKind {
    #[default]
    Medical,
    Dea,
    Nursing,
    Pharmacy,
    Other,
}

/// How the licensing authority has it.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type,
)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum LicenseStatus {
    #[default]
    Active,
    Expired,
    Suspended,
    Revoked,
    Pending,
}

/// A licence, as written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "state": "MA", "number": "MD-204518", "kind": "medical", "status": "active",
    "issued_on": "2021-07-01", "expires_on": "2027-06-30"
}))]
pub struct NewLicense {
    /// USPS code of the state or territory.
    #[schema(pattern = "^[A-Z]{2}$")]
    pub state: String,
    /// Unique in the state among licences of the kind.
    pub number: String,
    #[serde(default)]
    pub kind: LicenseKind,
    #[serde(default)]
    pub status: LicenseStatus,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issued_on: Option<NaiveDate>,
    /// The last day on which it is good.
    pub expires_on: NaiveDate,
}

impl Validate for NewLicense {
    fn check(&self, checks: &mut Checks) {
        checks.require(
            is_licensing_state(&self.state),
            "state",
            "not_a_state",
            "must be the USPS code of a state",
        );
        checks.text("number", &self.number, 40);
        if let Some(issued_on) = self.issued_on {
            checks.past_date("issued_on", issued_on);
        }
        check_expiry(checks, "expires_on", self.issued_on, Some(self.expires_on));
        if self.status == LicenseStatus::Expired && self.expires_on > checks.latest_today() {
            checks.fail(
                "status",
                "contradicts_expires_on",
                "must not be expired before expires_on",
            );
        }
    }
}

/// Checks that an expiry has a plausible year and does not come before the issue.
pub(in crate::staff) fn check_expiry(
    checks: &mut Checks,
    field: &'static str,
    issued_on: Option<NaiveDate>,
    expires_on: Option<NaiveDate>,
) {
    let Some(expires_on) = expires_on else { return };
    if !(1900..2200).contains(&expires_on.year()) {
        checks.fail(
            field,
            "out_of_range",
            "must lie between the years 1900 and 2199",
        );
    } else if issued_on.is_some_and(|issued_on| issued_on > expires_on) {
        checks.fail(field, "before_issued_on", "must not lie before issued_on");
    }
}

/// A licence of a provider.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct License {
    pub id: LicenseId,
    pub provider_id: ProviderId,
    #[serde(flatten)]
    pub data: NewLicense,
    /// Whether its last day has passed, or its status says so.
    pub expired: bool,
    /// Days until `expires_on`; negative after it.
    pub days_left: i64,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl NoPhi for License {}

impl License {
    /// The licence as it stands on a day of the organisation's calendar.
    #[must_use]
    pub(super) fn seen_on(mut self, today: NaiveDate) -> Self {
        self.days_left = (self.data.expires_on - today).num_days();
        self.expired = self.days_left < 0 || self.data.status == LicenseStatus::Expired;
        self
    }
}

/// A licence that expires soon, or has, with the name of its holder.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ExpiringLicense {
    #[schema(example = "Maria Núñez, MD")]
    pub provider_name: String,
    #[serde(flatten)]
    pub license: License,
}

impl NoPhi for ExpiringLicense {}

/// Which licences expire.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListExpiring {
    /// How many days ahead, 60 unless given.
    #[param(minimum = 0, maximum = 730)]
    pub within_days: Option<u16>,
    /// At most so many rows, 50 unless given.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    pub cursor: Option<String>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn license(status: &str, expires_on: &str) -> License {
        let data =
            json!({ "state": "MA", "number": "1", "status": status, "expires_on": expires_on });
        License {
            id: LicenseId::new(),
            provider_id: ProviderId::new(),
            data: serde_json::from_value(data).expect("the form is right"),
            expired: false,
            days_left: 0,
            version: 1,
            created_at: DateTime::default(),
            updated_at: DateTime::default(),
        }
    }

    #[test]
    fn a_licence_is_good_through_its_last_day() {
        let today = NaiveDate::from_ymd_opt(2026, 3, 31).expect("a date");
        let on_the_day = license("active", "2026-03-31").seen_on(today);
        assert!(!on_the_day.expired && on_the_day.days_left == 0);
        let the_day_after = license("active", "2026-03-30").seen_on(today);
        assert!(the_day_after.expired && the_day_after.days_left == -1);
        assert!(license("expired", "2026-04-30").seen_on(today).expired);
    }

    #[test]
    fn dates_that_contradict_each_other_are_refused() {
        let broken = |license: serde_json::Value| {
            let license: NewLicense = serde_json::from_value(license).expect("the form is right");
            let mut checks = Checks::at("2026-03-31T12:00:00Z".parse().expect("an instant"));
            license.check(&mut checks);
            checks
                .finish()
                .err()
                .map(|error| error.fields()[0].code.to_string())
        };
        let base = json!({ "state": "MA", "number": "1", "expires_on": "2027-01-01" });
        let with = |name: &str, value: &str| {
            let mut license = base.clone();
            license[name] = value.into();
            broken(license)
        };
        assert_eq!(broken(base.clone()), None);
        assert_eq!(with("state", "ma").as_deref(), Some("not_a_state"));
        assert_eq!(
            with("status", "expired").as_deref(),
            Some("contradicts_expires_on")
        );
        assert_eq!(
            with("issued_on", "2026-05-01").as_deref(),
            Some("in_the_future")
        );
        assert_eq!(
            with("expires_on", "9999-01-01").as_deref(),
            Some("out_of_range")
        );
        assert_eq!(
            broken(json!({ "state": "MA", "number": "1", "issued_on": "2024-01-02", "expires_on": "2024-01-01" }))
                .as_deref(),
            Some("before_issued_on")
        );
    }
}
