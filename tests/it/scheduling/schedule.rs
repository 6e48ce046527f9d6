//! The days of a provider, a room, a facility.

use chrono::{Days, TimeDelta};
use platform::access::Role;
use serde_json::{Value, json};

use super::desk::Desk;
use crate::support::{Caller, id};

async fn entries(caller: &Caller, query: String) -> Vec<Value> {
    let schedule = caller
        .get(format!("/api/v1/scheduling/schedule?{query}"))
        .await
        .expect(200);
    let days = schedule["days"].as_array().expect("days").clone();
    days.iter()
        .flat_map(|day| day["entries"].as_array().expect("entries").clone())
        .collect()
}

#[tokio::test]
async fn who_may_not_see_the_patient_sees_a_busy_block() {
    let desk = Desk::with(json!({ "prep_minutes": 5 })).await;
    let room = desk.add_asset("room", "exam").await;
    let at = desk.at(3, 10, 0);
    let mut wish = desk.wish(&desk.patient, at);
    wish["room_id"] = json!(room);
    let made = desk
        .staff
        .post("/api/v1/appointments", wish)
        .await
        .expect(201);
    let stranger = desk.clinic.user(Role::Provider).await;
    let date = at.with_timezone(&desk.zone).date_naive();
    for whose in [
        format!("provider_id={}", desk.provider),
        format!("asset_id={room}"),
        format!("facility_id={}", desk.facility),
    ] {
        let query = format!("{whose}&date={date}");
        for caller in [&desk.doctor, &desk.staff] {
            let seen = entries(caller, query.clone()).await;
            assert_eq!(seen.len(), 1, "{query}: {seen:?}");
            assert_eq!(
                (&seen[0]["kind"], &seen[0]["appointment"]["id"]),
                (&json!("appointment"), &made["id"])
            );
            assert!(
                seen[0]["patient"]
                    .as_str()
                    .expect("a name")
                    .starts_with("Fam")
            );
        }
        let seen = entries(&stranger, query.clone()).await;
        assert_eq!(seen.len(), 1, "{query}: {seen:?}");
        assert_eq!(seen[0]["kind"], "busy");
        assert!(seen[0]["appointment"].is_null() && seen[0]["patient"].is_null());
        if whose.starts_with("facility") {
            let whom = (&seen[0]["provider_ids"], &seen[0]["asset_ids"]);
            assert_eq!(whom, (&json!([desk.provider]), &json!([room])));
        }
    }
    let own = entries(&desk.doctor, format!("date={date}&days=7")).await;
    assert!(
        own[0]["local_from"]
            .as_str()
            .expect("a time")
            .ends_with("T09:55:00")
    );
    stranger
        .get(format!("/api/v1/scheduling/schedule?date={date}"))
        .await
        .expect(404);
    for bad in ["days=8", "days=0", "date=0001-01-01"] {
        desk.doctor
            .get(format!("/api/v1/scheduling/schedule?{bad}"))
            .await
            .expect(400);
    }
    let elsewhere = Desk::open().await;
    let foreign = format!(
        "/api/v1/scheduling/schedule?provider_id={}",
        elsewhere.provider
    );
    desk.doctor.get(foreign).await.expect(404);
}

#[tokio::test]
async fn a_day_is_the_walls_and_what_is_over_does_not_stand_in_it() {
    for zone in ["America/New_York", "Pacific/Kiritimati", "Etc/GMT+12"] {
        let desk = Desk::in_zone(zone, json!({})).await;
        let (early, late) = (desk.at(3, 0, 0), desk.at(3, 23, 0));
        desk.book(&desk.patient, early).await;
        let gone = desk.book(&desk.patient, desk.at(3, 12, 0)).await;
        desk.book(&desk.another_patient().await, late).await;
        let why = json!({ "reason": "Away" });
        desk.staff
            .post(format!("/api/v1/appointments/{}/cancel", id(&gone)), why)
            .await
            .expect(200);
        let held = desk.wish(&desk.patient, desk.at(3, 15, 0));
        desk.staff.post("/api/v1/holds", held).await.expect(201);
        let date = early.with_timezone(&desk.zone).date_naive();
        let query = format!(
            "provider_id={}&facility_id={}&date={date}",
            desk.provider, desk.facility
        );
        let kinds: Vec<Value> = entries(&desk.staff, query)
            .await
            .into_iter()
            .map(|one| one["kind"].clone())
            .collect();
        assert_eq!(kinds, ["appointment", "hold", "appointment"], "{zone}");
    }
}

