//! Family and social history, goals, care plans and referrals: who may, which steps lead on, and that nothing is lost.

use platform::access::Role;
use serde_json::{Value, json};
use sqlx::{Connection, Executor, PgConnection, Row};

use crate::support::{Caller, Chart, TestTenant, id, run_database};

/// The lists, and the member of a body that is plain text.
const LISTS: [(&str, &str); 5] = [
    ("family-history", "note"),
    ("social-history", "note"),
    ("goals", "description"),
    ("care-plans", "title"),
    ("referrals", "reason"),
];

struct Ward {
    clinic: TestTenant,
    provider: Caller,
    patient: String,
}

impl Ward {
    async fn open() -> Self {
        let clinic = TestTenant::new().await;
        let provider = clinic.user(Role::Provider).await;
        let patient = clinic.patient(&provider).await;
        Self {
            clinic,
            provider,
            patient,
        }
    }

    fn place(&self, list: &str) -> String {
        format!("/api/v1/patients/{}/{list}", self.patient)
    }

    /// Records the example of the document; returns where it is, and what was said of it.
    async fn record(&self, list: &str) -> (String, Value) {
        let made = self.provider.post(self.place(list), example(list)).await;
        let place = made.headers.get("location").cloned();
        let made = made.expect(201);
        let place = place.expect("a place").to_str().expect("text").to_owned();
        (place, made)
    }

    /// Somebody of the role who cares for the patient, if he is of those that do.
    async fn colleague(&self, role: Role) -> Caller {
        let colleague = self.clinic.user(role).await;
        let admin = self.clinic.user(Role::Admin).await;
        let body = json!({ "user_id": colleague.user_id, "role": "other" });
        if matches!(role, Role::Provider | Role::Nurse) {
            admin.post(self.place("care-team"), body).await.expect(201);
        }
        colleague
    }
}

/// What the document shows as an example of a list's entry.
fn example(list: &str) -> Value {
    let document = chartwell::document();
    let operation = &document["paths"][format!("/api/v1/patients/{{patient_id}}/{list}")]["post"];
    operation["requestBody"]["content"]["application/json"]["example"].clone()
}

#[tokio::test]
async fn what_is_recorded_is_what_is_read_and_listed() {
    let ward = Ward::open().await;
    for (list, _) in LISTS {
        let sent = example(list);
        let (place, _) = ward.record(list).await;
        let read = ward.provider.get(&place).await.expect(200);
        let listed = ward.provider.get(ward.place(list)).await.expect(200);
        assert_eq!(listed["items"], json!([read]), "{list}");
        for (member, value) in sent.as_object().expect("an object") {
            assert_eq!(&read[member], value, "{list} {member}");
        }
    }
}

#[tokio::test]
async fn an_entry_is_amended_from_its_present_version_only() {
    let ward = Ward::open().await;
    for (list, member) in LISTS {
        let (place, _) = ward.record(list).await;
        let body = json!({ member: "Told otherwise" });
        let amended = ward
            .provider
            .patch(&place, 1, body.clone())
            .await
            .expect(200);
        assert_eq!(amended[member], "Told otherwise", "{list}");
        assert_eq!(amended["version"], 2, "{list}");
        ward.provider
            .patch(&place, 1, body)
            .await
            .expect_problem(412, "version_stale");
    }
}

#[tokio::test]
async fn a_mistake_is_taken_back_and_stays_to_be_seen() {
    let ward = Ward::open().await;
    for (list, member) in LISTS {
        let (place, _) = ward.record(list).await;
        let back = format!("{place}/entered-in-error");
        let reason = json!({ "reason": "Wrong chart" });
        let taken = ward.provider.post(&back, reason.clone()).await.expect(200);
        assert_eq!(taken["status"], "entered_in_error", "{list}");
        assert_eq!(taken["error_reason"], "Wrong chart", "{list}");
        ward.provider
            .post(&back, reason)
            .await
            .expect_problem(409, "entered_in_error");
        ward.provider
            .patch(&place, 2, json!({ member: "Too late" }))
            .await
            .expect_problem(409, "entered_in_error");
        ward.provider.get(&place).await.expect(200);
        let listed = ward.provider.get(ward.place(list)).await.expect(200);
        assert_eq!(listed["items"], json!([]), "{list}");
        let filter = if list.ends_with("history") {
            "with_errors=true"
        } else {
            "status=entered_in_error"
        };
        let all = ward.provider.get(format!("{}?{filter}", ward.place(list)));
        let all = all.await.expect(200);
        assert_eq!(all["items"].as_array().map(Vec::len), Some(1), "{list}");
    }
}

