//! An entry can be read as it stood at any time.

use serde_json::json;

use crate::support::{Chart, TestTenant};

fn now(clinic: &TestTenant) -> String {
    clinic
        .clock
        .now()
        .format("%Y-%m-%dT%H:%M:%S%.6fZ")
        .to_string()
}

#[tokio::test]
async fn an_entry_is_shown_as_it_stood_before_it_was_amended() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    for (path, change) in [
        ("problems/{problem_id}", json!({ "note": "Changed" })),
        ("allergies/{allergy_id}", json!({ "note": "Changed" })),
        ("procedures/{procedure_id}", json!({ "note": "Changed" })),
        (
            "immunizations/{immunization_id}",
            json!({ "note": "Changed" }),
        ),
    ] {
        let place = chart.fill(&format!("/api/v1/patients/{{patient_id}}/{path}"));
        let before = chart.doctor.get(&place).await.expect(200);
        let then = now(&clinic);
        let after = chart.doctor.patch(&place, 1, change).await.expect(200);
        let shown = chart.doctor.get(format!("{place}?as_of={then}")).await;
        assert_eq!(shown.headers["etag"], "\"1\"", "{path}");
        assert_eq!(shown.expect(200), before, "{path}");
        let latest = format!("{place}?as_of={}", now(&clinic));
        assert_eq!(chart.doctor.get(latest).await.expect(200), after, "{path}");
    }
}

#[tokio::test]
async fn an_encounter_is_shown_as_it_stood_before_it_was_amended() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let place = chart.fill("/api/v1/patients/{patient_id}/encounters/{encounter_id}");
    let then = now(&clinic);
    let change = json!({ "chief_complaint": "Cough" });
    chart.doctor.patch(&place, 1, change).await.expect(200);
    let shown = chart
        .doctor
        .get(format!("{place}?as_of={then}"))
        .await
        .expect(200);
    assert!(
        shown
            .get("chief_complaint")
            .is_none_or(serde_json::Value::is_null)
    );
    assert_eq!(shown["version"], 1);
}

#[tokio::test]
async fn before_it_was_recorded_there_is_no_entry() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let place = chart.fill("/api/v1/patients/{patient_id}/problems/{problem_id}");
    chart
        .doctor
        .get(format!("{place}?as_of=2001-01-01"))
        .await
        .expect_problem(404, "not_found");
}

#[tokio::test]
async fn the_past_is_not_for_patients() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let place = chart.fill("/api/v1/patients/{patient_id}/problems/{problem_id}");
    let then = now(&clinic);
    chart
        .portal_user
        .get(format!("{place}?as_of={then}"))
        .await
        .expect_problem(403, "forbidden");
}

#[tokio::test]
async fn where_the_past_is_not_told_asking_for_it_is_an_error() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    for path in [
        "/api/v1/notes/{note_id}",
        "/api/v1/documents/{document_id}",
        "/api/v1/patients/{patient_id}/vitals/{vitals_id}",
    ] {
        let place = format!("{}?as_of=2024-01-01", chart.fill(path));
        chart
            .doctor
            .get(place)
            .await
            .expect_problem(400, "unknown_parameter");
    }
}
