//! Who is worth comparing: people who share a key.
//!
//! No single key may be trusted, because any field may be mistyped; of the keys here at least one survives nearly every way
//! of writing one person twice. A name counts in both its places, for names that were entered the wrong way round.
//!
//! Trap: keys are stored. A key of a new form finds only those who have been compared since: with it comes a migration that
//! sets `scanned_at` and `scanned_id` of `app.matching_settings` to null as `chartwell_migrator`, so that all are compared again.

use std::collections::BTreeSet;

use crate::person::{Address, Name, Person};
use crate::text::sounds;

/// The keys a person is compared by.
pub fn block_keys(person: &Person) -> BTreeSet<String> {
    let birth = person
        .birth_date
        .as_deref()
        .filter(|digits| digits.len() == 8 && digits.is_ascii());
    let mut keys: BTreeSet<String> = birth.iter().map(|digits| format!("d{digits}")).collect();
    for name in &person.names {
        for word in words(name) {
            of_word(word, birth, &person.addresses, &mut keys);
        }
        of_name(name, &mut keys);
    }
    for address in &person.addresses {
        of_address(address, birth, &person.names, &mut keys);
    }
    keys
}

/// The ends of the family name and the given name: any of them may have been kept, or stand in another's place.
fn words(name: &Name) -> BTreeSet<&str> {
    let family = name.family.split(' ').next().unwrap_or_default();
    let last = name.family.split(' ').next_back().unwrap_or_default();
    [family, last, name.first()]
        .into_iter()
        .filter(|word| !word.is_empty())
        .collect()
}

/// A word of a name with a part of the birth date, of the postal code, of the street.
fn of_word(word: &str, birth: Option<&str>, addresses: &[Address], keys: &mut BTreeSet<String>) {
    let start = start(word, 3);
    let sounds = sounds(word);
    if let Some(digits) = birth {
        keys.extend(sounds.iter().map(|code| format!("y{code}{}", &digits[..4])));
        keys.insert(format!("m{start}{}", &digits[4..]));
        keys.insert(format!("h{start}{}", &digits[..6]));
    }
    for address in addresses {
        let code = address.postal_code.as_str();
        let code = code.get(..5).unwrap_or(code);
        if !code.is_empty() {
            keys.extend(sounds.iter().map(|sound| format!("p{sound} {code}")));
            keys.insert(format!("r{start} {}", in_order(code)));
        }
        if !address.street.is_empty() {
            keys.insert(format!("k{start} {}", self::start(&address.street, 6)));
        }
    }
}

/// Both names, in either order: as they are written, and as they sound.
fn of_name(name: &Name, keys: &mut BTreeSet<String>) {
    let family = name.family.split(' ').next().unwrap_or_default();
    let given = name.first();
    if family.is_empty() || given.is_empty() {
        return;
    }
    let (one, other) = (family.min(given), family.max(given));
    keys.insert(format!("n{one} {other}"));
    for (one, other) in sounds(family).iter().zip(sounds(given).iter()) {
        keys.insert(format!("s{} {}", one.min(other), one.max(other)));
    }
}

/// Two parts of an address, or one with something of the person.
fn of_address(address: &Address, birth: Option<&str>, names: &[Name], keys: &mut BTreeSet<String>) {
    let Address {
        number,
        street,
        postal_code,
        ..
    } = address;
    if !number.is_empty() {
        if !street.is_empty() {
            keys.insert(format!("a{number} {street}"));
        }
        if !postal_code.is_empty() {
            keys.insert(format!("c{number} {postal_code}"));
        }
        keys.extend(birth.map(|digits| format!("g{number} {}", &digits[..4])));
        for name in names {
            for word in [name.family.as_str(), name.first()] {
                keys.insert(format!("e{number} {}", start(word, 3)));
            }
        }
    }
    if !street.is_empty() {
        let start = start(street, 6);
        keys.extend(birth.map(|digits| format!("b{start} {}", &digits[..4])));
        keys.insert(format!("t{start} {postal_code}"));
    }
}

fn start(text: &str, letters: usize) -> String {
    text.chars().take(letters).collect()
}

/// The digits of a postal code in their order: the usual slip exchanges two of them.
fn in_order(code: &str) -> String {
    let mut digits: Vec<char> = code.chars().collect();
    digits.sort_unstable();
    digits.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(family: &str, given: &str, birth: &str, home: [&str; 3]) -> Person {
        let [number, street, postal_code] = home.map(str::to_owned);
        Person {
            names: vec![Name {
                family: family.to_owned(),
                given: given.to_owned(),
            }],
            birth_date: Some(birth.to_owned()).filter(|digits| !digits.is_empty()),
            addresses: vec![Address {
                number,
                street,
                city: String::new(),
                postal_code,
            }],
            ..Person::default()
        }
    }

    fn meet(one: &Person, other: &Person) -> bool {
        !block_keys(one).is_disjoint(&block_keys(other))
    }

    #[test]
    fn one_person_written_in_two_ways_is_met() {
        let one = person(
            "maynard",
            "lia",
            "19250717",
            ["15", "hensman street", "31694"],
        );
        for (what, other) in [
            (
                "a new birth date, two digits of the postal code exchanged, a letter and the house number",
                person(
                    "maymard",
                    "lia",
                    "19950704",
                    ["51", "hensman street", "31964"],
                ),
            ),
            (
                "no birth date and no address, a name misspelt",
                person("maynerd", "lia", "", ["", "", "31964"]),
            ),
            (
                "married and moved",
                person("okafor", "lia", "19250717", ["7", "elm street", "60601"]),
            ),
            (
                "the names exchanged, no birth date",
                person("lia", "maynard", "", ["", "", ""]),
            ),
            (
                "only the address",
                person("", "", "", ["15", "hensman street", ""]),
            ),
        ] {
            assert!(meet(&one, &other), "{what}");
        }
        let stranger = person("quill", "xavier", "19440901", ["3", "oak road", "02134"]);
        assert!(!meet(&one, &stranger));
    }

    #[test]
    fn what_is_missing_is_no_key() {
        let nobody = person("", "", "", ["", "", ""]);
        assert!(block_keys(&nobody).is_empty());
        assert!(!meet(&nobody, &Person::default()));
        let street = person("", "", "", ["", "hensman street", ""]);
        assert_eq!(block_keys(&street).len(), 1, "a street alone is one key");
    }
}
