//! Import of what its source has taken back: it is marked as entered in error here, and what another brought too stays.

use platform::access::Role;
use serde_json::{Value, json};

use crate::interop::{Files, encounter, patient, run};
use crate::interop_documents::{documents, note, report};
use crate::interop_entries::{a_record, condition, items, of_the_visit, only_patient};
use crate::interop_follow::{settled, value};
use crate::support::TestTenant;

fn withdrawn(mut resource: Value) -> Value {
    match resource["resourceType"].as_str() {
        Some("Condition" | "AllergyIntolerance") => {
            resource["verificationStatus"] = json!({ "coding": [{ "code": "entered-in-error" }] });
        }
        Some("Goal") => resource["lifecycleStatus"] = json!("entered-in-error"),
        _ => resource["status"] = json!("entered-in-error"),
    }
    resource
}

#[tokio::test]
async fn every_kind_of_entry_is_taken_back_with_its_source() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let files = Files::new();
    let record = a_record();
    files.lines("record.ndjson", &record);
    run(&clinic, &files.0).await;
    let id = only_patient(&admin).await;
    let visit = value(&admin, "encounters").await[0]["id"].clone();
    let diagnoses = format!("encounters/{}/diagnoses", visit.as_str().expect("an id"));
    let lists = [
        "problems",
        "allergies",
        "procedures",
        "immunizations",
        "vitals",
        "social-history",
        "care-plans",
        "goals",
        &diagnoses,
    ];
    for list in lists {
        assert!(!value(&admin, list).await.is_empty(), "{list}");
    }
    let problem = value(&admin, "problems").await[0]["id"].clone();
    let mut back: Vec<Value> = record[..2].to_vec();
    back.extend(record[2..].iter().cloned().map(withdrawn));
    files.lines("record.ndjson", &back);
    let report = settled(&clinic, &files, 9).await;
    assert!(report.kept.is_empty(), "{report}");
    for list in lists {
        assert_eq!(value(&admin, list).await, [] as [Value; 0], "{list}");
    }
    let seen = admin
        .get(format!(
            "/api/v1/patients/{id}/problems/{}",
            problem.as_str().expect("an id")
        ))
        .await
        .expect(200);
    assert_eq!(seen["verification"], "entered_in_error");
    assert_eq!(seen["error_reason"], "Withdrawn at its source.");
}

#[tokio::test]
async fn what_another_resource_says_too_stands_until_that_is_taken_back() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let files = Files::new();
    let both = [
        condition("c1", "encounter-diagnosis"),
        condition("c2", "encounter-diagnosis"),
    ];
    let papers = [note("d1", "The same."), report("r1", "The same.")];
    let say = |conditions: &[Value], papers: &[Value]| {
        let mut all = vec![patient("p1"), encounter("e1", "Patient/p1")];
        all.extend(conditions.iter().chain(papers).cloned());
        files.lines("record.ndjson", &all);
    };
    say(&both, &papers);
    run(&clinic, &files.0).await;
    let standing = async || {
        let visit = value(&admin, "encounters").await[0]["id"].clone();
        let diagnoses = format!("encounters/{}/diagnoses", visit.as_str().expect("an id"));
        (
            value(&admin, "problems").await.len(),
            value(&admin, &diagnoses).await.len(),
            documents(&admin).await.len(),
        )
    };
    assert_eq!(standing().await, (1, 1, 1));
    let one = |pair: &[Value; 2]| [withdrawn(pair[0].clone()), pair[1].clone()];
    say(&one(&both), &one(&papers));
    let report = settled(&clinic, &files, 2).await;
    let shared = report
        .kept
        .iter()
        .find(|one| one.reason.contains("another resource"));
    assert!(shared.is_some(), "{report}");
    assert_eq!(standing().await, (1, 1, 1), "{report}");
    say(&both.map(withdrawn), &papers.map(withdrawn));
    settled(&clinic, &files, 2).await;
    assert_eq!(standing().await, (0, 0, 0));
}

