//! Quarantine, against a clamd of our own making.

use std::sync::Arc;

use platform::access::Role;
use platform::files::{Clamd, ClamdAddress, FileOptions, Files, Objects};
use platform::http::Rates;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::{content_of, file_text, id};
use crate::support::{Caller, TestTenant};

/// The standard test file, in two halves, so that no scanner minds this one.
pub(super) fn eicar() -> String {
    [
        "X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS",
        "-TEST-FILE!$H+H*",
    ]
    .concat()
}

/// Speaks `zINSTREAM`, and finds what begins as the test file does.
pub(super) async fn fake_clamd() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut command = [0; 10];
                stream.read_exact(&mut command).await?;
                assert_eq!(&command, b"zINSTREAM\0");
                let mut content = Vec::new();
                loop {
                    let length = stream.read_u32().await? as usize;
                    if length == 0 {
                        break;
                    }
                    let from = content.len();
                    content.resize(from + length, 0);
                    stream.read_exact(&mut content[from..]).await?;
                }
                let found = content.starts_with(eicar().as_bytes());
                let answer: &[u8] = if found {
                    b"stream: Eicar-Signature FOUND\0"
                } else {
                    b"stream: OK\0"
                };
                stream.write_all(answer).await
            });
        }
    });
    address
}

pub(super) async fn clinic_with(scanner: Option<String>, require_scan: bool) -> TestTenant {
    let scanner = scanner.map(|address| Arc::new(Clamd(ClamdAddress::Tcp(address))) as _);
    let options = FileOptions {
        require_scan,
        ..crate::support::files().options
    };
    TestTenant::with_files(
        Rates {
            login: 10_000,
            ..Rates::default()
        },
        Files::new(Objects::in_memory(), scanner, options),
    )
    .await
}

async fn scan_of(caller: &Caller, document: &Value) -> Value {
    caller
        .get(format!("/api/v1/documents/{}", id(document)))
        .await
        .expect(200)["current"]["scan"]
        .clone()
}

#[tokio::test]
async fn content_stays_in_quarantine_until_it_is_found_clean() {
    let clinic = clinic_with(Some(fake_clamd().await), false).await;
    let nurse = clinic.user(Role::Nurse).await;
    let patient = clinic.patient(&nurse).await;
    let harmless = file_text(&nurse, &patient, "clinical", "harmless")
        .await
        .expect(201);
    let harmful = file_text(&nurse, &patient, "clinical", &eicar())
        .await
        .expect(201);
    assert_eq!(harmless["current"]["scan"], "pending");
    nurse
        .get(content_of(&harmless))
        .await
        .expect_problem(409, "document_quarantined");
    clinical::documents::round(&clinic.app, clinic.id)
        .await
        .expect("the work is done");
    assert_eq!(scan_of(&nurse, &harmless).await, "clean");
    assert_eq!(nurse.get(content_of(&harmless)).await.text, "harmless");
    assert_eq!(scan_of(&nurse, &harmful).await, "infected");
    nurse
        .get(content_of(&harmful))
        .await
        .expect_problem(409, "document_infected");
    let found = nurse
        .get("/api/v1/search/notes?in=documents&q=EICAR*")
        .await
        .expect(200);
    assert_eq!(
        found["items"].as_array().map(Vec::len),
        Some(0),
        "what is infected is not even searched"
    );
}

#[tokio::test]
async fn while_the_scanner_is_away_nothing_leaves_quarantine_and_it_is_asked_again() {
    let nobody = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = nobody.local_addr().expect("an address").to_string();
    drop(nobody);
    let clinic = clinic_with(Some(address.clone()), false).await;
    let nurse = clinic.user(Role::Nurse).await;
    let patient = clinic.patient(&nurse).await;
    let made = file_text(&nurse, &patient, "clinical", "harmless")
        .await
        .expect(201);
    clinical::documents::round(&clinic.app, clinic.id)
        .await
        .expect("it goes on");
    nurse
        .get(content_of(&made))
        .await
        .expect_problem(409, "document_quarantined");
    let listener = TcpListener::bind(&address).await.expect("the port");
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let mut content = vec![0; 4096];
        while !content.ends_with(&[0; 4]) {
            let read = stream.read(&mut content).await.expect("read");
            content.truncate(read);
            content.resize(content.len().max(4), 1);
        }
        stream.write_all(b"stream: OK\0").await.expect("answered");
    });
    clinic.clock.advance(chrono::TimeDelta::minutes(2));
    clinical::documents::round(&clinic.app, clinic.id)
        .await
        .expect("the work is done");
    let token = clinic.log_in(&nurse.email).await;
    let nurse = nurse.with_token(Some(token));
    assert_eq!(nurse.get(content_of(&made)).await.text, "harmless");
}

#[tokio::test]
async fn without_a_scanner_content_is_marked_or_where_one_is_required_kept_back() {
    let clinic = clinic_with(None, false).await;
    let nurse = clinic.user(Role::Nurse).await;
    let patient = clinic.patient(&nurse).await;
    let made = file_text(&nurse, &patient, "clinical", "text")
        .await
        .expect(201);
    assert_eq!(made["current"]["scan"], "not_scanned");
    assert_eq!(nurse.get(content_of(&made)).await.text, "text");

    let strict = clinic_with(None, true).await;
    let nurse = strict.user(Role::Nurse).await;
    let patient = strict.patient(&nurse).await;
    let made = file_text(&nurse, &patient, "clinical", "text")
        .await
        .expect(201);
    clinical::documents::round(&strict.app, strict.id)
        .await
        .expect("the work is done");
    nurse
        .get(content_of(&made))
        .await
        .expect_problem(409, "document_quarantined");
}

