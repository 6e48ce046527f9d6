//! Import: whatever order the files come in, as often as they come.

use std::path::{Path, PathBuf};

use interop::import::{self, Options, Report, Tally};
use platform::access::Role;
use serde_json::{Value, json};
use sqlx::Row;

use crate::support::TestTenant;

/// Files to import; gone when dropped.
pub(crate) struct Files(pub(crate) PathBuf);

impl Files {
    pub(crate) fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("chartwell-import-{}", kernel::ids::mint()));
        std::fs::create_dir_all(&folder).expect("a temporary folder");
        Self(folder)
    }

    pub(crate) fn bundle(&self, name: &str, kind: &str, entries: &[Value]) {
        let bundle = json!({ "resourceType": "Bundle", "type": kind, "entry": entries });
        std::fs::write(self.0.join(name), bundle.to_string()).expect("a file");
    }

    pub(crate) fn lines(&self, name: &str, resources: &[Value]) {
        let lines: Vec<String> = resources.iter().map(Value::to_string).collect();
        let text = lines.join("\n") + "\n";
        std::fs::write(self.0.join(name), text).expect("a file");
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub(crate) async fn run(clinic: &TestTenant, path: &Path) -> Report {
    import::fhir(
        &clinic.app,
        clinic.id,
        &[path.to_path_buf()],
        Options::default(),
    )
    .await
    .expect("an import ends")
}

pub(crate) fn patient(id: &str) -> Value {
    json!({ "resourceType": "Patient", "id": id, "birthDate": "1971-04-05", "gender": "female",
        "identifier": [{ "system": "http://hl7.org/fhir/sid/us-ssn", "value": "999-33-6284" }],
        "name": [{ "use": "official", "family": "Wintheiser4", "given": ["Aleta5"] }],
        "telecom": [{ "system": "phone", "value": "555-712-4709", "use": "home" }] })
}

pub(crate) fn encounter(id: &str, patient: &str) -> Value {
    json!({ "resourceType": "Encounter", "id": id, "status": "finished", "class": { "code": "AMB" },
        "subject": { "reference": patient },
        "period": { "start": "2019-02-03T16:48:38-05:00", "end": "2019-02-03T17:03:38-05:00" },
        "participant": [{ "individual": { "reference": "Practitioner?identifier=http://hl7.org/fhir/sid/us-npi|1234567893" } }],
        "serviceProvider": { "reference": "Organization?identifier=urn:places|7" } })
}

fn observation(id: &str, patient: &str, encounter: &str) -> Value {
    json!({ "resourceType": "Observation", "id": id, "status": "final", "subject": { "reference": patient },
        "encounter": { "reference": encounter }, "effectiveDateTime": "2019-02-03" })
}

/// Last things first: what refers to another comes before it, in other files.
fn upside_down() -> Files {
    let files = Files::new();
    files.lines(
        "a.ndjson",
        &[observation(
            "o1",
            "Patient/p1",
            "https://elsewhere.example/fhir/Encounter/e1",
        )],
    );
    files.lines(
        "b.ndjson",
        &[encounter("e1", "Patient/p1"), encounter("e2", "Patient/p1")],
    );
    files.bundle(
        "c.json",
        "transaction",
        &[
            json!({ "fullUrl": "urn:uuid:0001", "resource": observation("o2", "urn:uuid:0002", "Encounter/e2"), "request": { "method": "POST" } }),
            json!({ "fullUrl": "urn:uuid:0002", "resource": patient("p1"), "request": { "method": "POST" } }),
        ],
    );
    files.lines("d.ndjson", &[
        json!({ "resourceType": "Organization", "id": "o", "name": "Hospital", "identifier": [{ "system": "urn:places", "value": "7" }] }),
        json!({ "resourceType": "Practitioner", "id": "d", "name": [{ "family": "Swift", "given": ["Jani"] }],
            "identifier": [{ "system": "http://hl7.org/fhir/sid/us-npi", "value": "1234567893" }] }),
        json!({ "resourceType": "PractitionerRole", "id": "r", "practitioner": { "reference": "Practitioner/d" }, "specialty": [{ "text": "Cardiology" }] }),
    ]);
    files
}

#[tokio::test]
async fn files_in_any_order_become_one_chart_and_a_second_run_changes_nothing() {
    let clinic = TestTenant::new().await;
    let files = upside_down();
    let report = run(&clinic, &files.0).await;
    assert_eq!(
        (report.total().created, report.failed(), report.incomplete),
        (8, 0, 0),
        "{report}"
    );

    let admin = clinic.user(Role::Admin).await;
    let found = admin
        .get("/api/v1/patients?family=wint&ssn=999336284")
        .await
        .expect(200);
    assert_eq!(found["items"].as_array().map(Vec::len), Some(1), "{found}");
    let id = found["items"][0]["id"].as_str().expect("an id").to_owned();
    let chart = admin
        .get(format!("/api/v1/patients/{id}"))
        .await
        .expect(200);
    assert_eq!(chart["identifiers"][0]["last4"], "6284");
    let visits = admin
        .get(format!("/api/v1/patients/{id}/encounters"))
        .await
        .expect(200);
    assert_eq!(visits["items"].as_array().map(Vec::len), Some(2));
    assert_eq!(visits["items"][0]["status"], "completed");
    assert!(visits["items"][0]["facility_id"].is_string());
    assert!(visits["items"][0]["attending_provider_id"].is_string());

    let again = run(&clinic, &files.0).await;
    let Tally {
        created,
        updated,
        skipped,
        failed,
        ..
    } = again.total();
    assert_eq!((created, updated, skipped, failed), (0, 0, 8, 0), "{again}");

    let mut connection = clinic.behind_the_curtain().await;
    let linked: i64 = sqlx::query("select count(*) from app.imported_resources where tenant_id = $1 and patient_id = $2::uuid and encounter_id is not null")
        .bind(clinic.id.0)
        .bind(&id)
        .fetch_one(&mut connection)
        .await
        .expect("a count")
        .get(0);
    assert_eq!(linked, 2);
    let actions: Vec<String> = sqlx::query("select distinct action from app.phi_accesses where tenant_id = $1 and patient_id = $2::uuid and resource = 'import' and role = 'system' order by 1")
        .bind(clinic.id.0)
        .bind(&id)
        .fetch_all(&mut connection)
        .await
        .expect("records")
        .iter()
        .map(|row| row.get(0))
        .collect();
    assert_eq!(actions, ["create", "update"]);
    let in_the_clear: i64 = sqlx::query(
        "select count(*) from app.import_links where tenant_id = $1 and source_id like '%6284%'",
    )
    .bind(clinic.id.0)
    .fetch_one(&mut connection)
    .await
    .expect("a count")
    .get(0);
    assert_eq!(in_the_clear, 0, "an SSN is never kept as a name");
}

#[tokio::test]
async fn what_changed_is_updated_and_nothing_else() {
    let clinic = TestTenant::new().await;
    let files = upside_down();
    run(&clinic, &files.0).await;
    let mut moved = encounter("e2", "Patient/p1");
    moved["period"] = json!({ "start": "2020-07-01T10:00:00Z", "end": "2020-07-01T11:00:00Z" });
    files.lines("b.ndjson", &[encounter("e1", "Patient/p1"), moved]);
    let report = run(&clinic, &files.0).await;
    assert_eq!(
        (report.total().created, report.total().updated),
        (0, 1),
        "{report}"
    );
    assert_eq!(report.types["Encounter"].updated, 1);
}

#[tokio::test]
async fn one_bad_resource_fails_alone_with_its_place_and_without_its_values() {
    let clinic = TestTenant::new().await;
    let files = Files::new();
    let mut unborn = patient("unborn");
    unborn["birthDate"] = json!("2199-12-31");
    let mut nameless = patient("nameless");
    nameless["name"] = json!([]);
    files.lines("x.ndjson", &[
        patient("good"),
        unborn,
        nameless,
        json!("Aleta5 is no resource"),
        json!({ "resourceType": "Observation", "id": "nul", "subject": { "reference": "Patient/good" }, "note": "a\u{0}b" }),
        encounter("orphan", "Patient/nobody"),
        observation("o", "Patient/good", "Encounter/none"),
    ]);
    std::fs::write(
        files.0.join("y.json"),
        r#"{"resourceType":"Bundle","type":"batch","entry":[{"resource":{"name":"Aleta5"#,
    )
    .expect("a file");
    let report = run(&clinic, &files.0).await;
    assert_eq!(
        (
            report.total().read,
            report.total().created,
            report.failed(),
            report.incomplete
        ),
        (8, 2, 6, 1),
        "{report}"
    );
    let places: Vec<_> = report.failures.iter().map(|failure| failure.line).collect();
    assert_eq!(places, [Some(2), Some(3), Some(4), Some(5), Some(6), None]);
    let text = report.to_string();
    assert!(!text.contains("Aleta5") && !text.contains("2199"), "{text}");
    assert!(
        text.contains("x.ndjson line 2 Patient/unborn: /birth_date must not lie in the future"),
        "{text}"
    );
}

#[tokio::test]
async fn if_none_exist_makes_one_of_many_and_every_name_leads_to_it() {
    let clinic = TestTenant::new().await;
    let files = Files::new();
    for number in 0..3 {
        let mut person = patient(&format!("p{number}"));
        person["identifier"] = json!([{ "system": "urn:mrn", "value": "M1" }]);
        let entries = [
            json!({ "fullUrl": format!("urn:uuid:{number}"), "resource": person,
                "request": { "method": "POST", "url": "Patient", "ifNoneExist": "identifier=urn:mrn|M1" } }),
            json!({ "resource": observation(&format!("o{number}"), &format!("Patient/p{number}"), ""), "request": { "method": "POST" } }),
        ];
        files.bundle(&format!("{number}.json"), "batch", &entries);
    }
    let report = run(&clinic, &files.0).await;
    assert_eq!(
        (
            report.types["Patient"].created,
            report.types["Patient"].skipped
        ),
        (1, 2),
        "{report}"
    );
    assert_eq!(
        (report.types["Observation"].created, report.failed()),
        (3, 0),
        "{report}"
    );
}

#[tokio::test]
async fn records_made_by_others_load_whole_and_only_once() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/synthea-r4");
    if !folder.is_dir() {
        eprintln!("skipped: no {}", folder.display());
        return;
    }
    let clinic = TestTenant::new().await;
    let report = run(&clinic, &folder).await;
    let total = report.total();
    assert_eq!(
        (
            total.failed,
            total.created + total.skipped,
            report.incomplete
        ),
        (0, total.read, 0),
        "{report}"
    );
    let again = run(&clinic, &folder).await.total();
    assert_eq!(
        (again.created, again.updated, again.skipped),
        (0, 0, total.read)
    );
}
