//! What is refused of a document tells of it all the same: that it is there, how it stands, how large it is.

use axum::body::Body;
use axum::http::Method;
use platform::access::Role;
use serde_json::json;
use sqlx::{PgConnection, Row};

use super::scanning::{clinic_with, fake_clamd};
use super::{content_of, file_text, id};
use crate::support::Reply;

/// The refusals on record of a request: whose they are, and of which document.
async fn refused(log: &mut PgConnection, reply: &Reply) -> Vec<(Option<String>, Option<String>)> {
    let request = reply.headers["x-request-id"].to_str().expect("an id");
    let rows = sqlx::query(
        "select patient_id::text, resource_id::text from app.phi_accesses where request_id = $1::uuid and outcome = 'refused'",
    )
    .bind(request)
    .fetch_all(log)
    .await
    .expect("the log can be read");
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

#[tokio::test]
async fn every_refusal_of_a_document_is_on_record_and_names_the_patient() {
    let clinic = clinic_with(Some(fake_clamd().await), false).await;
    let nurse = clinic.user(Role::Nurse).await;
    let patient = clinic.patient(&nurse).await;
    let made = file_text(&nurse, &patient, "clinical", "harmless")
        .await
        .expect(201);
    let mut log = clinic.behind_the_curtain().await;
    let quarantined = nurse.get(content_of(&made)).await;
    clinical::documents::round(&clinic.app, clinic.id)
        .await
        .expect("the work is done");
    let beyond = [("range", "bytes=8000-")];
    let out_of_range = nurse
        .send(Method::GET, &content_of(&made), &beyond, None)
        .await;
    let place = format!("/api/v1/documents/{}", id(&made));
    let stale = nurse.patch(&place, 77, json!({ "title": "Another" })).await;
    let versions = format!("{place}/versions");
    let (kind, _) = crate::support::form(None, ("a.txt", "text/plain", b"a"));
    let too_large = [
        ("content-type", kind.as_str()),
        ("content-length", "9000000000"),
    ];
    let too_large = nurse
        .send_bytes(Method::POST, &versions, &too_large, Body::empty())
        .await;
    let no_form = nurse.post(&versions, json!({})).await;
    for (reply, status, code) in [
        (quarantined, 409, "document_quarantined"),
        (out_of_range, 416, "range_not_satisfiable"),
        (stale, 412, "version_stale"),
        (too_large, 413, "body_too_large"),
        (no_form, 415, "unsupported_media_type"),
    ] {
        let found = refused(&mut log, &reply).await;
        let whose = (Some(patient.clone()), Some(id(&made).to_owned()));
        assert_eq!(found, [whose], "{status} {code}");
        reply.expect_problem(status, code);
    }
}
