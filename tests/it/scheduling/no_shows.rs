//! No-shows: learnt from the tenant's own visits, told to those who plan, never to patients.

use chrono::TimeDelta;
use platform::access::Role;
use serde_json::{Value, json};
use sqlx::Row;

use crate::support::{Caller, TestTenant, id};

struct Clinic {
    tenant: TestTenant,
    admin: Caller,
    /// The first misses every other visit, the others hardly any.
    patients: Vec<String>,
    facility: String,
    service: String,
    provider: String,
}

impl Clinic {
    async fn new() -> Self {
        let tenant = TestTenant::new().await;
        let admin = tenant.user(Role::Admin).await;
        let main = json!({ "code": "MAIN", "name": "Main", "time_zone": "America/New_York" });
        let facility = id(&admin.post("/api/v1/facilities", main).await.expect(201));
        let service = json!({ "code": "V", "name": "Visit", "appointment_type": "follow_up", "duration_minutes": 20,
            "overbook_per_day": 2 });
        let service = id(&admin
            .post("/api/v1/scheduling/services", service)
            .await
            .expect(201));
        let provider =
            json!({ "given_name": "Ada", "family_name": "Osei", "specialties": ["Cardiology"] });
        let provider = id(&admin.post("/api/v1/providers", provider).await.expect(201));
        let mut patients = Vec::new();
        for _ in 0..4 {
            patients.push(tenant.patient(&admin).await);
        }
        Self {
            tenant,
            admin,
            patients,
            facility,
            service,
            provider,
        }
    }

    /// One appointment; answers its id.
    async fn book(&self, patient: &str, days_ahead: i32, hour: i32, status: &str) -> String {
        let row = sqlx::query(
            "insert into app.appointments (tenant_id, id, patient_id, service_id, facility_id, provider_id, type, status, starts_at,
                                           ends_at, time_zone, local_start, booked_by_role, created_at, updated_at)
             select $1, gen_random_uuid(), $2::uuid, $3::uuid, $4::uuid, $5::uuid, 'follow_up', $8, at, at + interval '20 minutes',
                    'America/New_York', at at time zone 'America/New_York', 'staff', at - interval '10 days', now()
               from (select ((now() at time zone 'America/New_York')::date + $6 + make_interval(hours => $7))
                            at time zone 'America/New_York' as at) a
             returning id::text",
        )
        .bind(self.tenant.id.0)
        .bind(patient)
        .bind(&self.service)
        .bind(&self.facility)
        .bind(&self.provider)
        .bind(days_ahead)
        .bind(hour)
        .bind(status)
        .fetch_one(&mut self.tenant.behind_the_curtain().await)
        .await
        .expect("an appointment");
        row.get(0)
    }

    async fn history(&self) {
        for day in 1..=80 {
            for (number, patient) in self.patients.iter().enumerate() {
                let missed = (number == 0 && day % 2 == 0) || day % 31 == 0;
                let status = if missed { "no_show" } else { "completed" };
                let hour = 9 + i32::try_from(number).expect("small");
                self.book(patient, -day, hour, status).await;
            }
        }
    }

    async fn learn(&self) -> bool {
        scheduling::no_shows::refit(&self.tenant.app, self.tenant.id)
            .await
            .expect("a night")
    }

    async fn probability(&self, reader: &Caller, appointment: &str) -> f64 {
        let path = format!("/api/v1/scheduling/no-show-scores/{appointment}");
        let score = reader.get(path).await.expect(200);
        score["probability"].as_f64().expect("a probability")
    }
}

fn day(ahead: i64) -> String {
    #[expect(clippy::disallowed_methods, reason = "the database's day is today's")]
    let now = chrono::Utc::now().with_timezone(&chrono_tz::America::New_York);
    (now.date_naive() + TimeDelta::days(ahead)).to_string()
}

