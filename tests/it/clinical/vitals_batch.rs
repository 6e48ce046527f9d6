//! Readings by the thousand: each row by itself, all in one transaction, none twice.

use chrono::{DateTime, TimeDelta, Timelike, Utc};
use platform::access::Role;
use serde_json::{Value, json};
use sqlx::Row;

use crate::support::{Caller, TestTenant};

const PATH: &str = "/api/v1/vitals/batch";

fn row(patient: &str, number: impl std::fmt::Display, reading: Value) -> Value {
    let mut reading = reading;
    reading["device_id"] = json!("monitor-7");
    json!({ "patient_id": patient, "measured_at": "2024-03-10T09:35:00Z", "device_reading_id": number.to_string(), "reading": reading })
}

fn rate(value: i64) -> Value {
    json!({ "kind": "heart_rate", "value": value })
}

async fn ward() -> (TestTenant, Caller, String) {
    let clinic = TestTenant::new().await;
    let nurse = clinic.user(Role::Nurse).await;
    let patient = clinic.patient(&nurse).await;
    (clinic, nurse, patient)
}

#[tokio::test]
async fn every_row_has_its_own_outcome() {
    let (clinic, nurse, patient) = ward().await;
    let other = clinic.user(Role::Nurse).await;
    let stranger = clinic.patient(&other).await;
    let mut unusual = row(&patient, 5, rate(210));
    unusual["measured_at"] = json!("2024-03-10T09:36:00Z");
    let mut foreign = row(&patient, 6, rate(70));
    foreign["encounter_id"] = json!(kernel::ids::mint());
    let mut nameless = row(&patient, 7, rate(70));
    nameless["reading"]
        .as_object_mut()
        .expect("an object")
        .remove("device_id");
    let rows = json!({ "rows": [
        row(&patient, 1, rate(72)),
        row(&patient, 2, json!({ "kind": "temperature", "value": 98.6, "unit": "Cel" })),
        row(&stranger, 3, rate(72)),
        { "patient_id": 4 },
        unusual,
        foreign,
        nameless,
        row(&patient, 8, json!({ "kind": "oxygen_saturation", "value": 97 }))
    ] });
    let done = nurse.post(PATH, rows.clone()).await.expect(200);
    assert_eq!((&done["created"], &done["refused"]), (&json!(2), &json!(6)));
    for (place, outcome, code) in [
        (0, "created", ""),
        (1, "refused", "impossible_value"),
        (2, "refused", "no_such_patient"),
        (3, "refused", "wrong_type"),
        (4, "refused", "unusual_value"),
        (5, "refused", "no_such_encounter"),
        (6, "refused", "missing_field"),
        (7, "created", ""),
    ] {
        let row = &done["rows"][place];
        assert_eq!(
            (&row["row"], &row["outcome"]),
            (&json!(place), &json!(outcome)),
            "{row}"
        );
        if !code.is_empty() {
            assert_eq!(row["problem"]["errors"][0]["code"], code, "{row}");
        }
    }
    assert_eq!(
        done["rows"][1]["problem"]["errors"][0]["pointer"],
        "/reading/value"
    );
    assert_eq!(
        done["rows"][0]["vitals_id"], done["rows"][7]["vitals_id"],
        "one time is one set"
    );
    let confirmed = nurse
        .post(format!("{PATH}?confirm=true"), rows)
        .await
        .expect(200);
    assert_eq!(
        (&confirmed["created"], &confirmed["duplicates"]),
        (&json!(1), &json!(2))
    );
}

#[tokio::test]
async fn a_batch_that_is_sent_again_writes_nothing_twice() {
    let (clinic, nurse, patient) = ward().await;
    let rows: Vec<Value> = (0..50)
        .map(|number| row(&patient, number, rate(60 + number % 30)))
        .collect();
    let first = nurse.post(PATH, json!({ "rows": rows })).await.expect(200);
    assert_eq!(first["created"], 50);
    let again = nurse.post(PATH, json!({ "rows": rows })).await.expect(200);
    assert_eq!(
        (&again["created"], &again["duplicates"]),
        (&json!(0), &json!(50))
    );
    assert_eq!(
        again["rows"][7]["reading_id"],
        first["rows"][7]["reading_id"]
    );
    // The same number for something else is a mistake of the device, and not overwritten.
    let changed = nurse
        .post(PATH, json!({ "rows": [row(&patient, 7, rate(99))] }))
        .await
        .expect(200);
    assert_eq!(
        changed["rows"][0]["problem"]["errors"][0]["code"],
        "device_reading_id_reused"
    );
    // Within one batch too.
    let twice = json!({ "rows": [row(&patient, 90, rate(70)), row(&patient, 90, rate(70)), row(&patient, 90, rate(71))] });
    let twice = nurse.post(PATH, twice).await.expect(200);
    let outcomes: Vec<&str> = (0..3)
        .map(|place| {
            twice["rows"][place]["outcome"]
                .as_str()
                .expect("an outcome")
        })
        .collect();
    assert_eq!(outcomes, ["created", "duplicate", "refused"]);
    let mut connection = clinic.behind_the_curtain().await;
    let count: i64 = sqlx::query_scalar("select count(*) from app.vitals where tenant_id = $1")
        .bind(clinic.id.0)
        .fetch_one(&mut connection)
        .await
        .expect("a count");
    assert_eq!(count, 51);
}

