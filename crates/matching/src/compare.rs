//! Two people, field by field: in which level each agrees.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::nicknames;
use crate::person::{Address, Name, Person};
use crate::text::{jaro_winkler, one_slip, sound_alike};

/// How many fields are compared.
pub const COMPARED: usize = 12;

/// What is compared. Its number is its place in a [`Comparison`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    FamilyName,
    GivenName,
    /// Whether the two names stand in their places.
    NameOrder,
    BirthDate,
    Sex,
    NationalId,
    Phone,
    Email,
    Street,
    HouseNumber,
    City,
    PostalCode,
}

impl Field {
    pub const ALL: [Self; COMPARED] = [
        Self::FamilyName,
        Self::GivenName,
        Self::NameOrder,
        Self::BirthDate,
        Self::Sex,
        Self::NationalId,
        Self::Phone,
        Self::Email,
        Self::Street,
        Self::HouseNumber,
        Self::City,
        Self::PostalCode,
    ];
}

/// How well a field agrees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// On one side at least there is nothing: no evidence.
    Missing,
    Different,
    /// Something of it agrees: two parts of a date, an initial, the first digits of a code.
    Partly,
    /// Sounds the same or looks alike.
    Alike,
    /// A slip of the pen: one letter, two exchanged; a nickname; day and month exchanged.
    Nearly,
    Equal,
}

impl Level {
    pub(crate) const COUNT: usize = 6;
}

/// The level of each field, and the value in which an agreement holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    pub levels: [Level; COMPARED],
    /// The values that were compared, for how rare they are.
    pub(crate) values: [Option<(String, String)>; COMPARED],
}

impl Comparison {
    pub fn level(&self, field: Field) -> Level {
        self.levels[field as usize]
    }

    fn set(&mut self, field: Field, level: Level) {
        self.levels[field as usize] = level;
    }

    fn set_value(&mut self, field: Field, level: Level, a: &str, b: &str) {
        self.set(field, level);
        if level > Level::Different {
            self.values[field as usize] = Some((a.to_owned(), b.to_owned()));
        }
    }
}

/// Compares two people. Has no direction.
pub fn compare(one: &Person, other: &Person) -> Comparison {
    let mut found = Comparison {
        levels: [Level::Missing; COMPARED],
        values: [const { None }; COMPARED],
    };
    names(one, other, &mut found);
    if let (Some(a), Some(b)) = (&one.birth_date, &other.birth_date) {
        found.set_value(Field::BirthDate, birth_dates(a, b), a, b);
    }
    if let (Some(a), Some(b)) = (one.sex, other.sex) {
        found.set(
            Field::Sex,
            if a == b {
                Level::Equal
            } else {
                Level::Different
            },
        );
    }
    if let (Some(a), Some(b)) = (&one.national_id, &other.national_id) {
        let level = if a == b {
            Level::Equal
        } else {
            Level::Different
        };
        found.set(Field::NationalId, level);
    }
    found.set(Field::Phone, best(&one.phones, &other.phones, phones));
    found.set(Field::Email, best(&one.emails, &other.emails, emails));
    addresses(one, other, &mut found);
    found
}

fn best(one: &[String], other: &[String], level: fn(&str, &str) -> Level) -> Level {
    let pairs = one.iter().flat_map(|a| other.iter().map(move |b| (a, b)));
    pairs
        .map(|(a, b)| level(a, b))
        .max()
        .unwrap_or(Level::Missing)
}

/// The best of any name of the one with any of the other, the way round they are or the other.
fn names(one: &Person, other: &Person, found: &mut Comparison) {
    let mut best: Option<(Level, Level, Level, &Name, &Name)> = None;
    let worth = |family: Level, given: Level, order: Level| {
        4 * (family as u32 + given as u32) + u32::from(order == Level::Equal)
    };
    for a in &one.names {
        for b in &other.names {
            let straight = (
                family(&a.family, &b.family),
                given(a.first(), b.first()),
                Level::Equal,
            );
            let crossed = (
                family(&a.family, b.first()),
                given(a.first(), &b.family),
                Level::Different,
            );
            let whole = |name: &Name| !name.family.is_empty() && !name.given.is_empty();
            for (family, given, order) in [straight, crossed] {
                if order == Level::Different && !(whole(a) && whole(b)) {
                    continue;
                }
                let better =
                    best.is_none_or(|(f, g, o, ..)| worth(family, given, order) > worth(f, g, o));
                if better {
                    best = Some((family, given, order, a, b));
                }
            }
        }
    }
    let Some((family, given, order, a, b)) = best else {
        return;
    };
    let (their_family, their_given) = if order == Level::Equal {
        (b.family.as_str(), b.first())
    } else {
        (b.first(), b.family.as_str())
    };
    found.set_value(Field::FamilyName, family, &a.family, their_family);
    found.set_value(Field::GivenName, given, a.first(), their_given);
    if family > Level::Missing && given > Level::Missing {
        found.set(Field::NameOrder, order);
    }
}

