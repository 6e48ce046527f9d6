//! Offers answered by the link in their message, and by two at once.

use chrono::TimeDelta;
use platform::db::SystemTx;
use scheduling::appointments::{Booker, Details, book_hold_in_tx};
use serde_json::{Value, json};
use sqlx::Row as _;

use super::flow_clinic::{Clinic, email};
use super::waiting::{answer, entry, hold_of, join, offer};
use crate::support::TestTenant;

const PLACE: &str = "/api/v1/offer-links/";

/// A clinic that writes of its offers.
async fn open() -> Clinic {
    let clinic = Clinic::by_day().await;
    let template = json!({ "purpose": "offer", "channel": "email", "subject": "A place",
                           "body": "{{first_name}}: {{date}} {{time}}, until {{deadline}}: {{link}}" });
    let made = clinic.admin.post("/api/v1/reminder-templates", template);
    made.await.expect(201);
    clinic
}

/// The link in the newest message.
fn link(clinic: &Clinic) -> String {
    let messages = clinic.tenant.outbox.messages();
    let body = &messages.last().expect("a message").body;
    let (_, from) = body.split_once("/visit#off_").expect("a link");
    let secret = from.split_whitespace().next().expect("a secret");
    format!("{PLACE}off_{secret}")
}

fn at(clinic: &Clinic, days: i64) -> Value {
    let start = clinic.in_(TimeDelta::days(days));
    json!([{ "from": start, "to": start + TimeDelta::minutes(30) }])
}

/// Somebody who waits, and his request, which is offered a place of its own.
async fn offered(clinic: &Clinic, name: &str, days: i64) -> (String, String) {
    let patient = clinic.patient(name, email("somebody@example.com")).await;
    let request = join(clinic, &patient, "urgent", at(clinic, days)).await;
    clinic.work().await;
    clinic.work().await;
    (patient, request)
}

async fn appointments(clinic: &Clinic, patient: &str) -> Vec<Value> {
    let path = format!("/api/v1/patients/{patient}/appointments");
    let page = clinic.admin.get(path).await.expect(200);
    page["items"].as_array().expect("items").clone()
}

#[tokio::test]
async fn an_offer_is_accepted_once_by_the_link_in_its_message_and_looking_changes_nothing() {
    let clinic = open().await;
    let (patient, request) = offered(&clinic, "Grace", 3).await;
    let (path, nobody) = (link(&clinic), clinic.tenant.nobody());
    for _ in 0..2 {
        let shown = nobody.get(&path).await;
        assert!(
            !shown.text.contains("Grace") && !shown.text.contains("Geheimnis"),
            "{}",
            shown.text
        );
        assert!(!shown.text.contains("Consultation"), "{}", shown.text);
        let shown = shown.expect(200);
        assert_eq!(shown["facility"], "Main Street Clinic");
        assert_eq!(shown["actions"], json!(["accept", "decline"]));
        for member in ["local_start", "local_deadline"] {
            let wall = shown[member].as_str().expect("a time of the wall");
            assert_eq!(wall.len(), "2027-03-09T10:00:00".len(), "{member}: {wall}");
        }
    }
    assert_eq!(entry(&clinic, &request).await["status"], "offered");
    let accepted = nobody.post(&path, json!({ "action": "accept" })).await;
    let call = accepted.headers["x-request-id"]
        .to_str()
        .expect("an id")
        .to_owned();
    accepted.expect(204);
    let record = sqlx::query("select role, action, patient_id::text as patient from app.phi_accesses where request_id = $1::uuid")
        .bind(&call)
        .fetch_one(&mut clinic.tenant.behind_the_curtain().await)
        .await
        .expect("a record");
    let text = |name: &str| record.get::<String, _>(name);
    assert_eq!(
        (text("role"), text("action"), text("patient")),
        ("system".to_owned(), "update".to_owned(), patient.clone())
    );
    let booked = appointments(&clinic, &patient).await;
    assert_eq!(
        (booked.len(), &booked[0]["booked_by_role"]),
        (1, &json!("patient"))
    );
    assert_eq!(entry(&clinic, &request).await["status"], "booked");
    nobody.get(&path).await.expect_problem(404, "not_found");
    for action in ["accept", "decline"] {
        let again = nobody.post(&path, json!({ "action": action })).await;
        again.expect_problem(404, "not_found");
    }
    assert_eq!(appointments(&clinic, &patient).await.len(), 1);
}

