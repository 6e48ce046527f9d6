//! Whoever is supervised signs nothing unseen, and nobody's leaving leaves a note stuck.

use platform::access::Role;
use serde_json::{Value, json};

use super::notes::Ward;
use crate::support::{Caller, id};

async fn supervise(ward: &Ward, user: &Caller, supervisor: &Caller) {
    let body = json!({ "user_id": user.user_id, "supervisor_id": supervisor.user_id });
    let made = ward.admin.post("/api/v1/note-supervisions", body);
    made.await.expect(201);
}

/// A provider on the patient's team.
async fn provider(ward: &Ward) -> Caller {
    let provider = ward.clinic.user(Role::Provider).await;
    ward.join(&provider).await;
    provider
}

async fn queue(supervisor: &Caller) -> Vec<Value> {
    let page = supervisor.get("/api/v1/cosignatures").await.expect(200);
    page["items"].as_array().cloned().expect("items")
}

/// The sequence of the newest entry of a note in the queue, as its supervisor reads it.
async fn read_to_the_end(supervisor: &Caller, place: &Value) -> Value {
    let note = place["note_id"].as_str().expect("a note");
    let path = format!("/api/v1/notes/{note}/entries");
    let entries = supervisor.get(path).await.expect(200);
    let entries = entries["items"].as_array().expect("entries").clone();
    entries.last().expect("an entry")["sequence"].clone()
}

async fn cosign_all(supervisor: &Caller) {
    for place in queue(supervisor).await {
        let read = read_to_the_end(supervisor, &place).await;
        let path = format!("/api/v1/cosignatures/{}/cosign", id(&place));
        let consent = json!({ "last_entry": read });
        supervisor.post(path, consent).await.expect(200);
    }
}

/// What the patient may read of a note, the texts of its parts.
async fn released(ward: &Ward, note: &str) -> String {
    let path = format!("/api/v1/patients/{}/released-notes/{note}", ward.patient);
    ward.doctor.get(path).await.expect(200)["document"]["parts"].to_string()
}

async fn leave(ward: &Ward, who: &Caller) {
    sqlx::query("update app.users set status = 'suspended' where tenant_id = $1 and id = $2::uuid")
        .bind(ward.clinic.id.0)
        .bind(&who.user_id)
        .execute(&mut ward.clinic.behind_the_curtain().await)
        .await
        .expect("suspended");
}

#[tokio::test]
async fn what_a_trainee_corrects_after_the_co_signature_is_co_signed_before_the_patient_reads_it() {
    let ward = Ward::open().await;
    let trainee = provider(&ward).await;
    supervise(&ward, &trainee, &ward.doctor).await;
    let note = ward.signed(&trainee, "progress", "400 mg").await;
    let path = format!("/api/v1/notes/{note}");
    cosign_all(&ward.doctor).await;
    assert!(released(&ward, &note).await.contains("400 mg"));
    let corrected = trainee
        .post(
            format!("{path}/corrections"),
            json!({ "content": { "body": "4000 mg" }, "reason": "mistyped" }),
        )
        .await
        .expect(200);
    assert_eq!(corrected["cosignature"], "pending", "{corrected}");
    let read = released(&ward, &note).await;
    assert!(
        read.contains("400 mg") && !read.contains("4000 mg"),
        "{read}"
    );
    let withheld = ward.doctor.act(format!("{path}/release")).await;
    withheld.expect_problem(409, "cosignature_open");
    cosign_all(&ward.doctor).await;
    assert!(released(&ward, &note).await.contains("4000 mg"));
    let open = trainee.get(&path).await.expect(200);
    assert_eq!(open["cosignature"], "cosigned");
}

