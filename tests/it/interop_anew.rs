//! Import read anew: what an earlier version entered without an element that this one knows, once, and never over what was changed here.

use platform::access::Role;
use serde_json::{Value, json};

use crate::interop::{Files, encounter, patient, run};
use crate::interop_documents::{documents, report};
use crate::interop_entries::{condition, of_the_visit, only_patient, snomed, vital};
use crate::interop_follow::value;
use crate::support::TestTenant;

/// As if an earlier version had entered the resource without looking at these elements: they were in the file, and the entry is
/// without them.
async fn unread(clinic: &TestTenant, source: &str, more: Value) {
    let done = sqlx::query(
        "update app.imported_resources set content = content || $3, reading = 1 where tenant_id = $1 and source_id = $2",
    )
    .bind(clinic.id.0)
    .bind(source)
    .bind(more)
    .execute(&mut clinic.behind_the_curtain().await)
    .await
    .expect("changed");
    assert_eq!(done.rows_affected(), 1, "{source}");
}

fn procedure(id: &str, code: &str) -> Value {
    of_the_visit(
        "Procedure",
        id,
        json!({ "status": "completed", "code": snomed(code, "Assessment"), "performedDateTime": "2019-02-03T16:50:00-05:00" }),
    )
}

#[tokio::test]
async fn what_an_earlier_version_did_not_read_is_read_once_and_what_was_changed_here_stays() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let doctor = clinic.user(Role::Provider).await;
    let files = Files::new();
    let mut plan = of_the_visit(
        "CarePlan",
        "cp1",
        json!({ "status": "active", "intent": "plan", "title": "Walking", "goal": [{ "reference": "Goal/g1" }] }),
    );
    plan["activity"] = json!([{ "detail": { "status": "in-progress", "description": "Walk" } }]);
    let goal = json!({ "lifecycleStatus": "active", "description": { "text": "Walk far" } });
    files.lines(
        "record.ndjson",
        &[
            patient("p1"),
            encounter("e1", "Patient/p1"),
            condition("c1", "encounter-diagnosis"),
            procedure("pr1", "710824005"),
            procedure("pr2", "710841007"),
            procedure("pr3", "866148006"),
            vital("v1", "8310-5", 38.5, "Cel"),
            vital("v2", "29463-7", 71.3, "kg"),
            report("r1", "No fracture seen."),
            plan,
            of_the_visit("Goal", "g1", goal),
        ],
    );
    run(&clinic, &files.0).await;
    let id = only_patient(&admin).await;
    let team = json!({ "user_id": doctor.user_id, "role": "primary_care" });
    admin
        .post(format!("/api/v1/patients/{id}/care-team"), team)
        .await
        .expect(201);
    let procedures = value(&admin, "procedures").await;
    let second = procedures
        .iter()
        .find(|one| one["code"] == "710841007")
        .expect("entered");
    let place = format!(
        "/api/v1/patients/{id}/procedures/{}",
        second["id"].as_str().expect("an id")
    );
    let said = json!({ "note": "As I saw it" });
    let version = second["version"].as_i64().expect("a version");
    doctor.patch(&place, version, said).await.expect(200);

    unread(
        &clinic,
        "c1",
        json!({ "bodySite": [{ "text": "Left maxillary sinus" }] }),
    )
    .await;
    let follow = json!({ "followUp": [{ "text": "Again in May" }] });
    unread(&clinic, "pr1", follow.clone()).await;
    unread(&clinic, "pr2", follow).await;
    unread(&clinic, "pr3", json!({})).await;
    unread(&clinic, "v1", json!({ "bodySite": { "text": "Mouth" } })).await;
    unread(&clinic, "v2", json!({})).await;
    unread(&clinic, "r1", json!({ "conclusion": "A sprain." })).await;
    unread(
        &clinic,
        "cp1",
        json!({ "activity": [{ "detail": { "status": "in-progress", "description": "Walk", "location": { "display": "Park" } } }] }),
    )
    .await;
    let anew = run(&clinic, &files.0).await;
    assert_eq!(anew.looked_at_again, 8, "{anew}");
    let total = anew.total();
    assert_eq!((total.created, total.updated, total.failed), (0, 0, 0));

    let seen = async || {
        let problem = value(&admin, "problems").await.remove(0);
        let procedures = value(&admin, "procedures").await;
        let procedure = |code: &str| {
            let found = procedures.iter().find(|one| one["code"] == code);
            let found = found.expect("there");
            json!([found["note"], found["version"]])
        };
        let sets = value(&admin, "vitals").await;
        let readings = sets.iter().flat_map(|set| {
            let readings = set["readings"].as_array().cloned().unwrap_or_default();
            readings
                .into_iter()
                .filter(|one| one["status"] != "entered_in_error")
        });
        let mut readings: Vec<Value> = readings
            .map(|one| json!([one["kind"], one["body_site"]]))
            .collect();
        readings.sort_by_key(Value::to_string);
        let plan = value(&admin, "care-plans").await.remove(0);
        json!([
            [problem["note"], problem["version"]],
            procedure("710824005"),
            procedure("710841007"),
            procedure("866148006"),
            readings,
            [plan["activities"][0]["note"], plan["version"]],
            documents(&admin).await.len(),
        ])
    };
    let expected = json!([
        ["Body site: Left maxillary sinus", 2],
        ["Follow-up: Again in May", 2],
        ["As I saw it", 2],
        [null, 1],
        [["temperature", "oral"], ["weight", null]],
        ["Place: Park", 2],
        2
    ]);
    assert_eq!(seen().await, expected);
    let kept = value(&admin, "imported-resources?type=Procedure").await;
    assert!(kept.iter().all(|one| one["reason"].is_null()), "{kept:?}");

    let again = run(&clinic, &files.0).await;
    assert_eq!(again.looked_at_again, 0, "{again}");
    assert_eq!(seen().await, expected);
}

