//! Import of every element: what an entry has no place for is named in the report, and what it has a place for stands there.

use platform::access::Role;
use serde_json::{Value, json};

use crate::interop::{Files, encounter, patient, run};
use crate::interop_entries::{
    allergy, condition, items, loinc, of_the_visit, only_patient, snomed, vital,
};
use crate::interop_follow::{settled, value};
use crate::support::{Caller, TestTenant};

async fn imported(clinic: &TestTenant, entries: Vec<Value>) -> (Files, interop::import::Report) {
    let files = Files::new();
    let mut all = vec![patient("p1"), encounter("e1", "Patient/p1")];
    all.extend(entries);
    files.lines("record.ndjson", &all);
    let report = run(clinic, &files.0).await;
    assert_eq!(report.failed(), 0, "{report}");
    (files, report)
}

async fn one(admin: &Caller, list: &str) -> Value {
    let found = value(admin, list).await;
    assert_eq!(found.len(), 1, "{list}: {found:?}");
    found.into_iter().next().expect("one")
}

fn cvx(code: &str) -> Value {
    json!({ "coding": [{ "system": "http://hl7.org/fhir/sid/cvx", "code": code, "display": "A vaccine" }] })
}

#[tokio::test]
async fn an_element_that_no_entry_has_a_place_for_is_counted_and_named_without_its_value() {
    let clinic = TestTenant::new().await;
    let mut weight = vital("v1", "29463-7", 71.3, "kg");
    weight["device"] = json!({ "display": "Scale number seven" });
    let mut rate = vital("v2", "8867-4", 70.0, "/min");
    rate["component"] = json!([{ "code": loinc("3151-8") }]);
    let mut problem = condition("c1", "problem-list-item");
    problem["asserter"] = json!({ "display": "Mrs. Seven" });
    let (_, report) = imported(&clinic, vec![weight, problem, rate]).await;
    let named = |kind: &str, reason: &str| {
        report
            .reasons
            .get(&(kind.to_owned(), reason.to_owned()))
            .copied()
    };
    assert_eq!(
        named("Observation", "entered without /device"),
        Some(1),
        "{report}"
    );
    let part = "entered without a part of it: /component/0";
    assert_eq!(named("Observation", part), Some(1), "{report}");
    assert_eq!(
        named("Condition", "entered without /asserter"),
        Some(1),
        "{report}"
    );
    assert!(
        !report.to_string().contains("even"),
        "no value in a report: {report}"
    );
    assert_eq!(report.entered.get("vitals"), Some(&2));
    let admin = clinic.user(Role::Admin).await;
    let kept = value(&admin, "imported-resources?type=Condition").await;
    assert_eq!(kept[0]["reason"], "without /asserter");
}

#[tokio::test]
async fn what_is_said_beside_a_problem_an_allergy_or_a_procedure_can_be_read() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let mut problem = condition("c1", "problem-list-item");
    problem
        .as_object_mut()
        .expect("an object")
        .remove("onsetDateTime");
    problem["onsetAge"] = json!({ "value": 52, "unit": "a" });
    problem["bodySite"] = json!([{ "text": "Left maxillary sinus" }]);
    problem["stage"] = json!([{ "summary": { "text": "Stage II" } }]);
    problem["recordedDate"] = json!("2018-09-01T10:00:00-05:00");
    let mut drug = allergy("a1");
    drug["category"] = json!(["medication"]);
    drug["code"] = snomed("91936005", "Allergy to penicillin");
    drug["recordedDate"] = json!("2011-02-03");
    let procedure = of_the_visit(
        "Procedure",
        "pr1",
        json!({ "status": "completed", "performedDateTime": "2019-02-03T16:50:00-05:00", "location": { "display": "Theatre 2" },
            "code": { "coding": [{ "system": "http://snomed.info/sct", "code": "40701008", "display": "Echocardiography" },
                                 { "system": "urn:oid:2.16.840.1.113883.6.12", "code": "93306" }] },
            "bodySite": [{ "text": "Heart" }, { "text": "Aorta" }],
            "performer": [{ "actor": { "display": "Dr. Sleep" }, "function": { "text": "Anesthetist" } }],
            "reasonReference": [{ "reference": "Condition/c1" }] }),
    );
    let (_, report) = imported(&clinic, vec![problem, drug, procedure]).await;
    assert!(report.reasons.is_empty(), "{report}");
    let has = |entry: &Value, words: &[&str]| {
        let note = entry["note"].as_str().unwrap_or_default().to_owned();
        for word in words {
            assert!(note.contains(word), "{word}: {entry}");
        }
    };
    let problem = one(&admin, "problems").await;
    has(
        &problem,
        &["at the age of 52 a", "Left maxillary sinus", "Stage II"],
    );
    assert_eq!(problem["recorded_at"], "2018-09-01T15:00:00Z");
    let drug = one(&admin, "allergies").await;
    has(&drug, &["SNOMED CT 91936005"]);
    assert_eq!(drug["recorded_at"], "2011-02-03T05:00:00Z");
    let procedure = one(&admin, "procedures").await;
    has(
        &procedure,
        &["Aorta", "Theatre 2", "Reason: Chronic sinusitis"],
    );
    assert_eq!(procedure["performers"][0]["function"], "anesthesia");
    assert_eq!(procedure["body_site"]["text"], "Heart");

    // A timeline tells of them when they were recorded, not when they were imported.
    let timeline = value(&admin, "timeline?types=problem,allergy").await;
    let at: Vec<&str> = timeline
        .iter()
        .filter_map(|event| event["at"].as_str())
        .collect();
    assert_eq!(at, ["2018-09-01T15:00:00Z", "2011-02-03T05:00:00Z"]);
}

