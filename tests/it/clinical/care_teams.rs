//! Who cares for a patient may open the chart, as long as he does.

use platform::access::Role;
use serde_json::json;

use crate::support::TestTenant;

#[tokio::test]
async fn joining_the_team_opens_the_chart_and_leaving_closes_it() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let provider = clinic.user(Role::Provider).await;
    let patient = clinic.patient(&admin).await;
    let chart = format!("/api/v1/patients/{patient}");
    let team = format!("{chart}/care-team");
    provider.get(&chart).await.expect_problem(404, "not_found");
    let member = admin
        .post(
            &team,
            json!({ "user_id": provider.user_id, "role": "consulting" }),
        )
        .await
        .expect(201);
    provider.get(&chart).await.expect(200);
    admin
        .post(
            &team,
            json!({ "user_id": provider.user_id, "role": "consulting" }),
        )
        .await
        .expect_problem(409, "already_member");
    let end = format!("{team}/{}/end", member["id"].as_str().expect("an id"));
    admin.act(&end).await.expect(200);
    provider.get(&chart).await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn a_provider_can_not_put_himself_on_a_strangers_team() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let provider = clinic.user(Role::Provider).await;
    let patient = clinic.patient(&admin).await;
    let body = json!({ "user_id": provider.user_id, "role": "consulting" });
    provider
        .post(format!("/api/v1/patients/{patient}/care-team"), body)
        .await
        .expect_problem(404, "not_found");
}

#[tokio::test]
async fn another_tenants_user_can_not_join() {
    let clinic = TestTenant::new().await;
    let other = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let stranger = other.user(Role::Provider).await;
    let patient = clinic.patient(&admin).await;
    let team = format!("/api/v1/patients/{patient}/care-team");
    let foreign = admin
        .post(
            &team,
            json!({ "user_id": stranger.user_id, "role": "consulting" }),
        )
        .await;
    let absent = admin
        .post(
            &team,
            json!({ "user_id": kernel::ids::mint(), "role": "consulting" }),
        )
        .await;
    assert_eq!(
        foreign.status, absent.status,
        "{} {}",
        foreign.text, absent.text
    );
    assert_eq!(foreign.json()["errors"], absent.json()["errors"]);
    assert_eq!(foreign.status, 422);
}

#[tokio::test]
async fn who_registers_a_patient_is_on_his_team() {
    let clinic = TestTenant::new().await;
    let nurse = clinic.user(Role::Nurse).await;
    let patient = clinic.patient(&nurse).await;
    nurse
        .get(format!("/api/v1/patients/{patient}"))
        .await
        .expect(200);
    let found = nurse.get("/api/v1/patients").await.expect(200);
    assert_eq!(found["items"].as_array().map(Vec::len), Some(1), "{found}");
    let colleague = clinic.user(Role::Nurse).await;
    let found = colleague.get("/api/v1/patients").await.expect(200);
    assert_eq!(found["items"].as_array().map(Vec::len), Some(0), "{found}");
}
