//! Working time, and the free time that is left of it.

use chrono::{DateTime, TimeDelta, Utc};
use kernel::ids::mint;
use platform::access::Role;
use serde_json::{Value, json};

use crate::support::{Caller, TestTenant, id};

/// A clinic with a doctor who works from nine to twelve every day, a room, and a consultation of half an hour in it.
struct Clinic {
    tenant: TestTenant,
    admin: Caller,
    doctor: Caller,
    facility: String,
    provider: String,
    room: String,
    service: String,
}

impl Clinic {
    async fn open(zone: &str) -> Self {
        let tenant = TestTenant::new().await;
        let admin = tenant.user(Role::Admin).await;
        let doctor = tenant.user(Role::Provider).await;
        let made = async |place: &str, body: Value| id(&admin.post(place, body).await.expect(201));
        let facility = made(
            "/api/v1/facilities",
            json!({ "code": "MAIN", "name": "Main", "time_zone": zone }),
        )
        .await;
        let provider = made(
            "/api/v1/providers",
            json!({ "user_id": doctor.user_id, "given_name": "Ada", "family_name": "Lovelace",
            "specialties": ["Cardiology"] }),
        )
        .await;
        let room = made("/api/v1/scheduling/assets",
            json!({ "facility_id": facility, "kind": "room", "asset_kind": "exam", "code": "R1", "name": "Room" })).await;
        let service = made("/api/v1/scheduling/services", json!({ "code": "C", "name": "Consultation", "appointment_type": "consultation",
            "duration_minutes": 30, "align_minutes": 30, "room_kind": "exam", "skills": ["cardiology"] })).await;
        let clinic = Self {
            tenant,
            admin,
            doctor,
            facility,
            provider,
            room,
            service,
        };
        let every_day = [
            "monday",
            "tuesday",
            "wednesday",
            "thursday",
            "friday",
            "saturday",
            "sunday",
        ];
        clinic.add("working-times", json!({ "facility_id": clinic.facility, "provider_id": clinic.provider, "weekdays": every_day,
            "local_from": "09:00", "local_until": "12:00", "valid_from": "2026-01-01" })).await;
        clinic
    }

    async fn add(&self, place: &str, body: Value) -> Value {
        self.admin
            .post(format!("/api/v1/scheduling/{place}"), body)
            .await
            .expect(201)
    }

    /// The walls' times of the free slots of a day, a few months ahead.
    async fn free(&self, day: &str, more: &str) -> Vec<String> {
        let found = self.ask(&self.admin, day, more).await.expect(200);
        let items = found["items"].as_array().expect("items");
        items
            .iter()
            .map(|slot| slot["local_start"].as_str().expect("a time")[..16].to_owned())
            .collect()
    }

    async fn ask(&self, caller: &Caller, day: &str, more: &str) -> crate::support::Reply {
        let from: DateTime<Utc> = format!("{day}T00:00:00Z").parse().expect("a day");
        let (from, to) = (from - TimeDelta::hours(14), from + TimeDelta::hours(50));
        let place = format!(
            "/api/v1/scheduling/availability?service_id={}&facility_id={}&from={}&to={}&limit=200{more}",
            self.service,
            self.facility,
            from.format("%Y-%m-%dT%H:%M:%SZ"),
            to.format("%Y-%m-%dT%H:%M:%SZ")
        );
        caller.get(place).await
    }

    async fn on(&self, day: &str, more: &str) -> Vec<String> {
        let mut free = self.free(day, more).await;
        free.retain(|time| time.starts_with(day));
        free.into_iter().map(|time| time[11..].to_owned()).collect()
    }

