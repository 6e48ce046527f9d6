//! Overbooking, group sessions, and what patients may do themselves.

use chrono::TimeDelta;
use futures_util::future::join_all;
use serde_json::json;

use super::desk::Desk;
use crate::support::id;

#[tokio::test]
async fn overbooking_needs_a_permission_a_reason_and_a_place() {
    let desk = Desk::open().await;
    let at = desk.at(3, 10, 0);
    desk.book(&desk.patient, at).await;
    let mut over = desk.wish(&desk.another_patient().await, at);
    over["overbook_reason"] = json!("Sent by the emergency room");
    desk.staff
        .post("/api/v1/appointments", over.clone())
        .await
        .expect_problem(403, "forbidden");
    let made = desk
        .admin
        .post("/api/v1/appointments", over.clone())
        .await
        .expect(201);
    assert_eq!(
        (&made["overbooked"], &made["overbook_reason"]),
        (&json!(true), &over["overbook_reason"])
    );
    // The same patient can't be there twice, whatever the reason.
    desk.admin
        .post("/api/v1/appointments", over.clone())
        .await
        .expect(409);
    over["patient_id"] = json!(desk.another_patient().await);
    desk.admin
        .post("/api/v1/appointments", over.clone())
        .await
        .expect_problem(409, "overbooking_full");
    let why = json!({ "reason": "Went home" });
    desk.admin
        .post(format!("/api/v1/appointments/{}/cancel", id(&made)), why)
        .await
        .expect(200);
    desk.admin
        .post("/api/v1/appointments", over)
        .await
        .expect(201);
    assert_eq!(desk.torn().await, (0, 0));
}

#[tokio::test]
async fn a_group_session_takes_as_many_as_it_has_room_for() {
    let desk = Desk::with(json!({ "capacity": 3, "appointment_type": "group" })).await;
    let at = desk.at(3, 10, 0);
    let patients = join_all((0..6).map(|_| desk.another_patient())).await;
    let bookings = (0..12).map(|number| {
        let wish = desk.wish(&patients[number % 6], at);
        let staff = desk.staff.clone();
        async move {
            staff
                .post("/api/v1/appointments", wish)
                .await
                .status
                .as_u16()
        }
    });
    let mut answers = join_all(bookings).await;
    answers.sort_unstable();
    assert_eq!(
        answers,
        [201, 201, 201, 409, 409, 409, 409, 409, 409, 409, 409, 409]
    );
    // Another session of the provider does not begin in the middle of this one.
    desk.staff
        .post(
            "/api/v1/appointments",
            desk.wish(&desk.patient, at + TimeDelta::minutes(15)),
        )
        .await
        .expect_problem(409, "slot_taken");
    desk.book(&desk.patient, at + TimeDelta::minutes(30)).await;
    assert_eq!(desk.torn().await, (0, 0));
}