/// Speaks as the other does, but never answers for what begins with `slow`.
async fn clamd_that_hangs() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut head = [0; 18];
                stream.read_exact(&mut head).await?;
                if head.ends_with(b"slow") {
                    std::future::pending::<()>().await;
                }
                let mut content = head.to_vec();
                while !content.ends_with(&[0; 4]) {
                    content.push(stream.read_u8().await?);
                }
                stream.write_all(b"stream: OK\0").await
            });
        }
    });
    address
}

#[tokio::test]
async fn the_uploads_of_one_tenant_do_not_keep_those_of_another_in_quarantine() {
    let address = clamd_that_hangs().await;
    let objects = Objects::in_memory();
    let files = || {
        let scanner = Arc::new(Clamd(ClamdAddress::Tcp(address.clone()))) as _;
        Files::new(
            objects.clone(),
            Some(scanner),
            crate::support::files().options,
        )
    };
    let rates = || Rates {
        login: 10_000,
        ..Rates::default()
    };
    let greedy = TestTenant::with_files(rates(), files()).await;
    let modest = TestTenant::with_files(rates(), files()).await;
    let nurse = greedy.user(Role::Nurse).await;
    let patient = greedy.patient(&nurse).await;
    for _ in 0..5 {
        file_text(&nurse, &patient, "clinical", "slow")
            .await
            .expect(201);
    }
    let nurse = modest.user(Role::Nurse).await;
    let patient = modest.patient(&nurse).await;
    let waiting = file_text(&nurse, &patient, "clinical", "quick")
        .await
        .expect(201);
    // Two workers; the greedy tenant comes first for both.
    let served = clinical::documents::Lane::scans();
    let tenants = [greedy.id, modest.id];
    let (_go_on, stop) = tokio::sync::watch::channel(false);
    let turn = || clinical::documents::turn(&greedy.app, &served, &tenants, &stop);
    let both = async { tokio::join!(turn(), turn()) };
    let seen = async {
        while scan_of(&nurse, &waiting).await != "clean" {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    let soon = std::time::Duration::from_secs(20);
    let waited = tokio::time::timeout(soon, async {
        tokio::select! {
            _ = both => panic!("a scan that hangs was ended"),
            () = seen => {}
        }
    });
    waited.await.expect("it leaves quarantine");
}

/// Every worker that scans is held by a scanner that hangs: texts are extracted all the same.
#[tokio::test]
async fn a_scan_that_hangs_holds_up_no_other_work() {
    let clinic = clinic_with(Some(clamd_that_hangs().await), false).await;
    let nurse = clinic.user(Role::Nurse).await;
    let patient = clinic.patient(&nurse).await;
    let (_go_on, stop) = tokio::sync::watch::channel(false);
    let made = file_text(&nurse, &patient, "clinical", "quick")
        .await
        .expect(201);
    let (scans, texts) = (
        clinical::documents::Lane::scans(),
        clinical::documents::Lane::texts(),
    );
    let tenants = [clinic.id];
    let turn = |lane| clinical::documents::turn(&clinic.app, lane, &tenants, &stop);
    assert!(turn(&scans).await, "it is scanned");
    file_text(&nurse, &patient, "clinical", "slow")
        .await
        .expect(201);
    let read = async {
        assert!(turn(&texts).await, "its text is extracted");
        let found = nurse.get(format!("/api/v1/documents/{}", id(&made))).await;
        found.expect(200)["current"]["text"].clone()
    };
    let text = tokio::select! {
        biased;
        _ = turn(&scans) => panic!("a scan that hangs was ended"),
        text = read => text,
    };
    assert_ne!(text, "pending");
}

#[tokio::test]
async fn what_waits_to_be_scanned_is_not_read_before() {
    let clinic = clinic_with(Some(fake_clamd().await), false).await;
    let nurse = clinic.user(Role::Nurse).await;
    let patient = clinic.patient(&nurse).await;
    let (scans, texts) = (
        clinical::documents::Lane::scans(),
        clinical::documents::Lane::texts(),
    );
    let (_go_on, stop) = tokio::sync::watch::channel(false);
    let turn = async |lane| clinical::documents::turn(&clinic.app, lane, &[clinic.id], &stop).await;
    let mut made = Vec::new();
    for text in ["one", "two"] {
        made.push(
            file_text(&nurse, &patient, "clinical", text)
                .await
                .expect(201),
        );
    }
    assert!(!turn(&texts).await, "none is read yet");
    assert!(turn(&scans).await, "there was something to do");
    for document in &made {
        let current = nurse
            .get(format!("/api/v1/documents/{}", id(document)))
            .await
            .expect(200)["current"]
            .clone();
        assert_eq!(
            (&current["scan"], &current["text"]),
            (&json!("clean"), &json!("pending"))
        );
    }
    assert!(turn(&texts).await, "their texts");
    assert!(
        !turn(&scans).await && !turn(&texts).await,
        "nothing is left to do"
    );
}
