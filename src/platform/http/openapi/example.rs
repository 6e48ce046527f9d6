//! Examples of what nobody wrote an example for: a value that satisfies a schema, made of the examples in it.

use serde_json::{Map, Value, json};

/// How deep a schema is followed: none of ours is deeper, and none may go round in circles.
const DEEPEST: usize = 24;

/// A value of the schema. References are looked up in `schemas`.
pub(super) fn of(schema: &Value, schemas: &Value) -> Value {
    sample(schema, schemas, DEEPEST)
}

/// A small change: one plain member of what the whole looks like.
pub(super) fn of_change(schema: &Value, schemas: &Value) -> Value {
    let whole = of(schema, schemas);
    let members = whole.as_object().cloned().unwrap_or_default();
    let plain = members.iter().find(|(_, value)| value.is_string());
    plain
        .or_else(|| members.iter().next())
        .map_or_else(|| json!({}), |(name, value)| json!({ name: value }))
}

fn sample(schema: &Value, schemas: &Value, depth: usize) -> Value {
    if depth == 0 {
        return Value::Null;
    }
    if let Some(name) = schema["$ref"]
        .as_str()
        .and_then(|path| path.rsplit('/').next())
    {
        return sample(&schemas[name], schemas, depth - 1);
    }
    let given = [
        &schema["example"],
        &schema["examples"][0],
        &schema["const"],
        &schema["enum"][0],
    ];
    if let (Some(given), false) = (
        given.into_iter().find(|given| !given.is_null()),
        schema["properties"].is_object(),
    ) {
        return given.clone();
    }
    for choices in [&schema["oneOf"], &schema["anyOf"]] {
        let choice = choices
            .as_array()
            .and_then(|all| all.iter().find(|one| one["type"] != "null"));
        if let Some(choice) = choice {
            return sample(choice, schemas, depth - 1);
        }
    }
    match kind(schema) {
        "object" => object(schema, schemas, depth),
        "array" => json!([sample(&schema["items"], schemas, depth - 1)]),
        "integer" | "number" => schema["minimum"].as_i64().unwrap_or(1).into(),
        "boolean" => false.into(),
        "string" => match schema["format"].as_str() {
            Some("uuid") => "019a1b2c-3d4e-7f60-8a9b-0c1d2e3f4a5b".into(),
            Some("date-time") => "2026-01-31T14:30:00Z".into(),
            Some("date") => "2026-01-31".into(),
            _ => "text".into(),
        },
        _ => json!({}),
    }
}

/// What the schema's own example shows, and whatever else must be there.
fn object(schema: &Value, schemas: &Value, depth: usize) -> Value {
    let mut members: Map<String, Value> =
        schema["example"].as_object().cloned().unwrap_or_default();
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    for (name, member) in schema["properties"].as_object().into_iter().flatten() {
        let wanted = required.iter().any(|one| one == name) || !member["example"].is_null();
        if wanted && !members.contains_key(name) {
            members.insert(name.clone(), sample(member, schemas, depth - 1));
        }
    }
    members.into()
}

fn kind(schema: &Value) -> &str {
    match &schema["type"] {
        Value::Array(kinds) => kinds
            .iter()
            .filter_map(Value::as_str)
            .find(|kind| *kind != "null")
            .unwrap_or_default(),
        kind => kind.as_str().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_required_is_there_and_examples_come_first() {
        let schemas = json!({ "Place": { "type": "object", "required": ["id", "name"], "example": { "name": "Main" },
            "properties": { "id": { "type": "string", "format": "uuid" }, "name": { "type": "string" }, "note": { "type": ["string", "null"] } } } });
        let made = of(
            &json!({ "type": "array", "items": { "$ref": "#/components/schemas/Place" } }),
            &schemas,
        );
        assert_eq!(
            made,
            json!([{ "id": "019a1b2c-3d4e-7f60-8a9b-0c1d2e3f4a5b", "name": "Main" }])
        );
        assert_eq!(
            of_change(&schemas["Place"], &schemas),
            json!({ "id": "019a1b2c-3d4e-7f60-8a9b-0c1d2e3f4a5b" })
        );
    }
}
