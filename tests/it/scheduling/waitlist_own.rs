//! Who puts himself on the waitlist books himself: he is offered and gets what he could book, and is told what can never be.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::flow_clinic::{Clinic, email};
use super::waiting::{answer, offer};
use crate::support::{Caller, id};

const PLACE: &str = "/api/v1/waitlist";

/// The half hour from then on.
fn then(start: DateTime<Utc>) -> Value {
    json!([{ "from": start, "to": start + TimeDelta::minutes(30) }])
}

async fn most(clinic: &Clinic, open: i32, version: i64) {
    let rules = json!({ "max_open_appointments": open });
    let place = "/api/v1/scheduling/booking-rules";
    let changed = clinic.admin.patch(place, version, rules).await;
    changed.expect(200);
}

async fn asks(clinic: &Clinic, patient: &Caller, windows: Value) -> crate::support::Reply {
    let wish = json!({ "service_id": clinic.service, "windows": windows });
    patient.post(PLACE, wish).await
}

async fn accepting(clinic: &Clinic, version: i64, accepts: bool) {
    let place = format!("/api/v1/providers/{}", clinic.provider);
    let shut = json!({ "accepting_patients": accepts });
    let changed = clinic.admin.patch(place, version, shut).await;
    changed.expect(200);
}

/// A second doctor, who works all day.
async fn colleague(clinic: &Clinic) -> String {
    let who = json!({ "given_name": "Ben", "family_name": "Other" });
    let made = clinic.admin.post("/api/v1/providers", who).await;
    let colleague = id(&made.expect(201));
    clinic.open_all_day(&colleague).await;
    colleague
}

#[tokio::test]
async fn who_has_as_many_appointments_as_patients_may_book_gets_no_more_by_the_waitlist() {
    let clinic = Clinic::by_day().await;
    let (patient, her) = clinic.patient_with_account("Grace").await;
    most(&clinic, 2, 1).await;
    let start = clinic.in_(TimeDelta::days(3));
    clinic.book(&patient, clinic.in_(TimeDelta::days(10))).await;
    let entry = id(&asks(&clinic, &her, then(start)).await.expect(201));
    clinic.work().await;
    let offered = offer(&her, &entry).await.expect("an offer");
    // The hold of the offer is one of the two already, and is left out of account; another appointment is not.
    let another = clinic.book(&patient, clinic.in_(TimeDelta::days(11))).await;
    answer(&her, &offered, "accept")
        .await
        .expect_problem(409, "too_many_appointments");
    clinic.step(&another, "cancel").await;
    answer(&her, &offered, "accept").await.expect(200);
    // Now he has two.
    let service = json!({ "code": "MORE", "name": "More", "appointment_type": "consultation", "duration_minutes": 30,
                          "self_booking": true });
    let service = clinic.admin.post("/api/v1/scheduling/services", service);
    let more = id(&service.await.expect(201));
    let wish = json!({ "service_id": more, "windows": then(clinic.in_(TimeDelta::days(4))) });
    her.post(PLACE, wish.clone())
        .await
        .expect_problem(409, "too_many_appointments");
    // The office may ask for him, and he may accept what it asked for.
    let mut asked = wish;
    asked["patient_id"] = json!(patient);
    let entry = id(&clinic.admin.post(PLACE, asked).await.expect(201));
    clinic.work().await;
    let offered = offer(&her, &entry).await.expect("an offer");
    answer(&her, &offered, "accept").await.expect(200);
}