#[tokio::test]
async fn both_taken_back_at_once_leave_nothing_and_what_was_changed_here_is_named() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let doctor = clinic.user(Role::Provider).await;
    let files = Files::new();
    let goal = of_the_visit(
        "Goal",
        "g1",
        json!({ "lifecycleStatus": "active", "description": { "text": "Sleep" } }),
    );
    let both = [
        condition("c1", "problem-list-item"),
        condition("c2", "problem-list-item"),
        goal,
    ];
    let say = |entries: Vec<Value>| {
        let mut all = vec![patient("p1"), encounter("e1", "Patient/p1")];
        all.extend(entries);
        files.lines("record.ndjson", &all);
    };
    say(both.to_vec());
    run(&clinic, &files.0).await;
    let id = only_patient(&admin).await;
    let team = json!({ "user_id": doctor.user_id, "role": "primary_care" });
    admin
        .post(format!("/api/v1/patients/{id}/care-team"), team)
        .await
        .expect(201);
    let goals = items(&admin, &id, "goals").await;
    let (goal, version) = (&goals[0]["id"], goals[0]["version"].as_i64());
    let place = format!(
        "/api/v1/patients/{id}/goals/{}",
        goal.as_str().expect("an id")
    );
    doctor
        .patch(
            &place,
            version.expect("a version"),
            json!({ "description": "Sleep through the night" }),
        )
        .await
        .expect(200);
    say(both.into_iter().map(withdrawn).collect());
    let report = settled(&clinic, &files, 3).await;
    assert!(value(&admin, "problems").await.is_empty());
    assert_eq!(value(&admin, "goals").await.len(), 1);
    let named = report
        .kept
        .iter()
        .any(|one| one.reason.contains("changed here"));
    assert!(named, "{report}");
}

#[tokio::test]
async fn a_document_is_taken_back_with_its_source_and_the_patient_reads_it_no_more() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let files = Files::new();
    let say = |papers: &[Value]| {
        let mut all = vec![patient("p1"), encounter("e1", "Patient/p1")];
        all.extend(papers.iter().cloned());
        files.lines("record.ndjson", &all);
    };
    let both = [
        note("d1", "Of somebody else."),
        report("r1", "Of nobody else."),
    ];
    say(&both);
    run(&clinic, &files.0).await;
    let filed = documents(&admin).await;
    let of_d1 = filed.iter().find(|one| {
        one["description"]
            .as_str()
            .is_some_and(|said| said.contains("Dr. Elsewhere"))
    });
    let id = of_d1.expect("filed")["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    admin
        .act(format!("/api/v1/documents/{id}/release"))
        .await
        .expect(200);
    say(&[withdrawn(both[0].clone()), both[1].clone()]);
    let after = settled(&clinic, &files, 1).await;
    assert!(after.kept.is_empty(), "{after}");
    let standing = documents(&admin).await;
    assert_eq!(standing.len(), 1, "{standing:?}");
    let seen = admin
        .get(format!("/api/v1/documents/{id}"))
        .await
        .expect(200);
    assert_eq!(seen["status"], "entered_in_error");
    assert!(seen["released_at"].is_null());

    let mut old = both[1].clone();
    old["presentedForm"] = json!([]);
    say(&[withdrawn(both[0].clone()), old]);
    let after = settled(&clinic, &files, 1).await;
    assert!(
        after.kept[0].reason.contains("stays"),
        "listed, because its document stays: {after}"
    );
}

