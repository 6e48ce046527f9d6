//! Scores, alerts, growth and trends: what follows from vital signs.

use chrono::TimeDelta;
use clinical::patients::Sex;
use clinical::vitals::{GrowthFile, GrowthMeasure, GrowthSource, load_growth};
use platform::access::Role;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Executor};

use crate::support::{Caller, TestTenant};

async fn bedside() -> (TestTenant, Caller, String) {
    let clinic = TestTenant::new().await;
    let nurse = clinic.user(Role::Nurse).await;
    let patient = clinic.patient(&nurse).await;
    (clinic, nurse, patient)
}

/// Every part of NEWS2: 3 + 2 + 2 + 0 + 1 + 0 + 1 = 9; one sign of qSOFA.
fn ill(clinic: &TestTenant) -> Value {
    let at = (clinic.clock.now() - TimeDelta::minutes(5)).to_rfc3339();
    json!({ "measured_at": at, "readings": [
        { "kind": "respiratory_rate", "value": 26 },
        { "kind": "oxygen_saturation", "value": 93 },
        { "kind": "inhaled_oxygen_flow", "value": 2 },
        { "kind": "blood_pressure", "systolic": 112, "diastolic": 70 },
        { "kind": "heart_rate", "value": 104 },
        { "kind": "consciousness", "code": "alert" },
        { "kind": "temperature", "value": 38.4, "unit": "Cel" }
    ] })
}

