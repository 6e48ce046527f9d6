//! Numbers of a body are kept as they were sent, or refused.
//!
//! JSON's numbers are read as doubles, and a double holds some fifteen digits: `0.50000000000000000001` would silently be `0.5`, and
//! `9007199254740993` its neighbour. So a number is taken only if the double that stands for it is written with the same digits
//! again. Leading and trailing zeros do not count.

use serde::de::IgnoredAny;

/// Digits that any double keeps, written without an exponent.
const ALWAYS: usize = 15;
/// Digits that tell every double from its neighbours: some programs write them all.
const ALL: usize = 17;
/// What lies deeper is refused for its depth.
const DEEPEST: usize = 128;

/// Where in JSON text the first number stands that a double can't keep; nowhere in text that is no JSON.
pub(super) fn lossy(bytes: &[u8]) -> Option<String> {
    let (at, _) = literals(bytes).find(|(_, literal)| !is_kept(literal))?;
    serde_json::from_slice::<IgnoredAny>(bytes).ok()?;
    pointer(bytes.get(..at)?)
}

/// One step from the whole to a part.
enum Step<'a> {
    Item(usize),
    /// As it is written, with its quotation marks.
    Member(&'a [u8]),
}

/// The pointer to what begins behind these bytes of JSON.
fn pointer(before: &[u8]) -> Option<String> {
    let mut steps = Vec::new();
    let mut rest = before;
    while let Some((first, after)) = rest.split_first() {
        let begun = rest;
        rest = after;
        match first {
            b'{' => steps.push(Step::Member(b"")),
            b'[' => steps.push(Step::Item(0)),
            b'}' | b']' => drop(steps.pop()),
            b',' => {
                if let Some(Step::Item(place)) = steps.last_mut() {
                    *place += 1;
                }
            }
            b'"' => {
                rest = after_text(after);
                // A member's own text may stand here for a moment; the next name takes its place.
                if let Some(Step::Member(name)) = steps.last_mut() {
                    *name = begun.get(..begun.len() - rest.len())?;
                }
            }
            _ => {}
        }
        if steps.len() > DEEPEST {
            return None;
        }
    }
    steps
        .into_iter()
        .map(|step| match step {
            Step::Item(place) => Some(format!("/{place}")),
            Step::Member(name) => {
                let name: String = serde_json::from_slice(name).ok()?;
                Some(format!("/{}", name.replace('~', "~0").replace('/', "~1")))
            }
        })
        .collect()
}

/// The numbers in JSON text, where they stand and as they are written.
fn literals(bytes: &[u8]) -> impl Iterator<Item = (usize, &str)> {
    let is_part = |byte: &u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
    let mut rest = bytes;
    std::iter::from_fn(move || {
        loop {
            let (first, after) = rest.split_first()?;
            match first {
                b'"' => rest = after_text(after),
                b'-' | b'0'..=b'9' => {
                    let at = bytes.len() - rest.len();
                    let long = rest.iter().take_while(|byte| is_part(byte)).count();
                    let (literal, after) = rest.split_at(long);
                    rest = after;
                    return Some((at, std::str::from_utf8(literal).ok()?));
                }
                _ => rest = after,
            }
        }
    })
}

/// What follows a text, of which the first quotation mark was read.
fn after_text(mut rest: &[u8]) -> &[u8] {
    while let Some((first, after)) = rest.split_first() {
        rest = match first {
            b'"' => return after,
            b'\\' => after.get(1..).unwrap_or_default(),
            _ => after,
        };
    }
    rest
}

/// Whether the double that the reader makes of a number is written with the same digits: the fewest that tell it, or all.
fn is_kept(literal: &str) -> bool {
    let digits = literal.bytes().filter(u8::is_ascii_digit).count();
    if digits <= ALWAYS && !literal.contains(['e', 'E']) {
        return true;
    }
    let Ok(read) = serde_json::from_str::<f64>(literal) else {
        return false;
    };
    let given = decimal(literal);
    let as_long = given.as_ref().map_or(0, |(digits, _)| digits.len());
    given == decimal(&format!("{read:e}"))
        || (1..=ALL).contains(&as_long)
            && given == decimal(&format!("{read:.places$e}", places = as_long - 1))
}

/// Significant digits, and the power of ten of the last of them; without a sign.
fn decimal(text: &str) -> Option<(String, i64)> {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let exponent: i64 = exponent.parse().ok()?;
    let mantissa = mantissa.trim_start_matches('-');
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = [whole, fraction].concat();
    let significant = digits.trim_start_matches('0');
    let short = significant.trim_end_matches('0');
    if short.is_empty() {
        return Some((String::new(), 0));
    }
    let behind = i64::try_from(fraction.len()).ok()?;
    let zeros = i64::try_from(significant.len() - short.len()).ok()?;
    Some((
        short.to_owned(),
        exponent.checked_sub(behind)?.checked_add(zeros)?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_kept_to_its_last_digit_or_not_taken() {
        for kept in [
            "0",
            "-0",
            "0.1",
            "98.6",
            "1e3",
            "1E-7",
            "-12.50",
            "0.3000000000000000000000",
            "123456789012345",
            "9007199254740992",
            "0.1234567890123",
            "1000000000000000000000",
            "2.5e+2",
            "36.600000000000001",
            "0.10000000000000001",
        ] {
            assert!(is_kept(kept), "{kept}");
        }
        for lost in [
            "0.50000000000000000001",
            "0.10000000000000000001",
            "9007199254740993",
            "18446744073709551615",
            "1.00000000000000000000001e3",
            "0.12345678901234567890",
            "1e400",
            "1e-400",
            "1e99999999999999999999",
        ] {
            assert!(!is_kept(lost), "{lost}");
        }
    }

    #[test]
    fn the_first_number_that_would_be_rounded_is_named() {
        let body = br#"{"a": "0.50000000000000000001", "b": [1, {"c/d": 0.50000000000000000001}], "e\"": 2}"#;
        assert_eq!(lossy(body).as_deref(), Some("/b/1/c~1d"));
        assert_eq!(lossy(br#"{"a": [1, 2.5, "\\", -3e2]}"#), None);
        assert_eq!(lossy(b"0.50000000000000000001").as_deref(), Some(""));
        assert_eq!(lossy(b"{ no JSON 0.50000000000000000001"), None);
        let after =
            br#"[{"a": {"b": ["x"], "c": {}}, "d": "e"}, [], 7, {"f": 0.50000000000000000001}]"#;
        assert_eq!(lossy(after).as_deref(), Some("/3/f"));
    }

    #[test]
    fn a_number_in_the_deep_is_left_to_the_reader_who_refuses_the_depth() {
        for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
            let deep = |levels| {
                let number = "0.50000000000000000001";
                format!("{}{number}{}", open.repeat(levels), close.repeat(levels))
            };
            assert!(lossy(deep(100).as_bytes()).is_some());
            assert_eq!(lossy(deep(100_000).as_bytes()), None);
        }
    }
}
