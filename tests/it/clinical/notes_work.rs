//! Templates, co-signatures, releases, and the patient's requests to have a note amended.

use platform::access::Role;
use serde_json::json;
use sqlx::Executor as _;

use super::notes::Ward;
use crate::support::{Caller, Chart};

#[tokio::test]
async fn a_template_is_filled_from_the_chart_and_leaves_gaps_where_it_is_silent() {
    let ward = Ward::open().await;
    let template = json!({
        "name": "Visit", "type": "progress",
        "content": { "body": "{{patient.name}}, {{ patient.sex }}, born {{patient.birth_date}}: {{encounter.reason}}" }
    });
    let made = ward
        .admin
        .post("/api/v1/note-templates", template)
        .await
        .expect(201);
    let id = made["id"].as_str().expect("an id");
    let visit = ward
        .doctor
        .post(
            format!("/api/v1/patients/{}/encounters", ward.patient),
            json!({ "class": "office_visit", "scheduled_start": "2026-11-22T09:00:00-05:00", "chief_complaint": "Cough" }),
        )
        .await
        .expect(201);
    let notes = format!("/api/v1/patients/{}/notes", ward.patient);
    let filled = ward
        .doctor
        .post(
            &notes,
            json!({ "type": "progress", "template_id": id, "encounter_id": visit["id"] }),
        )
        .await
        .expect(201);
    let body = filled["content"]["body"].as_str().expect("a body");
    assert!(body.starts_with("Pat Fam"), "{body}");
    assert!(body.ends_with(", female, born 1970-01-01: Cough"), "{body}");
    let preview = ward
        .doctor
        .get(format!(
            "/api/v1/patients/{}/note-templates/{id}",
            ward.patient
        ))
        .await
        .expect(200);
    let body = preview["content"]["body"].as_str().expect("a body");
    assert!(body.ends_with(": ***"), "{body}");
    let wrong_type = ward
        .doctor
        .post(&notes, json!({ "type": "soap", "template_id": id }))
        .await;
    assert_eq!(wrong_type.pointers(), ["/template_id"]);
}

#[tokio::test]
async fn a_template_with_an_unknown_placeholder_is_refused() {
    let ward = Ward::open().await;
    let template = json!({ "name": "Bad", "type": "progress", "content": { "plan": "{{patient.shoe_size}}" } });
    let reply = ward.admin.post("/api/v1/note-templates", template).await;
    assert_eq!(reply.pointers(), ["/content/plan"]);
    let problem = reply.expect_problem(422, "validation_failed");
    assert_eq!(problem["errors"][0]["code"], "unknown_placeholder");
    assert!(!problem.to_string().contains("shoe_size"));
}

async fn queue(supervisor: &Caller) -> Vec<serde_json::Value> {
    let page = supervisor.get("/api/v1/cosignatures").await.expect(200);
    page["items"].as_array().cloned().expect("items")
}

#[tokio::test]
async fn a_nurses_note_goes_to_the_supervisor_who_returns_it_and_then_cosigns() {
    let ward = Ward::open().await;
    // The supervisor is no member of the patient's team: being asked opens the chart.
    let supervisor = ward.clinic.user(Role::Provider).await;
    let made = ward
        .admin
        .post(
            "/api/v1/note-supervisions",
            json!({ "user_id": ward.nurse.user_id, "supervisor_id": supervisor.user_id, "note_types": ["nursing"] }),
        )
        .await
        .expect(201);
    assert_eq!(made["note_types"], json!(["nursing"]));
    let note = ward
        .signed(&ward.nurse, "nursing", "gave the second dose")
        .await;
    let path = format!("/api/v1/notes/{note}");
    let open = ward.nurse.get(&path).await.expect(200);
    assert_eq!(open["cosignature"], "pending");
    assert!(
        open["released_at"].is_null(),
        "released only with the co-signature"
    );
    ward.doctor
        .act(format!("{path}/release"))
        .await
        .expect_problem(409, "cosignature_open");
    assert!(queue(&ward.doctor).await.is_empty());
    let asked = queue(&supervisor).await;
    assert_eq!(asked.len(), 1);
    let place = |row: &serde_json::Value| {
        format!(
            "/api/v1/cosignatures/{}",
            row["id"].as_str().expect("an id")
        )
    };
    ward.doctor
        .post(format!("{}/cosign", place(&asked[0])), json!({}))
        .await
        .expect_problem(403, "not_the_supervisor");
    supervisor
        .post(
            format!("{}/return", place(&asked[0])),
            json!({ "reason": "add the response" }),
        )
        .await
        .expect(200);
    assert!(queue(&supervisor).await.is_empty());
    ward.nurse
        .post(format!("{path}/addenda"), json!({ "text": "no reaction" }))
        .await
        .expect(200);
    let asked = queue(&supervisor).await;
    supervisor
        .post(format!("{}/cosign", place(&asked[0])), json!({}))
        .await
        .expect(200);
    let open = ward.nurse.get(&path).await.expect(200);
    assert_eq!(open["cosignature"], "cosigned");
    assert!(open["released_at"].is_string());
    let found = ward.nurse.get(format!("{path}/verify")).await.expect(200);
    assert_eq!(found["valid"], true, "{found}");
    assert_eq!(found["entries"][2]["kind"], "cosignature");
}

