//! References: what a resource calls another, and the name under which that other one was kept.
//!
//! Seen in the wild: `urn:uuid:…` (an entry of the same bundle, or, by the same id, of another file), `Type/id`, an
//! absolute URL ending in `Type/id`, either with `/_history/…`, `Type?identifier=system|value`, `#contained`, and a
//! logical reference that has only an `identifier`. All come down to a [`Name`].

use std::collections::HashMap;
use std::fmt;

use serde_json::Value;

use super::elements::{self, text};

/// The name of a resource: its type and its id, or its type and an identifier as `system|value`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Name {
    pub resource_type: String,
    pub id: String,
}

impl Name {
    pub(super) fn new(resource_type: impl Into<String>, id: impl Into<String>) -> Self {
        Self {
            resource_type: resource_type.into(),
            id: id.into(),
        }
    }

    pub(super) fn of_identifier(system: &str, value: &str) -> String {
        format!("{system}|{value}")
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.resource_type, self.id)
    }
}

/// What the entries of one bundle call each other: `fullUrl` to name. And how ids of this source are told from
/// another's.
#[derive(Debug, Default)]
pub(super) struct Scope {
    by_url: HashMap<String, Name>,
    prefix: String,
}

impl Scope {
    pub(super) fn new(source: Option<&str>) -> Self {
        Self {
            by_url: HashMap::new(),
            prefix: source.map(|name| format!("{name}#")).unwrap_or_default(),
        }
    }

    pub(super) fn add(&mut self, full_url: &str, name: Name) {
        self.by_url.insert(full_url.to_owned(), name);
    }

    /// The id under which a resource of this source is kept.
    pub(super) fn source_id(&self, id: &str) -> String {
        format!("{}{id}", self.prefix)
    }

    /// The name meant by a `Reference` element of the resource, if it means one of the type wanted.
    pub(super) fn resolve(
        &self,
        reference: &Value,
        wanted: &str,
        resource: &Value,
    ) -> Option<Name> {
        let Some(target) = text(reference, "/reference") else {
            return logical(reference, wanted);
        };
        if let Some(name) = self.by_url.get(target) {
            return (name.resource_type == wanted).then(|| name.clone());
        }
        if let Some(local) = target.strip_prefix('#') {
            return contained(resource, local, wanted);
        }
        if let Some(uuid) = target.strip_prefix("urn:uuid:") {
            return Some(Name::new(wanted, self.source_id(uuid)));
        }
        if let Some((resource_type, query)) = target.split_once('?') {
            let last = resource_type.rsplit('/').next().unwrap_or_default();
            return (last == wanted)
                .then(|| identifier_in(query))
                .flatten()
                .map(|id| Name::new(wanted, id));
        }
        self.literal(target, wanted)
            .or_else(|| logical(reference, wanted))
    }

    /// `[base/]Type/id[/_history/version]`.
    fn literal(&self, target: &str, wanted: &str) -> Option<Name> {
        let path = target
            .split_once("/_history/")
            .map_or(target, |(path, _)| path);
        let (rest, id) = path.trim_end_matches('/').rsplit_once('/')?;
        let resource_type = rest.rsplit('/').next().unwrap_or_default();
        (resource_type == wanted && !id.is_empty()).then(|| Name::new(wanted, self.source_id(id)))
    }
}

/// A contained resource has no life of its own, but may say by which identifier the real one is known.
fn contained(resource: &Value, local: &str, wanted: &str) -> Option<Name> {
    let inner = elements::list(resource, "/contained")
        .iter()
        .find(|inner| text(inner, "/id") == Some(local))?;
    if text(inner, "/resourceType") != Some(wanted) {
        return None;
    }
    elements::identifiers(inner)
        .next()
        .map(|identifier| Name::new(wanted, identifier.name()))
}

