//! The waitlist: a place that becomes free goes to the one with the most points, then to the next.

use chrono::{DateTime, TimeDelta, Utc};
use platform::access::Role;
use serde_json::{Value, json};

use super::flow_clinic::{Clinic, email};
use super::waiting::{answer, entry, join, offer};
use crate::support::id;

/// Exactly that time.
fn then(start: DateTime<Utc>) -> Value {
    json!([{ "from": start, "to": start + TimeDelta::minutes(30) }])
}

#[tokio::test]
async fn a_cancelled_place_is_offered_declined_offered_to_the_next_and_accepted() {
    let clinic = Clinic::by_day().await;
    let (first, her) = clinic.patient_with_account("First").await;
    let second = clinic.patient("Second", json!([])).await;
    let third = clinic.patient("Third", json!([])).await;
    let start = clinic.in_(TimeDelta::days(3));
    let given_up = clinic.patient("Leaver", json!([])).await;
    let freed = clinic.book(&given_up, start).await;
    let low = join(&clinic, &third, "low", then(start)).await;
    let high = join(&clinic, &second, "high", then(start)).await;
    let urgent = join(&clinic, &first, "urgent", then(start)).await;
    clinic.work().await;
    clinic.step(&freed, "cancel").await;
    clinic.work().await;

    let offered = offer(&her, &urgent).await.expect("an offer");
    assert_eq!(offered["status"], "open");
    assert!(
        offered.get("triage").is_none(),
        "points are not for patients"
    );
    assert_eq!(entry(&clinic, &urgent).await["status"], "offered");
    assert!(offer(&clinic.admin, &high).await.is_none(), "one at a time");
    // The place is held: nobody else can book it.
    let other = clinic.patient("Other", json!([])).await;
    let wanted = json!({ "patient_id": other, "service_id": clinic.service, "facility_id": clinic.facility,
                         "provider_id": clinic.provider, "starts_at": start });
    clinic
        .admin
        .post("/api/v1/appointments", wanted.clone())
        .await
        .expect_problem(409, "slot_taken");

    assert_eq!(
        answer(&her, &offered, "decline").await.expect(200)["status"],
        "declined"
    );
    answer(&her, &offered, "accept")
        .await
        .expect_problem(409, "illegal_transition");
    assert_eq!(entry(&clinic, &urgent).await["status"], "waiting");
    clinic.work().await;
    let offered = offer(&clinic.admin, &high).await.expect("an offer");
    let parts = offered["triage"]["parts"].as_array().expect("parts");
    let sum: i64 = parts
        .iter()
        .map(|part| part["points"].as_i64().expect("points"))
        .sum();
    assert_eq!(offered["triage"]["score"], json!(sum));
    let accepted = answer(&clinic.admin, &offered, "accept").await.expect(200);
    let booked = accepted["appointment_id"]
        .as_str()
        .expect("an appointment")
        .to_owned();
    let booked = clinic
        .admin
        .get(format!("/api/v1/appointments/{booked}"))
        .await
        .expect(200);
    assert_eq!(
        (
            &booked["patient_id"],
            &booked["starts_at"],
            &booked["status"]
        ),
        (&json!(second), &json!(start), &json!("scheduled"))
    );
    assert_eq!(entry(&clinic, &high).await["status"], "booked");
    clinic.work().await;
    assert!(
        offer(&clinic.admin, &low).await.is_none(),
        "the place is taken"
    );
    clinic
        .admin
        .post("/api/v1/appointments", wanted)
        .await
        .expect_problem(409, "slot_taken");
}

#[tokio::test]
async fn who_does_not_answer_in_time_makes_room_for_the_next() {
    let mut clinic = Clinic::by_day().await;
    let offer_template = json!({ "purpose": "offer", "channel": "email", "subject": "A place",
                                 "body": "{{first_name}}: {{date}} {{time}}, until {{deadline}}" });
    clinic
        .admin
        .post("/api/v1/reminder-templates", offer_template)
        .await
        .expect(201);
    let first = clinic.patient("First", email("first@example.com")).await;
    let second = clinic.patient("Second", email("second@example.com")).await;
    let given_up = clinic.patient("Leaver", json!([])).await;
    let start = clinic.in_(TimeDelta::days(3));
    let freed = clinic.book(&given_up, start).await;
    let urgent = join(&clinic, &first, "urgent", then(start)).await;
    let high = join(&clinic, &second, "high", then(start)).await;
    clinic.work().await;
    clinic.step(&freed, "cancel").await;
    clinic.work().await;
    clinic.work().await;
    let offered = offer(&clinic.admin, &urgent).await.expect("an offer");
    assert_eq!(clinic.tenant.outbox.messages().len(), 1);
    assert!(
        clinic.tenant.outbox.messages()[0]
            .body
            .starts_with("First: ")
    );
    clinic.wait(TimeDelta::minutes(125)).await;
    answer(&clinic.admin, &offered, "accept")
        .await
        .expect_problem(409, "offer_expired");
    clinic.work().await;
    let late = offer(&clinic.admin, &urgent).await.expect("the offer");
    assert_eq!(late["status"], "expired");
    assert_eq!(entry(&clinic, &urgent).await["status"], "waiting");
    let offered = offer(&clinic.admin, &high)
        .await
        .expect("the next one's offer");
    answer(&clinic.admin, &offered, "accept").await.expect(200);
    // Everybody who could have it has been asked once.
    assert_eq!(clinic.tenant.outbox.messages().len(), 2);
}