#[tokio::test]
async fn what_an_author_adds_to_a_note_is_co_signed_by_whom_he_named_before_the_patient_reads_it() {
    let ward = Ward::open().await;
    let draft = json!({ "type": "nursing", "supervisor_id": ward.doctor.user_id, "content": { "body": "400 mg" } });
    let path = format!("/api/v1/patients/{}/notes", ward.patient);
    let note = id(&ward.nurse.post(path, draft).await.expect(201));
    let path = format!("/api/v1/notes/{note}");
    let signature = json!({ "text_number": 1, "release": true });
    let signed = ward.nurse.post(format!("{path}/sign"), signature).await;
    assert_eq!(signed.expect(200)["cosignature"], "pending");
    cosign_all(&ward.doctor).await;
    assert!(released(&ward, &note).await.contains("400 mg"));
    let correction = json!({ "content": { "body": "4000 mg" }, "reason": "mistyped" });
    let addendum = json!({ "text": "4000 mg, twice" });
    for (part, body) in [("corrections", correction), ("addenda", addendum)] {
        let added = ward.nurse.post(format!("{path}/{part}"), body).await;
        assert_eq!(added.expect(200)["cosignature"], "pending", "{part}");
        assert_eq!(queue(&ward.doctor).await.len(), 1, "{part}");
        assert!(
            !released(&ward, &note).await.contains(if part == "addenda" {
                "twice"
            } else {
                "4000"
            })
        );
        cosign_all(&ward.doctor).await;
        assert!(released(&ward, &note).await.contains("4000 mg"));
    }
    // What a colleague adds, who needs no consent, needs none here.
    let other = ward.clinic.user(Role::Nurse).await;
    ward.join(&other).await;
    let added = json!({ "text": "seen" });
    let added = other.post(format!("{path}/addenda"), added).await;
    assert_eq!(added.expect(200)["cosignature"], "cosigned");
}

#[tokio::test]
async fn what_a_supervised_nurse_adds_to_anothers_note_goes_to_her_supervisor() {
    let ward = Ward::open().await;
    supervise(&ward, &ward.nurse, &ward.doctor).await;
    let colleague = ward.clinic.user(Role::Nurse).await;
    ward.join(&colleague).await;
    let note = ward.signed(&colleague, "nursing", "slept well").await;
    let added = json!({ "text": "and ate little" });
    let path = format!("/api/v1/notes/{note}");
    let added = ward
        .nurse
        .post(format!("{path}/addenda"), added)
        .await
        .expect(200);
    assert_eq!(added["cosignature"], "pending", "{added}");
    assert!(!released(&ward, &note).await.contains("ate little"));
    let asked = queue(&ward.doctor).await;
    assert_eq!(asked.len(), 1);
    let place = format!("/api/v1/cosignatures/{}", id(&asked[0]));
    let why = json!({ "reason": "how little?" });
    ward.doctor
        .post(format!("{place}/return"), why)
        .await
        .expect(200);
    let open = ward.nurse.get(&path).await.expect(200);
    assert_eq!(open["cosignature"], "returned");
    let answer = json!({ "text": "half a slice of bread" });
    ward.nurse
        .post(format!("{path}/addenda"), answer)
        .await
        .expect(200);
    cosign_all(&ward.doctor).await;
    let read = released(&ward, &note).await;
    assert!(
        read.contains("ate little") && read.contains("bread"),
        "{read}"
    );
}

#[tokio::test]
async fn the_assigned_supervisor_wins_and_who_is_supervised_consents_to_nothing() {
    let ward = Ward::open().await;
    let trainee = provider(&ward).await;
    let friend = provider(&ward).await;
    supervise(&ward, &trainee, &ward.doctor).await;
    let notes = format!("/api/v1/patients/{}/notes", ward.patient);
    let new = |supervisor: &Caller| json!({ "type": "progress", "supervisor_id": supervisor.user_id, "content": { "body": "x" } });
    let made = trainee.post(&notes, new(&friend)).await.expect(201);
    let sign = format!("/api/v1/notes/{}/sign", id(&made));
    let signed = trainee
        .post(sign, json!({ "text_number": 1 }))
        .await
        .expect(200);
    assert_eq!(signed["supervisor_id"], json!(ward.doctor.user_id));
    assert!(queue(&friend).await.is_empty());
    assert_eq!(queue(&ward.doctor).await.len(), 1);
    let refused = friend.post(&notes, new(&trainee)).await;
    assert_eq!(refused.pointers(), ["/supervisor_id"], "{}", refused.text);
}

