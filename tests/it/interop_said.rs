//! Import of what a source says in words, of somebody else, or no more: nothing is made a fact that it does not say.

use platform::access::Role;
use serde_json::{Value, json};

use crate::interop::{Files, encounter, patient, run};
use crate::interop_entries::{
    allergy, condition, items, loinc, of_the_visit, only_patient, snomed, vital,
};
use crate::interop_follow::{settled, value};
use crate::support::{Caller, TestTenant};

async fn chart(clinic: &TestTenant, admin: &Caller) -> Value {
    let id = only_patient(admin).await;
    let doctor = clinic.user(Role::Provider).await;
    let team = json!({ "user_id": doctor.user_id, "role": "primary_care" });
    admin
        .post(format!("/api/v1/patients/{id}/care-team"), team)
        .await
        .expect(201);
    let place = format!("/api/v1/patients/{id}/chart");
    doctor.get(place).await.expect(200)
}

/// The readings that stand, by kind and number.
async fn readings(admin: &Caller) -> Vec<Value> {
    let sets = value(admin, "vitals").await;
    let mut told: Vec<Value> = sets
        .iter()
        .flat_map(|set| set["readings"].as_array().cloned().unwrap_or_default())
        .filter(|one| one["status"] == "final")
        .map(|one| json!([one["kind"], one["value"], one["systolic"]]))
        .collect();
    told.sort_by_key(Value::to_string);
    told
}

#[tokio::test]
async fn a_status_counts_in_whichever_form_it_comes_and_what_is_an_error_in_words_is_taken_back() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let files = Files::new();
    let none = json!({ "resourceType": "AllergyIntolerance", "id": "a0", "patient": { "reference": "Patient/p1" },
        "code": snomed("716186003", "No known allergy") });
    let mut real = allergy("a1");
    real["clinicalStatus"] = json!({ "coding": [
        { "system": "http://snomed.info/sct", "code": "55561003", "display": "Active" },
        { "system": "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical", "code": "active" }] });
    let mut over = condition("c1", "problem-list-item");
    over["clinicalStatus"] = json!({ "text": "Resolved" });
    let mut open = condition("c2", "problem-list-item");
    open["code"] = snomed("38341003", "Hypertension");
    let record = |real: &Value, open: &Value| {
        let all = [
            patient("p1"),
            encounter("e1", "Patient/p1"),
            none.clone(),
            real.clone(),
            over.clone(),
            open.clone(),
        ];
        files.lines("record.ndjson", &all);
    };
    record(&real, &open);
    let report = run(&clinic, &files.0).await;
    assert!(report.kept.is_empty(), "{report}");
    let id = only_patient(&admin).await;
    let allergies = async || {
        let place = format!("/api/v1/patients/{id}/allergy-summary");
        admin.get(place).await.expect(200)["state"].clone()
    };
    assert_eq!(allergies().await, "known");
    let status = async |code: &str| {
        let problems = value(&admin, "problems").await;
        let found = problems.iter().find(|one| one["snomed"] == code);
        found.map(|one| one["status"].clone())
    };
    assert_eq!(status("40055000").await, Some(json!("resolved")));
    assert_eq!(status("38341003").await, Some(json!("active")));

    for mistaken in [&mut real, &mut open] {
        mistaken["verificationStatus"] = json!({ "text": "Entered in Error" });
    }
    record(&real, &open);
    settled(&clinic, &files, 2).await;
    assert_ne!(allergies().await, "known");
    assert_ne!(status("38341003").await, Some(json!("active")));
}

#[tokio::test]
async fn that_nobody_has_asked_is_no_allergy_and_withdraws_no_statement() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let files = Files::new();
    let said = |id: &str, code: Value| json!({ "resourceType": "AllergyIntolerance", "id": id, "patient": { "reference": "Patient/p1" }, "code": code });
    files.lines(
        "record.ndjson",
        &[
            patient("p1"),
            said("a0", snomed("716186003", "No known allergy")),
            said("a1", json!({ "text": "Allergies not on file" })),
        ],
    );
    let report = run(&clinic, &files.0).await;
    assert_eq!(report.kept.len(), 1, "{report}");
    let id = only_patient(&admin).await;
    let place = format!("/api/v1/patients/{id}/allergy-summary");
    let summary = admin.get(place).await.expect(200);
    assert_eq!(summary["state"], "none_known", "{summary}");
    assert!(items(&admin, &id, "allergies").await.is_empty());
}

