//! A patient on the wire.
//!
//! [`NewPatient`] is what a registrar says, and what a merge patch changes; [`Patient`] is that and what the house adds.
//! The same value objects stand in the row as JSON, so a member added here needs no migration, and one renamed does.

mod address;
mod coded;
mod contact;
mod health;
mod identifier;
mod name;
mod query;
mod telecom;

use chrono::{DateTime, NaiveDate, Utc};
use kernel::ids::{FacilityId, PatientId, ProviderId, UserId};
use kernel::{Checks, Validate};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use address::{AddressUse, PatientAddress};
pub use coded::{
    BloodType, Ethnicity, EthnicityCode, GenderIdentity, MaritalStatus, Race, RaceCode, Sex,
};
pub use contact::{EmergencyContact, Relationship};
pub use health::{HealthGoal, RiskFactor};
pub use identifier::{IdentifierType, PatientIdentifier, Ssn};
pub use name::{NameUse, PatientName};
pub use query::{AsOf, PatientSort, ReadPatient, RegisterPatient, SearchPatients};
pub use telecom::{Telecom, TelecomSystem, TelecomUse};

use super::status::PatientStatus;

/// What is said of a person at registration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "names": [
        { "use": "legal", "family": "Okafor-Lindqvist", "given": ["Adaeze", "Marie"], "from": "2011-06-18" },
        { "use": "preferred", "family": "Okafor", "given": ["Ada"] },
        { "use": "former", "family": "Okafor", "given": ["Adaeze", "Marie"], "until": "2011-06-17" }
    ],
    "birth_date": "1980-02-29", "sex": "female", "gender_identity": "female", "language": "en-US",
    "race": [{ "code": "2054-5", "text": "Nigerian" }], "ethnicity": { "code": "2186-5" },
    "marital_status": "married", "blood_type": "O+",
    "telecoms": [{ "system": "phone", "value": "+1 312 555 0142", "use": "mobile" },
                 { "system": "email", "value": "ada.okafor@example.com", "use": "home" }],
    "addresses": [
        { "use": "home", "lines": ["12 Elm Street", "Apt 4"], "city": "Springfield", "state": "IL", "postal_code": "62701",
          "country": "US", "from": "2015-01-01" },
        { "use": "home", "lines": ["3 Oak Avenue"], "city": "Peoria", "state": "IL", "postal_code": "61602",
          "country": "US", "from": "2008-05-01", "until": "2014-12-31" }
    ],
    "contacts": [{ "name": "Nils Lindqvist", "relationship": "spouse", "priority": 1, "phone": "+1 312 555 0143" },
                 { "name": "Ngozi Okafor", "relationship": "parent", "priority": 2, "phone": "+1 312 555 0144" }],
    "identifiers": [{ "type": "ssn", "value": "219-09-9999" },
                    { "type": "drivers_license", "system": "IL", "value": "O216-0398-0060" }],
    "health_goals": [{ "description": "Walk 5 km without pain", "target_date": "2027-06-01" }],
    "risk_factors": [{ "description": "Father had a heart attack at 48", "noted_on": "2024-03-02" }],
    "primary_provider_id": "01890a5d-ac96-774b-bcce-b302099a8057", "facility_id": "01890a5d-ac96-774b-bcce-b302099a8058",
    "is_vip": false, "is_confidential": false
}))]
pub struct NewPatient {
    /// Exactly one of them legal.
    pub names: Vec<PatientName>,
    pub birth_date: NaiveDate,
    pub sex: Sex,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gender_identity: Option<GenderIdentity>,
    /// What to speak with him: a BCP 47 tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub race: Vec<Race>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ethnicity: Option<Ethnicity>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marital_status: Option<MaritalStatus>,
    /// Of somebody whose status is `deceased`, if the day is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deceased_on: Option<NaiveDate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blood_type: Option<BloodType>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub telecoms: Vec<Telecom>,
    /// With their periods: an address that is no longer good gets an `until` and stays.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<PatientAddress>,
    /// Emergency contacts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contacts: Vec<EmergencyContact>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub identifiers: Vec<PatientIdentifier>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub health_goals: Vec<HealthGoal>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub risk_factors: Vec<RiskFactor>,
    /// He is on the care team as long as he is this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub primary_provider_id: Option<ProviderId>,
    /// Where registered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facility_id: Option<FacilityId>,
    /// The patient's own account, with the role `patient`. Admins and staff link it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub portal_user_id: Option<UserId>,
    #[serde(default)]
    pub is_vip: bool,
    /// Asks for particular discretion.
    #[serde(default)]
    pub is_confidential: bool,
}

/// A patient's registration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Patient {
    pub id: PatientId,
    /// Medical record number, unique in the organisation.
    #[schema(example = "00000018")]
    pub mrn: String,
    pub status: PatientStatus,
    /// Why the status is what it is, if somebody said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_reason: Option<String>,
    /// With the status `merged`: the registration that goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replaced_by: Option<PatientId>,
    #[serde(flatten)]
    pub data: NewPatient,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    /// Of an answer to a change of the status to another than `active`: how many appointments of the patient stand that are still
    /// to come. `GET /api/v1/scheduling/affected-appointments` says which.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub affected_appointments: Option<i64>,
}

impl Patient {
    /// Keeps the addresses that were good on that day.
    #[must_use]
    pub(super) fn living_on(mut self, day: NaiveDate) -> Self {
        self.data
            .addresses
            .retain(|address| address.is_valid_on(day));
        self
    }
}

impl Validate for NewPatient {
    fn check(&self, checks: &mut Checks) {
        checks.each("names", &self.names, 10, |checks, name| name.check(checks));
        let legal = self
            .names
            .iter()
            .filter(|name| name.r#use == NameUse::Legal)
            .count();
        checks.require(
            legal == 1,
            "names",
            "one_legal",
            "must have exactly one legal name",
        );
        checks.past_date("birth_date", self.birth_date);
        if let Some(day) = self.deceased_on {
            checks.past_date("deceased_on", day);
            checks.require(
                day >= self.birth_date,
                "deceased_on",
                "before_birth",
                "must not lie before birth_date",
            );
        }
        if let Some(tag) = &self.language {
            checks.require(
                coded::is_language(tag),
                "language",
                "wrong_form",
                "must be a BCP 47 language tag",
            );
        }
        checks.each("race", &self.race, 10, |checks, race| {
            checks.text_if("text", race.text.as_deref(), 200);
        });
        if let Some(ethnicity) = &self.ethnicity {
            checks.within("ethnicity", |checks| {
                checks.text_if("text", ethnicity.text.as_deref(), 200);
            });
        }
        checks.each("telecoms", &self.telecoms, 20, |checks, telecom| {
            telecom.check(checks);
        });
        checks.each("addresses", &self.addresses, 50, |checks, address| {
            address.check(checks);
        });
        contact::check_all(checks, &self.contacts);
        identifier::check_all(checks, &self.identifiers);
        checks.each("health_goals", &self.health_goals, 50, |checks, goal| {
            goal.check(checks);
        });
        checks.each("risk_factors", &self.risk_factors, 50, |checks, risk| {
            risk.check(checks);
        });
    }
}

/// A period that does not end before it begins.
fn check_period(checks: &mut Checks, from: Option<NaiveDate>, until: Option<NaiveDate>) {
    if let Some(from) = from {
        checks.past_date("from", from);
    }
    let in_order = from.zip(until).is_none_or(|(from, until)| from <= until);
    checks.require(in_order, "until", "before_from", "must not lie before from");
}

#[cfg(test)]
mod tests;
