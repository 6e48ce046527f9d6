//! The chance that somebody does not come.
//!
//! A logistic regression, fitted by Newton's method with an L2 penalty. What it may know is the struct [`Visit`], and nothing
//! else: how long ago the visit was booked, weekday and hour, what became of earlier visits, whether the patient is new, the
//! type of visit. Age, sex, race, language, address and diagnoses are not in it, and can't be: a fair waiting room is worth
//! more than a sharper guess.
//!
//! Trap: only what is known whenever a visit may be scored belongs here. Whether it was confirmed does not: of past visits one
//! knows whether they ever were, of a visit in six weeks only that nobody has been asked yet.
//!
//! A model is judged on the latest visits, which it has not seen, and fitted again on all of them afterwards.

use serde::{Deserialize, Serialize};

use crate::numbers::{mean, real, solve};

/// Below this many visits, or this many of either kind, there is no model.
pub const LEAST_VISITS: usize = 200;
pub const LEAST_EACH: usize = 20;
/// The latest share of the history that judges the model.
const HELD_OUT: usize = 4;
/// The penalty, in visits: as if each feature had been contradicted so often.
const PENALTY: f64 = 5.0;
const BINS: usize = 10;

/// Types of visit the model tells apart; all others are one.
pub const TYPES: [&str; 5] = [
    "follow_up",
    "telemedicine",
    "diagnostic",
    "procedure",
    "surgery",
];

/// What is known of a visit before it takes place.
#[derive(Clone, Debug, PartialEq)]
pub struct Visit {
    /// Days between booking and visit.
    pub lead_days: f64,
    /// Monday is 0.
    pub weekday: u32,
    /// The local hour it begins at, with its fraction.
    pub hour: f64,
    /// Of the patient's visits in the two years before.
    pub missed_before: u32,
    pub kept_before: u32,
    pub new_patient: bool,
    /// The appointment's type.
    pub kind: String,
}

/// The names of the features, in the order of the coefficients.
pub const FEATURES: [&str; 17] = [
    "intercept",
    "lead_time",
    "long_lead_time",
    "missed_before_share",
    "missed_last_time_or_more",
    "new_patient",
    "early",
    "late",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "type_follow_up",
    "type_telemedicine",
    "type_diagnostic",
    "type_procedure",
    "type_surgery",
];

impl Visit {
    /// The features, in the order of [`FEATURES`].
    pub fn features(&self) -> [f64; FEATURES.len()] {
        let yes = |holds: bool| f64::from(u8::from(holds));
        let seen = f64::from(self.missed_before + self.kept_before);
        // Shrunk towards one missed visit in ten, so that one missed visit of one is not "always".
        let share = (f64::from(self.missed_before) + 0.5) / (seen + 5.0);
        let mut features = [
            1.0,
            (self.lead_days.max(0.0) + 1.0).ln() / 3.0,
            yes(self.lead_days > 30.0),
            share * 2.0,
            yes(self.missed_before > 0),
            yes(self.new_patient),
            yes(self.hour < 9.0),
            yes(self.hour >= 15.0),
            yes(self.weekday == 1),
            yes(self.weekday == 2),
            yes(self.weekday == 3),
            yes(self.weekday >= 4),
            0.0,
            0.0,
            0.0,
            0.0,
            0.0,
        ];
        for (place, name) in TYPES.iter().enumerate() {
            features[FEATURES.len() - TYPES.len() + place] = yes(self.kind == *name);
        }
        features
    }
}

/// Coefficients, on the scale of log odds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Model {
    pub coefficients: Vec<f64>,
}

/// Visits of like probability: what was said, and what happened.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bin {
    /// From this probability up to and without the next.
    pub from: f64,
    pub to: f64,
    pub visits: usize,
    /// The mean of what was said, and the share that was missed.
    pub predicted: f64,
    pub missed: f64,
}