#[tokio::test]
async fn what_was_measured_of_an_unborn_child_is_not_its_mothers() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let files = Files::new();
    let record = |focus: Value| {
        let mut pulse = vital("v1", "8867-4", 150.0, "/min");
        if !focus.is_null() {
            pulse["focus"] = json!([focus]);
        }
        let mut site = vital("v2", "8867-4", 145.0, "/min");
        site["bodySite"] = json!({ "text": "Fetus" });
        let all = [patient("p1"), encounter("e1", "Patient/p1"), pulse, site];
        files.lines("record.ndjson", &all);
    };
    record(Value::Null);
    let report = run(&clinic, &files.0).await;
    assert_eq!(report.kept.len(), 1, "{report}");
    assert_eq!(readings(&admin).await.len(), 1);
    record(json!({ "display": "Fetus" }));
    let report = settled(&clinic, &files, 1).await;
    assert!(report.to_string().contains("/focus"), "{report}");
    assert!(readings(&admin).await.is_empty());
}

#[tokio::test]
async fn a_component_that_is_a_vital_sign_is_entered_and_follows_and_another_is_named() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let files = Files::new();
    let part = |code: &str, value: i32, unit: &str| json!({ "code": loinc(code), "valueQuantity": { "value": value, "code": unit } });
    let record = |pulse: i32| {
        let mut pressure = vital("v1", "85354-9", 0.0, "");
        let mut panel = vital("v2", "85353-1", 0.0, "");
        pressure["component"] = json!([
            part("8480-6", 70, "mm[Hg]"),
            part("8462-4", 40, "mm[Hg]"),
            part("8867-4", pulse, "/min"),
            part("9999-9", 1, "/min")
        ]);
        panel["component"] = json!([part("2708-6", 81, "%"), part("9279-1", 30, "/min")]);
        for one in [&mut pressure, &mut panel] {
            one.as_object_mut()
                .expect("a resource")
                .remove("valueQuantity");
        }
        panel["category"] = json!([{ "text": "Vital Signs" }]);
        let all = [
            patient("p1"),
            encounter("e1", "Patient/p1"),
            pressure,
            panel,
        ];
        files.lines("record.ndjson", &all);
    };
    let expected = |pulse: i32| {
        vec![
            json!(["blood_pressure", null, 70]),
            json!(["heart_rate", pulse, null]),
            json!(["oxygen_saturation", 81, null]),
            json!(["respiratory_rate", 30, null]),
        ]
    };
    record(140);
    let report = run(&clinic, &files.0).await;
    assert_eq!(report.kept.len(), 1, "{report}");
    assert!(report.kept[0].reason.contains("/component/3"), "{report}");
    assert_eq!(readings(&admin).await, expected(140));
    record(120);
    settled(&clinic, &files, 1).await;
    assert_eq!(readings(&admin).await, expected(120));
}

