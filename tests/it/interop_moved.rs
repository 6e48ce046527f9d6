//! Import of what its source has found to be another patient's, and of sources that contradict what stands in a chart: nothing is left
//! in the wrong chart, and nothing milder hides what is worse.

use platform::access::Role;
use serde_json::{Value, json};

use crate::interop::{Files, encounter, patient, run};
use crate::interop_entries::{
    a_record, allergy, condition, items, of_the_visit, only_patient, snomed,
};
use crate::interop_follow::{settled, value};
use crate::support::{Caller, TestTenant};

/// Somebody who shares nothing with the patient of the record.
fn somebody_else(id: &str) -> Value {
    let mut person = patient(id);
    person["identifier"][0]["value"] = json!("900-11-2233");
    person["name"] = json!([{ "use": "official", "family": "Okafor", "given": ["Ada"] }]);
    person["birthDate"] = json!("1988-02-01");
    person["telecom"] = json!([]);
    person
}

fn letter() -> Value {
    of_the_visit(
        "DocumentReference",
        "d1",
        json!({ "status": "current", "date": "2019-02-03T10:00:00-05:00", "type": { "text": "Letter" },
            "content": [{ "attachment": { "contentType": "text/plain", "data": "SGVsbG8sIFdvcmxk" } }] }),
    )
}

async fn named(admin: &Caller, family: &str) -> String {
    let found = admin
        .get(format!("/api/v1/patients?family={family}"))
        .await
        .expect(200);
    found["items"][0]["id"].as_str().expect("an id").to_owned()
}

const KINDS: [&str; 7] = [
    "problems",
    "allergies",
    "procedures",
    "immunizations",
    "social-history",
    "care-plans",
    "documents",
];

#[tokio::test]
async fn what_is_another_patients_leaves_the_chart_it_was_entered_in_and_stands_in_his() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let files = Files::new();
    let mut record = a_record();
    record.push(letter());
    record.push(somebody_else("p2"));
    files.lines("record.ndjson", &record);
    run(&clinic, &files.0).await;
    let (wrong, right) = (only_patient(&admin).await, named(&admin, "Okafor").await);
    let kinds: Vec<&str> = {
        let mut standing = Vec::new();
        for kind in KINDS {
            if !items(&admin, &wrong, kind).await.is_empty() {
                standing.push(kind);
            }
        }
        standing
    };
    assert!(kinds.len() >= 6, "{kinds:?}");
    assert_eq!(items(&admin, &wrong, "vitals").await.len(), 1);

    // The whole visit was somebody else's, and so is all that was recorded in it.
    for resource in &mut record {
        for link in ["subject", "patient"] {
            let kind = resource["resourceType"].clone();
            if resource.get(link).is_some() && kind != "Encounter" {
                resource[link] = json!({ "reference": "Patient/p2" });
            }
        }
        if let Some(resource) = resource.as_object_mut() {
            resource.remove("encounter");
        }
    }
    files.lines("record.ndjson", &record);
    let report = run(&clinic, &files.0).await;
    assert_eq!(report.failed(), 0, "{report}");
    for kind in kinds {
        let left: Vec<Value> = items(&admin, &wrong, kind).await;
        let stand = left.iter().filter(|one| {
            one["status"] != "entered_in_error" && one["verification"] != "entered_in_error"
        });
        assert_eq!(stand.count(), 0, "{kind}: {left:?}");
        assert_eq!(
            items(&admin, &right, kind).await.len(),
            1,
            "{kind}: {report}"
        );
    }
    let sets = items(&admin, &wrong, "vitals").await;
    let stand = sets
        .iter()
        .flat_map(|set| set["readings"].as_array().into_iter().flatten());
    assert_eq!(
        stand
            .filter(|one| one["status"] != "entered_in_error")
            .count(),
        0,
        "{sets:?}"
    );
    assert!(!items(&admin, &right, "vitals").await.is_empty());
    let again = run(&clinic, &files.0).await.total();
    assert_eq!((again.created, again.updated), (0, 0));
}

#[tokio::test]
async fn what_somebody_here_has_gone_on_with_stays_where_it_is_and_the_report_says_so() {
    let clinic = TestTenant::new().await;
    let (admin, nurse) = (
        clinic.user(Role::Admin).await,
        clinic.user(Role::Nurse).await,
    );
    let files = Files::new();
    let mut record = vec![patient("p1"), somebody_else("p2"), allergy("a1")];
    files.lines("record.ndjson", &record);
    run(&clinic, &files.0).await;
    let wrong = only_patient(&admin).await;
    let team = json!({ "user_id": nurse.user_id, "role": "nurse" });
    admin
        .post(format!("/api/v1/patients/{wrong}/care-team"), team)
        .await
        .expect(201);
    let standing = items(&admin, &wrong, "allergies").await;
    let path = format!(
        "/api/v1/patients/{wrong}/allergies/{}",
        standing[0]["id"].as_str().expect("an id")
    );
    nurse
        .patch(path, 1, json!({ "note": "Asked her again" }))
        .await
        .expect(200);

    record[2]["patient"] = json!({ "reference": "Patient/p2" });
    files.lines("record.ndjson", &record);
    let report = run(&clinic, &files.0).await;
    assert!(
        report.to_string().contains("names another patient"),
        "{report}"
    );
    assert_eq!(items(&admin, &wrong, "allergies").await.len(), 1);
    let right = named(&admin, "Okafor").await;
    assert_eq!(items(&admin, &right, "allergies").await.len(), 1);
}

