//! Who is booked over somebody keeps his time, and has the place when the other one is gone.

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join;
use serde_json::{Value, json};

use super::desk::Desk;
use crate::support::{Caller, Reply, id};

const PLACE: &str = "/api/v1/appointments";

struct House {
    desk: Desk,
    room: String,
    at: DateTime<Utc>,
}

impl House {
    async fn open(extra: Value) -> Self {
        let desk = Desk::with(extra).await;
        let room = desk.add_asset("room", "exam").await;
        let at = desk.at(3, 10, 0);
        Self { desk, room, at }
    }

    /// With the provider and in the room.
    async fn book(&self, patient: &str, at: DateTime<Utc>, reason: Option<&str>) -> Reply {
        let mut wish = self.desk.wish(patient, at);
        wish["room_id"] = json!(self.room);
        if let Some(reason) = reason {
            wish["overbook_reason"] = json!(reason);
        }
        self.desk.admin.post(PLACE, wish).await
    }

    async fn over(&self, at: DateTime<Utc>) -> Value {
        let patient = self.desk.another_patient().await;
        self.book(&patient, at, Some("Sent by the emergency room"))
            .await
            .expect(201)
    }

    async fn cancel(&self, caller: &Caller, made: &Value) -> Reply {
        let why = json!({ "reason": "Feels better" });
        caller
            .post(format!("{PLACE}/{}/cancel", id(made)), why)
            .await
    }

    async fn is_overbooked(&self, made: &Value) -> bool {
        let place = format!("{PLACE}/{}", id(made));
        let found = self.desk.admin.get(place).await.expect(200);
        found["overbooked"].as_bool().expect("a flag")
    }

    /// How many are booked and overbooked with the provider and in the room, and how many places of the day are used.
    async fn counts(&self) -> (i64, i64, i64) {
        sqlx::query_as(
            "select count(*) filter (where state = 'booked'), count(*) filter (where state = 'overbooked'),
                    (select count(*) from app.overbooking_places where tenant_id = $1)
               from app.reservations where tenant_id = $1 and patient_id is null",
        )
        .bind(self.desk.clinic.id.0)
        .fetch_one(&mut self.desk.clinic.behind_the_curtain().await)
        .await
        .expect("counted")
    }

    async fn is_taken(&self, at: DateTime<Utc>) {
        let patient = self.desk.another_patient().await;
        self.book(&patient, at, None)
            .await
            .expect_problem(409, "slot_taken");
    }
}

#[tokio::test]
async fn who_was_booked_over_the_first_has_the_place_when_he_cancels_and_the_next_waits() {
    let house = House::open(json!({ "overbook_per_day": 2 })).await;
    let (at, patient) = (house.at, house.desk.patient.clone());
    let first = house.book(&patient, at, None).await.expect(201);
    let over = [house.over(at).await, house.over(at).await];
    assert_eq!(house.counts().await, (2, 4, 2));
    // It is the first patient himself who goes, and knows nothing of the others.
    let portal = house.desk.portal_user().await;
    house.cancel(&portal, &first).await.expect(200);
    assert_eq!(house.counts().await, (2, 2, 1));
    assert_eq!(
        (
            house.is_overbooked(&over[0]).await,
            house.is_overbooked(&over[1]).await
        ),
        (false, true)
    );
    house.is_taken(at).await;
    house.cancel(&house.desk.staff, &over[0]).await.expect(200);
    assert!(!house.is_overbooked(&over[1]).await);
    assert_eq!(house.counts().await, (2, 0, 0));
    house.is_taken(at).await;
    house.cancel(&house.desk.staff, &over[1]).await.expect(200);
    let patient = house.desk.another_patient().await;
    house.book(&patient, at, None).await.expect(201);
    assert_eq!(house.desk.torn().await, (0, 0));
}

