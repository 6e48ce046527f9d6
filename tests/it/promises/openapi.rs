//! The document is what the code says, it is committed, and every path in it is served.

use std::collections::HashSet;

use axum::http::Method;
use serde_json::Value;

use super::project;
use crate::support::TestTenant;

/// Every operation: path, method, and what the document says of it.
pub fn operations(document: &Value) -> Vec<(String, Method, Value)> {
    document["paths"]
        .as_object()
        .expect("paths")
        .iter()
        .flat_map(|(path, methods)| {
            methods
                .as_object()
                .into_iter()
                .flatten()
                .map(|(method, operation)| {
                    let method = method.to_uppercase().parse().expect("a method");
                    (path.clone(), method, operation.clone())
                })
        })
        .collect()
}

#[test]
fn the_committed_document_is_the_one_the_code_says() {
    let committed =
        std::fs::read_to_string(project("openapi/chartwell.v1.json")).unwrap_or_default();
    let committed: Value =
        serde_json::from_str(&committed).expect("scripts/generated.sh writes it");
    assert_eq!(
        committed,
        *chartwell::document(),
        "write it anew with scripts/generated.sh"
    );
}

#[test]
fn every_operation_says_what_it_needs() {
    let document = chartwell::document();
    let mut names = HashSet::new();
    for (path, method, operation) in operations(&document) {
        let place = format!("{method} {path}");
        let name = operation["operationId"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        assert!(names.insert(name.clone()), "{place}: {name} is not unique");
        assert!(
            name.contains('_'),
            "{place}: {name} is not <verb>_<resource>"
        );
        assert!(
            operation["summary"]
                .as_str()
                .is_some_and(|text| !text.is_empty()),
            "{place} has no summary"
        );
        assert!(
            operation["x-phi"].is_boolean(),
            "{place} does not say whether it discloses"
        );
        if operation["x-permission"].is_null() {
            let open = [
                "/livez",
                "/readyz",
                "/metrics",
                "/.well-known/jwks.json",
                "/set-password",
                "/visit",
                // A secret in the path is the proof.
                "/calendar/{file}",
                "/api/v1/appointment-links/{token}",
                "/api/v1/offer-links/{token}",
            ]
            .contains(&path.as_str())
                || [
                    "/api/v1/auth/login",
                    "/api/v1/auth/refresh",
                    "/api/v1/auth/logout",
                    "/api/v1/auth/set-password",
                ]
                .contains(&path.as_str());
            assert!(open, "{place} has no permission");
        } else {
            assert!(
                operation["x-roles"]
                    .as_array()
                    .is_some_and(|roles| !roles.is_empty()),
                "{place}: unknown permission"
            );
        }
        if method == Method::PATCH {
            assert!(
                operation["responses"]["412"].is_object(),
                "{place} does not say what a stale version gets"
            );
        }
    }
}

#[test]
fn every_schema_of_the_document_is_referred_to() {
    let document = chartwell::document();
    let text = document.to_string();
    for name in document["components"]["schemas"]
        .as_object()
        .expect("schemas")
        .keys()
    {
        let reference = format!("\"#/components/schemas/{name}\"");
        assert!(text.contains(&reference), "nothing refers to {name}");
    }
}

#[test]
fn every_body_has_an_example() {
    let document = chartwell::document();
    for (path, method, operation) in operations(&document) {
        if operation["requestBody"].is_object() {
            assert!(
                example(&document, &operation).is_some(),
                "{method} {path} has no example"
            );
        }
    }
}

#[tokio::test]
async fn every_documented_path_is_served() {
    let clinic = TestTenant::new().await;
    let nobody = clinic.nobody();
    let document = chartwell::document();
    for (path, method, operation) in operations(&document) {
        let reply = nobody
            .send(method.clone(), &path.replace(['{', '}'], ""), &[], None)
            .await;
        let code = reply.text.clone();
        assert!(
            !code.contains("route_not_found") && !code.contains("method_not_allowed"),
            "{method} {path}: {code}"
        );
        if !operation["x-permission"].is_null() {
            assert_eq!(reply.status, 401, "{method} {path}: {code}");
        }
    }
}

/// The query an operation can't do without, of the examples of its parameters.
pub fn required_query(operation: &Value) -> String {
    let wanted: Vec<String> = operation["parameters"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|one| one["in"] == "query" && one["required"] == true)
        .map(|one| {
            let example = one["example"]
                .as_str()
                .or(one["schema"]["example"].as_str());
            format!(
                "{}={}",
                one["name"].as_str().unwrap_or_default(),
                example.unwrap_or("text").replace(' ', "%20")
            )
        })
        .collect();
    if wanted.is_empty() {
        String::new()
    } else {
        format!("?{}", wanted.join("&"))
    }
}

/// Whether the body is a form with a file.
pub fn is_form(operation: &Value) -> bool {
    operation["requestBody"]["content"]["multipart/form-data"].is_object()
}

/// The example of an operation's body.
pub fn example(document: &Value, operation: &Value) -> Option<Value> {
    let content = operation["requestBody"]["content"]
        .as_object()?
        .values()
        .next()?;
    if !content["example"].is_null() {
        return Some(content["example"].clone());
    }
    let schema = &content["schema"];
    let schema = match schema["$ref"].as_str() {
        Some(path) => &document["components"]["schemas"][path.rsplit('/').next()?],
        None => schema,
    };
    let example = if schema["example"].is_null() {
        &schema["examples"][0]
    } else {
        &schema["example"]
    };
    (!example.is_null()).then(|| example.clone())
}
