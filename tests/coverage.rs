//! Every operation of the served document, tried by everyone who must not have it and by one who
//! may; and each of these is on the ledger.

use std::collections::BTreeMap;

use serde_json::{Value, json};

mod things;

pub use self::things::Things;
use crate::support::{
    Answer, Caller, Ledger, Server, data,
    document::{self, Operation},
    forge, proof,
};

/// Operations without an access token, each with the reason. This list may only shrink.
const WITHOUT_TOKEN: &[(&str, &str)] = &[
    ("getLiveness", "probes have no credentials, and it tells nothing of anyone"),
    ("getReadiness", "probes have no credentials, and it tells nothing of anyone"),
    ("getOpenApi", "the contract is public"),
    ("getAuthorizationServerMetadata", "RFC 8414: read before a client can authenticate"),
    ("getJwks", "RFC 7517: public keys are public"),
    ("getStatus", "how the service is is told everybody, and of nobody's data"),
    ("getStatusIncident", "so is what became of an incident"),
    ("issueToken", "the client authenticates with its secret or key: tests/api/oauth2.rs"),
    ("revokeToken", "the client authenticates with its secret or key: tests/api/oauth2.rs"),
    ("introspectToken", "the client authenticates with its secret or key: tests/api/oauth2.rs"),
];

/// Operations for people alone: no client can have their scope, so they are tried with a session. Each with where.
const FOR_PEOPLE: &[(&str, &str)] =
    &[("listGranted", "a regulator's own grants, which the portal asks for: tests/portal/granted.rs")];

/// The operation whose answer goes on: each of its parts is recorded (tests/api/events.rs), and the look that
/// coverage asks for is its beginning, which has no content.
const STREAM: &str = "streamEvents";

fn needs_token(operation: &Operation) -> bool {
    WITHOUT_TOKEN.iter().all(|(id, _)| *id != operation.id())
}

pub fn is_for_clients(operation: &Operation) -> bool {
    FOR_PEOPLE.iter().all(|(id, _)| *id != operation.id())
}

/// Operations that a token opens.
async fn guarded(server: &Server) -> Vec<Operation> {
    let all = document::operations(server).await;
    let guarded: Vec<_> = all.into_iter().filter(needs_token).collect();
    assert!(guarded.len() >= 20, "the document lists only {} operations", guarded.len());
    guarded
}

/// Those of them that a client can be let in to.
async fn open_to_clients(server: &Server) -> Vec<Operation> {
    let mut open = guarded(server).await;
    open.retain(is_for_clients);
    open
}

/// Who may do what, by the scope that it takes.
pub struct Callers {
    system: Caller,
    feeder: Caller,
    operator: Caller,
    /// A feeder of the first institution alone.
    bound_feeder: Caller,
}

impl Callers {
    pub async fn of(server: &Server) -> Self {
        let id = server.institution(0);
        let made = server.run(&["client", "feeder", "--name", "bound", "--institution", id]);
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let told = String::from_utf8(made.stdout).unwrap();
        let field = |name: &str| {
            let line = told.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap_or_else(|| panic!("no {name} in {told}")).trim().to_owned()
        };
        let (id, secret) = (field("client_id"), field("client_secret"));
        let bound_feeder = Caller::authenticate(server.base_url(), &id, &secret, None).await;
        let (system, feeder) = (server.system(0).await, server.feeder().await);
        Self { system, feeder, operator: server.operator().await, bound_feeder }
    }

    pub fn allowed(&self, operation: &Operation) -> &Caller {
        match operation.scopes().as_slice() {
            ["admin"] => &self.operator,
            ["transactions:write"] => &self.feeder,
            _ => &self.system,
        }
    }
}