#[tokio::test]
async fn a_place_goes_only_to_who_could_come_then() {
    let clinic = Clinic::by_day().await;
    let start = clinic.in_(TimeDelta::days(3));
    let given_up = clinic.patient("Leaver", json!([])).await;
    let freed = clinic.book(&given_up, start).await;
    let elsewhere = json!({ "code": "ELSE", "name": "Elsewhere", "time_zone": "America/New_York" });
    let elsewhere = id(&clinic
        .admin
        .post("/api/v1/facilities", elsewhere)
        .await
        .expect(201));
    let colleague = json!({ "given_name": "Grace", "family_name": "Hopper" });
    let colleague = id(&clinic
        .admin
        .post("/api/v1/providers", colleague)
        .await
        .expect(201));
    let mut unfit = Vec::new();
    for wish in [
        json!({ "facility_id": elsewhere, "windows": then(start) }),
        json!({ "provider_ids": [colleague], "windows": then(start) }),
    ] {
        let mut new = wish;
        new["patient_id"] = json!(clinic.patient("Unfit", json!([])).await);
        new["service_id"] = json!(clinic.service);
        new["priority"] = json!("urgent");
        unfit.push(id(&clinic
            .admin
            .post("/api/v1/waitlist", new)
            .await
            .expect(201)));
    }
    clinic.open_all_day(&colleague).await;
    // Booked elsewhere at that time.
    let busy = clinic.patient("Busy", json!([])).await;
    let other = json!({ "patient_id": busy, "service_id": clinic.service, "facility_id": clinic.facility,
                        "provider_id": colleague, "starts_at": start + TimeDelta::minutes(10) });
    clinic
        .admin
        .post("/api/v1/appointments", other)
        .await
        .expect(201);
    unfit.push(join(&clinic, &busy, "urgent", then(start)).await);
    // He who gave it up.
    unfit.push(join(&clinic, &given_up, "urgent", then(start)).await);
    let fit = clinic.patient("Fit", json!([])).await;
    let fit = join(&clinic, &fit, "low", then(start)).await;
    clinic.work().await;
    clinic.step(&freed, "cancel").await;
    clinic.work().await;
    for entry in unfit {
        assert!(offer(&clinic.admin, &entry).await.is_none());
    }
    assert!(offer(&clinic.admin, &fit).await.is_some());
}

#[tokio::test]
async fn a_request_that_is_withdrawn_hands_its_offer_on() {
    let clinic = Clinic::by_day().await;
    let given_up = clinic.patient("Leaver", json!([])).await;
    let start = clinic.in_(TimeDelta::days(3));
    let freed = clinic.book(&given_up, start).await;
    let first = clinic.patient("First", json!([])).await;
    let first = join(&clinic, &first, "urgent", then(start)).await;
    let (second, him) = clinic.patient_with_account("Second").await;
    let second = join(&clinic, &second, "low", then(start)).await;
    clinic.work().await;
    clinic.step(&freed, "cancel").await;
    clinic.work().await;
    let gone = clinic
        .admin
        .post(
            format!("/api/v1/waitlist/{first}/withdraw"),
            json!({ "reason": "Was seen elsewhere" }),
        )
        .await
        .expect(200);
    assert_eq!(gone["status"], "withdrawn");
    clinic.work().await;
    assert_eq!(
        offer(&clinic.admin, &first).await.expect("his offer")["status"],
        "withdrawn"
    );
    let offered = offer(&him, &second).await.expect("an offer");
    assert_eq!(offered["status"], "open");
    // A patient accepts his own, and nobody's else.
    let (_, another) = clinic.patient_with_account("Another").await;
    answer(&another, &offered, "accept")
        .await
        .expect_problem(404, "not_found");
    let accepted = answer(&him, &offered, "accept").await.expect(200);
    let mine = format!(
        "/api/v1/appointments/{}",
        accepted["appointment_id"].as_str().expect("an appointment")
    );
    assert_eq!(him.get(mine).await.expect(200)["status"], "scheduled");
}

