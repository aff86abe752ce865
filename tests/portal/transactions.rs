//! Transactions in the portal: the list is what the API lists, and one leads to its proof and its versions.

use crate::support::{Person, Server, data, grants::in_s};

async fn delivered(server: &Server, line: &serde_json::Value) -> String {
    let result = server
        .feeder()
        .await
        .deliver(server.institution(0), &data::ndjson(std::slice::from_ref(line)))
        .await
        .ok();
    result["records"][0]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_compliance_officer_finds_a_transaction_and_sees_all_that_is_known_of_it() {
    let server = Server::shared();
    let reference = data::unique("seen");
    let mut line = data::transaction(&reference);
    line["remittance_information"] = "<script>alert(1)</script> =1+1".into();
    line["amount"] = serde_json::json!({"amount": "1234567.80", "currency": "EUR"});
    let id = delivered(server, &line).await;
    let officer = server.person("compliance-officer").await;

    let list = officer.page(&format!("/transactions?reference={reference}")).await;
    assert!(list.contains(&format!("/transactions/{id}")), "{list}");
    assert!(list.contains("1\u{202f}234\u{202f}567.80"), "{list}");
    assert!(!list.contains("<script>alert"), "{list}");
    assert!(list.contains("&lt;script&gt;alert(1)&lt;/script&gt; =1+1"), "{list}");

    let page = officer.page(&format!("/transactions/{id}")).await;
    for shown in [id.as_str(), &reference, "first delivery", "No report counts it.", "data-proof="] {
        assert!(page.contains(shown), "{shown}: {page}");
    }
}

#[tokio::test]
async fn a_look_at_a_page_is_on_the_ledger_as_the_persons() {
    let server = Server::shared();
    let id = delivered(server, &data::transaction(&data::unique("looked"))).await;
    let before = in_s(-5);
    let officer = server.person("compliance-officer").await;
    officer.page(&format!("/transactions/{id}")).await;

    let system = server.system(0).await;
    let entries = system.pages(&format!("/v1/ledger/entries?kind=access&at[gte]={before}")).await;
    let mut looks = Vec::new();
    for entry in entries.iter() {
        let seq = entry["entry"]["seq"].as_str().unwrap();
        looks.push(system.get(&format!("/v1/ledger/entries/{seq}")).await.ok()["payload"].to_string());
    }
    let wanted = format!("/v1/transactions/{id}?proof=inclusion");
    let look = looks.iter().find(|payload| payload.contains(&wanted)).expect("the look is recorded");
    assert!(look.contains("\"actor\":\"usr_"), "{look}");
}

#[tokio::test]
async fn a_filter_that_cannot_be_is_explained_and_kept() {
    let officer = Server::shared().person("compliance-officer").await;
    let page = officer.page("/transactions?amount%5Bgte%5D=ten&counterparty_name%5Bcontains%5D=Smith").await;
    assert!(page.contains("role=\"alert\""), "{page}");
    assert!(page.contains("value=\"ten\"") && page.contains("value=\"Smith\""), "{page}");
}

#[tokio::test]
async fn what_fits_nothing_says_what_to_do() {
    let officer = Server::shared().person("compliance-officer").await;
    let page = officer.page("/transactions?reference=nothing-has-this").await;
    assert!(page.contains("No transaction fits."), "{page}");
}

#[tokio::test]
async fn a_list_is_exported_as_it_is_filtered() {
    let server = Server::shared();
    let reference = data::unique("csv");
    delivered(server, &data::transaction(&reference)).await;
    let officer = server.person("compliance-officer").await;
    let file = officer.open(&format!("/transactions.csv?reference={reference}")).await;
    assert_eq!(file.status(), 200);
    assert!(file.headers()["content-disposition"].to_str().unwrap().starts_with("attachment"));
    let text = file.text().await.unwrap();
    assert_eq!(text.lines().count(), 2, "{text}");
    assert!(text.contains(&reference), "{text}");
}

#[tokio::test]
async fn an_engineer_sees_no_records_and_a_stranger_is_led_to_sign_in() {
    let server = Server::shared();
    let engineer = server.person("integration-engineer").await;
    let refused = engineer.open("/transactions").await;
    assert_eq!(refused.status(), 403);
    assert!(refused.text().await.unwrap().contains("You may not see this"));

    let stranger = Person::nobody(server).open("/transactions?currency=EUR").await;
    assert_eq!(stranger.status(), 303);
    assert_eq!(stranger.headers()["location"], "/sign-in?next=%2Ftransactions%3Fcurrency%3DEUR");
}
