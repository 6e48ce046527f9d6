//! What of a resource nothing here reads: it stays in the resource as it came, and the report says so.
//!
//! Each kind names the elements that its entry is made of; whatever else a resource has is named, by its path and never by its
//! value. An element that says nothing of the patient (an id, a language, when it was sent) is no loss.

use serde_json::Value;

use super::super::elements::{list, text};
use super::codes::{self, Category};
use super::panel;

/// Of the resource and not of the patient.
const BESIDE: [&str; 11] = [
    "resourceType",
    "id",
    "meta",
    "implicitRules",
    "language",
    "text",
    "contained",
    "identifier",
    "issued",
    "recorded",
    "intent",
];

/// Whose it is and where: what every kind is linked by.
const LINKS: [&str; 4] = ["subject", "patient", "encounter", "context"];

const CONDITION: &[&str] = &[
    "category",
    "clinicalStatus",
    "verificationStatus",
    "severity",
    "code",
    "bodySite",
    "stage",
    "onsetDateTime",
    "onsetPeriod",
    "onsetString",
    "onsetAge",
    "onsetRange",
    "abatementDateTime",
    "abatementPeriod",
    "abatementString",
    "abatementAge",
    "abatementRange",
    "recordedDate",
    "evidence",
    "note",
];
const ALLERGY: &[&str] = &[
    "type",
    "category",
    "criticality",
    "clinicalStatus",
    "verificationStatus",
    "code",
    "onsetDateTime",
    "onsetPeriod",
    "lastOccurrence",
    "recordedDate",
    "reaction",
    "note",
];
const PROCEDURE: &[&str] = &[
    "status",
    "statusReason",
    "code",
    "performedDateTime",
    "performedPeriod",
    "performedString",
    "performer",
    "location",
    "bodySite",
    "outcome",
    "complication",
    "reasonCode",
    "reasonReference",
    "focalDevice",
    "followUp",
    "note",
];
const IMMUNIZATION: &[&str] = &[
    "status",
    "statusReason",
    "notGiven",
    "wasNotGiven",
    "vaccineCode",
    "occurrenceDateTime",
    "primarySource",
    "reportOrigin",
    "manufacturer",
    "lotNumber",
    "expirationDate",
    "site",
    "route",
    "doseQuantity",
    "performer",
    "location",
    "protocolApplied",
    "education",
    "isSubpotent",
    "subpotentReason",
    "reasonCode",
    "reaction",
    "note",
];
const PRESSURE: &[&str] = &[
    "status",
    "category",
    "code",
    "effectiveDateTime",
    "effectiveInstant",
    "effectivePeriod",
    "bodySite",
    "note",
];
const VITAL: &[&str] = &[
    "status",
    "category",
    "code",
    "effectiveDateTime",
    "effectiveInstant",
    "effectivePeriod",
    "valueQuantity",
    "valueInteger",
    "bodySite",
    "note",
];
const SOCIAL: &[&str] = &[
    "status",
    "category",
    "code",
    "effectiveDateTime",
    "effectiveInstant",
    "effectivePeriod",
    "component",
    "valueCodeableConcept",
    "valueQuantity",
    "valueInteger",
    "valueBoolean",
    "valueString",
    "valueDateTime",
    "valueTime",
    "note",
];
const CARE_PLAN: &[&str] = &[
    "status",
    "title",
    "description",
    "category",
    "addresses",
    "goal",
    "period",
    "author",
    "activity",
    "note",
];
const GOAL: &[&str] = &[
    "lifecycleStatus",
    "achievementStatus",
    "priority",
    "description",
    "addresses",
    "startDate",
    "target",
    "expressedBy",
    "outcomeCode",
    "note",
];
const CARE_TEAM: &[&str] = &["status", "name", "period", "participant"];
const DOCUMENT: &[&str] = &[
    "status",
    "docStatus",
    "type",
    "category",
    "date",
    "author",
    "description",
    "content",
];
const REPORT: &[&str] = &[
    "status",
    "category",
    "code",
    "effectiveDateTime",
    "effectivePeriod",
    "performer",
    "presentedForm",
    "conclusion",
    "conclusionCode",
    "result",
];

const ENCOUNTER: &[&str] = &[
    "status",
    "class",
    "type",
    "reasonCode",
    "period",
    "participant",
    "serviceProvider",
    "hospitalization",
    "admission",
];
const PATIENT: &[&str] = &[
    "active",
    "name",
    "telecom",
    "gender",
    "birthDate",
    "deceasedBoolean",
    "deceasedDateTime",
    "address",
    "maritalStatus",
    "contact",
    "communication",
    "generalPractitioner",
    "managingOrganization",
];

