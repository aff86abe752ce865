//! Rate limits: what is too much is told, recorded, and costs nothing.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Caller, Ledger, Server, data};

/// An institution on a plan of its own, and its id.
pub(super) async fn institution(quotas: [u32; 4]) -> (String, String) {
    let operator = Server::shared().operator().await;
    let plan = data::unique("tiny");
    let [client_per_second, client_burst, institution_per_second, institution_burst] = quotas;
    let quotas = json!({
        "client_per_second": client_per_second, "client_burst": client_burst,
        "institution_per_second": institution_per_second, "institution_burst": institution_burst,
    });
    let path = format!("/admin/v1/plans/{plan}");
    operator.send(operator.request(Method::PUT, &path).json(&quotas)).await.ok();
    let made = operator.post("/admin/v1/institutions", &json!({"name": plan, "plan": plan})).await.ok();
    (made["id"].as_str().unwrap().to_owned(), plan)
}

async fn client(institution: &str) -> Caller {
    let server = Server::shared();
    let path = format!("/admin/v1/institutions/{institution}/clients");
    let new = json!({"name": "x", "scopes": ["institution:read", "evidence:read"]});
    let made: Value = server.operator().await.post(&path, &new).await.ok();
    server.caller(&made, None).await
}

/// Units left, and the limit's name.
fn standing(answer: &Answer) -> (String, u64) {
    let field = answer.header("ratelimit").unwrap();
    let (policy, rest) = field.split_once(";r=").unwrap();
    let (remaining, _) = rest.split_once(";t=").unwrap();
    (policy.trim_matches('"').to_owned(), remaining.parse().unwrap())
}

async fn look(caller: &Caller) -> Answer {
    caller.get("/v1/institution").await
}

#[tokio::test]
async fn beyond_the_burst_a_client_waits_and_the_refusals_cost_nothing() {
    let (institution, _) = institution([1, 3, 1000, 1000]).await;
    let caller = client(&institution).await;
    for left in [2, 1, 0] {
        let answer = look(&caller).await;
        assert_eq!(answer.header("ratelimit-policy"), Some("\"client\";q=3;w=3"));
        // A unit comes back each second, and a second may go by.
        assert!((left..=left + 1).contains(&standing(&answer).1), "{:?}", answer.headers);
        answer.ok();
    }
    let refused = loop {
        let answer = look(&caller).await;
        if !answer.status.is_success() {
            break answer;
        }
    };
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert_eq!(wait, 1);
    assert_eq!(standing(&refused), ("client".to_owned(), 0));
    let request = refused.header("x-request-id").unwrap().to_owned();
    let problem = refused.problem(429, "quota_exceeded");
    assert_eq!(problem["type"], "https://iana.org/assignments/http-problem-types#quota-exceeded");
    let found = Ledger::of(Server::shared()).naming(&institution, &request).await;
    let denial = Ledger::denial(&found, &request);
    assert_eq!((&denial["actor"], &denial["status"]), (&json!(caller.client_id), &json!(429)));

    for _ in 0..20 {
        look(&caller).await;
    }
    // Had those cost anything, this would still be refused.
    tokio::time::sleep(Duration::from_secs(wait)).await;
    look(&caller).await.ok();
}

#[tokio::test]
async fn clients_of_an_institution_share_its_limit_and_no_others() {
    let (first, _) = institution([1, 100, 1, 4]).await;
    let (second, _) = institution([1, 100, 1, 4]).await;
    let (one, two, other) = (client(&first).await, client(&first).await, client(&second).await);
    for caller in [&one, &two, &one, &two] {
        assert_eq!(standing(&look(caller).await).0, "institution");
    }
    let refused = loop {
        let answer = look(&one).await;
        if answer.status == 429 {
            break answer;
        }
    };
    assert_eq!(standing(&refused), ("institution".to_owned(), 0));
    look(&other).await.ok();
}

#[tokio::test]
async fn a_bundle_costs_twenty_reads() {
    let (institution, _) = institution([1, 100, 1000, 1000]).await;
    let caller = client(&institution).await;
    let before = standing(&look(&caller).await).1;
    let ordered = caller.post("/v1/evidence-bundles", &json!({})).await;
    let after = standing(&ordered).1;
    ordered.ok();
    assert!((18..=20).contains(&(before - after)), "{before} left, then {after}");
}

#[tokio::test]
async fn a_changed_plan_counts_from_the_next_request_on() {
    let server = Server::shared();
    let operator = server.operator().await;
    let (institution, plan) = institution([1, 1, 1000, 1000]).await;
    let caller = client(&institution).await;
    while look(&caller).await.status != 429 {}
    let wider = json!({
        "client_per_second": 1, "client_burst": 50, "institution_per_second": 1000, "institution_burst": 1000,
    });
    operator.send(operator.request(Method::PUT, &format!("/admin/v1/plans/{plan}")).json(&wider)).await.ok();
    let answer = look(&caller).await;
    assert_eq!(answer.header("ratelimit-policy"), Some("\"client\";q=50;w=50"));
    answer.ok();
    let path = format!("/admin/v1/institutions/{institution}");
    operator.send(operator.request(Method::PATCH, &path).json(&json!({"plan": "standard"}))).await.ok();
    let moved = look(&caller).await;
    assert_ne!(moved.header("ratelimit-policy"), Some("\"client\";q=50;w=50"));
    moved.ok();
}

#[tokio::test]
async fn every_answer_says_where_the_caller_stands() {
    let server = Server::shared();
    let system = server.system(0).await;
    for path in ["/v1/institution", "/v1/nowhere", "/openapi.json", "/v1/transactions?limit=0"] {
        let answer = system.get(path).await;
        let policy =
            answer.header("ratelimit-policy").unwrap_or_else(|| panic!("{path}: no RateLimit-Policy"));
        assert_eq!(standing(&answer).0, policy.split('"').nth(1).unwrap(), "{path}");
    }
}
