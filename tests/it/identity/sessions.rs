//! Logging in, staying logged in, and being thrown out.

use chrono::TimeDelta;
use platform::access::Role;
use serde_json::{Value, json};
use sqlx::Row;

use crate::support::{Caller, PASSWORD, Reply, TestTenant};

#[tokio::test]
async fn a_login_gives_a_token_that_says_who_i_am() {
    let clinic = TestTenant::new().await;
    let nurse = clinic.user(Role::Nurse).await;
    let me = nurse.get("/api/v1/me").await.expect(200);
    assert_eq!(me["email"], nurse.email);
    assert_eq!(me["role"], "nurse");
}

#[tokio::test]
async fn unknown_tenant_unknown_user_and_wrong_password_are_answered_alike() {
    let clinic = TestTenant::new().await;
    let (_, email) = clinic.account(Role::Nurse).await;
    let mut answers = Vec::new();
    for (tenant, email, password) in [
        ("no-such-tenant", email.as_str(), PASSWORD),
        (clinic.slug.as_str(), "nobody@clinic.test", PASSWORD),
        (clinic.slug.as_str(), email.as_str(), "wrong password"),
    ] {
        let body = json!({ "tenant": tenant, "email": email, "password": password });
        let reply = clinic.nobody().post("/api/v1/auth/login", body).await;
        assert_eq!(reply.status, 401);
        let mut problem = reply.json();
        problem["request_id"] = json!(null);
        answers.push(problem);
    }
    assert!(
        answers.iter().all(|answer| *answer == answers[0]),
        "{answers:#?}"
    );
}

#[tokio::test]
async fn an_old_refresh_token_ends_the_session() {
    let clinic = TestTenant::new().await;
    let (_, email) = clinic.account(Role::Provider).await;
    let first = clinic.tokens(&email).await;
    let refresh = |token: &Value| {
        let (nobody, body) = (clinic.nobody(), json!({ "refresh_token": token }));
        async move { nobody.post("/api/v1/auth/refresh", body).await }
    };
    let second = refresh(&first["refresh_token"]).await.expect(200);
    assert_ne!(first["refresh_token"], second["refresh_token"]);
    let caller = clinic.nobody().with_token(Some(
        second["access_token"].as_str().expect("a token").to_owned(),
    ));
    caller.get("/api/v1/me").await.expect(200);

    refresh(&first["refresh_token"])
        .await
        .expect_problem(401, "refresh_invalid");
    refresh(&second["refresh_token"])
        .await
        .expect_problem(401, "refresh_invalid");
    caller
        .get("/api/v1/me")
        .await
        .expect_problem(401, "token_invalid");
    let mut connection = clinic.behind_the_curtain().await;
    let events = sqlx::query(
        "select kind from app.security_events where tenant_id = $1 and kind = 'refresh_reuse'",
    )
    .bind(clinic.id.0)
    .fetch_all(&mut connection)
    .await
    .expect("events");
    assert!(!events.is_empty(), "the reuse is a security event");
}

#[tokio::test]
async fn a_refresh_token_that_was_made_up_ends_nothing() {
    let clinic = TestTenant::new().await;
    let (_, email) = clinic.account(Role::Provider).await;
    let tokens = clinic.tokens(&email).await;
    let real = tokens["refresh_token"].as_str().expect("a token");
    let mut forged = real.to_owned();
    forged.replace_range(
        forged.len() - 4..,
        if real.ends_with("AAAA") {
            "BBBB"
        } else {
            "AAAA"
        },
    );
    for token in [forged.as_str(), "x", "", "a.b.c"] {
        let reply = clinic
            .nobody()
            .post("/api/v1/auth/refresh", json!({ "refresh_token": token }))
            .await;
        assert!(
            matches!(reply.status.as_u16(), 401 | 422),
            "{token}: {}",
            reply.text
        );
    }
    clinic
        .nobody()
        .post("/api/v1/auth/refresh", json!({ "refresh_token": real }))
        .await
        .expect(200);
}

