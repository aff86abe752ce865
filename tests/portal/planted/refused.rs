//! Texts that are no free texts: payloads in them are refused.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};

use super::{
    payload::{self, Field, SCRIPT},
    plant::{Planted, text},
};
use crate::support::{Answer, Caller, keys::ClientKey};

/// What was tried.
#[derive(Default)]
struct Tried(BTreeSet<Field>);

impl Tried {
    /// Holds that an answer refuses what a field was sent, as a problem and not as a page.
    #[track_caller]
    fn refuses(&mut self, field: Field, answer: &Answer) {
        let (status, body) = (answer.status.as_u16(), answer.text());
        assert!((400..=422).contains(&status), "{field:?}: {status} {body}");
        let kind = answer.header("content-type").unwrap();
        assert!(kind.starts_with("application/") && kind.contains("json"), "{field:?}: {kind}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{field:?}");
        self.0.insert(field);
    }
}

/// A field's payload.
fn bad(field: Field) -> String {
    payload::of(field, SCRIPT)
}

async fn put(caller: &Caller, method: Method, path: &str, body: &Value) -> Answer {
    caller.send(caller.request(method, path).json(body)).await
}

/// Sends payloads to each of them; which they were.
pub async fn try_all(planted: &Planted) -> BTreeSet<Field> {
    let mut tried = Tried::default();
    of_the_operator(planted, &mut tried).await;
    of_clients(planted, &mut tried).await;
    of_tokens(planted, &mut tried).await;
    of_reports(planted, &mut tried).await;
    of_others(planted, &mut tried).await;
    tried.0
}

async fn of_the_operator(planted: &Planted, tried: &mut Tried) {
    let operator = planted.server.operator().await;
    let field = ("createInstitution", "/plan");
    let new = json!({"name": "x", "plan": bad(field)});
    tried.refuses(field, &operator.post("/admin/v1/institutions", &new).await);
    let institution = format!("/admin/v1/institutions/{}", planted.institution);
    let field = ("changeInstitution", "/plan");
    let change = json!({"plan": bad(field)});
    tried.refuses(field, &put(&operator, Method::PATCH, &institution, &change).await);

    let clients = format!("{institution}/clients");
    let mut new = async |field: Field, more: (&str, Value)| {
        let mut new = json!({"name": "x", "scopes": ["ledger:read"]});
        new[more.0] = more.1;
        tried.refuses(field, &operator.post(&clients, &new).await);
    };
    let field = ("createClient", "/allowed_addresses/*");
    new(field, ("allowed_addresses", json!([bad(field)]))).await;
    let field = ("createClient", "/external/issuer");
    new(field, ("external", json!({"issuer": bad(field), "subject": "x"}))).await;
    let field = ("createClient", "/external/subject");
    new(field, ("external", json!({"issuer": "nowhere", "subject": bad(field)}))).await;
    let field = ("createClient", "/jwks");
    new(field, ("jwks", json!({"keys": [ClientKey::ed25519(&bad(field)).jwk]}))).await;
    let field = ("changeClient", "/allowed_addresses/*");
    let client = format!("/admin/v1/clients/{}", text(&planted.client["client_id"]));
    let change = json!({"allowed_addresses": [bad(field)]});
    tried.refuses(field, &put(&operator, Method::PATCH, &client, &change).await);
}

async fn of_clients(planted: &Planted, tried: &mut Tried) {
    let client = format!("/v1/clients/{}", text(&planted.client["client_id"]));
    let field = ("putAllowedAddresses", "/allowed_addresses/*");
    let change = json!({"allowed_addresses": [bad(field)]});
    let path = format!("{client}/allowed-addresses");
    tried.refuses(field, &put(&planted.system, Method::PUT, &path, &change).await);
    let field = ("addClientKey", "json");
    let key = ClientKey::ed25519(&bad(field)).jwk;
    tried.refuses(field, &planted.system.post(&format!("{client}/keys"), &key).await);
}

