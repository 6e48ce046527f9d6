//! Numbers as their source wrote them. A [`serde_json::Value`] has doubles: `98.60` loses its zero there, and a long number its end. The
//! text a resource came in has the digits.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The text of what stands at the place, read as forgivingly as [`super::elements::list`]: a single element is the first of a list.
pub(super) fn at<'a>(text: &'a str, pointer: &str) -> Option<&'a str> {
    let steps = pointer.split('/').skip(1);
    steps.into_iter().try_fold(text, step)
}

/// The number that stands at the place.
pub(super) fn number<'a>(text: &'a str, pointer: &str) -> Option<&'a str> {
    at(text, pointer).filter(|said| said.starts_with(|c: char| c.is_ascii_digit() || c == '-'))
}

fn step<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    match text.trim_start().chars().next()? {
        '[' => {
            let items: Vec<&RawValue> = serde_json::from_str(text).ok()?;
            Some(items.get(name.parse::<usize>().ok()?)?.get())
        }
        '{' if name == "0" => Some(text),
        '{' => {
            let mut reader = serde_json::Deserializer::from_str(text);
            Member(name).deserialize(&mut reader).ok()?
        }
        _ => None,
    }
}

/// The text of one member of an object.
struct Member<'n>(&'n str);

impl<'de> DeserializeSeed<'de> for Member<'_> {
    type Value = Option<&'de str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Member<'_> {
    type Value = Option<&'de str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut members: M) -> Result<Self::Value, M::Error> {
        let mut found = None;
        while let Some(name) = members.next_key::<Cow<'de, str>>()? {
            if name == self.0 {
                found = Some(members.next_value::<&'de RawValue>()?.get());
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_found_with_its_digits_wherever_it_stands() {
        let text = r#"{"a": {"value": 98.60}, "b": [{"v": 1}, {"v": -0.10000000000000000001}], "c": {"v": 7e2}, "d": "5", "a\u0062": 3}"#;
        for (place, said) in [
            ("/a/value", Some("98.60")),
            ("/b/1/v", Some("-0.10000000000000000001")),
            ("/c/0/v", Some("7e2")),
            ("/ab", Some("3")),
            ("/b/2/v", None),
            ("/d", None),
            ("/a", None),
            ("/e/f", None),
        ] {
            assert_eq!(number(text, place), said, "{place}");
        }
        assert_eq!(at(text, "/d"), Some("\"5\""));
    }
}
