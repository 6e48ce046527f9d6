//! Many at once, in any order: one has the place, the others are told so, and nobody is told of a failure.

use chrono::TimeDelta;
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::desk::Desk;
use crate::support::{Reply, id};

const PLACE: &str = "/api/v1/appointments";

fn statuses(replies: &[Reply]) -> Vec<u16> {
    let mut all: Vec<u16> = replies.iter().map(|reply| reply.status.as_u16()).collect();
    all.sort_unstable();
    all
}

#[tokio::test]
async fn who_names_nobody_is_given_somebody_else_when_the_first_choice_is_gone() {
    let desk = Desk::open().await;
    for _ in 0..3 {
        desk.add_provider().await;
    }
    let patients = join_all((0..8).map(|_| desk.another_patient())).await;
    let at = desk.at(3, 10, 0);
    // Two services, so that they don't stand in one line but meet at the database.
    let other = desk.add_service(json!({})).await;
    let bookings = patients.iter().enumerate().map(|(number, patient)| {
        let mut wish = desk.wish(patient, at);
        wish.as_object_mut()
            .expect("an object")
            .remove("provider_id");
        if number % 2 == 0 {
            wish["service_id"] = json!(other);
        }
        let caller = desk.staff.clone();
        async move { caller.post(PLACE, wish).await }
    });
    let replies = join_all(bookings).await;
    assert_eq!(statuses(&replies), [201, 201, 201, 201, 409, 409, 409, 409]);
    let mut providers: Vec<String> = replies
        .iter()
        .filter(|reply| reply.status == 201)
        .map(|reply| reply.json()["provider_id"].to_string())
        .collect();
    providers.sort_unstable();
    providers.dedup();
    assert_eq!(providers.len(), 4);
    assert_eq!(desk.torn().await, (0, 0));
}

#[tokio::test]
async fn whoever_is_named_in_whatever_order_one_booking_stands_and_none_fails() {
    let desk = Desk::open().await;
    let second = desk.add_provider().await;
    let (room, device) = (
        desk.add_asset("room", "exam").await,
        desk.add_asset("equipment", "ecg").await,
    );
    let patients = join_all((0..4).map(|_| desk.another_patient())).await;
    for round in 0..5 {
        let at = desk.at(3, 8, 0) + TimeDelta::hours(round);
        let bookings = patients.iter().enumerate().map(|(number, patient)| {
            let mut wish = desk.wish(
                patient,
                at + TimeDelta::minutes(5 * i64::try_from(number % 2).expect("small")),
            );
            let (leader, with) = if number % 2 == 0 {
                (&desk.provider, &second)
            } else {
                (&second, &desk.provider)
            };
            wish["provider_id"] = json!(leader);
            wish["other_provider_ids"] = json!([with]);
            wish["room_id"] = json!(room);
            wish["equipment_ids"] = json!([device]);
            let caller = desk.staff.clone();
            async move { caller.post(PLACE, wish).await }
        });
        let replies = join_all(bookings).await;
        assert_eq!(statuses(&replies), [201, 409, 409, 409], "round {round}");
    }
}

#[tokio::test]
async fn two_who_want_each_others_place_are_not_told_of_a_failure() {
    let desk = Desk::open().await;
    let other = desk.another_patient().await;
    for round in 0..4 {
        let (early, late) = (desk.at(3 + round, 9, 0), desk.at(3 + round, 14, 0));
        let (one, two) = (
            desk.book(&desk.patient, early).await,
            desk.book(&other, late).await,
        );
        let swap = |made: &Value, to| {
            let place = format!("{PLACE}/{}/reschedule", id(made));
            let body = json!({ "starts_at": to, "reason": "Swap" });
            let staff = desk.staff.clone();
            async move { staff.post(place, body).await }
        };
        let (first, second) = tokio::join!(swap(&one, late), swap(&two, early));
        for reply in [&first, &second] {
            assert!(matches!(reply.status.as_u16(), 200 | 409), "{}", reply.text);
        }
        assert_eq!(desk.torn().await, (0, 0));
        for made in [&one, &two] {
            let place = format!("{PLACE}/{}/cancel", id(made));
            desk.staff.post(place, json!({ "reason": "Done" })).await;
        }
    }
}

#[tokio::test]
async fn the_same_request_sent_twice_without_a_key_books_once_and_is_told_the_next_times() {
    let desk = Desk::open().await;
    let wish = desk.wish(&desk.patient, desk.at(3, 10, 0));
    let send = || desk.staff.post(PLACE, wish.clone());
    let (one, other) = tokio::join!(send(), send());
    let replies = [one, other];
    assert_eq!(statuses(&replies), [201, 409]);
    let refused = replies.into_iter().find(|reply| reply.status == 409);
    let problem = refused.expect("one").expect_problem(409, "slot_taken");
    assert_eq!(problem["next_free"].as_array().map(Vec::len), Some(3));
}

