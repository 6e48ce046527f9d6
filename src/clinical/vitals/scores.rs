//! Early warning scores, with the parts that made them: NEWS2 and qSOFA.
//!
//! Invariants: a score is made of the readings of one set, and of nothing older; a part that is missing leaves the score
//! unmade and is named, it never counts as normal. What the parts that are there add up to is a lower bound, and named as one:
//! it may call somebody, and never says that all is well.
//!
//! Traps: NEWS2 must not be used under 16 years nor in pregnancy, qSOFA is for adults: then no score is made, and the reason
//! is said. NEWS2 has a second scale of saturations, which somebody must have chosen for the patient.

use serde::Serialize;
use utoipa::ToSchema;

use super::facts;
use super::kinds::{Quantity, VitalCode};
use super::units::Amount;

/// What a set holds for a score.
#[derive(Clone, Debug, Default)]
pub(super) struct Inputs {
    pub years: u32,
    pub pregnant: bool,
    pub respiratory_rate: Option<Amount>,
    pub oxygen_saturation: Option<Amount>,
    /// The scale for patients whose saturation is to be kept at 88 to 92 %.
    pub scale_2: bool,
    pub on_oxygen: Option<bool>,
    pub systolic: Option<Amount>,
    pub heart_rate: Option<Amount>,
    pub consciousness: Option<VitalCode>,
    pub glasgow_coma_score: Option<Amount>,
    pub temperature: Option<Amount>,
}

/// A score, or why there is none.
#[expect(clippy::struct_field_names, reason = "it is what everybody calls it")]
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Score {
    /// Absent where it was not made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<i16>,
    /// Where parts are missing: what the others add up to. The score would be this or more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_least: Option<i16>,
    /// Of a score with parts missing: the risk that is certain without them; absent where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub risk: Option<Risk>,
    /// What made it.
    pub parts: Vec<ScorePart>,
    /// Why it was not made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_made: Option<NotMade>,
    /// The parts that are missing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<&'static str>,
}

/// One part of a score.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ScorePart {
    #[schema(example = "respiratory_rate")]
    pub part: &'static str,
    /// What was measured, rounded as the score wants it; for a part that is no number, the answer.
    #[schema(example = 22)]
    pub value: serde_json::Value,
    pub points: u8,
}

/// Why a score was not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ScoreNotMade)]
pub enum NotMade {
    /// The score is not for this age.
    Age,
    /// The score is not for pregnant patients.
    Pregnancy,
    PartsMissing,
}

/// What the score says about the patient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ScoreRisk)]
pub enum Risk {
    Low,
    /// NEWS2 below 5 with one part at 3.
    LowMedium,
    /// NEWS2 of 5 or 6.
    Medium,
    /// NEWS2 of 7 or more; qSOFA of 2 or more.
    High,
}

impl Score {
    /// The score, or what it is at least.
    pub(super) fn known(&self) -> Option<i16> {
        self.score.or(self.at_least)
    }
}

type Value = Option<(serde_json::Value, Option<u8>)>;

fn not_made(why: NotMade) -> Score {
    Score {
        score: None,
        at_least: None,
        risk: None,
        parts: Vec::new(),
        not_made: Some(why),
        missing: Vec::new(),
    }
}

/// The National Early Warning Score 2.
pub(super) fn news2(inputs: &Inputs) -> Score {
    if inputs.years < 16 {
        return not_made(NotMade::Age);
    }
    if inputs.pregnant {
        return not_made(NotMade::Pregnancy);
    }
    let oxygen = match inputs.on_oxygen {
        Some(true) => "oxygen",
        _ => "air",
    };
    let alert = inputs.consciousness.map(|code| {
        let condition = if code == VitalCode::Alert {
            "alert"
        } else {
            "not_alert"
        };
        (
            serde_json::json!(code),
            conditional("news2", "consciousness", condition),
        )
    });
    let supplied = inputs.on_oxygen.map(|_| {
        (
            serde_json::json!(oxygen),
            conditional("news2", "supplemental_oxygen", oxygen),
        )
    });
    let mut score = sum(vec![
        (
            "respiratory_rate",
            graded("news2", "respiratory_rate", inputs.respiratory_rate, ""),
        ),
        ("oxygen_saturation", saturation(inputs, oxygen)),
        ("supplemental_oxygen", supplied),
        ("systolic", graded("news2", "systolic", inputs.systolic, "")),
        (
            "heart_rate",
            graded("news2", "heart_rate", inputs.heart_rate, ""),
        ),
        ("consciousness", alert),
        (
            "temperature",
            graded("news2", "temperature", inputs.temperature, ""),
        ),
    ]);
    let red = score.parts.iter().any(|part| part.points == 3);
    score.risk = score.known().and_then(|total| match total {
        7.. => Some(Risk::High),
        5.. => Some(Risk::Medium),
        _ if red => Some(Risk::LowMedium),
        _ => score.score.map(|_| Risk::Low),
    });
    score
}

