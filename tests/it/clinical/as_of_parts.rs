//! What belongs to an entry, and what lists of places and people show, can be read as it stood at any time.

use axum::http::Method;
use chrono::{DateTime, TimeDelta, Timelike, Utc};
use platform::access::Role;
use serde_json::{Value, json};

use super::merge::Case;
use crate::support::{Caller, Chart, TestTenant, id};

fn now(clinic: &TestTenant) -> String {
    let now = clinic.clock.now();
    now.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}

async fn items(caller: &Caller, path: &str) -> Vec<Value> {
    let shown = caller.get(path).await.expect(200);
    shown["items"].as_array().expect("a list").clone()
}

#[tokio::test]
async fn the_texts_and_entries_of_a_note_are_those_of_then() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let doctor = &chart.doctor;
    let draft = json!({ "type": "progress", "content": { "body": "First" } });
    let notes = chart.fill("/api/v1/patients/{patient_id}/notes");
    let made = doctor.post(notes, draft).await.expect(201);
    let place = format!("/api/v1/notes/{}", id(&made));
    let first = now(&clinic);
    let change = json!({ "content": { "body": "Second" } });
    doctor.patch(&place, 1, change).await.expect(200);
    let sign = json!({ "text_number": 2 });
    doctor.post(format!("{place}/sign"), sign).await.expect(200);
    let signed = now(&clinic);
    let more = json!({ "text": "Called back: better." });
    doctor
        .post(format!("{place}/addenda"), more)
        .await
        .expect(200);

    let texts = format!("{place}/texts");
    let today = items(doctor, &texts).await;
    assert_eq!(today.len(), 2);
    assert_eq!(
        items(doctor, &format!("{texts}?as_of={first}")).await,
        today[1..]
    );
    assert_eq!(
        items(doctor, &format!("{texts}?as_of={signed}")).await,
        today
    );
    let entries = format!("{place}/entries");
    let today = items(doctor, &entries).await;
    assert_eq!(today.len(), 2);
    assert!(
        items(doctor, &format!("{entries}?as_of={first}"))
            .await
            .is_empty()
    );
    assert_eq!(
        items(doctor, &format!("{entries}?as_of={signed}")).await,
        today[..1]
    );
    let stranger = clinic.user(Role::Provider).await;
    for list in [texts, entries] {
        let before = doctor.get(format!("{list}?as_of=2001-01-01")).await;
        before.expect_problem(404, "not_found");
        let path = format!("{list}?as_of={signed}");
        stranger.get(&path).await.expect_problem(404, "not_found");
        chart
            .portal_user
            .get(&path)
            .await
            .expect_problem(403, "forbidden");
    }
}

#[tokio::test]
async fn the_versions_and_attestations_of_a_document_are_those_of_then() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let doctor = &chart.doctor;
    let place = chart.fill("/api/v1/documents/{document_id}");
    let (versions, attestations) = (format!("{place}/versions"), format!("{place}/attestations"));
    let before = items(doctor, &versions).await;
    let then = now(&clinic);
    let statement = json!({ "statement": "I have read it." });
    doctor.post(&attestations, statement).await.expect(201);
    let file = ("new.txt", "text/plain", &b"Another text"[..]);
    doctor.file(&versions, None, file).await.expect(201);
    assert_eq!(items(doctor, &versions).await.len(), before.len() + 1);
    assert_eq!(
        items(doctor, &format!("{versions}?as_of={then}")).await,
        before
    );
    assert_eq!(items(doctor, &attestations).await.len(), 1);
    assert!(
        items(doctor, &format!("{attestations}?as_of={then}"))
            .await
            .is_empty()
    );
    let later = now(&clinic);
    assert_eq!(
        items(doctor, &format!("{attestations}?as_of={later}")).await,
        items(doctor, &attestations).await
    );
    // Page by page.
    let all = items(doctor, &format!("{versions}?as_of={later}")).await;
    let whole = format!("{versions}?limit=1&as_of={later}");
    let page = doctor.get(&whole).await.expect(200);
    let cursor = page["next_cursor"].as_str().expect("another page");
    let next = items(doctor, &format!("{whole}&cursor={cursor}")).await;
    assert_eq!((&page["items"][0], &next[0]), (&all[0], &all[1]));
    let stranger = clinic.user(Role::Provider).await;
    for list in [versions, attestations] {
        let before = doctor.get(format!("{list}?as_of=2001-01-01")).await;
        before.expect_problem(404, "not_found");
        let path = format!("{list}?as_of={later}");
        stranger.get(&path).await.expect_problem(404, "not_found");
        chart
            .portal_user
            .get(&path)
            .await
            .expect_problem(403, "forbidden");
    }
}

