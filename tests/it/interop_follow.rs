//! Import of what has changed at its source: what is never changed is taken back and stated anew, and what somebody here has gone on
//! with is left alone.

use clinical::documents;
use platform::access::Role;
use platform::db::SystemTx;
use serde_json::{Value, json};

use crate::interop::{Files, patient, run};
use crate::interop_entries::{a_record, allergy, items, of_the_visit, only_patient, snomed};
use crate::support::{Caller, TestTenant};

/// Runs, and then again: nothing is left to do.
pub(crate) async fn settled(
    clinic: &TestTenant,
    files: &Files,
    updated: u64,
) -> interop::import::Report {
    let report = run(clinic, &files.0).await;
    assert_eq!(
        (report.total().updated, report.failed()),
        (updated, 0),
        "{report}"
    );
    let again = run(clinic, &files.0).await;
    let total = again.total();
    assert_eq!((total.created, total.updated), (0, 0), "{again}");
    report
}

pub(crate) async fn value(admin: &Caller, of: &str) -> Vec<Value> {
    let id = only_patient(admin).await;
    items(admin, &id, of).await
}

#[tokio::test]
async fn a_changed_reading_is_taken_back_and_recorded_anew_and_its_neighbour_stands() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let nurse = clinic.user(Role::Nurse).await;
    let files = Files::new();
    let mut record = a_record();
    files.lines("record.ndjson", &record);
    run(&clinic, &files.0).await;
    let before = value(&admin, "vitals").await;
    assert_eq!(before.len(), 1);

    record[6]["component"][0]["valueQuantity"]["value"] = json!(84);
    files.lines("record.ndjson", &record);
    let report = settled(&clinic, &files, 1).await;
    assert!(report.kept.is_empty(), "{report}");
    let id = only_patient(&admin).await;
    let of_set = |set: &Value| {
        format!(
            "/api/v1/patients/{id}/vitals/{}",
            set["id"].as_str().expect("an id")
        )
    };
    let old = admin.get(of_set(&before[0])).await.expect(200);
    let readings = old["readings"].as_array().expect("readings");
    let standing: Vec<&Value> = readings
        .iter()
        .filter(|reading| reading["status"] != "entered_in_error")
        .collect();
    assert_eq!(standing.len(), 1, "the weight stands: {old}");
    assert_eq!(standing[0]["kind"], "weight");
    let now = value(&admin, "vitals").await;
    let new = now
        .iter()
        .find(|set| set["id"] != before[0]["id"])
        .expect("another set");
    assert_eq!(new["readings"].as_array().map(Vec::len), Some(1), "{new}");
    assert_eq!(new["readings"][0]["diastolic"], 84, "{new}");

    // Its source takes it back; and one that a nurse took back stays so.
    record[7]["status"] = json!("entered-in-error");
    files.lines("record.ndjson", &record);
    settled(&clinic, &files, 1).await;
    let team = json!({ "user_id": nurse.user_id, "role": "nurse" });
    admin
        .post(format!("/api/v1/patients/{id}/care-team"), team)
        .await
        .expect(201);
    nurse
        .post(
            format!("{}/withdraw", of_set(new)),
            json!({ "reason": "Another patient's" }),
        )
        .await
        .expect(200);
    record[6]["component"][0]["valueQuantity"]["value"] = json!(86);
    files.lines("record.ndjson", &record);
    let report = settled(&clinic, &files, 1).await;
    assert!(report.kept[0].reason.contains("changed here"), "{report}");
}

#[tokio::test]
async fn social_history_follows_as_a_new_version() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let files = Files::new();
    let mut record = a_record();
    files.lines("record.ndjson", &record);
    run(&clinic, &files.0).await;
    record[8]["valueCodeableConcept"] = snomed("8517006", "Former smoker");
    files.lines("record.ndjson", &record);
    settled(&clinic, &files, 1).await;
    let social = value(&admin, "social-history").await;
    assert_eq!(social.len(), 1);
    assert_eq!(
        (&social[0]["smoking_status"], &social[0]["version"]),
        (&json!("former"), &json!(2))
    );
    record[8]["status"] = json!("entered-in-error");
    files.lines("record.ndjson", &record);
    settled(&clinic, &files, 1).await;
    assert!(value(&admin, "social-history").await.is_empty());
}

