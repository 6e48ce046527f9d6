//! What keeps a place that is offered: it is the offer's, and ends with it.

use chrono::{DateTime, TimeDelta, Utc};
use platform::db::SystemTx;
use scheduling::appointments::{self, Booker, Details};
use serde_json::{Value, json};

use super::flow_clinic::Clinic;
use super::waiting::{answer, entry, hold_of, join, offer, starts_at};
use crate::support::id;

fn month(from: DateTime<Utc>) -> Value {
    json!([{ "from": from, "to": from + TimeDelta::days(30) }])
}

#[tokio::test]
async fn what_the_waitlist_offers_is_neither_booked_nor_released_past_its_offer() {
    let clinic = Clinic::by_day().await;
    let (patient, account) = clinic.patient_with_account("Grace").await;
    let request = join(
        &clinic,
        &patient,
        "medium",
        month(clinic.in_(TimeDelta::days(2))),
    )
    .await;
    clinic.work().await;
    let offered = offer(&account, &request).await.expect("an offer");
    let hold = hold_of(&clinic, &offered).await;
    for caller in [&account, &clinic.admin] {
        let booked = caller
            .post("/api/v1/appointments", json!({ "hold_id": hold }))
            .await;
        booked.expect_problem(409, "hold_closed");
        let released = caller.act(format!("/api/v1/holds/{hold}/release")).await;
        released.expect_problem(409, "hold_closed");
    }
    answer(&account, &offered, "accept").await.expect(200);
    assert_eq!(entry(&clinic, &request).await["status"], "booked");
}

#[tokio::test]
async fn a_hold_that_was_booked_past_its_offer_is_its_answer() {
    let mut clinic = Clinic::by_day().await;
    let mut requests = Vec::new();
    for name in ["Ada", "Grace", "Else", "Emmy"] {
        let patient = clinic.patient(name, json!([])).await;
        let windows = month(clinic.in_(TimeDelta::days(2)));
        let request = join(&clinic, &patient, "medium", windows).await;
        clinic.work().await;
        let offered = offer(&clinic.admin, &request).await.expect("an offer");
        let hold = hold_of(&clinic, &offered).await;
        let (app, now) = (&clinic.tenant.app, clinic.tenant.clock.now());
        let mut tx = SystemTx::begin(&app.db, clinic.tenant.id)
            .await
            .expect("one");
        let details = Details::default();
        let booked =
            appointments::book_hold_in_tx(&mut tx, hold, None, &details, Booker::SYSTEM, now);
        let booked = booked.await.expect("it is booked");
        tx.commit().await.expect("a commit");
        requests.push((request, offered, booked));
    }
    // Whatever is said to it, it stands.
    let [declined, accepted, withdrawn, unanswered] = requests.as_slice() else {
        panic!("four")
    };
    for (one, word) in [(declined, "decline"), (accepted, "accept")] {
        let told = answer(&clinic.admin, &one.1, word).await.expect(200);
        assert_eq!(
            (&told["status"], &told["appointment_id"]),
            (&json!("accepted"), &json!(one.2))
        );
    }
    let path = format!("/api/v1/waitlist/{}/withdraw", withdrawn.0);
    let why = json!({ "reason": "Was seen elsewhere" });
    clinic.admin.post(path, why).await.expect(200);
    clinic.wait(TimeDelta::minutes(125)).await;
    clinic.work().await;
    for (request, ..) in [declined, accepted, withdrawn, unanswered] {
        assert_eq!(entry(&clinic, request).await["status"], "booked");
    }
}