#[tokio::test]
async fn a_score_out_of_range_raises_an_alert_that_somebody_acknowledges_once() {
    let (clinic, nurse, patient) = bedside().await;
    let path = format!("/api/v1/patients/{patient}/vitals");
    let made = nurse.post(&path, ill(&clinic)).await.expect(201);
    let score = &made["derived"]["news2"];
    assert_eq!(
        (&score["score"], &score["risk"]),
        (&json!(9), &json!("high"))
    );
    let points: i64 = score["parts"]
        .as_array()
        .expect("parts")
        .iter()
        .map(|part| part["points"].as_i64().expect("points"))
        .sum();
    assert_eq!(points, 9, "the parts make the score");
    assert_eq!(made["derived"]["qsofa"]["score"], 1);

    let alerts = nurse
        .get(format!("/api/v1/patients/{patient}/clinical-alerts"))
        .await
        .expect(200);
    let alert = &alerts["items"][0];
    assert_eq!(alerts["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(
        (&alert["kind"], &alert["level"]),
        (&json!("news2"), &json!("emergency"))
    );
    assert_eq!(alert["parts"], score["parts"]);
    assert_eq!(alert["vitals_id"], made["id"]);
    let open = nurse
        .get("/api/v1/clinical-alerts?level=emergency")
        .await
        .expect(200);
    assert_eq!(open["items"][0]["id"], alert["id"]);

    let id = alert["id"].as_str().expect("an id");
    let path = format!("/api/v1/patients/{patient}/clinical-alerts/{id}/acknowledge");
    let done = nurse
        .post(&path, json!({ "note": "Physician called" }))
        .await
        .expect(200);
    assert_eq!(
        (&done["status"], &done["acknowledged_by"]),
        (&json!("acknowledged"), &json!(nurse.user_id))
    );
    nurse
        .post(&path, json!({}))
        .await
        .expect_problem(409, "alert_closed");
    let open = nurse.get("/api/v1/clinical-alerts").await.expect(200);
    assert_eq!(open["items"], json!([]));
}

#[tokio::test]
async fn what_a_monitor_sends_calls_somebody_by_what_the_score_is_at_least() {
    let (clinic, nurse, patient) = bedside().await;
    let at = (clinic.clock.now() - TimeDelta::minutes(5)).to_rfc3339();
    let monitor = json!({ "measured_at": at, "readings": [
        { "kind": "respiratory_rate", "value": 30 },
        { "kind": "oxygen_saturation", "value": 82 },
        { "kind": "heart_rate", "value": 140 }
    ] });
    let path = format!("/api/v1/patients/{patient}/vitals?confirm=true");
    let made = nurse.post(path, monitor).await.expect(201);
    assert!(made["derived"]["news2"]["score"].is_null());
    let path = format!("/api/v1/patients/{patient}/clinical-alerts");
    let alerts = nurse.get(path).await.expect(200);
    let alert = &alerts["items"][0];
    assert_eq!(
        (&alert["level"], &alert["score"], &alert["at_least"]),
        (&json!("emergency"), &json!(9), &json!(true)),
        "{alerts}"
    );
}

#[tokio::test]
async fn the_work_list_shows_nobody_elses_patients() {
    let (clinic, nurse, patient) = bedside().await;
    nurse
        .post(format!("/api/v1/patients/{patient}/vitals"), ill(&clinic))
        .await
        .expect(201);
    let stranger = clinic.user(Role::Nurse).await;
    let open = stranger.get("/api/v1/clinical-alerts").await.expect(200);
    assert_eq!(open["items"], json!([]));
    let admin = clinic.user(Role::Admin).await;
    let open = admin.get("/api/v1/clinical-alerts").await.expect(200);
    assert_eq!(open["items"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn news2_is_not_made_under_sixteen_nor_in_pregnancy_nor_from_parts() {
    let (clinic, nurse, patient) = bedside().await;
    let path = format!("/api/v1/patients/{patient}/vitals");
    let mut partial = ill(&clinic);
    partial["readings"]
        .as_array_mut()
        .expect("readings")
        .remove(5);
    let made = nurse.post(&path, partial).await.expect(201);
    assert_eq!(made["derived"]["news2"]["not_made"], "parts_missing");
    assert_eq!(
        made["derived"]["news2"]["missing"],
        json!(["consciousness"])
    );
    assert!(made["derived"]["news2"]["score"].is_null());
    assert_eq!(made["derived"]["news2"]["at_least"], 9);

    let birth = (clinic.clock.now() - TimeDelta::days(15 * 365)).date_naive();
    let body = json!({ "names": [{ "use": "legal", "family": "Young", "given": ["A"] }], "birth_date": birth, "sex": "male" });
    let young = nurse
        .post("/api/v1/patients?allow_duplicate=true", body)
        .await
        .expect(201);
    let young = format!(
        "/api/v1/patients/{}/vitals?confirm=true",
        young["id"].as_str().expect("an id")
    );
    let made = nurse.post(&young, ill(&clinic)).await.expect(201);
    assert_eq!(made["derived"]["news2"]["not_made"], "age");

    // Stated in another set, weeks before.
    let mother = json!({ "names": [{ "use": "legal", "family": "Mother", "given": ["A"] }], "birth_date": "1995-01-01", "sex": "female" });
    let mother = nurse
        .post("/api/v1/patients?allow_duplicate=true", mother)
        .await
        .expect(201);
    let mother = format!(
        "/api/v1/patients/{}/vitals",
        mother["id"].as_str().expect("an id")
    );
    let state = |code: &str, days| {
        let at = (clinic.clock.now() - TimeDelta::days(days)).to_rfc3339();
        json!({ "measured_at": at, "readings": [{ "kind": "pregnancy_status", "code": code }] })
    };
    nurse.post(&mother, state("pregnant", 40)).await.expect(201);
    let made = nurse.post(&mother, ill(&clinic)).await.expect(201);
    assert_eq!(made["derived"]["news2"]["not_made"], "pregnancy");
    nurse
        .post(&mother, state("not_pregnant", 2))
        .await
        .expect(201);
    let made = nurse.post(&mother, ill(&clinic)).await.expect(201);
    assert_eq!(made["derived"]["news2"]["score"], 9);
}

#[tokio::test]
async fn an_alert_is_withdrawn_with_the_readings_it_was_made_from() {
    let (clinic, nurse, patient) = bedside().await;
    let path = format!("/api/v1/patients/{patient}/vitals");
    let mut body = ill(&clinic);
    body["readings"]
        .as_array_mut()
        .expect("readings")
        .push(json!({ "kind": "pain", "value": 3 }));
    let made = nurse.post(&path, body).await.expect(201);
    let id = made["id"].as_str().expect("an id");
    let status = async || {
        nurse
            .get(format!("/api/v1/patients/{patient}/clinical-alerts"))
            .await
            .expect(200)["items"][0]["status"]
            .clone()
    };
    let only_pain =
        json!({ "reason": "Asked the wrong patient", "reading_ids": [made["readings"][7]["id"]] });
    nurse
        .post(format!("{path}/{id}/withdraw"), only_pain)
        .await
        .expect(200);
    assert_eq!(status().await, "open", "the score still stands");
    nurse
        .post(
            format!("{path}/{id}/withdraw"),
            json!({ "reason": "Wrong patient" }),
        )
        .await
        .expect(200);
    assert_eq!(status().await, "withdrawn");
}

#[tokio::test]
async fn an_alert_whose_number_was_wrong_is_withdrawn_and_raised_anew() {
    let (clinic, nurse, patient) = bedside().await;
    let path = format!("/api/v1/patients/{patient}/vitals");
    let made = nurse.post(&path, ill(&clinic)).await.expect(201);
    let set = made["id"].as_str().expect("an id");
    // Without the respiratory rate it is 6 at least, and no emergency.
    let why = json!({ "reason": "Not counted", "reading_ids": [made["readings"][0]["id"]] });
    let left = nurse.post(format!("{path}/{set}/withdraw"), why).await;
    assert_eq!(left.expect(200)["derived"]["news2"]["at_least"], 6);
    let alerts = format!("/api/v1/patients/{patient}/clinical-alerts");
    let of = async |status: &str| {
        let found = nurse.get(format!("{alerts}?status={status}")).await;
        let found = found.expect(200);
        let items = found["items"].as_array().expect("alerts").iter();
        items
            .map(|one| json!([one["level"], one["score"], one["at_least"]]))
            .collect::<Vec<_>>()
    };
    assert_eq!(of("open").await, [json!(["urgent", 6, true])]);
    assert_eq!(of("withdrawn").await, [json!(["emergency", 9, false])]);
}

#[tokio::test]
async fn what_is_written_down_long_after_calls_nobody() {
    let (clinic, nurse, patient) = bedside().await;
    let mut body = ill(&clinic);
    body["measured_at"] = json!((clinic.clock.now() - TimeDelta::days(2)).to_rfc3339());
    let made = nurse
        .post(format!("/api/v1/patients/{patient}/vitals"), body)
        .await
        .expect(201);
    assert_eq!(made["derived"]["news2"]["score"], 9);
    let alerts = nurse
        .get(format!("/api/v1/patients/{patient}/clinical-alerts"))
        .await
        .expect(200);
    assert_eq!(alerts["items"], json!([]));
}

#[tokio::test]
async fn a_child_stands_among_children_when_a_reference_is_loaded() {
    let clinic = TestTenant::new().await;
    let nurse = clinic.user(Role::Nurse).await;
    let body = json!({ "names": [{ "use": "legal", "family": "Young", "given": ["B"] }], "birth_date": "2023-05-26", "sex": "male" });
    let made = nurse
        .post("/api/v1/patients?allow_duplicate=true", body)
        .await
        .expect(201);
    let path = format!(
        "/api/v1/patients/{}/vitals",
        made["id"].as_str().expect("an id")
    );
    // Nine and a half months old.
    let set = || json!({ "measured_at": "2024-03-10T12:00:00Z", "readings": [{ "kind": "weight", "value": 9.7, "unit": "kg" }] });
    let before = nurse.post(&path, set()).await.expect(201);
    assert!(
        before["derived"]["percentiles"].is_null(),
        "none is shipped"
    );
    let of = GrowthFile {
        source: GrowthSource::Cdc,
        measure: GrowthMeasure::Weight,
        sex: None,
    };
    let file = "Sex,Agemos,L,M,S\n1,8.5,-0.1600954,9.476500305,0.11218624\n1,9.5,-0.1600954,9.476500305,0.11218624\n\
                1,10.5,-0.1600954,9.476500305,0.11218624\n2,9.5,-0.2,8.8,0.12\n";
    assert_eq!(
        load_growth(&clinic.app, clinic.id, file, of)
            .await
            .expect("loaded"),
        4
    );
    assert_eq!(
        load_growth(&clinic.app, clinic.id, file, of)
            .await
            .expect("loaded again"),
        4
    );
    let id = before["id"].as_str().expect("an id");
    let after = nurse.get(format!("{path}/{id}")).await.expect(200);
    assert_eq!(
        after["derived"]["percentiles"],
        json!([{ "measure": "weight", "source": "cdc", "z": 0.21, "percentile": 58.2 }]),
        "the CDC's own example"
    );
    let latest = nurse
        .get(format!("{path}/latest?since=2024-01-01T00:00:00Z"))
        .await
        .expect(200);
    assert_eq!(latest["percentiles"], after["derived"]["percentiles"]);
    let broken = load_growth(
        &clinic.app,
        clinic.id,
        "a,b\n1,2\n",
        GrowthFile {
            sex: Some(Sex::Male),
            ..of
        },
    )
    .await;
    assert!(broken.is_err());
}

#[tokio::test]
async fn a_trend_tells_extremes_slope_and_outline() {
    let (_clinic, nurse, patient) = bedside().await;
    let path = format!("/api/v1/patients/{patient}/vitals");
    nurse
        .post(&path, json!({ "measured_at": "2024-02-28T08:00:00Z", "readings": [{ "kind": "height", "value": 175, "unit": "cm" }] }))
        .await
        .expect(201);
    for (day, weight) in [
        (1, 80.0),
        (5, 79.5),
        (9, 79.0),
        (13, 78.5),
        (17, 78.0),
        (21, 77.5),
        (25, 77.0),
    ] {
        let body = json!({ "measured_at": format!("2024-03-{day:02}T08:00:00Z"), "readings": [
            { "kind": "weight", "value": weight, "unit": "kg" },
            { "kind": "blood_pressure", "systolic": 120 + day, "diastolic": 80 }
        ] });
        nurse.post(&path, body).await.expect(201);
    }
    let span = "from=2024-01-01T00:00:00Z&to=2024-06-01T00:00:00Z";
    let trend = nurse
        .get(format!("{path}/trend?{span}&kind=weight&points=3"))
        .await
        .expect(200);
    assert_eq!(trend["series"].as_array().map(Vec::len), Some(1));
    let weight = &trend["series"][0];
    assert_eq!(weight["count"], 7);
    assert_eq!(
        (&weight["min"]["value"], &weight["max"]["value"]),
        (&json!(77), &json!(80))
    );
    assert_eq!(weight["max"]["at"], "2024-03-01T08:00:00Z");
    assert_eq!(weight["slope"]["per_day"], -0.125);
    assert_eq!(weight["slope"]["direction"], "falling");
    assert_eq!(weight["points"].as_array().map(Vec::len), Some(3));
    let all = nurse.get(format!("{path}/trend?{span}")).await.expect(200);
    let kinds: Vec<&str> = all["series"]
        .as_array()
        .expect("series")
        .iter()
        .map(|series| series["kind"].as_str().expect("a kind"))
        .collect();
    assert_eq!(
        kinds,
        [
            "systolic",
            "diastolic",
            "mean_arterial_pressure",
            "weight",
            "height",
            "bmi"
        ]
    );
    nurse
        .get(format!("{path}/trend?points=1"))
        .await
        .expect_problem(400, "invalid_parameter");
}

#[tokio::test]
async fn a_point_of_a_trend_is_as_exact_as_its_reading() {
    let (clinic, nurse, patient) = bedside().await;
    let path = format!("/api/v1/patients/{patient}/vitals");
    let mut connection = clinic.behind_the_curtain().await;
    for (month, weight) in [(3, 80), (4, 79)] {
        let body = json!({ "measured_at": format!("2024-0{month}-01T05:00:00Z"), "readings": [
            { "kind": "weight", "value": weight, "unit": "kg" } ] });
        nurse.post(&path, body).await.expect(201);
    }
    // As an import writes down what it knows by the month.
    connection
        .execute(AssertSqlSafe(format!(
            "set app.context = '{} system organization   ';
             update app.vitals set measured_on = '2024-03' where patient_id = '{patient}' and value = 80",
            clinic.id
        )))
        .await
        .expect("a month");
    let span = "from=2024-01-01T00:00:00Z&to=2024-06-01T00:00:00Z";
    let trend = nurse.get(format!("{path}/trend?{span}&kind=weight")).await;
    let weight = trend.expect(200)["series"][0].clone();
    let points = weight["points"].as_array().expect("points");
    let known: Vec<&Value> = points.iter().map(|point| &point["measured_on"]).collect();
    assert_eq!(known, [&json!("2024-03"), &Value::Null], "{weight}");
    let (first, most) = (
        &weight["first"]["measured_on"],
        &weight["max"]["measured_on"],
    );
    assert_eq!((first, most), (&json!("2024-03"), &json!("2024-03")));
}
