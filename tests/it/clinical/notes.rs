//! Notes from the first draft to the signature, and who may.

use platform::access::Role;
use serde_json::{Value, json};
use sqlx::Executor as _;

use crate::promises::openapi::unlike_the_document;
use crate::support::{Caller, TestTenant};

/// A clinic with a patient, and a provider and a nurse who care for him.
pub struct Ward {
    pub clinic: TestTenant,
    pub admin: Caller,
    pub doctor: Caller,
    pub nurse: Caller,
    pub patient: String,
}

impl Ward {
    pub async fn open() -> Self {
        let clinic = TestTenant::new().await;
        let admin = clinic.user(Role::Admin).await;
        let doctor = clinic.user(Role::Provider).await;
        let nurse = clinic.user(Role::Nurse).await;
        let patient = clinic.patient(&admin).await;
        let ward = Self {
            clinic,
            admin,
            doctor,
            nurse,
            patient,
        };
        ward.join(&ward.doctor).await;
        ward.join(&ward.nurse).await;
        ward
    }

    pub async fn join(&self, member: &Caller) {
        let body = json!({ "user_id": member.user_id, "role": "consulting" });
        self.admin
            .post(format!("/api/v1/patients/{}/care-team", self.patient), body)
            .await
            .expect(201);
    }

    /// A draft of the caller's; its id.
    pub async fn draft(&self, author: &Caller, kind: &str, body: &str) -> String {
        let new = json!({ "type": kind, "title": "A note", "content": { "body": body } });
        let made = author
            .post(format!("/api/v1/patients/{}/notes", self.patient), new)
            .await
            .expect(201);
        made["id"].as_str().expect("an id").to_owned()
    }

    /// A signed note of the caller's; its id.
    pub async fn signed(&self, author: &Caller, kind: &str, body: &str) -> String {
        let note = self.draft(author, kind, body).await;
        author
            .post(
                format!("/api/v1/notes/{note}/sign"),
                json!({ "text_number": 1 }),
            )
            .await
            .expect(200);
        note
    }
}

#[tokio::test]
async fn a_draft_keeps_every_version_that_was_saved() {
    let ward = Ward::open().await;
    let note = ward.draft(&ward.doctor, "progress", "one").await;
    let path = format!("/api/v1/notes/{note}");
    for (version, body) in [(1, "two"), (2, "three")] {
        let saved = ward
            .doctor
            .patch(&path, version, json!({ "content": { "body": body } }))
            .await
            .expect(200);
        assert_eq!(saved["version"], version + 1);
    }
    let texts = ward.doctor.get(format!("{path}/texts")).await.expect(200);
    let bodies: Vec<&str> = texts["items"]
        .as_array()
        .expect("items")
        .iter()
        .filter_map(|text| text["content"]["body"].as_str())
        .collect();
    assert_eq!(bodies, ["three", "two", "one"]);
    let diff = ward
        .doctor
        .get(format!("{path}/diff?from=1&to=3"))
        .await
        .expect(200);
    let pieces = &diff["sections"][0]["pieces"];
    assert_eq!(
        pieces,
        &json!([{ "change": "removed", "text": "one" }, { "change": "added", "text": "three" }])
    );
    ward.doctor
        .get(format!("{path}/diff?from=1&to=9"))
        .await
        .expect_problem(400, "invalid_parameter");
}

#[tokio::test]
async fn two_people_who_edit_one_draft_lose_neither_text() {
    let ward = Ward::open().await;
    let colleague = ward.clinic.user(Role::Provider).await;
    ward.join(&colleague).await;
    let note = ward.draft(&ward.doctor, "progress", "begun").await;
    let path = format!("/api/v1/notes/{note}");
    ward.doctor
        .patch(
            &path,
            1,
            json!({ "content": { "body": "the faster text" } }),
        )
        .await
        .expect(200);
    let slower = json!({ "content": { "body": "the slower text", "plan": "rest" } });
    let refused = colleague
        .patch(&path, 1, slower)
        .await
        .expect_problem(412, "version_stale");
    let kept = colleague
        .get(format!("{path}/texts?kind=conflicted"))
        .await
        .expect(200);
    assert_eq!(kept["items"].as_array().map(Vec::len), Some(1), "{kept}");
    let kept = &kept["items"][0];
    assert_eq!(kept["number"], refused["conflicted_text"]);
    assert_eq!(kept["saved_by"], colleague.user_id.as_str());
    assert_eq!(
        kept["content"],
        json!({ "body": "the slower text", "plan": "rest" })
    );
    let open = ward.doctor.get(&path).await.expect(200);
    assert_eq!(open["content"]["body"], "the faster text");
    assert_eq!(open["version"], 2);
}

