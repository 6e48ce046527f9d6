//! The API document: what the code says, finished with what holds for every operation.
//!
//! An operation states its permission (`x-permission`); from the table follow its roles, whether it touches health
//! information, the problems it can answer (and those of its own, `x-problems`), and that it wants a token. An operation without one is public, and says so.

mod example;
mod headers;

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::access::{Permission, Purpose};

/// Completes the generated document.
pub fn finish(mut document: Value) -> Value {
    let mut patched = Vec::new();
    if let Some(paths) = document["paths"].as_object_mut() {
        for (_, methods) in paths.iter_mut() {
            for (method, operation) in methods.as_object_mut().into_iter().flatten() {
                finish_operation(method, operation, &mut patched);
            }
        }
    }
    let schemas = &mut document["components"]["schemas"];
    for name in patched {
        let mut partial = partial(&schemas[&name], schemas);
        partial["minProperties"] = 1.into();
        schemas[format!("{name}Patch")] = partial;
    }
    name_rows(schemas);
    let parts = schemas.clone();
    join_parts(&mut document, &parts);
    give_examples(&mut document);
    tell_headers(&mut document);
    document["components"]["securitySchemes"] = json!({
        "bearer": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
                    "description": "The access_token of POST /api/v1/auth/login. It lives ten minutes; refresh it." }
    });
    document["components"]["headers"] = headers::components();
    document["components"]["responses"] = shared_responses();
    drop_unused(&mut document);
    document["servers"] =
        json!([{ "url": "/", "description": "The server that serves this document" }]);
    document
}

fn finish_operation(method: &str, operation: &mut Value, patched: &mut Vec<String>) {
    let permission = operation["x-permission"]
        .as_str()
        .and_then(Permission::from_text);
    let mut problems = vec!["400", "429", "500", "503"];
    if let Some(permission) = permission {
        tell_permission(operation, permission);
        problems.extend(["401", "403"]);
    } else {
        operation["x-phi"] = false.into();
        operation["security"] = json!([]);
    }
    let own = operation
        .as_object_mut()
        .and_then(|operation| operation.remove("x-problems"));
    let own = own.unwrap_or_default();
    problems.extend(
        own.as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str),
    );
    let in_path = |operation: &Value| {
        operation["parameters"]
            .as_array()
            .is_some_and(|all| all.iter().any(|one| one["in"] == "path"))
    };
    if in_path(operation) {
        problems.push("404");
    }
    if operation["requestBody"].is_object() {
        problems.extend(["413", "415", "422", "409"]);
    }
    if method == "post" && permission.is_some() {
        problems.push("409");
    }
    if method == "patch" {
        problems.extend(["412", "428"]);
        make_partial(operation, patched);
    }
    add_headers(method, operation, permission);
    if !operation["responses"].is_object() {
        operation["responses"] = Value::Object(Map::new());
    }
    for status in problems {
        if operation["responses"][status].is_null() {
            operation["responses"][status] =
                json!({ "$ref": format!("#/components/responses/Problem{status}") });
        }
    }
}

/// Who may call the operation, for programs and for people.
fn tell_permission(operation: &mut Value, permission: Permission) {
    let roles: Vec<&str> = permission
        .roles()
        .iter()
        .map(|role| role.as_str())
        .collect();
    let sentence = format!(
        "**Permission** `{}`: {} **Roles** {}.{}",
        permission.as_str(),
        permission.meaning(),
        roles.join(", "),
        if permission.touches_phi() {
            " **Discloses health information**: every access is recorded."
        } else {
            ""
        }
    );
    operation["x-roles"] = json!(roles);
    operation["x-phi"] = permission.touches_phi().into();
    operation["security"] = json!([{ "bearer": [] }]);
    let description = operation["description"].as_str().unwrap_or_default();
    operation["description"] = format!("{description}\n\n{sentence}")
        .trim()
        .to_owned()
        .into();
}

/// The headers that every operation of its kind takes.
fn add_headers(method: &str, operation: &mut Value, permission: Option<Permission>) {
    if method == "post" && permission.is_some() {
        add_parameter(
            operation,
            "Idempotency-Key",
            "A repeat with the same key gets the first answer again.",
            &json!({ "type": "string", "minLength": 1, "maxLength": 128, "pattern": "^[!-~]+$" }),
        );
    }
    if method == "patch" {
        add_parameter(
            operation,
            "If-Match",
            "The ETag of the version the change was made from.",
            &json!({ "type": "string", "pattern": "^\"?[1-9][0-9]*\"?$" }),
        );
    }
    if permission.is_some_and(Permission::touches_phi) {
        add_parameter(
            operation,
            "X-Purpose-Of-Use",
            "Why, by the codes of HL7 v3 PurposeOfUse; by role unless given, and one that the role may claim.",
            &json!({ "type": "string", "enum": Purpose::ALL.map(Purpose::as_str) }),
        );
    }
}

