//! What an account may upload: so many bytes a day, so many uploads at once.

use std::time::Duration;

use axum::body::Body;
use axum::http::Method;
use chrono::TimeDelta;
use futures_util::StreamExt as _;
use platform::access::Role;
use platform::files::{FileOptions, Files, Objects};
use platform::http::Rates;
use serde_json::json;

use super::{id, label, pattern};
use crate::support::{Caller, Chart, Reply, TestTenant, form};

async fn clinic_with(options: FileOptions) -> TestTenant {
    let rates = Rates {
        login: 10_000,
        ..Rates::default()
    };
    let files = Files::new(Objects::in_memory(), None, options);
    TestTenant::with_files(rates, files).await
}

async fn file(caller: &Caller, patient: &str, size: usize) -> Reply {
    let content = pattern(size);
    caller
        .file(
            format!("/api/v1/patients/{patient}/documents"),
            Some(&label("clinical")),
            ("diary.txt", "text/plain", &content),
        )
        .await
}

async fn begin(caller: &Caller, patient: &str, size: usize) -> Reply {
    let body = json!({ "patient_id": patient, "document": label("clinical"), "filename": "big.txt", "content_type": "text/plain", "size": size });
    caller.post("/api/v1/documents/uploads", body).await
}

#[tokio::test]
async fn a_patient_sends_so_much_a_day_and_is_told_until_when() {
    let clinic = clinic_with(FileOptions {
        daily_of_patient: 100_000,
        ..crate::support::files().options
    })
    .await;
    let chart = Chart::open(&clinic).await;
    let patient = &chart.portal_user;
    file(patient, &chart.patient, 60_000).await.expect(201);
    let refused = file(patient, &chart.patient, 60_000).await;
    assert!(refused.headers.contains_key("retry-after"));
    let problem = refused.expect_problem(429, "upload_quota");
    assert_eq!(problem["quota"]["bytes_per_day"], 100_000);
    let tomorrow = (clinic.clock.now() + TimeDelta::days(1)).date_naive();
    let until = problem["quota"]["until"].as_str().expect("a time");
    assert!(until.starts_with(&tomorrow.to_string()), "{until}");
    // In parts is no way round it; what is left may be sent.
    begin(patient, &chart.patient, 60_000)
        .await
        .expect_problem(429, "upload_quota");
    begin(patient, &chart.patient, 30_000).await.expect(201);
    // It is his own affair.
    file(&chart.doctor, &chart.patient, 60_000)
        .await
        .expect(201);
    clinic.clock.advance(TimeDelta::days(1));
    let token = clinic.log_in(&patient.email).await;
    let patient = patient.with_token(Some(token));
    file(&patient, &chart.patient, 60_000).await.expect(201);
}

#[tokio::test]
async fn what_is_sent_and_thrown_away_was_sent() {
    let clinic = clinic_with(FileOptions {
        daily: 100_000,
        ..crate::support::files().options
    })
    .await;
    let nurse = clinic.user(Role::Nurse).await;
    let patient = clinic.patient(&nurse).await;
    let begun = begin(&nurse, &patient, 90_000).await.expect(201);
    let upload = format!("/api/v1/documents/uploads/{}", id(&begun));
    let headers = [
        ("content-type", "application/octet-stream"),
        ("upload-offset", "0"),
    ];
    nurse
        .send_bytes(Method::PUT, &upload, &headers, Body::from(pattern(60_000)))
        .await
        .expect(200);
    for _ in 0..2 {
        nurse.delete(&upload).await.expect(204);
    }
    begin(&nurse, &patient, 40_001)
        .await
        .expect_problem(429, "upload_quota");
    // What never came was not sent, and is given back once.
    begin(&nurse, &patient, 40_000).await.expect(201);
    begin(&nurse, &patient, 1)
        .await
        .expect_problem(429, "upload_quota");
}