#[tokio::test]
async fn an_allergy_is_shown_whatever_statement_stood_before_it() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let files = Files::new();
    let mut none = allergy("a0");
    none["code"] = snomed("716186003", "No known allergy");
    none["recordedDate"] = json!("2012-03-04T09:00:00-05:00");
    files.lines("record.ndjson", &[patient("p1"), none]);
    run(&clinic, &files.0).await;
    let id = only_patient(&admin).await;
    let stated = items(&admin, &id, "allergy-statements").await;
    assert_eq!(stated[0]["stated_at"], "2012-03-04T14:00:00Z", "{stated:?}");

    files.lines("second.ndjson", &[allergy("a1")]);
    let report = run(&clinic, &files.0).await;
    assert_eq!(report.failed(), 0, "{report}");
    let summary = admin
        .get(format!("/api/v1/patients/{id}/allergy-summary"))
        .await
        .expect(200);
    assert_eq!(summary["state"], "known", "{summary}");
    assert!(items(&admin, &id, "allergy-statements").await.is_empty());
}

#[tokio::test]
async fn a_second_source_adds_what_is_worse_to_an_allergy_that_stands() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let files = Files::new();
    let mut mild = allergy("a0");
    mild["criticality"] = json!("low");
    mild["reaction"] = json!([{ "severity": "mild", "manifestation": [{ "text": "Hives" }] }]);
    let record = [patient("p1"), mild, allergy("a1")];
    files.lines("record.ndjson", &record);
    run(&clinic, &files.0).await;
    let id = only_patient(&admin).await;
    let standing = items(&admin, &id, "allergies").await;
    assert_eq!(standing.len(), 1, "{standing:?}");
    assert_eq!(
        (&standing[0]["criticality"], &standing[0]["severity"]),
        (&json!("high"), &json!("severe"))
    );
    assert_eq!(
        standing[0]["reactions"].as_array().map(Vec::len),
        Some(2),
        "{standing:?}"
    );
}

#[tokio::test]
async fn the_diagnosis_of_a_visit_follows_its_source_as_the_problem_does() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let files = Files::new();
    let mut record = vec![
        patient("p1"),
        encounter("e1", "Patient/p1"),
        condition("c1", "encounter-diagnosis"),
    ];
    files.lines("record.ndjson", &record);
    run(&clinic, &files.0).await;
    let id = only_patient(&admin).await;
    let visit = admin
        .get(format!("/api/v1/patients/{id}/encounters"))
        .await
        .expect(200);
    let visit = visit["items"][0]["id"].as_str().expect("an id").to_owned();
    let coded = async || {
        let page = admin
            .get(format!(
                "/api/v1/patients/{id}/encounters/{visit}/diagnoses"
            ))
            .await
            .expect(200);
        let items = page["items"].as_array().cloned().unwrap_or_default();
        let stand = items
            .iter()
            .filter(|one| one["status"] != "entered_in_error");
        stand
            .map(|one| one["snomed"].as_str().unwrap_or_default().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(coded().await, ["40055000"]);

    record[2]["code"] = snomed("38341003", "Hypertension");
    files.lines("record.ndjson", &record);
    settled(&clinic, &files, 1).await;
    assert_eq!(coded().await, ["38341003"]);

    record[2]["verificationStatus"] = json!({ "coding": [{ "code": "refuted" }] });
    files.lines("record.ndjson", &record);
    settled(&clinic, &files, 1).await;
    assert!(coded().await.is_empty());
}

#[tokio::test]
async fn an_id_that_comes_to_mean_somebody_else_does_not_overwrite_a_registration() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let files = Files::new();
    files.lines("record.ndjson", &[patient("p1")]);
    run(&clinic, &files.0).await;
    files.lines("record.ndjson", &[somebody_else("p1")]);
    let report = run(&clinic, &files.0).await;
    assert_eq!(report.failed(), 1, "{report}");
    assert!(report.to_string().contains("somebody else"), "{report}");
    only_patient(&admin).await;
}

#[tokio::test]
async fn what_an_unknown_extension_turns_around_is_not_entered() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let files = Files::new();
    let mut denied = allergy("a1");
    denied["modifierExtension"] = json!([{ "url": "urn:x:not", "valueBoolean": true }]);
    files.lines("record.ndjson", &[patient("p1"), denied]);
    let report = run(&clinic, &files.0).await;
    assert!(
        report.to_string().contains("/modifierExtension"),
        "{report}"
    );
    assert!(value(&admin, "allergies").await.is_empty());
}
