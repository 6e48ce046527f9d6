//! A timeline of the past tells what stood then: as it was said then, without what came later, with what was taken back later.

use chrono::TimeDelta;
use platform::access::Role;
use serde_json::{Value, json};

use super::merge::Case;
use crate::interop::{Files, encounter, patient, run};
use crate::interop_documents::report;
use crate::interop_entries::only_patient;
use crate::support::{Caller, Chart, TestTenant, id};

fn now(clinic: &TestTenant) -> String {
    let now = clinic.clock.now();
    now.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}

async fn items(caller: &Caller, path: &str) -> Vec<Value> {
    let shown = caller.get(path).await.expect(200);
    shown["items"].as_array().expect("events").clone()
}

/// The events without the places where they are read.
fn told(mut events: Vec<Value>) -> Vec<Value> {
    for event in &mut events {
        event.as_object_mut().expect("an event").remove("href");
    }
    events
}

/// Takes back, changes and adds some of everything.
async fn change_everything(clinic: &TestTenant, chart: &Chart) {
    let doctor = &chart.doctor;
    let of = |path: &str| chart.fill(&format!("/api/v1/patients/{{patient_id}}/{path}"));
    let why = json!({ "reason": "Another patient's" });
    for path in [
        "problems/{problem_id}/entered-in-error",
        "procedures/{procedure_id}/entered-in-error",
        "vitals/{vitals_id}/withdraw",
        "encounters/{encounter_id}/diagnoses/{diagnosis_id}/entered-in-error",
    ] {
        doctor.post(of(path), why.clone()).await.expect(200);
    }
    let refuted = json!({ "verification": "refuted" });
    doctor
        .patch(of("allergies/{allergy_id}"), 1, refuted)
        .await
        .expect(200);
    let date = json!({ "occurred_on": "1972" });
    doctor
        .patch(of("immunizations/{immunization_id}"), 1, date)
        .await
        .expect(200);
    let complaint = json!({ "chief_complaint": "Cough" });
    doctor
        .patch(of("encounters/{encounter_id}"), 1, complaint)
        .await
        .expect(200);
    let note = chart.fill("/api/v1/notes/{note_id}/retract");
    doctor.post(note, why).await.expect(200);
    let document = chart.fill("/api/v1/documents/{document_id}");
    let present = doctor.get(&document).await.expect(200);
    let version = present["version"].as_i64().expect("a version");
    let title = json!({ "title": "Another title" });
    doctor.patch(document, version, title).await.expect(200);
    let added = json!({ "icd10cm": "E11.9", "onset": "2019" });
    doctor.post(of("problems"), added).await.expect(201);
    let pulse = json!({ "measured_at": clinic.clock.now() - TimeDelta::minutes(1),
                        "readings": [{ "kind": "heart_rate", "value": 71 }] });
    doctor.post(of("vitals"), pulse).await.expect(201);
}