#[tokio::test]
async fn a_trend_is_made_of_what_was_on_record_then() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let of = |path: &str| chart.fill(&format!("/api/v1/patients/{{patient_id}}/{path}"));
    let weigh = async |kilograms: f64| {
        let reading = json!({ "kind": "weight", "value": kilograms, "unit": "kg" });
        let at = clinic.clock.now() - TimeDelta::minutes(5);
        let set = json!({ "measured_at": at, "readings": [reading] });
        let made = chart.doctor.post(of("vitals?confirm=true"), set).await;
        id(&made.expect(201))
    };
    let wrong = weigh(70.5).await;
    let then = now(&clinic);
    let why = json!({ "reason": "Another patient" });
    let place = of(&format!("vitals/{wrong}/withdraw"));
    chart.doctor.post(place, why).await.expect(200);
    weigh(60.0).await;
    let trend = of("vitals/trend?kind=weight");
    let values = async |path: String| {
        let shown = chart.doctor.get(path).await.expect(200);
        let points = shown["series"][0]["points"].as_array().cloned();
        let points = points.unwrap_or_default();
        points
            .iter()
            .map(|one| one["value"].as_f64())
            .collect::<Vec<_>>()
    };
    assert_eq!(values(trend.clone()).await, [Some(60.0)]);
    assert_eq!(values(format!("{trend}&as_of={then}")).await, [Some(70.5)]);
    assert!(values(format!("{trend}&as_of=2001-01-01")).await.is_empty());
    let own = chart.portal_user.get(format!("{trend}&as_of={then}")).await;
    own.expect_problem(403, "forbidden");
}

#[tokio::test]
async fn legal_holds_are_shown_as_they_stood() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let admin = clinic.user(Role::Admin).await;
    for place in [
        "/api/v1/patients/{patient_id}/legal-holds",
        "/api/v1/providers/{provider_id}/legal-holds",
    ] {
        let holds = chart.fill(place);
        let before = now(&clinic);
        let reason = json!({ "reason": "Litigation" });
        let placed = admin.post(&holds, reason).await.expect(201);
        let standing = now(&clinic);
        let lift = json!({ "reason": "Settled" });
        let lifted = admin
            .post(format!("{holds}/{}/lift", id(&placed)), lift)
            .await
            .expect(200);
        assert_eq!(items(&admin, &holds).await, std::slice::from_ref(&lifted));
        let then = items(&admin, &format!("{holds}?as_of={standing}")).await;
        assert_eq!(then, [placed]);
        assert!(
            items(&admin, &format!("{holds}?as_of={before}"))
                .await
                .is_empty()
        );
        let later = format!("{holds}?as_of={}", now(&clinic));
        assert_eq!(items(&admin, &later).await, [lifted]);
        let doctor = chart.doctor.get(&later).await;
        doctor.expect_problem(403, "forbidden");
    }
}