/// How a model did on visits it had not seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// Visits it was fitted on, and visits it was judged on.
    pub fitted_on: usize,
    pub judged_on: usize,
    /// The share of missed visits among the latter.
    pub missed: f64,
    /// Mean squared error of the probability, and that of always saying the share of the former.
    pub brier: f64,
    pub brier_of_the_share: f64,
    /// Of a missed and a kept visit, how often the missed one had the higher probability.
    pub auc: f64,
    pub calibration: Vec<Bin>,
}

/// Why there is no model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Too few visits, or too few that were missed or kept.
    TooFew { visits: usize, missed: usize },
}

/// Fits a model to visits in the order of their time, each with whether it was missed, and judges it on the latest quarter.
///
/// # Errors
/// Too few visits to learn from.
pub fn fit(visits: &[(Visit, bool)]) -> Result<(Model, Judgement), Refused> {
    let rows: Vec<Row> = visits
        .iter()
        .map(|(visit, missed)| (visit.features(), f64::from(u8::from(*missed))))
        .collect();
    let missed = visits.iter().filter(|(_, missed)| *missed).count();
    let (earlier, later) = rows.split_at(rows.len() - rows.len() / HELD_OUT);
    let enough = rows.len() >= LEAST_VISITS
        && missed.min(rows.len() - missed) >= LEAST_EACH
        && earlier.iter().any(|row| row.1 > 0.5)
        && earlier.iter().any(|row| row.1 < 0.5);
    if !enough {
        return Err(Refused::TooFew {
            visits: rows.len(),
            missed,
        });
    }
    let judgement = judge(&newton(earlier), earlier, later);
    Ok((newton(&rows), judgement))
}

type Row = ([f64; FEATURES.len()], f64);

fn probability(coefficients: &[f64], features: &[f64]) -> f64 {
    let odds: f64 = coefficients.iter().zip(features).map(|(a, b)| a * b).sum();
    1.0 / (1.0 + (-odds.clamp(-30.0, 30.0)).exp())
}

impl Model {
    /// The chance that the visit is missed.
    pub fn probability(&self, visit: &Visit) -> f64 {
        probability(&self.coefficients, &visit.features())
    }
}

/// Newton's method; each step is halved until the penalised likelihood does not fall.
fn newton(rows: &[Row]) -> Model {
    let size = FEATURES.len();
    let share = mean(&rows.iter().map(|row| row.1).collect::<Vec<_>>()).clamp(1e-4, 1.0 - 1e-4);
    let mut at = vec![0.0; size];
    at[0] = (share / (1.0 - share)).ln();
    let mut height = likelihood(&at, rows);
    for _ in 0..50 {
        let Some(step) = step(&at, rows) else { break };
        let mut length = 1.0;
        let moved = loop {
            let next: Vec<f64> = at.iter().zip(&step).map(|(a, b)| a + length * b).collect();
            let reached = likelihood(&next, rows);
            if reached >= height || length < 1e-6 {
                break (next, reached);
            }
            length /= 2.0;
        };
        let gained = moved.1 - height;
        if gained < 0.0 {
            break;
        }
        (at, height) = moved;
        if gained < 1e-9 {
            break;
        }
    }
    Model { coefficients: at }
}

fn step(at: &[f64], rows: &[Row]) -> Option<Vec<f64>> {
    let size = at.len();
    let mut slope = vec![0.0; size];
    let mut curve = vec![vec![0.0; size]; size];
    for (features, missed) in rows {
        let chance = probability(at, features);
        let weight = (chance * (1.0 - chance)).max(1e-9);
        for line in 0..size {
            slope[line] += features[line] * (missed - chance);
            for column in 0..=line {
                curve[line][column] += weight * features[line] * features[column];
            }
        }
    }
    for line in 0..size {
        let mirrored: Vec<f64> = curve[line + 1..].iter().map(|below| below[line]).collect();
        curve[line][line + 1..].copy_from_slice(&mirrored);
        // The intercept is not drawn to nothing: the share of missed visits is what it is.
        let penalty = if line == 0 { 1e-6 } else { PENALTY };
        curve[line][line] += penalty;
        slope[line] -= penalty * at[line];
    }
    solve(&curve, &slope)
}

