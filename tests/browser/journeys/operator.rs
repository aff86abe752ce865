//! The operator comes from today to an institution's records and its audit.

use super::Walk;
use crate::browser::stage::Stage;

async fn looks_after_an_institution(scripts: bool) {
    let server = &Stage::shared().await.server;
    let name = server.demo["institutions"][0]["name"].as_str().unwrap();
    let walk = Walk::of(server, "operator", scripts).await;
    walk.follow_in_row(name, "Transactions").await;
    walk.arrive("Transactions").await;
    let edge = walk.text("aside.edge").await;
    assert!(edge.starts_with(&format!("You see {name} as the provider's operator.")), "{edge}");
    assert!(walk.count("main tbody tr").await > 50);
    // The way on keeps the institution.
    walk.go_to("Audit").await;
    assert!(walk.url().await.ends_with(&format!("institution={}", server.institution(0))));
    walk.follow("nav", "Looks").await;
    walk.arrive("Who looked at what").await;
    let looks = walk.text("main tbody").await;
    assert!(looks.contains("GET /v1/"), "{looks}");
    walk.end().await;
}

#[tokio::test]
async fn an_operator_comes_to_an_institutions_transactions_and_audit() {
    tokio::join!(looks_after_an_institution(true), looks_after_an_institution(false));
}
