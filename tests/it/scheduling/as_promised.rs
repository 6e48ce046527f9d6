//! A hold is booked as it was promised, a device that is named takes no other's place, and what is closed is not overbooked.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::desk::Desk;
use crate::support::{Reply, id};

const PLACE: &str = "/api/v1/appointments";
const HOLDS: &str = "/api/v1/holds";

/// Says otherwise of the desk's service from now on.
async fn change(desk: &Desk, version: i64, change: Value) {
    let service = format!("/api/v1/scheduling/services/{}", desk.service);
    let changed = desk.admin.patch(service, version, change).await;
    changed.expect(200);
}

fn span(of: &Value) -> (&Value, &Value) {
    (&of["starts_at"], &of["ends_at"])
}

#[tokio::test]
async fn a_hold_is_booked_as_it_was_promised_whatever_becomes_of_its_service() {
    let desk =
        Desk::with(json!({ "align_minutes": 5, "cleanup_minutes": 10, "room_kind": "exam" })).await;
    for (kind, of) in [("room", "exam"), ("room", "theatre"), ("equipment", "ecg")] {
        desk.add_asset(kind, of).await;
    }
    // Who works until half an hour after the start, and ten minutes more.
    let who = json!({ "given_name": "Eve", "family_name": "Early" });
    let provider = id(&desk.admin.post("/api/v1/providers", who).await.expect(201));
    let hours = json!({ "facility_id": desk.facility, "provider_id": provider, "rrule": "FREQ=DAILY",
        "local_from": "08:00", "local_until": "10:40", "valid_from": "2026-01-01" });
    let works = desk.admin.post("/api/v1/scheduling/working-times", hours);
    works.await.expect(201);
    let mut wish = desk.wish(&desk.patient, desk.at(3, 10, 0));
    wish["provider_id"] = json!(provider);
    let held = desk.staff.post(HOLDS, wish.clone()).await.expect(201);
    let longer = json!({ "duration_minutes": 50, "prep_minutes": 15, "room_kind": "theatre", "equipment_kinds": ["ecg"] });
    change(&desk, 1, longer).await;
    let hold = json!({ "hold_id": id(&held) });
    let made = desk.staff.post(PLACE, hold).await.expect(201);
    assert_eq!(span(&made), span(&held));
    assert_eq!(
        (&made["room_id"], &made["equipment_ids"]),
        (&held["room_id"], &json!([]))
    );
    assert_eq!(desk.torn().await, (0, 0));
    // What is away since is so all the same, for as long as it was promised.
    change(&desk, 2, json!({ "duration_minutes": 30, "prep_minutes": 0, "room_kind": "exam", "equipment_kinds": [] })).await;
    wish["starts_at"] = json!(desk.at(4, 10, 0));
    wish["patient_id"] = json!(desk.another_patient().await);
    let held = desk.staff.post(HOLDS, wish).await.expect(201);
    change(
        &desk,
        3,
        json!({ "duration_minutes": 10, "cleanup_minutes": 0 }),
    )
    .await;
    let from = desk.at(4, 10, 20);
    let off = json!({ "effect": "off", "provider_id": provider, "starts_at": from, "ends_at": from + TimeDelta::minutes(5) });
    let off = desk.admin.post("/api/v1/scheduling/time-exceptions", off);
    off.await.expect(201);
    let hold = json!({ "hold_id": id(&held) });
    let refused = desk.staff.post(PLACE, hold).await;
    assert_eq!(refused.pointers(), ["/provider_id"], "{}", refused.text);
    refused.expect_problem(409, "outside_availability");
}

#[tokio::test]
async fn a_device_that_is_named_takes_no_other_ones_place() {
    let desk = Desk::with(json!({ "equipment_kinds": ["ecg"] })).await;
    let ecg = desk.add_asset("equipment", "ecg").await;
    let ultrasound = desk.add_asset("equipment", "ultrasound").await;
    let mut both = vec![ecg.clone(), ultrasound.clone()];
    both.sort();
    for (place, day) in [(PLACE, 3), (HOLDS, 4)] {
        let mut wish = desk.wish(&desk.patient, desk.at(day, 10, 0));
        wish["equipment_ids"] = json!([ultrasound]);
        let made = desk.staff.post(place, wish).await.expect(201);
        assert_eq!(made["equipment_ids"], json!(both));
    }
    // The one there is, is taken.
    let mut wish = desk.wish(&desk.another_patient().await, desk.at(3, 10, 0));
    (wish["provider_id"], wish["equipment_ids"]) = (json!(desk.add_provider().await), json!([]));
    let refused = desk.staff.post(PLACE, wish).await;
    refused.expect_problem(409, "slot_taken");
}

