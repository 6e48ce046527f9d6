//! Forecasts: counted from the whole tenant, judged before they are shown, held against what there is room for.

use platform::access::Role;
use serde_json::{Value, json};

use crate::support::{Caller, TestTenant, id};

/// A facility, a service and a patient to hang appointments on.
struct Clinic {
    tenant: TestTenant,
    admin: Caller,
    facility: String,
    service: String,
    patient: String,
}

impl Clinic {
    async fn new() -> Self {
        let tenant = TestTenant::new().await;
        let admin = tenant.user(Role::Admin).await;
        let main = json!({ "code": "MAIN", "name": "Main", "time_zone": "America/New_York" });
        let facility = id(&admin.post("/api/v1/facilities", main).await.expect(201));
        let service = json!({ "code": "V", "name": "Visit", "appointment_type": "follow_up", "duration_minutes": 20,
            "prep_minutes": 5, "cleanup_minutes": 5 });
        let service = id(&admin
            .post("/api/v1/scheduling/services", service)
            .await
            .expect(201));
        let patient = tenant.patient(&admin).await;
        Self {
            tenant,
            admin,
            facility,
            service,
            patient,
        }
    }

    /// Days before today with visits: six to eight on a working day, two on a Saturday, none on a Sunday.
    async fn history(&self, days: i32) {
        sqlx::query(
            "insert into app.appointments (tenant_id, id, patient_id, service_id, facility_id, type, status, starts_at, ends_at,
                                           time_zone, local_start, booked_by_role, created_at, updated_at)
             select $1, gen_random_uuid(), $2::uuid, $3::uuid, $4::uuid, 'follow_up', 'completed', at, at + interval '20 minutes',
                    'America/New_York', at at time zone 'America/New_York', 'staff', at - interval '3 days', at
               from generate_series(1, $5) as day,
                    lateral (select ((now() at time zone 'America/New_York')::date - day)::timestamp as midnight) m,
                    lateral (select case extract(isodow from midnight) when 7 then 0 when 6 then 2
                                         else 6 + (day * 7919 % 3) end as visits) v,
                    lateral generate_series(1, visits) as visit,
                    lateral (select (midnight + interval '8 hours' + visit * interval '25 minutes')
                                    at time zone 'America/New_York' as at) a",
        )
        .bind(self.tenant.id.0)
        .bind(&self.patient)
        .bind(&self.service)
        .bind(&self.facility)
        .bind(days)
        .execute(&mut self.tenant.behind_the_curtain().await)
        .await
        .expect("a history");
    }

    async fn zone_of(&self, facility: &str, zone: &str) {
        sqlx::query(
            "update app.facilities set time_zone = $3 where tenant_id = $1 and id = $2::uuid",
        )
        .bind(self.tenant.id.0)
        .bind(facility)
        .bind(zone)
        .execute(&mut self.tenant.behind_the_curtain().await)
        .await
        .expect("a zone");
    }

    async fn count(&self, facility: &str) -> usize {
        let path = format!("/api/v1/scheduling/forecasts?facility_id={facility}");
        let list = self.admin.get(path).await.expect(200);
        list["items"].as_array().expect("a list").len()
    }

    async fn forecast(&self, change: Value) -> crate::support::Reply {
        let mut body = json!({ "facility_id": self.facility });
        let members = body.as_object_mut().expect("an object");
        members.extend(change.as_object().expect("an object").clone());
        self.admin.post("/api/v1/scheduling/forecasts", body).await
    }
}

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

