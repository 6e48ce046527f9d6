//! Every operation on health information leaves access records that name whom it was about, refusals too.
//!
//! Each is called with its example: first what makes something, so that there is something to read, then the reads, then the
//! changes. What was made has the ids by which other paths name it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::http::Method;
use platform::access::Role;
use serde_json::{Value, json};
use sqlx::{PgConnection, Row};

use super::openapi::{example, is_form, known_by, operations, required_query, unlike_the_document};
use crate::support::{Caller, Chart, Reply, TestTenant, admin_connection};

/// Operations whose example is refused as a body, before anybody is looked up: nobody was shown anything. Each with what the
/// walk can't give it.
const NOT_REACHED: [(&str, &str); 6] = [
    (
        "file_provider_document",
        "a label of the category for providers: its example is a patient's",
    ),
    (
        "make_schedule_plan",
        "the clinic's ids below the first level of the body",
    ),
    (
        "merge_patient",
        "a second registration of the patient; and the chart would be gone",
    ),
    (
        "replan_schedule_plan",
        "the plan's ids below the first level of the body",
    ),
    ("send_document_upload", "a header with an offset"),
    (
        "update_immunization",
        "a patient who was born before the day in the example",
    ),
];

/// Reads that find nothing here, each with what would have to be there; the refusal is on record.
const NOT_SHOWN: [(&str, &str); 4] = [
    ("get_imported_resource", "an import"),
    ("get_no_show_score", "a score, which a job makes"),
    ("get_schedule", "the clinic's facility in the query"),
    ("get_waitlist_offer", "a free time, which a job offers"),
];

/// One operation of the document.
struct Operation {
    name: String,
    path: String,
    method: Method,
    what: Value,
}

impl Operation {
    fn has(&self, role: &str) -> bool {
        let roles = self.what["x-roles"].as_array().expect("roles");
        roles.iter().any(|name| name == role)
    }

    fn creates(&self) -> bool {
        self.method == Method::POST && self.what["responses"]["201"].is_object()
    }

    /// What makes something, what reads, what changes; a change that is the end of something comes after the others.
    fn turn(&self) -> (u8, bool) {
        let ends = [
            "entered-in-error",
            "retire",
            "cancel",
            "merge",
            "deactivate",
            "complete",
            "withdraw",
        ];
        let last = self.path.rsplit('/').next().unwrap_or_default();
        match self.method {
            _ if self.creates() => (0, false),
            Method::GET => (1, false),
            Method::PATCH => (2, false),
            // Steps of an account end the sessions of who calls for the others.
            _ if self.path.starts_with("/api/v1/users/") => (4, false),
            _ => (3, self.method == Method::DELETE || ends.contains(&last)),
        }
    }
}

fn of_health_information(document: &Value) -> Vec<Operation> {
    let mut all: Vec<Operation> = operations(document)
        .into_iter()
        .filter(|(_, _, what)| what["x-phi"] == true)
        .map(|(path, method, what)| Operation {
            name: what["operationId"].as_str().expect("a name").to_owned(),
            path,
            method,
            what,
        })
        .collect();
    all.sort_by_key(Operation::turn);
    all
}

/// Who calls, and what there is to call about.
struct Walk {
    document: Arc<Value>,
    chart: Chart,
    paths: Vec<String>,
    /// Ids of what was made on the way, by the name paths have for it.
    made: BTreeMap<String, String>,
    log: PgConnection,
}

impl Walk {
    fn place(&self, operation: &Operation) -> String {
        let mut path = operation.path.clone();
        for (name, id) in &self.made {
            path = path.replace(&format!("{{{name}}}"), id);
        }
        self.chart.fill(&path) + &required_query(&operation.what)
    }

    async fn call(&self, operation: &Operation, caller: &Caller) -> Reply {
        let place = self.place(operation);
        let example = example(&self.document, &operation.what).unwrap_or(json!({}));
        if is_form(&operation.what) {
            let label = example.get("document").cloned();
            let file = ("example.txt", "text/plain", &b"text"[..]);
            return caller.file(&place, label.as_ref(), file).await;
        }
        let mut headers = Vec::new();
        let version = if operation.method == Method::PATCH {
            let found = caller.get(&place).await;
            let etag = found.headers.get("etag");
            etag.and_then(|etag| etag.to_str().ok())
                .unwrap_or("\"1\"")
                .to_owned()
        } else {
            String::new()
        };
        if operation.method == Method::PATCH {
            headers.extend([
                ("if-match", version.as_str()),
                ("content-type", "application/merge-patch+json"),
            ]);
        }
        let body = operation.what["requestBody"]
            .is_object()
            .then(|| self.chart.localise(example).to_string());
        caller
            .send(operation.method.clone(), &place, &headers, body)
            .await
    }

    /// Remembers the id of what was made, unless the chart has one of its kind.
    fn learn(&mut self, reply: &Reply) {
        let Some(place) = reply
            .headers
            .get("location")
            .and_then(|place| place.to_str().ok())
        else {
            return;
        };
        for (name, id) in known_by(self.paths.iter().map(String::as_str), place) {
            let named = format!("{{{name}}}");
            // Of a name it does not know, the chart makes up another id each time.
            if self.chart.fill(&named) != self.chart.fill(&named) {
                self.made.entry(name).or_insert(id);
            }
        }
    }