#[tokio::test]
async fn a_dose_says_what_was_handed_over_and_one_that_was_too_weak_does_not_count() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let dose = |id: &str, on: &str, weak: bool| {
        json!({ "resourceType": "Immunization", "id": id, "status": "completed", "patient": { "reference": "Patient/p1" },
            "vaccineCode": cvx("115"), "occurrenceDateTime": on, "isSubpotent": weak,
            "education": [{ "documentType": "Tdap", "publicationDate": "2021-08-06", "presentationDate": "2023-02-03" }] })
    };
    let (_, report) = imported(&clinic, vec![dose("i1", "2023-02-03", true)]).await;
    assert!(report.reasons.is_empty(), "{report}");
    let given = one(&admin, "immunizations").await;
    assert_eq!(given["is_subpotent"], true);
    assert_eq!(
        given["vis"],
        json!([{ "document": "Tdap", "published_on": "2021-08-06", "presented_on": "2023-02-03" }])
    );
    let id = only_patient(&admin).await;
    let status = admin
        .get(format!("/api/v1/patients/{id}/immunizations/status"))
        .await;
    assert!(status.text.contains("\"subpotent\""), "{}", status.text);
}

#[tokio::test]
async fn a_plan_has_the_goals_it_names_wherever_they_stand_in_the_file() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let plan = of_the_visit(
        "CarePlan",
        "cp1",
        json!({ "status": "active", "intent": "plan", "title": "Diabetes care", "goal": [{ "reference": "Goal/g1" }],
            "activity": [{ "detail": { "status": "in-progress", "description": "Walk each day" } },
                         { "reference": { "reference": "ServiceRequest/s1" } }] }),
    );
    let goal = |said: &str| {
        of_the_visit(
            "Goal",
            "g1",
            json!({ "lifecycleStatus": "active", "description": { "text": said },
                "target": [{ "measure": { "text": "Steps" }, "detailInteger": 8000 },
                           { "measure": { "text": "Weight" }, "detailRange": { "low": { "value": 70, "unit": "kg" }, "high": { "value": 75, "unit": "kg" } } }] }),
        )
    };
    let (files, report) = imported(&clinic, vec![plan.clone(), goal("Walk")]).await;
    assert_eq!(report.entered.get("care_plan"), Some(&1), "{report}");
    assert!(
        report
            .kept
            .iter()
            .any(|one| one.reason.contains("an activity")),
        "{report}"
    );
    let found = one(&admin, "goals").await;
    assert_eq!(found["care_plan_id"], one(&admin, "care-plans").await["id"]);
    let note = found["note"].as_str().expect("a note");
    assert!(
        note.contains("Target: Steps: 8000") && note.contains("Target: Weight: 70 kg to 75 kg"),
        "{note}"
    );
    // A goal that changes stays in its plan.
    files.lines(
        "record.ndjson",
        &[
            patient("p1"),
            encounter("e1", "Patient/p1"),
            plan,
            goal("Walk more"),
        ],
    );
    settled(&clinic, &files, 1).await;
    let again = one(&admin, "goals").await;
    assert_eq!(
        (&again["description"], &again["care_plan_id"]),
        (&json!("Walk more"), &found["care_plan_id"])
    );
}

#[tokio::test]
async fn a_code_that_is_none_costs_the_code_and_not_the_entry_the_second_time_too() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let wrong = |code: &str| json!({ "coding": [{ "system": "http://hl7.org/fhir/sid/icd-10-cm", "code": code, "display": "Something" }] });
    let peanut = |note: &str, code: &str| {
        let mut peanut = allergy("a1");
        peanut["note"] = json!([{ "text": note }]);
        peanut["reaction"][0]["manifestation"] = json!([{ "text": "Anaphylaxis", "coding": [{ "system": "http://snomed.info/sct", "code": code }] }]);
        peanut
    };
    let plan = |title: &str, code: &str| {
        of_the_visit(
            "CarePlan",
            "cp1",
            json!({ "status": "active", "intent": "plan", "title": title,
            "addresses": [{ "concept": wrong(code) }] }),
        )
    };
    let goal = |said: &str, code: &str| {
        of_the_visit(
            "Goal",
            "g1",
            json!({ "lifecycleStatus": "active", "description": { "text": said }, "addresses": [{ "concept": wrong(code) }] }),
        )
    };
    let (files, first) = imported(
        &clinic,
        vec![
            peanut("First", "39579001"),
            plan("First", "E11.9"),
            goal("First", "E11.9"),
        ],
    )
    .await;
    assert_eq!(first.entered.len(), 3, "{first}");
    let second = [
        patient("p1"),
        encounter("e1", "Patient/p1"),
        peanut("Second", "not-a-code"),
        plan("Second", "not-a-code"),
        goal("Second", "not-a-code"),
    ];
    files.lines("record.ndjson", &second);
    let report = settled(&clinic, &files, 3).await;
    let without = report
        .kept
        .iter()
        .filter(|one| one.reason.contains("its codes"))
        .count();
    assert_eq!(without, 3, "{report}");
    assert_eq!(one(&admin, "allergies").await["note"], "Second");
    assert_eq!(one(&admin, "care-plans").await["title"], "Second");
    assert_eq!(one(&admin, "goals").await["description"], "Second");
}

