//! What finds a patient, in the form in which it is compared.
//!
//! A family name is found from each of its words on, and its key goes on with the given names: `Okafor-Lindqvist, Ada` is
//! `okafor lindqvist ada` and `lindqvist ada`, so that reading keys in their order reads names in theirs. Names that sound
//! alike share a Double Metaphone code: of the family name alone, and with that of the given name.
//!
//! Trap: a key is part of the stored form. Whoever changes one here must make the keys of every patient anew.

use std::collections::BTreeSet;

use kernel::text::{email_key, name_key, phone_key};
use rphonetic::DoubleMetaphone;

use super::model::{IdentifierType, NewPatient, PatientIdentifier, PatientName};
use super::{matching, mrn};

/// One key, with its kind.
pub(super) type Key = (&'static str, String);

/// Longer keys find nothing more, and an index has its limits.
const LONGEST: usize = 400;

/// All keys of a patient. `ssn` is the blind index of his number, if he has one, in each of its forms.
pub(super) fn of_patient(data: &NewPatient, mrn: &str, ssn: &[String]) -> BTreeSet<Key> {
    let mut keys = BTreeSet::from([("mrn", mrn::key(mrn))]);
    for name in &data.names {
        keys.extend(family(name).into_iter().map(|key| ("family", key)));
        keys.extend(given(name).into_iter().map(|key| ("given", key)));
        keys.insert(("name", whole(name)));
        keys.extend(sounds_of(name).into_iter().map(|key| ("sound", key)));
    }
    for telecom in &data.telecoms {
        if telecom.is_phone() {
            keys.insert(("phone", phone_key(&telecom.value)));
        } else if telecom.is_email() {
            keys.insert(("email", email_key(&telecom.value)));
        }
    }
    keys.extend(
        data.identifiers
            .iter()
            .filter_map(identifier)
            .map(|key| ("identifier", key)),
    );
    keys.extend(ssn.iter().map(|index| ("ssn", index.clone())));
    keys.extend(blocks(data));
    keys.retain(|(_, key)| !key.is_empty());
    keys.into_iter()
        .map(|(kind, key)| (kind, shorten(key)))
        .collect()
}

/// The keys by which likely duplicates meet.
pub(super) fn blocks(data: &NewPatient) -> BTreeSet<Key> {
    let keys = ::matching::block_keys(&matching::person(data, None));
    keys.into_iter()
        .map(|key| ("block", shorten(key)))
        .collect()
}

/// The keys by which the family name is found: from each of its words on, given names behind.
pub(super) fn family(name: &PatientName) -> Vec<String> {
    let whole = sort_key(name);
    let words = name_key(&name.family).split(' ').count();
    let starts = whole
        .match_indices(' ')
        .map(|(space, _)| space + 1)
        .take(words.saturating_sub(1));
    std::iter::once(0)
        .chain(starts)
        .map(|start| whole[start..].to_owned())
        .collect()
}

/// The keys by which given names are found: each, and each of its words.
pub(super) fn given(name: &PatientName) -> Vec<String> {
    let keys = name.given.iter().map(|given| name_key(given));
    keys.flat_map(|key| {
        let words: Vec<String> = key.split(' ').skip(1).map(str::to_owned).collect();
        std::iter::once(key).chain(words)
    })
    .collect()
}

/// Family, then given names: the order of lists.
pub(super) fn sort_key(name: &PatientName) -> String {
    join(std::iter::once(&name.family).chain(&name.given))
}

/// Given names, then family: what a name as it is said is compared with.
pub(super) fn whole(name: &PatientName) -> String {
    join(name.given.iter().chain([&name.family]))
}

/// The sound keys of a name: of each word of its family name, alone and with the first given name.
pub(super) fn sounds_of(name: &PatientName) -> BTreeSet<String> {
    let first = name
        .given
        .first()
        .map(|given| name_key(given))
        .unwrap_or_default();
    let mut keys = BTreeSet::new();
    for family in name_key(&name.family).split(' ') {
        keys.extend(pairs(family, &first));
        keys.extend(codes(family));
    }
    keys
}

/// The sound keys that a name as it is said may have: one word is a family name, of several the first or the last is.
pub(super) fn sounds_like(wanted: &str) -> BTreeSet<String> {
    let words: Vec<&str> = wanted.split(' ').collect();
    match words.as_slice() {
        [] => BTreeSet::new(),
        [word] => codes(word),
        [first, .., last] => pairs(last, first)
            .union(&pairs(first, last))
            .cloned()
            .collect(),
    }
}

fn pairs(family: &str, given: &str) -> BTreeSet<String> {
    let givens = codes(given);
    codes(family)
        .iter()
        .flat_map(|family| givens.iter().map(move |given| format!("{family} {given}")))
        .collect()
}

/// How a word sounds: one code or two. Of a word in another script than ours nothing is known.
fn codes(word: &str) -> BTreeSet<String> {
    if word.len() < 2 || !word.bytes().all(|b| b.is_ascii_lowercase()) {
        return BTreeSet::new();
    }
    let sound = DoubleMetaphone::default().double_metaphone(word);
    BTreeSet::from([sound.primary(), sound.alternate()])
        .into_iter()
        .filter(|code| !code.is_empty())
        .collect()
}

/// `system|value`, or the type where no system is named. An SSN has none: it has an index of its own.
fn identifier(identifier: &PatientIdentifier) -> Option<String> {
    let kind = match identifier.r#type {
        IdentifierType::Ssn => return None,
        IdentifierType::DriversLicense => "drivers_license",
        IdentifierType::Passport => "passport",
        IdentifierType::Other => "other",
    };
    let system = identifier.system.as_deref().unwrap_or(kind);
    identifier
        .value
        .as_deref()
        .map(|value| format!("{system}|{}", value.trim()))
}

