//! Offers in the night, and those who were never answered.

use chrono::{DateTime, TimeDelta, Timelike as _, Utc};
use chrono_tz::America::New_York;
use serde_json::{Value, json};

use super::flow_clinic::{Clinic, email};
use super::waiting::{answer, entry, join, offer, starts_at};
use crate::support::id;

/// A clinic that writes of its offers; it is nine in the morning.
async fn open() -> Clinic {
    let clinic = Clinic::by_day().await;
    let template = json!({ "purpose": "offer", "channel": "email", "subject": "A place",
                           "body": "{{first_name}}: {{date}} {{time}}, until {{deadline}}: {{link}}" });
    let made = clinic.admin.post("/api/v1/reminder-templates", template);
    made.await.expect(201);
    clinic
}

/// Exactly that time.
fn then(start: DateTime<Utc>) -> Value {
    json!([{ "from": start, "to": start + TimeDelta::minutes(30) }])
}

fn deadline(offer: &Value) -> DateTime<Utc> {
    let text = offer["deadline"].as_str().expect("a deadline");
    text.parse().expect("an instant")
}

fn hour(at: DateTime<Utc>) -> (u32, u32) {
    let local = at.with_timezone(&New_York);
    (local.hour(), local.minute())
}

#[tokio::test]
async fn nobody_is_written_to_at_night_and_the_minutes_to_answer_begin_in_the_morning() {
    let mut clinic = open().await;
    let leaver = clinic.patient("Leaver", json!([])).await;
    let start = clinic.in_(TimeDelta::days(3));
    let freed = clinic.book(&leaver, start).await;
    let patient = clinic.patient("Grace", email("grace@example.com")).await;
    let request = join(&clinic, &patient, "urgent", then(start)).await;
    clinic.work().await;
    clinic.wait(TimeDelta::hours(13)).await;
    clinic.step(&freed, "cancel").await;
    clinic.work().await;
    clinic.work().await;
    let offered = offer(&clinic.admin, &request).await.expect("an offer");
    assert_eq!(
        (offered["status"].as_str(), starts_at(&offered)),
        (Some("open"), start)
    );
    assert_eq!(hour(deadline(&offered)), (10, 0), "two hours from eight on");
    assert!(
        clinic.tenant.outbox.messages().is_empty(),
        "it is ten in the evening"
    );
    clinic.wait(TimeDelta::minutes(570)).await;
    clinic.work().await;
    assert!(
        clinic.tenant.outbox.messages().is_empty(),
        "half past seven"
    );
    clinic.wait(TimeDelta::minutes(60)).await;
    clinic.work().await;
    assert_eq!(clinic.tenant.outbox.messages().len(), 1);
    clinic.wait(TimeDelta::minutes(60)).await;
    clinic.work().await;
    answer(&clinic.admin, &offered, "accept").await.expect(200);
    assert_eq!(entry(&clinic, &request).await["status"], "booked");
}

#[tokio::test]
async fn a_place_nobody_could_hear_of_in_time_is_not_offered_in_the_night() {
    let mut clinic = open().await;
    let leaver = clinic.patient("Leaver", json!([])).await;
    let (early, later) = (
        clinic.in_(TimeDelta::minutes(23 * 60 + 30)),
        clinic.in_(TimeDelta::minutes(24 * 60 + 30)),
    );
    let mut freed = Vec::new();
    let mut requests = Vec::new();
    for (name, start) in [("First", early), ("Second", later)] {
        freed.push(clinic.book(&leaver, start).await);
        let patient = clinic.patient(name, email("somebody@example.com")).await;
        requests.push(join(&clinic, &patient, "urgent", then(start)).await);
    }
    clinic.work().await;
    clinic.wait(TimeDelta::hours(13)).await;
    for appointment in &freed {
        clinic.step(appointment, "cancel").await;
    }
    clinic.work().await;
    // Half past eight is half an hour after anybody hears of it: a place is offered an hour before it begins.
    assert!(offer(&clinic.admin, &requests[0]).await.is_none());
    let offered = offer(&clinic.admin, &requests[1]).await.expect("an offer");
    assert_eq!(deadline(&offered), later, "before two hours are over");
}

