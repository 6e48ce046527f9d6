//! What an `AllergyIntolerance` says that names no allergy: that there are none, or that nobody knows.

use clinical::allergies::NoKnown;
use serde_json::Value;

use super::super::elements::{codings, list, tidy, wording};
use super::codes;

/// The statement a code makes, or its words.
pub(super) fn statement(code: &Value) -> Option<NoKnown> {
    let coded = codings(code).find_map(|coding| match coding.code {
        "716186003" => Some(NoKnown::NoKnownAllergies),
        "409137002" => Some(NoKnown::NoKnownDrugAllergies),
        "429625007" => Some(NoKnown::NoKnownFoodAllergies),
        _ => None,
    });
    coded.or_else(|| match said(code)?.as_str() {
        "no known allergies" | "no known allergy" | "no allergies" | "nka" => {
            Some(NoKnown::NoKnownAllergies)
        }
        "nkda" => Some(NoKnown::NoKnownDrugAllergies),
        words if !words.starts_with("no known") => None,
        words if words.contains("drug") || words.contains("medication") => {
            Some(NoKnown::NoKnownDrugAllergies)
        }
        words if words.contains("food") => Some(NoKnown::NoKnownFoodAllergies),
        _ => None,
    })
}

/// Whether it says that there are none of a kind for which we have no statement: animals, latex, what is in the air; or in words that
/// are no statement.
pub(super) fn denies_another(code: &Value) -> bool {
    let coded = codings(code).any(|coding| matches!(coding.code, "428607008" | "1003774007"));
    let worded = || {
        said(code).is_some_and(|words| {
            words.starts_with("no known") || words.contains("denies") && words.contains("allerg")
        })
    };
    statement(code).is_none() && (coded || worded())
}

/// Whether it says no more than that nobody knows, or has asked. Whatever has caused a reaction is an allergy all the same.
pub(super) fn is_not_known(value: &Value, code: &Value) -> bool {
    let (absent, coded): (Vec<_>, Vec<_>) = codings(code).partition(|coding| {
        let system = coding.system.unwrap_or_default();
        system.ends_with("data-absent-reason") || system.ends_with("NullFlavor")
    });
    let is_absent = |words: &str| {
        let mut displays = absent.iter().filter_map(|coding| coding.display);
        displays.any(|display| display.eq_ignore_ascii_case(words))
    };
    let of_a_known_system = coded
        .iter()
        .filter(|coding| coding.system.and_then(codes::system).is_some());
    let said: Vec<&str> = codes::wordings(code)
        .chain(
            of_a_known_system
                .filter(|c| c.display.is_none())
                .map(|c| c.code),
        )
        .collect();
    (!absent.is_empty() || !said.is_empty())
        && said.iter().all(|said| is_absent(said) || leaves_open(said))
        && list(value, "/reaction").is_empty()
}

fn leaves_open(said: &str) -> bool {
    let said = tidy(said).to_lowercase();
    let said = said.trim_end_matches('.');
    said.contains("not on file")
        || said.starts_with("asked but")
        || matches!(
            said,
            "unknown"
                | "not known"
                | "not asked"
                | "not assessed"
                | "not available"
                | "no information"
                | "allergies unknown"
                | "unknown allergies"
                | "allergy status unknown"
                | "allergies not known"
        )
}

fn said(code: &Value) -> Option<String> {
    wording(code).map(|words| tidy(words).to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn that_there_are_none_is_understood_in_codes_and_in_words_and_is_never_an_allergy() {
        let code =
            |code: &str| json!({"coding": [{"system": "http://snomed.info/sct", "code": code}]});
        let text = |text: &str| json!({"text": text});
        for (said, stated) in [
            (code("716186003"), Some(NoKnown::NoKnownAllergies)),
            (text("No Known  Allergies"), Some(NoKnown::NoKnownAllergies)),
            (text("NKDA"), Some(NoKnown::NoKnownDrugAllergies)),
            (
                text("No known medication allergies"),
                Some(NoKnown::NoKnownDrugAllergies),
            ),
            (code("428607008"), None),
            (text("No known latex allergy"), None),
        ] {
            assert_eq!(statement(&said), stated, "{said}");
            assert_eq!(denies_another(&said), stated.is_none(), "{said}");
        }
        for allergy in [code("91936005"), text("Nickel"), json!({})] {
            assert_eq!(
                (statement(&allergy), denies_another(&allergy)),
                (None, false)
            );
        }
    }

    #[test]
    fn that_nobody_knows_is_no_allergy_and_a_reaction_to_who_knows_what_is_one() {
        let absent = json!({"system": "http://terminology.hl7.org/CodeSystem/data-absent-reason", "code": "asked-unknown", "display": "Asked But Unknown"});
        for code in [
            json!({"coding": [absent]}),
            json!({"coding": [absent], "text": "asked but unknown"}),
            json!({"text": "Allergies not on file"}),
            json!({"text": "Patient denies any allergies"}),
        ] {
            assert!(
                is_not_known(&json!({}), &code) || denies_another(&code),
                "{code}"
            );
            assert_eq!(statement(&code), None);
        }
        for allergy in [
            json!({"code": {"coding": [absent], "text": "Penicillin"}}),
            json!({"code": {"text": "Unknown"}, "reaction": [{"manifestation": [{"text": "Anaphylaxis"}]}]}),
        ] {
            let code = &allergy["code"];
            assert!(
                !is_not_known(&allergy, code) && !denies_another(code),
                "{allergy}"
            );
        }
    }
}
