//! What a patient may take of the calendar: what the service needs, and his own visits, whoever booked them.

use chrono::TimeDelta;
use platform::access::Role;
use serde_json::{Value, json};

use super::desk::Desk;
use crate::support::{Caller, Reply, id};

const PLACE: &str = "/api/v1/appointments";
const HOLDS: &str = "/api/v1/holds";

fn refused(reply: Reply) -> (String, String) {
    let problem = reply.expect_problem(422, "validation_failed");
    let text = |member: &str| {
        let text = problem["errors"][0][member].as_str();
        text.expect("text").to_owned()
    };
    (text("pointer"), text("code"))
}

fn said(pointer: &str, code: &str) -> (String, String) {
    (pointer.to_owned(), code.to_owned())
}

/// A provider with a specialty, who works all day.
async fn specialist(desk: &Desk, specialty: &str) -> String {
    let who = json!({ "given_name": "Eve", "family_name": specialty, "specialties": [specialty] });
    let provider = id(&desk.admin.post("/api/v1/providers", who).await.expect(201));
    let hours = json!({ "facility_id": desk.facility, "provider_id": provider, "rrule": "FREQ=DAILY",
        "local_from": "00:00", "local_until": "00:00", "valid_from": "2026-01-01" });
    let place = "/api/v1/scheduling/working-times";
    desk.admin.post(place, hours).await.expect(201);
    provider
}

/// Who works all day.
async fn nurse(desk: &Desk) -> String {
    let user = desk.clinic.user(Role::Nurse).await;
    let nurse = json!({ "user_id": user.user_id, "kind": "nurse" });
    let nurse = id(&desk.admin.post("/api/v1/staff", nurse).await.expect(201));
    let hours = json!({ "facility_id": desk.facility, "staff_id": nurse, "rrule": "FREQ=DAILY",
        "local_from": "00:00", "local_until": "00:00", "valid_from": "2026-01-01" });
    let place = "/api/v1/scheduling/working-times";
    desk.admin.post(place, hours).await.expect(201);
    nurse
}

#[tokio::test]
async fn a_patient_takes_nobodys_time_and_nothing_that_the_service_does_not_need() {
    let desk = Desk::open().await;
    let other = desk.add_provider().await;
    let room = desk.add_asset("room", "exam").await;
    let device = desk.add_asset("equipment", "ecg").await;
    let nurse = nurse(&desk).await;
    let portal = desk.portal_user().await;
    let at = desk.at(3, 10, 0);
    let more = [
        ("other_provider_ids", json!([other]), "not_needed"),
        ("room_id", json!(room), "not_needed"),
        ("equipment_ids", json!([device]), "not_needed"),
    ];
    for (field, value, code) in &more {
        for place in [PLACE, HOLDS] {
            let mut wish = desk.wish(&desk.patient, at);
            wish[field] = value.clone();
            let reply = portal.post(place, wish).await;
            assert_eq!(refused(reply), said(&format!("/{field}"), code), "{place}");
        }
    }
    for place in [PLACE, HOLDS] {
        let mut wish = desk.wish(&desk.patient, at);
        wish["staff_ids"] = json!([nurse]);
        let reply = portal.post(place, wish).await;
        assert_eq!(reply.pointers(), ["/staff_ids"], "{place}");
    }
    let made = desk.wish(&desk.patient, at);
    let made = portal.post(PLACE, made).await.expect(201);
    for (field, value, code) in &more[1..3] {
        let mut to = json!({ "starts_at": at + TimeDelta::hours(1), "reason": "Sleeps long" });
        to[field] = value.clone();
        let place = format!("{PLACE}/{}/reschedule", id(&made));
        let reply = portal.post(place, to).await;
        assert_eq!(refused(reply), said(&format!("/{field}"), code));
    }
    // The front desk may.
    let mut wish = desk.wish(&desk.another_patient().await, at + TimeDelta::hours(2));
    for (field, value, _) in &more[..3] {
        wish[field] = value.clone();
    }
    desk.staff.post(PLACE, wish).await.expect(201);
    assert_eq!(desk.torn().await, (0, 0));
}

