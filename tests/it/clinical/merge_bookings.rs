//! Two registrations of one person, booked for the same hour.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::merge::{Case, as_before};
use crate::scheduling::desk::Desk;
use crate::support::{Chart, id};

#[tokio::test]
async fn registrations_booked_for_the_same_hour_are_merged_and_come_apart_as_they_were() {
    let desk = Desk::open().await;
    let other = desk.add_provider().await;
    let chart = Chart::open(&desk.clinic).await;
    let at = desk.at(3, 14, 0);
    let book = async |patient: &str, provider: &str, at| {
        let mut wish = desk.wish(patient, at);
        wish["provider_id"] = json!(provider);
        let made = desk.staff.post("/api/v1/appointments", wish).await;
        id(&made.expect(201))
    };
    book(&desk.patient, &desk.provider, at).await;
    let theirs = book(&chart.patient, &other, at + TimeDelta::minutes(15)).await;
    let Desk {
        clinic,
        admin,
        staff,
        patient: survivor,
        ..
    } = desk;
    let case = Case {
        clinic,
        admin,
        chart,
        survivor,
    };
    let before = case.rows().await;
    for query in ["?preview=true", ""] {
        let report = case.merge(query).await;
        let tables = report["tables"].as_array().expect("tables");
        let found = |name: &str| {
            let mut found = tables.iter().filter(|table| table["table"] == name);
            found.next().cloned().unwrap_or_default()
        };
        assert_eq!(found("reservations")["stayed"], 1, "{report}");
        assert_eq!(found("appointments")["moved"], 1, "{report}");
    }
    let mine = staff
        .get(format!("/api/v1/patients/{}/appointments", case.survivor))
        .await
        .expect(200);
    let ids: Vec<&Value> = mine["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|it| &it["id"])
        .collect();
    assert!(ids.len() == 2 && ids.contains(&&json!(theirs)), "{mine}");
    case.unmerge().await;
    let (before, after) = (as_before(before), as_before(case.rows().await));
    for (table, rows) in &before {
        assert_eq!(rows, &after[table], "{table}");
    }
    // What is left of it is called off as any other, and gives all of its time back.
    case.merge("").await;
    let why = json!({ "reason": "Booked twice" });
    let place = format!("/api/v1/appointments/{theirs}/cancel");
    staff.post(place, why).await.expect(200);
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