#[tokio::test]
async fn a_facilitys_days_show_when_its_providers_are_occupied_and_not_with_whom() {
    let desk = Desk::open().await;
    // Nothing but the provider is occupied: by an appointment, one made from a hold, and a hold.
    let (first, second, third) = (desk.at(3, 9, 0), desk.at(3, 10, 0), desk.at(3, 11, 0));
    desk.book(&desk.patient, first).await;
    let held = desk.wish(&desk.patient, second);
    let held = desk.staff.post("/api/v1/holds", held).await.expect(201);
    let from_hold = json!({ "hold_id": held["id"] });
    let from_hold = desk.staff.post("/api/v1/appointments", from_hold);
    from_hold.await.expect(201);
    let held = desk.wish(&desk.patient, third);
    desk.staff.post("/api/v1/holds", held).await.expect(201);
    let stranger = desk.clinic.user(Role::Provider).await;
    let date = first.with_timezone(&desk.zone).date_naive();
    let query = format!("facility_id={}&date={date}", desk.facility);
    let seen = entries(&stranger, query.clone()).await;
    let told: Vec<(&Value, &Value)> = seen
        .iter()
        .map(|one| (&one["kind"], &one["provider_ids"][0]))
        .collect();
    let provider = &json!(desk.provider);
    assert_eq!(
        told,
        [
            (&json!("busy"), provider),
            (&json!("busy"), provider),
            (&json!("hold"), provider)
        ]
    );
    assert!(seen.iter().all(|one| one["patient"].is_null()));
    // Who may see the patient sees each appointment once.
    let kinds: Vec<Value> = entries(&desk.staff, query)
        .await
        .into_iter()
        .map(|one| one["kind"].clone())
        .collect();
    assert_eq!(kinds, ["appointment", "appointment", "hold"]);
}

#[tokio::test]
async fn what_lasts_over_midnight_stands_in_both_days() {
    let desk = Desk::with(json!({ "duration_minutes": 120, "room_kind": "exam" })).await;
    let room = desk.add_asset("room", "exam").await;
    let late = desk.at(3, 23, 0);
    let mut wish = desk.wish(&desk.patient, late);
    wish["room_id"] = json!(room);
    let made = desk
        .staff
        .post("/api/v1/appointments", wish)
        .await
        .expect(201);
    let held = desk.wish(&desk.another_patient().await, late + TimeDelta::days(1));
    let held = desk.staff.post("/api/v1/holds", held).await;
    let day = late.with_timezone(&desk.zone).date_naive();
    let (next, after) = (day + Days::new(1), day + Days::new(2));
    for whose in [
        format!("provider_id={}", desk.provider),
        format!("asset_id={room}"),
        format!("facility_id={}", desk.facility),
    ] {
        let kinds = async |date| {
            let seen = entries(&desk.staff, format!("{whose}&date={date}")).await;
            let kinds: Vec<Value> = seen.iter().map(|one| one["kind"].clone()).collect();
            (seen, kinds)
        };
        assert_eq!(kinds(day).await.1, ["appointment"], "{whose}");
        let (seen, told) = kinds(next).await;
        assert_eq!(told, ["appointment", "hold"], "{whose}");
        assert_eq!(
            (
                &seen[0]["appointment"]["id"],
                seen[0]["patient"].is_string()
            ),
            (&made["id"], true)
        );
        assert_eq!(kinds(after).await.1, ["hold"], "{whose}");
        // Of several days it stands in each.
        let seen = entries(&desk.staff, format!("{whose}&date={day}&days=3")).await;
        assert_eq!(seen.len(), 4, "{whose}");
        assert!(
            seen[..2]
                .iter()
                .all(|one| one["appointment"]["id"] == made["id"])
        );
    }
    held.expect(201);
}

