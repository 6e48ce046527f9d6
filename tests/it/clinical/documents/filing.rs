//! What is filed is what is read, to the byte, and nobody else can read it in between.

use std::path::PathBuf;

use axum::body::{Body, Bytes};
use axum::http::Method;
use futures_util::{StreamExt as _, stream};
use kernel::ids::TenantId;
use platform::access::Role;
use platform::files::{Files, ObjectName, Objects};
use platform::http::Rates;
use serde_json::json;
use sha2::Digest as _;
use sqlx::Row;

use super::{content_of, file_text, id, label, pattern};
use crate::support::{Chart, TestTenant, form};

#[tokio::test]
async fn a_document_belongs_to_an_appointment_of_its_own_patient() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let admin = clinic.user(Role::Admin).await;
    let appointment = chart.fill("{appointment_id}");
    let mut form = label("administrative");
    form["appointment_id"] = json!(appointment);
    let path = format!("/api/v1/patients/{}/documents", chart.patient);
    let file = ("form.txt", "text/plain", &b"Filled in at home"[..]);
    let made = admin.file(&path, Some(&form), file).await.expect(201);
    assert_eq!(made["appointment_id"], json!(appointment));
    let listed = admin
        .get(format!("{path}?appointment_id={appointment}"))
        .await
        .expect(200);
    assert_eq!(
        listed["items"].as_array().map(Vec::len),
        Some(1),
        "{listed}"
    );
    let nobodys = kernel::ids::mint();
    let none = admin
        .get(format!("{path}?appointment_id={nobodys}"))
        .await
        .expect(200);
    assert_eq!(none["items"], json!([]));
    let stranger = clinic.patient(&admin).await;
    let path = format!("/api/v1/patients/{stranger}/documents");
    let refused = admin.file(path, Some(&form), file).await;
    assert_eq!(refused.status, 422, "{}", refused.text);
    assert_eq!(refused.pointers(), ["/appointment_id"], "{}", refused.text);
}

#[tokio::test]
async fn what_is_filed_is_given_back_whole_and_in_ranges() {
    let clinic = TestTenant::new().await;
    let nurse = clinic.user(Role::Nurse).await;
    let patient = clinic.patient(&nurse).await;
    let content = pattern(3_000_000);
    let path = format!("/api/v1/patients/{patient}/documents");
    let made = nurse
        .file(
            &path,
            Some(&label("clinical")),
            ("Befund ü.txt", "text/plain", &content),
        )
        .await
        .expect(201);
    assert_eq!(made["current"]["size"], 3_000_000);
    assert_eq!(made["current"]["filename"], "Befund ü.txt");
    let whole = nurse.get(content_of(&made)).await;
    assert_eq!(whole.status, 200, "{}", whole.text);
    assert_eq!(whole.bytes, content);
    assert_eq!(whole.headers["x-content-type-options"], "nosniff");
    assert_eq!(
        whole.headers["content-security-policy"],
        "sandbox; default-src 'none'"
    );
    let disposition = whole.headers["content-disposition"].to_str().expect("text");
    assert!(disposition.starts_with("attachment;"), "{disposition}");
    for (range, from, until) in [
        ("bytes=0-0", 0, 1),
        ("bytes=65530-131080", 65530, 131_081),
        ("bytes=-10", 2_999_990, 3_000_000),
    ] {
        let part = nurse
            .send(Method::GET, &content_of(&made), &[("range", range)], None)
            .await;
        assert_eq!(part.status, 206, "{range}");
        assert_eq!(part.bytes, content[from..until], "{range}");
        assert_eq!(
            part.headers["content-range"],
            format!("bytes {from}-{}/3000000", until - 1)
        );
    }
    nurse
        .send(
            Method::GET,
            &content_of(&made),
            &[("range", "bytes=3000000-")],
            None,
        )
        .await
        .expect_problem(416, "range_not_satisfiable");
    let listed = nurse
        .get(format!(
            "{path}?category=clinical&from=2026-01-01&kind=other"
        ))
        .await
        .expect(200);
    assert_eq!(listed["items"][0]["id"], made["id"]);
    let none = nurse
        .get(format!("{path}?category=insurance"))
        .await
        .expect(200);
    assert_eq!(none["items"], json!([]));
}