fn join<'a>(parts: impl Iterator<Item = &'a String>) -> String {
    parts
        .map(|part| name_key(part))
        .filter(|key| !key.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

fn shorten(mut key: String) -> String {
    while key.len() > LONGEST {
        key.pop();
    }
    key
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn name(family: &str, given: &[&str]) -> PatientName {
        serde_json::from_value(json!({ "use": "legal", "family": family, "given": given }))
            .expect("a name")
    }

    fn share_a_sound(one: &PatientName, spoken: &str) -> bool {
        !sounds_of(one).is_disjoint(&sounds_like(&name_key(spoken)))
    }

    #[test]
    fn a_double_name_is_found_by_either_half() {
        let name = name("Okafor-Lindqvist", &["Adaeze", "Marie Luise"]);
        assert_eq!(
            family(&name),
            [
                "okafor lindqvist adaeze marie luise",
                "lindqvist adaeze marie luise"
            ]
        );
        assert_eq!(given(&name), ["adaeze", "marie luise", "luise"]);
        assert_eq!(whole(&name), "adaeze marie luise okafor lindqvist");
    }

    #[test]
    fn one_name_and_no_letters_are_names_too() {
        assert_eq!(family(&name("Madonna", &[])), ["madonna"]);
        assert_eq!(family(&name("李", &["小龙"])), ["李 小龙"]);
        assert_eq!(family(&name("'", &["A"])), ["a"]);
        assert!(sounds_of(&name("李", &["小龙"])).is_empty());
    }

    #[test]
    fn names_that_sound_alike_share_a_key() {
        let smith = name("Smith", &["Jon"]);
        for spoken in ["John Smyth", "Smyth John", "Smythe", "jon schmidt"] {
            assert!(share_a_sound(&smith, spoken), "{spoken}");
        }
        for spoken in ["John Baker", "Baker", "Peter Smith", ""] {
            assert!(!share_a_sound(&smith, spoken), "{spoken}");
        }
        assert!(share_a_sound(
            &name("Okafor-Lindqvist", &["Catherine"]),
            "Kathryn Lindquist"
        ));
    }

    #[test]
    fn a_patient_has_every_kind_of_key_and_no_ssn_in_the_clear() {
        let data: NewPatient = serde_json::from_value(json!({
            "names": [{ "use": "legal", "family": "O'Brien", "given": ["Zoë"] }], "birth_date": "1980-01-01", "sex": "female",
            "telecoms": [{ "system": "phone", "value": "+1 (312) 555-0142" }, { "system": "email", "value": "Zoe@Example.com" },
                         { "system": "url", "value": "https://example.com" }],
            "identifiers": [{ "type": "ssn", "value": "219-09-9999" }, { "type": "passport", "value": "X1" },
                            { "type": "other", "system": "urn:x", "value": "7" }]
        }))
        .expect("a patient");
        let keys = of_patient(&data, "rv-18", &["b11nd".to_owned()]);
        for (kind, key) in [
            ("family", "obrien zoe"),
            ("given", "zoe"),
            ("name", "zoe obrien"),
            ("phone", "3125550142"),
            ("email", "zoe@example.com"),
            ("identifier", "passport|X1"),
            ("identifier", "urn:x|7"),
            ("mrn", "RV-18"),
            ("ssn", "b11nd"),
        ] {
            assert!(
                keys.contains(&(kind, key.to_owned())),
                "{kind} {key} in {keys:?}"
            );
        }
        assert!(
            keys.iter()
                .all(|(_, key)| !key.contains("9999") && !key.contains("https"))
        );
    }

    #[test]
    fn a_key_is_never_too_long_for_its_index() {
        let long = "é".repeat(100);
        let data: NewPatient = serde_json::from_value(json!({
            "names": [{ "use": "legal", "family": "字".repeat(100), "given": [long, long, long, long, long] }],
            "birth_date": "1980-01-01", "sex": "female"
        }))
        .expect("a patient");
        assert!(
            of_patient(&data, "1", &[])
                .iter()
                .all(|(_, key)| key.len() <= LONGEST)
        );
    }
}