#[tokio::test]
async fn a_providers_day_is_that_of_the_wall_where_he_works() {
    let desk = Desk::in_zone("Pacific/Auckland", json!({})).await;
    let late = desk.at(3, 23, 30);
    desk.book(&desk.patient, late).await;
    let day = late.with_timezone(&desk.zone).date_naive();
    let path = format!(
        "/api/v1/scheduling/schedule?provider_id={}&date={day}",
        desk.provider
    );
    let shown = desk.staff.get(&path).await.expect(200);
    assert_eq!(shown["time_zone"], "Pacific/Auckland");
    assert_eq!(
        shown["days"][0]["entries"]
            .as_array()
            .expect("entries")
            .len(),
        1
    );
    // Somebody who works nowhere has the organisation's.
    let who = json!({ "given_name": "Ben", "family_name": "Idle" });
    let idle = id(&desk.admin.post("/api/v1/providers", who).await.expect(201));
    let idle = desk
        .staff
        .get(format!("/api/v1/scheduling/schedule?provider_id={idle}"))
        .await
        .expect(200);
    assert_eq!(idle["time_zone"], "America/New_York");
    // At two places whose walls differ it must be said which; on a day on which he is at one of them it need not.
    let place = json!({ "code": "FAR", "name": "Far", "time_zone": "America/Chicago" });
    let far = id(&desk
        .admin
        .post("/api/v1/facilities", place)
        .await
        .expect(201));
    let hours = json!({ "facility_id": far, "provider_id": desk.provider, "rrule": "FREQ=DAILY", "local_from": "08:00",
                        "local_until": "12:00", "valid_from": day + Days::new(2) });
    desk.admin
        .post("/api/v1/scheduling/working-times", hours)
        .await
        .expect(201);
    assert_eq!(
        desk.staff.get(&path).await.expect(200)["time_zone"],
        "Pacific/Auckland"
    );
    let path = format!("{path}&days=5");
    let refused = desk.staff.get(&path).await.expect(400);
    let error = &refused["errors"][0];
    assert_eq!(
        (&error["pointer"], &error["code"]),
        (&json!("?facility_id"), &json!("required"))
    );
    let said = desk
        .staff
        .get(format!("{path}&facility_id={far}"))
        .await
        .expect(200);
    assert_eq!(said["time_zone"], "America/Chicago");
}

#[tokio::test]
async fn around_the_appointments_stand_hours_time_off_and_holidays() {
    let desk = Desk::open().await;
    let room = desk.add_asset("room", "exam").await;
    let at = desk.at(3, 10, 0);
    let date = at.with_timezone(&desk.zone).date_naive();
    let said = async |place: &str, body: Value| {
        let place = format!("/api/v1/scheduling/{place}");
        desk.admin.post(place, body).await.expect(201);
    };
    let until = at + TimeDelta::hours(2);
    said(
        "time-exceptions",
        json!({ "effect": "off", "provider_id": desk.provider, "starts_at": at, "ends_at": until,
        "kind": "training", "reason": "First aid" }),
    )
    .await;
    said(
        "time-exceptions",
        json!({ "effect": "off", "asset_id": room, "starts_at": at, "ends_at": until,
        "kind": "maintenance" }),
    )
    .await;
    said("holidays", json!({ "day": date + Days::new(1), "name": "Founders' Day", "facility_id": desk.facility })).await;
    said(
        "holidays",
        json!({ "day": date, "name": "Elsewhere", "facility_id": desk.elsewhere().await }),
    )
    .await;
    let blocks = async |whose: String| -> Vec<Vec<Value>> {
        let path = format!("/api/v1/scheduling/schedule?{whose}&date={date}&days=2");
        let found = desk.staff.get(path).await.expect(200);
        let days = found["days"].as_array().expect("days");
        days.iter()
            .map(|day| day["blocks"].as_array().expect("blocks").clone())
            .collect()
    };
    let kinds =
        |day: &[Value]| -> Vec<Value> { day.iter().map(|one| one["kind"].clone()).collect() };
    let his = blocks(format!("provider_id={}", desk.provider)).await;
    assert_eq!(kinds(&his[0]), ["working", "time_off", "working"]);
    let off = &his[0][1];
    assert_eq!(
        (&off["from"], &off["until"], &off["why"], &off["title"]),
        (
            &json!(at),
            &json!(until),
            &json!("training"),
            &json!("First aid")
        )
    );
    assert!(
        off["local_from"]
            .as_str()
            .expect("a time")
            .ends_with("T10:00:00")
    );
    // The morning he works until, and from when on he works again.
    assert_eq!(
        (&his[0][0]["until"], &his[0][2]["from"]),
        (&json!(at), &json!(until))
    );
    assert_eq!(kinds(&his[1]), ["holiday"]);
    assert_eq!(
        (&his[1][0]["title"], &his[1][0]["facility_id"]),
        (&json!("Founders' Day"), &json!(desk.facility))
    );
    let rooms = blocks(format!("asset_id={room}")).await;
    assert_eq!(kinds(&rooms[0]), ["open", "time_off", "open"]);
    assert_eq!(rooms[0][1]["why"], "maintenance");
    assert_eq!(kinds(&rooms[1]), ["holiday"]);
    let all = blocks(format!("facility_id={}", desk.facility)).await;
    assert_eq!(
        kinds(&all[0]),
        ["working", "time_off", "time_off", "working"]
    );
    assert_eq!(kinds(&all[1]), ["holiday"]);
}
