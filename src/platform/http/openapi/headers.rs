//! What answers carry in their headers: one rule for each, so that the document says it of every operation.
//!
//! A test asks every operation and compares: what an answer carries the document says of it, and what it says to be required
//! is there.

use serde_json::{Map, Value, json};

/// Name, meaning, and an example, from which its type follows.
const HEADERS: [(&str, &str, &str); 13] = [
    (
        "X-Request-Id",
        "The request's id; quote it when asking the operator.",
        "01990000-0000-7000-8000-000000000001",
    ),
    (
        "RateLimit",
        "What is left of the tightest limit the request was counted against, and the seconds until there is more.",
        "\"user\";r=599;t=1",
    ),
    (
        "RateLimit-Policy",
        "That limit: requests in a window of seconds.",
        "\"user\";q=600;w=60",
    ),
    ("Retry-After", "Seconds to wait before trying again.", "1"),
    (
        "WWW-Authenticate",
        "How to authenticate: with a bearer token.",
        "Bearer",
    ),
    (
        "Location",
        "Where what was made is to be found.",
        "/api/v1/things/01990000-0000-7000-8000-000000000001",
    ),
    (
        "ETag",
        "Of a resource its version, for If-Match; of content what tells it from other content.",
        "\"3\"",
    ),
    (
        "Idempotent-Replay",
        "`true`: this is the answer to the first request with the same Idempotency-Key.",
        "true",
    ),
    (
        "Content-Disposition",
        "Whether to keep or to show it, and its name.",
        "attachment; filename=\"scan.pdf\"",
    ),
    ("Accept-Ranges", "Parts can be asked for.", "bytes"),
    ("Content-Range", "Which part it is.", "bytes 0-499/1234"),
    (
        "Repr-Digest",
        "The SHA-256 of the whole content (RFC 9530).",
        "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:",
    ),
    (
        "Content-Security-Policy",
        "Content runs nothing and loads nothing.",
        "sandbox; default-src 'none'",
    ),
];

/// What every answer carries.
const ALWAYS: [&str; 3] = ["X-Request-Id", "RateLimit", "RateLimit-Policy"];

/// What an answer may also lack: before a limit was counted, where nobody knows how long, of a first request.
const SOMETIMES: [&str; 4] = [
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "Idempotent-Replay",
];

/// The headers, for answers to refer to.
pub(super) fn components() -> Value {
    let headers = HEADERS.into_iter().map(|(name, meaning, example)| {
        let schema = if name == "Retry-After" {
            json!({ "type": "integer", "minimum": 1, "example": 1 })
        } else {
            json!({ "type": "string", "example": example })
        };
        let required = !SOMETIMES.contains(&name);
        let header = json!({ "description": meaning, "required": required, "schema": schema });
        (name.to_owned(), header)
    });
    headers.collect::<Map<_, _>>().into()
}

/// Those of a problem.
pub(super) fn of_problem(status: &str) -> Value {
    let own: &[&str] = match status {
        "401" => &["WWW-Authenticate"],
        "429" | "503" => &["Retry-After"],
        "304" => &["ETag"],
        _ => &[],
    };
    referred(ALWAYS.iter().chain(own))
}

/// Tells those of an operation's successes. `schemas` are the document's, their parts joined.
pub(super) fn tell(method: &str, operation: &mut Value, schemas: &Value) {
    let replays = method == "post" && !operation["x-permission"].is_null();
    let responses = operation["responses"].as_object_mut();
    for (status, response) in responses.into_iter().flatten() {
        if !status.starts_with('2') {
            // A problem of its own words, beside those that are referred to; or what the caller has is still good.
            if response["$ref"].is_null() {
                response["headers"] = of_problem(status);
            }
            continue;
        }
        let mut own = Vec::new();
        if status == "201" {
            own.push("Location");
        }
        if replays {
            own.push("Idempotent-Replay");
        }
        own.extend(of_body(status, response, schemas));
        response["headers"] = referred(ALWAYS.iter().chain(&own));
    }
}

/// What follows from what the answer holds.
fn of_body(status: &str, response: &Value, schemas: &Value) -> Vec<&'static str> {
    let content = response["content"].as_object();
    let Some((kind, media)) = content.and_then(|content| content.iter().next()) else {
        return Vec::new();
    };
    match kind.as_str() {
        "application/json" if has_version(&media["schema"], schemas) => vec!["ETag"],
        "*/*" => {
            let mut own = vec![
                "ETag",
                "Content-Disposition",
                "Accept-Ranges",
                "Repr-Digest",
                "Content-Security-Policy",
            ];
            if status == "206" {
                own.push("Content-Range");
            }
            own
        }
        "application/zip" => vec!["Content-Disposition"],
        "text/calendar" => vec!["ETag"],
        _ => Vec::new(),
    }
}

/// Whether it is one resource that has a version: a number, unlike that of a code system.
fn has_version(schema: &Value, schemas: &Value) -> bool {
    let name = schema["$ref"]
        .as_str()
        .and_then(|path| path.rsplit('/').next());
    let schema = name.map_or(schema, |name| &schemas[name]);
    let required = schema["required"].as_array();
    required.is_some_and(|names| names.iter().any(|name| name == "version"))
        && schema["properties"]["version"]["type"] == "integer"
}

fn referred<'a>(names: impl Iterator<Item = &'a &'a str>) -> Value {
    let refer = |name: &&str| {
        let place = format!("#/components/headers/{name}");
        ((*name).to_owned(), json!({ "$ref": place }))
    };
    names.map(refer).collect::<Map<_, _>>().into()
}
