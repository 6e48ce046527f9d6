//! What the codes of FHIR mean here: systems, statuses, dates.

use chrono_tz::Tz;
use clinical::terminology::{Coding, System};
use kernel::PartialDate;
use serde_json::Value;

use super::super::dates;
use super::super::elements::{self, codings, list, text};
use super::{Entered, words};

/// A code system, by any of the names it goes by.
pub(super) fn system(uri: &str) -> Option<System> {
    System::from_uri(uri).or(match uri {
        "urn:oid:2.16.840.1.113883.6.90" | "http://hl7.org/fhir/sid/icd-10-cm/" => {
            Some(System::Icd10cm)
        }
        "urn:oid:2.16.840.1.113883.6.4" => Some(System::Icd10pcs),
        "urn:oid:2.16.840.1.113883.6.96" => Some(System::Snomed),
        "urn:oid:2.16.840.1.113883.6.1" => Some(System::Loinc),
        "urn:oid:2.16.840.1.113883.6.88" => Some(System::Rxnorm),
        "urn:oid:2.16.840.1.113883.12.292" => Some(System::Cvx),
        "urn:oid:2.16.840.1.113883.6.12" => Some(System::Cpt),
        "urn:oid:2.16.840.1.113883.6.285" => Some(System::Hcpcs),
        _ => None,
    })
}

/// The code of a concept in a system.
pub(super) fn code_in(concept: &Value, wanted: System) -> Option<String> {
    codings(concept)
        .find(|coding| coding.system.and_then(system) == Some(wanted))
        .map(|coding| coding.code.to_owned())
}

/// The first coding of a concept whose system is known here.
pub(super) fn coding(concept: &Value) -> Option<Coding> {
    codings(concept).find_map(|coding| {
        Some(Coding {
            system: system(coding.system?)?,
            code: coding.code.to_owned(),
            display: coding
                .display
                .or_else(|| elements::wording(concept))
                .and_then(|display| words(display, 500)),
        })
    })
}

/// A year, a month or a day, out of a date or the day of a time.
pub(super) fn partial_date(value: &Value, pointer: &str, zone: Tz) -> Option<PartialDate> {
    dates::partial_on(text(value, pointer)?, zone)
}

/// What an observation is.
pub(super) enum Category {
    Vital,
    Social,
    Other(&'static str),
}

pub(super) fn category(value: &Value) -> Category {
    if value
        .pointer("/code")
        .and_then(|code| code_in(code, System::Loinc))
        .is_some_and(|code| code == SMOKING)
    {
        return Category::Social;
    }
    let found: Vec<&str> = list(value, "/category")
        .iter()
        .flat_map(codings)
        .map(|coding| coding.code)
        .collect();
    let has = |code: &str| found.contains(&code);
    if has("vital-signs") {
        Category::Vital
    } else if has("social-history") || has("survey") || has("sdoh") {
        Category::Social
    } else if has("laboratory") {
        Category::Other("results of the laboratory have no place in the chart yet")
    } else if found.is_empty() {
        Category::Other("names no category, so that its place is not known")
    } else {
        Category::Other("observations of its category have no place in the chart yet")
    }
}

/// LOINC: tobacco smoking status.
pub(super) const SMOKING: &str = "72166-2";

/// FHIR lets an extension change what a resource means, up to its opposite; who does not know it must not go by the rest.
pub(super) fn modified(value: &Value) -> Option<Entered> {
    fn is_modified(value: &Value) -> bool {
        match value {
            Value::Object(members) => members.iter().any(|(name, value)| {
                let says = name == "modifierExtension" && !list(value, "").is_empty();
                // What is contained speaks for itself.
                says || name != "contained" && is_modified(value)
            }),
            Value::Array(items) => items.iter().any(is_modified),
            _ => false,
        }
    }
    let why = "/modifierExtension changes what it means in a way that is not known here";
    is_modified(value).then(|| Entered::refused(why))
}

/// Whether the source itself does not stand by it.
pub(super) fn unfinished(value: &Value) -> Option<Entered> {
    match text(value, "/status") {
        Some("entered-in-error") => Some(Entered::Left("was entered in error at its source")),
        Some("cancelled") => Some(Entered::Left("was cancelled at its source")),
        Some("registered" | "preliminary") => Some(Entered::refused("is not final at its source")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_date_keeps_what_was_said_and_no_more() {
        let said = json!({"a": "2019", "b": "2019-03", "c": "2019-03-04T23:59:00-08:00", "d": "in spring"});
        let date = |place| partial_date(&said, place, Tz::UTC).map(|date| date.as_str().to_owned());
        assert_eq!(date("/a").as_deref(), Some("2019"));
        assert_eq!(date("/b").as_deref(), Some("2019-03"));
        assert_eq!(date("/c").as_deref(), Some("2019-03-04"));
        assert_eq!(date("/d"), None);
    }

    #[test]
    fn what_an_unknown_extension_changes_is_not_entered() {
        let extension = json!([{"url": "urn:x:not", "valueBoolean": true}]);
        let refused = |value: &Value| modified(value).is_some();
        assert!(refused(&json!({"modifierExtension": extension})));
        assert!(refused(
            &json!({"component": [{"code": {}, "modifierExtension": extension}]})
        ));
        assert!(!refused(
            &json!({"modifierExtension": [], "extension": extension})
        ));
        assert!(!refused(
            &json!({"contained": [{"modifierExtension": extension}]})
        ));
    }

    #[test]
    fn a_code_is_found_under_every_name_of_its_system() {
        let concept = json!({"coding": [{"system": "urn:local", "code": "X"}, {"system": "urn:oid:2.16.840.1.113883.6.90", "code": "E11.9"}]});
        assert_eq!(code_in(&concept, System::Icd10cm).as_deref(), Some("E11.9"));
        assert_eq!(code_in(&concept, System::Snomed), None);
    }
}
