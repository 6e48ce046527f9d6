//! Every operation refuses every kind of stranger: without a token, with a dead one, of the wrong role, from another tenant,
//! another patient.

use std::collections::BTreeSet;

use axum::http::Method;
use platform::access::Role;
use serde_json::{Value, json};

use super::made_by_jobs::made_by_jobs;
use super::openapi::{example, is_form, known_by, operations, required_query, unlike_the_document};
use crate::support::{Caller, Chart, TestTenant, id};

/// Operations a stranger may knock at: those with a permission.
fn guarded() -> impl Iterator<Item = (String, Method, Value)> {
    operations(&chartwell::document())
        .into_iter()
        .filter(|(_, _, operation)| !operation["x-permission"].is_null())
}

fn body(operation: &Value) -> Option<String> {
    operation["requestBody"].is_object().then(|| {
        example(&chartwell::document(), operation)
            .unwrap_or(json!({}))
            .to_string()
    })
}

fn headers(method: &Method) -> Vec<(&'static str, &'static str)> {
    if method == Method::PATCH {
        vec![
            ("if-match", "\"1\""),
            ("content-type", "application/merge-patch+json"),
        ]
    } else {
        Vec::new()
    }
}

#[tokio::test]
async fn nobody_gets_in_without_a_token_or_with_a_dead_one() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let nobody = clinic.nobody();
    let forged = nobody.with_token(Some("eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.".to_owned()));
    let mut tampered = admin.token.clone().expect("a token");
    let flipped = if tampered.pop() == Some('A') {
        'B'
    } else {
        'A'
    };
    tampered.push(flipped);
    let tampered = admin.with_token(Some(tampered));
    for (path, method, operation) in guarded() {
        let path = clinic.absent_chart().fill(&path);
        for (who, caller, code) in [
            ("without a token", &nobody, "token_missing"),
            ("with alg none", &forged, "token_invalid"),
            ("with a tampered token", &tampered, "token_invalid"),
        ] {
            let reply = caller
                .send(method.clone(), &path, &headers(&method), body(&operation))
                .await;
            assert_eq!(reply.status, 401, "{method} {path} {who}: {}", reply.text);
            assert_eq!(reply.json()["code"], code, "{method} {path} {who}");
        }
    }
    clinic.clock.advance(chrono::TimeDelta::minutes(11));
    for (path, method, operation) in guarded() {
        let path = clinic.absent_chart().fill(&path);
        let reply = admin
            .send(method.clone(), &path, &headers(&method), body(&operation))
            .await;
        assert_eq!(
            reply.status, 401,
            "{method} {path} with an expired token: {}",
            reply.text
        );
    }
}

#[tokio::test]
async fn a_role_without_the_permission_is_refused() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    for role in Role::ALL {
        let caller = clinic.user(role).await;
        for (path, method, operation) in guarded() {
            let allowed = operation["x-roles"]
                .as_array()
                .expect("roles")
                .iter()
                .any(|name| name == role.as_str());
            if allowed {
                continue;
            }
            let reply = caller
                .send(
                    method.clone(),
                    &(chart.fill(&path) + &required_query(&operation)),
                    &headers(&method),
                    body(&operation),
                )
                .await;
            assert_eq!(
                reply.status,
                403,
                "{method} {path} as {}: {}",
                role.as_str(),
                reply.text
            );
        }
    }
}

#[tokio::test]
async fn another_tenants_ids_are_ids_that_do_not_exist() {
    let ours = TestTenant::new().await;
    let theirs = TestTenant::new().await;
    let chart = chart_with_everything(&theirs).await;
    // An id made up would be asked about in vain: all there can be are there.
    let unknown: BTreeSet<String> = guarded()
        .flat_map(|(path, _, _)| names(&path).map(str::to_owned).collect::<Vec<_>>())
        .filter(|name| !chart.ids.contains_key(name))
        .collect();
    assert_eq!(
        unknown,
        NOT_MADE.map(|(name, _)| name.to_owned()).into(),
        "names of paths without anything of another tenant's"
    );
    let document = chartwell::document();
    let mut asked = 0;
    for role in Role::ALL {
        let caller = ours.user(role).await;
        for (path, method, operation) in guarded() {
            let may = operation["x-roles"]
                .as_array()
                .expect("roles")
                .iter()
                .any(|name| name == role.as_str());
            if !may || !path.contains('{') {
                continue;
            }
            let send = |path: String| {
                let (caller, method, operation) =
                    (caller.clone(), method.clone(), operation.clone());
                async move {
                    caller
                        .send(method.clone(), &path, &headers(&method), body(&operation))
                        .await
                }
            };
            let foreign = send(chart.fill(&path)).await;
            let absent = send(ours.absent_chart().fill(&path)).await;
            assert_eq!(
                foreign.status,
                404,
                "{method} {path} as {}: {}",
                role.as_str(),
                foreign.text
            );
            assert_eq!(
                without_request_id(foreign.json()),
                without_request_id(absent.json()),
                "{method} {path}"
            );
            assert_eq!(unlike_the_document(&document, &operation, &foreign), None);
            asked += 1;
        }
    }
    assert!(asked > 50, "only {asked} were asked");
}

