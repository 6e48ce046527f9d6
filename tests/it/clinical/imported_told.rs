//! What a chart tells of imported prescriptions and reports: by whatever name they name each other, and in parts as well as in words.

use kernel::Clock;
use platform::access::Role;
use serde_json::{Value, json};

use super::imported::{Record, laboratory, order};
use crate::interop::run;
use crate::interop_documents::report;

fn medication(id: &str, name: &str) -> Value {
    json!({ "resourceType": "Medication", "id": id, "code": { "text": name,
        "coding": [{ "system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": format!("10{}", name.len()) }] } })
}

fn prescription(id: &str, medication: Value) -> Value {
    let mut one = order(id, "MedicationRequest", "active");
    let members = one.as_object_mut().expect("an object");
    members.remove("code");
    members.insert("medicationReference".into(), medication);
    one
}

fn entry(url: &str, resource: &Value) -> Value {
    json!({ "fullUrl": url, "resource": resource })
}

#[tokio::test]
async fn a_prescription_finds_its_medication_by_any_name_whichever_file_comes_first() {
    let record = Record::import(&[]).await;
    let named = |id: &str, name: &str| {
        prescription(id, json!({ "reference": name, "display": "As written" }))
    };
    // The place in a bundle is not the id of what stands there.
    record.files.bundle(
        "a.json",
        "collection",
        &[
            entry("urn:uuid:aaaa", &named("m1", "urn:uuid:bbbb")),
            entry("urn:uuid:cccc", &named("m2", "urn:uuid:dddd")),
            entry("urn:uuid:bbbb", &medication("x1", "Amoxicillin")),
        ],
    );
    record.files.lines(
        "b.ndjson",
        &[
            named("m3", "Medication?identifier=urn:drugs|7"),
            prescription(
                "m4",
                json!({ "identifier": { "system": "urn:drugs", "value": "7" } }),
            ),
            named("m5", "urn:uuid:none"),
        ],
    );
    let mut coded = medication("x3", "Simvastatin");
    coded["identifier"] = json!([{ "system": "urn:drugs", "value": "7" }]);
    record.files.bundle(
        "z.json",
        "collection",
        &[
            entry("urn:uuid:dddd", &medication("x2", "Naproxen")),
            entry("urn:uuid:eeee", &coded),
        ],
    );
    let first = run(&record.clinic, &record.files.0).await;
    assert_eq!(first.failed(), 0, "{first}");
    let told = async || {
        let chart = record.doctor.get(record.place("chart")).await.expect(200);
        let section = chart["medications"]["items"].as_array().cloned();
        let mut told: Vec<Value> = section
            .expect("medications")
            .iter()
            .map(|one| json!([one["name"], one["rxnorm"]]))
            .collect();
        told.sort_by_key(Value::to_string);
        told
    };
    let expected = [
        json!(["Amoxicillin", "1011"]),
        json!(["As written", null]),
        json!(["Naproxen", "108"]),
        json!(["Simvastatin", "1011"]),
        json!(["Simvastatin", "1011"]),
    ];
    assert_eq!(told().await, expected);

    // As an earlier version left it: the next run of the same files finds the names.
    let forgotten = sqlx::query(
        "delete from app.import_links where tenant_id = $1 and resource_type = 'Medication'",
    )
    .bind(record.clinic.id.0)
    .execute(&mut record.clinic.behind_the_curtain().await)
    .await
    .expect("forgotten");
    assert_eq!(forgotten.rows_affected(), 4);
    let again = run(&record.clinic, &record.files.0).await;
    let total = again.total();
    assert_eq!((total.created, total.updated), (0, 0), "{again}");
    assert_eq!(told().await, expected);
}