#[tokio::test]
async fn a_statement_that_is_made_no_more_is_withdrawn_and_the_next_one_stands() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let files = Files::new();
    let none = |code: &str, status: &str| {
        let mut none = allergy("a1");
        none["code"] = snomed(code, "No known allergy");
        none["clinicalStatus"] = json!({ "coding": [{ "code": status }] });
        none.as_object_mut().expect("an object").remove("reaction");
        none
    };
    let say = |said: Value| files.lines("record.ndjson", &[patient("p1"), said]);
    say(none("716186003", "active"));
    run(&clinic, &files.0).await;
    let statements = "allergy-statements";
    assert_eq!(
        value(&admin, statements).await[0]["statement"],
        "no_known_allergies"
    );

    say(none("409137002", "active"));
    settled(&clinic, &files, 1).await;
    let standing = value(&admin, statements).await;
    assert_eq!(standing.len(), 1, "{standing:?}");
    assert_eq!(standing[0]["statement"], "no_known_drug_allergies");
    let all = value(&admin, "allergy-statements?include_withdrawn=true").await;
    assert_eq!(all.len(), 2);
    assert_eq!(all[1]["withdrawal_reason"], "Corrected at its source.");

    // Now he has one.
    say(allergy("a1"));
    let report = settled(&clinic, &files, 1).await;
    assert_eq!(report.entered.get("allergy"), Some(&1), "{report}");
    assert!(value(&admin, statements).await.is_empty());
    assert_eq!(value(&admin, "allergies").await.len(), 1);

    say(none("716186003", "active"));
    let report = run(&clinic, &files.0).await;
    assert_eq!(report.kept.len(), 1, "it contradicts what stands: {report}");
}

#[tokio::test]
async fn who_leaves_a_team_at_its_source_leaves_it_here_and_others_stay() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let files = Files::new();
    let mut doctors = Vec::new();
    for (number, npi) in ["1234567893", "1245319599"].into_iter().enumerate() {
        let doctor = clinic.user(Role::Provider).await;
        let body = json!({ "user_id": doctor.user_id, "npi": npi, "given_name": "Ada", "family_name": format!("Swift{number}") });
        admin.post("/api/v1/providers", body).await.expect(201);
        doctors.push((doctor, npi));
    }
    let member = |npi: &str| json!({ "member": { "reference": format!("Practitioner?identifier=http://hl7.org/fhir/sid/us-npi|{npi}") } });
    let team = |npis: &[&str], status: &str| {
        let participants: Vec<Value> = npis.iter().map(|npi| member(npi)).collect();
        let mut team = of_the_visit(
            "CareTeam",
            "t1",
            json!({ "status": status, "participant": participants }),
        );
        team.as_object_mut().expect("an object").remove("encounter");
        team
    };
    let practitioner = |npi: &str| {
        json!({ "resourceType": "Practitioner", "id": format!("d{npi}"), "name": [{ "family": "Swift", "given": ["Ada"] }],
            "identifier": [{ "system": "http://hl7.org/fhir/sid/us-npi", "value": npi }] })
    };
    let both = [doctors[0].1, doctors[1].1];
    let say = |team: Value| {
        let people = both.iter().map(|npi| practitioner(npi));
        let all: Vec<Value> = [patient("p1"), team].into_iter().chain(people).collect();
        files.lines("record.ndjson", &all);
    };
    say(team(&both, "active"));
    run(&clinic, &files.0).await;
    let members = async || {
        let page = value(&admin, "care-team").await;
        let mut users: Vec<String> = page
            .iter()
            .map(|one| one["user_id"].as_str().expect("an id").to_owned())
            .collect();
        users.sort();
        users
    };
    let mut expected: Vec<String> = doctors
        .iter()
        .map(|(doctor, _)| doctor.user_id.clone())
        .collect();
    expected.sort();
    assert_eq!(members().await, expected);

    say(team(&both[..1], "active"));
    settled(&clinic, &files, 1).await;
    assert_eq!(members().await, [doctors[0].0.user_id.clone()]);
    say(team(&both, "active"));
    settled(&clinic, &files, 1).await;
    assert_eq!(members().await, expected);
    // Who is on the team for another reason stays when the team ends.
    let id = only_patient(&admin).await;
    let own = json!({ "user_id": doctors[1].0.user_id, "role": "consulting" });
    admin
        .post(format!("/api/v1/patients/{id}/care-team"), own)
        .await
        .expect(201);
    say(team(&both, "inactive"));
    settled(&clinic, &files, 1).await;
    assert_eq!(members().await, [doctors[1].0.user_id.clone()]);
}

