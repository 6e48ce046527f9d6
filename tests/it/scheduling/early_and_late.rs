//! Visits that are over before their time, and patients who come after it.

use chrono::{DateTime, DurationRound as _, TimeDelta, Utc};
use futures_util::future::join;
use serde_json::{Value, json};

use super::desk::Desk;
use crate::support::{Caller, Reply, id};

const PLACE: &str = "/api/v1/appointments";

fn step(made: &Value, step: &str) -> String {
    format!("{PLACE}/{}/{step}", id(made))
}

/// A desk whose visits take an hour and are cleaned up after for ten minutes, with one at ten.
async fn desk() -> (Desk, Value, DateTime<Utc>) {
    let hour = json!({ "duration_minutes": 60, "cleanup_minutes": 10, "align_minutes": 5, "overbook_per_day": 2 });
    let desk = Desk::with(hour).await;
    let at = desk.at(1, 10, 0);
    let made = desk.book(&desk.patient, at).await;
    (desk, made, at)
}

/// Lets it become that time.
async fn until(desk: &mut Desk, at: DateTime<Utc>) {
    desk.later(at - desk.clinic.clock.now()).await;
}

async fn begin(desk: &Desk, made: &Value) {
    desk.staff.act(step(made, "check-in")).await.expect(200);
    desk.doctor.act(step(made, "start")).await.expect(200);
}

async fn try_at(desk: &Desk, at: DateTime<Utc>) -> Reply {
    let patient = desk.another_patient().await;
    desk.staff.post(PLACE, desk.wish(&patient, at)).await
}

fn instant(value: &Value) -> DateTime<Utc> {
    value.as_str().expect("text").parse().expect("an instant")
}

/// The clocks of a test go on while it runs.
fn nearest_minute(at: DateTime<Utc>) -> DateTime<Utc> {
    at.duration_round(TimeDelta::minutes(1)).expect("a minute")
}

/// What occupies the provider on the day of an appointment.
async fn occupied(
    desk: &Desk,
    at: DateTime<Utc>,
    whose: &str,
) -> Vec<(Value, DateTime<Utc>, DateTime<Utc>)> {
    let date = at.with_timezone(&desk.zone).date_naive();
    let path = format!("/api/v1/scheduling/schedule?{whose}&date={date}");
    let day = desk.admin.get(path).await.expect(200)["days"][0].clone();
    let entries = day["entries"].as_array().expect("entries").iter();
    entries
        .map(|entry| {
            let whole = |name: &str| nearest_minute(instant(&entry[name]));
            (
                entry["appointment"]["id"].clone(),
                whole("occupied_from"),
                whole("occupied_until"),
            )
        })
        .collect()
}

#[tokio::test]
async fn a_visit_that_is_over_early_gives_back_the_rest_of_its_time() {
    let (mut desk, made, at) = desk().await;
    until(&mut desk, at).await;
    begin(&desk, &made).await;
    desk.later(TimeDelta::minutes(17)).await;
    let after = |minutes| at + TimeDelta::minutes(minutes);
    try_at(&desk, after(30))
        .await
        .expect_problem(409, "slot_taken");
    let done = desk.staff.act(step(&made, "complete")).await.expect(200);
    // What was agreed on stays as it was.
    assert_eq!(
        (instant(&done["starts_at"]), instant(&done["ends_at"])),
        (at, after(60))
    );
    // The patient is free at once, for another.
    let other = desk.add_provider().await;
    let mut elsewhere = desk.wish(&desk.patient, after(20));
    elsewhere["provider_id"] = json!(other);
    desk.staff.post(PLACE, elsewhere).await.expect(201);
    // The doctor has to clean up first.
    let refused = try_at(&desk, after(25))
        .await
        .expect_problem(409, "slot_taken");
    assert_eq!(instant(&refused["next_free"][0]), after(30));
    let path = format!(
        "/api/v1/scheduling/availability?service_id={}&facility_id={}&provider_id={}&from={}&limit=1",
        desk.service,
        desk.facility,
        desk.provider,
        after(20).format("%Y-%m-%dT%H:%M:%SZ")
    );
    let free = desk.staff.get(path).await.expect(200);
    assert_eq!(instant(&free["items"][0]["starts_at"]), after(30));
    try_at(&desk, after(30)).await.expect(201);
    let [of_him, of_all] = [
        format!("provider_id={}", desk.provider),
        format!("facility_id={}", desk.facility),
    ];
    assert_eq!(
        occupied(&desk, at, &of_him).await[0],
        (made["id"].clone(), at, after(27))
    );
    assert_eq!(
        occupied(&desk, at, &of_all).await[0],
        (made["id"].clone(), at, after(17))
    );
    assert_eq!(desk.torn().await, (0, 0));
}

