//! Who may say when somebody works, what is refused, and how much of it is used.

use chrono::{TimeDelta, TimeZone as _};
use chrono_tz::America::New_York;
use platform::access::Role;
use serde_json::json;

use super::clinic::{Clinic, day};
use crate::support::id;

#[tokio::test]
async fn a_provider_records_his_own_time_off_and_nobody_elses_and_no_extra_time() {
    let clinic = Clinic::open("America/New_York").await;
    let other = json!({ "given_name": "Grace", "family_name": "Hopper" });
    let other = id(&clinic
        .admin
        .post("/api/v1/providers", other)
        .await
        .expect(201));
    let body = |effect: &str, provider: &str| {
        json!({ "effect": effect, "facility_id": clinic.facility, "provider_id": provider,
        "starts_at": "2027-06-01T00:00:00Z", "ends_at": "2027-06-02T00:00:00Z" })
    };
    let place = "/api/v1/scheduling/time-exceptions";
    clinic
        .doctor
        .post(place, body("off", &clinic.provider))
        .await
        .expect(201);
    clinic
        .doctor
        .post(place, body("off", &other))
        .await
        .expect_problem(403, "forbidden");
    clinic
        .doctor
        .post(place, body("extra", &clinic.provider))
        .await
        .expect_problem(403, "forbidden");
    let staff = clinic.tenant.user(Role::Staff).await;
    let of_other = staff.post(place, body("off", &other)).await.expect(201);
    let of_other = format!("{place}/{}", id(&of_other));
    clinic
        .doctor
        .patch(of_other, 1, json!({ "status": "withdrawn" }))
        .await
        .expect_problem(403, "forbidden");
}

#[tokio::test]
async fn limits_of_work_close_the_day_that_is_full() {
    let clinic = Clinic::open("America/New_York").await;
    let today = day("06-01");
    let limit = json!({ "minutes_per_day": 60 });
    clinic.add("work-limits", limit.clone()).await;
    let again = clinic
        .admin
        .post("/api/v1/scheduling/work-limits", limit)
        .await;
    again.expect_problem(409, "already_exists");
    assert_eq!(clinic.on(&today, "").await.len(), 6);
    let at = |time: &str| format!("{today}T{time}:00-04:00");
    let later = clinic.tenant.clock.now() + TimeDelta::days(700);
    clinic
        .take(
            "provider_id",
            &clinic.provider,
            &at("09:00"),
            &at("09:40"),
            "booked",
            later,
        )
        .await;
    assert!(clinic.on(&today, "").await.is_empty());
    clinic
        .add(
            "work-limits",
            json!({ "provider_id": clinic.provider, "minutes_per_day": 480, "rest_minutes": 1380 }),
        )
        .await;
    assert_eq!(clinic.on(&today, "").await.len(), 4);
    // Twenty-three hours after 09:40 nothing begins the next morning before 08:40, and a day before nothing ends after 10:00.
    assert_eq!(clinic.on(&day("05-31"), "").await, ["09:00", "09:30"]);
}

#[tokio::test]
async fn rules_that_never_end_or_never_begin_are_refused() {
    let clinic = Clinic::open("America/New_York").await;
    for (rule, code) in [
        ("FREQ=SECONDLY", "not_of_days"),
        ("FREQ=MINUTELY;COUNT=100000000", "not_of_days"),
        ("FREQ=DAILY;COUNT=100000000", "too_much"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "never_occurs"),
        ("FREQ=DAILY;UNTIL=20280101", "has_until"),
        ("every day", "not_an_rrule"),
    ] {
        let body = json!({ "facility_id": clinic.facility, "provider_id": clinic.provider, "rrule": rule, "local_from": "09:00",
            "local_until": "12:00", "valid_from": "2027-01-01" });
        let problem = clinic
            .admin
            .post("/api/v1/scheduling/working-times", body)
            .await
            .expect_problem(422, "validation_failed");
        assert_eq!(problem["errors"][0]["code"], code, "{rule}");
    }
    let both = json!({ "facility_id": clinic.facility, "provider_id": clinic.provider, "asset_id": clinic.room, "weekdays": ["monday"],
        "local_from": "09:00", "local_until": "12:00", "valid_from": "2027-01-01" });
    let refused = clinic
        .admin
        .post("/api/v1/scheduling/working-times", both)
        .await;
    assert_eq!(refused.pointers(), ["/provider_id"]);
}

