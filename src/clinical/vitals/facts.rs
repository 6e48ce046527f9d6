//! The project's facts about vital signs: ranges by age, codes, and the points of scores, read from `facts/*.csv`.
//!
//! They are starter knowledge that a clinician must review before clinical use; what shows them says so.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::kinds::Quantity;
use super::units::Amount;

/// Lowest and highest, both in the range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    pub low: Amount,
    pub high: Amount,
}

impl Range {
    pub fn holds(self, value: Amount) -> bool {
        self.low <= value && value <= self.high
    }

    fn parse(text: &str) -> Option<Self> {
        let (low, high) = text.split_once("..")?;
        Some(Self {
            low: low.parse().ok()?,
            high: high.parse().ok()?,
        })
    }
}

/// What is known of one quantity.
#[derive(Clone, Debug)]
pub(super) struct Fact {
    pub name: String,
    pub loinc: String,
    pub possible: Range,
    /// By band of age.
    pub usual: [Range; Band::ALL.len()],
    /// Widths of the usual range a value may lie outside it before one asks; `None`: never ask.
    pub ask_beyond: Option<i64>,
    /// The value below which one asks in any case, by band of age.
    pub ask_below: Option<[Amount; Band::ALL.len()]>,
    pub loinc_check: String,
    pub source: String,
}

/// Bands of age.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Band {
    Neonate,
    Infant,
    Toddler,
    Preschool,
    School,
    Adolescent,
    Adult,
    OlderAdult,
}

impl Band {
    pub const ALL: [Self; 8] = [
        Self::Neonate,
        Self::Infant,
        Self::Toddler,
        Self::Preschool,
        Self::School,
        Self::Adolescent,
        Self::Adult,
        Self::OlderAdult,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Neonate => "neonate, to 28 days",
            Self::Infant => "infant, to 1 year",
            Self::Toddler => "toddler, to 3 years",
            Self::Preschool => "preschool child, to 6 years",
            Self::School => "school child, to 12 years",
            Self::Adolescent => "adolescent, to 18 years",
            Self::Adult => "adult, to 65 years",
            Self::OlderAdult => "older adult",
        }
    }
}

/// A line of a score's table.
#[derive(Clone, Debug)]
pub(super) struct ScoreLine {
    pub part: String,
    pub from: Option<Amount>,
    pub to: Option<Amount>,
    pub points: u8,
    pub condition: String,
}

static QUANTITIES: LazyLock<BTreeMap<&'static str, Fact>> = LazyLock::new(|| {
    lines(include_str!("facts/quantities.csv"))
        .map(|line| {
            let cells: Vec<&str> = line.split(';').collect();
            let fact = fact(&cells).unwrap_or_else(|| panic!("facts/quantities.csv: {line}"));
            (cells[0], fact)
        })
        .collect()
});

static SCORES: LazyLock<BTreeMap<&'static str, Vec<ScoreLine>>> = LazyLock::new(|| {
    let mut scores: BTreeMap<&str, Vec<ScoreLine>> = BTreeMap::new();
    for line in lines(include_str!("facts/scores.csv")) {
        let cells: Vec<&str> = line.split(';').collect();
        let points = points(&cells).unwrap_or_else(|| panic!("facts/scores.csv: {line}"));
        scores.entry(cells[0]).or_default().push(points);
    }
    scores
});

/// What is known of a quantity.
pub(super) fn of(quantity: Quantity) -> &'static Fact {
    &QUANTITIES[quantity.as_str()]
}

/// The table of a score.
pub(super) fn score(name: &str) -> &'static [ScoreLine] {
    SCORES.get(name).map_or(&[], Vec::as_slice)
}

/// Without comments and the line of titles.
fn lines(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.lines()
        .filter(|line| !line.starts_with('#') && !line.trim().is_empty())
        .skip(1)
}