#[tokio::test]
async fn what_its_source_stands_by_again_is_entered_anew_and_what_was_taken_back_stays_so() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let files = Files::new();
    let record = a_record();
    let say = |entries: &[Value]| {
        let mut all: Vec<Value> = record[..2].to_vec();
        all.extend(entries.iter().cloned());
        files.lines("record.ndjson", &all);
    };
    say(&record[2..]);
    run(&clinic, &files.0).await;
    let visit = value(&admin, "encounters").await[0]["id"].clone();
    let diagnoses = format!("encounters/{}/diagnoses", visit.as_str().expect("an id"));
    let lists = [
        ("problems", "?include_errors=true"),
        ("allergies", "?include_errors=true"),
        ("procedures", "?include_errors=true"),
        ("immunizations", "?include_errors=true"),
        ("vitals", "?include_errors=true"),
        ("social-history", "?with_errors=true"),
        ("care-plans", "?status=entered_in_error"),
        ("goals", "?status=entered_in_error"),
        (&diagnoses, "?include_errors=true"),
    ];
    let mut before = Vec::new();
    for (list, _) in lists {
        before.push(value(&admin, list).await);
    }
    let back: Vec<Value> = record[2..].iter().cloned().map(withdrawn).collect();
    say(&back);
    settled(&clinic, &files, 9).await;
    say(&record[2..]);
    let report = settled(&clinic, &files, 9).await;
    assert!(report.kept.is_empty(), "{report}");
    let of = |one: &Value| one["id"].clone();
    for ((list, with_errors), before) in lists.into_iter().zip(before) {
        let now = value(&admin, list).await;
        assert_eq!(now.len(), 1, "{list}");
        assert_ne!(of(&now[0]), of(&before[0]), "{list}");
        let all = value(&admin, &format!("{list}{with_errors}")).await;
        let former = all.iter().find(|one| of(one) == of(&before[0]));
        assert!(former.is_some(), "{list}: nothing is lost");
    }
    // What has come back follows its source.
    let mut goal = record[10].clone();
    goal["description"]["text"] = json!("Sleep");
    say(&[goal]);
    settled(&clinic, &files, 1).await;
    let goals = value(&admin, "goals").await;
    assert_eq!(
        (goals.len(), &goals[0]["description"]),
        (1, &json!("Sleep"))
    );
}

#[tokio::test]
async fn a_problem_goes_with_its_source_although_its_diagnosis_was_coded_here() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let doctor = clinic.user(Role::Provider).await;
    let files = Files::new();
    let say = |condition: Value| {
        let all = [patient("p1"), encounter("e1", "Patient/p1"), condition];
        files.lines("record.ndjson", &all);
    };
    // Its encounter has the diagnosis already, from somebody here.
    files.lines(
        "record.ndjson",
        &[patient("p1"), encounter("e1", "Patient/p1")],
    );
    run(&clinic, &files.0).await;
    let id = only_patient(&admin).await;
    let team = json!({ "user_id": doctor.user_id, "role": "primary_care" });
    admin
        .post(format!("/api/v1/patients/{id}/care-team"), team)
        .await
        .expect(201);
    let visit = value(&admin, "encounters").await[0]["id"].clone();
    let diagnoses = format!("encounters/{}/diagnoses", visit.as_str().expect("an id"));
    doctor
        .post(
            format!("/api/v1/patients/{id}/{diagnoses}"),
            json!({ "snomed": "40055000", "name": "Chronic sinusitis" }),
        )
        .await
        .expect(201);
    say(condition("c1", "encounter-diagnosis"));
    run(&clinic, &files.0).await;
    assert_eq!(value(&admin, "problems").await.len(), 1);
    say(withdrawn(condition("c1", "encounter-diagnosis")));
    let report = settled(&clinic, &files, 1).await;
    assert!(value(&admin, "problems").await.is_empty(), "{report}");
    assert_eq!(value(&admin, &diagnoses).await.len(), 1, "{report}");
    assert!(
        report.kept[0].reason.contains("the diagnosis stays"),
        "{report}"
    );
}

