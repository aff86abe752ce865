//! Examples of bodies, made of those of their parts.

use serde_json::{Map, Value, json};

use super::{members, problem_example};
use crate::error::Code;

/// Adds an example of each body that has none.
pub(super) fn add(operation: &mut Value, schemas: &Map<String, Value>) {
    let fill = |holder: &mut Value| {
        let Some(content) = holder.get_mut("content").and_then(Value::as_object_mut) else { return };
        for (kind, media) in content {
            let bytes = &media["schema"]["items"]["format"] == "int32" && media["schema"]["type"] == "array";
            if bytes {
                // A file, which is no JSON.
                media["schema"] = json!({"type": "string", "format": "binary"});
            }
            if media.get("example").is_none() {
                media["example"] = match kind.as_str() {
                    "application/json" | "application/x-ndjson" | "application/x-www-form-urlencoded" => {
                        example(&media["schema"], schemas, 0)
                    }
                    "text/plain" => json!("localhost:8080/ledger/ins_0190163d8694739bba1a9fbee4e5c1b2\n…\n"),
                    _ => continue,
                };
            }
        }
    };
    if let Some(body) = operation.get_mut("requestBody") {
        fill(body);
    }
    for (status, response) in members(operation, "/responses") {
        fill(response);
        let code = Code::ALL.iter().find(|code| code.status().as_str() == status);
        if let (Some(media), Some(code)) = (response.pointer_mut("/content/application~1problem+json"), code)
        {
            media["example"] = problem_example(*code);
        }
    }
}

/// An example of a schema, from those of its parts.
pub(super) fn of(schema: &Value, schemas: &Map<String, Value>) -> Value {
    example(schema, schemas, 0)
}

/// The same, so many schemas deep.
fn example(schema: &Value, schemas: &Map<String, Value>, depth: usize) -> Value {
    // Deeper than any body; a schema that contains itself ends here.
    if depth > 12 {
        return Value::Null;
    }
    if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
        return schemas.get(name).map_or(Value::Null, |schema| example(schema, schemas, depth + 1));
    }
    for key in ["example", "const"] {
        if let Some(value) = schema.get(key) {
            return value.clone();
        }
    }
    for key in ["examples", "enum"] {
        if let Some(value) = schema.get(key).and_then(|list| list.get(0)) {
            return value.clone();
        }
    }
    for key in ["oneOf", "anyOf"] {
        if let Some(list) = schema.get(key).and_then(Value::as_array) {
            let first = list.iter().find(|one| one["type"] != "null");
            return first.map_or(Value::Null, |one| example(one, schemas, depth + 1));
        }
    }
    if let Some(list) = schema.get("allOf").and_then(Value::as_array) {
        let mut whole = Map::new();
        for part in list {
            if let Value::Object(part) = example(part, schemas, depth + 1) {
                whole.extend(part);
            }
        }
        return Value::Object(whole);
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds.first().cloned().unwrap_or_default(),
        kind => kind.clone(),
    };
    match kind.as_str() {
        Some("array") => json!([example(&schema["items"], schemas, depth + 1)]),
        Some("integer") => schema.get("minimum").cloned().unwrap_or(json!(1)),
        Some("boolean") => json!(true),
        Some("string") => example_text(schema),
        _ => match schema.get("properties").and_then(Value::as_object) {
            Some(properties) => properties
                .iter()
                .map(|(name, part)| (name.clone(), example(part, schemas, depth + 1)))
                .collect::<Map<_, _>>()
                .into(),
            None => json!({}),
        },
    }
}

fn example_text(schema: &Value) -> Value {
    if schema["pattern"] == "^[0-9a-f]{64}$" {
        return json!("6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
    }
    match schema["format"].as_str() {
        Some("date") => json!("2026-01-31"),
        Some("date-time") => json!("2026-01-05T09:30:00Z"),
        _ => json!("…"),
    }
}
