//! Documents end by a person's decision, and leave a certificate.

use kernel::ids::TenantId;
use platform::access::Role;
use platform::files::ObjectName;
use serde_json::{Value, json};

use super::{content_of, id};
use crate::support::{Caller, Chart, TestTenant, begin};

async fn old_paper(caller: &Caller, patient: &str, day: &str) -> Value {
    let label = json!({ "category": "clinical", "kind": "lab_report", "title": "Old", "document_date": day });
    let path = format!("/api/v1/patients/{patient}/documents");
    caller
        .file(
            path,
            Some(&label),
            ("old.txt", "text/plain", b"old findings"),
        )
        .await
        .expect(201)
}

async fn open_reviews(clinic: &TestTenant, admin: &Caller) -> Vec<Value> {
    clinical::documents::round(&clinic.app, clinic.id)
        .await
        .expect("reviewed");
    let list = admin
        .get("/api/v1/document-retention/reviews")
        .await
        .expect(200);
    list["items"].as_array().expect("items").clone()
}

#[tokio::test]
async fn what_has_outlived_its_retention_is_listed_and_only_a_person_destroys_it() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let patient = clinic.patient(&admin).await;
    let old = old_paper(&admin, &patient, "2001-05-01").await;
    old_paper(&admin, &patient, "2026-05-01").await;
    assert!(
        open_reviews(&clinic, &admin).await.is_empty(),
        "without a policy nothing expires"
    );
    let policy = json!({ "category": "clinical", "years": 7 });
    admin
        .post("/api/v1/document-retention/policies", policy.clone())
        .await
        .expect(201);
    admin
        .post("/api/v1/document-retention/policies", policy)
        .await
        .expect_problem(409, "already_exists");
    let reviews = open_reviews(&clinic, &admin).await;
    assert_eq!(reviews.len(), 1);
    assert_eq!(
        (&reviews[0]["document_id"], &reviews[0]["expired_on"]),
        (&old["id"], &json!("2008-05-02"))
    );
    assert_eq!(
        admin.get(content_of(&old)).await.text,
        "old findings",
        "it is listed, not gone"
    );
    let nurse = clinic.user(Role::Nurse).await;
    let destroy = format!(
        "/api/v1/document-retention/reviews/{}/destroy",
        id(&reviews[0])
    );
    nurse
        .post(&destroy, json!({ "reason": "x" }))
        .await
        .expect_problem(403, "forbidden");
    let certificate = admin
        .post(&destroy, json!({ "reason": "Outlived" }))
        .await
        .expect(200);
    assert_eq!(
        certificate["versions"][0]["sha256"],
        old["current"]["sha256"]
    );
    admin
        .get(content_of(&old))
        .await
        .expect_problem(409, "document_closed");
    let object = ObjectName {
        tenant: TenantId(clinic.id.0),
        id: id(&old["current"]).parse().expect("an id"),
    };
    assert!(open_reviews(&clinic, &admin).await.is_empty());
    assert!(
        !clinic
            .app
            .files
            .objects
            .exists(object)
            .await
            .expect("asked"),
        "the object is gone"
    );
    let key: Option<String> = sqlx::query_scalar(
        "select sealed_key from app.document_versions where tenant_id = $1 and id = $2",
    )
    .bind(clinic.id.0)
    .bind(object.id)
    .fetch_one(&mut clinic.behind_the_curtain().await)
    .await
    .expect("the row stays");
    assert_eq!(key, None);
    let kept = admin
        .get("/api/v1/document-retention/certificates")
        .await
        .expect(200);
    assert_eq!(kept["items"][0]["reason"], "Outlived");
}

#[tokio::test]
async fn a_legal_hold_wins_over_every_policy() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let patient = clinic.patient(&admin).await;
    old_paper(&admin, &patient, "2001-05-01").await;
    admin
        .post(
            "/api/v1/document-retention/policies",
            json!({ "category": "clinical", "years": 7 }),
        )
        .await
        .expect(201);
    let reviews = open_reviews(&clinic, &admin).await;
    let destroy = format!(
        "/api/v1/document-retention/reviews/{}/destroy",
        id(&reviews[0])
    );
    let holds = format!("/api/v1/patients/{patient}/legal-holds");
    let hold = admin
        .post(&holds, json!({ "reason": "Litigation" }))
        .await
        .expect(201);
    assert!(
        open_reviews(&clinic, &admin).await.is_empty(),
        "what is held waits for no decision"
    );
    admin
        .post(&destroy, json!({ "reason": "x" }))
        .await
        .expect_problem(409, "legal_hold");
    admin
        .post(
            format!("{holds}/{}/lift", id(&hold)),
            json!({ "reason": "Settled" }),
        )
        .await
        .expect(200);
    admin
        .post(&destroy, json!({ "reason": "x" }))
        .await
        .expect(200);
}

