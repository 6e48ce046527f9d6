//! The free time that is left of working time.

use chrono::TimeDelta;
use platform::access::Role;
use serde_json::{Value, json};

use super::clinic::{Clinic, day};
use crate::support::id;

#[tokio::test]
async fn free_time_is_working_time_less_what_is_taken() {
    let clinic = Clinic::open("America/New_York").await;
    let today = day("06-01");
    let all = ["09:00", "09:30", "10:00", "10:30", "11:00", "11:30"];
    assert_eq!(clinic.on(&today, "").await, all);
    let later = clinic.tenant.clock.now() + TimeDelta::days(700);
    let at = |time: &str| format!("{today}T{time}:00-04:00");
    clinic
        .take(
            "provider_id",
            &clinic.provider,
            &at("09:10"),
            &at("09:20"),
            "booked",
            later,
        )
        .await;
    clinic
        .take(
            "asset_id",
            &clinic.room,
            &at("10:30"),
            &at("11:00"),
            "held",
            later,
        )
        .await;
    assert_eq!(
        clinic.on(&today, "").await,
        ["09:30", "10:00", "11:00", "11:30"]
    );
    // A hold that has run out is nobody's.
    let before = clinic.tenant.clock.now() - TimeDelta::days(1);
    clinic
        .take(
            "provider_id",
            &clinic.provider,
            &at("11:00"),
            &at("12:00"),
            "held",
            before,
        )
        .await;
    assert_eq!(clinic.on(&today, "").await.len(), 4);
    clinic
        .take(
            "provider_id",
            &clinic.provider,
            &at("11:00"),
            &at("12:00"),
            "overbooked",
            later,
        )
        .await;
    assert_eq!(clinic.on(&today, "").await, ["09:30", "10:00"]);
    let preferred = clinic
        .on(&today, "&preferred_from=09:45&preferred_to=11:00")
        .await;
    assert_eq!(preferred, ["10:00"]);
    // A second room brings nothing where the doctor is taken; and with the slot the room is told.
    let found = clinic.ask(&clinic.admin, &today, "").await.expect(200);
    let slot = &found["items"][0];
    assert_eq!(slot["room_id"], json!(clinic.room));
    assert_eq!(slot["provider_ids"], json!([clinic.provider]));
    assert_eq!(slot["time_zone"], "America/New_York");
}

#[tokio::test]
async fn the_clocks_may_change_and_the_wall_is_kept() {
    for (zone, days) in [
        ("America/New_York", ["03-14", "11-07"]),
        ("Pacific/Kiritimati", ["06-01", "10-31"]),
        ("Etc/GMT+12", ["06-01", "10-31"]),
        ("Australia/Lord_Howe", ["10-03", "04-04"]),
    ] {
        let clinic = Clinic::open(zone).await;
        for today in days {
            let free = clinic.on(&day(today), "").await;
            assert_eq!(free.len(), 6, "{zone} {today}: {free:?}");
            assert_eq!(free[0], "09:00", "{zone} {today}");
        }
    }
}

#[tokio::test]
async fn a_holiday_lasts_to_the_end_of_the_day_where_it_is_said_to() {
    let clinic = Clinic::open("America/New_York").await;
    let today = day("06-01");
    let afternoon =
        json!({ "day": today, "name": "Eve", "local_from": "10:00", "local_until": "00:00" });
    clinic.add("holidays", afternoon).await;
    assert_eq!(clinic.on(&today, "").await, ["09:00", "09:30"]);
}

#[tokio::test]
async fn holidays_time_off_and_extra_time_change_what_is_free() {
    let clinic = Clinic::open("America/New_York").await;
    let today = day("06-01");
    let holiday = clinic
        .add("holidays", json!({ "day": today, "name": "Founder's Day" }))
        .await;
    assert!(clinic.on(&today, "").await.is_empty());
    clinic.add("time-exceptions", json!({ "effect": "extra", "facility_id": clinic.facility, "provider_id": clinic.provider,
        "starts_at": format!("{today}T14:00:00-04:00"), "ends_at": format!("{today}T15:00:00-04:00") })).await;
    assert_eq!(clinic.on(&today, "").await, ["14:00", "14:30"]);
    let off = json!({ "effect": "off", "provider_id": clinic.provider, "starts_at": format!("{today}T14:30:00-04:00"),
        "ends_at": format!("{today}T23:00:00-04:00"), "kind": "sick" });
    let off = clinic
        .doctor
        .post("/api/v1/scheduling/time-exceptions", off)
        .await
        .expect(201);
    assert_eq!(clinic.on(&today, "").await, ["14:00"]);
    let place = format!("/api/v1/scheduling/time-exceptions/{}", id(&off));
    clinic
        .doctor
        .patch(&place, 1, json!({ "status": "withdrawn" }))
        .await
        .expect(200);
    let place = format!("/api/v1/scheduling/holidays/{}", id(&holiday));
    clinic
        .admin
        .patch(
            &place,
            1,
            json!({ "local_from": "10:00", "local_until": "11:00" }),
        )
        .await
        .expect(200);
    assert_eq!(
        clinic.on(&today, "").await,
        ["09:00", "09:30", "11:00", "11:30", "14:00", "14:30"]
    );
}