#[tokio::test]
async fn a_signed_note_is_not_edited_by_anybody() {
    let ward = Ward::open().await;
    let note = ward.signed(&ward.doctor, "progress", "as signed").await;
    let path = format!("/api/v1/notes/{note}");
    ward.doctor
        .patch(&path, 2, json!({ "content": { "body": "otherwise" } }))
        .await
        .expect_problem(409, "note_signed");
    ward.doctor
        .post(format!("{path}/sign"), json!({ "text_number": 1 }))
        .await
        .expect_problem(409, "note_signed");
    // Not even by somebody who is at the database and bypasses every policy.
    let mut connection = ward.clinic.behind_the_curtain().await;
    for statement in [
        "update app.note_texts set content = '{}' where note_id = $1::uuid",
        "delete from app.note_texts where note_id = $1::uuid",
        "update app.note_entries set payload = '{}' where note_id = $1::uuid",
        "update app.note_entries set signature = '' where note_id = $1::uuid",
        "delete from app.note_entries where note_id = $1::uuid",
        "update app.notes set status = 'draft', signed_by = null, signed_at = null where id = $1::uuid",
        "update app.notes set author_id = signed_by, noted_at = now() where id = $1::uuid",
        "update app.notes set text_number = 7 where id = $1::uuid",
    ] {
        let refused = sqlx::query(statement)
            .bind(&note)
            .execute(&mut connection)
            .await
            .expect_err(statement);
        let state = refused
            .as_database_error()
            .and_then(|error| error.code().map(std::borrow::Cow::into_owned));
        assert_eq!(state.as_deref(), Some("23000"), "{statement}: {refused}");
    }
    connection
        .execute("truncate app.note_entries cascade")
        .await
        .expect_err("entries are not truncated");
    let open = ward.doctor.get(&path).await.expect(200);
    assert_eq!(open["content"]["body"], "as signed");
}

#[tokio::test]
async fn nobody_signs_a_text_that_was_saved_behind_his_back() {
    let ward = Ward::open().await;
    let note = ward.draft(&ward.doctor, "progress", "read").await;
    let path = format!("/api/v1/notes/{note}");
    ward.doctor
        .patch(&path, 1, json!({ "content": { "body": "not read" } }))
        .await
        .expect(200);
    let sign = format!("{path}/sign");
    let refused = ward.doctor.post(&sign, json!({ "text_number": 1 })).await;
    let document = chartwell::document();
    let said = &document["paths"]["/api/v1/notes/{note_id}/sign"]["post"];
    assert_eq!(unlike_the_document(&document, said, &refused), None);
    refused.expect_problem(412, "version_stale");
    let colleague = ward.clinic.user(Role::Provider).await;
    ward.join(&colleague).await;
    colleague
        .post(&sign, json!({ "text_number": 2 }))
        .await
        .expect_problem(403, "not_the_author");
    ward.doctor
        .post(&sign, json!({ "text_number": 2 }))
        .await
        .expect(200);
}

#[tokio::test]
async fn an_incomplete_note_is_not_signed() {
    let ward = Ward::open().await;
    let new = json!({ "type": "soap", "content": { "subjective": "s", "objective": "o", "assessment": "*** later" } });
    let made = ward
        .doctor
        .post(format!("/api/v1/patients/{}/notes", ward.patient), new)
        .await
        .expect(201);
    let path = format!("/api/v1/notes/{}", made["id"].as_str().expect("an id"));
    let reply = ward
        .doctor
        .post(format!("{path}/sign"), json!({ "text_number": 1 }))
        .await;
    assert_eq!(reply.pointers(), ["/content/plan", "/content/assessment"]);
    reply.expect_problem(422, "validation_failed");
}

