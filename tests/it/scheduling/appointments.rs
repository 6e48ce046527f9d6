//! Appointments: one of two wins, steps in their order, holds, overbooking, and who may do what.

use chrono::TimeDelta;
use futures_util::future::join_all;
use platform::access::Role;
use serde_json::{Value, json};

use super::desk::Desk;
use crate::support::{TestTenant, id};

#[tokio::test]
async fn of_two_hundred_bookings_of_one_place_exactly_one_succeeds() {
    let desk = Desk::open().await;
    let at = desk.at(3, 10, 0);
    let patients = join_all((0..8).map(|_| desk.another_patient())).await;
    let bookings = (0..200).map(|number| {
        let wish = desk.wish(&patients[number % 8], at);
        let staff = desk.staff.clone();
        async move { staff.post("/api/v1/appointments", wish).await }
    });
    let replies = join_all(bookings).await;
    let made = replies.iter().filter(|reply| reply.status == 201).count();
    assert_eq!(made, 1);
    for reply in replies.into_iter().filter(|reply| reply.status != 201) {
        let problem = reply.expect_problem(409, "slot_taken");
        let next = problem["next_free"].as_array().expect("times");
        assert!(!next.is_empty(), "{problem}");
        for time in next {
            let time: chrono::DateTime<chrono::Utc> =
                serde_json::from_value(time.clone()).expect("an instant");
            assert!(time >= at + TimeDelta::minutes(30), "{problem}");
        }
    }
    assert_eq!(desk.torn().await, (0, 0));
}

#[tokio::test]
async fn nobody_and_nothing_is_booked_twice() {
    let desk = Desk::with(json!({ "prep_minutes": 10, "cleanup_minutes": 10 })).await;
    let room = desk.add_asset("room", "exam").await;
    let device = desk.add_asset("equipment", "ecg").await;
    let other = desk.add_provider().await;
    let elsewhere = desk.another_patient().await;
    let at = desk.at(3, 10, 0);
    let mut first = desk.wish(&desk.patient, at);
    first["room_id"] = json!(room);
    first["equipment_ids"] = json!([device]);
    let made = desk
        .staff
        .post("/api/v1/appointments", first)
        .await
        .expect(201);
    assert_eq!(
        (&made["room_id"], &made["equipment_ids"]),
        (&json!(room), &json!([device]))
    );
    assert_eq!(
        made["local_start"].as_str().map(|text| &text[11..]),
        Some("10:00:00")
    );
    // Each shares one thing with the first; preparation and clean-up occupy all but the patient.
    let near = at + TimeDelta::minutes(45);
    let mut same_room = desk.wish(&elsewhere, near);
    same_room["provider_id"] = json!(other);
    same_room["room_id"] = json!(room);
    let mut same_device = desk.wish(&elsewhere, near);
    same_device["provider_id"] = json!(other);
    same_device["equipment_ids"] = json!([device]);
    let mut same_patient = desk.wish(&desk.patient, at + TimeDelta::minutes(25));
    same_patient["provider_id"] = json!(other);
    for wish in [
        desk.wish(&elsewhere, near),
        same_room,
        same_device,
        same_patient,
    ] {
        desk.staff
            .post("/api/v1/appointments", wish)
            .await
            .expect_problem(409, "slot_taken");
    }
    // For the patient nothing is prepared: he may go on at once.
    let mut next = desk.wish(&desk.patient, at + TimeDelta::minutes(30));
    next["provider_id"] = json!(other);
    desk.staff
        .post("/api/v1/appointments", next)
        .await
        .expect(201);
    desk.book(&elsewhere, at + TimeDelta::minutes(50)).await;
    assert_eq!(desk.torn().await, (0, 0));
}

