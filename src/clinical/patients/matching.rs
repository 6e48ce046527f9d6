//! How likely two registrations are one person: what of a registration is compared, and what the answer is called here.
//!
//! The model is the crate `matching`, and there is no other: the check at registration and the work list of duplicates ask
//! the same one, with the weights the tenant has learned or those everybody begins with.

use ::matching::{Address, Comparison, Field, Level, Model, Name, Person, Veto, placeholder};
use kernel::text::{email_key, name_key, phone_key};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::model::{NewPatient, PatientAddress, Sex};

/// A member in which two registrations agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Agreement {
    Ssn,
    FamilyName,
    GivenName,
    /// Family and given name stand in each other's place.
    NamesExchanged,
    BirthDate,
    /// Day and month exchanged, one digit mistyped, or two of its parts.
    BirthDateNearly,
    Sex,
    Phone,
    Email,
    Address,
    PostalCode,
}

/// What a comparison says.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Likeness {
    /// That the two are one person.
    pub probability: f64,
    /// The same in tenths of a bit: finer where the probability is near 1.
    pub weight: i32,
    pub agrees: Vec<Agreement>,
    /// Two people, whatever the probability.
    pub veto: Option<Veto>,
}

/// The form of somebody's number in which it is compared with the first of another's: the same if they share one. A number has
/// several while a new data key takes over.
pub(super) fn beside<'a>(other: &'a [String], own: &'a [String]) -> Option<&'a String> {
    let shared = own.iter().any(|form| other.contains(form));
    if shared { other.first() } else { own.first() }
}

/// What of a registration is compared. `ssn` is a blind index.
pub(super) fn person(data: &NewPatient, ssn: Option<&String>) -> Person {
    let named = |name: &str| Some(name_key(name)).filter(|key| !placeholder::is_name(key));
    let birth_date = data.birth_date.format("%Y%m%d").to_string();
    let telecoms = |wanted: fn(&super::model::Telecom) -> bool| {
        data.telecoms.iter().filter(move |one| wanted(one))
    };
    Person {
        names: data
            .names
            .iter()
            .map(|name| Name {
                family: named(&name.family).unwrap_or_default(),
                given: name
                    .given
                    .first()
                    .and_then(|given| named(given))
                    .unwrap_or_default(),
            })
            .collect(),
        birth_date: Some(birth_date).filter(|digits| !placeholder::is_birth_date(digits)),
        sex: match data.sex {
            Sex::Female => Some('f'),
            Sex::Male => Some('m'),
            Sex::Other => Some('o'),
            Sex::Unknown => None,
        },
        phones: telecoms(super::model::Telecom::is_phone)
            .map(|one| phone_key(&one.value))
            .filter(|digits| !placeholder::is_phone(digits))
            .collect(),
        emails: telecoms(super::model::Telecom::is_email)
            .map(|one| email_key(&one.value))
            .collect(),
        addresses: data.addresses.iter().map(address).collect(),
        national_id: ssn.cloned(),
    }
}

fn address(address: &PatientAddress) -> Address {
    let key = |part: &Option<String>| part.as_deref().map(name_key).unwrap_or_default();
    Address::from_line(
        &name_key(&address.lines.join(" ")),
        &key(&address.city),
        &key(&address.postal_code),
    )
}

/// Compares two people.
pub(super) fn compare(model: &Model, one: &Person, other: &Person) -> Likeness {
    let comparison = ::matching::compare(one, other);
    let verdict = model.judge(&comparison);
    Likeness {
        probability: verdict.probability,
        weight: tenths(verdict.log_odds),
        agrees: agreements(&comparison),
        veto: Veto::of(&comparison),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "between -10,000 and 10,000"
)]
fn tenths(bits: f64) -> i32 {
    (bits * 10.0).round().clamp(-10_000.0, 10_000.0) as i32
}

/// The probability that goes with a weight.
pub(super) fn probability(weight: i32) -> f64 {
    1.0 / (1.0 + (-f64::from(weight) / 10.0).exp2())
}