#[tokio::test]
async fn who_did_not_answer_is_asked_again_after_a_week_and_by_day() {
    let mut clinic = open().await;
    let patient = clinic.patient("Grace", email("grace@example.com")).await;
    let from = clinic.in_(TimeDelta::days(2));
    let month = json!([{ "from": from, "to": from + TimeDelta::days(30) }]);
    let request = join(&clinic, &patient, "medium", month).await;
    clinic.work().await;
    let first = offer(&clinic.admin, &request).await.expect("an offer");
    clinic.wait(TimeDelta::minutes(125)).await;
    clinic.work().await;
    assert_eq!(entry(&clinic, &request).await["status"], "waiting");
    let look = async |clinic: &Clinic| {
        let tenant = &clinic.tenant;
        scheduling::nightly::turn(&tenant.app, tenant.id)
            .await
            .expect("the nightly turn");
        clinic.work().await;
    };
    clinic.wait(TimeDelta::days(1)).await;
    look(&clinic).await;
    let last = offer(&clinic.admin, &request).await.expect("the offer");
    assert_eq!(last["id"], first["id"], "he was asked yesterday");
    // Eleven in the evening of the eighth day.
    clinic.wait(TimeDelta::days(7) + TimeDelta::hours(12)).await;
    look(&clinic).await;
    let last = offer(&clinic.admin, &request).await.expect("the offer");
    assert_eq!(last["id"], first["id"], "nobody looks in the night");
    clinic.wait(TimeDelta::hours(10)).await;
    clinic.work().await;
    let again = offer(&clinic.admin, &request).await.expect("an offer");
    assert_ne!(again["id"], first["id"]);
    assert_eq!(again["status"], "open");
    clinic.work().await;
    assert_eq!(clinic.tenant.outbox.messages().len(), 2);
}

#[tokio::test]
async fn the_best_match_is_found_among_any_number_who_wait_longer() {
    let clinic = Clinic::by_day().await;
    let leaver = clinic.patient("Leaver", json!([])).await;
    let start = clinic.in_(TimeDelta::days(3));
    let freed = clinic.book(&leaver, start).await;
    let one = clinic.patient("One", json!([])).await;
    let copied = join(&clinic, &one, "low", then(start)).await;
    // Two thousand and some who have waited for a day, and have no priority.
    sqlx::query(
        "with copies as (
             insert into app.patients (tenant_id, id, mrn, names, sort_key, birth_date, sex, created_at, updated_at)
             select p.tenant_id, gen_random_uuid(), 'COPY' || n, p.names, p.sort_key, p.birth_date, p.sex, p.created_at, p.updated_at
               from app.patients p, generate_series(1, 2100) n where p.tenant_id = $1 and p.id = $2::uuid
             returning id)
         insert into app.waitlist_entries (tenant_id, id, patient_id, service_id, windows, priority, waiting_since, created_at, updated_at)
         select w.tenant_id, gen_random_uuid(), c.id, w.service_id, w.windows, w.priority, w.waiting_since - interval '1 day',
                w.created_at, w.updated_at
           from app.waitlist_entries w, copies c where w.tenant_id = $1 and w.id = $3::uuid",
    )
    .bind(clinic.tenant.id.0)
    .bind(&one)
    .bind(&copied)
    .execute(&mut clinic.tenant.behind_the_curtain().await)
    .await
    .expect("many wait");
    let urgent = clinic.patient("Urgent", json!([])).await;
    let urgent = join(&clinic, &urgent, "urgent", then(start)).await;
    clinic.step(&freed, "cancel").await;
    clinic.work().await;
    let offered = offer(&clinic.admin, &urgent).await.expect("an offer");
    assert_eq!(starts_at(&offered), start);
    // And of free time.
    answer(&clinic.admin, &offered, "decline").await.expect(200);
    let path = format!("/api/v1/waitlist/{urgent}/withdraw");
    let why = json!({ "reason": "Was seen elsewhere" });
    clinic.admin.post(path, why).await.expect(200);
    let holder = clinic.patient("Holder", json!([])).await;
    let wanted = json!({ "patient_id": holder, "service_id": clinic.service, "facility_id": clinic.facility,
                         "provider_id": clinic.provider, "starts_at": start, "ttl_minutes": 5 });
    let held = clinic.admin.post("/api/v1/holds", wanted).await;
    let flagged = clinic.patient("Flagged", json!([])).await;
    let settings = json!({ "triage": { "flags": { "pregnant": 300 } } });
    let rules = "/api/v1/scheduling/flow-settings";
    clinic.admin.patch(rules, 1, settings).await.expect(200);
    let wish = json!({ "patient_id": flagged, "service_id": clinic.service, "priority": "low", "flags": ["pregnant"],
                       "windows": then(start) });
    let flagged = id(&clinic
        .admin
        .post("/api/v1/waitlist", wish)
        .await
        .expect(201));
    let held = id(&held.expect(201));
    clinic
        .admin
        .act(format!("/api/v1/holds/{held}/release"))
        .await
        .expect(200);
    clinic.work().await;
    assert_eq!(
        offer(&clinic.admin, &flagged).await.expect("an offer")["status"],
        "open"
    );
}

