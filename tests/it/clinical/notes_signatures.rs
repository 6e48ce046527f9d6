//! What is signed can be checked by anybody, and what was changed afterwards can be seen.

use base64::Engine as _;
use clinical::notes::{Fault, SignedNote};
use serde_json::{Value, json};
use sha2::Digest as _;
use sqlx::Executor as _;

use super::notes::Ward;

async fn exported(ward: &Ward, note: &str) -> SignedNote {
    let file = ward
        .doctor
        .get(format!("/api/v1/notes/{note}/signed"))
        .await
        .expect(200);
    serde_json::from_value(file).expect("an exported note")
}

#[tokio::test]
async fn a_signature_is_checked_by_the_server_and_from_the_file_alone() {
    let ward = Ward::open().await;
    let note = ward.signed(&ward.doctor, "progress", "as signed").await;
    let path = format!("/api/v1/notes/{note}");
    ward.doctor
        .post(format!("{path}/addenda"), json!({ "text": "and this" }))
        .await
        .expect(200);
    let found = ward.doctor.get(format!("{path}/verify")).await.expect(200);
    assert_eq!(found["valid"], true, "{found}");
    assert_eq!(found["entries"].as_array().map(Vec::len), Some(2));
    let file = exported(&ward, &note).await;
    let verified = file.verify();
    assert!(verified.valid, "{verified:?}");
    assert_eq!(json!(verified.last_hash), found["last_hash"]);
}

#[tokio::test]
async fn every_change_of_an_exported_note_is_found() {
    let ward = Ward::open().await;
    let note = ward.signed(&ward.doctor, "progress", "400 mg").await;
    let path = format!("/api/v1/notes/{note}");
    for text in ["first", "second"] {
        ward.doctor
            .post(format!("{path}/addenda"), json!({ "text": text }))
            .await
            .expect(200);
    }
    let file = exported(&ward, &note).await;
    let faults = |change: &dyn Fn(&mut SignedNote)| {
        let mut changed = file.clone();
        change(&mut changed);
        let found = changed.verify();
        assert!(!found.valid);
        let of_entries = found.entries.iter().flat_map(|entry| entry.faults.clone());
        of_entries.chain(found.faults.clone()).collect::<Vec<_>>()
    };
    let content = faults(&|file| {
        file.entries[0].payload["content"]["sections"]["body"] = json!("4000 mg");
    });
    assert!(content.contains(&Fault::Hash) && content.contains(&Fault::Signature));
    let missing = faults(&|file| {
        file.entries.remove(1);
    });
    assert_eq!(missing, [Fault::Chain]);
    let swapped = faults(&|file| file.entries.swap(1, 2));
    assert!(swapped.contains(&Fault::Chain));
    let keyless = faults(&|file| file.keys.clear());
    assert!(keyless.iter().all(|fault| *fault == Fault::UnknownKey));
    let other_key = faults(&|file| {
        file.keys[0].public_key = base64::engine::general_purpose::STANDARD.encode([3; 32]);
    });
    assert!(other_key.contains(&Fault::Signature));
    // A forger who makes the hash anew has no key.
    let rehashed = faults(&|file| {
        file.entries[2].payload["content"]["text"] = json!("third");
        let canonical =
            kernel::canonical_json::canonical_json(&file.entries[2].payload).expect("canonical");
        file.entries[2].hash = hex::encode(sha2::Sha256::digest(canonical.as_bytes()));
    });
    assert_eq!(rehashed, [Fault::Signature]);
    let of_another = faults(&|file| file.note_id = kernel::ids::NoteId::new());
    assert!(of_another.contains(&Fault::OtherNote));
}

#[tokio::test]
async fn what_was_tampered_with_at_the_database_is_found_by_verify() {
    let ward = Ward::open().await;
    let note = ward.signed(&ward.doctor, "progress", "400 mg").await;
    let path = format!("/api/v1/notes/{note}/verify");
    let mut connection = ward.clinic.behind_the_curtain().await;
    connection
        .execute("begin; set local session_replication_role = 'replica'")
        .await
        .expect("triggers can be turned off by the administrator");
    sqlx::query(
        "update app.note_texts set content = jsonb_build_object('body', '4000 mg') where note_id = $1::uuid",
    )
    .bind(&note)
    .execute(&mut connection)
    .await
    .expect("tampered");
    connection.execute("commit").await.expect("tampered");
    let found = ward.doctor.get(&path).await.expect(200);
    assert_eq!(found["valid"], false);
    assert_eq!(found["faults"], json!(["shown_text"]));
}