#[tokio::test]
async fn nobody_is_booked_over_others_where_it_is_closed_or_nobody_works() {
    let desk = Desk::with(json!({ "room_kind": "exam", "overbook_per_day": 5 })).await;
    let room = desk.add_asset("room", "exam").await;
    let at = |day| desk.at(day, 10, 0);
    for day in [3, 7, 12] {
        desk.book(&desk.another_patient().await, at(day)).await;
    }
    let date = at(3).with_timezone(&desk.zone).date_naive();
    let holiday = json!({ "day": date, "name": "Founders' Day", "facility_id": desk.facility });
    let said = desk.admin.post("/api/v1/scheduling/holidays", holiday);
    said.await.expect(201);
    for (whose, who, day) in [("provider_id", &desk.provider, 7), ("asset_id", &room, 12)] {
        let off = json!({ "effect": "off", whose: who, "starts_at": at(day), "ends_at": at(day) + TimeDelta::hours(2) });
        let off = desk.admin.post("/api/v1/scheduling/time-exceptions", off);
        off.await.expect(201);
    }
    let over = async |day: u64| -> Reply {
        let mut wish = desk.wish(&desk.patient, at(day));
        wish["room_id"] = json!(room);
        wish["overbook_reason"] = json!("Sent by the emergency room");
        desk.admin.post(PLACE, wish).await
    };
    for (day, field, code) in [
        (3, "/provider_id", "holiday"),
        (7, "/provider_id", "time_off"),
        (12, "/room_id", "closed"),
    ] {
        let refused = over(day).await.expect_problem(409, "outside_availability");
        let broken = &refused["errors"][0];
        assert_eq!(
            (&broken["pointer"], &broken["code"]),
            (&json!(field), &json!(code))
        );
    }
    // Whoever works there that day, because somebody said so, is booked over.
    let extra = json!({ "effect": "extra", "provider_id": desk.provider, "facility_id": desk.facility,
        "starts_at": at(3), "ends_at": at(3) + TimeDelta::hours(2) });
    let extra = desk.admin.post("/api/v1/scheduling/time-exceptions", extra);
    extra.await.expect(201);
    assert_eq!(over(3).await.expect(201)["overbooked"], json!(true));
}

#[tokio::test]
async fn an_appointment_is_shown_as_it_stood() {
    let desk = Desk::open().await;
    let made = desk.book(&desk.patient, desk.at(3, 10, 0)).await;
    let place = format!("{PLACE}/{}", id(&made));
    let before = desk.admin.get(&place).await.expect(200);
    let then = desk
        .clinic
        .clock
        .now()
        .format("%Y-%m-%dT%H:%M:%S%.6fZ")
        .to_string();
    desk.clinic.clock.advance(TimeDelta::seconds(1));
    let why = json!({ "chief_complaint": "Headache" });
    desk.staff.patch(&place, 1, why).await.expect(200);
    let away = json!({ "by": "patient", "reason": "Feels better" });
    desk.staff
        .post(format!("{place}/cancel"), away)
        .await
        .expect(200);
    let as_of = format!("{place}?as_of={then}");
    let shown = desk.admin.get(&as_of).await;
    assert_eq!(shown.headers["etag"], "\"1\"");
    let mut shown = shown.expect(200);
    // The names of people are those of today.
    assert!(shown.get("provider").is_none());
    shown["provider"] = before["provider"].clone();
    assert_eq!(shown, before);
    desk.staff
        .get(&as_of)
        .await
        .expect_problem(403, "forbidden");
    let early = format!("{place}?as_of=2001-01-01");
    desk.admin.get(early).await.expect_problem(404, "not_found");
}
