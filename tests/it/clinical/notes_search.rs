//! Searching the text of notes.

use platform::access::Role;
use serde_json::{Value, json};
use sqlx::Row as _;

use super::notes::Ward;
use crate::support::admin_connection;

async fn titles(ward: &Ward, query: &str) -> Vec<String> {
    let found = ward
        .doctor
        .get(format!("/api/v1/search/notes?{query}"))
        .await
        .expect(200);
    let mut bodies: Vec<String> = found["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|item| item["snippet"].as_array().expect("pieces"))
        .map(|pieces| {
            pieces
                .iter()
                .map(|piece| piece["text"].as_str().unwrap_or_default())
                .collect()
        })
        .collect();
    bodies.sort();
    bodies
}

#[tokio::test]
async fn words_phrases_exclusions_and_beginnings_find_what_they_should() {
    let ward = Ward::open().await;
    for body in [
        "severe chest pain since morning",
        "pain in the chest wall",
        "hypertension, controlled",
    ] {
        let new = json!({ "type": "progress", "content": { "body": body } });
        ward.doctor
            .post(format!("/api/v1/patients/{}/notes", ward.patient), new)
            .await
            .expect(201);
    }
    for (query, expected) in [
        ("q=pain+chest", 2),
        ("q=%22chest+pain%22", 1),
        ("q=pain+-severe", 1),
        ("q=hyperten*", 1),
        ("q=hyperten", 0),
        ("q=severe+or+controlled", 2),
        ("q=-pain", 1),
        ("q=pains", 2),
        ("q=the", 0),
        ("type=nursing", 0),
        ("type=progress&q=wall", 1),
        ("to=2000-01-01T00:00:00Z", 0),
    ] {
        assert_eq!(titles(&ward, query).await.len(), expected, "{query}");
    }
    ward.doctor
        .get("/api/v1/search/notes?q=%26%7C%21")
        .await
        .expect_problem(400, "invalid_parameter");
}

#[tokio::test]
async fn a_snippet_shows_the_hit_and_no_markup() {
    let ward = Ward::open().await;
    ward.draft(&ward.doctor, "progress", "<b>fever</b> since monday")
        .await;
    let found = ward
        .doctor
        .get("/api/v1/search/notes?q=fever")
        .await
        .expect(200);
    let pieces = found["items"][0]["snippet"].as_array().expect("pieces");
    let hits: Vec<&Value> = pieces
        .iter()
        .filter(|piece| piece["highlighted"] == true)
        .collect();
    assert_eq!(hits.len(), 1, "{pieces:?}");
    assert_eq!(hits[0]["text"], "fever");
}

#[tokio::test]
async fn a_search_finds_and_records_only_the_callers_charts() {
    let ward = Ward::open().await;
    ward.draft(&ward.doctor, "progress", "rareword here").await;
    let stranger = ward.clinic.user(Role::Provider).await;
    let strangers = ward.clinic.patient(&stranger).await;
    stranger
        .post(
            format!("/api/v1/patients/{strangers}/notes"),
            json!({ "type": "progress", "content": { "body": "rareword there" } }),
        )
        .await
        .expect(201);
    let elsewhere = Ward::open().await;
    elsewhere
        .draft(&elsewhere.doctor, "progress", "rareword elsewhere")
        .await;
    let reply = ward.doctor.get("/api/v1/search/notes?q=rareword").await;
    let request = reply.headers["x-request-id"]
        .to_str()
        .expect("an id")
        .to_owned();
    let found = reply.expect(200);
    let patients: Vec<&str> = found["items"]
        .as_array()
        .expect("items")
        .iter()
        .filter_map(|item| item["patient_id"].as_str())
        .collect();
    assert_eq!(patients, [ward.patient.as_str()]);
    let rows = sqlx::query(
        "select patient_id::text as patient from app.phi_accesses where request_id = $1::uuid",
    )
    .bind(&request)
    .fetch_all(&mut admin_connection().await)
    .await
    .expect("the log can be read");
    let recorded: Vec<String> = rows.iter().map(|row| row.get("patient")).collect();
    assert_eq!(recorded, [ward.patient.as_str()]);
    // An admin sees the organisation's charts, and no other organisation's.
    let all = ward
        .admin
        .get("/api/v1/search/notes?q=rareword")
        .await
        .expect(200);
    assert_eq!(all["items"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn what_was_added_is_found_and_pages_follow_one_another() {
    let ward = Ward::open().await;
    let note = ward.signed(&ward.doctor, "progress", "plain").await;
    ward.doctor
        .post(
            format!("/api/v1/notes/{note}/addenda"),
            json!({ "text": "potassium came back low" }),
        )
        .await
        .expect(200);
    assert_eq!(titles(&ward, "q=potassium").await.len(), 1);
    for place in 0..4 {
        ward.draft(&ward.doctor, "progress", &format!("paged {place}"))
            .await;
    }
    let mut seen = Vec::new();
    let mut next = String::new();
    loop {
        let page = ward
            .doctor
            .get(format!("/api/v1/search/notes?q=paged&limit=2{next}"))
            .await
            .expect(200);
        let items = page["items"].as_array().expect("items");
        seen.extend(items.iter().map(|item| item["id"].to_string()));
        match page["next_cursor"].as_str() {
            Some(cursor) => next = format!("&cursor={cursor}"),
            None => break,
        }
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 4);
}
