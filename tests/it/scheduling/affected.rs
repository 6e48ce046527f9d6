//! Appointments that lie outside of what is available since something was said.

use chrono::{DateTime, Days, NaiveTime, TimeDelta, TimeZone as _, Utc};
use chrono_tz::America::New_York;
use platform::access::Role;
use serde_json::{Value, json};

use super::clinic::Clinic;
use crate::support::{Caller, id};

const PLACE: &str = "/api/v1/scheduling/affected-appointments";

/// So many hours after midnight there, in eight days.
fn at(clinic: &Clinic, hour: u32) -> DateTime<Utc> {
    let today = clinic.tenant.clock.now().with_timezone(&New_York);
    let day = today.date_naive() + Days::new(8);
    let time = NaiveTime::from_hms_opt(hour, 0, 0).expect("a time");
    let local = New_York.from_local_datetime(&day.and_time(time));
    local.earliest().expect("an instant").to_utc()
}

async fn book(clinic: &Clinic, patient: &str, hour: u32) -> String {
    let wanted = json!({ "patient_id": patient, "service_id": clinic.service, "facility_id": clinic.facility,
                         "provider_id": clinic.provider, "starts_at": at(clinic, hour) });
    let booked = clinic.admin.post("/api/v1/appointments", wanted).await;
    id(&booked.expect(201))
}

async fn affected(caller: &Caller, more: &str) -> Value {
    caller
        .get(format!("{PLACE}?limit=50{more}"))
        .await
        .expect(200)
}

fn word(value: &Value) -> &str {
    value.as_str().expect("a word")
}

/// The ids, each with what is in the way.
fn told(page: &Value) -> Vec<(&str, Vec<(&str, &str)>)> {
    let items = page["items"].as_array().expect("items").iter();
    items
        .map(|item| {
            let reasons = item["reasons"].as_array().expect("reasons").iter();
            let reasons = reasons.map(|why| (word(&why["what"]), word(&why["reason"])));
            (word(&item["appointment"]["id"]), reasons.collect())
        })
        .collect()
}

async fn withdraw(clinic: &Clinic, place: &str, what: &Value) -> Value {
    let path = format!("/api/v1/scheduling/{place}/{}", id(what));
    let change = json!({ "status": "withdrawn" });
    clinic.admin.patch(path, 1, change).await.expect(200)
}

#[tokio::test]
async fn time_off_says_how_many_stand_in_it_and_the_list_says_which_and_why() {
    let clinic = Clinic::open("America/New_York").await;
    let patient = clinic.tenant.patient(&clinic.admin).await;
    let early = book(&clinic, &patient, 9).await;
    let late = book(&clinic, &patient, 11).await;
    assert!(told(&affected(&clinic.admin, "").await).is_empty());
    let past = clinic.admin.get(format!("{PLACE}?to=2026-01-01T00:00:00Z"));
    past.await.expect_problem(400, "invalid_parameter");
    // What begins at nine ends before it.
    let off = json!({ "effect": "off", "provider_id": clinic.provider, "starts_at": at(&clinic, 10), "ends_at": at(&clinic, 14) });
    let off = clinic.add("time-exceptions", off).await;
    assert_eq!(off["affected_appointments"], 1);
    let page = affected(&clinic.admin, "").await;
    assert_eq!(
        told(&page),
        [(late.as_str(), vec![("provider", "time_off")])]
    );
    assert_eq!(
        page["items"][0]["reasons"][0]["id"],
        clinic.provider.as_str()
    );
    assert_eq!(page["hidden"], 0);
    let read = format!("/api/v1/scheduling/time-exceptions/{}", id(&off));
    let read = clinic.admin.get(&read).await.expect(200);
    assert!(read.get("affected_appointments").is_none(), "{read}");
    // Longer, it reaches the other one; taken back, it reaches nobody.
    let path = format!("/api/v1/scheduling/time-exceptions/{}", id(&off));
    let longer = clinic
        .admin
        .patch(&path, 1, json!({ "starts_at": at(&clinic, 8) }));
    assert_eq!(longer.await.expect(200)["affected_appointments"], 2);
    let named = format!("&provider_id={}", clinic.provider);
    let page = affected(&clinic.admin, &named).await;
    let ids: Vec<&str> = told(&page).into_iter().map(|(id, _)| id).collect();
    assert_eq!(ids, [early.as_str(), late.as_str()]);
    // A page at a time.
    let first = clinic
        .admin
        .get(format!("{PLACE}?limit=1"))
        .await
        .expect(200);
    let cursor = first["next_cursor"].as_str().expect("there is more");
    let second = clinic
        .admin
        .get(format!("{PLACE}?limit=1&cursor={cursor}"))
        .await
        .expect(200);
    assert_eq!(
        (told(&first)[0].0, told(&second)[0].0),
        (early.as_str(), late.as_str())
    );
    assert_eq!(second["next_cursor"], Value::Null);
    // What was called off is nobody's concern.
    let why = json!({ "by": "facility", "reason": "The doctor is away" });
    let cancel = format!("/api/v1/appointments/{early}/cancel");
    clinic.admin.post(cancel, why).await.expect(200);
    assert_eq!(told(&affected(&clinic.admin, "").await).len(), 1);
    let back = clinic
        .admin
        .patch(&path, 2, json!({ "status": "withdrawn" }));
    assert_eq!(back.await.expect(200)["affected_appointments"], 0);
    assert!(told(&affected(&clinic.admin, "").await).is_empty());
}

