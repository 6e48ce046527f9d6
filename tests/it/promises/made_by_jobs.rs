//! What no caller makes, for the promises that ask for everything there is: it comes of jobs, scans and imports.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::interop::{Files, run};
use crate::support::{Caller, Chart, TestTenant, id};

/// Of each one, by the name that paths have for it.
pub(super) async fn made_by_jobs(
    clinic: &TestTenant,
    admin: &Caller,
    chart: &Chart,
) -> [(&'static str, String); 5] {
    [
        ("imported_resource_id", imported(clinic, admin, chart).await),
        ("offer_id", offered(clinic, admin, chart).await),
        ("pair_id", paired(admin).await),
        ("reminder_id", reminded(clinic, admin, chart).await),
        ("review_id", reviewed(clinic, admin).await),
    ]
}

/// Does what is due, that too which the database has put off by a second.
async fn work(clinic: &TestTenant) {
    clinic.clock.advance(TimeDelta::seconds(3));
    let jobs = chartwell::jobs();
    let done = platform::jobs::run_due(&clinic.app, &jobs, clinic.id).await;
    done.expect("the jobs can be reached");
}

fn first(page: &Value) -> String {
    assert!(page["items"][0].is_object(), "{page}");
    id(&page["items"][0])
}

/// An order of the chart's patient, whom an import has known before.
async fn imported(clinic: &TestTenant, admin: &Caller, chart: &Chart) -> String {
    sqlx::query(
        "insert into app.import_links (tenant_id, resource_type, source_id, target_id, content_hash, imported_at)
         values ($1, 'Patient', 'p1', $2::uuid, 'x', now())",
    )
    .bind(clinic.id.0)
    .bind(&chart.patient)
    .execute(&mut clinic.behind_the_curtain().await)
    .await
    .expect("a superuser may");
    let files = Files::new();
    let order = json!({ "resourceType": "ServiceRequest", "id": "s1", "status": "completed", "intent": "order",
        "subject": { "reference": "Patient/p1" }, "authoredOn": "2019-02-03", "code": { "text": "An order" } });
    files.lines("order.ndjson", &[order]);
    let report = run(clinic, &files.0).await;
    assert_eq!(report.failed(), 0, "{report}");
    let path = format!("/api/v1/patients/{}/imported-resources", chart.patient);
    first(&admin.get(path).await.expect(200))
}

/// A place of its own for a request that knows its hour.
async fn offered(clinic: &TestTenant, admin: &Caller, chart: &Chart) -> String {
    let settings = "/api/v1/scheduling/flow-settings";
    let present = admin.get(settings).await.expect(200);
    let version = present["version"].as_i64().expect("a version");
    // Whatever the hour of the test.
    let never = json!({ "quiet_from": "00:00", "quiet_until": "00:00" });
    admin.patch(settings, version, never).await.expect(200);
    let day = (clinic.clock.now() + TimeDelta::days(40)).date_naive();
    let window = json!({ "from": format!("{day}T15:00:00Z"), "to": format!("{day}T15:30:00Z") });
    // He waits for the chart's service already.
    let service = json!({ "code": "OFFER", "name": "Offer", "appointment_type": "consultation", "duration_minutes": 30 });
    let service = admin.post("/api/v1/scheduling/services", service);
    let service = id(&service.await.expect(201));
    let wait = json!({ "patient_id": chart.patient, "service_id": service, "facility_id": chart.ids["facility_id"],
        "provider_ids": [chart.ids["provider_id"]], "priority": "urgent", "windows": [window] });
    let request = id(&admin.post("/api/v1/waitlist", wait).await.expect(201));
    work(clinic).await;
    work(clinic).await;
    let offers = format!("/api/v1/waitlist/{request}/offers");
    first(&admin.get(offers).await.expect(200))
}

/// One person entered twice.
async fn paired(admin: &Caller) -> String {
    for family in ["Okafor", "Okafro"] {
        let person = json!({
            "names": [{ "use": "legal", "family": family, "given": ["Adaeze"] }], "birth_date": "1980-03-14", "sex": "female",
            "addresses": [{ "use": "home", "lines": ["12 Elm Street"], "city": "Springfield", "postal_code": "62701" }]
        });
        let made = admin.post("/api/v1/patients?allow_duplicate=true", person);
        made.await.expect(201);
    }
    let scan = "/api/v1/patients/duplicates/scan";
    while admin.act(scan).await.expect(200)["more"] == true {}
    let pairs = admin.get("/api/v1/patients/duplicates").await.expect(200);
    first(&pairs)
}

/// What the patient is to be told of an appointment.
async fn reminded(clinic: &TestTenant, admin: &Caller, chart: &Chart) -> String {
    let template = json!({ "purpose": "reminder", "channel": "email", "offset_minutes": 2880, "subject": "On {{date}}",
        "body": "Hello {{first_name}}, {{date}} {{time}}" });
    let made = admin.post("/api/v1/reminder-templates", template);
    made.await.expect(201);
    let day = (clinic.clock.now() + TimeDelta::days(41)).date_naive();
    let visit = json!({ "patient_id": chart.patient, "service_id": chart.ids["service_id"], "facility_id": chart.ids["facility_id"],
        "provider_id": chart.ids["provider_id"], "starts_at": format!("{day}T15:00:00Z") });
    let visit = id(&admin.post("/api/v1/appointments", visit).await.expect(201));
    work(clinic).await;
    let reminders = format!("/api/v1/appointments/{visit}/reminders");
    first(&admin.get(reminders).await.expect(200))
}

/// A paper that has outlived its retention, of somebody whom nothing holds.
async fn reviewed(clinic: &TestTenant, admin: &Caller) -> String {
    let patient = clinic.patient(admin).await;
    let label = json!({ "category": "clinical", "kind": "lab_report", "title": "Old", "document_date": "2001-05-01" });
    let paper = admin.file(
        format!("/api/v1/patients/{patient}/documents"),
        Some(&label),
        ("old.txt", "text/plain", b"old findings"),
    );
    paper.await.expect(201);
    // There may be one already.
    let policy = json!({ "category": "clinical", "years": 7 });
    let policies = "/api/v1/document-retention/policies";
    admin.post(policies, policy).await;
    let round = clinical::documents::round(&clinic.app, clinic.id).await;
    round.expect("reviewed");
    let reviews = admin.get("/api/v1/document-retention/reviews").await;
    first(&reviews.expect(200))
}