#[tokio::test]
async fn who_has_missed_visits_is_likelier_to_miss_the_next_and_planners_are_told() {
    let clinic = Clinic::new().await;
    clinic.history().await;
    let unreliable = clinic.book(&clinic.patients[0], 3, 9, "scheduled").await;
    let reliable = clinic.book(&clinic.patients[1], 3, 10, "scheduled").await;
    let cancelled = clinic.book(&clinic.patients[2], 3, 14, "completed").await;
    assert!(clinic.learn().await);
    assert!(!clinic.learn().await, "once a day");

    let nurse = clinic.tenant.user(Role::Nurse).await;
    let model = nurse
        .get("/api/v1/scheduling/no-show-model")
        .await
        .expect(200);
    let judgement = &model["judgement"];
    assert!(
        judgement["auc"].as_f64().expect("a number") > 0.7,
        "{judgement}"
    );
    assert!(
        judgement["brier"].as_f64() < judgement["brier_of_the_share"].as_f64(),
        "{judgement}"
    );
    assert!(
        !judgement["calibration"]
            .as_array()
            .expect("bins")
            .is_empty()
    );
    let features = model["features"].to_string();
    for never in [
        "age", "sex", "gender", "race", "ethnic", "language", "address", "postal",
    ] {
        let names = features.replace("share", "").replace("stage", "");
        assert!(!names.contains(never), "{never} in {names}");
    }
    // Of a visit in six weeks nobody has been asked yet: a model that had learnt from it would count on what it can't know.
    assert!(!features.contains("confirmed"), "{features}");

    let staff = clinic.tenant.user(Role::Staff).await;
    let (likely, unlikely) = (
        clinic.probability(&staff, &unreliable).await,
        clinic.probability(&staff, &reliable).await,
    );
    assert!(
        likely > 0.25 && unlikely < 0.15 && likely > 3.0 * unlikely,
        "{likely} {unlikely}"
    );
    staff
        .get(format!("/api/v1/scheduling/no-show-scores/{cancelled}"))
        .await
        .expect_problem(404, "not_found");
    let list = staff
        .get(format!("/api/v1/scheduling/no-show-scores?date={}", day(3)))
        .await
        .expect(200);
    let order: Vec<&Value> = list["items"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|it| &it["appointment_id"])
        .collect();
    assert_eq!(order, [&json!(unreliable), &json!(reliable)]);
    // Whoever was looked at, it is on record.
    let looked: i64 = sqlx::query(
        "select count(distinct patient_id) from app.phi_accesses where tenant_id = $1 and resource = 'no_show_score'",
    )
    .bind(clinic.tenant.id.0)
    .fetch_one(&mut clinic.tenant.behind_the_curtain().await)
    .await
    .expect("a count")
    .get(0);
    assert_eq!(looked, 2);
}

#[tokio::test]
async fn patients_are_not_told_and_their_database_role_can_not_look() {
    let clinic = Clinic::new().await;
    let patient = clinic.tenant.user(Role::Patient).await;
    for path in [
        "no-show-model",
        "no-show-scores?date=2026-12-01",
        "overbooking-suggestions?date=2026-12-01",
        "forecasts",
    ] {
        patient
            .get(format!("/api/v1/scheduling/{path}"))
            .await
            .expect_problem(403, "forbidden");
    }
    let policies: Vec<String> = sqlx::query_scalar(
        "select qual from pg_policies where schemaname = 'app' and tablename = 'no_show_scores' and qual is not null",
    )
    .fetch_all(&mut clinic.tenant.behind_the_curtain().await)
    .await
    .expect("policies");
    assert!(
        !policies.is_empty()
            && policies
                .iter()
                .all(|policy| !policy.contains("patient,") && !policy.contains(",patient"))
    );
    // Without visits there is nothing to be told.
    clinic.learn().await;
    clinic
        .admin
        .get("/api/v1/scheduling/no-show-model")
        .await
        .expect_problem(404, "not_found");
    clinic.book(&clinic.patients[0], 5, 8, "scheduled").await;
    let path = format!("/api/v1/scheduling/overbooking-suggestions?date={}", day(5));
    let suggested = clinic.admin.get(path).await.expect(200)["items"][0].clone();
    assert_eq!(
        (&suggested["booked"], &suggested["expected_missed"]),
        (&json!(1), &json!(null))
    );
}

#[tokio::test]
async fn overbooking_is_suggested_where_people_stay_away_and_services_allow_it() {
    let clinic = Clinic::new().await;
    clinic.history().await;
    for hour in [8, 9, 10, 11] {
        clinic.book(&clinic.patients[0], 5, hour, "scheduled").await;
        clinic.book(&clinic.patients[1], 6, hour, "scheduled").await;
    }
    clinic.learn().await;
    let path = |ahead| {
        format!(
            "/api/v1/scheduling/overbooking-suggestions?date={}",
            day(ahead)
        )
    };
    let risky = clinic.admin.get(path(5)).await.expect(200)["items"][0].clone();
    assert_eq!(
        (&risky["booked"], &risky["morning"]),
        (&json!(4), &json!(true))
    );
    assert!(
        risky["expected_missed"].as_f64().expect("a number") > 1.0,
        "{risky}"
    );
    let suggested = risky["suggested"].as_u64().expect("a count");
    assert!((1..=2).contains(&suggested), "{risky}");
    let safe = clinic.admin.get(path(6)).await.expect(200)["items"][0].clone();
    assert_eq!(safe["suggested"], 0, "{safe}");
    // While their provider is away, nobody is added to them.
    let off = json!({ "provider_id": clinic.provider, "effect": "off",
        "starts_at": format!("{}T00:00:00Z", day(5)), "ends_at": format!("{}T00:00:00Z", day(6)) });
    let place = "/api/v1/scheduling/time-exceptions";
    clinic.admin.post(place, off).await.expect(201);
    let away = clinic.admin.get(path(5)).await.expect(200);
    assert_eq!(away["items"], json!([]));
    // Who stays away from a group makes room for nobody beside it.
    let group = json!({ "code": "G", "name": "Group", "appointment_type": "group", "duration_minutes": 20, "capacity": 8,
        "overbook_per_day": 2 });
    let place = "/api/v1/scheduling/services";
    let clinic = Clinic {
        service: id(&clinic.admin.post(place, group).await.expect(201)),
        ..clinic
    };
    for _ in 0..8 {
        clinic.book(&clinic.patients[0], 7, 9, "scheduled").await;
    }
    let group = clinic.admin.get(path(7)).await.expect(200);
    assert_eq!(group["items"], json!([]));
}

