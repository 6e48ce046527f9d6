//! What a handler takes from a request. Every failure is a problem that names the field and the rule, never the value.

mod body;
mod ctx;
mod if_match;
mod merge;
mod named;
mod numbers;
mod path;
mod query;
mod streamed;
mod strict;

pub use body::{Json, MergePatch, NoBody, part};
pub use if_match::IfMatch;
pub use path::Path;
pub use query::{NoQuery, Query, require_order};
pub use streamed::{FileForm, FilePart, Streamed};
pub use strict::{is_day, is_in_range, is_instant};

/// serde's own words, without the value in them.
///
/// serde says `invalid type: string "Smith", expected u32`: everything before `expected` may be somebody's data. A field's
/// name stays, because naming it is the point.
fn rule_in(message: &str) -> (&'static str, String) {
    if let Some(rest) = message.strip_prefix("unknown field ") {
        return (
            "unknown_field",
            format!("is not a field here; {}", after_comma(rest)),
        );
    }
    if let Some(rest) = message.strip_prefix("missing field ") {
        let name = rest.split('`').nth(1).unwrap_or("field");
        return ("missing_field", format!("needs the field {name}"));
    }
    if message.starts_with("duplicate field") {
        let name = message.split('`').nth(1).unwrap_or("a field");
        return ("duplicate_field", format!("has the field {name} twice"));
    }
    if message.starts_with(strict::UNFIT) {
        return ("wrong_form", format!("must be {}", expectation(message)));
    }
    if message.starts_with(strict::OUT_OF_RANGE) {
        let rule = format!("must lie between {}", expectation(message));
        return ("out_of_range", rule);
    }
    if message.starts_with("unknown variant") {
        return ("not_one_of", format!("must be {}", expectation(message)));
    }
    if message.starts_with("invalid ") && message.contains(", expected ") {
        return (
            "wrong_type",
            format!("must be {}", kind(&expectation(message))),
        );
    }
    (
        "wrong_form",
        "is not of the form this field takes".to_owned(),
    )
}

fn expectation(message: &str) -> String {
    let what = message.rsplit(", expected ").next().unwrap_or_default();
    let what = what.split(" at line ").next().unwrap_or_default();
    what.strip_prefix("struct ")
        .map_or_else(|| what.to_owned(), |_| "an object".to_owned())
}

/// What an expectation is called outside of this program.
fn kind(expectation: &str) -> &str {
    match expectation {
        "i8" | "i16" | "i32" | "i64" => "a whole number",
        "u8" | "u16" | "u32" | "u64" => "a whole number, not below 0",
        "f32" | "f64" => "a number",
        other => other,
    }
}

fn after_comma(text: &str) -> String {
    let known = text.split_once(", ").map_or("", |(_, known)| known);
    known
        .split(" at line ")
        .next()
        .unwrap_or_default()
        .to_owned()
}

/// `names[0].family`, as serde_path_to_error writes it, as a JSON Pointer.
fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => {
                pointer.push('/');
                pointer.push_str(&index.to_string());
            }
            Segment::Map { key } => {
                pointer.push('/');
                pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
            }
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    pointer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_never_repeats_the_value() {
        let (code, rule) =
            rule_in("invalid type: string \"Smith, expected v\", expected u32 at line 1 column 9");
        assert_eq!(
            (code, rule.as_str()),
            ("wrong_type", "must be a whole number, not below 0")
        );
        let (code, rule) = rule_in("unknown variant `secret`, expected `a` or `b`");
        assert_eq!((code, rule.as_str()), ("not_one_of", "must be `a` or `b`"));
        let (code, rule) = rule_in("input contains invalid characters: x");
        assert_eq!(
            (code, rule.as_str()),
            ("wrong_form", "is not of the form this field takes")
        );
    }
}
