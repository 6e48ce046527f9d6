//! Hours and limits of work are kept: by other staff, by series, by sessions, and by whoever books at the same moment.

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;
use platform::access::Role;
use serde_json::{Value, json};

use super::desk::Desk;
use crate::support::{Reply, id};

const PLACE: &str = "/api/v1/appointments";

async fn nurse(desk: &Desk) -> String {
    let user = desk.clinic.user(Role::Nurse).await;
    let who = json!({ "user_id": user.user_id, "kind": "nurse" });
    id(&desk.admin.post("/api/v1/staff", who).await.expect(201))
}

async fn limit(desk: &Desk, limits: Value) {
    let made = desk.admin.post("/api/v1/scheduling/work-limits", limits);
    made.await.expect(201);
}

fn rule_broken(reply: Reply) -> (String, String) {
    let problem = reply.expect_problem(409, "outside_availability");
    let text = |member: &str| {
        problem["errors"][0][member]
            .as_str()
            .expect("text")
            .to_owned()
    };
    (text("pointer"), text("code"))
}

async fn with(desk: &Desk, staff: &str, at: DateTime<Utc>) -> Reply {
    let mut wish = desk.wish(&desk.another_patient().await, at);
    wish["staff_ids"] = json!([staff]);
    desk.staff.post(PLACE, wish).await
}

#[tokio::test]
async fn other_staff_are_booked_while_they_work_and_never_in_their_time_off() {
    let desk = Desk::with(json!({ "align_minutes": 30 })).await;
    let flo = nurse(&desk).await;
    let refused = |code: &str| ("/staff_ids".to_owned(), code.to_owned());
    // Of whom nothing was said, he does not work, as it is with providers.
    assert_eq!(
        rule_broken(with(&desk, &flo, desk.at(3, 10, 0)).await),
        refused("not_working")
    );
    let hours = json!({ "facility_id": desk.facility, "staff_id": flo, "rrule": "FREQ=DAILY", "local_from": "09:00",
        "local_until": "12:00", "valid_from": "2026-01-01" });
    desk.admin
        .post("/api/v1/scheduling/working-times", hours)
        .await
        .expect(201);
    with(&desk, &flo, desk.at(3, 10, 0)).await.expect(201);
    assert_eq!(
        rule_broken(with(&desk, &flo, desk.at(3, 12, 30)).await),
        refused("not_working")
    );
    let off = json!({ "effect": "off", "staff_id": flo, "starts_at": desk.at(3, 11, 0), "ends_at": desk.at(3, 12, 0) });
    desk.admin
        .post("/api/v1/scheduling/time-exceptions", off)
        .await
        .expect(201);
    assert_eq!(
        rule_broken(with(&desk, &flo, desk.at(3, 11, 0)).await),
        refused("time_off")
    );
    // The next times told are ones she works at: ten is taken, half past ten the last before her time off.
    let problem = with(&desk, &flo, desk.at(3, 10, 0))
        .await
        .expect_problem(409, "slot_taken");
    let next: Vec<DateTime<Utc>> =
        serde_json::from_value(problem["next_free"].clone()).expect("instants");
    assert_eq!(next[0], desk.at(3, 10, 30));
    for at in next {
        with(&desk, &flo, at).await.expect(201);
    }
}