#[tokio::test]
async fn emergencies_find_who_is_on_call() {
    let clinic = Clinic::open("America/New_York").await;
    let emergency = clinic
        .add(
            "services",
            json!({ "code": "E", "name": "Emergency", "appointment_type": "emergency",
        "duration_minutes": 60, "align_minutes": 60 }),
        )
        .await;
    let shift = json!({ "facility_id": clinic.facility, "provider_id": clinic.provider, "level": 2,
        "starts_at": "2027-06-01T22:00:00-04:00", "ends_at": "2027-06-02T01:00:00-04:00" });
    clinic.add("on-call-shifts", shift.clone()).await;
    let night = Clinic {
        service: id(&emergency),
        ..clinic
    };
    assert_eq!(
        night.on("2027-06-01", "").await,
        ["09:00", "10:00", "11:00", "22:00", "23:00"]
    );
    assert_eq!(night.on("2027-06-02", "").await[..2], ["00:00", "09:00"]);
    let ask = |at: &str| {
        format!(
            "/api/v1/scheduling/on-call?facility_id={}&at={at}",
            night.facility
        )
    };
    let found = night
        .admin
        .get(ask("2027-06-02T03:00:00Z"))
        .await
        .expect(200);
    assert_eq!(found["items"][0]["provider_id"], json!(night.provider));
    assert_eq!(found["items"][0]["level"], 2);
    let found = night
        .admin
        .get(ask("2027-06-02T05:00:00Z"))
        .await
        .expect(200);
    assert_eq!(found["items"], json!([]));
    // Who is ill is not called.
    night
        .add(
            "time-exceptions",
            json!({ "effect": "off", "provider_id": night.provider, "kind": "sick",
        "starts_at": "2027-06-02T00:00:00Z", "ends_at": "2027-06-03T00:00:00Z" }),
        )
        .await;
    let found = night
        .admin
        .get(ask("2027-06-02T03:00:00Z"))
        .await
        .expect(200);
    assert_eq!(found["items"], json!([]));
}

#[tokio::test]
async fn patients_find_only_what_they_book_themselves() {
    let clinic = Clinic::open("America/New_York").await;
    let patient = clinic.tenant.user(Role::Patient).await;
    let today = day("06-01");
    let refused = clinic.ask(&patient, &today, "").await;
    let problem = refused.expect_problem(400, "invalid_parameter");
    assert_eq!(problem["errors"][0]["pointer"], "?service_id");
    let place = format!("/api/v1/scheduling/services/{}", clinic.service);
    clinic
        .admin
        .patch(place, 1, json!({ "self_booking": true }))
        .await
        .expect(200);
    let found = clinic.ask(&patient, &today, "").await.expect(200);
    assert!(!found["items"].as_array().expect("items").is_empty());
    for place in [
        "working-times",
        "time-exceptions",
        "on-call-shifts",
        "holidays",
        "work-limits",
    ] {
        patient
            .get(format!("/api/v1/scheduling/{place}"))
            .await
            .expect_problem(403, "forbidden");
    }
    let billing = clinic.tenant.user(Role::Billing).await;
    clinic
        .ask(&billing, &today, "")
        .await
        .expect_problem(403, "forbidden");
}

#[tokio::test]
async fn the_first_of_several_providers_come_by_time_and_a_team_is_free_together() {
    let clinic = Clinic::open("America/New_York").await;
    let today = day("06-01");
    let grace =
        json!({ "given_name": "Grace", "family_name": "Hopper", "specialties": ["Cardiology"] });
    let grace = id(&clinic
        .admin
        .post("/api/v1/providers", grace)
        .await
        .expect(201));
    clinic.add("working-times", json!({ "facility_id": clinic.facility, "provider_id": grace, "rrule": "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU",
        "local_from": "11:00", "local_until": "13:00", "valid_from": "2027-06-01" })).await;
    let room = json!({ "facility_id": clinic.facility, "kind": "room", "asset_kind": "exam", "code": "R2", "name": "Room 2" });
    clinic.add("assets", room).await;
    let free = clinic.on(&today, "").await;
    assert_eq!(
        free,
        [
            "09:00", "09:30", "10:00", "10:30", "11:00", "11:00", "11:30", "11:30", "12:00",
            "12:30"
        ]
    );
    assert_eq!(
        clinic.on(&today, &format!("&provider_id={grace}")).await,
        ["11:00", "11:30", "12:00", "12:30"]
    );
    let both = format!("&all_of={},{grace}", clinic.provider);
    assert_eq!(clinic.on(&today, &both).await, ["11:00", "11:30"]);
    // A week later it is not her Tuesday.
    assert!(clinic.on(&day("06-08"), &both).await.is_empty());
    let first = clinic.ask(&clinic.admin, &today, "").await.expect(200);
    assert!(first.get("next_from").is_none());
    // One at a time, from place to place: each is told once, the last one without a next.
    let mut told = Vec::new();
    let mut more = format!("from={today}T14:50:00Z");
    loop {
        let place = format!(
            "/api/v1/scheduling/availability?service_id={}&facility_id={}&to={today}T17:00:00Z&limit=1&{more}",
            clinic.service, clinic.facility
        );
        let page = clinic.admin.get(place).await.expect(200);
        let items = page["items"].as_array().expect("items");
        assert_eq!(items.len(), 1, "{page}");
        let slot = &items[0];
        told.push((slot["starts_at"].clone(), slot["provider_ids"][0].clone()));
        let Some(from) = page["next_from"].as_str() else {
            assert!(page.get("next_skip").is_none());
            break;
        };
        let skip = page["next_skip"].as_u64().unwrap_or(0);
        more = format!("from={from}&skip={skip}");
    }
    let all = format!(
        "/api/v1/scheduling/availability?service_id={}&facility_id={}&from={today}T14:50:00Z&to={today}T17:00:00Z",
        clinic.service, clinic.facility
    );
    let all = clinic.admin.get(all).await.expect(200);
    let all: Vec<(Value, Value)> = all["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|slot| (slot["starts_at"].clone(), slot["provider_ids"][0].clone()))
        .collect();
    assert!(all.len() > 4, "{all:?}");
    assert_eq!(told, all);
}
