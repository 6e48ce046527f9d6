//! JSON in its one canonical form (RFC 8785): members sorted, no spaces, so that the same value is always the same bytes
//! and a hash of it means something.
//!
//! Trap: numbers are written as JavaScript would, which is easy for integers and subtle for fractions. What we sign has no
//! fractions, so they are refused instead of being written in a form that another implementation may not share.

use std::fmt::Write as _;

use serde_json::Value;

/// Integers beyond this lose digits in JavaScript, so their form is not canonical.
const LARGEST: u64 = 1 << 53;

/// A value that has no canonical form here: a fraction, or an integer beyond 2⁵³.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("only integers of at most 2^53 have a canonical form here")]
pub struct NotCanonical;

/// The value in canonical form.
pub fn canonical_json(value: &Value) -> Result<String, NotCanonical> {
    let mut text = String::new();
    write(value, &mut text)?;
    Ok(text)
}

fn write(value: &Value, text: &mut String) -> Result<(), NotCanonical> {
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(true) => text.push_str("true"),
        Value::Bool(false) => text.push_str("false"),
        Value::Number(number) => {
            let small = number.as_i64().ok_or(NotCanonical)?;
            if small.unsigned_abs() > LARGEST {
                return Err(NotCanonical);
            }
            let _ = write!(text, "{small}");
        }
        Value::String(string) => write_string(string, text),
        Value::Array(items) => {
            text.push('[');
            for (place, item) in items.iter().enumerate() {
                if place > 0 {
                    text.push(',');
                }
                write(item, text)?;
            }
            text.push(']');
        }
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            // RFC 8785 sorts by UTF-16 code units, which differs from UTF-8 beyond the basic plane.
            members.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
            text.push('{');
            for (place, (name, member)) in members.into_iter().enumerate() {
                if place > 0 {
                    text.push(',');
                }
                write_string(name, text);
                text.push(':');
                write(member, text)?;
            }
            text.push('}');
        }
    }
    Ok(())
}

fn write_string(string: &str, text: &mut String) {
    text.push('"');
    for letter in string.chars() {
        match letter {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\u{8}' => text.push_str("\\b"),
            '\t' => text.push_str("\\t"),
            '\n' => text.push_str("\\n"),
            '\u{c}' => text.push_str("\\f"),
            '\r' => text.push_str("\\r"),
            control if control < ' ' => {
                let _ = write!(text, "\\u{:04x}", u32::from(control));
            }
            other => text.push(other),
        }
    }
    text.push('"');
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn strings_are_written_as_the_rfc_shows() {
        // RFC 8785, section 3.2.2, the member "string".
        let value = json!({ "string": "\u{20ac}$\u{f}\nA'B\"\\\\\"/" });
        assert_eq!(
            canonical_json(&value).as_deref(),
            Ok("{\"string\":\"\u{20ac}$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}")
        );
    }

    #[test]
    fn members_are_sorted_as_the_rfc_shows() {
        // RFC 8785, section 3.2.3.
        let value = json!({
            "\u{20ac}": "Euro Sign", "\r": "Carriage Return", "\u{fb33}": "Hebrew Letter Dalet With Dagesh",
            "1": "One", "\u{1f600}": "Emoji: Grinning Face", "\u{80}": "Control", "\u{f6}": "Latin Small Letter O With Diaeresis"
        });
        let text = canonical_json(&value).expect("no numbers");
        let order = [
            "Carriage Return",
            "One",
            "Control",
            "Latin Small",
            "Euro Sign",
            "Emoji",
            "Hebrew",
        ];
        let places: Vec<_> = order.iter().map(|name| text.find(name)).collect();
        assert!(places.iter().all(Option::is_some), "{text}");
        assert!(places.is_sorted(), "{text}");
    }

    #[test]
    fn a_number_without_one_form_is_refused() {
        assert_eq!(
            canonical_json(&json!([0, -1, 9_007_199_254_740_992_u64])).as_deref(),
            Ok("[0,-1,9007199254740992]")
        );
        for value in [json!(1.5), json!(9_007_199_254_740_993_u64), json!(1e30)] {
            assert_eq!(canonical_json(&value), Err(NotCanonical), "{value}");
        }
    }

    #[test]
    fn parsed_and_written_again_it_is_the_same() {
        let value = json!({ "b": [true, null, { "z": 1, "a": "\u{1}" }], "a": {} });
        let text = canonical_json(&value).expect("canonical");
        let again = serde_json::from_str(&text).expect("JSON");
        assert_eq!(canonical_json(&again), Ok(text));
    }
}