#[tokio::test]
async fn a_dose_that_a_source_says_in_parts_stands_in_the_chart() {
    let dosed = |id: &str, dosage: Value| {
        let mut one = order(id, "MedicationRequest", "active");
        one["code"] = Value::Null;
        one["medicationCodeableConcept"] = json!({ "text": id });
        one["dosageInstruction"] = dosage;
        one
    };
    let twice = json!({ "repeat": { "frequency": 2, "period": 1.0, "periodUnit": "d" } });
    let every = json!({ "code": { "coding": [{ "code": "Q8H" }] }, "repeat": { "frequency": 1, "period": 8, "periodUnit": "h",
        "boundsDuration": { "value": 7, "unit": "days" } } });
    let seldom = json!({ "repeat": { "frequency": 1, "period": 4, "periodMax": 6, "periodUnit": "h", "count": 3 } });
    let record = Record::import(&[
        dosed("m1", json!([{ "sequence": 1, "timing": twice, "asNeededBoolean": false,
            "doseAndRate": [{ "doseQuantity": { "value": 1.0 } }] }])),
        dosed("m2", json!([{ "text": "One with food", "timing": every, "route": { "coding": [{ "display": "Oral" }] },
            "asNeededCodeableConcept": { "text": "pain" }, "doseAndRate": [{ "doseQuantity": { "value": 2.50, "unit": "mL" } }],
            "maxDosePerPeriod": { "numerator": { "value": 4, "unit": "g" }, "denominator": { "value": 1, "unit": "d" } } }])),
        dosed("m3", json!({ "text": 7, "timing": "odd", "doseAndRate": 3 })),
        dosed("m4", json!([{ "timing": seldom, "maxDosePerAdministration": { "value": 2, "unit": "tablets" } }])),
    ])
    .await;
    let now = Clock::system().now().to_rfc3339().replace("+00:00", "Z");
    for path in ["chart".to_owned(), format!("chart?as_of={now}")] {
        let chart = record.doctor.get(record.place(&path)).await.expect(200);
        let section = chart["medications"]["items"].as_array().expect("some");
        let dosage = |name: &str| {
            let found = section.iter().find(|one| one["name"] == name);
            found.expect("told")["dosage"].clone()
        };
        assert_eq!(dosage("m1"), "dose 1.0, 2 times a day");
        assert_eq!(
            dosage("m2"),
            "One with food (2.5 mL, Q8H, every 8 hours, for 7 days, Oral, as needed: pain, at most 4 g in 1 d)"
        );
        assert_eq!(dosage("m3"), "7");
        assert_eq!(
            dosage("m4"),
            "every 4 to 6 hours, and more that its source says of the time, at most 2 tablets at once"
        );
    }
}

#[tokio::test]
async fn a_report_tells_what_it_found_to_whom_that_was_given_and_as_it_was() {
    let mut panel = report("r1", "See below.");
    let members = panel.as_object_mut().expect("an object");
    members.remove("presentedForm");
    members.insert("conclusionCode".into(), json!([{ "text": "Diabetes" }]));
    members.insert(
        "result".into(),
        json!([{ "reference": "Observation/lab", "display": "HbA1c" }, { "reference": "#in" },
               { "reference": "urn:uuid:nowhere", "display": "Lost" }]),
    );
    members.insert(
        "contained".into(),
        json!([{ "resourceType": "Observation", "id": "in", "code": { "text": "Culture" }, "valueCodeableConcept": { "text": "No growth" } }]),
    );
    let mut found = laboratory();
    found["code"]["text"] = json!("HbA1c");
    found["interpretation"] = json!([{ "text": "High" }]);
    found["referenceRange"] = json!([{ "high": { "value": 5.6, "unit": "%" } }]);
    let record = Record::import(&[panel.clone(), found.clone()]).await;
    let of = async |path: &str| {
        let chart = record.doctor.get(record.place(path)).await.expect(200);
        chart["results"]["items"][0].clone()
    };
    let before = of("chart").await;
    assert_eq!(before["conclusion"], "Diabetes");
    assert_eq!(
        before["results"],
        json!([
            { "title": "HbA1c", "value": "6.1 %", "status": "final", "interpretation": "High", "reference_range": "at most 5.6 %" },
            { "title": "Culture", "value": "No growth" },
            { "title": "Lost" },
        ])
    );

    // The patient was given the report, and then what it found.
    let own = async || {
        let chart = record.own.get(record.place("chart")).await.expect(200);
        chart["results"]["items"][0]["results"][0]["value"].clone()
    };
    for (source, told) in [("r1", Value::Null), ("lab", json!("6.1 %"))] {
        let place = record.resource(source).await;
        let released = record.doctor.act(format!("{place}/release")).await;
        released.expect(200);
        assert_eq!(own().await, told, "{source}");
    }

    let then = Clock::system().now().to_rfc3339().replace("+00:00", "Z");
    found["valueQuantity"]["value"] = json!(7.4);
    record.files.lines("later.ndjson", &[found]);
    let path = record.files.0.join("later.ndjson");
    run(&record.clinic, &path).await;
    assert_eq!(of("chart").await["results"][0]["value"], "7.4 %");
    assert_eq!(of(&format!("chart?as_of={then}")).await, before);
    assert_eq!(own().await, Value::Null, "a new value was given to nobody");
}

