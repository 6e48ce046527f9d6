//! What the document shows as an example is what it says of it.

use serde_json::Value;

/// How deep a schema is followed.
const DEEPEST: usize = 30;

/// What of a value is not as the schema says, and where.
fn unlike(schema: &Value, value: &Value, schemas: &Value, depth: usize) -> Option<String> {
    if depth == 0 {
        return Some("goes round in circles".to_owned());
    }
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.rsplit('/').next().unwrap_or_default();
        return unlike(&schemas[name], value, schemas, depth - 1);
    }
    for choices in [&schema["oneOf"], &schema["anyOf"]] {
        let Some(choices) = choices.as_array() else {
            continue;
        };
        let mut broken = choices
            .iter()
            .map(|one| unlike(one, value, schemas, depth - 1));
        if broken.all(|one| one.is_some()) {
            return Some(format!(": {value} is none of the choices"));
        }
    }
    if schema["enum"]
        .as_array()
        .is_some_and(|all| !all.contains(value))
    {
        return Some(format!(": {value} is not in the list"));
    }
    if !is_of_type(&schema["type"], value) {
        return Some(format!(": {value} is no {}", schema["type"]));
    }
    for name in schema["required"].as_array().into_iter().flatten() {
        let name = name.as_str().unwrap_or_default();
        if value.is_object() && value.get(name).is_none() {
            return Some(format!("/{name} is missing"));
        }
    }
    for (name, member) in value.as_object().into_iter().flatten() {
        let Some(said) = schema["properties"].get(name) else {
            continue;
        };
        if let Some(broken) = unlike(said, member, schemas, depth - 1) {
            return Some(format!("/{name}{broken}"));
        }
    }
    let mut items = value.as_array().into_iter().flatten();
    items.find_map(|item| {
        Some(format!(
            "[]{}",
            unlike(&schema["items"], item, schemas, depth - 1)?
        ))
    })
}

fn is_of_type(kinds: &Value, value: &Value) -> bool {
    let fits = |kind: &Value| match kind.as_str() {
        Some("null") => value.is_null(),
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("boolean") => value.is_boolean(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("number") => value.is_number(),
        _ => true,
    };
    match kinds {
        Value::Array(kinds) => kinds.iter().any(fits),
        kind => fits(kind),
    }
}

/// Looks at every example below, beside its schema or within it, wherever that stands.
fn look(place: &str, said: &Value, schemas: &Value, found: &mut (usize, Vec<String>)) {
    if let Some(example) = said
        .get("example")
        .filter(|_| !place.ends_with("/properties"))
    {
        let schema = said.get("schema").unwrap_or(said);
        found.0 += 1;
        let broken = unlike(schema, example, schemas, DEEPEST);
        found
            .1
            .extend(broken.map(|broken| format!("{place}: {broken}")));
    }
    match said {
        Value::Object(members) => {
            for (name, member) in members.iter().filter(|(name, _)| *name != "example") {
                look(&format!("{place}/{name}"), member, schemas, found);
            }
        }
        Value::Array(items) => items
            .iter()
            .for_each(|item| look(place, item, schemas, found)),
        _ => {}
    }
}

#[test]
fn every_example_is_what_its_schema_says() {
    let document = chartwell::document();
    let mut found = (0, Vec::new());
    look(
        "",
        &document,
        &document["components"]["schemas"],
        &mut found,
    );
    let (seen, broken) = found;
    assert!(seen > 900, "only {seen} examples");
    assert!(broken.is_empty(), "{broken:#?}");
}
