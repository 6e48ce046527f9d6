//! Group sessions: of more than one provider, and each in one place.

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::{join, join_all};
use serde_json::{Value, json};

use super::desk::Desk;
use crate::support::{Reply, id};

const PLACE: &str = "/api/v1/appointments";

#[tokio::test]
async fn a_session_of_two_providers_is_joined_as_it_is_offered() {
    let desk =
        Desk::with(json!({ "capacity": 4, "appointment_type": "group", "room_kind": "exam" }))
            .await;
    desk.add_asset("room", "exam").await;
    let other = desk.add_provider().await;
    let at = desk.at(3, 10, 0);
    // The one who leads is the second by name.
    let offered = async |team: [&str; 2]| {
        let text = at.format("%Y-%m-%dT%H:%M:%SZ");
        let place = format!(
            "/api/v1/scheduling/availability?service_id={}&facility_id={}&all_of={}&from={text}&limit=1",
            desk.service,
            desk.facility,
            team.join(",")
        );
        desk.staff.get(place).await.expect(200)["items"][0].clone()
    };
    let book = async |slot: &Value, room: bool| {
        let mut wish = desk.wish(&desk.another_patient().await, at);
        assert_eq!(slot["starts_at"], json!(at));
        wish["provider_id"] = slot["provider_ids"][0].clone();
        wish["other_provider_ids"] = json!([slot["provider_ids"][1]]);
        if room {
            wish["room_id"] = slot["room_id"].clone();
        }
        desk.staff.post("/api/v1/appointments", wish).await
    };
    let fresh = offered([&other, &desk.provider]).await;
    assert_eq!(fresh["provider_ids"], json!([other, desk.provider]));
    book(&fresh, true).await.expect(201);
    for (left, room) in [(3, true), (2, false)] {
        let begun = offered([&desk.provider, &other]).await;
        assert_eq!(
            (&begun["provider_ids"], &begun["places_left"]),
            (&json!([other, desk.provider]), &json!(left))
        );
        book(&begun, room).await.expect(201);
    }
    // Whoever names them the other way round joins as well, where the room is left open.
    let mut slot = offered([&desk.provider, &other]).await;
    slot["provider_ids"] = json!([desk.provider, other]);
    let made = book(&slot, false).await.expect(201);
    assert_eq!(made["provider_id"], json!(other));
    assert_eq!(desk.torn().await, (0, 0));
}

/// Another facility where the desk's provider works all day, too.
async fn second_house(desk: &Desk) -> String {
    let facility = desk.elsewhere().await;
    let hours = json!({ "facility_id": facility, "provider_id": desk.provider, "rrule": "FREQ=DAILY",
        "local_from": "00:00", "local_until": "00:00", "valid_from": "2026-01-01" });
    let made = desk.admin.post("/api/v1/scheduling/working-times", hours);
    made.await.expect(201);
    facility
}

async fn book_in(desk: &Desk, facility: &str, at: DateTime<Utc>) -> Reply {
    let mut wish = desk.wish(&desk.another_patient().await, at);
    wish["facility_id"] = json!(facility);
    desk.staff.post(PLACE, wish).await
}

fn is_elsewhere(refused: Reply, pointer: &str) {
    let refused = refused.expect_problem(409, "slot_taken");
    let field = &refused["errors"][0];
    assert_eq!(
        (&field["pointer"], &field["code"]),
        (&json!(pointer), &json!("session_elsewhere"))
    );
}

#[tokio::test]
async fn who_leads_a_session_is_in_one_facility_at_a_time() {
    let desk = Desk::with(json!({ "capacity": 4, "appointment_type": "group" })).await;
    let other = second_house(&desk).await;
    let at = desk.at(3, 10, 0);
    book_in(&desk, &desk.facility, at).await.expect(201);
    is_elsewhere(book_in(&desk, &other, at).await, "/facility_id");
    let mut hold = desk.wish(&desk.another_patient().await, at);
    hold["facility_id"] = json!(other);
    is_elsewhere(desk.staff.post("/api/v1/holds", hold).await, "/facility_id");
    book_in(&desk, &desk.facility, at).await.expect(201);
    // Whoever is a moment faster says where it is.
    for hour in 11..17 {
        let at = desk.at(3, hour, 0);
        let (one, two) = join(
            book_in(&desk, &desk.facility, at),
            book_in(&desk, &other, at),
        )
        .await;
        let mut statuses = [one.status.as_u16(), two.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 409]);
    }
    assert_eq!(desk.torn().await, (0, 0));
}

