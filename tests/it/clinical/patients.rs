//! Registration: found again, never twice by accident, never lost.

use platform::access::Role;
use serde_json::{Value, json};
use sqlx::Row;

use crate::support::{Caller, TestTenant};

fn person(family: &str, given: &str) -> Value {
    json!({ "names": [{ "use": "legal", "family": family, "given": [given] }], "birth_date": "1980-03-14", "sex": "female" })
}

async fn register(caller: &Caller, body: Value) -> Value {
    caller
        .post("/api/v1/patients?allow_duplicate=true", body)
        .await
        .expect(201)
}

fn ids(page: &Value) -> Vec<String> {
    page["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|item| item["id"].as_str().expect("an id").to_owned())
        .collect()
}

#[tokio::test]
async fn a_name_is_found_without_case_accents_or_apostrophes() {
    let clinic = TestTenant::new().await;
    let staff = clinic.user(Role::Staff).await;
    let brien = register(&staff, person("O'Brien", "Siobhán")).await;
    let nunez = register(&staff, person("Núñez", "José")).await;
    for (query, wanted) in [
        ("family=obri", &brien),
        ("family=O%27BRIEN", &brien),
        ("family=o%E2%80%99brien", &brien),
        ("family=nunez", &nunez),
        ("family=N%C3%BA", &nunez),
        ("given=siobhan", &brien),
        ("family=nu&given=jo", &nunez),
        ("name=obrian", &brien),
        ("name=jose%20nunes", &nunez),
    ] {
        let found = staff
            .get(format!("/api/v1/patients?{query}"))
            .await
            .expect(200);
        assert_eq!(
            ids(&found).first().map(String::as_str),
            wanted["id"].as_str(),
            "{query}: {found}"
        );
        let matched = &found["items"][0]["matched"];
        assert!(
            matched
                .as_array()
                .is_some_and(|reasons| !reasons.is_empty()),
            "{query} does not say why: {found}"
        );
    }
    assert!(
        ids(&staff.get("/api/v1/patients?family=brien").await.expect(200)).is_empty(),
        "a prefix is not a substring"
    );
}

#[tokio::test]
async fn numbers_find_a_person() {
    let clinic = TestTenant::new().await;
    let staff = clinic.user(Role::Staff).await;
    let mut body = person("Okafor", "Ada");
    body["telecoms"] = json!([{ "system": "phone", "value": "(212) 555-0142", "use": "mobile" }, { "system": "email", "value": "Ada@Example.org" }]);
    body["identifiers"] = json!([{ "type": "ssn", "value": "123-45-6789" }]);
    let ada = register(&staff, body).await;
    register(&staff, person("Somebody", "Else")).await;
    let mrn = ada["mrn"].as_str().expect("an mrn");
    for query in [
        format!("mrn={mrn}"),
        "phone=212-555-0142".to_owned(),
        "email=ada@example.ORG".to_owned(),
        "ssn=123456789".to_owned(),
        "birth_date=1980-03-14&family=oka".to_owned(),
    ] {
        let found = staff
            .get(format!("/api/v1/patients?{query}"))
            .await
            .expect(200);
        assert_eq!(
            ids(&found),
            [ada["id"].as_str().expect("an id")],
            "{query}: {found}"
        );
    }
}

#[tokio::test]
async fn a_social_security_number_is_shown_by_its_last_four_and_stored_sealed() {
    let clinic = TestTenant::new().await;
    let staff = clinic.user(Role::Staff).await;
    let mut body = person("Okafor", "Ada");
    body["identifiers"] = json!([{ "type": "ssn", "value": "123-45-6789" }]);
    let made = staff.post("/api/v1/patients", body).await;
    assert!(
        !made.text.contains("123-45") && !made.text.contains("123456789"),
        "{}",
        made.text
    );
    let ada = made.expect(201);
    assert_eq!(ada["identifiers"][0]["last4"], "6789", "{ada}");
    let mut connection = clinic.behind_the_curtain().await;
    let rows = sqlx::query("select to_jsonb(p)::text as row from app.patients p where tenant_id = $1 union all select after::text from app.audit_log where tenant_id = $1 union all select key from app.patient_keys where tenant_id = $1")
        .bind(clinic.id.0)
        .fetch_all(&mut connection)
        .await
        .expect("rows");
    for row in rows {
        let text: String = row.get("row");
        assert!(
            !text.contains("123456789") && !text.contains("123-45-6789"),
            "stored in clear: {text}"
        );
    }
    // A change that does not touch the identifiers keeps the number findable.
    let path = format!("/api/v1/patients/{}", ada["id"].as_str().expect("an id"));
    staff
        .patch(&path, 1, json!({ "language": "fr" }))
        .await
        .expect(200);
    assert_eq!(
        ids(&staff
            .get("/api/v1/patients?ssn=123-45-6789")
            .await
            .expect(200))
        .len(),
        1
    );
}

#[tokio::test]
async fn a_probable_duplicate_is_named_before_it_is_made() {
    let clinic = TestTenant::new().await;
    let staff = clinic.user(Role::Staff).await;
    let first = register(&staff, person("Okafor", "Ada")).await;
    let mut again = person("OKAFOR", "Adah");
    again["telecoms"] = json!([{ "system": "phone", "value": "212-555-0142" }]);
    let problem = staff.post("/api/v1/patients", again.clone()).await;
    let request = problem.headers["x-request-id"]
        .to_str()
        .expect("an id")
        .to_owned();
    let problem = problem.expect_problem(409, "possible_duplicate");
    assert_eq!(problem["candidates"][0]["id"], first["id"], "{problem}");
    let mut connection = clinic.behind_the_curtain().await;
    let shown = sqlx::query("select patient_id::text as id from app.phi_accesses where request_id = $1::uuid and outcome = 'success'")
        .bind(&request)
        .fetch_all(&mut connection)
        .await
        .expect("rows");
    assert!(
        shown
            .iter()
            .any(|row| row.get::<String, _>("id") == first["id"]),
        "the candidate was shown without a record"
    );
    register(&staff, again).await;
    staff
        .post("/api/v1/patients", person("Brontë", "Emily"))
        .await
        .expect(201);
}

#[tokio::test]
async fn a_provider_is_not_told_of_duplicates_he_may_not_see() {
    let clinic = TestTenant::new().await;
    let staff = clinic.user(Role::Staff).await;
    register(&staff, person("Okafor", "Ada")).await;
    let provider = clinic.user(Role::Provider).await;
    let made = provider
        .post("/api/v1/patients", person("Okafor", "Ada"))
        .await;
    let problem = made.text.clone();
    if made.status == 409 {
        assert!(
            made.json()["candidates"]
                .as_array()
                .is_none_or(Vec::is_empty),
            "{problem}"
        );
    } else {
        let id = made.expect(201)["id"].as_str().expect("an id").to_owned();
        provider
            .get(format!("/api/v1/patients/{id}"))
            .await
            .expect(200);
    }
}

#[tokio::test]
async fn record_numbers_are_unique_gapless_and_checked() {
    let clinic = TestTenant::new().await;
    let staff = clinic.user(Role::Staff).await;
    let families: Vec<String> = (0..8).map(|n| format!("Family{n}")).collect();
    let made = futures_util::future::join_all(
        families
            .iter()
            .map(|family| register(&staff, person(family, "A"))),
    )
    .await;
    let mut numbers: Vec<String> = made
        .iter()
        .map(|patient| patient["mrn"].as_str().expect("an mrn").to_owned())
        .collect();
    numbers.sort();
    numbers.dedup();
    assert_eq!(numbers.len(), 8);
    for number in &numbers {
        let digits: String = number.chars().filter(char::is_ascii_digit).collect();
        let (body, check) = digits.split_at(digits.len() - 1);
        assert_eq!(
            kernel::npi::luhn_digit(body)
                .map(|digit| digit.to_string())
                .as_deref(),
            Some(check),
            "{number}"
        );
    }
}

#[tokio::test]
async fn the_status_moves_only_where_it_may() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let patient = register(&admin, person("Okafor", "Ada")).await;
    let path = format!(
        "/api/v1/patients/{}/status",
        patient["id"].as_str().expect("an id")
    );
    admin
        .post(
            &path,
            json!({ "status": "deceased", "deceased_on": "2999-01-01" }),
        )
        .await
        .expect_problem(422, "validation_failed");
    admin
        .post(
            &path,
            json!({ "status": "deceased", "deceased_on": "2024-01-01" }),
        )
        .await
        .expect(200);
    let problem = admin
        .post(&path, json!({ "status": "transferred" }))
        .await
        .expect_problem(409, "illegal_transition");
    assert!(problem["allowed"].is_array(), "{problem}");
}

