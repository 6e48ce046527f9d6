//! Growth of a child against a reference: z-scores and percentiles by the LMS method, and the body mass index.
//!
//! A reference gives, for a sex and an age, three numbers: L (the power that makes the spread symmetrical), M (the median)
//! and S (the spread). None ships with the product: see `growth_file.rs`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::age::Age;
use super::statistics::normal_cdf;
use super::units::Amount;

/// Whose reference.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    ToSchema,
    sqlx::Type,
)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum GrowthSource {
    /// Centers for Disease Control and Prevention, 2000.
    Cdc,
    /// World Health Organization, 2006 and 2007.
    Who,
}

/// What is compared, each against age.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    ToSchema,
    sqlx::Type,
)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum GrowthMeasure {
    Weight,
    /// Or length.
    Height,
    HeadCircumference,
    Bmi,
}

/// One line of a reference.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Lms {
    pub source: GrowthSource,
    pub measure: GrowthMeasure,
    pub age_months: f64,
    pub l: f64,
    pub m: f64,
    pub s: f64,
}

/// Where a child stands among children.
#[expect(clippy::struct_field_names, reason = "it is what everybody calls it")]
#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema)]
pub struct Percentile {
    pub measure: GrowthMeasure,
    pub source: GrowthSource,
    /// Standard deviations from the median.
    #[schema(example = 0.21)]
    pub z: f64,
    #[schema(example = 58.2)]
    pub percentile: f64,
}

/// References end with the twentieth birthday.
const UNTIL_YEARS: u32 = 20;

/// Whether references know this age.
pub(super) fn covers(age: Age) -> bool {
    age.years() < UNTIL_YEARS
}

/// Body mass index, kg/m², as exact as numbers are kept: so it is compared. It is shown to a tenth ([`shown_bmi`]).
pub(super) fn bmi(weight_kg: Amount, height_cm: Amount) -> Option<Amount> {
    let metres = height_cm.to_f64() / 100.0;
    if metres <= 0.0 {
        return None;
    }
    let index = weight_kg.to_f64() / (metres * metres);
    Amount::new((index * 1e6).round() / 1e6)
}

/// A body mass index as it is shown.
pub(super) fn shown_bmi(index: Amount) -> Amount {
    index.rounded(1)
}

/// Where a value stands. Under two years the WHO's reference is asked first, from then on the CDC's, as is the custom in the
/// United States; the other is asked where the first is not loaded. `None` where neither covers the age.
pub(super) fn percentile(
    lines: &[Lms],
    measure: GrowthMeasure,
    value: Amount,
    age: Age,
) -> Option<Percentile> {
    let order = if age.months() < 24.0 {
        [GrowthSource::Who, GrowthSource::Cdc]
    } else {
        [GrowthSource::Cdc, GrowthSource::Who]
    };
    order.into_iter().find_map(|source| {
        let line = at_age(lines, source, measure, age.months())?;
        let z = line.z(value.to_f64());
        Some(Percentile {
            measure,
            source,
            z: (z * 100.0).round() / 100.0,
            percentile: (normal_cdf(z) * 1000.0).round() / 10.0,
        })
    })
}

/// L, M and S at an age: between two lines of the reference, by proportion.
fn at_age(lines: &[Lms], source: GrowthSource, measure: GrowthMeasure, months: f64) -> Option<Lms> {
    let own = || {
        lines
            .iter()
            .filter(|line| line.source == source && line.measure == measure)
    };
    let below = own()
        .filter(|line| line.age_months <= months)
        .max_by(|a, b| a.age_months.total_cmp(&b.age_months))?;
    let above = own()
        .filter(|line| line.age_months >= months)
        .min_by(|a, b| a.age_months.total_cmp(&b.age_months))?;
    let width = above.age_months - below.age_months;
    let share = if width > 0.0 {
        (months - below.age_months) / width
    } else {
        0.0
    };
    let between = |a: f64, b: f64| a + (b - a) * share;
    Some(Lms {
        age_months: months,
        l: between(below.l, above.l),
        m: between(below.m, above.m),
        s: between(below.s, above.s),
        ..*below
    })
}

impl Lms {
    /// The value at a z-score.
    fn value(&self, z: f64) -> f64 {
        if self.l.abs() < 1e-9 {
            self.m * (self.s * z).exp()
        } else {
            self.m * (1.0 + self.l * self.s * z).powf(1.0 / self.l)
        }
    }

