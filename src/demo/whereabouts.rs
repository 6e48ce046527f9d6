//! Where a person is found, and whom to call when something happens.
//!
//! E-mail addresses are of domains kept for examples; telephone numbers belong to nobody.

use chrono::{Days, NaiveDate};
use clinical::patients::{
    AddressUse, EmergencyContact, MaritalStatus, PatientAddress, Relationship, Telecom,
    TelecomSystem, TelecomUse,
};
use kernel::text::name_key;

use super::names::{Culture, Gender};
use super::places::STREETS;
use super::registration::Clerk;

const DOMAINS: [&str; 3] = ["example.com", "example.net", "example.org"];

impl Clerk<'_> {
    pub fn telecoms(&mut self) -> Vec<Telecom> {
        let mut telecoms = Vec::new();
        let grown = self.person.age >= 16;
        if grown && self.random.chance(90) {
            telecoms.push(telecom(
                TelecomSystem::Phone,
                self.phones.next(),
                TelecomUse::Mobile,
            ));
        }
        if !grown || self.random.chance(25) || telecoms.is_empty() {
            telecoms.push(telecom(
                TelecomSystem::Phone,
                self.phones.next(),
                TelecomUse::Home,
            ));
        }
        if grown && self.random.chance(68) {
            let words = name_key(&format!("{} {}", self.person.given[0], self.person.family))
                .replace(' ', ".");
            let email = format!("{words}{}@{}", self.number, self.random.pick(&DOMAINS));
            telecoms.push(telecom(TelecomSystem::Email, email, TelecomUse::Home));
        }
        telecoms
    }

    /// Where they live, and where they lived: one address ends the day before the next begins.
    pub fn addresses(&mut self) -> Vec<PatientAddress> {
        let moves = match self.random.below(100) {
            0..55 => 0,
            55..88 => 1,
            _ => 2,
        };
        let mut since = self.today - Days::new(u64::from(self.random.below(12 * 365)));
        let mut addresses = Vec::new();
        let mut until = None;
        for _ in 0..=moves {
            since = since.max(self.person.birth_date);
            let from = (addresses.len() < moves || self.random.chance(70)).then_some(since);
            addresses.push(self.address(from, until));
            if since == self.person.birth_date {
                break;
            }
            until = Some(since - Days::new(1));
            since = since - Days::new(300 + u64::from(self.random.below(2500)));
        }
        addresses
    }

    fn address(&mut self, from: Option<NaiveDate>, until: Option<NaiveDate>) -> PatientAddress {
        let town = &self.organisation.towns[self.random.index(self.organisation.towns.len())];
        let mut lines = vec![format!(
            "{} {}",
            self.random.between(1, 289),
            self.random.pick(&STREETS)
        )];
        if self.random.chance(25) {
            lines.push(format!("Apt {}", self.random.between(1, 40)));
        }
        PatientAddress {
            r#use: AddressUse::Home,
            lines,
            city: Some(town.name.to_owned()),
            state: Some(self.organisation.state.to_owned()),
            postal_code: Some(town.zip.to_owned()),
            country: Some("US".to_owned()),
            from,
            until,
        }
    }

    pub fn contacts(&mut self, marital_status: MaritalStatus) -> Vec<EmergencyContact> {
        let count = match self.random.below(100) {
            0..8 if self.person.age >= 18 => 0,
            8..60 => 1,
            _ => 2,
        };
        let (first, second) = match (self.person.age, marital_status) {
            (..18, _) => (Relationship::Parent, Relationship::Parent),
            (_, MaritalStatus::Married) => (Relationship::Spouse, Relationship::Child),
            (_, MaritalStatus::DomesticPartner) => (Relationship::Partner, Relationship::Sibling),
            (60.., _) => (Relationship::Child, Relationship::Child),
            _ => (Relationship::Friend, Relationship::Sibling),
        };
        // A mother and a father, a daughter and a son; whom somebody lives with is of either.
        let genders = if self.random.chance(50) {
            [Gender::Female, Gender::Male]
        } else {
            [Gender::Male, Gender::Female]
        };
        let both = (1..).zip([first, second]).zip(genders).take(count);
        both.map(|((priority, relationship), gender)| self.contact(relationship, gender, priority))
            .collect()
    }

    fn contact(
        &mut self,
        relationship: Relationship,
        gender: Gender,
        priority: u8,
    ) -> EmergencyContact {
        let (culture, family) = if relationship == Relationship::Friend {
            let culture = Culture::any(&mut self.random);
            (culture, self.random.pick(culture.family))
        } else {
            (self.person.culture, self.person.family)
        };
        EmergencyContact {
            name: format!("{} {family}", self.random.pick(culture.given(gender))),
            relationship,
            priority,
            phone: self.phones.next(),
            email: None,
        }
    }
}

fn telecom(system: TelecomSystem, value: String, r#use: TelecomUse) -> Telecom {
    Telecom {
        system,
        value,
        r#use: Some(r#use),
    }
}