/// Ids of the house and of the world. A path that names any other is asked for as one of a patient, tomorrow's too.
const OF_THE_HOUSE: &[&str] = &[
    "asset_id",
    "assignment_id",
    "certification_id",
    "code",
    "department_id",
    "exception_id",
    "facility_id",
    "feed_id",
    "forecast_id",
    "holiday_id",
    "license_id",
    "limit_id",
    "number",
    "plan_id", // a plan of days and places, whoever may plan
    "policy_id",
    "provider_id",
    "reminder_template_id",
    "service_id",
    "session_id",
    "shift_id",
    "staff_id",
    "supervision_id",
    "system",
    "template_id",
    "user_id",
    "working_time_id",
];

/// Names of paths of which nothing is made here: they are of the world.
const NOT_MADE: [(&str, &str); 2] = [
    ("code", "a code of the world, the same for every tenant"),
    ("system", "a code system of the world"),
];

/// The names in a path.
fn names(path: &str) -> impl Iterator<Item = &str> {
    path.split('/')
        .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
}

/// Whether the path names something of one patient.
fn is_of_a_patient(path: &str) -> bool {
    names(path).any(|name| !OF_THE_HOUSE.contains(&name))
}

/// A chart, and what only these tests ask for: a request to amend, an upload that is not at its end, a wait for a place, a note
/// that waits for a co-signature, things of the house, whatever the examples of the document make, and what comes of jobs.
pub(super) async fn chart_with_everything(clinic: &TestTenant) -> Chart {
    let mut chart = Chart::open(clinic).await;
    let admin = clinic.user(Role::Admin).await;
    let amend = json!({ "resource": { "type": "problem", "id": chart.ids["problem_id"] },
        "request": "Not mine", "reason": "mixed up" });
    let amend = chart.portal_user.post(
        format!("/api/v1/patients/{}/amendment-requests", chart.patient),
        amend,
    );
    let label = json!({ "category": "clinical", "kind": "other", "title": "Chart", "document_date": "2020-01-01" });
    let upload = json!({ "patient_id": chart.patient, "document": label, "filename": "big.txt",
        "content_type": "text/plain", "size": 10 });
    let upload = chart.doctor.post("/api/v1/documents/uploads", upload);
    let wait = json!({ "patient_id": chart.patient, "service_id": chart.ids["service_id"] });
    let wait = admin.post("/api/v1/waitlist", wait);
    let made = [
        ("amendment_request_id", id(&amend.await.expect(201))),
        ("upload_id", id(&upload.await.expect(201))),
        ("waitlist_entry_id", id(&wait.await.expect(201))),
    ];
    let supervised =
        json!({ "user_id": chart.nurse.user_id, "supervisor_id": chart.doctor.user_id });
    let supervised = admin.post("/api/v1/note-supervisions", supervised);
    let feed = json!({ "name": "Telephone", "provider_id": chart.ids["provider_id"] });
    let feed = admin.post("/api/v1/calendar-feeds", feed);
    visited(clinic, &chart, 60).await;
    let forecast = json!({ "facility_id": chart.ids["facility_id"], "horizon_days": 7 });
    let forecast = admin.post("/api/v1/scheduling/forecasts", forecast);
    let of_the_house = [
        ("supervision_id", id(&supervised.await.expect(201))),
        ("feed_id", id(&feed.await.expect(201))),
        ("forecast_id", id(&forecast.await.expect(201))),
    ];
    let note = json!({ "type": "nursing", "content": { "body": "Ate little." } });
    let notes = format!("/api/v1/patients/{}/notes", chart.patient);
    let note = id(&chart.nurse.post(notes, note).await.expect(201));
    let text = json!({ "text_number": 1 });
    let signed = chart.nurse.post(format!("/api/v1/notes/{note}/sign"), text);
    signed.await.expect(200);
    let waiting = chart.doctor.get("/api/v1/cosignatures").await.expect(200);
    let waiting = ("cosignature_id", id(&waiting["items"][0]));
    let sessions = admin.get("/api/v1/auth/sessions").await.expect(200);
    let session = ("session_id", id(&sessions["items"][0]));
    let made = made.into_iter().chain(of_the_house);
    let made = made.chain([waiting, session]);
    chart
        .ids
        .extend(made.map(|(name, id)| (name.to_owned(), id)));
    make_by_examples(&admin, &mut chart).await;
    let by_jobs = made_by_jobs(clinic, &admin, &chart).await;
    let by_jobs = by_jobs.map(|(name, id)| (name.to_owned(), id));
    chart.ids.extend(by_jobs);
    chart
}

