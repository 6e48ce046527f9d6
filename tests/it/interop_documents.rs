//! Import of documents and notes: filed as what they are, once, and renewed when their source changes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use platform::access::Role;
use serde_json::{Value, json};

use crate::interop::{Files, encounter, patient, run};
use crate::support::{Caller, TestTenant};

pub(crate) fn attachment(text: &str) -> Value {
    json!({ "contentType": "text/plain; charset=utf-8", "data": STANDARD.encode(text) })
}

pub(crate) fn note(id: &str, text: &str) -> Value {
    json!({ "resourceType": "DocumentReference", "id": id, "status": "current", "date": "2019-02-03T17:03:38-05:00",
        "subject": { "reference": "Patient/p1" }, "context": { "encounter": [{ "reference": "Encounter/e1" }] },
        "type": { "coding": [{ "system": "http://loinc.org", "code": "34117-2", "display": "History and physical note" }] },
        "author": [{ "display": "Dr. Elsewhere" }], "content": [{ "attachment": attachment(text) }] })
}

pub(crate) fn report(id: &str, text: &str) -> Value {
    json!({ "resourceType": "DiagnosticReport", "id": id, "status": "final", "effectiveDateTime": "2019-02-03T17:03:38-05:00",
        "subject": { "reference": "Patient/p1" }, "encounter": { "reference": "Encounter/e1" },
        "code": { "coding": [{ "system": "http://loinc.org", "code": "34117-2", "display": "History and physical note" }] },
        "presentedForm": [attachment(text)] })
}

pub(crate) async fn documents(admin: &Caller) -> Vec<Value> {
    let found = admin
        .get("/api/v1/patients?family=wint&ssn=999336284")
        .await
        .expect(200);
    let patient = found["items"][0]["id"].as_str().expect("an id").to_owned();
    let page = admin
        .get(format!("/api/v1/patients/{patient}/documents"))
        .await
        .expect(200);
    page["items"].as_array().expect("a list").clone()
}

#[tokio::test]
async fn a_note_from_elsewhere_is_one_document_not_signed_here_and_is_renewed_with_its_source() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let files = Files::new();
    let of = |text: &str| {
        vec![
            patient("p1"),
            encounter("e1", "Patient/p1"),
            note("d1", text),
            report("r1", text),
            json!({ "resourceType": "DiagnosticReport", "id": "r2", "status": "final", "subject": { "reference": "Patient/p1" },
                    "code": { "text": "Panel" } }),
        ]
    };
    files.lines("record.ndjson", &of("Cough since Monday."));
    let first = run(&clinic, &files.0).await;
    assert_eq!(first.failed(), 0, "{first}");
    assert_eq!(first.entered.get("document"), Some(&2), "{first}");
    let filed = documents(&admin).await;
    assert_eq!(filed.len(), 1, "the same bytes are one document");
    assert_eq!(filed[0]["source"], "import");
    assert_eq!(filed[0]["title"], "History and physical note");
    assert!(filed[0]["encounter_id"].is_string());
    let about = filed[0]["description"].as_str().expect("a description");
    assert!(about.contains("not signed here") && about.contains("Dr. Elsewhere"));
    let place = format!(
        "/api/v1/documents/{}",
        filed[0]["id"].as_str().expect("an id")
    );
    let content = admin.get(format!("{place}/content")).await;
    assert_eq!(content.text, "Cough since Monday.");
    let signed = admin.get(format!("{place}/attestations")).await.expect(200);
    assert_eq!(signed["items"], json!([]));

    let again = run(&clinic, &files.0).await;
    assert_eq!(
        (again.total().created, again.total().updated),
        (0, 0),
        "{again}"
    );
    assert_eq!(again.looked_at_again, 0, "{again}");

    files.lines("record.ndjson", &of("Cough since Sunday."));
    let changed = run(&clinic, &files.0).await;
    assert_eq!(changed.failed(), 0, "{changed}");
    let renewed = documents(&admin).await;
    assert_eq!(renewed.len(), 1);
    assert_eq!(renewed[0]["id"], filed[0]["id"]);
    assert_eq!(renewed[0]["current"]["number"], 2);
    let content = admin.get(format!("{place}/content")).await;
    assert_eq!(content.text, "Cough since Sunday.");
    let before = admin.get(format!("{place}/versions/1/content")).await;
    assert_eq!(before.text, "Cough since Monday.");
    let settled = run(&clinic, &files.0).await;
    assert_eq!(settled.looked_at_again, 0, "{settled}");
    assert_eq!(documents(&admin).await[0]["current"]["number"], 2);
}