#[tokio::test]
async fn a_reason_for_a_time_that_is_free_books_it_for_good() {
    let house = House::open(json!({})).await;
    let made = house.over(house.at).await;
    assert_eq!(
        (&made["overbooked"], &made["overbook_reason"]),
        (&json!(false), &json!("Sent by the emergency room"))
    );
    assert_eq!(house.counts().await, (2, 0, 0));
    house.is_taken(house.at).await;
    // The day's one place is still there for who is booked over it.
    let over = house.over(house.at).await;
    assert_eq!(over["overbooked"], json!(true));
    // In another room he takes the provider's time only over another.
    let mut wish = house.desk.wish(&house.desk.patient, house.at);
    wish["room_id"] = json!(house.desk.add_asset("room", "exam").await);
    wish["overbook_reason"] = json!("Sent by the emergency room");
    let full = house.desk.admin.post(PLACE, wish).await;
    full.expect_problem(409, "overbooking_full");
    assert_eq!(house.counts().await, (2, 2, 1));
    assert_eq!(house.desk.torn().await, (0, 0));
}

#[tokio::test]
async fn the_part_of_his_time_that_lies_beside_the_first_is_nobody_elses() {
    let house = House::open(json!({ "overbook_per_day": 3 })).await;
    let (at, patient) = (house.at, house.desk.patient.clone());
    let first = house.book(&patient, at, None).await.expect(201);
    let over = house.over(at + TimeDelta::minutes(15)).await;
    house.is_taken(at + TimeDelta::minutes(30)).await;
    let hold = house.desk.another_patient().await;
    let hold = house.desk.wish(&hold, at + TimeDelta::minutes(30));
    let held = house.desk.staff.post("/api/v1/holds", hold).await;
    held.expect_problem(409, "slot_taken");
    let group = json!({ "capacity": 2, "appointment_type": "group" });
    let mut group_of = house.desk.wish(
        &house.desk.another_patient().await,
        at + TimeDelta::minutes(30),
    );
    group_of["service_id"] = json!(house.desk.add_service(group).await);
    let refused = house.desk.staff.post(PLACE, group_of.clone()).await;
    refused.expect_problem(409, "slot_taken");
    group_of["provider_id"] = json!(house.desk.add_provider().await);
    group_of["room_id"] = json!(house.room);
    let refused = house.desk.staff.post(PLACE, group_of).await;
    refused.expect_problem(409, "slot_taken");
    // The other way round: who moves away leaves his place to who was booked over it.
    let to = json!({ "starts_at": at + TimeDelta::hours(3), "reason": "Away" });
    let place = format!("{PLACE}/{}/reschedule", id(&first));
    house.desk.staff.post(place, to).await.expect(200);
    assert!(!house.is_overbooked(&over).await);
    house
        .book(&house.desk.another_patient().await, at, None)
        .await
        .expect_problem(409, "slot_taken");
    assert_eq!(house.desk.torn().await, (0, 0));
}

#[tokio::test]
async fn who_was_booked_over_a_hold_has_the_place_when_it_is_given_back() {
    let house = House::open(json!({})).await;
    let mut hold = house.desk.wish(&house.desk.patient, house.at);
    hold["room_id"] = json!(house.room);
    let held = house.desk.staff.post("/api/v1/holds", hold).await;
    let held = held.expect(201);
    let over = house.over(house.at).await;
    assert!(house.is_overbooked(&over).await);
    let release = format!("/api/v1/holds/{}/release", id(&held));
    house.desk.staff.act(release).await.expect(200);
    assert!(!house.is_overbooked(&over).await);
    house.is_taken(house.at).await;
    assert_eq!(house.desk.torn().await, (0, 0));
}

#[tokio::test]
async fn of_two_who_go_at_the_same_moment_neither_waits_for_the_other() {
    let house = House::open(json!({ "overbook_per_day": 20 })).await;
    for number in 0..8 {
        let at = house.at + TimeDelta::minutes(30 * number);
        let patient = house.desk.another_patient().await;
        let first = house.book(&patient, at, None).await.expect(201);
        let over = [house.over(at).await, house.over(at).await];
        let staff = &house.desk.staff;
        let (one, other) = join(
            house.cancel(staff, &first),
            house.cancel(staff, &over[usize::from(number % 2 == 0)]),
        )
        .await;
        one.expect(200);
        other.expect(200);
        // Whether or not the third has the place already: it is taken.
        house.is_taken(at).await;
    }
    assert_eq!(house.desk.torn().await, (0, 0));
}