/// Sends as `caller`, under a request id of its own.
async fn send(
    operation: &Operation,
    caller: &Caller,
    server: &Server,
    (target, things): (&str, &Things),
) -> (String, Answer) {
    let request_id = data::unique("cover");
    let mut caller = caller.clone();
    if operation.admin {
        server.admin_url().clone_into(&mut caller.base_url);
    }
    let request =
        operation.request(&caller, target, |body| things.fill(body)).header("x-request-id", &request_id);
    let answer = caller.send(request).await;
    let status = answer.status.as_u16();
    assert!(operation.documents(status), "{}: {status} is not in the document", operation.id());
    assert_eq!(answer.header("x-request-id"), Some(request_id.as_str()));
    (request_id, answer)
}

/// The refusal is on this institution's log, with who, what and why.
async fn assert_denied(ledger: &Ledger, log: &str, request: &str, caller: &Caller, code: &str) {
    let found = ledger.naming(log, request).await;
    let denial = Ledger::denial(&found, request);
    assert_eq!(denial["code"], code, "{denial}");
    assert_eq!(denial["actor"], caller.client_id.as_str(), "{denial}");
}

#[tokio::test]
async fn strangers_are_refused_and_counted_on_the_providers_log() {
    // A server of its own, so that nobody else is counted.
    let server = Server::demo(&[]);
    let things = Things::of(&server, 0).await;
    let ledger = Ledger::of(&server);
    let (expired, stranger) = (forge::expired(&server), server.stranger());
    for operation in &guarded(&server).await {
        let counted = ledger.strangers(operation.method.as_str(), &operation.route()).await;
        for token in [None, Some(expired.as_str()), Some("garbage"), Some("e30.e30.e30")] {
            let caller = stranger.with_token(token);
            let (_, answer) = send(operation, &caller, &server, (&things.target(operation), &things)).await;
            let challenge = answer.header("www-authenticate").unwrap().to_owned();
            assert!(challenge.starts_with("Bearer "), "{challenge}");
            assert_eq!(challenge.contains("invalid_token"), token.is_some(), "{challenge}");
            answer.problem(401, "unauthenticated");
        }
        let now = ledger.strangers(operation.method.as_str(), &operation.route()).await;
        assert_eq!(now - counted, 4, "{}: refusals on the provider's log", operation.id());
    }
}

#[tokio::test]
async fn a_token_without_the_scope_is_refused_and_that_is_recorded() {
    let server = Server::shared();
    let (things, ledger) = (Things::of(server, 0).await, Ledger::of(server));
    let all = server.demo["institutions"][0]["clients"][0]["scopes"].as_array().unwrap();
    for operation in &guarded(server).await {
        let scopes = operation.scopes();
        let others: Vec<&str> =
            all.iter().map(|scope| scope.as_str().unwrap()).filter(|scope| !scopes.contains(scope)).collect();
        let caller = server.system_with(0, &others.join(" ")).await;
        let (request, answer) = send(operation, &caller, server, (&things.target(operation), &things)).await;
        answer.problem(403, "insufficient_scope");
        assert_denied(&ledger, server.institution(0), &request, &caller, "insufficient_scope").await;
    }
}

#[tokio::test]
async fn another_institutions_ids_are_not_found_and_that_is_recorded() {
    let server = Server::shared();
    let (others, nobodys) = (Things::of(server, 1).await, Things::nobodys());
    let own = server.institution(0).to_owned();
    let mixed = Things::of(server, 1).await.within(own);
    let (callers, ledger) = (Callers::of(server).await, Ledger::of(server));
    let provider = ledger.provider().await;
    let mut tried = 0;
    for operation in &guarded(server).await {
        if !operation.has_parameter("path", "id") && !operation.has_parameter("path", "institution") {
            continue;
        }
        let caller = callers.allowed(operation);
        // An operator may see every institution, so only what is nobody's is not found.
        let (things, log) = match (operation.admin, operation.scopes().as_slice()) {
            (true, _) => (&nobodys, provider.as_str()),
            // A feeder serves both, so what is the other's is looked for in the first one's place.
            (_, ["transactions:write"]) => (&mixed, server.institution(0)),
            _ => (&others, server.institution(0)),
        };
        let (request, answer) = send(operation, caller, server, (&things.target(operation), things)).await;
        answer.problem(404, "not_found");
        assert_denied(&ledger, log, &request, caller, "not_found").await;
        tried += 1;
    }
    assert!(tried >= 8, "only {tried} operations have ids");
}