#[tokio::test]
async fn a_plan_is_about_the_conditions_it_names() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let files = Files::new();
    let sinusitis = json!({ "coding": [{ "system": "http://snomed.info/sct", "code": "40055000", "display": "Chronic sinusitis" }] });
    files.lines(
        "record.ndjson",
        &[
            patient("p1"),
            json!({ "resourceType": "Condition", "id": "c1", "subject": { "reference": "Patient/p1" }, "code": sinusitis }),
            json!({ "resourceType": "CarePlan", "id": "cp1", "status": "active", "intent": "order", "title": "Sinusitis",
                    "subject": { "reference": "Patient/p1" }, "addresses": [{ "reference": "Condition/c1" }] }),
            json!({ "resourceType": "Goal", "id": "g1", "lifecycleStatus": "active", "description": { "text": "Breathe" },
                    "subject": { "reference": "Patient/p1" }, "addresses": [{ "reference": "Condition/c1" }] }),
        ],
    );
    let report = run(&clinic, &files.0).await;
    assert_eq!(report.failed(), 0, "{report}");
    let found = admin
        .get("/api/v1/patients?family=wint&ssn=999336284")
        .await
        .expect(200);
    let patient = found["items"][0]["id"].as_str().expect("an id").to_owned();
    for list in ["care-plans", "goals"] {
        let page = admin
            .get(format!("/api/v1/patients/{patient}/{list}"))
            .await
            .expect(200);
        assert_eq!(
            page["items"][0]["addresses"][0]["code"], "40055000",
            "{list}: {report}"
        );
    }
}

/// The same words, of another day and another visit.
fn again(id: &str, text: &str) -> Value {
    let mut other = note(id, text);
    other["date"] = json!("2020-03-04T10:00:00-05:00");
    other["context"] = json!({});
    other
}

#[tokio::test]
async fn the_same_words_of_two_visits_are_two_documents_and_a_change_of_one_leaves_the_other() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let files = Files::new();
    let say = |papers: &[Value]| {
        let mut all = vec![patient("p1"), encounter("e1", "Patient/p1")];
        all.extend(papers.iter().cloned());
        files.lines("record.ndjson", &all);
    };
    let normal = "No acute findings.";
    say(&[
        note("d1", normal),
        again("d2", normal),
        report("r1", normal),
    ]);
    run(&clinic, &files.0).await;
    let filed = documents(&admin).await;
    assert_eq!(filed.len(), 2, "{filed:?}");
    let days: Vec<&str> = filed
        .iter()
        .filter_map(|one| one["document_date"].as_str())
        .collect();
    assert_eq!(days, ["2020-03-04", "2019-02-03"]);

    // The report of the shared document says something else now; the note stands by it.
    say(&[
        note("d1", normal),
        again("d2", normal),
        report("r1", "A fracture after all."),
    ]);
    let changed = run(&clinic, &files.0).await;
    assert!(changed.kept.is_empty(), "{changed}");
    let now = documents(&admin).await;
    assert_eq!(now.len(), 3, "{now:?}");
    assert!(
        now.iter().all(|one| one["current"]["number"] == 1),
        "{now:?}"
    );
    let settled = run(&clinic, &files.0).await;
    assert_eq!(
        (settled.looked_at_again, settled.total().updated),
        (0, 0),
        "{settled}"
    );
    // From now on it is renewed by itself.
    say(&[
        note("d1", normal),
        again("d2", normal),
        report("r1", "Two fractures."),
    ]);
    run(&clinic, &files.0).await;
    let now = documents(&admin).await;
    assert_eq!(
        now.iter()
            .filter(|one| one["current"]["number"] == 2)
            .count(),
        1,
        "{now:?}"
    );
    assert_eq!(now.len(), 3);
}

