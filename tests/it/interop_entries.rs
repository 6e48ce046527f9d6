//! Import into the chart: what becomes an entry, what is kept, and that it says why.

use std::path::Path;

use interop::import::{self, KEPT, Options, Report};
use platform::access::Role;
use serde_json::{Value, json};
use sqlx::Row;

use crate::interop::{Files, encounter, patient, run};
use crate::support::{Caller, TestTenant};

pub(crate) fn loinc(code: &str) -> Value {
    json!({ "coding": [{ "system": "http://loinc.org", "code": code, "display": "Asked" }] })
}

pub(crate) fn snomed(code: &str, display: &str) -> Value {
    json!({ "coding": [{ "system": "http://snomed.info/sct", "code": code, "display": display }] })
}

/// A resource of the patient p1 in the encounter e1.
pub(crate) fn of_the_visit(resource_type: &str, id: &str, more: Value) -> Value {
    let mut value = json!({ "resourceType": resource_type, "id": id, "subject": { "reference": "Patient/p1" },
        "encounter": { "reference": "Encounter/e1" } });
    if let (Some(value), Value::Object(more)) = (value.as_object_mut(), more) {
        value.extend(more);
    }
    value
}

pub(crate) fn condition(id: &str, category: &str) -> Value {
    of_the_visit(
        "Condition",
        id,
        json!({ "category": [{ "coding": [{ "code": category }] }], "clinicalStatus": { "coding": [{ "code": "active" }] },
            "code": snomed("40055000", "Chronic sinusitis"), "onsetDateTime": "2018-08-12T17:43:59-05:00" }),
    )
}

pub(crate) fn allergy(id: &str) -> Value {
    json!({ "resourceType": "AllergyIntolerance", "id": id, "patient": { "reference": "Patient/p1" }, "category": ["food"],
        "criticality": "high", "code": { "text": "Peanut" },
        "reaction": [{ "severity": "severe", "manifestation": [{ "text": "Anaphylaxis" }] }] })
}

pub(crate) fn vital(id: &str, code: &str, value: f64, unit: &str) -> Value {
    of_the_visit(
        "Observation",
        id,
        json!({ "status": "final", "category": [{ "coding": [{ "code": "vital-signs" }] }], "code": loinc(code),
            "effectiveDateTime": "2019-02-03T16:50:00-05:00", "valueQuantity": { "value": value, "code": unit } }),
    )
}

fn pressure(id: &str) -> Value {
    let part = |code: &str, value: i32| json!({ "code": loinc(code), "valueQuantity": { "value": value, "code": "mm[Hg]" } });
    let mut whole = vital(id, "85354-9", 0.0, "");
    if let Some(whole) = whole.as_object_mut() {
        whole.remove("valueQuantity");
        whole.insert(
            "component".into(),
            json!([part("8462-4", 82), part("8480-6", 128)]),
        );
    }
    whole
}

/// One of each kind that has a place in the chart.
pub(crate) fn a_record() -> Vec<Value> {
    vec![
        patient("p1"),
        encounter("e1", "Patient/p1"),
        condition("c1", "encounter-diagnosis"),
        allergy("a1"),
        of_the_visit(
            "Procedure",
            "pr1",
            json!({ "status": "completed", "code": snomed("710824005", "Assessment of needs"),
                "performedPeriod": { "start": "2019-02-03T16:50:00-05:00", "end": "2019-02-03T17:00:00-05:00" } }),
        ),
        json!({ "resourceType": "Immunization", "id": "i1", "status": "completed", "patient": { "reference": "Patient/p1" },
            "vaccineCode": { "coding": [{ "system": "http://hl7.org/fhir/sid/cvx", "code": "140", "display": "Influenza" }] },
            "occurrenceDateTime": "2019-02-03T16:50:00-05:00", "primarySource": true }),
        pressure("v1"),
        vital("v2", "29463-7", 71.3, "kg"),
        of_the_visit(
            "Observation",
            "s1",
            json!({ "status": "final", "category": [{ "coding": [{ "code": "survey" }] }], "code": loinc("72166-2"),
                "effectiveDateTime": "2019-02-03", "valueCodeableConcept": snomed("266919005", "Never smoked") }),
        ),
        of_the_visit(
            "CarePlan",
            "cp1",
            json!({ "status": "active", "intent": "order", "title": "Diabetes care", "period": { "start": "2019-02-03" },
                "activity": [{ "detail": { "status": "in-progress", "description": "Walk each day" } }] }),
        ),
        of_the_visit(
            "Goal",
            "g1",
            json!({ "lifecycleStatus": "active", "description": { "text": "Sleep through the night" } }),
        ),
    ]
}

