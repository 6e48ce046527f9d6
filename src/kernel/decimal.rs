//! Decimal numbers, digit by digit: what was written is what is kept, `98.60` with its zero, and no binary fraction stands between.
//!
//! Fifteen digits at most where a number comes in (requests are looked through before they are read; imports parse): so many every
//! reader of JSON can tell apart, also one that has doubles only. Trap: [`serde_json::Value`] has doubles; what goes through it stays
//! the same number, and loses the zeros behind it.

use std::fmt;
use std::str::FromStr;

use serde::de::{Error as _, Unexpected};
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// A number as it was written, without an exponent.
#[derive(Clone, Debug, PartialEq, Eq, ToSchema)]
#[schema(value_type = f64)]
pub struct Decimal(String);

/// As every reader of JSON has.
const DIGITS: usize = 15;
/// Places behind the point, and zeros before it that an exponent may stand for.
const PLACES: i32 = 30;

/// What a JSON number is made of: its sign, its digits, and how many of them stand behind the point.
struct Written {
    negative: bool,
    digits: String,
    behind: i32,
}

fn written(text: &str) -> Option<Written> {
    let unsigned = text.strip_prefix('-');
    let (negative, unsigned) = (unsigned.is_some(), unsigned.unwrap_or(text));
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (unsigned, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = [whole, fraction].concat();
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let behind = i32::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
    Some(Written {
        negative,
        digits,
        behind,
    })
}

/// The number in units of the `places`-th decimal, if it is a whole number of them. `text` as in JSON: digits, perhaps a sign, a point,
/// an exponent.
pub fn scaled(text: &str, places: i32) -> Option<i128> {
    let Written {
        negative,
        digits,
        behind,
    } = written(text)?;
    let significant = digits.trim_start_matches('0');
    let stripped = significant.trim_end_matches('0');
    if stripped.is_empty() {
        return Some(0);
    }
    let zeros = i32::try_from(significant.len() - stripped.len()).ok()?;
    let power = places.checked_sub(behind)?.checked_add(zeros)?;
    let power = u32::try_from(power).ok()?;
    let number: i128 = stripped.parse().ok()?;
    let number = number.checked_mul(10_i128.checked_pow(power)?)?;
    Some(if negative { -number } else { number })
}

impl FromStr for Decimal {
    type Err = ();

    /// Of a JSON number, as written. One of too many digits is an error.
    fn from_str(text: &str) -> Result<Self, ()> {
        let number = written(text).ok_or(())?;
        if !(-PLACES..=PLACES).contains(&number.behind) {
            return Err(());
        }
        let before = usize::try_from(-number.behind).unwrap_or(0);
        let behind = usize::try_from(number.behind).unwrap_or(0);
        let mut digits = number.digits + &"0".repeat(before);
        if digits.len() <= behind {
            digits.insert_str(0, &"0".repeat(behind + 1 - digits.len()));
        }
        let (whole, fraction) = digits.split_at(digits.len() - behind);
        let whole = match whole.trim_start_matches('0') {
            "" => "0",
            digits => digits,
        };
        let counted = digits.trim_start_matches('0').len();
        if counted > DIGITS {
            return Err(());
        }
        let sign = if number.negative && counted > 0 {
            "-"
        } else {
            ""
        };
        let point = if fraction.is_empty() { "" } else { "." };
        Ok(Self(format!("{sign}{whole}{point}{fraction}")))
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw = RawValue::from_string(self.0.clone()).map_err(S::Error::custom)?;
        raw.serialize(serializer)
    }
}

/// Of any JSON number: rows of before have as many digits as a double is written with, and are told as they stand.
impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let raw = raw.get();
        let is_number = raw.starts_with(|c: char| c == '-' || c.is_ascii_digit());
        match raw.parse() {
            Ok(number) => Ok(number),
            Err(()) if is_number => Ok(Self(raw.to_owned())),
            Err(()) => Err(D::Error::invalid_type(
                Unexpected::Other("value"),
                &"a number",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<String> {
        text.parse::<Decimal>()
            .ok()
            .map(|number| number.to_string())
    }

    #[test]
    fn a_number_keeps_its_digits_or_is_none() {
        for (said, kept) in [
            ("98.60", "98.60"),
            ("34000", "34000"),
            ("-1.50", "-1.50"),
            ("0.0", "0.0"),
            ("-0.0", "0.0"),
            ("1e3", "1000"),
            ("12.5E-1", "1.25"),
            ("5e-3", "0.005"),
            ("123456789012345", "123456789012345"),
            ("0.000000000000001", "0.000000000000001"),
        ] {
            assert_eq!(read(said).as_deref(), Some(kept), "{said}");
            let parsed: Decimal = serde_json::from_str(said).expect("a number");
            assert_eq!(serde_json::to_string(&parsed).ok().as_deref(), Some(kept));
        }
        for wrong in [
            "",
            "-",
            ".",
            "half",
            "NaN",
            "1e99",
            "1e-99",
            "1e99999999999",
            "0.1000000000000000055",
            "1234567890.123456",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
        assert!(serde_json::from_str::<Decimal>("\"5\"").is_err());
        // What lies in rows of before is told as it lies there.
        for kept in ["0.30000000000000004", "100000000000000000000", "1e99"] {
            let number: Decimal = serde_json::from_str(kept).expect("a number");
            assert_eq!(serde_json::to_string(&number).ok().as_deref(), Some(kept));
        }
        let patched: Decimal = serde_json::from_value(serde_json::json!(98.6)).expect("a number");
        assert_eq!(patched.to_string(), "98.6");
    }

    #[test]
    fn a_scaled_number_is_whole_or_none() {
        for (said, places, whole) in [
            ("98.60", 6, Some(98_600_000)),
            ("-0.5", 1, Some(-5)),
            ("1e3", 0, Some(1000)),
            ("0.000", 0, Some(0)),
            ("98.6000000000000001", 6, None),
            ("1e-99999999999", 4, None),
            ("1e999999999", 4, None),
        ] {
            assert_eq!(scaled(said, places), whole, "{said}");
        }
    }
}
