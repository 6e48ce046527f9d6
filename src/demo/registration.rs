//! What a person writes on the registration form: how to be called, where to be found, whom to call.
//!
//! Social security numbers are of areas (691 to 699) that were never handed out while areas meant something.

use chrono::{Days, NaiveDate};
use clinical::patients::{
    BloodType, Ethnicity, EthnicityCode, GenderIdentity, HealthGoal, IdentifierType, MaritalStatus,
    NameUse, NewPatient, PatientIdentifier, PatientName, Race, RiskFactor, Sex,
};

use super::names::{self, Culture, Gender};
use super::people::Person;
use super::places::Organisation;
use super::random::Random;
use super::telephone::Telephones;
use super::wall::Wall;

const BLOOD: [(u32, BloodType); 8] = [
    (37, BloodType::OPositive),
    (34, BloodType::APositive),
    (10, BloodType::BPositive),
    (4, BloodType::AbPositive),
    (7, BloodType::ONegative),
    (5, BloodType::ANegative),
    (2, BloodType::BNegative),
    (1, BloodType::AbNegative),
];

const GOALS: [&str; 8] = [
    "Walk 30 minutes a day",
    "Lose 10 pounds by summer",
    "Stop smoking",
    "Blood pressure below 130/80",
    "Sleep seven hours a night",
    "Eat vegetables every day",
    "Cook without salt",
    "Play with the grandchildren without pain",
];

const RISKS: [&str; 7] = [
    "Family history of diabetes",
    "Family history of breast cancer",
    "Family history of early heart attack",
    "Smokes ten cigarettes a day",
    "Former smoker",
    "Works with solvents",
    "Lives alone, has fallen before",
];

/// The forms of all people, in their order.
pub fn fill_in(
    organisation: &Organisation,
    seed: u64,
    people: &[Person],
    wall: Wall,
    phones: &mut Telephones,
) -> Vec<NewPatient> {
    let forms = (0..).zip(people).map(|(number, person)| {
        let random = Random::stream(seed, &format!("{} forms", organisation.slug), number);
        Clerk {
            organisation,
            person,
            number,
            today: wall.today(),
            phones: &mut *phones,
            random,
        }
        .form()
    });
    forms.collect()
}

/// Fills in one form.
pub struct Clerk<'a> {
    pub organisation: &'a Organisation,
    pub person: &'a Person,
    pub number: u64,
    pub today: NaiveDate,
    pub phones: &'a mut Telephones,
    pub random: Random,
}