pub(crate) async fn only_patient(admin: &Caller) -> String {
    let found = admin
        .get("/api/v1/patients?family=wint&ssn=999336284")
        .await
        .expect(200);
    found["items"][0]["id"].as_str().expect("an id").to_owned()
}

pub(crate) async fn items(admin: &Caller, patient: &str, of: &str) -> Vec<Value> {
    let page = admin
        .get(format!("/api/v1/patients/{patient}/{of}"))
        .await
        .expect(200);
    page["items"].as_array().cloned().unwrap_or_default()
}

fn after(report: &Report, kind: &str) -> u64 {
    report.standing.get(kind).map_or(0, |counts| counts.1)
}

#[tokio::test]
async fn a_record_from_elsewhere_stands_in_the_chart_and_a_second_run_changes_nothing() {
    let clinic = TestTenant::new().await;
    let files = Files::new();
    files.lines("record.ndjson", &a_record());
    let report = run(&clinic, &files.0).await;
    assert_eq!(
        (report.total().created, report.failed()),
        (11, 0),
        "{report}"
    );
    assert!(report.reasons.is_empty(), "{report}");
    for (kind, count) in [
        ("problem", 1),
        ("allergy", 1),
        ("procedure", 1),
        ("immunization", 1),
        ("vitals", 2),
        ("social_history", 1),
        ("care_plan", 1),
        ("goal", 1),
        (KEPT, 0),
    ] {
        assert_eq!(after(&report, kind), count, "{kind}: {report}");
    }

    let admin = clinic.user(Role::Admin).await;
    let id = only_patient(&admin).await;
    let problems = items(&admin, &id, "problems").await;
    assert_eq!(problems[0]["snomed"], "40055000");
    assert_eq!(problems[0]["onset"], "2018-08-12");
    assert!(problems[0]["recorded_by"].is_null());
    assert_eq!(
        items(&admin, &id, "allergies").await[0]["severity"],
        "severe"
    );
    assert_eq!(
        items(&admin, &id, "procedures").await[0]["status"],
        "completed"
    );
    let doses = items(&admin, &id, "immunizations").await;
    assert_eq!(doses[0]["source"], "other_provider", "nobody here gave it");
    let sets = items(&admin, &id, "vitals").await;
    assert_eq!(
        sets.len(),
        1,
        "readings of one moment are one set: {sets:?}"
    );
    assert_eq!(sets[0]["readings"].as_array().map(Vec::len), Some(2));
    let social = items(&admin, &id, "social-history").await;
    assert_eq!(social[0]["smoking_status"], "never");
    assert_eq!(
        items(&admin, &id, "care-plans").await[0]["status"],
        "active"
    );
    assert_eq!(items(&admin, &id, "goals").await[0]["status"], "active");
    let visit = items(&admin, &id, "encounters").await[0]["id"].clone();
    let visit = visit.as_str().expect("an id");
    let diagnoses = items(&admin, &id, &format!("encounters/{visit}/diagnoses")).await;
    assert_eq!(diagnoses[0]["snomed"], "40055000");

    let again = run(&clinic, &files.0).await;
    let total = again.total();
    assert_eq!(
        (total.created, total.updated, total.skipped),
        (0, 0, 11),
        "{again}"
    );
    assert!(again.entered.is_empty(), "{again}");
    assert_eq!(items(&admin, &id, "problems").await.len(), 1);
}