#[tokio::test]
async fn a_version_never_replaces_another() {
    let clinic = TestTenant::new().await;
    let nurse = clinic.user(Role::Nurse).await;
    let patient = clinic.patient(&nurse).await;
    let made = file_text(&nurse, &patient, "clinical", "the first")
        .await
        .expect(201);
    let versions = format!("/api/v1/documents/{}/versions", id(&made));
    let second = nurse
        .file(&versions, None, ("two.txt", "text/plain", b"the second"))
        .await
        .expect(201);
    assert_eq!(
        (&second["current"]["number"], &second["version"]),
        (&json!(2), &json!(2))
    );
    assert_eq!(nurse.get(content_of(&made)).await.text, "the second");
    assert_eq!(
        nurse.get(format!("{versions}/1/content")).await.text,
        "the first"
    );
    assert_eq!(
        nurse.get(&versions).await.expect(200)["items"]
            .as_array()
            .map(Vec::len),
        Some(2)
    );
    let error = format!("/api/v1/documents/{}/entered-in-error", id(&made));
    nurse
        .post(&error, json!({ "reason": "Another patient's" }))
        .await
        .expect(200);
    nurse
        .file(&versions, None, ("three.txt", "text/plain", b"the third"))
        .await
        .expect_problem(409, "document_closed");
    assert_eq!(
        nurse.get(format!("{versions}/1/content")).await.text,
        "the first",
        "it stays"
    );
}

#[tokio::test]
async fn content_that_is_not_what_it_says_is_refused() {
    let clinic = TestTenant::new().await;
    let nurse = clinic.user(Role::Nurse).await;
    let patient = clinic.patient(&nurse).await;
    let path = format!("/api/v1/patients/{patient}/documents");
    for (name, kind, content) in [
        ("x.pdf", "application/pdf", &b"MZ\x90\0 not a pdf"[..]),
        ("x.txt", "text/plain", b"\x7fELF\x02\x01\x01"),
        (
            "x.txt",
            "text/plain",
            b"<!DOCTYPE html><script>alert(1)</script>",
        ),
        ("x.zip", "application/zip", b"PK\x03\x04"),
        ("x.exe", "application/x-msdownload", b"MZ"),
    ] {
        let refused = nurse
            .file(&path, Some(&label("clinical")), (name, kind, content))
            .await;
        assert_eq!(refused.pointers(), ["/file"], "{kind}: {}", refused.text);
        refused.expect_problem(422, "validation_failed");
    }
    assert_eq!(nurse.get(&path).await.expect(200)["items"], json!([]));
    // What could hold a script is taken, and never shown in the place of a page.
    for (name, kind, content) in [
        (
            "x.html",
            "text/html",
            &b"<!DOCTYPE html><script>alert(1)</script>"[..],
        ),
        (
            "x.svg",
            "image/svg+xml",
            b"<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\"/>",
        ),
    ] {
        let made = nurse
            .file(&path, Some(&label("clinical")), (name, kind, content))
            .await
            .expect(201);
        let shown = nurse.get(content_of(&made) + "?disposition=inline").await;
        let disposition = shown.headers["content-disposition"].to_str().expect("text");
        assert!(
            disposition.starts_with("attachment;"),
            "{kind}: {disposition}"
        );
    }
    let made = file_text(&nurse, &patient, "clinical", "plain")
        .await
        .expect(201);
    let shown = nurse.get(content_of(&made) + "?disposition=inline").await;
    assert!(
        shown.headers["content-disposition"]
            .to_str()
            .expect("text")
            .starts_with("inline;")
    );
}

