//! Schemas as their readers want them: each record stands once and is referred to, records of which
//! only some fields were asked for have a schema of their own, and what is flattened is one object.

use serde_json::{Map, Value, json};

use super::parameters::TEXT;

/// Names the records of which a query can ask for some fields.
const RECORDS: &[&str] = &["Account", "Transaction"];

/// Puts the schemas in order.
pub(super) fn complete(schemas: &mut Map<String, Value>) {
    let before = schemas.clone();
    schemas.values_mut().for_each(|schema| flatten(schema, &before));
    schemas.values_mut().for_each(text);
    if let Some(wanted) = schemas.get_mut("Wanted") {
        let references = &mut wanted["properties"]["references"];
        references["items"] = json!({"type": "string", "minLength": 1, "maxLength": 64, "pattern": TEXT});
        wanted["anyOf"] = json!([
            {"required": ["ids"], "properties": {"ids": {"minItems": 1}}},
            {"required": ["references"], "properties": {"references": {"minItems": 1}}},
        ]);
    }
    for name in RECORDS {
        let Some(whole) = schemas.get(*name).cloned() else { continue };
        for (_, other) in schemas.iter_mut().filter(|(other, _)| other != name) {
            refer(other, &whole, name);
        }
    }
}

/// The records' names and the names of their fields.
pub(super) fn fields_of(schemas: &Map<String, Value>) -> Vec<(&'static str, Vec<String>)> {
    let names =
        |name: &str| schemas.get(name)?["properties"].as_object().map(|all| all.keys().cloned().collect());
    RECORDS.iter().filter_map(|name| Some((*name, names(name)?))).collect()
}

/// Lets the answers of an operation whose query can name fields have records of some fields only.
/// Answers the fields' names.
pub(super) fn some_fields(
    operation: &mut Value,
    schemas: &mut Map<String, Value>,
    records: &[(&'static str, Vec<String>)],
) -> Vec<String> {
    let takes_fields = operation["parameters"]
        .as_array()
        .is_some_and(|all| all.iter().any(|parameter| parameter["name"] == "fields"));
    let Some(schema) = operation.pointer("/responses/200/content/application~1json/schema") else {
        return Vec::new();
    };
    let Some(name) = reference(schema).map(ToOwned::to_owned).filter(|_| takes_fields) else {
        return Vec::new();
    };
    for (record, fields) in records {
        let (whole, some) = (format!("#/components/schemas/{record}"), format!("Some{record}"));
        let mut found = false;
        let either = json!({"anyOf": [{"$ref": whole}, {"$ref": format!("#/components/schemas/{some}")}]});
        if let Some(body) = schemas.get_mut(&name) {
            replace(body, &json!({"$ref": whole}), &either, &mut found);
        }
        if found {
            let mut part = schemas[*record].clone();
            part["required"] = json!(["id"]);
            part["description"] =
                json!(format!("Those fields of the {} that were asked for.", record.to_lowercase()));
            schemas.insert(some, part);
        }
        if found || either_stands(&schemas[&name], &either) {
            return fields.clone();
        }
    }
    Vec::new()
}

fn either_stands(schema: &Value, either: &Value) -> bool {
    schema == either
        || match schema {
            Value::Object(members) => members.values().any(|part| either_stands(part, either)),
            Value::Array(parts) => parts.iter().any(|part| either_stands(part, either)),
            _ => false,
        }
}

fn reference(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.rsplit('/').next()
}

/// Replaces a schema wherever it stands, except as one of several.
fn replace(schema: &mut Value, old: &Value, new: &Value, found: &mut bool) {
    if schema == old {
        *schema = new.clone();
        *found = true;
        return;
    }
    match schema {
        Value::Object(members) => {
            let parts = members.iter_mut().filter(|(name, _)| *name != "anyOf");
            parts.for_each(|(_, part)| replace(part, old, new, found));
        }
        Value::Array(parts) => parts.iter_mut().for_each(|part| replace(part, old, new, found)),
        _ => {}
    }
}

/// Puts a reference in the place of a copy of a record's schema.
fn refer(schema: &mut Value, whole: &Value, name: &str) {
    if schema == whole {
        *schema = json!({"$ref": format!("#/components/schemas/{name}")});
        return;
    }
    match schema {
        Value::Object(members) => members.values_mut().for_each(|part| refer(part, whole, name)),
        Value::Array(parts) => parts.iter_mut().for_each(|part| refer(part, whole, name)),
        _ => {}
    }
}

/// A text with a limit has no control characters.
fn text(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            let is_text = members.contains_key("maxLength") && !members.contains_key("pattern");
            if is_text {
                members.insert("pattern".to_owned(), TEXT.into());
            }
            members.values_mut().for_each(text);
        }
        Value::Array(parts) => parts.iter_mut().for_each(text),
        _ => {}
    }
}

/// Makes one object of the objects that a flattened one is written as.
fn flatten(schema: &mut Value, schemas: &Map<String, Value>) {
    let Some(parts) = schema.get("allOf").and_then(Value::as_array) else { return };
    let (mut properties, mut required) = (Map::new(), Vec::new());
    for part in parts {
        let part = reference(part).and_then(|name| schemas.get(name)).unwrap_or(part);
        let Some(members) = part["properties"].as_object() else { return };
        properties.extend(members.clone());
        required.extend(part["required"].as_array().cloned().unwrap_or_default());
    }
    *schema = json!({
        "type": "object", "description": schema["description"], "properties": properties, "required": required,
    });
}
