//! Who may read and file what.

use platform::access::Role;
use serde_json::json;
use sqlx::Row;

use super::{content_of, file_text, id, label};
use crate::support::{Chart, TestTenant};

#[tokio::test]
async fn each_role_sees_the_categories_that_are_its_own() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let admin = clinic.user(Role::Admin).await;
    let list = format!("/api/v1/patients/{}/documents", chart.patient);
    let mut made = Vec::new();
    for category in ["clinical", "administrative", "insurance"] {
        made.push(
            file_text(&admin, &chart.patient, category, category)
                .await
                .expect(201),
        );
    }
    for (role, sees) in [
        (Role::Staff, [false, true, true]),
        (Role::Billing, [false, false, true]),
        (Role::Admin, [true, true, true]),
    ] {
        let caller = clinic.user(role).await;
        for (document, sees) in made.iter().zip(sees) {
            let status = if sees { 200 } else { 404 };
            let place = format!("{} {document}", role.as_str());
            assert_eq!(
                caller
                    .get(format!("/api/v1/documents/{}", id(document)))
                    .await
                    .status,
                status,
                "{place}"
            );
            assert_eq!(
                caller.get(content_of(document)).await.status,
                status,
                "{place}"
            );
            let listed = caller.get(&list).await.text.contains(id(document));
            assert_eq!(listed, sees, "{place}");
        }
    }
    let stranger = clinic.user(Role::Provider).await;
    stranger
        .get(content_of(&made[0]))
        .await
        .expect_problem(404, "not_found");
}

#[tokio::test]
async fn each_role_files_the_categories_that_are_its_own() {
    let clinic = TestTenant::new().await;
    let nurse = clinic.user(Role::Nurse).await;
    let patient = clinic.patient(&nurse).await;
    let staff = clinic.user(Role::Staff).await;
    let billing = clinic.user(Role::Billing).await;
    for (caller, category, status) in [
        (&nurse, "clinical", 201),
        (&nurse, "administrative", 403),
        (&staff, "clinical", 403),
        (&staff, "administrative", 201),
        (&staff, "insurance", 201),
        (&billing, "insurance", 403),
    ] {
        let reply = file_text(caller, &patient, category, "text").await;
        assert_eq!(reply.status, status, "{category}: {}", reply.text);
    }
    let wrong = file_text(
        &clinic.user(Role::Admin).await,
        &patient,
        "credential",
        "text",
    )
    .await;
    assert_eq!(wrong.pointers(), ["/category"]);
}

#[tokio::test]
async fn a_patient_reads_what_is_released_and_brings_his_own() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let admin = clinic.user(Role::Admin).await;
    let patient = &chart.portal_user;
    let report = file_text(&admin, &chart.patient, "clinical", "the first")
        .await
        .expect(201);
    let place = format!("/api/v1/documents/{}", id(&report));
    patient
        .get(content_of(&report))
        .await
        .expect_problem(404, "not_found");
    admin.act(format!("{place}/release")).await.expect(200);
    assert_eq!(patient.get(content_of(&report)).await.text, "the first");
    // A correction is not released by being filed.
    admin
        .file(
            format!("{place}/versions"),
            None,
            ("2.txt", "text/plain", b"the second"),
        )
        .await
        .expect(201);
    assert_eq!(patient.get(content_of(&report)).await.text, "the first");
    patient
        .get(format!("{place}/versions/2/content"))
        .await
        .expect_problem(404, "not_found");
    admin.act(format!("{place}/release")).await.expect(200);
    assert_eq!(patient.get(content_of(&report)).await.text, "the second");
    admin.act(format!("{place}/withdraw")).await.expect(200);
    patient.get(&place).await.expect_problem(404, "not_found");

    let own = file_text(patient, &chart.patient, "clinical", "my diary")
        .await
        .expect(201);
    assert_eq!(own["source"], "patient");
    assert_eq!(patient.get(content_of(&own)).await.text, "my diary");
    let another = clinic.patient(&admin).await;
    file_text(patient, &another, "clinical", "not mine")
        .await
        .expect_problem(404, "not_found");
}

#[tokio::test]
async fn a_providers_papers_are_for_administrators_and_himself() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let (doctor, colleague) = (
        clinic.user(Role::Provider).await,
        clinic.user(Role::Provider).await,
    );
    let body = json!({ "user_id": doctor.user_id, "given_name": "Ada", "family_name": "Lovelace" });
    let provider = admin.post("/api/v1/providers", body).await.expect(201);
    let path = format!("/api/v1/providers/{}/documents", id(&provider));
    let made = doctor
        .file(
            &path,
            Some(&label("credential")),
            ("d.txt", "text/plain", b"diploma"),
        )
        .await
        .expect(201);
    assert_eq!(admin.get(content_of(&made)).await.text, "diploma");
    assert_eq!(
        doctor.get(&path).await.expect(200)["items"][0]["id"],
        made["id"]
    );
    colleague
        .get(content_of(&made))
        .await
        .expect_problem(404, "not_found");
    colleague
        .file(
            &path,
            Some(&label("credential")),
            ("d.txt", "text/plain", b"diploma"),
        )
        .await
        .expect_problem(404, "not_found");
}

#[tokio::test]
#[expect(
    clippy::disallowed_methods,
    reason = "asks the database itself, past the server"
)]
async fn the_database_keeps_the_categories_apart_by_itself() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let patient = clinic.patient(&admin).await;
    file_text(&admin, &patient, "clinical", "x")
        .await
        .expect(201);
    file_text(&admin, &patient, "insurance", "x")
        .await
        .expect(201);
    let mut connection = clinic.behind_the_curtain().await;
    for (role, scope, seen) in [
        ("admin", "organization", 2),
        ("staff", "organization", 1),
        ("billing", "organization", 1),
        ("nurse", "care_team", 0),
        ("patient", "self", 0),
    ] {
        for table in ["documents", "document_versions"] {
            use sqlx::{Connection as _, Executor as _};
            let mut tx = connection.begin().await.expect("begun");
            tx.execute(sqlx::AssertSqlSafe(format!(
                "set local role chartwell_runtime; set local app.context = '{} {role} {scope}   '",
                clinic.id
            )))
            .await
            .expect("set");
            let row = sqlx::query(sqlx::AssertSqlSafe(format!(
                "select count(*) from app.{table} where tenant_id = $1"
            )))
            .bind(clinic.id.0)
            .fetch_one(&mut *tx)
            .await
            .expect("counted");
            assert_eq!(row.get::<i64, _>(0), seen, "{role} in {table}");
        }
    }
}