#[tokio::test]
async fn what_a_provider_attended_and_a_day_of_a_facility_are_shown_as_they_stood() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let admin = clinic.user(Role::Admin).await;
    let of_provider = chart.fill(
        "/api/v1/providers/{provider_id}/encounters?from=2026-11-30T00:00:00Z&to=2026-12-05T00:00:00Z",
    );
    let day = |day: u32| {
        chart.fill(&format!(
            "/api/v1/facilities/{{facility_id}}/encounters?date=2026-12-0{day}"
        ))
    };
    let ids = async |caller: &Caller, path: &str| {
        let items = items(caller, path).await;
        items.iter().map(id).collect::<Vec<_>>()
    };
    let encounter = chart.fill("{encounter_id}");
    let second = json!({ "class": "office_visit", "scheduled_start": "2026-12-01T11:00:00-05:00",
                         "facility_id": chart.fill("{facility_id}"), "attending_provider_id": chart.fill("{provider_id}") });
    let encounters = chart.fill("/api/v1/patients/{patient_id}/encounters");
    let second = id(&admin.post(&encounters, second).await.expect(201));
    let then = now(&clinic);
    let at = |path: &str| format!("{path}&as_of={then}");

    // One moves to the next day, the other to nobody.
    let moved = json!({ "scheduled_start": "2026-12-02T09:00:00-05:00" });
    admin
        .post(format!("{encounters}/{encounter}/reschedule"), moved)
        .await
        .expect(200);
    let nobody = json!({ "attending_provider_id": null });
    admin
        .patch(format!("{encounters}/{second}"), 1, nobody)
        .await
        .expect(200);
    assert_eq!(
        ids(&admin, &of_provider).await,
        std::slice::from_ref(&encounter)
    );
    assert_eq!(ids(&admin, &day(1)).await, std::slice::from_ref(&second));
    assert_eq!(ids(&admin, &day(2)).await, std::slice::from_ref(&encounter));

    let newest_first = [second.clone(), encounter.clone()];
    let as_the_day_goes = [encounter.clone(), second.clone()];
    assert_eq!(ids(&admin, &at(&of_provider)).await, newest_first);
    assert_eq!(ids(&admin, &at(&day(1))).await, as_the_day_goes);
    assert!(ids(&admin, &at(&day(2))).await.is_empty());
    for (list, order) in [
        (at(&of_provider), newest_first),
        (at(&day(1)), as_the_day_goes),
    ] {
        let first = format!("{list}&limit=1");
        let page = admin.get(&first).await.expect(200);
        assert_eq!(page["items"][0]["id"], order[0].as_str());
        let cursor = page["next_cursor"].as_str().expect("another page");
        assert_eq!(
            ids(&admin, &format!("{first}&cursor={cursor}")).await,
            order[1..]
        );
        let long_ago = list.replace(&then, "2001-01-01");
        assert!(ids(&admin, &long_ago).await.is_empty());
        assert_eq!(ids(&chart.doctor, &list).await, order);
        let stranger = clinic.user(Role::Provider).await;
        assert!(
            ids(&stranger, &list).await.is_empty(),
            "none of his patients"
        );
        let desk = clinic.user(Role::Staff).await;
        desk.get(&list).await.expect_problem(403, "forbidden");
    }
    let status = format!("{}&status=cancelled", at(&day(1)));
    assert!(ids(&admin, &status).await.is_empty());
    // Another organisation's, by the same ids.
    let elsewhere = TestTenant::new().await.user(Role::Admin).await;
    let strange = elsewhere.get(at(&of_provider)).await;
    strange.expect_problem(404, "not_found");
}

#[tokio::test]
async fn a_day_of_then_ends_where_the_organisation_is() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let admin = clinic.user(Role::Admin).await;
    let today: DateTime<Utc> = clinic.clock.now();
    // A place where it is another day than in UTC.
    let (zone, ended) = if today.hour() >= 10 {
        ("Pacific/Kiritimati", true)
    } else {
        ("Pacific/Pago_Pago", false)
    };
    let change = json!({ "time_zone": zone });
    admin.patch("/api/v1/tenant", 1, change).await.expect(200);
    let problem = chart.fill("/api/v1/patients/{patient_id}/problems/{problem_id}");
    if ended {
        // Of today as UTC has it the end is past there.
        let day = today.date_naive();
        let reply = chart.doctor.get(format!("{problem}?as_of={day}")).await;
        reply.expect_problem(404, "not_found");
    } else {
        // Yesterday as UTC has it goes on there.
        let day = (today - TimeDelta::days(1)).date_naive();
        let reply = chart.doctor.get(format!("{problem}?as_of={day}")).await;
        reply.expect(200);
    }
}