#[tokio::test]
async fn nurses_write_nursing_notes_and_read_the_rest() {
    let ward = Ward::open().await;
    let notes = format!("/api/v1/patients/{}/notes", ward.patient);
    ward.nurse
        .post(&notes, json!({ "type": "progress" }))
        .await
        .expect_problem(403, "forbidden");
    let doctors = ward.draft(&ward.doctor, "progress", "the doctor's").await;
    let path = format!("/api/v1/notes/{doctors}");
    ward.nurse.get(&path).await.expect(200);
    ward.nurse
        .patch(&path, 1, json!({ "content": { "body": "the nurse's" } }))
        .await
        .expect_problem(403, "forbidden");
    ward.nurse
        .post(format!("{path}/sign"), json!({ "text_number": 1 }))
        .await
        .expect_problem(403, "forbidden");
    ward.signed(&ward.nurse, "nursing", "slept well").await;
    // And whatever the server believed, the database would refuse.
    let mut connection = ward.clinic.behind_the_curtain().await;
    connection
        .execute(sqlx::AssertSqlSafe(format!(
            "set app.context = '{} nurse organization   '",
            ward.clinic.id
        )))
        .await
        .expect("a role");
    let refused = sqlx::query("update app.notes set title = 'x' where id = $1::uuid")
        .bind(&doctors)
        .execute(&mut connection)
        .await
        .expect_err("a nurse");
    let state = refused
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code);
    assert_eq!(state.as_deref(), Some("42501"));
}

#[tokio::test]
async fn staff_and_billing_see_no_notes_and_strangers_none_either() {
    let ward = Ward::open().await;
    let note = ward
        .draft(&ward.doctor, "progress", "not for everybody")
        .await;
    for role in [Role::Staff, Role::Billing] {
        let caller = ward.clinic.user(role).await;
        for path in [
            format!("/api/v1/notes/{note}"),
            format!("/api/v1/patients/{}/notes", ward.patient),
            "/api/v1/unsigned-notes".to_owned(),
        ] {
            caller.get(path).await.expect_problem(403, "forbidden");
        }
        // The front desk searches the documents of its categories, and meets no note there.
        let found = caller.get("/api/v1/search/notes?q=everybody").await;
        match role {
            Role::Staff => assert_eq!(found.expect(200)["items"], json!([])),
            _ => drop(found.expect_problem(403, "forbidden")),
        }
    }
    let stranger = ward.clinic.user(Role::Provider).await;
    stranger
        .get(format!("/api/v1/notes/{note}"))
        .await
        .expect_problem(404, "not_found");
    let found = stranger
        .get("/api/v1/search/notes?q=everybody")
        .await
        .expect(200);
    assert_eq!(found["items"], json!([]));
    // An admin reads and does not write.
    ward.admin
        .get(format!("/api/v1/notes/{note}"))
        .await
        .expect(200);
    ward.admin
        .patch(format!("/api/v1/notes/{note}"), 1, json!({}))
        .await
        .expect_problem(403, "forbidden");
}

#[tokio::test]
async fn an_encounter_of_another_patient_is_refused() {
    let ward = Ward::open().await;
    let other = ward.clinic.patient(&ward.doctor).await;
    let visit = ward
        .doctor
        .post(
            format!("/api/v1/patients/{other}/encounters"),
            json!({ "class": "office_visit", "scheduled_start": "2026-11-22T09:00:00-05:00" }),
        )
        .await
        .expect(201);
    let reply = ward
        .doctor
        .post(
            format!("/api/v1/patients/{}/notes", ward.patient),
            json!({ "type": "progress", "encounter_id": visit["id"] }),
        )
        .await;
    assert_eq!(reply.pointers(), ["/encounter_id"]);
    reply.expect_problem(422, "validation_failed");
}

#[tokio::test]
async fn old_drafts_are_on_the_work_list_until_they_are_signed() {
    let ward = Ward::open().await;
    let note = ward.draft(&ward.doctor, "progress", "to be signed").await;
    let listed = |page: Value| page["items"].as_array().map(Vec::len);
    let fresh = ward.doctor.get("/api/v1/unsigned-notes").await.expect(200);
    assert_eq!(listed(fresh), Some(0));
    let all = "/api/v1/unsigned-notes?older_than_hours=0";
    assert_eq!(listed(ward.doctor.get(all).await.expect(200)), Some(1));
    ward.doctor
        .post(
            format!("/api/v1/notes/{note}/sign"),
            json!({ "text_number": 1 }),
        )
        .await
        .expect(200);
    assert_eq!(listed(ward.doctor.get(all).await.expect(200)), Some(0));
}