async fn of_tokens(planted: &Planted, tried: &mut Tried) {
    let stranger = planted.server.stranger();
    let secret = text(&planted.client["client_secret"]);
    let id = text(&planted.client["client_id"]);
    let ask = |form: &[(&str, &str)]| {
        let form: Vec<_> = [("grant_type", "client_credentials")].iter().chain(form).copied().collect();
        stranger.request(Method::POST, "/oauth2/token").form(&form)
    };
    let field = ("issueToken", "/scope");
    let payload = bad(field);
    let request = ask(&[("scope", payload.as_str())]).basic_auth(&id, Some(&secret));
    tried.refuses(field, &stranger.send(request).await);
    let field = ("issueToken", "@DPoP");
    let request = ask(&[]).basic_auth(&id, Some(&secret)).header("dpop", bad(field));
    tried.refuses(field, &stranger.send(request).await);
    let assertion = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    let field = ("issueToken", "/client_assertion");
    let payload = bad(field);
    let request = ask(&[("client_assertion_type", assertion), ("client_assertion", payload.as_str())]);
    tried.refuses(field, &stranger.send(request).await);
    let field = ("issueToken", "/client_assertion_type");
    let payload = bad(field);
    let request = ask(&[("client_assertion_type", payload.as_str()), ("client_assertion", "x.y.z")]);
    tried.refuses(field, &stranger.send(request).await);
}

async fn of_reports(planted: &Planted, tried: &mut Tried) {
    let system = &planted.system;
    let field = ("createReport", "/period");
    let new = json!({"type": "account-statement", "period": bad(field)});
    tried.refuses(field, &system.post("/v1/reports", &new).await);
    let field = ("createReport", "/type");
    let new = json!({"type": bad(field), "period": "2026-02"});
    tried.refuses(field, &system.post("/v1/reports", &new).await);
    let field = ("createReportSchedule", "/from");
    let new = json!({"type": "account-statement", "every": "month", "from": bad(field)});
    tried.refuses(field, &system.post("/v1/report-schedules", &new).await);
    let field = ("createReportSchedule", "/type");
    let new = json!({"type": bad(field), "every": "month"});
    tried.refuses(field, &system.post("/v1/report-schedules", &new).await);
    let report = format!("/v1/reports/{}", planted.report);
    let field = ("createReportAdjustment", "/figure");
    let new = json!({"figure": bad(field), "amount": "1.00", "reason": "x"});
    tried.refuses(field, &system.post(&format!("{report}/adjustments"), &new).await);
    let field = ("createReportDelivery", "/delivered_at");
    let new = json!({"recipient": "x", "channel": "x", "delivered_at": bad(field)});
    tried.refuses(field, &system.post(&format!("{report}/versions/1/deliveries"), &new).await);
}

async fn of_others(planted: &Planted, tried: &mut Tried) {
    let system = &planted.system;
    let field = ("createGrant", "/email");
    let new = json!({
        "email": bad(field), "scopes": ["ledger:read"], "until": "2099-01-01T00:00:00Z", "purpose": "x",
    });
    tried.refuses(field, &system.post("/v1/grants", &new).await);
    let field = ("planRequests", "/requests/*/operation");
    let new = json!({"requests": [{"operation": bad(field), "count": 1}]});
    tried.refuses(field, &system.post("/v1/limits/plan", &new).await);
    // No address that a page could lead to: https alone, whatever else is told.
    let field = ("changeWebhook", "/url");
    let path = format!("/v1/webhooks/{}", planted.webhook);
    for address in [bad(field), payload::of(field, 3), "data:text/html,x".to_owned()] {
        tried.refuses(field, &put(system, Method::PATCH, &path, &json!({"url": address})).await);
        tried.refuses(field, &system.post("/v1/webhooks", &json!({"url": address})).await);
    }
    // One that is none is passed over, and the service makes its own.
    let field = ("any operation", "X-Request-Id");
    let request = system.request(Method::GET, "/v1/institution").header("x-request-id", bad(field));
    let answer = system.send(request).await;
    assert!(answer.header("x-request-id").unwrap().starts_with("req_"), "{:?}", answer.headers);
    tried.0.insert(field);
}