#[tokio::test]
async fn every_change_is_remembered_with_what_it_replaced() {
    let ward = Ward::open().await;
    let (place, made) = ward.record("goals").await;
    ward.provider
        .patch(&place, 1, json!({ "achievement": "improving" }))
        .await
        .expect(200);
    let mut connection = ward.clinic.behind_the_curtain().await;
    let rows = sqlx::query(
        "select action, before ->> 'achievement' as was from app.audit_log
          where tenant_id = $1 and table_name = 'goals' and row_id = $2::uuid order by at",
    )
    .bind(ward.clinic.id.0)
    .bind(made["id"].as_str())
    .fetch_all(&mut connection)
    .await
    .expect("the history");
    let told: Vec<(String, Option<String>)> =
        rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    assert_eq!(
        told,
        [
            ("insert".to_owned(), None),
            ("update".to_owned(), Some("in_progress".to_owned()))
        ]
    );
}

#[tokio::test]
async fn lists_come_in_pages_newest_first() {
    let ward = Ward::open().await;
    let mut made = Vec::new();
    for _ in 0..3 {
        made.push(ward.record("care-plans").await.1["id"].clone());
    }
    made.reverse();
    let first = ward.provider.get(ward.place("care-plans?limit=2"));
    let first = first.await.expect(200);
    let cursor = first["next_cursor"].as_str().expect("more");
    let second = ward
        .provider
        .get(ward.place(&format!("care-plans?limit=2&cursor={cursor}")))
        .await
        .expect(200);
    let seen: Vec<Value> = [&first, &second]
        .into_iter()
        .flat_map(|page| page["items"].as_array().cloned().unwrap_or_default())
        .map(|item| item["id"].clone())
        .collect();
    assert_eq!(seen, made);
}

#[tokio::test]
async fn a_nurse_records_what_lies_behind_and_only_reads_what_is_planned() {
    let ward = Ward::open().await;
    let nurse = ward.colleague(Role::Nurse).await;
    for (list, _) in LISTS {
        ward.record(list).await;
        nurse.get(ward.place(list)).await.expect(200);
        let written = nurse.post(ward.place(list), example(list)).await;
        let expected = if list.ends_with("history") { 201 } else { 403 };
        assert_eq!(written.status, expected, "{list}: {}", written.text);
    }
}

#[tokio::test]
async fn a_patient_reads_his_own_and_writes_none() {
    let ward = Ward::open().await;
    let portal = ward.clinic.user(Role::Patient).await;
    let admin = ward.clinic.user(Role::Admin).await;
    let chart = format!("/api/v1/patients/{}", ward.patient);
    admin
        .patch(&chart, 1, json!({ "portal_user_id": portal.user_id }))
        .await
        .expect(200);
    let portal = portal.with_token(Some(ward.clinic.log_in(&portal.email).await));
    for (list, _) in LISTS {
        let (place, made) = ward.record(list).await;
        // What is still being thought about is not told.
        let told = made["status"] == "recorded";
        assert_eq!(portal.get(&place).await.status == 200, told, "{made}");
        portal
            .post(ward.place(list), example(list))
            .await
            .expect_problem(403, "forbidden");
    }
}

#[tokio::test]
async fn the_front_desk_notes_an_appointment_and_sees_nothing_else() {
    let ward = Ward::open().await;
    let staff = ward.colleague(Role::Staff).await;
    let billing = ward.colleague(Role::Billing).await;
    for (list, _) in LISTS {
        let seen = staff.get(ward.place(list)).await;
        let expected = if list == "referrals" { 200 } else { 403 };
        assert_eq!(seen.status, expected, "{list}");
        billing
            .get(ward.place(list))
            .await
            .expect_problem(403, "forbidden");
    }
    let (place, _) = ward.record("referrals").await;
    ward.provider.act(format!("{place}/send")).await.expect(200);
    staff
        .act(format!("{place}/accept"))
        .await
        .expect_problem(403, "forbidden");
    ward.provider
        .act(format!("{place}/accept"))
        .await
        .expect(200);
    for at in ["2027-01-20T15:00:00Z", "2027-01-27T15:00:00Z"] {
        let noted = staff
            .post(format!("{place}/schedule"), json!({ "scheduled_for": at }))
            .await
            .expect(200);
        assert_eq!(noted["status"], "scheduled");
        assert_eq!(noted["scheduled_for"], at);
    }
}