#[tokio::test]
async fn the_next_times_told_are_free_for_the_patient_and_for_what_was_named() {
    let desk = Desk::open().await;
    let room = desk.add_asset("room", "exam").await;
    let (busy, second) = (desk.another_patient().await, desk.add_provider().await);
    let at = |minutes: i64| desk.at(3, 10, 0) + TimeDelta::minutes(minutes);
    desk.book(&desk.another_patient().await, at(0)).await;
    // The patient is elsewhere at half past, the room is taken at eleven.
    for (patient, minutes, in_room) in [(&busy, 30, false), (&desk.patient, 60, true)] {
        let mut wish = desk.wish(patient, at(minutes));
        wish["provider_id"] = json!(second);
        if in_room {
            wish["room_id"] = json!(room);
        }
        desk.staff.post(PLACE, wish).await.expect(201);
    }
    let mut wish = desk.wish(&busy, at(0));
    wish["room_id"] = json!(room);
    let refused = desk.staff.post(PLACE, wish.clone()).await;
    let problem = refused.expect_problem(409, "slot_taken");
    assert_eq!(problem["next_free"][0], json!(at(90)), "{problem}");
    wish["starts_at"] = problem["next_free"][0].clone();
    desk.staff.post(PLACE, wish).await.expect(201);
}

#[tokio::test]
async fn a_refusal_costs_few_statements_and_fewer_than_a_booking() {
    let desk = Desk::open().await;
    let (server, wire) = desk.clinic.server_on_a_wire().await;
    let staff = desk.staff.on(server);
    let wish = desk.wish(&desk.patient, desk.at(3, 9, 0));
    staff.post(PLACE, wish).await.expect(201);
    wire.asked();
    let wish = desk.wish(&desk.another_patient().await, desk.at(3, 10, 0));
    wire.asked();
    staff.post(PLACE, wish.clone()).await.expect(201);
    let booking = wire.asked();
    staff
        .post(PLACE, wish)
        .await
        .expect_problem(409, "slot_taken");
    let refusal = wire.asked();
    // The look at the session is one of each.
    assert!((1..=10).contains(&booking), "a booking takes {booking}");
    assert!((1..=7).contains(&refusal), "a refusal takes {refusal}");
}

#[tokio::test]
async fn the_same_request_sent_at_once_with_a_key_is_answered_the_same() {
    let desk = Desk::open().await;
    let wish = desk.wish(&desk.patient, desk.at(3, 10, 0)).to_string();
    let key = [("idempotency-key", "at-once")];
    let replies = join_all((0..6).map(|_| {
        let post = axum::http::Method::POST;
        desk.staff.send(post, PLACE, &key, Some(wish.clone()))
    }))
    .await;
    assert_eq!(statuses(&replies), [201; 6]);
    let ids: std::collections::BTreeSet<String> = replies
        .iter()
        .map(|reply| reply.json()["id"].to_string())
        .collect();
    assert_eq!(ids.len(), 1);
    assert_eq!(desk.torn().await, (0, 0));
}

#[tokio::test]
async fn an_occurrence_whose_room_is_taken_moves_into_another_and_a_named_room_is_kept() {
    let desk = Desk::with(json!({ "room_kind": "exam" })).await;
    let rooms = [
        desk.add_asset("room", "exam").await,
        desk.add_asset("room", "exam").await,
    ];
    let start = desk.at(3, 10, 0);
    let local = start.with_timezone(&desk.zone).naive_local();
    let series = json!({ "patient_id": desk.patient, "service_id": desk.service, "facility_id": desk.facility,
        "provider_id": desk.provider, "local_start": local.format("%Y-%m-%dT%H:%M:%S").to_string(),
        "rule": "FREQ=WEEKLY;COUNT=2" });
    let made = desk
        .staff
        .post("/api/v1/appointment-series", series)
        .await
        .expect(201);
    let second = desk.add_provider().await;
    let first = made["occurrences"][0]["appointment_id"]
        .as_str()
        .expect("an id");
    let first = desk.staff.get(format!("{PLACE}/{first}")).await.expect(200);
    let mut other = desk.wish(&desk.another_patient().await, start + TimeDelta::hours(4));
    other["provider_id"] = json!(second);
    other["room_id"] = first["room_id"].clone();
    desk.staff.post(PLACE, other).await.expect(201);
    let place = format!("/api/v1/appointment-series/{}/change", id(&made));
    let change = |room: Option<&Value>| {
        let mut body = json!({ "scope": "all", "local_time": "14:00", "reason": "Afternoons" });
        if let Some(room) = room {
            body["room_id"] = room.clone();
        }
        desk.staff.post(place.clone(), body)
    };
    let refused = change(Some(&first["room_id"])).await;
    refused.expect_problem(409, "series_conflicts");
    let moved = change(None).await.expect(200);
    let open = moved["occurrences"].as_array().expect("occurrences");
    let now = open[0]["appointment_id"].as_str().expect("an id");
    let now = desk.staff.get(format!("{PLACE}/{now}")).await.expect(200);
    assert_ne!(now["room_id"], first["room_id"]);
    assert!(rooms.iter().any(|room| now["room_id"] == json!(room)));
    assert_eq!(desk.torn().await, (0, 0));
}