fn add_parameter(operation: &mut Value, name: &str, description: &str, schema: &Value) {
    let parameter = json!({ "name": name, "in": "header", "required": name == "If-Match",
                            "description": description, "schema": schema });
    match operation["parameters"].as_array_mut() {
        Some(parameters) if parameters.iter().any(|one| one["name"] == name) => {}
        Some(parameters) => parameters.push(parameter),
        None => operation["parameters"] = json!([parameter]),
    }
}

/// A merge patch takes the same members as the resource, none of them required, each clearable with null.
fn make_partial(operation: &mut Value, patched: &mut Vec<String>) {
    let content = &mut operation["requestBody"]["content"];
    let Some(body) = content
        .as_object()
        .and_then(|content| content.values().next().cloned())
    else {
        return;
    };
    let Some(name) = body["schema"]["$ref"]
        .as_str()
        .and_then(|path| path.rsplit('/').next())
        .map(str::to_owned)
    else {
        return;
    };
    *content = json!({ "application/merge-patch+json": { "schema": { "$ref": format!("#/components/schemas/{name}Patch") } } });
    if !patched.contains(&name) {
        patched.push(name);
    }
}

/// An object within an object is merged, too, so a part is as partial as the whole.
fn partial(schema: &Value, schemas: &Value) -> Value {
    let mut partial = schema.clone();
    if let Some(members) = partial.as_object_mut() {
        members.remove("required");
    }
    for (_, member) in partial["properties"].as_object_mut().into_iter().flatten() {
        if let Some(part) = part_of(member, schemas) {
            *member = self::partial(part, schemas);
            if let Some(members) = member.as_object_mut() {
                members.remove("example");
            }
        }
        make_clearable(member);
    }
    partial
}

/// The object a member refers to, be it there or null.
fn part_of<'a>(member: &Value, schemas: &'a Value) -> Option<&'a Value> {
    let choices = member["oneOf"].as_array();
    let reference = member["$ref"]
        .as_str()
        .or_else(|| choices?.iter().find_map(|choice| choice["$ref"].as_str()))?;
    let part = &schemas[reference.rsplit('/').next()?];
    part["properties"].is_object().then_some(part)
}

fn make_clearable(member: &mut Value) {
    match &mut member["type"] {
        Value::String(kind) => member["type"] = json!([kind, "null"]),
        Value::Array(kinds) if !kinds.contains(&json!("null")) => kinds.push("null".into()),
        Value::Array(_) => {}
        _ => {
            if let Some(members) = member.as_object_mut() {
                members.remove("type");
            }
            let nothing = json!({ "type": "null" });
            match member["oneOf"].as_array_mut() {
                Some(choices) if choices.contains(&nothing) => {}
                Some(choices) => choices.push(nothing),
                None => {
                    if let Some(members) = member.as_object_mut() {
                        members.remove("oneOf");
                    }
                    *member = json!({ "oneOf": [member.clone(), nothing] });
                }
            }
        }
    }
}

/// Every body has an example: the one somebody wrote, or one made of the schema.
fn give_examples(document: &mut Value) {
    let schemas = document["components"]["schemas"].clone();
    // A read model has the example of its writable part; what it adds is added there, too.
    for (_, schema) in members(document.pointer_mut("/components/schemas")) {
        if schema.get("example").is_some() && schema.get("properties").is_some() {
            schema["example"] = example::of(schema, &schemas);
        }
        // Of a row that is written out the example is of its writable part alone.
        let row = schema.pointer_mut("/properties/items/items");
        if let Some(row) = row.and_then(Value::as_object_mut)
            && row.contains_key("properties")
        {
            row.remove("example");
        }
    }
    for (_, methods) in members(document.pointer_mut("/paths")) {
        for (method, operation) in members(Some(methods)) {
            for (_, media) in members(operation.pointer_mut("/requestBody/content")) {
                let made = match method.as_str() {
                    "patch" => example::of_change(&media["schema"], &schemas),
                    _ => example::of(&media["schema"], &schemas),
                };
                give(media, made);
            }
            for (_, response) in members(operation.get_mut("responses")) {
                if let Some(media) = response.pointer_mut("/content/application~1json") {
                    let made = example::of(&media["schema"], &schemas);
                    give(media, made);
                }
            }
        }
    }
}

/// Every answer says what its headers are.
fn tell_headers(document: &mut Value) {
    let schemas = document["components"]["schemas"].clone();
    for (_, methods) in members(document.pointer_mut("/paths")) {
        for (method, operation) in members(Some(methods)) {
            headers::tell(method, operation, &schemas);
        }
    }
}

fn give(media: &mut Value, example: Value) {
    if media.get("example").is_none() {
        media["example"] = example;
    }
}

