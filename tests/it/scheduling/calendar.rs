//! Calendars others may subscribe to.

use chrono::TimeDelta;
use platform::access::Role;
use serde_json::json;
use sqlx::Row as _;

use super::flow_clinic::Clinic;
use crate::support::id;

/// The path of a feed's link.
fn path(feed: &serde_json::Value) -> String {
    let url = feed["url"].as_str().expect("a link");
    url[url.find("/calendar/").expect("a path")..].to_owned()
}

#[tokio::test]
async fn a_calendar_is_read_by_its_secret_until_it_is_revoked() {
    let clinic = Clinic::open().await;
    let patient = clinic.patient("Grace", json!([])).await;
    let appointment = clinic.book(&patient, clinic.in_(TimeDelta::days(2))).await;
    let new = json!({ "provider_id": clinic.provider, "name": "Telephone" });
    let opened = clinic
        .doctor
        .post("/api/v1/calendar-feeds", new)
        .await
        .expect(201);
    let nobody = clinic.tenant.nobody();
    let calendar = nobody.get(path(&opened)).await;
    assert_eq!(calendar.status, 200, "{}", calendar.text);
    assert_eq!(
        calendar.headers["content-type"],
        "text/calendar; charset=utf-8"
    );
    for line in [
        "BEGIN:VCALENDAR",
        "SUMMARY:Consultation",
        &format!("UID:{appointment}@chartwell"),
    ] {
        assert!(
            calendar.text.lines().any(|found| found == line),
            "{line}: {}",
            calendar.text
        );
    }
    assert!(!calendar.text.contains("Grace") && !calendar.text.contains("Geheimnis"));
    let request = calendar.headers["x-request-id"]
        .to_str()
        .expect("an id")
        .to_owned();
    let records = sqlx::query(
        "select resource, patient_id from app.phi_accesses where request_id = $1::uuid",
    )
    .bind(&request)
    .fetch_all(&mut clinic.tenant.behind_the_curtain().await)
    .await
    .expect("the log");
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].get::<String, _>("resource"), "calendar");

    let etag = calendar.headers["etag"].to_str().expect("text").to_owned();
    let again = [("if-none-match", etag.as_str())];
    let same = nobody
        .send(axum::http::Method::GET, &path(&opened), &again, None)
        .await;
    assert_eq!((same.status.as_u16(), same.text.as_str()), (304, ""));
    clinic.step(&appointment, "cancel").await;
    let changed = nobody
        .send(axum::http::Method::GET, &path(&opened), &again, None)
        .await;
    assert_eq!(changed.status, 200);
    assert!(!changed.text.contains(&appointment), "it was called off");

    let listed = clinic.doctor.get("/api/v1/calendar-feeds").await;
    assert!(!listed.text.contains("cal_"), "the secret is shown once");
    assert_eq!(listed.expect(200)["items"][0]["id"], opened["id"]);
    let revoke = format!("/api/v1/calendar-feeds/{}/revoke", id(&opened));
    assert!(!clinic.doctor.act(&revoke).await.expect(200)["revoked_at"].is_null());
    nobody
        .get(path(&opened))
        .await
        .expect_problem(404, "not_found");
    for wrong in ["/calendar/x.ics", "/calendar/cal_", "/calendar/.ics"] {
        nobody.get(wrong).await.expect_problem(404, "not_found");
    }
}

#[tokio::test]
async fn initials_are_shown_only_where_allowed_and_then_recorded_by_name() {
    let clinic = Clinic::open().await;
    let patient = clinic.patient("Grace", json!([])).await;
    clinic.book(&patient, clinic.in_(TimeDelta::days(2))).await;
    clinic
        .admin
        .patch(
            "/api/v1/scheduling/flow-settings",
            1,
            json!({ "calendar_initials": true }),
        )
        .await
        .expect(200);
    let new = json!({ "provider_id": clinic.provider, "name": "Telephone" });
    let opened = clinic
        .admin
        .post("/api/v1/calendar-feeds", new)
        .await
        .expect(201);
    let calendar = clinic.tenant.nobody().get(path(&opened)).await;
    assert!(
        calendar.text.contains("SUMMARY:Consultation (G.G.)"),
        "{}",
        calendar.text
    );
    let request = calendar.headers["x-request-id"]
        .to_str()
        .expect("an id")
        .to_owned();
    let named: Vec<String> = sqlx::query_scalar(
        "select patient_id::text from app.phi_accesses where request_id = $1::uuid",
    )
    .bind(&request)
    .fetch_all(&mut clinic.tenant.behind_the_curtain().await)
    .await
    .expect("the log");
    assert_eq!(named, [patient]);
}

