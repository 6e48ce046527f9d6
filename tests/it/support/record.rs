//! One of each entry of a clinical record, for a chart.

use serde_json::{Value, json};

use super::Caller;

/// Records one of each as the doctor; returns the names by which paths know them, and their ids. Nothing of it stands in the
/// way of the examples of the API document.
pub async fn record_one_of_each(
    doctor: &Caller,
    patient: &str,
    encounter: &str,
) -> Vec<(&'static str, String)> {
    let chart = format!("/api/v1/patients/{patient}");
    let entries = [
        (
            "problem_id",
            "problems".to_owned(),
            json!({ "icd10cm": "J45.909" }),
        ),
        (
            "diagnosis_id",
            format!("encounters/{encounter}/diagnoses"),
            json!({ "icd10cm": "R07.9", "rank": 1 }),
        ),
        (
            "allergy_id",
            "allergies".to_owned(),
            json!({ "substance": { "kind": "environment", "text": "Birch pollen" } }),
        ),
        (
            "statement_id",
            "allergy-statements".to_owned(),
            json!({ "statement": "no_known_drug_allergies" }),
        ),
        (
            "procedure_id",
            "procedures".to_owned(),
            json!({ "system": "hcpcs", "code": "G0439", "performed_on": "2025-11", "encounter_id": encounter }),
        ),
        (
            "immunization_id",
            "immunizations".to_owned(),
            json!({ "cvx": "03", "occurred_on": "1971", "source": "patient_recall" }),
        ),
    ];
    let mut ids = Vec::new();
    for (name, place, body) in entries {
        let made = doctor
            .post(format!("{chart}/{place}"), body)
            .await
            .expect(201);
        ids.push((name, id(&made)));
    }
    // A statement that stands would deny the example of an allergy.
    let statement = &ids[3].1;
    doctor
        .post(
            format!("{chart}/allergy-statements/{statement}/withdraw"),
            json!({ "reason": "Asked again" }),
        )
        .await
        .expect(200);
    ids
}

/// The id of what was made.
pub fn id(made: &Value) -> String {
    made["id"].as_str().expect("an id").to_owned()
}