#[tokio::test]
async fn what_a_booking_names_must_be_there() {
    let desk = Desk::open().await;
    let stranger = Desk::open().await;
    let at = desk.at(3, 10, 0);
    let good = desk.wish(&desk.patient, at);
    for (field, value) in [
        ("patient_id", &stranger.patient),
        ("service_id", &stranger.service),
        ("facility_id", &stranger.facility),
        ("provider_id", &stranger.provider),
    ] {
        let mut wish = good.clone();
        wish[field] = json!(value);
        let reply = desk.staff.post("/api/v1/appointments", wish.clone()).await;
        assert_eq!(reply.pointers(), [format!("/{field}")], "{}", reply.text);
        let theirs = reply.expect(422);
        wish[field] = json!(kernel::ids::mint());
        let absent = desk
            .staff
            .post("/api/v1/appointments", wish)
            .await
            .expect(422);
        assert_eq!(theirs["errors"], absent["errors"]);
    }
    for (field, value) in [
        ("starts_at", json!("2020-01-01T10:00:00Z")),
        ("starts_at", json!("2027-01-01T10:00:00")),
        ("starts_at", json!(at + TimeDelta::seconds(1))),
        ("join_url", json!("http://insecure.example")),
        ("provider_id", Value::Null),
        ("room_id", json!(kernel::ids::mint())),
        ("equipment_ids", json!([kernel::ids::mint()])),
        ("staff_ids", json!([kernel::ids::mint()])),
        ("other_provider_ids", json!([kernel::ids::mint()])),
    ] {
        let mut wish = good.clone();
        wish[field] = value;
        if wish[field].is_null() {
            continue;
        }
        let reply = desk.staff.post("/api/v1/appointments", wish).await;
        assert_eq!(reply.status, 422, "{field}: {}", reply.text);
    }
}

