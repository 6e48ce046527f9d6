//! Plans: proposed, explained, applied through the booking of appointments, made anew when the week changes.

use chrono::{Datelike, Days, NaiveDate, TimeDelta};
use platform::access::Role;
use serde_json::{Value, json};
use sqlx::Row;

use crate::support::{Caller, TestTenant, id};

/// Two providers who work nine to twelve every day, one exam room.
pub(super) struct Clinic {
    pub tenant: TestTenant,
    pub admin: Caller,
    pub facility: String,
    pub service: String,
    pub providers: Vec<String>,
    pub monday: NaiveDate,
}

impl Clinic {
    pub async fn new() -> Self {
        let tenant = TestTenant::new().await;
        let admin = tenant.user(Role::Admin).await;
        let main = json!({ "code": "MAIN", "name": "Main", "time_zone": "America/New_York" });
        let facility = id(&admin.post("/api/v1/facilities", main).await.expect(201));
        let mut providers = Vec::new();
        for family in ["Ames", "Berg"] {
            let body = json!({ "given_name": "Ada", "family_name": family, "specialties": ["Cardiology"] });
            let provider = id(&admin.post("/api/v1/providers", body).await.expect(201));
            let works = json!({ "facility_id": facility, "provider_id": provider, "local_from": "09:00", "local_until": "12:00",
                "weekdays": ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"], "valid_from": "2026-01-01" });
            admin
                .post("/api/v1/scheduling/working-times", works)
                .await
                .expect(201);
            providers.push(provider);
        }
        let room = json!({ "facility_id": facility, "kind": "room", "asset_kind": "exam", "code": "R1", "name": "Room 1" });
        admin
            .post("/api/v1/scheduling/assets", room)
            .await
            .expect(201);
        let service = json!({ "code": "C60", "name": "Consultation", "appointment_type": "consultation", "duration_minutes": 60,
            "align_minutes": 15, "skills": ["Cardiology"], "room_kind": "exam" });
        let service = id(&admin
            .post("/api/v1/scheduling/services", service)
            .await
            .expect(201));
        let today = tenant.clock.now().date_naive();
        let ahead = 7 + u64::from(7 - today.weekday().num_days_from_monday());
        Self {
            tenant,
            admin,
            facility,
            service,
            providers,
            monday: today + Days::new(ahead),
        }
    }

    pub async fn requests(&self, count: usize) -> Vec<Value> {
        let mut requests = Vec::new();
        for number in 0..count {
            let patient = self.tenant.patient(&self.admin).await;
            let priority = if number == 0 { "urgent" } else { "medium" };
            requests.push(json!({ "key": format!("R{number}"), "patient_id": patient, "service_id": self.service, "priority": priority }));
        }
        requests
    }

    pub fn body(&self, days: u32, requests: &[Value]) -> Value {
        json!({ "first_day": self.monday, "days": days, "facility_ids": [self.facility], "seconds": 0.2, "requests": requests })
    }

    pub async fn plan(&self, days: u32, requests: &[Value]) -> Value {
        let body = self.body(days, requests);
        self.admin
            .post("/api/v1/scheduling/plans", body)
            .await
            .expect(201)
    }

    pub async fn booked(&self) -> i64 {
        sqlx::query(
            "select count(*) from app.appointments where tenant_id = $1 and status = 'scheduled'",
        )
        .bind(self.tenant.id.0)
        .fetch_one(&mut self.tenant.behind_the_curtain().await)
        .await
        .expect("a count")
        .get(0)
    }
}

pub(super) fn path(plan: &Value, action: &str) -> String {
    format!("/api/v1/scheduling/plans/{}{action}", id(plan))
}

pub(super) fn visit<'a>(plan: &'a Value, key: &str) -> &'a Value {
    let visits = plan["requests"].as_array().expect("requests");
    visits
        .iter()
        .find(|visit| visit["key"] == key)
        .expect("the request")
}

