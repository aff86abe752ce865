//! The OpenAPI 3.1 document, made from the routes. What all operations share (problems, headers,
//! examples) is added here, once, so that no operation can forget it.

mod examples;
mod links;
mod parameters;
pub mod reference;
mod samples;
mod schemas;

use serde_json::{Map, Value, json};
use utoipa::openapi::{
    ComponentsBuilder, ContactBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder,
    security::{ClientCredentials, Flow, Http, HttpAuthScheme, OAuth2, Scopes, SecurityScheme},
    tag::TagBuilder,
};

use crate::{
    access::deprecation::{self, DEPRECATED, Deprecation},
    api::operations,
    domain::Scope,
    error::{Code, Fault, ProblemBody},
    router,
};

/// Where what the document describes is served, without a trailing slash.
#[derive(Clone, Debug)]
pub struct Addresses {
    /// The API.
    pub api: String,
    /// The admin API.
    pub admin: String,
}

/// Those of a service whose configuration says nothing.
impl Default for Addresses {
    fn default() -> Self {
        Self { api: "http://localhost:8080".to_owned(), admin: "http://localhost:8081".to_owned() }
    }
}

/// The whole document, as it is served and committed.
///
/// # Errors
/// When it can't be written as JSON.
pub fn whole(at: &Addresses) -> Result<Value, serde_json::Error> {
    let mut api = serde_json::to_value(router::describe(base(at), router::api))?;
    let mut admin = serde_json::to_value(router::describe(base(at), router::admin))?;
    api["servers"] = json!([{"url": at.api, "description": "The API"}]);
    for item in members(&mut admin, "/paths").values_mut() {
        item["servers"] = json!([{"url": at.admin, "description": "The admin port"}]);
    }
    let admin_paths = std::mem::take(members(&mut admin, "/paths"));
    members(&mut api, "/paths").extend(admin_paths);
    let admin_schemas = std::mem::take(members(&mut admin, "/components/schemas"));
    members(&mut api, "/components/schemas").extend(admin_schemas);
    complete(&mut api, &at.api);
    Ok(api)
}

/// The document as text: two spaces deep, with a newline at its end.
///
/// # Errors
/// When it can't be written as JSON.
pub fn text(document: &Value) -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(document).map(|text| text + "\n")
}

fn base(at: &Addresses) -> OpenApi {
    let scopes = Scopes::from_iter(Scope::ALL.map(|scope| (scope.as_str(), describe(scope))));
    let flow = Flow::ClientCredentials(ClientCredentials::new(format!("{}/oauth2/token", at.api), scopes));
    let basic = SecurityScheme::Http(Http::new(HttpAuthScheme::Basic));
    let mut assertion = Http::new(HttpAuthScheme::Bearer);
    assertion.description = Some(
        "RFC 7523: a JWT signed by the client, in the form's client_assertion, not in a header".to_owned(),
    );
    let components = ComponentsBuilder::new()
        .schema_from::<ProblemBody<'static>>()
        .schema_from::<Fault>()
        .security_scheme("oauth2", SecurityScheme::OAuth2(OAuth2::new([flow])))
        .security_scheme("client_secret_basic", basic)
        .security_scheme("private_key_jwt", SecurityScheme::Http(assertion))
        .build();
    let info = InfoBuilder::new()
        .title("Veritrail")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(include_str!("openapi_description.md")))
        .license(Some(LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build()))
        .contact(Some(ContactBuilder::new().name(Some("Your provider's support")).build()))
        .build();
    let tags = [
        ("oauth2", "Access tokens (RFC 6749, 7009, 7523, 7662, 8414, 9068)."),
        ("institution", "The institution that the caller speaks for."),
        ("accounts", "Accounts."),
        ("transactions", "The transaction log."),
        ("intakes", "Files of transactions that a feeder delivers, and what is found in them."),
        (
            "ledger",
            "The hash-chained log of everything stored, seen and refused, and its proofs (RFC 6962, C2SP).",
        ),
        ("evidence", "Files that prove a part of the ledger to somebody without an account."),
        ("clients", "The institution's own OAuth2 clients: keys, secrets, addresses."),
        ("exports", "Files of all that a filter selects, in formats that other programs read."),
        ("events", "What happened, in the order of the ledger: asked for, or followed."),
        ("webhooks", "Endpoints of the institution that are told what happened (Standard Webhooks 1.0)."),
        ("reports", "Reports, their figures and the records that make them, and what became of them."),
        ("grants", "What regulators may see, from when to when, and why."),
        ("lineage", "What was made from what, as OpenLineage events tell it."),
        ("limits", "What may be asked for, what is left of it, what was used."),
        ("diagnostics", "What would be refused, and why."),
        ("status", "How the service is, for everybody: its parts, 90 days of each, and incidents."),
        ("health", "For whoever restarts and routes."),
        ("admin", "For operators, on a port of its own."),
    ];
    OpenApiBuilder::new()
        .info(info)
        .components(Some(components))
        .tags(Some(tags.map(|(name, what)| TagBuilder::new().name(name).description(Some(what)).build())))
        .build()
}

