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

/// Merges a registration into the case's survivor.
async fn merge_too(case: &Case, duplicate: &str) {
    let merge = format!("/api/v1/patients/{}/merge", case.survivor);
    let body = json!({ "duplicate_id": duplicate, "reason": "The same passport" });
    case.admin.post(merge, body).await.expect(200);
}

/// What stands in the survivor's chart.
async fn entry(case: &Case, place: &str, id: &str) -> Value {
    let path = format!("/api/v1/patients/{}/{place}/{id}", case.survivor);
    case.chart.doctor.get(path).await.expect(200)
}

/// An entry as it says itself, whatever its version.
fn content(mut entry: Value) -> Value {
    entry["version"] = Value::Null;
    entry["updated_at"] = Value::Null;
    entry
}

/// As it was, but that the entries named have new versions.
fn as_it_was(
    rows: std::collections::BTreeMap<String, Vec<Value>>,
    joined: &[&str],
) -> std::collections::BTreeMap<String, Vec<Value>> {
    let mut rows = as_before(rows);
    for row in rows.values_mut().flatten() {
        if joined.iter().any(|id| row["id"] == json!(id)) {
            *row = content(row.take());
        }
    }
    rows
}

fn mild_latex() -> Value {
    let substance = json!({ "kind": "environment", "text": "Latex" });
    json!({ "kind": "intolerance", "substance": substance, "criticality": "low", "verification": "unconfirmed",
            "severity": "mild", "reactions": [{ "manifestation": "Rash", "severity": "mild" }], "note": "Asked the mother" })
}

fn severe_latex() -> Value {
    let substance = json!({ "kind": "environment", "text": "latex" });
    json!({ "kind": "allergy", "substance": substance, "criticality": "high", "severity": "severe", "onset": "2019",
            "reactions": [{ "manifestation": "Anaphylaxis", "severity": "severe" }], "note": "ICU 2019" })
}

#[tokio::test]
async fn a_merge_hides_nothing_worse_that_either_chart_says_of_the_same_allergy() {
    let case = Case::new().await;
    cares_for_survivor(&case).await;
    let merged = case.chart.patient.clone();
    let mild = id(&record(&case, &case.survivor, "allergies", mild_latex()).await);
    let severe = id(&record(&case, &merged, "allergies", severe_latex()).await);
    let before = case.rows().await;
    let preview = case.merge("?preview=true").await;
    let members = json!([
        "criticality",
        "kind",
        "note",
        "onset",
        "reactions",
        "severity",
        "verification"
    ]);
    let told = json!([{ "table": "allergies", "id": mild, "members": members }]);
    assert_eq!(preview["taken_over"], told, "{preview}");
    let conflicts = preview["conflicts"].as_array().expect("conflicts");
    assert!(conflicts.contains(&json!("allergies")), "{preview}");
    assert_eq!(before, case.rows().await);
    assert_eq!(case.merge("").await["taken_over"], told);
    let chart = format!("/api/v1/patients/{}", case.survivor);
    let banner = case
        .chart
        .doctor
        .get(format!("{chart}/allergy-summary"))
        .await
        .expect(200);
    let shown = banner["active"].as_array().expect("allergies");
    let shown = shown
        .iter()
        .find(|one| one["id"] == json!(mild))
        .expect("the one that stays");
    for (member, wanted) in [
        ("kind", json!("allergy")),
        ("criticality", json!("high")),
        ("severity", json!("severe")),
        ("verification", json!("confirmed")),
    ] {
        assert_eq!(shown[member], wanted, "{banner}");
    }
    let open = entry(&case, "allergies", &mild).await;
    assert_eq!(open["onset"], "2019");
    assert_eq!(open["reactions"][0]["manifestation"], "Rash");
    assert_eq!(open["reactions"][1]["manifestation"], "Anaphylaxis");
    let note = open["note"].as_str().expect("a note");
    assert!(
        note.contains("Asked the mother") && note.contains("ICU 2019"),
        "{note}"
    );
    // Whoever read it before the merge amends nothing that he has not seen.
    let stale = json!({ "reactions": [] });
    let stale = case
        .chart
        .doctor
        .patch(format!("{chart}/allergies/{mild}"), 1, stale)
        .await;
    stale.expect_problem(412, "version_stale");
    let gave_way = entry(&case, "allergies", &severe).await;
    assert_eq!(gave_way["verification"], "entered_in_error");
    case.unmerge().await;
    assert_eq!(
        as_it_was(before, &[&mild]),
        as_it_was(case.rows().await, &[&mild])
    );
}

#[tokio::test]
async fn a_merge_takes_nothing_milder_over() {
    let case = Case::new().await;
    cares_for_survivor(&case).await;
    let merged = case.chart.patient.clone();
    let severe = id(&record(&case, &case.survivor, "allergies", severe_latex()).await);
    let mut mild = mild_latex();
    mild["reactions"] = json!([{ "manifestation": "Anaphylaxis" }]);
    mild["note"] = json!("ICU");
    record(&case, &merged, "allergies", mild).await;
    let before = entry(&case, "allergies", &severe).await;
    let report = case.merge("").await;
    assert_eq!(report["taken_over"], Value::Null, "{report}");
    assert_eq!(before, entry(&case, "allergies", &severe).await);
}