#[tokio::test]
async fn a_plan_places_what_fits_says_why_the_rest_does_not_and_books_nothing() {
    let clinic = Clinic::new().await;
    // One room, three hours: three of four.
    let requests = clinic.requests(4).await;
    let plan = clinic.plan(1, &requests).await;
    assert_eq!(
        (&plan["placed"], &plan["unplaced"]),
        (&json!(3), &json!(1)),
        "{plan}"
    );
    assert!(
        visit(&plan, "R0")["place"]["starts_at"].is_string(),
        "the urgent one has a place"
    );
    let left: Vec<&Value> = plan["requests"]
        .as_array()
        .expect("requests")
        .iter()
        .filter(|it| it["place"].is_null())
        .collect();
    assert_eq!(left[0]["reason"], "rooms_full", "{}", left[0]);
    assert!(
        left[0]["why"][0]
            .as_str()
            .is_some_and(|why| !why.is_empty())
    );
    assert_eq!(clinic.booked().await, 0);
    let provider = clinic.tenant.user(Role::Staff).await;
    assert_eq!(provider.get(path(&plan, "")).await.expect(200), plan);
    let list = clinic
        .admin
        .get("/api/v1/scheduling/plans")
        .await
        .expect(200);
    assert_eq!(list["items"][0]["id"], plan["id"]);
    // The kept problem names no patient.
    let problem: String = sqlx::query(
        "select problem::text || plan::text from app.schedule_plans where tenant_id = $1",
    )
    .bind(clinic.tenant.id.0)
    .fetch_one(&mut clinic.tenant.behind_the_curtain().await)
    .await
    .expect("a plan")
    .get(0);
    assert!(!problem.contains(requests[0]["patient_id"].as_str().expect("an id")));
    let nurse = clinic.tenant.user(Role::Nurse).await;
    nurse
        .post("/api/v1/scheduling/plans", clinic.body(1, &requests))
        .await
        .expect_problem(403, "forbidden");
    let stranger = TestTenant::new().await.user(Role::Admin).await;
    stranger
        .get(path(&plan, ""))
        .await
        .expect_problem(404, "not_found");
    stranger
        .post(path(&plan, "/apply"), json!({}))
        .await
        .expect_problem(404, "not_found");
}

#[tokio::test]
async fn a_plan_is_applied_in_part_then_in_whole_and_then_there_is_nothing_left() {
    let clinic = Clinic::new().await;
    let plan = clinic.plan(2, &clinic.requests(4).await).await;
    let some = clinic
        .admin
        .post(path(&plan, "/apply"), json!({ "requests": ["R0", "R1"] }))
        .await
        .expect(200);
    assert_eq!(some["status"], "partly_applied");
    assert_eq!(visit(&some, "R0")["outcome"], "booked");
    assert_eq!(visit(&some, "R2")["outcome"], "open");
    assert_eq!(clinic.booked().await, 2);
    let booked = visit(&some, "R0")["booked"]
        .as_str()
        .expect("an appointment");
    let appointment = clinic
        .admin
        .get(format!("/api/v1/appointments/{booked}"))
        .await
        .expect(200);
    assert_eq!(
        appointment["starts_at"],
        visit(&plan, "R0")["place"]["starts_at"]
    );
    assert_eq!(
        appointment["provider_id"],
        visit(&plan, "R0")["place"]["provider_ids"][0]
    );
    assert_eq!(appointment["priority"], "urgent");
    let all = clinic
        .admin
        .post(path(&plan, "/apply"), json!({ "all_or_nothing": true }))
        .await
        .expect(200);
    assert_eq!(all["status"], "applied");
    assert_eq!(clinic.booked().await, 4);
    clinic
        .admin
        .post(path(&plan, "/apply"), json!({}))
        .await
        .expect_problem(409, "plan_applied");
    let unknown = clinic
        .admin
        .post(path(&plan, "/apply"), json!({ "requests": ["R9"] }))
        .await;
    assert_eq!(unknown.pointers(), ["/requests/0"]);
}

