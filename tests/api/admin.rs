//! `/admin/v1`: institutions, clients and plans; each change is on the log that it concerns and on
//! the provider's own.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Caller, Ledger, Server, data, keys::ClientKey, proof};

const INSTITUTIONS: &str = "/admin/v1/institutions";

async fn send(caller: &Caller, method: Method, path: &str, body: &Value) -> Answer {
    caller.send(caller.request(method, path).json(body)).await
}

async fn onboard(operator: &Caller) -> Value {
    operator.post(INSTITUTIONS, &json!({"name": data::unique("Bank")})).await.ok()
}

fn clients_of(institution: &Value) -> String {
    format!("{INSTITUTIONS}/{}/clients", institution["id"].as_str().unwrap())
}

/// The actions that name a thing on a log.
async fn actions(log: &str, thing: &str) -> Vec<String> {
    let found = Ledger::of(Server::shared()).naming(log, thing).await;
    let admin = found.iter().filter(|entry| entry.kind == "admin");
    admin.map(|entry| entry.payload["action"].as_str().unwrap().to_owned()).collect()
}

async fn provider() -> String {
    Ledger::of(Server::shared()).provider().await
}

#[tokio::test]
async fn an_institution_is_onboarded_with_a_log_of_its_own() {
    let server = Server::shared();
    let operator = server.operator().await;
    let name = data::unique("Bänk");
    let answer = operator.post(INSTITUTIONS, &json!({"name": name})).await;
    assert_eq!(answer.status, 201);
    let made = answer.ok();
    assert_eq!((&made["name"], &made["plan"]), (&json!(name), &json!("standard")));
    let id = made["id"].as_str().unwrap();
    let seen = operator.get(&format!("{INSTITUTIONS}/{id}")).await.ok();
    assert_eq!(seen, made);
    assert_eq!(actions(id, id).await, ["institution.onboard"]);
    assert_eq!(actions(&provider().await, id).await, ["institution.onboard"]);

    let new = json!({"name": "first", "scopes": ["institution:read", "ledger:read"]});
    let client = operator.post(&clients_of(&made), &new).await.ok();
    let system = server.caller(&client, None).await;
    let own = system.get("/v1/institution").await.ok();
    assert_eq!(own["id"], made["id"]);
    let note = system.get("/v1/ledger/checkpoint").await;
    let checkpoint = proof::checkpoint(note.text(), own["log"]["vkey"].as_str().unwrap());
    assert_eq!(checkpoint.origin, own["log"]["origin"]);
}

#[tokio::test]
async fn institutions_are_listed_once_each() {
    let operator = Server::shared().operator().await;
    let made = onboard(&operator).await;
    let mut ids = Vec::new();
    let mut path = INSTITUTIONS.to_owned();
    loop {
        let page = operator.get(&path).await.ok();
        ids.extend(page["data"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap().to_owned()));
        let Some(after) = page["next_after"].as_str() else { break };
        path = format!("{INSTITUTIONS}?after={after}");
    }
    assert!(ids.contains(&made["id"].as_str().unwrap().to_owned()));
    assert!(ids.is_sorted(), "by id");
    let count = ids.len();
    ids.dedup();
    assert_eq!(ids.len(), count);
    assert!(!ids.contains(&provider().await), "the provider is none of its institutions");
}

#[tokio::test]
async fn what_is_no_institution_is_refused() {
    let operator = Server::shared().operator().await;
    for (body, status, code) in [
        (json!({"name": ""}), 422, "refused"),
        (json!({"name": "x".repeat(101)}), 422, "refused"),
        (json!({"name": "a\nb"}), 422, "refused"),
        (json!({"name": "x", "plan": "unheard-of"}), 422, "refused"),
        (json!({"name": "x", "id": "ins_1"}), 400, "malformed_body"),
        (json!({"name": 7}), 400, "malformed_body"),
        (json!({}), 400, "malformed_body"),
    ] {
        operator.post(INSTITUTIONS, &body).await.problem(status, code);
    }
    let provider = format!("{INSTITUTIONS}/{}", provider().await);
    operator.get(&provider).await.problem(404, "not_found");
}

#[tokio::test]
async fn a_client_with_a_secret_sees_it_once() {
    let server = Server::shared();
    let operator = server.operator().await;
    let institution = onboard(&operator).await;
    let new = json!({"name": "warehouse", "scopes": ["accounts:read"]});
    let made = operator.post(&clients_of(&institution), &new).await.ok();
    assert_eq!(made["auth_method"], "client_secret_basic");
    assert_eq!((&made["kind"], &made["scopes"]), (&json!("system"), &json!(["accounts:read"])));
    let secret = made["client_secret"].as_str().unwrap();
    assert!(secret.len() >= 43, "256 bits");
    server.caller(&made, None).await.get("/v1/accounts").await.ok();

    let list = operator.get(&clients_of(&institution)).await;
    assert!(!list.text().contains(secret));
    assert_eq!(list.ok()["data"][0]["client_id"], made["client_id"]);
    let (id, client) = (institution["id"].as_str().unwrap(), made["client_id"].as_str().unwrap());
    assert_eq!(actions(id, client).await, ["client.enrol"]);
    assert_eq!(actions(&provider().await, client).await, ["client.enrol"]);
    for log in [id, &provider().await] {
        assert!(Ledger::of(server).naming(log, secret).await.is_empty(), "the secret is on no ledger");
    }
}

