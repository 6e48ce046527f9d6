//! What of a resource nothing here reads: it stays in the resource as it came, and the report says so.
//!
//! Each kind names the elements that its entry is made of; whatever else a resource has is named, by its path and never by its
//! value. An element that says nothing of the patient (an id, a language, when it was sent) is no loss.

use serde_json::Value;

use super::super::elements::text;
use super::codes::{self, Category};

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
    "note",
];
const IMMUNIZATION: &[&str] = &[
    "status",
    "statusReason",
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
    "note",
];
const PRESSURE: &[&str] = &[
    "status",
    "category",
    "code",
    "effectiveDateTime",
    "effectiveInstant",
    "effectivePeriod",
    "component",
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
];

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
        // An extension's URL may be anything; that there are some is said.
        .map(|name| format!("/{name}"))
        .collect();
    (!unread.is_empty()).then(|| unread.join(", "))
}

fn observation(value: &Value) -> &'static [&'static str] {
    match codes::category(value) {
        Category::Vital if value.pointer("/valueQuantity").is_some() => VITAL,
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
        let plan = json!({"resourceType": "CarePlan", "intent": "plan", "status": "active", "subject": {}});
        assert_eq!(of(&plan), None);
    }
}
