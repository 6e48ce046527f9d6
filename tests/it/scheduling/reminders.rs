//! Reminders: planned by themselves, sent when they should be, saying little, and answered by a link.

use chrono::{TimeDelta, Timelike as _};
use platform::access::Role;
use platform::messages::Channel;
use serde_json::{Value, json};
use sqlx::Row as _;

use super::flow_clinic::{Clinic, email};
use crate::support::id;

fn template(channel: &str, minutes: i32) -> Value {
    let mut template = json!({ "purpose": "reminder", "channel": channel, "offset_minutes": minutes,
        "body": "Hello {{first_name}}, {{date}} {{time}} at {{place}}: {{link}}" });
    if channel == "email" {
        template["subject"] = json!("On {{date}}");
    }
    template
}

async fn add(clinic: &Clinic, template: Value) -> String {
    let path = "/api/v1/reminder-templates";
    id(&clinic.admin.post(path, template).await.expect(201))
}

async fn reminders(clinic: &Clinic, appointment: &str) -> Vec<Value> {
    let path = format!("/api/v1/appointments/{appointment}/reminders");
    let page = clinic.admin.get(path).await.expect(200);
    page["items"].as_array().expect("items").clone()
}

fn statuses(reminders: &[Value]) -> Vec<&str> {
    reminders
        .iter()
        .map(|one| one["status"].as_str().expect("a status"))
        .collect()
}

/// The link in a message.
fn link(body: &str) -> String {
    let (_, from) = body.split_once("/visit#apt_").expect("a link");
    let secret = from.split_whitespace().next().expect("a secret");
    format!("/api/v1/appointment-links/apt_{secret}")
}

#[tokio::test]
async fn a_patient_is_reminded_in_few_words_and_confirms_by_the_link() {
    let mut clinic = Clinic::by_day().await;
    add(&clinic, template("email", 2880)).await;
    add(&clinic, template("sms", 1440)).await;
    let patient = clinic.patient("Grace", email("grace@example.com")).await;
    let start = clinic.in_(TimeDelta::days(9));
    let appointment = clinic.book(&patient, start).await;
    clinic.work().await;
    let planned = reminders(&clinic, &appointment).await;
    assert_eq!(statuses(&planned), ["scheduled", "scheduled"]);
    for one in &planned {
        let at: chrono::DateTime<chrono::Utc> = one["send_at"]
            .as_str()
            .expect("a time")
            .parse()
            .expect("an instant");
        let hour = at.with_timezone(&chrono_tz::America::New_York).hour();
        assert!((8..20).contains(&hour), "{hour} o'clock is not quiet");
    }
    clinic.wait(TimeDelta::days(8) + TimeDelta::hours(2)).await;
    clinic.work().await;
    let sent = reminders(&clinic, &appointment).await;
    assert_eq!(
        statuses(&sent),
        ["sent", "undeliverable"],
        "he has no telephone"
    );
    assert_eq!(sent[1]["outcome"], "no_address");
    let messages = clinic.tenant.outbox.messages();
    let [message] = messages.as_slice() else {
        panic!("one message: {messages:?}")
    };
    assert_eq!(
        (message.channel, message.to.as_str()),
        (Channel::Email, "grace@example.com")
    );
    assert!(
        message.body.starts_with("Hello Grace, ") && message.body.contains("Main Street Clinic")
    );
    assert!(!message.body.contains("Geheimnis") && !message.body.contains("Consultation"));

    let nobody = clinic.tenant.nobody();
    let path = link(&message.body);
    let shown = nobody.get(&path).await;
    assert!(
        !shown.text.contains("Grace") && !shown.text.contains("Geheimnis"),
        "{}",
        shown.text
    );
    let request = shown.headers["x-request-id"]
        .to_str()
        .expect("an id")
        .to_owned();
    let shown = shown.expect(200);
    // Less than a day before, it is too late for her to cancel.
    assert_eq!(
        (&shown["facility"], &shown["actions"]),
        (&json!("Main Street Clinic"), &json!(["confirm"]))
    );
    let record = sqlx::query("select role, patient_id::text as patient from app.phi_accesses where request_id = $1::uuid")
        .bind(&request)
        .fetch_one(&mut clinic.tenant.behind_the_curtain().await)
        .await
        .expect("a record");
    assert_eq!(
        (
            record.get::<String, _>("role"),
            record.get::<String, _>("patient")
        ),
        ("system".to_owned(), patient.clone())
    );
    nobody
        .post(&path, json!({ "action": "confirm" }))
        .await
        .expect(204);
    let found = clinic
        .admin
        .get(format!("/api/v1/appointments/{appointment}"))
        .await;
    assert_eq!(found.expect(200)["status"], "confirmed");
    // When and where it is can be read again.
    let shown = nobody.get(&path).await.expect(200);
    assert_eq!(
        (&shown["status"], &shown["actions"]),
        (&json!("confirmed"), &json!([]))
    );
    nobody
        .post(&path, json!({ "action": "cancel" }))
        .await
        .expect_problem(409, "too_late_to_cancel");
}