#[tokio::test]
async fn a_client_is_made_once_for_one_idempotency_key() {
    let operator = Server::shared().operator().await;
    let institution = onboard(&operator).await;
    let (path, key) = (clients_of(&institution), data::unique("key"));
    let make = async |name: &str| {
        let new = json!({"name": name, "scopes": ["accounts:read"]});
        operator.send(operator.request(Method::POST, &path).json(&new).header("idempotency-key", &key)).await
    };
    let first = make("one").await.ok();
    let again = make("one").await;
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    let again = again.ok();
    assert_eq!(again["client_id"], first["client_id"]);
    assert_eq!(again.get("client_secret"), None, "a secret is told once");
    make("two").await.problem(422, "idempotency_key_reused");
    assert_eq!(operator.get(&path).await.ok()["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_client_is_given_public_keys_and_reading_scopes_only() {
    let operator = Server::shared().operator().await;
    let path = clients_of(&onboard(&operator).await);
    let key = ClientKey::ed25519("a").jwk;
    let with = |member: &str, value: &str| {
        let mut key = key.clone();
        key[member] = value.into();
        json!({"keys": [key]})
    };
    let mut nameless = key.clone();
    nameless.as_object_mut().unwrap().remove("kid");
    let mut other_name = key.clone();
    other_name["kid"] = "b".into();
    for (what, jwks) in [
        ("a private part", with("d", "secret")),
        ("a symmetric key", json!({"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "a"}]})),
        ("an unknown curve", with("crv", "Ed448")),
        ("a key of three bytes", with("x", "AAAA")),
        ("a key that is no point", with("x", &format!("Ag{}", "A".repeat(41)))),
        (
            "a curve without its point",
            json!({"keys": [{"kty": "EC", "crv": "P-256", "x": "AAAA", "y": "AAAA"}]}),
        ),
        ("a short RSA key", json!({"keys": [{"kty": "RSA", "n": "x".repeat(86), "e": "AQAB"}]})),
        ("no keys", json!({"keys": []})),
        ("too many keys", json!({"keys": vec![&key; 11]})),
        ("no set", json!([])),
        ("a key twice", json!({"keys": [nameless, nameless]})),
        ("a key under two names", json!({"keys": [key, other_name]})),
        ("a name that no path has", with("kid", "a/b")),
        ("a name that is a step up", with("kid", "..")),
        ("a name of no characters", with("kid", "")),
        ("a name that is too long", with("kid", &"a".repeat(129))),
    ] {
        let new = json!({"name": "x", "scopes": ["accounts:read"], "jwks": jwks});
        let answer = operator.post(&path, &new).await;
        assert_eq!(answer.status, 422, "{what}");
        let problem = answer.problem(422, "refused");
        assert!(!problem.to_string().contains("secret"), "{what} is not repeated: {problem}");
    }
    for (scopes, status, code) in [
        (json!([]), 422, "refused"),
        (json!(["admin"]), 422, "refused"),
        (json!(["accounts:read", "transactions:write"]), 422, "refused"),
        (json!(["everything"]), 400, "malformed_body"),
        (json!("accounts:read"), 400, "malformed_body"),
    ] {
        operator.post(&path, &json!({"name": "x", "scopes": scopes})).await.problem(status, code);
    }
    assert_eq!(operator.get(&path).await.ok()["data"], json!([]), "none was made");
    let scopes = json!(["accounts:read", "accounts:read"]);
    let one = json!({"name": "x", "scopes": scopes, "jwks": {"keys": [key]}});
    let made = operator.post(&path, &one).await.ok();
    assert_eq!(made["auth_method"], "private_key_jwt");
    assert_eq!(made["scopes"], json!(["accounts:read"]), "each once");
}

#[tokio::test]
async fn a_client_is_revoked_once_and_stays_on_the_list() {
    let operator = Server::shared().operator().await;
    let institution = onboard(&operator).await;
    let new = json!({"name": "brief", "scopes": ["accounts:read"]});
    let made = operator.post(&clients_of(&institution), &new).await.ok();
    assert_eq!(made["revoked_at"], Value::Null);
    let id = made["client_id"].as_str().unwrap();
    let path = format!("/admin/v1/clients/{id}");
    let revoke = async |path: &str| operator.send(operator.request(Method::DELETE, path)).await;
    assert!(revoke(&path).await.ok()["revoked_at"].is_string());
    revoke(&path).await.problem(409, "conflict");
    let list = operator.get(&clients_of(&institution)).await.ok();
    assert!(list["data"][0]["revoked_at"].is_string());
    assert_eq!(actions(institution["id"].as_str().unwrap(), id).await, ["client.enrol", "client.revoke"]);
    assert_eq!(actions(&provider().await, id).await, ["client.enrol", "client.revoke"]);
    for nobody in ["cli_0190163d8694739bba1a9fbee4e5c1b2", "x"] {
        revoke(&format!("/admin/v1/clients/{nobody}")).await.problem(404, "not_found");
    }
}

#[tokio::test]
async fn plans_are_made_changed_and_listed() {
    let operator = Server::shared().operator().await;
    let name = data::unique("p");
    let path = format!("/admin/v1/plans/{name}");
    let quotas = |burst: i64| json!({"client_per_second": 1, "client_burst": burst, "institution_per_second": 1, "institution_burst": 9});
    for burst in [3, 4] {
        let mut expected = quotas(burst);
        expected["name"] = name.as_str().into();
        assert_eq!(send(&operator, Method::PUT, &path, &quotas(burst)).await.ok(), expected);
        let list = operator.get("/admin/v1/plans").await.ok();
        let listed: Vec<_> =
            list["data"].as_array().unwrap().iter().filter(|plan| plan["name"] == name).collect();
        assert_eq!(listed, [&expected]);
    }
    assert_eq!(actions(&provider().await, &name).await, ["plan.put", "plan.put"]);

    for bad in [0, -1, 1_000_001, 5_000_000_000] {
        let answer = send(&operator, Method::PUT, &path, &quotas(bad)).await;
        assert!(matches!(answer.status.as_u16(), 400 | 422), "{bad}: {}", answer.status);
    }
    for bad in ["Upper", "with_underscore", "%20", &"x".repeat(33)] {
        let path = format!("/admin/v1/plans/{bad}");
        send(&operator, Method::PUT, &path, &quotas(3)).await.problem(422, "refused");
    }
    for bad in [json!({}), json!({"client_per_second": 1}), json!({"name": "x"})] {
        send(&operator, Method::PUT, &path, &bad).await.problem(400, "malformed_body");
    }
}

#[tokio::test]
async fn an_institution_is_moved_to_another_plan() {
    let operator = Server::shared().operator().await;
    let institution = onboard(&operator).await;
    let id = institution["id"].as_str().unwrap();
    let plan = data::unique("p");
    let quotas = json!({"client_per_second": 1, "client_burst": 1, "institution_per_second": 1, "institution_burst": 1});
    send(&operator, Method::PUT, &format!("/admin/v1/plans/{plan}"), &quotas).await.ok();
    let path = format!("{INSTITUTIONS}/{id}");
    let moved = send(&operator, Method::PATCH, &path, &json!({"plan": plan})).await.ok();
    assert_eq!(moved["plan"], plan);
    assert_eq!(operator.get(&path).await.ok()["plan"], plan);
    assert_eq!(actions(id, &plan).await.len(), 1);
    send(&operator, Method::PATCH, &path, &json!({"plan": "unheard-of"})).await.problem(422, "refused");
    send(&operator, Method::PATCH, &path, &json!({"name": "x"})).await.problem(400, "malformed_body");
    let nobody = format!("{INSTITUTIONS}/ins_0190163d8694739bba1a9fbee4e5c1b2");
    send(&operator, Method::PATCH, &nobody, &json!({"plan": plan})).await.problem(404, "not_found");
}

#[tokio::test]
async fn the_admin_port_serves_operators_alone_and_the_api_port_none_of_it() {
    let server = Server::shared();
    for mut caller in [server.system(0).await, server.feeder().await] {
        server.admin_url().clone_into(&mut caller.base_url);
        for path in [INSTITUTIONS, "/admin/v1/plans"] {
            caller.get(path).await.problem(403, "insufficient_scope");
        }
        caller.get("/v1/transactions").await.problem(404, "not_found");
    }
    let mut operator = server.operator().await;
    server.base_url().clone_into(&mut operator.base_url);
    operator.get(INSTITUTIONS).await.problem(404, "not_found");
}

#[tokio::test]
async fn an_operators_look_at_an_institutions_data_is_on_the_institutions_log() {
    let server = Server::shared();
    let mut operator = server.operator().await;
    server.base_url().clone_into(&mut operator.base_url);
    operator.get("/v1/transactions").await.problem(400, "missing_parameter");
    let answer =
        operator.get(&format!("/v1/transactions?limit=1&institution={}", server.institution(1))).await;
    let request = answer.header("x-request-id").unwrap();
    let found = Ledger::of(server).naming(server.institution(1), request).await;
    assert_eq!(Ledger::access(&found, request)["actor"], operator.client_id);
    let line = data::ndjson(&[data::transaction(&data::unique("operator"))]);
    operator.deliver(server.institution(1), &line).await.problem(403, "insufficient_scope");
}
