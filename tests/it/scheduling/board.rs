//! The flow board, and the stream that says when to look at it.

use std::time::Duration;

use axum::body::Body;
use chrono::TimeDelta;
use http_body_util::BodyExt as _;
use platform::access::Role;
use serde_json::json;

use super::flow_clinic::Clinic;
use crate::support::{Caller, TestTenant, id};

const EVENTS: &str = "/api/v1/scheduling/board/events";

/// An open stream, read event by event.
struct Listening(Body);

impl Listening {
    async fn open(caller: &Caller, headers: &[(&str, &str)]) -> Self {
        let response = caller.listen(EVENTS, headers).await;
        assert_eq!(response.status(), 200);
        let mut stream = Self(response.into_body());
        assert!(stream.next().await.expect("a beginning").contains("open"));
        stream
    }

    /// The next piece; `None` when the stream has ended.
    async fn next(&mut self) -> Option<String> {
        let frame = tokio::time::timeout(Duration::from_secs(5), self.0.frame())
            .await
            .expect("in time")?;
        let bytes = frame.expect("a piece").into_data().expect("data");
        Some(String::from_utf8(bytes.to_vec()).expect("text"))
    }

    /// Nothing comes for a while.
    async fn is_silent(&mut self) {
        let heard = tokio::time::timeout(Duration::from_millis(400), self.0.frame()).await;
        assert!(heard.is_err(), "{heard:?}");
    }
}

fn event_id(event: &str) -> String {
    let line = event.lines().find_map(|line| line.strip_prefix("id: "));
    line.expect("an id").to_owned()
}

#[tokio::test]
async fn the_board_says_who_is_where_and_for_how_long() {
    let mut clinic = Clinic::open().await;
    let start = clinic.in_(TimeDelta::minutes(3));
    let waiting = clinic.patient("Waiting", json!([])).await;
    let waiting = clinic.book(&waiting, start).await;
    let late = clinic.patient("Late", json!([])).await;
    clinic.book(&late, start + TimeDelta::minutes(31)).await;
    let gone = clinic.patient("Gone", json!([])).await;
    let gone = clinic.book(&gone, start + TimeDelta::minutes(62)).await;
    clinic.step(&gone, "cancel").await;
    clinic.step(&waiting, "check-in").await;
    clinic.wait(TimeDelta::minutes(45)).await;
    let path = format!("/api/v1/scheduling/board?facility_id={}", clinic.facility);
    let board = clinic.admin.get(&path).await.expect(200);
    let entries = board["entries"].as_array().expect("entries");
    // Near midnight in New York some of it belongs to tomorrow.
    let states: Vec<_> = entries
        .iter()
        .map(|entry| entry["state"].as_str().expect("a state"))
        .collect();
    if entries.len() == 2 {
        assert_eq!(states, ["arrived", "late"]);
        assert_eq!(board["counts"]["arrived"], 1);
        let minutes = entries[0]["waiting_minutes"].as_i64().expect("minutes");
        assert!((44..=46).contains(&minutes), "{minutes}");
        assert!(entries[1]["late_minutes"].as_i64().expect("minutes") > 5);
        assert_eq!(entries[0]["provider"], "Ada Lovelace");
        assert_eq!(entries[0]["patient"], "Waiting Geheimnis");
    }
    let stranger = clinic.tenant.user(Role::Nurse).await;
    let seen = stranger.get(&path).await.expect(200);
    assert_eq!(seen["entries"], json!([]), "he cares for none of them");
    let absent = "/api/v1/scheduling/board?facility_id=01890a5d-ac96-774b-bcce-b302099a8057";
    clinic
        .admin
        .get(absent)
        .await
        .expect_problem(404, "not_found");
}

