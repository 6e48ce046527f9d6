//! Members of the staff as they come and go over the wire.

use chrono::{DateTime, NaiveDate, Utc};
use kernel::ids::{DepartmentId, StaffId, UserId};
use kernel::states::is_licensing_state;
use kernel::{Checks, Validate};
use platform::access::NoPhi;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::staff::licenses::check_expiry;
use crate::staff::listing::check_words;
use crate::staff::status::StaffStatus;

/// What a member of the staff does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum StaffKind {
    Nurse,
    MedicalAssistant,
    Technician,
    FrontDesk,
    Billing,
    Other,
}

/// A member of the staff, as written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "user_id": "01981c2e-7a40-7c3b-9d55-0a6f3b1e2c4d", "kind": "nurse", "title": "Charge nurse",
    "department_id": "01981c2e-7a41-7f02-8a11-6d2b9c0e4f5a", "credentials": ["RN", "CCRN"],
    "license_number": "RN-228417", "license_state": "MA", "license_expires_on": "2027-03-31", "status": "active"
}))]
pub struct NewStaffMember {
    /// An active account with the role `nurse`, `staff`, `billing` or `admin`. It can't be changed later.
    pub user_id: UserId,
    pub kind: StaffKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// An active department.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub department_id: Option<DepartmentId>,
    /// `RN`, `LPN`, `CMA` …
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub credentials: Vec<String>,
    /// Goes with `license_state`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub license_number: Option<String>,
    /// USPS code of the state or territory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^[A-Z]{2}$")]
    pub license_state: Option<String>,
    /// The last day on which the licence is good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub license_expires_on: Option<NaiveDate>,
    #[serde(default)]
    pub status: StaffStatus,
}

impl Validate for NewStaffMember {
    fn check(&self, checks: &mut Checks) {
        checks.text_if("title", self.title.as_deref(), 100);
        check_words(checks, "credentials", &self.credentials, 40);
        checks.text_if("license_number", self.license_number.as_deref(), 40);
        if let Some(state) = &self.license_state {
            checks.require(
                is_licensing_state(state),
                "license_state",
                "not_a_state",
                "must be the USPS code of a state",
            );
        }
        let licensed = self.license_number.is_some();
        checks.require(
            licensed == self.license_state.is_some(),
            "license_state",
            "goes_with_license_number",
            "must be given with license_number, and only then",
        );
        checks.require(
            licensed || self.license_expires_on.is_none(),
            "license_expires_on",
            "goes_with_license_number",
            "must be given with license_number only",
        );
        check_expiry(checks, "license_expires_on", None, self.license_expires_on);
    }
}

/// A member of the staff.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct StaffMember {
    pub id: StaffId,
    /// The account's.
    pub given_name: String,
    /// The account's.
    pub family_name: String,
    #[serde(flatten)]
    pub data: NewStaffMember,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl NoPhi for StaffMember {}

/// Which members of the staff.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListStaff {
    pub kind: Option<StaffKind>,
    pub department_id: Option<DepartmentId>,
    pub status: Option<StaffStatus>,
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

    #[test]
    fn a_licence_is_a_number_in_a_state() {
        let broken = |license: serde_json::Value| {
            let mut member = json!({ "user_id": UserId::new(), "kind": "nurse" });
            for (name, value) in license.as_object().expect("an object") {
                member[name] = value.clone();
            }
            let member: NewStaffMember = serde_json::from_value(member).expect("the form is right");
            let mut checks = Checks::at(DateTime::default());
            member.check(&mut checks);
            checks
                .finish()
                .err()
                .map(|error| error.fields()[0].pointer.clone())
        };
        assert_eq!(broken(json!({})), None);
        assert_eq!(
            broken(json!({ "license_number": "1", "license_state": "MA" })),
            None
        );
        assert_eq!(
            broken(json!({ "license_number": "1" })).as_deref(),
            Some("/license_state")
        );
        assert_eq!(
            broken(json!({ "license_state": "MA" })).as_deref(),
            Some("/license_state")
        );
        assert_eq!(
            broken(json!({ "license_expires_on": "2027-01-01" })).as_deref(),
            Some("/license_expires_on")
        );
    }
}