#[tokio::test]
async fn two_hundred_megabytes_are_refused_whether_they_are_announced_or_not() {
    let clinic = TestTenant::new().await;
    let nurse = clinic.user(Role::Nurse).await;
    let patient = clinic.patient(&nurse).await;
    let path = format!("/api/v1/patients/{patient}/documents");
    let (kind, body) = form(Some(&label("clinical")), ("x.txt", "text/plain", b"small"));
    let announced = [
        ("content-type", kind.as_str()),
        ("content-length", "209715200"),
    ];
    let refused = nurse
        .send_bytes(Method::POST, &path, &announced, Body::from(body.clone()))
        .await;
    refused.expect_problem(413, "body_too_large");
    // A body that lies: no length, and it goes on and on. It is cut off before it ends, so its rest is never made.
    let made = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = made.clone();
    // Up to the file's first bytes, without the line that ends the form.
    let end = body.len() - "\r\n--a-line-that-does-not-occur--\r\n".len();
    let head = Bytes::from(body).slice(..end);
    let text = Bytes::from(vec![b'x'; 1 << 20]);
    let pieces = stream::iter(std::iter::once(head).chain((0..200).map(move |_| {
        count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        text.clone()
    })))
    .map(Ok::<_, std::io::Error>);
    let refused = nurse
        .send_bytes(
            Method::POST,
            &path,
            &[("content-type", &kind)],
            Body::from_stream(pieces),
        )
        .await;
    refused.expect_problem(413, "body_too_large");
    let seen = made.load(std::sync::atomic::Ordering::Relaxed);
    assert!((100..=103).contains(&seen), "{seen} MiB were read");
    assert_eq!(nurse.get(&path).await.expect(200)["items"], json!([]));
}

/// A folder of a store, gone with the value.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        Self(std::env::temp_dir().join(format!("chartwell-store-{}", kernel::ids::mint())))
    }

    /// Every file in it, however deep.
    fn files(&self) -> Vec<PathBuf> {
        let (mut files, mut folders) = (Vec::new(), vec![self.0.clone()]);
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
                let path = entry.path();
                if path.is_dir() {
                    &mut folders
                } else {
                    &mut files
                }
                .push(path);
            }
        }
        files
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn nothing_in_the_store_is_readable_and_what_was_altered_is_not_given_out() {
    let folder = Folder::new();
    let options = crate::support::files().options;
    let kept = Objects::in_folder(&folder.0).expect("a folder");
    let clinic = TestTenant::with_files(Rates::default(), Files::new(kept, None, options)).await;
    let nurse = clinic.user(Role::Nurse).await;
    let patient = clinic.patient(&nurse).await;
    let text = "Kanarienvogel ".repeat(50_000);
    let made = file_text(&nurse, &patient, "clinical", &text)
        .await
        .expect(201);
    let object = ObjectName {
        tenant: TenantId(clinic.id.0),
        id: id(&made["current"]).parse().expect("an id"),
    };
    let alter = |stored: &mut Vec<u8>| {
        assert!(!stored.windows(13).any(|some| some == b"Kanarienvogel"));
        let middle = stored.len() / 2;
        stored[middle] ^= 1;
    };
    let files = folder.files();
    assert_eq!(files.len(), 1, "{files:?}");
    let mut stored = std::fs::read(&files[0]).expect("it can be read");
    alter(&mut stored);
    std::fs::write(&files[0], stored).expect("it can be altered");
    let reply = nurse.get(content_of(&made)).await;
    assert!(!reply.whole, "an altered file came through whole");
    clinic
        .app
        .files
        .objects
        .remove(object)
        .await
        .expect("removed");
    nurse
        .get(content_of(&made))
        .await
        .expect_problem(500, "internal");
}

#[tokio::test]
async fn no_byte_leaves_without_its_access_record() {
    let clinic = TestTenant::new().await;
    let nurse = clinic.user(Role::Nurse).await;
    let patient = clinic.patient(&nurse).await;
    let made = file_text(&nurse, &patient, "clinical", "text")
        .await
        .expect(201);
    let read = nurse.get(content_of(&made)).await;
    let request = read.headers["x-request-id"]
        .to_str()
        .expect("an id")
        .to_owned();
    let rows = sqlx::query("select resource, action, patient_id::text, resource_id::text from app.phi_accesses where request_id = $1::uuid")
        .bind(&request)
        .fetch_all(&mut clinic.behind_the_curtain().await)
        .await
        .expect("the log can be read");
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].get::<String, _>("resource"), "document_content");
    assert_eq!(rows[0].get::<String, _>("patient_id"), patient);
    assert_eq!(
        rows[0].get::<String, _>("resource_id"),
        id(&made["current"])
    );
    // The same store behind a server whose log can't be written.
    let silent = nurse.on(clinic.server_without_log().await);
    let refused = silent.get(content_of(&made)).await;
    assert!(!refused.text.contains("text\""), "{}", refused.text);
    refused.expect_problem(503, "audit_unavailable");
}

