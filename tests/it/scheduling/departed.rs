//! Appointments of a patient who has died or left, of one who was taken for another, and of a clinic whose clock is corrected.

use chrono::{DateTime, DurationRound as _, TimeDelta, Utc};
use futures_util::future::join;
use serde_json::{Value, json};

use super::desk::{Desk, commit_once_waited_for};
use crate::support::id;

const PLACE: &str = "/api/v1/appointments";
const AFFECTED: &str = "/api/v1/scheduling/affected-appointments";

async fn now_is(desk: &Desk, status: &str) -> Value {
    let path = format!("/api/v1/patients/{}/status", desk.patient);
    let changed = desk.staff.post(path, json!({ "status": status })).await;
    changed.expect(200)
}

/// A full hour in which somebody can be checked in already.
fn soon(desk: &Desk) -> DateTime<Utc> {
    let at = desk.clinic.clock.now() + TimeDelta::hours(2);
    at.duration_trunc(TimeDelta::hours(1)).expect("an hour")
}

#[tokio::test]
async fn the_visits_of_a_patient_who_has_died_are_told_listed_and_never_begun() {
    let desk = Desk::open().await;
    let room = desk.add_asset("room", "exam").await;
    let soon = soon(&desk);
    let first = id(&desk.book(&desk.patient, soon).await);
    let here = id(&desk.book(&desk.patient, soon + TimeDelta::hours(1)).await);
    let after = id(&desk.book(&desk.patient, desk.at(5, 10, 0)).await);
    let other = id(&desk
        .book(&desk.another_patient().await, desk.at(5, 11, 0))
        .await);
    desk.staff
        .act(format!("{PLACE}/{here}/check-in"))
        .await
        .expect(200);
    // Who is here is not to come any more.
    assert_eq!(now_is(&desk, "deceased").await["affected_appointments"], 2);
    for step in ["confirm", "check-in"] {
        desk.staff
            .act(format!("{PLACE}/{first}/{step}"))
            .await
            .expect_problem(409, "patient_not_active");
    }
    desk.staff
        .post(format!("{PLACE}/{here}/room"), json!({ "room_id": room }))
        .await
        .expect_problem(409, "patient_not_active");
    let page = desk.staff.get(AFFECTED).await.expect(200);
    let items = page["items"].as_array().expect("items");
    let ids: Vec<String> = items.iter().map(|it| id(&it["appointment"])).collect();
    assert_eq!(ids, [first, after]);
    assert!(!ids.contains(&other));
    for item in items {
        let why = json!([{ "what": "patient", "id": desk.patient, "reason": "inactive" }]);
        assert_eq!(item["reasons"], why);
    }
}

#[tokio::test]
async fn who_is_active_again_is_told_of_nothing_and_comes() {
    let desk = Desk::open().await;
    let booked = id(&desk.book(&desk.patient, desk.at(5, 10, 0)).await);
    assert_eq!(now_is(&desk, "inactive").await["affected_appointments"], 1);
    let back = now_is(&desk, "active").await;
    assert!(back.get("affected_appointments").is_none(), "{back}");
    let page = desk.staff.get(AFFECTED).await.expect(200);
    assert_eq!(page["items"], json!([]));
    let confirm = format!("{PLACE}/{booked}/confirm");
    desk.staff.act(confirm).await.expect(200);
}

#[tokio::test]
async fn a_clinic_gets_another_clock_only_when_nothing_is_agreed_on_by_the_one_it_has() {
    let desk = Desk::open().await;
    let booked = [10, 11].map(|hour| desk.at(5, hour, 0));
    let mut made = Vec::new();
    for at in booked {
        made.push(id(&desk.book(&desk.another_patient().await, at).await));
    }
    let place = format!("/api/v1/facilities/{}", desk.facility);
    let corrected = json!({ "time_zone": "America/Chicago" });
    let refused = desk.admin.patch(&place, 1, corrected.clone()).await;
    let problem = refused.expect_problem(409, "clock_in_use");
    assert_eq!(problem["appointments"], 2);
    // All else changes.
    let named = json!({ "name": "Main Street", "time_zone": "America/New_York" });
    desk.admin.patch(&place, 1, named).await.expect(200);
    for appointment in made {
        let why = json!({ "by": "facility", "reason": "The clock is wrong" });
        let cancel = format!("{PLACE}/{appointment}/cancel");
        desk.staff.post(cancel, why).await.expect(200);
    }
    let changed = desk.admin.patch(&place, 2, corrected).await.expect(200);
    assert_eq!(changed["time_zone"], "America/Chicago");
}

