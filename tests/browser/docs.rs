//! The API reference.

use crate::support::{Server, browser::Browser};

#[tokio::test]
async fn the_reference_can_be_used_by_everybody_and_complains_of_nothing() {
    let browser = Browser::open().await;
    browser.go(&format!("{}/docs", Server::shared().base_url())).await;
    assert!(browser.text("h1").await.contains("Veritrail"));
    browser.check_access().await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
    browser.close().await;
}