#[tokio::test]
async fn a_forecast_says_what_it_rests_on_and_what_as_a_week_ago_would_have_said() {
    let clinic = Clinic::new().await;
    clinic.history(200).await;
    let made = clinic.forecast(json!({ "capacity_per_day": 3.0 })).await;
    assert!(made.headers.contains_key("location"));
    let made = made.expect(201);
    assert_eq!(made["source"], "appointments");
    assert_eq!(made["beats_naive"], true, "{}", made["backtest"]);
    let points = made["points"].as_array().expect("points");
    assert_eq!(points.len(), 28);
    for point in points {
        let date: chrono::NaiveDate = point["date"]
            .as_str()
            .expect("a date")
            .parse()
            .expect("a date");
        let expected = number(&point["expected"]);
        let usual = point["holiday"].is_null();
        let surge = &point["alert"];
        match chrono::Datelike::weekday(&date) {
            chrono::Weekday::Sun => assert!(expected < 1.0 && surge.is_null(), "{point}"),
            chrono::Weekday::Sat => assert!(!usual || (expected - 2.0).abs() < 1.0, "{point}"),
            _ => assert!(
                !usual || ((expected - 7.0).abs() < 1.5 && surge["level"].is_string()),
                "{point}"
            ),
        }
        assert!(number(&point["low_95"]) <= number(&point["low_80"]));
        assert!(number(&point["high_80"]) <= number(&point["high_95"]));
        assert!(number(&point["naive"]) >= 0.0);
        // Thirty minutes each, with preparation and clean-up.
        let minutes = number(&point["staffing"]["minutes"]);
        assert!((minutes - 30.0 * expected).abs() < 1.0, "{point}");
    }
    let scores = made["backtest"]["scores"].as_array().expect("scores");
    assert!(
        scores
            .iter()
            .any(|score| score["method"] == "seasonal_naive")
    );
    assert_eq!(made["hours"].as_array().expect("hours").len(), 7);
    let place = format!("/api/v1/scheduling/forecasts/{}", id(&made));
    let nurse = clinic.tenant.user(Role::Nurse).await;
    assert_eq!(nurse.get(&place).await.expect(200), made);
    let list = nurse.get("/api/v1/scheduling/forecasts").await.expect(200);
    assert_eq!(list["items"][0]["id"], made["id"]);
    assert!(number(&list["items"][0]["naive_mase"]) >= number(&list["items"][0]["mase"]));
    assert!(list["items"][0]["alerts"].as_i64().expect("a count") >= 15);
    let body = json!({ "facility_id": clinic.facility });
    nurse
        .post("/api/v1/scheduling/forecasts", body)
        .await
        .expect_problem(403, "forbidden");
    let stranger = TestTenant::new().await.user(Role::Admin).await;
    stranger.get(place).await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn a_department_is_warned_of_days_its_own_people_cannot_manage() {
    let clinic = Clinic::new().await;
    let admin = &clinic.admin;
    let departments = format!("/api/v1/facilities/{}/departments", clinic.facility);
    let mut made = Vec::new();
    for code in ["CARD", "DERM"] {
        let body = json!({ "code": code, "name": code });
        made.push(id(&admin.post(departments.clone(), body).await.expect(201)));
    }
    // One works four hours a day, half of it for each department; the other works elsewhere in the house.
    for (family, all) in [("Ames", true), ("Berg", false)] {
        let account = clinic.tenant.user(Role::Provider).await;
        let body =
            json!({ "given_name": "Ada", "family_name": family, "user_id": account.user_id });
        let provider = id(&admin.post("/api/v1/providers", body).await.expect(201));
        let works = json!({ "facility_id": clinic.facility, "provider_id": provider, "local_from": "08:00", "local_until": "12:00",
            "weekdays": ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"], "valid_from": "2026-01-01" });
        admin
            .post("/api/v1/scheduling/working-times", works)
            .await
            .expect(201);
        for department in made.iter().filter(|_| all) {
            let body = json!({ "department_id": department, "valid_from": "2026-01-01T00:00:00Z" });
            let place = format!("/api/v1/users/{}/assignments", account.user_id);
            admin.post(place, body).await.expect(201);
        }
    }
    sqlx::query(
        "with days as (select day, visit, ((now() at time zone 'America/New_York')::date - day)::timestamp + interval '8 hours'
                              + visit * interval '30 minutes' as wall
                         from generate_series(1, 60) as day, generate_series(1, 6) as visit),
              months as (select distinct date_trunc('month', wall)::date as month from days),
              ready as (select count(app.ensure_month('encounters', month)) from months)
         select count(*) from ready",
    )
    .execute(&mut clinic.tenant.behind_the_curtain().await)
    .await
    .expect("months");
    sqlx::query(
        "with days as (select gen_random_uuid() as id, (((now() at time zone 'America/New_York')::date - day)::timestamp
                              + interval '8 hours' + visit * interval '30 minutes') at time zone 'America/New_York' as at
                         from generate_series(1, 60) as day, generate_series(1, 6) as visit),
              known as (insert into app.encounter_register (tenant_id, id, patient_id, scheduled_start)
                        select $1, id, $2::uuid, at from days returning id)
         insert into app.encounters (tenant_id, id, patient_id, class, status, scheduled_start, scheduled_end, time_zone, facility_id,
                                     department_id, created_at, updated_at)
         select $1, d.id, $2::uuid, 'office_visit', 'completed', d.at, d.at + interval '30 minutes', 'America/New_York', $3::uuid,
                $4::uuid, d.at, d.at
           from days d join known k on k.id = d.id",
    )
    .bind(clinic.tenant.id.0)
    .bind(&clinic.patient)
    .bind(&clinic.facility)
    .bind(&made[0])
    .execute(&mut clinic.tenant.behind_the_curtain().await)
    .await
    .expect("a history");
    let forecast = clinic
        .forecast(json!({ "department_id": made[0], "utilisation": 1.0 }))
        .await
        .expect(201);
    assert_eq!(forecast["source"], "encounters");
    for point in forecast["points"].as_array().expect("points") {
        // Half of four hours, thirty minutes a visit; six are expected.
        assert!((number(&point["capacity"]) - 4.0).abs() < 0.5, "{point}");
        let usual = point["holiday"].is_null();
        assert!(!usual || point["alert"]["level"].is_string(), "{point}");
    }
    // By night one of the house and one of the department; the other department has nothing to go on.
    let nights = scheduling::forecasts::make_nightly(&clinic.tenant.app, clinic.tenant.id)
        .await
        .expect("a night");
    assert_eq!(nights, 2);
    for (department, count) in [(&made[0], 2), (&made[1], 0)] {
        let path = format!("/api/v1/scheduling/forecasts?department_id={department}");
        let list = admin.get(path).await.expect(200);
        assert_eq!(list["items"].as_array().expect("a list").len(), count);
    }
}

