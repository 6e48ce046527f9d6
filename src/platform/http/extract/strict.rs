//! Bodies and parameters, read strictly.
//!
//! serde is generous where a record must not be: it takes an array of values for an object, in the order in which the
//! members were declared, and chrono takes ` 1990-1-1` and `+1990-01-01` for a birth date. [`Strict`] stands between the
//! format and the types and refuses both, at every depth. It knows what is wanted from the type the visitor makes, so
//! that no model has to say anything.
//!
//! Trap: what serde reads into a buffer first (flattened, untagged and internally tagged types) is read from the buffer,
//! past this. Read models may do that; what comes in does not.

use std::any::type_name;
use std::fmt;

use chrono::{DateTime, FixedOffset, NaiveDate, Utc};
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, Unexpected,
    VariantAccess, Visitor,
};
use uuid::Uuid;

/// What an error begins with that says which form a text must have; the form follows `, expected `.
pub(super) const UNFIT: &str = "unfit form";

/// What an error begins with that says a day or an instant lies in no year anybody means; the years follow `, expected `.
pub(super) const OUT_OF_RANGE: &str = "out of range";

/// The years a day or an instant may lie in. Before the first the calendar of the database and of its JSON part ways, and nobody
/// of the last is on any record.
const YEARS: std::ops::Range<&str> = "1850".."2200";

/// A deserializer that takes objects for objects only, and one form of days, instants and identifiers.
pub(super) struct Strict<D>(pub D);

#[derive(Clone, Copy)]
enum Rule {
    Anything,
    Object,
    Day,
    Instant,
    Identifier,
}

impl Rule {
    /// By what the visitor makes of a text.
    fn of_text<T>() -> Self {
        let made = type_name::<T>();
        if made == type_name::<NaiveDate>() {
            Self::Day
        } else if made == type_name::<DateTime<FixedOffset>>()
            || made == type_name::<DateTime<Utc>>()
        {
            Self::Instant
        } else if made == type_name::<Uuid>() {
            Self::Identifier
        } else {
            Self::Anything
        }
    }

    fn check<E: Error>(self, text: &str) -> Result<(), E> {
        let (fits, form) = match self {
            Self::Anything | Self::Object => return Ok(()),
            Self::Day => (is_day(text), "a day as YYYY-MM-DD"),
            Self::Instant => (
                is_instant(text),
                "an instant as YYYY-MM-DDThh:mm:ss with Z or an offset",
            ),
            Self::Identifier => (
                kernel::ids::hyphenated(text).is_some(),
                "a UUID with hyphens",
            ),
        };
        if !fits {
            return Err(E::custom(format_args!("{UNFIT}, expected {form}")));
        }
        if matches!(self, Self::Day | Self::Instant) && !is_in_range(text) {
            return Err(E::custom(format_args!(
                "{OUT_OF_RANGE}, expected the years {} and {}",
                YEARS.start, YEARS.end
            )));
        }
        Ok(())
    }
}

/// Whether the bytes are as the pattern has them: `0` stands for a digit, everything else for itself.
fn is_like(text: &[u8], pattern: &[u8]) -> bool {
    text.len() == pattern.len()
        && text.iter().zip(pattern).all(|(byte, wanted)| match wanted {
            b'0' => byte.is_ascii_digit(),
            wanted => byte.eq_ignore_ascii_case(wanted),
        })
}

/// `YYYY-MM-DD`. Whether there is such a day is for the calendar to say.
pub fn is_day(text: &str) -> bool {
    is_like(text.as_bytes(), b"0000-00-00")
}

/// Whether a day or an instant of the right form lies in a year that somebody may mean.
pub fn is_in_range(text: &str) -> bool {
    text.get(..4).is_some_and(|year| YEARS.contains(&year))
}

/// RFC 3339, with seconds and an offset. A leap second is none: what is kept has no place for it.
pub fn is_instant(text: &str) -> bool {
    const HEAD: &[u8] = b"0000-00-00T00:00:00";
    let Some((head, rest)) = text.as_bytes().split_at_checked(HEAD.len()) else {
        return false;
    };
    let zone = match rest.split_first() {
        Some((b'.', fraction)) => {
            let digits = fraction.iter().take_while(|b| b.is_ascii_digit()).count();
            if digits == 0 || digits > 9 {
                return false;
            }
            fraction.get(digits..).unwrap_or_default()
        }
        _ => rest,
    };
    is_like(head, HEAD)
        && !head.ends_with(b"60")
        && (is_like(zone, b"Z") || is_like(zone, b"+00:00") || is_like(zone, b"-00:00"))
}

macro_rules! forward {
    ($($method:ident)+) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
            self.0.$method(Reading { visitor, rule: Rule::Anything })
        }
    )+};
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Strict<D> {
    type Error = D::Error;

    forward! {
        deserialize_any deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128 deserialize_f32 deserialize_f64
        deserialize_char deserialize_bytes deserialize_byte_buf deserialize_option deserialize_unit deserialize_seq
        deserialize_map deserialize_identifier deserialize_ignored_any
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        let rule = Rule::of_text::<V::Value>();
        self.0.deserialize_str(Reading { visitor, rule })
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        let rule = Rule::of_text::<V::Value>();
        self.0.deserialize_string(Reading { visitor, rule })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let rule = Rule::Object;
        self.0
            .deserialize_struct(name, fields, Reading { visitor, rule })
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_unit_struct(name, anything(visitor))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_newtype_struct(name, anything(visitor))
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_tuple(len, anything(visitor))
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0
            .deserialize_tuple_struct(name, len, anything(visitor))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_enum(name, variants, anything(visitor))
    }

    fn is_human_readable(&self) -> bool {
        self.0.is_human_readable()
    }
}