#[tokio::test]
async fn a_room_and_a_service_that_are_opened_again_are_time_for_who_waits() {
    let clinic = Clinic::by_day().await;
    let assets = "/api/v1/scheduling/assets";
    let room = json!({ "facility_id": clinic.facility, "kind": "room", "asset_kind": "exam", "code": "R1", "name": "Exam 1",
                       "status": "inactive" });
    let room = id(&clinic.admin.post(assets, room).await.expect(201));
    let services = "/api/v1/scheduling/services";
    let service = json!({ "code": "EXAM", "name": "Examination", "appointment_type": "consultation", "duration_minutes": 30,
                          "room_kind": "exam" });
    let service = id(&clinic.admin.post(services, service).await.expect(201));
    let patient = clinic.patient("First", json!([])).await;
    let wish = json!({ "patient_id": patient, "service_id": service });
    let wants_room = id(&clinic
        .admin
        .post("/api/v1/waitlist", wish)
        .await
        .expect(201));
    let other = clinic.patient("Second", json!([])).await;
    let start = clinic.in_(TimeDelta::days(3));
    let wants_service = join(&clinic, &other, "medium", then(start)).await;
    let path = format!("{services}/{}", clinic.service);
    let closed = json!({ "status": "inactive" });
    clinic.admin.patch(&path, 1, closed).await.expect(200);
    clinic.work().await;
    assert!(
        offer(&clinic.admin, &wants_room).await.is_none(),
        "there is no room"
    );
    assert!(
        offer(&clinic.admin, &wants_service).await.is_none(),
        "it is not done"
    );
    let open = json!({ "status": "active" });
    clinic
        .admin
        .patch(format!("{assets}/{room}"), 1, open.clone())
        .await
        .expect(200);
    clinic.admin.patch(&path, 2, open).await.expect(200);
    clinic.work().await;
    assert!(offer(&clinic.admin, &wants_room).await.is_some());
    let offered = offer(&clinic.admin, &wants_service)
        .await
        .expect("an offer");
    assert_eq!(starts_at(&offered), start);
    // And a room that was never there.
    let third = clinic.patient("Third", json!([])).await;
    let rare = json!({ "code": "RARE", "name": "Rare", "appointment_type": "procedure", "duration_minutes": 30, "room_kind": "procedure" });
    let rare = id(&clinic.admin.post(services, rare).await.expect(201));
    let wish = json!({ "patient_id": third, "service_id": rare });
    let third = id(&clinic
        .admin
        .post("/api/v1/waitlist", wish)
        .await
        .expect(201));
    clinic.work().await;
    assert!(offer(&clinic.admin, &third).await.is_none());
    let room = json!({ "facility_id": clinic.facility, "kind": "room", "asset_kind": "procedure", "code": "P1", "name": "Procedure 1" });
    clinic.admin.post(assets, room).await.expect(201);
    clinic.work().await;
    assert!(offer(&clinic.admin, &third).await.is_some());
}
