//! `Patient` → patient.
//!
//! A birth date that is not a whole day can't be registered: a year alone is not made into its first of January. Whatever
//! else is odd (a telephone number that is none, a contact without a number) costs that element and not the patient.

use chrono_tz::Tz;
use clinical::patients::{
    AddressUse, IdentifierType, NameUse, NewPatient, PatientAddress, PatientIdentifier,
    PatientStatus, Telecom, TelecomSystem,
};
use kernel::clock::Instant;
use kernel::ids::{FacilityId, ProviderId};
use kernel::{Checks, Validate};
use serde::Serialize;
use serde_json::Value;

use super::elements::{list, text};
use super::reference::Name;
use super::resource::Resource;
use super::{dates, patient_codes as codes, patient_parts as parts};

/// What a patient refers to.
pub(super) struct Links {
    pub facility: Option<Name>,
    pub provider: Option<Name>,
}

/// Where those led.
#[derive(Clone, Copy)]
pub(super) struct Found {
    pub facility: Option<FacilityId>,
    pub provider: Option<ProviderId>,
}

pub(super) fn links(resource: &Resource) -> Links {
    let mut doctors = list(&resource.value, "/generalPractitioner").iter();
    Links {
        facility: resource.reference("/managingOrganization", "Organization"),
        provider: doctors.find_map(|doctor| {
            resource
                .scope
                .resolve(doctor, "Practitioner", &resource.value)
        }),
    }
}

/// What the source says of a person: the registration, and a status that needs more than a day of death.
#[derive(Serialize)]
pub(super) struct Source {
    pub data: NewPatient,
    pub status: Option<PatientStatus>,
}

impl Source {
    pub(super) fn is_dead(&self) -> bool {
        self.data.deceased_on.is_some() || self.status == Some(PatientStatus::Deceased)
    }
}

/// Whether a source means somebody else by an id than it did before: another family and given name, another birth date, and of the
/// identifiers none in common. Who was registered without a name and is known by now keeps his identifiers.
pub(super) fn is_another(present: &NewPatient, source: &NewPatient) -> bool {
    let name = |person: &NewPatient| {
        let legal = person
            .names
            .iter()
            .find(|name| name.r#use == NameUse::Legal)?;
        let folded = |text: &String| text.to_lowercase();
        Some((folded(&legal.family), legal.given.first().map(folded)))
    };
    let (Some(before), Some(now)) = (name(present), name(source)) else {
        return false;
    };
    let numbers = |person: &NewPatient| -> Vec<(Option<String>, Option<String>)> {
        let identifiers = person.identifiers.iter();
        identifiers
            .map(|one| {
                (
                    one.system.clone(),
                    one.value.clone().or_else(|| one.last4.clone()),
                )
            })
            .collect()
    };
    let (known, said) = (numbers(present), numbers(source));
    before.0 != now.0
        && before.1 != now.1
        && present.birth_date != source.birth_date
        && !known.is_empty()
        && !said.is_empty()
        && !known.iter().any(|one| said.contains(one))
}

/// The registration; or why it can't be one.
pub(super) fn map(
    resource: &Resource,
    found: Found,
    zone: Tz,
    now: Instant,
) -> Result<Source, &'static str> {
    let value = &resource.value;
    let birth_date = text(value, "/birthDate").ok_or("has no birthDate")?;
    let birth_date = dates::day(birth_date)
        .ok_or("has a birthDate that is not a whole day between 1850 and 2200")?;
    let deceased_on = text(value, "/deceasedDateTime").and_then(|said| dates::day_on(said, zone));
    let data = NewPatient {
        names: parts::names(value).ok_or("has no name")?,
        birth_date,
        sex: codes::sex(value),
        gender_identity: codes::gender_identity(value),
        language: codes::language(value),
        race: codes::races(value),
        ethnicity: codes::ethnicity(value),
        marital_status: codes::marital_status(value),
        deceased_on,
        blood_type: None,
        telecoms: parts::telecoms(value, now),
        addresses: parts::addresses(value, now),
        contacts: parts::contacts(value, now),
        identifiers: parts::identifiers(value, now),
        health_goals: Vec::new(),
        risk_factors: Vec::new(),
        primary_provider_id: found.provider,
        facility_id: found.facility,
        portal_user_id: None,
        is_vip: false,
        is_confidential: false,
    };
    Ok(Source {
        data,
        status: status(value, deceased_on.is_some()),
    })
}

