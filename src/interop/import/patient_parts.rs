//! Names, numbers, addresses and contacts of a person.
//!
//! Each element is held against its own rules; one that breaks them is left out, and the person is registered without it.

use chrono::NaiveDate;
use clinical::patients::{
    AddressUse, EmergencyContact, IdentifierType, NameUse, PatientAddress, PatientIdentifier,
    PatientName, Ssn, Telecom, TelecomSystem, TelecomUse,
};
use kernel::clock::Instant;
use kernel::{Checks, Validate};
use serde_json::Value;

use super::dates;
use super::elements::{self, at_most, list, text, texts, tidy};
use super::organization::country;
use super::patient_codes::relationship;
use super::practitioner::{is_sound, telecom};

fn keeps_the_rules(element: &impl Validate, now: Instant) -> bool {
    let mut checks = Checks::at(now);
    element.check(&mut checks);
    checks.finish().is_ok()
}

fn day(value: &Value, pointer: &str) -> Option<NaiveDate> {
    text(value, pointer).and_then(dates::day)
}

fn part(value: &Value, pointer: &str, most: usize) -> Option<String> {
    text(value, pointer)
        .map(|part| at_most(&tidy(part), most))
        .filter(|part| !part.is_empty())
}

/// All names, exactly one of them legal: the official one that is still borne, or the likeliest other. `None` without any.
pub(super) fn names(value: &Value) -> Option<Vec<PatientName>> {
    let mut found: Vec<(&Value, PatientName)> = list(value, "/name")
        .iter()
        .filter_map(|element| Some((element, name(element)?)))
        .collect();
    let rank = |element: &Value| {
        let ended = text(element, "/period/end").is_some();
        let wanted = text(element, "/use").unwrap_or_default();
        let place = [
            "official",
            "usual",
            "",
            "temp",
            "nickname",
            "anonymous",
            "maiden",
            "old",
        ];
        (
            ended,
            place
                .iter()
                .position(|kind| *kind == wanted)
                .unwrap_or(place.len()),
        )
    };
    found.sort_by_key(|(element, _)| rank(element));
    let mut names: Vec<PatientName> = Vec::new();
    for (place, (element, mut name)) in found.into_iter().enumerate() {
        if let (Some(legal), None) = (names.first(), part(element, "/family", 100))
            && !texts(element, "/given").is_empty()
        {
            // What he is called by is no family.
            name.given
                .insert(0, std::mem::replace(&mut name.family, legal.family.clone()));
        }
        let kind = text(element, "/use").unwrap_or_default();
        name.r#use = match kind {
            _ if place == 0 => NameUse::Legal,
            "usual" | "nickname" => NameUse::Preferred,
            "temp" | "anonymous" => continue,
            _ => NameUse::Former,
        };
        if !names.contains(&name) && names.len() < 10 {
            names.push(name);
        }
    }
    (!names.is_empty()).then_some(names)
}

/// A name; one that is a mere text is taken apart before its last word. Who has one name only has it as family name.
fn name(element: &Value) -> Option<PatientName> {
    let mut given: Vec<String> = texts(element, "/given")
        .iter()
        .map(|given| at_most(&tidy(given), 100))
        .collect();
    let mut family = part(element, "/family", 100);
    if family.is_none() && given.is_empty() {
        let whole = tidy(text(element, "/text")?);
        let (before, last) = whole.rsplit_once(' ').unwrap_or(("", &whole));
        given = before.split(' ').map(|word| at_most(word, 100)).collect();
        family = Some(at_most(last, 100));
    }
    given.retain(|given| !given.is_empty());
    given.truncate(5);
    let family = family
        .or_else(|| (!given.is_empty()).then(|| given.remove(0)))
        .filter(|family| !family.is_empty())?;
    let joined = |pointer: &str| {
        Some(at_most(&tidy(&texts(element, pointer).join(" ")), 40)).filter(|text| !text.is_empty())
    };
    let (from, until) = (day(element, "/period/start"), day(element, "/period/end"));
    Some(PatientName {
        r#use: NameUse::Former,
        family,
        given,
        prefix: joined("/prefix"),
        suffix: joined("/suffix"),
        from,
        until: until.filter(|until| from.is_none_or(|from| from <= *until)),
    })
}