#[tokio::test]
async fn two_batches_at_once_that_overlap_write_each_reading_once() {
    let (_clinic, nurse, patient) = ward().await;
    let rows = |from: i64, backwards: bool| {
        let mut rows: Vec<Value> = (from..from + 200)
            .map(|number| row(&patient, number, rate(70)))
            .collect();
        if backwards {
            rows.reverse();
        }
        json!({ "rows": rows })
    };
    let (one, other) = tokio::join!(
        nurse.post(PATH, rows(0, false)),
        nurse.post(PATH, rows(100, true))
    );
    let (one, other) = (one.expect(200), other.expect(200));
    let sum = |name: &str| {
        one[name].as_i64().expect("a number") + other[name].as_i64().expect("a number")
    };
    assert_eq!(
        (sum("created"), sum("duplicates"), sum("refused")),
        (300, 100, 0)
    );
}

#[tokio::test]
async fn the_access_log_names_every_patient_of_a_batch_once() {
    let (clinic, nurse, _) = ward().await;
    let mut patients = Vec::new();
    for _ in 0..5 {
        patients.push(clinic.patient(&nurse).await);
    }
    let rows: Vec<Value> = (0..20)
        .map(|number| row(&patients[number % 5], number, rate(70)))
        .collect();
    let reply = nurse.post(PATH, json!({ "rows": rows })).await;
    let request = reply.headers["x-request-id"]
        .to_str()
        .expect("an id")
        .to_owned();
    reply.expect(200);
    let mut connection = clinic.behind_the_curtain().await;
    let mut named: Vec<String> = sqlx::query(
        "select patient_id::text from app.phi_accesses where request_id = $1::uuid and outcome = 'success' and resource = 'vitals'",
    )
    .bind(request)
    .fetch_all(&mut connection)
    .await
    .expect("rows")
    .into_iter()
    .map(|row| row.get("patient_id"))
    .collect();
    named.sort();
    patients.sort();
    assert_eq!(named, patients);
}

#[tokio::test]
async fn whose_rows_were_all_refused_is_on_record_as_refused() {
    let (clinic, nurse, patient) = ward().await;
    let other = clinic.user(Role::Nurse).await;
    let (stranger, nobody) = (
        clinic.patient(&other).await,
        kernel::ids::mint().to_string(),
    );
    let rows = json!({ "rows": [row(&patient, 1, rate(70)), row(&stranger, 2, rate(70)),
                                row(&nobody, 3, rate(70)), row(&patient, 4, rate(7_000))] });
    let reply = nurse.post(PATH, rows).await;
    let request = reply.headers["x-request-id"].to_str().expect("an id");
    let request = request.to_owned();
    assert_eq!(reply.expect(200)["refused"], 3);
    let named: Vec<(String, String, String, i64)> = sqlx::query_as(
        "select outcome, action, patient_id::text, count(*) over (partition by id) from app.phi_accesses
          where request_id = $1::uuid order by outcome, patient_id",
    )
    .bind(request)
    .fetch_all(&mut clinic.behind_the_curtain().await)
    .await
    .expect("rows");
    let mut both = [stranger, nobody];
    both.sort();
    let refused = both.map(|one| ("refused".to_owned(), "create".to_owned(), one, 2));
    let created = ("success".to_owned(), "create".to_owned(), patient, 1);
    assert_eq!(named, [&refused[..], &[created]].concat());
}