#[tokio::test]
async fn what_waits_for_a_supervisor_who_has_left_is_handed_on() {
    let ward = Ward::open().await;
    let gone = provider(&ward).await;
    let next = ward.clinic.user(Role::Provider).await;
    supervise(&ward, &ward.nurse, &gone).await;
    let note = ward.signed(&ward.nurse, "nursing", "slept well").await;
    leave(&ward, &gone).await;
    let list = format!("/api/v1/cosignatures?supervisor_id={}", gone.user_id);
    let waiting = ward.admin.get(list).await.expect(200);
    let place = format!("/api/v1/cosignatures/{}/reassign", id(&waiting["items"][0]));
    let to = |user: &Caller| json!({ "supervisor_id": user.user_id });
    let bystander = ward.doctor.post(&place, to(&next)).await;
    bystander.expect_problem(403, "not_the_supervisor");
    let unfit = ward.admin.post(&place, to(&ward.nurse)).await;
    assert_eq!(unfit.pointers(), ["/supervisor_id"], "{}", unfit.text);
    let moved = ward.admin.post(&place, to(&next)).await.expect(200);
    assert_eq!(moved["supervisor_id"], json!(next.user_id));
    cosign_all(&next).await;
    let open = ward
        .nurse
        .get(format!("/api/v1/notes/{note}"))
        .await
        .expect(200);
    assert_eq!(open["cosignature"], "cosigned");
    assert_eq!(open["supervisor_id"], json!(next.user_id));
    let early = ward.admin.post(&place, to(&ward.doctor)).await;
    early.expect_problem(403, "not_the_supervisor");
    leave(&ward, &next).await;
    let again = ward.admin.post(&place, to(&gone)).await;
    assert_eq!(again.status, 422, "{}", again.text);
    ward.admin
        .post(&place, to(&ward.doctor))
        .await
        .expect_problem(409, "illegal_transition");
}

#[tokio::test]
async fn a_draft_of_somebody_who_has_left_is_taken_over_and_signed() {
    let ward = Ward::open().await;
    let gone = provider(&ward).await;
    let note = ward.draft(&gone, "progress", "begun").await;
    let path = format!("/api/v1/notes/{note}");
    let early = ward.doctor.act(format!("{path}/take-over")).await;
    early.expect_problem(409, "author_active");
    leave(&ward, &gone).await;
    let foreign = ward.nurse.act(format!("{path}/take-over")).await;
    foreign.expect_problem(403, "forbidden");
    let taken = ward
        .doctor
        .act(format!("{path}/take-over"))
        .await
        .expect(200);
    assert_eq!(taken["author_id"], json!(ward.doctor.user_id));
    let sign = json!({ "text_number": 1 });
    ward.doctor
        .post(format!("{path}/sign"), sign)
        .await
        .expect(200);
    let found = ward.doctor.get(format!("{path}/verify")).await.expect(200);
    assert_eq!(found["valid"], true, "{found}");
}

#[tokio::test]
async fn a_note_of_somebody_who_has_left_is_retracted_by_an_administrator_and_by_nobody_else() {
    let ward = Ward::open().await;
    let gone = provider(&ward).await;
    let note = ward.signed(&gone, "progress", "wrong chart").await;
    let path = format!("/api/v1/notes/{note}");
    let why = json!({ "reason": "another patient's" });
    let retract = format!("{path}/retract");
    ward.admin
        .post(&retract, why.clone())
        .await
        .expect_problem(403, "not_the_author");
    leave(&ward, &gone).await;
    ward.doctor
        .post(&retract, why.clone())
        .await
        .expect_problem(403, "not_the_author");
    let retracted = ward.admin.post(&retract, why).await.expect(200);
    assert_eq!(retracted["status"], "entered_in_error");
    let found = ward.admin.get(format!("{path}/verify")).await.expect(200);
    assert_eq!(found["valid"], true, "{found}");
    assert_eq!(found["entries"][1]["kind"], "retraction");
    // To write or sign is still not his: not even at the database.
    let mut connection = ward.clinic.behind_the_curtain().await;
    let context = format!(
        "set role chartwell_runtime; set app.context = '{} admin organization {}  '",
        ward.clinic.id, ward.admin.user_id
    );
    sqlx::Executor::execute(&mut connection, sqlx::AssertSqlSafe(context))
        .await
        .expect("an admin's context");
    let title = sqlx::query(
        "update app.notes set title = 'otherwise' where tenant_id = $1 and id = $2::uuid",
    )
    .bind(ward.clinic.id.0)
    .bind(&note)
    .execute(&mut connection)
    .await;
    assert!(title.is_err(), "{title:?}");
}