#[tokio::test]
async fn an_institution_that_the_caller_may_not_speak_for_is_not_found_and_that_is_recorded() {
    let server = Server::shared();
    let (own, other) = (Things::of(server, 0).await, server.institution(1));
    let (callers, ledger) = (Callers::of(server).await, Ledger::of(server));
    let provider = ledger.provider().await;
    let mut tried = 0;
    for operation in open_to_clients(server).await.iter().filter(|operation| !operation.admin) {
        let (caller, home) = match operation.scopes().as_slice() {
            ["transactions:write"] => (&callers.bound_feeder, provider.as_str()),
            _ => (&callers.system, server.institution(0)),
        };
        let target = own.target(operation);
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let kept: Vec<&str> = query.split('&').filter(|pair| !pair.starts_with("institution=")).collect();
        for named in [other, "ins_00000000000000000000000000000000", "nonsense"] {
            let target = format!("{path}?{}&institution={named}", kept.join("&"));
            let (request, answer) = send(operation, caller, server, (&target, &own)).await;
            answer.problem(404, "not_found");
            assert_denied(&ledger, home, &request, caller, "not_found").await;
        }
        tried += 1;
    }
    assert!(tried >= 14, "only {tried} operations concern an institution");
}

#[tokio::test]
async fn whoever_may_is_served_and_the_look_is_recorded_with_its_digest() {
    let server = Server::shared();
    let (things, callers) = (Things::of(server, 0).await, Callers::of(server).await);
    let ledger = Ledger::of(server);
    let provider = ledger.provider().await;
    for operation in &open_to_clients(server).await {
        let caller = callers.allowed(operation);
        let (request, answer) = send(operation, caller, server, (&things.target(operation), &things)).await;
        let status = answer.status;
        assert!(
            status.is_success(),
            "{}: {status} {}",
            operation.id(),
            String::from_utf8_lossy(&answer.body)
        );
        let log = if operation.admin { provider.as_str() } else { server.institution(0) };
        let access = Ledger::access(&ledger.naming(log, &request).await, &request);
        assert_eq!(access["actor"], caller.client_id.as_str(), "{access}");
        assert_eq!(access["method"], operation.method.as_str());
        assert_eq!(access["status"], status.as_u16());
        let digest = answer.header("content-digest").map(ToOwned::to_owned);
        let begun = (operation.id() == STREAM).then(|| proof::content_digest(b""));
        assert_eq!(access["digest"], digest.or(begun).unwrap());
        assert!(answer.receipt().0.contains("/ledger/"), "{:?}", answer.receipt());
    }
}

#[tokio::test]
async fn each_operation_costs_what_the_document_says() {
    const TIMES: u64 = 5;
    let server = Server::demo(&[]);
    let (things, callers) = (Things::of(&server, 0).await, Callers::of(&server).await);
    // What is spent hardly comes back, and the client's limit is the one that answers tell of.
    let slow = json!({
        "client_per_second": 1, "client_burst": 100_000,
        "institution_per_second": 1, "institution_burst": 1_000_000,
    });
    let operator = server.operator().await;
    operator.send(operator.request(reqwest::Method::PUT, "/admin/v1/plans/standard").json(&slow)).await.ok();
    for operation in &open_to_clients(&server).await {
        let caller = callers.allowed(operation);
        let mut left = Vec::new();
        let began = std::time::Instant::now();
        for _ in 0..=TIMES {
            let (_, answer) = send(operation, caller, &server, (&things.target(operation), &things)).await;
            let field = answer.header("ratelimit").unwrap();
            let rest = field.strip_prefix("\"client\";r=").unwrap().split(';').next().unwrap();
            left.push(rest.parse::<u64>().unwrap());
        }
        let (most, spent) = (TIMES * operation.object["x-cost"].as_u64().unwrap(), left[0] - left[5]);
        let back = began.elapsed().as_secs() + 2;
        assert!((most.saturating_sub(back)..=most).contains(&spent), "{}: {left:?}", operation.id());
    }
}