#[tokio::test]
async fn every_attachment_is_filed_and_so_is_a_conclusion() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let files = Files::new();
    let two = |texts: &[&str]| {
        let mut two = note("d1", "");
        let parts: Vec<Value> = texts
            .iter()
            .map(|text| json!({ "attachment": attachment(text) }))
            .collect();
        two["content"] = json!(parts);
        two
    };
    let mut concluded = report("r1", "");
    concluded
        .as_object_mut()
        .expect("an object")
        .remove("presentedForm");
    concluded["conclusion"] = json!("Suspicious of pneumonia.");
    let mut half = report("r2", "Read here.");
    half["presentedForm"]
        .as_array_mut()
        .expect("a list")
        .push(json!({ "url": "https://elsewhere.example/1.pdf" }));
    half["conclusion"] = json!("No fracture.");
    let say = |first: Value| {
        files.lines(
            "record.ndjson",
            &[
                patient("p1"),
                encounter("e1", "Patient/p1"),
                first,
                concluded.clone(),
                half.clone(),
            ],
        );
    };
    say(two(&["Page one.", "Page two."]));
    let report = run(&clinic, &files.0).await;
    assert_eq!(report.entered.get("document"), Some(&3), "{report}");
    assert_eq!(report.kept.len(), 1, "{report}");
    assert!(
        report.kept[0].reason.contains("not in the file"),
        "{report}"
    );
    let texts = async || {
        let mut texts = Vec::new();
        for one in documents(&admin).await {
            let place = format!(
                "/api/v1/documents/{}/content",
                one["id"].as_str().expect("an id")
            );
            texts.push(admin.get(place).await.text);
        }
        texts.sort();
        texts
    };
    assert_eq!(
        texts().await,
        [
            "No fracture.",
            "Page one.",
            "Page two.",
            "Read here.",
            "Suspicious of pneumonia."
        ]
    );

    say(two(&["Page one.", "Page two, corrected."]));
    run(&clinic, &files.0).await;
    assert_eq!(
        texts().await,
        [
            "No fracture.",
            "Page one.",
            "Page two, corrected.",
            "Read here.",
            "Suspicious of pneumonia."
        ]
    );
    // What is left is known by what it holds, not by its place.
    say(two(&["Page two, corrected."]));
    run(&clinic, &files.0).await;
    assert_eq!(
        texts().await,
        [
            "No fracture.",
            "Page two, corrected.",
            "Read here.",
            "Suspicious of pneumonia."
        ]
    );
    let settled = run(&clinic, &files.0).await;
    assert_eq!(
        (settled.looked_at_again, settled.total().updated),
        (0, 0),
        "{settled}"
    );
}