#[tokio::test]
async fn what_can_not_be_entered_is_kept_with_its_reason_and_the_rest_is_entered() {
    let clinic = TestTenant::new().await;
    let files = Files::new();
    let mut uncoded = condition("c2", "problem-list-item");
    uncoded["code"] = json!({ "coding": [{ "system": "urn:local", "code": "X" }] });
    let mut mistaken = condition("c3", "problem-list-item");
    mistaken["verificationStatus"] = json!({ "coding": [{ "code": "entered-in-error" }] });
    files.lines(
        "record.ndjson",
        &[
            patient("p1"),
            encounter("e1", "Patient/p1"),
            condition("c1", "problem-list-item"),
            uncoded,
            mistaken,
            vital("impossible", "8310-5", 98.6, "Cel"),
            vital("unusual", "8867-4", 190.0, "/min"),
            vital("bmi", "39156-5", 22.4, "kg/m2"),
            vital("unknown", "99999-9", 1.0, "kg"),
        ],
    );
    let report = run(&clinic, &files.0).await;
    assert_eq!(report.failed(), 0, "{report}");
    assert_eq!(after(&report, "problem"), 1, "{report}");
    assert_eq!(
        after(&report, "vitals"),
        1,
        "unusual is what it was: {report}"
    );
    assert_eq!(after(&report, KEPT), 5, "{report}");
    let kept: Vec<&str> = report
        .kept
        .iter()
        .filter_map(|one| one.id.as_deref())
        .collect();
    assert_eq!(kept, ["c2", "impossible", "unknown"], "{report}");
    assert!(
        !report.to_string().contains("98.6"),
        "no value in a report: {report}"
    );

    let admin = clinic.user(Role::Admin).await;
    let id = only_patient(&admin).await;
    let resources = items(&admin, &id, "imported-resources").await;
    assert_eq!(resources.len(), 7);
    for resource in &resources {
        let (entry, reason) = (&resource["entry_id"], &resource["reason"]);
        assert_ne!(
            entry.is_null(),
            reason.is_null(),
            "one of the two: {resource}"
        );
    }
    let again = run(&clinic, &files.0).await;
    assert_eq!(
        (again.total().created, again.total().updated),
        (0, 0),
        "{again}"
    );
}

#[tokio::test]
async fn what_was_kept_without_being_looked_at_is_entered_by_a_later_run_without_files() {
    let clinic = TestTenant::new().await;
    let files = Files::new();
    files.lines("record.ndjson", &[patient("p1")]);
    run(&clinic, &files.0).await;
    let admin = clinic.user(Role::Admin).await;
    let id = only_patient(&admin).await;
    let mut connection = clinic.behind_the_curtain().await;
    // As the version before this one left them: kept, and nobody has looked.
    for resource in &a_record()[9..] {
        sqlx::query(
            "insert into app.imported_resources (tenant_id, id, resource_type, source_id, patient_id, content, content_hash,
                    created_at, updated_at)
             values ($1, $2, $3, $4, $5::uuid, $6, 'old', now(), now())",
        )
        .bind(clinic.id.0)
        .bind(kernel::ids::mint())
        .bind(resource["resourceType"].as_str())
        .bind(resource["id"].as_str())
        .bind(&id)
        .bind(resource)
        .execute(&mut connection)
        .await
        .expect("kept");
    }
    let report = import::fhir(&clinic.app, clinic.id, &[], Options::default())
        .await
        .expect("an import ends");
    assert_eq!(report.looked_at_again, 2, "{report}");
    assert_eq!(report.standing["goal"], (0, 1), "{report}");
    assert_eq!(report.standing[KEPT], (2, 0), "{report}");
    assert_eq!(items(&admin, &id, "goals").await.len(), 1);
    let again = import::fhir(&clinic.app, clinic.id, &[], Options::default())
        .await
        .expect("an import ends");
    assert_eq!(again.looked_at_again, 0, "{again}");
}