fn agreements(comparison: &Comparison) -> Vec<Agreement> {
    let alike = |field| comparison.level(field) >= Level::Alike;
    let equal = |field| comparison.level(field) == Level::Equal;
    let birth = comparison.level(Field::BirthDate);
    let exchanged = comparison.level(Field::NameOrder) == Level::Different;
    [
        (equal(Field::NationalId), Agreement::Ssn),
        (alike(Field::FamilyName), Agreement::FamilyName),
        (alike(Field::GivenName), Agreement::GivenName),
        (exchanged, Agreement::NamesExchanged),
        (birth == Level::Equal, Agreement::BirthDate),
        (
            matches!(birth, Level::Nearly | Level::Alike),
            Agreement::BirthDateNearly,
        ),
        (equal(Field::Sex), Agreement::Sex),
        (alike(Field::Phone), Agreement::Phone),
        (alike(Field::Email), Agreement::Email),
        (alike(Field::Street), Agreement::Address),
        (equal(Field::PostalCode), Agreement::PostalCode),
    ]
    .into_iter()
    .filter_map(|(holds, agreement)| holds.then_some(agreement))
    .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn person(change: &Value) -> Person {
        let mut body = json!({
            "names": [{ "use": "legal", "family": "Okafor", "given": ["Adaeze"] }], "birth_date": "1980-03-11", "sex": "female",
            "telecoms": [{ "system": "phone", "value": "+1 312 555 0142" }],
            "addresses": [{ "use": "home", "lines": ["12 Elm Street"], "postal_code": "62701" }]
        });
        for (name, value) in change.as_object().expect("an object") {
            body[name] = value.clone();
        }
        let ssn = body.as_object_mut().and_then(|body| body.remove("ssn"));
        let data: NewPatient = serde_json::from_value(body).expect("a patient");
        super::person(
            &data,
            ssn.as_ref()
                .and_then(Value::as_str)
                .map(str::to_owned)
                .as_ref(),
        )
    }

    fn named(family: &str, given: &str) -> Value {
        json!([{ "use": "legal", "family": family, "given": [given] }])
    }

    fn compare(one: &Person, other: &Person) -> Likeness {
        super::compare(&Model::starting(), one, other)
    }

    fn one_person(one: &Person, other: &Person) -> bool {
        let likeness = compare(one, other);
        likeness.probability >= 0.9 && likeness.veto.is_none()
    }

    /// Neither telephone nor address.
    fn with(mut change: Value) -> Person {
        change["telecoms"] = json!([]);
        change["addresses"] = json!([]);
        person(&change)
    }

    #[test]
    fn one_person_entered_twice() {
        let ada = person(&json!({}));
        for (what, other) in [
            ("the same", person(&json!({}))),
            ("moved, new phone", with(json!({}))),
            (
                "a typing error in the name",
                with(json!({ "names": named("Okafro", "Adaeze") })),
            ),
            (
                "accents",
                with(json!({ "names": named("Ökafor", "Adaëze") })),
            ),
            (
                "names exchanged",
                with(json!({ "names": named("Adaeze", "Okafor") })),
            ),
            (
                "day and month exchanged",
                with(json!({ "birth_date": "1980-11-03" })),
            ),
            (
                "a wrong year, same phone",
                person(&json!({ "birth_date": "1981-03-11", "addresses": [] })),
            ),
            ("sex entered wrong", with(json!({ "sex": "male" }))),
            (
                "married",
                with(
                    json!({ "names": [{ "use": "legal", "family": "Lindqvist", "given": ["Adaeze"] },
                                               { "use": "former", "family": "Okafor", "given": ["Adaeze"] }] }),
                ),
            ),
            (
                "a double name since",
                with(json!({ "names": named("Okafor-Lindqvist", "Adaeze") })),
            ),
        ] {
            assert!(
                one_person(&ada, &other),
                "{what}: {:?}",
                compare(&ada, &other)
            );
        }
    }

    #[test]
    fn different_people() {
        let ada = person(&json!({}));
        for (what, other) in [
            (
                "a twin",
                person(&json!({ "names": named("Okafor", "Chidi"), "sex": "male" })),
            ),
            (
                "a twin sister",
                person(&json!({ "names": named("Okafor", "Ngozi") })),
            ),
            (
                "a daughter of the same name",
                person(&json!({ "birth_date": "2004-09-20" })),
            ),
            ("a namesake", with(json!({ "birth_date": "1951-12-24" }))),
            (
                "a neighbour of the same age",
                person(&json!({ "names": named("Baker", "Tom"), "sex": "male", "telecoms": [] })),
            ),
            (
                "two SSNs",
                with(json!({ "ssn": "b", "birth_date": "1980-11-03" })),
            ),
        ] {
            let ada = if what == "two SSNs" {
                person(&json!({ "ssn": "a" }))
            } else {
                ada.clone()
            };
            assert!(
                !one_person(&ada, &other),
                "{what}: {:?}",
                compare(&ada, &other)
            );
        }
    }

    #[test]
    fn a_number_is_the_same_in_any_form_that_both_have() {
        let forms = |forms: &[&str]| {
            forms
                .iter()
                .map(|form| (*form).to_owned())
                .collect::<Vec<_>>()
        };
        let (old, both, new) = (forms(&["a1"]), forms(&["a1", "a2"]), forms(&["a2"]));
        for (one, other) in [(&old, &both), (&both, &old), (&both, &new), (&new, &both)] {
            assert_eq!(beside(one, other), one.first());
        }
        assert_ne!(beside(&both, &forms(&["b1", "b2"])), both.first());
        assert_eq!(beside(&both, &[]), None);
    }

    #[test]
    fn an_ssn_speaks_for_itself_and_the_agreements_are_named() {
        let one = with(json!({ "ssn": "x" }));
        let other =
            with(json!({ "ssn": "x", "names": named("Lindqvist", "Adaeze"), "sex": "unknown" }));
        let likeness = compare(&one, &other);
        assert_eq!(
            likeness.agrees,
            [Agreement::Ssn, Agreement::GivenName, Agreement::BirthDate]
        );
        assert!(likeness.probability > 0.99);
    }

    #[test]
    fn a_comparison_has_no_direction() {
        let people = [
            person(&json!({})),
            with(json!({ "names": named("Okafro", "A") })),
            person(&json!({ "birth_date": "1980-11-03" })),
        ];
        for one in &people {
            for other in &people {
                assert_eq!(compare(one, other), compare(other, one));
            }
        }
    }
}
