//! Import of what can't be entered, or not as it came: what is true of it stands in the chart, and of the rest the chart says that it is
//! there.

use platform::access::Role;
use serde_json::{Value, json};

use crate::interop::{Files, encounter, patient, run};
use crate::interop_entries::{
    allergy, condition, items, loinc, of_the_visit, only_patient, snomed, vital,
};
use crate::interop_follow::{settled, value};
use crate::support::{Caller, TestTenant};

/// A provider who sees the patient.
async fn doctor_of(clinic: &TestTenant, admin: &Caller, patient: &str) -> Caller {
    let doctor = clinic.user(Role::Provider).await;
    let team = json!({ "user_id": doctor.user_id, "role": "primary_care" });
    admin
        .post(format!("/api/v1/patients/{patient}/care-team"), team)
        .await
        .expect(201);
    doctor
}

#[tokio::test]
async fn a_problem_in_words_stands_on_the_list_and_whoever_amends_it_codes_it() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let files = Files::new();
    let mut worded = condition("c1", "encounter-diagnosis");
    worded["code"] = json!({ "text": "Feels unwell" });
    let mut same = condition("c2", "problem-list-item");
    same["code"] = json!({ "text": "feels unwell" });
    let mut foreign = condition("c3", "problem-list-item");
    foreign["code"] = json!({ "coding": [{ "system": "http://hl7.org/fhir/sid/icd-9-cm", "code": "473.9", "display": "Sinusitis" }] });
    let mut slip = condition("c4", "problem-list-item");
    slip["code"] = snomed("40055001", "Sinusitis, chronic");
    files.lines(
        "record.ndjson",
        &[
            patient("p1"),
            encounter("e1", "Patient/p1"),
            worded,
            same,
            foreign,
            slip,
        ],
    );
    let report = run(&clinic, &files.0).await;
    assert_eq!(report.failed(), 0, "{report}");
    let problems = value(&admin, "problems").await;
    let mut names: Vec<&str> = problems
        .iter()
        .map(|one| one["name"].as_str().expect("a name"))
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["Feels unwell", "Sinusitis", "Sinusitis, chronic"]);
    for problem in &problems {
        assert!(
            problem["icd10cm"].is_null() && problem["snomed"].is_null(),
            "{problem}"
        );
    }
    let again = run(&clinic, &files.0).await;
    let total = again.total();
    assert_eq!((total.created, total.updated), (0, 0), "{again}");

    let id = only_patient(&admin).await;
    let doctor = doctor_of(&clinic, &admin, &id).await;
    // The same again is in no way missing.
    let chart = doctor
        .get(format!("/api/v1/patients/{id}/chart"))
        .await
        .expect(200);
    assert_eq!(chart["imported_not_entered"], json!([]), "{chart}");
    let sinusitis = problems.iter().find(|one| one["name"] == "Sinusitis");
    let sinusitis = sinusitis.expect("there");
    let place = format!(
        "/api/v1/patients/{id}/problems/{}",
        sinusitis["id"].as_str().expect("an id")
    );
    let refused = doctor.patch(&place, 1, json!({ "severity": "mild" })).await;
    assert_eq!(refused.pointers(), ["/icd10cm"]);
    let coded = json!({ "severity": "mild", "snomed": "40055000" });
    let coded = doctor.patch(&place, 1, coded).await.expect(200);
    assert_eq!(coded["name"], "Sinusitis");
}