#[tokio::test]
async fn an_entry_follows_its_source_until_somebody_here_goes_on_with_it() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let doctor = clinic.user(Role::Provider).await;
    let files = Files::new();
    files.lines("record.ndjson", &a_record());
    run(&clinic, &files.0).await;
    let id = only_patient(&admin).await;
    let mut record = a_record();
    record[2]["clinicalStatus"]["coding"][0]["code"] = json!("resolved");
    record[9]["title"] = json!("Another care");
    files.lines("record.ndjson", &record);
    let report = run(&clinic, &files.0).await;
    assert_eq!(
        (report.total().updated, report.kept.len()),
        (2, 0),
        "{report}"
    );
    let plan = &items(&admin, &id, "care-plans").await[0];
    assert_eq!(
        (&plan["title"], &plan["version"]),
        (&json!("Another care"), &json!(2))
    );
    let problems = items(&admin, &id, "problems").await;
    assert_eq!(
        (problems.len(), &problems[0]["status"]),
        (1, &json!("resolved"))
    );
    let again = run(&clinic, &files.0).await;
    assert_eq!(
        (again.total().created, again.total().updated),
        (0, 0),
        "{again}"
    );

    let team = json!({ "user_id": doctor.user_id, "role": "primary_care" });
    admin
        .post(format!("/api/v1/patients/{id}/care-team"), team)
        .await
        .expect(201);
    let place = format!(
        "/api/v1/patients/{id}/care-plans/{}",
        plan["id"].as_str().expect("an id")
    );
    doctor
        .patch(&place, 2, json!({ "title": "Our care" }))
        .await
        .expect(200);
    record[9]["title"] = json!("A third care");
    files.lines("record.ndjson", &record);
    let report = run(&clinic, &files.0).await;
    assert!(report.kept[0].reason.contains("changed here"), "{report}");
    assert_eq!(
        items(&admin, &id, "care-plans").await[0]["title"],
        "Our care"
    );
}

#[tokio::test]
async fn what_comes_for_a_merged_registration_goes_to_the_one_that_has_everything() {
    let clinic = TestTenant::new().await;
    let files = Files::new();
    files.lines(
        "first.ndjson",
        &[patient("p1"), encounter("e1", "Patient/p1")],
    );
    run(&clinic, &files.0).await;
    let admin = clinic.user(Role::Admin).await;
    let merged = only_patient(&admin).await;
    let survivor = clinic.patient(&admin).await;
    admin
        .post(
            format!("/api/v1/patients/{survivor}/merge"),
            json!({ "duplicate_id": merged, "reason": "The same passport" }),
        )
        .await
        .expect(200);
    files.lines("second.ndjson", &[condition("c1", "problem-list-item")]);
    let report = run(&clinic, &files.0).await;
    assert_eq!(
        (report.failed(), after(&report, "problem")),
        (0, 1),
        "{report}"
    );
    assert_eq!(items(&admin, &survivor, "problems").await.len(), 1);
    let again = run(&clinic, &files.0).await;
    assert_eq!(
        (again.total().created, again.total().updated),
        (0, 0),
        "{again}"
    );
}

#[tokio::test]
async fn records_made_by_others_stand_in_the_chart_or_say_why_not() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/synthea-r4");
    if !folder.is_dir() {
        eprintln!("skipped: no {}", folder.display());
        return;
    }
    let clinic = TestTenant::new().await;
    let report = run(&clinic, &folder).await;
    for kind in [
        "problem",
        "allergy",
        "procedure",
        "immunization",
        "vitals",
        "social_history",
        "care_plan",
    ] {
        assert!(after(&report, kind) > 0, "{kind}: {report}");
    }
    let mut connection = clinic.behind_the_curtain().await;
    let silent: i64 = sqlx::query(
        "select count(*) from app.imported_resources where tenant_id = $1 and entry_id is null and reason is null
            and resource_type in ('AllergyIntolerance', 'CarePlan', 'CareTeam', 'Condition', 'Goal', 'Immunization', 'Observation',
                                  'Procedure')",
    )
    .bind(clinic.id.0)
    .fetch_one(&mut connection)
    .await
    .expect("a count")
    .get(0);
    assert_eq!(silent, 0, "{report}");
}

