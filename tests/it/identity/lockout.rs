//! Guessing gets slower and slower, and a locked account does not say so.

use chrono::TimeDelta;
use platform::Settings;
use platform::access::Role;
use platform::http::Rates;
use serde_json::json;

use crate::support::{Caller, PASSWORD, Reply, TestTenant};

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

/// A server that is told where its callers are, and an account of the tenant.
struct Door {
    clinic: TestTenant,
    nobody: Caller,
    email: String,
}

/// Where the owner of the account logs in.
const DESK: &str = "192.0.2.10";
/// Where nobody has logged in.
const ELSEWHERE: [&str; 3] = ["198.51.100.1", "198.51.100.2", "198.51.100.3"];

impl Door {
    async fn new() -> Self {
        let clinic = TestTenant::new().await;
        let (_, email) = clinic.account(Role::Nurse).await;
        let settings = Settings {
            trust_forwarded_for: true,
            ..Settings::default()
        };
        let nobody = Caller::of(clinic.server_with_settings(settings).await);
        Self {
            clinic,
            nobody,
            email,
        }
    }

    async fn knock(&self, address: &str, password: &str) -> Reply {
        let body = json!({ "tenant": self.clinic.slug, "email": self.email, "password": password });
        self.nobody
            .send(
                axum::http::Method::POST,
                "/api/v1/auth/login",
                &[("x-forwarded-for", address)],
                Some(body.to_string()),
            )
            .await
    }

    async fn guess(&self, address: &str, times: usize) {
        for _ in 0..times {
            self.knock(address, "wrong password")
                .await
                .expect_problem(401, "credentials_invalid");
        }
    }

    /// How long the account is locked, in minutes.
    async fn locked_for(&self) -> Option<i64> {
        let admin = self.clinic.user(Role::Admin).await;
        let page = admin
            .get(format!("/api/v1/users?email={}", self.email))
            .await
            .expect(200);
        let until: chrono::DateTime<chrono::Utc> = page["items"][0]["locked_until"]
            .as_str()?
            .parse()
            .expect("a time");
        Some((until - self.clinic.clock.now()).num_minutes())
    }
}

#[tokio::test]
async fn nobody_locks_the_owner_out_of_where_he_has_logged_in() {
    let door = Door::new().await;
    door.knock(DESK, PASSWORD).await.expect(200);
    // A guess an hour, from here and there, for a day.
    door.guess(ELSEWHERE[0], 6).await;
    for hour in 0..24 {
        door.clinic.clock.advance(TimeDelta::minutes(61));
        door.guess(ELSEWHERE[hour % 3], 1).await;
    }
    door.knock(DESK, PASSWORD).await.expect(200);
    door.knock(ELSEWHERE[1], PASSWORD)
        .await
        .expect_problem(401, "credentials_invalid");
    // It does not open the account to the others.
    assert!(door.locked_for().await.is_some_and(|minutes| minutes > 50));
}

#[tokio::test]
async fn guessing_where_the_owner_logs_in_gets_slower_too() {
    let door = Door::new().await;
    door.knock(DESK, PASSWORD).await.expect(200);
    door.guess(DESK, 6).await;
    door.knock(DESK, PASSWORD)
        .await
        .expect_problem(401, "credentials_invalid");
    door.knock(ELSEWHERE[0], PASSWORD).await.expect(200);
    door.clinic.clock.advance(TimeDelta::minutes(3));
    door.knock(DESK, PASSWORD).await.expect(200);
}

#[tokio::test]
async fn a_month_without_a_login_makes_an_address_strange_again() {
    let door = Door::new().await;
    door.knock(DESK, PASSWORD).await.expect(200);
    door.clinic.clock.advance(TimeDelta::days(31));
    door.guess(ELSEWHERE[0], 5).await;
    door.knock(DESK, PASSWORD)
        .await
        .expect_problem(401, "credentials_invalid");
}

#[tokio::test]
async fn a_burst_of_guesses_counts_as_one_lock() {
    let door = Door::new().await;
    let burst = (0..24).map(|_| door.knock(ELSEWHERE[0], "wrong password"));
    for reply in futures_util::future::join_all(burst).await {
        reply.expect_problem(401, "credentials_invalid");
    }
    assert_eq!(door.locked_for().await, Some(0), "less than a minute left");
}

#[tokio::test]
async fn a_day_without_failures_forgives_those_before() {
    let door = Door::new().await;
    door.guess(ELSEWHERE[0], 4).await;
    door.clinic.clock.advance(TimeDelta::hours(25));
    door.guess(ELSEWHERE[0], 4).await;
    door.knock(ELSEWHERE[0], PASSWORD).await.expect(200);
}

#[tokio::test]
async fn one_forgetful_person_keeps_nobody_else_of_his_clinic_out() {
    let clinic = TestTenant::with_rates(Rates {
        login: 12,
        ..Rates::default()
    })
    .await;
    let (_, forgetful) = clinic.account(Role::Nurse).await;
    let (_, colleague) = clinic.account(Role::Provider).await;
    let knock = async |email: &str, password: &str| {
        let body = json!({ "tenant": clinic.slug, "email": email, "password": password });
        clinic.nobody().post("/api/v1/auth/login", body).await
    };
    // He, or his telephone with the old password: the fifth time it is his turn to wait, and nobody else's.
    for attempt in 0..30 {
        let reply = knock(&forgetful, "wrong password").await;
        let status = if attempt < 4 { 401 } else { 429 };
        assert_eq!(reply.status, status, "{attempt}: {}", reply.text);
    }
    knock(&colleague, PASSWORD).await.expect(200);
    // Whoever tries many names is made to wait, whatever they are.
    let mut slowed = None;
    for number in 0..12 {
        let reply = knock(&format!("nobody-{number}@clinic.test"), "Winter2026!").await;
        slowed = slowed.or((reply.status == 429).then_some(number));
    }
    assert!(slowed.is_some_and(|number| number < 9), "{slowed:?}");
}
