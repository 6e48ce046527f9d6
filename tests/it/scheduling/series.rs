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
    let next = change("following", &third, later.clone()).await.expect(200);
    assert_eq!(at(&next), ["14:30"; 3]);
    // The other two stay in the series, which ends before; what goes on says what it goes on with.
    let first = desk.staff.get(&place).await.expect(200);
    assert_eq!(at(&first), ["10:00"; 2]);
    assert_eq!(
        first["until"],
        items(&made)[1]["local_start"].as_str().expect("a time")[..10]
    );
    assert_eq!(next["split_from"], made["id"]);
    assert_eq!(first["continued_by"], json!([next["id"]]));
    assert_eq!(
        (&next["rule"], &next["until"]),
        (&json!("FREQ=WEEKLY;COUNT=3"), &Value::Null)
    );
    // A quarter of an hour on: each overlaps with nobody but what it was.
    let place = format!("{PLACE}/{}", id(&next));
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
    let changed = change("all", &Value::Null, json!({ "local_time": "10:15" }))
        .await
        .expect(200);
    assert_eq!(at(&changed), ["10:15"; 3]);
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
    let refused = refused.expect_problem(409, "series_conflicts");
    // A change has neither a preview nor anything to leave out.
    let detail = refused["detail"].as_str().expect("a sentence");
    assert!(!detail.contains("skip_conflicts") && !detail.contains("preview"));
    let found = desk.staff.get(&place).await.expect(200);
    assert_eq!(at(&found), ["10:15"; 3]);
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
    let ended = cancel(following).await.expect(200);
    assert_eq!(booked(&ended).len(), 2);
    let last = items(&made)[2]["local_start"].as_str().expect("a time");
    assert_eq!(
        (&ended["until"], &ended["status"]),
        (&json!(last[..10]), &json!("active"))
    );
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

#[tokio::test]
async fn what_was_moved_alone_and_days_left_out_keep_their_manner_when_the_rest_is_moved() {
    let desk = Desk::open().await;
    let start = desk.at(3, 10, 0);
    let mut wish = weekly(&desk, start, 6);
    let day = |weeks: i64| (start + chrono::TimeDelta::weeks(weeks)).with_timezone(&desk.zone);
    let out = day(4).date_naive().to_string();
    wish["exceptions"] = json!([out]);
    let made = desk.staff.post(PLACE, wish).await.expect(201);
    let nth = |number: usize| items(&made)[number]["appointment_id"].clone();
    // The fourth is moved alone, by the appointment's own operation.
    let moved = format!(
        "/api/v1/appointments/{}/reschedule",
        nth(3).as_str().expect("an id")
    );
    let to = json!({ "starts_at": start + chrono::TimeDelta::weeks(3) + chrono::TimeDelta::hours(6), "reason": "Away" });
    let alone = desk.staff.post(moved, to).await.expect(200);
    let change = json!({ "scope": "following", "appointment_id": nth(1), "shift_days": 1, "local_time": "11:00",
        "reason": "Another day" });
    let next = desk
        .staff
        .post(format!("{PLACE}/{}/change", id(&made)), change)
        .await
        .expect(200);
    let told: Vec<(&str, bool)> = booked(&next)
        .iter()
        .map(|one| {
            let at = one["local_start"].as_str().expect("a time");
            (&at[11..16], one["appointment_id"] == alone["id"])
        })
        .collect();
    assert_eq!(
        told,
        [
            ("11:00", false),
            ("11:00", false),
            ("16:00", true),
            ("11:00", false)
        ]
    );
    let later = (day(4).date_naive() + chrono::Days::new(1)).to_string();
    assert_eq!(next["exceptions"], json!([later]));
    // The appointment moved alone belongs to the series that goes on.
    let kept = desk
        .staff
        .get(format!("/api/v1/appointments/{}", id(&alone)))
        .await
        .expect(200);
    assert_eq!(kept["series_id"], next["id"]);
    // The second Tuesday a day later is not always the second Wednesday: nothing is guessed.
    let mut monthly = weekly(&desk, desk.at(40, 15, 0), 3);
    let local = desk.at(40, 15, 0).with_timezone(&desk.zone);
    let weekday = ["MO", "TU", "WE", "TH", "FR"]
        [chrono::Datelike::weekday(&local).num_days_from_monday() as usize];
    monthly["rule"] = json!(format!("FREQ=MONTHLY;BYDAY=2{weekday};COUNT=3"));
    let monthly = desk.staff.post(PLACE, monthly).await.expect(201);
    let all = json!({ "scope": "all", "shift_days": 1, "reason": "Another day" });
    let refused = desk
        .staff
        .post(format!("{PLACE}/{}/change", id(&monthly)), all)
        .await;
    assert_eq!(refused.pointers(), ["/shift_days"]);
    assert_eq!(desk.torn().await, (0, 0));
}