/// Its bytes came in the resource, which is kept as it came: there they are destroyed with it, and with what it said before.
#[tokio::test]
async fn what_was_destroyed_is_gone_from_its_source_too_and_does_not_come_back() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let files = Files::new();
    let mut concluded = report("r1", "");
    concluded["conclusion"] = json!("Suspicious of pneumonia.");
    concluded["presentedForm"] = json!([]);
    let say = |note: Value| {
        let (who, visit) = (patient("p1"), encounter("e1", "Patient/p1"));
        files.lines("record.ndjson", &[who, visit, note, concluded.clone()]);
    };
    let words = ["Cough since Monday.", "Cough since Sunday."];
    for text in words {
        say(note("d1", text));
        run(&clinic, &files.0).await;
    }
    let kept = async || {
        let mut kept = Vec::new();
        for words in words
            .map(|text| STANDARD.encode(text))
            .iter()
            .map(String::as_str)
            .chain(["pneumonia"])
        {
            let found: i64 = sqlx::query_scalar(
                "select count(*) from (select tenant_id, content from app.imported_resources
                                       union all select tenant_id, content from app.imported_resource_states) as told
                  where tenant_id = $1 and strpos(content::text, $2) > 0",
            )
            .bind(clinic.id.0)
            .bind(words)
            .fetch_one(&mut clinic.behind_the_curtain().await)
            .await
            .expect("counted");
            kept.push(found);
        }
        kept
    };
    assert_eq!(kept().await, [1, 1, 1]);
    let policy = json!({ "category": "clinical", "years": 5 });
    let policies = "/api/v1/document-retention/policies";
    admin.post(policies, policy).await.expect(201);
    clinical::documents::round(&clinic.app, clinic.id)
        .await
        .expect("reviewed");
    let reviews = "/api/v1/document-retention/reviews";
    let open = admin.get(reviews).await.expect(200);
    let open = open["items"].as_array().expect("items").clone();
    assert_eq!(open.len(), 2, "{open:?}");
    for review in &open {
        let path = format!(
            "{reviews}/{}/destroy",
            review["id"].as_str().expect("an id")
        );
        let why = json!({ "reason": "Outlived" });
        admin.post(path, why).await.expect(200);
    }
    assert_eq!(kept().await, [0, 0, 0]);
    let owner = open[0]["patient_id"].as_str().expect("a patient");
    let list = format!("/api/v1/patients/{owner}/imported-resources");
    let brought = async || {
        let found = admin
            .get(format!("{list}?type=DocumentReference"))
            .await
            .expect(200);
        let id = found["items"][0]["id"].as_str().expect("an id").to_owned();
        admin.get(format!("{list}/{id}")).await.expect(200)["content"].clone()
    };
    let told = brought().await;
    assert_eq!(told["author"][0]["display"], "Dr. Elsewhere", "{told}");
    let attachment = &told["content"][0]["attachment"];
    assert!(
        attachment["contentType"].is_string() && attachment["data"].is_null(),
        "{told}"
    );

    let again = run(&clinic, &files.0).await;
    assert_eq!(
        (again.total().created, again.total().updated),
        (0, 0),
        "{again}"
    );
    // Even where it says something else of the same.
    let mut renamed = note("d1", words[1]);
    renamed["description"] = json!("A note");
    say(renamed);
    let changed = run(&clinic, &files.0).await;
    assert_eq!(changed.total().updated, 1, "{changed}");
    assert_eq!(brought().await["description"], "A note");
    assert_eq!(kept().await, [0, 0, 0]);
    let standing = documents(&admin).await;
    assert!(
        standing.iter().all(|one| one["status"] == "destroyed"),
        "{standing:?}"
    );
}

fn beside(id: &str, url: &str) -> Value {
    let mut letter = note(id, "");
    letter["content"] = json!([{ "attachment": { "contentType": "text/plain", "url": url } }]);
    letter
}

fn binary(id: &str, text: &str) -> Value {
    json!({ "resourceType": "Binary", "id": id, "contentType": "text/plain", "data": STANDARD.encode(text) })
}