#[tokio::test]
async fn a_series_is_not_booked_beyond_what_a_week_may_hold() {
    let desk = Desk::with(json!({ "duration_minutes": 120 })).await;
    limit(
        &desk,
        json!({ "provider_id": desk.provider, "minutes_per_week": 360 }),
    )
    .await;
    // A Monday, so that all five lie in one week.
    let start = desk.at(10, 9, 0).with_timezone(&desk.zone).date_naive();
    let monday = start.week(chrono::Weekday::Mon).first_day() + chrono::Days::new(7);
    let wish = json!({ "patient_id": desk.patient, "service_id": desk.service, "facility_id": desk.facility, "provider_id": desk.provider,
        "local_start": format!("{monday}T09:00:00"), "rule": "FREQ=DAILY;COUNT=5" });
    let place = "/api/v1/appointment-series";
    let seen = desk
        .staff
        .post(format!("{place}/preview"), wish.clone())
        .await
        .expect(200);
    let codes: Vec<&Value> = (0..5)
        .map(|day| &seen["occurrences"][day]["conflict"]["code"])
        .collect();
    let full = json!("weekly_limit");
    assert_eq!(
        codes,
        [&Value::Null, &Value::Null, &Value::Null, &full, &full]
    );
    desk.staff
        .post(place, wish.clone())
        .await
        .expect_problem(409, "series_conflicts");
    let mut skipping = wish;
    skipping["skip_conflicts"] = json!(true);
    let made = desk.staff.post(place, skipping).await.expect(201);
    let booked = made["occurrences"].as_array().expect("occurrences").iter();
    assert_eq!(booked.filter(|one| one["status"] == "scheduled").count(), 3);
    // What stands in the week counts against a series that is moved into it, and gives way to itself.
    let change = json!({ "scope": "all", "local_time": "13:00", "reason": "After lunch" });
    desk.staff
        .post(format!("{place}/{}/change", id(&made)), change)
        .await
        .expect(200);
}

#[tokio::test]
async fn of_many_who_book_different_times_at_once_as_many_succeed_as_the_limit_allows() {
    let desk = Desk::open().await;
    let other = desk.add_provider().await;
    limit(
        &desk,
        json!({ "provider_id": desk.provider, "minutes_per_day": 60 }),
    )
    .await;
    limit(&desk, json!({ "minutes_per_day": 30 })).await;
    for (provider, most) in [(&desk.provider, 2), (&other, 1)] {
        let patients = join_all((0..10).map(|_| desk.another_patient())).await;
        let bookings = patients.iter().zip(8_u32..).map(|(patient, hour)| {
            let mut wish = desk.wish(patient, desk.at(3, hour, 0));
            wish["provider_id"] = json!(provider);
            desk.staff.post(PLACE, wish)
        });
        let replies = join_all(bookings).await;
        let (booked, refused): (Vec<Reply>, Vec<Reply>) =
            replies.into_iter().partition(|reply| reply.status == 201);
        assert_eq!(booked.len(), most);
        for reply in refused {
            assert_eq!(rule_broken(reply).1, "daily_limit");
        }
    }
    assert_eq!(desk.torn().await, (0, 0));
}

