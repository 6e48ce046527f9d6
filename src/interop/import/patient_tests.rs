use super::super::samples;
use super::*;
use clinical::patients::{MaritalStatus, NameUse, RaceCode, Relationship, Sex};
use serde_json::json;

fn now() -> Instant {
    "2026-01-15T12:00:00Z".parse().expect("an instant")
}

fn mapped(value: &Value) -> Result<Source, &'static str> {
    let found = Found {
        facility: None,
        provider: None,
    };
    map(&samples::resource(value), found, Tz::UTC, now())
}

fn aleta() -> Value {
    json!({"resourceType": "Patient", "id": "p1",
        "extension": [
            {"url": "http://hl7.org/fhir/us/core/StructureDefinition/us-core-race", "extension": [
                {"url": "ombCategory", "valueCoding": {"system": "urn:oid:2.16.840.1.113883.6.238", "code": "2106-3", "display": "White"}},
                {"url": "text", "valueString": "White"}]},
            {"url": "http://hl7.org/fhir/us/core/StructureDefinition/us-core-ethnicity", "extension": [
                {"url": "ombCategory", "valueCoding": {"code": "2135-2", "display": "Hispanic or Latino"}},
                {"url": "detailed", "valueCoding": {"code": "2180-8", "display": "Puerto Rican"}},
                {"url": "text", "valueString": "Hispanic or Latino"}]}],
        "identifier": [
            {"system": "https://github.com/synthetichealth/synthea", "value": "58c297c4"},
            {"type": {"coding": [{"code": "SS"}]}, "system": "http://hl7.org/fhir/sid/us-ssn", "value": "999-33-6284"},
            {"type": {"coding": [{"code": "SS"}]}, "value": "not a number"},
            {"type": {"coding": [{"code": "DL"}]}, "system": "urn:oid:2.16.840.1.113883.4.3.25", "value": "S99959553"},
            {"type": {"coding": [{"code": "PPN"}]}, "value": "X69743686X"}],
        "name": [
            {"use": "maiden", "family": "Heathcote", "given": ["Aleta"], "prefix": ["Mrs."]},
            {"use": "official", "family": "Wintheiser4", "given": ["Aleta5", "B."], "prefix": ["Mrs."]},
            {"use": "nickname", "text": "Letty Wintheiser"}],
        "telecom": [{"system": "phone", "value": "555-712-4709", "use": "home"}, {"system": "phone", "value": "ask her son"}],
        "gender": "female", "birthDate": "1971-04-05",
        "address": [
            {"line": ["850 Kertzmann Heights"], "city": "Everett", "state": "Massachusetts", "postalCode": "02149", "country": "US"},
            {"use": "old", "city": "Boston", "period": {"start": "1999-01-01", "end": "2001-05-05"}},
            {"use": "old", "city": "Salem"}, {"country": "US"}],
        "contact": [
            {"relationship": [{"coding": [{"code": "N"}]}, {"coding": [{"code": "SONC"}]}], "name": {"family": "Wintheiser", "given": ["Al"]},
             "telecom": [{"system": "phone", "value": "555-712-4710"}]},
            {"name": {"family": "Unreachable"}}],
        "maritalStatus": {"coding": [{"code": "M"}]},
        "communication": [{"language": {"coding": [{"code": "en_US"}]}}, {"language": {"coding": [{"code": "zh"}]}, "preferred": true}]})
}