#[tokio::test]
async fn a_change_is_told_to_those_who_may_know_of_it_and_to_nobody_else() {
    let clinic = Clinic::open().await;
    let patient = clinic.patient("Grace", json!([])).await;
    let appointment = clinic.book(&patient, clinic.in_(TimeDelta::hours(1))).await;
    let nurse = clinic.tenant.user(Role::Nurse).await;
    let theirs = TestTenant::new().await;
    let foreign = theirs.user(Role::Admin).await;
    let mut desk = Listening::open(&clinic.admin, &[]).await;
    let mut doctor = Listening::open(&clinic.doctor, &[]).await;
    let mut stranger = Listening::open(&nurse, &[]).await;
    let mut elsewhere = Listening::open(&foreign, &[]).await;
    clinic.step(&appointment, "confirm").await;
    for stream in [&mut desk, &mut doctor] {
        let event = stream.next().await.expect("an event");
        assert!(
            event.contains("event: changed") && event.contains(&appointment),
            "{event}"
        );
        assert!(
            !event.contains(&patient) && !event.contains("Grace"),
            "ids of appointments only"
        );
    }
    stranger.is_silent().await;
    elsewhere.is_silent().await;
    let team = json!({ "user_id": nurse.user_id, "role": "nurse" });
    clinic
        .admin
        .post(format!("/api/v1/patients/{patient}/care-team"), team)
        .await
        .expect(201);
    clinic.step(&appointment, "check-in").await;
    assert!(
        stranger
            .next()
            .await
            .expect("an event")
            .contains(&appointment)
    );
    elsewhere.is_silent().await;
}

#[tokio::test]
async fn who_comes_back_hears_what_he_missed_or_is_told_to_look() {
    let clinic = Clinic::open().await;
    let patient = clinic.patient("Grace", json!([])).await;
    let appointment = clinic.book(&patient, clinic.in_(TimeDelta::hours(1))).await;
    let mut stream = Listening::open(&clinic.admin, &[]).await;
    clinic.step(&appointment, "confirm").await;
    let last = event_id(&stream.next().await.expect("an event"));
    drop(stream);
    clinic.step(&appointment, "check-in").await;
    // The listener hears of it on a connection of its own.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let mut again = Listening::open(&clinic.admin, &[("last-event-id", &last)]).await;
    let missed = again.next().await.expect("what was missed");
    assert!(missed.contains(&appointment) && event_id(&missed) != last);
    let mut unknown = Listening::open(&clinic.admin, &[("last-event-id", "elsewhere-7")]).await;
    assert!(
        unknown
            .next()
            .await
            .expect("an event")
            .contains("event: reload")
    );
}

#[tokio::test]
async fn a_stream_ends_with_its_session_and_an_account_has_five() {
    let clinic = Clinic::open().await;
    let patient = clinic.patient("Grace", json!([])).await;
    let appointment = clinic.book(&patient, clinic.in_(TimeDelta::hours(1))).await;
    let staff = clinic.tenant.user(Role::Staff).await;
    let mut streams = Vec::new();
    for _ in 0..5 {
        streams.push(Listening::open(&staff, &[]).await);
    }
    let refused = staff.get(EVENTS).await;
    refused.expect_problem(429, "rate_limited");
    streams.truncate(1);
    assert_eq!(
        staff.get(EVENTS).await.status,
        200,
        "their places are free again"
    );
    let sessions = staff.get("/api/v1/auth/sessions").await.expect(200);
    let session = sessions["items"][0]["id"]
        .as_str()
        .expect("a session")
        .to_owned();
    staff
        .delete(format!("/api/v1/auth/sessions/{session}"))
        .await
        .expect(204);
    clinic.step(&appointment, "confirm").await;
    assert_eq!(streams[0].next().await, None, "the session is over");
}