#[tokio::test]
async fn ten_thousand_rows_go_in_at_once_and_no_more() {
    let (clinic, nurse, patient) = ward().await;
    let rows = |count: i64| {
        let rows: Vec<Value> = (0..count)
            .map(|number| {
                let mut row = row(&patient, number, rate(60 + number % 30));
                row["measured_at"] =
                    json!((clinic.clock.now() - TimeDelta::minutes(number + 1)).to_rfc3339());
                row
            })
            .collect();
        json!({ "rows": rows })
    };
    let body = rows(10_000).to_string();
    assert!(body.len() > 1 << 20, "more than an ordinary body");
    // With a key the body is read by another hand.
    let headers = [
        ("idempotency-key", "one"),
        ("content-type", "application/json"),
    ];
    let done = nurse
        .send(axum::http::Method::POST, PATH, &headers, Some(body))
        .await
        .expect(200);
    assert_eq!(done["created"], 10_000, "{}", done["rows"][0]);
    nurse
        .post(PATH, rows(10_001))
        .await
        .expect_problem(422, "validation_failed");
    let flood = json!({ "rows": ["x".repeat(9 << 20)] });
    nurse
        .post(PATH, flood)
        .await
        .expect_problem(413, "body_too_large");
}

#[tokio::test]
async fn a_monitor_that_sends_every_part_of_a_score_raises_the_alert() {
    let (clinic, nurse, patient) = ward().await;
    let now = (clinic.clock.now() - TimeDelta::minutes(1)).to_rfc3339();
    let readings = [
        json!({ "kind": "respiratory_rate", "value": 26 }),
        json!({ "kind": "blood_pressure", "systolic": 96, "diastolic": 60 }),
        json!({ "kind": "consciousness", "code": "voice" }),
    ];
    let rows: Vec<Value> = readings
        .into_iter()
        .enumerate()
        .map(|(number, reading)| {
            let mut row = row(&patient, number, reading);
            row["measured_at"] = json!(now);
            row
        })
        .collect();
    assert_eq!(
        nurse.post(PATH, json!({ "rows": rows })).await.expect(200)["created"],
        3
    );
    let alerts = nurse
        .get(format!("/api/v1/patients/{patient}/clinical-alerts"))
        .await
        .expect(200);
    // The greater danger first.
    let raised = [0, 1].map(|place| &alerts["items"][place]);
    assert_eq!(
        raised.map(|alert| (&alert["kind"], &alert["score"], &alert["level"])),
        [
            (&json!("news2"), &json!(8), &json!("emergency")),
            (&json!("qsofa"), &json!(3), &json!("urgent"))
        ]
    );
}

/// A minute that has just gone by.
fn minute(clinic: &TestTenant) -> DateTime<Utc> {
    (clinic.clock.now() - TimeDelta::minutes(3))
        .with_second(0)
        .expect("a minute")
}

/// Sends readings of a moment so many seconds after the beginning of a minute.
async fn send(
    (_, nurse, patient): &(TestTenant, Caller, String),
    minute: DateTime<Utc>,
    number: i64,
    second: u32,
    readings: Vec<Value>,
) -> Value {
    let at = minute.with_second(second).expect("a second").to_rfc3339();
    let rows: Vec<Value> = (number..)
        .zip(readings)
        .map(|(number, reading)| {
            let mut row = row(patient, number, reading);
            row["measured_at"] = json!(at);
            row
        })
        .collect();
    let sent = rows.len();
    let body = json!({ "rows": rows });
    let done = nurse.post(format!("{PATH}?confirm=true"), body).await;
    let done = done.expect(200);
    assert_eq!(done["created"], sent, "{done}");
    done
}

/// What stands: kind, level, score.
async fn standing((_, nurse, patient): &(TestTenant, Caller, String)) -> Vec<Value> {
    let path = format!("/api/v1/patients/{patient}/clinical-alerts");
    let alerts = nurse.get(path).await.expect(200);
    let alerts = alerts["items"].as_array().expect("alerts").iter();
    alerts
        .filter(|alert| alert["status"] != "withdrawn")
        .map(|alert| json!([alert["kind"], alert["level"], alert["score"]]))
        .collect()
}

fn saturation(value: i64) -> Value {
    json!({ "kind": "oxygen_saturation", "value": value })
}

#[tokio::test]
async fn one_deadly_reading_calls_alone() {
    let ward = ward().await;
    let minute = minute(&ward.0);
    send(&ward, minute, 1, 5, vec![rate(72)]).await;
    assert!(standing(&ward).await.is_empty());
    send(&ward, minute, 2, 10, vec![saturation(82)]).await;
    assert_eq!(standing(&ward).await, [json!(["news2", "urgent", 3])]);
    // The same minute calls once, whatever else comes of it.
    send(&ward, minute, 3, 40, vec![saturation(81)]).await;
    send(&ward, minute, 4, 50, vec![rate(73)]).await;
    assert_eq!(standing(&ward).await, [json!(["news2", "urgent", 3])]);
}