    /// The z-score of a value. Beyond three deviations the WHO counts in steps of the last one, because the tails of a skewed
    /// curve are not to be trusted.
    fn z(&self, value: f64) -> f64 {
        let ratio = value / self.m;
        let z = if self.l.abs() < 1e-9 {
            ratio.ln() / self.s
        } else {
            (ratio.powf(self.l) - 1.0) / (self.l * self.s)
        };
        if self.source == GrowthSource::Who && z.abs() > 3.0 {
            let side = z.signum();
            let (third, second) = (self.value(3.0 * side), self.value(2.0 * side));
            return side * 3.0 + (value - third) / (third - second).abs();
        }
        z
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Weight for age of a boy of nine months, as the CDC prints it with its explanation of the method.
    const NINE_MONTHS: Lms = Lms {
        source: GrowthSource::Cdc,
        measure: GrowthMeasure::Weight,
        age_months: 9.5,
        l: -0.160_095_4,
        m: 9.476_500_305,
        s: 0.112_186_24,
    };

    #[test]
    fn the_cdcs_own_example_comes_out() {
        let z = NINE_MONTHS.z(9.7);
        assert!((z - 0.207).abs() < 0.0005, "{z}");
        assert!((normal_cdf(z) - 0.58).abs() < 0.005, "the 58th percentile");
        let fifth = NINE_MONTHS.value(-1.645);
        assert!((fifth - 7.90).abs() < 0.005, "{fifth}");
    }

    #[test]
    fn a_value_and_its_z_score_say_the_same() {
        for l in [-1.6, -0.16, 0.0, 1.0, 2.3] {
            let line = Lms { l, ..NINE_MONTHS };
            for z in [-2.9, -1.0, 0.0, 0.5, 2.9] {
                assert!((line.z(line.value(z)) - z).abs() < 1e-9, "{l} {z}");
            }
        }
    }

    #[test]
    fn beyond_three_deviations_the_who_counts_in_steps_of_the_last() {
        let line = Lms {
            source: GrowthSource::Who,
            ..NINE_MONTHS
        };
        let step = line.value(3.0) - line.value(2.0);
        assert!((line.z(line.value(3.0) + step) - 4.0).abs() < 1e-9);
        let step = line.value(-2.0) - line.value(-3.0);
        assert!((line.z(line.value(-3.0) - step) + 4.0).abs() < 1e-9);
    }

    #[test]
    fn between_two_lines_the_reference_is_divided() {
        let lines = [
            NINE_MONTHS,
            Lms {
                age_months: 10.5,
                m: 9.8,
                ..NINE_MONTHS
            },
        ];
        let middle =
            at_age(&lines, GrowthSource::Cdc, GrowthMeasure::Weight, 10.0).expect("covered");
        assert!((middle.m - f64::midpoint(9.8, 9.476_500_305)).abs() < 1e-9);
        assert_eq!(
            at_age(&lines, GrowthSource::Cdc, GrowthMeasure::Weight, 11.0),
            None
        );
        assert_eq!(
            at_age(&lines, GrowthSource::Who, GrowthMeasure::Weight, 10.0),
            None
        );
        assert_eq!(
            at_age(&lines, GrowthSource::Cdc, GrowthMeasure::Height, 10.0),
            None
        );
    }

    #[test]
    fn the_body_mass_index_is_weight_over_height_squared() {
        let of = |kg: f64, cm: f64| {
            let exact = bmi(Amount::new(kg).expect("kg"), Amount::new(cm).expect("cm"));
            exact.map(shown_bmi).map(Amount::to_f64)
        };
        assert_eq!(of(70.0, 175.0), Some(22.9));
        assert_eq!(of(100.0, 160.0), Some(39.1));
        assert_eq!(of(70.0, 0.0), None);
    }

    #[test]
    fn a_body_mass_index_is_compared_as_it_is_and_not_as_it_is_shown() {
        let exact = bmi(Amount::new(12.35).expect("kg"), Amount::whole(88));
        let exact = exact.expect("an index");
        assert!((exact.to_f64() - 15.947_831).abs() < 1e-9, "{exact}");
        assert_eq!(Some(shown_bmi(exact)), Amount::new(15.9));
    }
}
