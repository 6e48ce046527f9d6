//! Guessing gets slower and slower, and a locked account does not say so.

use chrono::TimeDelta;
use platform::access::Role;
use platform::http::Rates;
use serde_json::json;

use crate::support::{PASSWORD, TestTenant};

#[tokio::test]
async fn an_account_locks_after_failures_and_opens_again_with_time() {
    let clinic = TestTenant::new().await;
    let (_, email) = clinic.account(Role::Nurse).await;
    let log_in = |password: &str| {
        let (nobody, body) = (
            clinic.nobody(),
            json!({ "tenant": clinic.slug, "email": email, "password": password }),
        );
        async move { nobody.post("/api/v1/auth/login", body).await }
    };
    for _ in 0..6 {
        log_in("wrong password")
            .await
            .expect_problem(401, "credentials_invalid");
    }
    log_in(PASSWORD)
        .await
        .expect_problem(401, "credentials_invalid");
    clinic.clock.advance(TimeDelta::hours(2));
    log_in(PASSWORD).await.expect(200);
}

#[tokio::test]
async fn too_many_attempts_from_one_address_are_throttled() {
    let clinic = TestTenant::with_rates(Rates {
        login: 3,
        ..Rates::default()
    })
    .await;
    let body = || json!({ "tenant": clinic.slug, "email": "nobody@clinic.test", "password": "wrong password" });
    let mut throttled = None;
    for _ in 0..6 {
        let reply = clinic.nobody().post("/api/v1/auth/login", body()).await;
        if reply.status == 429 {
            throttled = Some(reply);
            break;
        }
    }
    let throttled = throttled.expect("the limit is three");
    assert!(throttled.headers.contains_key("retry-after"));
    throttled.expect_problem(429, "rate_limited");
}
