//! Two registrations of one person, booked for the same hour.

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use serde_json::{Value, json};

use super::merge::{Case, as_before};
use crate::support::id;

#[tokio::test]
async fn registrations_booked_for_the_same_hour_are_merged_and_come_apart_as_they_were() {
    let case = Case::new().await;
    let add = async |place: &str, body: Value| id(&case.admin.post(place, body).await.expect(201));
    let place = json!({ "code": "NEAR", "name": "Near", "time_zone": "UTC" });
    let facility = add("/api/v1/facilities", place).await;
    let visit = json!({ "code": "V30", "name": "Visit", "appointment_type": "consultation", "duration_minutes": 30 });
    let service = add("/api/v1/scheduling/services", visit).await;
    let at = (case.clinic.clock.now() + TimeDelta::days(3))
        .duration_trunc(TimeDelta::hours(1))
        .expect("an hour");
    let book = async |patient: &str, name: &str, at: DateTime<Utc>| {
        let who = json!({ "given_name": name, "family_name": "Osei" });
        let provider = add("/api/v1/providers", who).await;
        let hours = json!({ "facility_id": facility, "provider_id": provider, "rrule": "FREQ=DAILY",
            "local_from": "00:00", "local_until": "00:00", "valid_from": "2026-01-01" });
        add("/api/v1/scheduling/working-times", hours).await;
        let wish = json!({ "patient_id": patient, "service_id": service, "facility_id": facility,
            "provider_id": provider, "starts_at": at });
        add("/api/v1/appointments", wish).await
    };
    book(&case.survivor, "Ana", at).await;
    let theirs = book(&case.chart.patient, "Ben", at + TimeDelta::minutes(15)).await;
    let before = case.rows().await;
    for query in ["?preview=true", ""] {
        let report = case.merge(query).await;
        let tables = report["tables"].as_array().expect("tables");
        let found = |name: &str| {
            let mut found = tables.iter().filter(|table| table["table"] == name);
            found.next().cloned().unwrap_or_default()
        };
        assert_eq!(found("reservations")["stayed"], 1, "{report}");
        assert!(
            found("appointments")["moved"].as_i64() >= Some(1),
            "{report}"
        );
    }
    let mine = case
        .admin
        .get(format!("/api/v1/patients/{}/appointments", case.survivor))
        .await
        .expect(200);
    let ids: Vec<&Value> = mine["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|it| &it["id"])
        .collect();
    assert!(ids.contains(&&json!(theirs)), "{mine}");
    case.unmerge().await;
    let (before, after) = (as_before(before), as_before(case.rows().await));
    for (table, rows) in &before {
        assert_eq!(rows, &after[table], "{table}");
    }
    // What is left of it is called off as any other, and gives all of its time back.
    case.merge("").await;
    let why = json!({ "reason": "Booked twice" });
    let place = format!("/api/v1/appointments/{theirs}/cancel");
    case.admin.post(place, why).await.expect(200);
    let held: i64 = sqlx::query_scalar(
        "select count(*) from app.reservations where tenant_id = $1 and appointment_id = $2::uuid and state <> 'released'",
    )
    .bind(case.clinic.id.0)
    .bind(&theirs)
    .fetch_one(&mut case.clinic.behind_the_curtain().await)
    .await
    .expect("a count");
    assert_eq!(held, 0);
}
