//! Every text that somebody can send, and what becomes of it.

use std::collections::BTreeSet;

use serde_json::Value;

use super::payload::Field;
use crate::support::Server;

/// What becomes of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is kept: payloads are planted in it.
    Planted,
    /// It is no free text: payloads are refused.
    Refused,
    /// Neither, and why.
    Otherwise(&'static str),
}

use Fate::{Otherwise, Planted, Refused};

const TOKEN: Fate = Otherwise("what is no token is told so, and kept nowhere");
const DIAGNOSED: Fate =
    Otherwise("answered at once and kept nowhere; the form for it is sent with a payload too");
const DOCUMENT: Fate = Otherwise("a document is kept as it is, whatever it is");

/// Free texts of the API: the operation, the place in what it is sent (`?` in the query, `@` among the headers,
/// else a path in the body, or the kind of a body that is one text).
const OF_THE_API: &[(&str, &str, Fate)] = &[
    ("createInstitution", "/name", Planted),
    ("createInstitution", "/plan", Refused),
    ("changeInstitution", "/plan", Refused),
    ("createClient", "/name", Planted),
    ("createClient", "/allowed_addresses/*", Refused),
    ("createClient", "/external/issuer", Refused),
    ("createClient", "/external/subject", Refused),
    ("createClient", "/jwks", Refused),
    ("changeClient", "/allowed_addresses/*", Refused),
    ("putAllowedAddresses", "/allowed_addresses/*", Refused),
    ("addClientKey", "json", Refused),
    ("tellLineage", "json", Otherwise("its members are below, under OpenLineage")),
    ("tellLineageBatch", "/*", Otherwise("each event is told as tellLineage tells it")),
    ("introspectToken", "/client_assertion", TOKEN),
    ("introspectToken", "/client_assertion_type", TOKEN),
    ("introspectToken", "/token", TOKEN),
    ("introspectToken", "/token_type_hint", TOKEN),
    ("revokeToken", "/client_assertion", TOKEN),
    ("revokeToken", "/client_assertion_type", TOKEN),
    ("revokeToken", "/token", TOKEN),
    ("revokeToken", "/token_type_hint", TOKEN),
    ("issueToken", "/client_assertion", Refused),
    ("issueToken", "/client_assertion_type", Refused),
    ("issueToken", "/scope", Refused),
    ("issueToken", "@DPoP", Refused),
    ("diagnoseRequest", "/certificate", DIAGNOSED),
    ("diagnoseRequest", "/headers/*", DIAGNOSED),
    ("diagnoseRequest", "/method", DIAGNOSED),
    ("diagnoseRequest", "/url", DIAGNOSED),
    ("createExport", "/filter/*", Planted),
    ("createIncident", "/text", Planted),
    ("createIncident", "/title", Planted),
    ("updateIncident", "/text", Planted),
    ("createGrant", "/email", Refused),
    ("createGrant", "/purpose", Planted),
    ("revokeGrant", "/reason", Planted),
    ("putIntakeMapping", "toml", Planted),
    ("createIntake", "?file_name", Planted),
    ("createIntake", "csv", Planted),
    ("createIntake", "xml", Planted),
    ("createIntake", "plain", Otherwise("MT940: its texts become those of records, as camt's do")),
    ("appendToIntake", "offset+octet-stream", Otherwise("a part of a file, read as createIntake reads it")),
    ("planRequests", "/requests/*/operation", Refused),
    ("depositReport", "?reason", Planted),
    ("depositReport", "csv", Planted),
    ("depositReport", "xml", Planted),
    ("depositReport", "json", DOCUMENT),
    ("depositReport", "octet-stream", DOCUMENT),
    ("depositReport", "pdf", DOCUMENT),
    ("depositReport", "zip", DOCUMENT),
    ("createReportSchedule", "/from", Refused),
    ("createReportSchedule", "/parameters/*", Planted),
    ("createReportSchedule", "/type", Refused),
    ("createReport", "/parameters/*", Planted),
    ("createReport", "/period", Refused),
    ("createReport", "/type", Refused),
    ("createReportAdjustment", "/figure", Refused),
    ("createReportAdjustment", "/reason", Planted),
    ("createReportVersion", "/reason", Planted),
    ("createReportDelivery", "/channel", Planted),
    ("createReportDelivery", "/delivered_at", Refused),
    ("createReportDelivery", "/recipient", Planted),
    ("createReportDelivery", "/reference", Planted),
    ("createReportValidation", "/output", Planted),
    ("createReportValidation", "/validator", Planted),
    ("createReportValidation", "/version", Planted),
    ("deliverTransactions", "/account", Planted),
    ("deliverTransactions", "/bank_transaction_code", Planted),
    ("deliverTransactions", "/counterparty/account", Planted),
    ("deliverTransactions", "/counterparty/agent", Planted),
    ("deliverTransactions", "/counterparty/name", Planted),
    ("deliverTransactions", "/end_to_end_id", Planted),
    ("deliverTransactions", "/purpose", Planted),
    ("deliverTransactions", "/reference", Planted),
    ("deliverTransactions", "/remittance_information", Planted),
    ("deliverTransactions", "/revision/reason", Planted),
    ("lookUpTransactions", "/references/*", Otherwise("looked for, and kept nowhere")),
    ("createWebhook", "/description", Planted),
    ("createWebhook", "/url", Planted),
    ("changeWebhook", "/description", Planted),
    ("changeWebhook", "/url", Refused),
];

