//! How much of a vaccine was given: a decimal number, from the wire to the table, and never a sum of binary fractions.
//!
//! A number that is no quantity of a dose (more than four decimal places, nothing at all, a barrel) is remembered as just that, so
//! that validation refuses it at its place. Trap: JSON gives numbers as doubles; up to fifteen digits a double's shortest writing
//! is the number that was sent, and a body with more is refused before it is read. Who has the text ([`FromStr`]) loses nothing.

use std::fmt;
use std::str::FromStr;

use serde::de::{Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArgumentBuffer, PgTypeInfo, PgValueRef};
use sqlx::{Decode, Encode, Postgres, Type};

/// In ten-thousandths; `None`: a number that does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DoseQuantity(Option<u32>);

const ONE: u32 = 10_000;
const MOST: u32 = 1_000 * ONE;

impl DoseQuantity {
    /// What it must be, for whoever sent something else.
    pub const RULE: &'static str =
        "must lie above 0 and not above 1000, with at most four decimal places";

    /// Whether it lies above 0 and not above 1000, with at most four decimal places.
    pub fn fits(self) -> bool {
        self.0.is_some()
    }
}

/// The ten-thousandths a decimal number is, if it is a whole number of them and fits.
fn ten_thousandths(text: &str) -> Option<u32> {
    let number = kernel::decimal::scaled(text, 4)?;
    u32::try_from(number)
        .ok()
        .filter(|number| (1..=MOST).contains(number))
}

impl FromStr for DoseQuantity {
    type Err = ();

    /// Of a JSON number, as written. What is a number and does not fit is no error here.
    fn from_str(text: &str) -> Result<Self, ()> {
        text.parse::<f64>().map_err(drop)?;
        Ok(Self(ten_thousandths(text)))
    }
}

impl fmt::Display for DoseQuantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(number) = self.0 else {
            return f.write_str("no dose");
        };
        let text = format!("{}.{:04}", number / ONE, number % ONE);
        f.write_str(text.trim_end_matches('0').trim_end_matches('.'))
    }
}

impl Serialize for DoseQuantity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            None => serializer.serialize_none(),
            Some(number) if number.is_multiple_of(ONE) => serializer.serialize_u32(number / ONE),
            // Of the double nearest to so few digits, these digits are the shortest writing.
            Some(number) => serializer.serialize_f64(f64::from(number) / f64::from(ONE)),
        }
    }
}

impl<'de> Deserialize<'de> for DoseQuantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Number;
        impl Visitor<'_> for Number {
            type Value = DoseQuantity;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number")
            }
            fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<DoseQuantity, E> {
                let wrong = |()| E::invalid_value(Unexpected::Float(number), &self);
                number.to_string().parse().map_err(wrong)
            }
            fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<DoseQuantity, E> {
                let wrong = |()| E::invalid_value(Unexpected::Signed(number), &self);
                number.to_string().parse().map_err(wrong)
            }
            fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<DoseQuantity, E> {
                let wrong = |()| E::invalid_value(Unexpected::Unsigned(number), &self);
                number.to_string().parse().map_err(wrong)
            }
        }
        deserializer.deserialize_any(Number)
    }
}

/// As text, which the statements cast to and from `numeric`.
impl Type<Postgres> for DoseQuantity {
    fn type_info() -> PgTypeInfo {
        <String as Type<Postgres>>::type_info()
    }

    fn compatible(ty: &PgTypeInfo) -> bool {
        <String as Type<Postgres>>::compatible(ty)
    }
}

impl Encode<'_, Postgres> for DoseQuantity {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        if !self.fits() {
            return Err("a dose that does not fit was to be written".into());
        }
        <String as Encode<'_, Postgres>>::encode(self.to_string(), buffer)
    }
}

impl Decode<'_, Postgres> for DoseQuantity {
    fn decode(value: PgValueRef<'_>) -> Result<Self, BoxDynError> {
        let text = <&str as Decode<'_, Postgres>>::decode(value)?;
        text.parse().map_err(|()| "not a number".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<String> {
        let quantity: DoseQuantity = text.parse().ok()?;
        quantity.fits().then(|| quantity.to_string())
    }

    #[test]
    fn a_number_is_taken_digit_by_digit_or_not_at_all() {
        for (said, kept) in [
            ("0.5", "0.5"),
            ("0.5000000000000000000000", "0.5"),
            ("5e-1", "0.5"),
            ("0.0001", "0.0001"),
            ("1000", "1000"),
            ("1E3", "1000"),
            ("000.10", "0.1"),
            ("999.9999", "999.9999"),
        ] {
            assert_eq!(read(said).as_deref(), Some(kept), "{said}");
        }
        for wrong in [
            "0",
            "-0.5",
            "0.00001",
            "0.50000000000000000001",
            "1000.0001",
            "1e9",
            "1e-99999999999",
            "1e999999999",
            "NaN",
            "inf",
            "half",
            "",
            ".",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_json_says_comes_back_as_it_was() {
        for said in ["0.1", "0.3", "0.0007", "2", "123.4567"] {
            let quantity: DoseQuantity = serde_json::from_str(said).expect("a number");
            assert_eq!(serde_json::to_string(&quantity).ok().as_deref(), Some(said));
            assert_eq!(quantity.to_string(), said);
        }
        let odd: DoseQuantity = serde_json::from_str("0.00001").expect("a number");
        assert!(!odd.fits());
        assert!(serde_json::from_str::<DoseQuantity>("\"0.5\"").is_err());
    }
}