#[tokio::test]
async fn a_referral_goes_round_until_the_consultants_note_closes_it() {
    let ward = Ward::open().await;
    let (place, made) = ward.record("referrals").await;
    assert_eq!(made["status"], "draft");
    let chart = place.rsplit_once("/referrals/").expect("a chart").0;
    let written = json!({ "type": "consultation", "content": { "body": "Seen, agreed." } });
    let notes = format!("{chart}/notes");
    let written = ward.provider.post(notes, written).await.expect(201);
    let note = json!({ "consult_note_id": written["id"] });
    let early = ward
        .provider
        .post(format!("{place}/complete"), note.clone());
    let early = early.await.expect_problem(409, "illegal_transition");
    assert_eq!(early["allowed"], json!(["sent", "cancelled"]));
    let sent = ward.provider.act(format!("{place}/send")).await.expect(200);
    assert!(sent["sent_at"].is_string());
    ward.provider
        .patch(&place, 2, json!({ "reason": "Something else" }))
        .await
        .expect_problem(409, "referral_sent");
    ward.provider
        .act(format!("{place}/accept"))
        .await
        .expect(200);
    let when = json!({ "scheduled_for": "2027-01-20T15:00:00Z" });
    ward.provider
        .post(format!("{place}/schedule"), when)
        .await
        .expect(200);
    ward.provider
        .post(format!("{place}/complete"), json!({}))
        .await
        .expect_problem(422, "validation_failed");
    let nobodys = json!({ "consult_note_id": "01890a5d-ac96-774b-bcce-b302099a8057" });
    let refused = ward.provider.post(format!("{place}/complete"), nobodys);
    let refused = refused.await.expect_problem(422, "validation_failed");
    assert_eq!(refused["errors"][0]["code"], "no_such_note");
    let unsigned = ward
        .provider
        .post(format!("{place}/complete"), note.clone());
    let unsigned = unsigned.await.expect_problem(422, "validation_failed");
    assert_eq!(unsigned["errors"][0]["code"], "note_not_signed");
    let call = call(&ward, chart).await;
    for note in [id(&written), call.clone()] {
        let sign = format!("/api/v1/notes/{note}/sign");
        let signed = ward.provider.post(sign, json!({ "text_number": 1 }));
        signed.await.expect(200);
    }
    let body = json!({ "consult_note_id": call });
    let refused = ward.provider.post(format!("{place}/complete"), body);
    let refused = refused.await.expect_problem(422, "validation_failed");
    assert_eq!(refused["errors"][0]["code"], "wrong_type");
    let closed = ward
        .provider
        .post(format!("{place}/complete"), note.clone())
        .await
        .expect(200);
    assert_eq!(closed["status"], "completed");
    assert_eq!(closed["consult_note_id"], note["consult_note_id"]);
    ward.provider
        .post(format!("{place}/cancel"), json!({ "reason": "Too late" }))
        .await
        .expect_problem(409, "illegal_transition");
}

/// A draft about a telephone call.
async fn call(ward: &Ward, chart: &str) -> String {
    let call = json!({ "type": "telephone", "content": { "body": "They have no time." } });
    id(&ward
        .provider
        .post(format!("{chart}/notes"), call)
        .await
        .expect(201))
}