#[tokio::test]
async fn a_link_that_declines_makes_room_for_the_next_and_none_that_is_made_up_opens_anything() {
    let clinic = open().await;
    let second = clinic.patient("Second", email("second@example.com")).await;
    let (_, first) = offered(&clinic, "First", 3).await;
    let second = join(&clinic, &second, "low", at(&clinic, 3)).await;
    let (path, nobody) = (link(&clinic), clinic.tenant.nobody());
    let last = if path.ends_with('0') { '1' } else { '0' };
    let tampered = format!("{}{last}", &path[..path.len() - 1]);
    let other_kind = path.replace("off_", "apt_");
    let foreign = TestTenant::new().await;
    let (mine, theirs) = (
        clinic.tenant.id.0.simple().to_string(),
        foreign.id.0.simple().to_string(),
    );
    let elsewhere = path.replace(&mine, &theirs);
    assert_ne!(elsewhere, path);
    for wrong in [&tampered, &other_kind, &elsewhere, &format!("{PLACE}x")] {
        nobody.get(wrong).await.expect_problem(404, "not_found");
        let tried = nobody.post(wrong, json!({ "action": "accept" })).await;
        tried.expect_problem(404, "not_found");
    }
    nobody
        .post(&path, json!({ "action": "decline" }))
        .await
        .expect(204);
    clinic.work().await;
    assert_eq!(
        offer(&clinic.admin, &first).await.expect("his offer")["status"],
        "declined"
    );
    assert_eq!(
        offer(&clinic.admin, &second).await.expect("an offer")["status"],
        "open"
    );
    clinic.work().await;
    assert_ne!(link(&clinic), path, "the next one has a link of his own");
}

#[tokio::test]
async fn a_link_opens_nothing_after_the_deadline_or_once_the_offer_was_answered_otherwise() {
    let mut clinic = open().await;
    offered(&clinic, "First", 3).await;
    let (late, nobody) = (link(&clinic), clinic.tenant.nobody());
    clinic.wait(TimeDelta::minutes(125)).await;
    nobody.get(&late).await.expect_problem(404, "not_found");
    let tried = nobody.post(&late, json!({ "action": "accept" })).await;
    tried.expect_problem(404, "not_found");
    let (patient, request) = offered(&clinic, "Second", 4).await;
    let path = link(&clinic);
    let open = offer(&clinic.admin, &request).await.expect("an offer");
    answer(&clinic.admin, &open, "decline").await.expect(200);
    assert_eq!(nobody.get(&path).await.expect(200)["actions"], json!([]));
    let tried = nobody.post(&path, json!({ "action": "accept" })).await;
    tried.expect_problem(409, "illegal_transition");
    assert!(appointments(&clinic, &patient).await.is_empty());
}

#[tokio::test]
async fn an_offer_whose_place_is_gone_ends_when_its_link_accepts_and_the_next_one_is_asked() {
    let clinic = open().await;
    let next = clinic.patient("Next", json!([])).await;
    let (patient, request) = offered(&clinic, "First", 3).await;
    let (path, nobody) = (link(&clinic), clinic.tenant.nobody());
    let open = offer(&clinic.admin, &request).await.expect("an offer");
    let next = join(&clinic, &next, "low", at(&clinic, 3)).await;
    // Booked past the offer, and called off.
    let hold = hold_of(&clinic, &open).await;
    let now = clinic.tenant.clock.now();
    let tx = SystemTx::begin(&clinic.tenant.app.db, clinic.tenant.id);
    let mut tx = tx.await.expect("one");
    let details = Details::default();
    let booked = book_hold_in_tx(&mut tx, hold, None, &details, Booker::SYSTEM, now);
    let booked = booked.await.expect("it is booked");
    tx.commit().await.expect("a commit");
    clinic.step(&booked.to_string(), "cancel").await;
    let accept = json!({ "action": "accept" });
    let tried = nobody.post(&path, accept.clone()).await;
    tried.expect_problem(409, "offer_expired");
    let ended = offer(&clinic.admin, &request).await.expect("the offer");
    assert_eq!(
        (&ended["status"], &ended["appointment_id"]),
        (&json!("withdrawn"), &Value::Null)
    );
    assert_eq!(entry(&clinic, &request).await["status"], "waiting");
    nobody.get(&path).await.expect_problem(404, "not_found");
    let again = nobody.post(&path, accept).await;
    again.expect_problem(404, "not_found");
    clinic.work().await;
    let offers = [
        offer(&clinic.admin, &request).await,
        offer(&clinic.admin, &next).await,
    ];
    let open = offers.iter().flatten().filter(|it| it["status"] == "open");
    assert_eq!(open.count(), 1, "the place is offered anew: {offers:?}");
    let stand = appointments(&clinic, &patient).await;
    assert!(
        stand.iter().all(|it| it["status"] == "cancelled"),
        "{stand:?}"
    );
}

#[tokio::test]
async fn an_offer_accepted_through_two_doors_at_once_is_booked_once() {
    let clinic = open().await;
    for days in 3..8 {
        let (patient, request) = offered(&clinic, "Twice", days).await;
        let (path, nobody) = (link(&clinic), clinic.tenant.nobody());
        let open = offer(&clinic.admin, &request).await.expect("an offer");
        let accept = json!({ "action": "accept" });
        let (desk, message, again) = tokio::join!(
            answer(&clinic.admin, &open, "accept"),
            nobody.post(&path, accept.clone()),
            nobody.post(&path, accept.clone()),
        );
        let statuses = [desk.status, message.status, again.status];
        let done = statuses.iter().filter(|status| status.is_success()).count();
        assert_eq!(done, 1, "{statuses:?}");
        assert!(
            statuses
                .iter()
                .all(|status| status.is_success() || [404, 409].contains(&status.as_u16())),
            "{statuses:?}"
        );
        assert_eq!(appointments(&clinic, &patient).await.len(), 1);
    }
}

