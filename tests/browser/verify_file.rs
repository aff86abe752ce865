//! `/verify/offline`: the page as one file, from a disk, with no network.

use std::time::Duration;

use crate::{
    browser::verify::{choose, testdata, testdata_key, verdict},
    support::{Server, browser::Browser},
};

#[tokio::test]
async fn the_page_works_as_a_file_with_the_network_cut() {
    let url = Server::shared().base_url();
    let answer = Server::shared().stranger().get("/verify/offline").await;
    let disposition = answer.header("content-disposition");
    assert_eq!(disposition, Some("attachment; filename=\"veritrail-verify.html\""));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("veritrail-verify.html");
    let browser = Browser::open().await;
    browser.download_to(folder.path()).await;
    browser.go(&format!("{url}/verify")).await;
    browser.click("a[download]").await;
    while !file.exists() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(std::fs::read(&file).unwrap(), answer.body.as_slice());
    browser.requests().await;
    browser.offline().await;
    browser.go(&format!("file://{}", file.display())).await;
    browser.fill("#keys", &testdata_key()).await;
    for (name, level) in [("good.zip", "SIGNED"), ("altered.zip", "REFUSED"), ("reports/good.zip", "SIGNED")]
    {
        choose(&browser, &testdata().join(name)).await;
        assert_eq!(browser.text("#level").await, level, "{name}");
    }
    choose(&browser, &testdata().join("rewritten.zip")).await;
    assert_eq!(verdict(&browser).await["fault"], "rewritten");
    browser.check_access().await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
    let asked = browser.requests().await;
    assert!(asked.iter().all(|request| !request.url.starts_with("http")), "{asked:?}");
    browser.close().await;
}
