//! What is POSTed is what GET returns: for every resource that is created with an example and has a place.

use axum::http::Method;
use platform::access::Role;
use serde_json::{Value, json};

use super::openapi::{example, is_form, operations};
use crate::support::{Caller, Chart, Reply, TestTenant};

/// What is created otherwise than by its example, and why. Its feature's tests read it back.
const SKIPPED: [(&str, &str); 4] = [
    (
        "/api/v1/documents/uploads/{upload_id}/complete",
        "needs an upload whose parts have all been sent",
    ),
    (
        "/api/v1/patients/{patient_id}/encounters/{encounter_id}/bed-moves",
        "needs an encounter that has begun",
    ),
    (
        "/api/v1/scheduling/forecasts",
        "needs six weeks of appointments that are over",
    ),
    (
        "/api/v1/scheduling/plans/{plan_id}/replan",
        "names somebody of a plan",
    ),
];

/// What of an example would meet what the chart has already, or names something only the chart has.
fn fit(path: &str, sent: &mut Value, chart: &Chart, newcomer: &Caller) {
    let of_chart = |name: &str| json!(chart.fill(&format!("{{{name}}}")));
    let changes = match path {
        "/api/v1/facilities" => vec![("/code", json!("OTHER"))],
        "/api/v1/providers" => vec![("/npi", json!("1245319599"))],
        "/api/v1/staff" => vec![("/user_id", json!(newcomer.user_id))],
        "/api/v1/note-supervisions" => vec![
            ("/user_id", json!(chart.nurse.user_id)),
            ("/supervisor_id", json!(chart.doctor.user_id)),
        ],
        "/api/v1/providers/{provider_id}/documents" => {
            vec![
                ("/category", json!("credential")),
                ("/kind", json!("other")),
            ]
        }
        "/api/v1/scheduling/plans" => vec![
            ("/facility_ids/0", of_chart("facility_id")),
            ("/requests/0/patient_id", of_chart("patient_id")),
            ("/requests/0/service_id", of_chart("service_id")),
        ],
        _ => Vec::new(),
    };
    for (pointer, value) in changes {
        *sent.pointer_mut(pointer).expect("a member of the example") = value;
    }
}

/// Members that are written and never shown, or shown in another form.
const NEVER_SHOWN: [&str; 2] = ["password", "value"];

#[tokio::test]
async fn what_is_created_is_what_is_read() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let admin = clinic.user(Role::Admin).await;
    let newcomer = clinic.user(Role::Nurse).await;
    let document = chartwell::document();
    let mut broken = Vec::new();
    for (path, method, operation) in operations(&document) {
        let may = |name: &str| {
            operation["x-roles"]
                .as_array()
                .is_some_and(|roles| roles.iter().any(|role| role == name))
        };
        if method != Method::POST || !operation["responses"]["201"].is_object() {
            continue;
        }
        // What only clinicians write, the patient's own doctor does; what only he himself, he.
        let caller = match (may("admin"), may("provider")) {
            (true, _) => &admin,
            (false, true) => &chart.doctor,
            (false, false) if may("patient") => &chart.portal_user,
            (false, false) => panic!("{path}: who creates it?"),
        };
        let example = example(&document, &operation).unwrap_or(json!({}));
        let (sent, created) = if is_form(&operation) {
            let file = example["file"]
                .as_str()
                .expect("a file")
                .as_bytes()
                .to_vec();
            let document = example
                .get("document")
                .cloned()
                .map(|document| chart.localise(document))
                .map(|mut document| {
                    fit(&path, &mut document, &chart, &newcomer);
                    document
                });
            let created = caller
                .file(
                    chart.fill(&path),
                    document.as_ref(),
                    ("example.txt", "text/plain", &file),
                )
                .await;
            (document.unwrap_or(json!({})), created)
        } else {
            let mut sent = chart.localise(example);
            fit(&path, &mut sent, &chart, &newcomer);
            (sent.clone(), caller.post(chart.fill(&path), sent).await)
        };
        let skipped = SKIPPED.iter().any(|(skipped, _)| *skipped == path);
        let told = if created.status == 201 {
            read_back(caller, &path, &sent, created).await
        } else {
            Err(format!("{}: {}", created.status, created.text))
        };
        match told {
            Ok(()) if skipped => broken.push(format!("{path} need not be skipped")),
            Err(why) if !skipped => broken.push(format!("{path}: {why}")),
            Ok(()) | Err(_) => {}
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

/// What was created is at its place, as it was sent.
async fn read_back(
    caller: &Caller,
    path: &str,
    sent: &Value,
    created: Reply,
) -> Result<(), String> {
    let place = created
        .headers
        .get("location")
        .and_then(|place| place.to_str().ok())
        .ok_or("does not say where the resource is")?;
    if !created.headers.contains_key("etag") {
        return Err("does not say which version it made".to_owned());
    }
    let found = caller.get(place).await;
    if found.status != 200 {
        return Err(format!("{place}: {} {}", found.status, found.text));
    }
    let (created, found) = (created.json(), found.json());
    // What is only ever listed says so with the list as its place.
    let found = if let Some(items) = found["items"].as_array() {
        items
            .iter()
            .find(|item| item["id"] == created["id"])
            .ok_or_else(|| format!("{place} does not list it"))?
            .clone()
    } else if found["version"] == created["version"] {
        found
    } else {
        return Err(format!("{place} shows another version"));
    };
    same(path, sent, &found);
    Ok(())
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
