//! Planted words: every text a tenant's chart holds carries one, and no answer to anybody else, no problem and no log line
//! may contain it.

use std::io::Write;
use std::sync::{Arc, Mutex};

use axum::http::Method;
use chrono::TimeDelta;
use platform::access::Role;
use serde_json::{Value, json};
use tracing_subscriber::fmt::MakeWriter;

use super::openapi::{example, operations, required_query};
use crate::interop::{Files, patient, run};
use crate::scheduling::flow_clinic::{Clinic, email};
use crate::support::{Chart, TestTenant, id};

const CANARY: &str = "Kanarienvogel";

/// A log that remembers.
#[derive(Clone, Default)]
struct Remembered(Arc<Mutex<Vec<u8>>>);

impl Write for Remembered {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0
            .lock()
            .expect("not poisoned")
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Remembered {
    type Writer = Self;
    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn a_planted_word_leaves_neither_the_tenant_nor_through_errors_and_logs() {
    let log = Remembered::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(log.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);

    let theirs = TestTenant::new().await;
    let chart = Chart::open(&theirs).await;
    let admin = theirs.user(Role::Admin).await;
    let planted = admin
        .post(
            "/api/v1/patients?allow_duplicate=true",
            json!({ "names": [{ "use": "legal", "family": CANARY, "given": [CANARY] }], "birth_date": "1971-02-03", "sex": "male",
                    "addresses": [{ "use": "home", "lines": [CANARY], "city": CANARY, "country": "US" }] }),
        )
        .await
        .expect(201)["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let found = admin.get(format!("/api/v1/patients?family={CANARY}")).await;
    assert!(
        found.text.contains(CANARY),
        "the word was planted: {}",
        found.text
    );

    // Bad requests with the word in every place: the answer must not repeat it.
    for path in [
        format!("/api/v1/patients?colour={CANARY}"),
        format!("/api/v1/patients?birth_date={CANARY}"),
        format!("/api/v1/patients/{CANARY}"),
    ] {
        let reply = admin.get(&path).await;
        assert!(
            reply.status.is_client_error() && !reply.text.contains(CANARY),
            "{path}: {}",
            reply.text
        );
    }
    let document = chartwell::document();
    for (path, method, operation) in operations(&document) {
        if method == Method::POST && operation["requestBody"].is_object() {
            let mut body = example(&document, &operation).unwrap_or(json!({}));
            spoil(&mut body);
            let reply = admin.post(chart.fill(&path), body).await;
            assert!(!reply.status.is_server_error(), "{path}: {}", reply.text);
            assert!(
                reply.status.is_success() || !reply.text.contains(CANARY),
                "{path}: {}",
                reply.text
            );
        }
    }

    // Another tenant's admin asks for everything there is.
    let ours = TestTenant::new().await;
    let stranger = ours.user(Role::Admin).await;
    for (path, method, _) in operations(&document) {
        if method == Method::GET {
            let path = chart.fill(&path).replace(&chart.patient, &planted);
            let reply = stranger.get(&path).await;
            assert!(!reply.text.contains(CANARY), "{path} tells");
        }
    }
    let log = String::from_utf8_lossy(&log.0.lock().expect("not poisoned")).into_owned();
    let told: Vec<&str> = log.lines().filter(|line| line.contains(CANARY)).collect();
    assert!(told.is_empty(), "the log tells: {told:#?}");
}

/// Puts the word where another kind of value belongs.
fn spoil(value: &mut Value) {
    match value {
        Value::Object(members) => members.values_mut().for_each(spoil),
        Value::Array(items) => items.iter_mut().for_each(spoil),
        other => *other = json!(CANARY),
    }
}

/// A word of another kind: what is said of somebody, and not who he is. It stands in no message, not even his own.
const SAID: &str = "Zeisigfink";

/// Plants the word in what is written about the patient of a chart, and names the places by which paths know them.
async fn plant(theirs: &TestTenant, chart: &mut Chart) {
    let admin = theirs.user(Role::Admin).await;
    let of_patient = |place: &str| format!("/api/v1/patients/{}/{place}", chart.patient);
    let note = json!({ "type": "progress", "title": SAID, "content": { "body": SAID } });
    let note = chart
        .doctor
        .post(of_patient("notes"), note)
        .await
        .expect(201);
    let allergy = json!({ "substance": { "kind": "food", "text": SAID }, "note": SAID });
    let allergy = chart
        .doctor
        .post(of_patient("allergies"), allergy)
        .await
        .expect(201);
    let label = json!({ "category": "clinical", "kind": "other", "title": SAID, "description": SAID, "document_date": "2020-01-01" });
    let document = admin
        .file(
            of_patient("documents"),
            Some(&label),
            (&format!("{SAID}.txt"), "text/plain", SAID.as_bytes()),
        )
        .await
        .expect(201);
    let day = (theirs.clock.now() + TimeDelta::days(9)).date_naive();
    let booked = json!({ "patient_id": chart.patient, "service_id": chart.fill("{service_id}"), "facility_id": chart.fill("{facility_id}"),
        "provider_id": chart.fill("{provider_id}"), "starts_at": format!("{day}T15:00:00Z"), "notes": SAID, "chief_complaint": SAID });
    let booked = admin.post("/api/v1/appointments", booked).await.expect(201);
    for (name, made) in [
        ("note_id", note),
        ("allergy_id", allergy),
        ("document_id", document),
        ("appointment_id", booked),
    ] {
        assert!(made.to_string().contains(SAID), "{name}: {made}");
        chart.ids.insert(name.to_owned(), id(&made));
    }
    let files = Files::new();
    let condition = json!({ "resourceType": "Condition", "id": "c1", "subject": { "reference": "Patient/p1" },
        "clinicalStatus": { "coding": [{ "code": "active" }] }, "onsetDateTime": "2019-02-03",
        "code": { "text": SAID, "coding": [{ "system": "http://snomed.info/sct", "code": "44054006", "display": SAID }] } });
    let device = json!({ "resourceType": "Device", "id": "d1", "patient": { "reference": "Patient/p1" }, "lotNumber": SAID });
    files.lines("all.ndjson", &[patient("p1"), condition, device]);
    let report = run(theirs, &files.0).await;
    assert_eq!(report.failures.len(), 0, "{:?}", report.failures);
}

/// Somebody is sent a message about an appointment of which something is said.
async fn remind() -> Clinic {
    let mut clinic = Clinic::by_day().await;
    let template = json!({ "purpose": "reminder", "channel": "email", "offset_minutes": 2880, "subject": "On {{date}}",
        "body": "Hello {{first_name}}, {{date}} {{time}} at {{place}}: {{link}}" });
    let template = clinic.admin.post("/api/v1/reminder-templates", template);
    template.await.expect(201);
    let patient = clinic.patient("Grace", email("grace@example.com")).await;
    let booked = json!({ "patient_id": patient, "service_id": clinic.service, "facility_id": clinic.facility,
        "provider_id": clinic.provider, "starts_at": clinic.in_(TimeDelta::days(9)), "notes": SAID, "chief_complaint": SAID });
    let booked = clinic.admin.post("/api/v1/appointments", booked);
    booked.await.expect(201);
    clinic.work().await;
    clinic.wait(TimeDelta::days(8) + TimeDelta::hours(1)).await;
    clinic.work().await;
    clinic
}

#[tokio::test]
async fn what_is_said_in_a_chart_stays_in_its_tenant_and_out_of_logs_figures_and_messages() {
    let log = Remembered::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(log.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);

    chartwell::server::install_metrics();
    let theirs = TestTenant::new().await;
    let mut chart = Chart::open(&theirs).await;
    plant(&theirs, &mut chart).await;
    clinical::documents::round(&theirs.app, theirs.id)
        .await
        .expect("the document is read");
    let found = chart
        .doctor
        .get(format!("/api/v1/search/notes?q={SAID}"))
        .await;
    assert!(
        found.text.contains(SAID),
        "the word was planted: {}",
        found.text
    );

    let ours = TestTenant::new().await;
    let document = chartwell::document();
    let mut asked = 0;
    for role in Role::ALL {
        let stranger = ours.user(role).await;
        for (path, method, operation) in operations(&document) {
            if method == Method::GET {
                let place = chart.fill(&path) + &required_query(&operation);
                let reply = stranger.get(&place).await;
                assert!(
                    !reply.text.contains(SAID),
                    "{place} tells {}",
                    role.as_str()
                );
                asked += 1;
            }
        }
        for query in [
            "search/notes?q=",
            "search/notes?in=documents&q=",
            "patients?family=",
            "providers?name=",
        ] {
            let reply = stranger.get(format!("/api/v1/{query}{SAID}")).await;
            let told = reply.status.is_success() && reply.text.contains(SAID);
            assert!(!told, "{query} tells {}", role.as_str());
        }
    }
    assert!(asked > 100, "{asked} questions");

    let clinic = remind().await;
    let messages = clinic.tenant.outbox.messages();
    assert!(!messages.is_empty(), "somebody is reminded");
    for message in &messages {
        assert!(!format!("{message:?}").contains(SAID), "a message tells");
    }
    // Records, events and jobs name ids.
    for tenant in [&theirs, &clinic.tenant] {
        for table in ["phi_access_log", "security_events", "jobs", "reminders"] {
            let told: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(format!(
                "select count(*) from app.{table} t where t.tenant_id = $1 and to_jsonb(t)::text like '%' || $2 || '%'"
            )))
            .bind(tenant.id.0)
            .bind(SAID)
            .fetch_one(&mut tenant.behind_the_curtain().await)
            .await
            .expect("the rows");
            assert_eq!(told, 0, "{table} tells");
        }
    }
    let figures = ours.nobody().get("/metrics").await;
    assert!(!figures.text.contains(SAID), "the figures tell");
    let log = String::from_utf8_lossy(&log.0.lock().expect("not poisoned")).into_owned();
    let told: Vec<&str> = log.lines().filter(|line| line.contains(SAID)).collect();
    assert!(told.is_empty(), "the log tells: {told:#?}");
    assert!(!log.is_empty(), "nothing was logged");
}