#[tokio::test]
async fn the_board_knows_who_is_in_a_room_and_since_when() {
    let mut clinic = Clinic::open().await;
    let room = json!({ "facility_id": clinic.facility, "kind": "room", "asset_kind": "exam", "code": "R1", "name": "Exam 1" });
    let assets = "/api/v1/scheduling/assets";
    let room = id(&clinic.admin.post(assets, room).await.expect(201));
    let scanner = json!({ "facility_id": clinic.facility, "kind": "equipment", "asset_kind": "ecg", "code": "E1", "name": "ECG" });
    let scanner = id(&clinic.admin.post(assets, scanner).await.expect(201));
    let (patient, account) = clinic.patient_with_account("Waiting").await;
    let start = clinic.in_(TimeDelta::minutes(3));
    let appointment = clinic.book(&patient, start).await;
    let path = format!("/api/v1/appointments/{appointment}/room");
    let there = json!({ "room_id": room });
    let refused = clinic.admin.post(&path, there.clone()).await;
    refused.expect_problem(409, "illegal_transition");
    clinic.step(&appointment, "check-in").await;
    clinic.wait(TimeDelta::minutes(5)).await;
    for (place, code) in [
        (json!({}), "required"),
        (json!({ "room_id": scanner }), "no_such_room"),
        (json!({ "room_id": patient }), "no_such_room"),
    ] {
        let refused = clinic.admin.post(&path, place).await.expect(422);
        assert_eq!(
            (
                &refused["errors"][0]["pointer"],
                &refused["errors"][0]["code"]
            ),
            (&json!("/room_id"), &json!(code))
        );
    }
    let stranger = clinic.tenant.user(Role::Nurse).await;
    stranger
        .post(&path, there.clone())
        .await
        .expect_problem(404, "not_found");
    account
        .post(&path, there.clone())
        .await
        .expect_problem(403, "forbidden");
    let mut desk = Listening::open(&clinic.admin, &[]).await;
    let roomed = clinic.admin.post(&path, there).await.expect(200);
    assert_eq!(
        (
            &roomed["status"],
            &roomed["roomed_in"],
            &roomed["roomed_by"]
        ),
        (
            &json!("checked_in"),
            &json!(room),
            &json!(clinic.admin.user_id)
        )
    );
    let event = desk.next().await.expect("an event");
    assert!(
        event.contains("event: changed") && event.contains(&appointment),
        "{event}"
    );
    let shown = account
        .get(format!("/api/v1/appointments/{appointment}"))
        .await
        .expect(200);
    assert!(shown.get("roomed_by").is_none() && shown.get("roomed_at").is_some());
    clinic.wait(TimeDelta::minutes(7)).await;
    let board = format!("/api/v1/scheduling/board?facility_id={}", clinic.facility);
    let seen = clinic.admin.get(&board).await.expect(200);
    clinic
        .doctor
        .act(format!("/api/v1/appointments/{appointment}/start"))
        .await
        .expect(200);
    clinic.wait(TimeDelta::minutes(9)).await;
    let later = clinic.admin.get(&board).await.expect(200);
    // Near midnight in New York it belongs to another day.
    if let Some(entry) = seen["entries"].as_array().expect("entries").first() {
        assert_eq!(
            (&entry["state"], &entry["room"]),
            (&json!("roomed"), &json!("Exam 1"))
        );
        assert_eq!(
            (&entry["waiting_minutes"], &entry["roomed_minutes"]),
            (&json!(12), &json!(7))
        );
        assert_eq!(
            (&seen["counts"]["roomed"], &seen["counts"]["arrived"]),
            (&json!(1), &json!(0))
        );
        assert_eq!(seen["counts"]["longest_wait_minutes"], 12);
    }
    if let Some(entry) = later["entries"].as_array().expect("entries").first() {
        assert_eq!(
            (&entry["state"], &entry["roomed_minutes"]),
            (&json!("in_room"), &json!(7))
        );
        assert_eq!(
            (&entry["waiting_minutes"], &later["counts"]["in_room"]),
            (&json!(12), &json!(1))
        );
    }
    let refused = clinic.admin.post(&path, json!({ "room_id": room })).await;
    refused.expect_problem(409, "illegal_transition");
}

#[tokio::test]
async fn who_loses_his_right_hears_no_more_in_the_middle_of_a_stream() {
    let clinic = Clinic::open().await;
    let patient = clinic.patient("Grace", json!([])).await;
    let appointment = clinic.book(&patient, clinic.in_(TimeDelta::hours(1))).await;
    let nurse = clinic.tenant.user(Role::Nurse).await;
    let staff = clinic.tenant.user(Role::Staff).await;
    let team = format!("/api/v1/patients/{patient}/care-team");
    let member = json!({ "user_id": nurse.user_id, "role": "nurse" });
    let member = id(&clinic.admin.post(&team, member).await.expect(201));
    let mut hers = Listening::open(&nurse, &[]).await;
    let mut desk = Listening::open(&staff, &[]).await;
    clinic.step(&appointment, "confirm").await;
    assert!(hers.next().await.expect("an event").contains(&appointment));
    assert!(desk.next().await.expect("an event").contains(&appointment));
    clinic
        .admin
        .act(format!("{team}/{member}/end"))
        .await
        .expect(200);
    let role = format!("/api/v1/users/{}/role", staff.user_id);
    clinic
        .admin
        .post(role, json!({ "role": "billing" }))
        .await
        .expect(200);
    clinic.step(&appointment, "check-in").await;
    hers.is_silent().await;
    assert_eq!(desk.next().await, None, "who is billing has no board");
}