fn likelihood(at: &[f64], rows: &[Row]) -> f64 {
    let fit: f64 = rows
        .iter()
        .map(|(features, missed)| {
            let chance = probability(at, features).clamp(1e-12, 1.0 - 1e-12);
            missed * chance.ln() + (1.0 - missed) * (1.0 - chance).ln()
        })
        .sum();
    let size: f64 = at[1..].iter().map(|it| it * it).sum();
    fit - PENALTY / 2.0 * size
}

fn judge(model: &Model, earlier: &[Row], later: &[Row]) -> Judgement {
    let share = mean(&earlier.iter().map(|row| row.1).collect::<Vec<_>>());
    let said: Vec<(f64, f64)> = later
        .iter()
        .map(|(features, missed)| (probability(&model.coefficients, features), *missed))
        .collect();
    let brier = |of: &dyn Fn(f64) -> f64| {
        let squares: Vec<f64> = said.iter().map(|it| (of(it.0) - it.1).powi(2)).collect();
        mean(&squares)
    };
    Judgement {
        fitted_on: earlier.len(),
        judged_on: later.len(),
        missed: mean(&said.iter().map(|it| it.1).collect::<Vec<_>>()),
        brier: brier(&|said| said),
        brier_of_the_share: brier(&|_| share),
        auc: auc(&said),
        calibration: bins(&said),
    }
}

/// By rank; ties count half.
fn auc(said: &[(f64, f64)]) -> f64 {
    let mut sorted = said.to_vec();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let missed = sorted.iter().filter(|it| it.1 > 0.5).count();
    let kept = sorted.len() - missed;
    if missed == 0 || kept == 0 {
        return 0.5;
    }
    let (mut below, mut pairs) = (0.0, 0.0);
    for ties in sorted.chunk_by(|a, b| a.0.total_cmp(&b.0).is_eq()) {
        let missed_here = real(ties.iter().filter(|it| it.1 > 0.5).count());
        let kept_here = real(ties.len()) - missed_here;
        pairs += missed_here * (below + kept_here / 2.0);
        below += kept_here;
    }
    pairs / (real(missed) * real(kept))
}

fn bins(said: &[(f64, f64)]) -> Vec<Bin> {
    (0..BINS)
        .filter_map(|bin| {
            let (from, to) = (real(bin) / real(BINS), real(bin + 1) / real(BINS));
            let inside: Vec<&(f64, f64)> = said
                .iter()
                .filter(|it| it.0 >= from && (it.0 < to || bin + 1 == BINS))
                .collect();
            let visits = inside.len();
            (visits > 0).then(|| Bin {
                from,
                to,
                visits,
                predicted: inside.iter().map(|it| it.0).sum::<f64>() / real(visits),
                missed: inside.iter().map(|it| it.1).sum::<f64>() / real(visits),
            })
        })
        .collect()
}

