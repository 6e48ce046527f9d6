//! Providers as they come and go over the wire.

use chrono::{DateTime, Utc};
use kernel::ids::{FacilityId, ProviderId, UserId};
use kernel::{Checks, Validate, npi};
use platform::access::NoPhi;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::staff::listing::check_words;
use crate::staff::status::StaffStatus;

/// A provider, as written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "npi": "1234567893", "given_name": "Maria", "family_name": "Núñez", "credential": "MD",
    "specialties": ["Internal Medicine", "Palliative Medicine"], "subspecialties": ["Geriatric Medicine"],
    "phone": "+1 617 555 0142", "email": "m.nunez@riverside.example",
    "verified": true, "accepting_patients": true, "status": "active"
}))]
pub struct NewProvider {
    /// His account, an active one with the role `provider`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    /// National Provider Identifier: ten digits, the last a check digit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub npi: Option<String>,
    pub given_name: String,
    pub family_name: String,
    /// `MD`, `DO`, `NP` …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
    /// The primary one first, at most 20.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub specialties: Vec<String>,
    /// At most 20.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subspecialties: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Whether somebody has checked his credentials at their source.
    #[serde(default)]
    pub verified: bool,
    #[serde(default = "yes")]
    pub accepting_patients: bool,
    #[serde(default)]
    pub status: StaffStatus,
}

fn yes() -> bool {
    true
}

impl Validate for NewProvider {
    fn check(&self, checks: &mut Checks) {
        if let Some(number) = &self.npi {
            checks.require(
                npi::is_valid(number),
                "npi",
                "not_an_npi",
                "must be an NPI with its check digit",
            );
        }
        checks.text("given_name", &self.given_name, 100);
        checks.text("family_name", &self.family_name, 100);
        checks.text_if("credential", self.credential.as_deref(), 40);
        check_words(checks, "specialties", &self.specialties, 100);
        check_words(checks, "subspecialties", &self.subspecialties, 100);
        if let Some(phone) = &self.phone {
            checks.phone("phone", phone);
        }
        if let Some(email) = &self.email {
            checks.email("email", email);
        }
    }
}

/// A provider.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Provider {
    pub id: ProviderId,
    #[serde(flatten)]
    pub data: NewProvider,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    /// Of an answer to a change, where the provider is not active or his specialties were changed: how many of his appointments that
    /// are still to come stand without him, or without a skill that their service needs.
    /// `GET /api/v1/scheduling/affected-appointments` says which.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub affected_appointments: Option<i64>,
}

impl NoPhi for Provider {}

/// `Maria Núñez, MD`.
pub(in crate::staff) fn display_name(
    given: &str,
    family: &str,
    credential: Option<&str>,
) -> String {
    match credential {
        Some(credential) => format!("{given} {family}, {credential}"),
        None => format!("{given} {family}"),
    }
}

/// What everybody of the organisation may know of a provider, patients too.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DirectoryEntry {
    pub id: ProviderId,
    #[schema(example = "Maria Núñez")]
    pub name: String,
    #[schema(example = "MD")]
    pub credential: Option<String>,
    /// The primary one first.
    #[schema(example = json!(["Internal Medicine", "Palliative Medicine"]))]
    pub specialties: Vec<String>,
    pub accepting_patients: bool,
}

impl NoPhi for DirectoryEntry {}

impl From<Provider> for DirectoryEntry {
    fn from(Provider { id, data, .. }: Provider) -> Self {
        Self {
            id,
            name: display_name(&data.given_name, &data.family_name, None),
            credential: data.credential,
            specialties: data.specialties,
            accepting_patients: data.accepting_patients,
        }
    }
}

/// What another feature needs to know of a provider it refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderRef {
    pub id: ProviderId,
    pub user_id: Option<UserId>,
    /// `Maria Núñez, MD`.
    pub name: String,
    pub status: StaffStatus,
}

/// Which providers.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListProviders {
    /// How the name begins, family name first: `nun`, `Núñez, M`. Case, accents and apostrophes do not matter.
    #[param(example = "nun")]
    pub name: Option<String>,
    /// A specialty or subspecialty, whole. Case and accents do not matter.
    #[param(example = "internal medicine")]
    pub specialty: Option<String>,
    pub accepting_patients: Option<bool>,
    pub status: Option<StaffStatus>,
    /// Those with a department assignment at this facility at present.
    pub facility_id: Option<FacilityId>,
    /// At most so many rows, 50 unless given.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// Which entries of the directory.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SearchDirectory {
    /// How the name begins, family name first. Case, accents and apostrophes do not matter.
    #[param(example = "nun")]
    pub name: Option<String>,
    /// A specialty or subspecialty, whole. Case and accents do not matter.
    #[param(example = "internal medicine")]
    pub specialty: Option<String>,
    pub accepting_patients: Option<bool>,
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

    fn broken(value: serde_json::Value) -> Vec<String> {
        let provider: NewProvider = serde_json::from_value(value).expect("the form is right");
        let mut checks = Checks::at(DateTime::default());
        provider.check(&mut checks);
        match checks.finish() {
            Ok(()) => Vec::new(),
            Err(error) => error
                .fields()
                .iter()
                .map(|field| format!("{} {}", field.pointer, field.code))
                .collect(),
        }
    }

    #[test]
    fn an_npi_needs_its_check_digit_and_each_broken_rule_is_named() {
        assert!(
            broken(json!({ "given_name": "A", "family_name": "B", "npi": "1234567893" }))
                .is_empty()
        );
        assert_eq!(
            broken(json!({
                "given_name": " ", "family_name": "B", "npi": "1234567890", "phone": "12", "email": "x",
                "specialties": [" "], "subspecialties": ["ok", ""]
            })),
            [
                "/npi not_an_npi",
                "/given_name blank",
                "/specialties/0 blank",
                "/subspecialties/1 blank",
                "/phone not_a_phone",
                "/email not_an_email"
            ]
        );
    }

    #[test]
    fn a_provider_accepts_patients_unless_it_is_said_that_he_does_not() {
        let provider: NewProvider =
            serde_json::from_value(json!({ "given_name": "A", "family_name": "B" }))
                .expect("the form is right");
        assert!(provider.accepting_patients && !provider.verified);
        assert_eq!(provider.status, StaffStatus::Active);
    }
}