#[tokio::test]
async fn a_title_that_came_too_late_is_kept_with_the_text() {
    let ward = Ward::open().await;
    let note = ward.draft(&ward.doctor, "progress", "begun").await;
    let path = format!("/api/v1/notes/{note}");
    let first = json!({ "title": "Headache" });
    ward.doctor.patch(&path, 1, first).await.expect(200);
    let late = json!({ "title": "Migraine", "noted_at": "2026-03-10T10:00:00Z" });
    let refused = ward
        .doctor
        .patch(&path, 1, late)
        .await
        .expect_problem(412, "version_stale");
    let kept = ward
        .doctor
        .get(format!("{path}/texts?kind=conflicted"))
        .await
        .expect(200);
    let kept = &kept["items"][0];
    assert_eq!(kept["number"], refused["conflicted_text"], "{refused}");
    assert_eq!(
        kept["header"],
        json!({ "title": "Migraine", "noted_at": "2026-03-10T10:00:00Z" })
    );
    assert_eq!(kept["content"]["body"], "begun");
    let open = ward.doctor.get(&path).await.expect(200);
    assert_eq!(
        (&open["title"], &open["version"]),
        (&json!("Headache"), &json!(2))
    );
}

async fn end_supervision(ward: &Ward, of: &Caller) {
    let page = ward
        .admin
        .get("/api/v1/note-supervisions?status=active")
        .await
        .expect(200);
    let found = page["items"].as_array().expect("items").iter();
    let found = found
        .clone()
        .find(|one| one["user_id"] == of.user_id.as_str());
    let path = format!(
        "/api/v1/note-supervisions/{}/end",
        id(found.expect("a supervision"))
    );
    ward.admin.act(path).await.expect(200);
}

async fn open(who: &Caller) -> Vec<Value> {
    let page = who.get("/api/v1/cosignatures?open=true").await.expect(200);
    page["items"].as_array().cloned().expect("items")
}

#[tokio::test]
async fn what_waits_when_a_supervision_ends_stands_open_until_somebody_takes_it() {
    let ward = Ward::open().await;
    let before = provider(&ward).await;
    let trainee = provider(&ward).await;
    supervise(&ward, &ward.nurse, &before).await;
    supervise(&ward, &trainee, &before).await;
    let note = ward.signed(&ward.nurse, "nursing", "slept well").await;
    ward.signed(&trainee, "progress", "better").await;
    assert!(open(&ward.admin).await.is_empty());
    let waiting = queue(&before).await;
    let place = |one: &Value| format!("/api/v1/cosignatures/{}", id(one));
    let early = ward
        .doctor
        .act(format!("{}/take", place(&waiting[0])))
        .await;
    early.expect_problem(409, "illegal_transition");
    end_supervision(&ward, &ward.nurse).await;

    // Nobody's any more, and the other stays where it was.
    assert_eq!(queue(&before).await.len(), 1);
    let listed = open(&ward.admin).await;
    assert_eq!(listed.len(), 1, "{listed:?}");
    assert_eq!(listed[0]["note_id"], note.as_str());
    assert_eq!(open(&ward.doctor).await, listed);
    let place = place(&listed[0]);
    before
        .post(format!("{place}/cosign"), json!({ "last_entry": 1 }))
        .await
        .expect_problem(403, "not_the_supervisor");
    // Whose own notes need a co-signature consents to nobody's.
    let unfit = trainee.act(format!("{place}/take")).await;
    unfit.expect_problem(403, "not_the_supervisor");
    let taken = ward.doctor.act(format!("{place}/take")).await.expect(200);
    assert_eq!(taken["supervisor_id"], json!(ward.doctor.user_id));
    let late = before.act(format!("{place}/take")).await;
    late.expect_problem(409, "illegal_transition");
    cosign_all(&ward.doctor).await;
    let path = format!("/api/v1/notes/{note}");
    let open_note = ward.nurse.get(path).await.expect(200);
    assert_eq!(open_note["cosignature"], "cosigned");
    assert!(open(&ward.admin).await.is_empty());
}