fn describe(scope: Scope) -> &'static str {
    match scope {
        Scope::InstitutionRead => "See the institution itself",
        Scope::AccountsRead => "See accounts",
        Scope::TransactionsRead => "See transactions",
        Scope::TransactionsWrite => "Deliver transactions and accounts",
        Scope::LedgerRead => "See the ledger: entries, proofs, checkpoints, tiles",
        Scope::EvidenceRead => "Order and download evidence bundles",
        Scope::ExportsRead => "Order and download exports",
        Scope::EventsRead => "Follow events",
        Scope::WebhooksManage => "Set up webhook endpoints",
        Scope::ClientsManage => "See and change the institution's own clients",
        Scope::UsageRead => "See limits and usage, and what would be refused",
        Scope::LineageRead => "See lineage",
        Scope::LineageWrite => "Tell lineage: OpenLineage events",
        Scope::ReportsRead => {
            "See reports, their figures and what became of them; with transactions:read, the records behind a figure"
        }
        Scope::ReportsWrite => "Order and correct reports; record verdicts, deliveries and adjustments",
        Scope::GrantsManage => "Let regulators see what a grant names, and take that back",
        Scope::GrantedRead => "See which grants one holds: a regulator's in the portal, and no client's",
        Scope::Admin => "Onboard institutions, manage clients and plans",
    }
}

/// The members of an object in the document; an empty one where there was none.
fn members<'a>(document: &'a mut Value, pointer: &str) -> &'a mut Map<String, Value> {
    let mut at = document;
    for part in pointer.split('/').skip(1) {
        if !at.get(part).is_some_and(Value::is_object) {
            at[part] = json!({});
        }
        at = &mut at[part];
    }
    at.as_object_mut().expect("made an object above")
}

/// Adds what every operation has: its problems, its headers, an example of each body.
fn complete(document: &mut Value, api: &str) {
    let components = members(document, "/components/schemas");
    schemas::complete(components);
    let mut schemas = std::mem::take(components);
    let records = schemas::fields_of(&schemas);
    let problems = Code::ALL.iter().map(|code| (code.as_str().to_owned(), problem(*code)));
    document["components"]["responses"] = Value::Object(problems.collect());
    let headers = HEADERS.iter().map(|(name, what, kind)| {
        ((*name).to_owned(), json!({"description": what, "schema": {"type": kind}}))
    });
    document["components"]["headers"] = Value::Object(headers.collect());
    for (path, item) in members(document, "/paths") {
        let base = item["servers"][0]["url"].as_str().unwrap_or(api).to_owned();
        for method in ["get", "head", "post", "put", "patch", "delete"] {
            if let Some(operation) = item.get_mut(method) {
                mark(DEPRECATED, path, method, operation);
                add_cost(operation);
                let fields = schemas::some_fields(operation, &mut schemas, &records);
                add_problems(operation);
                add_headers(operation);
                add_conditions(operation);
                parameters::complete(operation, &fields);
                examples::add(operation, &schemas);
                links::add(operation);
                samples::add(operation, method, path, &base, &schemas);
            }
        }
    }
    document["components"]["schemas"] = Value::Object(schemas);
    drop_unused(document, "schemas");
    drop_unused(document, "responses");
}

