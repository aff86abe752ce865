//! What a regulator is told of their own grants: by the API, and on the log of their home.

use serde_json::Value;

use crate::support::{Ledger, Server};

const DAY_S: i64 = 24 * 3600;
const PATH: &str = "/v1/granted";

/// Looks at one's grants that are on a log, by who looked.
async fn looks(ledger: &Ledger, log: &str) -> Vec<String> {
    let found = ledger.naming(log, PATH).await;
    let accesses = found.iter().filter(|entry| entry.kind == "access");
    let all = accesses.flat_map(|entry| entry.payload["accesses"].as_array().unwrap().clone());
    let those = all.filter(|look| look["path"] == PATH);
    those.map(|look| look["actor"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_regulator_sees_own_grants_of_every_institution_and_the_look_is_on_the_providers_log() {
    let server = Server::demo(&[]);
    let regulator = server.person("regulator").await;
    let (ledger, names) =
        (Ledger::of(&server), [0, 1].map(|at| server.demo["institutions"][at]["name"].clone()));
    let provider = ledger.provider().await;
    assert!(regulator.page("/reg").await.contains("No grant of yours is live or to come."));
    let mut user = String::new();
    for index in [0, 1] {
        let grant = server.grant(index, &["ledger:read"], DAY_S, "an inspection").await;
        grant["user"].as_str().unwrap().clone_into(&mut user);
    }
    let page = regulator.page("/reg").await;
    for name in &names {
        assert!(page.contains(name.as_str().unwrap()), "{name} in {page}");
    }
    // An institution that is looked at changes nothing.
    let here = format!("/reg?institution={}", server.institution(0));
    assert!(regulator.page(&here).await.contains(names[1].as_str().unwrap()));
    assert_eq!(looks(&ledger, &provider).await, vec![user; 3]);
    for index in [0, 1] {
        assert!(looks(&ledger, server.institution(index)).await.is_empty());
    }
}

#[tokio::test]
async fn grants_are_told_to_nobody_else_and_each_refusal_is_recorded() {
    let server = Server::demo(&[]);
    server.grant(0, &["ledger:read"], DAY_S, "an inspection").await;
    let ledger = Ledger::of(&server);
    let (home, provider) = (server.institution(0).to_owned(), ledger.provider().await);
    for (role, log) in
        [("compliance-officer", &home), ("integration-engineer", &home), ("operator", &provider)]
    {
        let person = server.person(role).await;
        assert_eq!(person.open("/reg").await.status(), 403, "{role}");
        let refused = ledger.naming(log, PATH).await;
        let denials =
            refused.iter().flat_map(|entry| entry.payload["denials"].as_array().into_iter().flatten());
        let last: Option<&Value> = denials.last();
        assert_eq!(last.unwrap()["code"], "insufficient_scope", "{role}: {refused:?}");
    }
    // No client is given the scope.
    let new = serde_json::json!({"name": "curious", "scopes": ["granted:read"]});
    let path = format!("/admin/v1/institutions/{home}/clients");
    server.operator().await.post(&path, &new).await.problem(422, "refused");
    server.system(0).await.get(PATH).await.problem(403, "insufficient_scope");
}