fn family(a: &str, b: &str) -> Level {
    if a.is_empty() || b.is_empty() {
        return Level::Missing;
    }
    let joined = |text: &str| text.replace(' ', "");
    let half =
        |whole: &str, part: &str| whole.split(' ').any(|word| word.len() > 2 && word == part);
    if a == b || joined(a) == joined(b) {
        Level::Equal
    } else if one_slip(a, b) || half(a, b) || half(b, a) {
        Level::Nearly
    } else if jaro_winkler(a, b) >= 0.88 || sound_alike(a, b) {
        Level::Alike
    } else if jaro_winkler(a, b) >= 0.75 {
        Level::Partly
    } else {
        Level::Different
    }
}

fn given(a: &str, b: &str) -> Level {
    if a.is_empty() || b.is_empty() {
        return Level::Missing;
    }
    let initial = |short: &str, long: &str| short.chars().count() == 1 && long.starts_with(short);
    if a == b {
        Level::Equal
    } else if one_slip(a, b) || nicknames::same(a, b) {
        Level::Nearly
    } else if jaro_winkler(a, b) >= 0.88 || sound_alike(a, b) {
        Level::Alike
    } else if jaro_winkler(a, b) >= 0.75 || initial(a, b) || initial(b, a) {
        Level::Partly
    } else {
        Level::Different
    }
}

fn birth_dates(a: &str, b: &str) -> Level {
    if a == b {
        return Level::Equal;
    }
    let parts = |digits: &str| -> Option<[String; 3]> {
        Some([
            digits.get(..4)?.to_owned(),
            digits.get(4..6)?.to_owned(),
            digits.get(6..)?.to_owned(),
        ])
    };
    let (Some([year, month, day]), Some([their_year, their_month, their_day])) =
        (parts(a), parts(b))
    else {
        return Level::Different;
    };
    let mut exchanged = String::with_capacity(8);
    let _ = write!(exchanged, "{year}{day}{month}");
    let same = [year == their_year, month == their_month, day == their_day];
    if one_slip(a, b) || exchanged == b {
        Level::Nearly
    } else if same.iter().filter(|same| **same).count() == 2 {
        Level::Alike
    } else if strsim::osa_distance(a, b) == 2 {
        Level::Partly
    } else {
        Level::Different
    }
}

fn phones(a: &str, b: &str) -> Level {
    let last = |digits: &str| {
        digits
            .len()
            .checked_sub(7)
            .map(|from| digits[from..].to_owned())
    };
    if a == b {
        Level::Equal
    } else if last(a).is_some() && last(a) == last(b) {
        Level::Nearly
    } else {
        Level::Different
    }
}

fn emails(a: &str, b: &str) -> Level {
    let local = |address: &str| address.split('@').next().unwrap_or_default().to_owned();
    if a == b {
        Level::Equal
    } else if local(a).len() > 5 && local(a) == local(b) {
        Level::Nearly
    } else {
        Level::Different
    }
}

/// The pair of addresses that agrees best.
fn addresses(one: &Person, other: &Person, found: &mut Comparison) {
    let level = |a: &Address, b: &Address| {
        [
            words(&a.street, &b.street),
            numbers(&a.number, &b.number),
            words(&a.city, &b.city),
            postal_codes(&a.postal_code, &b.postal_code),
        ]
    };
    let pairs = one
        .addresses
        .iter()
        .flat_map(|a| other.addresses.iter().map(move |b| (a, b)));
    let best = pairs
        .map(|(a, b)| (level(a, b), a, b))
        .max_by_key(|(levels, ..)| levels.iter().map(|level| *level as u32).sum::<u32>());
    let Some(([street, number, city, code], a, b)) = best else {
        return;
    };
    found.set_value(Field::Street, street, &a.street, &b.street);
    found.set_value(Field::HouseNumber, number, &a.number, &b.number);
    found.set_value(Field::City, city, &a.city, &b.city);
    found.set_value(Field::PostalCode, code, &a.postal_code, &b.postal_code);
}

fn words(a: &str, b: &str) -> Level {
    if a.is_empty() || b.is_empty() {
        return Level::Missing;
    }
    let sorted = |text: &str| {
        let mut words: Vec<&str> = text.split(' ').collect();
        words.sort_unstable();
        words.join("")
    };
    if a == b || sorted(a) == sorted(b) {
        Level::Equal
    } else if one_slip(a, b) || a.replace(' ', "") == b.replace(' ', "") {
        Level::Nearly
    } else if jaro_winkler(a, b) >= 0.9 {
        Level::Alike
    } else if jaro_winkler(a, b) >= 0.8 {
        Level::Partly
    } else {
        Level::Different
    }
}

fn numbers(a: &str, b: &str) -> Level {
    if a.is_empty() || b.is_empty() {
        Level::Missing
    } else if a == b {
        Level::Equal
    } else if one_slip(a, b) {
        Level::Nearly
    } else {
        Level::Different
    }
}

fn postal_codes(a: &str, b: &str) -> Level {
    if a.is_empty() || b.is_empty() {
        return Level::Missing;
    }
    let (a, b) = (a.get(..5).unwrap_or(a), b.get(..5).unwrap_or(b));
    if a == b {
        Level::Equal
    } else if one_slip(a, b) {
        Level::Nearly
    } else if a.len() > 3 && a.get(..3) == b.get(..3) {
        Level::Partly
    } else {
        Level::Different
    }
}