    /// The outcomes on record of a request, and whom they name.
    async fn records(&mut self, reply: &Reply) -> Vec<(String, Option<String>)> {
        let request = reply.headers["x-request-id"].to_str().expect("an id");
        sqlx::query(
            "select outcome, patient_id::text from app.phi_accesses where request_id = $1::uuid",
        )
        .bind(request)
        .fetch_all(&mut self.log)
        .await
        .expect("the log can be read")
        .into_iter()
        .map(|row| (row.get(0), row.get(1)))
        .collect()
    }
}

#[tokio::test]
async fn every_disclosure_and_every_refusal_is_on_record() {
    let clinic = TestTenant::new().await;
    let document = chartwell::document();
    let mut walk = Walk {
        document: document.clone(),
        chart: Chart::open(&clinic).await,
        paths: operations(&document)
            .into_iter()
            .map(|(path, _, _)| path)
            .collect(),
        made: BTreeMap::new(),
        log: admin_connection().await,
    };
    let admin = clinic.user(Role::Admin).await;
    let billing = clinic.user(Role::Billing).await;
    let (doctor, patient) = (walk.chart.doctor.clone(), walk.chart.portal_user.clone());
    let (mut not_reached, mut not_shown) = (BTreeSet::new(), BTreeSet::new());
    let (mut disclosed, mut refused) = (0, 0);
    let mut unlike = BTreeSet::new();
    let all = of_health_information(&document);
    for operation in &all {
        let caller = if operation.has("admin") {
            &admin
        } else if operation.has("provider") {
            &doctor
        } else {
            &patient
        };
        for caller in [caller, &billing] {
            let reply = walk.call(operation, caller).await;
            unlike.extend(unlike_the_document(&document, &operation.what, &reply));
            let records = walk.records(&reply).await;
            let place = format!(
                "{} {} as {} → {} {}",
                operation.method, operation.path, caller.email, reply.status, reply.text
            );
            if reply.status.is_success() {
                assert!(!records.is_empty(), "{place}: no record");
                // A batch refuses rows, and says so.
                let in_part = reply.text.contains("\"outcome\":\"refused\"");
                assert!(
                    in_part || records.iter().all(|(outcome, _)| outcome == "success"),
                    "{place}"
                );
                disclosed += 1;
                walk.learn(&reply);
            } else if matches!(reply.status.as_u16(), 403 | 404 | 409) {
                assert!(
                    records.iter().any(|(outcome, _)| outcome == "refused"),
                    "{place}: no record"
                );
                refused += 1;
                if operation.method == Method::GET && caller.email != billing.email {
                    not_shown.insert(&*operation.name);
                }
            } else {
                assert!(matches!(reply.status.as_u16(), 400 | 422), "{place}");
                not_reached.insert(&*operation.name);
                continue;
            }
            if operation.path.contains("{patient_id}") {
                let whom = Some(walk.chart.patient.clone());
                let named = records.iter().any(|(_, patient)| *patient == whom);
                assert!(named, "{place}: the record does not name the patient");
            }
        }
    }
    assert!(unlike.is_empty(), "headers: {unlike:#?}");
    // Exactly these: what can be reached now leaves the list.
    assert_eq!(not_reached, NOT_REACHED.map(|(name, _)| name).into());
    assert_eq!(not_shown, NOT_SHOWN.map(|(name, _)| name).into());
    assert!(
        disclosed * 3 > all.len() * 2 && refused > all.len() / 2,
        "{disclosed} disclosures, {refused} refusals of {} operations",
        all.len()
    );
}

/// Puts the id wherever the value names a patient. Answers whether it does.
fn name_patient(value: &mut Value, patient: &str) -> bool {
    match value {
        Value::Object(members) => members.iter_mut().fold(false, |named, (name, member)| {
            if name == "patient_id" {
                *member = json!(patient);
                return true;
            }
            name_patient(member, patient) || named
        }),
        Value::Array(items) => {
            let named = items.iter_mut().map(|item| name_patient(item, patient));
            named.filter(|named| *named).count() > 0
        }
        _ => false,
    }
}

#[tokio::test]
async fn whom_a_strangers_body_or_filter_names_is_named_in_the_record_too() {
    let clinic = TestTenant::new().await;
    let document = chartwell::document();
    let mut walk = Walk {
        document: document.clone(),
        chart: Chart::open(&clinic).await,
        paths: Vec::new(),
        made: BTreeMap::new(),
        log: admin_connection().await,
    };
    let stranger = clinic.user(Role::Provider).await;
    let patient = walk.chart.patient.clone();
    let (mut unnamed, mut asked) = (Vec::new(), 0);
    for operation in of_health_information(&document) {
        let parameters = operation.what["parameters"].as_array().cloned();
        let filters = parameters.unwrap_or_default().iter().any(|one| {
            (one["in"].as_str(), one["name"].as_str()) == (Some("query"), Some("patient_id"))
        });
        let mut body = walk
            .chart
            .localise(example(&document, &operation.what).unwrap_or_default());
        let in_body = !is_form(&operation.what) && name_patient(&mut body, &patient);
        if !operation.has("provider") || !(filters || in_body) {
            continue;
        }
        let place = walk.place(&operation);
        let reply = if in_body {
            stranger.post(&place, body).await
        } else {
            stranger.get(format!("{place}?patient_id={patient}")).await
        };
        let records = walk.records(&reply).await;
        if !records
            .iter()
            .any(|(_, whom)| *whom == Some(patient.clone()))
        {
            unnamed.push(format!(
                "{}: {} {}",
                operation.name, reply.status, reply.text
            ));
        }
        asked += 1;
    }
    assert!(unnamed.is_empty(), "{unnamed:#?}");
    assert!(asked >= 9, "{asked} asked");
}
