//! What each level says, and how likely two people are one.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::compare::{COMPARED, Comparison, Field, Level};

/// Probabilities of the levels of one field: among pairs of one person, among pairs of two.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Weights {
    pub m: [f64; Level::COUNT],
    pub u: [f64; Level::COUNT],
}

/// A model: the weights of every field, how common values are, and how many pairs are one person at all.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Model {
    pub(crate) weights: [Weights; COMPARED],
    /// How large a share of the people has the value; of the more common values only.
    pub(crate) shares: HashMap<Field, HashMap<String, f64>>,
    /// The share a value has that is not among them.
    pub(crate) rare: f64,
    /// The probability that a pair drawn at random is one person.
    pub(crate) prior: f64,
}

/// What the model says of a pair.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// That the two are one person.
    pub probability: f64,
    /// The same, as the logarithm of the odds to base 2.
    pub log_odds: f64,
    /// Bits for (or, negative, against) it, field by field; 0 for what is missing.
    pub bits: [f64; COMPARED],
}

impl Model {
    /// Judges a comparison.
    pub fn judge(&self, comparison: &Comparison) -> Verdict {
        let mut bits = [0.0; COMPARED];
        for field in Field::ALL {
            bits[field as usize] = self.bits(field, comparison);
        }
        let odds = (self.prior / (1.0 - self.prior)).log2() + bits.iter().sum::<f64>();
        Verdict {
            probability: 1.0 / (1.0 + (-odds).exp2()),
            log_odds: odds,
            bits,
        }
    }

    fn bits(&self, field: Field, comparison: &Comparison) -> f64 {
        let level = comparison.level(field);
        if level == Level::Missing {
            return 0.0;
        }
        let Weights { m, u } = &self.weights[field as usize];
        let (m, u) = (m[level as usize], u[level as usize]);
        let by_level = (m / u).log2();
        let (Some((a, b)), Some(shares)) =
            (&comparison.values[field as usize], self.shares.get(&field))
        else {
            return by_level;
        };
        // Of a name that stands in the other's place, both places tell how common it is.
        let crossed = comparison.level(Field::NameOrder) == Level::Different;
        let other_place = match field {
            Field::FamilyName if crossed => self.shares.get(&Field::GivenName),
            Field::GivenName if crossed => self.shares.get(&Field::FamilyName),
            _ => None,
        };
        let share = |value: &String| {
            let there = other_place.and_then(|shares| shares.get(value));
            let here = shares.get(value).copied().unwrap_or(self.rare);
            there.copied().unwrap_or(0.0).max(here)
        };
        if level == Level::Equal {
            return (m / share(a).max(share(b))).log2();
        }
        // A value that is nearly another one: the more people have either, the less it says.
        let common = share(a).max(share(b));
        let typical = shares.get("").copied().unwrap_or(common);
        by_level + 0.5 * (typical / common).log2().clamp(-4.0, 4.0)
    }
}