#[tokio::test]
async fn what_could_not_be_entered_is_counted_in_the_chart_and_found_from_there() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let files = Files::new();
    let mut unsaid = condition("c1", "problem-list-item");
    unsaid["code"] = json!({ "coding": [{ "system": "urn:local", "code": "X" }] });
    let mut unread = allergy("a1");
    unread["code"] = json!({ "coding": [{ "system": "urn:local", "code": "Y" }] });
    let record = |unread: Value| {
        let all = [
            patient("p1"),
            encounter("e1", "Patient/p1"),
            unsaid.clone(),
            unread,
            vital("impossible", "8310-5", 98.6, "Cel"),
            // Needs no entry.
            vital("bmi", "39156-5", 22.4, "kg/m2"),
            vital("weight", "29463-7", 71.3, "kg"),
        ];
        files.lines("record.ndjson", &all);
    };
    record(unread.clone());
    run(&clinic, &files.0).await;
    let id = only_patient(&admin).await;
    let doctor = doctor_of(&clinic, &admin, &id).await;
    let chart = async || {
        let place = format!("/api/v1/patients/{id}/chart");
        doctor.get(place).await.expect(200)
    };
    let shown = chart().await;
    let told = shown["imported_not_entered"].as_array().expect("a list");
    let counted: Vec<Value> = told
        .iter()
        .map(|kind| json!([kind["resource_type"], kind["total"]]))
        .collect();
    let expected = [
        json!(["AllergyIntolerance", 1]),
        json!(["Condition", 1]),
        json!(["Observation", 1]),
    ];
    assert_eq!(counted, expected, "{told:?}");
    for (kind, source) in told.iter().zip(["a1", "c1", "impossible"]) {
        let href = kind["href"].as_str().expect("a place");
        let page = doctor.get(href).await.expect(200);
        let found = page["items"].as_array().expect("items");
        assert_eq!(found.len(), 1, "{page}");
        assert_eq!(found[0]["source_id"], source);
        assert!(found[0]["reason"].is_string(), "{page}");
    }
    // Nobody takes the allergies that are told for all there are.
    assert_eq!(shown["patient"]["allergies"]["imported_not_entered"], 1);
    let summary = format!("/api/v1/patients/{id}/allergy-summary");
    let summary = doctor.get(summary).await.expect(200);
    assert_eq!(summary["imported_not_entered"], 1, "{summary}");
    let then =
        format!("/api/v1/patients/{id}/imported-resources?not_entered=true&as_of=2024-01-01");
    let refused = doctor.get(then).await;
    assert_eq!(refused.pointers(), ["?not_entered"]);

    unread["code"] = json!({ "text": "Peanut" });
    record(unread);
    settled(&clinic, &files, 1).await;
    let shown = chart().await;
    assert_eq!(shown["patient"]["allergies"]["imported_not_entered"], 0);
    let told = shown["imported_not_entered"].as_array().expect("a list");
    assert_eq!(told.len(), 2, "{told:?}");
}

#[tokio::test]
async fn a_procedure_of_which_only_the_end_is_known_was_done_by_then() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let files = Files::new();
    let done = |id: &str, code: &str, end: &str| {
        let more = json!({ "status": "completed", "code": snomed(code, "Assessment"), "performedPeriod": { "end": end } });
        of_the_visit("Procedure", id, more)
    };
    files.lines(
        "record.ndjson",
        &[
            patient("p1"),
            encounter("e1", "Patient/p1"),
            done("pr1", "710824005", "2019-02"),
            done("pr2", "710841007", "2019-02-03T17:00:00-05:00"),
        ],
    );
    let report = run(&clinic, &files.0).await;
    assert!(report.kept.is_empty(), "{report}");
    let procedures = value(&admin, "procedures").await;
    let of = |code: &str| {
        let found = procedures.iter().find(|one| one["code"] == code);
        found.expect("entered")
    };
    assert_eq!(of("710824005")["performed_on"], "2019-02");
    let exact = of("710841007");
    assert_eq!(exact["performed_on"], "2019-02-03");
    assert!(exact["performed_start"].is_null(), "{exact}");
    let note = exact["note"].as_str().expect("a note");
    assert!(note.contains("2019-02-03T17:00:00-05:00"), "{note}");
}

