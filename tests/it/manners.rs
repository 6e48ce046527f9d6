//! What bad input gets: a problem document, always, naming the field and the rule, never the value.

use axum::http::Method;
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use platform::access::Role;
use serde_json::json;

use crate::support::{Caller, TestTenant};

fn person() -> serde_json::Value {
    json!({ "names": [{ "use": "legal", "family": "Okafor", "given": ["Ada"] }], "birth_date": "1980-02-29", "sex": "female" })
}

#[tokio::test]
async fn a_body_that_is_not_json_is_told_where() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    for body in [
        "{",
        "",
        "{\"names\": [}",
        "\u{feff}{}",
        "nul",
        "{\"a\":\"\\ud800\"}",
        "{} {}",
    ] {
        let reply = admin
            .send(Method::POST, "/api/v1/patients", &[], Some(body.to_owned()))
            .await;
        let code = reply.json()["code"].as_str().unwrap_or_default().to_owned();
        assert!(
            matches!(reply.status.as_u16(), 400 | 422),
            "{body:?}: {}",
            reply.text
        );
        assert!(
            matches!(code.as_str(), "malformed_json" | "validation_failed"),
            "{body:?}: {}",
            reply.text
        );
    }
    let deep = "[".repeat(100_000);
    let closed = format!("{deep}0.50000000000000000001{}", "]".repeat(100_000));
    for deep in [deep.clone(), closed] {
        admin
            .send(Method::POST, "/api/v1/patients", &[], Some(deep))
            .await
            .expect_problem(422, "validation_failed");
    }
    // A patch is read as whatever it is before it is laid over anything.
    let headers = [("if-match", "\"1\"")];
    admin
        .send(Method::PATCH, "/api/v1/tenant", &headers, Some(deep))
        .await
        .expect_problem(400, "malformed_json");
}

#[tokio::test]
async fn a_field_of_the_wrong_kind_is_named_and_its_value_is_not_repeated() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let cases = [
        (json!({ "birth_date": "s3cret" }), "/birth_date"),
        (json!({ "birth_date": "2019-02-30" }), "/birth_date"),
        (json!({ "birth_date": "2999-01-01" }), "/birth_date"),
        (json!({ "sex": "s3cret" }), "/sex"),
        (json!({ "names": "s3cret" }), "/names"),
        (
            json!({ "names": [{ "use": "legal", "family": 7, "given": ["A"] }] }),
            "/names/0/family",
        ),
        (json!({ "names": [] }), "/names"),
        (json!({ "favourite_colour": "s3cret" }), "/favourite_colour"),
        (
            json!({ "names": [{ "use": "legal", "family": "s3\u{0}cret", "given": ["A"] }] }),
            "/names/0/family",
        ),
        (json!({ "facility_id": "s3cret" }), "/facility_id"),
        (
            json!({ "identifiers": [{ "type": "ssn", "value": "000-12-3456" }] }),
            "/identifiers/0/value",
        ),
    ];
    for (change, pointer) in cases {
        let mut body = person();
        body.as_object_mut()
            .expect("an object")
            .extend(change.as_object().expect("an object").clone());
        let reply = admin.post("/api/v1/patients", body).await;
        assert_eq!(reply.status, 422, "{change}: {}", reply.text);
        assert!(!reply.text.contains("cret"), "{}", reply.text);
        let named = reply.pointers().iter().any(|found| found == pointer);
        assert!(named, "{change}: {} does not name {pointer}", reply.text);
    }
}

#[tokio::test]
async fn a_naive_timestamp_is_refused() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let patient = clinic.patient(&admin).await;
    let reply = admin
        .post(
            format!("/api/v1/patients/{patient}/encounters"),
            json!({ "class": "office_visit", "scheduled_start": "2026-11-30T09:00:00" }),
        )
        .await;
    assert_eq!(reply.status, 422, "{}", reply.text);
    assert_eq!(reply.pointers(), ["/scheduled_start"]);
}

