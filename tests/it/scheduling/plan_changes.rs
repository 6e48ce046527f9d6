//! Applying plans that move appointments: circles of them, and others who are faster.

use std::time::Duration;

use chrono::Days;
use serde_json::{Value, json};

use super::plans::{Clinic, path, visit};
use crate::support::{begin, id};

/// Two appointments, and a plan in which they change places.
struct Swap {
    clinic: Clinic,
    plan: Value,
    /// The appointments: their keys in the plan, and where each stands.
    keys: Vec<String>,
    stands: Vec<Value>,
}

impl Swap {
    async fn new() -> Self {
        let clinic = Clinic::new().await;
        let requests = clinic.requests(2).await;
        Self::among(clinic, 1, &requests).await
    }

    async fn among(clinic: Clinic, days: u32, requests: &[Value]) -> Self {
        let plan = clinic.plan(days, requests).await;
        let done = clinic
            .admin
            .post(path(&plan, "/apply"), json!({}))
            .await
            .expect(200);
        let (mut keys, mut stands) = (Vec::new(), Vec::new());
        for key in ["R0", "R1"] {
            stands.push(visit(&done, key)["place"].clone());
            let booked = visit(&done, key)["booked"].as_str();
            keys.push(booked.expect("an id").to_owned());
        }
        // Both may move, and each is put where the other stands.
        let body = json!({ "first_day": clinic.monday, "days": days, "facility_ids": [clinic.facility], "seconds": 0.2,
            "move_existing": true, "requests": clinic.requests(1).await });
        let plan = clinic
            .admin
            .post("/api/v1/scheduling/plans", body)
            .await
            .expect(201);
        sqlx::query(
            "update app.schedule_plans p
                set plan = jsonb_set(plan, '{placements}', (
                        select jsonb_agg(case when other.value is null then one.value
                                              else one.value || jsonb_build_object('day', other.value -> 'day', 'start', other.value -> 'start', 'end', other.value -> 'end',
                                                                                   'providers', other.value -> 'providers', 'change', 'moved') end)
                          from jsonb_array_elements(p.plan -> 'placements') one
                          left join jsonb_array_elements(p.plan -> 'placements') other
                                 on (one.value ->> 'request', other.value ->> 'request') in (($3, $4), ($4, $3))))
              where tenant_id = $1 and id = $2::uuid",
        )
        .bind(clinic.tenant.id.0)
        .bind(id(&plan))
        .bind(&keys[0])
        .bind(&keys[1])
        .execute(&mut clinic.tenant.behind_the_curtain().await)
        .await
        .expect("a plan in which they change places");
        Self {
            clinic,
            plan,
            keys,
            stands,
        }
    }

    async fn appointment(&self, id: &str) -> Value {
        let place = format!("/api/v1/appointments/{id}");
        self.clinic.admin.get(place).await.expect(200)
    }

    async fn apply(&self) -> Value {
        let body = json!({ "requests": self.keys });
        let applied = self.clinic.admin.post(path(&self.plan, "/apply"), body);
        applied.await.expect(200)
    }
}

#[tokio::test]
async fn two_appointments_change_places_both_or_neither() {
    let swap = Swap::new().await;
    let body = json!({ "requests": swap.keys, "all_or_nothing": true });
    let swapped = swap
        .clinic
        .admin
        .post(path(&swap.plan, "/apply"), body)
        .await
        .expect(200);
    for (at, key) in swap.keys.iter().enumerate() {
        let visit = visit(&swapped, key);
        assert_eq!(visit["outcome"], "moved", "{visit}");
        let appointment = swap
            .appointment(visit["booked"].as_str().expect("an id"))
            .await;
        assert_eq!(appointment["starts_at"], swap.stands[1 - at]["starts_at"]);
        assert_eq!(appointment["rescheduled_from"], *key);
    }
    assert_eq!(swap.clinic.booked().await, 2);
}

/// A clinic in which one of the providers has limits of work, and two visits to him so many days apart.
async fn limited(limits: Value, apart: u64) -> Swap {
    let clinic = Clinic::new().await;
    let ames = clinic.providers[0].clone();
    let mut limits = limits;
    limits["provider_id"] = json!(ames);
    clinic
        .admin
        .post("/api/v1/scheduling/work-limits", limits)
        .await
        .expect(201);
    let mut requests = clinic.requests(2).await;
    for (request, after) in requests.iter_mut().zip([0, apart]) {
        let day = clinic.monday + Days::new(after);
        request["provider_ids"] = json!([ames]);
        request["windows"] =
            json!([{ "from": format!("{day}T04:00:00Z"), "to": format!("{day}T23:00:00Z") }]);
    }
    Swap::among(clinic, 10, &requests).await
}

