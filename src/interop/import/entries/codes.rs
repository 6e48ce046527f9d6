//! What the codes of FHIR mean here: systems, statuses, dates.

use chrono_tz::Tz;
use clinical::terminology::{Coding, System};
use clinical::vitals::VitalKind;
use kernel::PartialDate;
use serde_json::Value;

use super::super::dates;
use super::super::elements::{self, Coding as Named, codings, list, text};
use super::{Entered, vital, words};

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

/// The codes of FHIR for how sure a problem or an allergy is.
pub(super) const VERIFICATION: &[&str] = &[
    "unconfirmed",
    "presumed",
    "provisional",
    "differential",
    "confirmed",
    "refuted",
    "entered-in-error",
];

/// What an element says of a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// It is not there.
    Nothing,
    /// One of the codes that it may have.
    Code(&'static str),
    /// Something that can't be read.
    Unread,
}

/// A status as FHIR's own code says it, or that of another system, or words: they may stand beside each other, in any order.
pub(super) fn status(value: &Value, pointer: &str, known: &[&'static str]) -> Said {
    let concept = value.pointer(pointer).unwrap_or(&Value::Null);
    let codings: Vec<Named<'_>> = codings(concept).collect();
    let (own, others): (Vec<&Named<'_>>, Vec<&Named<'_>>) =
        codings.iter().partition(|coding| is_of_fhir(coding));
    let coded = own.into_iter().chain(others).map(|coding| coding.code);
    let worded = text(concept, "").into_iter().chain(wordings(concept));
    let said: Vec<String> = coded.chain(worded).map(folded).collect();
    let read = said
        .iter()
        .find_map(|said| known.iter().find(|code| *code == said));
    match read {
        Some(code) => Said::Code(code),
        None if said.is_empty() => Said::Nothing,
        None => Said::Unread,
    }
}

fn is_of_fhir(coding: &Named<'_>) -> bool {
    let system = coding.system.unwrap_or_default();
    system.starts_with("http://terminology.hl7.org/") || system.starts_with("http://hl7.org/fhir/")
}

/// Whatever words a concept has: its text, and the displays of its codings.
pub(super) fn wordings(concept: &Value) -> impl Iterator<Item = &str> {
    let displays = list(concept, "/coding").iter();
    text(concept, "/text")
        .into_iter()
        .chain(displays.filter_map(|coding| text(coding, "/display")))
}

/// Words as a code would be written; SNOMED CT says what kind of thing it is in brackets.
fn folded(said: &str) -> String {
    let said = said.split(" (").next().unwrap_or(said);
    let said = elements::tidy(said).to_lowercase().replace([' ', '_'], "-");
    if said == "in-remission" {
        "remission".to_owned()
    } else {
        said
    }
}

/// Whether an observation is of somebody else than the patient whose record it is in: of the child she bears, of a donor.
pub(super) fn of_another(value: &Value) -> Option<Entered> {
    let subject = text(value, "/subject/reference");
    let focus = list(value, "/focus").iter();
    if focus
        .filter(|focus| !focus.is_null())
        .any(|focus| subject.is_none() || text(focus, "/reference") != subject)
    {
        let why = "/focus says that it is of somebody or something else than the patient";
        return Some(Entered::refused(why));
    }
    let sites = list(value, "/bodySite");
    let is_unborn = sites.iter().any(|site| {
        let coded = codings(site).any(|coding| matches!(coding.code, "83418008" | "55460000"));
        let mut said = wordings(site).map(str::to_lowercase);
        coded || said.any(|said| said.split(|c: char| !c.is_alphabetic()).any(is_of_a_fetus))
    });
    is_unborn.then(|| Entered::refused("/bodySite says that it is of an unborn child"))
}

fn is_of_a_fetus(word: &str) -> bool {
    ["fetus", "fetal", "foetus", "foetal"].contains(&word)
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
    let concepts = list(value, "/category");
    let is_coded = concepts.iter().flat_map(codings).next().is_some();
    let coded = concepts.iter().flat_map(codings).map(|coding| coding.code);
    let worded = concepts.iter().flat_map(wordings).filter(|_| !is_coded);
    let found: Vec<String> = coded.chain(worded).map(folded).collect();
    let has = |code: &str| found.iter().any(|found| found == code);
    if has("vital-signs") {
        Category::Vital
    } else if has("social-history") || has("survey") || has("sdoh") {
        Category::Social
    } else if has("laboratory") {
        Category::Other("results of the laboratory have no place in the chart yet")
    } else if !is_coded && is_measured(value) {
        // Where its source has no code for the place, the code of what was measured says it.
        Category::Vital
    } else if found.is_empty() {
        Category::Other("names no category, so that its place is not known")
    } else {
        Category::Other("observations of its category have no place in the chart yet")
    }
}

/// Whether its code is of a vital sign and of nothing else. Glucose is more often a result of the laboratory.
fn is_measured(value: &Value) -> bool {
    let code = value.pointer("/code").unwrap_or(&Value::Null);
    codings(code)
        .filter(|coding| coding.system.and_then(system) == Some(System::Loinc))
        .any(|coding| match vital::measure(coding.code) {
            Some(vital::Measure::One(kind)) => kind != VitalKind::Glucose,
            Some(_) => true,
            None => matches!(coding.code, "8480-6" | "8462-4"),
        })
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
    fn a_status_is_read_in_any_code_or_in_words_and_only_an_absent_one_says_nothing() {
        let known = &["active", "remission", "entered-in-error"];
        let of = |said: Value| status(&json!({ "s": said }), "/s", known);
        let hl7 = "http://terminology.hl7.org/CodeSystem/condition-clinical";
        let sct = |display: &str| json!({"system": "http://snomed.info/sct", "code": "55561003", "display": display});
        for (said, meant) in [
            (
                json!({"coding": [sct("Active"), {"system": hl7, "code": "remission"}]}),
                Said::Code("remission"),
            ),
            (
                json!({"coding": [{"system": hl7, "code": "Active"}]}),
                Said::Code("active"),
            ),
            (
                json!({"coding": [sct("Active (qualifier value)")]}),
                Said::Code("active"),
            ),
            (
                json!({"coding": [{"display": "In remission"}]}),
                Said::Code("remission"),
            ),
            (
                json!({"text": "Entered in Error"}),
                Said::Code("entered-in-error"),
            ),
            (json!("active"), Said::Code("active")),
            (json!({"text": "Ask again"}), Said::Unread),
            (json!({"coding": [sct("Whatever")]}), Said::Unread),
            (json!({}), Said::Nothing),
            (Value::Null, Said::Nothing),
        ] {
            assert_eq!(of(said.clone()), meant, "{said}");
        }
    }

    #[test]
    fn what_is_of_an_unborn_child_or_of_a_donor_is_not_the_patients_own() {
        let is = |value: Value| of_another(&value).is_some();
        assert!(is(json!({"focus": [{"display": "Fetus"}]})));
        assert!(is(
            json!({"subject": {"reference": "Patient/1"}, "focus": [{"reference": "Patient/2"}]})
        ));
        assert!(is(json!({"bodySite": {"text": "Left twin, fetus"}})));
        assert!(is(json!({"bodySite": {"coding": [{"code": "55460000"}]}})));
        let own = json!({"subject": {"reference": "Patient/1"}, "focus": [{"reference": "Patient/1"}], "bodySite": {"text": "Left arm"}});
        assert!(!is(own) && !is(json!({"focus": []})));
    }

    #[test]
    fn a_vital_sign_is_one_by_its_code_where_no_code_says_the_place() {
        let is = |category: Value, code: &str| {
            let code = json!({"coding": [{"system": "http://loinc.org", "code": code}]});
            let value = json!({"category": category, "code": code});
            matches!(super::category(&value), Category::Vital)
        };
        assert!(is(json!([]), "8867-4"));
        assert!(is(json!([{"text": "Vital Signs"}]), "2339-0"));
        assert!(is(json!([{"text": "Bedside"}]), "8480-6"));
        assert!(!is(json!([]), "2339-0"));
        assert!(!is(json!([{"text": "Laboratory"}]), "8867-4"));
        assert!(!is(json!([{"coding": [{"code": "exam"}]}]), "8867-4"));
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
