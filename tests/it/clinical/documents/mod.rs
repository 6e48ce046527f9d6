//! Documents: filing, reading, who may, quarantine, search, retention.

mod audience;
mod counterparts;
mod filing;
mod quota;
mod refusals;
mod retention;
mod scanning;
mod search;
mod uploads;

use serde_json::{Value, json};

use crate::support::{Caller, Reply};

/// A label.
fn label(category: &str) -> Value {
    json!({ "category": category, "kind": "other", "title": "A paper", "document_date": "2026-01-15" })
}

async fn file_text(caller: &Caller, patient: &str, category: &str, text: &str) -> Reply {
    let path = format!("/api/v1/patients/{patient}/documents");
    caller
        .file(
            path,
            Some(&label(category)),
            ("paper.txt", "text/plain", text.as_bytes()),
        )
        .await
}

fn id(document: &Value) -> &str {
    document["id"].as_str().expect("an id")
}

fn content_of(document: &Value) -> String {
    format!("/api/v1/documents/{}/content", id(document))
}

/// Content that no two chunks of which are alike.
fn pattern(size: usize) -> Vec<u8> {
    (0..size as u64)
        .map(|at| b'a' + u8::try_from((at * 7 + at / 1000) % 26).expect("small"))
        .collect()
}
