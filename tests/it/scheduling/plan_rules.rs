//! What plans may not propose: more work than anybody may do, two places at once, a night without those on call.

use chrono::Days;
use platform::access::Role;
use serde_json::{Value, json};

use super::plans::{Clinic, path, visit};
use crate::support::id;

impl Clinic {
    async fn add(&self, what: &str, body: Value) -> String {
        let place = format!("/api/v1/scheduling/{what}");
        id(&self.admin.post(place, body).await.expect(201))
    }

    /// Books a request of its own, before any plan.
    async fn book(&self, provider: &str, local: &str) -> Value {
        let patient = self.tenant.patient(&self.admin).await;
        let at = local
            .parse::<chrono::NaiveDateTime>()
            .expect("a local time")
            .and_local_timezone(chrono_tz::America::New_York)
            .unwrap();
        let body = json!({ "patient_id": patient, "service_id": self.service, "facility_id": self.facility,
            "provider_id": provider, "starts_at": at.to_rfc3339() });
        let booked = self.admin.post("/api/v1/appointments", body).await;
        booked.expect(201)
    }

    async fn apply(&self, plan: &Value) -> Value {
        let applied = self.admin.post(path(plan, "/apply"), json!({}));
        applied.await.expect(200)
    }
}

/// Days on which a provider has visits in a plan.
fn days_of(plan: &Value, provider: &str) -> Vec<String> {
    let visits = plan["requests"].as_array().expect("requests").iter();
    let his = visits.filter(|it| it["place"]["provider_ids"][0] == provider);
    let mut days: Vec<String> = his
        .map(|it| it["place"]["local_start"].as_str().expect("a time")[..10].to_owned())
        .collect();
    days.sort();
    days
}

#[tokio::test]
async fn nobody_is_planned_for_longer_than_he_may_work() {
    let clinic = Clinic::new().await;
    let [ames, berg] = &clinic.providers[..] else {
        panic!("two providers")
    };
    clinic
        .add(
            "work-limits",
            json!({ "provider_id": ames, "minutes_per_day": 60, "minutes_per_week": 180 }),
        )
        .await;
    // An hour of the week is gone, and all of the Tuesday.
    let tuesday = clinic.monday + Days::new(1);
    clinic.book(ames, &format!("{tuesday}T09:00:00")).await;
    clinic
        .add(
            "time-exceptions",
            json!({ "effect": "off", "kind": "vacation", "provider_id": berg,
                "starts_at": format!("{}T00:00:00Z", clinic.monday), "ends_at": format!("{}T00:00:00Z", clinic.monday + Days::new(9)) }),
        )
        .await;
    let plan = clinic.plan(6, &clinic.requests(6).await).await;
    let days = days_of(&plan, ames);
    assert_eq!(
        days.len(),
        2,
        "three hours a week, one of them gone: {plan}"
    );
    assert!(
        days[0] != days[1] && !days.contains(&tuesday.to_string()),
        "{days:?}"
    );
    let done = clinic.apply(&plan).await;
    assert_eq!(done["status"], "applied", "{done}");
    assert_eq!(clinic.booked().await, 3);
}

#[tokio::test]
async fn who_is_booked_all_day_is_said_to_be_full_and_not_to_be_away() {
    let clinic = Clinic::new().await;
    let ames = &clinic.providers[0];
    for hour in ["09", "10", "11"] {
        let start = format!("{}T{hour}:00:00", clinic.monday);
        clinic.book(ames, &start).await;
    }
    let mut requests = clinic.requests(1).await;
    requests[0]["provider_ids"] = json!([ames]);
    let plan = clinic.plan(1, &requests).await;
    assert_eq!(visit(&plan, "R0")["reason"], "providers_full", "{plan}");
    // On the day after he works, and has a place.
    let plan = clinic.plan(2, &requests).await;
    assert_eq!(plan["placed"], 1, "{plan}");
    let off = json!({ "effect": "off", "kind": "vacation", "provider_id": ames,
        "starts_at": format!("{}T00:00:00Z", clinic.monday), "ends_at": format!("{}T00:00:00Z", clinic.monday + Days::new(9)) });
    clinic.add("time-exceptions", off).await;
    let plan = clinic.plan(2, &requests).await;
    assert_eq!(visit(&plan, "R0")["reason"], "not_working", "{plan}");
}

