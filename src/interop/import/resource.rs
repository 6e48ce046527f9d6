//! A resource that was read, and the order in which kinds of resources must be stored.

use std::sync::Arc;

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::reference::{Name, Scope};
use super::report::Place;

/// Places and people first, then patients, then what happened to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Stage {
    /// `Organization`
    Place,
    /// `Practitioner`
    Provider,
    /// `PractitionerRole`
    Role,
    /// `Patient`
    Patient,
    /// `Encounter`
    Encounter,
    /// Whatever is kept as it came.
    Other,
}

impl Stage {
    pub(super) fn of(resource_type: &str) -> Self {
        match resource_type {
            "Organization" => Stage::Place,
            "Practitioner" => Stage::Provider,
            "PractitionerRole" => Stage::Role,
            "Patient" => Stage::Patient,
            "Encounter" => Stage::Encounter,
            _ => Stage::Other,
        }
    }

    /// Few enough to be held in memory, and wanted by everything else.
    pub(super) fn is_foundation(self) -> bool {
        self < Stage::Patient
    }
}

/// `ifNoneExist`, or a `PUT` to a search: the identifier that decides whether the resource is here already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Condition {
    pub identifier: String,
    /// Whether a resource that is here is brought up to date (`PUT`) or left alone (`ifNoneExist`).
    pub updates: bool,
}

/// A resource, read.
#[derive(Clone, Debug)]
pub(super) struct Resource {
    pub place: Place,
    pub name: Name,
    /// Other ids it is known by: the `urn:uuid:` of its entry, the ids of other states of it.
    pub aliases: Vec<String>,
    pub condition: Option<Condition>,
    /// The text as it came, without white space between its parts: what is kept and what is hashed. Numbers keep the
    /// digits they were written with.
    pub content: String,
    pub value: Value,
    pub scope: Arc<Scope>,
}

impl Resource {
    pub(super) fn stage(&self) -> Stage {
        Stage::of(&self.name.resource_type)
    }

    /// What tells it from others: the identifier of its condition, else its name.
    pub(super) fn identity(&self) -> Name {
        match &self.condition {
            Some(condition) => Name::new(
                self.name.resource_type.clone(),
                condition.identifier.clone(),
            ),
            None => self.name.clone(),
        }
    }

    /// The name a `Reference` element of this resource means.
    pub(super) fn reference(&self, pointer: &str, wanted: &str) -> Option<Name> {
        self.scope
            .resolve(self.value.pointer(pointer)?, wanted, &self.value)
    }
}

/// SHA-256 over the parts, each with its length.
pub(super) fn digest(parts: &[&[u8]]) -> Vec<u8> {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().to_vec()
}

/// Lower-case hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// JSON text without the white space between its parts.
pub(super) fn compact(text: &str) -> String {
    let mut inside = false;
    let mut escaped = false;
    text.chars()
        .filter(|&c| {
            if inside {
                inside = escaped || c != '"';
                escaped = !escaped && c == '\\';
                return true;
            }
            inside = c == '"';
            !matches!(c, ' ' | '\n' | '\r' | '\t')
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compact_text_says_the_same_and_keeps_its_digits() {
        let text = "{ \"a b\" : [ 1.10,\n\t\"x \\\" y\\\\\" , {} ] }";
        assert_eq!(compact(text), "{\"a b\":[1.10,\"x \\\" y\\\\\",{}]}");
        assert_eq!(compact(&compact(text)), compact(text));
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        assert_ne!(digest(&[b"ab", b"c"]), digest(&[b"a", b"bc"]));
    }

    #[test]
    fn everything_refers_to_an_earlier_stage() {
        let order = [
            "Organization",
            "Practitioner",
            "PractitionerRole",
            "Patient",
            "Encounter",
            "Observation",
        ];
        assert!(order.map(Stage::of).is_sorted());
        assert!(
            Stage::of("PractitionerRole").is_foundation() && !Stage::of("Patient").is_foundation()
        );
    }
}