#[tokio::test]
async fn a_session_ends_within_a_day_whatever_is_refreshed() {
    let clinic = TestTenant::new().await;
    let (_, email) = clinic.account(Role::Provider).await;
    let mut tokens = clinic.tokens(&email).await;
    for half_hours in 0..60 {
        clinic.clock.advance(TimeDelta::minutes(30));
        let reply = refresh(&clinic, &tokens).await;
        if reply.status == 401 {
            assert!(
                (46..=48).contains(&half_hours),
                "ended after {half_hours} half hours"
            );
            return;
        }
        tokens = reply.expect(200);
        bearer(&clinic, &tokens).get("/api/v1/me").await.expect(200);
    }
    panic!("the session outlived its day");
}

#[tokio::test]
async fn a_client_that_only_refreshes_is_idle() {
    let clinic = TestTenant::new().await;
    let (_, email) = clinic.account(Role::Provider).await;
    let mut tokens = clinic.tokens(&email).await;
    // The limit is an hour: of the last request, not of the last refresh.
    clinic.clock.advance(TimeDelta::minutes(5));
    bearer(&clinic, &tokens).get("/api/v1/me").await.expect(200);
    for _ in 0..5 {
        clinic.clock.advance(TimeDelta::minutes(11));
        tokens = refresh(&clinic, &tokens).await.expect(200);
    }
    clinic.clock.advance(TimeDelta::minutes(6));
    bearer(&clinic, &tokens)
        .get("/api/v1/me")
        .await
        .expect_problem(401, "token_invalid");
    refresh(&clinic, &tokens)
        .await
        .expect_problem(401, "refresh_invalid");
}

/// Exchanges the refresh token.
async fn refresh(clinic: &TestTenant, tokens: &Value) -> Reply {
    let body = json!({ "refresh_token": tokens["refresh_token"] });
    clinic.nobody().post("/api/v1/auth/refresh", body).await
}

fn bearer(clinic: &TestTenant, tokens: &Value) -> Caller {
    let token = tokens["access_token"].as_str().expect("a token").to_owned();
    clinic.nobody().with_token(Some(token))
}

#[tokio::test]
async fn a_session_ends_when_it_is_not_used() {
    let clinic = TestTenant::new().await;
    let (_, email) = clinic.account(Role::Provider).await;
    let tokens = clinic.tokens(&email).await;
    clinic.clock.advance(TimeDelta::minutes(61));
    clinic
        .nobody()
        .post(
            "/api/v1/auth/refresh",
            json!({ "refresh_token": tokens["refresh_token"] }),
        )
        .await
        .expect_problem(401, "refresh_invalid");
}

#[tokio::test]
async fn logging_out_ends_the_token_at_once() {
    let clinic = TestTenant::new().await;
    let (_, email) = clinic.account(Role::Billing).await;
    let tokens = clinic.tokens(&email).await;
    let caller = clinic.nobody().with_token(Some(
        tokens["access_token"].as_str().expect("a token").to_owned(),
    ));
    caller.get("/api/v1/me").await.expect(200);
    let reply = caller
        .post(
            "/api/v1/auth/logout",
            json!({ "refresh_token": tokens["refresh_token"] }),
        )
        .await;
    assert!(reply.status.is_success(), "{}", reply.text);
    caller
        .get("/api/v1/me")
        .await
        .expect_problem(401, "token_invalid");
}

#[tokio::test]
async fn a_suspended_users_tokens_stop_at_once_on_every_server() {
    let clinic = TestTenant::new().await;
    clinic.identity.start_listener();
    let admin = clinic.user(Role::Admin).await;
    let nurse = clinic.user(Role::Nurse).await;
    nurse.get("/api/v1/me").await.expect(200);
    let elsewhere = nurse.on(clinic.second_server().await);
    elsewhere.get("/api/v1/me").await.expect(200);
    admin
        .act(format!("/api/v1/users/{}/suspend", nurse.user_id))
        .await
        .expect(200);
    nurse
        .get("/api/v1/me")
        .await
        .expect_problem(401, "token_invalid");
    elsewhere
        .get("/api/v1/me")
        .await
        .expect_problem(401, "token_invalid");
    let body = json!({ "tenant": clinic.slug, "email": nurse.email, "password": PASSWORD });
    clinic
        .nobody()
        .post("/api/v1/auth/login", body)
        .await
        .expect_problem(401, "credentials_invalid");
}