#[tokio::test]
async fn two_halves_of_a_blood_pressure_make_one_and_one_half_waits_for_the_other() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let files = Files::new();
    let half = |id: &str, code: &str, value: f64| {
        let mut one = vital(id, code, value, "mm[Hg]");
        one["device"] = json!({ "display": "Monitor 7" });
        one
    };
    let systolic = half("s1", "8480-6", 128.0);
    files.lines(
        "a.ndjson",
        &[
            patient("p1"),
            encounter("e1", "Patient/p1"),
            systolic.clone(),
        ],
    );
    let report = run(&clinic, &files.0).await;
    assert_eq!(report.kept.len(), 1, "{report}");
    assert!(report.kept[0].reason.contains("other half"), "{report}");

    // Of another device, and so of another pressure.
    let mut elsewhere = half("d2", "8462-4", 70.0);
    elsewhere["device"] = json!({ "display": "Monitor 8" });
    files.lines("b.ndjson", &[half("d1", "8462-4", 82.0), elsewhere]);
    run(&clinic, &files.0).await;
    let readings = async || {
        let sets = value(&admin, "vitals").await;
        let readings = sets.iter().flat_map(|set| {
            let readings = set["readings"].as_array().cloned();
            readings.unwrap_or_default()
        });
        let mut told: Vec<Value> = readings
            .filter(|one| one["status"] == "final")
            .map(|one| json!([one["kind"], one["systolic"], one["diastolic"]]))
            .collect();
        told.sort_by_key(Value::to_string);
        told
    };
    assert_eq!(readings().await, [json!(["blood_pressure", 128, 82])]);
    let id = only_patient(&admin).await;
    let entries = async || {
        let found = items(&admin, &id, "imported-resources?type=Observation").await;
        let entry = |source: &str| {
            let one = found.iter().find(|one| one["source_id"] == source);
            one.expect("there")["entry_id"].clone()
        };
        (entry("s1"), entry("d1"), entry("d2"))
    };
    let (one, other, alone) = entries().await;
    assert!(one.is_string() && one == other && alone.is_null());
    let again = run(&clinic, &files.0).await;
    let total = again.total();
    assert_eq!((total.created, total.updated), (0, 0), "{again}");
    assert_eq!(again.looked_at_again, 0, "{again}");

    // What both say anew is one reading again, and the old one is taken back.
    let mut corrected = systolic;
    corrected["valueQuantity"]["value"] = json!(138);
    files.lines(
        "a.ndjson",
        &[
            patient("p1"),
            encounter("e1", "Patient/p1"),
            corrected.clone(),
        ],
    );
    settled(&clinic, &files, 1).await;
    assert_eq!(readings().await, [json!(["blood_pressure", 138, 82])]);
    let (now, other, _) = entries().await;
    assert!(now != one && now == other, "{now} {other}");
    corrected["status"] = json!("entered-in-error");
    files.lines(
        "a.ndjson",
        &[patient("p1"), encounter("e1", "Patient/p1"), corrected],
    );
    settled(&clinic, &files, 1).await;
    assert!(readings().await.is_empty());
}

#[tokio::test]
async fn oxygen_that_was_given_is_a_reading_that_a_score_asks_for_and_follows_its_source() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let files = Files::new();
    let say = |flow: f64, status: &str| {
        let mut saturation = vital("v1", "59408-5", 94.0, "%");
        saturation["status"] = json!(status);
        saturation["component"] = json!([{ "code": loinc("3151-8"), "valueQuantity": { "value": flow, "code": "L/min" } }]);
        let all = [patient("p1"), encounter("e1", "Patient/p1"), saturation];
        files.lines("record.ndjson", &all);
    };
    say(2.0, "final");
    let report = run(&clinic, &files.0).await;
    assert!(report.kept.is_empty(), "{report}");
    assert!(!report.to_string().contains("/component"), "{report}");
    let told = async || {
        let sets = value(&admin, "vitals").await;
        let set = sets
            .iter()
            .find(|set| set["readings"][0]["status"] == "final");
        let set = set.cloned().unwrap_or_default();
        let readings = set["readings"].as_array().cloned().unwrap_or_default();
        let kinds: Vec<Value> = readings
            .iter()
            .map(|one| json!([one["kind"], one["value"]]))
            .collect();
        let parts = set["derived"]["news2"]["parts"].as_array().cloned();
        let given = parts.unwrap_or_default().into_iter();
        let given = given
            .filter(|one| one["part"] == "supplemental_oxygen")
            .map(|one| one["points"].clone());
        (kinds, given.collect::<Vec<Value>>())
    };
    let expected = |flow: u8| {
        let kinds = vec![
            json!(["oxygen_saturation", 94]),
            json!(["inhaled_oxygen_flow", flow]),
        ];
        (kinds, vec![json!(2)])
    };
    let sorted = |(mut kinds, given): (Vec<Value>, Vec<Value>)| {
        kinds.sort_by_key(Value::to_string);
        (kinds, given)
    };
    assert_eq!(sorted(told().await), sorted(expected(2)));
    say(4.0, "final");
    settled(&clinic, &files, 1).await;
    assert_eq!(sorted(told().await), sorted(expected(4)));
    say(4.0, "entered-in-error");
    settled(&clinic, &files, 1).await;
    assert_eq!(told().await, (Vec::new(), Vec::new()));
}