#[tokio::test]
async fn what_stood_then_is_told_as_it_was_told_then() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let doctor = &chart.doctor;
    let of = |path: &str| chart.fill(&format!("/api/v1/patients/{{patient_id}}/{path}"));
    let heart = json!({ "to_organization": { "name": "Harbor Cardiology" }, "specialty": "Cardiology", "reason": "Palpitations" });
    let sugar = json!({ "system": "icd10cm", "code": "E11.9" });
    let mother = json!({ "relationship": "mother", "conditions": [{ "condition": sugar }] });
    for (list, entry) in [
        ("problems", json!({ "icd10cm": "I10", "onset": "2018-03" })),
        (
            "goals",
            json!({ "description": "Walk", "starts_on": "2026-01-05" }),
        ),
        ("care-plans", json!({ "title": "Walking" })),
        ("referrals", heart),
        ("family-history", mother),
    ] {
        doctor.post(of(list), entry).await.expect(201);
    }
    let place = of("timeline");
    let before = items(doctor, &format!("{place}?limit=200")).await;
    let then = now(&clinic);
    change_everything(&clinic, &chart).await;

    let past = items(doctor, &format!("{place}?limit=200&as_of={then}")).await;
    assert_eq!(told(past.clone()), told(before.clone()));
    let after = items(doctor, &format!("{place}?limit=200")).await;
    assert_ne!(told(after.clone()), told(before));
    let today = items(doctor, &format!("{place}?limit=200&as_of={}", now(&clinic))).await;
    assert_eq!(told(today), told(after));

    // Page by page, of some kinds, of some time.
    let (mut paged, mut next) = (Vec::new(), format!("{place}?limit=2&as_of={then}"));
    loop {
        let page = doctor.get(&next).await.expect(200);
        paged.extend(page["items"].as_array().expect("events").clone());
        match page["next_cursor"].as_str() {
            Some(cursor) => next = format!("{place}?limit=2&as_of={then}&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(paged, past);
    let some = items(
        doctor,
        &format!("{place}?types=problem,document&to=2021-01-01T00:00:00Z&as_of={then}"),
    )
    .await;
    let kinds: Vec<_> = some.iter().map(|event| &event["type"]).collect();
    assert_eq!(kinds, ["document"]);
    assert!(
        items(doctor, &format!("{place}?as_of=2001-01-01"))
            .await
            .is_empty()
    );
    // What it points to is what it tells of.
    for event in &past {
        doctor
            .get(event["href"].as_str().expect("a place"))
            .await
            .expect(200);
    }
    let wrong = chart.fill("{problem_id}");
    let of_it = |event: &&Value| event["type"] == "problem" && event["id"] == wrong.as_str();
    let problem = past.iter().find(of_it).expect("a problem");
    let problem = problem["href"].as_str().expect("a place");
    let read = doctor.get(problem).await.expect(200);
    assert_eq!(read["status"], "active", "{read}");
}

#[tokio::test]
async fn the_past_is_told_to_those_who_may_read_it_and_see_the_patient_now() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let place = chart.fill("/api/v1/patients/{patient_id}/timeline");
    let path = format!("{place}?as_of={}", now(&clinic));
    chart
        .portal_user
        .get(&path)
        .await
        .expect_problem(403, "forbidden");
    let stranger = clinic.user(Role::Provider).await;
    stranger.get(&path).await.expect_problem(404, "not_found");
    // Nor is an empty list told of who is no patient here.
    let elsewhere = TestTenant::new().await.user(Role::Admin).await;
    for list in [
        "timeline",
        "problems",
        "goals",
        "notes",
        "vitals",
        "allergy-summary",
        "immunizations/status",
        "imported-resources",
    ] {
        let path = path.replace("timeline", list);
        elsewhere.get(&path).await.expect_problem(404, "not_found");
    }
    assert!(!items(&chart.nurse, &path).await.is_empty());
}

#[tokio::test]
async fn a_report_is_told_as_its_source_had_it_then() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let files = Files::new();
    let mut result = report("r1", "No fracture seen.");
    result["status"] = json!("preliminary");
    let first = [patient("p1"), encounter("e1", "Patient/p1"), result.clone()];
    files.lines("record.ndjson", &first);
    let none = now(&clinic);
    run(&clinic, &files.0).await;
    let place = format!(
        "/api/v1/patients/{}/timeline?types=result",
        only_patient(&admin).await
    );
    let then = now(&clinic);
    result["status"] = json!("final");
    files.lines("record.ndjson", &[result]);
    run(&clinic, &files.0).await;
    let status = async |path: String| {
        let events = items(&admin, &path).await;
        events.first().map(|event| event["status"].clone())
    };
    assert_eq!(status(place.clone()).await, Some(json!("final")));
    assert_eq!(
        status(format!("{place}&as_of={then}")).await,
        Some(json!("preliminary"))
    );
    assert_eq!(status(format!("{place}&as_of={none}")).await, None);
}

#[tokio::test]
async fn a_report_that_says_no_date_keeps_its_place_whatever_its_source_says_later() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let files = Files::new();
    let mut result = report("r1", "No fracture seen.");
    result
        .as_object_mut()
        .expect("a report")
        .remove("effectiveDateTime");
    let mut instants = Vec::new();
    for status in ["registered", "preliminary", "final"] {
        result["status"] = json!(status);
        let all = [patient("p1"), encounter("e1", "Patient/p1"), result.clone()];
        files.lines("record.ndjson", &all);
        run(&clinic, &files.0).await;
        clinic.clock.advance(TimeDelta::seconds(2));
        instants.push(now(&clinic));
    }
    let place = format!(
        "/api/v1/patients/{}/timeline?types=result",
        only_patient(&admin).await
    );
    let today = items(&admin, &place).await.remove(0);
    assert_eq!(today["status"], "final");
    for (then, status) in instants.iter().zip(["registered", "preliminary", "final"]) {
        let event = items(&admin, &format!("{place}&as_of={then}"))
            .await
            .remove(0);
        assert_eq!(
            (&event["status"], &event["at"]),
            (&json!(status), &today["at"])
        );
    }
}