#[tokio::test]
async fn who_waits_at_his_own_wish_is_offered_nothing_when_he_has_enough_and_the_link_books_no_more()
 {
    let clinic = Clinic::by_day().await;
    let template = json!({ "purpose": "offer", "channel": "email", "subject": "A place", "body": "{{date}} {{time}}: {{link}}" });
    let made = clinic.admin.post("/api/v1/reminder-templates", template);
    made.await.expect(201);
    let (patient, her) = clinic.patient_with_account("Grace").await;
    let place = format!("/api/v1/patients/{patient}");
    let version = clinic.admin.get(&place).await.expect(200)["version"].clone();
    let reached = json!({ "telecoms": email("grace@example.com") });
    let version = version.as_i64().expect("a version");
    clinic
        .admin
        .patch(&place, version, reached)
        .await
        .expect(200);
    most(&clinic, 1, 1).await;
    let entry = asks(&clinic, &her, then(clinic.in_(TimeDelta::days(3)))).await;
    let entry = id(&entry.expect(201));
    clinic.work().await;
    clinic.work().await;
    let messages = clinic.tenant.outbox.messages();
    let body = &messages.last().expect("a message").body;
    let (_, secret) = body.split_once("/visit#").expect("a link");
    let link = format!("/api/v1/offer-links/{}", secret.trim());
    let booked = clinic.book(&patient, clinic.in_(TimeDelta::days(10))).await;
    let nobody = clinic.tenant.nobody();
    nobody
        .post(&link, json!({ "action": "accept" }))
        .await
        .expect_problem(409, "too_many_appointments");
    let offered = offer(&her, &entry).await.expect("an offer");
    answer(&her, &offered, "decline").await.expect(200);
    // While he has enough he is offered nothing.
    let path = format!("{PLACE}/{entry}");
    let now = clinic.admin.get(&path).await.expect(200);
    let elsewhen = json!({ "windows": then(clinic.in_(TimeDelta::days(5))) });
    let version = now["version"].as_i64().expect("a version");
    her.patch(&path, version, elsewhen).await.expect(200);
    clinic.work().await;
    let waits = clinic.admin.get(&path).await.expect(200);
    assert_eq!(waits["status"], "waiting");
    clinic.step(&booked, "cancel").await;
    let elsewhen = json!({ "windows": then(clinic.in_(TimeDelta::days(6))) });
    let version = waits["version"].as_i64().expect("a version");
    her.patch(&path, version, elsewhen).await.expect(200);
    clinic.work().await;
    assert_eq!(
        clinic.admin.get(&path).await.expect(200)["status"],
        "offered"
    );
}

#[tokio::test]
async fn who_waits_at_his_own_wish_is_not_offered_somebody_who_does_not_accept_him() {
    let clinic = Clinic::by_day().await;
    let (patient, her) = clinic.patient_with_account("Grace").await;
    let open = colleague(&clinic).await;
    accepting(&clinic, 1, false).await;
    let start = clinic.in_(TimeDelta::days(3));
    let named = json!({ "service_id": clinic.service, "provider_ids": [clinic.provider], "windows": then(start) });
    let refused = her.post(PLACE, named).await;
    assert_eq!(refused.pointers(), ["/provider_ids"]);
    let refused = refused.expect_problem(422, "validation_failed");
    assert_eq!(refused["errors"][0]["code"], "not_accepting");
    let entry = id(&asks(&clinic, &her, then(start)).await.expect(201));
    clinic.work().await;
    let offered = offer(&her, &entry).await.expect("an offer");
    assert_eq!(offered["provider_id"], json!(open));
    answer(&her, &offered, "decline").await.expect(200);
    // Nor is the place of somebody else with him passed on to her.
    let leaver = clinic.patient("Leaver", json!([])).await;
    let given_up = clinic.in_(TimeDelta::days(5));
    let freed = clinic.book(&leaver, given_up).await;
    clinic
        .admin
        .patch(
            format!("/api/v1/providers/{open}"),
            1,
            json!({ "status": "inactive" }),
        )
        .await
        .expect(200);
    let path = format!("{PLACE}/{entry}");
    let version = clinic.admin.get(&path).await.expect(200)["version"].clone();
    let version = version.as_i64().expect("a version");
    let then_only = json!({ "windows": then(given_up) });
    her.patch(&path, version, then_only).await.expect(200);
    clinic.work().await;
    clinic.step(&freed, "cancel").await;
    clinic.work().await;
    let waits = clinic.admin.get(&path).await.expect(200);
    assert_eq!(waits["status"], "waiting");
    // His own doctor has her all the same.
    let own = json!({ "primary_provider_id": clinic.provider });
    let chart = format!("/api/v1/patients/{patient}");
    let version = clinic.admin.get(&chart).await.expect(200)["version"].clone();
    let version = version.as_i64().expect("a version");
    clinic.admin.patch(&chart, version, own).await.expect(200);
    let version = waits["version"].as_i64().expect("a version");
    let named = json!({ "provider_ids": [clinic.provider] });
    her.patch(&path, version, named).await.expect(200);
    clinic.work().await;
    let offered = offer(&her, &entry).await.expect("an offer");
    assert_eq!(offered["provider_id"], json!(clinic.provider));
}

