//! Planted words: every text a tenant's chart holds carries one, and no answer to anybody else, no problem and no log line
//! may contain it.

use std::io::Write;
use std::sync::{Arc, Mutex};

use axum::http::Method;
use platform::access::Role;
use serde_json::{Value, json};
use tracing_subscriber::fmt::MakeWriter;

use super::openapi::{example, operations};
use crate::support::{Chart, TestTenant};

const CANARY: &str = "Kanarienvogel";

/// A log that remembers.
#[derive(Clone, Default)]
struct Remembered(Arc<Mutex<Vec<u8>>>);

impl Write for Remembered {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0
            .lock()
            .expect("not poisoned")
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Remembered {
    type Writer = Self;
    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn a_planted_word_leaves_neither_the_tenant_nor_through_errors_and_logs() {
    let log = Remembered::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(log.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);

    let theirs = TestTenant::new().await;
    let chart = Chart::open(&theirs).await;
    let admin = theirs.user(Role::Admin).await;
    let planted = admin
        .post(
            "/api/v1/patients?allow_duplicate=true",
            json!({ "names": [{ "use": "legal", "family": CANARY, "given": [CANARY] }], "birth_date": "1971-02-03", "sex": "male",
                    "addresses": [{ "use": "home", "lines": [CANARY], "city": CANARY, "country": "US" }] }),
        )
        .await
        .expect(201)["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let found = admin.get(format!("/api/v1/patients?family={CANARY}")).await;
    assert!(
        found.text.contains(CANARY),
        "the word was planted: {}",
        found.text
    );

    // Bad requests with the word in every place: the answer must not repeat it.
    for path in [
        format!("/api/v1/patients?colour={CANARY}"),
        format!("/api/v1/patients?birth_date={CANARY}"),
        format!("/api/v1/patients/{CANARY}"),
    ] {
        let reply = admin.get(&path).await;
        assert!(
            reply.status.is_client_error() && !reply.text.contains(CANARY),
            "{path}: {}",
            reply.text
        );
    }
    let document = chartwell::document();
    for (path, method, operation) in operations(&document) {
        if method == Method::POST && operation["requestBody"].is_object() {
            let mut body = example(&document, &operation).unwrap_or(json!({}));
            spoil(&mut body);
            let reply = admin.post(chart.fill(&path), body).await;
            assert!(!reply.status.is_server_error(), "{path}: {}", reply.text);
            assert!(
                reply.status.is_success() || !reply.text.contains(CANARY),
                "{path}: {}",
                reply.text
            );
        }
    }

    // Another tenant's admin asks for everything there is.
    let ours = TestTenant::new().await;
    let stranger = ours.user(Role::Admin).await;
    for (path, method, _) in operations(&document) {
        if method == Method::GET {
            let path = chart.fill(&path).replace(&chart.patient, &planted);
            let reply = stranger.get(&path).await;
            assert!(!reply.text.contains(CANARY), "{path} tells");
        }
    }
    let log = String::from_utf8_lossy(&log.0.lock().expect("not poisoned")).into_owned();
    let told: Vec<&str> = log.lines().filter(|line| line.contains(CANARY)).collect();
    assert!(told.is_empty(), "the log tells: {told:#?}");
}

/// Puts the word where another kind of value belongs.
fn spoil(value: &mut Value) {
    match value {
        Value::Object(members) => members.values_mut().for_each(spoil),
        Value::Array(items) => items.iter_mut().for_each(spoil),
        other => *other = json!(CANARY),
    }
}
