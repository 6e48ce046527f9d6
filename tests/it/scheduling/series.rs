//! Appointments that repeat.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::desk::Desk;
use crate::support::id;

const PLACE: &str = "/api/v1/appointment-series";

fn weekly(desk: &Desk, start: DateTime<Utc>, count: u32) -> Value {
    let local = start.with_timezone(&desk.zone).naive_local();
    json!({ "patient_id": desk.patient, "service_id": desk.service, "facility_id": desk.facility, "provider_id": desk.provider,
        "local_start": local.format("%Y-%m-%dT%H:%M:%S").to_string(), "rule": format!("FREQ=WEEKLY;COUNT={count}") })
}

fn items(series: &Value) -> &Vec<Value> {
    series["occurrences"].as_array().expect("occurrences")
}

fn booked(series: &Value) -> Vec<&Value> {
    let open = |one: &&Value| one["status"] == "scheduled";
    items(series).iter().filter(open).collect()
}

#[tokio::test]
async fn a_preview_shows_the_conflicts_and_books_nothing() {
    let desk = Desk::open().await;
    let start = desk.at(3, 10, 0);
    let taken = start + chrono::TimeDelta::weeks(1);
    desk.book(&desk.another_patient().await, taken).await;
    let wish = weekly(&desk, start, 4);
    let seen = desk
        .staff
        .post(format!("{PLACE}/preview"), wish.clone())
        .await
        .expect(200);
    assert_eq!(seen["conflicts"], 1);
    assert_eq!(items(&seen)[1]["conflict"]["code"], "slot_taken");
    let refused = desk
        .staff
        .post(PLACE, wish.clone())
        .await
        .expect_problem(409, "series_conflicts");
    assert_eq!(
        refused["conflicts"][0]["local_start"],
        items(&seen)[1]["local_start"]
    );
    let list = format!("/api/v1/patients/{}/appointments", desk.patient);
    assert_eq!(desk.staff.get(&list).await.expect(200)["items"], json!([]));
    let mut skipping = wish;
    skipping["skip_conflicts"] = json!(true);
    let made = desk.staff.post(PLACE, skipping).await.expect(201);
    assert_eq!((items(&made).len(), booked(&made).len()), (4, 3));
    let found = desk
        .staff
        .get(format!("{PLACE}/{}", id(&made)))
        .await
        .expect(200);
    assert_eq!(booked(&found).len(), 3);
    assert_eq!(desk.torn().await, (0, 0));
}

#[tokio::test]
async fn when_the_clocks_change_the_wall_time_stays() {
    let desk = Desk::open().await;
    let start = desk.at(3, 10, 0);
    // Thirty weeks from any day cross a change of the clocks in New York.
    let made = desk
        .staff
        .post(PLACE, weekly(&desk, start, 30))
        .await
        .expect(201);
    let mut hours = std::collections::BTreeSet::new();
    for one in items(&made) {
        assert!(
            one["local_start"]
                .as_str()
                .expect("a time")
                .ends_with("T10:00:00")
        );
        hours.insert(one["starts_at"].as_str().expect("an instant")[11..13].to_owned());
    }
    assert_eq!(hours.into_iter().collect::<Vec<_>>(), ["14", "15"]);
}

