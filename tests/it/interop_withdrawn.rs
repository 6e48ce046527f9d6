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