#[tokio::test]
async fn the_next_supervisor_gets_what_the_last_one_left() {
    let ward = Ward::open().await;
    let before = provider(&ward).await;
    let next = ward.clinic.user(Role::Provider).await;
    supervise(&ward, &ward.nurse, &before).await;
    let returned = ward.signed(&ward.nurse, "nursing", "ate").await;
    let why = json!({ "reason": "how much?" });
    let place = format!(
        "/api/v1/cosignatures/{}/return",
        id(&queue(&before).await[0])
    );
    before.post(place, why).await.expect(200);
    let waiting = ward.signed(&ward.nurse, "nursing", "slept well").await;
    end_supervision(&ward, &ward.nurse).await;
    assert_eq!(open(&ward.admin).await.len(), 2);
    supervise(&ward, &ward.nurse, &next).await;
    assert!(open(&ward.admin).await.is_empty());
    assert_eq!(queue(&next).await[0]["note_id"], waiting.as_str());
    // Her answer goes to whoever came after the one who asked.
    let answer = json!({ "text": "half a slice of bread" });
    let path = format!("/api/v1/notes/{returned}");
    ward.nurse
        .post(format!("{path}/addenda"), answer)
        .await
        .expect(200);
    assert!(queue(&before).await.is_empty());
    cosign_all(&next).await;
    for note in [returned, waiting] {
        let path = format!("/api/v1/notes/{note}");
        let note = ward.nurse.get(path).await.expect(200);
        assert_eq!(note["cosignature"], "cosigned", "{note}");
    }
}

#[tokio::test]
async fn an_answer_to_a_supervisor_of_before_stands_open() {
    let ward = Ward::open().await;
    let before = provider(&ward).await;
    supervise(&ward, &ward.nurse, &before).await;
    let note = ward.signed(&ward.nurse, "nursing", "ate").await;
    let why = json!({ "reason": "how much?" });
    let place = format!(
        "/api/v1/cosignatures/{}/return",
        id(&queue(&before).await[0])
    );
    before.post(place, why).await.expect(200);
    end_supervision(&ward, &ward.nurse).await;
    let answer = json!({ "text": "half a slice of bread" });
    let path = format!("/api/v1/notes/{note}/addenda");
    ward.nurse.post(path, answer).await.expect(200);
    assert!(queue(&before).await.is_empty());
    let listed = open(&ward.admin).await;
    assert_eq!(listed.len(), 1, "{listed:?}");
    assert_eq!(listed[0]["status"], "pending");
    let to = json!({ "supervisor_id": ward.doctor.user_id });
    let place = format!("/api/v1/cosignatures/{}/reassign", id(&listed[0]));
    ward.admin.post(place, to).await.expect(200);
    cosign_all(&ward.doctor).await;
    let seen = ward
        .nurse
        .get(format!("/api/v1/notes/{note}"))
        .await
        .expect(200);
    assert_eq!(seen["cosignature"], "cosigned");
}

#[tokio::test]
async fn a_supervisor_consents_to_nothing_that_was_signed_since_he_read_the_note() {
    let ward = Ward::open().await;
    supervise(&ward, &ward.nurse, &ward.doctor).await;
    let note = ward.signed(&ward.nurse, "nursing", "gave 5 mg").await;
    let place = queue(&ward.doctor).await.remove(0);
    let read = read_to_the_end(&ward.doctor, &place).await;
    assert_eq!(read, 1);
    let more = json!({ "text": "correction: gave 50 mg" });
    let path = format!("/api/v1/notes/{note}");
    ward.nurse
        .post(format!("{path}/addenda"), more)
        .await
        .expect(200);
    let cosign = format!("/api/v1/cosignatures/{}/cosign", id(&place));
    let unread = ward.doctor.post(&cosign, json!({ "last_entry": read }));
    let stale = unread.await.expect_problem(412, "version_stale");
    assert_eq!(stale["last_entry"], 2, "{stale}");
    let open = ward.nurse.get(&path).await.expect(200);
    assert_eq!(open["cosignature"], "pending");
    assert!(open["released_at"].is_null(), "{open}");
    let unnamed = ward.doctor.post(&cosign, json!({})).await;
    assert_eq!(unnamed.status, 422, "{}", unnamed.text);
    let read = read_to_the_end(&ward.doctor, &place).await;
    let consent = json!({ "last_entry": read });
    ward.doctor.post(cosign, consent).await.expect(200);
    assert!(released(&ward, &note).await.contains("50 mg"));
}
