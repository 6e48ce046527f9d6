//! What keeps two registrations apart whatever their score.

use serde::{Deserialize, Serialize};

use crate::compare::{Comparison, Field, Level};

/// Why a pair that scores high is two people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Veto {
    /// The same birth date, family and home, and another given name.
    Twins,
    /// What agrees is what a household shares: address, telephone, e-mail, family name.
    Household,
    /// Each has a national number, and they differ.
    TwoNationalIds,
    /// Another sex and another birth date.
    SexAndBirthDate,
}

impl Veto {
    /// The first that holds.
    pub fn of(comparison: &Comparison) -> Option<Self> {
        let level = |field| comparison.level(field);
        let differs = |field| level(field) == Level::Different;
        if differs(Field::NationalId) {
            return Some(Self::TwoNationalIds);
        }
        if level(Field::NationalId) == Level::Equal {
            return None;
        }
        if differs(Field::Sex)
            && level(Field::BirthDate) > Level::Missing
            && level(Field::BirthDate) <= Level::Partly
        {
            return Some(Self::SexAndBirthDate);
        }
        let other_given = matches!(level(Field::GivenName), Level::Different | Level::Partly);
        let one_family = level(Field::FamilyName) >= Level::Nearly;
        let one_birth = level(Field::BirthDate) == Level::Equal;
        if other_given && one_family && one_birth && level(Field::Street) != Level::Different {
            return Some(Self::Twins);
        }
        // Father and son, neighbours, a couple: nothing of their own agrees.
        let nothing_own = other_given && (!one_birth || level(Field::FamilyName) <= Level::Partly);
        if nothing_own || differs(Field::BirthDate) {
            return Some(Self::Household);
        }
        None
    }
}
