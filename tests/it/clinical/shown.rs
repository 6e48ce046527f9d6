//! What is shown says what is so: under which registration, when it happened, and to whom it was told.

use chrono::{DateTime, TimeDelta, Utc};
use platform::access::Role;
use serde_json::{Value, json};

use super::export::{rows, unpacked};
use super::merge::Case;
use crate::support::{Caller, Chart, TestTenant, id};

fn instant(clinic: &TestTenant) -> String {
    let now = clinic.clock.now();
    now.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}

#[tokio::test]
async fn a_merged_registration_leads_to_the_survivor_and_never_reads_as_an_empty_chart() {
    let case = Case::new().await;
    let path = format!("/api/v1/patients/{}", case.chart.patient);
    let reader = &case.admin;
    let before = instant(&case.clinic);
    case.merge("").await;
    case.clinic.clock.advance(TimeDelta::seconds(2));
    let now = instant(&case.clinic);
    for part in [
        "allergy-summary",
        "allergies",
        "allergy-statements",
        "problems",
        "procedures",
        "immunizations",
        "immunizations/status",
        "vitals",
        "vitals/latest",
        "vitals/trend",
        "encounters",
        "notes",
        "documents",
        "referrals",
        "goals",
        "care-plans",
        "family-history",
        "social-history",
        "care-team",
        "clinical-alerts",
        "imported-resources",
        "timeline",
        "chart",
    ] {
        let reply = reader.get(format!("{path}/{part}")).await;
        let problem = reply.expect_problem(409, "patient_merged");
        assert_eq!(problem["replaced_by"], json!(case.survivor), "{part}");
    }
    for part in ["allergy-summary", "vitals", "problems", "timeline", "chart"] {
        let then = |at: &str| format!("{path}/{part}?as_of={at}");
        reader.get(then(&before)).await.expect(200);
        let reply = reader.get(then(&now)).await;
        reply.expect_problem(409, "patient_merged");
    }
    let export = reader.act(format!("{path}/export")).await;
    export.expect_problem(409, "patient_merged");
    for rest in ["", "/history", "/access-log"] {
        reader.get(format!("{path}{rest}")).await.expect(200);
    }
    let open = json!({ "chart_access": "organization" });
    reader.patch("/api/v1/tenant", 1, open).await.expect(200);
    let weight = json!({ "measured_at": now, "readings": [{ "kind": "heart_rate", "value": 70 }] });
    let measured = case
        .chart
        .nurse
        .post(format!("{path}/vitals"), weight)
        .await;
    let problem = measured.expect_problem(409, "patient_merged");
    assert_eq!(problem["replaced_by"], json!(case.survivor));
    case.unmerge().await;
    reader.get(format!("{path}/problems")).await.expect(200);
}

#[tokio::test]
async fn the_registration_a_caller_is_told_of_is_on_record() {
    let case = Case::new().await;
    let path = format!("/api/v1/patients/{}", case.chart.patient);
    case.merge("").await;
    let problems = case.admin.get(format!("{path}/problems")).await;
    let history = format!(
        "/api/v1/audit/changes?resource=patients&id={}",
        case.chart.patient
    );
    let changes = case.admin.get(history).await;
    assert!(changes.text.contains("/replaced_by"), "{}", changes.text);
    for reply in [problems, changes] {
        let told: i64 = sqlx::query_scalar(
            "select count(*) from app.phi_accesses
              where request_id = $1::uuid and patient_id = $2::uuid and outcome = 'success'",
        )
        .bind(reply.headers["x-request-id"].to_str().expect("an id"))
        .bind(&case.survivor)
        .fetch_one(&mut case.clinic.behind_the_curtain().await)
        .await
        .expect("a count");
        assert_eq!(told, 1, "{}", reply.text);
    }
}

fn at(shown: &Value) -> DateTime<Utc> {
    let text = shown["at"].as_str().expect("a time");
    text.parse().expect("a time")
}

