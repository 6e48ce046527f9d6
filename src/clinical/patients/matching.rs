//! How likely two registrations are one person.
//!
//! Points for what agrees, points off for what contradicts; what is missing on either side says nothing. Pure: the same two
//! people always score the same. The weights are ordered by how much an agreement tells (a number that is one's own, a day
//! of birth, a name) and tuned by the cases in the tests: a typing error, a move, day and month exchanged are one person;
//! twins, a father and his son, a household are not.

use chrono::{Datelike, NaiveDate};
use kernel::text::{email_key, name_key, phone_key};
use serde::Serialize;
use strsim::jaro_winkler;
use utoipa::ToSchema;

use super::keys;
use super::model::{NewPatient, Sex};

/// From here on, two registrations are probably one person.
pub(super) const PROBABLE: i32 = 55;

/// What of a registration is compared.
#[derive(Clone, Debug)]
pub(super) struct Person {
    /// Family and given names, legal and others.
    names: Vec<(String, String)>,
    birth_date: NaiveDate,
    sex: Sex,
    phones: Vec<String>,
    emails: Vec<String>,
    addresses: Vec<String>,
    /// Blind index.
    ssn: Option<String>,
}

/// A member in which two registrations agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Agreement {
    Ssn,
    FamilyName,
    GivenName,
    BirthDate,
    /// Day and month exchanged, or one part mistyped.
    BirthDateNearly,
    Sex,
    Phone,
    Email,
    Address,
}

/// What a comparison says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Likeness {
    pub points: i32,
    pub agrees: Vec<Agreement>,
}

impl Likeness {
    fn add(&mut self, points: i32, agrees: Option<Agreement>) {
        self.points += points;
        self.agrees.extend(agrees);
    }
}

impl Person {
    pub(super) fn new(data: &NewPatient, ssn: Option<String>) -> Self {
        let telecoms = |wanted: fn(&super::model::Telecom) -> bool, key: fn(&str) -> String| {
            data.telecoms
                .iter()
                .filter(|one| wanted(one))
                .map(|one| key(&one.value))
                .collect()
        };
        let place = |address: &super::model::PatientAddress| {
            let line = name_key(&address.lines.join(" "));
            let code = address
                .postal_code
                .as_deref()
                .or(address.city.as_deref())
                .map(name_key);
            (!line.is_empty()).then(|| format!("{line} {}", code.unwrap_or_default()))
        };
        Self {
            names: data
                .names
                .iter()
                .map(|name| (name_key(&name.family), keys::given(name).join(" ")))
                .collect(),
            birth_date: data.birth_date,
            sex: data.sex,
            phones: telecoms(super::model::Telecom::is_phone, phone_key),
            emails: telecoms(super::model::Telecom::is_email, email_key),
            addresses: data.addresses.iter().filter_map(place).collect(),
            ssn,
        }
    }
}

/// Compares two people.
pub(super) fn compare(one: &Person, other: &Person) -> Likeness {
    let mut likeness = Likeness::default();
    if let (Some(a), Some(b)) = (&one.ssn, &other.ssn) {
        if a == b {
            likeness.add(60, Some(Agreement::Ssn));
        } else {
            likeness.add(-30, None);
        }
    }
    compare_names(one, other, &mut likeness);
    match birth_dates(one.birth_date, other.birth_date) {
        Dates::Same => likeness.add(25, Some(Agreement::BirthDate)),
        Dates::Exchanged => likeness.add(18, Some(Agreement::BirthDateNearly)),
        Dates::OnePartDiffers => likeness.add(10, Some(Agreement::BirthDateNearly)),
        Dates::Different => likeness.add(-20, None),
    }
    match (one.sex, other.sex) {
        (Sex::Unknown, _) | (_, Sex::Unknown) => {}
        (a, b) if a == b => likeness.add(5, Some(Agreement::Sex)),
        _ => likeness.add(-5, None),
    }
    if shares(&one.phones, &other.phones) {
        likeness.add(10, Some(Agreement::Phone));
    }
    if shares(&one.emails, &other.emails) {
        likeness.add(10, Some(Agreement::Email));
    }
    let lives_there = |a: &String| other.addresses.iter().any(|b| jaro_winkler(a, b) >= 0.95);
    if one.addresses.iter().any(lives_there) {
        likeness.add(10, Some(Agreement::Address));
    }
    likeness
}

