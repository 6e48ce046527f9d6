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
        .post(
            format!("{}/cosign", place(&asked[0])),
            json!({ "last_entry": 1 }),
        )
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
        .post(
            format!("{}/cosign", place(&asked[0])),
            json!({ "last_entry": 2 }),
        )
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
pub(super) async fn asker(ward: &Ward) -> (Chart, Caller, String) {
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

#[tokio::test]
async fn a_denial_and_the_disagreement_go_with_the_note_wherever_it_is_shown() {
    let ward = Ward::open().await;
    let (chart, me, note) = asker(&ward).await;
    let requests = format!("/api/v1/patients/{}/amendment-requests", chart.patient);
    let wish = json!({ "note_id": note, "request": "I stopped smoking", "reason": "wrong" });
    let asked = me.post(&requests, wish).await.expect(201);
    let place = format!(
        "/api/v1/amendment-requests/{}",
        asked["id"].as_str().expect("an id")
    );
    let denial = json!({ "basis": "accurate_and_complete", "reason": "As said at the visit" });
    ward.doctor
        .post(format!("{place}/deny"), denial)
        .await
        .expect(200);
    let statement = json!({ "statement": "I had told the nurse" });
    me.post(format!("{place}/disagree"), statement)
        .await
        .expect(200);
    let released = format!("/api/v1/patients/{}/released-notes", chart.patient);
    let listed = me.get(&released).await.expect(200);
    let read = me.get(format!("{released}/{note}")).await.expect(200);
    let open = ward
        .doctor
        .get(format!("/api/v1/notes/{note}"))
        .await
        .expect(200);
    let file = ward
        .doctor
        .get(format!("/api/v1/notes/{note}/signed"))
        .await
        .expect(200);
    for shown in [&listed["items"][0], &read, &open, &file] {
        let told = &shown["amendment_requests"][0];
        assert_eq!(
            (&told["status"], &told["disagreement"], &told["decision"]),
            (
                &json!("denied"),
                &json!("I had told the nurse"),
                &json!("As said at the visit")
            ),
            "{shown}"
        );
    }
    let file: clinical::notes::SignedNote = serde_json::from_value(file).expect("a signed note");
    assert!(file.verify().valid);
}

#[tokio::test]
async fn a_patient_asks_about_any_entry_he_can_read() {
    let ward = Ward::open().await;
    let (chart, me, _) = asker(&ward).await;
    let requests = format!("/api/v1/patients/{}/amendment-requests", chart.patient);
    let about = |kind: &str, id: &str| json!({ "resource": { "type": kind, "id": id }, "request": "I never had asthma", "reason": "mixed up" });
    let problem = chart.fill("{problem_id}");
    let refused = me.post(&requests, about("allergy", &problem)).await;
    assert_eq!(refused.pointers(), ["/resource"], "{}", refused.text);
    let asked = me
        .post(&requests, about("problem", &problem))
        .await
        .expect(201);
    assert_eq!(
        asked["resource"],
        json!({ "type": "problem", "id": problem })
    );
    let place = format!(
        "/api/v1/amendment-requests/{}",
        asked["id"].as_str().expect("an id")
    );
    let yes = json!({ "text": "Asthma was ruled out in 2020.", "reason": "Pulmonary record" });
    let accepted = ward
        .doctor
        .post(format!("{place}/accept"), yes)
        .await
        .expect(200);
    assert_eq!(accepted["amendment"], "Asthma was ruled out in 2020.");
    let listed = me
        .get(format!("{requests}?about={problem}"))
        .await
        .expect(200);
    assert_eq!(listed["items"][0]["status"], "accepted", "{listed}");
    let both = json!({ "note_id": problem, "resource": { "type": "problem", "id": problem }, "request": "x", "reason": "y" });
    me.post(&requests, both)
        .await
        .expect_problem(422, "validation_failed");
}

#[tokio::test]
async fn a_template_brings_problems_allergies_vital_signs_and_immunizations() {
    let ward = Ward::open().await;
    let zone = json!({ "time_zone": "America/New_York" });
    ward.admin
        .patch("/api/v1/tenant", 1, zone)
        .await
        .expect(200);
    let template = json!({ "name": "Visit", "type": "progress", "content": {
        "body": "P: {{problems.active}}\nA: {{allergies}}\nV: {{vitals.latest}}\nI: {{immunizations}}" } });
    let made = ward
        .admin
        .post("/api/v1/note-templates", template)
        .await
        .expect(201);
    let chart = format!("/api/v1/patients/{}", ward.patient);
    let preview = format!(
        "{chart}/note-templates/{}",
        made["id"].as_str().expect("an id")
    );
    let empty = ward.doctor.get(&preview).await.expect(200);
    assert_eq!(
        empty["content"]["body"],
        "P: none on the list\nA: not assessed\nV: none on record\nI: none on record"
    );
    // By a bedside clock that is ahead of ours.
    let at = (ward.clinic.clock.now() + chrono::TimeDelta::minutes(2)).to_rfc3339();
    for (place, body) in [
        (
            "problems",
            json!({ "icd10cm": "E11.9", "onset": "2019-03", "status": "chronic" }),
        ),
        (
            "problems",
            json!({ "icd10cm": "I10", "verification": "differential" }),
        ),
        (
            "allergies",
            json!({ "substance": { "kind": "environment", "text": "Latex" }, "criticality": "high",
                              "reactions": [{ "manifestation": "Hives" }] }),
        ),
        (
            "vitals",
            json!({ "measured_at": at, "readings": [{ "kind": "blood_pressure", "systolic": 128, "diastolic": 82 }] }),
        ),
        (
            "vitals",
            // In the evening of the day before, where the clinic is.
            json!({ "measured_at": "2026-03-10T02:00:00Z", "readings": [
                { "kind": "temperature", "value": 98.6, "unit": "[degF]" },
                { "kind": "height", "value": 5, "plus": 10.5, "unit": "[ft_i]" },
            ] }),
        ),
        (
            "immunizations",
            json!({ "cvx": "03", "occurred_on": "1971", "source": "patient_recall" }),
        ),
    ] {
        ward.doctor
            .post(format!("{chart}/{place}"), body)
            .await
            .expect(201);
    }
    let filled = ward.doctor.get(&preview).await.expect(200);
    let body = filled["content"]["body"].as_str().expect("a body");
    for line in [
        "- Type 2 diabetes mellitus without complications (E11.9), since 2019-03, chronic\n",
        "(I10), active, differential\n",
        "- Latex: Hives, criticality high",
        "- blood pressure 128/82 mmHg (",
        // As it was said, not as it is kept.
        "- temperature 98.6 °F (2026-03-09)",
        "- height 5 ft 10.5 in (2026-03-09)",
        ", 1971",
    ] {
        assert!(body.contains(line), "{line}: {body}");
    }
}