#[tokio::test]
async fn the_letter_of_an_outside_organisation_closes_a_referral() {
    let ward = Ward::open().await;
    let (place, _) = ward.record("referrals").await;
    let chart = place.rsplit_once("/referrals/").expect("a chart").0;
    for step in ["send", "accept"] {
        ward.provider
            .act(format!("{place}/{step}"))
            .await
            .expect(200);
    }
    let label = |category: &str| json!({ "category": category, "kind": "consultation_report", "title": "Cardiology", "document_date": "2026-01-15" });
    let file = async |category: &str| {
        let letter = ("letter.txt", "text/plain", &b"Seen, agreed."[..]);
        let path = format!("{chart}/documents");
        id(&ward
            .provider
            .file(path, Some(&label(category)), letter)
            .await
            .expect(201))
    };
    let complete = format!("{place}/complete");
    let office = json!({ "consult_document_id": file("administrative").await });
    let refused = ward.provider.post(&complete, office).await;
    assert_eq!(
        refused.pointers(),
        ["/consult_document_id"],
        "{}",
        refused.text
    );
    let letter = file("clinical").await;
    let body = json!({ "consult_document_id": letter });
    let closed = ward.provider.post(&complete, body).await.expect(200);
    assert_eq!(
        (&closed["status"], &closed["consult_document_id"]),
        (&json!("completed"), &json!(letter))
    );
}

#[tokio::test]
async fn whoever_is_sent_a_referral_may_open_the_chart() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let admin = clinic.user(Role::Admin).await;
    let consultant = clinic.user(Role::Provider).await;
    let entry =
        json!({ "user_id": consultant.user_id, "given_name": "Con", "family_name": "Sultant" });
    let entry = admin.post("/api/v1/providers", entry).await.expect(201);
    let referrals = chart.fill("/api/v1/patients/{patient_id}/referrals");
    let referral = json!({ "to_provider_id": entry["id"], "reason": "Murmur" });
    let made = chart.doctor.post(&referrals, referral).await.expect(201);
    let chart_of = chart.fill("/api/v1/patients/{patient_id}/chart");
    consultant
        .get(&chart_of)
        .await
        .expect_problem(404, "not_found");
    let send = format!("{referrals}/{}/send", id(&made));
    chart.doctor.act(send).await.expect(200);
    consultant.get(&chart_of).await.expect(200);
    let team = chart.fill("/api/v1/patients/{patient_id}/care-team");
    let team = chart.doctor.get(team).await.expect(200);
    let members = team["items"].as_array().expect("a team");
    assert!(members.iter().any(|member| {
        member["user_id"] == consultant.user_id.as_str() && member["role"] == "consulting"
    }));
}

#[tokio::test]
async fn a_referral_has_one_target_that_exists() {
    let ward = Ward::open().await;
    let nobody = "01890a5d-ac96-774b-bcce-b302099a8057";
    for (body, pointer) in [
        (json!({ "reason": "?" }), ""),
        (
            json!({ "reason": "?", "to_provider_id": nobody, "to_organization": { "name": "X" } }),
            "",
        ),
        (
            json!({ "reason": "?", "to_provider_id": nobody }),
            "/to_provider_id",
        ),
        (
            json!({ "reason": "?", "to_organization": { "name": "X", "npi": "1234567890" } }),
            "/to_organization/npi",
        ),
    ] {
        let refused = ward.provider.post(ward.place("referrals"), body).await;
        assert_eq!(refused.status, 422, "{}", refused.text);
        assert_eq!(refused.pointers(), [pointer]);
    }
}

#[tokio::test]
async fn what_is_named_belongs_to_the_same_patient() {
    let ward = Ward::open().await;
    let (_, plan) = ward.record("care-plans").await;
    let body = json!({ "description": "Walk more", "care_plan_id": plan["id"] });
    let own = ward.provider.post(ward.place("goals"), body.clone());
    own.await.expect(201);
    let another = ward.clinic.patient(&ward.provider).await;
    let refused = ward
        .provider
        .post(format!("/api/v1/patients/{another}/goals"), body)
        .await;
    assert_eq!(refused.pointers(), ["/care_plan_id"]);
    let visit = json!({ "class": "office_visit", "scheduled_start": "2027-01-05T09:00:00-05:00" });
    let visit = ward
        .provider
        .post(format!("/api/v1/patients/{another}/encounters"), visit)
        .await
        .expect(201);
    for (list, _) in LISTS.iter().filter(|(list, _)| *list != "goals") {
        let mut body = example(list);
        body["encounter_id"] = visit["id"].clone();
        let refused = ward.provider.post(ward.place(list), body).await;
        assert_eq!(refused.pointers(), ["/encounter_id"], "{list}");
    }
}

