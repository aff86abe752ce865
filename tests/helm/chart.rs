//! The chart's own files agree with one another.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{document, file, list, named, read, templates, text};

/// The paths in a document down to what is no map, or an empty one.
fn leaves(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    match value.as_object().filter(|map| !map.is_empty()) {
        None => _ = found.insert(path.trim_start_matches('.').to_owned()),
        Some(map) => map.iter().for_each(|(key, value)| leaves(value, &format!("{path}.{key}"), found)),
    }
}

/// The same of a schema: down to what names no properties.
fn described(schema: &Value, path: &str, found: &mut BTreeSet<String>) {
    match schema["properties"].as_object() {
        None => _ = found.insert(path.trim_start_matches('.').to_owned()),
        Some(map) => map.iter().for_each(|(key, value)| described(value, &format!("{path}.{key}"), found)),
    }
}

fn values() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    leaves(&document("helm/values.yaml"), "", &mut found);
    assert!(found.len() > 60, "{found:?}");
    found
}

fn schema() -> Value {
    serde_json::from_str(&read("helm/values.schema.json")).unwrap()
}

/// Whether a path is another one or stands above it.
fn covers(path: &str, other: &str) -> bool {
    other.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

#[test]
fn every_value_is_in_the_schema_and_the_other_way() {
    let mut described_ones = BTreeSet::new();
    described(&schema(), "", &mut described_ones);
    let values = values();
    for value in &values {
        assert!(described_ones.iter().any(|path| covers(path, value)), "the schema has no {value}");
    }
    for path in &described_ones {
        assert!(values.iter().any(|value| covers(path, value)), "values.yaml has no {path}");
    }
}

#[test]
fn the_schema_refuses_a_value_that_nobody_knows() {
    fn closed(schema: &Value, path: &str) {
        let Some(properties) = schema["properties"].as_object() else { return };
        // A section of the configuration may name any key of it; the service refuses what it doesn't know.
        if path.starts_with(".config") {
            assert!(schema["propertyNames"]["pattern"].is_string(), "{path}");
        } else {
            assert_eq!(schema["additionalProperties"], false, "{path}");
        }
        properties.iter().for_each(|(key, schema)| closed(schema, &format!("{path}.{key}")));
    }
    closed(&schema(), "");
}

#[test]
fn every_value_is_used_and_every_one_that_is_used_is_there() {
    let values = values();
    let mut used = BTreeSet::new();
    for (name, template) in templates() {
        for path in named(&template, ".Values.", |c| c.is_ascii_alphanumeric() || c == '.' || c == '_') {
            assert!(values.iter().any(|value| covers(&path, value)), "{name}: there is no value {path}");
            used.insert(path);
        }
    }
    for value in &values {
        assert!(used.iter().any(|path| covers(path, value)), "no template uses {value}");
    }
}

#[test]
fn what_can_not_be_guessed_must_be_said() {
    let (values, schema) = (document("helm/values.yaml"), schema());
    assert_eq!((&values["host"], &values["image"]["repository"]), (&"".into(), &"".into()));
    assert!(list(&schema["required"]).contains(&"host".into()));
    assert!(text(&schema["properties"]["host"]["pattern"]).starts_with("^[a-z0-9]"));
    assert_eq!(schema["properties"]["image"]["properties"]["repository"]["minLength"], 1);
}

#[test]
fn the_chart_is_of_this_release() {
    let chart = document("helm/Chart.yaml");
    assert_eq!(chart["appVersion"], env!("CARGO_PKG_VERSION"));
}

#[test]
fn the_readme_makes_every_secret_and_tells_of_every_group_of_values() {
    let (readme, values) = (read("helm/README.md"), document("helm/values.yaml"));
    for (name, secret) in values["secrets"].as_object().unwrap() {
        let made = format!("kubectl -n veritrail create secret generic {}", text(&secret["existingSecret"]));
        assert!(readme.contains(&made), "the README does not make the secret of secrets.{name}");
    }
    for key in values.as_object().unwrap().keys() {
        assert!(readme.contains(&format!("`{key}")), "the README does not tell of {key}");
    }
    for path in named(&readme, "](", |c| c != ')').iter().filter(|path| !path.starts_with('#')) {
        assert!(file("helm").join(path).exists(), "the README points at {path}");
    }
}
