//! What is POSTed is what GET returns: for every resource that is created with an example and has a place.

use axum::http::Method;
use platform::access::Role;
use serde_json::{Value, json};

use super::openapi::{example, is_form, operations};
use crate::support::{Chart, TestTenant};

/// Members that are written and never shown, or shown in another form.
const NEVER_SHOWN: [&str; 2] = ["password", "value"];

#[tokio::test]
async fn what_is_created_is_what_is_read() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let admin = clinic.user(Role::Admin).await;
    let document = chartwell::document();
    let mut read = Vec::new();
    for (path, method, operation) in operations(&document) {
        let may = |name: &str| {
            operation["x-roles"]
                .as_array()
                .is_some_and(|roles| roles.iter().any(|role| role == name))
        };
        // What only clinicians write, the patient's own doctor does.
        let caller = match (may("admin"), may("provider")) {
            (true, _) => &admin,
            (false, true) => &chart.doctor,
            (false, false) => continue,
        };
        if method != Method::POST || !operation["responses"]["201"].is_object() {
            continue;
        }
        let Some(example) = example(&document, &operation) else {
            continue;
        };
        let (sent, created) = if is_form(&operation) {
            let file = example["file"]
                .as_str()
                .expect("a file")
                .as_bytes()
                .to_vec();
            let document = example
                .get("document")
                .cloned()
                .map(|document| chart.localise(document));
            let created = caller
                .file(
                    chart.fill(&path),
                    document.as_ref(),
                    ("example.txt", "text/plain", &file),
                )
                .await;
            (document.unwrap_or(json!({})), created)
        } else {
            let sent = chart.localise(example);
            (sent.clone(), caller.post(chart.fill(&path), sent).await)
        };
        if created.status == 409 || created.status == 422 {
            // Something else stands in the way of this example, such as the chart's own licence; its feature's tests cover it.
            continue;
        }
        assert_eq!(created.status, 201, "{path}: {}", created.text);
        let Some(place) = created
            .headers
            .get("location")
            .and_then(|place| place.to_str().ok())
        else {
            panic!("{path} does not say where the resource is");
        };
        let found = caller.get(place).await;
        assert_eq!(found.status, 200, "{path} → {place}: {}", found.text);
        assert!(
            created.headers.contains_key("etag"),
            "{path} does not say which version it made"
        );
        let created = created.json();
        let found = found.json();
        // What is only ever listed says so with the list as its place.
        let found = if let Some(items) = found["items"].as_array() {
            items
                .iter()
                .find(|item| item["id"] == created["id"])
                .unwrap_or_else(|| panic!("{place} does not list it"))
                .clone()
        } else {
            assert_eq!(found["version"], created["version"], "{place}");
            found
        };
        same(&path, &sent, &found);
        read.push(path);
    }
    assert!(read.len() >= 5, "only {read:?} were read back");
}

/// Everything sent is found; more may be found.
fn same(place: &str, sent: &Value, found: &Value) {
    match (sent, found) {
        (Value::Object(sent), Value::Object(found)) => {
            for (name, value) in sent {
                if !NEVER_SHOWN.contains(&name.as_str()) && !value.is_null() {
                    let found = found
                        .get(name)
                        .unwrap_or_else(|| panic!("{place}: {name} is gone"));
                    same(&format!("{place}/{name}"), value, found);
                }
            }
        }
        (Value::Array(sent), Value::Array(found)) => {
            assert_eq!(sent.len(), found.len(), "{place}");
            for (sent, found) in sent.iter().zip(found) {
                same(place, sent, found);
            }
        }
        (Value::String(sent), Value::String(found)) if sent != found => {
            let instant =
                |text: &str| chrono::DateTime::parse_from_rfc3339(text).map(|at| at.to_utc());
            assert!(
                instant(sent).is_ok() && instant(sent) == instant(found),
                "{place}: {sent} became {found}"
            );
        }
        _ => assert_eq!(sent, found, "{place}"),
    }
}
