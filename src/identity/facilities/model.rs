//! Facilities and departments on the wire.

use chrono::{DateTime, Utc};
use kernel::ids::{DepartmentId, FacilityId};
use kernel::{Checks, Validate, is_blank};
use platform::access::NoPhi;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::tenants::check_time_zone;

/// What kind of place it is.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type,
)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum FacilityKind {
    #[default]
    Clinic,
    Hospital,
    Laboratory,
    Imaging,
    Other,
}

/// Whether anything new may happen there.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type,
)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum PlaceStatus {
    #[default]
    Active,
    Inactive,
}

/// A postal address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FacilityAddress {
    /// Street, building, floor: up to four lines.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub line: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<String>,
    /// ISO 3166-1, two capitals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
}

/// What an admin says of a facility.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "code": "MAIN", "name": "Riverside Main Campus", "kind": "hospital", "time_zone": "America/Chicago",
    "phone": "+1 312 555 0100", "status": "active",
    "address": { "line": ["100 River Road"], "city": "Chicago", "state": "IL", "postal_code": "60601", "country": "US" }
}))]
pub struct NewFacility {
    /// Short and unique in the organisation.
    pub code: String,
    pub name: String,
    #[serde(default)]
    pub kind: FacilityKind,
    /// IANA name: what the clocks on its walls show.
    pub time_zone: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<FacilityAddress>,
    #[serde(default)]
    pub status: PlaceStatus,
}

/// A place of care.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Facility {
    pub id: FacilityId,
    #[serde(flatten)]
    pub data: NewFacility,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    /// Of an answer to a change, where the facility is not active: how many appointments stand there that are still to come.
    /// `GET /api/v1/scheduling/affected-appointments` says which.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub affected_appointments: Option<i64>,
}

/// What an admin says of a department.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "code": "CARD", "name": "Cardiology", "specialty": "Cardiovascular Disease", "status": "active" }))]
pub struct NewDepartment {
    /// Short and unique in the facility.
    pub code: String,
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub specialty: Option<String>,
    #[serde(default)]
    pub status: PlaceStatus,
}

/// A department of a facility.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Department {
    pub id: DepartmentId,
    pub facility_id: FacilityId,
    #[serde(flatten)]
    pub data: NewDepartment,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// Which facilities to list.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListFacilities {
    /// Only those of this status.
    pub status: Option<PlaceStatus>,
    /// The beginning of the name, or of words in it; case and accents do not count.
    pub name: Option<String>,
    /// Only the one with this code.
    pub code: Option<String>,
    /// Only those for which hours are said: of the place itself, or of anybody or anything there; `false`: only the others, as an
    /// import brings them by the thousand. Needs the permission `availability.read`.
    pub has_hours: Option<bool>,
    /// Rows of a page, 1 to 200; 50 unless said.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// Which departments to list.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListPlaces {
    /// Only those of this status.
    pub status: Option<PlaceStatus>,
    /// Rows of a page, 1 to 200; 50 unless said.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

impl NoPhi for Facility {}
impl NoPhi for Department {}

impl Validate for NewFacility {
    fn check(&self, checks: &mut Checks) {
        check_code(checks, &self.code);
        checks.text("name", &self.name, 200);
        check_time_zone(checks, &self.time_zone);
        if let Some(phone) = &self.phone {
            checks.phone("phone", phone);
        }
        if let Some(address) = &self.address {
            checks.within("address", |checks| address.check(checks));
        }
    }
}

impl Validate for FacilityAddress {
    fn check(&self, checks: &mut Checks) {
        checks.each("line", &self.line, 4, |checks, line| {
            if is_blank(line) || line.chars().count() > 200 || line.chars().any(char::is_control) {
                checks.fail_here("wrong_form", "must be a line of 1 to 200 characters");
            }
        });
        checks.text_if("city", self.city.as_deref(), 100);
        checks.text_if("state", self.state.as_deref(), 100);
        checks.text_if("postal_code", self.postal_code.as_deref(), 20);
        let country = self
            .country
            .as_ref()
            .is_none_or(|code| code.len() == 2 && code.chars().all(|c| c.is_ascii_uppercase()));
        checks.require(
            country,
            "country",
            "wrong_form",
            "must be two capitals of ISO 3166-1",
        );
    }
}

impl Validate for NewDepartment {
    fn check(&self, checks: &mut Checks) {
        check_code(checks, &self.code);
        checks.text("name", &self.name, 200);
        checks.text_if("specialty", self.specialty.as_deref(), 200);
    }
}

fn check_code(checks: &mut Checks, code: &str) {
    let holds = (1..=40).contains(&code.len()) && code.chars().all(|c| c.is_ascii_graphic());
    checks.require(
        holds,
        "code",
        "wrong_form",
        "must have 1 to 40 printable ASCII characters and no spaces",
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::Clock;
    use serde_json::json;

    fn broken(facility: &serde_json::Value) -> Vec<String> {
        let facility: NewFacility = serde_json::from_value(facility.clone()).expect("of the form");
        let mut checks = Checks::at(Clock::system().now());
        facility.check(&mut checks);
        checks
            .finish()
            .err()
            .iter()
            .flat_map(kernel::Error::fields)
            .map(|field| field.pointer.clone())
            .collect()
    }

    #[test]
    fn a_facility_has_a_code_a_zone_and_a_plausible_address() {
        let good = json!({ "code": "MAIN", "name": "Main", "time_zone": "Europe/Berlin" });
        assert!(broken(&good).is_empty());
        let bad = json!({ "code": "a b", "name": "", "time_zone": "CET+1", "phone": "12",
                          "address": { "line": ["ok", " "], "country": "usa" } });
        assert_eq!(
            broken(&bad),
            [
                "/code",
                "/name",
                "/time_zone",
                "/phone",
                "/address/line/1",
                "/address/country"
            ]
        );
    }
}