#[tokio::test]
async fn a_patient_reads_what_was_released_to_him_and_nothing_else() {
    let ward = Ward::open().await;
    let chart = Chart::open(&ward.clinic).await;
    let me = &chart.portal_user;
    let list = format!("/api/v1/patients/{}/released-notes", chart.patient);
    let mine = me.get(&list).await.expect(200);
    assert_eq!(mine["items"].as_array().map(Vec::len), Some(1), "{mine}");
    let note = mine["items"][0]["id"].as_str().expect("an id").to_owned();
    let read = me.get(format!("{list}/{note}")).await.expect(200);
    assert_eq!(
        read["document"]["parts"][0]["content"]["body"],
        "Doing well."
    );
    for path in [
        format!("/api/v1/notes/{note}"),
        format!("/api/v1/notes/{note}/texts"),
        format!("/api/v1/patients/{}/notes", chart.patient),
    ] {
        me.get(path).await.expect_problem(403, "forbidden");
    }
    let found = me.get("/api/v1/search/notes?q=well").await.expect(200);
    let found = found["items"].as_array().expect("items");
    assert_eq!(found.len(), 1, "what was released, once");
    assert_eq!(found[0]["found"], "released_note");
    // The tables with drafts in them are closed to him at the database too.
    let mut connection = ward.clinic.behind_the_curtain().await;
    connection
        .execute(sqlx::AssertSqlSafe(format!(
            "set role chartwell_runtime; set app.context = '{} patient self  {} '",
            ward.clinic.id, chart.patient
        )))
        .await
        .expect("a patient's context");
    for (table, rows) in [
        ("released_notes", 1),
        ("notes", 0),
        ("note_texts", 0),
        ("note_entries", 0),
        ("search_texts", 0),
    ] {
        let count: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(format!(
            "select count(*) from app.{table}"
        )))
        .fetch_one(&mut connection)
        .await
        .expect("a count");
        assert_eq!(count, rows, "{table}");
    }
}

#[tokio::test]
async fn a_withheld_note_is_gone_from_the_patients_view_until_it_is_released() {
    let ward = Ward::open().await;
    let note = ward
        .signed(&ward.doctor, "progress", "for the patient")
        .await;
    let path = format!("/api/v1/notes/{note}");
    let released = format!("/api/v1/patients/{}/released-notes/{note}", ward.patient);
    ward.doctor.get(&released).await.expect(200);
    ward.doctor
        .act(format!("{path}/withhold"))
        .await
        .expect(200);
    ward.doctor
        .get(&released)
        .await
        .expect_problem(404, "not_found");
    ward.doctor.act(format!("{path}/release")).await.expect(200);
    ward.doctor
        .post(format!("{path}/addenda"), json!({ "text": "added later" }))
        .await
        .expect(200);
    let read = ward.doctor.get(&released).await.expect(200);
    assert_eq!(read["document"]["parts"][1]["text"], "added later");
}

