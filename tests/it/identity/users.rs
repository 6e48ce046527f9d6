//! Accounts: invited, changed, suspended, retired, by an admin.

use platform::access::Role;
use serde_json::json;

use crate::support::TestTenant;

fn invitation(email: &str) -> serde_json::Value {
    json!({ "email": email, "given_name": "Ada", "family_name": "Okafor", "role": "nurse" })
}

#[tokio::test]
async fn an_invited_user_sets_a_password_once_and_logs_in() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let invited = admin
        .post("/api/v1/users", invitation("ada@clinic.test"))
        .await
        .expect(201);
    let link = invited["set_password_link"]
        .as_str()
        .unwrap_or_else(|| panic!("no link in {invited}"));
    let token = link.rsplit(['=', '/', '#']).next().expect("a token");
    let set = |password: &str| {
        let (nobody, body) = (
            clinic.nobody(),
            json!({ "token": token, "new_password": password }),
        );
        async move { nobody.post("/api/v1/auth/set-password", body).await }
    };
    assert_eq!(set("short").await.status, 422);
    let done = set("seven otters juggling").await;
    assert!(done.status.is_success(), "{}", done.text);
    set("seven otters juggling again")
        .await
        .expect_problem(422, "token_used_or_expired");
    let body = json!({ "tenant": clinic.slug, "email": "ADA@clinic.test", "password": "seven otters juggling" });
    clinic
        .nobody()
        .post("/api/v1/auth/login", body)
        .await
        .expect(200);
}

#[tokio::test]
async fn an_email_is_unique_in_its_tenant_and_free_in_another() {
    let clinic = TestTenant::new().await;
    let other = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    admin
        .post("/api/v1/users", invitation("ada@clinic.test"))
        .await
        .expect(201);
    admin
        .post("/api/v1/users", invitation("Ada@Clinic.Test"))
        .await
        .expect_problem(409, "email_taken");
    other
        .user(Role::Admin)
        .await
        .post("/api/v1/users", invitation("ada@clinic.test"))
        .await
        .expect(201);
}

#[tokio::test]
async fn the_last_admin_stays_and_nobody_demotes_himself() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let path = format!("/api/v1/users/{}", admin.user_id);
    admin
        .act(format!("{path}/suspend"))
        .await
        .expect_problem(409, "own_account");
    admin
        .post(format!("{path}/role"), json!({ "role": "nurse" }))
        .await
        .expect_problem(409, "own_account");
}

#[tokio::test]
async fn a_new_role_takes_effect_at_once() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let staff = clinic.user(Role::Staff).await;
    staff.get("/api/v1/patients").await.expect(200);
    admin
        .post(
            format!("/api/v1/users/{}/role", staff.user_id),
            json!({ "role": "billing" }),
        )
        .await
        .expect(200);
    staff
        .get("/api/v1/patients")
        .await
        .expect_problem(401, "token_invalid");
    let billing = staff.with_token(Some(clinic.log_in(&staff.email).await));
    assert_eq!(
        billing.get("/api/v1/me").await.expect(200)["role"],
        "billing"
    );
}
