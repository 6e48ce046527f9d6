//! What the figures of capacity count: a session once, what takes place there, whoever worked there, and all of the wait.

use chrono::{DateTime, TimeDelta, Utc};
use platform::access::Role;
use serde_json::{Value, json};

use super::desk::Desk;
use crate::support::{Caller, id};

async fn capacity(caller: &Caller, facility: &str, around: DateTime<Utc>) -> Value {
    let text = |at: DateTime<Utc>| at.format("%Y-%m-%dT%H:%M:%SZ").to_string();
    let half = TimeDelta::hours(12);
    let place = format!(
        "/api/v1/scheduling/capacity?facility_id={facility}&from={}&to={}",
        text(around - half),
        text(around + half)
    );
    caller.get(place).await.expect(200)
}

fn of_provider<'a>(capacity: &'a Value, provider: &str) -> Option<&'a Value> {
    let mut all = capacity["providers"].as_array().expect("a list").iter();
    all.find(|one| one["provider_id"] == provider)
}

fn of_service<'a>(capacity: &'a Value, service: &str) -> &'a Value {
    let mut all = capacity["services"].as_array().expect("a list").iter();
    all.find(|one| one["service_id"] == service)
        .expect("the service")
}

#[tokio::test]
async fn the_patients_of_a_session_take_its_minutes_once() {
    let desk = Desk::with(json!({ "capacity": 3, "appointment_type": "group" })).await;
    let at = desk.at(3, 10, 0);
    for _ in 0..3 {
        desk.book(&desk.another_patient().await, at).await;
    }
    desk.book(&desk.patient, at + TimeDelta::hours(1)).await;
    let found = capacity(&desk.staff, &desk.facility, at).await;
    assert_eq!(of_service(&found, &desk.service)["appointments"], 4);
    // Two sessions of half an hour of a day and a night.
    assert_eq!(found["fill_rate"], json!(0.0417), "{found}");
}

#[tokio::test]
async fn what_takes_place_elsewhere_is_not_counted_here_whoever_asks() {
    let desk = Desk::open().await;
    let second = json!({ "code": "TWO", "name": "Two", "time_zone": "America/New_York" });
    let second = id(&desk
        .admin
        .post("/api/v1/facilities", second)
        .await
        .expect(201));
    let hours = json!({ "facility_id": second, "provider_id": desk.provider, "rrule": "FREQ=DAILY",
        "local_from": "00:00", "local_until": "00:00", "valid_from": "2026-01-01" });
    let place = "/api/v1/scheduling/working-times";
    desk.admin.post(place, hours).await.expect(201);
    let at = desk.at(3, 10, 0);
    let mut wish = desk.wish(&desk.patient, at);
    wish["facility_id"] = json!(second);
    let place = "/api/v1/appointments";
    desk.staff.post(place, wish).await.expect(201);
    // A nurse sees no chart of it.
    let nurse = desk.clinic.user(Role::Nurse).await;
    for (facility, minutes) in [(&desk.facility, 0), (&second, 30)] {
        let found = capacity(&nurse, facility, at).await;
        let usage = of_provider(&found, &desk.provider).expect("he works there");
        assert_eq!(
            (&usage["booked_minutes"], &usage["outside_minutes"]),
            (&json!(minutes), &json!(0)),
            "{found}"
        );
    }
}

#[tokio::test]
async fn of_a_time_that_is_past_whoever_has_left_is_told_too() {
    let mut desk = Desk::open().await;
    let at = desk.at(2, 10, 0);
    desk.book(&desk.patient, at).await;
    desk.later(at + TimeDelta::hours(20) - desk.clinic.clock.now())
        .await;
    let place = format!("/api/v1/providers/{}", desk.provider);
    let present = desk.admin.get(&place).await.expect(200);
    let version = present["version"].as_i64().expect("a version");
    let left = json!({ "status": "inactive" });
    desk.admin.patch(&place, version, left).await.expect(200);
    let then = capacity(&desk.staff, &desk.facility, at).await;
    let usage = of_provider(&then, &desk.provider).expect("he worked then");
    assert_eq!(
        (&usage["available_minutes"], &usage["booked_minutes"]),
        (&json!(1440), &json!(30))
    );
    let coming = desk.clinic.clock.now() + TimeDelta::days(3);
    let coming = capacity(&desk.staff, &desk.facility, coming).await;
    assert!(of_provider(&coming, &desk.provider).is_none(), "{coming}");
}

