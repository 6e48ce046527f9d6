//! Who is to see a patient may open his chart: from the booking to a week after the appointment.

use chrono::{DateTime, TimeDelta, Utc};
use platform::access::Role;
use serde_json::json;

use super::desk::Desk;
use crate::support::{Caller, id};

async fn opens(desk: &Desk, caller: &Caller) -> bool {
    let reply = caller
        .get(format!("/api/v1/patients/{}", desk.patient))
        .await;
    if reply.status != 200 {
        reply.expect_problem(404, "not_found");
        return false;
    }
    true
}

/// The ends of his memberships that run.
async fn ends(desk: &Desk, caller: &Caller) -> Vec<DateTime<Utc>> {
    let team = format!("/api/v1/patients/{}/care-team", desk.patient);
    let team = desk.admin.get(team).await.expect(200);
    let members = team["items"].as_array().expect("a team").iter();
    members
        .filter(|one| one["user_id"] == caller.user_id && one["source"] == "appointment")
        .map(|one| one["valid_until"].as_str().expect("an end"))
        .map(|end| end.parse().expect("a time"))
        .collect()
}

async fn cancel(desk: &Desk, appointment: &str) {
    let why = json!({ "reason": "Went home" });
    let place = format!("/api/v1/appointments/{appointment}/cancel");
    desk.admin.post(place, why).await.expect(200);
}

#[tokio::test]
async fn a_booking_opens_the_chart_until_a_week_after_the_last_appointment_that_stands() {
    let desk = Desk::open().await;
    assert!(!opens(&desk, &desk.doctor).await);
    let (soon, later) = (desk.at(3, 10, 0), desk.at(20, 10, 0));
    let first = id(&desk.book(&desk.patient, soon).await);
    let second = id(&desk.book(&desk.patient, later).await);
    let week = TimeDelta::minutes(30) + TimeDelta::days(7);
    assert!(opens(&desk, &desk.doctor).await);
    assert_eq!(ends(&desk, &desk.doctor).await, [later + week]);
    cancel(&desk, &second).await;
    assert_eq!(ends(&desk, &desk.doctor).await, [soon + week]);
    cancel(&desk, &first).await;
    assert!(!opens(&desk, &desk.doctor).await);
}

#[tokio::test]
async fn an_appointment_follows_the_provider_to_another_account() {
    let desk = Desk::open().await;
    let heir = desk.clinic.user(Role::Provider).await;
    desk.book(&desk.patient, desk.at(3, 10, 0)).await;
    let (place, before) = (
        format!("/api/v1/providers/{}", desk.provider),
        ends(&desk, &desk.doctor).await,
    );
    for (version, user, doctor_opens, heir_opens) in [
        (1, json!(heir.user_id), false, true),
        (2, json!(null), false, false),
        (3, json!(desk.doctor.user_id), true, false),
    ] {
        let link = json!({ "user_id": user });
        desk.admin.patch(&place, version, link).await.expect(200);
        assert_eq!(opens(&desk, &desk.doctor).await, doctor_opens);
        assert_eq!(opens(&desk, &heir).await, heir_opens);
        if heir_opens {
            assert_eq!(ends(&desk, &heir).await, before);
        }
    }
}

#[tokio::test]
async fn a_merge_that_is_taken_back_leaves_each_registration_its_appointments() {
    let desk = Desk::open().await;
    let survivor = desk.another_patient().await;
    desk.book(&desk.patient, desk.at(3, 10, 0)).await;
    let before = ends(&desk, &desk.doctor).await;
    let body = json!({ "duplicate_id": desk.patient, "reason": "The same passport" });
    let merge = format!("/api/v1/patients/{survivor}/merge");
    desk.admin.post(merge, body).await.expect(200);
    let later = desk.at(20, 10, 0);
    desk.book(&survivor, later).await;
    let unmerge = format!("/api/v1/patients/{}/unmerge", desk.patient);
    let why = json!({ "reason": "Father and son" });
    desk.admin.post(unmerge, why).await.expect(200);
    assert_eq!(ends(&desk, &desk.doctor).await, before);
    let of_survivor = Desk {
        patient: survivor,
        ..desk
    };
    let week = TimeDelta::minutes(30) + TimeDelta::days(7);
    assert_eq!(
        ends(&of_survivor, &of_survivor.doctor).await,
        [later + week]
    );
}