#[tokio::test]
async fn a_plan_and_a_goal_take_only_steps_that_lead_on() {
    let ward = Ward::open().await;
    for (list, begins, steps, last) in [
        (
            "care-plans",
            "draft",
            ["active", "on_hold", "revoked"],
            "active",
        ),
        (
            "goals",
            "proposed",
            ["active", "on_hold", "cancelled"],
            "active",
        ),
    ] {
        let (place, made) = ward.record(list).await;
        assert_eq!(made["status"], begins);
        for step in steps {
            let body = json!({ "status": step, "reason": "As agreed" });
            let stepped = ward.provider.post(format!("{place}/status"), body).await;
            assert_eq!(stepped.expect(200)["status"], step);
        }
        ward.provider
            .post(format!("{place}/status"), json!({ "status": last }))
            .await
            .expect_problem(409, "illegal_transition");
        ward.provider
            .post(
                format!("{place}/status"),
                json!({ "status": "entered_in_error" }),
            )
            .await
            .expect_problem(422, "validation_failed");
    }
}

#[tokio::test]
async fn statements_that_contradict_themselves_are_refused() {
    let ward = Ward::open().await;
    let loinc = json!({ "system": "loinc", "code": "71802-3" });
    let at = "2026-01-05T14:30:00Z";
    for (list, body, pointer) in [
        (
            "family-history",
            json!({ "relationship": "father", "extent": "health_unknown",
                    "conditions": [{ "condition": { "system": "icd10cm", "code": "I10" } }] }),
            "/conditions",
        ),
        (
            "family-history",
            json!({ "relationship": "father", "deceased_age": 70 }),
            "/deceased_age",
        ),
        (
            "social-history",
            json!({ "category": "smoking_status", "effective_at": at }),
            "/smoking_status",
        ),
        (
            "social-history",
            json!({ "category": "sdoh", "effective_at": at, "answers": [{ "question": loinc, "text": "x", "yes": true }] }),
            "/answers/0",
        ),
        (
            "social-history",
            json!({ "category": "sdoh", "effective_at": at }),
            "/answers",
        ),
        (
            "goals",
            json!({ "description": "x", "starts_on": "2026-02-01", "due_on": "2026-01-01" }),
            "/due_on",
        ),
    ] {
        let refused = ward.provider.post(ward.place(list), body).await;
        assert_eq!(refused.status, 422, "{list}: {}", refused.text);
        assert_eq!(refused.pointers(), [pointer], "{list}");
    }
}

#[tokio::test]
async fn the_database_keeps_the_roles_apart_by_itself() {
    let ward = Ward::open().await;
    for (list, _) in LISTS {
        ward.record(list).await;
    }
    let mut connection = PgConnection::connect_with(&run_database().runtime.connect)
        .await
        .expect("the runtime role can connect");
    for (role, table, sees, changes) in [
        ("provider", "goals", 1, true),
        ("nurse", "goals", 1, false),
        ("nurse", "referrals", 1, false),
        ("nurse", "family_history", 1, true),
        ("nurse", "social_history", 1, true),
        ("staff", "referrals", 1, true),
        ("staff", "family_history", 0, false),
        ("staff", "social_history", 0, false),
        ("staff", "care_plans", 0, false),
        ("staff", "goals", 0, false),
        ("billing", "referrals", 0, false),
        ("billing", "family_history", 0, false),
        ("admin", "care_plans", 1, false),
    ] {
        let context = format!(
            "begin; set local app.context = '{} {role} organization   '",
            ward.clinic.id
        );
        connection
            .execute(sqlx::AssertSqlSafe(context))
            .await
            .expect("a context");
        let count = format!("select count(*) from app.{table}");
        let seen: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(count))
            .fetch_one(&mut connection)
            .await
            .expect("an answer");
        assert_eq!(seen, sees, "{role} {table}");
        // The front desk keeps the appointment of a referral, and nothing else of it.
        let what = match role {
            "staff" => "scheduled_for = now()",
            _ => "note = 'changed'",
        };
        let what = if table == "referrals" {
            what
        } else {
            "note = 'changed'"
        };
        let change = format!("update app.{table} set {what}");
        let changed = connection
            .execute(sqlx::AssertSqlSafe(change))
            .await
            .expect("an answer")
            .rows_affected();
        assert_eq!(changed > 0, changes, "{role} {table}");
        connection.execute("rollback").await.expect("rollback");
    }
}