/// A visitor whose value must be of a form, and whose parts are read strictly, too.
struct Reading<V> {
    visitor: V,
    rule: Rule,
}

fn anything<V>(visitor: V) -> Reading<V> {
    Reading {
        visitor,
        rule: Rule::Anything,
    }
}

macro_rules! visit {
    ($($method:ident($value:ty))+) => {$(
        fn $method<E: Error>(self, value: $value) -> Result<V::Value, E> {
            self.visitor.$method(value)
        }
    )+};
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Reading<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.visitor.expecting(f)
    }

    visit! {
        visit_bool(bool) visit_i8(i8) visit_i16(i16) visit_i32(i32) visit_i64(i64) visit_i128(i128)
        visit_u8(u8) visit_u16(u16) visit_u32(u32) visit_u64(u64) visit_u128(u128)
        visit_f32(f32) visit_f64(f64) visit_char(char)
        visit_bytes(&[u8]) visit_borrowed_bytes(&'de [u8]) visit_byte_buf(Vec<u8>)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<V::Value, E> {
        self.rule.check(text)?;
        self.visitor.visit_str(text)
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<V::Value, E> {
        self.rule.check(text)?;
        self.visitor.visit_borrowed_str(text)
    }

    fn visit_string<E: Error>(self, text: String) -> Result<V::Value, E> {
        self.rule.check(&text)?;
        self.visitor.visit_string(text)
    }

    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        self.visitor.visit_unit()
    }

    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.visitor.visit_none()
    }

    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        self.visitor.visit_some(Strict(inner))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        self.visitor.visit_newtype_struct(Strict(inner))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<V::Value, A::Error> {
        if let Rule::Object = self.rule {
            return Err(A::Error::invalid_type(Unexpected::Seq, &"an object"));
        }
        self.visitor.visit_seq(Strict(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<V::Value, A::Error> {
        self.visitor.visit_map(Strict(members))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, choice: A) -> Result<V::Value, A::Error> {
        self.visitor.visit_enum(Strict(choice))
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Strict<S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, inner: D) -> Result<S::Value, D::Error> {
        self.0.deserialize(Strict(inner))
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Strict<A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        self.0.next_element_seed(Strict(seed))
    }

    fn size_hint(&self) -> Option<usize> {
        self.0.size_hint()
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Strict<A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        self.0.next_key_seed(Strict(seed))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        self.0.next_value_seed(Strict(seed))
    }

    fn size_hint(&self) -> Option<usize> {
        self.0.size_hint()
    }
}

impl<'de, A: EnumAccess<'de>> EnumAccess<'de> for Strict<A> {
    type Error = A::Error;
    type Variant = Strict<A::Variant>;

    fn variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Self::Variant), A::Error> {
        let (value, variant) = self.0.variant_seed(Strict(seed))?;
        Ok((value, Strict(variant)))
    }
}

impl<'de, A: VariantAccess<'de>> VariantAccess<'de> for Strict<A> {
    type Error = A::Error;

    fn unit_variant(self) -> Result<(), A::Error> {
        self.0.unit_variant()
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, A::Error> {
        self.0.newtype_variant_seed(Strict(seed))
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, A::Error> {
        self.0.tuple_variant(len, anything(visitor))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        let rule = Rule::Object;
        self.0.struct_variant(fields, Reading { visitor, rule })
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::{Value, json};

    use super::*;

    #[derive(Debug, Deserialize)]
    struct Outer {
        #[expect(dead_code, reason = "only whether it can be read is of interest")]
        inner: Option<Vec<Inner>>,
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only whether it can be read is of interest")]
    struct Inner {
        day: Option<NaiveDate>,
        at: Option<DateTime<Utc>>,
        id: Option<Uuid>,
    }

    fn reads(value: &Value) -> bool {
        Outer::deserialize(Strict(value)).is_ok()
    }

    #[test]
    fn an_object_is_not_an_array_at_any_depth() {
        assert!(reads(&json!({ "inner": [{ "day": "1990-01-01" }] })));
        assert!(!reads(&json!([[{ "day": "1990-01-01" }]])));
        assert!(!reads(&json!({ "inner": [["1990-01-01", null, null]] })));
    }

    #[test]
    fn days_instants_and_identifiers_have_one_form() {
        let within = |member: &str, text: &str| reads(&json!({ "inner": [{ member: text }] }));
        for text in [
            "1990-1-1",
            " 1990-01-01",
            "+1990-01-01",
            "1990-01-01 ",
            "1990-02-30",
            "19900101",
            "0000-01-01",
            "1849-12-31",
            "2200-01-01",
            "",
        ] {
            assert!(!within("day", text), "{text}");
        }
        for text in ["2026-11-30T09:00:00Z", "2026-11-30T09:00:00.123456-05:00"] {
            assert!(within("at", text), "{text}");
        }
        for text in [
            "2026-11-30T09:00:00",
            "2026-11-30 09:00:00Z",
            "2026-11-30T09:00Z",
            "2026-11-30T9:00:00Z",
            "+2026-11-30T09:00:00Z",
            "2026-11-30T09:00:00.Z",
            "2026-11-30T09:00:00+0500",
            "2026-11-30T09:00:00 Z",
            "2026-11-30T25:00:00Z",
            "2026-11-30T10:00:60Z",
            "9999-12-31T00:00:00Z",
        ] {
            assert!(!within("at", text), "{text}");
        }
        let id = "019ab3a0-5e9e-7000-8000-000000000000";
        assert!(within("id", id));
        for text in [
            format!("urn:uuid:{id}"),
            format!("{{{id}}}"),
            id.replace('-', ""),
        ] {
            assert!(!within("id", &text), "{text}");
        }
    }
}
