//! Whatever has no table of its own yet: whose it is, in which encounter, and when.

use chrono_tz::Tz;
use kernel::ids::{EncounterId, PatientId, mint};

use super::dates;
use super::elements::list;
use super::reference::Name;
use super::resource::{Resource, digest};
use super::store::Kept;

/// Where resources name their patient, most of them first.
const PATIENT: [&str; 6] = [
    "/subject",
    "/patient",
    "/beneficiary",
    "/individual",
    "/for",
    "/actor",
];

/// Where they name their encounter. `context` is a reference in some and a group of elements in others.
const ENCOUNTER: [&str; 3] = ["/encounter", "/context", "/context/encounter"];

/// What a resource refers to.
pub(super) struct Links {
    pub patient: Option<Name>,
    pub encounter: Option<Name>,
}

pub(super) fn links(resource: &Resource) -> Links {
    Links {
        patient: patient(resource),
        encounter: encounter(resource),
    }
}

fn patient(resource: &Resource) -> Option<Name> {
    first(resource, &PATIENT, "Patient").or_else(|| {
        // An appointment's patient is one of those who take part.
        let mut actors = list(&resource.value, "/participant")
            .iter()
            .filter_map(|participant| participant.pointer("/actor"));
        actors.find_map(|actor| resource.scope.resolve(actor, "Patient", &resource.value))
    })
}

fn encounter(resource: &Resource) -> Option<Name> {
    first(resource, &ENCOUNTER, "Encounter").or_else(|| {
        // A claim's items name it each for itself.
        let mut items = list(&resource.value, "/item")
            .iter()
            .flat_map(|item| list(item, "/encounter"));
        items.find_map(|reference| {
            resource
                .scope
                .resolve(reference, "Encounter", &resource.value)
        })
    })
}

fn first(resource: &Resource, places: &[&str], wanted: &str) -> Option<Name> {
    let references = places.iter().flat_map(|place| list(&resource.value, place));
    references
        .filter(|reference| reference.is_object())
        .find_map(|reference| resource.scope.resolve(reference, wanted, &resource.value))
}

/// The hash by which a changed resource, or one that now finds what it refers to, is told from an unchanged one.
pub(super) fn hash(
    resource: &Resource,
    patient: Option<PatientId>,
    encounter: Option<EncounterId>,
) -> Vec<u8> {
    let bytes = |id: Option<uuid::Uuid>| id.map(uuid::Uuid::into_bytes).unwrap_or_default();
    let patient = bytes(patient.map(Into::into));
    let encounter = bytes(encounter.map(Into::into));
    digest(&[resource.content.as_bytes(), &patient, &encounter])
}

/// The row.
pub(super) fn row(
    resource: &Resource,
    name: Name,
    patient: Option<PatientId>,
    encounter: Option<EncounterId>,
    zone: Tz,
) -> Kept {
    Kept {
        id: mint(),
        name,
        patient,
        encounter,
        effective_at: dates::own(&resource.value, zone),
        content: resource.content.clone(),
        hash: hash(resource, patient, encounter),
        judgement: None,
        joined: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;
    use serde_json::{Value, json};

    fn linked(value: &Value) -> (Option<String>, Option<String>) {
        let links = links(&samples::resource(value));
        (
            links.patient.map(|name| name.to_string()),
            links.encounter.map(|name| name.to_string()),
        )
    }

    #[test]
    fn a_resource_is_linked_however_its_kind_names_patient_and_encounter() {
        let (patient, encounter) = (Some("Patient/p".to_owned()), Some("Encounter/e".to_owned()));
        let p = json!({"reference": "Patient/p"});
        let e = json!({"reference": "Encounter/e"});
        for value in [
            json!({"resourceType": "Observation", "id": "1", "subject": p, "encounter": e}),
            json!({"resourceType": "Claim", "id": "1", "patient": p, "item": [{"sequence": 1}, {"encounter": [e]}]}),
            json!({"resourceType": "MedicationAdministration", "id": "1", "subject": p, "context": e}),
            json!({"resourceType": "DocumentReference", "id": "1", "subject": p, "context": {"encounter": [e]}}),
        ] {
            assert_eq!(
                linked(&value),
                (patient.clone(), encounter.clone()),
                "{value}"
            );
        }
        assert_eq!(
            linked(&json!({"resourceType": "Coverage", "id": "1", "beneficiary": p})),
            (patient.clone(), None)
        );
        assert_eq!(
            linked(
                &json!({"resourceType": "Appointment", "id": "1", "participant": [
                {"actor": {"reference": "Practitioner/d"}}, {"actor": p}]})
            ),
            (patient, None)
        );
        assert_eq!(
            linked(
                &json!({"resourceType": "Observation", "id": "1", "subject": {"reference": "Group/g"}})
            ),
            (None, None)
        );
        assert_eq!(
            linked(&json!({"resourceType": "Location", "id": "1"})),
            (None, None)
        );
    }

    #[test]
    fn finding_what_it_refers_to_changes_the_hash() {
        let resource = samples::resource(&json!({"resourceType": "Observation", "id": "1"}));
        let patient = Some(PatientId::new());
        assert_ne!(
            hash(&resource, patient, None),
            hash(&resource, patient, Some(EncounterId::new()))
        );
        assert_eq!(
            hash(&resource, patient, None),
            hash(&resource, patient, None)
        );
    }
}