#[tokio::test]
async fn a_death_that_its_source_takes_back_is_taken_back_unless_somebody_here_has_said_so_too() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let files = Files::new();
    let say = |name: &str, said: Value| {
        let mut person = patient("p1");
        person[name] = said;
        files.lines("record.ndjson", &[person]);
    };
    say("deceasedDateTime", json!("2024-05-05"));
    run(&clinic, &files.0).await;
    let id = only_patient(&admin).await;
    let path = format!("/api/v1/patients/{id}");
    let told = async || {
        let person = admin.get(&path).await.expect(200);
        let version = person["version"].as_i64().expect("a version");
        (
            person["status"].clone(),
            person["deceased_on"].clone(),
            version,
        )
    };
    assert_eq!(told().await.1, "2024-05-05");
    say("deceasedBoolean", json!(false));
    settled(&clinic, &files, 1).await;
    let (status, on, version) = told().await;
    assert_eq!((status, on), (json!("active"), Value::Null));
    say("deceasedBoolean", json!(true));
    settled(&clinic, &files, 1).await;
    assert_eq!(told().await.0, "deceased");

    // Somebody here knows the day.
    let day = json!({ "deceased_on": "2024-05-06" });
    assert!(told().await.2 > version);
    admin.patch(&path, told().await.2, day).await.expect(200);
    say("deceasedBoolean", json!(false));
    let report = settled(&clinic, &files, 1).await;
    assert_eq!(told().await.0, "deceased");
    assert_eq!(report.kept.len(), 1, "{report}");
    assert!(report.kept[0].reason.contains("has died"), "{report}");
}

#[tokio::test]
async fn what_was_taken_until_a_day_is_not_current_after_it_and_a_proposal_is_no_order() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let files = Files::new();
    let taken = |id: &str, name: &str, period: Value| {
        let more = json!({ "status": "active", "medicationCodeableConcept": { "text": name }, "effectivePeriod": period });
        of_the_visit("MedicationStatement", id, more)
    };
    let order = |id: &str, intent: &str| {
        let more = json!({ "status": "active", "intent": intent, "code": { "text": intent } });
        of_the_visit("ServiceRequest", id, more)
    };
    files.lines(
        "record.ndjson",
        &[
            patient("p1"),
            encounter("e1", "Patient/p1"),
            taken(
                "m1",
                "Lithium",
                json!({ "start": "2017-01-01", "end": "2019" }),
            ),
            taken("m2", "Aspirin", json!({ "start": "2017-01-01" })),
            taken("m3", "Statin", json!({ "end": "2999-01" })),
            order("s1", "proposal"),
            order("s2", "order"),
            of_the_visit(
                "Goal",
                "g1",
                json!({ "lifecycleStatus": "active", "description": { "text": "Walk" } }),
            ),
            of_the_visit(
                "Goal",
                "g2",
                json!({ "lifecycleStatus": "active", "description": { "text": "Sleep" },
                "achievementStatus": { "text": "Not achieved" } }),
            ),
        ],
    );
    run(&clinic, &files.0).await;
    let shown = chart(&clinic, &admin).await;
    let names = |section: &str| {
        let items = shown[section]["items"].as_array().cloned();
        let mut names: Vec<String> = items
            .unwrap_or_default()
            .iter()
            .map(|one| {
                one["name"]
                    .as_str()
                    .or(one["title"].as_str())
                    .unwrap_or_default()
                    .to_owned()
            })
            .collect();
        names.sort();
        names
    };
    assert_eq!(names("medications"), ["Aspirin", "Statin"], "{shown}");
    assert_eq!(names("open_orders"), ["order"], "{shown}");

    let goals = value(&admin, "goals").await;
    let near = |text: &str| {
        let found = goals.iter().find(|one| one["description"] == text);
        found.expect("entered")["achievement"].clone()
    };
    assert_eq!(
        (near("Walk"), near("Sleep")),
        (json!("unknown"), json!("not_achieved"))
    );
}

#[tokio::test]
async fn what_somebody_is_called_is_a_given_name() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let files = Files::new();
    let mut person = patient("p1");
    let nickname = json!({ "use": "nickname", "given": ["Mimi"] });
    person["name"]
        .as_array_mut()
        .expect("a list")
        .push(nickname);
    files.lines("record.ndjson", &[person]);
    run(&clinic, &files.0).await;
    let id = only_patient(&admin).await;
    let person = admin
        .get(format!("/api/v1/patients/{id}"))
        .await
        .expect(200);
    let preferred = &person["names"][1];
    assert_eq!(preferred["given"], json!(["Mimi"]), "{person}");
    assert_eq!(preferred["family"], "Wintheiser4", "{person}");
}
