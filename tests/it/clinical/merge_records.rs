//! Merging two charts that say the same, or contradict one another.

use serde_json::{Value, json};

use super::merge::{Case, as_before};
use crate::support::id;

/// A visit of the chart's patient; its id.
async fn visit(case: &Case, day: u8) -> String {
    let body = json!({ "class": "procedure", "scheduled_start": format!("2026-12-{day:02}T09:00:00-05:00") });
    let path = format!("/api/v1/patients/{}/encounters", case.chart.patient);
    id(&case.admin.post(path, body).await.expect(201))
}

async fn cares_for_survivor(case: &Case) {
    let body = json!({ "user_id": case.chart.doctor.user_id, "role": "consulting" });
    let path = format!("/api/v1/patients/{}/care-team", case.survivor);
    case.admin.post(path, body).await.expect(201);
}

/// Records in one of the charts, as its doctor.
async fn record(case: &Case, patient: &str, place: &str, body: Value) -> Value {
    let path = format!("/api/v1/patients/{patient}/{place}");
    case.chart.doctor.post(path, body).await.expect(201)
}

#[tokio::test]
async fn visits_move_though_both_charts_have_the_same_open_problem_allergy_and_dose() {
    let case = Case::new().await;
    cares_for_survivor(&case).await;
    let merged = case.chart.patient.clone();
    let (first, second) = (visit(&case, 5).await, visit(&case, 6).await);
    let problem = json!({ "icd10cm": "E11.9", "encounter_id": first });
    let problem = id(&record(&case, &merged, "problems", problem).await);
    for encounter in [&first, &second] {
        let coded = json!({ "icd10cm": "E11.9", "rank": 1 });
        let list = format!("encounters/{encounter}/diagnoses");
        let coded = record(&case, &merged, &list, coded).await;
        let promote = format!("/api/v1/patients/{merged}/{list}/{}/promote", id(&coded));
        let promoted = case.chart.doctor.post(promote, json!({})).await.expect(200);
        assert_eq!(promoted["problem_id"], json!(problem));
    }
    let latex =
        json!({ "substance": { "kind": "environment", "text": "Latex" }, "encounter_id": first });
    let latex = id(&record(&case, &merged, "allergies", latex).await);
    let dose = json!({ "cvx": "03", "occurred_on": "2020-05-01", "source": "patient_recall", "encounter_id": second });
    let dose = id(&record(&case, &merged, "immunizations", dose).await);
    let note =
        json!({ "type": "progress", "encounter_id": second, "content": { "body": "Seen." } });
    let note = id(&record(&case, &merged, "notes", note).await);
    record(
        &case,
        &case.survivor,
        "problems",
        json!({ "icd10cm": "E11.9" }),
    )
    .await;
    let like = json!({ "substance": { "kind": "environment", "text": "latex" } });
    record(&case, &case.survivor, "allergies", like).await;
    let like = json!({ "cvx": "03", "occurred_on": "2020-05-01", "source": "school_record" });
    record(&case, &case.survivor, "immunizations", like).await;

    let before = case.rows().await;
    let report = case.merge("").await;
    for table in [
        "encounters",
        "encounter_register",
        "notes",
        "encounter_diagnoses",
        "problems",
        "allergies",
        "immunizations",
    ] {
        let told = report["tables"]
            .as_array()
            .expect("tables")
            .iter()
            .find(|told| told["table"] == table);
        assert_eq!(
            told.map(|told| &told["stayed"]),
            Some(&json!(0)),
            "{table}: {report}"
        );
    }
    let read = async |place: String| {
        let path = format!("/api/v1/patients/{}/{place}", case.survivor);
        case.chart.doctor.get(path).await.expect(200)
    };
    for encounter in [&first, &second] {
        let coded = read(format!("encounters/{encounter}/diagnoses")).await;
        assert_eq!(coded["items"].as_array().map(Vec::len), Some(1), "{coded}");
    }
    for (place, id, state) in [
        ("problems", &problem, "verification"),
        ("allergies", &latex, "verification"),
        ("immunizations", &dose, "status"),
    ] {
        let gave_way = read(format!("{place}/{id}")).await;
        assert_eq!(gave_way[state], "entered_in_error", "{gave_way}");
    }
    let moved = case
        .chart
        .doctor
        .get(format!("/api/v1/notes/{note}"))
        .await
        .expect(200);
    assert_eq!(moved["patient_id"], json!(case.survivor));
    assert!(
        report["conflicts"]
            .as_array()
            .expect("conflicts")
            .contains(&json!("allergies"))
    );
    case.unmerge().await;
    let (before, after) = (as_before(before), as_before(case.rows().await));
    for (table, rows) in &before {
        assert_eq!(rows, &after[table], "{table}");
    }
}

