//! Encounters: legal steps only, moved between months without losing anything.

use platform::access::Role;
use serde_json::{Value, json};
use sqlx::Row;

use crate::support::{Chart, TestTenant, id};

async fn schedule(
    clinic: &TestTenant,
    chart: &Chart,
    change: Value,
) -> (crate::support::Caller, String, Value) {
    let admin = clinic.user(Role::Admin).await;
    let mut body = json!({ "class": "office_visit", "scheduled_start": "2026-12-10T09:00:00-05:00", "scheduled_end": "2026-12-10T09:30:00-05:00" });
    body.as_object_mut()
        .expect("an object")
        .extend(change.as_object().expect("an object").clone());
    let made = admin
        .post(
            format!("/api/v1/patients/{}/encounters", chart.patient),
            body,
        )
        .await
        .expect(201);
    let path = format!(
        "/api/v1/patients/{}/encounters/{}",
        chart.patient,
        made["id"].as_str().expect("an id")
    );
    (admin, path, made)
}

#[tokio::test]
async fn only_legal_steps_are_taken_and_the_others_name_them() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let (admin, path, _) = schedule(&clinic, &chart, json!({})).await;
    let problem = admin
        .post(format!("{path}/complete"), json!({}))
        .await
        .expect_problem(409, "illegal_transition");
    let allowed: Vec<_> = problem["allowed"]
        .as_array()
        .expect("the legal steps")
        .clone();
    assert!(
        allowed.contains(&json!("in_progress")) && allowed.contains(&json!("cancelled")),
        "{problem}"
    );
    let started = admin.act(format!("{path}/start")).await.expect(200);
    assert_eq!(started["status"], "in_progress");
    assert!(started["actual_start"].is_string());
    let done = admin
        .post(format!("{path}/complete"), json!({ "disposition": "home" }))
        .await
        .expect(200);
    assert_eq!(done["status"], "completed");
    admin
        .act(format!("{path}/start"))
        .await
        .expect_problem(409, "illegal_transition");
    let (admin, path, _) = schedule(&clinic, &chart, json!({})).await;
    admin
        .post(
            format!("{path}/cancel"),
            json!({ "reason": "patient asked" }),
        )
        .await
        .expect(200);
    admin
        .act(format!("{path}/no-show"))
        .await
        .expect_problem(409, "illegal_transition");
}

/// Whether a table has a partition of its own for a month.
async fn has_month(table: &str, month: &str) -> bool {
    sqlx::query_scalar("select to_regclass('app.' || $1 || '_y' || $2) is not null")
        .bind(table)
        .bind(month)
        .fetch_one(&mut crate::support::admin_connection().await)
        .await
        .expect("an answer")
}

/// Months no other test asks for.
#[tokio::test]
async fn who_may_not_write_into_a_month_makes_none() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let stranger = clinic.user(Role::Nurse).await;
    let patient = clinic.patient(&admin).await;
    let visit = |start: &str| json!({ "class": "office_visit", "scheduled_start": start });
    let path = format!("/api/v1/patients/{patient}/encounters");
    let at = clinic.clock.now() + chrono::TimeDelta::days(1600);
    let (far, month) = (at.to_rfc3339(), at.format("%Ym%m").to_string());
    let (far, month) = (far.as_str(), month.as_str());
    stranger
        .post(&path, visit(far))
        .await
        .expect_problem(404, "not_found");
    let nobody = format!("/api/v1/patients/{}/encounters", kernel::ids::mint());
    admin
        .post(nobody, visit(far))
        .await
        .expect_problem(404, "not_found");
    let planned = admin
        .post(&path, visit("2024-03-10T09:00:00Z"))
        .await
        .expect(201);
    let planned = format!("{path}/{}", id(&planned));
    let other = json!({ "scheduled_start": far });
    stranger
        .post(format!("{planned}/reschedule"), other.clone())
        .await
        .expect_problem(404, "not_found");
    admin
        .post(
            format!("{planned}/cancel"),
            json!({ "reason": "feels better" }),
        )
        .await
        .expect(200);
    admin
        .post(format!("{planned}/reschedule"), other)
        .await
        .expect_problem(409, "illegal_transition");
    assert!(!has_month("encounters", month).await);
    admin.post(&path, visit(far)).await.expect(201);
    assert!(has_month("encounters", month).await);

    let nurse = clinic.user(Role::Nurse).await;
    let path = format!("/api/v1/patients/{}/vitals", clinic.patient(&nurse).await);
    let reading = json!({ "measured_at": "2012-07-10T09:00:00Z", "readings": [{ "kind": "heart_rate", "value": 72 }] });
    stranger
        .post(&path, reading.clone())
        .await
        .expect_problem(404, "not_found");
    assert!(!has_month("vitals", "2012m07").await);
    nurse.post(&path, reading).await.expect(201);
    assert!(has_month("vitals", "2012m07").await);
}

