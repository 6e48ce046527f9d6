//! What is left out, said twice or misunderstood is told, and not passed over.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::desk::Desk;
use super::plans::{Clinic, path, visit};
use crate::support::id;

const APPOINTMENTS: &str = "/api/v1/appointments";

#[tokio::test]
async fn a_plan_of_nothing_is_empty() {
    let clinic = Clinic::new().await;
    let empty = clinic.plan(2, &[]).await;
    assert_eq!(
        (&empty["placed"], &empty["unplaced"], &empty["requests"]),
        (&json!(0), &json!(0), &json!([])),
        "{empty}"
    );
    let plan = clinic.plan(2, &clinic.requests(1).await).await;
    let gone = json!({ "seconds": 0.2, "changes": [{ "kind": "withdrawn", "key": "R0" }] });
    let anew = clinic.admin.post(path(&plan, "/replan"), gone).await;
    let anew = anew.expect(201);
    assert_eq!(
        (&anew["placed"], &anew["unplaced"]),
        (&json!(0), &json!(0)),
        "{anew}"
    );
}

#[tokio::test]
async fn what_no_plan_can_move_is_lost_with_who_attends_it() {
    let desk = Desk::with(json!({ "capacity": 3, "appointment_type": "group" })).await;
    desk.add_asset("room", "lab").await;
    let needs_room = json!({ "needs_provider": false, "room_kind": "lab" });
    let drawn = desk.add_service(needs_room).await;
    let at = desk.at(3, 10, 0);
    let book = async |service: &str, provider: &str, at| {
        let mut wish = desk.wish(&desk.another_patient().await, at);
        wish["service_id"] = json!(service);
        wish["provider_id"] = json!(provider);
        id(&desk.staff.post(APPOINTMENTS, wish).await.expect(201))
    };
    let other = desk.add_provider().await;
    let group = book(&desk.service, &desk.provider, at).await;
    let draw = book(&drawn, &desk.provider, at + TimeDelta::hours(2)).await;
    book(&desk.service, &other, at + TimeDelta::hours(4)).await;
    let day = at.with_timezone(&desk.zone).date_naive();
    let body = json!({ "first_day": day, "days": 1, "facility_ids": [desk.facility], "seconds": 0.2, "requests": [] });
    let plan = desk.admin.post("/api/v1/scheduling/plans", body).await;
    let away = json!({ "seconds": 0.2, "changes": [{ "kind": "provider_away", "provider_id": desk.provider,
        "from": at - TimeDelta::hours(1), "to": at + TimeDelta::hours(6) }] });
    let anew = desk
        .admin
        .post(path(&plan.expect(201), "/replan"), away)
        .await
        .expect(201);
    let lost = anew["comparison"]["lost"].as_array().expect("keys");
    assert_eq!(lost, &[json!(group), json!(draw)], "{anew}");
    for (key, why) in [(&group, "share its session"), (&draw, "needs no provider")] {
        let told = visit(&anew, key);
        assert_eq!(told["reason"], "not_plannable", "{told}");
        let said = told["why"][0].as_str().expect("why");
        assert!(said.contains(why), "{said}");
    }
    // Nothing is cancelled, and a plan made of this one is a plan.
    let stands = desk.staff.get(format!("{APPOINTMENTS}/{group}")).await;
    assert_eq!(stands.expect(200)["status"], "scheduled");
    let again = json!({ "seconds": 0.2, "changes": [] });
    let again = desk.admin.post(path(&anew, "/replan"), again).await;
    assert_eq!(again.expect(201)["comparison"]["lost"], json!([]));
}

#[tokio::test]
async fn what_a_plan_can_not_be_made_of_is_told_where_the_body_has_it() {
    let clinic = Clinic::new().await;
    let plan = async |mut body: Value, name: &str, value: Value| {
        body[name] = value;
        clinic.admin.post("/api/v1/scheduling/plans", body).await
    };
    let request = clinic.requests(1).await.remove(0);
    let with = |name: &str, value: Value| {
        let mut request = request.clone();
        request[name] = value;
        clinic.body(1, &[request])
    };
    let nobody = json!([kernel::ids::mint()]);
    for field in [
        "provider_ids",
        "all_of",
        "preferred_provider_ids",
        "facility_ids",
    ] {
        let refused = plan(with(field, nobody.clone()), "days", json!(1)).await;
        assert_eq!(refused.pointers(), [format!("/requests/0/{field}")]);
    }
    let twice = json!([clinic.facility, clinic.facility]);
    let refused = plan(clinic.body(1, &[]), "facility_ids", twice).await;
    assert_eq!(refused.pointers(), ["/facility_ids/1"]);
    let patient = request["patient_id"].as_str().expect("an id");
    let dead = json!({ "status": "deceased", "deceased_on": "2026-01-02" });
    let place = format!("/api/v1/patients/{patient}/status");
    let died = clinic.admin.post(place, dead).await;
    assert_eq!(died.status, 200, "{}", died.text);
    let refused = clinic.admin.post(
        "/api/v1/scheduling/plans",
        clinic.body(1, std::slice::from_ref(&request)),
    );
    refused.await.expect_problem(409, "patient_not_active");
}