#[tokio::test]
async fn what_the_service_needs_a_patient_may_name_and_is_shown() {
    let needs = json!({ "room_kind": "exam", "equipment_kinds": ["ecg"], "skills": ["cardiology", "neurology"] });
    let mut desk = Desk::open().await;
    let heart = specialist(&desk, "Cardiology").await;
    let brain = specialist(&desk, "Neurology").await;
    let spare = specialist(&desk, "Neurology").await;
    desk.service = desk.add_service(needs).await;
    let room = desk.add_asset("room", "exam").await;
    let devices = [
        desk.add_asset("equipment", "ecg").await,
        desk.add_asset("equipment", "ecg").await,
    ];
    let laser = desk.add_asset("equipment", "laser").await;
    let portal = desk.portal_user().await;
    let at = desk.at(3, 10, 0);
    let mut wish = desk.wish(&desk.patient, at);
    wish["provider_id"] = json!(heart);
    wish["other_provider_ids"] = json!([brain]);
    wish["room_id"] = json!(room);
    wish["equipment_ids"] = json!([devices[0]]);
    for (field, value) in [
        ("other_provider_ids", json!([brain, spare])),
        ("equipment_ids", json!(devices)),
        ("equipment_ids", json!([devices[0], laser])),
    ] {
        let mut more = wish.clone();
        more[field] = value;
        let reply = portal.post(PLACE, more).await;
        assert_eq!(
            refused(reply),
            said(&format!("/{field}"), "not_needed"),
            "{field}"
        );
    }
    let free = async |team: &[&String]| {
        let team: Vec<&str> = team.iter().map(|who| who.as_str()).collect();
        let place = format!(
            "/api/v1/scheduling/availability?service_id={}&facility_id={}&all_of={}&limit=1",
            desk.service,
            desk.facility,
            team.join(",")
        );
        let found = portal.get(place).await.expect(200);
        found["items"].as_array().map_or(0, Vec::len)
    };
    assert_eq!(free(&[&heart, &brain]).await, 1);
    assert_eq!(free(&[&heart, &brain, &spare]).await, 0);
    portal.post(PLACE, wish).await.expect(201);
    assert_eq!(desk.torn().await, (0, 0));
}

#[tokio::test]
async fn a_patient_moves_the_visit_the_office_booked_for_him_with_what_it_has() {
    let mut desk = Desk::open().await;
    let office = json!({ "self_booking": false, "lead_minutes": 120 });
    desk.service = desk.add_service(office).await;
    let other = desk.add_provider().await;
    let room = desk.add_asset("room", "exam").await;
    let device = desk.add_asset("equipment", "ecg").await;
    let laser = desk.add_asset("equipment", "laser").await;
    let nurse = nurse(&desk).await;
    let portal = desk.portal_user().await;
    let at = desk.at(3, 10, 0);
    let mut wish = desk.wish(&desk.patient, at);
    wish["other_provider_ids"] = json!([other]);
    wish["room_id"] = json!(room);
    wish["equipment_ids"] = json!([device]);
    let reply = portal.post(PLACE, wish.clone()).await;
    assert_eq!(reply.pointers(), ["/service_id"]);
    wish["staff_ids"] = json!([nurse]);
    let made = desk.staff.post(PLACE, wish).await.expect(201);
    let place = |made: &Value| format!("{PLACE}/{}/reschedule", id(made));
    let soon = desk.clinic.clock.now() + TimeDelta::minutes(30);
    let whole =
        TimeDelta::nanoseconds(soon.timestamp_nanos_opt().expect("a time") % 60_000_000_000);
    let soon = json!({ "starts_at": soon - whole, "reason": "Sooner" });
    portal
        .post(place(&made), soon)
        .await
        .expect_problem(409, "outside_availability");
    let to = at + TimeDelta::hours(4);
    let more = json!({ "starts_at": to, "equipment_ids": [device, laser], "reason": "Away" });
    let reply = portal.post(place(&made), more).await;
    assert_eq!(refused(reply), said("/equipment_ids", "not_needed"));
    let away = json!({ "starts_at": to, "reason": "Away" });
    let moved = portal.post(place(&made), away).await.expect(200);
    assert_eq!(
        (
            &moved["other_provider_ids"],
            &moved["room_id"],
            &moved["equipment_ids"]
        ),
        (&json!([other]), &json!(room), &json!([device]))
    );
    assert_eq!(moved["staff_ids"], json!([nurse]));
    assert_eq!(desk.torn().await, (0, 0));
}