#[tokio::test]
async fn a_patient_waits_for_himself_and_says_nothing_of_his_rank() {
    let clinic = Clinic::by_day().await;
    let (patient, him) = clinic.patient_with_account("Self").await;
    let other = clinic.patient("Other", json!([])).await;
    let start = clinic.in_(TimeDelta::days(3));
    let theirs = join(&clinic, &other, "low", then(start)).await;
    let new = json!({ "service_id": clinic.service });
    for (member, value) in [
        ("priority", json!("urgent")),
        ("flags", json!(["pregnant"])),
        ("patient_id", json!(other)),
    ] {
        let mut pushy = new.clone();
        pushy[member] = value;
        let refused = him.post("/api/v1/waitlist", pushy).await;
        assert_eq!(refused.pointers(), [format!("/{member}")]);
    }
    let made = him.post("/api/v1/waitlist", new.clone()).await.expect(201);
    assert_eq!(made["patient_id"], json!(patient));
    assert!(made.get("triage").is_none());
    him.post("/api/v1/waitlist", new)
        .await
        .expect_problem(409, "already_waiting");
    let listed = him.get("/api/v1/waitlist").await.expect(200);
    assert_eq!(listed["items"].as_array().expect("items").len(), 1);
    him.get(format!("/api/v1/waitlist/{theirs}"))
        .await
        .expect_problem(404, "not_found");
    him.patch(
        format!("/api/v1/waitlist/{}", id(&made)),
        1,
        json!({ "priority": "high" }),
    )
    .await
    .expect_problem(422, "validation_failed");
    let nurse = clinic.tenant.user(Role::Nurse).await;
    nurse
        .get(format!("/api/v1/waitlist/{theirs}"))
        .await
        .expect_problem(404, "not_found");
}

#[tokio::test]
async fn the_tenants_rules_decide_who_is_first() {
    let clinic = Clinic::by_day().await;
    let patch = json!({ "triage": { "flags": { "pregnant": 500 } } });
    clinic
        .admin
        .patch("/api/v1/scheduling/flow-settings", 1, patch)
        .await
        .expect(200);
    let start = clinic.in_(TimeDelta::days(3));
    let given_up = clinic.patient("Leaver", json!([])).await;
    let freed = clinic.book(&given_up, start).await;
    let urgent = clinic.patient("Urgent", json!([])).await;
    let urgent = join(&clinic, &urgent, "urgent", then(start)).await;
    let pregnant = clinic.patient("Pregnant", json!([])).await;
    let new = json!({ "patient_id": pregnant, "service_id": clinic.service, "flags": ["pregnant"],
                      "windows": then(start) });
    let pregnant = id(&clinic.admin.post("/api/v1/waitlist", new).await.expect(201));
    let shown = entry(&clinic, &pregnant).await;
    assert_eq!(shown["triage"]["score"], 520, "{shown}");
    clinic.work().await;
    clinic.step(&freed, "cancel").await;
    clinic.work().await;
    assert!(offer(&clinic.admin, &pregnant).await.is_some());
    assert!(offer(&clinic.admin, &urgent).await.is_none());
    let bad = json!({ "triage": { "priority": { "low": 100 } } });
    let refused = clinic
        .admin
        .patch("/api/v1/scheduling/flow-settings", 2, bad)
        .await;
    assert_eq!(refused.pointers(), ["/triage/priority"]);
}

#[tokio::test]
async fn who_has_died_waits_no_more_and_what_he_was_offered_goes_to_the_next() {
    let clinic = Clinic::by_day().await;
    let start = clinic.in_(TimeDelta::days(3));
    let given_up = clinic.patient("Leaver", json!([])).await;
    let freed = clinic.book(&given_up, start).await;
    let patient = clinic.patient("First", json!([])).await;
    let first = join(&clinic, &patient, "urgent", then(start)).await;
    let second = clinic.patient("Second", json!([])).await;
    let second = join(&clinic, &second, "low", then(start)).await;
    clinic.work().await;
    clinic.step(&freed, "cancel").await;
    clinic.work().await;
    assert_eq!(entry(&clinic, &first).await["status"], "offered");
    let died = json!({ "status": "deceased" });
    let path = format!("/api/v1/patients/{patient}/status");
    clinic.admin.post(path, died).await.expect(200);
    clinic.work().await;
    clinic.work().await;
    let ended = entry(&clinic, &first).await;
    assert_eq!(
        (&ended["status"], &ended["closed_reason"]),
        (
            &json!("withdrawn"),
            &json!("The patient is not active any more")
        )
    );
    let taken_back = offer(&clinic.admin, &first).await.expect("an offer");
    assert_eq!(taken_back["status"], "withdrawn");
    let next = offer(&clinic.admin, &second).await.expect("an offer");
    assert_eq!(next["status"], "open");
}
