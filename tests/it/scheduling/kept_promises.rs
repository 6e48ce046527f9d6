//! What was said of a visit stays said: over whom it is booked, how long it takes, when it is, and what is planned for it.

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;
use serde_json::{Value, json};
use sqlx::Executor as _;

use super::desk::Desk;
use crate::support::{Caller, id};

const PLACE: &str = "/api/v1/appointments";
const SERIES: &str = "/api/v1/appointment-series";

fn step(made: &Value, step: &str) -> String {
    format!("{PLACE}/{}/{step}", id(made))
}

fn instant(value: &Value) -> DateTime<Utc> {
    value.as_str().expect("text").parse().expect("an instant")
}

#[tokio::test]
async fn who_is_booked_over_needs_no_room_to_be_named() {
    let desk = Desk::with(
        json!({ "room_kind": "exam", "equipment_kinds": ["ecg"], "overbook_per_day": 5 }),
    )
    .await;
    let room = desk.add_asset("room", "exam").await;
    let devices = [
        desk.add_asset("equipment", "ecg").await,
        desk.add_asset("equipment", "ecg").await,
    ];
    let at = desk.at(3, 10, 0);
    let first = desk.book(&desk.patient, at).await;
    assert_eq!(first["room_id"], json!(room));
    let over = async |patient: &str| {
        let mut wish = desk.wish(patient, at);
        wish["overbook_reason"] = json!("Sent by the emergency room");
        desk.admin.post(PLACE, wish).await
    };
    // The only room is shared, for want of another; devices are not.
    let made = over(&desk.another_patient().await).await.expect(201);
    assert_eq!(
        (&made["overbooked"], &made["room_id"]),
        (&json!(true), &json!(room))
    );
    let taken = |made: &Value| made["equipment_ids"][0].as_str().map(str::to_owned);
    let mut both = [taken(&first), taken(&made)].map(|one| one.expect("a device"));
    both.sort();
    let mut devices = devices.clone();
    devices.sort();
    assert_eq!(both, devices);
    over(&desk.another_patient().await)
        .await
        .expect_problem(409, "slot_taken");
    // A room that is free is taken before one that is not.
    desk.add_asset("equipment", "ecg").await;
    let free = desk.add_asset("room", "exam").await;
    let made = over(&desk.another_patient().await).await.expect(201);
    assert_eq!(made["room_id"], json!(free));
    assert_eq!(desk.torn().await, (0, 0));
}

#[tokio::test]
async fn a_hold_ends_when_its_time_begins_and_nothing_is_booked_into_the_past() {
    let mut desk = Desk::with(json!({ "align_minutes": 1 })).await;
    let soon = desk.clinic.clock.now() + TimeDelta::minutes(5);
    let soon =
        soon - TimeDelta::nanoseconds(soon.timestamp_nanos_opt().expect("a time") % 60_000_000_000);
    let hold = async |desk: &Desk| {
        let mut wish = desk.wish(&desk.another_patient().await, soon);
        wish["provider_id"] = json!(desk.add_provider().await);
        wish["ttl_minutes"] = json!(30);
        desk.staff.post("/api/v1/holds", wish).await.expect(201)
    };
    let (one, other) = (hold(&desk).await, hold(&desk).await);
    assert_eq!(instant(&one["expires_at"]), soon);
    let mut connection = desk.clinic.behind_the_curtain().await;
    for table in ["appointment_holds", "reservations"] {
        let column = if table == "reservations" {
            "hold_id"
        } else {
            "id"
        };
        let longer = format!(
            "update app.{table} set expires_at = expires_at + interval '1 hour' where {column} = $1::uuid"
        );
        sqlx::query(sqlx::AssertSqlSafe(longer))
            .bind(id(&other))
            .execute(&mut connection)
            .await
            .expect("a hold of former times");
    }
    desk.later(TimeDelta::minutes(6)).await;
    desk.staff
        .post(PLACE, json!({ "hold_id": id(&one) }))
        .await
        .expect_problem(409, "hold_expired");
    let refused = desk
        .staff
        .post(PLACE, json!({ "hold_id": id(&other) }))
        .await;
    let problem = refused.expect_problem(422, "validation_failed");
    assert_eq!(problem["errors"][0]["code"], "in_the_past");
}