#[tokio::test]
async fn what_is_let_in_is_diagnosed_as_let_in() {
    let server = Server::shared();
    let (things, callers) = (Things::of(server, 0).await, Callers::of(server).await);
    let token = callers.system.token.clone().unwrap();
    let mut tried = 0;
    for operation in document::operations(server).await.iter().filter(|operation| !operation.admin) {
        let content = operation.object["requestBody"]["content"].as_object();
        let kind = content.and_then(|content| content.keys().next()).map_or("", String::as_str);
        let target = things.target(operation);
        let asked = json!({
            "method": operation.method.as_str(), "url": target,
            "headers": {"Authorization": format!("Bearer {token}"), "Content-Type": kind},
        });
        let told = callers.system.post("/v1/diagnostics/request", &asked).await.ok();
        assert_eq!(told["operation"], operation.id(), "{target}");
        // Only feeders deliver, and only people hold grants.
        let may = operation.scopes() != ["transactions:write"] && is_for_clients(operation);
        assert_eq!(told["let_in"], may, "{told}");
        tried += 1;
    }
    assert!(tried >= 30, "only {tried} operations");
}

#[tokio::test]
async fn what_needs_no_token_is_a_list_with_reasons() {
    let server = Server::shared();
    let things = Things::of(server, 0).await;
    let operations = document::operations(server).await;
    for (id, _) in WITHOUT_TOKEN.iter().chain(FOR_PEOPLE) {
        assert!(operations.iter().any(|operation| operation.id() == *id), "there is no operation {id}");
    }
    for operation in &operations {
        let tokenless = operation.scopes().is_empty();
        assert_eq!(tokenless, !needs_token(operation), "{}: its scopes and the list differ", operation.id());
        let public =
            tokenless && operation.object["tags"][0] != "oauth2" || operation.path.starts_with("/.well");
        if public {
            let answer = server.stranger().get(&things.target(operation)).await;
            assert_eq!(answer.status, 200, "{} is open to all", operation.id());
        }
    }
}

#[tokio::test]
async fn the_document_describes_each_operation_in_full() {
    let mut ids = BTreeMap::new();
    for operation in document::operations(Server::shared()).await {
        let (id, object) = (operation.id().to_owned(), &operation.object);
        assert!(!id.is_empty(), "{} {} has no operationId", operation.method, operation.path);
        assert_eq!(ids.insert(id.clone(), ()), None, "{id} stands twice");
        assert!(object["summary"].as_str().is_some_and(|text| !text.is_empty()), "{id} has no summary");
        assert!(object["tags"][0].is_string(), "{id} has no tag");
        assert!(object["security"].is_array(), "{id} does not say who may call it");
        for parameter in object["parameters"].as_array().into_iter().flatten() {
            assert!(parameter["description"].is_string(), "{id}: {} is not described", parameter["name"]);
        }
        assert_examples(&id, "its body", &object["requestBody"]);
        for (status, response) in object["responses"].as_object().unwrap() {
            assert!(response["description"].is_string(), "{id}: {status} is not described");
            assert_examples(&id, status, response);
            if status.parse::<u16>().unwrap() >= 400 && id != "getReadiness" {
                let problem = &response["content"]["application/problem+json"];
                assert!(problem["schema"]["$ref"].is_string(), "{id}: {status} is no problem");
            }
        }
        let mut expected = vec![429, 503];
        if needs_token(&operation) {
            expected.extend([400, 401, 403, 404]);
        }
        if object.get("requestBody").is_some() {
            expected.extend([413, 415]);
        }
        for status in expected {
            assert!(operation.documents(status), "{id} does not say that it may answer {status}");
        }
    }
}

fn assert_examples(id: &str, of: &str, holder: &Value) {
    for (kind, media) in holder["content"].as_object().into_iter().flatten() {
        let is_json = kind.contains("json");
        assert!(!is_json || media.get("example").is_some(), "{id}: {of} has no example of {kind}");
    }
}