/// Drops the shared parts of a kind to which nothing refers.
fn drop_unused(document: &mut Value, kind: &str) {
    loop {
        let text = document.to_string();
        let parts = members(document, &format!("/components/{kind}"));
        let before = parts.len();
        parts.retain(|name, _| text.contains(&format!("\"#/components/{kind}/{name}\"")));
        if parts.len() == before {
            return;
        }
    }
}

/// Marks an operation that is to go.
fn mark(list: &[Deprecation], path: &str, method: &str, operation: &mut Value) {
    if deprecation::of(
        list,
        &method.to_uppercase(),
        &path.replace("{tile}", "{tile:.*}").replace("{file}", "{file:.*}"),
    )
    .is_some()
    {
        operation["deprecated"] = true.into();
    }
}

/// What it costs of a client's and its institution's limits.
fn add_cost(operation: &mut Value) {
    let takes_token = operation["security"]
        .as_array()
        .is_some_and(|security| security.iter().any(|one| one.get("oauth2").is_some()));
    let id = operation["operationId"].as_str().unwrap_or_default();
    operation["x-cost"] = operations::cost(id, takes_token).into();
}

fn add_problems(operation: &mut Value) {
    let open = is_open(operation);
    let takes_body = operation.get("requestBody").is_some();
    let oauth2 = operation["tags"][0] == "oauth2";
    let mut codes = vec![Code::QuotaExceeded, Code::Unavailable];
    if !open && oauth2 {
        codes.extend([Code::MalformedBody, Code::InvalidClient]);
    } else if !open {
        codes.extend([
            Code::InvalidParameter,
            Code::Unauthenticated,
            Code::InsufficientScope,
            Code::NotFound,
        ]);
    }
    if takes_body {
        codes.extend([Code::BodyTooLarge, Code::UnsupportedMediaType]);
        if !oauth2 {
            codes.push(Code::Refused);
        }
    }
    let responses = members(operation, "/responses");
    for code in codes {
        let shared = json!({"$ref": format!("#/components/responses/{}", code.as_str())});
        responses.entry(code.status().as_str()).or_insert(shared);
    }
    responses.sort_keys();
}

/// Whether an operation needs no credentials.
fn is_open(operation: &Value) -> bool {
    let needs = |one: &Value| one.as_object().is_some_and(|one| !one.is_empty());
    !operation["security"].as_array().is_some_and(|security| security.iter().any(needs))
}

/// The problem of a code, as every operation can answer it.
fn problem(code: Code) -> Value {
    let mut headers = vec!["X-Request-Id", "RateLimit-Policy", "RateLimit"];
    if matches!(code.status().as_u16(), 429 | 503) {
        headers.push("Retry-After");
    }
    if matches!(code, Code::Unauthenticated | Code::InvalidProof) {
        headers.push("DPoP-Nonce");
    }
    json!({
        "description": format!("{}.", code.title()),
        "headers": shared_headers(&headers),
        "content": {"application/problem+json": {
            "schema": {"$ref": "#/components/schemas/Problem"},
            "example": problem_example(code),
        }},
    })
}

fn problem_example(code: Code) -> Value {
    json!({
        "type": code.type_uri(), "title": code.title(), "status": code.status().as_u16(),
        "detail": code.title(), "instance": "/", "code": code.as_str(),
        "request_id": "req_0190163d8694739bba1a9fbee4e5c1b2",
    })
}

