//! The document is what the code says, it is committed, and every path in it is served.

use std::collections::{BTreeSet, HashMap, HashSet};

use axum::http::{HeaderName, Method};
use platform::access::Role;
use platform::http::Rates;
use serde_json::Value;

use super::strangers::chart_with_everything;
use super::{project, sources};
use crate::support::{Reply, TestTenant};

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

/// Headers of every answer, of which the document says nothing: what HTTP itself needs, and what browsers and
/// proxies are told.
const OF_EVERY_ANSWER: [&str; 7] = [
    "content-type",
    "content-length",
    "cache-control",
    "x-content-type-options",
    "cross-origin-resource-policy",
    "vary",
    "x-accel-buffering",
];

/// What an answer carries, as its status, in its headers or as a member of a problem, and the document does not say of it; or the
/// other way round.
pub fn unlike_the_document(document: &Value, operation: &Value, reply: &Reply) -> Option<String> {
    let said = &operation["responses"][reply.status.as_str()];
    let name = said["$ref"]
        .as_str()
        .and_then(|path| path.rsplit('/').next());
    let said = name.map_or(said, |name| &document["components"]["responses"][name]);
    let place = format!("{} {}", operation["operationId"], reply.status);
    if said.is_null() {
        return Some(format!("{place} is not in the document: {}", reply.text));
    }
    if let Some(strange) = strange_member(document, reply) {
        return Some(format!("{place} has {strange}, which no problem says"));
    }
    let named: HashMap<String, bool> = said["headers"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, _)| {
            let header = &document["components"]["headers"][name];
            (name.to_lowercase(), header["required"] == true)
        })
        .collect();
    let strange = reply
        .headers
        .keys()
        .map(HeaderName::as_str)
        .find(|header| !named.contains_key(*header) && !OF_EVERY_ANSWER.contains(header));
    if let Some(header) = strange {
        return Some(format!("{place} carries {header}, which it does not say"));
    }
    let missing = named
        .into_iter()
        .find(|(header, required)| *required && !reply.headers.contains_key(header));
    missing.map(|(header, _)| format!("{place} does not carry {header}"))
}

/// A member of a problem that the document does not know.
fn strange_member(document: &Value, reply: &Reply) -> Option<String> {
    let kind = reply.headers.get("content-type")?;
    if kind != "application/problem+json" {
        return None;
    }
    let known = &document["components"]["schemas"]["ProblemDocument"]["properties"];
    let problem = reply.json();
    let mut members = problem.as_object()?.keys();
    members.find(|name| known[*name].is_null()).cloned()
}

#[test]
fn the_document_names_every_member_a_problem_can_have() {
    let document = chartwell::document();
    let known = &document["components"]["schemas"]["ProblemDocument"]["properties"];
    let mut found = BTreeSet::new();
    for (file, text) in sources("src") {
        // There it is a setting of the database.
        if file.contains("/db/embedded/") {
            continue;
        }
        for (at, call) in text.match_indices(".with(") {
            let named = text[at + call.len()..].trim_start().strip_prefix('"');
            let name = named.and_then(|rest| rest.split('"').next());
            found.extend(name.map(str::to_owned));
        }
    }
    assert!(
        found.contains("candidates") && found.len() > 10,
        "{found:?}"
    );
    found.retain(|name| known[name].is_null());
    assert!(found.is_empty(), "{found:?}");
    let next = &known["next_free"]["items"];
    assert_eq!(next["format"], "date-time", "{next}");
    assert!(known["candidates"]["items"]["$ref"].is_string());
}

/// A time of the wall has no offset, which `date-time` demands.
#[test]
fn no_time_of_the_wall_is_said_to_be_an_instant() {
    let document = chartwell::document();
    let schemas = document["components"]["schemas"].as_object();
    let mut seen = 0;
    for (name, schema) in schemas.expect("schemas") {
        for (member, said) in schema["properties"].as_object().into_iter().flatten() {
            if member.starts_with("local_") {
                assert_ne!(said["format"], "date-time", "{name}.{member}");
                seen += 1;
            }
        }
    }
    assert!(seen > 10, "only {seen}");
}

#[tokio::test]
async fn a_code_of_the_world_has_the_headers_the_document_says() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let document = chartwell::document();
    let read = &document["paths"]["/api/v1/terminology/{system}/{code}"]["get"];
    let reply = admin.get("/api/v1/terminology/icd10cm/E11.9").await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(unlike_the_document(&document, read, &reply), None);
}