#[tokio::test]
async fn what_a_patient_is_told_is_free_instead_he_may_book() {
    let desk = Desk::open().await;
    let closed = desk.add_provider().await;
    let shut = json!({ "accepting_patients": false });
    let place = format!("/api/v1/providers/{closed}");
    desk.admin.patch(place, 1, shut).await.expect(200);
    let portal = desk.portal_user().await;
    let at = desk.at(3, 10, 0);
    desk.book(&desk.another_patient().await, at).await;
    // Nobody is named: of the two who could do it one is taken, and the other one is not for him.
    let mut wish = desk.wish(&desk.patient, at);
    wish.as_object_mut().expect("members").remove("provider_id");
    for place in [PLACE, HOLDS] {
        let taken = portal.post(place, wish.clone()).await;
        let taken = taken.expect_problem(409, "slot_taken");
        let times = taken["next_free"].as_array().expect("times").clone();
        assert_eq!(times.len(), 3, "{taken}");
        let first: chrono::DateTime<chrono::Utc> =
            serde_json::from_value(times[0].clone()).expect("an instant");
        assert_eq!(first, at + TimeDelta::minutes(30), "{place}");
    }
    let with = |caller: &Caller| {
        let place = format!(
            "/api/v1/scheduling/availability?service_id={}&facility_id={}&provider_id={closed}&limit=1",
            desk.service, desk.facility
        );
        let caller = caller.clone();
        async move {
            let found = caller.get(place).await.expect(200);
            found["items"].as_array().map_or(0, Vec::len)
        }
    };
    assert_eq!((with(&desk.staff).await, with(&portal).await), (1, 0));
    let mut named = desk.wish(&desk.patient, at);
    named["provider_id"] = json!(closed);
    let reply = portal.post(PLACE, named).await;
    assert_eq!(refused(reply), said("/provider_id", "not_accepting"));
    // The office books him: from then on he is this patient's, who moves it, and is offered more.
    wish["provider_id"] = json!(closed);
    let made = desk.staff.post(PLACE, wish).await.expect(201);
    let to = json!({ "starts_at": at + TimeDelta::hours(1), "reason": "Sleeps long" });
    let place = format!("{PLACE}/{}/reschedule", id(&made));
    portal.post(&place, to).await.expect(200);
    assert_eq!(with(&portal).await, 1);
    assert_eq!(desk.torn().await, (0, 0));
}

#[tokio::test]
async fn who_has_left_is_not_taken_along_when_a_visit_is_moved() {
    let desk = Desk::open().await;
    let others = [desk.add_provider().await, desk.add_provider().await];
    let nurses = [nurse(&desk).await, nurse(&desk).await];
    let portal = desk.portal_user().await;
    let at = desk.at(3, 10, 0);
    let mut wish = desk.wish(&desk.patient, at);
    wish["other_provider_ids"] = json!(others);
    wish["staff_ids"] = json!(nurses);
    let made = desk.staff.post(PLACE, wish).await.expect(201);
    let leave = async |place: String| {
        let gone = json!({ "status": "inactive" });
        desk.admin.patch(place, 1, gone).await.expect(200);
    };
    leave(format!("/api/v1/staff/{}", nurses[0])).await;
    leave(format!("/api/v1/providers/{}", others[1])).await;
    let moved = async |caller: &Caller, made: &Value, hours: i64, more: Value| {
        let to = at + TimeDelta::hours(hours);
        let mut to = json!({ "starts_at": to, "reason": "Away" });
        for (name, value) in more.as_object().into_iter().flatten() {
            to[name] = value.clone();
        }
        let place = format!("{PLACE}/{}/reschedule", id(made));
        caller.post(place, to).await
    };
    let next = moved(&portal, &made, 2, json!({})).await.expect(200);
    assert_eq!(
        (&next["other_provider_ids"], &next["staff_ids"]),
        (&json!([others[0]]), &json!([nurses[1]]))
    );
    assert_eq!(
        (&next["left_provider_ids"], &next["left_staff_ids"]),
        (&json!([others[1]]), &json!([nurses[0]]))
    );
    // So the office's move.
    leave(format!("/api/v1/staff/{}", nurses[1])).await;
    let next = moved(&desk.staff, &next, 4, json!({})).await.expect(200);
    assert_eq!(
        (&next["staff_ids"], &next["left_staff_ids"]),
        (&json!([]), &json!([nurses[1]]))
    );
    // In the place of who leads somebody is named.
    leave(format!("/api/v1/providers/{}", desk.provider)).await;
    let reply = moved(&portal, &next, 6, json!({})).await;
    assert_eq!(refused(reply), said("/provider_id", "no_such_provider"));
    let other = json!({ "provider_id": others[0] });
    let next = moved(&portal, &next, 6, other).await.expect(200);
    assert_eq!(next["provider_id"], json!(others[0]));
    assert_eq!(desk.torn().await, (0, 0));
}

#[tokio::test]
async fn who_is_checked_in_does_not_call_his_visit_off_himself() {
    let mut desk = Desk::open().await;
    let rules = json!({ "cancel_notice_minutes": 0 });
    let place = "/api/v1/scheduling/booking-rules";
    desk.admin.patch(place, 1, rules).await.expect(200);
    let portal = desk.portal_user().await;
    let at = desk.at(1, 10, 0);
    let made = desk.book(&desk.patient, at).await;
    desk.later(at - desk.clinic.clock.now() - TimeDelta::minutes(5))
        .await;
    let portal = portal.with_token(Some(desk.clinic.log_in(&portal.email).await));
    let step = |name: &str| format!("/api/v1/appointments/{}/{name}", id(&made));
    desk.staff.act(step("check-in")).await.expect(200);
    let why = json!({ "reason": "Waited too long" });
    let refused = portal.post(step("cancel"), why.clone()).await;
    refused.expect_problem(409, "illegal_transition");
    desk.staff.post(step("cancel"), why).await.expect(200);
}
