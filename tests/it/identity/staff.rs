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

#[tokio::test]
async fn a_provider_has_several_specialties_and_is_found_by_each() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let patient = clinic.user(Role::Patient).await;
    let made = admin
        .post(
            "/api/v1/providers",
            json!({ "given_name": "Ada", "family_name": "Okafor",
                    "specialties": ["Pédiatrie", "Internal Medicine"], "subspecialties": ["Geriatric Medicine", "internal medicine"] }),
        )
        .await
        .expect(201);
    assert_eq!(
        made["specialties"],
        json!(["Pédiatrie", "Internal Medicine"])
    );
    admin
        .post(
            "/api/v1/providers",
            json!({ "given_name": "Ben", "family_name": "Adams", "specialties": ["Surgery"] }),
        )
        .await
        .expect(201);
    let found = async |specialty: &str| {
        let page = patient
            .get(format!("/api/v1/directory/providers?specialty={specialty}"))
            .await
            .expect(200);
        let names = page["items"].as_array().expect("items").iter();
        names
            .map(|row| row["name"].as_str().expect("a name").to_owned())
            .collect::<Vec<_>>()
    };
    for specialty in ["pediatrie", "INTERNAL%20MEDICINE", "geriatric%20medicine"] {
        assert_eq!(found(specialty).await, ["Ada Okafor"], "{specialty}");
    }
    assert_eq!(found("surgery").await, ["Ben Adams"]);
    assert!(
        found("medicine").await.is_empty(),
        "a part is not the whole"
    );

    let path = format!("/api/v1/providers/{}", made["id"].as_str().expect("an id"));
    admin
        .patch(&path, 1, json!({ "specialties": ["Surgery"] }))
        .await
        .expect(200);
    assert_eq!(found("surgery").await, ["Ben Adams", "Ada Okafor"]);
    assert!(found("pediatrie").await.is_empty());
    let reply = admin
        .patch(&path, 2, json!({ "specialties": ["Surgery", " "] }))
        .await;
    assert_eq!(reply.pointers(), ["/specialties/1"], "{}", reply.text);
}
