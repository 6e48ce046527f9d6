//! `Practitioner` → provider, and the specialties of `PractitionerRole` onto him.
//!
//! Synthetic NPIs have no valid check digit: such a number stays a name by which others refer to him, and no more.

use identity::staff::{NewProvider, StaffStatus};
use kernel::{Checks, npi};
use serde_json::Value;

use super::elements::{self, at_most, list, text, texts, tidy, wording};
use super::reference::Name;
use super::resource::Resource;

const NPI_SYSTEMS: [&str; 2] = [
    "http://hl7.org/fhir/sid/us-npi",
    "urn:oid:2.16.840.1.113883.4.6",
];

/// What the source says of a provider.
pub(super) fn map(resource: &Resource) -> Result<NewProvider, &'static str> {
    let value = &resource.value;
    let name = best_name(value).ok_or("has no name")?;
    let (given, family) = split(name).ok_or("has no name")?;
    let suffixes = texts(name, "/suffix").join(", ");
    Ok(NewProvider {
        user_id: None,
        npi: elements::identifiers(value)
            .filter(|identifier| {
                identifier
                    .system
                    .is_some_and(|system| NPI_SYSTEMS.contains(&system))
            })
            .map(|identifier| identifier.value.to_owned())
            .find(|number| npi::is_valid(number)),
        given_name: given,
        family_name: family,
        credential: Some(at_most(&tidy(&suffixes), 40)).filter(|suffix| !suffix.is_empty()),
        specialties: Vec::new(),
        subspecialties: Vec::new(),
        phone: telecom(value, "phone"),
        email: telecom(value, "email"),
        verified: false,
        accepting_patients: true,
        status: match value.pointer("/active") {
            Some(Value::Bool(false)) => StaffStatus::Inactive,
            _ => StaffStatus::Active,
        },
    })
}

/// The source's words over what is known; what the source does not speak of stays.
pub(super) fn amend(present: &NewProvider, source: NewProvider) -> NewProvider {
    NewProvider {
        user_id: present.user_id,
        npi: source.npi.or_else(|| present.npi.clone()),
        credential: source.credential.or_else(|| present.credential.clone()),
        specialties: present.specialties.clone(),
        subspecialties: present.subspecialties.clone(),
        phone: source.phone.or_else(|| present.phone.clone()),
        email: source.email.or_else(|| present.email.clone()),
        verified: present.verified,
        accepting_patients: present.accepting_patients,
        ..source
    }
}

/// Whom a `PractitionerRole` is about.
pub(super) fn holder(role: &Resource) -> Option<Name> {
    role.reference("/practitioner", "Practitioner")
}

/// The specialties of a role, in its order: each once, at most ten.
pub(super) fn specialties(role: &Resource) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for concept in list(&role.value, "/specialty") {
        let code = elements::codings(concept).next().map(|coding| coding.code);
        if let Some(word) = wording(concept)
            .or(code)
            .map(|word| at_most(&tidy(word), 100))
            && !word.is_empty()
            && !words.contains(&word)
        {
            words.push(word);
        }
    }
    words.truncate(10);
    words
}

fn best_name(value: &Value) -> Option<&Value> {
    let names = list(value, "/name");
    let called = |wanted: &str| names.iter().find(|name| text(name, "/use") == Some(wanted));
    called("official")
        .or_else(|| called("usual"))
        .or_else(|| names.first())
}

/// Given and family name. A name that is one text is split before its last word.
fn split(name: &Value) -> Option<(String, String)> {
    let given = tidy(&texts(name, "/given").join(" "));
    let family = text(name, "/family").map(tidy).unwrap_or_default();
    let whole = text(name, "/text").map(tidy).unwrap_or_default();
    let (before, last) = whole.rsplit_once(' ').unwrap_or(("", &whole));
    let family = if family.is_empty() {
        last.to_owned()
    } else {
        family
    };
    let given = [
        given,
        before.to_owned(),
        tidy(&texts(name, "/prefix").join(" ")),
    ]
    .into_iter()
    .find(|given| !given.is_empty())
    .unwrap_or_else(|| "Unknown".to_owned());
    (!family.is_empty()).then(|| (at_most(&given, 100), at_most(&family, 100)))
}

