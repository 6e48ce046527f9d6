//! Postal addresses, each with the time it was good for: yesterday's address is kept, not overwritten.

use chrono::NaiveDate;
use kernel::{Checks, Validate, is_blank};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::check_period;

/// What an address is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AddressUse {
    Home,
    Work,
    /// Where letters and bills go.
    Mailing,
    Temporary,
}

/// A postal address and its period.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PatientAddress {
    pub r#use: AddressUse,
    /// Street, building, flat: up to four lines.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<String>,
    /// ISO 3166-1, two capitals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// The first day; absent: since ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<NaiveDate>,
    /// The last day; absent: still.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<NaiveDate>,
}

impl PatientAddress {
    /// Whether it was good on that day.
    pub fn is_valid_on(&self, day: NaiveDate) -> bool {
        self.from.is_none_or(|from| from <= day) && self.until.is_none_or(|until| day <= until)
    }
}

impl Validate for PatientAddress {
    fn check(&self, checks: &mut Checks) {
        let says_where =
            !self.lines.is_empty() || self.city.is_some() || self.postal_code.is_some();
        checks.require(
            says_where,
            "lines",
            "blank",
            "must have a line, a city or a postal code",
        );
        checks.each("lines", &self.lines, 4, |checks, line| {
            if is_blank(line) || line.chars().count() > 200 || line.chars().any(char::is_control) {
                checks.fail_here("wrong_form", "must be a line of 1 to 200 characters");
            }
        });
        checks.text_if("city", self.city.as_deref(), 100);
        checks.text_if("state", self.state.as_deref(), 100);
        checks.text_if("postal_code", self.postal_code.as_deref(), 20);
        let is_country =
            |code: &String| code.len() == 2 && code.bytes().all(|b| b.is_ascii_uppercase());
        let country = self.country.as_ref().is_none_or(is_country);
        checks.require(
            country,
            "country",
            "wrong_form",
            "must be two capitals of ISO 3166-1",
        );
        check_period(checks, self.from, self.until);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a date")
    }

    #[test]
    fn an_address_is_good_from_its_first_to_its_last_day() {
        let mut address: PatientAddress = serde_json::from_value(serde_json::json!({
            "use": "home", "city": "Springfield", "from": "2015-03-01", "until": "2019-06-30"
        }))
        .expect("an address");
        let on = |address: &PatientAddress| {
            ["2015-02-28", "2015-03-01", "2019-06-30", "2019-07-01"]
                .map(|text| address.is_valid_on(day(text)))
        };
        assert_eq!(on(&address), [false, true, true, false]);
        (address.from, address.until) = (None, None);
        assert_eq!(on(&address), [true; 4]);
    }
}