#[tokio::test]
async fn who_is_seen_before_his_time_leaves_it_free_and_stays_on_the_doctors_day() {
    let (mut desk, made, at) = desk().await;
    let before = |minutes| at - TimeDelta::minutes(minutes);
    // Somebody else is planned for then, and does not come.
    let other = try_at(&desk, before(90)).await.expect(201);
    until(&mut desk, before(90)).await;
    begin(&desk, &made).await;
    desk.later(TimeDelta::minutes(30)).await;
    desk.staff.act(step(&made, "complete")).await.expect(200);
    let whose = format!("provider_id={}", desk.provider);
    assert_eq!(
        occupied(&desk, at, &whose).await,
        [
            (made["id"].clone(), before(90), before(50)),
            (other["id"].clone(), before(90), before(20))
        ]
    );
    try_at(&desk, at).await.expect(201);
    assert_eq!(desk.torn().await, (0, 0));
}

#[tokio::test]
async fn a_visit_that_begins_and_ends_late_is_completed_as_any() {
    let (mut desk, made, at) = desk().await;
    until(&mut desk, at + TimeDelta::minutes(50)).await;
    begin(&desk, &made).await;
    desk.later(TimeDelta::minutes(45)).await;
    let done = desk.staff.act(step(&made, "complete")).await.expect(200);
    assert_eq!(instant(&done["ends_at"]), at + TimeDelta::minutes(60));
    let whose = format!("provider_id={}", desk.provider);
    let whole = (made["id"].clone(), at, at + TimeDelta::minutes(70));
    assert_eq!(occupied(&desk, at, &whose).await, [whole]);
}

#[tokio::test]
async fn who_was_booked_over_the_rest_of_a_visit_has_it_when_that_is_over_early() {
    let (mut desk, made, at) = desk().await;
    let patient = desk.another_patient().await;
    let mut wish = desk.wish(&patient, at + TimeDelta::minutes(40));
    wish["overbook_reason"] = json!("Sent by the emergency room");
    let over = desk.admin.post(PLACE, wish).await.expect(201);
    assert_eq!(over["overbooked"], json!(true));
    until(&mut desk, at).await;
    begin(&desk, &made).await;
    desk.later(TimeDelta::minutes(20)).await;
    desk.staff.act(step(&made, "complete")).await.expect(200);
    let over = desk
        .admin
        .get(format!("{PLACE}/{}", id(&over)))
        .await
        .expect(200);
    assert_eq!(over["overbooked"], json!(false));
    assert_eq!(desk.torn().await, (0, 0));
}

/// Marks it as missed, five minutes after its start.
async fn miss(desk: &mut Desk, made: &Value, at: DateTime<Utc>) {
    until(desk, at + TimeDelta::minutes(5)).await;
    let missed = desk.staff.act(step(made, "no-show")).await.expect(200);
    assert!(missed["closed_by"].is_string());
}

async fn status(caller: &Caller, made: &Value) -> Value {
    let path = format!("{PLACE}/{}", id(made));
    caller.get(path).await.expect(200)["status"].clone()
}

#[tokio::test]
async fn who_was_marked_as_missed_and_comes_late_is_checked_in_and_was_not_missed() {
    let (mut desk, _, at) = desk().await;
    let at = at + TimeDelta::hours(3);
    let plan =
        json!({ "class": "office_visit", "scheduled_start": at, "facility_id": desk.facility });
    let chart = format!("/api/v1/patients/{}/encounters", desk.patient);
    let planned = id(&desk.admin.post(chart, plan).await.expect(201));
    let mut wish = desk.wish(&desk.patient, at);
    wish["encounter_id"] = json!(planned);
    let made = desk.staff.post(PLACE, wish).await.expect(201);
    miss(&mut desk, &made, at).await;
    // The way a step that is not legal is told.
    let refused = desk.doctor.act(step(&made, "start")).await;
    assert_eq!(
        refused.expect_problem(409, "illegal_transition")["allowed"],
        json!(["checked_in"])
    );
    desk.later(TimeDelta::minutes(10)).await;
    let here = desk.staff.act(step(&made, "check-in")).await.expect(200);
    assert_eq!(
        (here["status"].as_str(), here.get("closed_by")),
        (Some("checked_in"), None)
    );
    // What is left of his hour is his again.
    try_at(&desk, at + TimeDelta::minutes(30))
        .await
        .expect_problem(409, "slot_taken");
    let encounter = format!("/api/v1/encounters/{planned}");
    assert_eq!(
        desk.admin.get(&encounter).await.expect(200)["status"],
        "scheduled"
    );
    let begun = desk.doctor.act(step(&made, "start")).await.expect(200);
    assert_eq!(begun["encounter_id"], json!(planned));
    assert_eq!(
        desk.admin.get(&encounter).await.expect(200)["status"],
        "in_progress"
    );
    desk.staff.act(step(&made, "complete")).await.expect(200);
    assert_eq!(desk.torn().await, (0, 0));
}

