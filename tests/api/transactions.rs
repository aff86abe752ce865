//! `/v1/transactions`.

use crate::support::{Server, data};

#[tokio::test]
async fn what_was_delivered_is_found_and_has_a_receipt() {
    let server = Server::shared();
    let reference = data::unique("found");
    let line = data::ndjson(&[data::transaction(&reference)]);
    let delivered = server.feeder().await.deliver(server.institution(0), &line).await;
    assert_eq!(delivered.status, 201);
    let receipt = delivered.receipt();
    let delivered = delivered.ok();
    assert_eq!(delivered["added"], 1);
    assert_eq!(delivered["records"][0]["seq"], receipt.1.to_string());

    let system = server.system(0).await;
    let page = system.get(&format!("/v1/transactions?reference={reference}")).await.ok();
    assert_eq!(page["data"][0]["id"], delivered["records"][0]["id"]);
    assert_eq!(page["data"][0]["amount"]["amount"], "12.34");
}