#[tokio::test]
async fn who_is_left_alone_by_two_who_go_at_the_same_moment_is_overbooked_no_more() {
    let house = House::open(json!({ "overbook_per_day": 2 })).await;
    let patient = house.desk.patient.clone();
    let first = house.book(&patient, house.at, None).await.expect(201);
    let (second, third) = (house.over(house.at).await, house.over(house.at).await);
    // The second goes, and his transaction lasts.
    let mut other = house.desk.clinic.behind_the_curtain().await;
    let gone = id(&second);
    let steps = format!(
        "set app.context = '{} system organization   '; begin;
         update app.appointments set status = 'cancelled', cancelled_at = now() where id = '{gone}';
         update app.reservations set state = 'released' where appointment_id = '{gone}';
         select app.keep_overbooked(array['{gone}'::uuid], null, now())",
        house.desk.clinic.id
    );
    let steps = sqlx::raw_sql(sqlx::AssertSqlSafe(steps));
    steps.execute(&mut other).await.expect("he goes");
    house.cancel(&house.desk.staff, &first).await.expect(200);
    let done = sqlx::raw_sql("commit").execute(&mut other).await;
    done.expect("committed");
    assert!(!house.is_overbooked(&third).await);
    assert_eq!(house.counts().await.1, 0);
}

#[tokio::test]
async fn a_group_is_booked_over_when_it_is_full_and_not_before() {
    let house = House::open(json!({ "capacity": 2, "appointment_type": "group" })).await;
    let (at, patient) = (house.at, house.desk.patient.clone());
    let first = house.book(&patient, at, None).await.expect(201);
    assert_eq!(house.over(at).await["overbooked"], json!(false));
    let third = house.over(at).await;
    assert_eq!(third["overbooked"], json!(true));
    house.is_taken(at).await;
    house.cancel(&house.desk.staff, &first).await.expect(200);
    assert!(!house.is_overbooked(&third).await);
    house.is_taken(at).await;
    assert_eq!(house.desk.torn().await, (0, 0));
}

impl House {
    async fn moved(&self, made: &Value, to: DateTime<Utc>) -> Reply {
        let to = json!({ "starts_at": to, "reason": "Sleeps long" });
        let place = format!("{PLACE}/{}/reschedule", id(made));
        self.desk.staff.post(place, to).await
    }
}

#[tokio::test]
async fn what_is_moved_within_its_own_time_needs_no_reason_and_who_is_over_it_stays_so() {
    let house = House::open(json!({ "overbook_per_day": 3 })).await;
    let (at, patient) = (house.at, house.desk.patient.clone());
    let first = house.book(&patient, at, None).await.expect(201);
    let over = house.over(at).await;
    let later = house
        .moved(&first, at + TimeDelta::minutes(15))
        .await
        .expect(200);
    assert_eq!(
        (&later["overbooked"], &later["room_id"]),
        (&json!(false), &json!(house.room))
    );
    assert!(house.is_overbooked(&over).await);
    assert_eq!(house.counts().await, (2, 2, 1));
    // A reason makes no difference.
    let on = at + TimeDelta::minutes(20);
    let reason = json!({ "starts_at": on, "reason": "Sleeps on", "overbook_reason": "None" });
    let place = format!("{PLACE}/{}/reschedule", id(&later));
    let on = house.desk.admin.post(place, reason).await.expect(200);
    assert_eq!(on["overbooked"], json!(false));
    assert_eq!(house.counts().await, (2, 2, 1));
    // Away from him, and his is the place.
    let away = at - TimeDelta::minutes(30);
    house.moved(&on, away).await.expect(200);
    assert!(!house.is_overbooked(&over).await);
    assert_eq!(house.counts().await, (4, 0, 0));
    assert_eq!(house.desk.torn().await, (0, 0));
}

