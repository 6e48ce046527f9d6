//! Who is worth comparing: people who share a key.
//!
//! No single key may be trusted, because any field may be mistyped; of the keys here at least one survives nearly every way
//! of writing one person twice. A name counts in both its places, for names that were entered the wrong way round.

use std::collections::BTreeSet;

use crate::person::Person;
use crate::text::sounds;

/// The keys a person is compared by.
pub fn block_keys(person: &Person) -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    let birth = person
        .birth_date
        .as_deref()
        .filter(|digits| digits.len() == 8 && digits.is_ascii());
    let codes: BTreeSet<&str> = person
        .addresses
        .iter()
        .map(|address| address.postal_code.as_str())
        .filter(|code| !code.is_empty())
        .map(|code| code.get(..5).unwrap_or(code))
        .collect();
    if let Some(digits) = birth {
        keys.insert(format!("d{digits}"));
    }
    for name in &person.names {
        let family = name.family.split(' ').next().unwrap_or_default();
        let last = name.family.split(' ').next_back().unwrap_or_default();
        let words: BTreeSet<&str> = [family, last, name.first()]
            .into_iter()
            .filter(|word| !word.is_empty())
            .collect();
        for word in &words {
            let start: String = word.chars().take(3).collect();
            if let Some(digits) = birth {
                keys.extend(
                    sounds(word)
                        .iter()
                        .map(|code| format!("y{code}{}", &digits[..4])),
                );
                keys.insert(format!("m{start}{}", &digits[4..]));
                keys.insert(format!("h{start}{}", &digits[..6]));
            }
            for code in &codes {
                keys.extend(sounds(word).iter().map(|sound| format!("p{sound} {code}")));
                keys.insert(format!("q{start} {code}"));
            }
        }
        if !family.is_empty() && !name.first().is_empty() {
            let (one, other) = (family.min(name.first()), family.max(name.first()));
            keys.insert(format!("n{one} {other}"));
            for (one, other) in sounds(family).iter().zip(sounds(name.first()).iter()) {
                keys.insert(format!("s{} {}", one.min(other), one.max(other)));
            }
        }
    }
    for address in &person.addresses {
        if !address.number.is_empty() && !address.street.is_empty() {
            keys.insert(format!("a{} {}", address.number, address.street));
        }
        if !address.number.is_empty() && !address.postal_code.is_empty() {
            keys.insert(format!("c{} {}", address.number, address.postal_code));
        }
        if !address.number.is_empty() {
            keys.extend(birth.map(|digits| format!("g{} {}", address.number, &digits[..4])));
            for name in &person.names {
                for word in [name.family.as_str(), name.first()] {
                    let start: String = word.chars().take(3).collect();
                    keys.insert(format!("e{} {start}", address.number));
                }
            }
        }
        let start: String = address.street.chars().take(6).collect();
        if !start.is_empty() {
            keys.insert(format!("t{start} {}", address.postal_code));
            keys.extend(birth.map(|digits| format!("b{start} {}", &digits[..4])));
        }
    }
    keys
}
