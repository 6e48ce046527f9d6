//! One reminder more for who is likely not to come, and nobody is told why.

use chrono::{DateTime, TimeDelta, Utc};
use platform::access::Role;
use serde_json::{Value, json};

use super::flow_clinic::{Clinic, email};

async fn template(clinic: &Clinic) {
    let template = json!({ "purpose": "reminder", "channel": "email", "offset_minutes": 1440, "subject": "On {{date}}",
        "body": "Hello {{first_name}}, {{date}} {{time}} at {{place}}" });
    clinic
        .admin
        .post("/api/v1/reminder-templates", template)
        .await
        .expect(201);
}

/// What the night would have said of an appointment.
async fn score(clinic: &Clinic, appointment: &str, probability: f64) {
    let mut connection = clinic.tenant.behind_the_curtain().await;
    sqlx::query(
        "with model as (insert into app.no_show_models (tenant_id, id, made_on, visits, missed, created_at, updated_at)
                        select $1, gen_random_uuid(), date '2020-01-01' + count(*)::int, 0, 0, now(), now()
                          from app.no_show_models where tenant_id = $1 returning id)
         insert into app.no_show_scores (tenant_id, appointment_id, patient_id, model_id, probability, scored_at)
         select $1, a.id, a.patient_id, model.id, $3, now() from app.appointments a, model where a.tenant_id = $1 and a.id = $2::uuid",
    )
    .bind(clinic.tenant.id.0)
    .bind(appointment)
    .bind(probability)
    .execute(&mut connection)
    .await
    .expect("a score");
}

async fn reminders(clinic: &Clinic, appointment: &str) -> Vec<Value> {
    let path = format!("/api/v1/appointments/{appointment}/reminders");
    let page = clinic.admin.get(path).await.expect(200);
    let items = page["items"].as_array().expect("items");
    let open = |one: &&Value| one["status"] != "cancelled";
    items.iter().filter(open).cloned().collect()
}

fn times(reminders: &[Value]) -> Vec<(DateTime<Utc>, bool)> {
    let one = |one: &Value| {
        let at = one["send_at"].as_str().expect("a time");
        (at.parse().expect("an instant"), one["additional"] == true)
    };
    reminders.iter().map(one).collect()
}

async fn plan(clinic: &Clinic, settings: Value) {
    let path = "/api/v1/scheduling/flow-settings";
    let version = clinic.admin.get(path).await.expect(200)["version"]
        .as_i64()
        .expect("a version");
    clinic
        .admin
        .patch(path, version, settings)
        .await
        .expect(200);
}

#[tokio::test]
async fn who_is_likely_not_to_come_is_reminded_once_more_and_not_told_why() {
    let mut clinic = Clinic::open().await;
    template(&clinic).await;
    // Quiet hours would move the times of this test about.
    plan(
        &clinic,
        json!({ "quiet_from": "03:00", "quiet_until": "03:00" }),
    )
    .await;
    let patient = clinic.patient("Grace", email("grace@example.com")).await;
    let start = clinic.in_(TimeDelta::days(9));
    let likely = clinic.book(&patient, start).await;
    let unlikely = clinic.book(&patient, start + TimeDelta::hours(2)).await;
    score(&clinic, &likely, 0.45).await;
    score(&clinic, &unlikely, 0.29).await;
    clinic.work().await;
    let planned = times(&reminders(&clinic, &likely).await);
    assert_eq!(
        planned,
        [
            (start - TimeDelta::days(3), true),
            (start - TimeDelta::days(1), false)
        ]
    );
    assert_eq!(times(&reminders(&clinic, &unlikely).await).len(), 1);
    clinic
        .wait(TimeDelta::days(6) + TimeDelta::minutes(1))
        .await;
    clinic.work().await;
    let messages = clinic.tenant.outbox.messages();
    let [message] = messages.as_slice() else {
        panic!("one message: {messages:?}")
    };
    assert!(
        message.body.starts_with("Hello Grace, "),
        "{}",
        message.body
    );
    assert!(
        !message.body.contains("0.45")
            && !message.body.contains('%')
            && !message.body.contains("likely"),
        "{}",
        message.body
    );
    // Planned anew, it is not sent twice.
    clinic.step(&likely, "confirm").await;
    clinic.work().await;
    assert_eq!(clinic.tenant.outbox.messages().len(), 1);
    clinic.wait(TimeDelta::days(2)).await;
    clinic.work().await;
    let sent = reminders(&clinic, &likely).await;
    assert!(sent.iter().all(|one| one["status"] == "sent"), "{sent:?}");
    assert_eq!(sent.len(), 2);
    let (_, account) = clinic.patient_with_account("Else").await;
    let path = format!("/api/v1/appointments/{likely}/reminders");
    account.get(path).await.expect_problem(403, "forbidden");
}

#[tokio::test]
async fn the_organisation_says_from_when_on_how_early_and_whether() {
    let clinic = Clinic::open().await;
    template(&clinic).await;
    plan(&clinic, json!({ "quiet_from": "03:00", "quiet_until": "03:00", "extra_reminder": { "above_percent": 60, "minutes_before": 2880 } })).await;
    let patient = clinic.patient("Grace", email("grace@example.com")).await;
    let start = clinic.in_(TimeDelta::days(9));
    let appointment = clinic.book(&patient, start).await;
    score(&clinic, &appointment, 0.6).await;
    clinic.work().await;
    let planned = times(&reminders(&clinic, &appointment).await);
    assert_eq!(
        planned,
        [
            (start - TimeDelta::days(2), true),
            (start - TimeDelta::days(1), false)
        ]
    );
    plan(
        &clinic,
        json!({ "extra_reminder": { "minutes_before": 1440 } }),
    )
    .await;
    clinic.step(&appointment, "confirm").await;
    clinic.work().await;
    let planned = times(&reminders(&clinic, &appointment).await);
    assert_eq!(
        planned,
        [(start - TimeDelta::days(1), false)],
        "not two at one time"
    );
    plan(&clinic, json!({ "extra_reminder": null })).await;
    let settings = clinic
        .admin
        .get("/api/v1/scheduling/flow-settings")
        .await
        .expect(200);
    assert!(settings.get("extra_reminder").is_none());
    for (spoiled, pointer) in [
        (
            json!({ "above_percent": 0, "minutes_before": 1440 }),
            "/extra_reminder/above_percent",
        ),
        (
            json!({ "above_percent": 50, "minutes_before": 59 }),
            "/extra_reminder/minutes_before",
        ),
    ] {
        let version = settings["version"].as_i64().expect("a version");
        let refused = clinic
            .admin
            .patch(
                "/api/v1/scheduling/flow-settings",
                version,
                json!({ "extra_reminder": spoiled }),
            )
            .await;
        assert_eq!(refused.pointers(), [pointer]);
    }
    let nurse = clinic.tenant.user(Role::Nurse).await;
    let refused = nurse
        .patch(
            "/api/v1/scheduling/flow-settings",
            1,
            json!({ "extra_reminder": null }),
        )
        .await;
    refused.expect_problem(403, "forbidden");
}
