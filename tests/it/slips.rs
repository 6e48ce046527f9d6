//! Slips of clients that were taken for what they say, found by machines that make them by the thousand: each is refused by name.

use axum::http::Method;
use platform::access::Role;
use serde_json::json;

use crate::support::{Chart, TestTenant};

#[tokio::test]
async fn a_day_or_an_instant_nobody_means_is_refused_wherever_it_stands() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let doctor = &chart.doctor;
    for day in ["0000-01-01", "1849-12-31", "2200-01-01", "9999-12-31"] {
        doctor
            .post(
                chart.fill("/api/v1/patients/{patient_id}/goals"),
                json!({ "description": "Walk 5 km", "starts_on": day }),
            )
            .await
            .expect_problem(422, "validation_failed");
        doctor
            .get(chart.fill(&format!(
                "/api/v1/patients/{{patient_id}}/chart?as_of={day}"
            )))
            .await
            .expect_problem(400, "invalid_parameter");
    }
    let path = chart.fill("/api/v1/patients/{patient_id}/chart");
    assert_eq!(doctor.get(path).await.status, 200);
}

#[tokio::test]
async fn a_search_in_another_encoding_is_refused_and_does_not_find_nobody() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    for query in ["name=Garc%EDa", "family=%00", "name=a&name=b"] {
        admin
            .get(format!("/api/v1/patients?{query}"))
            .await
            .expect_problem(400, "invalid_parameter");
    }
}

#[tokio::test]
async fn a_patch_that_changes_nothing_is_refused_and_no_version_is_spent_on_it() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let admin = clinic.user(Role::Admin).await;
    let path = chart.fill("/api/v1/patients/{patient_id}");
    let before = admin.get(path.clone()).await.json()["version"].clone();
    admin
        .send(
            Method::PATCH,
            &path,
            &[("if-match", &format!("\"{before}\""))],
            Some("{}".to_owned()),
        )
        .await
        .expect_problem(422, "validation_failed");
    assert_eq!(admin.get(path).await.json()["version"], before);
}

#[tokio::test]
async fn the_front_desk_and_billing_neither_read_nor_write_what_is_clinical_of_a_registration() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let path = chart.fill("/api/v1/patients/{patient_id}");
    let admin = clinic.user(Role::Admin).await;
    let shown = admin.get(path.clone()).await.json();
    let etag = format!("\"{}\"", shown["version"]);
    let risks = json!({ "blood_type": "O+", "risk_factors": [{ "description": "Father had a heart attack at 48" }] });
    admin
        .send(
            Method::PATCH,
            &path,
            &[("if-match", &etag)],
            Some(risks.to_string()),
        )
        .await
        .expect(200);
    for role in [Role::Staff, Role::Billing] {
        let shown = clinic.user(role).await.get(path.clone()).await.json();
        for field in ["blood_type", "risk_factors", "health_goals"] {
            assert!(shown.get(field).is_none(), "{role:?} reads {field}");
        }
    }
    let staff = clinic.user(Role::Staff).await;
    let etag = format!("\"{}\"", staff.get(path.clone()).await.json()["version"]);
    let reply = staff
        .send(
            Method::PATCH,
            &path,
            &[("if-match", &etag)],
            Some(risks.to_string()),
        )
        .await;
    assert_eq!(reply.status, 422);
    assert_eq!(reply.pointers(), ["/blood_type", "/risk_factors"]);
    let language = json!({ "language": "fr" });
    staff
        .send(
            Method::PATCH,
            &path,
            &[("if-match", &etag)],
            Some(language.to_string()),
        )
        .await
        .expect(200);
    let kept = admin.get(path).await.json();
    assert_eq!(kept["blood_type"], "O+", "what staff can't see stays");
}