#[tokio::test]
async fn a_session_counts_once_against_the_limit_of_who_leads_it() {
    let desk = Desk::with(json!({ "capacity": 3, "appointment_type": "group", "duration_minutes": 60, "align_minutes": 60 })).await;
    limit(
        &desk,
        json!({ "provider_id": desk.provider, "minutes_per_day": 60 }),
    )
    .await;
    let at = desk.at(3, 10, 0);
    desk.book(&desk.patient, at).await;
    desk.book(&desk.another_patient().await, at).await;
    let place = |from: DateTime<Utc>, to: DateTime<Utc>| {
        format!(
            "/api/v1/scheduling/availability?service_id={}&facility_id={}&from={}&to={}",
            desk.service,
            desk.facility,
            from.format("%Y-%m-%dT%H:%M:%SZ"),
            to.format("%Y-%m-%dT%H:%M:%SZ")
        )
    };
    let free = desk
        .staff
        .get(place(desk.at(3, 1, 0), desk.at(3, 22, 0)))
        .await
        .expect(200);
    let starts: Vec<&Value> = free["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|slot| &slot["starts_at"])
        .collect();
    assert_eq!(
        starts,
        [&json!(at)],
        "the session can be joined, and no other begun"
    );
    desk.book(&desk.another_patient().await, at).await;
    // Somebody else's day is full: neither is the session offered, nor joined.
    let next = desk.at(8, 10, 0);
    desk.book(&desk.patient, next).await;
    let mut connection = desk.clinic.behind_the_curtain().await;
    sqlx::query("update app.work_limits set minutes_per_day = 30 where tenant_id = $1")
        .bind(desk.clinic.id.0)
        .execute(&mut connection)
        .await
        .expect("a shorter day");
    let free = desk
        .staff
        .get(place(
            next - TimeDelta::hours(2),
            next + TimeDelta::hours(2),
        ))
        .await
        .expect(200);
    assert_eq!(free["items"], json!([]));
    let refused = desk
        .staff
        .post(PLACE, desk.wish(&desk.another_patient().await, next))
        .await;
    assert_eq!(rule_broken(refused).1, "daily_limit");
}

#[tokio::test]
async fn who_is_named_says_why_he_cannot_though_the_room_is_left_to_be_chosen() {
    let mut desk = Desk::open().await;
    desk.service = desk.add_service(json!({ "room_kind": "exam" })).await;
    desk.add_asset("room", "exam").await;
    let ben = json!({ "given_name": "Ben", "family_name": "Mornings" });
    let ben = id(&desk.admin.post("/api/v1/providers", ben).await.expect(201));
    let hours = json!({ "facility_id": desk.facility, "provider_id": ben, "rrule": "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR",
        "local_from": "08:00", "local_until": "12:00", "valid_from": "2026-01-01" });
    let made = desk.admin.post("/api/v1/scheduling/working-times", hours);
    made.await.expect(201);
    desk.provider = ben;
    let told = async |at: DateTime<Utc>| {
        let wish = desk.wish(&desk.another_patient().await, at);
        let [booked, held] =
            [PLACE, "/api/v1/holds"].map(|place| desk.staff.post(place, wish.clone()));
        let booked = rule_broken(booked.await);
        assert_eq!(rule_broken(held.await), booked);
        booked
    };
    let of_him = |code: &str| ("/provider_id".to_owned(), code.to_owned());
    assert_eq!(told(desk.at(9, 13, 0)).await, of_him("not_working"));
    let portal = desk.portal_user().await;
    let himself = portal.post(PLACE, desk.wish(&desk.patient, desk.at(9, 13, 0)));
    assert_eq!(rule_broken(himself.await), of_him("not_working"));
    let shut = desk.at(12, 9, 0);
    let day = shut.with_timezone(&desk.zone).date_naive();
    let holiday = json!({ "day": day, "name": "Founder's Day" });
    let made = desk.admin.post("/api/v1/scheduling/holidays", holiday);
    made.await.expect(201);
    assert_eq!(told(shut).await, of_him("holiday"));
    limit(
        &desk,
        json!({ "provider_id": desk.provider, "minutes_per_day": 60 }),
    )
    .await;
    let busy = desk.at(17, 9, 0);
    for minutes in [0, 30] {
        let at = busy + TimeDelta::minutes(minutes);
        desk.book(&desk.another_patient().await, at).await;
    }
    assert_eq!(
        told(busy + TimeDelta::hours(1)).await,
        of_him("daily_limit")
    );
    // Of nobody in particular, nobody is free.
    let mut anybody = desk.wish(&desk.another_patient().await, shut);
    anybody["provider_id"] = Value::Null;
    let refused = desk.staff.post(PLACE, anybody).await;
    let refused = refused.expect_problem(409, "slot_taken");
    assert_eq!(refused["errors"][0]["code"], "nobody_free");
}

#[tokio::test]
async fn a_session_that_is_full_says_so_though_the_room_is_left_to_be_chosen() {
    let desk =
        Desk::with(json!({ "capacity": 2, "appointment_type": "group", "room_kind": "exam" }))
            .await;
    desk.add_asset("room", "exam").await;
    let at = desk.at(3, 10, 0);
    for _ in 0..2 {
        desk.book(&desk.another_patient().await, at).await;
    }
    let third = desk.wish(&desk.another_patient().await, at);
    let refused = desk.staff.post(PLACE, third).await;
    let refused = refused.expect_problem(409, "slot_taken");
    assert_eq!(refused["errors"][0]["code"], "session_full");
    assert!(refused["next_free"].is_array(), "{refused}");
}