/// Headers that answers share: name, what it says, type.
const HEADERS: &[(&str, &str, &str)] = &[
    ("X-Request-Id", "The request's id: the client's own, if well formed, or ours.", "string"),
    (
        "RateLimit-Policy",
        "The limit that binds first: its name, units (q) and window in seconds (w).",
        "string",
    ),
    ("RateLimit", "Where the caller stands with it: units left (r), seconds until full (t).", "string"),
    ("Audit-Receipt", "Where this is recorded: the log's origin and the entry's seq.", "string"),
    ("Content-Digest", "SHA-256 of the content (RFC 9530); the access's entry holds it too.", "string"),
    (
        "ETag",
        "Names the records that the answer shows, for `If-None-Match`; weak (RFC 9110 section 8.8.3).",
        "string",
    ),
    ("DPoP-Nonce", "What the next DPoP proof must have as its nonce (RFC 9449 section 8).", "string"),
    ("Retry-After", "Seconds to wait.", "integer"),
];

fn shared_headers(names: &[&str]) -> Value {
    let refs = names
        .iter()
        .map(|name| ((*name).to_owned(), json!({"$ref": format!("#/components/headers/{name}")})));
    Value::Object(refs.collect())
}

fn add_headers(operation: &mut Value) {
    let mut names = vec!["X-Request-Id", "RateLimit-Policy", "RateLimit"];
    if !is_open(operation) {
        names.extend(["Audit-Receipt", "Content-Digest"]);
    }
    for (status, response) in members(operation, "/responses") {
        if response.get("$ref").is_none() {
            let names = if status.starts_with('2') { &names[..] } else { &names[..3] };
            response["headers"] = shared_headers(names);
        }
    }
}

/// What is read as of some entry has a tag, and is not sent again to whoever has it.
fn add_conditions(operation: &mut Value) {
    let is_as_of = |parameter: &Value| parameter["in"] == "query" && parameter["name"] == "as_of";
    let takes_body = operation.get("requestBody").is_some();
    let parameters = operation["parameters"].as_array_mut();
    let Some(parameters) = parameters.filter(|all| !takes_body && all.iter().any(is_as_of)) else { return };
    parameters.push(json!({
        "name": "If-None-Match", "in": "header", "required": false, "schema": {"type": "string"},
        "description": "Tags of what the caller has (RFC 9110 section 13.1.2): that is not sent again.",
    }));
    let responses = members(operation, "/responses");
    responses["200"]["headers"]["ETag"] = json!({"$ref": "#/components/headers/ETag"});
    let mut names = vec!["X-Request-Id", "RateLimit-Policy", "RateLimit", "Audit-Receipt", "ETag"];
    names.sort_unstable();
    responses.insert(
        "304".to_owned(),
        json!({
            "description": "The caller has it already. That it asked is on the ledger all the same.",
            "headers": shared_headers(&names),
        }),
    );
    responses.sort_keys();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_to_go_is_deprecated_in_the_document_and_nothing_else() {
        let gone = |path, method| Deprecation {
            method,
            path,
            since: jiff::civil::date(2026, 1, 1),
            sunset: None,
            about: "https://example.com/old",
            successor: None,
        };
        let list = [gone("/v1/old/{id}", "GET"), gone("/v1/tile/{tile:.*}", "GET")];
        for (path, method, marked) in [
            ("/v1/old/{id}", "get", true),
            ("/v1/old/{id}", "post", false),
            ("/v1/tile/{tile}", "get", true),
            ("/v1/young", "get", false),
        ] {
            let mut operation = json!({});
            mark(&list, path, method, &mut operation);
            assert_eq!(operation["deprecated"] == true, marked, "{method} {path}");
        }
    }

    #[test]
    fn what_is_said_to_go_is_there_and_goes_later_than_it_was_said() {
        let document = whole(&Addresses::default()).unwrap();
        for one in DEPRECATED {
            let path = one.path.replace("{tile:.*}", "{tile}");
            assert!(document["paths"][&path].get(one.method.to_lowercase()).is_some(), "{one:?}");
            assert!(one.sunset.is_none_or(|sunset| sunset > one.since), "{one:?}");
        }
    }
}
