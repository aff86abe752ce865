//! What the API tells.

use serde_json::Value;

/// A text; empty where there is none.
#[must_use]
pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// A whole number; 0 where there is none.
#[must_use]
pub fn number(value: &Value) -> i64 {
    value.as_i64().unwrap_or_default()
}

/// What a list holds; nothing where there is none.
#[must_use]
pub fn items(list: &Value) -> &[Value] {
    list.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// The rows of a page of a list: its `data`.
#[must_use]
pub fn rows(answer: &Value) -> &[Value] {
    items(&answer["data"])
}