#[tokio::test]
async fn on_the_organisations_holidays_nobody_is_expected_and_nothing_warns() {
    let clinic = Clinic::new().await;
    clinic.history(200).await;
    let before = clinic.forecast(json!({})).await.expect(201);
    let provider = json!({ "given_name": "Ada", "family_name": "Osei" });
    let provider = id(&clinic
        .admin
        .post("/api/v1/providers", provider)
        .await
        .expect(201));
    let works = json!({ "facility_id": clinic.facility, "provider_id": provider, "local_from": "08:00", "local_until": "09:00",
        "weekdays": ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"], "valid_from": "2026-01-01" });
    clinic
        .admin
        .post("/api/v1/scheduling/working-times", works)
        .await
        .expect(201);
    // The busiest of the days to come.
    let points = before["points"].as_array().expect("points");
    let busiest = points
        .iter()
        .max_by(|a, b| number(&a["expected"]).total_cmp(&number(&b["expected"])))
        .expect("a day");
    let holiday = json!({ "day": busiest["date"], "name": "Founders' day" });
    clinic
        .admin
        .post("/api/v1/scheduling/holidays", holiday)
        .await
        .expect(201);
    let made = clinic.forecast(json!({})).await.expect(201);
    let mut warned = 0;
    for point in made["points"].as_array().expect("points") {
        if point["date"] == busiest["date"] {
            assert_eq!(point["holiday"], "closed");
            assert!(
                number(&point["expected"]) < 1e-9 && number(&point["high_95"]) < 1e-9,
                "{point}"
            );
            assert!(
                number(&point["capacity"]) < 1e-9 && point["alert"].is_null(),
                "{point}"
            );
            assert_eq!(point["staffing"]["people"], 0);
        } else if point["alert"].is_object() {
            warned += 1;
        }
    }
    assert!(warned >= 15, "an hour a day is too little: {warned}");
}

#[tokio::test]
async fn too_little_history_and_things_that_are_not_there_make_no_forecast() {
    let clinic = Clinic::new().await;
    clinic.history(30).await;
    clinic
        .forecast(json!({}))
        .await
        .expect_problem(409, "too_little_history");
    let refused = clinic.forecast(json!({ "horizon_days": 91 })).await;
    assert_eq!(refused.pointers(), ["/horizon_days"]);
    let stranger = Clinic::new().await;
    for (field, value) in [
        ("facility_id", &stranger.facility),
        ("service_id", &stranger.service),
    ] {
        let refused = clinic.forecast(json!({ field: value })).await;
        assert_eq!(refused.pointers(), [format!("/{field}")]);
    }
    let list = clinic
        .admin
        .get("/api/v1/scheduling/forecasts")
        .await
        .expect(200);
    assert_eq!(list["items"], json!([]));
}

#[tokio::test]
async fn a_provider_who_sees_his_own_patients_only_gets_the_forecast_of_all() {
    let clinic = Clinic::new().await;
    clinic.history(120).await;
    let made = clinic
        .forecast(json!({ "service_id": clinic.service, "horizon_days": 7 }))
        .await
        .expect(201);
    let nights = scheduling::forecasts::make_nightly(&clinic.tenant.app, clinic.tenant.id)
        .await
        .expect("a night");
    assert_eq!(nights, 1);
    let again = scheduling::forecasts::make_nightly(&clinic.tenant.app, clinic.tenant.id)
        .await
        .expect("a night");
    assert_eq!(again, 0, "one a night");
    let provider = clinic.tenant.user(Role::Provider).await;
    let path = format!(
        "/api/v1/scheduling/forecasts?facility_id={}",
        clinic.facility
    );
    let list = provider.get(path).await.expect(200);
    let origins: Vec<&str> = list["items"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|item| item["origin"].as_str().expect("an origin"))
        .collect();
    assert_eq!(origins, ["nightly", "asked"]);
    assert!(number(&made["basis"]["visits"]) > 500.0);
}

#[tokio::test]
async fn a_forecast_that_fails_keeps_no_other_waiting_and_is_made_later_in_the_night() {
    let mut clinic = Clinic::new().await;
    clinic.history(120).await;
    let annex = json!({ "code": "ANNEX", "name": "Annex", "time_zone": "America/New_York" });
    let annex = id(&clinic
        .admin
        .post("/api/v1/facilities", annex)
        .await
        .expect(201));
    let main = std::mem::replace(&mut clinic.facility, annex);
    clinic.history(120).await;
    clinic.zone_of(&main, "Nowhere/Land").await;
    let night = scheduling::nightly::turn(&clinic.tenant.app, clinic.tenant.id).await;
    assert!(night.is_err(), "somebody hears of it");
    let (there, broken) = (clinic.facility.clone(), main);
    assert_eq!(clinic.count(&there).await, 1);
    assert_eq!(clinic.count(&broken).await, 0);
    clinic.zone_of(&broken, "America/New_York").await;
    clinic.tenant.clock.advance(chrono::TimeDelta::minutes(70));
    platform::jobs::run_due(&clinic.tenant.app, &chartwell::jobs(), clinic.tenant.id)
        .await
        .expect("the jobs can be reached");
    let token = clinic.tenant.log_in(&clinic.admin.email).await;
    clinic.admin = clinic.admin.with_token(Some(token));
    assert_eq!(clinic.count(&there).await, 1);
    assert_eq!(clinic.count(&broken).await, 1);
}

#[tokio::test]
async fn the_visits_of_a_session_take_its_time_together() {
    let clinic = Clinic::new().await;
    clinic.history(60).await;
    let minutes = async |body: Value| {
        let made = clinic.forecast(body).await.expect(201);
        number(&made["basis"]["minutes_per_visit"])
    };
    let service = json!({ "service_id": clinic.service });
    let alone = (minutes(service.clone()).await, minutes(json!({})).await);
    assert!(
        (alone.0 - 30.0).abs() < 0.01 && (alone.1 - 30.0).abs() < 0.01,
        "{alone:?}"
    );
    // As if each had brought two others along, to a service that takes four.
    let mut connection = clinic.tenant.behind_the_curtain().await;
    for statement in [
        "update app.scheduling_services set capacity = 4 where tenant_id = $1",
        "insert into app.appointments (tenant_id, id, patient_id, service_id, facility_id, type, status, starts_at, ends_at,
                                       time_zone, local_start, booked_by_role, created_at, updated_at)
         select tenant_id, gen_random_uuid(), patient_id, service_id, facility_id, type, status, starts_at, ends_at,
                time_zone, local_start, booked_by_role, created_at, updated_at
           from app.appointments, generate_series(1, 2) where tenant_id = $1",
    ] {
        sqlx::query(statement)
            .bind(clinic.tenant.id.0)
            .execute(&mut connection)
            .await
            .expect("a group");
    }
    let together = (minutes(service).await, minutes(json!({})).await);
    assert!(
        (together.0 - 10.0).abs() < 0.01 && (together.1 - 10.0).abs() < 0.01,
        "{together:?}"
    );
}
