//! What parameters take, to the letter: a parameter of one name takes the same everywhere, so its
//! schema stands here once.

use serde_json::{Value, json};

use veritrail_audit::Kind;

use crate::domain::EventType;

/// A text without control characters.
pub(super) const TEXT: &str = "^[^\\x00-\\x1f\\x7f-\\x9f]*$";

/// Makes the schemas of an operation's parameters exact, and drops the empty list that some have.
/// `fields` are those of the records that it answers with.
pub(super) fn complete(operation: &mut Value, fields: &[String]) {
    let operation_id = operation["operationId"].clone();
    let Some(parameters) = operation.get_mut("parameters").and_then(Value::as_array_mut) else {
        if let Some(operation) = operation.as_object_mut() {
            operation.remove("parameters");
        }
        return;
    };
    if operation_id == "listAccountTransactions" {
        // The path names the account.
        parameters.retain(|parameter| parameter["name"] != "account_id");
    }
    for parameter in parameters {
        let (Some(name), Some(place)) = (parameter["name"].as_str(), parameter["in"].as_str()) else {
            continue;
        };
        let exact = exact(name, place, &parameter["schema"], fields);
        if let (Some(schema), Some(exact)) = (parameter["schema"].as_object_mut(), exact) {
            // What is not said again stays as the operation has it.
            schema.extend(exact.as_object().cloned().unwrap_or_default());
        }
        let integer = parameter["schema"]["type"] == "integer";
        if let Some(number) = parameter["example"].as_str().and_then(|text| text.parse::<u64>().ok())
            && integer
        {
            parameter["example"] = number.into();
        }
    }
}

/// What a parameter's schema says beyond its type.
fn exact(name: &str, place: &str, schema: &Value, fields: &[String]) -> Option<Value> {
    let text = |most: u32| json!({"type": "string", "minLength": 1, "maxLength": most, "pattern": TEXT});
    let pattern = |pattern: &str| json!({"type": "string", "pattern": pattern});
    let list = |one: &str| pattern(&format!("^{one}(,{one}){{0,99}}$"));
    let (bare, operator) = name.split_once('[').unwrap_or((name, ""));
    Some(match (place, bare, operator) {
        ("header", "Idempotency-Key", _) => {
            json!({"type": "string", "pattern": "^[!-~]{1,255}$"})
        }
        ("header", "Upload-Length" | "Upload-Offset", _) => {
            json!({"type": "integer", "format": "int64", "minimum": 0, "maximum": crate::config::Intake::default().file_bytes_max})
        }
        ("header", ..) => json!({"type": "string"}),
        (_, "cursor", _) => json!({"type": "string", "pattern": "^[A-Za-z0-9_-]+$", "maxLength": 2048}),
        (_, "as_of", _) => json!({"type": "string", "pattern": "^[0-9]{1,18}$"}),
        (_, "proof", _) => json!({"type": "string", "enum": ["inclusion"]}),
        (_, "on_error", _) => json!({"type": "string", "enum": ["abort", "skip"]}),
        (_, "kind", _) if schema.get("pattern").is_none() => {
            json!({"type": "string", "enum": Kind::ALL.map(Kind::as_str)})
        }
        (_, "sort", _) if schema.get("enum").is_none() && schema.get("pattern").is_none() => {
            json!({"type": "string", "enum": ["booking_date", "-booking_date", "seq", "-seq"]})
        }
        (_, "fields", _) if !fields.is_empty() => list(&format!("({})", fields.join("|"))),
        (_, "at", _) => json!({"type": "string", "format": "date-time"}),
        (_, "amount", _) => pattern("^[0-9]{1,14}(\\.[0-9]{1,2})?$"),
        (_, "currency", "in]") => list("[A-Z]{3}"),
        (_, "status", "in]") => list("(booked|pending|information)"),
        (_, "type", "in]") => {
            let names: Vec<&str> = EventType::ALL.iter().map(|one| one.as_str()).collect();
            list(&format!("({})", names.join("|").replace('.', "\\.")))
        }
        (_, "id", "in]") => list("txn_[0-9a-f]{32}"),
        (_, "reference", "in]") => list("[^,\\x00-\\x1f\\x7f-\\x9f]{1,64}"),
        (_, "subject", _) => pattern("^(acc|txn|evb)_[0-9a-f]{32}$"),
        ("path", "tile", _) => pattern("^(entries|[0-9]{1,2})/(x[0-9]{3}/){0,6}[0-9]{3}(\\.p/[0-9]{1,3})?$"),
        ("query", "format", _) => json!({"type": "string", "enum": ["camt", "mt940", "csv", "ndjson"]}),
        ("query", "mapping", _) => pattern("^[a-z0-9-]{1,32}$"),
        ("query", "file_name", _) => text(255),
        ("path", "name", _) => pattern("^[a-z0-9-]{1,32}$"),
        ("query", "prefix", _) => text(200),
        (_, _, "contains]") => text(1000),
        (_, "reference" | "end_to_end_id" | "counterparty_account", "") => text(64),
        // Numbers of entries, which JSON's numbers hold exactly.
        _ if schema["format"] == "int64" => json!({"maximum": 9_007_199_254_740_991_i64}),
        _ => return None,
    })
}
