//! The organisation's settings, and what they decide.

use axum::http::Method;
use platform::access::Role;
use serde_json::json;

use crate::support::{Chart, Reply, TestTenant};

#[tokio::test]
async fn settings_are_the_admins_to_change() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let tenant = admin.get("/api/v1/tenant").await;
    assert_eq!(tenant.headers["etag"], "\"1\"");
    assert_eq!(tenant.expect(200)["chart_access"], "care_team");
    admin
        .patch("/api/v1/tenant", 1, json!({ "time_zone": "Mars/Olympus" }))
        .await
        .expect_problem(422, "validation_failed");
    admin
        .patch("/api/v1/tenant", 1, json!({ "session_hours": 48 }))
        .await
        .expect_problem(422, "validation_failed");
    let changed = admin
        .patch(
            "/api/v1/tenant",
            1,
            json!({ "time_zone": "America/Chicago" }),
        )
        .await
        .expect(200);
    assert_eq!(changed["time_zone"], "America/Chicago");
}

#[tokio::test]
async fn chart_access_decides_what_a_provider_sees() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let admin = clinic.user(Role::Admin).await;
    let stranger = clinic.user(Role::Provider).await;
    let path = format!("/api/v1/patients/{}", chart.patient);
    stranger.get(&path).await.expect_problem(404, "not_found");

    admin
        .patch("/api/v1/tenant", 1, json!({ "chart_access": "facility" }))
        .await
        .expect(200);
    stranger.get(&path).await.expect_problem(404, "not_found");
    let assignment = chart.localise(json!({ "department_id": "x" }));
    admin
        .post(
            format!("/api/v1/users/{}/assignments", stranger.user_id),
            assignment,
        )
        .await
        .expect(201);
    stranger.get(&path).await.expect(200);

    let elsewhere = clinic.user(Role::Nurse).await;
    elsewhere.get(&path).await.expect_problem(404, "not_found");
    admin
        .patch(
            "/api/v1/tenant",
            2,
            json!({ "chart_access": "organization" }),
        )
        .await
        .expect(200);
    elsewhere.get(&path).await.expect(200);
}

#[tokio::test]
async fn a_suspended_tenant_logs_nobody_in_and_its_tokens_stop() {
    let clinic = TestTenant::new().await;
    let nurse = clinic.user(Role::Nurse).await;
    identity::tenants::suspend(&clinic.app, &clinic.slug)
        .await
        .expect("it is suspended");
    nurse
        .get("/api/v1/me")
        .await
        .expect_problem(401, "token_invalid");
    let body = json!({ "tenant": clinic.slug, "email": nurse.email, "password": crate::support::PASSWORD });
    clinic
        .nobody()
        .post("/api/v1/auth/login", body)
        .await
        .expect_problem(401, "credentials_invalid");
    identity::tenants::reactivate(&clinic.app, &clinic.slug)
        .await
        .expect("it is active");
    clinic.log_in(&nurse.email).await;
}

#[tokio::test]
async fn a_facility_is_found_by_the_words_of_its_name_or_by_its_code() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    for (code, name) in [
        ("ONE", "St. Mary's Ärzte-Haus"),
        ("TWO", "Summary Clinic"),
        ("THREE", "Mary Street"),
    ] {
        let place = json!({ "code": code, "name": name, "time_zone": "Europe/Berlin" });
        admin.post("/api/v1/facilities", place).await.expect(201);
    }
    for (query, found) in [
        ("name=mary", vec!["THREE", "ONE"]),
        ("name=MARYS%20arzt", vec!["ONE"]),
        ("name=haus", vec!["ONE"]),
        ("name=mary&code=THREE", vec!["THREE"]),
        ("code=two", vec![]),
    ] {
        let page = admin.get(format!("/api/v1/facilities?{query}")).await;
        let page = page.expect(200);
        let codes: Vec<&str> = page["items"]
            .as_array()
            .expect("items")
            .iter()
            .filter_map(|one| one["code"].as_str())
            .collect();
        assert_eq!(codes, found, "{query}");
    }
    admin
        .get("/api/v1/facilities?name=--")
        .await
        .expect_problem(400, "invalid_parameter");
}

#[tokio::test]
async fn a_provider_is_told_which_provider_he_is() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let doctor = clinic.user(Role::Provider).await;
    let me = doctor.get("/api/v1/me").await.expect(200);
    assert!(me["provider_id"].is_null(), "{me}");
    let provider =
        json!({ "user_id": doctor.user_id, "given_name": "Ada", "family_name": "Lovelace" });
    let provider = admin.post("/api/v1/providers", provider).await.expect(201);
    let me = doctor.get("/api/v1/me").await.expect(200);
    assert_eq!(me["provider_id"], provider["id"]);
}

#[tokio::test]
async fn the_etag_of_ones_own_account_tells_every_change_of_what_it_shows() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let doctor = clinic.user(Role::Provider).await;
    let tag = |reply: &Reply| {
        let tag = reply.headers["etag"].to_str().expect("text");
        tag.to_owned()
    };
    let before = doctor.get("/api/v1/me").await;
    assert_eq!(tag(&before), tag(&doctor.get("/api/v1/me").await));
    let provider =
        json!({ "user_id": doctor.user_id, "given_name": "Ada", "family_name": "Lovelace" });
    admin.post("/api/v1/providers", provider).await.expect(201);
    let linked = doctor.get("/api/v1/me").await;
    assert_ne!(tag(&linked), tag(&before));
    let renamed = admin.get("/api/v1/tenant").await.expect(200);
    let version = renamed["version"].as_i64().expect("a version");
    admin
        .patch("/api/v1/tenant", version, json!({ "name": "Another name" }))
        .await
        .expect(200);
    let told = doctor.get("/api/v1/me").await;
    assert_ne!(tag(&told), tag(&linked));
    // Whatever the caller says he has, he is told what is.
    for known in [tag(&before), tag(&told)] {
        let known = [("if-none-match", known.as_str())];
        let me = doctor.send(Method::GET, "/api/v1/me", &known, None).await;
        assert_eq!(me.expect(200), told.json());
    }
}