#[tokio::test]
async fn why_a_diagnosis_stays_is_said_although_another_resource_brought_the_problem_too() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let doctor = clinic.user(Role::Provider).await;
    let files = Files::new();
    let say = |conditions: &[Value]| {
        let mut all = vec![patient("p1"), encounter("e1", "Patient/p1")];
        all.extend(conditions.iter().cloned());
        files.lines("record.ndjson", &all);
    };
    say(&[]);
    run(&clinic, &files.0).await;
    let id = only_patient(&admin).await;
    let team = json!({ "user_id": doctor.user_id, "role": "primary_care" });
    let place = |of: &str| format!("/api/v1/patients/{id}/{of}");
    admin.post(place("care-team"), team).await.expect(201);
    let visit = value(&admin, "encounters").await[0]["id"].clone();
    let diagnoses = format!("encounters/{}/diagnoses", visit.as_str().expect("an id"));
    let sinusitis = json!({ "snomed": "40055000", "name": "Chronic sinusitis" });
    doctor.post(place(&diagnoses), sinusitis).await.expect(201);
    let mut elsewhere = condition("c2", "problem-list-item");
    elsewhere
        .as_object_mut()
        .expect("an object")
        .remove("encounter");
    let of_the_visit = condition("c1", "encounter-diagnosis");
    say(&[of_the_visit.clone(), elsewhere.clone()]);
    run(&clinic, &files.0).await;
    let shared = sqlx::query(
        "update app.imported_resources k set entry_kind = o.entry_kind, entry_id = o.entry_id, reason = null
           from app.imported_resources o
          where k.tenant_id = $1 and k.source_id = 'c2' and o.tenant_id = $1 and o.source_id = 'c1'",
    )
    .bind(clinic.id.0)
    .execute(&mut clinic.behind_the_curtain().await)
    .await
    .expect("shared");
    assert_eq!(shared.rows_affected(), 1);
    say(&[withdrawn(of_the_visit), elsewhere]);
    let report = settled(&clinic, &files, 1).await;
    let why = &report.kept[0].reason;
    assert!(
        why.contains("another resource") && why.contains("the diagnosis stays"),
        "{report}"
    );
    assert_eq!(value(&admin, "problems").await.len(), 1);
}

#[tokio::test]
async fn a_document_comes_back_with_its_source_and_one_that_was_changed_here_is_left_alone() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let files = Files::new();
    let say = |text: &str, back: bool| {
        let one = note("d1", text);
        let one = if back { withdrawn(one) } else { one };
        files.lines(
            "record.ndjson",
            &[patient("p1"), encounter("e1", "Patient/p1"), one],
        );
    };
    say("Cough since Monday.", false);
    run(&clinic, &files.0).await;
    let first = documents(&admin).await;
    say("Cough since Monday.", true);
    settled(&clinic, &files, 1).await;
    assert!(documents(&admin).await.is_empty());
    say("Cough since Monday.", false);
    let report = settled(&clinic, &files, 1).await;
    assert!(report.kept.is_empty(), "{report}");
    let filed = documents(&admin).await;
    assert_eq!(filed.len(), 1);
    assert_ne!(filed[0]["id"], first[0]["id"]);
    let place = |of: &Value| format!("/api/v1/documents/{}", of["id"].as_str().expect("an id"));
    let former = admin.get(place(&first[0])).await.expect(200);
    assert_eq!(former["status"], "entered_in_error");
    let content = admin.get(format!("{}/content", place(&filed[0]))).await;
    assert_eq!(content.text, "Cough since Monday.");

    // Released: its source may go on with it.
    admin
        .act(format!("{}/release", place(&filed[0])))
        .await
        .expect(200);
    say("Cough since Sunday.", false);
    let report = settled(&clinic, &files, 1).await;
    assert!(report.kept.is_empty(), "{report}");
    let renewed = admin.get(place(&filed[0])).await.expect(200);
    assert_eq!(renewed["current"]["number"], 2);

    // Called otherwise here: neither renewed nor taken back.
    let version = renewed["version"].as_i64().expect("a version");
    let title = json!({ "title": "Of the first visit" });
    admin
        .patch(place(&filed[0]), version, title)
        .await
        .expect(200);
    for (text, back) in [
        ("Cough since Saturday.", false),
        ("Cough since Saturday.", true),
    ] {
        say(text, back);
        let report = settled(&clinic, &files, 1).await;
        assert!(report.kept[0].reason.contains("changed here"), "{report}");
        let stays = admin.get(place(&filed[0])).await.expect(200);
        assert_eq!(stays["status"], "current");
        assert_eq!(stays["title"], "Of the first visit");
        assert_eq!(stays["current"]["number"], 2);
    }
}