fn logical(reference: &Value, wanted: &str) -> Option<Name> {
    if text(reference, "/type").is_some_and(|kind| kind != wanted) {
        return None;
    }
    let value = text(reference, "/identifier/value")?;
    let system = text(reference, "/identifier/system").unwrap_or_default();
    Some(Name::new(wanted, Name::of_identifier(system, value)))
}

/// `identifier=system|value` out of a query such as `ifNoneExist` carries; percent-decoded. A bare value has no system.
pub(super) fn identifier_in(query: &str) -> Option<String> {
    let query = query.rsplit_once('?').map_or(query, |(_, query)| query);
    let (_, token) =
        form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "identifier")?;
    let (system, value) = token.split_once('|').unwrap_or(("", &token));
    (!value.is_empty()).then(|| Name::of_identifier(system, value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn scope() -> Scope {
        let mut scope = Scope::new(None);
        scope.add("urn:uuid:aaaa", Name::new("Patient", "p1"));
        scope.add(
            "http://elsewhere.example/fhir/Patient/9",
            Name::new("Patient", "nine"),
        );
        scope
    }

    fn resolved(reference: &Value, wanted: &str) -> Option<String> {
        let resource = json!({"contained": [
            {"resourceType": "Practitioner", "id": "doc", "identifier": [{"system": "s", "value": "1"}]}]});
        scope()
            .resolve(reference, wanted, &resource)
            .map(|name| name.to_string())
    }

    #[test]
    fn every_way_of_naming_comes_down_to_one_name() {
        for (reference, wanted, name) in [
            ("urn:uuid:aaaa", "Patient", Some("Patient/p1")),
            ("urn:uuid:aaaa", "Practitioner", None),
            ("urn:uuid:bbbb", "Patient", Some("Patient/bbbb")),
            ("Patient/7", "Patient", Some("Patient/7")),
            ("Patient/7/_history/2", "Patient", Some("Patient/7")),
            ("Group/7", "Patient", None),
            (
                "https://a.example/fhir/Patient/7/",
                "Patient",
                Some("Patient/7"),
            ),
            (
                "http://elsewhere.example/fhir/Patient/9",
                "Patient",
                Some("Patient/nine"),
            ),
            ("#doc", "Practitioner", Some("Practitioner/s|1")),
            ("#doc", "Patient", None),
            ("#none", "Patient", None),
            (
                "Practitioner?identifier=http://hl7.org/fhir/sid/us-npi|99",
                "Practitioner",
                Some("Practitioner/http://hl7.org/fhir/sid/us-npi|99"),
            ),
            (
                "Practitioner?identifier=http%3A%2F%2Fx%7C9%209",
                "Practitioner",
                Some("Practitioner/http://x|9 9"),
            ),
            ("Practitioner?name=Smith", "Practitioner", None),
            ("", "Patient", None),
            ("Patient/", "Patient", None),
        ] {
            assert_eq!(
                resolved(&json!({"reference": reference}), wanted).as_deref(),
                name,
                "{reference}"
            );
        }
    }

    #[test]
    fn a_logical_reference_names_by_identifier() {
        let logical = json!({"type": "Patient", "identifier": {"system": "urn:mrn", "value": "5"}});
        assert_eq!(
            resolved(&logical, "Patient").as_deref(),
            Some("Patient/urn:mrn|5")
        );
        assert_eq!(resolved(&logical, "Group"), None);
        assert_eq!(resolved(&json!({"display": "somebody"}), "Patient"), None);
    }

    #[test]
    fn sources_keep_their_ids_apart_but_share_identifiers() {
        let scope = Scope::new(Some("north"));
        let name = |reference: &str| {
            scope.resolve(&json!({"reference": reference}), "Patient", &Value::Null)
        };
        assert_eq!(name("Patient/1").map(|n| n.id).as_deref(), Some("north#1"));
        assert_eq!(
            name("Patient?identifier=a|1").map(|n| n.id).as_deref(),
            Some("a|1")
        );
    }
}
