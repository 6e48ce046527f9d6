//! Requests on the waitlist, and their offers, for the tests of both.

use chrono::{DateTime, Utc};
use kernel::ids::HoldId;
use serde_json::{Value, json};

use super::flow_clinic::Clinic;
use crate::support::{Caller, Reply, id};

/// Puts a patient on the waitlist, for these windows.
pub async fn join(clinic: &Clinic, patient: &str, priority: &str, windows: Value) -> String {
    let new = json!({ "patient_id": patient, "service_id": clinic.service, "priority": priority, "reason": "Earlier, please",
                      "windows": windows });
    id(&clinic.admin.post("/api/v1/waitlist", new).await.expect(201))
}

pub async fn entry(clinic: &Clinic, id: &str) -> Value {
    let path = format!("/api/v1/waitlist/{id}");
    clinic.admin.get(path).await.expect(200)
}

/// The newest offer made to a request.
pub async fn offer(caller: &Caller, entry: &str) -> Option<Value> {
    let path = format!("/api/v1/waitlist/{entry}/offers");
    let page = caller.get(path).await.expect(200);
    page["items"].as_array().expect("items").first().cloned()
}

pub async fn answer(caller: &Caller, offer: &Value, answer: &str) -> Reply {
    let path = format!("/api/v1/waitlist-offers/{}/{answer}", id(offer));
    caller.act(path).await
}

/// When an offer or an appointment begins.
pub fn starts_at(what: &Value) -> DateTime<Utc> {
    let text = what["starts_at"].as_str().expect("a start");
    text.parse().expect("an instant")
}

/// The hold behind an offer, which a patient finds in the export of his record.
pub async fn hold_of(clinic: &Clinic, offer: &Value) -> HoldId {
    let held: uuid::Uuid = sqlx::query_scalar(
        "select hold_id from app.waitlist_offers where tenant_id = $1 and id = $2::uuid",
    )
    .bind(clinic.tenant.id.0)
    .bind(id(offer))
    .fetch_one(&mut clinic.tenant.behind_the_curtain().await)
    .await
    .expect("a hold");
    HoldId(held)
}