#[tokio::test]
async fn a_reading_is_told_of_the_registration_it_belonged_to_then() {
    let case = Case::new().await;
    let (merged, survivor) = (&case.chart.patient, &case.survivor);
    let nurse = case.clinic.user(Role::Nurse).await;
    let team = json!({ "user_id": nurse.user_id, "role": "primary_care" });
    let joins = format!("/api/v1/patients/{survivor}/care-team");
    case.admin.post(joins, team).await.expect(201);
    let pulse = json!({ "measured_at": "2024-03-10T09:35:00-04:00",
                        "readings": [{ "kind": "heart_rate", "value": 71 }] });
    let path = format!("/api/v1/patients/{survivor}/vitals");
    let own = id(&nurse.post(path, pulse).await.expect(201));
    let moved = case.chart.fill("{vitals_id}");
    let told = async |patient: &str, then: &str| {
        let path = format!("/api/v1/patients/{patient}/timeline?types=vitals&as_of={then}");
        let mut sets = Vec::new();
        for event in items(&case.admin, &path).await {
            // What it points to is of the same registration.
            let read = case.admin.get(event["href"].as_str().expect("a place"));
            assert_eq!(read.await.expect(200)["patient_id"], json!(patient));
            sets.push(id(&event));
        }
        sets.sort();
        sets
    };
    let apart = now(&case.clinic);
    case.merge("").await;
    let joined = now(&case.clinic);
    let mut both = vec![own.clone(), moved.clone()];
    both.sort();
    let as_it_was = async || {
        assert_eq!(told(merged, &apart).await, std::slice::from_ref(&moved));
        assert_eq!(told(survivor, &apart).await, std::slice::from_ref(&own));
        assert_eq!(told(survivor, &joined).await, both);
    };
    as_it_was().await;
    case.unmerge().await;
    let again = now(&case.clinic);
    as_it_was().await;
    assert_eq!(told(merged, &again).await, std::slice::from_ref(&moved));
    assert_eq!(told(survivor, &again).await, std::slice::from_ref(&own));
}

#[tokio::test]
async fn two_texts_are_compared_as_the_note_stood() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let doctor = &chart.doctor;
    let draft = json!({ "type": "progress", "content": { "body": "One" } });
    let notes = chart.fill("/api/v1/patients/{patient_id}/notes");
    let made = doctor.post(notes, draft).await.expect(201);
    let place = format!("/api/v1/notes/{}", id(&made));
    let first = now(&clinic);
    for (version, body) in [(1, "Two"), (2, "Three")] {
        let change = json!({ "content": { "body": body } });
        doctor.patch(&place, version, change).await.expect(200);
    }
    let third = now(&clinic);
    let numbers = async |path: String| {
        let shown = doctor.get(path).await.expect(200);
        (shown["from"].clone(), shown["to"].clone())
    };
    let diff = format!("{place}/diff");
    assert_eq!(numbers(diff.clone()).await, (json!(2), json!(3)));
    assert_eq!(
        numbers(format!("{diff}?as_of={third}")).await,
        (json!(2), json!(3))
    );
    assert_eq!(
        numbers(format!("{diff}?as_of={first}")).await,
        (json!(1), json!(1))
    );
    // A text that came later was none then.
    let later = doctor.get(format!("{diff}?to=2&as_of={first}")).await;
    assert_eq!(later.pointers(), ["?to"]);
    let before = doctor.get(format!("{diff}?as_of=2001-01-01")).await;
    before.expect_problem(404, "not_found");
    let own = chart.portal_user.get(format!("{diff}?as_of={third}")).await;
    own.expect_problem(403, "forbidden");
    let stranger = clinic.user(Role::Provider).await;
    let other = stranger.get(format!("{diff}?as_of={third}")).await;
    other.expect_problem(404, "not_found");
}