fn members(object: Option<&mut Value>) -> impl Iterator<Item = (&String, &mut Value)> {
    object.and_then(Value::as_object_mut).into_iter().flatten()
}

/// What a read model was joined from, and nothing else refers to, is left out.
fn drop_unused(document: &mut Value) {
    let mut used = BTreeSet::new();
    let mut look_into = vec![
        document["paths"].clone(),
        document["components"]["responses"].clone(),
    ];
    while let Some(value) = look_into.pop() {
        let mut names = Vec::new();
        collect_references(&value, &mut names);
        for name in names {
            let schema = document["components"]["schemas"][&name].clone();
            if used.insert(name) {
                look_into.push(schema);
            }
        }
    }
    if let Some(schemas) = document["components"]["schemas"].as_object_mut() {
        schemas.retain(|name, _| used.contains(name));
    }
}

fn collect_references(value: &Value, names: &mut Vec<String>) {
    match value {
        Value::Array(items) => items
            .iter()
            .for_each(|item| collect_references(item, names)),
        Value::Object(members) => {
            for (name, member) in members {
                match member.as_str() {
                    Some(path) if name == "$ref" => {
                        names.extend(
                            path.strip_prefix("#/components/schemas/")
                                .map(str::to_owned),
                        );
                    }
                    _ => collect_references(member, names),
                }
            }
        }
        _ => {}
    }
}

/// A page's rows, and those of a part of a chart, are named, not written out again.
fn name_rows(schemas: &mut Value) {
    let names: Vec<String> = schemas
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, _)| name.clone())
        .collect();
    for name in &names {
        if let Some(row) = name
            .strip_prefix("Page_")
            .or_else(|| name.strip_prefix("Section_"))
            .filter(|row| names.iter().any(|name| name == row))
        {
            schemas[name]["properties"]["items"]["items"] =
                json!({ "$ref": format!("#/components/schemas/{row}") });
        }
    }
}

/// A read model is its writable part and more. As `allOf` nothing would satisfy it, because the writable part refuses
/// members it does not know; so the parts are joined to one object, wherever they stand.
fn join_parts(value: &mut Value, schemas: &Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| join_parts(item, schemas)),
        Value::Object(object) => {
            if let Some(Value::Array(all)) = object.remove("allOf") {
                join(object, all, schemas);
            }
            object
                .values_mut()
                .for_each(|member| join_parts(member, schemas));
        }
        _ => {}
    }
}

fn join(object: &mut Map<String, Value>, all: Vec<Value>, schemas: &Value) {
    let mut properties = Map::new();
    let mut required = Vec::new();
    let mut shown = Map::new();
    for part in all {
        let mut part = match part["$ref"]
            .as_str()
            .and_then(|path| path.rsplit('/').next())
        {
            Some(name) => schemas[name].clone(),
            None => part,
        };
        // A part may be made of parts.
        if let Some(object) = part.as_object_mut()
            && let Some(Value::Array(all)) = object.remove("allOf")
        {
            join(object, all, schemas);
        }
        properties.extend(part["properties"].as_object().cloned().unwrap_or_default());
        required.extend(part["required"].as_array().cloned().unwrap_or_default());
        shown.extend(part["example"].as_object().cloned().unwrap_or_default());
    }
    object.insert("type".to_owned(), "object".into());
    object.insert("properties".to_owned(), properties.into());
    if !shown.is_empty() {
        object.insert("example".to_owned(), shown.into());
    }
    if !required.is_empty() {
        object.insert("required".to_owned(), required.into());
    }
}

fn shared_responses() -> Value {
    let meanings = [
        (
            "400",
            "The request can't be read: malformed JSON, an unknown parameter, a bad cursor.",
        ),
        ("401", "No valid access token."),
        ("403", "The role does not permit it."),
        ("404", "No such resource, or none the caller may know of."),
        (
            "409",
            "Against the present state of things; `code` says which rule.",
        ),
        (
            "412",
            "The resource has changed since the version the request was made from.",
        ),
        ("413", "The body is too large."),
        ("416", "The content has no such range."),
        ("415", "The body is of a type this operation does not take."),
        ("422", "Some fields break a rule; `errors` names them."),
        ("428", "If-Match is missing."),
        ("429", "Too many requests; Retry-After says when."),
        ("500", "Our fault; request_id finds it in the log."),
        (
            "503",
            "Out of reach for the moment, or the access log can't be written; nothing was disclosed.",
        ),
    ];
    meanings
        .into_iter()
        .map(|(status, meaning)| {
            let response = json!({
                "description": meaning,
                "headers": headers::of_problem(status),
                "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/ProblemDocument" } } }
            });
            (format!("Problem{status}"), response)
        })
        .collect::<Map<_, _>>()
        .into()
}
