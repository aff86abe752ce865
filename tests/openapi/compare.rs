//! What breaks a client between two documents: what it may send and no longer may, what it relies on in
//! an answer and no longer finds.
//!
//! Not breaking: a new path, operation, optional parameter or field, a further status, media type or
//! header of an answer, a refusal that is told otherwise, and a further value of an enumeration in an
//! answer: clients are to pass over what they don't know. A document says all it promises in the
//! keywords that are looked at here; one that is not known to this is reported where it changes.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];
/// Keywords that say nothing about which values fit.
const TELLING: [&str; 7] =
    ["description", "title", "example", "examples", "default", "deprecated", "discriminator"];

/// Every breaking change from one document to another, with its place.
pub fn breaking(old: &Value, new: &Value) -> Vec<String> {
    let mut found = Found { old, new, breaks: Vec::new() };
    for (path, item) in members(&old["paths"]) {
        for method in METHODS {
            let Some(before) = item.get(method) else { continue };
            let place = format!("{} {path}", method.to_uppercase());
            match new["paths"][path].get(method) {
                Some(after) => found.operation(&place, before, after),
                None => found.add(&place, "is gone"),
            }
        }
    }
    found.breaks
}

/// Who must be content with a schema's other side.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// The client sends it: what did fit must fit.
    Sent,
    /// The client reads it: what fits must have fitted.
    Read,
}

struct Found<'a> {
    old: &'a Value,
    new: &'a Value,
    breaks: Vec<String>,
}

impl<'a> Found<'a> {
    fn add(&mut self, place: &str, what: &str) {
        self.breaks.push(format!("{place}: {what}"));
    }

    fn operation(&mut self, place: &str, old: &'a Value, new: &'a Value) {
        if old["operationId"] != new["operationId"] {
            self.add(place, "has another operationId");
        }
        self.security(place, old, new);
        self.parameters(place, old, new);
        let (before, after) = (old.get("requestBody"), new.get("requestBody"));
        match (before, after) {
            (None, Some(body)) if body["required"] == true => self.add(place, "needs a body"),
            (Some(_), None) => self.add(place, "takes no body"),
            (Some(before), Some(after)) => {
                if before["required"] != true && after["required"] == true {
                    self.add(place, "needs its body");
                }
                self.content(&format!("{place} body"), before, after, Way::Sent);
            }
            _ => {}
        }
        for (status, before) in members(&old["responses"]) {
            // How a refusal is told is for people, and for programs by its code, which is not here.
            if !status.starts_with('2') && status != "304" {
                continue;
            }
            let place = format!("{place} {status}");
            let Some(after) = new["responses"].get(status) else {
                self.add(&place, "is gone");
                continue;
            };
            let (before, after) = (resolved(self.old, before), resolved(self.new, after));
            for (name, _) in members(&before["headers"]) {
                if after["headers"].get(name).is_none() {
                    self.add(&place, &format!("lacks the header {name}"));
                }
            }
            self.content(&place, before, after, Way::Read);
        }
    }

    /// A token that was enough must be enough.
    fn security(&mut self, place: &str, old: &'a Value, new: &'a Value) {
        let ways = |operation: &Value| -> Vec<BTreeSet<String>> {
            let all = operation["security"].as_array().into_iter().flatten();
            let scopes = |scheme: &String, scopes: &Value| -> Vec<String> {
                let scopes = scopes.as_array().into_iter().flatten().filter_map(Value::as_str);
                let scopes: Vec<String> = scopes.map(|scope| format!("{scheme} {scope}")).collect();
                if scopes.is_empty() { vec![scheme.clone()] } else { scopes }
            };
            let one = |way: &Value| members(way).flat_map(|(scheme, list)| scopes(scheme, list)).collect();
            let ways: Vec<BTreeSet<String>> = all.map(one).collect();
            // No requirement: open to all.
            if ways.is_empty() { vec![BTreeSet::new()] } else { ways }
        };
        let (before, after) = (ways(old), ways(new));
        if before.iter().any(|way| !after.iter().any(|other| other.is_subset(way))) {
            self.add(place, "needs another scope or way to authenticate");
        }
    }

