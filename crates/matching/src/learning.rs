//! Learning the weights from people nobody has labelled.
//!
//! u is what random pairs show, leaving out the few that are plainly one person; it is not touched again. m and the prior come
//! from expectation and maximisation over the pairs that share a block. All other pairs are taken to be two people, so that
//! the prior is one of all pairs, as u is.

use std::collections::{BTreeSet, HashMap};

use crate::compare::{COMPARED, Comparison, Field, Level, compare};
use crate::model::{Model, Weights};
use crate::person::{Name, Person};

/// Random pairs that are looked at for u.
const RANDOM_PAIRS: usize = 1_000_000;
const ROUNDS: usize = 40;
/// Values rarer than this many people are all equally rare.
const COMMON: u32 = 3;

/// What was learned, and from how much.
#[derive(Clone, Debug)]
pub struct Learned {
    pub model: Model,
    pub people: usize,
    /// Pairs compared.
    pub pairs: usize,
    /// How many of them are one person, as far as the model knows.
    pub expected_matches: f64,
    pub rounds: usize,
}

/// Learns from the people of one register and the pairs of them that share a block.
pub fn learn(people: &[Person], pairs: &[(usize, usize)]) -> Learned {
    learn_between(people, pairs, |_, _| true)
}

/// As [`learn`], where only some pairs may be one person: of two registers without duplicates, one of each.
#[expect(clippy::cast_precision_loss, reason = "shares of people, who are few")]
pub fn learn_between(
    people: &[Person],
    pairs: &[(usize, usize)],
    may_be: impl Fn(usize, usize) -> bool,
) -> Learned {
    let mut model = Model::starting();
    model.shares = shares(people);
    model.rare = 1.0 / (people.len().max(2) as f64);
    let (drawn, tried) = draw(people, may_be);
    let share = drawn.len() as f64 / (tried.max(1) as f64);
    let possible = (share * people.len() as f64 * people.len() as f64 / 2.0).max(1.0);
    let strangers = drawn
        .iter()
        .filter(|pair| model.judge(pair).probability < 0.5);
    let u = frequencies(strangers.map(|pair| (pair, 1.0)), 0.5);
    for (weights, u) in model.weights.iter_mut().zip(u) {
        if let Some(u) = u {
            weights.u = u;
        }
    }
    let compared: Vec<Comparison> = pairs
        .iter()
        .map(|(one, other)| compare(&people[*one], &people[*other]))
        .collect();
    let (expected_matches, rounds) = maximise(&mut model, &compared, possible);
    Learned {
        model,
        people: people.len(),
        pairs: compared.len(),
        expected_matches,
        rounds,
    }
}

/// Random pairs that may be one person, and how many were tried for them. The same people give the same pairs.
fn draw(people: &[Person], may_be: impl Fn(usize, usize) -> bool) -> (Vec<Comparison>, usize) {
    let tries = RANDOM_PAIRS.min(people.len() * 200);
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 33).unwrap_or_default() % people.len()
    };
    let drawn = (0..tries)
        .map(|_| (next(), next()))
        .filter(|(one, other)| one != other && may_be(*one, *other))
        .map(|(one, other)| compare(&people[one], &people[other]))
        .collect();
    (drawn, tries)
}

/// The pairs within blocks, each once, the smaller number first.
pub fn pairs<'a>(blocks: impl Iterator<Item = &'a Vec<usize>>) -> Vec<(usize, usize)> {
    let mut pairs = BTreeSet::new();
    for block in blocks {
        for (place, one) in block.iter().enumerate() {
            let others = block[place + 1..].iter().filter(|other| *other != one);
            pairs.extend(others.map(|other| (*one.min(other), *one.max(other))));
        }
    }
    pairs.into_iter().collect()
}

fn maximise(model: &mut Model, compared: &[Comparison], possible: f64) -> (f64, usize) {
    let mut expected = 0.0;
    for round in 1..=ROUNDS {
        let matches: Vec<f64> = compared
            .iter()
            .map(|pair| model.judge(pair).probability)
            .collect();
        let before = expected;
        expected = matches.iter().sum();
        let weighted = compared.iter().zip(matches.iter().copied());
        for (weights, m) in model.weights.iter_mut().zip(frequencies(weighted, 0.5)) {
            if let Some(m) = m {
                weights.m = m;
            }
        }
        model.prior = (expected / possible).clamp(1e-12, 0.5);
        if (expected - before).abs() < 1e-4 * expected.max(1.0) {
            return (expected, round);
        }
    }
    (expected, ROUNDS)
}

