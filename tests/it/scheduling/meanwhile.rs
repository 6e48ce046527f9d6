//! What has changed between a hold, an offer or a booking and what is made of it.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::desk::{Desk, commit_once_waited_for};
use super::flow_clinic::Clinic;
use super::waiting::{answer, entry, join, offer, starts_at};
use crate::support::{Caller, id};

const PLACE: &str = "/api/v1/appointments";

/// Whoever or whatever it is has time off then.
async fn off(admin: &Caller, who: (&str, &str), from: DateTime<Utc>, hours: i64) {
    let mut off =
        json!({ "effect": "off", "starts_at": from, "ends_at": from + TimeDelta::hours(hours) });
    off[who.0] = json!(who.1);
    let made = admin.post("/api/v1/scheduling/time-exceptions", off).await;
    made.expect(201);
}

#[tokio::test]
async fn nothing_is_booked_of_a_hold_with_who_has_time_off_since() {
    let desk = Desk::open().await;
    let at = desk.at(3, 10, 0);
    let wish = desk.wish(&desk.patient, at);
    let held = desk.staff.post("/api/v1/holds", wish).await.expect(201);
    off(&desk.admin, ("provider_id", &desk.provider), at, 2).await;
    let book = json!({ "hold_id": id(&held) });
    // Whoever books, it need not be who held it.
    let refused = desk.admin.post(PLACE, book).await;
    let refused = refused.expect_problem(409, "outside_availability");
    let why = &refused["errors"][0];
    assert_eq!(
        (&why["pointer"], &why["code"]),
        (&json!("/provider_id"), &json!("time_off"))
    );
    assert_eq!(desk.torn().await, (0, 0));
}

#[tokio::test]
async fn a_hold_is_booked_though_it_is_too_soon_by_now() {
    let mut desk = Desk::with(json!({ "lead_minutes": 60, "align_minutes": 1 })).await;
    let minute = TimeDelta::minutes(1);
    let soon = desk.clinic.clock.now() + TimeDelta::minutes(62);
    let soon = chrono::DurationRound::duration_trunc(soon, minute).expect("a minute");
    let wish = desk.wish(&desk.patient, soon);
    let held = desk.staff.post("/api/v1/holds", wish).await.expect(201);
    desk.later(minute * 3).await;
    let book = json!({ "hold_id": id(&held) });
    desk.staff.post(PLACE, book).await.expect(201);
}

#[tokio::test]
async fn an_offer_of_a_time_that_is_time_off_by_now_is_withdrawn_and_its_request_waits() {
    let clinic = Clinic::by_day().await;
    let patient = clinic.patient("Grace", json!([])).await;
    let start = clinic.in_(TimeDelta::days(3));
    let windows = json!([{ "from": start, "to": start + TimeDelta::minutes(30) }]);
    let request = join(&clinic, &patient, "medium", windows).await;
    clinic.work().await;
    let open = offer(&clinic.admin, &request).await.expect("an offer");
    let provider = ("provider_id", clinic.provider.as_str());
    off(&clinic.admin, provider, starts_at(&open), 1).await;
    let tried = answer(&clinic.admin, &open, "accept").await;
    tried.expect_problem(409, "offer_expired");
    let ended = offer(&clinic.admin, &request).await.expect("the offer");
    assert_eq!(
        (&ended["status"], &ended["appointment_id"]),
        (&json!("withdrawn"), &Value::Null)
    );
    assert_eq!(entry(&clinic, &request).await["status"], "waiting");
}

#[tokio::test]
async fn a_room_or_device_that_is_closed_or_gone_gives_way_to_another_of_its_kind() {
    let desk = Desk::with(json!({ "room_kind": "exam", "equipment_kinds": ["ecg"] })).await;
    let rooms = [
        desk.add_asset("room", "exam").await,
        desk.add_asset("room", "exam").await,
    ];
    let devices = [
        desk.add_asset("equipment", "ecg").await,
        desk.add_asset("equipment", "ecg").await,
    ];
    let portal = desk.portal_user().await;
    let (at, to) = (desk.at(3, 10, 0), desk.at(3, 14, 0));
    let mut wish = desk.wish(&desk.patient, at);
    wish["room_id"] = json!(rooms[0]);
    wish["equipment_ids"] = json!([devices[0]]);
    let made = desk.staff.post(PLACE, wish).await.expect(201);
    let mv = async |caller: &Caller, made: &Value, to: DateTime<Utc>, room: Option<&String>| {
        let to = json!({ "starts_at": to, "reason": "Away", "room_id": room });
        let place = format!("{PLACE}/{}/reschedule", id(made));
        caller.post(place, to).await
    };
    // Closed, then.
    off(&desk.admin, ("asset_id", &rooms[0]), to, 2).await;
    off(&desk.admin, ("asset_id", &devices[0]), to, 2).await;
    let named = mv(&desk.staff, &made, to, Some(&rooms[0])).await;
    let named = named.expect_problem(409, "outside_availability");
    assert_eq!(named["errors"][0]["pointer"], "/room_id");
    let moved = mv(&portal, &made, to, None).await.expect(200);
    assert_eq!(
        (&moved["room_id"], &moved["equipment_ids"]),
        (&json!(rooms[1]), &json!([devices[1]]))
    );
    assert_eq!(moved["replaced_asset_ids"], json!([rooms[0], devices[0]]));
    // Gone for good.
    for asset in [&rooms[1], &devices[1]] {
        let place = format!("/api/v1/scheduling/assets/{asset}");
        let gone = desk.admin.patch(place, 1, json!({ "status": "inactive" }));
        gone.await.expect(200);
    }
    let back = mv(&portal, &moved, at, None).await.expect(200);
    assert_eq!(
        (&back["room_id"], &back["equipment_ids"]),
        (&json!(rooms[0]), &json!([devices[0]]))
    );
    // Where the only one left of its kind is closed, there is no place.
    let nowhere = mv(&portal, &back, to, None).await;
    let nowhere = nowhere.expect_problem(409, "slot_taken");
    assert_eq!(nowhere["next_free"][0], json!(to + TimeDelta::hours(2)));
    assert_eq!(desk.torn().await, (0, 0));
}

#[tokio::test]
async fn who_wants_another_time_at_the_moment_in_which_his_becomes_free_is_not_offered_it() {
    let clinic = Clinic::by_day().await;
    let given_up = clinic.patient("Leaver", json!([])).await;
    let start = clinic.in_(TimeDelta::days(3));
    let freed = clinic.book(&given_up, start).await;
    let patient = clinic.patient("Grace", json!([])).await;
    let then = |from: DateTime<Utc>| json!([{ "from": from, "to": from + TimeDelta::minutes(30) }]);
    let request = join(&clinic, &patient, "medium", then(start)).await;
    clinic.work().await;
    clinic.step(&freed, "cancel").await;
    let mut change = clinic.tenant.behind_the_curtain().await;
    let begun = sqlx::query("begin").execute(&mut change).await;
    begun.expect("a transaction");
    sqlx::query(
        "update app.waitlist_entries set windows = $3 where tenant_id = $1 and id = $2::uuid",
    )
    .bind(clinic.tenant.id.0)
    .bind(&request)
    .bind(then(start + TimeDelta::days(7)))
    .execute(&mut change)
    .await
    .expect("another time");
    let committed = commit_once_waited_for(&mut change);
    futures_util::future::join(clinic.work(), committed).await;
    clinic.work().await;
    assert!(offer(&clinic.admin, &request).await.is_none());
    assert_eq!(entry(&clinic, &request).await["status"], "waiting");
}