#[tokio::test]
async fn what_is_over_before_it_was_due_stands_where_it_happened() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let encounter = chart.fill("/api/v1/patients/{patient_id}/encounters/{encounter_id}");
    let place = chart.fill("/api/v1/patients/{patient_id}/chart");
    let timeline =
        chart.fill("/api/v1/patients/{patient_id}/timeline?types=encounter,diagnosis&limit=10");
    let step = async |step: &str| {
        let doing = format!("{encounter}/{step}");
        let body = json!({ "disposition": "home" });
        let done = if step == "complete" {
            chart.doctor.post(doing, body).await
        } else {
            chart.doctor.act(doing).await
        };
        done.expect(200);
    };
    let is = chart.fill("{encounter_id}");
    let sections = |shown: &Value| {
        let holds = |section: &str| {
            let items = shown[section]["items"].as_array().expect("a section");
            items.iter().any(|one| one["id"] == json!(is))
        };
        (holds("encounters"), holds("upcoming_encounters"))
    };
    let shown = chart.doctor.get(&place).await.expect(200);
    assert_eq!(sections(&shown), (false, true), "to come");
    for name in ["start", "complete"] {
        step(name).await;
        let now = clinic.clock.now();
        let then = instant(&clinic);
        for caller in [&chart.doctor, &chart.portal_user] {
            let shown = caller.get(&place).await.expect(200);
            assert_eq!(sections(&shown), (true, false), "{name}");
        }
        let past = chart.doctor.get(format!("{place}?as_of={then}")).await;
        assert_eq!(sections(&past.expect(200)), (true, false), "{name}");
        for path in [timeline.clone(), format!("{timeline}&as_of={then}")] {
            let told = chart.doctor.get(path).await.expect(200);
            let told = told["items"].as_array().expect("events").clone();
            assert!(told.len() >= 2, "{told:?}");
            assert!(told.iter().all(|event| at(event) <= now), "{told:?}");
        }
    }
}

/// A server of an older version says of an encounter itself that it began, and knows of no other place that tells it.
#[tokio::test]
async fn when_a_visit_began_is_told_whichever_server_began_it() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let visit = chart.fill("{encounter_id}");
    let began = async |at: DateTime<Utc>| {
        let mut connection = clinic.behind_the_curtain().await;
        let done = sqlx::query(
            "update app.encounters set status = 'in_progress', actual_start = $3 where tenant_id = $1 and id = $2::uuid",
        )
        .bind(clinic.id.0)
        .bind(&visit)
        .bind(at)
        .execute(&mut connection)
        .await
        .expect("written");
        assert_eq!(done.rows_affected(), 1);
    };
    let begin = clinic.clock.now() - TimeDelta::minutes(20);
    for at in [begin, begin + TimeDelta::minutes(5)] {
        began(at).await;
        let path = chart.fill("/api/v1/patients/{patient_id}/timeline?types=encounter");
        let told = chart.doctor.get(path).await.expect(200);
        let of_it = |event: &&Value| event["id"] == visit.as_str();
        let events = told["items"].as_array().expect("events");
        let event = events.iter().find(of_it).expect("told");
        assert_eq!(self::at(event).timestamp_micros(), at.timestamp_micros());
        let path = chart.fill("/api/v1/patients/{patient_id}/chart");
        let shown = chart.doctor.get(path).await.expect(200);
        let sections = ["encounters", "upcoming_encounters"].map(|of| {
            let items = shown[of]["items"].as_array().expect("a section");
            items.iter().any(|one| one["id"] == visit.as_str())
        });
        assert_eq!(sections, [true, false]);
    }
}