#[tokio::test]
async fn who_comes_late_to_a_place_that_was_given_away_is_told_when_there_is_another() {
    let (mut desk, made, at) = desk().await;
    miss(&mut desk, &made, at).await;
    let other = try_at(&desk, at + TimeDelta::minutes(10)).await.expect(201);
    let refused = desk.staff.act(step(&made, "check-in")).await;
    assert_eq!(refused.pointers(), ["/provider_id"], "{}", refused.text);
    let refused = refused.expect_problem(409, "slot_taken");
    assert_eq!(
        instant(&refused["next_free"][0]),
        at + TimeDelta::minutes(80)
    );
    assert_eq!(status(&desk.staff, &made).await, "no_show");
    // It is free again.
    let why = json!({ "reason": "Feels better" });
    desk.staff
        .post(step(&other, "cancel"), why)
        .await
        .expect(200);
    desk.staff.act(step(&made, "check-in")).await.expect(200);
    assert_eq!(desk.torn().await, (0, 0));
}

#[tokio::test]
async fn of_who_comes_late_and_who_books_his_place_one_has_it() {
    for _ in 0..5 {
        let (mut desk, made, at) = desk().await;
        miss(&mut desk, &made, at).await;
        let patient = desk.another_patient().await;
        let wish = desk.wish(&patient, at + TimeDelta::minutes(20));
        let (late, booked) = join(
            desk.staff.act(step(&made, "check-in")),
            desk.admin.post(PLACE, wish),
        )
        .await;
        let answers = (late.status.as_u16(), booked.status.as_u16());
        assert!(
            matches!(answers, (200, 409) | (409, 201)),
            "{answers:?} {} {}",
            late.text,
            booked.text
        );
        assert_eq!(desk.torn().await, (0, 0));
    }
}

#[tokio::test]
async fn who_comes_when_his_time_is_over_is_here_all_the_same_but_not_on_another_day() {
    let (mut desk, made, at) = desk().await;
    miss(&mut desk, &made, at).await;
    // His time was another's.
    try_at(&desk, at + TimeDelta::minutes(10)).await.expect(201);
    desk.later(TimeDelta::minutes(90)).await;
    desk.staff.act(step(&made, "check-in")).await.expect(200);
    assert_eq!(desk.torn().await, (0, 0));
    desk.staff.act(step(&made, "no-show")).await.expect(200);
    desk.later(TimeDelta::hours(14)).await;
    let refused = desk.staff.act(step(&made, "check-in")).await;
    assert_eq!(
        refused.expect_problem(409, "illegal_transition")["allowed"],
        json!([])
    );
    assert_eq!(desk.torn().await, (0, 0));
}

#[tokio::test]
async fn who_was_booked_over_another_and_comes_late_is_beside_him_again() {
    let (mut desk, made, at) = desk().await;
    let mut over = Vec::new();
    for _ in 0..2 {
        let patient = desk.another_patient().await;
        let mut wish = desk.wish(&patient, at);
        wish["overbook_reason"] = json!("Sent by the emergency room");
        over.push(desk.admin.post(PLACE, wish).await.expect(201));
    }
    miss(&mut desk, &over[0], at).await;
    desk.staff.act(step(&over[1], "no-show")).await.expect(200);
    let here = desk.staff.act(step(&over[0], "check-in")).await.expect(200);
    assert_eq!(here["overbooked"], json!(true));
    // Where nobody is any more he is beside nobody.
    desk.staff.act(step(&over[0], "no-show")).await.expect(200);
    let why = json!({ "reason": "Feels better" });
    desk.staff
        .post(step(&made, "cancel"), why)
        .await
        .expect(200);
    let here = desk.staff.act(step(&over[1], "check-in")).await.expect(200);
    assert_eq!(here["overbooked"], json!(false));
    assert_eq!(desk.torn().await, (0, 0));
}