#[tokio::test]
async fn answers_carry_the_headers_the_document_says() {
    let clinic = TestTenant::new().await;
    let chart = chart_with_everything(&clinic).await;
    let admin = clinic.user(Role::Admin).await;
    let document = chartwell::document();
    let (mut seen, mut unlike) = (HashSet::new(), BTreeSet::new());
    for (path, method, operation) in operations(&document) {
        let place = chart.fill(&path) + &required_query(&operation);
        let streams = &operation["responses"]["200"]["content"]["text/event-stream"];
        let asked = method == Method::GET && streams.is_null() || method == Method::PATCH;
        if !asked || operation["x-permission"].is_null() {
            continue;
        }
        for caller in [&admin, &chart.doctor, &chart.portal_user] {
            let found = caller.get(&place).await;
            let reply = if method == Method::GET {
                found
            } else {
                let etag = found
                    .headers
                    .get("etag")
                    .and_then(|etag| etag.to_str().ok());
                let headers = [
                    ("if-match", etag.unwrap_or("\"1\"")),
                    ("content-type", "application/merge-patch+json"),
                ];
                let body = chart.localise(example(&document, &operation).unwrap_or_default());
                caller
                    .send(Method::PATCH, &place, &headers, Some(body.to_string()))
                    .await
            };
            unlike.extend(unlike_the_document(&document, &operation, &reply));
            if reply.status.is_success() {
                for header in reply.headers.keys() {
                    seen.insert(header.as_str().to_owned());
                }
            }
        }
    }
    assert!(unlike.is_empty(), "{unlike:#?}");
    for header in ["etag", "ratelimit", "x-request-id", "content-disposition"] {
        assert!(seen.contains(header), "no answer carried {header}");
    }
    // What is too much, and for whom there is no token.
    let rates = Rates {
        user: 1,
        ..Rates::default()
    };
    let small = TestTenant::with_rates(rates).await;
    let admin = small.user(Role::Admin).await;
    let list = &document["paths"]["/api/v1/facilities"]["get"];
    for (caller, status) in [(&admin, 200), (&admin, 429), (&small.nobody(), 401)] {
        let reply = caller.get("/api/v1/facilities").await;
        assert_eq!(reply.status.as_u16(), status);
        assert_eq!(reply.headers.contains_key("retry-after"), status == 429);
        assert_eq!(unlike_the_document(&document, list, &reply), None);
    }
    // A repeat says that it is one.
    let fresh = TestTenant::new().await;
    let admin = fresh.user(Role::Admin).await;
    let made = &document["paths"]["/api/v1/facilities"]["post"];
    let body = example(&document, made).expect("an example").to_string();
    for replayed in [false, true] {
        let key = [("idempotency-key", "the-same")];
        let reply = admin
            .send(Method::POST, "/api/v1/facilities", &key, Some(body.clone()))
            .await;
        assert_eq!(reply.status, 201, "{}", reply.text);
        assert_eq!(reply.headers.contains_key("idempotent-replay"), replayed);
        assert_eq!(unlike_the_document(&document, made, &reply), None);
    }
}

/// The names by which paths know what stands at a place, and its id.
pub fn known_by<'a>(paths: impl Iterator<Item = &'a str>, place: &str) -> Vec<(String, String)> {
    let segments: Vec<&str> = place.split('/').collect();
    let id = segments.last().copied().unwrap_or_default();
    let name = |path: &str| {
        let template: Vec<&str> = path.split('/').collect();
        let fits = template.len() == segments.len()
            && template
                .iter()
                .zip(&segments)
                .all(|(one, other)| one.starts_with('{') || one == other);
        let name = template.last()?.strip_prefix('{')?.strip_suffix('}')?;
        fits.then(|| (name.to_owned(), id.to_owned()))
    };
    paths.filter_map(name).collect()
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

/// The types of a source that are read and described: the name in the document, and the fields as they are written. What is
/// flattened or called otherwise on the wire is left out.
fn read_types(text: &str) -> Vec<(String, Vec<String>)> {
    let mut found: Vec<(String, Vec<String>)> = Vec::new();
    let (mut attributes, mut inside) = (String::new(), false);
    for line in text.lines().map(str::trim) {
        let field = line
            .strip_prefix("pub ")
            .and_then(|rest| rest.split_once(':'));
        if let Some(name) = line
            .strip_prefix("pub struct ")
            .and_then(|it| it.strip_suffix(" {"))
        {
            inside = attributes.contains("Deserialize") && attributes.contains("ToSchema");
            let called = attributes
                .split_once("schema(as = ")
                .and_then(|(_, rest)| rest.split_once(')'));
            if inside {
                found.push((
                    called.map_or(name, |(called, _)| called).to_owned(),
                    Vec::new(),
                ));
            }
            attributes.clear();
        } else if line == "}" || line.is_empty() {
            inside &= line.is_empty();
            attributes.clear();
        } else if let Some((name, _)) = field.filter(|_| inside) {
            let plain = !attributes.contains("flatten") && !attributes.contains("rename = ");
            if let Some((_, fields)) = found.last_mut().filter(|_| plain) {
                fields.push(name.trim_start_matches("r#").to_owned());
            }
            attributes.clear();
        } else if !line.starts_with("//") {
            attributes.push_str(line);
        }
    }
    found
}

#[test]
fn every_field_that_is_read_is_in_the_document() {
    let document = chartwell::document();
    let schemas = &document["components"]["schemas"];
    let (mut missing, mut seen) = (Vec::new(), 0);
    for (file, text) in sources("src") {
        for (name, fields) in read_types(&text) {
            let parts = schemas[&name]["allOf"].as_array();
            let parts = parts.map_or_else(|| vec![&schemas[&name]], |all| all.iter().collect());
            let described: HashSet<&String> = parts
                .iter()
                .filter_map(|part| part["properties"].as_object())
                .flat_map(|properties| properties.keys())
                .collect();
            // A type of parameters, or one of a body that has no fields of its own.
            if described.is_empty() {
                continue;
            }
            seen += 1;
            let lost = fields
                .into_iter()
                .filter(|field| !described.contains(field));
            missing.extend(lost.map(|field| format!("{file}: {name}.{field}")));
        }
    }
    assert!(seen > 100, "only {seen} types were found");
    assert!(missing.is_empty(), "{missing:#?}");
}
