//! What the API tells.

use serde_json::Value;

/// A text; empty where there is none.
#[must_use]
pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