/// A number that has not the form of one is kept as it is, under another heading.
pub(super) fn telecoms(value: &Value, now: Instant) -> Vec<Telecom> {
    let found = list(value, "/telecom").iter().filter_map(|element| {
        let value = part(element, "/value", 200)?;
        let system = match text(element, "/system") {
            Some("phone") => TelecomSystem::Phone,
            Some("email") => TelecomSystem::Email,
            Some("sms") => TelecomSystem::Sms,
            Some("fax") => TelecomSystem::Fax,
            Some("pager") => TelecomSystem::Pager,
            Some("url") => TelecomSystem::Url,
            _ => TelecomSystem::Other,
        };
        let r#use = match text(element, "/use") {
            Some("home") => Some(TelecomUse::Home),
            Some("work") => Some(TelecomUse::Work),
            Some("mobile") => Some(TelecomUse::Mobile),
            Some("temp") => Some(TelecomUse::Temporary),
            Some("old") => Some(TelecomUse::Old),
            _ => None,
        };
        let telecom = Telecom {
            system,
            value,
            r#use,
        };
        Some(if keeps_the_rules(&telecom, now) {
            telecom
        } else {
            Telecom {
                system: TelecomSystem::Other,
                ..telecom
            }
        })
    });
    let mut telecoms: Vec<Telecom> = Vec::new();
    for telecom in found {
        if !telecoms.contains(&telecom) && telecoms.len() < 20 {
            telecoms.push(telecom);
        }
    }
    telecoms
}

pub(super) fn addresses(value: &Value, now: Instant) -> Vec<PatientAddress> {
    let found = list(value, "/address").iter().filter_map(|element| {
        let until = day(element, "/period/end");
        let r#use = match (text(element, "/use"), text(element, "/type")) {
            (Some("work"), _) => AddressUse::Work,
            (Some("temp"), _) => AddressUse::Temporary,
            (Some("billing"), _) | (_, Some("postal")) => AddressUse::Mailing,
            // Nobody knows until when: as a present address it would be wrong.
            (Some("old"), _) if until.is_none() => return None,
            _ => AddressUse::Home,
        };
        let mut lines: Vec<String> = texts(element, "/line")
            .iter()
            .map(|line| at_most(&tidy(line), 200))
            .collect();
        if lines.is_empty() && part(element, "/city", 100).is_none() {
            lines.extend(part(element, "/text", 200));
        }
        lines.retain(|line| !line.is_empty());
        lines.truncate(4);
        Some(PatientAddress {
            r#use,
            lines,
            city: part(element, "/city", 100),
            state: part(element, "/state", 100),
            postal_code: part(element, "/postalCode", 20),
            country: country(element),
            from: day(element, "/period/start"),
            until,
        })
    });
    found
        .filter(|address| keeps_the_rules(address, now))
        .take(50)
        .collect()
}

/// Whom to call, in the source's order. One without a number can't be called.
pub(super) fn contacts(value: &Value, now: Instant) -> Vec<EmergencyContact> {
    let mut contacts: Vec<EmergencyContact> = Vec::new();
    for element in list(value, "/contact") {
        let Some((name, phone)) = element
            .pointer("/name")
            .and_then(name)
            .zip(telecom(element, "phone"))
        else {
            continue;
        };
        let contact = EmergencyContact {
            name: at_most(&name.spoken(), 200),
            relationship: relationship(element),
            priority: u8::try_from(contacts.len() + 1).unwrap_or(u8::MAX),
            phone,
            email: telecom(element, "email").filter(|email| is_sound("email", email)),
        };
        if keeps_the_rules(&contact, now) {
            contacts.push(contact);
        }
    }
    contacts
}

/// The numbers others know him by. A social security number is one, or is dropped: it is never kept as anything else.
pub(super) fn identifiers(value: &Value, now: Instant) -> Vec<PatientIdentifier> {
    let mut found: Vec<PatientIdentifier> = Vec::new();
    for identifier in elements::identifiers(value) {
        let is_ssn = identifier.is_ssn();
        let r#type = match identifier.kind {
            _ if is_ssn => IdentifierType::Ssn,
            Some("DL") => IdentifierType::DriversLicense,
            Some("PPN") => IdentifierType::Passport,
            _ => IdentifierType::Other,
        };
        let new = PatientIdentifier {
            r#type,
            system: identifier
                .system
                .map(|system| at_most(&tidy(system), 200))
                .filter(|_| !is_ssn),
            value: Some(tidy(identifier.value)),
            last4: None,
        };
        let good = if is_ssn {
            Ssn::read(identifier.value).is_some() && !found.iter().any(PatientIdentifier::is_ssn)
        } else {
            keeps_the_rules(&new, now)
        };
        if good && !found.contains(&new) && found.len() < 20 {
            found.push(new);
        }
    }
    found
}