#[tokio::test]
async fn a_number_keeps_its_digits_when_something_else_is_changed_and_wherever_it_is_read() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let doctor = &chart.doctor;
    let goals = chart.fill("/api/v1/patients/{patient_id}/goals");
    let goal = r#"{ "description": "HbA1c", "targets": [{ "measure": { "system": "loinc", "code": "4548-4", "display": "HbA1c" },
                    "comparison": "less_than", "value": 7.50, "unit": "%" }] }"#;
    let made = doctor
        .send(Method::POST, &goals, &[], Some(goal.to_owned()))
        .await;
    let place = format!("{goals}/{}", id(&made.expect(201)));
    let then = now(&clinic);
    let change = json!({ "description": "HbA1c, carefully" });
    let changed = doctor.patch(&place, 1, change).await;
    assert!(changed.text.contains(r#""value":7.50"#), "{}", changed.text);
    let open_chart = chart.fill("/api/v1/patients/{patient_id}/chart");
    for path in [
        place.clone(),
        goals.clone(),
        open_chart.clone(),
        format!("{place}?as_of={then}"),
        format!("{goals}?as_of={then}"),
        format!("{open_chart}?as_of={then}"),
    ] {
        let shown = doctor.get(&path).await;
        assert!(
            shown.text.contains(r#""value":7.50"#),
            "{path}: {}",
            shown.text
        );
    }
}

#[tokio::test]
async fn vital_signs_are_listed_of_the_registration_they_belonged_to_then() {
    let case = Case::new().await;
    let (merged, survivor) = (&case.chart.patient, &case.survivor);
    let nurse = case.clinic.user(Role::Nurse).await;
    for patient in [merged, survivor] {
        let team = json!({ "user_id": nurse.user_id, "role": "other" });
        let joins = format!("/api/v1/patients/{patient}/care-team");
        case.admin.post(joins, team).await.expect(201);
    }
    let weigh = async |patient: &str, day: u8, kilograms: f64| {
        let at = format!("2024-05-{day:02}T09:35:00-04:00");
        let readings = [
            json!({ "kind": "weight", "value": kilograms, "unit": "kg" }),
            json!({ "kind": "height", "value": 170, "unit": "cm" }),
        ];
        let path = format!("/api/v1/patients/{patient}/vitals?confirm=true");
        let set = json!({ "measured_at": at, "readings": readings });
        nurse.post(path, set).await.expect(201);
    };
    weigh(merged, 1, 70.5).await;
    weigh(survivor, 2, 60.5).await;
    let span = "from=2024-05-01T00:00:00Z";
    let told = async |patient: &str, then: &str| {
        let read = async |of: &str| {
            let path = format!("/api/v1/patients/{patient}/{of}as_of={then}");
            case.admin.get(path).await.expect(200)
        };
        let weights = |one: &Value| one["canonical"]["value"].as_f64();
        let weight = |one: &Value| {
            let readings = one["readings"].as_array().expect("readings").clone();
            let mut of = readings.into_iter().filter(|one| one["kind"] == "weight");
            of.next().as_ref().and_then(weights)
        };
        let sets = read(&format!("vitals?{span}&kind=weight&")).await;
        let sets: Vec<_> = sets["items"].as_array().expect("sets").clone();
        for set in &sets {
            assert_eq!(set["patient_id"], json!(patient));
            assert!(set["derived"]["bmi"].is_number(), "{set}");
        }
        let trend = read(&format!("vitals/trend?{span}&kind=weight&")).await;
        let points = trend["series"][0]["points"].as_array().cloned();
        let points = points.unwrap_or_default();
        let points: Vec<_> = points.iter().map(|one| one["value"].as_f64()).collect();
        let latest = read("vitals/latest?since=2024-05-01T00:00:00Z&").await;
        let mut listed: Vec<_> = sets.iter().map(weight).collect();
        assert_eq!(weight(&latest), listed.first().copied().flatten());
        let chart = read("chart?").await["vitals"]["items"].clone();
        let shown = json!({ "readings": chart });
        assert_eq!(weight(&shown), weight(&latest));
        listed.reverse();
        assert_eq!(points, listed);
        listed.into_iter().flatten().collect::<Vec<f64>>()
    };
    let apart = now(&case.clinic);
    case.merge("").await;
    let joined = now(&case.clinic);
    let as_it_was = async || {
        assert_eq!(told(merged, &apart).await, [70.5]);
        assert_eq!(told(survivor, &apart).await, [60.5]);
        assert_eq!(told(survivor, &joined).await, [70.5, 60.5]);
    };
    as_it_was().await;
    case.unmerge().await;
    let again = now(&case.clinic);
    as_it_was().await;
    assert_eq!(told(merged, &again).await, [70.5]);
    assert_eq!(told(survivor, &again).await, [60.5]);
}
