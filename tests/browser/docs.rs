//! The API reference.

use crate::support::{Server, browser::Browser};

#[tokio::test]
async fn the_reference_can_be_used_by_everybody_and_complains_of_nothing() {
    let browser = Browser::open().await;
    browser.go(&format!("{}/docs", Server::shared().base_url())).await;
    assert!(browser.text("h1").await.contains("Veritrail"));
    let found = browser.axe().await;
    assert!(found.is_empty(), "{}", found.join("\n"));
    // In the other colours and widths, two operations of each group stand for the rest: all are made alike.
    browser
        .run("document.querySelectorAll('.group article:nth-of-type(n + 3)').forEach((it) => it.remove())")
        .await;
    browser.check_access().await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
    browser.close().await;
}