/// Texts that come in by other ways than the bodies and queries that the document describes.
const BESIDES: &[(&str, &str, Fate)] = &[
    ("veritrail user add", "--email", Planted),
    ("veritrail user add", "--name", Planted),
    ("camt.053", "Acct/Nm", Planted),
    ("camt.053", "Acct/Svcr/FinInstnId/Nm", Planted),
    ("OpenLineage", "producer", Planted),
    ("OpenLineage", "run/runId", Planted),
    ("OpenLineage", "run/facets", Planted),
    ("OpenLineage", "run/facets/parent/run/runId", Planted),
    ("OpenLineage", "run/facets/parent/job/namespace", Planted),
    ("OpenLineage", "run/facets/parent/job/name", Planted),
    ("OpenLineage", "job/namespace", Planted),
    ("OpenLineage", "job/name", Planted),
    ("OpenLineage", "inputs/namespace", Planted),
    ("OpenLineage", "inputs/name", Planted),
    ("OpenLineage", "outputs/namespace", Planted),
    ("OpenLineage", "outputs/name", Planted),
    ("OpenLineage", "outputs/facets/version", Planted),
    ("OpenLineage", "outputs/facets/schema/name", Planted),
    ("OpenLineage", "outputs/facets/schema/type", Planted),
    ("OpenLineage", "outputs/facets/columnLineage/field", Planted),
    ("OpenLineage", "outputs/facets/columnLineage/subtype", Planted),
    ("any operation", "Idempotency-Key", Planted),
    ("any operation", "X-Request-Id", Refused),
    ("a look", "path and query", Planted),
    ("a webhook's receiver", "its answer", Planted),
];

/// What is kept and stands on no page, nor in a file that a page leads to.
pub const UNSHOWN: &[Field] = &[
    // The ledger has its hash, and no page has mappings.
    ("putIntakeMapping", "toml"),
    // Only its hash is kept.
    ("any operation", "Idempotency-Key"),
];

fn all() -> impl Iterator<Item = &'static (&'static str, &'static str, Fate)> {
    OF_THE_API.iter().chain(BESIDES)
}

/// The fields that something becomes of.
pub fn with(fate: Fate) -> BTreeSet<Field> {
    all().filter(|(.., of)| *of == fate).map(|(operation, place, _)| (*operation, *place)).collect()
}

/// What marks a field's payloads.
pub fn mark((operation, place): Field) -> String {
    let number = all().position(|(of, at, _)| (*of, *at) == (operation, place));
    let number = number.unwrap_or_else(|| panic!("{operation} {place} is not listed"));
    // Two digits of base 36: it must fit the shortest field.
    assert!(number < 36 * 36);
    let digit = |of: usize| char::from_digit(u32::try_from(of).unwrap(), 36).unwrap();
    format!("p{}{}", digit(number / 36), digit(number % 36))
}

#[test]
fn marks_differ_and_what_is_shown_nowhere_is_planted() {
    let marks: BTreeSet<String> = all().map(|(operation, place, _)| mark((*operation, *place))).collect();
    assert_eq!(marks.len(), all().count());
    let planted = with(Planted);
    assert!(UNSHOWN.iter().all(|field| planted.contains(field)), "{UNSHOWN:?}");
}