#[tokio::test]
async fn a_plan_that_has_grown_old_is_refused_where_somebody_was_faster() {
    let clinic = Clinic::new().await;
    let requests = clinic.requests(3).await;
    let plan = clinic.plan(1, &requests).await;
    let other = clinic.plan(1, &clinic.requests(3).await).await;
    clinic
        .admin
        .post(path(&plan, "/apply"), json!({ "requests": ["R0"] }))
        .await
        .expect(200);
    // The other plan wants the same hours of the same room.
    let problem = clinic
        .admin
        .post(path(&other, "/apply"), json!({ "all_or_nothing": true }))
        .await
        .expect_problem(409, "plan_not_applied");
    assert_eq!(problem["outcomes"][0]["code"], "slot_taken", "{problem}");
    let words = |told: &Value| {
        let (detail, field) = (told["detail"].as_str(), &told["errors"][0]);
        let is = detail.is_some_and(|detail| detail.ends_with(" is occupied then."));
        assert!(is, "{told}");
        assert_eq!(
            (&field["code"], &field["message"]),
            (&json!("occupied"), &json!("must be free then"))
        );
    };
    words(&problem["outcomes"][0]);
    assert_eq!(clinic.booked().await, 1, "all or nothing");
    let rest = clinic
        .admin
        .post(path(&other, "/apply"), json!({}))
        .await
        .expect(200);
    let refused: Vec<&Value> = rest["requests"]
        .as_array()
        .expect("requests")
        .iter()
        .filter(|it| it["outcome"] == "refused")
        .collect();
    assert_eq!(refused.len(), 1, "{rest}");
    assert_eq!(refused[0]["refusal"], "slot_taken");
    words(&refused[0]["problem"]);
    // It is kept, until it is booked after all.
    let kept = clinic.admin.get(path(&other, "")).await.expect(200);
    let key = refused[0]["key"].as_str().expect("a key");
    words(&visit(&kept, key)["problem"]);
    assert_eq!(rest["status"], "partly_applied");
    assert_eq!(clinic.booked().await, 3);
}

#[tokio::test]
async fn when_a_provider_is_away_the_others_take_over_and_the_rest_stays() {
    let clinic = Clinic::new().await;
    let plan = clinic.plan(2, &clinic.requests(4).await).await;
    let applied = clinic
        .admin
        .post(path(&plan, "/apply"), json!({}))
        .await
        .expect(200);
    let away = &visit(&applied, "R0")["place"]["provider_ids"][0];
    let zone = chrono_tz::America::New_York;
    let begin = clinic
        .monday
        .and_hms_opt(0, 0, 0)
        .expect("midnight")
        .and_local_timezone(zone)
        .unwrap();
    let changes = json!({ "seconds": 0.3, "changes": [
        { "kind": "provider_away", "provider_id": away, "from": begin.to_rfc3339(), "to": (begin + TimeDelta::days(1)).to_rfc3339() }
    ] });
    let anew = clinic
        .admin
        .post(path(&applied, "/replan"), changes)
        .await
        .expect(201);
    assert_eq!(anew["replans"], plan["id"]);
    assert_eq!(
        anew["comparison"]["lost"],
        json!([]),
        "{}",
        anew["comparison"]
    );
    assert_eq!(
        anew["requests"].as_array().expect("requests").len(),
        4,
        "the four that are in the book"
    );
    for visit in anew["requests"].as_array().expect("requests") {
        assert!(visit["appointment"].is_string());
        let day = visit["place"]["local_start"].as_str().expect("a time");
        if day.starts_with(&clinic.monday.to_string()) {
            assert_ne!(&visit["place"]["provider_ids"][0], away, "{visit}");
        }
    }
    let moved = anew["comparison"]["moved"].as_array().expect("moved").len();
    assert!((1..=4).contains(&moved), "{}", anew["comparison"]);
    // Nothing has happened yet: it was a question.
    assert_eq!(clinic.booked().await, 4);
    let done = clinic
        .admin
        .post(path(&anew, "/apply"), json!({}))
        .await
        .expect(200);
    assert_eq!(done["status"], "applied", "{done}");
    assert_eq!(clinic.booked().await, 4);
    let rescheduled: i64 = sqlx::query(
        "select count(*) from app.appointments where tenant_id = $1 and status = 'rescheduled'",
    )
    .bind(clinic.tenant.id.0)
    .fetch_one(&mut clinic.tenant.behind_the_curtain().await)
    .await
    .expect("a count")
    .get(0);
    assert_eq!(usize::try_from(rescheduled).expect("a count"), moved);
}

