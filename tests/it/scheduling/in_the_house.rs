//! Who is in the house, and in which room.

use std::time::Duration;

use axum::body::Body;
use chrono::TimeDelta;
use http_body_util::BodyExt as _;
use platform::access::Role;
use serde_json::{Value, json};

use super::flow_clinic::Clinic;
use crate::support::{Caller, Reply, id};

/// Who is on the board, and where.
async fn states(clinic: &Clinic) -> Vec<(Value, Value)> {
    let path = format!("/api/v1/scheduling/board?facility_id={}", clinic.facility);
    let board = clinic.admin.get(path).await.expect(200);
    let entries = board["entries"].as_array().expect("entries");
    entries
        .iter()
        .map(|entry| (entry["appointment_id"].clone(), entry["state"].clone()))
        .collect()
}

#[tokio::test]
async fn who_is_still_in_the_house_at_midnight_stays_on_the_board() {
    let mut clinic = Clinic::by_day().await;
    let start = clinic.in_(TimeDelta::minutes(14 * 60 + 10));
    let mut booked = Vec::new();
    for (name, minutes) in [
        ("Waiting", 0),
        ("Seen", 31),
        ("Gone", -40),
        ("Early", 90),
        ("Tomorrow", 130),
    ] {
        let patient = clinic.patient(name, json!([])).await;
        booked.push(
            clinic
                .book(&patient, start + TimeDelta::minutes(minutes))
                .await,
        );
    }
    let [waiting, seen, gone, early, tomorrow] = booked.as_slice() else {
        panic!("five")
    };
    clinic.wait(TimeDelta::hours(14)).await;
    for appointment in [waiting, seen, gone, early] {
        clinic.step(appointment, "check-in").await;
    }
    for step in ["start", "complete"] {
        clinic
            .doctor
            .act(format!("/api/v1/appointments/{gone}/{step}"))
            .await
            .expect(200);
    }
    let told = |id: &String, state: &str| (json!(id), json!(state));
    // Eleven in the evening: he who came for half past midnight is here.
    assert_eq!(
        states(&clinic).await,
        [
            told(gone, "done"),
            told(waiting, "arrived"),
            told(seen, "arrived"),
            told(early, "arrived")
        ]
    );
    clinic.wait(TimeDelta::minutes(41)).await;
    clinic
        .doctor
        .act(format!("/api/v1/appointments/{seen}/start"))
        .await
        .expect(200);
    clinic.wait(TimeDelta::minutes(40)).await;
    // Twenty past midnight: what is over is yesterday's.
    assert_eq!(
        states(&clinic).await,
        [
            told(waiting, "arrived"),
            told(seen, "in_room"),
            told(early, "arrived"),
            told(tomorrow, "expected")
        ]
    );
    // Whom nobody has ended after a day and a half was forgotten.
    clinic.wait(TimeDelta::hours(38)).await;
    assert_eq!(states(&clinic).await, []);
}

/// Puts the patient of an appointment into a room.
async fn put(caller: &Caller, appointment: &str, place: Value) -> Reply {
    let path = format!("/api/v1/appointments/{appointment}/room");
    caller.post(path, place).await
}

/// A room, and so many patients who are here.
async fn waiting_room(count: i64) -> (Clinic, String, Vec<String>, Vec<String>) {
    let clinic = Clinic::open().await;
    let room = json!({ "facility_id": clinic.facility, "kind": "room", "asset_kind": "exam", "code": "R1", "name": "Exam 1" });
    let room = id(&clinic
        .admin
        .post("/api/v1/scheduling/assets", room)
        .await
        .expect(201));
    let (mut patients, mut appointments) = (Vec::new(), Vec::new());
    for number in 0..count {
        let patient = clinic.patient("Waiting", json!([])).await;
        let start = clinic.in_(TimeDelta::minutes(3 + 31 * number));
        let appointment = clinic.book(&patient, start).await;
        clinic.step(&appointment, "check-in").await;
        patients.push(patient);
        appointments.push(appointment);
    }
    (clinic, room, patients, appointments)
}