#[tokio::test]
async fn readings_of_one_moment_in_two_requests_count_together() {
    let ward = ward().await;
    let minute = minute(&ward.0);
    let breath = json!({ "kind": "respiratory_rate", "value": 23 });
    let pressure = json!({ "kind": "blood_pressure", "systolic": 98, "diastolic": 60 });
    send(&ward, minute, 1, 20, vec![breath]).await;
    assert!(standing(&ward).await.is_empty(), "2 points");
    let second = send(&ward, minute, 2, 20, vec![pressure, rate(120)]).await;
    let mut both = standing(&ward).await;
    both.sort_by_key(ToString::to_string);
    let expected = [json!(["news2", "urgent", 6]), json!(["qsofa", "urgent", 2])];
    assert_eq!(both, expected, "2 + 2 + 2; two signs");

    // Without its heart rate the score is another: the wrong number does not stay.
    let (_, nurse, patient) = &ward;
    let set = second["rows"][1]["vitals_id"].as_str().expect("a set");
    let why =
        json!({ "reason": "Loose electrode", "reading_ids": [second["rows"][1]["reading_id"]] });
    let path = format!("/api/v1/patients/{patient}/vitals/{set}/withdraw");
    nurse.post(path, why).await.expect(200);
    assert_eq!(standing(&ward).await, [json!(["qsofa", "urgent", 2])]);
}

#[tokio::test]
async fn what_comes_after_in_the_minute_and_is_worse_takes_the_place() {
    let ward = ward().await;
    let minute = minute(&ward.0);
    send(&ward, minute, 1, 10, vec![saturation(82)]).await;
    let breath = json!({ "kind": "respiratory_rate", "value": 30 });
    let second = send(&ward, minute, 2, 30, vec![breath, rate(135)]).await;
    assert_eq!(standing(&ward).await, [json!(["news2", "emergency", 9])]);
    // The worst was an error: what it had covered calls again.
    let (_, nurse, patient) = &ward;
    let set = second["rows"][0]["vitals_id"].as_str().expect("a set");
    let path = format!("/api/v1/patients/{patient}/vitals/{set}/withdraw");
    let why = json!({ "reason": "Another bed" });
    nurse.post(path, why).await.expect(200);
    assert_eq!(standing(&ward).await, [json!(["news2", "urgent", 3])]);
}

/// A reading in a month of a year.
fn in_month(patient: &str, year: i32, month: u32) -> Value {
    let mut row = row(patient, format!("{year}-{month}"), rate(72));
    row["measured_at"] = json!(format!("{year}-{month:02}-10T09:35:00Z"));
    row
}

async fn months_of(clinic: &TestTenant, year: i32) -> i64 {
    sqlx::query_scalar("select count(*) from pg_class where relname like $1 and relkind = 'r'")
        .bind(format!("vitals\\_y{year}m%"))
        .fetch_one(&mut clinic.behind_the_curtain().await)
        .await
        .expect("the catalogue")
}

#[tokio::test]
async fn patients_who_are_made_up_have_no_months_made() {
    let (clinic, nurse, patient) = ward().await;
    let nobody = kernel::ids::mint().to_string();
    let mut rows: Vec<Value> = (1..=12)
        .map(|month| in_month(&nobody, 2013, month))
        .collect();
    rows.push(row(&patient, 1, rate(72)));
    let done = nurse.post(PATH, json!({ "rows": rows })).await.expect(200);
    assert_eq!(
        (&done["created"], &done["refused"]),
        (&json!(1), &json!(12))
    );
    assert_eq!(
        done["rows"][0]["problem"]["errors"][0]["code"],
        "no_such_patient"
    );
    assert_eq!(months_of(&clinic, 2013).await, 0);
}

#[tokio::test]
async fn a_batch_has_few_months_made_and_says_what_to_send_again() {
    let (clinic, nurse, patient) = ward().await;
    let rows: Vec<Value> = (1..=5)
        .map(|month| in_month(&patient, 2014, month))
        .collect();
    let rows = json!({ "rows": rows });
    let done = nurse.post(PATH, rows.clone()).await.expect(200);
    assert_eq!(
        (&done["created"], &done["refused"]),
        (&json!(3), &json!(2)),
        "{done}"
    );
    for (place, outcome) in [
        (0, "refused"),
        (1, "refused"),
        (2, "created"),
        (4, "created"),
    ] {
        assert_eq!(done["rows"][place]["outcome"], outcome, "{done}");
    }
    let why = &done["rows"][0]["problem"]["errors"][0];
    assert_eq!(
        (&why["pointer"], &why["code"]),
        (&json!("/measured_at"), &json!("too_many_months"))
    );
    assert_eq!(months_of(&clinic, 2014).await, 3);
    let again = nurse.post(PATH, rows).await.expect(200);
    assert_eq!(
        (&again["created"], &again["duplicates"]),
        (&json!(2), &json!(3)),
        "{again}"
    );
}