/// The part of the saturation, on the scale the patient has, on oxygen or on air.
fn saturation(inputs: &Inputs, oxygen: &str) -> Value {
    if inputs.scale_2 {
        let scale_2 = |condition| {
            let part = "oxygen_saturation_scale_2";
            graded("news2", part, inputs.oxygen_saturation, condition)
        };
        // Whether a high saturation is good depends on whether oxygen is given; a low one is as bad either way.
        match inputs.on_oxygen {
            Some(_) => scale_2(oxygen),
            None => scale_2("air").filter(|air| Some(air) == scale_2("oxygen").as_ref()),
        }
    } else {
        graded(
            "news2",
            "oxygen_saturation",
            inputs.oxygen_saturation,
            oxygen,
        )
    }
}

/// The quick Sepsis-related Organ Failure Assessment. Altered mentation is a Glasgow Coma Score below 15, or any answer but
/// alert; where both were said, the worse counts.
pub(super) fn qsofa(inputs: &Inputs) -> Score {
    if inputs.years < 18 {
        return not_made(NotMade::Age);
    }
    let coma = graded("qsofa", "glasgow_coma_score", inputs.glasgow_coma_score, "");
    let answer = inputs.consciousness.map(|code| {
        (
            serde_json::json!(code),
            Some(u8::from(code != VitalCode::Alert)),
        )
    });
    let altered = |part: &(_, Option<u8>)| part.1 > Some(0);
    let mentation = coma
        .clone()
        .filter(altered)
        .or_else(|| answer.clone().filter(altered))
        .or(coma)
        .or(answer);
    let mut score = sum(vec![
        (
            "respiratory_rate",
            graded("qsofa", "respiratory_rate", inputs.respiratory_rate, ""),
        ),
        ("systolic", graded("qsofa", "systolic", inputs.systolic, "")),
        ("mentation", mentation),
    ]);
    score.risk = score.known().and_then(|total| match total {
        2.. => Some(Risk::High),
        _ => score.score.map(|_| Risk::Low),
    });
    score
}

/// The points of a number, rounded as the table counts; no line of the table means none.
fn graded(score: &str, part: &str, value: Option<Amount>, condition: &str) -> Value {
    let value = value?.rounded(u32::from(part == Quantity::Temperature.as_str()));
    let points = facts::score(score)
        .iter()
        .filter(|line| {
            line.part == part && (line.condition.is_empty() || line.condition == condition)
        })
        .find(|line| {
            line.from.is_none_or(|from| from <= value) && line.to.is_none_or(|to| value <= to)
        })
        .map_or(0, |line| line.points);
    Some((serde_json::json!(value), Some(points)))
}

fn conditional(score: &str, part: &str, condition: &str) -> Option<u8> {
    facts::score(score)
        .iter()
        .find(|line| line.part == part && line.condition == condition)
        .map(|line| line.points)
}

