//! Reading FHIR's elements out of JSON, forgivingly: a wrong type reads as absent, a single element as a list of one.

use serde_json::Value;

use super::reference::Name;

/// A text below the value, trimmed; blank reads as absent.
pub(super) fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    clean(value.pointer(pointer)?)
}

fn clean(value: &Value) -> Option<&str> {
    value
        .as_str()
        .map(str::trim)
        .filter(|text| !text.is_empty())
}

/// The elements of a list.
pub(super) fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    match value.pointer(pointer) {
        Some(Value::Array(items)) => items,
        Some(Value::Null) | None => &[],
        Some(single) => std::slice::from_ref(single),
    }
}

/// The texts of a list.
pub(super) fn texts(value: &Value, pointer: &str) -> Vec<String> {
    list(value, pointer)
        .iter()
        .filter_map(clean)
        .map(str::to_owned)
        .collect()
}

/// A code with the system it is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Coding<'a> {
    pub system: Option<&'a str>,
    pub code: &'a str,
    pub display: Option<&'a str>,
}

/// The codings of a `CodeableConcept`, or a bare `Coding`.
pub(super) fn codings(concept: &Value) -> impl Iterator<Item = Coding<'_>> {
    let items = match concept.pointer("/coding") {
        Some(_) => list(concept, "/coding"),
        None => std::slice::from_ref(concept),
    };
    items.iter().filter_map(|coding| {
        Some(Coding {
            system: text(coding, "/system"),
            code: text(coding, "/code")?,
            display: text(coding, "/display"),
        })
    })
}

/// What a person would call the concept.
pub(super) fn wording(concept: &Value) -> Option<&str> {
    text(concept, "/text").or_else(|| {
        let mut codings = codings(concept);
        codings.find_map(|coding| coding.display)
    })
}

/// What a reference is called: by its display, or by the name of what the resource contains.
pub(super) fn named<'a>(resource: &'a Value, pointer: &str) -> Option<&'a str> {
    let reference = resource.pointer(pointer)?;
    text(reference, "/display").or_else(|| {
        let id = text(reference, "/reference")?.strip_prefix('#')?;
        let mut contained = list(resource, "/contained").iter();
        let meant = contained.find(|one| text(one, "/id") == Some(id))?;
        text(meant, "/name")
            .or_else(|| text(meant, "/name/0/text").or_else(|| text(meant, "/name/0/family")))
    })
}

/// An identifier, with its type's code where it says one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Identifier<'a> {
    pub system: Option<&'a str>,
    pub value: &'a str,
    pub kind: Option<&'a str>,
}

/// Whether identifiers of the system are social security numbers.
pub(super) fn is_ssn_system(system: &str) -> bool {
    matches!(
        system,
        "http://hl7.org/fhir/sid/us-ssn"
            | "https://hl7.org/fhir/sid/us-ssn"
            | "urn:oid:2.16.840.1.113883.4.1"
    )
}

impl Identifier<'_> {
    pub(super) fn is_ssn(&self) -> bool {
        matches!(self.kind, Some("SS" | "SB" | "SSN")) || self.system.is_some_and(is_ssn_system)
    }

    /// As conditional references name it: `system|value`.
    pub(super) fn name(&self) -> String {
        Name::of_identifier(self.system.unwrap_or_default(), self.value)
    }
}

pub(super) fn identifiers(resource: &Value) -> impl Iterator<Item = Identifier<'_>> {
    list(resource, "/identifier").iter().filter_map(|element| {
        let kind = element
            .pointer("/type")
            .and_then(|concept| codings(concept).next())
            .map(|coding| coding.code);
        Some(Identifier {
            system: text(element, "/system"),
            value: text(element, "/value")?,
            kind,
        })
    })
}

/// The value of an extension, by its URL.
pub(super) fn extension<'a>(element: &'a Value, url: &str) -> Option<&'a Value> {
    list(element, "/extension")
        .iter()
        .find(|extension| text(extension, "/url") == Some(url))
}

/// Cut to so many characters, at a whole one.
pub(super) fn at_most(text: &str, most: usize) -> String {
    text.chars()
        .take(most)
        .collect::<String>()
        .trim_end()
        .to_owned()
}

/// Control characters become spaces, runs of white space one.
pub(super) fn tidy(text: &str) -> String {
    text.split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Whether a NUL is in any text: JSON may say it, PostgreSQL can't keep it.
pub(super) fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(has_nul),
        Value::Object(members) => members
            .iter()
            .any(|(name, value)| name.contains('\0') || has_nul(value)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_has_the_wrong_type_reads_as_absent() {
        let odd = json!({"name": "x", "given": ["A", 3, " ", "B"], "identifier": {"value": "7", "type": {"coding": [{"code": "MR"}]}}});
        assert_eq!(text(&odd, "/name"), Some("x"));
        assert_eq!(text(&odd, "/given"), None);
        assert_eq!(texts(&odd, "/given"), ["A", "B"]);
        assert_eq!(list(&odd, "/telecom").len(), 0);
        let found: Vec<_> = identifiers(&odd).map(|i| (i.name(), i.kind)).collect();
        assert_eq!(found, [("|7".to_owned(), Some("MR"))]);
    }

    #[test]
    fn a_concept_is_called_by_its_text_then_by_a_display() {
        assert_eq!(
            wording(&json!({"coding": [{"code": "1"}, {"code": "2", "display": "Two"}]})),
            Some("Two")
        );
        assert_eq!(
            wording(&json!({"text": "Words", "coding": [{"display": "Two"}]})),
            Some("Words")
        );
        assert_eq!(
            codings(&json!({"code": "AMB"})).next().map(|c| c.code),
            Some("AMB")
        );
    }

    #[test]
    fn tidy_and_cut_never_split_a_character() {
        assert_eq!(tidy(" a\u{0}b \n c "), "a b c");
        assert_eq!(at_most("éé é", 3), "éé");
        assert!(has_nul(&json!({"a": [{"b": "x\u{0}"}]})));
    }
}
