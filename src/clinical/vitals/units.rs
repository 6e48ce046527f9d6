//! Units of measurement, and exact sums with measured numbers.
//!
//! A number is kept in millionths, as an integer: a temperature said in °F and kept in °C is the same on every machine, and
//! what is read back is what was said. Units are named by their UCUM codes.

use serde::de::{Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::ToSchema;

/// A measured number, in millionths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ToSchema)]
#[schema(value_type = f64)]
pub struct Amount(i64);

const MILLION: i64 = 1_000_000;
/// Numbers lie below it.
const MOST: i64 = 10_000_000 * MILLION;
/// Decimals of a number that is rounded.
const DECIMALS: i32 = 30;

impl Amount {
    pub const fn whole(number: i64) -> Self {
        Self(number * MILLION)
    }

    /// The number, if it has at most six decimals and lies below ten million.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "below ten million, a millionth is exact"
    )]
    pub fn new(number: f64) -> Option<Self> {
        if !number.is_finite() || number.abs() >= 1e7 {
            return None;
        }
        let millionths = (number * 1e6).round();
        // The nearest float to so many millionths is the number itself, or it had more decimals.
        ((millionths / 1e6 + 0.0).to_bits() == (number + 0.0).to_bits())
            .then_some(Self(millionths as i64))
    }

    /// The number nearest to a decimal one, which may have more than six decimals; `None` for what is no such number.
    pub fn nearest(text: &str) -> Option<Self> {
        let (number, step) = (6..=DECIMALS).find_map(|places| {
            let step = 10_i128.pow(u32::try_from(places - 6).ok()?);
            Some((kernel::decimal::scaled(text, places)?, step))
        })?;
        let millionths = i64::try_from(divide(number, step)).ok()?;
        (millionths.abs() < MOST).then_some(Self(millionths))
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "below ten million, a millionth is exact"
    )]
    pub fn to_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// Rounded to so many decimals, halves away from zero.
    #[must_use]
    pub fn rounded(self, decimals: u32) -> Self {
        let step = i128::from(10_i64.pow(6 - decimals.min(6)));
        Self(narrow(divide(i128::from(self.0), step) * step))
    }

    /// `(self + offset) × numerator ÷ denominator`, rounded once.
    fn converted(self, rule: Rule, decimals: u32) -> Self {
        let step = i128::from(10_i64.pow(6 - decimals.min(6)));
        let sum = i128::from(self.0) + i128::from(rule.offset) * i128::from(MILLION);
        Self(narrow(
            divide(sum * rule.numerator, rule.denominator * step) * step,
        ))
    }

    /// So many times.
    #[must_use]
    pub fn times(self, factor: i64) -> Self {
        Self(self.0.saturating_mul(factor))
    }

    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

/// Halves away from zero.
fn divide(dividend: i128, divisor: i128) -> i128 {
    let half = divisor / 2;
    if dividend < 0 {
        (dividend - half) / divisor
    } else {
        (dividend + half) / divisor
    }
}

fn narrow(wide: i128) -> i64 {
    i64::try_from(wide).unwrap_or(if wide < 0 { i64::MIN } else { i64::MAX })
}

impl std::fmt::Display for Amount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.to_f64().fmt(f)
    }
}

impl std::str::FromStr for Amount {
    type Err = ();
    /// Of a decimal number, digit by digit: one with more than six decimals is an error.
    fn from_str(text: &str) -> Result<Self, ()> {
        let millionths =
            kernel::decimal::scaled(text, 6).and_then(|number| i64::try_from(number).ok());
        millionths
            .filter(|number| number.abs() < MOST)
            .map(Self)
            .ok_or(())
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 % MILLION == 0 {
            serializer.serialize_i64(self.0 / MILLION)
        } else {
            serializer.serialize_f64(self.to_f64())
        }
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Number;
        impl Visitor<'_> for Number {
            type Value = Amount;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a number below 10000000 with at most 6 decimals")
            }
            fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Amount, E> {
                Amount::new(number)
                    .ok_or_else(|| E::invalid_value(Unexpected::Other("number"), &self))
            }
            #[expect(clippy::cast_precision_loss, reason = "one so large is refused")]
            fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Amount, E> {
                self.visit_f64(number as f64)
            }
            #[expect(clippy::cast_precision_loss, reason = "one so large is refused")]
            fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Amount, E> {
                self.visit_f64(number as f64)
            }
        }
        deserializer.deserialize_any(Number)
    }
}