#[tokio::test]
async fn nobody_is_put_into_a_room_somebody_sits_in_unless_they_share_it() {
    let (clinic, room, patients, booked) = waiting_room(4).await;
    let there = json!({ "room_id": room });
    put(&clinic.admin, &booked[0], there.clone())
        .await
        .expect(200);
    // Again is no conflict with himself.
    put(&clinic.admin, &booked[0], there.clone())
        .await
        .expect(200);
    put(&clinic.admin, &booked[1], there.clone())
        .await
        .expect_problem(409, "room_occupied");
    // A nurse who may not know the first learns no more than that.
    let nurse = clinic.tenant.user(Role::Nurse).await;
    let team = json!({ "user_id": nurse.user_id, "role": "nurse" });
    let path = format!("/api/v1/patients/{}/care-team", patients[2]);
    clinic.admin.post(path, team).await.expect(201);
    let refused = put(&nurse, &booked[2], there.clone())
        .await
        .expect_problem(409, "room_occupied");
    assert!(
        !refused.to_string().contains(&booked[0]) && !refused.to_string().contains(&patients[0])
    );
    // While he is seen there, too.
    clinic
        .doctor
        .act(format!("/api/v1/appointments/{}/start", booked[0]))
        .await
        .expect(200);
    put(&clinic.admin, &booked[1], there.clone())
        .await
        .expect_problem(409, "room_occupied");
    let shared = json!({ "room_id": room, "shared": true });
    put(&nurse, &booked[2], shared).await.expect(200);
    clinic.step(&booked[0], "complete").await;
    // The one who shares it is still there.
    put(&clinic.admin, &booked[1], there.clone())
        .await
        .expect_problem(409, "room_occupied");
    clinic
        .doctor
        .act(format!("/api/v1/appointments/{}/start", booked[2]))
        .await
        .expect(200);
    clinic.step(&booked[2], "complete").await;
    put(&clinic.admin, &booked[1], there).await.expect(200);
}

#[tokio::test]
async fn of_many_who_are_put_into_a_room_at_once_one_sits_there() {
    let (clinic, room, _, booked) = waiting_room(6).await;
    let there = json!({ "room_id": room });
    let tried = booked
        .iter()
        .map(|one| put(&clinic.admin, one, there.clone()));
    let answers = futures_util::future::join_all(tried).await;
    let mut seated = 0;
    for answer in answers {
        if answer.status == 200 {
            seated += 1;
        } else {
            answer.expect_problem(409, "room_occupied");
        }
    }
    assert_eq!(seated, 1);
}

/// Visits nobody has ended, as a caller is told of them.
async fn not_ended(caller: &Caller) -> Vec<Value> {
    let page = caller
        .get("/api/v1/scheduling/visits-not-ended?limit=1")
        .await;
    let items = page.expect(200)["items"].clone();
    let items = items.as_array().expect("items").iter();
    items.map(|visit| visit["appointment_id"].clone()).collect()
}

#[tokio::test]
async fn a_visit_that_nobody_ends_gives_its_room_back_and_is_told_of() {
    let (mut clinic, room, _, booked) = waiting_room(3).await;
    let there = json!({ "room_id": room });
    put(&clinic.admin, &booked[0], there.clone())
        .await
        .expect(200);
    clinic.wait(TimeDelta::hours(3)).await;
    put(&clinic.admin, &booked[1], there.clone())
        .await
        .expect_problem(409, "room_occupied");
    let path = format!("/api/v1/scheduling/board?facility_id={}", clinic.facility);
    let board = clinic.admin.get(&path).await.expect(200);
    assert_eq!(board["counts"]["overdue"], 3, "{board}");
    let entries = board["entries"].as_array().expect("entries");
    // Half an hour from three minutes on.
    assert_eq!(entries[0]["overdue_minutes"], 147, "{board}");
    assert!(not_ended(&clinic.admin).await.is_empty(), "it may be late");
    clinic.wait(TimeDelta::hours(2)).await;
    put(&clinic.admin, &booked[1], there.clone())
        .await
        .expect(200);
    put(&clinic.admin, &booked[2], there)
        .await
        .expect_problem(409, "room_occupied");
    assert_eq!(not_ended(&clinic.admin).await, [json!(booked[0])]);
    let stranger = clinic.tenant.user(Role::Nurse).await;
    assert!(not_ended(&stranger).await.is_empty());
    // Long after it left every board, it is on the list, and can be ended.
    clinic.wait(TimeDelta::days(9)).await;
    assert_eq!(states(&clinic).await, []);
    assert_eq!(not_ended(&clinic.admin).await, [json!(booked[0])]);
    let start = format!("/api/v1/appointments/{}/start", booked[0]);
    clinic.doctor.act(start).await.expect(200);
    clinic.step(&booked[0], "complete").await;
    assert_eq!(not_ended(&clinic.admin).await, [json!(booked[1])]);
}