#[tokio::test]
async fn a_merge_hides_nothing_worse_that_either_chart_says_of_the_same_problem() {
    let case = Case::new().await;
    cares_for_survivor(&case).await;
    let merged = case.chart.patient.clone();
    let here = json!({ "icd10cm": "E11.9", "onset": "2015", "abatement": "2020", "status": "in_remission", "severity": "mild",
                       "verification": "provisional" });
    let here = id(&record(&case, &case.survivor, "problems", here).await);
    let there = json!({ "icd10cm": "E11.9", "onset": "2010-03", "status": "chronic", "severity": "severe", "note": "Transplant list" });
    record(&case, &merged, "problems", there).await;
    let before = case.rows().await;
    let preview = case.merge("?preview=true").await;
    let conflicts = preview["conflicts"].as_array().expect("conflicts");
    assert!(conflicts.contains(&json!("problems")), "{preview}");
    case.merge("").await;
    let open = entry(&case, "problems", &here).await;
    for (member, wanted) in [
        ("onset", json!("2010-03")),
        ("status", json!("chronic")),
        ("abatement", Value::Null),
        ("severity", json!("severe")),
        ("verification", json!("confirmed")),
        ("note", json!("Transplant list")),
    ] {
        assert_eq!(open[member], wanted, "{open}");
    }
    case.unmerge().await;
    assert_eq!(
        as_it_was(before, &[&here]),
        as_it_was(case.rows().await, &[&here])
    );
}

#[tokio::test]
async fn what_is_amended_after_a_merge_stays_when_it_is_taken_back_and_the_rest_returns() {
    let case = Case::new().await;
    cares_for_survivor(&case).await;
    let merged = case.chart.patient.clone();
    let mild = id(&record(&case, &case.survivor, "allergies", mild_latex()).await);
    record(&case, &merged, "allergies", severe_latex()).await;
    case.merge("").await;
    let path = format!("/api/v1/patients/{}/allergies/{mild}", case.survivor);
    let note = json!({ "note": "Tested again" });
    case.chart.doctor.patch(path, 2, note).await.expect(200);
    case.unmerge().await;
    let left = entry(&case, "allergies", &mild).await;
    assert_eq!(
        (&left["criticality"], &left["kind"]),
        (&json!("low"), &json!("intolerance"))
    );
    assert_eq!(
        left["reactions"].as_array().map(Vec::len),
        Some(1),
        "{left}"
    );
    assert_eq!(left["note"], "Tested again");
}

#[tokio::test]
async fn what_two_registrations_say_of_an_allergy_goes_with_each_and_not_before() {
    let case = Case::new().await;
    cares_for_survivor(&case).await;
    let second = case.clinic.patient(&case.admin).await;
    let team = json!({ "user_id": case.chart.doctor.user_id, "role": "consulting" });
    let path = format!("/api/v1/patients/{second}/care-team");
    case.admin.post(path, team).await.expect(201);
    let mild = id(&record(&case, &case.survivor, "allergies", mild_latex()).await);
    record(&case, &case.chart.patient, "allergies", severe_latex()).await;
    let mut shock = severe_latex();
    shock["reactions"] = json!([{ "manifestation": "Shock", "severity": "severe" }]);
    shock["note"] = json!("Resuscitated");
    record(&case, &second, "allergies", shock).await;
    let before = entry(&case, "allergies", &mild).await;
    case.merge("").await;
    merge_too(&case, &second).await;
    let both = entry(&case, "allergies", &mild).await;
    assert_eq!(
        both["reactions"].as_array().map(Vec::len),
        Some(3),
        "{both}"
    );
    // The first goes, and what the second says stays.
    case.unmerge().await;
    let left = entry(&case, "allergies", &mild).await;
    assert_eq!(left["criticality"], "high", "{left}");
    let reactions = left["reactions"].as_array().expect("reactions");
    assert_eq!(reactions.len(), 2, "{left}");
    assert_eq!(reactions[1]["manifestation"], "Shock");
    let note = left["note"].as_str().expect("a note");
    assert!(
        note.contains("Resuscitated") && !note.contains("ICU"),
        "{note}"
    );
    let unmerge = format!("/api/v1/patients/{second}/unmerge");
    let why = json!({ "reason": "Sisters" });
    case.admin.post(unmerge, why).await.expect(200);
    assert_eq!(
        content(before),
        content(entry(&case, "allergies", &mild).await)
    );
}