#[tokio::test]
async fn holidays_shorter_hours_closed_rooms_and_who_has_left_are_noticed() {
    let clinic = Clinic::open("America/New_York").await;
    let patient = clinic.tenant.patient(&clinic.admin).await;
    let booked = book(&clinic, &patient, 11).await;
    let only = |reason| [(booked.as_str(), vec![reason])];
    let day = at(&clinic, 0).with_timezone(&New_York).date_naive();
    let holiday = clinic
        .add("holidays", json!({ "day": day, "name": "Founders' Day" }))
        .await;
    assert_eq!(holiday["affected_appointments"], 1);
    let page = affected(&clinic.admin, "").await;
    assert_eq!(told(&page), only(("provider", "holiday")));
    // Who is off on a holiday is not there for both.
    let off = json!({ "effect": "off", "provider_id": clinic.provider, "starts_at": at(&clinic, 0), "ends_at": at(&clinic, 23) });
    let off = clinic.add("time-exceptions", off).await;
    let page = affected(&clinic.admin, "").await;
    let both = vec![("provider", "time_off"), ("provider", "holiday")];
    assert_eq!(told(&page), [(booked.as_str(), both)]);
    withdraw(&clinic, "time-exceptions", &off).await;
    let withdrawn = withdraw(&clinic, "holidays", &holiday).await;
    assert_eq!(withdrawn["affected_appointments"], 0);

    let closed = json!({ "effect": "off", "asset_id": clinic.room, "starts_at": at(&clinic, 0), "ends_at": at(&clinic, 23), "kind": "maintenance" });
    let closed = clinic.add("time-exceptions", closed).await;
    assert_eq!(closed["affected_appointments"], 1);
    assert_eq!(
        told(&affected(&clinic.admin, "").await),
        only(("room", "time_off"))
    );
    withdraw(&clinic, "time-exceptions", &closed).await;
    let hours = json!({ "facility_id": clinic.facility, "asset_id": clinic.room, "rrule": "FREQ=DAILY", "local_from": "09:00",
                        "local_until": "11:15", "valid_from": "2026-01-01" });
    let hours = clinic.add("working-times", hours).await;
    assert_eq!(hours["affected_appointments"], 1);
    assert_eq!(
        told(&affected(&clinic.admin, "").await),
        only(("room", "closed"))
    );
    withdraw(&clinic, "working-times", &hours).await;

    let list = clinic
        .admin
        .get("/api/v1/scheduling/working-times?status=active")
        .await
        .expect(200);
    let shift = format!("/api/v1/scheduling/working-times/{}", id(&list["items"][0]));
    let shorter = clinic
        .admin
        .patch(&shift, 1, json!({ "local_until": "11:00" }));
    assert_eq!(shorter.await.expect(200)["affected_appointments"], 1);
    assert_eq!(
        told(&affected(&clinic.admin, "").await),
        only(("provider", "not_working"))
    );
    let ends = json!({ "local_until": "12:00", "valid_until": "2026-01-02" });
    let ended = clinic.admin.patch(&shift, 2, ends).await.expect(200);
    assert_eq!(
        ended["affected_appointments"], 1,
        "it is worked no more at all"
    );
    let again = json!({ "valid_until": null });
    let again = clinic.admin.patch(&shift, 3, again).await.expect(200);
    assert_eq!(again["affected_appointments"], 0);

    let room = format!("/api/v1/scheduling/assets/{}", clinic.room);
    let shut = clinic
        .admin
        .patch(&room, 1, json!({ "status": "inactive" }));
    assert_eq!(shut.await.expect(200)["affected_appointments"], 1);
    let leaves = format!("/api/v1/providers/{}", clinic.provider);
    let left = clinic
        .admin
        .patch(leaves, 1, json!({ "status": "inactive" }));
    left.await.expect(200);
    let page = affected(&clinic.admin, &format!("&asset_id={}", clinic.room)).await;
    let both = vec![("provider", "inactive"), ("room", "inactive")];
    assert_eq!(told(&page), [(booked.as_str(), both)]);
}