#[tokio::test]
async fn a_provider_opens_and_sees_his_own_calendars_only() {
    let clinic = Clinic::open().await;
    let new = json!({ "provider_id": clinic.provider, "name": "Telephone" });
    let stranger = clinic.tenant.user(Role::Provider).await;
    stranger
        .post("/api/v1/calendar-feeds", new.clone())
        .await
        .expect_problem(422, "validation_failed");
    let opened = clinic
        .doctor
        .post("/api/v1/calendar-feeds", new)
        .await
        .expect(201);
    let seen = stranger.get("/api/v1/calendar-feeds").await.expect(200);
    assert_eq!(seen["items"], json!([]));
    stranger
        .act(format!("/api/v1/calendar-feeds/{}/revoke", id(&opened)))
        .await
        .expect_problem(404, "not_found");
}

#[tokio::test]
async fn a_calendar_shows_what_its_provider_assists_at_too() {
    let clinic = Clinic::open().await;
    let colleague = json!({ "given_name": "Grace", "family_name": "Hopper" });
    let colleague = id(&clinic
        .admin
        .post("/api/v1/providers", colleague)
        .await
        .expect(201));
    clinic.open_all_day(&colleague).await;
    let patient = clinic.patient("Grace", json!([])).await;
    let wanted = json!({ "patient_id": patient, "service_id": clinic.service, "facility_id": clinic.facility,
                         "provider_id": clinic.provider, "other_provider_ids": [colleague],
                         "starts_at": clinic.in_(TimeDelta::days(2)) });
    let both = id(&clinic
        .admin
        .post("/api/v1/appointments", wanted)
        .await
        .expect(201));
    let alone = clinic.book(&patient, clinic.in_(TimeDelta::days(3))).await;
    let nobody = clinic.tenant.nobody();
    let mut links = Vec::new();
    for provider in [&clinic.provider, &colleague] {
        let new = json!({ "provider_id": provider, "name": "Telephone" });
        let opened = clinic
            .admin
            .post("/api/v1/calendar-feeds", new)
            .await
            .expect(201);
        links.push(path(&opened));
    }
    let (leads, assists) = (nobody.get(&links[0]).await, nobody.get(&links[1]).await);
    assert_eq!(
        leads.text.matches("BEGIN:VEVENT").count(),
        2,
        "{}",
        leads.text
    );
    assert_eq!(
        assists.text.matches("BEGIN:VEVENT").count(),
        1,
        "{}",
        assists.text
    );
    assert!(assists.text.contains(&both) && !assists.text.contains(&alone));
    clinic.step(&both, "cancel").await;
    let later = nobody.get(&links[1]).await;
    assert!(!later.text.contains("BEGIN:VEVENT"), "{}", later.text);
}

#[tokio::test]
async fn a_provider_who_may_not_log_in_has_no_calendar_others_read() {
    let clinic = Clinic::open().await;
    let new = json!({ "provider_id": clinic.provider, "name": "Telephone" });
    let opened = clinic
        .doctor
        .post("/api/v1/calendar-feeds", new)
        .await
        .expect(201);
    let nobody = clinic.tenant.nobody();
    assert_eq!(nobody.get(path(&opened)).await.status, 200);
    let step = async |step: &str| {
        let account = format!("/api/v1/users/{}/{step}", clinic.doctor.user_id);
        let done = clinic.admin.act(account).await;
        assert!(done.status.is_success(), "{step}: {}", done.text);
    };
    for (away, back) in [("suspend", "reactivate"), ("deactivate", "reactivate")] {
        step(away).await;
        nobody
            .get(path(&opened))
            .await
            .expect_problem(404, "not_found");
        step(back).await;
        assert_eq!(nobody.get(path(&opened)).await.status, 200);
    }
    step("retire").await;
    nobody
        .get(path(&opened))
        .await
        .expect_problem(404, "not_found");
    let listed = clinic.admin.get("/api/v1/calendar-feeds").await.expect(200);
    assert!(!listed["items"][0]["revoked_at"].is_null(), "{listed}");
}