#[tokio::test]
async fn a_warning_that_a_later_merge_relies_on_does_not_go_back_before_it() {
    let case = Case::new().await;
    cares_for_survivor(&case).await;
    let second = case.clinic.patient(&case.admin).await;
    let team = json!({ "user_id": case.chart.doctor.user_id, "role": "consulting" });
    let path = format!("/api/v1/patients/{second}/care-team");
    case.admin.post(path, team).await.expect(201);
    for registration in [&case.chart.patient, &second] {
        record(&case, registration, "allergies", severe_latex()).await;
    }
    case.merge("").await;
    merge_too(&case, &second).await;
    let first = format!("/api/v1/patients/{}/unmerge", case.chart.patient);
    let why = json!({ "reason": "Sisters" });
    let refused = case.admin.post(&first, why.clone()).await.expect(409);
    assert_eq!(refused["code"], "merge_blocked", "{refused}");
    assert_eq!(warnings_of_latex(&case, &case.survivor).await, 1);
    // In the order of their merges, the last first, each takes its own along.
    let last = format!("/api/v1/patients/{second}/unmerge");
    case.admin.post(last, why.clone()).await.expect(200);
    case.admin.post(first, why).await.expect(200);
    for registration in [&case.chart.patient, &second] {
        assert_eq!(warnings_of_latex(&case, registration).await, 1);
    }
}

/// How often latex stands in a chart.
async fn warnings_of_latex(case: &Case, patient: &str) -> usize {
    let path = format!("/api/v1/patients/{patient}/allergies?status=active");
    let named = case.chart.doctor.get(path).await.expect(200);
    named.to_string().matches("latex").count()
}

#[tokio::test]
async fn what_was_entered_while_two_were_one_is_named_when_they_are_two_again() {
    let case = Case::new().await;
    cares_for_survivor(&case).await;
    let dated = |at: &str| {
        json!({ "measured_at": at, "readings": [{ "kind": "heart_rate", "value": 71 },
                                                                    { "kind": "pain", "value": 2 }] })
    };
    record(
        &case,
        &case.survivor,
        "vitals",
        dated("2024-03-10T09:35:00-04:00"),
    )
    .await;
    case.merge("").await;
    let problem = json!({ "icd10cm": "M17.11", "name": "Knee" });
    let problem = id(&record(&case, &case.survivor, "problems", problem).await);
    let set = dated("2024-03-11T09:35:00-04:00");
    let set = id(&record(&case, &case.survivor, "vitals", set).await);
    let brought: String = sqlx::query_scalar(
        "insert into app.imported_resources (tenant_id, id, resource_type, source_id, patient_id, content, content_hash, created_at, updated_at)
         values ($1, gen_random_uuid(), 'Observation', 'later', $2::uuid, '{}', '', now(), now()) returning id::text",
    )
    .bind(case.clinic.id.0)
    .bind(&case.survivor)
    .fetch_one(&mut case.clinic.behind_the_curtain().await)
    .await
    .expect("a resource");
    // What is written into a visit that moved goes back with it, and is not named.
    let visit = case.chart.fill("{encounter_id}");
    let coded = json!({ "icd10cm": "I10", "rank": 2 });
    let list = format!("encounters/{visit}/diagnoses");
    record(&case, &case.survivor, &list, coded).await;
    let named = json!([
        { "table": "imported_resources", "count": 1, "ids": [brought] },
        { "table": "problems", "count": 1, "ids": [problem] },
        { "table": "vitals", "count": 1, "ids": [set] },
    ]);
    let before = case.rows().await;
    let path = format!(
        "/api/v1/patients/{}/unmerge?preview=true",
        case.chart.patient
    );
    let why = json!({ "reason": "Father and son" });
    let preview = case.admin.post(path, why).await.expect(200);
    assert_eq!(preview["added"], named, "{preview}");
    assert_eq!(
        (&preview["preview"], &preview["id"]),
        (&json!(true), &Value::Null)
    );
    assert_eq!(before, case.rows().await);
    let report = case.unmerge().await;
    assert_eq!(
        (&report["added"], &report["tables"]),
        (&named, &preview["tables"])
    );
    entry(&case, "problems", &problem).await;
}

#[tokio::test]
async fn a_row_that_moved_and_was_given_something_keeps_what_was_said_of_it_since() {
    let case = Case::new().await;
    cares_for_survivor(&case).await;
    let mild = id(&record(&case, &case.chart.patient, "allergies", mild_latex()).await);
    case.merge("").await;
    // As where a later merge's rows were joined anew when an earlier one was taken back.
    let given = sqlx::query(
        "update app.patient_merge_rows set former = '{\"note\": \"Before\", \"criticality\": \"low\"}',
                                           made = '{\"note\": \"Asked the mother\", \"criticality\": \"low\"}'
          where tenant_id = $1 and table_name = 'allergies' and row_key ->> 'id' = $2 and fate = 'moved'",
    )
    .bind(case.clinic.id.0)
    .bind(&mild)
    .execute(&mut case.clinic.behind_the_curtain().await)
    .await
    .expect("the journal");
    assert_eq!(given.rows_affected(), 1);
    let path = format!("/api/v1/patients/{}/allergies/{mild}", case.survivor);
    let since = json!({ "note": "Tested again" });
    case.chart.doctor.patch(path, 1, since).await.expect(200);
    case.unmerge().await;
    let path = format!("/api/v1/patients/{}/allergies/{mild}", case.chart.patient);
    let left = case.chart.doctor.get(path).await.expect(200);
    assert_eq!(left["note"], "Tested again", "{left}");
}
