//! Fields of bodies and parameters: name, kind, what they say.

use std::fmt::Write as _;

use serde_json::Value;

use super::markdown::{escape, inline};

/// How deep the fields of fields are told.
const DEPTH: usize = 4;

/// A field or parameter.
pub(super) struct Field<'a> {
    pub(super) name: String,
    /// Where a parameter stands.
    pub(super) note: &'a str,
    pub(super) required: bool,
    pub(super) description: &'a str,
    pub(super) schema: &'a Value,
}

/// The schema that a reference is to.
pub(super) fn resolve<'a>(schema: &'a Value, schemas: &'a Value) -> &'a Value {
    match schema["$ref"].as_str().and_then(|name| name.rsplit('/').next()) {
        Some(name) => &schemas[name],
        None => schema,
    }
}

/// The one that is meant where a schema may also be null, or have some fields only.
fn meant<'a>(schema: &'a Value, schemas: &'a Value) -> &'a Value {
    let schema = resolve(schema, schemas);
    let either = ["oneOf", "anyOf"].iter().find_map(|key| schema[*key].as_array());
    let is_object = schema.get("properties").is_some();
    match either.and_then(|all| all.iter().find(|one| one["type"] != "null")) {
        Some(first) if !is_object => resolve(first, schemas),
        _ => schema,
    }
}

/// A kind in a few words: `string`, `date`, `one of a, b`.
pub(super) fn kind(schema: &Value, schemas: &Value) -> String {
    let schema = meant(schema, schemas);
    if let Some(words) = schema["enum"].as_array() {
        let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
        return format!("one of {}", words.join(", "));
    }
    let name = match &schema["type"] {
        Value::Array(kinds) => kinds.first().and_then(Value::as_str),
        kind => kind.as_str(),
    };
    match (name, schema["format"].as_str()) {
        (Some("array"), _) => format!("list of {}", kind(&schema["items"], schemas)),
        (Some("string"), Some(format)) => format.to_owned(),
        (Some(name), _) => match schema["examples"][0].as_str() {
            Some(example) => format!("{name}, as {example}"),
            None => name.to_owned(),
        },
        (None, _) => "any".to_owned(),
    }
}

/// Writes one field as a term and its description.
pub(super) fn describe(html: &mut String, field: &Field<'_>, schemas: &Value) {
    let schema = meant(field.schema, schemas);
    let mut limits = Vec::new();
    for (key, what) in [("minimum", "from"), ("maximum", "to"), ("maxLength", "at most, characters:")] {
        if let Some(limit) = schema[key].as_u64().filter(|limit| *limit < 1 << 52) {
            limits.push(format!("{what} {limit}"));
        }
    }
    let _ = writeln!(
        html,
        "<dt><code>{}</code> <small>{}{}{}</small>{}</dt><dd>{}</dd>",
        escape(&field.name),
        if field.note.is_empty() { String::new() } else { format!("{} · ", field.note) },
        escape(&kind(field.schema, schemas)),
        if limits.is_empty() { String::new() } else { format!(", {}", limits.join(" ")) },
        if field.required { " <em>required</em>" } else { "" },
        inline(field.description)
    );
}

/// Writes the fields of an object, with those of their parts behind them.
pub(super) fn list(html: &mut String, schema: &Value, schemas: &Value) {
    *html += "<dl>\n";
    walk(html, schema, schemas, "", 0);
    *html += "</dl>\n";
}

fn walk(html: &mut String, schema: &Value, schemas: &Value, prefix: &str, depth: usize) {
    let schema = meant(schema, schemas);
    if depth > DEPTH {
        return;
    }
    if schema["type"] == "array" {
        return walk(html, &schema["items"], schemas, &format!("{prefix}[]"), depth);
    }
    let required = schema["required"].as_array().map(Vec::as_slice).unwrap_or_default();
    for (name, part) in schema["properties"].as_object().into_iter().flatten() {
        let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        let own = part["description"].as_str().or_else(|| part["oneOf"][0]["description"].as_str());
        let description = own.or_else(|| meant(part, schemas)["description"].as_str()).unwrap_or_default();
        let required = required.iter().any(|one| one == name);
        let field = Field { name: path.clone(), note: "", required, description, schema: part };
        describe(html, &field, schemas);
        let inner = meant(part, schemas);
        if inner.get("properties").is_some() || inner["type"] == "array" {
            walk(html, part, schemas, &path, depth + 1);
        }
    }
}