#[tokio::test]
async fn unknown_parameters_paths_methods_and_types_are_named() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let reply = admin.get("/api/v1/patients?famly=smith").await;
    assert_eq!(reply.pointers(), ["?famly"], "{}", reply.text);
    reply.expect_problem(400, "unknown_parameter");
    admin
        .get("/api/v1/patients?limit=0")
        .await
        .expect_problem(400, "invalid_parameter");
    admin
        .get("/api/v1/patients?limit=many")
        .await
        .expect_problem(400, "invalid_parameter");
    admin
        .get("/api/v1/patients?family=a%00b")
        .await
        .expect_problem(400, "invalid_parameter");
    admin
        .get("/api/v1/patients?cursor=AAAA")
        .await
        .expect_problem(400, "invalid_cursor");
    admin
        .get("/api/v1/patients/not-an-id")
        .await
        .expect_problem(404, "not_found");
    admin
        .get("/api/v1/nothing")
        .await
        .expect_problem(404, "route_not_found");
    admin
        .delete("/api/v1/patients")
        .await
        .expect_problem(405, "method_not_allowed");
    admin
        .send(
            Method::POST,
            "/api/v1/patients",
            &[("content-type", "text/plain")],
            Some(person().to_string()),
        )
        .await
        .expect_problem(415, "unsupported_media_type");
    let large = format!("{{\"a\":\"{}\"}}", "x".repeat(1 << 20));
    admin
        .send(Method::POST, "/api/v1/patients", &[], Some(large))
        .await
        .expect_problem(413, "body_too_large");
    admin
        .send(
            Method::GET,
            "/api/v1/patients",
            &[("x-purpose-of-use", "CURIOSITY")],
            None,
        )
        .await
        .expect_problem(400, "invalid_header");
}

#[tokio::test]
async fn a_change_needs_the_version_it_was_made_from() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let patient = clinic.patient(&admin).await;
    let path = format!("/api/v1/patients/{patient}");
    let merge = [("content-type", "application/merge-patch+json")];
    let change = || Some(json!({ "language": "fr" }).to_string());
    admin
        .send(Method::PATCH, &path, &merge, change())
        .await
        .expect_problem(428, "if_match_required");
    admin
        .patch(&path, 7, json!({ "language": "fr" }))
        .await
        .expect_problem(412, "version_stale");
    let changed = admin.patch(&path, 1, json!({ "language": "fr" })).await;
    assert_eq!(changed.headers["etag"], "\"2\"");
    assert_eq!(changed.expect(200)["language"], "fr");
    let cleared = admin
        .patch(&path, 2, json!({ "language": null }))
        .await
        .expect(200);
    assert!(cleared["language"].is_null());
    admin
        .patch(&path, 3, json!({ "birth_date": null }))
        .await
        .expect_problem(422, "validation_failed");
}

#[tokio::test]
async fn a_repeated_request_gets_the_first_answer_and_does_the_work_once() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let key = [("idempotency-key", "registration-1")];
    let register = || {
        admin.send(
            Method::POST,
            "/api/v1/patients",
            &key,
            Some(person().to_string()),
        )
    };
    let (first, second) = tokio::join!(register(), register());
    let third = register().await;
    assert_eq!(first.status, 201, "{}", first.text);
    assert_eq!(first.text, second.text);
    assert_eq!(first.text, third.text);
    assert_eq!(first.headers["location"], third.headers["location"]);
    assert_eq!(third.headers["idempotent-replay"], "true");
    assert_eq!(
        admin
            .get("/api/v1/patients?family=okafor")
            .await
            .expect(200)["items"]
            .as_array()
            .map(Vec::len),
        Some(1)
    );
    let mut other = person();
    other["sex"] = json!("male");
    admin
        .send(
            Method::POST,
            "/api/v1/patients",
            &key,
            Some(other.to_string()),
        )
        .await
        .expect_problem(409, "idempotency_key_reused");
    // A failed request leaves the key free.
    let key = [("idempotency-key", "registration-2")];
    admin
        .send(
            Method::POST,
            "/api/v1/patients",
            &key,
            Some("{}".to_owned()),
        )
        .await
        .expect_problem(422, "validation_failed");
    let mut another = person();
    another["names"][0]["family"] = json!("Brontë");
    admin
        .send(
            Method::POST,
            "/api/v1/patients",
            &key,
            Some(another.to_string()),
        )
        .await
        .expect(201);
}

