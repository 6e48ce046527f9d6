//! Keys that sign are replaced, and disowned.

use base64::Engine as _;
use chrono::{DateTime, TimeDelta, Utc};
use platform::access::Role;
use platform::audit::verify;
use platform::crypto::{SigningKeys, tenant_signing};
use platform::db::SystemTx;
use serde_json::{Value, json};
use sqlx::Executor as _;
use uuid::Uuid;

use super::seal;
use crate::support::{Chart, TestTenant, admin_connection, master};

async fn rotate(clinic: &TestTenant) {
    let mut tx = SystemTx::begin(&clinic.app.db, clinic.id)
        .await
        .expect("a transaction");
    let cipher = clinic.app.tenant_keys.cipher(&mut tx).await.expect("keys");
    tenant_signing::rotate(&mut tx, &cipher, clinic.clock.now())
        .await
        .expect("a new key");
    tx.commit().await.expect("it is kept");
}

async fn disown(clinic: &TestTenant, kid: &str, since: DateTime<Utc>) {
    let mut tx = SystemTx::begin(&clinic.app.db, clinic.id)
        .await
        .expect("a transaction");
    let kid = Uuid::parse_str(kid).expect("an id");
    let there = tenant_signing::disown(&mut tx, kid, since, clinic.clock.now())
        .await
        .expect("it is noted");
    assert!(there);
    tx.commit().await.expect("it is kept");
}

/// A further note of the chart's doctor, signed; its path.
async fn signed(chart: &Chart) -> String {
    let made = chart
        .doctor
        .post(
            format!("/api/v1/patients/{}/notes", chart.patient),
            json!({ "type": "progress", "content": { "body": "Still well." } }),
        )
        .await
        .expect(201);
    let path = format!("/api/v1/notes/{}", made["id"].as_str().expect("an id"));
    chart
        .doctor
        .post(format!("{path}/sign"), json!({ "text_number": 1 }))
        .await
        .expect(200);
    path
}

/// What the check of a note finds: whether it is valid, the key, the faults.
async fn verified(chart: &Chart, path: &str) -> (Value, String, Value) {
    let found = chart.doctor.get(format!("{path}/verify")).await.expect(200);
    let entry = &found["entries"][0];
    let kid = entry["key_id"].as_str().expect("a key").to_owned();
    (found["valid"].clone(), kid, entry["faults"].clone())
}

#[tokio::test]
async fn a_new_signing_key_signs_and_the_old_one_verifies() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let old_note = chart.fill("/api/v1/notes/{note_id}");
    rotate(&clinic).await;
    let new_note = signed(&chart).await;
    let (old, new) = (
        verified(&chart, &old_note).await,
        verified(&chart, &new_note).await,
    );
    assert_eq!((&old.0, &new.0), (&json!(true), &json!(true)));
    assert_ne!(old.1, new.1, "a signature names its key");
    for role in [Role::Admin, Role::Staff, Role::Patient] {
        let reader = clinic.user(role).await;
        let listed = reader.get("/api/v1/signing-keys").await.expect(200);
        let kids: Vec<&str> = listed["keys"]
            .as_array()
            .expect("a list")
            .iter()
            .filter_map(|key| key["kid"].as_str())
            .collect();
        assert_eq!(kids, [&old.1, &new.1], "{listed}");
        assert!(listed["keys"][0]["retired_at"].is_string());
        assert!(listed["keys"][1].get("retired_at").is_none());
    }
}