#[tokio::test]
async fn a_header_a_status_or_a_missing_entry_is_found_by_verify() {
    let ward = Ward::open().await;
    let note = ward.signed(&ward.doctor, "progress", "400 mg").await;
    let path = format!("/api/v1/notes/{note}");
    ward.doctor
        .post(format!("{path}/addenda"), json!({ "text": "no, 40" }))
        .await
        .expect(200);
    let mut connection = ward.clinic.behind_the_curtain().await;
    for (tampering, repair, faults) in [
        (
            "title = 'Another'",
            "title = 'A note'",
            json!(["shown_header"]),
        ),
        (
            "noted_at = noted_at - interval '1 day'",
            "noted_at = noted_at + interval '1 day'",
            json!(["shown_header"]),
        ),
        (
            "signed_at = signed_at - interval '1 day'",
            "signed_at = signed_at + interval '1 day'",
            json!(["shown_header"]),
        ),
        (
            "status = 'signed'",
            "status = 'amended'",
            json!(["shown_status"]),
        ),
        ("entry_count = 3", "entry_count = 2", json!(["count"])),
    ] {
        tamper(
            &mut connection,
            &format!("update app.notes set {tampering} where id = '{note}'"),
        )
        .await;
        let found = ward.doctor.get(format!("{path}/verify")).await.expect(200);
        assert_eq!(
            (&found["valid"], &found["faults"]),
            (&json!(false), &faults),
            "{tampering}"
        );
        tamper(
            &mut connection,
            &format!("update app.notes set {repair} where id = '{note}'"),
        )
        .await;
    }
    let found = ward.doctor.get(format!("{path}/verify")).await.expect(200);
    assert_eq!(found["valid"], true, "{found}");
    // Who cuts the chain off leaves a chain that is valid in itself.
    tamper(
        &mut connection,
        &format!("delete from app.note_entries where note_id = '{note}' and sequence = 2"),
    )
    .await;
    tamper(
        &mut connection,
        &format!("update app.notes set status = 'signed' where id = '{note}'"),
    )
    .await;
    let found = ward.doctor.get(format!("{path}/verify")).await.expect(200);
    assert_eq!(found["faults"], json!(["count"]), "{found}");
}

/// As somebody who may turn the triggers off.
async fn tamper(connection: &mut sqlx::PgConnection, statement: &str) {
    let statement =
        format!("begin; set local session_replication_role = 'replica'; {statement}; commit");
    connection
        .execute(sqlx::AssertSqlSafe(statement))
        .await
        .expect("tampered");
}

#[tokio::test]
async fn a_note_of_a_merged_chart_verifies_in_the_chart_that_goes_on() {
    let ward = Ward::open().await;
    let note = ward.signed(&ward.doctor, "progress", "400 mg").await;
    let survivor = ward.clinic.patient(&ward.admin).await;
    let merge = json!({ "duplicate_id": ward.patient, "reason": "The same passport" });
    let path = format!("/api/v1/patients/{survivor}/merge");
    ward.admin.post(path, merge).await.expect(200);
    let path = format!("/api/v1/notes/{note}");
    let added = json!({ "text": "added since" });
    ward.doctor
        .post(format!("{path}/addenda"), added)
        .await
        .expect(200);
    let found = ward.doctor.get(format!("{path}/verify")).await.expect(200);
    assert_eq!(found["valid"], true, "{found}");
    let back = json!({ "reason": "Father and son" });
    let unmerge = format!("/api/v1/patients/{}/unmerge", ward.patient);
    ward.admin.post(unmerge, back).await.expect(200);
    let found = ward.doctor.get(format!("{path}/verify")).await.expect(200);
    assert_eq!(found["valid"], true, "{found}");
}

#[tokio::test]
async fn a_tenant_signs_with_a_key_of_his_own() {
    let one = Ward::open().await;
    let other = Ward::open().await;
    let key = |file: &SignedNote| file.keys[0].public_key.clone();
    let first = exported(&one, &one.signed(&one.doctor, "progress", "a").await).await;
    let second = exported(&one, &one.signed(&one.doctor, "progress", "b").await).await;
    let foreign = other.signed(&other.doctor, "progress", "c").await;
    let foreign = exported(&other, &foreign).await;
    assert_eq!(key(&first), key(&second));
    assert_ne!(key(&first), key(&foreign));
    let mut connection = one.clinic.behind_the_curtain().await;
    let sealed: String = sqlx::query_scalar(
        "select sealed from app.tenant_signing_keys where tenant_id = app.tenant_id()",
    )
    .fetch_one(&mut connection)
    .await
    .expect("one key");
    assert!(sealed.starts_with("v1."), "the private half is sealed");
}