#[tokio::test]
async fn what_is_filed_about_a_provider_is_held_too() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let chart = Chart::open(&clinic).await;
    let provider = chart.fill("{provider_id}");
    let label = json!({ "category": "credential", "kind": "diploma", "title": "Diploma", "document_date": "2001-05-01" });
    let path = format!("/api/v1/providers/{provider}/documents");
    let diploma = admin
        .file(path, Some(&label), ("d.txt", "text/plain", b"MD"))
        .await
        .expect(201);
    let policy = json!({ "category": "credential", "years": 7 });
    admin
        .post("/api/v1/document-retention/policies", policy)
        .await
        .expect(201);
    let reviews = open_reviews(&clinic, &admin).await;
    let review = reviews
        .iter()
        .find(|review| review["document_id"] == diploma["id"])
        .expect("a review");
    let destroy = format!("/api/v1/document-retention/reviews/{}/destroy", id(review));
    let holds = format!("/api/v1/providers/{provider}/legal-holds");
    let reason = json!({ "reason": "Litigation" });
    let hold = admin.post(&holds, reason.clone()).await.expect(201);
    assert_eq!(hold["provider_id"], json!(provider));
    assert!(
        open_reviews(&clinic, &admin)
            .await
            .iter()
            .all(|open| open["document_id"] != diploma["id"])
    );
    admin
        .post(&destroy, json!({ "reason": "x" }))
        .await
        .expect_problem(409, "legal_hold");
    let of_patient = format!("/api/v1/patients/{}/legal-holds", chart.patient);
    let foreign = json!({ "reason": "x", "document_id": diploma["id"] });
    let refused = admin.post(of_patient, foreign).await;
    assert_eq!(refused.pointers(), ["/document_id"], "{}", refused.text);
    let listed = admin.get(&holds).await.expect(200);
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(1));
    admin
        .post(format!("{holds}/{}/lift", id(&hold)), reason)
        .await
        .expect(200);
    admin
        .post(&destroy, json!({ "reason": "x" }))
        .await
        .expect(200);
}

#[tokio::test]
async fn a_hold_that_is_placed_while_something_is_destroyed_waits_and_one_placed_before_wins() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let patient = clinic.patient(&admin).await;
    old_paper(&admin, &patient, "2001-05-01").await;
    let policy = json!({ "category": "clinical", "years": 7 });
    admin
        .post("/api/v1/document-retention/policies", policy)
        .await
        .expect(201);
    let review = open_reviews(&clinic, &admin).await.remove(0);
    let destroy = format!("/api/v1/document-retention/reviews/{}/destroy", id(&review));
    // Somebody is placing a hold on the whole patient: he has the patient, and has not committed.
    let mut connection = clinic.behind_the_curtain().await;
    let mut placing = begin(&mut connection).await;
    sqlx::query("select from app.patients where tenant_id = $1 and id = $2::uuid for update")
        .bind(clinic.id.0)
        .bind(&patient)
        .execute(&mut *placing)
        .await
        .expect("locked");
    sqlx::query("insert into app.legal_holds (tenant_id, id, patient_id, reason, placed_at) values ($1, gen_random_uuid(), $2::uuid, 'Litigation', now())")
        .bind(clinic.id.0)
        .bind(&patient)
        .execute(&mut *placing)
        .await
        .expect("a hold");
    let destroying = {
        let (admin, destroy) = (admin.clone(), destroy.clone());
        tokio::spawn(async move { admin.post(destroy, json!({ "reason": "x" })).await })
    };
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    assert!(!destroying.is_finished(), "it waits for the hold");
    placing.commit().await.expect("placed");
    destroying
        .await
        .expect("an answer")
        .expect_problem(409, "legal_hold");
}

#[tokio::test]
async fn without_a_known_state_the_longest_of_all_policies_counts() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let patient = clinic.patient(&admin).await;
    let day = (clinic.clock.now() - chrono::TimeDelta::days(8 * 366)).date_naive();
    old_paper(&admin, &patient, &day.to_string()).await;
    for policy in [
        json!({ "category": "clinical", "years": 6 }),
        json!({ "category": "clinical", "years": 10, "state": "NY" }),
    ] {
        admin
            .post("/api/v1/document-retention/policies", policy)
            .await
            .expect(201);
    }
    assert!(open_reviews(&clinic, &admin).await.is_empty());
}

#[tokio::test]
async fn who_decides_to_keep_is_asked_again_when_that_is_over() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let patient = clinic.patient(&admin).await;
    let old = old_paper(&admin, &patient, "2001-05-01").await;
    let policies = "/api/v1/document-retention/policies";
    admin
        .post(policies, json!({ "category": "clinical", "years": 7 }))
        .await
        .expect(201);
    let review = open_reviews(&clinic, &admin).await.remove(0);
    let keep = format!("/api/v1/document-retention/reviews/{}/keep", id(&review));
    let until = (clinic.clock.now() + chrono::TimeDelta::days(30)).date_naive();
    admin
        .post(&keep, json!({ "until": until, "reason": "Study" }))
        .await
        .expect(200);
    assert!(open_reviews(&clinic, &admin).await.is_empty());
    let kept = admin
        .get("/api/v1/document-retention/reviews?state=kept")
        .await
        .expect(200);
    assert_eq!(kept["items"][0]["document_id"], old["id"]);
    clinic.clock.advance(chrono::TimeDelta::days(32));
    let admin = admin.with_token(Some(clinic.log_in(&admin.email).await));
    let review = open_reviews(&clinic, &admin).await.remove(0);
    // Meanwhile the law has changed: what was due is due no more.
    admin
        .post(
            policies,
            json!({ "category": "clinical", "years": 50, "state": null }),
        )
        .await
        .expect_problem(409, "already_exists");
    let list = admin.get(policies).await.expect(200);
    admin
        .act(format!("{policies}/{}/retire", id(&list["items"][0])))
        .await
        .expect(200);
    admin
        .post(policies, json!({ "category": "clinical", "years": 50 }))
        .await
        .expect(201);
    let destroy = format!("/api/v1/document-retention/reviews/{}/destroy", id(&review));
    admin
        .post(&destroy, json!({ "reason": "x" }))
        .await
        .expect_problem(409, "retention_not_over");
}
