//! Every operation refuses every kind of stranger: without a token, with a dead one, of the wrong role, from another tenant,
//! another patient.

use axum::http::Method;
use platform::access::Role;
use serde_json::{Value, json};

use super::openapi::{example, operations, required_query};
use crate::support::{Chart, TestTenant};

/// Operations a stranger may knock at: those with a permission.
fn guarded() -> impl Iterator<Item = (String, Method, Value)> {
    operations(&chartwell::document())
        .into_iter()
        .filter(|(_, _, operation)| !operation["x-permission"].is_null())
}

fn body(operation: &Value) -> Option<String> {
    operation["requestBody"].is_object().then(|| {
        example(&chartwell::document(), operation)
            .unwrap_or(json!({}))
            .to_string()
    })
}

fn headers(method: &Method) -> Vec<(&'static str, &'static str)> {
    if method == Method::PATCH {
        vec![
            ("if-match", "\"1\""),
            ("content-type", "application/merge-patch+json"),
        ]
    } else {
        Vec::new()
    }
}

#[tokio::test]
async fn nobody_gets_in_without_a_token_or_with_a_dead_one() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let nobody = clinic.nobody();
    let forged = nobody.with_token(Some("eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.".to_owned()));
    let mut tampered = admin.token.clone().expect("a token");
    let flipped = if tampered.pop() == Some('A') {
        'B'
    } else {
        'A'
    };
    tampered.push(flipped);
    let tampered = admin.with_token(Some(tampered));
    for (path, method, operation) in guarded() {
        let path = clinic.absent_chart().fill(&path);
        for (who, caller, code) in [
            ("without a token", &nobody, "token_missing"),
            ("with alg none", &forged, "token_invalid"),
            ("with a tampered token", &tampered, "token_invalid"),
        ] {
            let reply = caller
                .send(method.clone(), &path, &headers(&method), body(&operation))
                .await;
            assert_eq!(reply.status, 401, "{method} {path} {who}: {}", reply.text);
            assert_eq!(reply.json()["code"], code, "{method} {path} {who}");
        }
    }
    clinic.clock.advance(chrono::TimeDelta::minutes(11));
    for (path, method, operation) in guarded() {
        let path = clinic.absent_chart().fill(&path);
        let reply = admin
            .send(method.clone(), &path, &headers(&method), body(&operation))
            .await;
        assert_eq!(
            reply.status, 401,
            "{method} {path} with an expired token: {}",
            reply.text
        );
    }
}

#[tokio::test]
async fn a_role_without_the_permission_is_refused() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    for role in Role::ALL {
        let caller = clinic.user(role).await;
        for (path, method, operation) in guarded() {
            let allowed = operation["x-roles"]
                .as_array()
                .expect("roles")
                .iter()
                .any(|name| name == role.as_str());
            if allowed {
                continue;
            }
            let reply = caller
                .send(
                    method.clone(),
                    &(chart.fill(&path) + &required_query(&operation)),
                    &headers(&method),
                    body(&operation),
                )
                .await;
            assert_eq!(
                reply.status,
                403,
                "{method} {path} as {}: {}",
                role.as_str(),
                reply.text
            );
        }
    }
}

#[tokio::test]
async fn another_tenants_ids_are_ids_that_do_not_exist() {
    let ours = TestTenant::new().await;
    let theirs = TestTenant::new().await;
    let chart = Chart::open(&theirs).await;
    let mut asked = 0;
    for role in Role::ALL {
        let caller = ours.user(role).await;
        for (path, method, operation) in guarded() {
            let may = operation["x-roles"]
                .as_array()
                .expect("roles")
                .iter()
                .any(|name| name == role.as_str());
            if !may || !path.contains('{') {
                continue;
            }
            let send = |path: String| {
                let (caller, method, operation) =
                    (caller.clone(), method.clone(), operation.clone());
                async move {
                    caller
                        .send(method.clone(), &path, &headers(&method), body(&operation))
                        .await
                }
            };
            let foreign = send(chart.fill(&path)).await;
            let absent = send(ours.absent_chart().fill(&path)).await;
            assert_eq!(
                foreign.status,
                404,
                "{method} {path} as {}: {}",
                role.as_str(),
                foreign.text
            );
            assert_eq!(
                without_request_id(foreign.json()),
                without_request_id(absent.json()),
                "{method} {path}"
            );
            asked += 1;
        }
    }
    assert!(asked > 50, "only {asked} were asked");
}

#[tokio::test]
async fn a_patient_sees_no_chart_but_his_own() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let patient = clinic.user(Role::Patient).await;
    for (path, method, operation) in guarded() {
        let may = operation["x-roles"]
            .as_array()
            .expect("roles")
            .iter()
            .any(|name| name == "patient");
        if may && path.contains("{patient_id}") {
            let reply = patient
                .send(
                    method.clone(),
                    &chart.fill(&path),
                    &headers(&method),
                    body(&operation),
                )
                .await;
            assert_eq!(reply.status, 404, "{method} {path}: {}", reply.text);
        }
    }
}

#[tokio::test]
async fn a_clinician_sees_no_chart_of_a_patient_he_does_not_care_for() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    for role in [Role::Provider, Role::Nurse] {
        let stranger = clinic.user(role).await;
        for (path, method, operation) in guarded() {
            let may = operation["x-roles"]
                .as_array()
                .expect("roles")
                .iter()
                .any(|name| name == role.as_str());
            if may && path.contains("{patient_id}") {
                let reply = stranger
                    .send(
                        method.clone(),
                        &chart.fill(&path),
                        &headers(&method),
                        body(&operation),
                    )
                    .await;
                assert_eq!(
                    reply.status,
                    404,
                    "{method} {path} as {}: {}",
                    role.as_str(),
                    reply.text
                );
            }
        }
    }
}

fn without_request_id(mut problem: Value) -> Value {
    problem["request_id"] = Value::Null;
    problem
}
