//! The difference between two states of a row, as fields.

use serde_json::{Map, Value};

use super::model::FieldChange;

/// Columns that say only that there is a row or that it changed, or repeat another for the index.
const BOOKKEEPING: [&str; 8] = [
    "tenant_id",
    "id",
    "version",
    "created_at",
    "created_by",
    "updated_at",
    "sort_key",
    "email_key",
];

/// What stands for a sealed value.
const SEALED: &str = "(sealed)";

/// The fields that differ. `replaced` holds the columns that changed with their earlier values, or is nothing for a new
/// row; `after` is the row as it stood then. Empty fields of a new row are left out.
pub(super) fn changes(replaced: Option<&Value>, after: &Value) -> Vec<FieldChange> {
    let nothing = Map::new();
    let after = after.as_object().unwrap_or(&nothing);
    let mut found = Vec::new();
    match replaced.and_then(Value::as_object) {
        Some(replaced) => {
            for (column, before) in told(replaced) {
                compare(
                    &format!("/{}", escape(column)),
                    Some(before),
                    after.get(column),
                    &mut found,
                );
            }
        }
        None => {
            for (column, value) in told(after) {
                compare(
                    &format!("/{}", escape(column)),
                    None,
                    Some(value),
                    &mut found,
                );
            }
        }
    }
    found
}

fn told(row: &Map<String, Value>) -> impl Iterator<Item = (&String, &Value)> {
    row.iter()
        .filter(|(column, _)| !BOOKKEEPING.contains(&column.as_str()))
}

fn compare(at: &str, before: Option<&Value>, after: Option<&Value>, found: &mut Vec<FieldChange>) {
    // A list compared with nothing is compared with an empty one, and so is an object.
    match (before, after) {
        (Some(Value::Object(before)), Some(Value::Object(after))) => {
            members(at, before, after, found);
        }
        (None | Some(Value::Null), Some(Value::Object(after))) => {
            members(at, &Map::new(), after, found);
        }
        (Some(Value::Object(before)), None | Some(Value::Null)) => {
            members(at, before, &Map::new(), found);
        }
        (Some(Value::Array(before)), Some(Value::Array(after))) => {
            elements(at, before, after, found);
        }
        (None | Some(Value::Null), Some(Value::Array(after))) => elements(at, &[], after, found),
        (Some(Value::Array(before)), None | Some(Value::Null)) => elements(at, before, &[], found),
        (before, after) => {
            let (before, after) = (present(before), present(after));
            if before != after {
                found.push(FieldChange {
                    field: at.to_owned(),
                    before: before.map(masked),
                    after: after.map(masked),
                });
            }
        }
    }
}

fn members(
    at: &str,
    before: &Map<String, Value>,
    after: &Map<String, Value>,
    found: &mut Vec<FieldChange>,
) {
    let gone = before.keys().filter(|name| !after.contains_key(*name));
    for name in after.keys().chain(gone) {
        compare(
            &format!("{at}/{}", escape(name)),
            before.get(name),
            after.get(name),
            found,
        );
    }
}

fn elements(at: &str, before: &[Value], after: &[Value], found: &mut Vec<FieldChange>) {
    for place in 0..before.len().max(after.len()) {
        compare(
            &format!("{at}/{place}"),
            before.get(place),
            after.get(place),
            found,
        );
    }
}

fn present(value: Option<&Value>) -> Option<&Value> {
    value.filter(|value| !value.is_null())
}

/// Sealed values look like `v1.<key id>.<base64url>`; what they hide is not for this log, nor is the cipher text.
fn masked(value: &Value) -> Value {
    match value {
        Value::String(text) if is_sealed(text) => SEALED.into(),
        // One side may be a list or an object where the other is not.
        Value::Array(items) => items.iter().map(masked).collect(),
        Value::Object(members) => members
            .iter()
            .map(|(name, member)| (name.clone(), masked(member)))
            .collect(),
        other => other.clone(),
    }
}

fn is_sealed(text: &str) -> bool {
    let mut parts = text.splitn(3, '.');
    let form = parts.next().is_some_and(|form| {
        form.strip_prefix('v')
            .is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
    });
    form && parts
        .next()
        .is_some_and(|key| uuid::Uuid::try_parse(key).is_ok())
        && parts.next().is_some()
}

/// A name as a JSON Pointer writes it.
fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(replaced: Option<&Value>, after: &Value) -> Vec<(String, Value, Value)> {
        let null = |value: Option<Value>| value.unwrap_or_default();
        changes(replaced, after)
            .into_iter()
            .map(|change| (change.field, null(change.before), null(change.after)))
            .collect()
    }

    #[test]
    fn only_what_differs_is_shown_down_to_the_member() {
        let before = json!({ "names": [{ "family": "Lee", "given": ["Ann"] }], "phone": null, "version": 1 });
        let after = json!({ "names": [{ "family": "Lee", "given": ["Ann", "May"] }, { "family": "Ray" }],
                            "phone": "555", "version": 2, "birth_date": "1980-01-01" });
        assert_eq!(
            shown(Some(&before), &after),
            [
                ("/names/0/given/1".to_owned(), Value::Null, json!("May")),
                ("/names/1/family".to_owned(), Value::Null, json!("Ray")),
                ("/phone".to_owned(), Value::Null, json!("555")),
            ]
        );
    }

    #[test]
    fn a_new_row_shows_what_it_holds() {
        let after = json!({ "id": 1, "tenant_id": 2, "code": "MAIN", "phone": null, "address": { "city": "Ulm" }, "tags": [] });
        assert_eq!(
            shown(None, &after),
            [
                ("/address/city".to_owned(), Value::Null, json!("Ulm")),
                ("/code".to_owned(), Value::Null, json!("MAIN")),
            ]
        );
    }

    #[test]
    fn what_was_cleared_shows_what_it_was() {
        let before = json!({ "address": { "city": "Ulm" }, "tags": ["a"], "note": "x" });
        let after = json!({ "address": null, "tags": [], "note": null });
        assert_eq!(
            shown(Some(&before), &after),
            [
                ("/address/city".to_owned(), json!("Ulm"), Value::Null),
                ("/note".to_owned(), json!("x"), Value::Null),
                ("/tags/0".to_owned(), json!("a"), Value::Null),
            ]
        );
    }

    #[test]
    fn sealed_values_show_that_they_changed_and_no_more() {
        let sealed = |tail: &str| format!("v1.0190a1b2-0000-7000-8000-000000000001.{tail}");
        let before = json!({ "identifiers": [{ "system": "ssn", "value": sealed("AAAA") }] });
        let after = json!({ "identifiers": [{ "system": "ssn", "value": sealed("BBBB") }] });
        assert_eq!(
            shown(Some(&before), &after),
            [(
                "/identifiers/0/value".to_owned(),
                json!(SEALED),
                json!(SEALED)
            )]
        );
        // Also where a text gives way to a list of them.
        let after = json!({ "value": [sealed("CCCC")] });
        assert_eq!(
            shown(Some(&json!({ "value": "plain" })), &after),
            [("/value".to_owned(), json!("plain"), json!([SEALED]))]
        );
        assert!(!is_sealed("v1.2.3") && !is_sealed("v.") && !is_sealed("version"));
    }

    #[test]
    fn names_are_written_as_pointers_write_them() {
        assert_eq!(
            shown(None, &json!({ "a/b": { "c~d": 1 } })),
            [("/a~1b/c~0d".to_owned(), Value::Null, json!(1))]
        );
    }
}