    /// Takes somebody's or something's time with a hold, past the API.
    async fn take(
        &self,
        column: &str,
        who: &str,
        from: &str,
        until: &str,
        state: &str,
        expires_at: DateTime<Utc>,
    ) {
        let patient = self.tenant.patient(&self.admin).await;
        let mut connection = self.tenant.behind_the_curtain().await;
        let hold = mint();
        sqlx::query("insert into app.appointment_holds (tenant_id, id, patient_id, service_id, facility_id, starts_at, ends_at, expires_at, created_at, updated_at)
                     values ($1, $2, $3::uuid, $4::uuid, $5::uuid, $6::timestamptz, $7::timestamptz, $8, now(), now())")
            .bind(self.tenant.id.0).bind(hold).bind(&patient).bind(&self.service).bind(&self.facility).bind(from).bind(until).bind(expires_at)
            .execute(&mut connection).await.expect("a hold");
        sqlx::query(sqlx::AssertSqlSafe(format!("insert into app.reservations (tenant_id, id, hold_id, {column}, party, starts_at, ends_at, state, expires_at, created_at)
                     values ($1, $2, $3, $4::uuid, $3, $5::timestamptz, $6::timestamptz, $7, $8, now())")))
            .bind(self.tenant.id.0).bind(mint()).bind(hold).bind(who).bind(from).bind(until).bind(state).bind(expires_at)
            .execute(&mut connection).await.expect("a reservation");
    }
}

/// Next year, so that nothing lies in the past.
fn day(month_and_day: &str) -> String {
    format!("2027-{month_and_day}")
}

#[tokio::test]
async fn free_time_is_working_time_less_what_is_taken() {
    let clinic = Clinic::open("America/New_York").await;
    let today = day("06-01");
    let all = ["09:00", "09:30", "10:00", "10:30", "11:00", "11:30"];
    assert_eq!(clinic.on(&today, "").await, all);
    let later = Utc::now() + TimeDelta::days(700);
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
    let before = Utc::now() - TimeDelta::days(1);
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
async fn a_provider_records_his_own_time_off_and_nobody_elses_and_no_extra_time() {
    let clinic = Clinic::open("America/New_York").await;
    let other = json!({ "given_name": "Grace", "family_name": "Hopper" });
    let other = id(&clinic
        .admin
        .post("/api/v1/providers", other)
        .await
        .expect(201));
    let body = |effect: &str, provider: &str| {
        json!({ "effect": effect, "facility_id": clinic.facility, "provider_id": provider,
        "starts_at": "2027-06-01T00:00:00Z", "ends_at": "2027-06-02T00:00:00Z" })
    };
    let place = "/api/v1/scheduling/time-exceptions";
    clinic
        .doctor
        .post(place, body("off", &clinic.provider))
        .await
        .expect(201);
    clinic
        .doctor
        .post(place, body("off", &other))
        .await
        .expect_problem(403, "forbidden");
    clinic
        .doctor
        .post(place, body("extra", &clinic.provider))
        .await
        .expect_problem(403, "forbidden");
    let staff = clinic.tenant.user(Role::Staff).await;
    let of_other = staff.post(place, body("off", &other)).await.expect(201);
    let of_other = format!("{place}/{}", id(&of_other));
    clinic
        .doctor
        .patch(of_other, 1, json!({ "status": "withdrawn" }))
        .await
        .expect_problem(403, "forbidden");
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
async fn limits_of_work_close_the_day_that_is_full() {
    let clinic = Clinic::open("America/New_York").await;
    let today = day("06-01");
    let limit = json!({ "minutes_per_day": 60 });
    clinic.add("work-limits", limit.clone()).await;
    let again = clinic
        .admin
        .post("/api/v1/scheduling/work-limits", limit)
        .await;
    again.expect_problem(409, "already_exists");
    assert_eq!(clinic.on(&today, "").await.len(), 6);
    let at = |time: &str| format!("{today}T{time}:00-04:00");
    let later = Utc::now() + TimeDelta::days(700);
    clinic
        .take(
            "provider_id",
            &clinic.provider,
            &at("09:00"),
            &at("09:40"),
            "booked",
            later,
        )
        .await;
    assert!(clinic.on(&today, "").await.is_empty());
    clinic
        .add(
            "work-limits",
            json!({ "provider_id": clinic.provider, "minutes_per_day": 480, "rest_minutes": 1380 }),
        )
        .await;
    assert_eq!(clinic.on(&today, "").await.len(), 4);
    // Twenty-three hours after 09:40 nothing begins the next morning before 08:40, and a day before nothing ends after 10:00.
    assert_eq!(clinic.on(&day("05-31"), "").await, ["09:00", "09:30"]);
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
    let place = format!(
        "/api/v1/scheduling/availability?service_id={}&facility_id={}&from={today}T14:50:00Z&limit=2",
        clinic.service, clinic.facility
    );
    let few = clinic.admin.get(place).await.expect(200);
    let starts: Vec<&str> = few["items"]
        .as_array()
        .expect("items")
        .iter()
        .filter_map(|slot| slot["starts_at"].as_str())
        .collect();
    assert_eq!(starts, ["2027-06-01T15:00:00Z", "2027-06-01T15:00:00Z"]);
    assert_eq!(few["next_from"], "2027-06-01T15:00:01Z");
}

#[tokio::test]
async fn rules_that_never_end_or_never_begin_are_refused() {
    let clinic = Clinic::open("America/New_York").await;
    for (rule, code) in [
        ("FREQ=SECONDLY", "not_of_days"),
        ("FREQ=MINUTELY;COUNT=100000000", "not_of_days"),
        ("FREQ=DAILY;COUNT=100000000", "too_much"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "never_occurs"),
        ("FREQ=DAILY;UNTIL=20280101", "has_until"),
        ("every day", "not_an_rrule"),
    ] {
        let body = json!({ "facility_id": clinic.facility, "provider_id": clinic.provider, "rrule": rule, "local_from": "09:00",
            "local_until": "12:00", "valid_from": "2027-01-01" });
        let problem = clinic
            .admin
            .post("/api/v1/scheduling/working-times", body)
            .await
            .expect_problem(422, "validation_failed");
        assert_eq!(problem["errors"][0]["code"], code, "{rule}");
    }
    let both = json!({ "facility_id": clinic.facility, "provider_id": clinic.provider, "asset_id": clinic.room, "weekdays": ["monday"],
        "local_from": "09:00", "local_until": "12:00", "valid_from": "2027-01-01" });
    let refused = clinic
        .admin
        .post("/api/v1/scheduling/working-times", both)
        .await;
    assert_eq!(refused.pointers(), ["/provider_id"]);
}

#[tokio::test]
async fn what_is_another_organisations_is_nobodys_here() {
    let (ours, theirs) = (
        Clinic::open("America/New_York").await,
        Clinic::open("America/New_York").await,
    );
    let body = |facility: &str, provider: &str| {
        json!({ "facility_id": facility, "provider_id": provider, "weekdays": ["monday"],
        "local_from": "09:00", "local_until": "12:00", "valid_from": "2027-01-01" })
    };
    for (facility, provider, pointer) in [
        (&theirs.facility, &ours.provider, "/facility_id"),
        (&ours.facility, &theirs.provider, "/provider_id"),
    ] {
        let refused = ours
            .admin
            .post("/api/v1/scheduling/working-times", body(facility, provider))
            .await;
        assert_eq!(refused.pointers(), [pointer]);
    }
    let place = format!(
        "/api/v1/scheduling/availability?service_id={}&facility_id={}&provider_id={}",
        ours.service, ours.facility, theirs.provider
    );
    assert_eq!(ours.admin.get(place).await.expect(200)["items"], json!([]));
    let place = format!(
        "/api/v1/scheduling/availability?service_id={}&facility_id={}",
        theirs.service, ours.facility
    );
    ours.admin
        .get(place)
        .await
        .expect_problem(400, "invalid_parameter");
    let place = format!(
        "/api/v1/scheduling/capacity?facility_id={}",
        theirs.facility
    );
    ours.admin
        .get(place)
        .await
        .expect_problem(400, "invalid_parameter");
}

#[tokio::test]
async fn capacity_tells_how_much_is_used() {
    let clinic = Clinic::open("America/New_York").await;
    let today = day("06-01");
    let at = |time: &str| format!("{today}T{time}:00-04:00");
    let later = Utc::now() + TimeDelta::days(700);
    clinic
        .take(
            "provider_id",
            &clinic.provider,
            &at("09:00"),
            &at("09:45"),
            "booked",
            later,
        )
        .await;
    clinic
        .take(
            "provider_id",
            &clinic.provider,
            &at("20:00"),
            &at("20:30"),
            "booked",
            later,
        )
        .await;
    clinic
        .take(
            "asset_id",
            &clinic.room,
            &at("09:00"),
            &at("10:00"),
            "booked",
            later,
        )
        .await;
    let place = format!(
        "/api/v1/scheduling/capacity?facility_id={}&from={today}T04:00:00Z&to={today}T16:00:00Z",
        clinic.facility
    );
    let nurse = clinic.tenant.user(Role::Nurse).await;
    let capacity = nurse
        .get(place.replace("T16:00", "T23:59"))
        .await
        .expect(200);
    let doctor = &capacity["providers"][0];
    assert_eq!(doctor["provider_id"], json!(clinic.provider));
    assert_eq!(
        (&doctor["available_minutes"], &doctor["booked_minutes"]),
        (&json!(180), &json!(45))
    );
    assert_eq!(
        (&doctor["utilization"], &doctor["outside_minutes"]),
        (&json!(0.25), &json!(0))
    );
    assert_eq!(capacity["rooms"][0]["booked_minutes"], 60);
    let evening = nurse
        .get(place.replace("T16:00:00Z", "T23:59:00-04:00"))
        .await
        .expect(200);
    assert_eq!(evening["providers"][0]["outside_minutes"], 30);
    let third = &evening["services"][0]["third_next"][0];
    assert_eq!(third["provider_id"], json!(clinic.provider));
    assert!(
        third["days"].as_f64().is_some_and(|days| days < 3.0),
        "{third}"
    );
}
