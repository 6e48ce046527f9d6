//! The front desk and billing plan and bill: what is clinical in an encounter or a referral is not theirs to read or write.

use platform::access::Role;
use serde_json::{Value, json};

use crate::support::{Chart, TestTenant, as_role, id};

const HEADACHE: &str = "Headache since Monday";

fn visit() -> Value {
    json!({ "class": "office_visit", "scheduled_start": "2026-12-10T09:00:00-05:00", "chief_complaint": HEADACHE })
}

fn reason() -> Value {
    json!([{ "system": "http://snomed.info/sct", "code": "25064002", "display": "Headache" }])
}

#[tokio::test]
async fn the_front_desk_and_billing_read_encounters_without_what_is_clinical() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let admin = clinic.user(Role::Admin).await;
    let encounters = chart.fill("/api/v1/patients/{patient_id}/encounters");
    let mut body = visit();
    body["reason_codes"] = reason();
    let place = format!(
        "{encounters}/{}",
        id(&admin.post(&encounters, body).await.expect(201))
    );
    admin.act(format!("{place}/start")).await.expect(200);
    let ended = json!({ "disposition": "Home, follow-up in two weeks" });
    admin
        .post(format!("{place}/complete"), ended)
        .await
        .expect(200);
    let secrets = [HEADACHE, "25064002", "follow-up in two weeks"];
    let facility = chart.fill("/api/v1/facilities/{facility_id}/encounters?date=2026-12-10");
    for role in [Role::Staff, Role::Billing] {
        let caller = clinic.user(role).await;
        for list in [&place, &encounters, &facility] {
            let shown = caller.get(list).await;
            assert_eq!(shown.status, 200, "{list}: {}", shown.text);
            for secret in secrets {
                assert!(!shown.text.contains(secret), "{}: {list}", role.as_str());
            }
        }
        assert!(
            caller.get(&place).await.expect(200)["reason_codes"]
                .as_array()
                .is_some_and(Vec::is_empty)
        );
    }
    for caller in [&chart.doctor, &chart.nurse, &chart.portal_user] {
        let shown = caller.get(&place).await;
        assert!(
            secrets.iter().all(|secret| shown.text.contains(secret)),
            "{}",
            shown.text
        );
    }
    let billing = clinic.user(Role::Billing).await;
    billing.get(format!("{place}/diagnoses")).await.expect(200);
}

#[tokio::test]
async fn the_front_desk_writes_down_why_somebody_wants_to_come_until_he_has_come() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let admin = clinic.user(Role::Admin).await;
    let staff = clinic.user(Role::Staff).await;
    let encounters = chart.fill("/api/v1/patients/{patient_id}/encounters");
    let mut coded = visit();
    coded["reason_codes"] = reason();
    let refused = staff.post(&encounters, coded).await;
    assert_eq!(refused.pointers(), ["/reason_codes"]);
    let booked = staff.post(&encounters, visit()).await.expect(201);
    assert_eq!(
        booked["chief_complaint"], HEADACHE,
        "what was said is answered, once"
    );
    let place = format!("{encounters}/{}", id(&booked));
    assert!(
        staff
            .get(&place)
            .await
            .expect(200)
            .get("chief_complaint")
            .is_none()
    );
    let corrected = json!({ "chief_complaint": "Headache since Tuesday" });
    let changed = staff.patch(&place, 1, corrected).await.expect(200);
    assert!(changed.get("chief_complaint").is_none());
    assert_eq!(
        admin.get(&place).await.expect(200)["chief_complaint"],
        "Headache since Tuesday"
    );
    let codes = json!({ "reason_codes": reason() });
    assert_eq!(
        staff.patch(&place, 2, codes).await.pointers(),
        ["/reason_codes"]
    );
    let later = json!({ "scheduled_start": "2027-01-12T09:00:00-05:00" });
    staff
        .post(format!("{place}/reschedule"), later)
        .await
        .expect(200);
    assert_eq!(
        admin.get(&place).await.expect(200)["chief_complaint"],
        "Headache since Tuesday"
    );
    admin.act(format!("{place}/start")).await.expect(200);
    let version = admin.get(&place).await.expect(200)["version"]
        .as_i64()
        .expect("a version");
    let late = json!({ "chief_complaint": "None" });
    assert_eq!(
        staff.patch(&place, version, late).await.pointers(),
        ["/chief_complaint"]
    );
    // What is not clinical stays its own to keep.
    let class = json!({ "class": "telemedicine" });
    staff.patch(&place, version, class).await.expect(200);
    assert_eq!(
        admin.get(&place).await.expect(200)["chief_complaint"],
        "Headache since Tuesday"
    );
}

#[tokio::test]
async fn the_front_desk_keeps_the_appointment_of_a_referral_and_does_not_read_why() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let staff = clinic.user(Role::Staff).await;
    let referrals = chart.fill("/api/v1/patients/{patient_id}/referrals");
    let body = json!({ "to_organization": { "name": "Harbor Cardiology", "phone": "+1 555 010 2030" }, "specialty": "Cardiology",
        "priority": "urgent", "reason": "Palpitations with exercise", "note": "Afraid of hospitals" });
    let made = chart.doctor.post(&referrals, body).await.expect(201);
    let place = format!("{referrals}/{}", id(&made));
    for step in ["send", "accept"] {
        chart
            .doctor
            .act(format!("{place}/{step}"))
            .await
            .expect(200);
    }
    let at = json!({ "scheduled_for": "2027-01-20T15:00:00Z" });
    let replies = [
        staff.get(&place).await,
        staff.get(&referrals).await,
        staff.post(format!("{place}/schedule"), at).await,
    ];
    for reply in &replies {
        assert_eq!(reply.status, 200, "{}", reply.text);
        assert!(reply.text.contains("Harbor Cardiology") && reply.text.contains("urgent"));
        assert!(
            !reply.text.contains("Palpitations") && !reply.text.contains("Afraid"),
            "{}",
            reply.text
        );
    }
    let seen = chart.doctor.get(&place).await.expect(200);
    assert_eq!(
        (&seen["reason"], &seen["status"]),
        (&json!("Palpitations with exercise"), &json!("scheduled"))
    );
    let nothing = json!({ "to_organization": { "name": "Harbor Cardiology" } });
    assert_eq!(
        chart.doctor.post(&referrals, nothing).await.pointers(),
        ["/reason"]
    );
}

#[tokio::test]
async fn the_database_itself_refuses_the_front_desk_what_is_clinical() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let referrals = chart.fill("/api/v1/patients/{patient_id}/referrals");
    let body =
        json!({ "to_organization": { "name": "Harbor Cardiology" }, "reason": "Palpitations" });
    chart.doctor.post(&referrals, body).await.expect(201);
    let mut connection = clinic.behind_the_curtain().await;
    let mut permitted = async |role: &str, statement: &str| {
        let who = (clinic.id, None);
        as_role(&mut connection, who, (role, "organization"), statement)
            .await
            .is_ok()
    };
    for (statement, staff) in [
        ("update app.encounters set disposition = 'Home'", false),
        ("update app.encounters set reason_codes = '[1]'", false),
        (
            "update app.encounters set facility_id = facility_id, class = class",
            true,
        ),
        ("update app.referrals set reason = 'None'", false),
        ("update app.referrals set status = 'cancelled'", false),
        (
            "update app.referrals set scheduled_for = now(), status = 'scheduled'",
            true,
        ),
    ] {
        assert_eq!(permitted("staff", statement).await, staff, "{statement}");
        assert!(permitted("provider", statement).await, "{statement}");
    }
}