#[tokio::test]
async fn every_answer_carries_its_request_id_and_its_limits() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let reply = admin.get("/api/v1/patients").await;
    for header in ["x-request-id", "ratelimit", "ratelimit-policy"] {
        assert!(reply.headers.contains_key(header), "{header} is missing");
    }
    assert_eq!(reply.headers["cache-control"], "no-store");
}

#[tokio::test]
async fn a_repeat_shows_nothing_the_caller_may_not_see_any_more() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let provider = clinic.user(Role::Provider).await;
    let key = [("idempotency-key", "mine")];
    let register = || {
        provider.send(
            Method::POST,
            "/api/v1/patients",
            &key,
            Some(person().to_string()),
        )
    };
    let made = register().await.expect(201);
    register().await.expect(201);
    let team = format!(
        "/api/v1/patients/{}/care-team",
        made["id"].as_str().expect("an id")
    );
    let members = admin.get(&team).await.expect(200);
    let member = members["items"][0]["id"].as_str().expect("a member");
    admin.act(format!("{team}/{member}/end")).await.expect(200);
    register().await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn a_key_that_was_used_for_one_thing_is_refused_for_any_other() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let person = |family: &str| {
        let mut person = person();
        person["names"][0]["family"] = json!(family);
        person.to_string()
    };
    let key = [("idempotency-key", "registration-1")];
    let send = |path: &'static str, body: String| {
        let admin = admin.clone();
        async move { admin.send(Method::POST, path, &key, Some(body)).await }
    };
    send("/api/v1/patients", person("Okafor")).await.expect(201);
    let facility = json!({ "code": "OTHER", "name": "Other", "kind": "clinic", "time_zone": "America/New_York" });
    for (path, body) in [
        ("/api/v1/patients", person("Adams")),
        ("/api/v1/patients?allow_duplicate=true", person("Okafor")),
        ("/api/v1/facilities", facility.to_string()),
    ] {
        send(path, body)
            .await
            .expect_problem(409, "idempotency_key_reused");
    }
    let found = admin.get("/api/v1/patients?family=adams").await;
    assert_eq!(found.expect(200)["items"], json!([]), "nothing was done");
    send("/api/v1/patients", person("Okafor")).await.expect(201);
    for wrong in ["", "with a space", "ü", &"x".repeat(129)] {
        let key = [("idempotency-key", wrong)];
        admin
            .send(
                Method::POST,
                "/api/v1/patients",
                &key,
                Some(person("Brontë")),
            )
            .await
            .expect_problem(400, "invalid_header");
    }
}

#[tokio::test]
async fn a_panic_is_told_to_nobody_and_the_next_request_is_served() {
    let clinic = TestTenant::new().await;
    let router = axum::Router::new()
        .route(
            "/falls",
            get(|| async {
                assert!(
                    std::hint::black_box(false),
                    "select s3cret from app.patients"
                );
                "never"
            }),
        )
        .route("/stands", get(|| async { "well" }))
        .layer(from_fn_with_state(
            clinic.app.clone(),
            platform::http::envelope,
        ))
        .with_state(clinic.app.clone());
    let nobody = Caller::of(router);
    for _ in 0..3 {
        let fallen = nobody.get("/falls").await;
        for secret in ["s3cret", "select", "manners.rs", "panic"] {
            assert!(!fallen.text.contains(secret), "{}", fallen.text);
        }
        fallen.expect_problem(500, "internal");
        assert_eq!(nobody.get("/stands").await.text, "well");
    }
}
