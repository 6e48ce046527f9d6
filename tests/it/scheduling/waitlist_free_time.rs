//! The waitlist and time that is free: what is there already, and what becomes free in other ways than by a cancellation.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::flow_clinic::Clinic;
use super::waiting::{answer, entry, join, offer, starts_at};
use crate::support::id;

/// From a start on, for so long.
fn window(start: DateTime<Utc>, minutes: i64) -> Value {
    json!([{ "from": start, "to": start + TimeDelta::minutes(minutes) }])
}

async fn exception(
    clinic: &Clinic,
    mut body: Value,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> String {
    (body["starts_at"], body["ends_at"]) = (json!(from), json!(to));
    let path = "/api/v1/scheduling/time-exceptions";
    id(&clinic.admin.post(path, body).await.expect(201))
}

async fn hold(clinic: &Clinic, start: DateTime<Utc>, minutes: i32) -> String {
    let patient = clinic.patient("Holder", json!([])).await;
    let wanted = json!({ "patient_id": patient, "service_id": clinic.service, "facility_id": clinic.facility,
                         "provider_id": clinic.provider, "starts_at": start, "ttl_minutes": minutes });
    id(&clinic.admin.post("/api/v1/holds", wanted).await.expect(201))
}

#[tokio::test]
async fn a_new_request_is_matched_at_once_with_time_that_is_free() {
    let clinic = Clinic::by_day().await;
    let (patient, her) = clinic.patient_with_account("First").await;
    let start = clinic.in_(TimeDelta::days(3));
    let request = join(&clinic, &patient, "medium", window(start, 120)).await;
    assert!(clinic.work().await > 0);
    let offered = offer(&her, &request).await.expect("an offer");
    assert_eq!(
        (offered["status"].as_str(), starts_at(&offered)),
        (Some("open"), start)
    );
    assert_eq!(entry(&clinic, &request).await["status"], "offered");
    let other = clinic.patient("Other", json!([])).await;
    let wanted = json!({ "patient_id": other, "service_id": clinic.service, "facility_id": clinic.facility,
                         "provider_id": clinic.provider, "starts_at": start });
    let refused = clinic.admin.post("/api/v1/appointments", wanted).await;
    refused.expect_problem(409, "slot_taken");
    let accepted = answer(&her, &offered, "accept").await.expect(200);
    let path = format!(
        "/api/v1/appointments/{}",
        accepted["appointment_id"].as_str().expect("an appointment")
    );
    assert_eq!(starts_at(&her.get(path).await.expect(200)), start);
    assert_eq!(entry(&clinic, &request).await["status"], "booked");
}

#[tokio::test]
async fn free_time_that_is_declined_goes_to_the_next_and_not_back() {
    let clinic = Clinic::by_day().await;
    let start = clinic.in_(TimeDelta::days(3));
    let first = clinic.patient("First", json!([])).await;
    let second = clinic.patient("Second", json!([])).await;
    let low = join(&clinic, &second, "low", window(start, 30)).await;
    let urgent = join(&clinic, &first, "urgent", window(start, 30)).await;
    clinic.work().await;
    let offered = offer(&clinic.admin, &urgent)
        .await
        .expect("who has more points is asked first");
    assert!(offer(&clinic.admin, &low).await.is_none());
    answer(&clinic.admin, &offered, "decline").await.expect(200);
    clinic.work().await;
    let offered = offer(&clinic.admin, &low)
        .await
        .expect("the next one's offer");
    assert_eq!(starts_at(&offered), start);
    answer(&clinic.admin, &offered, "decline").await.expect(200);
    clinic.work().await;
    assert_eq!(
        offer(&clinic.admin, &urgent).await.expect("his offer")["status"],
        "declined"
    );
    assert_eq!(entry(&clinic, &urgent).await["status"], "waiting");
}

#[tokio::test]
async fn a_request_that_is_changed_is_matched_anew_and_an_offer_that_fits_no_more_is_taken_back() {
    let clinic = Clinic::by_day().await;
    let patient = clinic.patient("First", json!([])).await;
    let (start, later) = (
        clinic.in_(TimeDelta::days(3)),
        clinic.in_(TimeDelta::days(9)),
    );
    let request = join(&clinic, &patient, "medium", window(start, 60)).await;
    clinic.work().await;
    let before = offer(&clinic.admin, &request).await.expect("an offer");
    let version = entry(&clinic, &request).await["version"]
        .as_i64()
        .expect("a version");
    let path = format!("/api/v1/waitlist/{request}");
    // What still fits stays.
    let wider = json!({ "windows": [{ "from": start, "to": later }] });
    clinic.admin.patch(&path, version, wider).await.expect(200);
    clinic.work().await;
    assert_eq!(
        offer(&clinic.admin, &request).await.expect("the offer")["id"],
        before["id"]
    );
    let elsewhen = json!({ "windows": window(later, 60) });
    let changed = clinic
        .admin
        .patch(&path, version + 1, elsewhen)
        .await
        .expect(200);
    assert_eq!(changed["status"], "waiting");
    clinic.work().await;
    let page = clinic.admin.get(format!("{path}/offers")).await.expect(200);
    let states: Vec<_> = page["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|one| one["status"].clone())
        .collect();
    assert_eq!(states, ["open", "withdrawn"]);
    assert_eq!(starts_at(&page["items"][0]), later);
}

#[tokio::test]
async fn time_that_was_held_goes_to_who_waits_when_it_is_given_back_or_runs_out() {
    let mut clinic = Clinic::by_day().await;
    let (one, two) = (
        clinic.in_(TimeDelta::days(3)),
        clinic.in_(TimeDelta::days(4)),
    );
    // Held before he began to wait, and after.
    let before = hold(&clinic, one, 5).await;
    let first = clinic.patient("First", json!([])).await;
    let first = join(&clinic, &first, "medium", window(one, 30)).await;
    let second = clinic.patient("Second", json!([])).await;
    clinic.work().await;
    let after = hold(&clinic, two, 30).await;
    let second = join(&clinic, &second, "medium", window(two, 30)).await;
    clinic.work().await;
    assert!(offer(&clinic.admin, &first).await.is_none());
    assert!(offer(&clinic.admin, &second).await.is_none());
    clinic
        .admin
        .act(format!("/api/v1/holds/{after}/release"))
        .await
        .expect(200);
    clinic.work().await;
    assert_eq!(
        starts_at(&offer(&clinic.admin, &second).await.expect("an offer")),
        two
    );
    assert!(offer(&clinic.admin, &first).await.is_none());
    clinic.wait(TimeDelta::minutes(6)).await;
    clinic.work().await;
    assert_eq!(
        starts_at(&offer(&clinic.admin, &first).await.expect("an offer")),
        one
    );
    let expired = clinic
        .admin
        .get(format!("/api/v1/holds/{before}"))
        .await
        .expect(200);
    assert_eq!(expired["status"], "expired");
}

#[tokio::test]
async fn the_time_of_a_moved_and_the_rest_of_a_missed_appointment_go_to_who_waits() {
    let mut clinic = Clinic::by_day().await;
    let patch = json!({ "offer_notice_minutes": 0 });
    clinic
        .admin
        .patch("/api/v1/scheduling/flow-settings", 1, patch)
        .await
        .expect(200);
    let long = json!({ "code": "LONG", "name": "Long", "appointment_type": "therapy", "duration_minutes": 240, "align_minutes": 1 });
    let long = id(&clinic
        .admin
        .post("/api/v1/scheduling/services", long)
        .await
        .expect(201));
    let start = clinic.in_(TimeDelta::minutes(3));
    let absent = clinic.patient("Absent", json!([])).await;
    let wanted = json!({ "patient_id": absent, "service_id": long, "facility_id": clinic.facility, "provider_id": clinic.provider,
                         "starts_at": start });
    let missed = id(&clinic
        .admin
        .post("/api/v1/appointments", wanted)
        .await
        .expect(201));
    let mover = clinic.patient("Mover", json!([])).await;
    let then = clinic.in_(TimeDelta::days(3));
    let moved = clinic.book(&mover, then).await;
    let first = clinic.patient("First", json!([])).await;
    let first = join(&clinic, &first, "medium", window(start, 240)).await;
    let second = clinic.patient("Second", json!([])).await;
    let second = join(&clinic, &second, "medium", window(then, 30)).await;
    clinic.work().await;
    assert!(offer(&clinic.admin, &first).await.is_none());
    assert!(offer(&clinic.admin, &second).await.is_none());
    clinic.wait(TimeDelta::minutes(20)).await;
    clinic.step(&missed, "no-show").await;
    let elsewhen =
        json!({ "starts_at": then + TimeDelta::days(1), "reason": "The patient is away" });
    clinic
        .admin
        .post(format!("/api/v1/appointments/{moved}/reschedule"), elsewhen)
        .await
        .expect(200);
    clinic.work().await;
    let rest = offer(&clinic.admin, &first).await.expect("the rest of it");
    assert!(starts_at(&rest) >= clinic.tenant.clock.now() - TimeDelta::minutes(1));
    assert_eq!(
        starts_at(&offer(&clinic.admin, &second).await.expect("an offer")),
        then
    );
}

#[tokio::test]
async fn time_off_that_ends_sooner_and_extra_time_go_to_who_waits() {
    let clinic = Clinic::by_day().await;
    let start = clinic.in_(TimeDelta::days(3));
    let off = json!({ "effect": "off", "provider_id": clinic.provider, "kind": "vacation" });
    let off = exception(
        &clinic,
        off,
        start - TimeDelta::hours(1),
        start + TimeDelta::hours(5),
    )
    .await;
    let patient = clinic.patient("First", json!([])).await;
    let wish = json!({ "patient_id": patient, "service_id": clinic.service, "provider_ids": [clinic.provider],
                       "windows": window(start, 60) });
    let first = id(&clinic
        .admin
        .post("/api/v1/waitlist", wish)
        .await
        .expect(201));
    let colleague = json!({ "given_name": "Grace", "family_name": "Hopper" });
    let colleague = id(&clinic
        .admin
        .post("/api/v1/providers", colleague)
        .await
        .expect(201));
    let other = clinic.patient("Second", json!([])).await;
    let wish =
        json!({ "patient_id": other, "service_id": clinic.service, "provider_ids": [colleague] });
    let second = id(&clinic
        .admin
        .post("/api/v1/waitlist", wish)
        .await
        .expect(201));
    clinic.work().await;
    assert!(
        offer(&clinic.admin, &first).await.is_none(),
        "everybody is away"
    );
    assert!(
        offer(&clinic.admin, &second).await.is_none(),
        "she does not work"
    );
    let sooner = json!({ "ends_at": start + TimeDelta::minutes(20) });
    clinic
        .admin
        .patch(
            format!("/api/v1/scheduling/time-exceptions/{off}"),
            1,
            sooner,
        )
        .await
        .expect(200);
    let extra =
        json!({ "effect": "extra", "provider_id": colleague, "facility_id": clinic.facility });
    exception(&clinic, extra, start, start + TimeDelta::hours(1)).await;
    clinic.work().await;
    let offered = offer(&clinic.admin, &first).await.expect("an offer");
    assert_eq!(starts_at(&offered), start + TimeDelta::minutes(20));
    let offered = offer(&clinic.admin, &second).await.expect("an offer");
    assert_eq!(
        (starts_at(&offered), &offered["provider_id"]),
        (start, &json!(colleague))
    );
}

#[tokio::test]
async fn nobody_is_offered_what_comes_later_than_he_has() {
    let clinic = Clinic::by_day().await;
    let agreed = clinic.in_(TimeDelta::days(3));
    let patient = clinic.patient("First", json!([])).await;
    clinic.book(&patient, agreed).await;
    let wish = json!([{ "from": agreed + TimeDelta::hours(1), "to": agreed + TimeDelta::days(2) }]);
    let later = join(&clinic, &patient, "medium", wish).await;
    clinic.work().await;
    assert!(offer(&clinic.admin, &later).await.is_none());
    let version = entry(&clinic, &later).await["version"]
        .as_i64()
        .expect("a version");
    let sooner = json!({ "windows": window(agreed - TimeDelta::hours(5), 60) });
    clinic
        .admin
        .patch(format!("/api/v1/waitlist/{later}"), version, sooner)
        .await
        .expect(200);
    clinic.work().await;
    assert!(offer(&clinic.admin, &later).await.is_some());
}

#[tokio::test]
async fn a_holiday_that_is_none_after_all_and_more_work_go_to_who_waits() {
    let clinic = Clinic::by_day().await;
    let start = clinic.in_(TimeDelta::days(3));
    let mut days = Vec::new();
    // By the wall of New York it may be the day before.
    for day in [start.date_naive(), start.date_naive() - TimeDelta::days(1)] {
        let holiday = json!({ "day": day, "name": "Founders' day" });
        days.push(id(&clinic
            .admin
            .post("/api/v1/scheduling/holidays", holiday)
            .await
            .expect(201)));
    }
    let patient = clinic.patient("First", json!([])).await;
    let first = join(&clinic, &patient, "medium", window(start, 30)).await;
    let idle = json!({ "given_name": "Grace", "family_name": "Hopper" });
    let idle = id(&clinic
        .admin
        .post("/api/v1/providers", idle)
        .await
        .expect(201));
    let other = clinic.patient("Second", json!([])).await;
    let wish = json!({ "patient_id": other, "service_id": clinic.service, "provider_ids": [idle] });
    let second = id(&clinic
        .admin
        .post("/api/v1/waitlist", wish)
        .await
        .expect(201));
    clinic.work().await;
    assert!(offer(&clinic.admin, &first).await.is_none(), "it is closed");
    assert!(
        offer(&clinic.admin, &second).await.is_none(),
        "she does not work"
    );
    for day in days {
        let path = format!("/api/v1/scheduling/holidays/{day}");
        clinic
            .admin
            .patch(path, 1, json!({ "status": "withdrawn" }))
            .await
            .expect(200);
    }
    clinic.open_all_day(&idle).await;
    clinic.work().await;
    assert_eq!(
        starts_at(&offer(&clinic.admin, &first).await.expect("an offer")),
        start
    );
    assert!(offer(&clinic.admin, &second).await.is_some());
}

#[tokio::test]
async fn who_and_what_comes_back_has_time_for_who_waits() {
    let clinic = Clinic::by_day().await;
    let doctors = "/api/v1/providers";
    let limits = json!({ "provider_id": clinic.provider, "minutes_per_day": 10 });
    let limits = "/api/v1/scheduling/work-limits/".to_owned()
        + &id(&clinic
            .admin
            .post("/api/v1/scheduling/work-limits", limits)
            .await
            .expect(201));
    for (place, away, back) in [
        (
            format!("/api/v1/facilities/{}", clinic.facility),
            json!({ "status": "inactive" }),
            json!({ "status": "active" }),
        ),
        (
            format!("{doctors}/{}", clinic.provider),
            json!({ "status": "inactive" }),
            json!({ "status": "active" }),
        ),
        (
            limits.clone(),
            json!({ "minutes_per_day": 20 }),
            json!({ "minutes_per_day": 600 }),
        ),
    ] {
        let version = clinic.admin.get(&place).await.expect(200)["version"]
            .as_i64()
            .expect("a version");
        clinic.admin.patch(&place, version, away).await.expect(200);
        if place != limits {
            let now = clinic.admin.get(&limits).await.expect(200);
            let free = json!({ "minutes_per_day": 600 });
            let version = now["version"].as_i64().expect("a version");
            clinic.admin.patch(&limits, version, free).await.expect(200);
        }
        clinic.work().await;
        let patient = clinic.patient("First", json!([])).await;
        let start = clinic.in_(TimeDelta::days(3));
        let request = join(&clinic, &patient, "medium", window(start, 30)).await;
        clinic.work().await;
        assert!(offer(&clinic.admin, &request).await.is_none(), "{place}");
        clinic
            .admin
            .patch(&place, version + 1, back)
            .await
            .expect(200);
        clinic.work().await;
        let offered = offer(&clinic.admin, &request).await;
        let offered = offered.unwrap_or_else(|| panic!("nothing is offered: {place}"));
        assert_eq!(starts_at(&offered), start, "{place}");
        answer(&clinic.admin, &offered, "decline").await.expect(200);
        let path = format!("/api/v1/waitlist/{request}/withdraw");
        clinic.admin.act(path).await;
        clinic.work().await;
    }
}

#[tokio::test]
async fn the_rest_of_a_visit_that_is_over_early_is_offered_at_once() {
    let mut clinic = Clinic::by_day().await;
    let long = json!({ "code": "SURG", "name": "Surgery", "appointment_type": "surgery", "duration_minutes": 240, "align_minutes": 1 });
    let made = clinic.admin.post("/api/v1/scheduling/services", long).await;
    let long = id(&made.expect(201));
    let start = clinic.in_(TimeDelta::hours(1));
    let patient = clinic.patient("Operated", json!([])).await;
    let wanted = json!({ "patient_id": patient, "service_id": long, "facility_id": clinic.facility,
                         "provider_id": clinic.provider, "starts_at": start });
    let made = clinic.admin.post("/api/v1/appointments", wanted).await;
    let booked = id(&made.expect(201));
    let waiting = clinic.patient("Waiting", json!([])).await;
    let later = start + TimeDelta::hours(2);
    let request = join(&clinic, &waiting, "high", window(later, 60)).await;
    clinic.work().await;
    assert!(offer(&clinic.admin, &request).await.is_none());
    clinic.wait(TimeDelta::hours(1)).await;
    clinic.step(&booked, "check-in").await;
    let begun = format!("/api/v1/appointments/{booked}/start");
    clinic.doctor.act(begun).await.expect(200);
    clinic.wait(TimeDelta::minutes(30)).await;
    clinic.step(&booked, "complete").await;
    clinic.work().await;
    let offered = offer(&clinic.admin, &request).await.expect("an offer");
    assert_eq!(starts_at(&offered), later);
}
