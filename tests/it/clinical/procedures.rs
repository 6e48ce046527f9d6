//! Procedures: what was done, when as far as known, by whom; and what of it billing reads.

use kernel::ids::mint;
use platform::access::Role;
use serde_json::{Value, json};

use crate::support::{Chart, TestTenant, id};

const LIST: &str = "/api/v1/patients/{patient_id}/procedures";
const CODED: &str = "/api/v1/patients/{patient_id}/encounters/{encounter_id}/procedures";

#[tokio::test]
async fn a_procedure_of_long_ago_may_have_no_more_than_its_year() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let body = json!({ "system": "icd10pcs", "code": "0dtj4zz", "name": "Resection of appendix", "performed_on": "1988" });
    let made = chart.doctor.post(chart.fill(LIST), body).await.expect(201);
    assert_eq!(
        (&made["code"], &made["performed_on"]),
        (&json!("0DTJ4ZZ"), &json!("1988"))
    );
    assert_eq!(made["status"], "completed");
}

#[tokio::test]
async fn a_planned_procedure_goes_its_way_to_the_end_and_no_further() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let doctor = &chart.doctor;
    let body = json!({ "system": "hcpcs", "code": "G0101", "status": "planned", "performed_start": "2030-01-01T09:00:00Z" });
    let made = doctor.post(chart.fill(LIST), body).await.expect(201);
    let place = format!("{}/{}", chart.fill(LIST), id(&made));
    let refused = doctor
        .patch(
            &place,
            1,
            json!({ "status": "on_hold", "performed_start": null }),
        )
        .await
        .expect_problem(409, "illegal_transition");
    assert_eq!(
        refused["allowed"],
        json!(["in_progress", "completed", "not_done"])
    );
    let reply = doctor
        .patch(&place, 1, json!({ "status": "in_progress" }))
        .await;
    assert_eq!(reply.pointers(), ["/performed_start"], "{}", reply.text);
    let begun = json!({ "status": "in_progress", "performed_start": "2026-01-05T09:00:00Z" });
    doctor.patch(&place, 1, begun).await.expect(200);
    let reply = doctor
        .patch(&place, 2, json!({ "status": "stopped" }))
        .await;
    assert_eq!(reply.pointers(), ["/status_reason"], "{}", reply.text);
    let stopped = json!({ "status": "stopped", "status_reason": "Bleeding" });
    doctor.patch(&place, 2, stopped).await.expect(200);
    doctor
        .patch(&place, 3, json!({ "status": "completed" }))
        .await
        .expect_problem(409, "illegal_transition");
}

#[tokio::test]
async fn billing_reads_the_coding_and_never_outcome_complications_or_notes() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let billing = clinic.user(Role::Billing).await;
    let body = json!({
        "system": "hcpcs", "code": "J0696", "modifiers": ["59"], "performed_start": "2026-01-05T09:00:00-05:00",
        "performed_end": "2026-01-05T09:10:00-05:00",
        "performers": [{ "name": "Grace Hopper" }], "outcome": "partially_successful", "outcome_note": "Weeping",
        "complications": [{ "text": "Fainted", "icd10cm": "R55" }], "note": "Weeping", "body_site": { "text": "Left gluteus", "laterality": "left" },
        "encounter_id": chart.fill("{encounter_id}")
    });
    let made = chart.doctor.post(chart.fill(LIST), body).await.expect(201);
    let coded = billing.get(chart.fill(CODED)).await;
    for word in ["Weeping", "Fainted", "partially", "gluteus"] {
        assert!(!coded.text.contains(word), "{word}: {}", coded.text);
    }
    let find = |page: &Value| {
        let items = page["items"].as_array().expect("a list").clone();
        items.into_iter().find(|one| one["id"] == made["id"])
    };
    let coding = find(&coded.expect(200)).expect("the coding");
    assert_eq!(
        (&coding["code"], &coding["modifiers"]),
        (&json!("J0696"), &json!(["59"]))
    );
    assert_eq!(coding["performers"][0]["name"], "Grace Hopper");
    let place = format!("{}/{}", chart.fill(LIST), id(&made));
    // What changes in the procedure changes in the coding.
    chart
        .doctor
        .patch(&place, 1, json!({ "modifiers": ["25", "59"] }))
        .await
        .expect(200);
    let coding = find(&billing.get(chart.fill(CODED)).await.expect(200)).expect("the coding");
    assert_eq!(coding["modifiers"], json!(["25", "59"]));
    // Taken off the encounter, it is not coded there any more.
    chart
        .doctor
        .patch(&place, 2, json!({ "encounter_id": null }))
        .await
        .expect(200);
    assert_eq!(
        find(&billing.get(chart.fill(CODED)).await.expect(200)),
        None
    );
    let encounter = json!({ "encounter_id": chart.fill("{encounter_id}") });
    chart.doctor.patch(&place, 3, encounter).await.expect(200);
    assert!(find(&billing.get(chart.fill(CODED)).await.expect(200)).is_some());
    let mistake = json!({ "reason": "Not given" });
    chart
        .doctor
        .post(format!("{place}/entered-in-error"), mistake)
        .await
        .expect(200);
    assert_eq!(
        find(&billing.get(chart.fill(CODED)).await.expect(200)),
        None
    );
}

#[tokio::test]
async fn what_can_not_be_is_refused_at_its_place() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let with = |more: Value| {
        let mut body = json!({ "system": "hcpcs", "code": "G0101", "performed_on": "2025" });
        for (name, value) in more.as_object().expect("an object") {
            body[name] = value.clone();
        }
        body
    };
    for (more, pointer) in [
        (json!({ "code": "nonsense" }), "/code"),
        (json!({ "performed_on": null }), "/performed_on"),
        (json!({ "performed_on": "2099" }), "/performed_on"),
        (json!({ "performed_on": "1960" }), "/performed_on"),
        (
            json!({ "performed_start": "2025-01-01T00:00:00Z" }),
            "/performed_on",
        ),
        (
            json!({ "performed_end": "2025-01-01T00:00:00Z" }),
            "/performed_end",
        ),
        (json!({ "status": "not_done" }), "/status_reason"),
        (json!({ "status": "entered_in_error" }), "/status"),
        (json!({ "modifiers": ["5"] }), "/modifiers/0"),
        (
            json!({ "performers": [{ "function": "primary" }] }),
            "/performers/0/provider_id",
        ),
        (
            json!({ "performers": [{ "provider_id": mint() }] }),
            "/performers/0/provider_id",
        ),
        (
            json!({ "complications": [{ "text": "x", "icd10cm": "?" }] }),
            "/complications/0/icd10cm",
        ),
        (json!({ "encounter_id": mint() }), "/encounter_id"),
    ] {
        let reply = chart.doctor.post(chart.fill(LIST), with(more)).await;
        assert_eq!(reply.status, 422, "{pointer}: {}", reply.text);
        assert_eq!(reply.pointers(), [pointer], "{}", reply.text);
    }
}

#[tokio::test]
async fn only_providers_record_procedures() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let body = json!({ "system": "hcpcs", "code": "G0101", "performed_on": "2025" });
    for reader in [
        &chart.nurse,
        &chart.portal_user,
        &clinic.user(Role::Admin).await,
    ] {
        reader.get(chart.fill(LIST)).await.expect(200);
        let refused = reader.post(chart.fill(LIST), body.clone()).await;
        refused.expect_problem(403, "forbidden");
    }
    for role in [Role::Staff, Role::Billing] {
        let caller = clinic.user(role).await;
        let refused = caller.get(chart.fill(LIST)).await;
        refused.expect_problem(403, "forbidden");
    }
}