#[tokio::test]
async fn two_appointments_exchange_days_and_weeks_that_have_room_for_one_each() {
    for (limits, apart) in [
        (json!({ "minutes_per_day": 60 }), 1),
        (json!({ "minutes_per_week": 60 }), 8),
        (
            json!({ "minutes_per_day": 60, "minutes_per_week": 60, "rest_minutes": 600 }),
            8,
        ),
    ] {
        let swap = limited(limits.clone(), apart).await;
        let body = json!({ "requests": swap.keys, "all_or_nothing": true });
        let place = path(&swap.plan, "/apply");
        let swapped = swap.clinic.admin.post(place, body).await.expect(200);
        for (at, key) in swap.keys.iter().enumerate() {
            let booked = visit(&swapped, key)["booked"].as_str();
            let appointment = swap.appointment(booked.expect("an id")).await;
            let there = &swap.stands[1 - at]["starts_at"];
            assert_eq!(&appointment["starts_at"], there, "{limits}");
        }
    }
}

#[tokio::test]
async fn where_a_day_is_full_of_what_stays_nobody_exchanges_days() {
    let swap = limited(json!({ "minutes_per_day": 60 }), 1).await;
    // The first day has less room than the one who is to come needs.
    let off = json!({ "effect": "off", "kind": "vacation", "provider_id": swap.clinic.providers[0],
        "starts_at": swap.stands[0]["starts_at"], "ends_at": swap.stands[0]["ends_at"] });
    let place = "/api/v1/scheduling/time-exceptions";
    swap.clinic.admin.post(place, off).await.expect(201);
    let applied = swap.apply().await;
    for key in &swap.keys {
        assert_eq!(visit(&applied, key)["outcome"], "refused", "{applied}");
        assert_eq!(swap.appointment(key).await["version"], 1);
    }
}

#[tokio::test]
async fn where_one_of_a_circle_is_refused_all_of_it_stays() {
    let swap = Swap::new().await;
    // Nobody new can come where the first one stands.
    let first = &swap.stands[0];
    let off = json!({ "effect": "off", "kind": "vacation", "provider_id": first["provider_ids"][0],
        "starts_at": first["starts_at"], "ends_at": first["ends_at"] });
    swap.clinic
        .admin
        .post("/api/v1/scheduling/time-exceptions", off)
        .await
        .expect(201);
    let body = json!({ "requests": swap.keys, "all_or_nothing": true });
    swap.clinic
        .admin
        .post(path(&swap.plan, "/apply"), body)
        .await
        .expect_problem(409, "plan_not_applied");
    let applied = swap.apply().await;
    for (at, key) in swap.keys.iter().enumerate() {
        let visit = visit(&applied, key);
        assert_eq!(visit["outcome"], "refused", "{visit}");
        assert!(visit["booked"].is_null(), "{visit}");
        let appointment = swap.appointment(key).await;
        assert_eq!(appointment["status"], "scheduled");
        assert_eq!(appointment["starts_at"], swap.stands[at]["starts_at"]);
        assert_eq!(appointment["version"], 1);
    }
    assert_eq!(
        visit(&applied, &swap.keys[1])["refusal"],
        "outside_availability"
    );
    assert_eq!(swap.clinic.booked().await, 2);
}

#[tokio::test]
async fn a_service_that_has_come_to_take_longer_changes_no_visit_that_a_plan_moves() {
    let swap = Swap::new().await;
    let minutes = |appointment: &Value| {
        let at = |field: &str| {
            let text = appointment[field].as_str().expect("a time");
            chrono::DateTime::parse_from_rfc3339(text).expect("a time")
        };
        (at("ends_at") - at("starts_at")).num_minutes()
    };
    let agreed = swap.appointment(&swap.keys[0]).await;
    let service = format!(
        "/api/v1/scheduling/services/{}",
        agreed["service_id"].as_str().expect("an id")
    );
    let version = swap.clinic.admin.get(&service).await.expect(200)["version"]
        .as_i64()
        .expect("a version");
    let longer = json!({ "duration_minutes": minutes(&agreed) + 15 });
    let patched = swap.clinic.admin.patch(&service, version, longer).await;
    patched.expect(200);
    let applied = swap.apply().await;
    for key in &swap.keys {
        let moved = visit(&applied, key);
        assert_eq!(moved["outcome"], "moved", "{applied}");
        let now = swap
            .appointment(moved["booked"].as_str().expect("an id"))
            .await;
        assert_eq!(minutes(&now), minutes(&agreed), "{now}");
    }
}