#[tokio::test]
async fn rest_lies_between_what_is_booked_and_what_is_planned() {
    let clinic = Clinic::new().await;
    let ames = &clinic.providers[0];
    // Until noon one day, from nine the next: twenty-three hours of rest make it ten o'clock after eleven.
    clinic
        .add(
            "work-limits",
            json!({ "provider_id": ames, "rest_minutes": 23 * 60 }),
        )
        .await;
    clinic
        .book(ames, &format!("{}T10:00:00", clinic.monday))
        .await;
    let mut requests = clinic.requests(4).await;
    for request in &mut requests {
        request["provider_ids"] = json!([ames]);
    }
    let mut body = clinic.body(2, &requests);
    body["first_day"] = json!(clinic.monday + Days::new(1));
    let plan = clinic
        .admin
        .post("/api/v1/scheduling/plans", body)
        .await
        .expect(201);
    let mut starts: Vec<&str> = plan["requests"]
        .as_array()
        .expect("requests")
        .iter()
        .filter_map(|it| it["place"]["local_start"].as_str())
        .collect();
    starts.sort_unstable();
    assert!(starts.len() >= 2, "{plan}");
    assert_eq!(&starts[0][11..16], "10:00", "{starts:?}");
    let done = clinic.apply(&plan).await;
    assert_eq!(done["status"], "applied", "{done}");
}

#[tokio::test]
async fn there_is_time_for_the_way_from_what_is_booked_elsewhere() {
    let clinic = Clinic::new().await;
    let ames = &clinic.providers[0];
    let annex = json!({ "code": "ANNEX", "name": "Annex", "time_zone": "America/New_York" });
    let annex = id(&clinic
        .admin
        .post("/api/v1/facilities", annex)
        .await
        .expect(201));
    clinic
        .add(
            "working-times",
            json!({ "facility_id": annex, "provider_id": ames, "local_from": "09:00", "local_until": "12:00",
                "weekdays": ["monday"], "valid_from": "2026-01-01" }),
        )
        .await;
    clinic
        .add(
            "assets",
            json!({ "facility_id": annex, "kind": "room", "asset_kind": "exam", "code": "A1", "name": "Room A1" }),
        )
        .await;
    clinic
        .book(ames, &format!("{}T09:00:00", clinic.monday))
        .await;
    // A colleague may not know whom he sees there, and plans with the way all the same.
    let colleague = clinic.tenant.user(Role::Provider).await;
    for planner in [&clinic.admin, &colleague] {
        let mut requests = clinic.requests(3).await;
        for request in &mut requests {
            request["facility_ids"] = json!([annex]);
            request["patient_id"] = json!(clinic.tenant.patient(planner).await);
        }
        let mut body = clinic.body(1, &requests);
        body["facility_ids"] = json!([clinic.facility, annex]);
        body["travel"] = json!([{ "from": clinic.facility, "to": annex, "minutes": 25 }]);
        let plan = planner
            .post("/api/v1/scheduling/plans", body)
            .await
            .expect(201);
        assert_eq!(plan["placed"], 1, "of half past ten until twelve: {plan}");
        let start = visit(&plan, "R0")["place"]["local_start"].as_str();
        let start = start.expect("the urgent one is placed");
        assert!((start[11..16]).ge("10:30"), "{start}");
    }
}

#[tokio::test]
async fn emergencies_are_planned_with_those_on_call_and_without_lead_time() {
    let clinic = Clinic::new().await;
    let berg = &clinic.providers[1];
    let kinds = [("E60", "emergency"), ("L60", "consultation")];
    let mut services = Vec::new();
    for (code, kind) in kinds {
        let service = json!({ "code": code, "name": code, "appointment_type": kind, "duration_minutes": 60,
            "align_minutes": 60, "lead_minutes": 30 * 24 * 60, "room_kind": "exam" });
        services.push(clinic.add("services", service).await);
    }
    let zone = chrono_tz::America::New_York;
    let night = clinic.monday.and_hms_opt(20, 10, 0).expect("a time");
    let night = night.and_local_timezone(zone).unwrap();
    let until = night + chrono::TimeDelta::minutes(150);
    clinic
        .add(
            "on-call-shifts",
            json!({ "facility_id": clinic.facility, "provider_id": berg, "level": 1,
                "starts_at": night.to_rfc3339(), "ends_at": until.to_rfc3339() }),
        )
        .await;
    let mut requests = clinic.requests(4).await;
    for (at, request) in requests.iter_mut().enumerate() {
        request["service_id"] = json!(services[at / 3]);
        request["windows"] = json!([{ "from": night.to_rfc3339(), "to": until.to_rfc3339() }]);
    }
    let plan = clinic.plan(1, &requests).await;
    assert_eq!(plan["placed"], 2, "two hours and a half: {plan}");
    assert!(visit(&plan, "R3")["place"].is_null(), "{plan}");
    assert_eq!(visit(&plan, "R0")["place"]["provider_ids"], json!([berg]));
    let done = clinic.apply(&plan).await;
    assert_eq!(done["status"], "applied", "{done}");
    assert_eq!(clinic.booked().await, 2);
}