#[tokio::test]
async fn who_has_confirmed_by_a_link_may_cancel_by_it_and_then_it_is_used_up() {
    let mut clinic = Clinic::by_day().await;
    let (appointment, path) = linked(&mut clinic).await;
    let nobody = clinic.tenant.nobody();
    let answer = async |action| nobody.post(&path, json!({ "action": action })).await;
    answer("confirm").await.expect(204);
    let shown = nobody.get(&path).await.expect(200);
    assert_eq!(shown["actions"], json!(["cancel"]));
    answer("cancel").await.expect(204);
    nobody.get(&path).await.expect_problem(404, "not_found");
    let found = clinic
        .admin
        .get(format!("/api/v1/appointments/{appointment}"))
        .await;
    assert_eq!(found.expect(200)["status"], "cancelled");
}

#[tokio::test]
async fn who_is_here_does_not_cancel_by_a_link() {
    let mut clinic = Clinic::by_day().await;
    let rules = json!({ "cancel_notice_minutes": 0 });
    let place = "/api/v1/scheduling/booking-rules";
    clinic.admin.patch(place, 1, rules).await.expect(200);
    let (appointment, path) = linked(&mut clinic).await;
    clinic.wait(TimeDelta::days(2) + TimeDelta::hours(20)).await;
    clinic.step(&appointment, "check-in").await;
    let nobody = clinic.tenant.nobody();
    nobody
        .post(&path, json!({ "action": "cancel" }))
        .await
        .expect_problem(409, "illegal_transition");
}