#[tokio::test]
async fn a_request_that_can_never_be_met_is_refused_and_says_why() {
    let clinic = Clinic::by_day().await;
    let patient = clinic.patient("Grace", json!([])).await;
    let now = clinic.tenant.clock.now();
    let heart =
        json!({ "given_name": "Eve", "family_name": "Heart", "specialties": ["Cardiology"] });
    let heart = clinic.admin.post("/api/v1/providers", heart).await;
    heart.expect(201);
    let skilled = json!({ "code": "HEART", "name": "Heart", "appointment_type": "consultation", "duration_minutes": 60,
                          "skills": ["cardiology"] });
    let skilled = clinic
        .admin
        .post("/api/v1/scheduling/services", skilled)
        .await;
    let heart = id(&skilled.expect(201));
    let window = |from: i64, minutes: i64| {
        let from = now + TimeDelta::days(from);
        json!([{ "from": from, "to": from + TimeDelta::minutes(minutes) }])
    };
    let asked = async |more: Value| {
        let mut wish = json!({ "patient_id": patient, "service_id": heart });
        for (name, value) in more.as_object().into_iter().flatten() {
            wish[name] = value.clone();
        }
        clinic.admin.post(PLACE, wish).await
    };
    for (wish, pointer, code) in [
        (
            json!({ "windows": window(-365, 240) }),
            "/windows",
            "in_the_past",
        ),
        (json!({ "windows": window(3, 20) }), "/windows", "too_short"),
        (
            json!({ "provider_ids": [clinic.provider] }),
            "/provider_ids",
            "lacks_skill",
        ),
    ] {
        let refused = asked(wish).await;
        assert_eq!(refused.pointers(), [pointer]);
        let problem = refused.expect_problem(422, "validation_failed");
        assert_eq!(problem["errors"][0]["code"], code);
    }
    // One that will do is enough; and what passes meanwhile is no reason not to change something else.
    let mut both = window(-365, 240);
    both.as_array_mut()
        .expect("windows")
        .extend(window(3, 60).as_array().expect("windows").clone());
    let made = asked(json!({ "windows": both })).await.expect(201);
    let path = format!("{PLACE}/{}", id(&made));
    let narrowed = clinic
        .admin
        .patch(&path, 1, json!({ "windows": window(3, 59) }))
        .await;
    assert_eq!(narrowed.pointers(), ["/windows"]);
}

#[tokio::test]
async fn an_offer_names_the_later_appointment_for_the_same_that_accepting_leaves() {
    let clinic = Clinic::by_day().await;
    let (patient, her) = clinic.patient_with_account("Grace").await;
    let later = clinic.book(&patient, clinic.in_(TimeDelta::days(20))).await;
    let start = clinic.in_(TimeDelta::days(3));
    let entry = id(&asks(&clinic, &her, then(start)).await.expect(201));
    clinic.work().await;
    let offered = offer(&her, &entry).await.expect("an offer");
    assert_eq!(offered["standing_appointment_id"], json!(later));
    let accepted = answer(&her, &offered, "accept").await.expect(200);
    assert_eq!(accepted["standing_appointment_id"], json!(later));
    clinic.step(&later, "cancel").await;
    let read = format!("/api/v1/waitlist-offers/{}", id(&offered));
    let read = her.get(read).await.expect(200);
    assert!(read.get("standing_appointment_id").is_none(), "{read}");
}