#[tokio::test]
async fn a_series_through_the_hour_that_is_missing_or_comes_twice_is_booked_once_a_day() {
    let desk = Desk::open().await;
    for (start, expected) in [
        ("2027-03-13T02:30:00", ["07:30", "07:00", "06:30"]),
        ("2027-11-06T01:30:00", ["05:30", "05:30", "06:30"]),
    ] {
        let mut wish = weekly(&desk, desk.at(3, 10, 0), 3);
        wish["local_start"] = json!(start);
        wish["rule"] = json!("FREQ=DAILY;COUNT=3");
        let made = desk.staff.post(PLACE, wish).await.expect(201);
        let at: Vec<&str> = items(&made)
            .iter()
            .map(|one| &one["starts_at"].as_str().expect("an instant")[11..16])
            .collect();
        assert_eq!(at, expected, "{start}");
        for one in items(&made) {
            let read = format!(
                "/api/v1/appointments/{}",
                one["appointment_id"].as_str().expect("an id")
            );
            let read = desk.staff.get(read).await.expect(200);
            assert_eq!(
                one["local_start"], read["local_start"],
                "as the wall shows it"
            );
        }
        // Moved by an hour they are where the wall says, and each moved by as much as it takes.
        let change = json!({ "scope": "all", "local_time": "09:00", "reason": "By day" });
        let moved = desk
            .staff
            .post(format!("{PLACE}/{}/change", id(&made)), change);
        assert_eq!(booked(&moved.await.expect(200)).len(), 3);
    }
    assert_eq!(desk.torn().await, (0, 0));
}

#[tokio::test]
async fn what_was_moved_alone_beyond_the_last_day_is_done_with_alone() {
    let desk = Desk::open().await;
    let start = desk.at(3, 10, 0);
    let made = desk
        .staff
        .post(PLACE, weekly(&desk, start, 3))
        .await
        .expect(201);
    let place = format!("{PLACE}/{}", id(&made));
    let beyond = start + chrono::TimeDelta::weeks(5);
    let to = json!({ "starts_at": beyond, "reason": "Away" });
    let last = items(&made)[2]["appointment_id"].as_str().expect("an id");
    let moved = format!("/api/v1/appointments/{last}/reschedule");
    let alone = desk.staff.post(moved, to).await.expect(200);
    let later = json!({ "scope": "following", "appointment_id": alone["id"], "local_time": "14:00",
        "reason": "Works in the morning" });
    let changed = desk.staff.post(format!("{place}/change"), later).await;
    let changed = changed.expect(200);
    let times: Vec<&str> = booked(&changed)
        .iter()
        .map(|one| &one["local_start"].as_str().expect("a time")[11..16])
        .collect();
    assert_eq!(times, ["10:00", "10:00", "14:00"]);
    assert_eq!(
        (&changed["id"], &changed["local_start"], &changed["rule"]),
        (&made["id"], &made["local_start"], &made["rule"])
    );
    let alone = booked(&changed)[2]["appointment_id"].clone();
    let why = json!({ "scope": "following", "appointment_id": alone, "reason": "Feels better" });
    let left = desk.staff.post(format!("{place}/cancel"), why).await;
    let left = left.expect(200);
    assert_eq!(
        (&left["status"], booked(&left).len(), &left["until"]),
        (&json!("active"), 2, &made["until"])
    );
    // The rest can be changed: the series goes on.
    let all = json!({ "scope": "all", "local_time": "11:00", "reason": "Works later" });
    let rest = desk.staff.post(format!("{place}/change"), all).await;
    assert_eq!(booked(&rest.expect(200)).len(), 2);
    assert_eq!(desk.torn().await, (0, 0));
}
