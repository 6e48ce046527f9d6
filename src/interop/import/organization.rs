//! `Organization` → facility, where it is a place of care.
//!
//! Payers, employers, schools and teams are organisations too, and so is a department: they are kept as they came.

use identity::facilities::{FacilityAddress, FacilityKind, NewFacility, PlaceStatus};
use serde_json::Value;

use super::elements::{at_most, codings, list, text, texts, tidy};
use super::practitioner::telecom;
use super::resource::{Resource, digest};

/// Organisation types that are no place of care.
const ELSEWHERE: [&str; 9] = [
    "dept", "team", "govt", "ins", "pay", "edu", "reli", "crs", "cg",
];

pub(super) fn is_facility(resource: &Resource) -> bool {
    let types: Vec<&str> = list(&resource.value, "/type")
        .iter()
        .flat_map(codings)
        .map(|coding| coding.code)
        .collect();
    types.contains(&"prov")
        || !types
            .iter()
            .any(|code| ELSEWHERE.contains(code) || *code == "bus")
}

/// What the source says of a place of care, whose clocks show the tenant's time.
pub(super) fn map(resource: &Resource, zone: &str) -> Result<NewFacility, &'static str> {
    let value = &resource.value;
    let name = text(value, "/name")
        .map(tidy)
        .filter(|name| !name.is_empty())
        .ok_or("has no name")?;
    Ok(NewFacility {
        code: code(&resource.name.id),
        kind: kind(&name),
        name: at_most(&name, 200),
        time_zone: zone.to_owned(),
        phone: telecom(value, "phone"),
        address: list(value, "/address").first().map(address),
        status: match value.pointer("/active") {
            Some(Value::Bool(false)) => PlaceStatus::Inactive,
            _ => PlaceStatus::Active,
        },
    })
}

/// The source's words over what is known; code and time zone are the tenant's own business.
pub(super) fn amend(present: &NewFacility, source: NewFacility) -> NewFacility {
    NewFacility {
        code: present.code.clone(),
        time_zone: present.time_zone.clone(),
        phone: source.phone.or_else(|| present.phone.clone()),
        address: source.address.or_else(|| present.address.clone()),
        kind: present.kind,
        ..source
    }
}

/// Short, and the same whenever it is made: the id where that is short, else the beginning of its hash.
fn code(id: &str) -> String {
    if id.len() <= 12 && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
        return format!("IMP-{}", id.to_ascii_uppercase());
    }
    let hash = digest(&[id.as_bytes()]);
    hash.iter()
        .take(6)
        .fold("IMP-".to_owned(), |code, byte| format!("{code}{byte:02X}"))
}

fn kind(name: &str) -> FacilityKind {
    let name = name.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| name.contains(word));
    if says(&["hospital", "medical center", "medical centre"]) {
        FacilityKind::Hospital
    } else if says(&["laboratory", "laboratories"]) {
        FacilityKind::Laboratory
    } else if says(&["radiology", "imaging"]) {
        FacilityKind::Imaging
    } else {
        FacilityKind::Clinic
    }
}

fn address(value: &Value) -> FacilityAddress {
    let part = |pointer: &str, most: usize| {
        text(value, pointer)
            .map(|part| at_most(&tidy(part), most))
            .filter(|part| !part.is_empty())
    };
    let lines = texts(value, "/line")
        .iter()
        .map(|line| at_most(&tidy(line), 200))
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>();
    FacilityAddress {
        line: lines.into_iter().take(4).collect(),
        city: part("/city", 100),
        state: part("/state", 100),
        postal_code: part("/postalCode", 20),
        country: country(value),
    }
}

/// Two capitals; the one country that is also written with three letters, so.
pub(super) fn country(value: &Value) -> Option<String> {
    let code = text(value, "/country")?.to_ascii_uppercase();
    match code.as_str() {
        "USA" | "UNITED STATES" | "UNITED STATES OF AMERICA" => Some("US".to_owned()),
        _ => Some(code)
            .filter(|code| code.len() == 2 && code.chars().all(|c| c.is_ascii_uppercase())),
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;
    use kernel::{Checks, Validate};
    use serde_json::json;

    fn hallmark() -> Value {
        json!({"resourceType": "Organization", "id": "d692e283-0833-3201-8e55-4f868a9c0736", "active": true,
            "type": [{"coding": [{"code": "prov"}]}], "name": "HALLMARK  HEALTH HOSPITAL",
            "telecom": [{"system": "phone", "value": "7819793000"}],
            "address": [{"line": ["585 LEBANON STREET"], "city": "MELROSE", "state": "MA", "postalCode": "02176", "country": "US"}]})
    }

    #[test]
    fn a_place_of_care_becomes_a_facility_that_keeps_the_rules() {
        let facility =
            map(&samples::resource(&hallmark()), "America/New_York").expect("a facility");
        assert_eq!(facility.name, "HALLMARK HEALTH HOSPITAL");
        assert_eq!(facility.kind, FacilityKind::Hospital);
        assert!(
            facility.code.starts_with("IMP-") && facility.code.len() == 16,
            "{}",
            facility.code
        );
        let mut checks = Checks::at(kernel::clock::Instant::UNIX_EPOCH);
        facility.check(&mut checks);
        checks.finish().expect("by the rules");
        assert_eq!(
            map(&samples::resource(&hallmark()), "America/New_York").expect("a facility"),
            facility
        );
    }

    #[test]
    fn odd_parts_are_dropped_and_a_nameless_one_is_refused() {
        let mut value = hallmark();
        value["telecom"] = json!([{"system": "phone", "value": "call us"}]);
        value["address"][0]["country"] = json!("Utopia");
        let facility = map(&samples::resource(&value), "America/New_York").expect("a facility");
        assert_eq!(
            (facility.phone, facility.address.and_then(|a| a.country)),
            (None, None)
        );
        value["name"] = json!(" ");
        assert_eq!(
            map(&samples::resource(&value), "UTC").err(),
            Some("has no name")
        );
    }

    #[test]
    fn who_gives_no_care_is_no_facility() {
        for (types, expected) in [
            (json!([]), true),
            (json!(["prov"]), true),
            (json!(["ins"]), false),
            (json!(["prov", "edu"]), true),
            (json!(["dept"]), false),
        ] {
            let codings: Vec<_> = types
                .as_array()
                .expect("a list")
                .iter()
                .map(|code| json!({"coding": [{"code": code}]}))
                .collect();
            let resource = samples::resource(
                &json!({"resourceType": "Organization", "id": "1", "type": codings}),
            );
            assert_eq!(is_facility(&resource), expected, "{types}");
        }
        assert_eq!(code("7"), "IMP-7");
    }

    #[test]
    fn code_zone_and_kind_stay_the_tenants() {
        let source = map(&samples::resource(&hallmark()), "America/New_York").expect("a facility");
        let present = NewFacility {
            code: "MAIN".into(),
            time_zone: "America/Chicago".into(),
            phone: None,
            ..source.clone()
        };
        let amended = amend(
            &present,
            NewFacility {
                name: "New".into(),
                ..source
            },
        );
        assert_eq!(
            (
                amended.code.as_str(),
                amended.time_zone.as_str(),
                amended.name.as_str()
            ),
            ("MAIN", "America/Chicago", "New")
        );
        assert!(amended.phone.is_some());
    }
}
