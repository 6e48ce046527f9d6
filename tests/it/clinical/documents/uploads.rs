//! Uploads in parts.

use axum::body::{Body, Bytes};
use axum::http::Method;
use futures_util::stream;
use platform::access::Role;
use serde_json::{Value, json};

use super::{content_of, id, label, pattern};
use crate::support::{Caller, Reply, TestTenant};

async fn begin(caller: &Caller, patient: &str, size: usize) -> String {
    let body = json!({ "patient_id": patient, "document": label("clinical"), "filename": "big.txt", "content_type": "text/plain", "size": size });
    let made = caller
        .post("/api/v1/documents/uploads", body)
        .await
        .expect(201);
    format!("/api/v1/documents/uploads/{}", id(&made))
}

async fn send(caller: &Caller, upload: &str, offset: usize, body: Body) -> Reply {
    let offset = offset.to_string();
    let headers = [
        ("content-type", "application/octet-stream"),
        ("upload-offset", offset.as_str()),
    ];
    caller.send_bytes(Method::PUT, upload, &headers, body).await
}

fn offset(reply: &Value) -> usize {
    usize::try_from(reply["offset"].as_u64().expect("an offset")).expect("small")
}

#[tokio::test]
async fn an_upload_that_breaks_off_goes_on_where_it_broke_off() {
    let clinic = TestTenant::new().await;
    let nurse = clinic.user(Role::Nurse).await;
    let patient = clinic.patient(&nurse).await;
    let content = pattern(700_001);
    let upload = begin(&nurse, &patient, content.len()).await;
    assert_eq!(
        offset(
            &send(&nurse, &upload, 0, Body::from(content[..300_000].to_vec()))
                .await
                .expect(200)
        ),
        300_000
    );
    send(&nurse, &upload, 0, Body::from("again"))
        .await
        .expect_problem(409, "offset_mismatch");
    // The connection breaks after some of the second part: what came is kept.
    let pieces = vec![
        Ok(Bytes::copy_from_slice(&content[300_000..450_000])),
        Err(std::io::Error::other("gone")),
    ];
    send(
        &nurse,
        &upload,
        300_000,
        Body::from_stream(stream::iter(pieces)),
    )
    .await;
    let at = offset(&nurse.get(&upload).await.expect(200));
    assert_eq!(at, 450_000);
    nurse
        .act(format!("{upload}/complete"))
        .await
        .expect_problem(409, "upload_incomplete");
    send(&nurse, &upload, at, Body::from(content[at..].to_vec()))
        .await
        .expect(200);
    let made = nurse.act(format!("{upload}/complete")).await.expect(201);
    assert_eq!(nurse.get(content_of(&made)).await.bytes, content);
    // Whoever did not get the answer asks again.
    let again = nurse.act(format!("{upload}/complete")).await;
    let place = format!("/api/v1/documents/{}", id(&made));
    assert_eq!(again.headers["location"], place.as_str());
    assert_eq!(again.expect(201), made);
    assert_eq!(
        nurse.get(&upload).await.expect(200)["document_id"],
        made["id"]
    );
    // The parts have done their duty.
    clinic.clock.advance(chrono::TimeDelta::hours(25));
    clinical::documents::round(&clinic.app, clinic.id)
        .await
        .expect("swept");
    let parts: i64 =
        sqlx::query_scalar("select count(*) from app.document_upload_parts where tenant_id = $1")
            .bind(clinic.id.0)
            .fetch_one(&mut clinic.behind_the_curtain().await)
            .await
            .expect("counted");
    assert_eq!(parts, 0);
}

#[tokio::test]
async fn an_upload_that_lies_about_its_size_hash_or_type_is_refused() {
    let clinic = TestTenant::new().await;
    let nurse = clinic.user(Role::Nurse).await;
    let patient = clinic.patient(&nurse).await;
    let upload = begin(&nurse, &patient, 10).await;
    send(&nurse, &upload, 0, Body::from("eleven bytes"))
        .await
        .expect_problem(413, "body_too_large");
    let pieces = vec![Ok::<_, std::io::Error>(Bytes::from_static(b"eleven bytes"))];
    send(&nurse, &upload, 0, Body::from_stream(stream::iter(pieces)))
        .await
        .expect_problem(413, "body_too_large");
    assert_eq!(offset(&nurse.get(&upload).await.expect(200)), 0);
    for (field, value) in [
        ("sha256", json!("0".repeat(64))),
        ("content_type", json!("application/pdf")),
    ] {
        let mut body = json!({ "patient_id": patient, "document": label("clinical"), "filename": "x", "content_type": "text/plain", "size": 3 });
        body[field] = value;
        let made = nurse
            .post("/api/v1/documents/uploads", body)
            .await
            .expect(201);
        let upload = format!("/api/v1/documents/uploads/{}", id(&made));
        send(&nurse, &upload, 0, Body::from("abc"))
            .await
            .expect(200);
        let refused = nurse.act(format!("{upload}/complete")).await;
        assert_eq!(
            refused.pointers(),
            [format!("/{field}")],
            "{}",
            refused.text
        );
    }
    let body = json!({ "patient_id": patient, "document": label("clinical"), "filename": "x", "content_type": "text/plain", "size": 209_715_200 });
    nurse
        .post("/api/v1/documents/uploads", body)
        .await
        .expect_problem(413, "body_too_large");
}

#[tokio::test]
async fn an_upload_is_its_owners_and_can_become_a_version() {
    let clinic = TestTenant::new().await;
    let nurse = clinic.user(Role::Nurse).await;
    let admin = clinic.user(Role::Admin).await;
    let patient = clinic.patient(&nurse).await;
    let made = super::file_text(&nurse, &patient, "clinical", "the first")
        .await
        .expect(201);
    let body = json!({ "document_id": made["id"], "filename": "2.txt", "content_type": "text/plain", "size": 10 });
    let upload = nurse
        .post("/api/v1/documents/uploads", body)
        .await
        .expect(201);
    let upload = format!("/api/v1/documents/uploads/{}", id(&upload));
    admin.get(&upload).await.expect_problem(404, "not_found");
    send(&admin, &upload, 0, Body::from("the second"))
        .await
        .expect_problem(404, "not_found");
    send(&nurse, &upload, 0, Body::from("the second"))
        .await
        .expect(200);
    let second = nurse.act(format!("{upload}/complete")).await.expect(201);
    assert_eq!(
        (&second["id"], &second["current"]["number"]),
        (&made["id"], &json!(2))
    );
    let again = nurse.act(format!("{upload}/complete")).await.expect(201);
    assert_eq!(again["current"]["number"], 2);
    let aborted = begin(&nurse, &patient, 5).await;
    nurse.delete(&aborted).await.expect(204);
    send(&nurse, &aborted, 0, Body::from("12345"))
        .await
        .expect_problem(409, "upload_closed");
    nurse
        .act(format!("{aborted}/complete"))
        .await
        .expect_problem(409, "upload_closed");
}