fn fact(cells: &[&str]) -> Option<Fact> {
    let [
        _,
        name,
        loinc,
        ucum,
        possible,
        bands @ ..,
        ask_beyond,
        ask_below,
        loinc_check,
        source,
    ] = cells
    else {
        return None;
    };
    let usual: Vec<Range> = bands.iter().filter_map(|text| Range::parse(text)).collect();
    let quantity = Quantity::ALL
        .into_iter()
        .find(|quantity| quantity.as_str() == cells[0])?;
    if quantity.unit().code() != *ucum {
        return None;
    }
    Some(Fact {
        name: (*name).to_owned(),
        loinc: (*loinc).to_owned(),
        possible: Range::parse(possible)?,
        usual: usual.try_into().ok()?,
        ask_beyond: match *ask_beyond {
            "never" => None,
            widths => Some(widths.parse().ok()?),
        },
        ask_below: match *ask_below {
            "" => None,
            least => Some(by_band(least)?),
        },
        loinc_check: (*loinc_check).to_owned(),
        source: (*source).to_owned(),
    })
}

/// One number for each band, or one for all.
fn by_band(text: &str) -> Option<[Amount; Band::ALL.len()]> {
    let numbers: Vec<Amount> = text.split('/').filter_map(|one| one.parse().ok()).collect();
    match numbers[..] {
        [one] => Some([one; Band::ALL.len()]),
        _ => numbers.try_into().ok(),
    }
}

fn points(cells: &[&str]) -> Option<ScoreLine> {
    let [_, part, _, from, to, points, condition, _] = cells else {
        return None;
    };
    let bound = |text: &str| {
        if text.is_empty() {
            Some(None)
        } else {
            text.parse().ok().map(Some)
        }
    };
    Some(ScoreLine {
        part: (*part).to_owned(),
        from: bound(from)?,
        to: bound(to)?,
        points: points.parse().ok()?,
        condition: (*condition).to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::kinds::VitalKind;
    use super::*;

    #[test]
    fn every_quantity_has_its_facts_and_they_agree_with_themselves() {
        assert_eq!(QUANTITIES.len(), Quantity::ALL.len());
        for quantity in Quantity::ALL {
            let fact = of(quantity);
            for usual in fact.usual {
                assert!(usual.low <= usual.high, "{quantity:?}");
                assert!(
                    fact.possible.holds(usual.low) && fact.possible.holds(usual.high),
                    "{quantity:?}"
                );
            }
            for (least, usual) in fact.ask_below.into_iter().flatten().zip(fact.usual) {
                assert!(
                    fact.possible.holds(least) && least <= usual.low,
                    "{quantity:?}"
                );
            }
        }
    }

    #[test]
    fn the_check_digit_of_each_loinc_code_is_right_or_said_not_to_be() {
        let checks = Quantity::ALL.map(|quantity| {
            let fact = of(quantity);
            (
                fact.loinc.as_str(),
                fact.loinc_check.contains("check digit"),
            )
        });
        let coded = VitalKind::ALL
            .into_iter()
            .filter(|kind| kind.quantity().is_none() || *kind == VitalKind::BloodPressure)
            .map(|kind| (kind.loinc(), false));
        for (code, doubted) in checks.into_iter().chain(coded) {
            let (number, digit) = code.split_once('-').expect("a code");
            let sum: u32 = number
                .bytes()
                .rev()
                .enumerate()
                .map(|(place, byte)| {
                    let value = u32::from(byte - b'0') * if place % 2 == 0 { 2 } else { 1 };
                    value / 10 + value % 10
                })
                .sum();
            let right = ((10 - sum % 10) % 10).to_string() == digit;
            assert_eq!(right, !doubted, "{code}");
        }
    }

    #[test]
    fn every_value_has_its_points() {
        for (name, parts) in [(
            "news2",
            &[
                "respiratory_rate",
                "oxygen_saturation",
                "systolic",
                "heart_rate",
                "temperature",
            ][..],
        )] {
            for part in parts {
                let step = if *part == "temperature" { 1 } else { 10 };
                for tenths in (0..4000).step_by(step) {
                    let value = Amount::new(f64::from(tenths) / 10.0).expect("an amount");
                    let hits = score(name)
                        .iter()
                        .filter(|line| line.part == *part)
                        .filter(|line| {
                            line.from.is_none_or(|from| from <= value)
                                && line.to.is_none_or(|to| value <= to)
                        })
                        .count();
                    assert_eq!(hits, 1, "{name} {part} {value}");
                }
            }
        }
    }
}