impl Clerk<'_> {
    fn form(mut self) -> NewPatient {
        let Person {
            culture,
            age,
            birth_date,
            ..
        } = *self.person;
        let marital_status = self.marital_status();
        NewPatient {
            names: self.names(marital_status),
            birth_date,
            sex: self.sex(),
            gender_identity: self.gender_identity(),
            language: Some(
                if self.random.chance(40) {
                    culture.language
                } else {
                    "en-US"
                }
                .to_owned(),
            ),
            race: self.race(),
            ethnicity: self.random.chance(92).then(|| ethnicity(culture)),
            marital_status: self.random.chance(95).then_some(marital_status),
            deceased_on: self.person.died_on(),
            blood_type: self.random.chance(55).then(|| self.random.weighted(&BLOOD)),
            telecoms: self.telecoms(),
            addresses: self.addresses(),
            contacts: self.contacts(marital_status),
            identifiers: self.identifiers(),
            health_goals: self.health_goals(),
            risk_factors: self.risk_factors(),
            primary_provider_id: None,
            facility_id: None,
            portal_user_id: None,
            is_vip: self.random.chance(2),
            is_confidential: age >= 13 && self.random.chance(3),
        }
    }

    fn names(&mut self, marital_status: MaritalStatus) -> Vec<PatientName> {
        let person = self.person;
        let given: Vec<String> = person.given.iter().map(|name| (*name).to_owned()).collect();
        let mut legal = name(NameUse::Legal, person.family, given.clone());
        if person.gender == Gender::Male && self.random.chance(3) {
            legal.suffix = Some("Jr.".to_owned());
        }
        let mut names = vec![legal];
        // Who goes by the second name says so.
        if given.len() > 1 && self.random.chance(20) {
            names.push(name(NameUse::Preferred, person.family, given[1..].to_vec()));
        }
        let married = !matches!(
            marital_status,
            MaritalStatus::NeverMarried | MaritalStatus::DomesticPartner
        );
        if married && person.gender == Gender::Female && person.age >= 25 && self.random.chance(40)
        {
            let family = self.random.pick(person.culture.family);
            let wedding = self.day_of_age(22, 24);
            if family != person.family {
                names[0].from = Some(wedding);
                names.push(PatientName {
                    until: Some(wedding - Days::new(1)),
                    ..name(NameUse::Former, family, given)
                });
            }
        }
        names
    }

    fn sex(&mut self) -> Sex {
        match (self.random.below(200), self.person.gender) {
            (0, _) => Sex::Other,
            (1, _) => Sex::Unknown,
            (_, Gender::Female) => Sex::Female,
            (_, Gender::Male) => Sex::Male,
        }
    }

    fn gender_identity(&mut self) -> Option<GenderIdentity> {
        if self.person.age < 14 || !self.random.chance(45) {
            return None;
        }
        let (usual, trans) = match self.person.gender {
            Gender::Female => (GenderIdentity::Female, GenderIdentity::TransgenderMale),
            Gender::Male => (GenderIdentity::Male, GenderIdentity::TransgenderFemale),
        };
        let rare = [
            (94, usual),
            (2, trans),
            (2, GenderIdentity::NonBinary),
            (2, GenderIdentity::Undisclosed),
        ];
        Some(self.random.weighted(&rare))
    }

    fn race(&mut self) -> Vec<Race> {
        if !self.random.chance(88) {
            return Vec::new();
        }
        let usual = self.person.culture.race;
        let other = names::other_race(&mut self.random).filter(|other| *other != usual);
        [Some(usual), other]
            .into_iter()
            .flatten()
            .map(|code| Race { code, text: None })
            .collect()
    }

    fn marital_status(&mut self) -> MaritalStatus {
        use MaritalStatus::{Divorced, DomesticPartner, Married, NeverMarried, Separated, Widowed};
        match self.person.age {
            ..20 => NeverMarried,
            20..35 => self.random.weighted(&[
                (58, NeverMarried),
                (30, Married),
                (8, DomesticPartner),
                (4, Divorced),
            ]),
            35..70 => self.random.weighted(&[
                (16, NeverMarried),
                (58, Married),
                (6, DomesticPartner),
                (15, Divorced),
                (3, Separated),
                (2, Widowed),
            ]),
            _ => self.random.weighted(&[
                (6, NeverMarried),
                (48, Married),
                (12, Divorced),
                (34, Widowed),
            ]),
        }
    }

    fn identifiers(&mut self) -> Vec<PatientIdentifier> {
        let mut identifiers = Vec::new();
        if self.person.age >= 1 && self.random.chance(22) {
            // The number of the person in the serial keeps any two apart.
            let value = format!(
                "{}-{:02}-{:04}",
                self.random.between(691, 699),
                self.random.between(1, 99),
                1000 + self.number
            );
            identifiers.push(identifier(IdentifierType::Ssn, None, value));
        }
        if self.person.age >= 17 && self.random.chance(45) {
            let value = self.random.digits(9);
            identifiers.push(identifier(
                IdentifierType::DriversLicense,
                Some(self.organisation.state),
                value,
            ));
        }
        identifiers
    }

    fn health_goals(&mut self) -> Vec<HealthGoal> {
        let words = self.some_of(&GOALS, 35);
        let goals = words.into_iter().map(|words| HealthGoal {
            description: words.to_owned(),
            target_date: self
                .random
                .chance(50)
                .then(|| self.today + Days::new(30 + u64::from(self.random.below(300)))),
            achieved_on: None,
        });
        goals.collect()
    }

    fn risk_factors(&mut self) -> Vec<RiskFactor> {
        let words = self.some_of(&RISKS, 30);
        let risks = words.into_iter().map(|words| RiskFactor {
            description: words.to_owned(),
            noted_on: self
                .random
                .chance(60)
                .then(|| self.today - Days::new(10 + u64::from(self.random.below(900)))),
        });
        risks.collect()
    }

    /// One or two of a list, for that many of a hundred adults.
    fn some_of<'a>(&mut self, list: &[&'a str], percent: u32) -> Vec<&'a str> {
        if self.person.age < 18 || !self.random.chance(percent) {
            return Vec::new();
        }
        let first = self.random.index(list.len());
        let count = if self.random.chance(30) { 2 } else { 1 };
        list.iter()
            .cycle()
            .skip(first)
            .take(count)
            .copied()
            .collect()
    }

    /// A day in the year somebody became so old, or up to some years later.
    fn day_of_age(&mut self, age: u64, or_to: u64) -> NaiveDate {
        let days = u64::from(
            self.random
                .below(u32::try_from((or_to - age + 1) * 365).unwrap_or(365)),
        );
        self.person.birth_date + Days::new(age * 365 + days)
    }
}

fn name(r#use: NameUse, family: &str, given: Vec<String>) -> PatientName {
    PatientName {
        r#use,
        family: family.to_owned(),
        given,
        prefix: None,
        suffix: None,
        from: None,
        until: None,
    }
}

fn ethnicity(culture: &Culture) -> Ethnicity {
    let code = if culture.hispanic {
        EthnicityCode::HispanicOrLatino
    } else {
        EthnicityCode::NotHispanicOrLatino
    };
    Ethnicity { code, text: None }
}

fn identifier(r#type: IdentifierType, system: Option<&str>, value: String) -> PatientIdentifier {
    PatientIdentifier {
        r#type,
        system: system.map(str::to_owned),
        value: Some(value),
        last4: None,
    }
}