/// Leaves what is still being thought about, and what was decided; the places of both.
async fn thought_and_decided(chart: &Chart) -> [(String, String); 3] {
    let doctor = &chart.doctor;
    let made = async |list: &str, body: Value| {
        let list = chart.fill(&format!("/api/v1/patients/{{patient_id}}/{list}"));
        let one = id(&doctor.post(&list, body).await.expect(201));
        format!("{list}/{one}")
    };
    let referral = json!({ "specialty": "Cardiology", "reason": "Palpitations",
                           "to_organization": { "name": "Harbor Cardiology" } });
    let sent = made("referrals", referral.clone()).await;
    doctor.act(format!("{sent}/send")).await.expect(200);
    let goal = json!({ "description": "Walk daily" });
    let plan = json!({ "title": "Walking" });
    let (aim, way) = (
        made("goals", goal.clone()).await,
        made("care-plans", plan.clone()).await,
    );
    for place in [&aim, &way] {
        let active = json!({ "status": "active" });
        let done = doctor.post(format!("{place}/status"), active).await;
        done.expect(200);
    }
    [
        (made("referrals", referral).await, sent),
        (made("goals", goal).await, aim),
        (made("care-plans", plan).await, way),
    ]
}

#[tokio::test]
async fn a_patient_is_told_of_no_plan_that_is_still_being_thought_about() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let entries = thought_and_decided(&chart).await;
    let own = &chart.portal_user;
    let mut told = String::new();
    for place in ["chart", "timeline", "referrals", "goals", "care-plans"] {
        let path = chart.fill(&format!("/api/v1/patients/{{patient_id}}/{place}"));
        let shown = own.get(path).await.expect(200).to_string();
        told.push_str(&shown);
    }
    let taken = own
        .act(chart.fill("/api/v1/patients/{patient_id}/export"))
        .await;
    let taken = unpacked(&taken);
    for table in ["referrals", "goals", "care_plans"] {
        told.push_str(&json!(rows(&taken, table)).to_string());
    }
    for (thought, decided) in entries {
        let of = |place: &str| place.rsplit('/').next().expect("an id").to_owned();
        assert!(!told.contains(&of(&thought)), "{thought}");
        assert!(told.matches(&of(&decided)).count() >= 4, "{decided}");
        let reply = own.get(&thought).await;
        reply.expect_problem(404, "not_found");
        own.get(&decided).await.expect(200);
        chart.doctor.get(&thought).await.expect(200);
    }
}

#[tokio::test]
async fn a_draft_that_was_dropped_was_never_the_patients_to_read_and_what_was_decided_stays_so() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let (doctor, own) = (&chart.doctor, &chart.portal_user);
    for last in ["cancelled", "entered_in_error"] {
        for (thought, decided) in thought_and_decided(&chart).await {
            for place in [&thought, &decided] {
                let why = json!({ "reason": "Not needed" });
                let step = match (last, place.contains("referrals"), place.contains("goals")) {
                    ("entered_in_error", ..) => ("entered-in-error", why),
                    (_, true, _) => ("cancel", why),
                    (_, _, true) => ("status", json!({ "status": "cancelled" })),
                    _ => ("status", json!({ "status": "revoked" })),
                };
                let done = doctor.post(format!("{place}/{}", step.0), step.1).await;
                done.expect(200);
            }
            let reply = own.get(&thought).await;
            reply.expect_problem(404, "not_found");
            own.get(&decided).await.expect(200);
            doctor.get(&thought).await.expect(200);
        }
    }
}

async fn bedside() -> (TestTenant, Caller, String) {
    let clinic = TestTenant::new().await;
    let nurse = clinic.user(Role::Nurse).await;
    let patient = clinic.patient(&nurse).await;
    (clinic, nurse, format!("/api/v1/patients/{patient}"))
}

#[tokio::test]
async fn what_was_last_measured_long_ago_stands_in_the_chart_with_its_date() {
    let (_clinic, nurse, patient) = bedside().await;
    let long_ago = json!({ "measured_at": "2009-12-30T10:00:00Z",
                           "readings": [{ "kind": "heart_rate", "value": 80 }] });
    let made = nurse.post(format!("{patient}/vitals"), long_ago).await;
    let made = made.expect(201);
    let chart = nurse.get(format!("{patient}/chart")).await.expect(200);
    assert_eq!(chart["vitals"]["total"], 1, "{}", chart["vitals"]);
    let shown = &chart["vitals"]["items"][0];
    assert_eq!(shown["measured_at"], made["measured_at"]);
    assert!(chart["not_told"].to_string().contains("vitals:"));
}

