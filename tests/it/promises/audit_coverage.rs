//! Every operation on health information leaves access records that name whom it was about, refusals too.

use axum::http::Method;
use platform::access::Role;
use serde_json::json;
use sqlx::Row;

use super::openapi::{example, is_form, operations, required_query};
use crate::support::{Chart, TestTenant, admin_connection};

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one walk over every operation")]
async fn every_disclosure_and_every_refusal_is_on_record() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let document = chartwell::document();
    let mut connection = admin_connection().await;
    let (mut disclosed, mut refused) = (0, 0);
    // A callers' role for each operation; reads first, so that changes do not take away what they look at.
    let mut all = operations(&document);
    all.sort_by_key(|(_, method, _)| method != Method::GET);
    let admin = clinic.user(Role::Admin).await;
    let patient = chart.portal_user.clone();
    let billing = clinic.user(Role::Billing).await;
    for (path, method, operation) in all {
        if operation["x-phi"] != true {
            continue;
        }
        let has = |role: &str| {
            operation["x-roles"]
                .as_array()
                .expect("roles")
                .iter()
                .any(|name| name == role)
        };
        let caller = if has("admin") {
            &admin
        } else if has("provider") {
            &chart.doctor
        } else {
            &patient
        };
        let mut headers = Vec::new();
        if method == Method::PATCH {
            headers.extend([
                ("if-match", "\"1\""),
                ("content-type", "application/merge-patch+json"),
            ]);
        }
        let body = operation["requestBody"].is_object().then(|| {
            if method == Method::PATCH {
                json!({})
            } else {
                chart.localise(example(&document, &operation).unwrap_or(json!({})))
            }
            .to_string()
        });
        for caller in [caller, &billing] {
            let place = chart.fill(&path) + &required_query(&operation);
            let reply = if is_form(&operation) {
                let example = example(&document, &operation).unwrap_or(json!({}));
                let label = example.get("document").cloned();
                caller
                    .file(
                        &place,
                        label.as_ref(),
                        ("example.txt", "text/plain", b"text"),
                    )
                    .await
            } else {
                caller
                    .send(method.clone(), &place, &headers, body.clone())
                    .await
            };
            let request = reply.headers["x-request-id"]
                .to_str()
                .expect("an id")
                .to_owned();
            let rows = sqlx::query("select outcome, patient_id::text from app.phi_access_log where request_id = $1::uuid")
                .bind(&request)
                .fetch_all(&mut connection)
                .await
                .expect("the log can be read");
            let place = format!(
                "{method} {path} as {} → {} {}",
                caller.email, reply.status, reply.text
            );
            if reply.status.is_success() {
                assert!(!rows.is_empty(), "{place}: no record");
                assert!(
                    rows.iter()
                        .all(|row| row.get::<String, _>("outcome") == "success"),
                    "{place}"
                );
                disclosed += 1;
            } else if matches!(reply.status.as_u16(), 403 | 404 | 409) {
                assert!(
                    rows.iter()
                        .any(|row| row.get::<String, _>("outcome") == "refused"),
                    "{place}: no record"
                );
                refused += 1;
            } else {
                assert!(
                    method != Method::GET,
                    "{place}: a read should succeed or be refused"
                );
                continue;
            }
            if path.contains("{patient_id}") {
                let named = rows.iter().any(|row| {
                    row.get::<Option<String>, _>("patient_id").as_deref() == Some(&chart.patient)
                });
                assert!(named, "{place}: the record does not name the patient");
            }
        }
    }
    assert!(
        disclosed > 10 && refused > 10,
        "{disclosed} disclosures, {refused} refusals"
    );
}