fn sum(parts: Vec<(&'static str, Value)>) -> Score {
    let mut score = Score {
        score: Some(0),
        at_least: None,
        risk: None,
        parts: Vec::with_capacity(parts.len()),
        not_made: None,
        missing: Vec::new(),
    };
    for (part, value) in parts {
        match value {
            Some((value, Some(points))) => {
                score.score = score.score.map(|total| total + i16::from(points));
                score.parts.push(ScorePart {
                    part,
                    value,
                    points,
                });
            }
            _ => score.missing.push(part),
        }
    }
    if !score.missing.is_empty() {
        score.at_least = score.score.take();
        score.not_made = Some(NotMade::PartsMissing);
    }
    score
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::unnecessary_wraps, reason = "a part may be missing")]
    fn amount(number: f64) -> Option<Amount> {
        Some(Amount::new(number).expect("an amount"))
    }

    /// A well person of 40 years.
    fn well() -> Inputs {
        Inputs {
            years: 40,
            respiratory_rate: amount(16.0),
            oxygen_saturation: amount(98.0),
            on_oxygen: Some(false),
            systolic: amount(122.0),
            heart_rate: amount(72.0),
            consciousness: Some(VitalCode::Alert),
            temperature: amount(36.8),
            ..Inputs::default()
        }
    }

    #[test]
    fn a_well_person_scores_nothing() {
        let score = news2(&well());
        assert_eq!((score.score, score.risk), (Some(0), Some(Risk::Low)));
        assert_eq!(score.parts.len(), 7);
        assert_eq!(qsofa(&well()).score, Some(0));
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table of cases")]
    fn each_part_has_its_cut_offs() {
        type Change = fn(&mut Inputs, f64);
        let cases: [(Change, &[(f64, i16)]); 5] = [
            (
                |i, v| i.respiratory_rate = amount(v),
                &[
                    (8.0, 3),
                    (9.0, 1),
                    (11.0, 1),
                    (12.0, 0),
                    (20.0, 0),
                    (21.0, 2),
                    (24.0, 2),
                    (25.0, 3),
                ],
            ),
            (
                |i, v| i.oxygen_saturation = amount(v),
                &[
                    (91.0, 3),
                    (92.0, 2),
                    (93.0, 2),
                    (94.0, 1),
                    (95.0, 1),
                    (96.0, 0),
                    (100.0, 0),
                ],
            ),
            (
                |i, v| i.systolic = amount(v),
                &[
                    (90.0, 3),
                    (91.0, 2),
                    (100.0, 2),
                    (101.0, 1),
                    (110.0, 1),
                    (111.0, 0),
                    (219.0, 0),
                    (220.0, 3),
                ],
            ),
            (
                |i, v| i.heart_rate = amount(v),
                &[
                    (40.0, 3),
                    (41.0, 1),
                    (50.0, 1),
                    (51.0, 0),
                    (90.0, 0),
                    (91.0, 1),
                    (110.0, 1),
                    (111.0, 2),
                    (130.0, 2),
                    (131.0, 3),
                ],
            ),
            (
                |i, v| i.temperature = amount(v),
                &[
                    (35.0, 3),
                    (35.04, 3),
                    (35.1, 1),
                    (36.0, 1),
                    (36.1, 0),
                    (38.0, 0),
                    (38.04, 0),
                    (38.1, 1),
                    (39.0, 1),
                    (39.1, 2),
                ],
            ),
        ];
        for (change, steps) in cases {
            for (value, points) in steps {
                let mut inputs = well();
                change(&mut inputs, *value);
                assert_eq!(news2(&inputs).score, Some(*points), "{value}");
            }
        }
    }

    #[test]
    fn one_part_at_three_raises_the_risk() {
        let mut inputs = well();
        inputs.consciousness = Some(VitalCode::NewConfusion);
        let score = news2(&inputs);
        assert_eq!((score.score, score.risk), (Some(3), Some(Risk::LowMedium)));
        inputs.on_oxygen = Some(true);
        assert_eq!(news2(&inputs).risk, Some(Risk::Medium));
        inputs.heart_rate = amount(115.0);
        assert_eq!(
            (news2(&inputs).score, news2(&inputs).risk),
            (Some(7), Some(Risk::High))
        );
    }

    #[test]
    fn on_the_second_scale_too_much_oxygen_scores() {
        for (saturation, on_oxygen, points) in [
            (83.0, false, 3),
            (85.0, false, 2),
            (87.0, false, 1),
            (90.0, false, 0),
            (98.0, false, 0),
            (92.0, true, 2),
            (94.0, true, 3),
            (96.0, true, 4),
            (98.0, true, 5),
        ] {
            let mut inputs = well();
            inputs.scale_2 = true;
            inputs.oxygen_saturation = amount(saturation);
            inputs.on_oxygen = Some(on_oxygen);
            assert_eq!(
                news2(&inputs).score,
                Some(points),
                "{saturation} {on_oxygen}"
            );
        }
    }

    #[test]
    fn on_the_second_scale_a_low_saturation_needs_no_answer_about_oxygen() {
        for (saturation, points) in [
            (83.0, Some(3)),
            (84.0, Some(2)),
            (86.0, Some(1)),
            (88.0, Some(0)),
            (92.0, Some(0)),
            (93.0, None),
            (99.0, None),
        ] {
            let mut inputs = well();
            inputs.scale_2 = true;
            inputs.oxygen_saturation = amount(saturation);
            inputs.on_oxygen = None;
            let score = news2(&inputs);
            assert_eq!(score.at_least, points.or(Some(0)), "{saturation}");
            assert_eq!(
                score.missing.contains(&"oxygen_saturation"),
                points.is_none(),
                "{saturation}"
            );
        }
    }

    #[test]
    fn a_missing_part_is_named_and_never_counts_as_normal() {
        let mut inputs = well();
        inputs.consciousness = None;
        inputs.on_oxygen = None;
        let score = news2(&inputs);
        assert_eq!((score.score, score.risk), (None, None));
        assert_eq!(score.not_made, Some(NotMade::PartsMissing));
        assert_eq!(score.missing, ["supplemental_oxygen", "consciousness"]);
        assert_eq!(score.at_least, Some(0), "and says nothing of the risk");
        assert_eq!(qsofa(&inputs).missing, ["mentation"]);
    }

    #[test]
    fn what_a_monitor_sends_is_a_lower_bound_that_calls() {
        let monitor = |rate: f64, saturation: f64, heart: f64| {
            news2(&Inputs {
                years: 40,
                respiratory_rate: amount(rate),
                oxygen_saturation: amount(saturation),
                heart_rate: amount(heart),
                ..Inputs::default()
            })
        };
        let ill = monitor(30.0, 82.0, 140.0);
        assert_eq!(
            (ill.score, ill.at_least, ill.risk),
            (None, Some(9), Some(Risk::High))
        );
        let red = monitor(30.0, 98.0, 72.0);
        assert_eq!((red.at_least, red.risk), (Some(3), Some(Risk::LowMedium)));
        assert_eq!(monitor(22.0, 95.0, 72.0).risk, None);
        let faint = qsofa(&Inputs {
            years: 40,
            respiratory_rate: amount(24.0),
            systolic: amount(90.0),
            ..Inputs::default()
        });
        assert_eq!((faint.at_least, faint.risk), (Some(2), Some(Risk::High)));
    }

    #[test]
    fn news2_is_not_for_children_nor_in_pregnancy() {
        let mut inputs = well();
        inputs.years = 15;
        assert_eq!(news2(&inputs).not_made, Some(NotMade::Age));
        inputs.years = 16;
        assert_eq!(news2(&inputs).score, Some(0));
        assert_eq!(qsofa(&inputs).not_made, Some(NotMade::Age));
        inputs.pregnant = true;
        assert_eq!(news2(&inputs), not_made(NotMade::Pregnancy));
    }

    #[test]
    fn qsofa_counts_three_signs() {
        let mut inputs = well();
        inputs.respiratory_rate = amount(22.0);
        assert_eq!(
            (qsofa(&inputs).score, qsofa(&inputs).risk),
            (Some(1), Some(Risk::Low))
        );
        inputs.systolic = amount(100.0);
        assert_eq!(
            (qsofa(&inputs).score, qsofa(&inputs).risk),
            (Some(2), Some(Risk::High))
        );
        inputs.glasgow_coma_score = amount(14.0);
        assert_eq!(qsofa(&inputs).score, Some(3));
        inputs.glasgow_coma_score = amount(15.0);
        inputs.consciousness = Some(VitalCode::Voice);
        assert_eq!(
            qsofa(&inputs).score,
            Some(3),
            "who must be called is not alert"
        );
        assert_eq!(qsofa(&inputs).parts[2].value, "voice");
        inputs.glasgow_coma_score = amount(13.0);
        inputs.consciousness = Some(VitalCode::Alert);
        assert_eq!(qsofa(&inputs).score, Some(3));
        inputs.glasgow_coma_score = amount(15.0);
        assert_eq!(qsofa(&inputs).score, Some(2));
    }
}