#[tokio::test]
async fn a_template_brings_what_is_known_of_medications_and_a_gap_where_nothing_is() {
    let mut taken = order("m1", "MedicationRequest", "active");
    taken.as_object_mut().expect("an object").remove("code");
    taken["medicationCodeableConcept"] = json!({ "text": "Naproxen 220 MG" });
    taken["dosageInstruction"] = json!([{ "text": "One tablet with food" }]);
    let mut ended = taken.clone();
    ended["id"] = json!("m2");
    ended["status"] = json!("stopped");
    ended["medicationCodeableConcept"] = json!({ "text": "Ibuprofen" });
    let admin = async |record: &Record| record.clinic.user(Role::Admin).await;
    let filled = async |record: &Record| {
        let template = json!({ "name": "Visit", "type": "progress", "content": { "body": "{{medications.active}}" } });
        let made = admin(record).await;
        let made = made.post("/api/v1/note-templates", template).await;
        let template = made.expect(201)["id"].as_str().expect("an id").to_owned();
        let preview = record.place(&format!("note-templates/{template}"));
        let shown = record.doctor.get(preview).await.expect(200);
        shown["content"]["body"].clone()
    };
    assert_eq!(filled(&Record::import(&[]).await).await, "***");
    let record = Record::import(&[taken, ended]).await;
    assert_eq!(
        filled(&record).await,
        "- Naproxen 220 MG, active (imported): One tablet with food"
    );
}

#[tokio::test]
async fn what_its_source_changes_in_a_way_not_known_here_is_not_told_as_it_stands() {
    let changed = json!([{ "url": "urn:x:not", "valueBoolean": true }]);
    let mut taken = order("m1", "MedicationRequest", "active");
    taken.as_object_mut().expect("an object").remove("code");
    taken["medicationCodeableConcept"] = json!({ "text": "Naproxen" });
    taken["dosageInstruction"] = json!([{ "text": "One", "modifierExtension": changed }]);
    let mut plain = taken.clone();
    plain["id"] = json!("m2");
    plain["medicationCodeableConcept"] = json!({ "text": "Ibuprofen" });
    plain["dosageInstruction"] = json!([{ "text": "Two", "modifierExtension": [] }]);
    plain["contained"] =
        json!([{ "resourceType": "Medication", "id": "x", "modifierExtension": changed }]);
    let mut panel = report("r1", "See below.");
    panel["code"] = json!({ "text": "Blood count" });
    panel["modifierExtension"] = changed.clone();
    panel["result"] = json!([{ "reference": "Observation/lab" }]);
    let mut found = laboratory();
    found["code"]["text"] = json!("HbA1c");
    found["modifierExtension"] = changed;
    let record = Record::import(&[taken, plain, panel, found]).await;
    let careful = |title: &str| {
        json!(format!(
            "Changed at its source in a way not known here: {title}"
        ))
    };
    let now = Clock::system().now().to_rfc3339().replace("+00:00", "Z");
    for then in [String::new(), format!("as_of={now}")] {
        let place = record.place(&format!("chart?{then}"));
        let chart = record.doctor.get(place).await.expect(200);
        let section = chart["medications"]["items"].as_array().expect("some");
        let mut names: Vec<&Value> = section.iter().map(|one| &one["name"]).collect();
        names.sort_by_key(ToString::to_string);
        assert_eq!(names, [&careful("Naproxen"), &json!("Ibuprofen")]);
        let report = &chart["results"]["items"][0];
        assert_eq!(report["title"], careful("Blood count"));
        assert_eq!(report["results"][0]["title"], careful("HbA1c"));
        let place = record.place(&format!("timeline?types=result&{then}"));
        let told = record.doctor.get(place).await.expect(200);
        assert_eq!(told["items"][0]["title"], careful("Blood count"));
    }
}