/// The first number or address of the kind that has the form of one.
pub(super) fn telecom(value: &Value, system: &str) -> Option<String> {
    list(value, "/telecom")
        .iter()
        .filter(|telecom| {
            text(telecom, "/system") == Some(system) && text(telecom, "/use") != Some("old")
        })
        .filter_map(|telecom| text(telecom, "/value"))
        .find(|found| is_sound(system, found))
        .map(str::to_owned)
}

/// Whether the rules take it for a telephone number or an e-mail address.
pub(super) fn is_sound(system: &str, value: &str) -> bool {
    let mut checks = Checks::at(kernel::clock::Instant::UNIX_EPOCH);
    match system {
        "email" => checks.email("", value),
        _ => checks.phone("", value),
    }
    checks.finish().is_ok()
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;
    use serde_json::json;

    fn swift() -> Value {
        json!({"resourceType": "Practitioner", "id": "d1", "active": true,
            "identifier": [{"system": "http://hl7.org/fhir/sid/us-npi", "value": "9999999729"},
                           {"system": "http://hl7.org/fhir/sid/us-npi", "value": "1234567893"}],
            "name": [{"use": "old", "family": "Old"}, {"use": "official", "family": "Swift99", "given": ["Jani", "B"], "prefix": ["Dr."], "suffix": ["MD", "PhD"]}],
            "telecom": [{"system": "email", "value": "nowhere"}, {"system": "email", "value": "Jani.Swift@example.com"}]})
    }

    #[test]
    fn a_practitioner_becomes_a_provider_with_a_valid_npi_only() {
        let provider = map(&samples::resource(&swift())).expect("a provider");
        assert_eq!(
            (provider.given_name.as_str(), provider.family_name.as_str()),
            ("Jani B", "Swift99")
        );
        assert_eq!(provider.npi.as_deref(), Some("1234567893"));
        assert_eq!(provider.credential.as_deref(), Some("MD, PhD"));
        assert_eq!(provider.email.as_deref(), Some("Jani.Swift@example.com"));
        let mut value = swift();
        value["identifier"] =
            json!([{"system": "http://hl7.org/fhir/sid/us-npi", "value": "9999999729"}]);
        assert_eq!(
            map(&samples::resource(&value)).expect("a provider").npi,
            None
        );
    }

    #[test]
    fn odd_names_are_read_as_well_as_they_go_and_none_is_refused() {
        for (name, expected) in [
            (
                json!({"text": "Dr. Jani Swift"}),
                Some(("Dr. Jani", "Swift")),
            ),
            (json!({"family": "Swift"}), Some(("Unknown", "Swift"))),
            (
                json!({"family": "Swift", "prefix": ["Dr."]}),
                Some(("Dr.", "Swift")),
            ),
            (json!({"text": "Cher"}), Some(("Unknown", "Cher"))),
            (json!({"given": ["Jani"]}), None),
            (json!({}), None),
        ] {
            let found = split(&name);
            assert_eq!(
                found.as_ref().map(|(g, f)| (g.as_str(), f.as_str())),
                expected,
                "{name}"
            );
        }
    }

    #[test]
    fn what_the_source_does_not_speak_of_stays() {
        let source = map(&samples::resource(&swift())).expect("a provider");
        let present = NewProvider {
            specialties: vec!["Cardiology".into()],
            verified: true,
            phone: Some("555-010-2030".into()),
            ..source.clone()
        };
        let mut changed = source;
        changed.family_name = "Slow".into();
        let amended = amend(&present, changed);
        assert_eq!(amended.family_name, "Slow");
        assert!(amended.verified && !amended.specialties.is_empty() && amended.phone.is_some());
    }

    #[test]
    fn a_role_gives_its_holder_specialties() {
        let role = samples::resource(
            &json!({"resourceType": "PractitionerRole", "id": "r", "practitioner": {"reference": "Practitioner/d1"},
            "specialty": [{"coding": [{"code": "1", "display": "Cardiology"}]}, {"text": "Cardiology"}, {"text": "Geriatrics"}]}),
        );
        assert_eq!(
            holder(&role).expect("a name").to_string(),
            "Practitioner/d1"
        );
        assert_eq!(specialties(&role), ["Cardiology", "Geriatrics"]);
    }
}