#[tokio::test]
async fn a_key_in_other_hands_is_not_believed_from_that_instant_on() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let before = chart.fill("/api/v1/notes/{note_id}");
    let since = clinic.clock.now();
    let after = signed(&chart).await;
    let exported = chart
        .doctor
        .get(format!("{after}/signed"))
        .await
        .expect(200);
    let kid = verified(&chart, &after).await.1;
    disown(&clinic, &kid, since).await;
    // Said again with a later instant, the earlier one stays.
    disown(&clinic, &kid, since + TimeDelta::days(1)).await;
    assert_eq!(verified(&chart, &before).await.0, json!(true));
    let found = verified(&chart, &after).await;
    assert_eq!(
        (found.0, found.2),
        (json!(false), json!(["compromised_key"]))
    );
    let next = signed(&chart).await;
    let found = verified(&chart, &next).await;
    assert_eq!(found.0, json!(true));
    assert_ne!(found.1, kid, "it signs no more");

    // The file was made when nobody knew; the list of keys knows.
    let list = chart.doctor.get("/api/v1/signing-keys").await.expect(200);
    let folder = std::env::temp_dir();
    let write = |name: &str, content: &Value| {
        let path = folder.join(format!("chartwell-{name}-{kid}.json"));
        std::fs::write(&path, content.to_string()).expect("written");
        path
    };
    let (file, keys) = (write("note", &exported), write("keys", &list));
    let check = |arguments: &[&std::ffi::OsStr]| {
        let run = std::process::Command::new(env!("CARGO_BIN_EXE_chartwell"))
            .args(["notes", "verify"])
            .arg(&file)
            .args(arguments)
            .env_clear()
            .output()
            .expect("the program runs");
        let told = String::from_utf8_lossy(&run.stdout).into_owned();
        (run.status.success(), told)
    };
    let (good, told) = check(&[]);
    assert!(good, "{told}");
    let (good, told) = check(&["--keys".as_ref(), keys.as_os_str()]);
    assert!(!good && told.contains("in other hands by then"), "{told}");
    for path in [file, keys] {
        std::fs::remove_file(path).expect("removed");
    }
}

#[tokio::test]
async fn an_attestation_of_a_key_in_other_hands_is_not_valid() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let path = chart.fill("/api/v1/documents/{document_id}/attestations");
    let since = clinic.clock.now();
    let made = chart
        .doctor
        .post(&path, json!({ "statement": "Reviewed." }))
        .await
        .expect(201);
    assert_eq!(made["valid"], true);
    disown(&clinic, made["key_id"].as_str().expect("a key"), since).await;
    let listed = chart.doctor.get(&path).await.expect(200);
    assert_eq!(listed["items"][0]["valid"], false, "{listed}");
}

#[tokio::test]
async fn a_seal_of_a_key_in_other_hands_is_found() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    clinic.patient(&admin).await;
    seal(&clinic, None).await;
    // Within a transaction that is undone: the keys are everybody's.
    let mut connection = admin_connection().await;
    connection.execute("begin").await.expect("begin");
    let now = clinic.clock.now();
    let message = b"to learn the key's id";
    let id = clinic.app.keys.current().sign_seal(message).0.to_owned();
    let long_ago = now - TimeDelta::days(1);
    let replaced = SigningKeys::disown(&mut connection, &*master(), &id, long_ago, now)
        .await
        .expect("it is noted");
    assert!(replaced.is_some_and(|next| next != id));
    let keys = SigningKeys::load_or_create(&mut connection, &*master(), now)
        .await
        .expect("keys");
    connection.execute("rollback").await.expect("rollback");
    let range = verify::Range {
        tenant: Some(clinic.id),
        ..verify::Range::default()
    };
    let report = verify::verify_with(&clinic.app.db, &keys, &range, None)
        .await
        .expect("it can be verified");
    assert!(!report.faults.is_empty());
    for fault in report.faults {
        let told = fault.to_string();
        assert!(told.contains("in other hands by then"), "{told}");
    }
}

#[tokio::test]
async fn a_listed_key_is_the_one_that_signed() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let file = chart
        .doctor
        .get(chart.fill("/api/v1/notes/{note_id}/signed"))
        .await
        .expect(200);
    let list = chart.doctor.get("/api/v1/signing-keys").await.expect(200);
    let decoded = |text: &Value, engine: base64::engine::GeneralPurpose| {
        engine.decode(text.as_str().expect("text")).expect("base64")
    };
    assert_eq!(
        decoded(
            &list["keys"][0]["x"],
            base64::engine::general_purpose::URL_SAFE_NO_PAD
        ),
        decoded(
            &file["keys"][0]["public_key"],
            base64::engine::general_purpose::STANDARD
        )
    );
}