#[tokio::test]
async fn an_encounter_moves_to_another_month_and_is_still_found_by_everybody() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let (admin, path, made) = schedule(&clinic, &chart, json!({})).await;
    let participant = chart.localise(json!({ "provider_id": "x", "role": "consulting" }));
    admin
        .post(format!("{path}/participants"), participant)
        .await
        .expect(201);
    let moved = admin
        .post(
            format!("{path}/reschedule"),
            json!({ "scheduled_start": "2027-03-02T08:00:00-05:00", "scheduled_end": "2027-03-02T08:30:00-05:00" }),
        )
        .await
        .expect(200);
    assert_eq!(moved["id"], made["id"]);
    let id = made["id"].as_str().expect("an id");
    let by_id = admin
        .get(format!("/api/v1/encounters/{id}"))
        .await
        .expect(200);
    assert_eq!(by_id["scheduled_start"], moved["scheduled_start"]);
    assert_eq!(
        admin.get(format!("{path}/participants")).await.expect(200)["items"]
            .as_array()
            .map(Vec::len),
        Some(1)
    );
    let mut connection = clinic.behind_the_curtain().await;
    let history: Vec<String> = sqlx::query("select action from app.audit_log where tenant_id = $1 and table_name = 'encounters' and row_id = $2::uuid order by at")
        .bind(clinic.id.0)
        .bind(id)
        .fetch_all(&mut connection)
        .await
        .expect("rows")
        .into_iter()
        .map(|row| row.get("action"))
        .collect();
    assert_eq!(history, ["insert", "update"], "a move is one change");
}

#[tokio::test]
async fn the_attending_provider_is_on_the_team() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let admin = clinic.user(Role::Admin).await;
    let doctor = clinic.user(Role::Provider).await;
    let provider = admin
        .post(
            "/api/v1/providers",
            json!({ "user_id": doctor.user_id, "given_name": "Grace", "family_name": "Hopper" }),
        )
        .await
        .expect(201);
    let path = format!("/api/v1/patients/{}", chart.patient);
    doctor.get(&path).await.expect_problem(404, "not_found");
    let start = clinic.clock.now() + chrono::TimeDelta::days(1);
    let (_, visit, _) = schedule(&clinic, &chart, json!({ "attending_provider_id": provider["id"], "scheduled_start": start, "scheduled_end": null })).await;
    doctor.get(&path).await.expect(200);
    let list = doctor
        .get(format!(
            "/api/v1/providers/{}/encounters",
            provider["id"].as_str().expect("an id")
        ))
        .await
        .expect(200);
    assert_eq!(list["items"].as_array().map(Vec::len), Some(1), "{list}");
    // A visit that does not take place opens no chart.
    admin
        .post(
            format!("{visit}/cancel"),
            json!({ "reason": "booked in error" }),
        )
        .await
        .expect(200);
    doctor.get(&path).await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn one_bed_holds_one_patient() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let other = Chart::open_another(&clinic, &chart).await;
    let bed = |at: &str| {
        chart.localise(json!({ "facility_id": "x", "department_id": "x", "bed": "12A", "at": at }))
    };
    let (admin, path, _) = schedule(
        &clinic,
        &chart,
        json!({ "class": "inpatient", "scheduled_end": null }),
    )
    .await;
    admin.act(format!("{path}/start")).await.expect(200);
    let (_, second, _) = schedule(
        &clinic,
        &other,
        json!({ "class": "inpatient", "scheduled_end": null }),
    )
    .await;
    admin.act(format!("{second}/start")).await.expect(200);
    let now = clinic.clock.now();
    admin
        .post(format!("{path}/bed-moves"), bed(&now.to_rfc3339()))
        .await
        .expect(201);
    admin
        .post(format!("{second}/bed-moves"), bed(&now.to_rfc3339()))
        .await
        .expect_problem(409, "bed_occupied");
}

#[tokio::test]
async fn a_facility_of_another_tenant_is_one_that_does_not_exist() {
    let clinic = TestTenant::new().await;
    let other = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let theirs = Chart::open(&other).await;
    let admin = clinic.user(Role::Admin).await;
    let path = format!("/api/v1/patients/{}/encounters", chart.patient);
    let body = |facility: Value| json!({ "class": "office_visit", "scheduled_start": "2026-12-10T09:00:00Z", "facility_id": facility });
    let foreign = admin
        .post(
            &path,
            body(theirs.localise(json!({ "facility_id": "x" }))["facility_id"].clone()),
        )
        .await;
    let absent = admin.post(&path, body(json!(kernel::ids::mint()))).await;
    assert_eq!(foreign.status, 422, "{}", foreign.text);
    assert_eq!(foreign.json()["errors"], absent.json()["errors"]);
}