#[tokio::test]
async fn changing_the_password_needs_the_old_one_and_ends_other_sessions() {
    let clinic = TestTenant::new().await;
    let nurse = clinic.user(Role::Nurse).await;
    let other = nurse.with_token(Some(clinic.log_in(&nurse.email).await));
    let change = |old: &str, new: &str| {
        let (nurse, body) = (
            nurse.clone(),
            json!({ "current_password": old, "new_password": new }),
        );
        async move { nurse.post("/api/v1/me/password", body).await }
    };
    change("not it", "a quite unguessable phrase")
        .await
        .expect_problem(403, "password_wrong");
    for weak in [
        "short",
        "passwordpassword",
        "aaaaaaaaaaaaaaaa",
        nurse.email.as_str(),
    ] {
        let reply = change(PASSWORD, weak).await;
        assert_eq!(reply.status, 422, "{weak}: {}", reply.text);
    }
    let reply = change(PASSWORD, "a quite unguessable phrase").await;
    assert!(reply.status.is_success(), "{}", reply.text);
    other
        .get("/api/v1/me")
        .await
        .expect_problem(401, "token_invalid");
}

#[tokio::test]
async fn sessions_are_listed_and_ended_by_their_owner_only() {
    let clinic = TestTenant::new().await;
    let nurse = clinic.user(Role::Nurse).await;
    let colleague = clinic.user(Role::Nurse).await;
    let phone = nurse.with_token(Some(clinic.log_in(&nurse.email).await));
    let sessions = nurse.get("/api/v1/auth/sessions").await.expect(200);
    let items = sessions["items"].as_array().expect("items").clone();
    assert_eq!(items.len(), 2, "{sessions}");
    for session in &items {
        let path = format!(
            "/api/v1/auth/sessions/{}",
            session["id"].as_str().expect("an id")
        );
        colleague
            .delete(&path)
            .await
            .expect_problem(404, "not_found");
    }
    for session in &items {
        if session["current"] != true {
            let path = format!(
                "/api/v1/auth/sessions/{}",
                session["id"].as_str().expect("an id")
            );
            assert!(nurse.delete(&path).await.status.is_success());
        }
    }
    phone
        .get("/api/v1/me")
        .await
        .expect_problem(401, "token_invalid");
    nurse.get("/api/v1/me").await.expect(200);
}

#[tokio::test]
async fn every_step_at_the_door_is_an_event() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let nurse = clinic.user(Role::Nurse).await;
    let body = json!({ "tenant": clinic.slug, "email": nurse.email, "password": "wrong password" });
    clinic
        .nobody()
        .post("/api/v1/auth/login", body)
        .await
        .expect_problem(401, "credentials_invalid");
    nurse
        .get("/api/v1/users")
        .await
        .expect_problem(403, "forbidden");
    let mut connection = clinic.behind_the_curtain().await;
    let events: Vec<String> = sqlx::query(
        "select kind || ' ' || outcome as event from app.security_events where tenant_id = $1",
    )
    .bind(clinic.id.0)
    .fetch_all(&mut connection)
    .await
    .expect("events")
    .into_iter()
    .map(|row| row.get("event"))
    .collect();
    for wanted in [
        "login success",
        "login failure",
        "permission_refused failure",
    ] {
        assert!(
            events.iter().any(|event| event == wanted),
            "{wanted} is missing in {events:?}"
        );
    }
    let summary = admin.get("/api/v1/security/summary").await.expect(200);
    assert!(
        summary["users"]
            .as_array()
            .is_some_and(|users| users.iter().any(|user| user["failed_logins"] == 1)),
        "{summary}"
    );
}