/// The best of any name of the one with any of the other: who married is still found by his former name.
fn compare_names(one: &Person, other: &Person, likeness: &mut Likeness) {
    let pairs = one
        .names
        .iter()
        .flat_map(|a| other.names.iter().map(move |b| (a, b)));
    let best = pairs
        .map(|((family_a, given_a), (family_b, given_b))| {
            let straight = (
                family_points(family_a, family_b),
                given_points(given_a, given_b),
            );
            // Entered the wrong way round.
            let crossed = (
                family_points(family_a, given_b),
                given_points(given_a, family_b),
            );
            if crossed.0 + crossed.1 > straight.0 + straight.1 {
                crossed
            } else {
                straight
            }
        })
        .max_by_key(|(family, given)| family + given);
    let Some((family, given)) = best else { return };
    likeness.add(family, (family > 0).then_some(Agreement::FamilyName));
    likeness.add(given, (given > 0).then_some(Agreement::GivenName));
}

fn family_points(a: &str, b: &str) -> i32 {
    let part_of_the_other =
        a.split(' ').any(|word| word == b) || b.split(' ').any(|word| word == a);
    match jaro_winkler(a, b) {
        _ if a == b => 20,
        _ if part_of_the_other => 16,
        alike if alike >= 0.92 => 15,
        alike if alike >= 0.85 => 10,
        _ => 0,
    }
}

fn given_points(a: &str, b: &str) -> i32 {
    let first = |names: &str| names.split(' ').next().unwrap_or_default().to_owned();
    let (first_a, first_b) = (first(a), first(b));
    if first_a.is_empty() || first_b.is_empty() {
        return 0;
    }
    let initial = |short: &str, long: &str| short.chars().count() == 1 && long.starts_with(short);
    match jaro_winkler(&first_a, &first_b) {
        _ if first_a == first_b => 15,
        alike if alike >= 0.9 => 12,
        _ if initial(&first_a, &first_b) || initial(&first_b, &first_a) => 6,
        alike if alike >= 0.8 => 6,
        _ => -20,
    }
}

enum Dates {
    Same,
    Exchanged,
    OnePartDiffers,
    Different,
}

fn birth_dates(a: NaiveDate, b: NaiveDate) -> Dates {
    let same = [
        a.year() == b.year(),
        a.month() == b.month(),
        a.day() == b.day(),
    ];
    if a == b {
        Dates::Same
    } else if exchanged(a) == Some(b) {
        Dates::Exchanged
    } else if same.iter().filter(|same| **same).count() == 2 {
        Dates::OnePartDiffers
    } else {
        Dates::Different
    }
}

/// The date with day and month exchanged, if it is one.
pub(super) fn exchanged(date: NaiveDate) -> Option<NaiveDate> {
    NaiveDate::from_ymd_opt(date.year(), date.day(), date.month())
}

fn shares(one: &[String], other: &[String]) -> bool {
    one.iter().any(|value| other.contains(value))
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
        Person::new(&data, ssn.and_then(|ssn| ssn.as_str().map(str::to_owned)))
    }

    fn named(family: &str, given: &str) -> Value {
        json!([{ "use": "legal", "family": family, "given": [given] }])
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
                compare(&ada, &other).points >= PROBABLE,
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
                compare(&ada, &other).points < PROBABLE,
                "{what}: {:?}",
                compare(&ada, &other)
            );
        }
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
        assert!(likeness.points >= PROBABLE);
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