#[tokio::test]
async fn what_is_known_by_its_month_or_year_is_told_so_wherever_it_is_told() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let files = Files::new();
    let said = |mut value: Value, date: &str| {
        value["effectiveDateTime"] = json!(date);
        value
    };
    let smoking = of_the_visit(
        "Observation",
        "s1",
        json!({ "status": "final", "category": [{ "coding": [{ "code": "social-history" }] }], "code": loinc("72166-2"),
            "valueCodeableConcept": snomed("266919005", "Never smoked tobacco") }),
    );
    files.lines(
        "record.ndjson",
        &[
            patient("p1"),
            encounter("e1", "Patient/p1"),
            said(vital("v1", "29463-7", 71.3, "kg"), "2025-03"),
            // The same moment, known to the second: another set.
            said(
                vital("v2", "8302-2", 178.0, "cm"),
                "2025-03-01T00:00:00-05:00",
            ),
            said(vital("v3", "8867-4", 66.0, "/min"), "2024-11-02"),
            said(smoking, "2015"),
        ],
    );
    let first = run(&clinic, &files.0).await;
    assert_eq!(first.failed(), 0, "{first}");
    let id = only_patient(&admin).await;
    let known = |one: &Value, member: &str| one[member].as_str().map(str::to_owned);
    let of = |kind: &str| match kind {
        "weight" => Some("2025-03".to_owned()),
        "heart_rate" => Some("2024-11-02".to_owned()),
        _ => None,
    };
    let sets = items(&admin, &id, "vitals").await;
    assert_eq!(sets.len(), 3, "{sets:?}");
    for set in &sets {
        let kind = set["readings"][0]["kind"].as_str().expect("a kind");
        assert_eq!(known(set, "measured_on"), of(kind), "{set}");
    }
    let chart = admin.get(format!("/api/v1/patients/{id}/chart")).await;
    let chart = chart.expect(200)["vitals"]["items"].clone();
    let latest = admin.get(format!(
        "/api/v1/patients/{id}/vitals/latest?since=2020-01-01T00:00:00Z"
    ));
    let latest = latest.await.expect(200)["readings"].clone();
    for shown in [chart, latest] {
        let shown = shown.as_array().expect("readings").clone();
        assert_eq!(shown.len(), 3, "{shown:?}");
        for one in shown {
            let kind = one["kind"].as_str().expect("a kind");
            assert_eq!(known(&one, "measured_on"), of(kind), "{one}");
        }
    }
    let social = items(&admin, &id, "social-history").await.remove(0);
    assert_eq!(known(&social, "effective_on"), Some("2015".to_owned()));
    let now = clinic.clock.now().format("%Y-%m-%dT%H:%M:%S%.6fZ");
    for query in [String::new(), format!("&as_of={now}")] {
        let path = format!("timeline?types=vitals,social_history{query}");
        let mut dates: Vec<_> = items(&admin, &id, &path)
            .await
            .iter()
            .map(|event| (event["date_only"].clone(), known(event, "date")))
            .collect();
        dates.sort_by_key(|(_, date)| date.clone());
        let told = |date: &str| (json!(true), Some(date.to_owned()));
        assert_eq!(
            dates,
            [
                (json!(false), None),
                told("2015"),
                told("2024-11-02"),
                told("2025-03")
            ]
        );
    }
    let path = format!("/api/v1/patients/{id}/social-history");
    let then = admin.get(format!("{path}?as_of={now}")).await.expect(200);
    assert_eq!(then["items"][0]["effective_on"], "2015");
    // Nothing is left to do.
    let again = run(&clinic, &files.0).await;
    let total = again.total();
    assert_eq!((total.created, total.updated), (0, 0), "{again}");
}