#[test]
fn a_person_is_registered_with_everything_that_is_told_of_her() {
    let patient = mapped(&aleta()).expect("a patient");
    check(&patient.data, now()).expect("by the rules");
    let data = patient.data;
    let names: Vec<_> = data
        .names
        .iter()
        .map(|name| (name.r#use, name.spoken()))
        .collect();
    assert_eq!(
        names,
        [
            (NameUse::Legal, "Aleta5 B. Wintheiser4".to_owned()),
            (NameUse::Preferred, "Letty Wintheiser".to_owned()),
            (NameUse::Former, "Aleta Heathcote".to_owned()),
        ]
    );
    assert_eq!(
        (data.sex, data.marital_status, data.language.as_deref()),
        (Sex::Female, Some(MaritalStatus::Married), Some("zh"))
    );
    assert_eq!(data.race.len(), 1);
    assert_eq!(
        (data.race[0].code, data.race[0].text.as_deref()),
        (RaceCode::White, None)
    );
    assert_eq!(
        data.ethnicity
            .and_then(|ethnicity| ethnicity.text)
            .as_deref(),
        Some("Puerto Rican")
    );
}

#[test]
fn numbers_addresses_and_contacts_come_along_as_far_as_they_are_any() {
    let patient = mapped(&aleta()).expect("a patient");
    let data = patient.data;
    let kinds: Vec<_> = data
        .identifiers
        .iter()
        .map(|identifier| identifier.r#type)
        .collect();
    assert_eq!(
        kinds,
        [
            IdentifierType::Other,
            IdentifierType::Ssn,
            IdentifierType::DriversLicense,
            IdentifierType::Passport
        ]
    );
    assert_eq!(
        data.telecoms.iter().map(|t| t.system).collect::<Vec<_>>(),
        [TelecomSystem::Phone, TelecomSystem::Other]
    );
    assert_eq!(
        data.addresses
            .iter()
            .map(|a| a.city.as_deref())
            .collect::<Vec<_>>(),
        [Some("Everett"), Some("Boston")]
    );
    assert_eq!(data.contacts.len(), 1);
    assert_eq!(
        (
            data.contacts[0].relationship,
            data.contacts[0].name.as_str()
        ),
        (Relationship::Child, "Al Wintheiser")
    );
    assert!(patient.status.is_none());
}

#[test]
fn who_can_not_be_registered_says_why() {
    for (member, value, reason) in [
        ("birthDate", Value::Null, "has no birthDate"),
        (
            "birthDate",
            json!("1971"),
            "has a birthDate that is not a whole day between 1850 and 2200",
        ),
        ("name", json!([]), "has no name"),
        ("name", json!([{"use": "official"}]), "has no name"),
    ] {
        let mut patient = aleta();
        patient[member] = value;
        assert_eq!(mapped(&patient).err(), Some(reason));
    }
    let mut patient = aleta();
    patient["birthDate"] = json!("2199-01-01");
    let error = check(&mapped(&patient).expect("of the form").data, now()).expect_err("refused");
    assert_eq!(error.fields()[0].pointer, "/birth_date");
}

#[test]
fn the_dead_are_dead_with_or_without_a_day() {
    let status = |member: &str, value: Value| {
        let mut patient = aleta();
        patient[member] = value;
        let source = mapped(&patient).expect("a patient");
        (
            source.data.deceased_on.map(|day| day.to_string()),
            source.status,
        )
    };
    assert_eq!(
        status("deceasedDateTime", json!("2020-03-04T23:30:00-05:00")),
        (Some("2020-03-04".to_owned()), None)
    );
    assert_eq!(
        status("deceasedDateTime", json!("2020")),
        (None, Some(PatientStatus::Deceased))
    );
    assert_eq!(
        status("deceasedBoolean", json!(true)),
        (None, Some(PatientStatus::Deceased))
    );
    assert_eq!(status("deceasedBoolean", json!(false)), (None, None));
    assert_eq!(
        status("active", json!(false)),
        (None, Some(PatientStatus::Inactive))
    );
}

#[test]
fn a_new_address_ends_the_old_one_and_the_tenants_own_words_stay() {
    let mut present = mapped(&aleta()).expect("a patient").data;
    present.is_vip = true;
    present.telecoms.push(Telecom {
        system: TelecomSystem::Email,
        value: "a@example.com".into(),
        r#use: None,
    });
    let mut moved = aleta();
    moved["address"] =
        json!([{"line": ["1 New Street"], "city": "Salem", "state": "Massachusetts"}]);
    moved["identifier"] =
        json!([{"system": "https://github.com/synthetichealth/synthea", "value": "other"}]);
    let amended = amend(&present, mapped(&moved).expect("a patient").data, now());
    check(&amended, now()).expect("by the rules");
    let cities: Vec<_> = amended
        .addresses
        .iter()
        .map(|a| (a.city.as_deref(), a.until.map(|day| day.to_string())))
        .collect();
    assert_eq!(
        cities,
        [
            (Some("Salem"), None),
            (Some("Everett"), Some("2026-01-14".to_owned())),
            (Some("Boston"), Some("2001-05-05".to_owned())),
        ]
    );
    assert!(amended.is_vip && amended.telecoms.iter().any(Telecom::is_email));
    assert_eq!(amended.identifiers.len(), 4);
    assert!(amended.identifiers.iter().any(PatientIdentifier::is_ssn));
}