#[tokio::test]
async fn whoever_is_checked_in_while_a_plan_is_applied_is_not_moved() {
    let swap = Swap::new().await;
    let mut connection = swap.clinic.tenant.behind_the_curtain().await;
    let mut desk = begin(&mut connection).await;
    sqlx::query(
        "update app.appointments set status = 'checked_in', checked_in_at = updated_at, version = version + 1
          where tenant_id = $1 and id = $2::uuid",
    )
    .bind(swap.clinic.tenant.id.0)
    .bind(&swap.keys[0])
    .execute(&mut *desk)
    .await
    .expect("a patient who is here");
    let (applied, ()) = tokio::join!(swap.apply(), async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        desk.commit().await.expect("it is written");
    });
    let first = visit(&applied, &swap.keys[0]);
    assert_eq!(
        (&first["outcome"], &first["refusal"]),
        (&json!("refused"), &json!("illegal_transition")),
        "{first}"
    );
    let first = swap.appointment(&swap.keys[0]).await;
    assert_eq!(first["status"], "checked_in");
    let second = swap.appointment(&swap.keys[1]).await;
    assert_eq!(second["status"], "scheduled");
    assert_eq!(second["starts_at"], swap.stands[1]["starts_at"]);
}

#[tokio::test]
async fn a_circle_that_meets_a_limit_none_of_it_met_alone_takes_in_who_makes_room() {
    let clinic = Clinic::new().await;
    let ames = clinic.providers[0].clone();
    let limits = json!({ "provider_id": ames, "minutes_per_day": 60, "minutes_per_week": 90 });
    let place = "/api/v1/scheduling/work-limits";
    clinic.admin.post(place, limits).await.expect(201);
    // An hour and half an hour in the first week, three times half an hour in the second: both are full.
    let mut requests = clinic.requests(5).await;
    for (request, (after, minutes)) in
        requests
            .iter_mut()
            .zip([(0, 60), (8, 30), (9, 30), (2, 30), (10, 30)])
    {
        let day = clinic.monday + Days::new(after);
        request["provider_ids"] = json!([ames]);
        request["duration_minutes"] = json!(minutes);
        request["windows"] =
            json!([{ "from": format!("{day}T04:00:00Z"), "to": format!("{day}T23:00:00Z") }]);
    }
    let plan = clinic.plan(14, &requests).await;
    let done = clinic.admin.post(path(&plan, "/apply"), json!({}));
    let done = done.await.expect(200);
    let body = json!({ "first_day": clinic.monday, "days": 14, "facility_ids": [clinic.facility], "seconds": 0.2,
        "move_existing": true, "requests": clinic.requests(1).await });
    let plan = clinic.admin.post("/api/v1/scheduling/plans", body).await;
    let plan = plan.expect(201);
    // The hour goes to the day of one of the second week, who takes its day; and the next day's goes to the first week. The first
    // two exchange days; but the week has room for the hour only when the third has gone, too, and he waits for the hour to go.
    let mut keys = Vec::new();
    for (key, day, start, end) in [
        ("R0", 8, 630, 690),
        ("R1", 0, 690, 720),
        ("R2", 1, 540, 570),
    ] {
        let booked = visit(&done, key)["booked"].as_str();
        let booked = booked
            .unwrap_or_else(|| panic!("{key} has a place"))
            .to_owned();
        let to = json!({ "day": day, "start": start, "end": end, "providers": [ames], "change": "moved" });
        sqlx::query(
            "update app.schedule_plans p
                set plan = jsonb_set(plan, '{placements}', (
                        select jsonb_agg(case when one.value ->> 'request' = $3 then one.value || $4 else one.value end)
                          from jsonb_array_elements(p.plan -> 'placements') one))
              where tenant_id = $1 and id = $2::uuid",
        )
        .bind(clinic.tenant.id.0)
        .bind(id(&plan))
        .bind(&booked)
        .bind(to)
        .execute(&mut clinic.tenant.behind_the_curtain().await)
        .await
        .expect("a plan in which they move");
        keys.push(booked);
    }
    let body = json!({ "requests": keys, "all_or_nothing": true });
    let applied = clinic.admin.post(path(&plan, "/apply"), body).await;
    let applied = applied.expect(200);
    for key in &keys {
        assert_eq!(visit(&applied, key)["outcome"], "moved");
    }
}
