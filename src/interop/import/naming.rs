//! What a resource is called and what it calls others, as far as that is looked up.

use platform::crypto::TenantCipher;

use super::elements::{identifiers, is_ssn_system};
use super::reference::Name;
use super::resource::{Resource, Stage};
use super::{encounter, entries, kept, organization, patient, practitioner};

/// Whether the resource becomes a row of ours, rather than being kept as it came.
pub(super) fn is_mapped(resource: &Resource) -> bool {
    match resource.stage() {
        Stage::Place => organization::is_facility(resource),
        Stage::Provider | Stage::Patient | Stage::Encounter => true,
        Stage::Role | Stage::Other => false,
    }
}

/// The ids of a resource.
pub(super) fn names(resource: &Resource) -> impl Iterator<Item = Name> {
    let ids = resource
        .aliases
        .iter()
        .chain(std::iter::once(&resource.name.id));
    ids.map(|id| Name::new(resource.name.resource_type.clone(), id.clone()))
}

/// Everything others may call it: its ids, the identifier of its condition, its identifiers.
pub(super) fn own_names(resource: &Resource) -> Vec<Name> {
    let kind = &resource.name.resource_type;
    let identifiers = identifiers(&resource.value)
        .filter(|identifier| !identifier.is_ssn() || identifier.system.is_some_and(is_ssn_system))
        .map(|identifier| identifier.name())
        .filter(|name| name.chars().count() <= 400 && !name.chars().any(char::is_control))
        .take(40);
    let condition = resource
        .condition
        .iter()
        .map(|condition| condition.identifier.clone());
    names(resource)
        .chain(
            condition
                .chain(identifiers)
                .map(|id| Name::new(kind.clone(), id)),
        )
        .collect()
}

/// What a resource that is kept as it came may be called beside the name it is kept under, as far as a chart follows such names: a
/// medication that a prescription names, a result that a report names; a content and another letter that a letter names.
pub(super) fn other_names(resource: &Resource) -> Vec<Name> {
    let mut known: Vec<Name> = match resource.name.resource_type.as_str() {
        "Medication" => own_names(resource),
        "Observation" | "Binary" | "DocumentReference" => names(resource).collect(),
        _ => return Vec::new(),
    };
    let identity = resource.identity();
    known.retain(|name| *name != identity);
    known
}

/// Everything it calls others, as far as that is followed.
pub(super) fn references(resource: &Resource) -> Vec<Name> {
    match resource.stage() {
        Stage::Place | Stage::Provider => Vec::new(),
        Stage::Role => practitioner::holder(resource).into_iter().collect(),
        Stage::Patient => {
            let links = patient::links(resource);
            [links.facility, links.provider]
                .into_iter()
                .flatten()
                .collect()
        }
        Stage::Encounter => {
            let links = encounter::links(resource);
            [links.patient, links.facility, links.provider]
                .into_iter()
                .flatten()
                .collect()
        }
        Stage::Other => {
            let links = kept::links(resource);
            [links.patient, links.encounter]
                .into_iter()
                .flatten()
                .chain(entries::references(resource))
                .collect()
        }
    }
}

/// What the stored name of an SSN begins with.
pub(super) const BLIND: &str = "ssn|";
/// What sets its blind index apart from others'.
pub(super) const BLIND_KIND: &str = "import_ssn";
/// And that of a hash.
pub(super) const HASH_KIND: &str = "import";

pub(super) fn blind(cipher: &TenantCipher, name: &Name) -> Name {
    match ssn_digits(name) {
        Some(digits) => Name::new(
            name.resource_type.clone(),
            format!("{BLIND}{}", cipher.lasting_index(BLIND_KIND, &digits)),
        ),
        None => name.clone(),
    }
}

/// How the name was stored under each data key before the one in use. None, unless it is an SSN.
pub(super) fn blind_before(cipher: &TenantCipher, name: &Name) -> Vec<String> {
    let formers = ssn_digits(name).map(|digits| cipher.lasting_formers(BLIND_KIND, &digits));
    let formers = formers.unwrap_or_default().into_iter();
    formers.map(|index| format!("{BLIND}{index}")).collect()
}

fn ssn_digits(name: &Name) -> Option<String> {
    let (_, number) = name
        .id
        .split_once('|')
        .filter(|(system, _)| is_ssn_system(system))?;
    Some(number.chars().filter(char::is_ascii_digit).collect())
}