#[tokio::test]
async fn a_holiday_or_time_off_that_stands_is_not_made_twice() {
    let desk = Desk::open().await;
    let holiday =
        json!({ "facility_id": desk.facility, "day": "2027-07-05", "name": "Independence Day" });
    let off = json!({ "effect": "off", "provider_id": desk.provider, "starts_at": "2027-07-05T12:00:00Z",
        "ends_at": "2027-07-06T12:00:00Z", "kind": "vacation" });
    for (place, said) in [("holidays", holiday), ("time-exceptions", off)] {
        let place = format!("/api/v1/scheduling/{place}");
        let both = tokio::join!(
            desk.admin.post(&place, said.clone()),
            desk.admin.post(&place, said.clone())
        );
        let mut met = [both.0.status.as_u16(), both.1.status.as_u16()];
        met.sort_unstable();
        assert_eq!(met, [201, 409], "{} {}", both.0.text, both.1.text);
        let again = desk.admin.post(&place, said.clone()).await;
        again.expect_problem(409, "already_exists");
        let one = if both.0.status == 201 { both.0 } else { both.1 };
        let one = one.expect(201);
        // Once it is withdrawn it may be said again; then the first does not come back beside it.
        let there = format!("{place}/{}", id(&one));
        let withdrawn = json!({ "status": "withdrawn" });
        desk.admin.patch(&there, 1, withdrawn).await.expect(200);
        desk.admin.post(&place, said).await.expect(201);
        let back = desk.admin.patch(&there, 2, json!({ "status": "active" }));
        back.await.expect_problem(409, "already_exists");
    }
}

#[tokio::test]
async fn hours_that_end_before_they_begin_and_bodies_nobody_reads_are_refused() {
    let desk = Desk::open().await;
    let hours = async |hours: &str| {
        let place = format!(
            "/api/v1/scheduling/availability?service_id={}&facility_id={}&{hours}",
            desk.service, desk.facility
        );
        desk.staff.get(place).await
    };
    for reversed in [
        "preferred_from=15:00&preferred_to=10:00",
        "preferred_from=10:00&preferred_to=10:00",
    ] {
        let refused = hours(reversed).await;
        assert_eq!(refused.pointers(), ["?preferred_to"]);
    }
    for open in [
        "preferred_from=15:00",
        "preferred_from=15:00&preferred_to=00:00",
    ] {
        assert_eq!(hours(open).await.status, 200);
    }
    let wish = desk.wish(&desk.patient, desk.at(3, 10, 0));
    let made = id(&desk.staff.post(APPOINTMENTS, wish).await.expect(201));
    let place = format!("{APPOINTMENTS}/{made}/confirm");
    let moved = json!({ "starts_at": desk.at(4, 10, 0) });
    let refused = desk.staff.post(&place, moved).await;
    assert_eq!(refused.status, 422, "{}", refused.text);
    assert_eq!(refused.pointers(), ["/starts_at"]);
    desk.staff.post(&place, json!({})).await.expect(200);
}

#[tokio::test]
async fn a_service_is_not_changed_to_need_a_kind_of_room_or_device_nobody_has() {
    let desk = Desk::open().await;
    desk.add_asset("room", "exam").await;
    desk.add_asset("equipment", "ecg").await;
    let place = format!("/api/v1/scheduling/services/{}", desk.service);
    let wrong = json!({ "room_kind": "exmm", "equipment_kinds": ["ecg", "exam"] });
    let refused = desk.admin.patch(&place, 1, wrong).await;
    assert_eq!(refused.pointers(), ["/room_kind", "/equipment_kinds/1"]);
    let right = json!({ "room_kind": "exam", "equipment_kinds": ["ecg"] });
    desk.admin.patch(&place, 1, right).await.expect(200);
}