#[tokio::test]
async fn what_is_another_organisations_is_nobodys_here() {
    let (ours, theirs) = (
        Clinic::open("America/New_York").await,
        Clinic::open("America/New_York").await,
    );
    let body = |facility: &str, provider: &str| {
        json!({ "facility_id": facility, "provider_id": provider, "weekdays": ["monday"],
        "local_from": "09:00", "local_until": "12:00", "valid_from": "2027-01-01" })
    };
    for (facility, provider, pointer) in [
        (&theirs.facility, &ours.provider, "/facility_id"),
        (&ours.facility, &theirs.provider, "/provider_id"),
    ] {
        let refused = ours
            .admin
            .post("/api/v1/scheduling/working-times", body(facility, provider))
            .await;
        assert_eq!(refused.pointers(), [pointer]);
    }
    let place = format!(
        "/api/v1/scheduling/availability?service_id={}&facility_id={}&provider_id={}",
        ours.service, ours.facility, theirs.provider
    );
    assert_eq!(ours.admin.get(place).await.expect(200)["items"], json!([]));
    let place = format!(
        "/api/v1/scheduling/availability?service_id={}&facility_id={}",
        theirs.service, ours.facility
    );
    ours.admin
        .get(place)
        .await
        .expect_problem(400, "invalid_parameter");
    let place = format!(
        "/api/v1/scheduling/capacity?facility_id={}",
        theirs.facility
    );
    ours.admin
        .get(place)
        .await
        .expect_problem(400, "invalid_parameter");
}

#[tokio::test]
async fn capacity_tells_how_much_is_used() {
    let clinic = Clinic::open("America/New_York").await;
    let today = day("06-01");
    let at = |time: &str| format!("{today}T{time}:00-04:00");
    let later = clinic.tenant.clock.now() + TimeDelta::days(700);
    clinic
        .take(
            "provider_id",
            &clinic.provider,
            &at("09:00"),
            &at("09:45"),
            "booked",
            later,
        )
        .await;
    clinic
        .take(
            "provider_id",
            &clinic.provider,
            &at("20:00"),
            &at("20:30"),
            "booked",
            later,
        )
        .await;
    clinic
        .take(
            "asset_id",
            &clinic.room,
            &at("09:00"),
            &at("10:00"),
            "booked",
            later,
        )
        .await;
    let place = format!(
        "/api/v1/scheduling/capacity?facility_id={}&from={today}T04:00:00Z&to={today}T16:00:00Z",
        clinic.facility
    );
    let nurse = clinic.tenant.user(Role::Nurse).await;
    let capacity = nurse
        .get(place.replace("T16:00", "T23:59"))
        .await
        .expect(200);
    let doctor = &capacity["providers"][0];
    assert_eq!(doctor["provider_id"], json!(clinic.provider));
    assert_eq!(
        (&doctor["available_minutes"], &doctor["booked_minutes"]),
        (&json!(180), &json!(45))
    );
    assert_eq!(
        (&doctor["utilization"], &doctor["outside_minutes"]),
        (&json!(0.25), &json!(0))
    );
    assert_eq!(capacity["rooms"][0]["booked_minutes"], 60);
    let evening = nurse
        .get(place.replace("T16:00:00Z", "T23:59:00-04:00"))
        .await
        .expect(200);
    assert_eq!(evening["providers"][0]["outside_minutes"], 30);
    let third = &evening["services"][0]["third_next"][0];
    assert_eq!(third["provider_id"], json!(clinic.provider));
    // From nine to twelve every day, by the half hour.
    let now = clinic.tenant.clock.now();
    let begins = now.with_timezone(&New_York).date_naive().iter_days();
    let starts = begins.take(3).flat_map(|day| {
        let halves = (0..6).map(move |half| day.and_hms_opt(9 + half / 2, 30 * (half % 2), 0));
        halves.filter_map(|local| New_York.from_local_datetime(&local?).earliest())
    });
    let next = starts.filter(|at| *at >= now).nth(2).expect("a third");
    assert_eq!(third["third_next_at"], json!(next.to_utc()));
    #[expect(clippy::cast_precision_loss, reason = "minutes of two days")]
    let days = (next.to_utc() - now).num_minutes() as f64 / 1440.0;
    let told = third["days"].as_f64().expect("a number");
    assert!((told - days).abs() < 0.06, "{told} of {days}");
}

#[tokio::test]
async fn facilities_without_hours_are_left_out_of_a_list_of_those_that_have_some() {
    let clinic = Clinic::open("America/New_York").await;
    let imported = json!({ "code": "IMP-1", "name": "Elsewhere", "time_zone": "America/New_York" });
    let imported = id(&clinic
        .admin
        .post("/api/v1/facilities", imported)
        .await
        .expect(201));
    for (asked, expected) in [("true", vec![&clinic.facility]), ("false", vec![&imported])] {
        let path = format!("/api/v1/facilities?has_hours={asked}");
        let found = clinic.doctor.get(path).await.expect(200);
        let items = found["items"].as_array().expect("items").iter();
        assert_eq!(
            items.map(id).collect::<Vec<_>>().iter().collect::<Vec<_>>(),
            expected
        );
    }
    let billing = clinic.tenant.user(Role::Billing).await;
    let refused = billing.get("/api/v1/facilities?has_hours=true").await;
    refused.expect_problem(403, "forbidden");
    billing.get("/api/v1/facilities").await.expect(200);
}
