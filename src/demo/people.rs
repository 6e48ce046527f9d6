//! Who the patients are: age, name, what ails them, whose patients they are and how long.
//!
//! What they write on the registration form follows from it and is in `registration.rs`.

use chrono::{Datelike, Days, NaiveDate};

use super::names::{Culture, Gender};
use super::places::Organisation;
use super::random::Random;
use super::reasons::{self, Reason};
use super::roster::{DEMO_PROVIDER, primary_care};
use super::staff::Employee;
use super::wall::{Wall, years};

/// How many patients an organisation has.
pub const PATIENTS: usize = 300;

/// The place of the patient who has the demo account.
pub const DEMO_PATIENT: usize = 0;

/// A patient.
#[derive(Clone, Debug)]
pub struct Person {
    pub culture: &'static Culture,
    pub gender: Gender,
    pub given: Vec<&'static str>,
    pub family: &'static str,
    pub birth_date: NaiveDate,
    pub age: i64,
    pub conditions: Vec<&'static Reason>,
    /// The own doctor, as a place in the staff.
    pub primary: usize,
    /// Where registered, as a place in the organisation's facilities.
    pub facility: usize,
    pub fate: Fate,
    /// The last day as a patient; `None`: still one.
    pub until: Option<NaiveDate>,
}

/// What has become of somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Stays,
    Left,
    WentElsewhere,
    Died,
}

/// Ages, and how many there are of them.
const AGES: [(u32, (i64, i64)); 8] = [
    (6, (0, 4)),
    (15, (5, 17)),
    (15, (18, 29)),
    (19, (30, 44)),
    (19, (45, 59)),
    (16, (60, 74)),
    (9, (75, 89)),
    (1, (90, 99)),
];

/// How many of a hundred at the age for it have each of the conditions of [`reasons::CHRONIC`].
const PREVALENCE: [u32; 14] = [34, 13, 28, 7, 8, 9, 7, 6, 9, 8, 9, 10, 14, 8];

/// The most conditions one person has.
const MOST_CONDITIONS: usize = 4;

impl Person {
    /// Whether somebody could be seen on a day.
    pub fn is_patient_on(&self, day: NaiveDate) -> bool {
        self.birth_date <= day && self.until.is_none_or(|until| day <= until)
    }

    pub fn died_on(&self) -> Option<NaiveDate> {
        self.until.filter(|_| self.fate == Fate::Died)
    }
}

/// The patients of an organisation, the one with the demo account first.
pub fn population(
    organisation: &Organisation,
    seed: u64,
    staff: &[Employee],
    wall: Wall,
) -> Vec<Person> {
    (0..PATIENTS)
        .map(|place| {
            let mut random =
                Random::stream(seed, &format!("{} people", organisation.slug), place as u64);
            person(place, staff, wall, &mut random)
        })
        .collect()
}

fn person(place: usize, staff: &[Employee], wall: Wall, random: &mut Random) -> Person {
    let demo = place == DEMO_PATIENT;
    let culture = Culture::any(random);
    let gender = if random.chance(52) {
        Gender::Female
    } else {
        Gender::Male
    };
    let given = given_names(culture.given(gender), random);
    let family = random.pick(culture.family);
    let (youngest, oldest) = if demo {
        (52, 58)
    } else {
        random.weighted(&AGES)
    };
    let birth_date = birth_date(wall.today(), random.between(youngest, oldest), random);
    let age = years(birth_date, wall.today());
    let conditions = if demo {
        vec![&reasons::CHRONIC[0], &reasons::CHRONIC[2]]
    } else {
        conditions(age, random)
    };
    let primary = if demo {
        DEMO_PROVIDER
    } else {
        primary_care(age, random)
    };
    let registered_at_hospital = random.chance(20) && !demo;
    let facility = if registered_at_hospital {
        0
    } else {
        staff[primary].spots[0].facility
    };
    let fate = if demo { Fate::Stays } else { fate(age, random) };
    let until = match fate {
        Fate::Stays => None,
        // Somebody was there before he was not.
        _ => Some(wall.day(-random.between(8, 300)).max(birth_date)),
    };
    Person {
        culture,
        gender,
        given,
        family,
        birth_date,
        age,
        conditions,
        primary,
        facility,
        fate,
        until,
    }
}