#[tokio::test]
async fn a_content_that_comes_beside_its_letter_is_filed_and_destroyed_with_it() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let files = Files::new();
    files.lines(
        "record.ndjson",
        &[
            patient("p1"),
            encounter("e1", "Patient/p1"),
            beside("d1", "https://elsewhere.example/fhir/Binary/b1"),
            binary("b1", "Cough since Monday."),
            beside("d2", "Binary/nowhere"),
        ],
    );
    let of_the_bundle =
        json!({ "fullUrl": "urn:uuid:aaaa", "resource": binary("b2", "Fever since Sunday.") });
    let letter = json!({ "fullUrl": "urn:uuid:cccc", "resource": beside("d3", "urn:uuid:aaaa") });
    files.bundle("z.json", "collection", &[letter, of_the_bundle]);
    let report = run(&clinic, &files.0).await;
    assert_eq!(report.failed(), 0, "{report}");
    let kept: Vec<&str> = report
        .kept
        .iter()
        .filter_map(|one| one.id.as_deref())
        .collect();
    assert_eq!(kept, ["d2"], "{report}");
    let mut told = Vec::new();
    for document in documents(&admin).await {
        let id = document["id"].as_str().expect("an id");
        let place = format!("/api/v1/documents/{id}/content");
        told.push(admin.get(place).await.text);
    }
    told.sort();
    assert_eq!(told, ["Cough since Monday.", "Fever since Sunday."]);
    let again = run(&clinic, &files.0).await;
    let total = again.total();
    assert_eq!((total.created, total.updated), (0, 0), "{again}");
    assert_eq!(again.looked_at_again, 0, "{again}");

    let policy = json!({ "category": "clinical", "years": 5 });
    let policies = "/api/v1/document-retention/policies";
    admin.post(policies, policy).await.expect(201);
    clinical::documents::round(&clinic.app, clinic.id)
        .await
        .expect("reviewed");
    let reviews = "/api/v1/document-retention/reviews";
    let open = admin.get(reviews).await.expect(200);
    for review in open["items"].as_array().expect("items") {
        let id = review["id"].as_str().expect("an id");
        let path = format!("{reviews}/{id}/destroy");
        let why = json!({ "reason": "Outlived" });
        admin.post(path, why).await.expect(200);
    }
    let mut changed = binary("b1", "Cough since Monday.");
    changed["language"] = json!("en");
    files.lines("later.ndjson", &[changed]);
    run(&clinic, &files.0.join("later.ndjson")).await;
    let left: i64 = sqlx::query_scalar(
        "select count(*) from app.imported_resources where tenant_id = $1 and resource_type = 'Binary' and content ? 'data'",
    )
    .bind(clinic.id.0)
    .fetch_one(&mut clinic.behind_the_curtain().await)
    .await
    .expect("counted");
    assert_eq!(left, 0);
}

#[tokio::test]
async fn a_letter_that_another_replaces_says_so_whichever_comes_first() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let files = Files::new();
    let replacing = |id: &str, text: &str, before: &str| {
        let mut letter = note(id, text);
        letter["relatesTo"] = json!([{ "code": "replaces", "target": { "reference": format!("DocumentReference/{before}") } }]);
        letter
    };
    let titles = async || {
        let mut titles: Vec<String> = documents(&admin)
            .await
            .iter()
            .map(|one| one["title"].as_str().expect("a title").to_owned())
            .collect();
        titles.sort();
        titles
    };
    let plain = "History and physical note";
    let old = format!("Replaced: {plain}");
    let record = vec![
        patient("p1"),
        encounter("e1", "Patient/p1"),
        note("d1", "One"),
    ];
    files.lines("a.ndjson", &record);
    run(&clinic, &files.0).await;
    assert_eq!(titles().await, [plain]);
    files.lines("b.ndjson", &[replacing("d2", "Two", "d1")]);
    run(&clinic, &files.0).await;
    assert_eq!(titles().await, [plain, &old]);
    let again = run(&clinic, &files.0).await;
    assert_eq!(again.looked_at_again, 0, "{again}");
    // The other way round, in one run.
    files.lines(
        "c.ndjson",
        &[replacing("d4", "Four", "d3"), note("d3", "Three")],
    );
    run(&clinic, &files.0).await;
    assert_eq!(titles().await, [plain, plain, &old, &old]);
    let again = run(&clinic, &files.0).await;
    assert_eq!(again.looked_at_again, 0, "{again}");

    // A source that says it of the old one itself changes nothing of that.
    let mut superseded = note("d1", "One");
    superseded["status"] = json!("superseded");
    files.lines(
        "a.ndjson",
        &[patient("p1"), encounter("e1", "Patient/p1"), superseded],
    );
    let report = run(&clinic, &files.0).await;
    assert!(report.kept.is_empty(), "{report}");
    assert_eq!(titles().await, [plain, plain, &old, &old]);
}