#[tokio::test]
async fn an_acceptance_that_races_the_deadline_is_booked_or_passed_on_never_both() {
    let mut clinic = open().await;
    for days in 3..8 {
        let (patient, request) = offered(&clinic, "Racer", days).await;
        let next = clinic.patient("Next", json!([])).await;
        let next = join(&clinic, &next, "low", at(&clinic, days)).await;
        clinic.work().await;
        let open = offer(&clinic.admin, &request).await.expect("an offer");
        clinic.wait(TimeDelta::minutes(119)).await;
        let deadline: chrono::DateTime<chrono::Utc> = open["deadline"]
            .as_str()
            .expect("a deadline")
            .parse()
            .expect("an instant");
        let left = deadline - clinic.tenant.clock.now();
        let (answered, ()) = tokio::join!(answer(&clinic.admin, &open, "accept"), async {
            tokio::time::sleep(std::time::Duration::from_millis(
                u64::try_from(days).expect("few"),
            ))
            .await;
            clinic.tenant.clock.advance(left);
            clinic.work().await;
        });
        clinic.work().await;
        let booked = appointments(&clinic, &patient).await.len();
        let passed_on = offer(&clinic.admin, &next).await.is_some();
        let status = offer(&clinic.admin, &request).await.expect("the offer")["status"].clone();
        if answered.status == 200 {
            assert_eq!((booked, passed_on, status), (1, false, json!("accepted")));
        } else {
            answered.expect_problem(409, "offer_expired");
            assert_eq!((booked, passed_on, status), (0, true, json!("expired")));
        }
    }
}

#[tokio::test]
async fn a_suspended_organisation_offers_nothing_and_its_links_open_nothing() {
    let clinic = open().await;
    let (_, request) = offered(&clinic, "First", 3).await;
    let (path, nobody) = (link(&clinic), clinic.tenant.nobody());
    let patient = clinic.patient("Second", email("second@example.com")).await;
    let waiting = join(&clinic, &patient, "low", at(&clinic, 4)).await;
    let tenant = &clinic.tenant;
    identity::tenants::suspend(&tenant.app, &tenant.slug)
        .await
        .expect("suspended");
    assert_eq!(clinic.work().await, 0, "its work waits");
    nobody.get(&path).await.expect_problem(404, "not_found");
    let tried = nobody.post(&path, json!({ "action": "accept" })).await;
    tried.expect_problem(404, "not_found");
    assert_eq!(tenant.outbox.messages().len(), 1);
    identity::tenants::reactivate(&tenant.app, &tenant.slug)
        .await
        .expect("reactivated");
    // Sessions ended with it.
    let admin = clinic
        .admin
        .with_token(Some(tenant.log_in(&clinic.admin.email).await));
    assert!(clinic.work().await > 0);
    assert!(offer(&admin, &waiting).await.is_some());
    nobody
        .post(&path, json!({ "action": "accept" }))
        .await
        .expect(204);
    let path = format!("/api/v1/waitlist/{request}");
    assert_eq!(admin.get(path).await.expect(200)["status"], "booked");
}

#[tokio::test]
async fn nobody_waits_for_another_tenants_patient_or_service() {
    let (ours, theirs) = (Clinic::by_day().await, Clinic::by_day().await);
    let foreign = theirs.patient("Theirs", json!([])).await;
    let own = ours.patient("Ours", json!([])).await;
    for (patient, service, pointer) in [
        (&foreign, &ours.service, "/patient_id"),
        (&own, &theirs.service, "/service_id"),
    ] {
        let new = json!({ "patient_id": patient, "service_id": service });
        let refused = ours.admin.post("/api/v1/waitlist", new).await;
        assert_eq!(refused.pointers(), [pointer]);
    }
    let wish = json!({ "patient_id": own, "service_id": ours.service, "provider_ids": [theirs.provider], "facility_id": theirs.facility });
    let refused = ours.admin.post("/api/v1/waitlist", wish).await;
    assert_eq!(refused.pointers(), ["/facility_id", "/provider_ids"]);
    let request = join(&theirs, &foreign, "low", at(&theirs, 3)).await;
    theirs.work().await;
    let offered = offer(&theirs.admin, &request).await.expect("an offer");
    let tried = answer(&ours.admin, &offered, "accept").await;
    tried.expect_problem(404, "not_found");
    let path = format!("/api/v1/waitlist/{request}");
    ours.admin.get(path).await.expect_problem(404, "not_found");
}