#[tokio::test]
async fn a_patient_who_books_many_at_once_has_no_more_than_he_may() {
    let desk = Desk::open().await;
    let portal = desk.portal_user().await;
    let rules = json!({ "max_open_appointments": 2, "cancel_notice_minutes": 120 });
    desk.admin
        .patch("/api/v1/scheduling/booking-rules", 1, rules)
        .await
        .expect(200);
    // So that none waits for a connection to be opened.
    let place = format!("/api/v1/patients/{}/appointments", desk.patient);
    join_all((0..12).map(|_| portal.get(&place))).await;
    let wishes = (8..20).map(|hour| {
        (
            hour,
            if hour % 2 == 0 {
                PLACE
            } else {
                "/api/v1/holds"
            },
        )
    });
    let replies =
        join_all(wishes.map(|(hour, place)| {
            portal.post(place, desk.wish(&desk.patient, desk.at(3, hour, 0)))
        }))
        .await;
    let mut booked = 0;
    for reply in replies {
        if reply.status == 201 {
            booked += 1;
        } else {
            reply.expect_problem(409, "too_many_appointments");
        }
    }
    assert_eq!(booked, 2);
}

#[tokio::test]
async fn at_the_database_too_a_patient_changes_only_what_is_his() {
    let desk = Desk::open().await;
    let at = desk.at(3, 10, 0);
    let theirs = desk.book(&desk.another_patient().await, at).await;
    desk.book(&desk.patient, at + TimeDelta::hours(1)).await;
    let mut hold = desk.wish(&desk.patient, at + TimeDelta::hours(2));
    hold["ttl_minutes"] = json!(5);
    desk.staff.post("/api/v1/holds", hold).await.expect(201);
    let mut connection = desk.clinic.behind_the_curtain().await;
    let context = format!(
        "set role chartwell_runtime; set app.context = '{} patient self  {} '",
        desk.clinic.id, desk.patient
    );
    connection
        .execute(sqlx::AssertSqlSafe(context))
        .await
        .expect("a patient's context");
    let touched =
        sqlx::query("update app.reservations set state = 'released' where tenant_id = $1")
            .bind(desk.clinic.id.0)
            .execute(&mut connection)
            .await
            .expect("his own");
    // Of his appointment and of his hold: the provider and himself.
    assert_eq!(touched.rows_affected(), 4);
    let more = sqlx::query(
        "insert into app.reservations (tenant_id, id, appointment_id, provider_id, party, starts_at, ends_at, state, created_at)
         values ($1, gen_random_uuid(), $2::uuid, $3::uuid, gen_random_uuid(), now(), now() + interval '1 hour', 'booked', now())")
        .bind(desk.clinic.id.0).bind(id(&theirs)).bind(&desk.provider).execute(&mut connection).await;
    assert!(
        more.is_err(),
        "nobody is occupied in another patient's name"
    );
}

#[tokio::test]
async fn a_patient_takes_a_place_whose_hold_has_run_out_whoever_held_it() {
    let mut desk = Desk::open().await;
    let at = desk.at(3, 10, 0);
    let mut hold = desk.wish(&desk.another_patient().await, at);
    hold["ttl_minutes"] = json!(5);
    desk.staff.post("/api/v1/holds", hold).await.expect(201);
    let portal = desk.portal_user().await;
    let wish = desk.wish(&desk.patient, at);
    portal
        .post(PLACE, wish.clone())
        .await
        .expect_problem(409, "slot_taken");
    desk.later(TimeDelta::minutes(6)).await;
    let portal = portal.with_token(Some(desk.clinic.log_in(&portal.email).await));
    portal.post(PLACE, wish).await.expect(201);
    assert_eq!(desk.torn().await, (0, 0));
}

#[tokio::test]
async fn who_stands_by_may_take_the_lead() {
    let desk = Desk::open().await;
    let second = desk.add_provider().await;
    let mut wish = desk.wish(&desk.patient, desk.at(3, 10, 0));
    wish["other_provider_ids"] = json!([second]);
    let made = desk.staff.post(PLACE, wish).await.expect(201);
    let lead =
        json!({ "starts_at": desk.at(3, 14, 0), "provider_id": second, "reason": "Ada is away" });
    let moved = desk
        .staff
        .post(step(&made, "reschedule"), lead)
        .await
        .expect(200);
    assert_eq!(
        (&moved["provider_id"], &moved["other_provider_ids"]),
        (&json!(second), &json!([]))
    );
    // The same of a series, one of whose occurrences has a second provider.
    let series = json!({ "patient_id": desk.patient, "service_id": desk.service, "facility_id": desk.facility,
        "provider_id": desk.provider, "local_start": desk.at(8, 10, 0).with_timezone(&desk.zone).naive_local(),
        "rule": "FREQ=WEEKLY;COUNT=2" });
    let series = desk.staff.post(SERIES, series).await.expect(201);
    let first = series["occurrences"][0]["appointment_id"]
        .as_str()
        .expect("an id");
    let mut connection = desk.clinic.behind_the_curtain().await;
    sqlx::query("insert into app.reservations (tenant_id, id, appointment_id, provider_id, party, starts_at, ends_at, state, created_at)
                 select tenant_id, gen_random_uuid(), appointment_id, $2::uuid, party, starts_at, ends_at, state, created_at
                   from app.reservations where appointment_id = $1::uuid and provider_id is not null")
        .bind(first).bind(&second).execute(&mut connection).await.expect("a second provider");
    let change = json!({ "scope": "all", "provider_id": second, "reason": "Ada is away" });
    let changed = desk
        .staff
        .post(format!("{SERIES}/{}/change", id(&series)), change)
        .await
        .expect(200);
    assert_eq!(changed["provider_id"], json!(second));
}

#[tokio::test]
async fn a_series_that_is_changed_keeps_how_long_each_visit_takes() {
    let desk = Desk::open().await;
    let wish = json!({ "patient_id": desk.patient, "service_id": desk.service, "facility_id": desk.facility,
        "provider_id": desk.provider, "local_start": desk.at(3, 10, 0).with_timezone(&desk.zone).naive_local(),
        "rule": "FREQ=WEEKLY;COUNT=2" });
    let series = desk.staff.post(SERIES, wish).await.expect(201);
    // From now on the service takes longer: what was agreed on does not.
    let longer = json!({ "duration_minutes": 50 });
    desk.admin
        .patch(
            format!("/api/v1/scheduling/services/{}", desk.service),
            1,
            longer,
        )
        .await
        .expect(200);
    let change = json!({ "scope": "all", "local_time": "14:00", "reason": "After lunch" });
    let changed = desk
        .staff
        .post(format!("{SERIES}/{}/change", id(&series)), change)
        .await
        .expect(200);
    let occurrences = changed["occurrences"].as_array().expect("occurrences");
    assert_eq!(occurrences.len(), 2);
    for one in occurrences {
        let visit = one["appointment_id"].as_str().expect("an id");
        let visit = desk.staff.get(format!("{PLACE}/{visit}")).await.expect(200);
        assert_eq!(
            instant(&visit["ends_at"]) - instant(&visit["starts_at"]),
            TimeDelta::minutes(30)
        );
    }
}

#[tokio::test]
async fn an_occurrence_in_the_hour_the_clocks_skip_moves_with_its_series() {
    let desk = Desk::open().await;
    let wish = json!({ "patient_id": desk.patient, "service_id": desk.service, "facility_id": desk.facility,
        "provider_id": desk.provider, "local_start": "2027-03-13T02:30:00", "rule": "FREQ=DAILY;COUNT=3" });
    let series = desk.staff.post(SERIES, wish).await.expect(201);
    let starts = |series: &Value| -> Vec<String> {
        let all = series["occurrences"]
            .as_array()
            .expect("occurrences")
            .iter();
        let open = all.filter(|one| one["status"] == "scheduled");
        open.map(|one| one["local_start"].as_str().expect("a time")[..16].to_owned())
            .collect()
    };
    let shown = desk
        .staff
        .get(format!("{SERIES}/{}", id(&series)))
        .await
        .expect(200);
    assert_eq!(
        starts(&shown),
        ["2027-03-13T02:30", "2027-03-14T03:00", "2027-03-15T02:30"]
    );
    // A day later all three are at half past two, but the one that is now in the missing hour.
    let later = json!({ "scope": "all", "shift_days": 1, "reason": "A day later" });
    let moved = desk
        .staff
        .post(format!("{SERIES}/{}/change", id(&series)), later)
        .await
        .expect(200);
    assert_eq!(
        starts(&moved),
        ["2027-03-14T03:00", "2027-03-15T02:30", "2027-03-16T02:30"]
    );
    let by_day = json!({ "scope": "all", "local_time": "09:00", "reason": "By day" });
    let moved = desk
        .staff
        .post(format!("{SERIES}/{}/change", id(&series)), by_day)
        .await
        .expect(200);
    assert_eq!(
        starts(&moved),
        ["2027-03-14T09:00", "2027-03-15T09:00", "2027-03-16T09:00"]
    );
}

/// A visit of the desk's patient for an encounter that is planned at another time.
async fn visit_for_a_plan(desk: &Desk, at: DateTime<Utc>, hours_before: i64) -> (Value, String) {
    let planned = at - TimeDelta::hours(hours_before);
    let plan = json!({ "class": "office_visit", "scheduled_start": planned, "scheduled_end": planned + TimeDelta::minutes(45),
        "facility_id": desk.facility });
    let chart = format!("/api/v1/patients/{}/encounters", desk.patient);
    let planned = id(&desk.admin.post(chart, plan).await.expect(201));
    let mut wish = desk.wish(&desk.patient, at);
    wish["encounter_id"] = json!(planned);
    (desk.staff.post(PLACE, wish).await.expect(201), planned)
}

async fn planned(caller: &Caller, encounter: &str) -> Value {
    caller
        .get(format!("/api/v1/encounters/{encounter}"))
        .await
        .expect(200)
}

#[tokio::test]
async fn a_planned_encounter_follows_the_visit_it_is_booked_for() {
    let mut desk = Desk::open().await;
    let at = desk.at(2, 10, 0);
    let (made, encounter) = visit_for_a_plan(&desk, at, 2).await;
    let length = TimeDelta::minutes(45);
    let found = planned(&desk.admin, &encounter).await;
    assert_eq!(
        (
            instant(&found["scheduled_start"]),
            instant(&found["scheduled_end"])
        ),
        (at, at + length)
    );
    // Moved, into a month that nobody has needed before.
    let far = desk.at(300, 9, 0);
    let to = json!({ "starts_at": far, "reason": "Away" });
    let moved = desk
        .staff
        .post(step(&made, "reschedule"), to)
        .await
        .expect(200);
    let found = planned(&desk.admin, &encounter).await;
    assert_eq!(
        (
            instant(&found["scheduled_start"]),
            instant(&found["scheduled_end"])
        ),
        (far, far + length)
    );
    assert_eq!(found["status"], "scheduled");
    let why = json!({ "reason": "Feels well" });
    desk.staff
        .post(step(&moved, "cancel"), why)
        .await
        .expect(200);
    let found = planned(&desk.admin, &encounter).await;
    assert_eq!(
        (&found["status"], &found["cancel_reason"]),
        (&json!("cancelled"), &json!("Feels well"))
    );
    // Missed.
    let (missed, encounter) = visit_for_a_plan(&desk, at, 1).await;
    desk.later(at + TimeDelta::hours(1) - desk.clinic.clock.now())
        .await;
    desk.staff.act(step(&missed, "no-show")).await.expect(200);
    assert_eq!(planned(&desk.admin, &encounter).await["status"], "no_show");
}

#[tokio::test]
async fn what_the_patient_moves_or_cancels_himself_takes_its_planned_encounter_along() {
    let desk = Desk::open().await;
    let portal = desk.portal_user().await;
    let (made, encounter) = visit_for_a_plan(&desk, desk.at(3, 10, 0), 1).await;
    let to = json!({ "starts_at": desk.at(40, 11, 0), "reason": "Sleeps long" });
    let moved = portal.post(step(&made, "reschedule"), to).await.expect(200);
    assert_eq!(
        instant(&planned(&desk.admin, &encounter).await["scheduled_start"]),
        desk.at(40, 11, 0)
    );
    portal
        .post(step(&moved, "cancel"), json!({ "reason": "Feels well" }))
        .await
        .expect(200);
    assert_eq!(
        planned(&desk.admin, &encounter).await["status"],
        "cancelled"
    );
}

#[tokio::test]
async fn an_encounter_that_has_begun_or_ended_stays_as_it_is() {
    let desk = Desk::open().await;
    let at = desk.at(3, 10, 0);
    let (made, encounter) = visit_for_a_plan(&desk, at, 0).await;
    let chart = format!("/api/v1/patients/{}/encounters/{encounter}", desk.patient);
    desk.doctor.act(format!("{chart}/start")).await.expect(200);
    let to = json!({ "starts_at": desk.at(3, 12, 0), "reason": "Away" });
    let moved = desk
        .staff
        .post(step(&made, "reschedule"), to)
        .await
        .expect(200);
    let found = planned(&desk.admin, &encounter).await;
    assert_eq!(
        (instant(&found["scheduled_start"]), &found["status"]),
        (at, &json!("in_progress"))
    );
    desk.staff
        .post(
            step(&moved, "cancel"),
            json!({ "reason": "Was here before" }),
        )
        .await
        .expect(200);
    assert_eq!(
        planned(&desk.admin, &encounter).await["status"],
        "in_progress"
    );
    // At the database, too, a patient changes no encounter that is not planned.
    let mut connection = desk.clinic.behind_the_curtain().await;
    let context = format!(
        "set role chartwell_runtime; set app.context = '{} patient self  {} '",
        desk.clinic.id, desk.patient
    );
    connection
        .execute(sqlx::AssertSqlSafe(context))
        .await
        .expect("a patient's context");
    let touched =
        sqlx::query("update app.encounters set status = 'cancelled' where tenant_id = $1")
            .bind(desk.clinic.id.0)
            .execute(&mut connection)
            .await
            .expect("none");
    assert_eq!(touched.rows_affected(), 0);
}

#[tokio::test]
async fn where_somebody_is_taken_is_told_to_who_plans_and_within_the_tenant() {
    let (desk, other) = (Desk::open().await, Desk::open().await);
    desk.book(&desk.patient, desk.at(3, 10, 0)).await;
    let mut connection = desk.clinic.behind_the_curtain().await;
    let reservation: uuid::Uuid = sqlx::query_scalar(
        "select id from app.reservations where tenant_id = $1 and provider_id is not null",
    )
    .bind(desk.clinic.id.0)
    .fetch_one(&mut connection)
    .await
    .expect("a provider who is taken");
    let mut ask = async |tenant: &Desk, role: &str| {
        let context = format!(
            "set role chartwell_runtime; set app.context = '{} {role} organization   '",
            tenant.clinic.id
        );
        connection
            .execute(sqlx::AssertSqlSafe(context))
            .await
            .expect("a context");
        let told =
            sqlx::query_scalar::<_, Option<uuid::Uuid>>("select app.facility_of_reservation($1)");
        told.bind(reservation).fetch_one(&mut connection).await
    };
    for role in ["admin", "provider", "staff"] {
        let told = ask(&desk, role).await.expect("told").expect("a place");
        assert_eq!(told.to_string(), desk.facility);
        assert_eq!(ask(&other, role).await.expect("told"), None);
    }
    for role in ["nurse", "billing", "patient"] {
        assert!(ask(&desk, role).await.is_err(), "{role}");
    }
}