#[tokio::test]
async fn a_patient_books_what_patients_may_and_sees_his_own_only() {
    let mut desk = Desk::open().await;
    let other = desk.another_patient().await;
    let portal = desk.portal_user().await;
    let rules = "/api/v1/scheduling/booking-rules";
    let strict = json!({ "max_open_appointments": 2, "cancel_notice_minutes": 120 });
    desk.admin.patch(rules, 1, strict).await.expect(200);
    let office = desk.add_service(json!({ "self_booking": false })).await;
    let at = desk.at(3, 10, 0);
    let mut wish = desk.wish(&desk.patient, at);
    wish["service_id"] = json!(office);
    let refused = portal.post("/api/v1/appointments", wish).await;
    assert_eq!(refused.pointers(), ["/service_id"]);
    let refused = portal
        .post("/api/v1/appointments", desk.wish(&other, at))
        .await;
    assert_eq!(refused.pointers(), ["/patient_id"]);
    for field in ["notes", "priority", "join_url"] {
        let mut wish = desk.wish(&desk.patient, at);
        wish[field] = json!(if field == "priority" {
            "urgent"
        } else {
            "https://example.org/x"
        });
        let refused = portal.post("/api/v1/appointments", wish).await;
        assert_eq!(refused.pointers(), [format!("/{field}")]);
    }
    let mut own = desk.wish(&desk.patient, at);
    own.as_object_mut().expect("an object").remove("patient_id");
    let made = portal.post("/api/v1/appointments", own).await.expect(201);
    let place = format!("/api/v1/appointments/{}", id(&made));
    desk.staff
        .patch(&place, 1, json!({ "notes": "Owes us money" }))
        .await
        .expect(200);
    assert!(!portal.get(&place).await.text.contains("money"));
    let list = portal
        .get(format!("/api/v1/patients/{}/appointments", desk.patient))
        .await;
    assert!(list.text.contains(&id(&made)) && !list.text.contains("money"));
    // Others' are not there.
    let theirs = desk.book(&other, desk.at(3, 11, 0)).await;
    portal
        .get(format!("/api/v1/appointments/{}", id(&theirs)))
        .await
        .expect(404);
    let why = json!({ "reason": "Mine now" });
    portal
        .post(
            format!("/api/v1/appointments/{}/cancel", id(&theirs)),
            why.clone(),
        )
        .await
        .expect(404);
    portal
        .act(format!("{place}/check-in"))
        .await
        .expect_problem(403, "forbidden");
    portal.act(format!("{place}/confirm")).await.expect(200);
    // What he booked he moves and cancels.
    let spare = portal
        .post(
            "/api/v1/appointments",
            desk.wish(&desk.patient, desk.at(6, 10, 0)),
        )
        .await
        .expect(201);
    let to = json!({ "starts_at": desk.at(6, 12, 0), "reason": "Sleeps long" });
    let moved = portal
        .post(
            format!("/api/v1/appointments/{}/reschedule", id(&spare)),
            to,
        )
        .await
        .expect(200);
    let gone = portal
        .post(
            format!("/api/v1/appointments/{}/cancel", id(&moved)),
            why.clone(),
        )
        .await
        .expect(200);
    assert_eq!(gone["cancelled_by"], "patient");
    let not_his = json!({ "by": "facility", "reason": "x" });
    let refused = portal.post(format!("{place}/cancel"), not_his).await;
    assert_eq!(refused.pointers(), ["/by"]);
    // Two to come are enough.
    portal
        .post("/api/v1/holds", desk.wish(&desk.patient, desk.at(4, 10, 0)))
        .await
        .expect(201);
    portal
        .post(
            "/api/v1/appointments",
            desk.wish(&desk.patient, desk.at(5, 10, 0)),
        )
        .await
        .expect_problem(409, "too_many_appointments");
    // And an hour before is too late.
    desk.later(at - TimeDelta::minutes(60) - desk.clinic.clock.now())
        .await;
    let portal = portal.with_token(Some(desk.clinic.log_in(&portal.email).await));
    portal
        .post(format!("{place}/cancel"), why.clone())
        .await
        .expect_problem(409, "too_late_to_cancel");
    let to = json!({ "starts_at": desk.at(9, 10, 0), "reason": "Away" });
    portal
        .post(format!("{place}/reschedule"), to)
        .await
        .expect_problem(409, "too_late_to_cancel");
    desk.staff
        .post(
            format!("{place}/cancel"),
            json!({ "by": "patient", "reason": "Called" }),
        )
        .await
        .expect(200);
}

#[tokio::test]
async fn a_refusal_names_the_field_of_who_or_what_is_occupied() {
    let desk = Desk::with(json!({ "room_kind": "exam", "equipment_kinds": ["laser"] })).await;
    let room = desk.add_asset("room", "exam").await;
    let laser = desk.add_asset("equipment", "laser").await;
    let (second, second_laser) = (
        desk.add_asset("room", "exam").await,
        desk.add_asset("equipment", "laser").await,
    );
    let other = desk.add_provider().await;
    let at = desk.at(3, 10, 0);
    let wish = async |patient: &str, provider: &str, room: &str, laser: &str| {
        let mut wish = desk.wish(patient, at);
        wish["provider_id"] = json!(provider);
        wish["room_id"] = json!(room);
        wish["equipment_ids"] = json!([laser]);
        desk.staff.post("/api/v1/appointments", wish).await
    };
    let (patient, provider) = (&desk.patient, &desk.provider);
    wish(patient, provider, &room, &laser).await.expect(201);
    let guest = &desk.another_patient().await;
    for (refused, field) in [
        (
            wish(patient, &other, &second, &second_laser).await,
            "/patient_id",
        ),
        (
            wish(guest, provider, &second, &second_laser).await,
            "/provider_id",
        ),
        (wish(guest, &other, &room, &second_laser).await, "/room_id"),
        (wish(guest, &other, &second, &laser).await, "/equipment_ids"),
    ] {
        assert_eq!(refused.pointers(), [field]);
        let problem = refused.expect_problem(409, "slot_taken");
        assert_eq!(problem["errors"][0]["code"], "occupied", "{problem}");
        assert!(problem["next_free"][0].is_string(), "{problem}");
    }
}
