use kernel::Clock;
use serde_json::{Value, json};
use utoipa::PartialSchema;

use super::*;

fn example() -> Value {
    let schema = serde_json::to_value(NewPatient::schema()).expect("a schema");
    schema["example"].clone()
}

fn broken(change: &Value) -> Vec<(String, String)> {
    let mut body = example();
    for (name, value) in change.as_object().expect("an object") {
        body[name] = value.clone();
    }
    let patient: NewPatient = serde_json::from_value(body).expect("of the form");
    let mut checks = Checks::at(Clock::system().now());
    patient.check(&mut checks);
    let error = checks.finish().err();
    let fields = error.iter().flat_map(kernel::Error::fields);
    fields
        .map(|field| (field.pointer.clone(), field.code.to_string()))
        .collect()
}

#[test]
fn the_example_breaks_no_rule_and_comes_back_as_it_was() {
    assert_eq!(broken(&json!({})), []);
    let patient: NewPatient = serde_json::from_value(example()).expect("of the form");
    assert_eq!(serde_json::to_value(patient).expect("JSON"), example());
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn each_rule_names_its_field() {
    let legal = json!({ "use": "legal", "family": "A" });
    let contact = |priority: u8| json!({ "name": "B", "relationship": "friend", "priority": priority, "phone": "5550100100" });
    for (change, pointer, code) in [
        (json!({ "names": [] }), "/names", "one_legal"),
        (json!({ "names": [legal, legal] }), "/names", "one_legal"),
        (
            json!({ "names": [{ "use": "legal", "family": " " }] }),
            "/names/0/family",
            "blank",
        ),
        (
            json!({ "names": [{ "use": "legal", "family": "A", "given": ["B", ""] }] }),
            "/names/0/given/1",
            "wrong_form",
        ),
        (
            json!({ "birth_date": "2999-01-01" }),
            "/birth_date",
            "in_the_future",
        ),
        (
            json!({ "birth_date": "1700-01-01" }),
            "/birth_date",
            "too_early",
        ),
        (
            json!({ "deceased_on": "1980-02-28" }),
            "/deceased_on",
            "before_birth",
        ),
        (json!({ "language": "English" }), "/language", "wrong_form"),
        (
            json!({ "telecoms": [{ "system": "phone", "value": "12" }] }),
            "/telecoms/0/value",
            "not_a_phone",
        ),
        (
            json!({ "telecoms": [{ "system": "email", "value": "x" }] }),
            "/telecoms/0/value",
            "not_an_email",
        ),
        (
            json!({ "addresses": [{ "use": "home" }] }),
            "/addresses/0/lines",
            "blank",
        ),
        (
            json!({ "addresses": [{ "use": "home", "city": "A", "from": "2020-01-02", "until": "2020-01-01" }] }),
            "/addresses/0/until",
            "before_from",
        ),
        (
            json!({ "addresses": [{ "use": "home", "city": "A", "country": "usa" }] }),
            "/addresses/0/country",
            "wrong_form",
        ),
        (
            json!({ "contacts": [contact(1), contact(1)] }),
            "/contacts/1/priority",
            "taken",
        ),
        (
            json!({ "contacts": [contact(0)] }),
            "/contacts/0/priority",
            "out_of_range",
        ),
        (
            json!({ "identifiers": [{ "type": "ssn", "value": "000-12-3456" }] }),
            "/identifiers/0/value",
            "not_an_ssn",
        ),
        (
            json!({ "identifiers": [{ "type": "passport" }] }),
            "/identifiers/0",
            "missing_field",
        ),
        (
            json!({ "identifiers": [{ "type": "passport", "value": "X", "last4": "1234" }] }),
            "/identifiers/0/last4",
            "unknown_field",
        ),
        (
            json!({ "identifiers": [{ "type": "ssn", "last4": "1" }] }),
            "/identifiers/0/last4",
            "wrong_form",
        ),
        (
            json!({ "identifiers": [{ "type": "ssn", "last4": "1234" }, { "type": "ssn", "last4": "1234" }] }),
            "/identifiers",
            "too_many",
        ),
    ] {
        assert_eq!(
            broken(&change),
            [(pointer.to_owned(), code.to_owned())],
            "{change}"
        );
    }
}

#[test]
fn only_the_codes_of_the_list_are_codes() {
    for (member, value) in [
        ("race", json!([{ "code": "9999-9" }])),
        ("ethnicity", json!({ "code": "2106-3" })),
        ("blood_type", json!("C+")),
        ("sex", json!("F")),
        ("marital_status", json!("single")),
    ] {
        let mut body = example();
        body[member] = value;
        assert!(
            serde_json::from_value::<NewPatient>(body).is_err(),
            "{member}"
        );
    }
}
