//! The words of documents are found by who may read them, and hostile files cost a child.

use std::fmt::Write as _;

use platform::access::Role;
use serde_json::Value;

use super::{file_text, id, label};
use crate::support::{Caller, Chart, TestTenant};

async fn work(clinic: &TestTenant) {
    clinical::documents::round(&clinic.app, clinic.id)
        .await
        .expect("the work is done");
}

async fn found(caller: &Caller, query: &str) -> Vec<Value> {
    let path = format!("/api/v1/search/notes?in=documents&q={query}");
    caller.get(path).await.expect(200)["items"]
        .as_array()
        .expect("items")
        .clone()
}

/// A PDF of one page that says this.
fn pdf(words: &str) -> Vec<u8> {
    let content = format!("BT /F1 12 Tf 72 720 Td ({words}) Tj ET");
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>".to_owned(),
        format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len()),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>".to_owned(),
    ];
    let mut file = String::from("%PDF-1.4\n");
    let mut places = Vec::new();
    for (number, object) in objects.iter().enumerate() {
        places.push(file.len());
        let _ = write!(file, "{} 0 obj\n{object}\nendobj\n", number + 1);
    }
    let start = file.len();
    file.push_str("xref\n0 6\n0000000000 65535 f \n");
    for place in places {
        let _ = writeln!(file, "{place:010} 00000 n ");
    }
    let _ = write!(
        file,
        "trailer << /Size 6 /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n"
    );
    file.into_bytes()
}

#[tokio::test]
async fn words_phrases_beginnings_and_exclusions_find_what_they_should() {
    let clinic = TestTenant::new().await;
    let nurse = clinic.user(Role::Nurse).await;
    let patient = clinic.patient(&nurse).await;
    let path = format!("/api/v1/patients/{patient}/documents");
    let text = file_text(
        &nurse,
        &patient,
        "clinical",
        "Signs of pneumonia (fever < 38) in the left lung.",
    )
    .await
    .expect(201);
    let pdf = nurse
        .file(
            &path,
            Some(&label("clinical")),
            (
                "scan.pdf",
                "application/pdf",
                &pdf("Fracture of the left wrist"),
            ),
        )
        .await
        .expect(201);
    let ccda = br#"<?xml version="1.0"?><ClinicalDocument><text>Allergies: <content>Penicillin</content></text></ClinicalDocument>"#;
    let ccda = nurse
        .file(
            &path,
            Some(&label("clinical")),
            ("ccda.xml", "application/xml", ccda),
        )
        .await
        .expect(201);
    assert!(
        found(&nurse, "pneumonia").await.is_empty(),
        "nothing is found before it is read"
    );
    work(&clinic).await;
    for (query, expected) in [
        ("pneumonia", vec![&text]),
        ("PNEUMONIAS", vec![&text]),
        ("pneu*", vec![&text]),
        ("fractures", vec![&pdf]),
        ("penicillin", vec![&ccda]),
        ("%22left+lung%22", vec![&text]),
        ("%22lung+left%22", vec![]),
        ("left+-wrist", vec![&text]),
        ("left+wr*", vec![&pdf]),
    ] {
        let mut ids: Vec<String> = found(&nurse, query)
            .await
            .iter()
            .map(|hit| id(hit).to_owned())
            .collect();
        ids.sort();
        let mut expected: Vec<&str> = expected.into_iter().map(id).collect();
        expected.sort_unstable();
        assert_eq!(ids, expected, "{query}");
    }
    let hit = &found(&nurse, "pneumonia").await[0];
    assert_eq!(hit["found"], "document");
    let pieces = hit["snippet"].as_array().expect("pieces");
    let shown = |highlighted: bool| {
        let pieces = pieces
            .iter()
            .filter(|piece| piece["highlighted"] == highlighted);
        pieces
            .filter_map(|piece| piece["text"].as_str())
            .collect::<String>()
    };
    assert_eq!(shown(true), "pneumonia");
    assert!(shown(false).contains("(fever < 38)"), "{hit}");
    let page = nurse
        .get("/api/v1/search/notes?in=documents&q=left&limit=1")
        .await
        .expect(200);
    let cursor = page["next_cursor"].as_str().expect("another page");
    let next = nurse
        .get(format!(
            "/api/v1/search/notes?in=documents&q=left&limit=1&cursor={cursor}"
        ))
        .await
        .expect(200);
    assert_ne!(page["items"][0]["id"], next["items"][0]["id"]);
    assert!(next["next_cursor"].is_null());
}