#[tokio::test]
async fn whoever_is_seen_late_keeps_his_room() {
    let (mut clinic, room, _, booked) = waiting_room(2).await;
    let there = json!({ "room_id": room });
    put(&clinic.admin, &booked[0], there.clone())
        .await
        .expect(200);
    clinic.wait(TimeDelta::hours(4)).await;
    let start = format!("/api/v1/appointments/{}/start", booked[0]);
    clinic.doctor.act(start).await.expect(200);
    clinic.wait(TimeDelta::hours(3)).await;
    put(&clinic.admin, &booked[1], there)
        .await
        .expect_problem(409, "room_occupied");
}

async fn until_alive(mut stream: Body) -> (Vec<String>, Duration) {
    let begun = tokio::time::Instant::now();
    let mut heard = Vec::new();
    loop {
        let frame = tokio::time::timeout(Duration::from_secs(25), stream.frame()).await;
        let frame = frame
            .expect("in time")
            .expect("it goes on")
            .expect("a piece");
        let text = String::from_utf8(frame.into_data().expect("data").to_vec()).expect("text");
        if text.contains("alive") {
            return (heard, begun.elapsed());
        }
        heard.push(text);
    }
}

#[tokio::test]
async fn a_board_of_one_facility_hears_that_it_lives_however_busy_the_others_are() {
    let clinic = Clinic::open().await;
    let quiet = json!({ "code": "QUIET", "name": "Quiet", "time_zone": "America/New_York" });
    let quiet = id(&clinic
        .admin
        .post("/api/v1/facilities", quiet)
        .await
        .expect(201));
    let path = format!("/api/v1/scheduling/board/events?facility_id={quiet}");
    let response = clinic.admin.listen(&path, &[]).await;
    assert_eq!(response.status(), 200);
    let patient = clinic.patient("Busy", json!([])).await;
    let busy = async {
        for number in 0..10 {
            clinic
                .book(&patient, clinic.in_(TimeDelta::minutes(60 + 31 * number)))
                .await;
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
    };
    let alive = until_alive(response.into_body());
    tokio::pin!(busy);
    let (heard, took) = tokio::select! {
        found = alive => found,
        () = &mut busy => panic!("twenty seconds, and no word"),
    };
    assert_eq!(
        heard.len(),
        1,
        "it opened, and nothing of others: {heard:?}"
    );
    assert!(took < Duration::from_secs(18), "{took:?}");
}

#[tokio::test]
async fn a_visit_is_told_of_as_not_ended_when_its_room_is_kept_no_more_and_not_before() {
    let (mut clinic, room, _, booked) = waiting_room(2).await;
    let there = json!({ "room_id": room });
    clinic.wait(TimeDelta::hours(3)).await;
    put(&clinic.admin, &booked[0], there.clone())
        .await
        .expect(200);
    let start = format!("/api/v1/appointments/{}/start", booked[1]);
    clinic.doctor.act(start).await.expect(200);
    // More than four hours after they were to be over, but not since they were seen to.
    clinic.wait(TimeDelta::hours(3)).await;
    let late = clinic.patient("Late", json!([])).await;
    let late = clinic.book(&late, clinic.in_(TimeDelta::minutes(5))).await;
    clinic.step(&late, "check-in").await;
    put(&clinic.admin, &late, there.clone())
        .await
        .expect_problem(409, "room_occupied");
    assert!(not_ended(&clinic.admin).await.is_empty());
    clinic.wait(TimeDelta::hours(1)).await;
    put(&clinic.admin, &late, there).await.expect(200);
    assert_eq!(not_ended(&clinic.admin).await, [json!(booked[0])]);
    clinic.step(&booked[0], "cancel").await;
    assert_eq!(not_ended(&clinic.admin).await, [json!(booked[1])]);
}