#[tokio::test]
async fn what_lies_beside_ones_own_time_is_his_who_is_over_it() {
    let house = House::open(json!({ "overbook_per_day": 3 })).await;
    let (at, patient) = (house.at, house.desk.patient.clone());
    let first = house.book(&patient, at, None).await.expect(201);
    let quarter = TimeDelta::minutes(15);
    let over = house.over(at + quarter).await;
    let refused = house.moved(&first, at + quarter).await;
    refused.expect_problem(409, "slot_taken");
    assert!(house.is_overbooked(&over).await);
    let sooner = house.moved(&first, at - quarter).await.expect(200);
    assert!(!house.is_overbooked(&over).await);
    // Who was booked over another has no time of his own.
    let mut second = house.desk.wish(&house.desk.another_patient().await, at);
    second["overbook_reason"] = json!("Sent by the emergency room");
    let second = house.desk.admin.post(PLACE, second).await.expect(201);
    house
        .moved(&second, at + TimeDelta::minutes(5))
        .await
        .expect_problem(409, "slot_taken");
    house.cancel(&house.desk.staff, &sooner).await.expect(200);
    assert_eq!(house.desk.torn().await, (0, 0));
}

#[tokio::test]
async fn what_is_free_instead_of_a_move_may_overlap_ones_own_time() {
    let house = House::open(json!({ "align_minutes": 15 })).await;
    let (at, patient) = (house.at, house.desk.patient.clone());
    let quarter = TimeDelta::minutes(15);
    let before = house.desk.another_patient().await;
    house
        .book(&before, at - quarter * 2, None)
        .await
        .expect(201);
    let made = house.book(&patient, at, None).await.expect(201);
    let refused = house.moved(&made, at - quarter).await;
    let refused = refused.expect_problem(409, "slot_taken");
    let next: Vec<DateTime<Utc>> =
        serde_json::from_value(refused["next_free"].clone()).expect("times");
    let later = |count: i32| at + quarter * count;
    assert_eq!(next, [later(1), later(2), later(3)]);
    house.moved(&made, next[0]).await.expect(200);
}

/// The times a refused move tells.
fn next_free(refused: Reply) -> Vec<DateTime<Utc>> {
    let refused = refused.expect_problem(409, "slot_taken");
    serde_json::from_value(refused["next_free"].clone()).expect("times")
}

#[tokio::test]
async fn what_is_free_instead_of_a_move_is_so_where_others_are_booked_over_it() {
    let house = House::open(json!({ "align_minutes": 15, "overbook_per_day": 3 })).await;
    let (at, patient) = (house.at, house.desk.patient.clone());
    let quarter = TimeDelta::minutes(15);
    let before = house.desk.another_patient().await;
    let before = house.book(&before, at - quarter * 2, None).await;
    before.expect(201);
    let made = house.book(&patient, at, None).await.expect(201);
    let over = house.over(at).await;
    let next = next_free(house.moved(&made, at - quarter).await);
    assert_eq!(next, [at + quarter, at + quarter * 2, at + quarter * 3]);
    house.moved(&made, next[0]).await.expect(200);
    assert!(house.is_overbooked(&over).await);
    assert_eq!(house.desk.torn().await, (0, 0));
}

#[tokio::test]
async fn who_is_booked_over_a_move_counts_for_the_limits_all_the_same() {
    let house = House::open(json!({ "align_minutes": 15, "overbook_per_day": 3 })).await;
    let (at, patient) = (house.at, house.desk.patient.clone());
    let half = TimeDelta::minutes(30);
    let made = house.book(&patient, at, None).await.expect(201);
    house.over(at).await;
    let taken = house.desk.another_patient().await;
    house.book(&taken, at + half, None).await.expect(201);
    // An hour and a quarter: beside the one over it and the other there is no room for the half hour.
    let limit = json!({ "provider_id": house.desk.provider, "minutes_per_day": 75 });
    let made_limit = house
        .desk
        .admin
        .post("/api/v1/scheduling/work-limits", limit);
    made_limit.await.expect(201);
    let next = next_free(house.moved(&made, at + half).await);
    for time in &next {
        assert!(
            *time > at + TimeDelta::hours(12),
            "that day is full: {next:?}"
        );
    }
    house.moved(&made, next[0]).await.expect(200);
}

