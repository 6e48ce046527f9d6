//! Providers and their credentials.

use platform::access::Role;
use serde_json::json;

use crate::support::TestTenant;

#[tokio::test]
async fn an_npi_has_a_right_check_digit_and_one_owner() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let provider = |npi: &str| json!({ "given_name": "Ada", "family_name": "Okafor", "npi": npi });
    let reply = admin
        .post("/api/v1/providers", provider("1234567890"))
        .await;
    assert_eq!(reply.pointers(), ["/npi"], "{}", reply.text);
    admin
        .post("/api/v1/providers", provider("1234567893"))
        .await
        .expect(201);
    admin
        .post("/api/v1/providers", provider("1234567893"))
        .await
        .expect_problem(409, "npi_taken");
}

#[tokio::test]
async fn licences_that_end_soon_are_listed_soonest_first() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let provider = admin
        .post(
            "/api/v1/providers",
            json!({ "given_name": "Ada", "family_name": "Okafor" }),
        )
        .await
        .expect(201);
    let path = format!(
        "/api/v1/providers/{}/licenses",
        provider["id"].as_str().expect("an id")
    );
    let today = clinic.clock.now().date_naive();
    for (number, days) in [("late", 300), ("soon", 20), ("sooner", 10)] {
        let ends = today + chrono::TimeDelta::days(days);
        admin
            .post(
                &path,
                json!({ "state": "NY", "number": number, "kind": "medical", "expires_on": ends }),
            )
            .await
            .expect(201);
    }
    let found = admin
        .get("/api/v1/providers/licenses/expiring?within_days=60")
        .await
        .expect(200);
    let numbers: Vec<_> = found["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|item| item["number"].clone())
        .collect();
    assert_eq!(numbers, ["sooner", "soon"], "{found}");
}

#[tokio::test]
async fn a_patient_finds_a_provider_but_not_his_licences() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let patient = clinic.user(Role::Patient).await;
    admin
        .post(
            "/api/v1/providers",
            json!({ "given_name": "Ada", "family_name": "Okafor", "npi": "1234567893" }),
        )
        .await
        .expect(201);
    let found = patient.get("/api/v1/directory/providers").await.expect(200);
    assert_eq!(found["items"].as_array().map(Vec::len), Some(1), "{found}");
    assert!(!found.to_string().contains("1234567893"));
    patient
        .get("/api/v1/providers/licenses/expiring")
        .await
        .expect_problem(403, "forbidden");
}