    fn parameters(&mut self, place: &str, old: &'a Value, new: &'a Value) {
        let key = |one: &Value| (one["in"].as_str().map(str::to_lowercase), one["name"].to_string());
        let (before, after) = (list(&old["parameters"]), list(&new["parameters"]));
        let find =
            |all: &[&'a Value], wanted: &Value| all.iter().copied().find(|one| key(one) == key(wanted));
        for parameter in &before {
            let named = format!("{place} {}", parameter["name"].as_str().unwrap_or_default());
            let Some(now) = find(&after, parameter) else {
                self.add(&named, "is gone");
                continue;
            };
            if parameter["required"] != true && now["required"] == true {
                self.add(&named, "must be there now");
            }
            self.schema(&named, &parameter["schema"], &now["schema"], Way::Sent, &mut Vec::new());
        }
        for parameter in &after {
            if parameter["required"] == true && find(&before, parameter).is_none() {
                let named = format!("{place} {}", parameter["name"].as_str().unwrap_or_default());
                self.add(&named, "is new and must be there");
            }
        }
    }

    fn content(&mut self, place: &str, old: &'a Value, new: &'a Value, way: Way) {
        for (kind, before) in members(&old["content"]) {
            match new["content"].get(kind) {
                None => self.add(place, &format!("is no longer {kind}")),
                Some(after) => {
                    self.schema(place, &before["schema"], &after["schema"], way, &mut Vec::new());
                }
            }
        }
    }

    /// Compares two schemas; `seen` are the named ones that this is within, which may hold themselves.
    fn schema(&mut self, place: &str, old: &Value, new: &Value, way: Way, seen: &mut Vec<(String, String)>) {
        let name = |schema: &Value| schema["$ref"].as_str().unwrap_or_default().to_owned();
        let pair = (name(old), name(new));
        if !pair.0.is_empty() && seen.contains(&pair) {
            return;
        }
        seen.push(pair);
        let (before, after) = (flat(self.old, old), flat(self.new, new));
        if has_alternatives(&before) || has_alternatives(&after) {
            self.alternatives(place, &before, &after, way, seen);
            seen.pop();
            return;
        }
        self.types(place, &before, &after, way);
        self.values(place, &before, &after, way);
        self.bounds(place, &before, &after, way);
        self.properties(place, &before, &after, way, seen);
        if let Some(items) = before.get("items") {
            let none = Value::Bool(true);
            let now = after.get("items").unwrap_or(&none);
            self.schema(&format!("{place}[]"), items, now, way, seen);
        }
        seen.pop();
    }

    fn types(&mut self, place: &str, old: &Map<String, Value>, new: &Map<String, Value>, way: Way) {
        let types = |schema: &Map<String, Value>| -> Option<BTreeSet<String>> {
            let one = |value: &Value| value.as_str().map(ToOwned::to_owned);
            match schema.get("type")? {
                Value::Array(all) => Some(all.iter().filter_map(one).collect()),
                value => Some(one(value).into_iter().collect()),
            }
        };
        // Without a type, any value fits.
        let fits = |narrow: Option<BTreeSet<String>>, wide: Option<BTreeSet<String>>| match (narrow, wide) {
            (_, None) => true,
            (None, Some(_)) => false,
            (Some(narrow), Some(wide)) => {
                narrow.iter().all(|kind| wide.contains(kind) || kind == "integer" && wide.contains("number"))
            }
        };
        let holds = match way {
            Way::Sent => fits(types(old), types(new)),
            Way::Read => fits(types(new), types(old)),
        };
        if !holds {
            self.add(place, "is of another type");
        }
    }

    fn values(&mut self, place: &str, old: &Map<String, Value>, new: &Map<String, Value>, way: Way) {
        let values = |schema: &Map<String, Value>| -> Option<Vec<Value>> {
            let constant = schema.get("const").map(|value| vec![value.clone()]);
            constant.or_else(|| schema.get("enum").and_then(Value::as_array).cloned())
        };
        let (before, after) = (values(old), values(new));
        let holds = match (way, &before, &after) {
            (Way::Sent, _, None) => true,
            (Way::Sent, None, Some(_)) => false,
            (Way::Sent, Some(before), Some(after)) => before.iter().all(|value| after.contains(value)),
            // A value more is passed over by who doesn't know it; any value at all is not.
            (Way::Read, Some(_), None) => false,
            (Way::Read, ..) => true,
        };
        if !holds {
            self.add(place, "has other values");
        }
    }

    fn bounds(&mut self, place: &str, old: &Map<String, Value>, new: &Map<String, Value>, way: Way) {
        let mut names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        let known = [
            "type",
            "enum",
            "const",
            "properties",
            "required",
            "items",
            "oneOf",
            "anyOf",
            "additionalProperties",
            "propertyNames",
        ];
        names.retain(|name| !known.contains(&name.as_str()) && !TELLING.contains(&name.as_str()));
        for name in names {
            let (before, after) = (old.get(name), new.get(name));
            // The side whose bound must be the wider one, and the other.
            let (wide, narrow) = match way {
                Way::Sent => (after, before),
                Way::Read => (before, after),
            };
            let holds = match (wide, narrow) {
                (None, _) => true,
                (Some(_), None) => false,
                (Some(wide), Some(narrow)) if name.to_lowercase().contains("max") => {
                    wide.as_f64() >= narrow.as_f64()
                }
                (Some(wide), Some(narrow)) if name.to_lowercase().contains("min") => {
                    wide.as_f64() <= narrow.as_f64()
                }
                (Some(Value::String(wide)), Some(Value::String(narrow))) if name == "pattern" => {
                    takes_all(wide, narrow)
                }
                (wide, narrow) => wide == narrow,
            };
            if !holds {
                self.add(place, &format!("has another {name}"));
            }
        }
    }

    fn properties(
        &mut self,
        place: &str,
        old: &Map<String, Value>,
        new: &Map<String, Value>,
        way: Way,
        seen: &mut Vec<(String, String)>,
    ) {
        let none = Value::Null;
        let of = |schema: &Map<String, Value>| schema.get("properties").unwrap_or(&none).clone();
        let (before, after) = (of(old), of(new));
        for (name, property) in members(&before) {
            let place = format!("{place}.{name}");
            match after.get(name) {
                Some(now) => self.schema(&place, property, now, way, seen),
                None => self.add(&place, "is gone"),
            }
        }
        let required = |schema: &Map<String, Value>| -> BTreeSet<String> {
            let all = schema.get("required").and_then(Value::as_array).into_iter().flatten();
            all.filter_map(Value::as_str).map(ToOwned::to_owned).collect()
        };
        let (before, after) = (required(old), required(new));
        let missing = match way {
            Way::Sent => after.difference(&before).cloned().collect::<Vec<_>>(),
            Way::Read => before.difference(&after).cloned().collect(),
        };
        for name in missing {
            let what = if way == Way::Sent { "must be there now" } else { "may be missing now" };
            self.add(&format!("{place}.{name}"), what);
        }
        for name in ["additionalProperties", "propertyNames"] {
            let anything = Value::Bool(true);
            let (before, after) = (old.get(name).unwrap_or(&anything), new.get(name).unwrap_or(&anything));
            match (before, after) {
                (Value::Bool(true), Value::Bool(false)) if way == Way::Sent => {
                    self.add(place, "takes no other fields");
                }
                (Value::Object(_), Value::Object(_)) => {
                    self.schema(&format!("{place}.*"), before, after, way, seen);
                }
                // One field more or less that nobody named: in an answer it is passed over.
                (Value::Bool(true), Value::Object(_)) if way == Way::Sent => {
                    self.add(place, "takes other fields in one form only");
                }
                (Value::Object(_), Value::Bool(false)) => self.add(place, "has no other fields"),
                (Value::Object(_), Value::Bool(true)) if way == Way::Read => {
                    self.add(place, "has other fields of any form");
                }
                _ => {}
            }
        }
    }

    /// Each alternative of the side that must be contained fits into one of the other.
    fn alternatives(
        &mut self,
        place: &str,
        old: &Map<String, Value>,
        new: &Map<String, Value>,
        way: Way,
        seen: &mut Vec<(String, String)>,
    ) {
        let of = |schema: &Map<String, Value>| -> Vec<Value> {
            let all = schema.get("oneOf").or_else(|| schema.get("anyOf"));
            // Without alternatives it is its own only one.
            all.and_then(Value::as_array).cloned().unwrap_or_else(|| vec![Value::Object(schema.clone())])
        };
        let (before, after) = (of(old), of(new));
        let mut fits = |before: &Value, after: &Value| {
            let mut tried = Found { old: self.old, new: self.new, breaks: Vec::new() };
            tried.schema(place, before, after, way, seen);
            tried.breaks.is_empty()
        };
        let holds = match way {
            Way::Sent => before.iter().all(|before| after.iter().any(|after| fits(before, after))),
            Way::Read => after.iter().all(|after| before.iter().any(|before| fits(before, after))),
        };
        if !holds {
            self.add(place, "has other alternatives");
        }
    }
}

/// Whether a pattern is another one with further words among its alternatives, or the same.
fn takes_all(wide: &str, narrow: &str) -> bool {
    let parts = |pattern: &str| pattern.split(['(', ')']).map(ToOwned::to_owned).collect::<Vec<_>>();
    let words = |part: &str| part.split('|').map(ToOwned::to_owned).collect::<BTreeSet<_>>();
    let is_words = |part: &str| part.bytes().all(|byte| byte.is_ascii_lowercase() || b"_|".contains(&byte));
    let (wide, narrow) = (parts(wide), parts(narrow));
    wide.len() == narrow.len()
        && wide.iter().zip(&narrow).all(|(wide, narrow)| {
            wide == narrow || is_words(wide) && is_words(narrow) && words(narrow).is_subset(&words(wide))
        })
}

fn has_alternatives(schema: &Map<String, Value>) -> bool {
    schema.contains_key("oneOf") || schema.contains_key("anyOf")
}

/// What a reference names, or the value itself.
fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"].as_str().and_then(|name| name.strip_prefix('#')) {
        Some(pointer) => document.pointer(pointer).unwrap_or(&Value::Null),
        None => value,
    }
}

/// A schema with what it names put in its place, and all that it consists of in one.
fn flat(document: &Value, schema: &Value) -> Map<String, Value> {
    let Some(object) = resolved(document, schema).as_object() else { return Map::new() };
    let mut whole = object.clone();
    let Some(Value::Array(parts)) = whole.remove("allOf") else { return whole };
    for part in &parts {
        for (name, value) in flat(document, part) {
            match (whole.get_mut(&name), value) {
                (Some(Value::Object(there)), Value::Object(more)) => there.extend(more),
                (Some(Value::Array(there)), Value::Array(more)) if name == "required" => there.extend(more),
                (Some(_), _) => {}
                (None, value) => {
                    whole.insert(name, value);
                }
            }
        }
    }
    whole
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn list(value: &Value) -> Vec<&Value> {
    value.as_array().into_iter().flatten().collect()
}