#[tokio::test]
async fn the_next_day_learns_anew() {
    let clinic = Clinic::new().await;
    clinic.history().await;
    assert!(clinic.learn().await);
    let first = clinic
        .admin
        .get("/api/v1/scheduling/no-show-model")
        .await
        .expect(200);
    clinic.tenant.clock.advance(TimeDelta::hours(24));
    assert!(clinic.learn().await);
    // The first admin's token is a day old.
    let admin = clinic.tenant.user(Role::Admin).await;
    let second = admin
        .get("/api/v1/scheduling/no-show-model")
        .await
        .expect(200);
    assert_ne!(first["id"], second["id"]);
    assert!(second["made_on"].as_str() > first["made_on"].as_str());
}

#[tokio::test]
async fn a_night_that_finds_a_visit_likely_to_be_missed_plans_one_reminder_more() {
    let clinic = Clinic::new().await;
    clinic.history().await;
    let template = json!({ "purpose": "reminder", "channel": "sms", "offset_minutes": 60, "body": "{{date}}" });
    clinic
        .admin
        .post("/api/v1/reminder-templates", template)
        .await
        .expect(201);
    let unreliable = clinic.book(&clinic.patients[0], 9, 12, "scheduled").await;
    let reliable = clinic.book(&clinic.patients[1], 9, 13, "scheduled").await;
    let reminded = async |appointment: &str| {
        clinic.tenant.clock.advance(TimeDelta::seconds(3));
        let jobs = chartwell::jobs();
        platform::jobs::run_due(&clinic.tenant.app, &jobs, clinic.tenant.id)
            .await
            .expect("the jobs");
        let path = format!("/api/v1/appointments/{appointment}/reminders");
        let page = clinic.admin.get(path).await.expect(200);
        let items = page["items"].as_array().expect("items");
        let additional = items.iter().filter(|one| one["additional"] == true).count();
        (items.len(), additional)
    };
    assert_eq!(
        reminded(&unreliable).await,
        (1, 0),
        "nothing is known of it yet"
    );
    assert!(clinic.learn().await);
    assert!(clinic.probability(&clinic.admin, &unreliable).await >= 0.3);
    assert!(clinic.probability(&clinic.admin, &reliable).await < 0.3);
    assert_eq!(reminded(&unreliable).await, (2, 1));
    assert_eq!(reminded(&reliable).await, (1, 0));
}

#[tokio::test]
async fn it_is_learnt_from_what_was_known_as_long_before_as_is_scored() {
    let mut clinic = Clinic::new().await;
    while clinic.patients.len() < 41 {
        let patient = clinic.tenant.patient(&clinic.admin).await;
        clinic.patients.push(patient);
    }
    let newcomer = clinic.patients.pop().expect("one more");
    // Courses of six weekly visits, booked at once: the first is kept, of the others every other patient keeps none.
    sqlx::query(
        "insert into app.appointments (tenant_id, id, patient_id, service_id, facility_id, provider_id, type, status, starts_at,
                                       ends_at, time_zone, local_start, booked_by_role, created_at, updated_at)
         select $1, gen_random_uuid(), ($5::uuid[])[course + 1],
                $2::uuid, $3::uuid, $4::uuid, 'follow_up',
                case when week > 0 and course % 2 = 0 then 'no_show' else 'completed' end, at, at + interval '20 minutes',
                'America/New_York', at at time zone 'America/New_York', 'staff', at - interval '40 days', now()
           from generate_series(0, 39) course, generate_series(0, 5) week,
                lateral (select date_trunc('day', now()) + interval '16 hours' - make_interval(days => 1000 - 24 * course) + make_interval(days => 7 * week) as at) a
          where at < now()",
    )
    .bind(clinic.tenant.id.0)
    .bind(&clinic.service)
    .bind(&clinic.facility)
    .bind(&clinic.provider)
    .bind(&clinic.patients)
    .execute(&mut clinic.tenant.behind_the_curtain().await)
    .await
    .expect("a history");
    // The last of a course that was booked as early as those, for somebody of whom nothing is known yet either.
    let last = clinic.book(&newcomer, 36, 11, "scheduled").await;
    sqlx::query("update app.appointments set created_at = starts_at - interval '40 days' where tenant_id = $1 and id = $2::uuid")
        .bind(clinic.tenant.id.0)
        .bind(&last)
        .execute(&mut clinic.tenant.behind_the_curtain().await)
        .await
        .expect("booked early");
    assert!(clinic.learn().await);
    let probability = clinic.probability(&clinic.admin, &last).await;
    assert!(probability > 0.2, "{probability}");
}