#[tokio::test]
async fn inhaled_oxygen_is_read_under_the_code_it_is_written_with() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let (_, report) = imported(&clinic, vec![vital("v1", "3150-6", 40.0, "%")]).await;
    assert_eq!(report.entered.get("vitals"), Some(&1), "{report}");
    let set = one(&admin, "vitals").await;
    assert_eq!(set["readings"][0]["kind"], "inhaled_oxygen_concentration");
    assert_eq!(set["readings"][0]["loinc"], "3150-6", "{set}");
}

#[tokio::test]
async fn of_an_encounter_no_more_is_told_than_its_source_knew() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let files = Files::new();
    let mut visit = encounter("e1", "Patient/p1");
    visit["period"] = json!({ "start": "2013-05", "end": "2013-05" });
    let coded = condition("c1", "encounter-diagnosis");
    files.lines("record.ndjson", &[patient("p1"), visit.clone(), coded]);
    run(&clinic, &files.0).await;
    let id = only_patient(&admin).await;
    let of = |path: &str| format!("/api/v1/patients/{id}/{path}");
    let listed = items(&admin, &id, "encounters").await.remove(0);
    let place = of(&format!(
        "encounters/{}",
        listed["id"].as_str().expect("an id")
    ));
    let read = admin.get(&place).await.expect(200);
    let chart = admin.get(of("chart")).await.expect(200);
    let then = format!(
        "?as_of={}",
        clinic.clock.now().format("%Y-%m-%dT%H:%M:%S%.6fZ")
    );
    let past = admin.get(format!("{place}{then}")).await.expect(200);
    for shown in [&listed, &read, &chart["encounters"]["items"][0], &past] {
        assert_eq!(
            (&shown["starts_on"], &shown["ends_on"]),
            (&json!("2013-05"), &json!("2013-05")),
            "{shown}"
        );
    }
    for timeline in [of("timeline"), of(&format!("timeline{then}"))] {
        let told = admin.get(timeline).await.expect(200);
        for kind in ["encounter", "diagnosis"] {
            let events = told["items"].as_array().expect("events");
            let event = events.iter().find(|event| event["type"] == kind);
            let event = event.expect(kind);
            assert_eq!(
                (&event["date"], &event["date_only"]),
                (&json!("2013-05"), &json!(true)),
                "{event}"
            );
        }
    }
    // When its source knows the time, it is told.
    visit["period"] = json!({ "start": "2013-05-10T09:00:00-04:00" });
    files.lines("record.ndjson", &[patient("p1"), visit]);
    run(&clinic, &files.0).await;
    let read = admin.get(&place).await.expect(200);
    assert!(
        read.get("starts_on").is_none() && read.get("ends_on").is_none(),
        "{read}"
    );
    assert_eq!(read["scheduled_start"], "2013-05-10T13:00:00Z");
}

#[tokio::test]
async fn a_plan_and_a_goal_keep_the_month_or_year_their_source_knew() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let period = |id: &str, start: &str, end: &str| {
        let said = json!({ "status": "active", "intent": "plan", "title": id, "period": { "start": start, "end": end } });
        of_the_visit("CarePlan", id, said)
    };
    let goal = json!({ "lifecycleStatus": "active", "description": { "text": "Walk far" }, "startDate": "2013",
                       "target": [{ "dueDate": "2014-02" }] });
    let plans = vec![
        period("cp1", "2013-05", "2014"),
        period("cp2", "2013-05-10", "2013-05-01"),
        of_the_visit("Goal", "g1", goal),
    ];
    imported(&clinic, plans).await;
    let note = async |list: &str, title: &str| {
        let all = value(&admin, list).await;
        let is_it = |one: &&Value| one["title"] == title || one["description"] == title;
        let one = all.iter().find(is_it).expect("imported").clone();
        (one["starts_on"].clone(), one["note"].clone())
    };
    assert_eq!(
        note("care-plans", "cp1").await,
        (Value::Null, json!("Start: 2013-05\nEnd: 2014"))
    );
    assert_eq!(
        note("care-plans", "cp2").await,
        (json!("2013-05-10"), json!("End: 2013-05-01"))
    );
    assert_eq!(
        note("goals", "Walk far").await,
        (Value::Null, json!("Start: 2013\nDue: 2014-02"))
    );
}