/// A unit, by its UCUM code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[sqlx(type_name = "text")]
pub enum Unit {
    #[serde(rename = "mm[Hg]")]
    #[sqlx(rename = "mm[Hg]")]
    MmHg,
    #[serde(rename = "/min")]
    #[sqlx(rename = "/min")]
    PerMinute,
    #[serde(rename = "Cel")]
    #[sqlx(rename = "Cel")]
    Celsius,
    #[serde(rename = "[degF]")]
    #[sqlx(rename = "[degF]")]
    Fahrenheit,
    #[serde(rename = "%")]
    #[sqlx(rename = "%")]
    Percent,
    #[serde(rename = "L/min")]
    #[sqlx(rename = "L/min")]
    LitrePerMinute,
    #[serde(rename = "kg")]
    #[sqlx(rename = "kg")]
    Kilogram,
    #[serde(rename = "g")]
    #[sqlx(rename = "g")]
    Gram,
    #[serde(rename = "[lb_av]")]
    #[sqlx(rename = "[lb_av]")]
    Pound,
    #[serde(rename = "[oz_av]")]
    #[sqlx(rename = "[oz_av]")]
    Ounce,
    #[serde(rename = "cm")]
    #[sqlx(rename = "cm")]
    Centimetre,
    #[serde(rename = "m")]
    #[sqlx(rename = "m")]
    Metre,
    #[serde(rename = "[in_i]")]
    #[sqlx(rename = "[in_i]")]
    Inch,
    #[serde(rename = "[ft_i]")]
    #[sqlx(rename = "[ft_i]")]
    Foot,
    #[serde(rename = "mg/dL")]
    #[sqlx(rename = "mg/dL")]
    MilligramPerDecilitre,
    #[serde(rename = "mmol/L")]
    #[sqlx(rename = "mmol/L")]
    MillimolePerLitre,
    #[serde(rename = "kg/m2")]
    #[sqlx(rename = "kg/m2")]
    KilogramPerSquareMetre,
    #[serde(rename = "{score}")]
    #[sqlx(rename = "{score}")]
    Score,
}

/// How a number in a unit becomes one in the unit the quantity is kept in.
#[derive(Clone, Copy)]
struct Rule {
    offset: i64,
    numerator: i128,
    denominator: i128,
}

const fn ratio(numerator: i128, denominator: i128) -> Rule {
    Rule {
        offset: 0,
        numerator,
        denominator,
    }
}

impl Unit {
    pub const ALL: [Self; 18] = [
        Self::MmHg,
        Self::PerMinute,
        Self::Celsius,
        Self::Fahrenheit,
        Self::Percent,
        Self::LitrePerMinute,
        Self::Kilogram,
        Self::Gram,
        Self::Pound,
        Self::Ounce,
        Self::Centimetre,
        Self::Metre,
        Self::Inch,
        Self::Foot,
        Self::MilligramPerDecilitre,
        Self::MillimolePerLitre,
        Self::KilogramPerSquareMetre,
        Self::Score,
    ];

