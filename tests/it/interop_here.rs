//! Import of patients and encounters that somebody here has gone on with: what was changed here stays, and the report says so.

use platform::access::Role;
use serde_json::{Value, json};

use crate::interop::{Files, encounter, patient, run};
use crate::interop_entries::only_patient;
use crate::interop_follow::settled;
use crate::support::{Caller, TestTenant};

fn organization() -> Value {
    json!({ "resourceType": "Organization", "id": "o", "name": "Hospital", "identifier": [{ "system": "urn:places", "value": "7" }] })
}

async fn only_visit(admin: &Caller, patient: &str) -> Value {
    let visits = admin
        .get(format!("/api/v1/patients/{patient}/encounters"))
        .await
        .expect(200);
    assert_eq!(visits["items"].as_array().map(Vec::len), Some(1));
    visits["items"][0].clone()
}

#[tokio::test]
async fn a_visit_that_was_held_here_stays_held_when_its_source_still_plans_it() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let files = Files::new();
    let mut visit = encounter("e1", "Patient/p1");
    visit["status"] = json!("planned");
    files.lines("record.ndjson", &[patient("p1"), visit.clone()]);
    run(&clinic, &files.0).await;
    let id = only_patient(&admin).await;
    let before = only_visit(&admin, &id).await;
    assert_eq!(before["status"], "scheduled", "{before}");
    let path = format!(
        "/api/v1/patients/{id}/encounters/{}",
        before["id"].as_str().expect("an id")
    );
    admin.act(format!("{path}/start")).await.expect(200);
    admin
        .post(
            format!("{path}/complete"),
            json!({ "disposition": "Sent home" }),
        )
        .await
        .expect(200);
    let held = admin.get(&path).await.expect(200);
    assert!(held["actual_end"].is_string(), "{held}");

    // The source is as it was; what it refers to has come.
    files.lines("places.ndjson", &[organization()]);
    let report = run(&clinic, &files.0).await;
    assert_eq!(report.failed(), 0, "{report}");
    let now = admin.get(&path).await.expect(200);
    for column in ["status", "actual_start", "actual_end", "disposition"] {
        assert_eq!(now[column], held[column], "{column}: {now}");
    }
    assert!(now["facility_id"].is_string(), "{now}");

    visit["reasonCode"] = json!([{ "text": "Cough" }]);
    files.lines("record.ndjson", &[patient("p1"), visit]);
    let report = settled(&clinic, &files, 1).await;
    let now = admin.get(&path).await.expect(200);
    for column in ["status", "actual_start", "actual_end"] {
        assert_eq!(now[column], held[column], "{column}: {now}");
    }
    assert_eq!(now["chief_complaint"], "Cough", "{now}");
    assert_eq!(report.kept.len(), 1, "{report}");
    assert!(report.kept[0].reason.ends_with(": status"), "{report}");
}

#[tokio::test]
async fn what_was_corrected_of_a_patient_stays_and_what_is_new_comes() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let files = Files::new();
    let mut source = patient("p1");
    files.lines("record.ndjson", &[source.clone()]);
    run(&clinic, &files.0).await;
    let id = only_patient(&admin).await;
    let path = format!("/api/v1/patients/{id}");
    let version = async || {
        admin.get(&path).await.expect(200)["version"]
            .as_i64()
            .expect("a version")
    };
    admin
        .patch(
            &path,
            version().await,
            json!({ "birth_date": "1971-05-04", "telecoms": [{ "system": "email", "value": "aleta@example.org" }] }),
        )
        .await
        .expect(200);

    source["telecom"]
        .as_array_mut()
        .expect("a list")
        .push(json!({ "system": "phone", "value": "555-712-0000", "use": "mobile" }));
    source["maritalStatus"] = json!({ "coding": [{ "code": "M" }] });
    files.lines("record.ndjson", &[source.clone()]);
    let report = settled(&clinic, &files, 1).await;
    let now = admin.get(&path).await.expect(200);
    assert_eq!(now["birth_date"], "1971-05-04", "{now}");
    assert_eq!(now["marital_status"], "married", "{now}");
    let reached: Vec<&str> = now["telecoms"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|one| one["value"].as_str())
        .collect();
    assert_eq!(
        reached.len(),
        2,
        "the number that was taken out stays out: {now}"
    );
    assert!(reached.contains(&"aleta@example.org"), "{now}");
    assert_eq!(report.kept.len(), 1, "{report}");
    assert!(
        report.kept[0].reason.ends_with(": birth_date, telecoms"),
        "{report}"
    );

    // Nobody has changed the name here: it follows.
    source["name"][0]["family"] = json!("Wintheiser-Roe");
    files.lines("record.ndjson", &[source]);
    settled(&clinic, &files, 1).await;
    let now = admin.get(&path).await.expect(200);
    assert_eq!(now["names"][0]["family"], "Wintheiser-Roe", "{now}");
    assert_eq!(now["birth_date"], "1971-05-04", "{now}");
}

#[tokio::test]
async fn news_of_a_merged_registration_goes_to_its_survivor() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let files = Files::new();
    let mut source = patient("p1");
    files.lines("record.ndjson", &[source.clone()]);
    run(&clinic, &files.0).await;
    let merged = only_patient(&admin).await;
    let survivor = clinic.patient(&admin).await;
    let path = format!("/api/v1/patients/{survivor}");
    admin
        .post(
            format!("{path}/merge"),
            json!({ "duplicate_id": merged, "reason": "The same passport" }),
        )
        .await
        .expect(200);
    let before = admin.get(&path).await.expect(200);

    source["telecom"]
        .as_array_mut()
        .expect("a list")
        .push(json!({ "system": "phone", "value": "555-712-0000", "use": "mobile" }));
    source["deceasedDateTime"] = json!("2024-05-06");
    source["name"][0]["family"] = json!("Wintheiser-Roe");
    files.lines("record.ndjson", &[source]);
    let report = settled(&clinic, &files, 1).await;
    assert_eq!(report.kept.len(), 1, "{report}");
    assert!(report.kept[0].reason.contains("merged here"), "{report}");
    let now = admin.get(&path).await.expect(200);
    assert_eq!(
        (&now["status"], &now["deceased_on"]),
        (&json!("deceased"), &json!("2024-05-06")),
        "{now}"
    );
    assert_eq!(now["names"], before["names"]);
    let numbers = |one: &Value| one["telecoms"].as_array().map_or(0, Vec::len);
    assert_eq!(numbers(&now), numbers(&before) + 1, "{now}");
}