#[tokio::test]
async fn corrections_and_addenda_are_new_entries_that_chain_to_the_old() {
    let ward = Ward::open().await;
    let note = ward.signed(&ward.doctor, "progress", "400 mg").await;
    let path = format!("/api/v1/notes/{note}");
    let corrected = ward
        .doctor
        .post(
            format!("{path}/corrections"),
            json!({ "content": { "body": "600 mg" }, "reason": "mistyped" }),
        )
        .await
        .expect(200);
    assert_eq!(corrected["status"], "amended");
    assert_eq!(corrected["content"]["body"], "600 mg");
    let entries = ward.doctor.get(format!("{path}/entries")).await.expect(200);
    let [original, correction] = entries["items"].as_array().map(Vec::as_slice).expect("two")
    else {
        panic!("{entries}");
    };
    assert_eq!(original["content"]["body"], "400 mg");
    assert_eq!(correction["previous"], original["hash"]);
    assert_eq!(correction["reason"], "mistyped");
    let found = ward.doctor.get(format!("{path}/verify")).await.expect(200);
    assert_eq!(found["valid"], true, "{found}");
    // The one who was not its author adds, and does not correct.
    let colleague = ward.clinic.user(platform::access::Role::Provider).await;
    ward.join(&colleague).await;
    colleague
        .post(
            format!("{path}/corrections"),
            json!({ "content": { "body": "800 mg" }, "reason": "mine" }),
        )
        .await
        .expect_problem(403, "not_the_author");
    colleague
        .post(format!("{path}/addenda"), json!({ "text": "I agree" }))
        .await
        .expect(200);
}

#[tokio::test]
async fn a_retracted_note_stays_signed_and_leaves_the_search() {
    let ward = Ward::open().await;
    let note = ward.signed(&ward.doctor, "progress", "wrongchart").await;
    let path = format!("/api/v1/notes/{note}");
    let gone = ward
        .doctor
        .post(
            format!("{path}/retract"),
            json!({ "reason": "another patient's" }),
        )
        .await
        .expect(200);
    assert_eq!(gone["status"], "entered_in_error");
    assert_eq!(gone["released_at"], Value::Null);
    let found = ward.doctor.get(format!("{path}/verify")).await.expect(200);
    assert_eq!(found["valid"], true, "{found}");
    assert_eq!(found["entries"][1]["kind"], "retraction");
    let search = ward
        .doctor
        .get("/api/v1/search/notes?q=wrongchart")
        .await
        .expect(200);
    assert_eq!(search["items"], json!([]));
    ward.doctor
        .post(format!("{path}/addenda"), json!({ "text": "more" }))
        .await
        .expect_problem(409, "note_retracted");
}

#[tokio::test]
async fn the_command_line_checks_a_file_without_server_or_database() {
    let ward = Ward::open().await;
    let note = ward.signed(&ward.doctor, "progress", "400 mg").await;
    let mut file = exported(&ward, &note).await;
    let key = file.keys[0].public_key.clone();
    let path = std::env::temp_dir().join(format!("chartwell-note-{note}.json"));
    let check = |file: &SignedNote, arguments: &[&str]| {
        std::fs::write(&path, serde_json::to_vec(file).expect("JSON")).expect("written");
        let run = std::process::Command::new(env!("CARGO_BIN_EXE_chartwell"))
            .args(["notes", "verify"])
            .arg(&path)
            .args(arguments)
            .env_clear()
            .output()
            .expect("the program runs");
        let told = String::from_utf8_lossy(&run.stdout).into_owned();
        (run.status.success(), told)
    };
    let (good, told) = check(&file, &[]);
    assert!(good && told.contains("1 original signed"), "{told}");
    let (good, told) = check(&file, &["--key", &key]);
    assert!(good, "{told}");
    let another = format!("{}=", "A".repeat(43));
    let (good, told) = check(&file, &["--key", &another]);
    assert!(!good && told.contains("unknown key"), "{told}");
    file.entries[0].payload["content"]["sections"]["body"] = json!("4000 mg");
    let (good, told) = check(&file, &[]);
    assert!(
        !good && told.contains("changed after it was signed"),
        "{told}"
    );
    assert!(
        !told.contains("400"),
        "what the note says is not printed: {told}"
    );
    std::fs::remove_file(&path).expect("removed");
}