#[tokio::test]
async fn every_free_text_of_the_api_is_listed_with_what_becomes_of_it() {
    let document = Server::shared().stranger().get("/openapi.json").await.ok();
    let mut found = BTreeSet::new();
    for (_, item) in document["paths"].as_object().unwrap() {
        for method in ["post", "put", "patch", "delete"] {
            let operation = &item[method];
            let Some(id) = operation["operationId"].as_str() else { continue };
            for place in texts_of(&document, operation) {
                // Its lines are those of deliverTransactions, and read by the same reader.
                let is_same = id == "createIntake" && place.starts_with('/');
                if !is_same && place != "@Idempotency-Key" {
                    found.insert((id.to_owned(), place));
                }
            }
        }
    }
    let listed: BTreeSet<(String, String)> = OF_THE_API
        .iter()
        .map(|(operation, place, _)| ((*operation).to_owned(), (*place).to_owned()))
        .collect();
    assert_eq!(listed.len(), OF_THE_API.len(), "each is listed once");
    let (new, gone): (Vec<_>, Vec<_>) =
        (found.difference(&listed).collect(), listed.difference(&found).collect());
    assert!(new.is_empty(), "say in OF_THE_API what becomes of these texts: {new:?}");
    assert!(gone.is_empty(), "there are no such texts any more: {gone:?}");
}

/// The places of an operation's free texts.
fn texts_of(document: &Value, operation: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let sign = match parameter["in"].as_str() {
            Some("query") => '?',
            Some("header") => '@',
            _ => continue,
        };
        let mut within = BTreeSet::new();
        walk(document, &parameter["schema"], "", &mut Vec::new(), &mut within);
        found
            .extend(within.iter().map(|path| format!("{sign}{}{path}", parameter["name"].as_str().unwrap())));
    }
    for (kind, media) in operation["requestBody"]["content"].as_object().into_iter().flatten() {
        let mut within = BTreeSet::new();
        walk(document, &media["schema"], "", &mut Vec::new(), &mut within);
        let subtype = kind.split('/').nth(1).unwrap();
        found.extend(within.into_iter().map(|path| if path.is_empty() { subtype.to_owned() } else { path }));
    }
    found
}

/// Finds strings, and objects and values of any kind, in a schema.
fn walk(document: &Value, schema: &Value, path: &str, above: &mut Vec<String>, found: &mut BTreeSet<String>) {
    if let Some(name) = schema["$ref"].as_str() {
        if !above.iter().any(|known| known == name) {
            above.push(name.to_owned());
            let target = document.pointer(name.strip_prefix('#').unwrap()).unwrap();
            walk(document, target, path, above, found);
            above.pop();
        }
        return;
    }
    for several in ["allOf", "oneOf", "anyOf"] {
        for one in schema[several].as_array().into_iter().flatten() {
            walk(document, one, path, above, found);
        }
    }
    let is = |kind: &str| match &schema["type"] {
        Value::Array(kinds) => kinds.iter().any(|it| it == kind),
        one => one == kind,
    };
    let properties = schema["properties"].as_object();
    for (name, inner) in properties.into_iter().flatten() {
        walk(document, inner, &format!("{path}/{name}"), above, found);
    }
    if schema["items"].is_object() {
        walk(document, &schema["items"], &format!("{path}/*"), above, found);
    }
    let more = &schema["additionalProperties"];
    let is_open = is("object") && properties.is_none_or(serde_json::Map::is_empty);
    if more.as_object().is_some_and(|more| !more.is_empty()) {
        walk(document, more, &format!("{path}/*"), above, found);
    } else if is_open {
        found.insert(path.to_owned());
    }
    let says_nothing = schema.as_object().is_some_and(|members| {
        let telling =
            ["type", "allOf", "oneOf", "anyOf", "enum", "const", "required", "properties", "minItems", "not"];
        !telling.iter().any(|member| members.contains_key(*member))
    });
    if says_nothing || is("string") && !is_strict(schema) {
        found.insert(path.to_owned());
    }
}

/// Whether a string's schema leaves no room for a payload.
fn is_strict(schema: &Value) -> bool {
    let told = schema.get("enum").is_some() || schema.get("const").is_some();
    let format =
        schema["format"].as_str().is_some_and(|format| ["date", "date-time", "ip"].contains(&format));
    // Classes of what it is not, ranges up to the tilde and wild cards take brackets and quotes.
    let loose = ["[^", "\\S", "-~", ".*", ".+"];
    let pattern = schema["pattern"].as_str();
    told || format || pattern.is_some_and(|pattern| !loose.iter().any(|it| pattern.contains(it)))
}