#[tokio::test]
async fn who_was_away_for_long_is_shown_the_three_years_before_he_left() {
    let (_clinic, nurse, patient) = bedside().await;
    for (at, kind) in [
        ("2004-05-30T10:00:00Z", "pain"),
        ("2008-05-30T10:00:00Z", "respiratory_rate"),
        ("2009-12-30T10:00:00Z", "heart_rate"),
    ] {
        let reading = json!({ "kind": kind, "value": if kind == "heart_rate" { 80 } else { 10 } });
        let set = json!({ "measured_at": at, "readings": [reading] });
        let path = format!("{patient}/vitals?confirm=true");
        nurse.post(path, set).await.expect(201);
    }
    let path = format!("{patient}/chart");
    let chart = nurse.get(&path).await.expect(200);
    let shown = chart["vitals"]["items"].as_array().expect("readings");
    let kinds: Vec<_> = shown.iter().map(|one| &one["kind"]).collect();
    assert_eq!(kinds, ["heart_rate", "respiratory_rate"]);
}

#[tokio::test]
async fn a_sugar_typed_in_the_other_unit_is_asked_about_below_too() {
    let (_clinic, nurse, patient) = bedside().await;
    let path = format!("{patient}/vitals");
    let sugar = |value: f64, unit: &str| {
        json!({ "measured_at": "2024-03-10T09:35:00-04:00",
                "readings": [{ "kind": "glucose", "value": value, "unit": unit }] })
    };
    let asked = nurse.post(&path, sugar(5.5, "mg/dL")).await;
    let asked = asked.expect_problem(409, "unusual_value");
    let message = asked["errors"][0]["message"].as_str().expect("a message");
    assert!(message.contains("plausible in mmol/L"), "{message}");
    nurse.post(&path, sugar(5.5, "mmol/L")).await.expect(201);
    nurse.post(&path, sugar(48.0, "mg/dL")).await.expect(201);
}

#[tokio::test]
async fn of_two_alerts_of_one_moment_the_emergency_stands_first() {
    let (clinic, nurse, _) = bedside().await;
    let at = (clinic.clock.now() - TimeDelta::minutes(5)).to_rfc3339();
    let body = json!({ "measured_at": at, "readings": [
        { "kind": "respiratory_rate", "value": 28 },
        { "kind": "oxygen_saturation", "value": 90 },
        { "kind": "inhaled_oxygen_flow", "value": 2 },
        { "kind": "blood_pressure", "systolic": 88, "diastolic": 56 },
        { "kind": "heart_rate", "value": 118 },
        { "kind": "consciousness", "code": "alert" },
        { "kind": "temperature", "value": 38.9, "unit": "Cel" }
    ] });
    for _ in 0..2 {
        let patient = format!("/api/v1/patients/{}", clinic.patient(&nurse).await);
        let vitals = format!("{patient}/vitals?confirm=true");
        nurse.post(vitals, body.clone()).await.expect(201);
        let list = format!("{patient}/clinical-alerts");
        let first = nurse.get(format!("{list}?limit=1")).await.expect(200);
        let cursor = first["next_cursor"].as_str().expect("more");
        let second = nurse.get(format!("{list}?limit=1&cursor={cursor}")).await;
        let second = second.expect(200);
        let levels = [&first, &second].map(|page| page["items"][0]["level"].clone());
        assert_eq!(levels, [json!("emergency"), json!("urgent")]);
        assert!(second["next_cursor"].is_null(), "{second}");
        let chart = nurse.get(format!("{patient}/chart")).await.expect(200);
        assert_eq!(chart["open_alerts"]["items"][0]["level"], "emergency");
    }
    let all = nurse.get("/api/v1/clinical-alerts").await.expect(200);
    let all = all["items"].as_array().expect("alerts").clone();
    assert_eq!(all.len(), 4);
    for (place, alert) in all.iter().enumerate() {
        let level = ["emergency", "urgent"][place % 2];
        assert_eq!(alert["level"], level, "{all:?}");
    }
}
