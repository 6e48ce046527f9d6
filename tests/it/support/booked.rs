//! What is booked for the patient of a chart.

use std::collections::BTreeMap;

use serde_json::json;

use super::{Caller, TestTenant};

/// A hold, an appointment, a series and a plan of the patient, with a provider who has no account and so joins no team.
pub(super) async fn booked(
    clinic: &TestTenant,
    admin: &Caller,
    patient: &str,
    ids: &BTreeMap<String, String>,
) -> Vec<(String, String)> {
    let who = json!({ "given_name": "Ben", "family_name": "Booked" });
    let provider = super::id(&admin.post("/api/v1/providers", who).await.expect(201));
    let facility = &ids["facility_id"];
    for provider in [&provider, &ids["provider_id"]] {
        let hours = json!({ "facility_id": facility, "provider_id": provider, "rrule": "FREQ=DAILY",
            "local_from": "08:00", "local_until": "18:00", "valid_from": "2026-01-01" });
        let hours = admin.post("/api/v1/scheduling/working-times", hours);
        hours.await.expect(201);
    }
    let day = (clinic.clock.now() + chrono::TimeDelta::days(20)).date_naive();
    let wish = |hour: u32| {
        json!({ "patient_id": patient, "service_id": ids["service_id"], "facility_id": facility,
            "provider_id": provider, "starts_at": format!("{day}T{hour}:00:00Z") })
    };
    let mut series = wish(0);
    series
        .as_object_mut()
        .expect("an object")
        .remove("starts_at");
    series["local_start"] = json!(format!("{day}T13:00:00"));
    series["rule"] = json!("FREQ=DAILY;COUNT=2");
    let mut made = Vec::new();
    for (name, place, body) in [
        ("appointment_id", "appointments", wish(15)),
        ("hold_id", "holds", wish(16)),
        ("series_id", "appointment-series", series),
    ] {
        let reply = admin.post(format!("/api/v1/{place}"), body).await;
        made.push((name.to_owned(), super::id(&reply.expect(201))));
    }
    let plan = json!({ "first_day": day, "days": 1, "facility_ids": [facility], "seconds": 0.05,
        "requests": [{ "key": "R1", "patient_id": patient, "service_id": ids["service_id"] }] });
    let plan = admin.post("/api/v1/scheduling/plans", plan).await;
    made.push(("plan_id".to_owned(), super::id(&plan.expect(201))));
    made
}