#[tokio::test]
async fn history_says_who_changed_what_and_as_of_shows_the_record_as_it_stood() {
    let clinic = TestTenant::new().await;
    let staff = clinic.user(Role::Staff).await;
    let admin = clinic.user(Role::Admin).await;
    let patient = register(&staff, person("Okafor", "Ada")).await;
    let path = format!(
        "/api/v1/patients/{}",
        patient["id"].as_str().expect("an id")
    );
    let before: chrono::DateTime<chrono::Utc> = sqlx::query_scalar("select clock_timestamp()")
        .fetch_one(&mut clinic.behind_the_curtain().await)
        .await
        .expect("a time");
    admin
        .patch(&path, 1, json!({ "language": "fr", "sex": "other" }))
        .await
        .expect(200);
    let history = admin.get(format!("{path}/history")).await.expect(200);
    let text = history.to_string();
    assert!(
        text.contains(&admin.user_id) && text.contains("language"),
        "{history}"
    );
    assert_eq!(
        history["items"].as_array().map(Vec::len),
        Some(2),
        "{history}"
    );
    let at = before.to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
    let then = admin.get(format!("{path}?as_of={at}")).await.expect(200);
    assert_eq!(then["sex"], "female", "{then}");
    assert_eq!(staff.get(&path).await.expect(200)["sex"], "other");
    admin
        .get(format!("{path}?as_of=1999-01-01T00:00:00Z"))
        .await
        .expect_problem(404, "not_found");
}