#[tokio::test]
async fn a_place_that_is_held_keeps_the_clock_it_was_told_by() {
    let desk = Desk::open().await;
    let wish = desk.wish(&desk.patient, desk.at(5, 10, 0));
    let held = desk.staff.post("/api/v1/holds", wish).await.expect(201);
    let place = format!("/api/v1/facilities/{}", desk.facility);
    let corrected = json!({ "time_zone": "America/Chicago" });
    let refused = desk.admin.patch(&place, 1, corrected.clone()).await;
    let problem = refused.expect_problem(409, "clock_in_use");
    assert_eq!(problem["appointments"], 1);
    let release = format!("/api/v1/holds/{}/release", id(&held));
    desk.staff.act(release).await.expect(200);
    desk.admin.patch(&place, 1, corrected).await.expect(200);
}

#[tokio::test]
async fn a_check_in_of_the_wrong_patient_is_taken_back_until_his_visit_begins() {
    let desk = Desk::open().await;
    let room = desk.add_asset("room", "exam").await;
    let at = soon(&desk);
    let booked = id(&desk.book(&desk.patient, at).await);
    let step = async |step: &str| {
        let path = format!("{PLACE}/{booked}/{step}");
        if step == "room" {
            desk.staff.post(path, json!({ "room_id": room })).await
        } else if step == "start" {
            desk.doctor.act(path).await
        } else {
            desk.staff.act(path).await
        }
    };
    let refused = step("undo-check-in").await;
    refused.expect_problem(409, "illegal_transition");
    step("check-in").await.expect(200);
    let back = step("undo-check-in").await.expect(200);
    assert_eq!(
        (&back["status"], &back["checked_in_at"]),
        (&json!("scheduled"), &Value::Null)
    );
    for took in ["confirm", "check-in", "room"] {
        step(took).await.expect(200);
    }
    let back = step("undo-check-in").await.expect(200);
    assert_eq!(back["status"], "confirmed");
    for left in ["checked_in_at", "roomed_at", "roomed_in", "roomed_by"] {
        assert!(back[left].is_null(), "{left}");
    }
    // The room is free for whoever came.
    let other = id(&desk
        .book(&desk.another_patient().await, at + TimeDelta::minutes(30))
        .await);
    let path = format!("{PLACE}/{other}");
    let here = desk.staff.act(format!("{path}/check-in")).await;
    here.expect(200);
    let there = desk
        .staff
        .post(format!("{path}/room"), json!({ "room_id": room }));
    there.await.expect(200);
    for took in ["check-in", "start"] {
        step(took).await.expect(200);
    }
    let refused = step("undo-check-in").await;
    refused.expect_problem(409, "illegal_transition");
    assert_eq!(desk.torn().await, (0, 0));
}

#[tokio::test]
async fn who_books_in_the_instant_in_which_the_clock_changes_is_not_booked_by_the_old_one() {
    let desk = Desk::open().await;
    let at = desk.at(3, 10, 0);
    // As the change of a facility: the row is held, and changed, and not yet committed.
    let mut change = desk.clinic.behind_the_curtain().await;
    let of_it = "where tenant_id = $1 and id = $2::uuid";
    for statement in [
        "begin".to_owned(),
        format!("select from app.facilities {of_it} for update"),
        format!("update app.facilities set time_zone = 'America/Chicago' {of_it}"),
    ] {
        let mut query = sqlx::query(sqlx::AssertSqlSafe(statement.clone()));
        if statement.contains(of_it) {
            query = query.bind(desk.clinic.id.0).bind(&desk.facility);
        }
        query.execute(&mut change).await.expect("a change");
    }
    let booking = desk.staff.post(PLACE, desk.wish(&desk.patient, at));
    let (booked, ()) = join(booking, commit_once_waited_for(&mut change)).await;
    booked.expect_problem(503, "unavailable");
    let made = desk.book(&desk.patient, at).await;
    assert_eq!(made["time_zone"], "America/Chicago");
    assert_eq!(desk.torn().await, (0, 0));
}