#[tokio::test]
async fn numbers_of_an_import_keep_their_digits() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let files = Files::new();
    let asked = |id: &str, category: &str, code: &str| {
        let mut one = vital(id, code, 1.0, "kg");
        one["category"] = json!([{ "coding": [{ "code": category }] }]);
        one.to_string()
    };
    let goal = of_the_visit(
        "Goal",
        "g1",
        json!({ "lifecycleStatus": "active", "description": { "text": "Lose weight" },
            "target": [{ "measure": snomed("27113001", "Body weight"), "detailQuantity": { "value": 1.0, "code": "kg" } }] }),
    );
    let with =
        |text: String, number: &str| text.replace("\"value\":1.0", &format!("\"value\":{number}"));
    let lines = [
        patient("p1").to_string(),
        encounter("e1", "Patient/p1").to_string(),
        with(asked("v1", "vital-signs", "29463-7"), "98.60"),
        with(asked("v2", "vital-signs", "3141-9"), "70.30000000000000123"),
        with(asked("s1", "survey", "63586-2"), "12.50"),
        with(asked("s2", "survey", "63586-2"), "0.1000000000000000055"),
        with(goal.to_string(), "80.00"),
    ];
    std::fs::write(files.0.join("record.ndjson"), lines.join("\n") + "\n").expect("a file");
    let first = run(&clinic, &files.0).await;
    assert_eq!((first.failed(), first.kept.len()), (0, 0), "{first}");
    let text = async |statement: &'static str| -> Vec<String> {
        sqlx::query_scalar(statement)
            .bind(clinic.id.0)
            .fetch_all(&mut clinic.behind_the_curtain().await)
            .await
            .expect("texts")
    };
    assert_eq!(
        text("select coalesce(answers #>> '{0,number}', answers #>> '{0,text}') from app.social_history where tenant_id = $1 order by 1").await,
        ["0.1000000000000000055 kg", "12.50"]
    );
    let targets = text("select targets #>> '{0,value}' from app.goals where tenant_id = $1").await;
    assert_eq!(targets, ["80.00"]);
    let sets = value(&admin, "vitals").await;
    let mut weights: Vec<Value> = sets
        .iter()
        .flat_map(|set| set["readings"].as_array().cloned().unwrap_or_default())
        .map(|one| json!([one["value"], one["note"]]))
        .collect();
    weights.sort_by_key(Value::to_string);
    assert_eq!(weights[1][0], 98.6);
    assert_eq!(weights[0][0], 70.3);
    let said = weights[0][1].as_str().expect("a note");
    assert!(said.contains("70.30000000000000123 was said"), "{said}");

    // By the API, too, with its zero.
    let id = only_patient(&admin).await;
    let goals = admin.get(format!("/api/v1/patients/{id}/goals")).await;
    assert!(goals.text.contains("\"value\":80.00"), "{}", goals.text);
}