#[tokio::test]
async fn an_urgent_visit_finds_its_place_in_a_full_week_and_a_withdrawn_one_gives_its_up() {
    let clinic = Clinic::new().await;
    let plan = clinic.plan(1, &clinic.requests(3).await).await;
    let patient = clinic.tenant.patient(&clinic.admin).await;
    let urgent = json!({ "kind": "wanted", "requests": [
        { "key": "U1", "patient_id": patient, "service_id": clinic.service, "priority": "urgent" }] });
    let changes =
        json!({ "seconds": 0.3, "changes": [urgent, { "kind": "withdrawn", "key": "R2" }] });
    let anew = clinic
        .admin
        .post(path(&plan, "/replan"), changes)
        .await
        .expect(201);
    assert!(
        visit(&anew, "U1")["place"]["starts_at"].is_string(),
        "{anew}"
    );
    assert_eq!(anew["placed"], 3);
    assert_eq!(anew["comparison"]["placed"], json!(["U1"]));
    let changes = json!({ "changes": [{ "kind": "withdrawn", "key": "R7" }] });
    let refused = clinic.admin.post(path(&plan, "/replan"), changes).await;
    assert_eq!(refused.pointers(), ["/changes/0/key"]);
    let changes = json!({ "changes": [{ "kind": "asset_closed", "asset_id": clinic.service, "from": "2027-01-01T00:00:00Z", "to": "2027-01-02T00:00:00Z" }] });
    let refused = clinic.admin.post(path(&plan, "/replan"), changes).await;
    assert_eq!(refused.pointers(), ["/changes/0/asset_id"]);
}

#[tokio::test]
async fn a_comparison_names_nobody_whom_its_reader_may_not_see() {
    let clinic = Clinic::new().await;
    let doctor = clinic.tenant.user(Role::Provider).await;
    let own = clinic.tenant.patient(&doctor).await;
    let mut requests = clinic.requests(2).await;
    requests[1]["patient_id"] = json!(own);
    let plan = clinic.plan(2, &requests).await;
    let mut wanted = clinic.requests(2).await;
    wanted[0]["key"] = json!("hidden");
    wanted[1]["key"] = json!("own");
    wanted[1]["patient_id"] = json!(clinic.tenant.patient(&doctor).await);
    let changes = json!({ "seconds": 0.3, "changes": [{ "kind": "wanted", "requests": wanted }] });
    let anew = clinic.admin.post(path(&plan, "/replan"), changes).await;
    let anew = anew.expect(201);
    let mut placed: Vec<&str> = anew["comparison"]["placed"]
        .as_array()
        .expect("keys")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    placed.sort_unstable();
    assert_eq!(placed, ["hidden", "own"], "{}", anew["comparison"]);
    let seen = doctor.get(path(&anew, "")).await.expect(200);
    assert_eq!(seen["requests"].as_array().expect("requests").len(), 2);
    assert_eq!(seen["comparison"]["placed"], json!(["own"]));
    assert_eq!(seen["comparison"]["before"], anew["comparison"]["before"]);
}

#[tokio::test]
async fn what_plans_are_worth_is_the_tenants_to_say() {
    let clinic = Clinic::new().await;
    let place = "/api/v1/scheduling/plan-weights";
    let usual = clinic.admin.get(place).await.expect(200);
    assert_eq!(usual["continuity"], 10);
    let refused = clinic
        .admin
        .patch(place, 1, json!({ "unplaced": { "low": -1 } }))
        .await;
    assert_eq!(refused.pointers(), ["/unplaced/low"]);
    // Nothing is worth being placed for.
    let free = json!({ "unplaced": { "low": 0, "medium": 0, "high": 0, "urgent": 0 }, "wait_per_day": { "medium": 5, "urgent": 5 } });
    let changed = clinic.admin.patch(place, 1, free).await.expect(200);
    assert_eq!(changed["version"], 2);
    let requests = clinic.requests(2).await;
    let mut body = clinic.body(2, &requests);
    let second = clinic.monday + Days::new(1);
    body["requests"][1]["windows"] =
        json!([{ "from": format!("{second}T00:00:00Z"), "to": format!("{second}T23:00:00Z") }]);
    let plan = clinic
        .admin
        .post("/api/v1/scheduling/plans", body)
        .await
        .expect(201);
    assert_eq!(plan["cost"]["unplaced"], 0);
    let provider = clinic.tenant.user(Role::Provider).await;
    provider
        .patch(place, 2, json!({ "moved": 1 }))
        .await
        .expect_problem(403, "forbidden");
}