#[tokio::test]
async fn who_was_moved_has_waited_since_he_booked_first() {
    let mut desk = Desk::open().await;
    let booked = desk.clinic.clock.now();
    let mut made = desk.book(&desk.patient, desk.at(20, 10, 0)).await;
    for hour in [11, 12] {
        desk.later(TimeDelta::days(5)).await;
        let to = json!({ "starts_at": desk.at(10, hour, 0), "reason": "Away" });
        let place = format!("/api/v1/appointments/{}/reschedule", id(&made));
        made = desk.staff.post(place, to).await.expect(200);
    }
    let at: DateTime<Utc> = serde_json::from_value(made["starts_at"].clone()).expect("an instant");
    let found = capacity(&desk.staff, &desk.facility, at).await;
    let days = &of_service(&found, &desk.service)["median_days_waited"];
    #[expect(clippy::cast_precision_loss, reason = "minutes of some weeks")]
    let waited = (at - booked).num_minutes() as f64 / 1440.0;
    let days = days.as_f64().expect("a number");
    assert!((days - waited).abs() < 0.11, "{days} of {waited}");
}

#[tokio::test]
async fn the_third_next_is_an_appointment_that_could_be_had_after_two_others() {
    let desk = Desk::open().await;
    let who = json!({ "given_name": "Ben", "family_name": "Seldom" });
    let seldom = id(&desk.admin.post("/api/v1/providers", who).await.expect(201));
    let service = desk
        .add_service(json!({ "align_minutes": 5, "prep_minutes": 5, "cleanup_minutes": 10 }))
        .await;
    // An hour and a half, in which two fit, and the rest a week later.
    let (soon, late) = (desk.at(1, 10, 0), desk.at(8, 10, 0));
    for (from, minutes) in [(soon, 90), (late, 240)] {
        let extra = json!({ "effect": "extra", "facility_id": desk.facility, "provider_id": seldom,
            "starts_at": from, "ends_at": from + TimeDelta::minutes(minutes) });
        let place = "/api/v1/scheduling/time-exceptions";
        desk.admin.post(place, extra).await.expect(201);
    }
    let found = capacity(&desk.staff, &desk.facility, soon).await;
    let third = &of_service(&found, &service)["third_next"];
    let third = third.as_array().expect("a list").iter();
    let mut third = third.filter(|one| one["provider_id"] == json!(seldom));
    let third = third.next().expect("he is told");
    assert_eq!(
        third["third_next_at"],
        json!(late + TimeDelta::minutes(5)),
        "{third}"
    );
}

#[tokio::test]
async fn the_third_next_is_none_that_is_too_soon_or_too_far_ahead_to_be_booked() {
    let desk = Desk::open().await;
    let lead = TimeDelta::days(2);
    let late = desk.add_service(json!({ "lead_minutes": 2880 })).await;
    let near = json!({ "lead_minutes": 2880, "ahead_days": 1 });
    let never = desk.add_service(near).await;
    let now = desk.clinic.clock.now();
    let found = capacity(&desk.staff, &desk.facility, now).await;
    let third =
        |service: &str| of_service(&found, service)["third_next"][0]["third_next_at"].clone();
    let at: DateTime<Utc> = serde_json::from_value(third(&late)).expect("an instant");
    assert!(
        at >= now + lead && at < now + lead + TimeDelta::hours(3),
        "{found}"
    );
    assert_eq!(third(&never), Value::Null);
}

#[tokio::test]
async fn the_third_next_of_a_service_without_a_provider_is_of_its_rooms() {
    let desk = Desk::open().await;
    let draw = json!({ "needs_provider": false, "room_kind": "lab", "align_minutes": 30 });
    let service = desk.add_service(draw).await;
    let now = desk.clinic.clock.now();
    let third = async || {
        let found = capacity(&desk.staff, &desk.facility, now).await;
        of_service(&found, &service)["third_next"].clone()
    };
    assert_eq!(third().await, json!([{}]));
    desk.add_asset("room", "lab").await;
    let told = third().await;
    let at: DateTime<Utc> = serde_json::from_value(told[0]["third_next_at"].clone())
        .unwrap_or_else(|_| panic!("an instant: {told}"));
    let half_hours = (at - now).num_minutes();
    assert!((60..=90).contains(&half_hours), "{told}");
    assert_eq!(told[0].get("provider_id"), None);
}