/// A chart with a released note, its patient, and a provider on his team.
async fn asker(ward: &Ward) -> (Chart, Caller, String) {
    let chart = Chart::open(&ward.clinic).await;
    let body = json!({ "user_id": ward.doctor.user_id, "role": "consulting" });
    ward.admin
        .post(
            format!("/api/v1/patients/{}/care-team", chart.patient),
            body,
        )
        .await
        .expect(201);
    let released = chart
        .portal_user
        .get(format!("/api/v1/patients/{}/released-notes", chart.patient))
        .await
        .expect(200);
    let note = released["items"][0]["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let me = chart.portal_user.clone();
    (chart, me, note)
}

#[tokio::test]
async fn an_accepted_request_becomes_a_signed_amendment_the_patient_can_read() {
    let ward = Ward::open().await;
    let (chart, me, note) = asker(&ward).await;
    let requests = format!("/api/v1/patients/{}/amendment-requests", chart.patient);
    let asked = me
        .post(
            &requests,
            json!({ "note_id": note, "request": "I stopped smoking", "reason": "wrong" }),
        )
        .await
        .expect(201);
    let place = format!(
        "/api/v1/amendment-requests/{}",
        asked["id"].as_str().expect("an id")
    );
    let due = ward
        .doctor
        .get("/api/v1/amendment-requests")
        .await
        .expect(200);
    assert_eq!(due["items"].as_array().map(Vec::len), Some(1));
    me.post(
        format!("{place}/accept"),
        json!({ "text": "x", "reason": "y" }),
    )
    .await
    .expect_problem(403, "forbidden");
    let accepted = ward
        .doctor
        .post(
            format!("{place}/accept"),
            json!({ "text": "Stopped smoking in 2019.", "reason": "confirmed" }),
        )
        .await
        .expect(200);
    assert_eq!(accepted["status"], "accepted");
    assert!(accepted["entry_id"].is_string());
    ward.doctor
        .post(
            format!("{place}/deny"),
            json!({ "basis": "accurate_and_complete", "reason": "z" }),
        )
        .await
        .expect_problem(409, "illegal_transition");
    let read = me
        .get(format!(
            "/api/v1/patients/{}/released-notes/{note}",
            chart.patient
        ))
        .await
        .expect(200);
    assert_eq!(
        read["document"]["parts"][1]["text"],
        "Stopped smoking in 2019."
    );
    let found = ward
        .doctor
        .get(format!("/api/v1/notes/{note}/verify"))
        .await
        .expect(200);
    assert_eq!(found["valid"], true, "{found}");
}

#[tokio::test]
async fn a_denied_request_names_its_basis_and_takes_one_disagreement() {
    let ward = Ward::open().await;
    let (chart, me, note) = asker(&ward).await;
    let requests = format!("/api/v1/patients/{}/amendment-requests", chart.patient);
    let body = json!({ "note_id": note, "request": "other", "reason": "wrong" });
    let asked = me.post(&requests, body).await.expect(201);
    let place = format!(
        "/api/v1/amendment-requests/{}",
        asked["id"].as_str().expect("an id")
    );
    let disagree = format!("{place}/disagree");
    let statement = json!({ "statement": "I said so then" });
    me.post(&disagree, statement.clone())
        .await
        .expect_problem(409, "illegal_transition");
    let later = ward
        .doctor
        .post(format!("{place}/extend"), json!({ "reason": "on leave" }))
        .await
        .expect(200);
    assert!(later["due_on"].as_str() > asked["due_on"].as_str());
    ward.doctor
        .post(format!("{place}/extend"), json!({ "reason": "again" }))
        .await
        .expect_problem(409, "illegal_transition");
    ward.doctor
        .post(
            format!("{place}/deny"),
            json!({ "basis": "accurate_and_complete", "reason": "as said" }),
        )
        .await
        .expect(200);
    let told = me.get(&place).await.expect(200);
    assert_eq!(told["basis"], "accurate_and_complete");
    me.post(&disagree, statement.clone()).await.expect(200);
    me.post(&disagree, statement)
        .await
        .expect_problem(409, "illegal_transition");
    // About a note that was not released, or another's, nobody asks.
    let body = json!({ "note_id": kernel::ids::mint(), "request": "other", "reason": "wrong" });
    let reply = me.post(&requests, body).await;
    assert_eq!(reply.pointers(), ["/note_id"]);
}