#[tokio::test]
async fn a_dose_is_kept_to_its_last_digit_and_one_that_does_not_fit_is_named() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let files = Files::new();
    let dose = |value: &str| {
        let line = format!(
            r#"{{"resourceType":"Immunization","id":"i1","status":"completed","patient":{{"reference":"Patient/p1"}},"vaccineCode":{{"coding":[{{"system":"http://hl7.org/fhir/sid/cvx","code":"140","display":"Influenza"}}]}},"occurrenceDateTime":"2019-02-03","doseQuantity":{{"value":{value},"code":"mL"}}}}"#
        );
        let text = format!("{}\n{line}\n", patient("p1"));
        std::fs::write(files.0.join("record.ndjson"), text).expect("a file");
    };
    dose("0.2500");
    let report = run(&clinic, &files.0).await;
    assert!(report.kept.is_empty(), "{report}");
    assert_eq!(
        value(&admin, "immunizations").await[0]["dose_quantity"],
        0.25
    );
    dose("0.25000000000000000001");
    let report = settled(&clinic, &files, 1).await;
    assert!(
        report.kept[0].reason.contains("/doseQuantity/value"),
        "{report}"
    );
    assert!(value(&admin, "immunizations").await[0]["dose_quantity"].is_null());
}

#[tokio::test]
async fn content_stored_by_somebody_who_died_is_swept_up_and_what_is_filed_is_not() {
    let clinic = TestTenant::new().await;
    let app = &clinic.app;
    let store = async || {
        let mut tx = SystemTx::begin(&app.db, clinic.id).await.expect("begun");
        let name = documents::reserve_in_tx(&mut tx, 1, app.clock.now())
            .await
            .expect("reserved")
            .remove(0);
        tx.commit().await.expect("committed");
        let content = "As long as it is somebody's".into();
        documents::store_content(
            &app.files,
            (clinic.id, name),
            ("a.txt", "text/plain"),
            content,
        )
        .await
        .expect("stored")
    };
    let there = async |stored: &documents::Stored| {
        let name = platform::files::ObjectName {
            tenant: clinic.id,
            id: stored.version().into(),
        };
        app.files.objects.exists(name).await.expect("asked")
    };
    let file = async |stored: &documents::Stored, patient: kernel::ids::PatientId| {
        let label = serde_json::from_value(json!({ "category": "clinical", "kind": "other", "title": "Letter", "document_date": "2020-01-01" }))
            .expect("a label");
        let mut tx = SystemTx::begin(&app.db, clinic.id).await.expect("begun");
        let origin = documents::Origin {
            imported: true,
            released_at: None,
        };
        let with = (&app.files, &app.tenant_keys);
        documents::file_in_tx(
            &mut tx,
            with,
            patient,
            &label,
            origin,
            stored,
            app.clock.now(),
        )
        .await?;
        tx.commit().await
    };
    let admin = clinic.user(Role::Admin).await;
    let patient = clinic.patient(&admin).await.parse().expect("an id");
    let patient = kernel::ids::PatientId(patient);
    let (orphan, filed, late) = (store().await, store().await, store().await);
    file(&filed, patient).await.expect("filed");
    documents::round(app, clinic.id).await.expect("swept");
    assert!(there(&orphan).await, "its day is not over");

    let mut connection = clinic.behind_the_curtain().await;
    let passed = sqlx::query("update app.file_removals set noted_at = noted_at - interval '25 hours' where tenant_id = $1")
        .bind(clinic.id.0)
        .execute(&mut connection)
        .await
        .expect("a day later");
    assert_eq!(
        passed.rows_affected(),
        2,
        "what is filed is not noted any more"
    );
    documents::round(app, clinic.id).await.expect("swept");
    assert!(!there(&orphan).await && !there(&late).await);
    assert!(there(&filed).await);
    let refused = file(&late, patient).await.expect_err("its content is gone");
    assert_eq!(refused.kind(), kernel::Kind::Unavailable);
}