    /// UCUM.
    pub const fn code(self) -> &'static str {
        match self {
            Self::MmHg => "mm[Hg]",
            Self::PerMinute => "/min",
            Self::Celsius => "Cel",
            Self::Fahrenheit => "[degF]",
            Self::Percent => "%",
            Self::LitrePerMinute => "L/min",
            Self::Kilogram => "kg",
            Self::Gram => "g",
            Self::Pound => "[lb_av]",
            Self::Ounce => "[oz_av]",
            Self::Centimetre => "cm",
            Self::Metre => "m",
            Self::Inch => "[in_i]",
            Self::Foot => "[ft_i]",
            Self::MilligramPerDecilitre => "mg/dL",
            Self::MillimolePerLitre => "mmol/L",
            Self::KilogramPerSquareMetre => "kg/m2",
            Self::Score => "{score}",
        }
    }

    /// As it is written at a bedside.
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::MmHg => "mmHg",
            Self::Celsius => "°C",
            Self::Fahrenheit => "°F",
            Self::Pound => "lb",
            Self::Ounce => "oz",
            Self::Inch => "in",
            Self::Foot => "ft",
            Self::KilogramPerSquareMetre => "kg/m²",
            Self::Score => "points",
            other => other.code(),
        }
    }

    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|unit| unit.code() == code)
    }

    /// The smaller unit that may stand beside this one: inches beside feet, ounces beside pounds. And how many make one.
    pub const fn smaller(self) -> Option<(Self, i64)> {
        match self {
            Self::Foot => Some((Self::Inch, 12)),
            Self::Pound => Some((Self::Ounce, 16)),
            _ => None,
        }
    }

    /// Units of one dimension turn into each other through the first of them: °C, kg, cm, mg/dL.
    const fn rule(self) -> Rule {
        match self {
            Self::Fahrenheit => Rule {
                offset: -32,
                numerator: 5,
                denominator: 9,
            },
            Self::Gram => ratio(1, 1_000),
            Self::Pound => ratio(45_359_237, 100_000_000),
            Self::Ounce => ratio(28_349_523_125, 1_000_000_000_000),
            Self::Metre => ratio(100, 1),
            Self::Inch => ratio(254, 100),
            Self::Foot => ratio(3_048, 100),
            // Glucose: 180.156 g/mol.
            Self::MillimolePerLitre => ratio(180_156, 10_000),
            _ => ratio(1, 1),
        }
    }

    /// The number in the unit its quantity is kept in, with at most so many decimals.
    pub fn canonical(self, number: Amount, decimals: u32) -> Amount {
        number.converted(self.rule(), decimals)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amount(text: &str) -> Amount {
        text.parse().expect("an amount")
    }

    #[test]
    fn a_number_is_kept_as_it_was_said() {
        for text in [
            "98.6",
            "0.1",
            "36.65",
            "3.2515",
            "0",
            "-1.5",
            "9999999.999999",
            "0.000001",
        ] {
            assert_eq!(amount(text).to_string(), text);
        }
        assert_eq!(Amount::new(0.1 + 0.2), None, "more than six decimals");
        assert_eq!(amount("98.6000000"), amount("98.60"));
        for bad in ["98.6000000000000001", "10000000", "1e9", "NaN", ""] {
            assert!(bad.parse::<Amount>().is_err(), "{bad}");
        }
        assert_eq!(Amount::nearest("70.30000000000001"), Some(amount("70.3")));
        assert_eq!(Amount::nearest("0.0000005"), Some(amount("0.000001")));
        assert_eq!(Amount::nearest("1e9"), None);
        for number in [f64::NAN, f64::INFINITY, 1e7, -1e7, 1e300] {
            assert_eq!(Amount::new(number), None);
        }
        assert_eq!(Amount::new(-0.0), Some(Amount::whole(0)));
    }

    #[test]
    fn a_whole_number_is_written_without_a_point() {
        let text = |amount: Amount| serde_json::to_string(&amount).expect("JSON");
        assert_eq!(text(Amount::whole(128)), "128");
        assert_eq!(text(amount("36.6")), "36.6");
        let read: Amount = serde_json::from_str("128").expect("a number");
        assert_eq!(read, Amount::whole(128));
        for bad in ["\"5\"", "1e9", "0.12345678", "null"] {
            assert!(serde_json::from_str::<Amount>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn conversions_are_the_defined_ones() {
        for (number, unit, decimals, wanted) in [
            ("98.6", Unit::Fahrenheit, 2, "37"),
            ("100.4", Unit::Fahrenheit, 2, "38"),
            ("97.7", Unit::Fahrenheit, 2, "36.5"),
            ("-40", Unit::Fahrenheit, 2, "-40"),
            ("99.1", Unit::Fahrenheit, 2, "37.28"),
            ("150", Unit::Pound, 4, "68.0389"),
            ("1", Unit::Pound, 4, "0.4536"),
            ("16", Unit::Ounce, 4, "0.4536"),
            ("3250", Unit::Gram, 4, "3.25"),
            ("70", Unit::Inch, 2, "177.8"),
            ("5", Unit::Foot, 2, "152.4"),
            ("1.78", Unit::Metre, 2, "178"),
            ("5.5", Unit::MillimolePerLitre, 1, "99.1"),
            ("72.5", Unit::Kilogram, 4, "72.5"),
        ] {
            assert_eq!(
                unit.canonical(amount(number), decimals),
                amount(wanted),
                "{number} {}",
                unit.code()
            );
        }
    }

    #[test]
    fn halves_round_away_from_zero() {
        assert_eq!(amount("2.5").rounded(0), Amount::whole(3));
        assert_eq!(amount("-2.5").rounded(0), Amount::whole(-3));
        assert_eq!(amount("37.25").rounded(1), amount("37.3"));
        assert_eq!(amount("35.04").rounded(1), Amount::whole(35));
    }

    #[test]
    fn every_unit_has_one_code() {
        for unit in Unit::ALL {
            assert_eq!(Unit::from_code(unit.code()), Some(unit));
            assert_eq!(
                serde_json::to_string(&unit).expect("JSON"),
                format!("\"{}\"", unit.code())
            );
        }
    }
}