fn status(value: &Value, day_is_known: bool) -> Option<PatientStatus> {
    let is = |name: &str, wanted: bool| value.pointer(name) == Some(&Value::Bool(wanted));
    // Dead at a time that can't be read as a day is dead all the same.
    let is_dead = is("/deceasedBoolean", true) || text(value, "/deceasedDateTime").is_some();
    if is_dead && !day_is_known {
        Some(PatientStatus::Deceased)
    } else if is("/active", false) && !is_dead {
        Some(PatientStatus::Inactive)
    } else {
        None
    }
}

/// The rules of registration, but for the SSN: what a source brings is sealed, not judged.
pub(super) fn check(data: &NewPatient, now: Instant) -> kernel::Result<()> {
    let mut data = data.clone();
    data.identifiers.retain(|identifier| !identifier.is_ssn());
    let mut checks = Checks::at(now);
    data.check(&mut checks);
    checks.finish()
}

/// The source's words over what is known; what the source does not speak of stays.
pub(super) fn amend(present: &NewPatient, source: NewPatient, now: Instant) -> NewPatient {
    NewPatient {
        names: source.names,
        birth_date: source.birth_date,
        sex: source.sex,
        gender_identity: source.gender_identity.or(present.gender_identity),
        language: source.language.or_else(|| present.language.clone()),
        race: if source.race.is_empty() {
            present.race.clone()
        } else {
            source.race
        },
        ethnicity: source.ethnicity.or_else(|| present.ethnicity.clone()),
        marital_status: source.marital_status.or(present.marital_status),
        deceased_on: source.deceased_on.or(present.deceased_on),
        telecoms: telecoms(present, source.telecoms),
        addresses: addresses(present, source.addresses, now),
        contacts: if source.contacts.is_empty() {
            present.contacts.clone()
        } else {
            source.contacts
        },
        identifiers: identifiers(present, source.identifiers),
        primary_provider_id: source.primary_provider_id.or(present.primary_provider_id),
        facility_id: source.facility_id.or(present.facility_id),
        ..present.clone()
    }
}

/// Ways of reaching him that the source does not speak of are the tenant's own.
fn telecoms(present: &NewPatient, mut source: Vec<Telecom>) -> Vec<Telecom> {
    let spoken_of: Vec<TelecomSystem> = source.iter().map(|telecom| telecom.system).collect();
    source.extend(
        present
            .telecoms
            .iter()
            .filter(|telecom| !spoken_of.contains(&telecom.system))
            .cloned(),
    );
    source.truncate(20);
    source
}

/// An address that the source no longer has, and has another for, was good until yesterday and is kept.
fn addresses(
    present: &NewPatient,
    mut source: Vec<PatientAddress>,
    now: Instant,
) -> Vec<PatientAddress> {
    let same = |a: &PatientAddress, b: &PatientAddress| {
        (&a.lines, &a.city, &a.state, &a.postal_code)
            == (&b.lines, &b.city, &b.state, &b.postal_code)
    };
    let uses: Vec<AddressUse> = source.iter().map(|address| address.r#use).collect();
    let yesterday = now.date_naive().pred_opt();
    for old in &present.addresses {
        if !source.iter().any(|new| same(new, old)) {
            let mut old = old.clone();
            if old.until.is_none() && uses.contains(&old.r#use) {
                old.until = yesterday
                    .filter(|day| old.from.is_none_or(|from| from <= *day))
                    .or(old.from);
            }
            source.push(old);
        }
    }
    source.truncate(50);
    source
}

fn identifiers(present: &NewPatient, mut source: Vec<PatientIdentifier>) -> Vec<PatientIdentifier> {
    let kinds: Vec<(IdentifierType, Option<String>)> = source
        .iter()
        .map(|identifier| (identifier.r#type, identifier.system.clone()))
        .collect();
    let is_new = |old: &&PatientIdentifier| {
        let has_ssn = kinds.iter().any(|(kind, _)| *kind == IdentifierType::Ssn);
        if old.is_ssn() {
            !has_ssn
        } else {
            !kinds.contains(&(old.r#type, old.system.clone()))
        }
    };
    source.extend(present.identifiers.iter().filter(is_new).cloned());
    source.truncate(20);
    source
}

#[cfg(test)]
#[path = "patient_tests.rs"]
mod tests;
