//! Accounts: invited, changed, suspended, retired, by an admin.

use platform::access::Role;
use serde_json::json;
use sqlx::Row;

use crate::support::{Chart, Reply, TestTenant, admin_connection};

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

/// The ids of links are made of the server's time: one that was made after the clock had been set back has the smaller id.
#[tokio::test]
async fn the_link_issued_last_works_and_no_other_whatever_the_clock_said() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let first = admin
        .post("/api/v1/users", invitation("ada@clinic.test"))
        .await
        .expect(201);
    let path = format!("/api/v1/users/{}", first["id"].as_str().expect("an id"));
    let second = admin.act(format!("{path}/invite")).await.expect(200);
    sqlx::query(
        "update app.one_time_tokens set id = '00000000-0000-7000-8000-000000000001'
          where tenant_id = $1 and id = (select id from app.one_time_tokens where tenant_id = $1 order by id desc limit 1)",
    )
    .bind(clinic.id.0)
    .execute(&mut clinic.behind_the_curtain().await)
    .await
    .expect("the clock was set back");
    let set = |issued: &serde_json::Value| {
        let link = issued["set_password_link"].as_str().expect("a link");
        let token = link.rsplit('=').next().expect("a token");
        let body = json!({ "token": token, "new_password": "seven otters juggling" });
        let nobody = clinic.nobody();
        async move { nobody.post("/api/v1/auth/set-password", body).await }
    };
    set(&first)
        .await
        .expect_problem(422, "token_used_or_expired");
    let done = set(&second).await;
    assert!(done.status.is_success(), "{}", done.text);
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

/// Whom an answer disclosed, by the access log: action, patient, account.
async fn recorded(reply: &Reply) -> Vec<(String, Option<String>, Option<String>)> {
    let request = reply.headers["x-request-id"].to_str().expect("an id");
    sqlx::query(
        "select action, patient_id::text, resource_id::text from app.phi_accesses where request_id = $1::uuid and outcome = 'success'",
    )
    .bind(request)
    .fetch_all(&mut admin_connection().await)
    .await
    .expect("rows")
    .into_iter()
    .map(|row| (row.get(0), row.get(1), row.get(2)))
    .collect()
}

#[tokio::test]
async fn an_admin_who_looks_at_the_account_of_a_patient_is_on_record() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let admin = clinic.user(Role::Admin).await;
    let account = chart.portal_user.user_id.clone();
    let path = format!("/api/v1/users/{account}");
    let disclosed = |action: &str| {
        vec![(
            action.to_owned(),
            Some(chart.patient.clone()),
            Some(account.clone()),
        )]
    };

    let listed = admin.get("/api/v1/users?role=patient").await;
    assert_eq!(recorded(&listed).await, disclosed("search"));
    assert_eq!(listed.expect(200)["items"][0]["id"], account);
    let everybody = admin.get("/api/v1/users?limit=200").await;
    assert_eq!(recorded(&everybody).await, disclosed("search"));
    assert!(everybody.expect(200)["items"].as_array().map(Vec::len) > Some(3));

    let read = admin.get(&path).await;
    assert_eq!(recorded(&read).await, disclosed("read"));
    let read = read.expect(200);
    assert!(!read.to_string().contains(&chart.patient), "{read}");
    let sessions = admin.get(format!("{path}/sessions")).await;
    assert_eq!(recorded(&sessions).await, disclosed("read"));
    sessions.expect(200);
    let version = read["version"].as_i64().expect("a version");
    let changed = admin
        .patch(&path, version, json!({ "phone": "+1 312 555 0142" }))
        .await;
    assert_eq!(recorded(&changed).await, disclosed("update"));
    changed.expect(200);

    // The patient sees it, too; of a colleague there is nobody to name.
    let log = chart
        .portal_user
        .get("/api/v1/me/access-log?limit=200")
        .await
        .expect(200);
    let seen = log["items"].as_array().expect("items").iter();
    assert!(
        seen.filter(|row| row["resource"] == "user").count() >= 5,
        "{log}"
    );
    let colleague = admin
        .get(format!("/api/v1/users/{}", chart.doctor.user_id))
        .await;
    let named: Vec<_> = recorded(&colleague).await;
    assert!(named.iter().all(|(_, patient, _)| patient.is_none()));
}

#[tokio::test]
async fn without_the_log_no_account_of_a_patient_is_shown() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let blind = admin.on(clinic.server_without_log().await);
    blind
        .get("/api/v1/users?role=patient")
        .await
        .expect_problem(503, "audit_unavailable");
}