#[tokio::test]
async fn who_is_offered_a_place_is_shown_when_his_own_visit_ends() {
    let clinic = Clinic::by_day().await;
    let leaver = clinic.patient("Leaver", json!([])).await;
    let start = clinic.in_(TimeDelta::days(3));
    let freed = clinic.book(&leaver, start).await;
    // It took half an hour; from now on it takes twenty minutes.
    let service = format!("/api/v1/scheduling/services/{}", clinic.service);
    let shorter = clinic
        .admin
        .patch(service, 1, json!({ "duration_minutes": 20 }));
    shorter.await.expect(200);
    let patient = clinic.patient("Grace", json!([])).await;
    let end = start + TimeDelta::minutes(20);
    let request = join(
        &clinic,
        &patient,
        "urgent",
        json!([{ "from": start, "to": end }]),
    )
    .await;
    clinic.work().await;
    clinic.step(&freed, "cancel").await;
    clinic.work().await;
    let offered = offer(&clinic.admin, &request).await.expect("an offer");
    assert_eq!(
        (starts_at(&offered), &offered["ends_at"]),
        (start, &json!(end))
    );
    let accepted = answer(&clinic.admin, &offered, "accept").await.expect(200);
    let booked = accepted["appointment_id"].as_str().expect("an appointment");
    let booked = clinic
        .admin
        .get(format!("/api/v1/appointments/{booked}"))
        .await;
    assert_eq!(booked.expect(200)["ends_at"], offered["ends_at"]);
}

#[tokio::test]
async fn an_offer_whose_appointment_was_called_off_leaves_its_request_waiting() {
    let mut clinic = Clinic::by_day().await;
    let mut requests = Vec::new();
    for name in ["Ada", "Grace", "Else", "Emmy"] {
        let patient = clinic.patient(name, json!([])).await;
        let windows = month(clinic.in_(TimeDelta::days(2)));
        let request = join(&clinic, &patient, "medium", windows).await;
        clinic.work().await;
        let offered = offer(&clinic.admin, &request).await.expect("an offer");
        let hold = hold_of(&clinic, &offered).await;
        let (app, now) = (&clinic.tenant.app, clinic.tenant.clock.now());
        let mut tx = SystemTx::begin(&app.db, clinic.tenant.id)
            .await
            .expect("one");
        let details = Details::default();
        let booked =
            appointments::book_hold_in_tx(&mut tx, hold, None, &details, Booker::SYSTEM, now);
        let booked = booked.await.expect("it is booked");
        tx.commit().await.expect("a commit");
        requests.push((request, offered, booked));
    }
    let [declined, accepted, moved, unanswered] = requests.as_slice() else {
        panic!("four")
    };
    for one in [declined, accepted, unanswered] {
        clinic.step(&one.2.to_string(), "cancel").await;
    }
    let told = answer(&clinic.admin, &declined.1, "decline").await;
    let told = told.expect(200);
    assert_eq!(
        (&told["status"], &told["appointment_id"]),
        (&json!("declined"), &Value::Null)
    );
    answer(&clinic.admin, &accepted.1, "accept")
        .await
        .expect_problem(409, "offer_expired");
    for (one, status) in [(declined, "declined"), (accepted, "withdrawn")] {
        let offered = offer(&clinic.admin, &one.0).await.expect("an offer");
        assert_eq!(offered["status"], status);
        let entry = entry(&clinic, &one.0).await;
        assert_eq!(
            (&entry["status"], &entry["appointment_id"]),
            (&json!("waiting"), &Value::Null)
        );
    }
    // What was moved stands where it is now.
    let to = json!({ "starts_at": starts_at(&moved.1) + TimeDelta::hours(5), "reason": "Away" });
    let place = format!("/api/v1/appointments/{}/reschedule", moved.2);
    let next = clinic.admin.post(place, to).await.expect(200);
    let told = answer(&clinic.admin, &moved.1, "accept").await.expect(200);
    assert_eq!(told["appointment_id"], next["id"]);
    clinic.wait(TimeDelta::minutes(125)).await;
    clinic.work().await;
    let place = format!("/api/v1/waitlist-offers/{}", id(&unanswered.1));
    let told = clinic.admin.get(place).await.expect(200);
    assert_eq!(told["status"], "expired");
    assert_ne!(entry(&clinic, &unanswered.0).await["status"], "booked");
}