#[tokio::test]
async fn pages_follow_one_another_without_gap_or_repeat() {
    let clinic = TestTenant::new().await;
    let staff = clinic.user(Role::Staff).await;
    for n in 0..7 {
        register(&staff, person(&format!("Smith{n}"), "A")).await;
    }
    let mut seen = Vec::new();
    let mut path = "/api/v1/patients?family=smith&limit=3".to_owned();
    for _ in 0..5 {
        let page = staff.get(&path).await.expect(200);
        seen.extend(ids(&page));
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("/api/v1/patients?family=smith&limit=3&cursor={cursor}"),
            None => break,
        }
    }
    let mut unique = seen.clone();
    unique.sort();
    unique.dedup();
    assert_eq!((seen.len(), unique.len()), (7, 7));
    // A cursor is good for its own query and tenant only.
    let page = staff
        .get("/api/v1/patients?family=smith&limit=3")
        .await
        .expect(200);
    let cursor = page["next_cursor"].as_str().expect("a cursor");
    staff
        .get(format!(
            "/api/v1/patients?family=smi&limit=3&cursor={cursor}"
        ))
        .await
        .expect_problem(400, "invalid_cursor");
    let stranger = TestTenant::new().await.user(Role::Staff).await;
    stranger
        .get(format!(
            "/api/v1/patients?family=smith&limit=3&cursor={cursor}"
        ))
        .await
        .expect_problem(400, "invalid_cursor");
}

#[tokio::test]
async fn a_patient_reads_his_own_chart_and_who_opened_it() {
    let clinic = TestTenant::new().await;
    let chart = crate::support::Chart::open(&clinic).await;
    let path = format!("/api/v1/patients/{}", chart.patient);
    chart.portal_user.get(&path).await.expect(200);
    let log = chart
        .portal_user
        .get("/api/v1/me/access-log")
        .await
        .expect(200);
    assert!(
        log["items"]
            .as_array()
            .is_some_and(|items| !items.is_empty()),
        "{log}"
    );
    let reply = chart.portal_user.get("/api/v1/patients?family=a").await;
    reply.expect_problem(403, "forbidden");
}

/// Rows that many ask for at once are asked for in one statement; each gets what he may see, and nothing of the others'.
#[tokio::test]
async fn who_asks_at_the_same_moment_gets_his_own_answer() {
    let (clinic, other) = (TestTenant::new().await, TestTenant::new().await);
    let provider = clinic.user(Role::Provider).await;
    let stranger = clinic.user(Role::Provider).await;
    let admin = clinic.user(Role::Admin).await;
    let foreign = other.user(Role::Admin).await;
    let mut paths = Vec::new();
    for number in 0..8 {
        let made = register(&provider, person(&format!("Family{number}"), "One")).await;
        let id = made["id"].as_str().expect("an id").to_owned();
        paths.push((id.clone(), format!("/api/v1/patients/{id}")));
    }
    let (provider, admin, stranger, foreign) = (&provider, &admin, &stranger, &foreign);
    for _ in 0..3 {
        let rounds = paths.iter().map(|(id, path)| async move {
            let (own, seen, hidden, away) = tokio::join!(
                provider.get(path),
                admin.get(path),
                stranger.get(path),
                foreign.get(path),
            );
            assert_eq!(own.expect(200)["id"], *id);
            assert_eq!(seen.expect(200)["id"], *id);
            hidden.expect(404);
            away.expect(404);
        });
        futures_util::future::join_all(rounds).await;
    }
}