#[tokio::test]
async fn who_was_missed_after_he_sat_in_a_room_is_in_none_when_he_comes_back() {
    let (mut desk, made, at) = desk().await;
    let room = desk.add_asset("room", "exam").await;
    until(&mut desk, at - TimeDelta::minutes(5)).await;
    desk.staff.act(step(&made, "check-in")).await.expect(200);
    let sits = desk
        .staff
        .post(step(&made, "room"), json!({ "room_id": room }));
    assert_eq!(sits.await.expect(200)["roomed_in"], json!(room));
    miss(&mut desk, &made, at).await;
    desk.later(TimeDelta::minutes(5)).await;
    let back = desk.staff.act(step(&made, "check-in")).await.expect(200);
    assert_eq!(back.get("roomed_in"), None, "{back}");
}

#[tokio::test]
async fn a_late_check_in_that_is_taken_back_leaves_him_missed_and_his_time_free() {
    let (mut desk, _, at) = desk().await;
    let at = at + TimeDelta::hours(3);
    let plan =
        json!({ "class": "office_visit", "scheduled_start": at, "facility_id": desk.facility });
    let chart = format!("/api/v1/patients/{}/encounters", desk.patient);
    let planned = id(&desk.admin.post(chart, plan).await.expect(201));
    let mut wish = desk.wish(&desk.patient, at);
    wish["encounter_id"] = json!(planned);
    let made = desk.staff.post(PLACE, wish).await.expect(201);
    miss(&mut desk, &made, at).await;
    desk.later(TimeDelta::minutes(10)).await;
    desk.staff.act(step(&made, "check-in")).await.expect(200);
    let back = desk
        .staff
        .act(step(&made, "undo-check-in"))
        .await
        .expect(200);
    assert_eq!(
        (&back["status"], &back["checked_in_at"], &back["closed_by"]),
        (&json!("no_show"), &Value::Null, &json!(desk.staff.user_id))
    );
    let encounter = format!("/api/v1/encounters/{planned}");
    assert_eq!(
        desk.admin.get(&encounter).await.expect(200)["status"],
        "no_show"
    );
    try_at(&desk, at + TimeDelta::minutes(30)).await.expect(201);
    let again = desk.staff.act(step(&made, "check-in")).await;
    again.expect_problem(409, "slot_taken");
    assert_eq!(desk.torn().await, (0, 0));
}

#[tokio::test]
async fn the_clean_up_after_who_is_seen_just_before_his_time_is_whole() {
    let (mut desk, made, at) = desk().await;
    let short = desk
        .add_service(json!({ "duration_minutes": 5, "align_minutes": 5 }))
        .await;
    let from_then = |minutes| at + TimeDelta::minutes(minutes);
    until(&mut desk, from_then(-30)).await;
    begin(&desk, &made).await;
    desk.later(TimeDelta::minutes(23)).await;
    desk.staff.act(step(&made, "complete")).await.expect(200);
    let whose = format!("provider_id={}", desk.provider);
    assert_eq!(
        occupied(&desk, at, &whose).await,
        [(made["id"].clone(), from_then(-30), from_then(3))]
    );
    let patient = desk.another_patient().await;
    let mut wish = desk.wish(&patient, from_then(-5));
    wish["service_id"] = json!(short);
    let refused = desk.staff.post(PLACE, wish.clone()).await;
    refused.expect_problem(409, "slot_taken");
    wish["starts_at"] = json!(from_then(5));
    desk.staff.post(PLACE, wish).await.expect(201);
    assert_eq!(desk.torn().await, (0, 0));
}

#[tokio::test]
async fn who_comes_late_to_a_session_has_any_place_of_it_that_is_left() {
    let group = json!({ "duration_minutes": 60, "capacity": 2, "appointment_type": "group", "overbook_per_day": 1 });
    let mut desk = Desk::with(group).await;
    let at = desk.at(1, 10, 0);
    let first = desk.book(&desk.patient, at).await;
    let second = desk.book(&desk.another_patient().await, at).await;
    let mut wish = desk.wish(&desk.another_patient().await, at);
    wish["overbook_reason"] = json!("Came with his brother");
    desk.admin.post(PLACE, wish).await.expect(201);
    // The place of the one who is missed goes to who was booked over both.
    miss(&mut desk, &second, at).await;
    desk.staff.act(step(&first, "no-show")).await.expect(200);
    desk.staff.act(step(&second, "check-in")).await.expect(200);
    assert_eq!(desk.torn().await, (0, 0));
    let full = desk.staff.act(step(&first, "check-in")).await;
    let full = full.expect_problem(409, "slot_taken");
    assert_eq!(full["errors"][0]["code"], "session_full");
    assert_eq!(desk.torn().await, (0, 0));
}
