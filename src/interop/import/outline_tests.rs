use super::*;
use serde_json::json;

fn read(value: &Value) -> Vec<Result<(String, String), String>> {
    outlines(&value.to_string(), Place::file(0), None)
        .into_iter()
        .map(|found| match found {
            Ok(outline) => Ok((outline.name.to_string(), outline.identity().id)),
            Err(fault) => Err(fault.reason.into_owned()),
        })
        .collect()
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "compared with what may be refused"
)]
fn ok(name: &str, identity: &str) -> Result<(String, String), String> {
    Ok((name.to_owned(), identity.to_owned()))
}

#[test]
fn each_entry_is_named_by_its_id_its_url_or_its_condition() {
    let bundle = json!({"resourceType": "Bundle", "type": "transaction", "entry": [
        {"fullUrl": "urn:uuid:u1", "resource": {"resourceType": "Patient", "id": "p1"}},
        {"fullUrl": "urn:uuid:u2", "resource": {"resourceType": "Patient"}, "request": {"method": "POST", "url": "Patient"}},
        {"fullUrl": "https://a.example/fhir/Patient/p3", "resource": {"resourceType": "Patient"}},
        {"resource": {"resourceType": "Patient"}, "request": {"method": "PUT", "url": "Patient/p4"}},
        {"fullUrl": "urn:uuid:u5", "resource": {"resourceType": "Practitioner", "id": "d5"},
         "request": {"method": "POST", "url": "Practitioner", "ifNoneExist": "identifier=http://npi|99"}},
        {"fullUrl": "urn:uuid:u6", "resource": {"resourceType": "Practitioner"},
         "request": {"method": "PUT", "url": "Practitioner?identifier=http%3A%2F%2Fnpi%7C98"}},
    ]});
    assert_eq!(
        read(&bundle),
        [
            ok("Patient/p1", "p1"),
            ok("Patient/u2", "u2"),
            ok("Patient/p3", "p3"),
            ok("Patient/p4", "p4"),
            ok("Practitioner/d5", "http://npi|99"),
            ok("Practitioner/u6", "http://npi|98"),
        ]
    );
    let found = outlines(&bundle.to_string(), Place::file(0), None)
        .remove(0)
        .map_err(|f| f.reason)
        .expect("an outline")
        .alias;
    assert_eq!(found.as_deref(), Some("u1"));
}

#[test]
fn a_bad_entry_fails_alone() {
    let bundle = json!({"resourceType": "Bundle", "type": "batch", "entry": [
        {"resource": {"id": "1"}},
        {"request": {"method": "GET", "url": "Patient"}},
        7,
        {"resource": {"resourceType": "Patient", "id": 5}},
        {"resource": {"resourceType": "bad type"}},
        {},
        {"resource": {"resourceType": "OperationOutcome"}},
        {"resource": {"resourceType": "Patient", "id": "good", "entry": 3, "type": [1]}},
    ]});
    let found = read(&bundle);
    assert_eq!(found.iter().filter(|found| found.is_err()).count(), 6);
    assert_eq!(found[6], ok("Patient/good", "good"));
    assert_eq!(
        found[1],
        Err("asks for something other than POST or PUT".to_owned())
    );
}

#[test]
fn a_document_that_is_no_resource_is_refused_without_quoting_it() {
    for text in [
        "",
        "[]",
        "3",
        "{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":[{\"Mary Secret\"",
        "null",
        "{}",
    ] {
        let found = outlines(text, Place::file(0), None);
        assert_eq!(found.len(), 1, "{text}");
        let reason = found
            .into_iter()
            .next()
            .expect("one")
            .err()
            .expect("refused")
            .reason;
        assert!(!reason.contains("Secret"), "{reason}");
    }
    assert!(read(&json!({"resourceType": "Bundle", "type": "message"}))[0].is_err());
    assert!(read(&json!({"resourceType": "Bundle", "type": "collection"})).is_empty());
}

#[test]
fn what_names_itself_by_nothing_is_named_by_its_content() {
    let one = read(&json!({"resourceType": "Observation", "status": "final"}));
    let other = read(&json!({"resourceType": "Observation", "status": "amended"}));
    assert!(
        matches!(&one[0], Ok((name, _)) if name.starts_with("Observation/sha256:")),
        "{one:?}"
    );
    assert_ne!(one, other);
}

#[test]
fn what_can_not_be_kept_is_found_when_it_is_read() {
    for (text, part) in [
        (
            r#"{"resourceType":"Observation","id":"1","note":"a\u0000b"}"#.to_owned(),
            "NUL",
        ),
        (
            r#"{"resourceType":"Observation","id":"1","note":"\ud800"}"#.to_owned(),
            "syntax",
        ),
        (
            format!(
                r#"{{"resourceType":"Observation","id":"1","x":{}1{}}}"#,
                "[".repeat(500),
                "]".repeat(500)
            ),
            "too deeply",
        ),
    ] {
        let outline = outlines(&text, Place::file(0), None)
            .remove(0)
            .map_err(|fault| fault.reason)
            .expect("an outline");
        let reason = outline.read().expect_err("unreadable").reason;
        assert!(reason.contains(part), "{reason}");
    }
    let harmless = r#"{"resourceType":"Observation","id":"1","note":"a\\u0000b"}"#;
    assert!(
        outlines(harmless, Place::file(0), None)
            .remove(0)
            .map_err(|f| f.reason)
            .expect("an outline")
            .read()
            .is_ok()
    );
}
