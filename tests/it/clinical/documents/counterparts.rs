//! Against an S3 server and a clamd made by others, where `TEST_S3_ENDPOINT` (with a bucket `chartwell`) and `TEST_CLAMD`
//! (`tcp:host:port`) say where they are: docs/OPERATIONS.md has the commands. Where they don't, there is nothing to try.

use std::sync::Arc;

use platform::access::Role;
use platform::files::{Clamd, Files, Objects, S3};
use platform::http::Rates;

use super::scanning::eicar;
use super::{content_of, id, label, pattern};
use crate::support::TestTenant;

#[tokio::test]
async fn a_real_store_and_a_real_scanner_do_what_ours_do() {
    let (Ok(endpoint), Ok(clamd)) = (
        std::env::var("TEST_S3_ENDPOINT"),
        std::env::var("TEST_CLAMD"),
    ) else {
        return;
    };
    let objects = Objects::in_s3(&S3 {
        bucket: "chartwell".to_owned(),
        region: "us-east-1".to_owned(),
        endpoint: Some(endpoint),
        access_key: Some("any".to_owned()),
        secret_key: Some("any".into()),
    })
    .expect("a store");
    let scanner = Arc::new(Clamd(clamd.parse().expect("an address")));
    let files = Files::new(objects, Some(scanner), crate::support::files().options);
    let clinic = TestTenant::with_files(Rates::default(), files).await;
    let nurse = clinic.user(Role::Nurse).await;
    let patient = clinic.patient(&nurse).await;
    let path = format!("/api/v1/patients/{patient}/documents");
    // Nothing, little, and more than goes to such a store in one part.
    for content in [Vec::new(), pattern(1000), pattern(12 << 20)] {
        let file = ("paper.txt", "text/plain", content.as_slice());
        let made = nurse.file(&path, Some(&label("clinical")), file).await;
        let made = made.expect(201);
        clinical::documents::round(&clinic.app, clinic.id)
            .await
            .expect("the work is done");
        let whole = nurse.get(content_of(&made)).await;
        assert!(whole.bytes == content, "{} bytes", content.len());
        if content.len() > 100 {
            let (from, until) = (content.len() / 3, content.len() / 2);
            let range = format!("bytes={from}-{}", until - 1);
            let part = nurse
                .send(
                    axum::http::Method::GET,
                    &content_of(&made),
                    &[("range", &range)],
                    None,
                )
                .await;
            assert_eq!(part.status, 206, "{}", part.text);
            assert!(part.bytes == content[from..until], "{range}");
        }
    }
    let harmful = eicar();
    let file = ("e.txt", "text/plain", harmful.as_bytes());
    let made = nurse.file(&path, Some(&label("clinical")), file).await;
    let made = made.expect(201);
    clinical::documents::round(&clinic.app, clinic.id)
        .await
        .expect("the work is done");
    let found = nurse.get(format!("/api/v1/documents/{}", id(&made))).await;
    assert_eq!(found.expect(200)["current"]["scan"], "infected");
    nurse
        .get(content_of(&made))
        .await
        .expect_problem(409, "document_infected");
}