#[tokio::test]
async fn an_instant_in_utc_is_of_the_day_it_was_where_the_organisation_is() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let zone = json!({ "time_zone": "America/New_York" });
    admin.patch("/api/v1/tenant", 1, zone).await.expect(200);
    let files = Files::new();
    let mut evening = condition("c1", "problem-list-item");
    evening["onsetDateTime"] = json!("2018-08-12T02:30:00Z");
    let mut midnight = condition("c2", "problem-list-item");
    midnight["code"] = snomed("38341003", "Hypertension");
    midnight["onsetDateTime"] = json!("2018-08-12T00:00:00.000Z");
    let dose = json!({ "resourceType": "Immunization", "id": "i1", "status": "completed", "patient": { "reference": "Patient/p1" },
        "vaccineCode": { "coding": [{ "system": "http://hl7.org/fhir/sid/cvx", "code": "140", "display": "Influenza" }] },
        "occurrenceDateTime": "2019-02-04T01:00:00Z", "primarySource": true });
    let mut dead = patient("p1");
    dead["deceasedDateTime"] = json!("2024-05-06T03:00:00Z");
    files.lines(
        "record.ndjson",
        &[dead, encounter("e1", "Patient/p1"), evening, midnight, dose],
    );
    let report = run(&clinic, &files.0).await;
    assert_eq!(report.failed(), 0, "{report}");
    let problems = value(&admin, "problems").await;
    let onset = |code: &str| {
        let found = problems.iter().find(|one| one["snomed"] == code);
        found.expect("entered")["onset"].clone()
    };
    assert_eq!(onset("40055000"), "2018-08-11");
    assert_eq!(onset("38341003"), "2018-08-12", "a day alone");
    let doses = value(&admin, "immunizations").await;
    assert_eq!(doses[0]["occurred_on"], "2019-02-03");
    let id = only_patient(&admin).await;
    let person = admin.get(format!("/api/v1/patients/{id}")).await;
    assert_eq!(person.expect(200)["deceased_on"], "2024-05-05");
}

#[tokio::test]
async fn an_entry_whose_merge_was_taken_back_follows_its_source_again() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let files = Files::new();
    let mut record = vec![
        patient("p1"),
        encounter("e1", "Patient/p1"),
        condition("c1", "problem-list-item"),
    ];
    files.lines("record.ndjson", &record);
    run(&clinic, &files.0).await;
    let merged = only_patient(&admin).await;
    let survivor = clinic.patient(&admin).await;
    let doctor = doctor_of(&clinic, &admin, &survivor).await;
    // The same stands open there: what comes from the other gives way.
    doctor
        .post(
            format!("/api/v1/patients/{survivor}/problems"),
            json!({ "snomed": "40055000", "name": "Chronic sinusitis" }),
        )
        .await
        .expect(201);
    admin
        .post(
            format!("/api/v1/patients/{survivor}/merge"),
            json!({ "duplicate_id": merged, "reason": "The same passport" }),
        )
        .await
        .expect(200);
    admin
        .post(
            format!("/api/v1/patients/{merged}/unmerge"),
            json!({ "reason": "Father and son" }),
        )
        .await
        .expect(200);
    record[2]["onsetDateTime"] = json!("2017-01-02");
    files.lines("record.ndjson", &record);
    let report = settled(&clinic, &files, 1).await;
    assert!(report.kept.is_empty(), "{report}");
    let problems = items(&admin, &merged, "problems").await;
    assert_eq!(problems[0]["onset"], "2017-01-02", "{problems:?}");
}