#[tokio::test]
async fn a_form_sent_again_with_its_key_files_nothing_twice() {
    let clinic = TestTenant::new().await;
    let nurse = clinic.user(Role::Nurse).await;
    let patient = clinic.patient(&nurse).await;
    let path = format!("/api/v1/patients/{patient}/documents");
    let (kind, body) = form(
        Some(&label("clinical")),
        ("x.txt", "text/plain", &pattern(2_000_000)),
    );
    let headers = [("content-type", kind.as_str()), ("idempotency-key", "once")];
    let first = nurse
        .send_bytes(Method::POST, &path, &headers, Body::from(body.clone()))
        .await
        .expect(201);
    let again = nurse
        .send_bytes(Method::POST, &path, &headers, Body::from(body))
        .await;
    assert_eq!(again.headers["idempotent-replay"], "true");
    assert_eq!(again.expect(201)["id"], first["id"]);
    // Another file, and the same file under another label, are another request: neither passes for filed.
    let file = ("x.txt", "text/plain", &*pattern(1_000));
    let same = ("x.txt", "text/plain", &*pattern(2_000_000));
    let mut other = label("clinical");
    other["title"] = json!("Another paper");
    for (label, file) in [(label("clinical"), file), (other, same)] {
        let (kind, body) = form(Some(&label), file);
        let headers = [("content-type", kind.as_str()), ("idempotency-key", "once")];
        nurse
            .send_bytes(Method::POST, &path, &headers, Body::from(body))
            .await
            .expect_problem(409, "idempotency_key_reused");
    }
    assert_eq!(
        nurse.get(&path).await.expect(200)["items"]
            .as_array()
            .map(Vec::len),
        Some(1)
    );
}

#[tokio::test]
async fn a_provider_vouches_for_a_version_and_anybody_can_check_it() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let doctor = clinic.user(Role::Provider).await;
    let body = json!({ "user_id": doctor.user_id, "given_name": "Ada", "family_name": "Lovelace" });
    admin.post("/api/v1/providers", body).await.expect(201);
    let patient = clinic.patient(&doctor).await;
    let made = file_text(&doctor, &patient, "clinical", "findings")
        .await
        .expect(201);
    let path = format!("/api/v1/documents/{}/attestations", id(&made));
    let signed = doctor
        .post(&path, json!({ "statement": "Read and agreed." }))
        .await
        .expect(201);
    assert_eq!(signed["valid"], true);
    let payload = signed["payload"].as_str().expect("text");
    assert!(payload.contains(made["current"]["sha256"].as_str().expect("a hash")));
    let bytes = |name: &str| hex::decode(signed[name].as_str().expect("hex")).expect("hex");
    let key = ed25519_dalek::VerifyingKey::try_from(bytes("public_key").as_slice()).expect("a key");
    let signature = ed25519_dalek::Signature::from_slice(&bytes("signature")).expect("a signature");
    let hash = sha2::Sha256::digest(payload);
    let message = [b"chartwell.record.v1\0".as_slice(), &hash].concat();
    key.verify_strict(&message, &signature).expect("it is good");
    doctor
        .post(&path, json!({ "statement": "Once more." }))
        .await
        .expect_problem(409, "already_attested");
    // The content's hash is altered behind our back: the attestation does not hold any more.
    sqlx::query("update app.document_versions set sha256 = sha256('another') where tenant_id = $1 and document_id = $2::uuid")
        .bind(clinic.id.0)
        .bind(id(&made))
        .execute(&mut clinic.behind_the_curtain().await)
        .await
        .expect("altered");
    assert_eq!(
        doctor.get(&path).await.expect(200)["items"][0]["valid"],
        false
    );
}