#[tokio::test]
async fn the_same_request_sent_twice_books_once() {
    let desk = Desk::open().await;
    let wish = desk.wish(&desk.patient, desk.at(3, 10, 0)).to_string();
    let key = [("idempotency-key", "the-same-booking")];
    let send = || {
        desk.staff.send(
            axum::http::Method::POST,
            "/api/v1/appointments",
            &key,
            Some(wish.clone()),
        )
    };
    let first = send().await.expect(201);
    let second = send().await.expect(201);
    assert_eq!(first, second);
    let list = desk
        .staff
        .get(format!("/api/v1/patients/{}/appointments", desk.patient))
        .await
        .expect(200);
    assert_eq!(list["items"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn steps_follow_each_other_and_starting_opens_the_encounter() {
    let mut desk = Desk::open().await;
    let made = desk.book(&desk.patient, desk.at(2, 10, 0)).await;
    let place = format!("/api/v1/appointments/{}", id(&made));
    desk.staff
        .act(format!("{place}/check-in"))
        .await
        .expect_problem(409, "too_early");
    desk.staff
        .act(format!("{place}/no-show"))
        .await
        .expect_problem(409, "too_early");
    let refused = desk.doctor.act(format!("{place}/start")).await;
    let refused = refused.expect_problem(409, "illegal_transition");
    assert!(
        refused["allowed"]
            .as_array()
            .expect("steps")
            .contains(&json!("checked_in"))
    );
    desk.staff.act(format!("{place}/confirm")).await.expect(200);
    desk.later(desk.at(2, 9, 50) - desk.clinic.clock.now())
        .await;
    desk.staff
        .act(format!("{place}/check-in"))
        .await
        .expect(200);
    // The front desk does not conduct visits.
    desk.staff
        .act(format!("{place}/start"))
        .await
        .expect_problem(403, "forbidden");
    let started = desk.doctor.act(format!("{place}/start")).await.expect(200);
    let encounter = started["encounter_id"].as_str().expect("an encounter");
    let opened = desk
        .doctor
        .get(format!("/api/v1/encounters/{encounter}"))
        .await
        .expect(200);
    assert_eq!(
        (
            &opened["status"],
            &opened["class"],
            &opened["attending_provider_id"]
        ),
        (
            &json!("in_progress"),
            &json!("consultation"),
            &json!(desk.provider)
        )
    );
    for step in ["confirm", "check-in", "no-show", "start"] {
        desk.doctor
            .act(format!("{place}/{step}"))
            .await
            .expect_problem(409, "illegal_transition");
    }
    let done = desk
        .doctor
        .act(format!("{place}/complete"))
        .await
        .expect(200);
    assert_eq!(done["status"], "completed");
    let why = json!({ "reason": "too late" });
    let late = desk.staff.post(format!("{place}/cancel"), why).await;
    assert_eq!(
        late.expect_problem(409, "illegal_transition")["allowed"],
        json!([])
    );
    assert_eq!(desk.torn().await, (0, 0));
}

#[tokio::test]
async fn an_appointment_puts_its_provider_on_the_team_and_cancelling_takes_it_back() {
    let desk = Desk::open().await;
    let chart = format!("/api/v1/patients/{}", desk.patient);
    desk.doctor.get(&chart).await.expect(404);
    let made = desk.book(&desk.patient, desk.at(3, 10, 0)).await;
    let other = desk.book(&desk.patient, desk.at(4, 10, 0)).await;
    desk.doctor.get(&chart).await.expect(200);
    let cancel = |made: &Value| {
        let place = format!("/api/v1/appointments/{}/cancel", id(made));
        let staff = desk.staff.clone();
        async move { staff.post(place, json!({ "reason": "Feels better" })).await }
    };
    let cancelled = cancel(&made).await.expect(200);
    assert_eq!(
        (&cancelled["cancelled_by"], &cancelled["status"]),
        (&json!("facility"), &json!("cancelled"))
    );
    desk.doctor.get(&chart).await.expect(200);
    cancel(&other).await.expect(200);
    desk.doctor.get(&chart).await.expect(404);
    // The time is free again.
    desk.book(&desk.another_patient().await, desk.at(3, 10, 0))
        .await;
    assert_eq!(desk.torn().await, (0, 0));
}

#[tokio::test]
async fn rescheduling_keeps_the_chain_and_moves_whole_or_not_at_all() {
    let desk = Desk::open().await;
    let (first, second) = (desk.at(3, 10, 0), desk.at(3, 14, 0));
    let made = desk.book(&desk.patient, first).await;
    let taken = desk.book(&desk.another_patient().await, second).await;
    let place = format!("/api/v1/appointments/{}/reschedule", id(&made));
    let to = |at| json!({ "starts_at": at, "reason": "The patient is away" });
    desk.staff
        .post(&place, to(second))
        .await
        .expect_problem(409, "slot_taken");
    let same = desk
        .staff
        .get(format!("/api/v1/appointments/{}", id(&made)))
        .await
        .expect(200);
    assert_eq!(same["status"], "scheduled");
    // A quarter of an hour later overlaps with nobody but itself.
    let moved = desk
        .staff
        .post(&place, to(first + TimeDelta::minutes(15)))
        .await
        .expect(200);
    assert_eq!(moved["rescheduled_from"], made["id"]);
    desk.staff
        .post(&place, to(second))
        .await
        .expect_problem(409, "illegal_transition");
    let again = format!("/api/v1/appointments/{}/reschedule", id(&moved));
    let last = desk
        .staff
        .post(&again, to(desk.at(5, 9, 0)))
        .await
        .expect(200);
    for one in [&made, &moved, &last] {
        let chain = desk
            .staff
            .get(format!("/api/v1/appointments/{}/chain", id(one)))
            .await
            .expect(200);
        let ids: Vec<&Value> = chain["items"]
            .as_array()
            .expect("items")
            .iter()
            .map(|item| &item["id"])
            .collect();
        assert_eq!(ids, [&made["id"], &moved["id"], &last["id"]]);
    }
    assert_eq!(taken["status"], "scheduled");
    desk.book(&desk.another_patient().await, first).await;
    assert_eq!(desk.torn().await, (0, 0));
}

#[tokio::test]
async fn a_hold_keeps_a_time_until_it_is_booked_released_or_runs_out() {
    let mut desk = Desk::open().await;
    let other = desk.another_patient().await;
    let at = desk.at(3, 10, 0);
    let held = desk
        .staff
        .post("/api/v1/holds", desk.wish(&desk.patient, at))
        .await
        .expect(201);
    desk.staff
        .post("/api/v1/appointments", desk.wish(&other, at))
        .await
        .expect_problem(409, "slot_taken");
    let booked = json!({ "hold_id": held["id"], "chief_complaint": "Headache" });
    let made = desk
        .staff
        .post("/api/v1/appointments", booked.clone())
        .await
        .expect(201);
    assert_eq!(
        (&made["patient_id"], &made["starts_at"]),
        (&held["patient_id"], &held["starts_at"])
    );
    desk.staff
        .post("/api/v1/appointments", booked)
        .await
        .expect_problem(409, "hold_closed");
    // Released.
    let at = desk.at(3, 11, 0);
    let held = desk
        .staff
        .post("/api/v1/holds", desk.wish(&desk.patient, at))
        .await
        .expect(201);
    let released = desk
        .staff
        .act(format!("/api/v1/holds/{}/release", id(&held)))
        .await
        .expect(200);
    assert_eq!(released["status"], "released");
    desk.book(&other, at).await;
    // Run out.
    let at = desk.at(3, 12, 0);
    let held = desk
        .staff
        .post("/api/v1/holds", desk.wish(&desk.patient, at))
        .await
        .expect(201);
    desk.later(TimeDelta::minutes(6)).await;
    let seen = desk
        .staff
        .get(format!("/api/v1/holds/{}", id(&held)))
        .await
        .expect(200);
    assert_eq!(seen["status"], "expired");
    desk.staff
        .post("/api/v1/appointments", json!({ "hold_id": held["id"] }))
        .await
        .expect_problem(409, "hold_expired");
    desk.book(&other, at).await;
    assert_eq!(desk.torn().await, (0, 0));
}

#[tokio::test]
async fn far_away_clocks_are_read_as_they_hang_on_the_wall() {
    for zone in ["Pacific/Kiritimati", "Etc/GMT+12"] {
        let desk = Desk::in_zone(zone, json!({})).await;
        let at = desk.at(3, 10, 0);
        let made = desk.book(&desk.patient, at).await;
        let local = at.with_timezone(&desk.zone).naive_local();
        assert_eq!(
            made["local_start"],
            json!(local.format("%Y-%m-%dT%H:%M:%S").to_string())
        );
        assert_eq!(made["time_zone"], zone);
    }
}

#[tokio::test]
async fn another_tenants_appointment_is_not_there() {
    let desk = Desk::open().await;
    let made = desk.book(&desk.patient, desk.at(3, 10, 0)).await;
    let stranger = TestTenant::new().await.user(Role::Admin).await;
    let place = format!("/api/v1/appointments/{}", id(&made));
    stranger.get(&place).await.expect(404);
    stranger
        .patch(&place, 1, json!({ "notes": "x" }))
        .await
        .expect(404);
    for step in ["confirm", "check-in", "start", "complete", "no-show"] {
        stranger.act(format!("{place}/{step}")).await.expect(404);
    }
    stranger.get(format!("{place}/chain")).await.expect(404);
}

#[tokio::test]
async fn a_planned_encounter_is_started_and_no_second_one_is_opened() {
    let mut desk = Desk::open().await;
    let at = desk.at(2, 10, 0);
    let chart = format!("/api/v1/patients/{}", desk.patient);
    let plan =
        json!({ "class": "office_visit", "scheduled_start": at, "facility_id": desk.facility });
    let planned = desk
        .admin
        .post(format!("{chart}/encounters"), plan.clone())
        .await
        .expect(201);
    let strange = desk.another_patient().await;
    let theirs = desk
        .admin
        .post(format!("/api/v1/patients/{strange}/encounters"), plan)
        .await
        .expect(201);
    let mut wish = desk.wish(&desk.patient, at);
    for encounter in [&theirs["id"], &json!(kernel::ids::mint())] {
        wish["encounter_id"] = encounter.clone();
        let refused = desk.staff.post("/api/v1/appointments", wish.clone()).await;
        assert_eq!(refused.pointers(), ["/encounter_id"], "{}", refused.text);
    }
    wish["encounter_id"] = planned["id"].clone();
    let made = desk
        .staff
        .post("/api/v1/appointments", wish.clone())
        .await
        .expect(201);
    assert_eq!(made["encounter_id"], planned["id"]);
    wish["starts_at"] = json!(desk.at(2, 15, 0));
    let again = desk.staff.post("/api/v1/appointments", wish).await;
    assert_eq!(again.pointers(), ["/encounter_id"], "{}", again.text);
    // It goes along when the appointment is moved.
    let later = json!({ "starts_at": desk.at(2, 11, 0), "reason": "Away" });
    let moved = desk
        .staff
        .post(
            format!("/api/v1/appointments/{}/reschedule", id(&made)),
            later,
        )
        .await
        .expect(200);
    assert_eq!(moved["encounter_id"], planned["id"]);
    desk.later(desk.at(2, 10, 55) - desk.clinic.clock.now())
        .await;
    let place = format!("/api/v1/appointments/{}", id(&moved));
    desk.staff
        .act(format!("{place}/check-in"))
        .await
        .expect(200);
    let started = desk.doctor.act(format!("{place}/start")).await.expect(200);
    assert_eq!(started["encounter_id"], planned["id"]);
    let all = desk
        .doctor
        .get(format!("{chart}/encounters"))
        .await
        .expect(200);
    let all = all["items"].as_array().expect("items");
    assert_eq!((all.len(), &all[0]["status"]), (1, &json!("in_progress")));
}

#[tokio::test]
async fn a_room_that_is_taken_gives_way_to_another_of_its_kind_unless_it_was_named() {
    let desk = Desk::with(json!({ "room_kind": "exam", "equipment_kinds": ["ecg"] })).await;
    let rooms = [
        desk.add_asset("room", "exam").await,
        desk.add_asset("room", "exam").await,
    ];
    let devices = [
        desk.add_asset("equipment", "ecg").await,
        desk.add_asset("equipment", "ecg").await,
    ];
    let second = desk.add_provider().await;
    let (at, to) = (desk.at(3, 10, 0), desk.at(3, 14, 0));
    let book = async |provider: &str, patient: &str, at, place: usize| {
        let mut wish = desk.wish(patient, at);
        wish["provider_id"] = json!(provider);
        wish["room_id"] = json!(rooms[place]);
        wish["equipment_ids"] = json!([devices[place]]);
        desk.staff
            .post("/api/v1/appointments", wish)
            .await
            .expect(201)
    };
    let made = book(&desk.provider, &desk.patient, at, 0).await;
    book(&second, &desk.another_patient().await, to, 0).await;
    let place = |made: &Value| format!("/api/v1/appointments/{}/reschedule", id(made));
    let named = json!({ "starts_at": to, "room_id": rooms[0], "reason": "Away" });
    desk.staff
        .post(place(&made), named)
        .await
        .expect_problem(409, "slot_taken");
    let open = json!({ "starts_at": to, "reason": "Away" });
    let moved = desk.staff.post(place(&made), open).await.expect(200);
    assert_eq!(
        (&moved["room_id"], &moved["equipment_ids"]),
        (&json!(rooms[1]), &json!([devices[1]]))
    );
    assert_eq!(moved["replaced_asset_ids"], json!([rooms[0], devices[0]]));
    // Onto itself: all of it is its own.
    let same = json!({ "starts_at": to, "reason": "Said twice" });
    let same = desk.staff.post(place(&moved), same).await.expect(200);
    assert_eq!(same["replaced_asset_ids"], json!([]));
    assert_eq!(same["room_id"], json!(rooms[1]));
    // Where nothing of the kind is free, there is no place.
    let late = desk.at(3, 16, 0);
    let third = desk.add_provider().await;
    book(&second, &desk.another_patient().await, late, 0).await;
    book(&third, &desk.another_patient().await, late, 1).await;
    let full = json!({ "starts_at": late, "reason": "Away" });
    let full = desk.staff.post(place(&same), full).await;
    let full = full.expect_problem(409, "slot_taken");
    assert_eq!(full["next_free"][0], json!(late + TimeDelta::minutes(30)));
    assert_eq!(desk.torn().await, (0, 0));
}