fn given_names(list: &'static [&'static str], random: &mut Random) -> Vec<&'static str> {
    let first = random.pick(list);
    let second = random.pick(list);
    if second != first && random.chance(40) {
        vec![first, second]
    } else {
        vec![first]
    }
}

/// A birthday that makes somebody so old today.
fn birth_date(today: NaiveDate, age: i64, random: &mut Random) -> NaiveDate {
    let born = i32::try_from(age).unwrap_or_default();
    let birthday = today
        .with_year(today.year() - born)
        .unwrap_or(today - Days::new(365 * age.unsigned_abs()));
    let days = u64::from(random.below(if age == 0 { 300 } else { 364 }));
    birthday - Days::new(days)
}

fn conditions(age: i64, random: &mut Random) -> Vec<&'static Reason> {
    let mut list: Vec<&'static Reason> = Vec::new();
    for (reason, percent) in reasons::CHRONIC.iter().zip(PREVALENCE) {
        let percent = if age >= 65 { percent * 3 / 2 } else { percent };
        if random.chance(percent) && reason.fits(age) && list.len() < MOST_CONDITIONS {
            list.push(reason);
        }
    }
    list
}

fn fate(age: i64, random: &mut Random) -> Fate {
    match random.below(100) {
        0..3 if age >= 50 => Fate::Died,
        3..9 if age >= 72 => Fate::Died,
        9..13 => Fate::Left,
        13..16 => Fate::WentElsewhere,
        _ => Fate::Stays,
    }
}

#[cfg(test)]
mod tests {
    use kernel::text::name_key;

    use super::super::places::{LAKESIDE, RIVERSIDE};
    use super::super::staff::hire;
    use super::super::telephone::Telephones;
    use super::*;

    fn people(organisation: &Organisation, seed: u64) -> Vec<Person> {
        let wall = Wall::new(
            "2028-02-29T15:00:00Z".parse().expect("an instant"),
            organisation.zone,
        );
        let staff = hire(
            organisation,
            seed,
            wall.today(),
            &mut Telephones::new(organisation, seed),
        );
        population(organisation, seed, &staff, wall)
    }

    #[test]
    fn ages_are_those_of_a_town() {
        for seed in [1, 2, 99] {
            let people = people(&LAKESIDE, seed);
            let share = |ages: std::ops::Range<i64>| {
                people
                    .iter()
                    .filter(|person| ages.contains(&person.age))
                    .count()
            };
            assert_eq!(people.len(), PATIENTS);
            assert!(
                (30..100).contains(&share(0..18)),
                "{} children",
                share(0..18)
            );
            assert!(
                (35..110).contains(&share(65..120)),
                "{} of old age",
                share(65..120)
            );
            assert_eq!(share(0..100), PATIENTS);
            for person in &people {
                assert!(
                    person
                        .conditions
                        .iter()
                        .all(|reason| reason.fits(person.age))
                );
                assert!(person.until.is_none_or(|until| until >= person.birth_date));
            }
        }
    }

    #[test]
    fn riverside_has_families_with_s_and_the_demo_provider_a_panel() {
        for seed in [1, 2, 99] {
            let people = people(&RIVERSIDE, seed);
            let with_s = people
                .iter()
                .filter(|person| name_key(person.family).starts_with('s'))
                .count();
            assert!(with_s >= 10, "{with_s}");
            let panel = people
                .iter()
                .filter(|person| person.primary == DEMO_PROVIDER)
                .count();
            assert!((40..=85).contains(&panel), "{panel}");
            for fate in [Fate::Stays, Fate::Left, Fate::WentElsewhere, Fate::Died] {
                assert!(people.iter().any(|person| person.fate == fate), "{fate:?}");
            }
        }
    }
}