#[tokio::test]
async fn what_is_not_there_is_refused_by_its_place() {
    let clinic = Clinic::new().await;
    let stranger = Clinic::new().await;
    let theirs = stranger.requests(1).await;
    let mut requests = clinic.requests(1).await;
    requests[0]["patient_id"] = theirs[0]["patient_id"].clone();
    let refused = clinic
        .admin
        .post("/api/v1/scheduling/plans", clinic.body(1, &requests))
        .await;
    assert_eq!(refused.pointers(), ["/requests/0/patient_id"]);
    let mut body = clinic.body(1, &[]);
    body["facility_ids"] = json!([stranger.facility]);
    let refused = clinic.admin.post("/api/v1/scheduling/plans", body).await;
    assert_eq!(refused.pointers(), ["/facility_ids/0"]);
    let mut body = clinic.body(1, &[]);
    body["first_day"] = json!("2020-01-01");
    let refused = clinic.admin.post("/api/v1/scheduling/plans", body).await;
    assert_eq!(refused.pointers(), ["/first_day"]);
    let twice = clinic.requests(1).await;
    let refused = clinic
        .admin
        .post(
            "/api/v1/scheduling/plans",
            clinic.body(1, &[twice[0].clone(), twice[0].clone()]),
        )
        .await;
    assert_eq!(refused.pointers(), ["/requests/1/key"]);
    assert_eq!(clinic.providers.len(), 2);
}

#[tokio::test]
async fn a_visit_that_takes_longer_than_its_service_is_planned_booked_and_moved_so() {
    let clinic = Clinic::new().await;
    let mut requests = clinic.requests(2).await;
    requests[0]["duration_minutes"] = json!(90);
    requests[0]["prep_minutes"] = json!(15);
    requests[0]["cleanup_minutes"] = json!(15);
    let plan = clinic.plan(1, &requests).await;
    let minutes = |place: &Value| {
        let at = |field: &str| {
            let text = place[field].as_str().expect("a time");
            chrono::DateTime::parse_from_rfc3339(text).expect("a time")
        };
        (at("ends_at") - at("starts_at")).num_minutes()
    };
    assert_eq!(minutes(&visit(&plan, "R0")["place"]), 90, "{plan}");
    let done = clinic
        .admin
        .post(path(&plan, "/apply"), json!({}))
        .await
        .expect(200);
    assert_eq!(done["status"], "applied", "{done}");
    let booked = visit(&done, "R0")["booked"].as_str().expect("an id");
    let place = format!("/api/v1/appointments/{booked}");
    let appointment = clinic.admin.get(&place).await.expect(200);
    assert_eq!(minutes(&appointment), 90);
    // Elsewhere it takes as long as was agreed, what goes before and after it too.
    let tuesday = (clinic.monday + Days::new(1))
        .and_hms_opt(9, 15, 0)
        .expect("a time")
        .and_local_timezone(chrono_tz::America::New_York)
        .unwrap();
    let moved = clinic
        .admin
        .post(
            format!("{place}/reschedule"),
            json!({ "starts_at": tuesday.to_rfc3339(), "reason": "Asked for" }),
        )
        .await
        .expect(200);
    assert_eq!(minutes(&moved), 90);
    let held: i64 = sqlx::query(
        "select (extract(epoch from max(ends_at) - min(starts_at)) / 60)::bigint from app.reservations
          where tenant_id = $1 and appointment_id = $2::uuid and state = 'booked'",
    )
    .bind(clinic.tenant.id.0)
    .bind(id(&moved))
    .fetch_one(&mut clinic.tenant.behind_the_curtain().await)
    .await
    .expect("a span")
    .get(0);
    assert_eq!(held, 120);
    // Nor does a plan that may move it make it shorter.
    let body = json!({ "first_day": clinic.monday, "days": 2, "facility_ids": [clinic.facility], "seconds": 0.2,
        "move_existing": true, "requests": clinic.requests(1).await });
    let anew = clinic
        .admin
        .post("/api/v1/scheduling/plans", body)
        .await
        .expect(201);
    let standing = visit(&anew, &id(&moved));
    assert_eq!(minutes(&standing["place"]), 90, "{standing}");
    let mut unsound = clinic.body(1, &requests);
    unsound["requests"][0]["duration_minutes"] = json!(0);
    let refused = clinic.admin.post("/api/v1/scheduling/plans", unsound).await;
    assert_eq!(refused.pointers(), ["/requests/0/duration_minutes"]);
}