#[tokio::test]
async fn a_statement_of_no_allergies_does_not_stand_beside_the_allergy_of_the_other_chart() {
    let case = Case::new().await;
    cares_for_survivor(&case).await;
    let statement = json!({ "statement": "no_known_allergies" });
    let statement = id(&record(&case, &case.survivor, "allergy-statements", statement).await);
    let before = case.rows().await;
    let preview = case.merge("?preview=true").await;
    assert!(
        preview["conflicts"]
            .as_array()
            .expect("conflicts")
            .contains(&json!("allergy_statements")),
        "{preview}"
    );
    assert_eq!(before, case.rows().await);
    case.merge("").await;
    let chart = format!("/api/v1/patients/{}", case.survivor);
    let summary = case
        .chart
        .doctor
        .get(format!("{chart}/allergy-summary"))
        .await
        .expect(200);
    assert_eq!(
        (&summary["state"], &summary["statements"]),
        (&json!("known"), &json!([])),
        "{summary}"
    );
    let place = format!("{chart}/allergy-statements/{statement}");
    let withdrawn = case.chart.doctor.get(&place).await.expect(200);
    assert_eq!(
        withdrawn["withdrawn_by"],
        json!(case.admin.user_id),
        "{withdrawn}"
    );
    // The allergy that moved can be amended.
    let allergy = summary["active"][0].clone();
    let path = format!(
        "{chart}/allergies/{}",
        allergy["id"].as_str().expect("an id")
    );
    let version = allergy["version"].as_i64().expect("a version");
    case.chart
        .doctor
        .patch(path, version, json!({ "criticality": "high" }))
        .await
        .expect(200);
    case.unmerge().await;
    let again = case.chart.doctor.get(&place).await.expect(200);
    assert_eq!(again["withdrawn_at"], Value::Null, "{again}");
}

/// What a registration says, as its admin reads it.
async fn said(case: &Case, patient: &str) -> Value {
    let path = format!("/api/v1/patients/{patient}");
    case.admin.get(path).await.expect(200)
}

async fn say(case: &Case, patient: &str, what: Value) {
    let version = said(case, patient).await["version"].as_i64();
    let path = format!("/api/v1/patients/{patient}");
    let version = version.expect("a version");
    case.admin.patch(path, version, what).await.expect(200);
}

#[tokio::test]
async fn whoever_asked_for_discretion_keeps_it_and_what_stays_behind_is_named() {
    let case = Case::new().await;
    let merged = case.chart.patient.clone();
    let risks = json!([{ "description": "Father had a heart attack at 48" }]);
    let contacts = json!([{ "name": "Nils", "relationship": "spouse", "priority": 1, "phone": "+1 312 555 0143" }]);
    let goals = json!([{ "description": "Walk 5 km" }]);
    let what = json!({ "is_confidential": true, "risk_factors": risks, "contacts": contacts, "health_goals": goals });
    say(&case, &merged, what).await;
    say(&case, &case.survivor, json!({ "is_vip": true })).await;
    let named = |report: &Value| {
        let conflicts = report["conflicts"].as_array().expect("conflicts").clone();
        for name in [
            "contacts",
            "risk_factors",
            "health_goals",
            "is_vip",
            "is_confidential",
        ] {
            assert!(conflicts.contains(&json!(name)), "{name}: {report}");
        }
    };
    named(&case.merge("?preview=true").await);
    assert_eq!(said(&case, &case.survivor).await["is_confidential"], false);
    let before = case.rows().await;
    named(&case.merge("").await);
    let one = said(&case, &case.survivor).await;
    assert_eq!(
        (&one["is_vip"], &one["is_confidential"]),
        (&json!(true), &json!(true))
    );
    case.unmerge().await;
    assert_eq!(as_before(before), as_before(case.rows().await));
    let again = said(&case, &case.survivor).await;
    assert_eq!(
        (&again["is_vip"], &again["is_confidential"]),
        (&json!(true), &json!(false))
    );
}

#[tokio::test]
async fn a_flag_that_two_registrations_brought_goes_with_the_last() {
    let case = Case::new().await;
    let first = case.chart.patient.clone();
    let second = case.clinic.patient(&case.admin).await;
    for patient in [&first, &second] {
        say(&case, patient, json!({ "is_confidential": true })).await;
    }
    case.merge("").await;
    let merge = format!("/api/v1/patients/{}/merge", case.survivor);
    let body = json!({ "duplicate_id": second, "reason": "The same passport" });
    case.admin.post(merge, body).await.expect(200);
    case.unmerge().await;
    assert_eq!(said(&case, &case.survivor).await["is_confidential"], true);
    let unmerge = format!("/api/v1/patients/{second}/unmerge");
    let why = json!({ "reason": "Sisters" });
    case.admin.post(unmerge, why).await.expect(200);
    assert_eq!(said(&case, &case.survivor).await["is_confidential"], false);
}