/// How many more may be booked beside visits of these probabilities, so that all who come can be seen with at least the
/// given chance. The number who come is a sum of independent trials (Poisson binomial), and those booked in addition are
/// taken to come for sure.
pub fn overbooking(missed: &[f64], sure: f64) -> usize {
    // distribution[k]: the chance that k stay away.
    let mut distribution = vec![1.0];
    for chance in missed {
        let mut next = vec![0.0; distribution.len() + 1];
        for (away, weight) in distribution.iter().enumerate() {
            next[away] += weight * (1.0 - chance);
            next[away + 1] += weight * chance;
        }
        distribution = next;
    }
    let mut at_least = 1.0;
    let mut most = 0;
    for (away, weight) in distribution.iter().enumerate() {
        if at_least < sure {
            break;
        }
        most = away;
        at_least -= weight;
    }
    most
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Chance(u64);

    impl Chance {
        fn next(&mut self) -> f64 {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = self.0;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^= z >> 31;
            f64::from(u32::try_from(z >> 32).unwrap_or(0)) / (f64::from(u32::MAX) + 1.0)
        }
        fn below(&mut self, most: u32) -> u32 {
            (0..most)
                .rev()
                .find(|it| self.next() < 1.0 / f64::from(it + 1))
                .unwrap_or(0)
        }
    }

    /// Visits whose chances follow known coefficients.
    fn world(count: usize, truth: &[f64]) -> Vec<(Visit, bool)> {
        let mut chance = Chance(7);
        (0..count)
            .map(|_| {
                let visit = Visit {
                    lead_days: 60.0 * chance.next(),
                    weekday: chance.below(5),
                    hour: 8.0 + 9.0 * chance.next(),
                    missed_before: chance.below(4),
                    kept_before: chance.below(8),
                    new_patient: chance.next() < 0.2,
                    kind: TYPES[chance.below(5) as usize].to_owned(),
                };
                let missed = chance.next() < probability(truth, &visit.features());
                (visit, missed)
            })
            .collect()
    }

    fn truth() -> Vec<f64> {
        let mut truth = vec![0.0; FEATURES.len()];
        truth[..8].copy_from_slice(&[-2.6, 1.0, 0.0, 1.5, 0.4, 0.6, 0.5, 0.0]);
        truth
    }

    #[test]
    fn known_coefficients_are_found_again() {
        let truth = truth();
        let (model, judgement) = fit(&world(40_000, &truth)).expect("enough");
        for (name, (found, truth)) in FEATURES
            .iter()
            .zip(model.coefficients.iter().zip(&truth))
            .skip(1)
        {
            assert!((found - truth).abs() < 0.25, "{name}: {found} for {truth}");
        }
        assert!(judgement.brier < judgement.brier_of_the_share);
        assert!(judgement.auc > 0.65, "{}", judgement.auc);
        for bin in judgement.calibration.iter().filter(|bin| bin.visits > 300) {
            assert!((bin.predicted - bin.missed).abs() < 0.05, "{bin:?}");
        }
    }

    #[test]
    fn where_nothing_can_be_learnt_the_model_says_the_share() {
        let mut flat = vec![0.0; FEATURES.len()];
        flat[0] = -1.5;
        let visits = world(4_000, &flat);
        let (model, _) = fit(&visits).expect("enough");
        let said: Vec<f64> = visits.iter().map(|it| model.probability(&it.0)).collect();
        assert!(said.iter().all(|it| (0.08..0.35).contains(it)));
    }

    #[test]
    fn separated_visits_do_not_drive_the_coefficients_away() {
        let visits: Vec<(Visit, bool)> = world(400, &truth())
            .into_iter()
            .map(|(visit, _)| {
                let missed = visit.new_patient;
                (visit, missed)
            })
            .collect();
        let (model, _) = fit(&visits).expect("enough");
        assert!(model.coefficients.iter().all(|it| it.abs() < 20.0));
        assert!(model.probability(&visits[0].0).is_finite());
    }

    #[test]
    fn too_few_visits_make_no_model() {
        let visits = world(199, &truth());
        assert!(matches!(
            fit(&visits),
            Err(Refused::TooFew { visits: 199, .. })
        ));
        let all_kept: Vec<(Visit, bool)> = world(500, &truth())
            .into_iter()
            .map(|it| (it.0, false))
            .collect();
        assert!(fit(&all_kept).is_err());
    }

    #[test]
    fn overbooking_counts_on_those_who_surely_stay_away() {
        assert_eq!(overbooking(&[], 0.9), 0);
        assert_eq!(overbooking(&[0.05; 10], 0.9), 0);
        assert_eq!(overbooking(&[1.0, 1.0, 0.0], 0.9), 2);
        // Of twenty at 0.3 six stay away; at least three do with 0.965, at least four with 0.893.
        assert_eq!(overbooking(&[0.3; 20], 0.9), 3);
    }
}