/// A visit of the patient's on each of so many days before today: there is nothing to forecast from without them.
async fn visited(clinic: &TestTenant, chart: &Chart, days: i32) {
    sqlx::query(
        "insert into app.appointments (tenant_id, id, patient_id, service_id, facility_id, type, status, starts_at, ends_at,
                                       time_zone, local_start, booked_by_role, created_at, updated_at)
         select $1, gen_random_uuid(), $2::uuid, $3::uuid, $4::uuid, 'consultation', 'completed', at, at + interval '30 minutes',
                'America/New_York', at at time zone 'America/New_York', 'staff', at - interval '3 days', at
           from generate_series(1, $5) as day, lateral (select date_trunc('day', now()) - day * interval '1 day' + interval '15 hours' as at) a",
    )
    .bind(clinic.id.0)
    .bind(&chart.patient)
    .bind(&chart.ids["service_id"])
    .bind(&chart.ids["facility_id"])
    .bind(days)
    .execute(&mut clinic.behind_the_curtain().await)
    .await
    .expect("visits");
}

/// Adds what the examples of the document make. The answers carry the headers it says.
async fn make_by_examples(admin: &Caller, chart: &mut Chart) {
    let document = chartwell::document();
    let all = operations(&document);
    let mut unlike = Vec::new();
    for (path, method, operation) in &all {
        let creates = *method == Method::POST && operation["responses"]["201"].is_object();
        let roles = operation["x-roles"].as_array().cloned().unwrap_or_default();
        if !creates || is_form(operation) || operation["x-permission"].is_null() {
            continue;
        }
        let caller = if roles.iter().any(|role| role == "admin") {
            admin
        } else {
            &chart.doctor
        };
        let example = example(&document, operation).unwrap_or(json!({}));
        let body = chart.localise(example).to_string();
        let reply = caller
            .send(Method::POST, &chart.fill(path), &[], Some(body))
            .await;
        unlike.extend(unlike_the_document(&document, operation, &reply));
        let place = reply.headers.get("location");
        let Some(place) = place.and_then(|place| place.to_str().ok()) else {
            continue;
        };
        for (name, id) in known_by(all.iter().map(|(path, _, _)| path.as_str()), place) {
            chart.ids.entry(name).or_insert(id);
        }
    }
    assert!(unlike.is_empty(), "{unlike:#?}");
}

/// Where an operation is asked for what was, if it tells of that.
fn of_the_past(operation: &Value, place: &str) -> Option<String> {
    let mut parameters = operation["parameters"].as_array()?.iter();
    let sign = if place.contains('?') { '&' } else { '?' };
    parameters
        .any(|one| one["name"] == "as_of")
        .then(|| format!("{place}{sign}as_of=2150-01-01"))
}

/// Asks for everything of a patient that the role may ask for, as it is and as it stood; each is an id that does not exist.
async fn finds_nothing(stranger: &Caller, role: Role, chart: &Chart) {
    let (mut asked, mut found) = (0, Vec::new());
    for (path, method, operation) in guarded() {
        let may = operation["x-roles"]
            .as_array()
            .expect("roles")
            .iter()
            .any(|name| name == role.as_str());
        if !may || !is_of_a_patient(&path) {
            continue;
        }
        let place = chart.fill(&path) + &required_query(&operation);
        // Patients read no past.
        let then = of_the_past(&operation, &place).filter(|_| role != Role::Patient);
        for place in [Some(place), then].into_iter().flatten() {
            let reply = stranger
                .send(method.clone(), &place, &headers(&method), body(&operation))
                .await;
            if reply.status != 404 {
                found.push(format!("{method} {place}: {} {}", reply.status, reply.text));
            }
        }
        asked += usize::from(!path.contains("{patient_id}"));
    }
    assert!(found.is_empty(), "{}: {found:#?}", role.as_str());
    assert!(asked > 15, "only {asked} that do not name the patient");
}

#[tokio::test]
async fn a_patient_sees_no_chart_but_his_own() {
    let clinic = TestTenant::new().await;
    let chart = chart_with_everything(&clinic).await;
    let patient = clinic.user(Role::Patient).await;
    finds_nothing(&patient, Role::Patient, &chart).await;
}

#[tokio::test]
async fn a_clinician_sees_no_chart_of_a_patient_he_does_not_care_for() {
    let clinic = TestTenant::new().await;
    let chart = chart_with_everything(&clinic).await;
    for role in [Role::Provider, Role::Nurse] {
        let stranger = clinic.user(role).await;
        finds_nothing(&stranger, role, &chart).await;
    }
}

#[tokio::test]
async fn another_organisation_finds_nothing_as_it_stood_either() {
    let chart = chart_with_everything(&TestTenant::new().await).await;
    let elsewhere = TestTenant::new().await.user(Role::Admin).await;
    finds_nothing(&elsewhere, Role::Admin, &chart).await;
}

fn without_request_id(mut problem: Value) -> Value {
    problem["request_id"] = Value::Null;
    problem
}