#[tokio::test]
async fn those_whom_the_reader_may_not_see_are_counted_and_nothing_else() {
    let clinic = Clinic::open("America/New_York").await;
    let hidden = clinic.tenant.patient(&clinic.admin).await;
    let other = clinic.tenant.user(Role::Provider).await;
    let seen = clinic.tenant.patient(&other).await;
    book(&clinic, &hidden, 9).await;
    let seen = book(&clinic, &seen, 10).await;
    let off = json!({ "effect": "off", "provider_id": clinic.provider, "starts_at": at(&clinic, 0), "ends_at": at(&clinic, 23) });
    let off = clinic
        .doctor
        .post("/api/v1/scheduling/time-exceptions", off)
        .await;
    assert_eq!(off.expect(201)["affected_appointments"], 2);
    let page = affected(&other, "").await;
    assert_eq!(
        told(&page),
        [(seen.as_str(), vec![("provider", "time_off")])]
    );
    assert_eq!(page["hidden"], 1);
    assert!(!page.to_string().contains(&hidden));
    for role in [Role::Patient, Role::Billing] {
        let caller = clinic.tenant.user(role).await;
        caller.get(PLACE).await.expect_problem(403, "forbidden");
    }
    // What is asked for is bounded, and of one at a time.
    let far = (at(&clinic, 0) + TimeDelta::days(100)).format("%Y-%m-%dT%H:%M:%SZ");
    let refused = clinic.admin.get(format!("{PLACE}?to={far}")).await;
    assert_eq!(refused.pointers(), ["?to"]);
    let two = format!(
        "{PLACE}?provider_id={}&asset_id={}",
        clinic.provider, clinic.room
    );
    assert_eq!(clinic.admin.get(two).await.pointers(), ["?provider_id"]);
}

#[tokio::test]
async fn who_loses_a_skill_or_leaves_and_a_place_that_closes_are_told_what_stands() {
    let clinic = Clinic::open("America/New_York").await;
    let patient = clinic.tenant.patient(&clinic.admin).await;
    let skilled = book(&clinic, &patient, 9).await;
    let plain = json!({ "code": "P", "name": "Plain", "appointment_type": "consultation", "duration_minutes": 30 });
    let plain = id(&clinic.add("services", plain).await);
    let wish = json!({ "patient_id": patient, "service_id": plain, "facility_id": clinic.facility,
                       "provider_id": clinic.provider, "starts_at": at(&clinic, 10) });
    let booked = clinic.admin.post("/api/v1/appointments", wish).await;
    booked.expect(201);
    let who = format!("/api/v1/providers/{}", clinic.provider);
    let change = async |version: i64, change: Value| {
        let changed = clinic.admin.patch(&who, version, change).await.expect(200);
        changed["affected_appointments"].clone()
    };
    assert_eq!(change(1, json!({ "phone": null })).await, Value::Null);
    assert_eq!(change(2, json!({ "specialties": [] })).await, 1);
    let page = affected(&clinic.admin, "").await;
    let lacks = vec![("provider", "lacks_skill")];
    assert_eq!(told(&page), [(skilled.as_str(), lacks)]);
    assert_eq!(change(3, json!({ "specialties": ["Cardiology"] })).await, 0);
    assert!(told(&affected(&clinic.admin, "").await).is_empty());
    assert_eq!(change(4, json!({ "status": "inactive" })).await, 2);
    assert_eq!(change(5, json!({ "status": "active" })).await, Value::Null);
    let place = format!("/api/v1/facilities/{}", clinic.facility);
    let closed = json!({ "status": "inactive" });
    let closed = clinic.admin.patch(place, 1, closed).await.expect(200);
    assert_eq!(closed["affected_appointments"], 2);
}
