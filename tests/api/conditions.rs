//! `If-None-Match`: what a caller has is not sent again, and that it asked is recorded all the same.

use reqwest::{Method, header};

use crate::support::{Ledger, Server, data};

#[tokio::test]
async fn what_did_not_change_is_not_sent_again_and_the_look_is_recorded() {
    let server = Server::shared();
    let (system, feeder) = (server.system(0).await, server.feeder().await);
    let line = data::transaction(&data::unique("tagged"));
    let account = line["account"].as_str().unwrap();
    let result = feeder.deliver(server.institution(0), &data::ndjson(std::slice::from_ref(&line))).await.ok();
    let id = result["records"][0]["id"].as_str().unwrap();
    for path in [
        format!("/v1/transactions/{id}"),
        format!("/v1/transactions/{id}?fields=amount"),
        format!("/v1/transactions/{id}/versions"),
        format!("/v1/transactions?reference={}", line["reference"].as_str().unwrap()),
        format!("/v1/accounts?reference={account}"),
        format!("/v1/ledger/entries?subject={id}"),
    ] {
        let first = system.get(&path).await;
        let tag = first.header("etag").unwrap_or_else(|| panic!("{path}")).to_owned();
        let request_id = data::unique("again");
        let ask = |tag: &str| {
            let request = system.request(Method::GET, &path).header(header::IF_NONE_MATCH, tag);
            system.send(request.header("x-request-id", &request_id))
        };
        let again = ask(&tag).await;
        assert_eq!((again.status.as_u16(), again.body.len()), (304, 0), "{path}");
        assert_eq!(again.header("etag"), Some(tag.as_str()));
        let found = Ledger::of(server).naming(server.institution(0), &request_id).await;
        assert_eq!(Ledger::access(&found, &request_id)["status"], 304, "{path}");
        assert_eq!(ask("W/\"another\"").await.status, 200, "{path}");
    }
    let path = format!("/v1/transactions/{id}");
    let tag = system.get(&path).await.header("etag").unwrap().to_owned();
    let revised = data::revised(&line, "correction", "the same, once more");
    feeder.deliver(server.institution(0), &data::ndjson(&[revised])).await.ok();
    let request = system.request(Method::GET, &path).header(header::IF_NONE_MATCH, tag);
    assert_eq!(system.send(request).await.status, 200, "a correction changes the tag");
}