/// What of a registration or a visit has no place here, as a sentence. These are not kept as they came: it stays at the source alone.
pub(in super::super) fn of_mapped(value: &Value) -> Option<String> {
    let is_patient = text(value, "/resourceType") == Some("Patient");
    let read = if is_patient { PATIENT } else { ENCOUNTER };
    let names = value.as_object()?.keys().map(String::as_str);
    let mut unread: Vec<String> = names
        .filter(|name| !BESIDE.contains(name) && !LINKS.contains(name) && !read.contains(name))
        .filter(|name| *name != "extension" || !is_patient || has_other_extensions(value))
        .map(|name| format!("/{name}"))
        .collect();
    for stay in ["hospitalization", "admission"] {
        let parts = value.get(stay).and_then(Value::as_object);
        let parts = parts.into_iter().flat_map(|parts| parts.keys());
        let parts = parts.filter(|name| *name != "dischargeDisposition");
        unread.extend(parts.map(|name| format!("/{stay}/{name}")));
    }
    let people = list(value, "/participant").iter();
    if people.filter_map(|one| one.get("individual")).count() > 1 {
        unread.push("/participant: more than one".to_owned());
    }
    (!unread.is_empty()).then(|| format!("imported without {}", unread.join(", ")))
}

fn has_other_extensions(patient: &Value) -> bool {
    list(patient, "/extension").iter().any(|one| {
        let url = text(one, "/url").unwrap_or_default();
        !super::super::patient_codes::EXTENSIONS
            .iter()
            .any(|name| url.ends_with(name))
    })
}

/// The elements that nothing reads, as a sentence; `None` where all are.
pub(in super::super) fn of(value: &Value) -> Option<String> {
    let read = match text(value, "/resourceType")? {
        "Condition" => CONDITION,
        "AllergyIntolerance" => ALLERGY,
        "Procedure" => PROCEDURE,
        "Immunization" => IMMUNIZATION,
        "Observation" => observation(value),
        "CarePlan" => CARE_PLAN,
        "Goal" => GOAL,
        "CareTeam" => CARE_TEAM,
        "DocumentReference" => DOCUMENT,
        "DiagnosticReport" => REPORT,
        _ => return None,
    };
    let elements = value.as_object()?.keys().map(String::as_str);
    let unread: Vec<String> = elements
        .filter(|name| !BESIDE.contains(name) && !LINKS.contains(name) && !read.contains(name))
        .filter(|name| *name != "component" || !panel::reads_components(value))
        // An extension's URL may be anything; that there are some is said.
        .map(|name| format!("/{name}"))
        .collect();
    (!unread.is_empty()).then(|| unread.join(", "))
}

fn observation(value: &Value) -> &'static [&'static str] {
    match codes::category(value) {
        Category::Vital
            if ["/valueQuantity", "/valueInteger"]
                .iter()
                .any(|place| value.pointer(place).is_some()) =>
        {
            VITAL
        }
        Category::Vital => PRESSURE,
        _ => SOCIAL,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_no_entry_is_made_of_is_named_by_its_path_and_not_by_its_value() {
        let vital = json!({"resourceType": "Observation", "id": "1", "status": "final", "meta": {}, "subject": {},
            "category": [{"coding": [{"code": "vital-signs"}]}], "code": {}, "valueQuantity": {}, "device": {"display": "Monitor 7"},
            "component": [{}], "effectiveDateTime": "2020-01-01"});
        assert_eq!(of(&vital).as_deref(), Some("/component, /device"));
        let visit = json!({"resourceType": "Encounter", "status": "finished", "length": {"value": 20}, "subject": {},
            "hospitalization": {"dischargeDisposition": {}, "admitSource": {}}, "participant": [{"individual": {}}, {"individual": {}}]});
        assert_eq!(
            of_mapped(&visit).as_deref(),
            Some(
                "imported without /length, /hospitalization/admitSource, /participant: more than one"
            )
        );
        let race = json!({"url": "http://hl7.org/fhir/us/core/StructureDefinition/us-core-race"});
        let mut person = json!({"resourceType": "Patient", "name": [{}], "extension": [race]});
        assert_eq!(of_mapped(&person), None);
        person["extension"][0]["url"] =
            json!("http://hl7.org/fhir/StructureDefinition/patient-birthPlace");
        assert_eq!(
            of_mapped(&person).as_deref(),
            Some("imported without /extension")
        );
        let plan = json!({"resourceType": "CarePlan", "intent": "plan", "status": "active", "subject": {}});
        assert_eq!(of(&plan), None);
    }
}