#[tokio::test]
async fn what_is_free_instead_of_a_move_has_the_devices_no_other_stands_in_for() {
    let house = House::open(json!({ "align_minutes": 30, "equipment_kinds": ["ecg"] })).await;
    let (at, half) = (house.at, TimeDelta::minutes(30));
    let [ecg, other_ecg, laser] = [
        house.desk.add_asset("equipment", "ecg").await,
        house.desk.add_asset("equipment", "ecg").await,
        house.desk.add_asset("equipment", "laser").await,
    ];
    let other = house.desk.add_provider().await;
    let book = async |who: &str, devices: &[&String], at: DateTime<Utc>| {
        let mut wish = house.desk.wish(&house.desk.another_patient().await, at);
        wish["provider_id"] = json!(who);
        wish["equipment_ids"] = json!(devices);
        house.desk.admin.post(PLACE, wish).await.expect(201)
    };
    let made = book(&house.desk.provider, &[&ecg, &laser], at).await;
    book(&house.desk.provider, &[&other_ecg], at - half).await;
    // The same device for the trace, which another stands in for, and the laser, which none does.
    book(&other, &[&ecg, &laser], at + half).await;
    book(&other, &[&ecg], at + half * 2).await;
    let next = next_free(house.moved(&made, at - half).await);
    assert_eq!(next, [at + half * 2, at + half * 3, at + half * 4]);
    house.moved(&made, next[0]).await.expect(200);
}

#[tokio::test]
async fn a_series_is_moved_within_its_own_time_as_well() {
    let house = House::open(json!({})).await;
    let at = house.at;
    let wall = |at: DateTime<Utc>| at.with_timezone(&house.desk.zone).naive_local();
    let mut wish = house.desk.wish(&house.desk.patient, at);
    let members = wish.as_object_mut().expect("members");
    members.remove("starts_at");
    wish["local_start"] = json!(wall(at));
    wish["rule"] = json!("FREQ=WEEKLY;COUNT=2");
    let series = "/api/v1/appointment-series";
    let made = house.desk.staff.post(series, wish).await.expect(201);
    let over = house.over(at).await;
    let later = wall(at + TimeDelta::minutes(10)).time();
    let change = json!({ "scope": "all", "reason": "Sleeps long", "local_time": later.format("%H:%M").to_string() });
    let place = format!("{series}/{}/change", id(&made));
    house.desk.staff.post(place, change).await.expect(200);
    assert!(house.is_overbooked(&over).await);
    assert_eq!(house.desk.torn().await, (0, 0));
}

#[tokio::test]
async fn who_was_booked_over_a_hold_that_has_run_out_has_its_place_when_somebody_else_takes_some_of_it()
 {
    let mut house = House::open(json!({})).await;
    let mut hold = house.desk.wish(&house.desk.patient, house.at);
    hold["room_id"] = json!(house.room);
    let held = house.desk.staff.post("/api/v1/holds", hold).await;
    held.expect(201);
    let over = house.over(house.at + TimeDelta::minutes(15)).await;
    assert!(house.is_overbooked(&over).await);
    house.desk.later(TimeDelta::minutes(6)).await;
    let patient = house.desk.another_patient().await;
    let sooner = house.at - TimeDelta::minutes(15);
    house.book(&patient, sooner, None).await.expect(201);
    assert!(!house.is_overbooked(&over).await);
    assert_eq!(house.counts().await, (4, 0, 0));
    assert_eq!(house.desk.torn().await, (0, 0));
}