#[tokio::test]
async fn of_a_file_that_broke_off_only_what_came_was_sent() {
    let clinic = clinic_with(FileOptions {
        daily_of_patient: 150_000_000,
        ..crate::support::files().options
    })
    .await;
    let chart = Chart::open(&clinic).await;
    let path = format!("/api/v1/patients/{}/documents", chart.patient);
    let content = pattern(50_000);
    let (kind, body) = form(
        Some(&label("clinical")),
        ("diary.txt", "text/plain", &content),
    );
    let kind = [("content-type", kind.as_str())];
    let send = |pieces: Vec<std::io::Result<Vec<u8>>>| {
        // Each piece by itself, or the end would be seen before the beginning is counted.
        let pieces = futures_util::stream::iter(pieces).then(|piece| async move {
            tokio::time::sleep(Duration::from_millis(50)).await;
            piece
        });
        let body = Body::from_stream(pieces);
        chart
            .portal_user
            .send_bytes(Method::POST, &path, &kind, body)
    };
    let half = body[..body.len() / 2].to_vec();
    let broken = vec![Ok(half), Err(std::io::Error::other("gone"))];
    send(broken).await.expect_problem(400, "malformed_request");
    // It is given back behind the answer.
    for _ in 0..50 {
        let again = send(vec![Ok(body.clone())]).await;
        if again.status != 429 {
            again.expect(201);
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("what did not come stays counted");
}

#[tokio::test]
async fn putting_the_parts_together_again_and_again_is_sending_them_again() {
    let clinic = clinic_with(FileOptions {
        daily: 100_000,
        ..crate::support::files().options
    })
    .await;
    let nurse = clinic.user(Role::Nurse).await;
    let patient = clinic.patient(&nurse).await;
    let body = json!({ "patient_id": patient, "document": label("clinical"), "filename": "big.txt", "content_type": "text/plain",
                       "size": 40_000, "sha256": "0".repeat(64) });
    let begun = nurse.post("/api/v1/documents/uploads", body).await;
    let upload = format!("/api/v1/documents/uploads/{}", id(&begun.expect(201)));
    let headers = [
        ("content-type", "application/octet-stream"),
        ("upload-offset", "0"),
    ];
    nurse
        .send_bytes(Method::PUT, &upload, &headers, Body::from(pattern(40_000)))
        .await
        .expect(200);
    let complete = || nurse.act(format!("{upload}/complete"));
    for _ in 0..2 {
        complete().await.expect_problem(422, "validation_failed");
    }
    complete().await.expect_problem(429, "upload_quota");
}

#[tokio::test]
async fn an_account_has_so_many_uploads_under_way() {
    let clinic = TestTenant::new().await;
    let nurse = clinic.user(Role::Nurse).await;
    let patient = clinic.patient(&nurse).await;
    let mut begun = Vec::new();
    for _ in 0..10 {
        begun.push(begin(&nurse, &patient, 1_000).await.expect(201));
    }
    let problem = begin(&nurse, &patient, 1_000)
        .await
        .expect_problem(429, "too_many_uploads");
    assert_eq!(problem["quota"]["uploads"], 10);
    assert_eq!(problem["quota"]["until"], begun[0]["expires_at"]);
    nurse
        .delete(format!("/api/v1/documents/uploads/{}", id(&begun[3])))
        .await
        .expect(204);
    begin(&nurse, &patient, 1_000).await.expect(201);
    // Those of others are others'.
    let colleague = clinic.user(Role::Nurse).await;
    let theirs = clinic.patient(&colleague).await;
    begin(&colleague, &theirs, 1_000).await.expect(201);
}

#[tokio::test]
async fn a_file_that_does_not_say_its_size_counts_as_what_it_was() {
    let clinic = clinic_with(FileOptions {
        daily_of_patient: 150_000_000,
        ..crate::support::files().options
    })
    .await;
    let chart = Chart::open(&clinic).await;
    let path = format!("/api/v1/patients/{}/documents", chart.patient);
    for number in 0..3 {
        let content = pattern(10 + number);
        let (kind, body) = form(
            Some(&label("clinical")),
            ("diary.txt", "text/plain", &content),
        );
        let pieces = futures_util::stream::iter([Ok::<_, std::convert::Infallible>(body)]);
        chart
            .portal_user
            .send_bytes(
                Method::POST,
                &path,
                &[("content-type", &kind)],
                Body::from_stream(pieces),
            )
            .await
            .expect(201);
    }
}