/// How often each level is seen where there is something to see; nothing for a field that too few pairs have. `doubt` is added
/// to each level that exists, so that none is impossible.
fn frequencies<'a>(
    pairs: impl Iterator<Item = (&'a Comparison, f64)>,
    doubt: f64,
) -> [Option<[f64; Level::COUNT]>; COMPARED] {
    let mut seen = [[0.0; Level::COUNT]; COMPARED];
    for (pair, weight) in pairs {
        for field in Field::ALL {
            seen[field as usize][pair.level(field) as usize] += weight;
        }
    }
    seen.map(|mut levels| {
        levels[Level::Missing as usize] = 0.0;
        let total: f64 = levels.iter().sum();
        (total >= 30.0).then(|| {
            let mut share = levels.map(|count| (count + doubt) / (total + 5.0 * doubt));
            share[Level::Missing as usize] = 1.0;
            share
        })
    })
}

/// How large a share of the people has each of the more common values; under the empty value, what two strangers who agree
/// have on the average.
fn shares(people: &[Person]) -> HashMap<Field, HashMap<String, f64>> {
    let mut counts: HashMap<Field, HashMap<&str, u32>> = HashMap::new();
    for person in people {
        let names = person.names.first();
        let address = person.addresses.first();
        let values = [
            (Field::FamilyName, names.map(|name| name.family.as_str())),
            (Field::GivenName, names.map(Name::first)),
            (Field::BirthDate, person.birth_date.as_deref()),
            (
                Field::Street,
                address.map(|address| address.street.as_str()),
            ),
            (Field::City, address.map(|address| address.city.as_str())),
            (
                Field::PostalCode,
                address.map(|address| address.postal_code.as_str()),
            ),
            (
                Field::HouseNumber,
                address.map(|address| address.number.as_str()),
            ),
        ];
        for (field, value) in values {
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                *counts.entry(field).or_default().entry(value).or_default() += 1;
            }
        }
    }
    counts
        .into_iter()
        .map(|(field, counts)| {
            let total = f64::from(counts.values().sum::<u32>());
            let typical: f64 = counts
                .values()
                .map(|count| (f64::from(*count) / total).powi(2))
                .sum();
            let common = counts.into_iter().filter(|(_, count)| *count >= COMMON);
            let mut shares: HashMap<String, f64> = common
                .map(|(value, count)| (value.to_owned(), f64::from(count - 1) / total))
                .collect();
            shares.insert(String::new(), typical);
            (field, shares)
        })
        .collect()
}

impl Model {
    /// The weights to begin with, before anything has been learned: how often fields of one person agree where registrars
    /// make mistakes at usual rates, and how often those of two people do.
    pub fn starting() -> Self {
        let weights = |m: [f64; 5], u: [f64; 5]| {
            let whole = |[different, partly, alike, nearly, equal]: [f64; 5]| {
                [1.0, different, partly, alike, nearly, equal]
            };
            Weights {
                m: whole(m),
                u: whole(u),
            }
        };
        Self {
            weights: [
                weights(
                    [0.02, 0.01, 0.03, 0.04, 0.90],
                    [0.93, 0.055, 0.01, 0.002, 0.003],
                ),
                weights(
                    [0.02, 0.01, 0.03, 0.05, 0.89],
                    [0.90, 0.07, 0.015, 0.005, 0.01],
                ),
                weights([0.02, 0.01, 0.01, 0.01, 0.98], [0.5, 0.01, 0.01, 0.01, 0.5]),
                weights(
                    [0.005, 0.005, 0.01, 0.03, 0.95],
                    [0.98, 0.015, 0.004, 0.0006, 0.00004],
                ),
                weights([0.02, 0.01, 0.01, 0.01, 0.98], [0.5, 0.01, 0.01, 0.01, 0.5]),
                weights(
                    [0.05, 0.01, 0.01, 0.01, 0.95],
                    [0.999_999, 1e-6, 1e-6, 1e-6, 1e-8],
                ),
                weights(
                    [0.35, 0.01, 0.01, 0.02, 0.62],
                    [0.9999, 0.001, 0.001, 0.00002, 0.00003],
                ),
                weights(
                    [0.40, 0.01, 0.01, 0.02, 0.58],
                    [0.9999, 0.001, 0.001, 0.00005, 0.00001],
                ),
                weights(
                    [0.30, 0.02, 0.04, 0.04, 0.60],
                    [0.93, 0.06, 0.006, 0.001, 0.0005],
                ),
                weights(
                    [0.32, 0.01, 0.01, 0.06, 0.60],
                    [0.88, 0.01, 0.01, 0.10, 0.01],
                ),
                weights(
                    [0.18, 0.02, 0.02, 0.03, 0.75],
                    [0.92, 0.04, 0.01, 0.005, 0.02],
                ),
                weights(
                    [0.20, 0.03, 0.01, 0.06, 0.70],
                    [0.96, 0.02, 0.01, 0.008, 0.003],
                ),
            ],
            shares: HashMap::new(),
            rare: 0.001,
            prior: 1e-5,
        }
    }
}