#[tokio::test]
async fn a_session_that_stood_before_its_place_was_part_of_it_is_joined_there() {
    let desk = Desk::with(json!({ "capacity": 4, "appointment_type": "group" })).await;
    let other = second_house(&desk).await;
    let at = desk.at(3, 10, 0);
    book_in(&desk, &desk.facility, at).await.expect(201);
    // As it was hashed until then.
    let mut connection = desk.clinic.behind_the_curtain().await;
    let old = format!(
        "set app.context = '{0} system organization   ';
         update app.reservations r
            set party = encode(set_byte(set_byte(h.bytes, 6, get_byte(h.bytes, 6) & 15 | 128), 8, get_byte(h.bytes, 8) & 63 | 128), 'hex')::uuid
           from (select substring(sha256(uuid_send('{1}') || int8send({2}) || uuid_send('{3}')) for 16) as bytes) h
          where r.tenant_id = '{0}' and r.provider_id = '{3}'",
        desk.clinic.id,
        desk.service,
        at.timestamp(),
        desk.provider
    );
    let old = sqlx::raw_sql(sqlx::AssertSqlSafe(old));
    old.execute(&mut connection).await.expect("as it was");
    is_elsewhere(book_in(&desk, &other, at).await, "/facility_id");
    let place = format!(
        "/api/v1/scheduling/availability?service_id={}&facility_id={}&provider_id={}&from={}&limit=1",
        desk.service,
        desk.facility,
        desk.provider,
        at.format("%Y-%m-%dT%H:%M:%SZ")
    );
    let offered = desk.staff.get(place).await.expect(200)["items"][0].clone();
    assert_eq!(
        (&offered["starts_at"], &offered["places_left"]),
        (&json!(at), &json!(3))
    );
    book_in(&desk, &desk.facility, at).await.expect(201);
    let parties: i64 = sqlx::query_scalar(
        "select count(distinct party) from app.reservations where tenant_id = $1 and provider_id is not null",
    )
    .bind(desk.clinic.id.0)
    .fetch_one(&mut connection)
    .await
    .expect("counted");
    assert_eq!(parties, 1);
}

#[tokio::test]
async fn a_session_has_one_room_whoever_names_another() {
    let group = json!({ "capacity": 6, "appointment_type": "group", "room_kind": "exam" });
    let desk = Desk::with(group).await;
    let (first, second) = (
        desk.add_asset("room", "exam").await,
        desk.add_asset("room", "exam").await,
    );
    let at = desk.at(3, 10, 0);
    let book = async |room: Option<&String>, at: DateTime<Utc>| {
        let mut wish = desk.wish(&desk.another_patient().await, at);
        if let Some(room) = room {
            wish["room_id"] = json!(room);
        }
        desk.staff.post(PLACE, wish).await
    };
    book(Some(&second), at).await.expect(201);
    is_elsewhere(book(Some(&first), at).await, "/room_id");
    for room in [None, Some(&second)] {
        let joined = book(room, at).await.expect(201);
        assert_eq!(joined["room_id"], json!(second));
    }
    // Who comes from another session, and names no room, joins this one where it is.
    let later = at + TimeDelta::hours(2);
    let made = book(Some(&first), later).await.expect(201);
    let to = |room: Option<&String>| {
        let mut to = json!({ "starts_at": at, "reason": "Works later" });
        if let Some(room) = room {
            to["room_id"] = json!(room);
        }
        let place = format!("{PLACE}/{}/reschedule", id(&made));
        desk.staff.post(place, to)
    };
    is_elsewhere(to(Some(&first)).await, "/room_id");
    let moved = to(None).await.expect(200);
    assert_eq!(moved["room_id"], json!(second));
    // At the same moment, one room is the session's.
    for hour in [13, 14, 15] {
        let at = desk.at(3, hour, 0);
        let both = [&first, &second].map(|room| book(Some(room), at));
        let replies = join_all(both).await;
        let booked = replies.iter().filter(|it| it.status == 201).count();
        assert_eq!(booked, 1);
        book(None, at).await.expect(201);
    }
    assert_eq!(desk.torn().await, (0, 0));
}