#[tokio::test]
async fn a_link_cancels_once_and_none_that_is_made_up_opens_anything() {
    let mut clinic = Clinic::by_day().await;
    add(&clinic, template("sms", 4320)).await;
    let mobile = json!([{ "system": "phone", "value": "+1 312 555 0142", "use": "mobile" }]);
    let patient = clinic.patient("Grace", mobile).await;
    let appointment = clinic.book(&patient, clinic.in_(TimeDelta::days(9))).await;
    clinic.work().await;
    clinic.wait(TimeDelta::days(6) + TimeDelta::hours(2)).await;
    clinic.work().await;
    let messages = clinic.tenant.outbox.messages();
    let path = link(&messages.first().expect("a message").body);
    let nobody = clinic.tenant.nobody();
    let tampered = format!(
        "{}{}",
        &path[..path.len() - 1],
        if path.ends_with('0') { '1' } else { '0' }
    );
    for wrong in [
        &tampered,
        "/api/v1/appointment-links/apt_",
        "/api/v1/appointment-links/x",
    ] {
        let read = nobody.get(wrong).await.expect_problem(404, "not_found");
        assert_eq!(read["detail"], "There is no such resource.");
        nobody
            .post(wrong, json!({ "action": "cancel" }))
            .await
            .expect_problem(404, "not_found");
    }
    nobody
        .post(&path, json!({ "action": "cancel" }))
        .await
        .expect(204);
    let found = clinic
        .admin
        .get(format!("/api/v1/appointments/{appointment}"))
        .await
        .expect(200);
    assert_eq!(
        (&found["status"], &found["cancelled_by"]),
        (&json!("cancelled"), &json!("patient"))
    );
    nobody.get(&path).await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn a_link_runs_out_when_the_appointment_begins() {
    let mut clinic = Clinic::by_day().await;
    add(&clinic, template("email", 4320)).await;
    let patient = clinic.patient("Grace", email("grace@example.com")).await;
    clinic.book(&patient, clinic.in_(TimeDelta::days(9))).await;
    clinic.work().await;
    clinic.wait(TimeDelta::days(7)).await;
    clinic.work().await;
    let path = link(&clinic.tenant.outbox.messages()[0].body);
    clinic.tenant.nobody().get(&path).await.expect(200);
    clinic.wait(TimeDelta::days(2)).await;
    clinic
        .tenant
        .nobody()
        .get(&path)
        .await
        .expect_problem(404, "not_found");
}

#[tokio::test]
async fn nobody_is_reminded_of_what_was_called_off_or_taken_back() {
    let mut clinic = Clinic::by_day().await;
    add(&clinic, template("email", 2880)).await;
    let patient = clinic.patient("Grace", email("grace@example.com")).await;
    let cancelled = clinic.book(&patient, clinic.in_(TimeDelta::days(9))).await;
    let kept = clinic
        .book(
            &patient,
            clinic.in_(TimeDelta::days(9) + TimeDelta::hours(2)),
        )
        .await;
    clinic.work().await;
    clinic.step(&cancelled, "cancel").await;
    let planned = reminders(&clinic, &kept).await;
    let place = format!("/api/v1/reminders/{}/cancel", id(&planned[0]));
    clinic.admin.act(&place).await.expect(200);
    clinic
        .admin
        .act(&place)
        .await
        .expect_problem(409, "illegal_transition");
    clinic.wait(TimeDelta::days(8)).await;
    clinic.work().await;
    assert_eq!(
        statuses(&reminders(&clinic, &cancelled).await),
        ["cancelled"]
    );
    assert_eq!(
        reminders(&clinic, &cancelled).await[0]["outcome"],
        "appointment_changed"
    );
    assert_eq!(reminders(&clinic, &kept).await[0]["outcome"], "taken_back");
    assert!(clinic.tenant.outbox.messages().is_empty());
}

#[tokio::test]
async fn a_template_says_no_more_than_name_time_and_place() {
    let clinic = Clinic::by_day().await;
    for (spoiled, pointer) in [
        (json!({ "body": "You have {{diagnosis}}" }), "/body"),
        (json!({ "subject": "{{deadline}}" }), "/subject"),
        (json!({ "offset_minutes": -1 }), "/offset_minutes"),
        (json!({ "language": "no language" }), "/language"),
    ] {
        let mut new = template("email", 60);
        for (name, value) in spoiled.as_object().expect("members") {
            new[name] = value.clone();
        }
        let refused = clinic.admin.post("/api/v1/reminder-templates", new).await;
        assert_eq!(refused.pointers(), [pointer]);
    }
    let nurse = clinic.tenant.user(Role::Nurse).await;
    nurse
        .post("/api/v1/reminder-templates", template("sms", 60))
        .await
        .expect_problem(403, "forbidden");
}

#[tokio::test]
async fn of_several_templates_the_patient_gets_one_in_his_language_and_way() {
    let mut clinic = Clinic::by_day().await;
    add(&clinic, template("email", 2880)).await;
    add(&clinic, template("sms", 2880)).await;
    let mut spanish = template("email", 2880);
    spanish["language"] = json!("es");
    spanish["body"] = json!("Hola {{first_name}}");
    add(&clinic, spanish).await;
    let body = json!({
        "names": [{ "use": "legal", "family": "Ruiz", "given": ["Ana"] }, { "use": "preferred", "family": "Ruiz", "given": ["Anita"] }],
        "birth_date": "1970-01-01", "sex": "female", "language": "es-MX",
        "telecoms": [{ "system": "email", "value": "ana@example.com" }, { "system": "sms", "value": "+1 312 555 0142" }]
    });
    let patient = id(&clinic
        .admin
        .post("/api/v1/patients?allow_duplicate=true", body)
        .await
        .expect(201));
    clinic.book(&patient, clinic.in_(TimeDelta::days(9))).await;
    clinic.work().await;
    clinic.wait(TimeDelta::days(8)).await;
    clinic.work().await;
    let bodies: Vec<String> = clinic
        .tenant
        .outbox
        .messages()
        .into_iter()
        .map(|message| message.body)
        .collect();
    assert_eq!(bodies, ["Hola Anita"]);
}

#[tokio::test]
async fn a_reminder_put_off_to_the_morning_is_sent_whatever_happens_in_the_night() {
    let mut clinic = Clinic::by_day().await;
    add(&clinic, template("email", 1440)).await;
    let patient = clinic.patient("Grace", email("grace@example.com")).await;
    // Ten in the evening: a day before half past six is in the quiet hours, and they have begun.
    clinic.wait(TimeDelta::hours(13)).await;
    let start = clinic.in_(TimeDelta::minutes(32 * 60 + 30));
    let appointment = clinic.book(&patient, start).await;
    clinic.work().await;
    let planned = reminders(&clinic, &appointment).await;
    assert_eq!(statuses(&planned), ["scheduled"]);
    // Seven in the morning: past the time it was due, and before it leaves.
    clinic.wait(TimeDelta::hours(9)).await;
    clinic.step(&appointment, "confirm").await;
    clinic.work().await;
    let after = reminders(&clinic, &appointment).await;
    assert_eq!(
        (statuses(&after), &after[0]["id"]),
        (vec!["scheduled"], &planned[0]["id"])
    );
    assert_eq!(after[0]["send_at"], planned[0]["send_at"]);
    clinic.wait(TimeDelta::minutes(65)).await;
    clinic.work().await;
    assert_eq!(statuses(&reminders(&clinic, &appointment).await), ["sent"]);
    assert_eq!(clinic.tenant.outbox.messages().len(), 1);
}

#[tokio::test]
async fn what_is_late_does_not_leave_in_the_night() {
    let mut clinic = Clinic::by_day().await;
    add(&clinic, template("email", 720)).await;
    let patient = clinic.patient("Grace", email("grace@example.com")).await;
    // It is nine: they begin tomorrow at half past eight and at half past seven, and are told of it twelve hours before.
    let later = clinic
        .book(&patient, clinic.in_(TimeDelta::minutes(23 * 60 + 30)))
        .await;
    let early = clinic
        .book(&patient, clinic.in_(TimeDelta::minutes(22 * 60 + 30)))
        .await;
    clinic.work().await;
    assert_eq!(statuses(&reminders(&clinic, &later).await), ["scheduled"]);
    // The server is down until two in the night.
    clinic.wait(TimeDelta::hours(17)).await;
    clinic.work().await;
    let put_off = reminders(&clinic, &later).await;
    assert_eq!(statuses(&put_off), ["scheduled"]);
    let at: chrono::DateTime<chrono::Utc> = put_off[0]["send_at"]
        .as_str()
        .and_then(|text| text.parse().ok())
        .expect("an instant");
    let local = at.with_timezone(&chrono_tz::America::New_York);
    assert_eq!((local.hour(), local.minute()), (8, 0));
    let gone = reminders(&clinic, &early).await;
    assert_eq!(
        (statuses(&gone), &gone[0]["outcome"]),
        (vec!["cancelled"], &json!("no_time_left")),
        "it begins before anybody is written to"
    );
    clinic.work().await;
    assert!(clinic.tenant.outbox.messages().is_empty());
    clinic.wait(TimeDelta::minutes(6 * 60 + 5)).await;
    clinic.work().await;
    assert_eq!(statuses(&reminders(&clinic, &later).await), ["sent"]);
    assert_eq!(clinic.tenant.outbox.messages().len(), 1);
}

/// An appointment in nine days whose patient got a link, three days before.
async fn linked(clinic: &mut Clinic) -> (String, String) {
    add(clinic, template("email", 4320)).await;
    let patient = clinic.patient("Grace", email("grace@example.com")).await;
    let start = clinic.in_(TimeDelta::days(9));
    let appointment = clinic.book(&patient, start).await;
    clinic.work().await;
    clinic.wait(TimeDelta::days(6) + TimeDelta::hours(2)).await;
    clinic.work().await;
    let messages = clinic.tenant.outbox.messages();
    (appointment, link(&messages.last().expect("a message").body))
}

#[tokio::test]
async fn the_link_of_a_visit_that_was_moved_or_called_off_says_so() {
    let mut clinic = Clinic::by_day().await;
    let (appointment, path) = linked(&mut clinic).await;
    let nobody = clinic.tenant.nobody();
    let shown = nobody.get(&path).await.expect(200);
    assert_eq!(shown["status"], "scheduled");
    assert!(shown.get("moved_to").is_none(), "{shown}");
    let move_to = async |from: &str, days: i64| {
        let to = clinic.in_(TimeDelta::days(days));
        let there = json!({ "starts_at": to, "reason": "The doctor is away" });
        let path = format!("/api/v1/appointments/{from}/reschedule");
        let moved = clinic.admin.post(path, there).await.expect(200);
        (id(&moved), to)
    };
    // Twice: what counts is where it is now.
    let (between, _) = move_to(&appointment, 4).await;
    let (last, to) = move_to(&between, 6).await;
    let shown = nobody.get(&path).await.expect(200);
    assert_eq!(
        (&shown["status"], &shown["actions"]),
        (&json!("rescheduled"), &json!([]))
    );
    let there = &shown["moved_to"];
    assert_eq!(there["starts_at"], json!(to));
    assert_eq!(there["facility"], "Main Street Clinic");
    clinic.step(&last, "cancel").await;
    let shown = nobody.get(&path).await.expect(200);
    assert_eq!(
        (&shown["status"], &shown["actions"]),
        (&json!("cancelled"), &json!([]))
    );
    assert!(shown.get("moved_to").is_none(), "{shown}");
    assert!(shown.get("another").is_none(), "{shown}");
    // That he has another he may know by the link; when, by its own.
    let gone = clinic.admin.get(format!("/api/v1/appointments/{last}"));
    let patient = gone.await.expect(200)["patient_id"].clone();
    let patient = patient.as_str().expect("an id");
    let later = clinic.in_(TimeDelta::days(8));
    clinic.book(patient, later).await;
    let shown = nobody.get(&path).await.expect(200);
    assert_eq!(shown["another"], true);
    let later = json!(later);
    assert!(!shown.to_string().contains(later.as_str().expect("a time")));
}

#[tokio::test]
async fn a_link_offers_to_cancel_only_as_long_as_it_can() {
    let mut clinic = Clinic::by_day().await;
    let (appointment, path) = linked(&mut clinic).await;
    let nobody = clinic.tenant.nobody();
    let shown = nobody.get(&path).await.expect(200);
    assert_eq!(shown["actions"], json!(["confirm", "cancel"]));
    // A day's notice is asked for.
    clinic.wait(TimeDelta::days(2)).await;
    let shown = nobody.get(&path).await.expect(200);
    assert_eq!(shown["actions"], json!(["confirm"]));
    nobody
        .post(&path, json!({ "action": "cancel" }))
        .await
        .expect_problem(409, "too_late_to_cancel");
    clinic.step(&appointment, "confirm").await;
    let shown = nobody.get(&path).await.expect(200);
    assert_eq!(
        (&shown["status"], &shown["actions"]),
        (&json!("confirmed"), &json!([]))
    );
}
