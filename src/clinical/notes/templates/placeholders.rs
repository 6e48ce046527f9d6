//! Placeholders in a template, `{{patient.name}}`, and what stands for them. Pure.

use std::collections::BTreeMap;

use crate::notes::content::GAP;

/// Every placeholder there is, with what it stands for.
pub(super) const KNOWN: [(&str, &str); 19] = [
    ("patient.name", "the legal name"),
    ("patient.given_name", "the legal given names"),
    ("patient.family_name", "the legal family name"),
    (
        "patient.age",
        "the age, in years; of an infant in months or days; of somebody who died, at his death",
    ),
    ("patient.birth_date", "the birth date"),
    ("patient.sex", "the administrative sex"),
    ("patient.mrn", "the medical record number"),
    ("date", "today, on the clinic's wall"),
    ("time", "now, on the clinic's wall"),
    ("author.name", "who writes"),
    ("encounter.date", "when the encounter is, on its own wall"),
    (
        "encounter.reason",
        "the complaint, or the first coded reason",
    ),
    ("encounter.class", "what kind of visit"),
    ("encounter.provider", "who attends"),
    ("problems.active", "the problems that are open, a line each"),
    (
        "allergies",
        "the active allergies with their reactions; or what is stated, or that nobody has asked",
    ),
    (
        "medications.active",
        "the imported medications that are active or on hold, a line each",
    ),
    (
        "vitals.latest",
        "the latest of each vital sign, with its day, and the body mass index",
    ),
    ("immunizations", "the doses given, a line each"),
];

/// What stands for the placeholders, by their names.
pub(super) type Values = BTreeMap<&'static str, String>;

/// The placeholders of a text that nobody knows, and whether a brace was left open.
pub(super) fn unknown(text: &str) -> bool {
    parts(text).any(|part| match part {
        Part::Placeholder(name) => !KNOWN.iter().any(|(known, _)| *known == name),
        Part::Open => true,
        Part::Plain(_) => false,
    })
}

/// Whether a text asks for this one.
pub(super) fn uses(text: &str, name: &str) -> bool {
    parts(text).any(|part| matches!(part, Part::Placeholder(said) if said == name))
}

/// The text with its placeholders filled; a gap where there is nothing to fill in.
pub(super) fn fill(text: &str, values: &Values) -> String {
    parts(text)
        .map(|part| match part {
            Part::Plain(text) => text,
            Part::Placeholder(name) => values.get(name).map_or(GAP, String::as_str),
            Part::Open => "{{",
        })
        .collect()
}

#[derive(Debug, PartialEq, Eq)]
enum Part<'a> {
    Plain(&'a str),
    Placeholder(&'a str),
    /// Braces that nothing closes.
    Open,
}

fn parts(text: &str) -> impl Iterator<Item = Part<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let Some(body) = rest.strip_prefix("{{") else {
            let end = rest.find("{{").unwrap_or(rest.len());
            let (plain, after) = rest.split_at(end);
            rest = after;
            return Some(Part::Plain(plain));
        };
        if let Some((name, after)) = body.split_once("}}") {
            rest = after;
            Some(Part::Placeholder(name.trim()))
        } else {
            rest = body;
            Some(Part::Open)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_placeholders_are_filled_and_the_rest_is_a_gap() {
        let values = Values::from([("patient.name", "Ada Okafor".to_owned())]);
        assert_eq!(
            fill("{{patient.name}} came for {{ encounter.reason }}.", &values),
            "Ada Okafor came for ***."
        );
        assert_eq!(fill("no {braces} here", &values), "no {braces} here");
    }

    #[test]
    fn a_value_that_looks_like_a_placeholder_is_not_filled_again() {
        let values = Values::from([
            ("patient.name", "{{date}}".to_owned()),
            ("date", "now".to_owned()),
        ]);
        assert_eq!(fill("{{patient.name}}", &values), "{{date}}");
    }

    #[test]
    fn unknown_and_open_ones_are_found() {
        assert!(!unknown("{{date}} {{ patient.age }}"));
        for text in ["{{patient.colour}}", "{{}}", "{{date", "a {{date}} {{"] {
            assert!(unknown(text), "{text}");
        }
    }
}