#[tokio::test]
async fn a_search_finds_only_what_one_may_read_and_what_holds() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let admin = clinic.user(Role::Admin).await;
    let staff = clinic.user(Role::Staff).await;
    let stranger = clinic.user(Role::Provider).await;
    let clinical = file_text(&admin, &chart.patient, "clinical", "zanzibar fever")
        .await
        .expect(201);
    let office = file_text(&admin, &chart.patient, "administrative", "zanzibar address")
        .await
        .expect(201);
    work(&clinic).await;
    assert_eq!(found(&admin, "zanzibar").await.len(), 2);
    let seen = found(&staff, "zanzibar").await;
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0]["id"], office["id"]);
    assert!(found(&stranger, "zanzibar").await.is_empty());
    assert!(found(&chart.portal_user, "zanzibar").await.is_empty());
    let place = format!("/api/v1/documents/{}", id(&clinical));
    admin.act(format!("{place}/release")).await.expect(200);
    assert_eq!(found(&chart.portal_user, "zanzibar").await.len(), 1);
    let other = TestTenant::new().await;
    assert!(
        found(&other.user(Role::Admin).await, "zanzibar")
            .await
            .is_empty()
    );
    admin
        .file(
            format!("{place}/versions"),
            None,
            ("2.txt", "text/plain", b"corrected: no fever"),
        )
        .await
        .expect(201);
    work(&clinic).await;
    assert_eq!(
        found(&admin, "zanzibar").await.len(),
        1,
        "a superseded version is not found"
    );
    let error = format!("/api/v1/documents/{}/entered-in-error", id(&office));
    admin
        .post(error, serde_json::json!({ "reason": "Wrong" }))
        .await
        .expect(200);
    assert!(found(&admin, "zanzibar").await.is_empty());
}

#[tokio::test]
async fn a_file_made_to_crash_its_reader_crashes_a_child() {
    let clinic = TestTenant::new().await;
    let nurse = clinic.user(Role::Nurse).await;
    let patient = clinic.patient(&nurse).await;
    let path = format!("/api/v1/patients/{patient}/documents");
    // An array nested so deep that reading it takes more stack than there is; a stream said to be far longer than the file.
    let deep = [
        &b"%PDF-1.4\n1 0 obj\n"[..],
        &b"[".repeat(3_000_000),
        b"\nendobj\ntrailer << /Root 1 0 R >>\nstartxref\n9\n%%EOF",
    ]
    .concat();
    let broken = b"%PDF-1.7\n4 0 obj << /Length 99999999999 >> stream\nx\nxref\n0 1\ntrailer << /Size 99999999 /Prev 9 >>\nstartxref\n9\n%%EOF".to_vec();
    for file in [deep, broken] {
        let made = nurse
            .file(
                &path,
                Some(&label("clinical")),
                ("x.pdf", "application/pdf", &file),
            )
            .await
            .expect(201);
        work(&clinic).await;
        let document = nurse
            .get(format!("/api/v1/documents/{}", id(&made)))
            .await
            .expect(200);
        assert!(
            ["failed", "none"].contains(&document["current"]["text"].as_str().expect("a state")),
            "{document}"
        );
    }
    let fine = file_text(&nurse, &patient, "clinical", "all is well")
        .await
        .expect(201);
    work(&clinic).await;
    assert_eq!(id(&found(&nurse, "well").await[0]), id(&fine));
}