#[tokio::test]
async fn one_the_following_and_all_are_moved_whole_or_not_at_all() {
    let desk = Desk::open().await;
    let start = desk.at(3, 10, 0);
    let made = desk
        .staff
        .post(PLACE, weekly(&desk, start, 5))
        .await
        .expect(201);
    let place = format!("{PLACE}/{}", id(&made));
    let third = items(&made)[2]["appointment_id"].clone();
    let change = |scope: &str, first: &Value, more: Value| {
        let mut body = json!({ "scope": scope, "reason": "Works in the afternoon" });
        if !first.is_null() {
            body["appointment_id"] = first.clone();
        }
        for (name, value) in more.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        let (staff, place) = (desk.staff.clone(), format!("{place}/change"));
        async move { staff.post(place, body).await }
    };
    let at = |series: &Value| -> Vec<String> {
        let time = |one: &&Value| one["local_start"].as_str().expect("a time")[11..16].to_owned();
        booked(series).iter().map(time).collect()
    };
    let later = json!({ "local_time": "14:30" });
    let changed = change("following", &third, later.clone()).await.expect(200);
    assert_eq!(at(&changed), ["10:00", "10:00", "14:30", "14:30", "14:30"]);
    // A quarter of an hour on: each overlaps with nobody but what it was.
    let changed = change("all", &Value::Null, json!({ "local_time": "10:15" }))
        .await
        .expect(200);
    assert_eq!(at(&changed), ["10:15"; 5]);
    assert!(
        changed["local_start"]
            .as_str()
            .expect("a time")
            .ends_with("T10:15:00")
    );
    let first = booked(&changed)[0]["appointment_id"].clone();
    let alone = change("one", &first, json!({ "shift_days": 1 }))
        .await
        .expect(200);
    assert_eq!(alone["exceptions"].as_array().map(Vec::len), Some(1));
    // Somebody else is there in the last week: none is moved.
    let last = start + chrono::TimeDelta::weeks(4) + chrono::TimeDelta::hours(5);
    desk.book(&desk.another_patient().await, last).await;
    let refused = change("all", &Value::Null, json!({ "local_time": "15:00" })).await;
    refused.expect_problem(409, "series_conflicts");
    let found = desk.staff.get(&place).await.expect(200);
    assert_eq!(at(&found), ["10:15"; 5]);
    let elsewhere = change("following", &json!(kernel::ids::mint()), later).await;
    assert_eq!(elsewhere.pointers(), ["/appointment_id"]);
    assert_eq!(desk.torn().await, (0, 0));
}

#[tokio::test]
async fn one_the_following_and_all_are_cancelled() {
    let desk = Desk::open().await;
    let made = desk
        .staff
        .post(PLACE, weekly(&desk, desk.at(3, 10, 0), 5))
        .await
        .expect(201);
    let place = format!("{PLACE}/{}", id(&made));
    let nth = |number: usize| items(&made)[number]["appointment_id"].clone();
    let cancel = |body: Value| {
        let (staff, place) = (desk.staff.clone(), format!("{place}/cancel"));
        async move { staff.post(place, body).await }
    };
    let one = json!({ "scope": "one", "appointment_id": nth(1), "reason": "Away" });
    assert_eq!(booked(&cancel(one.clone()).await.expect(200)).len(), 4);
    cancel(one).await.expect_problem(409, "illegal_transition");
    let following = json!({ "scope": "following", "appointment_id": nth(3), "reason": "Away" });
    assert_eq!(booked(&cancel(following).await.expect(200)).len(), 2);
    let all = json!({ "scope": "all", "by": "patient", "reason": "Feels better" });
    let gone = cancel(all.clone()).await.expect(200);
    assert_eq!(
        (booked(&gone).len(), &gone["status"]),
        (0, &json!("cancelled"))
    );
    cancel(all).await.expect_problem(409, "illegal_transition");
    assert_eq!(desk.torn().await, (0, 0));
}

#[tokio::test]
async fn a_series_that_never_ends_never_occurs_or_is_a_bomb_is_refused() {
    let desk = Desk::open().await;
    let good = weekly(&desk, desk.at(3, 10, 0), 2);
    for (rule, code) in [
        ("FREQ=SECONDLY;COUNT=1000000", "not_of_days"),
        ("FREQ=DAILY", "unbounded"),
        ("FREQ=DAILY;COUNT=4000", "too_long"),
        ("FREQ=DAILY;COUNT=300", "too_many"),
        (
            "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30;COUNT=3",
            "never_occurs",
        ),
        ("RRULE:FREQ=WAT", "not_an_rrule"),
    ] {
        let mut wish = good.clone();
        wish["rule"] = json!(rule);
        let began = std::time::Instant::now();
        let refused = desk.staff.post(PLACE, wish).await;
        assert_eq!(refused.pointers(), ["/rule"], "{rule}: {}", refused.text);
        assert_eq!(refused.expect(422)["errors"][0]["code"], code, "{rule}");
        assert!(began.elapsed().as_secs() < 5, "{rule}");
    }
    let mut past = good.clone();
    past["local_start"] = json!("2020-01-01T10:00:00");
    assert_eq!(
        desk.staff.post(PLACE, past).await.pointers(),
        ["/local_start"]
    );
    let stranger = Desk::open().await;
    let made = desk.staff.post(PLACE, good).await.expect(201);
    stranger
        .staff
        .get(format!("{PLACE}/{}", id(&made)))
        .await
        .expect(404);
    let why = json!({ "scope": "all", "reason": "x" });
    stranger
        .staff
        .post(format!("{PLACE}/{}/cancel", id(&made)), why)
        .await
        .expect(404);
}
